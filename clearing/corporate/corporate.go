// Package corporate proves that head office never got members' money into its own
// account: the check for unlicensed clearing (二清). A head office that collects
// for others and can move that money to itself clears without a licence,
// whatever its contracts say. So only its own revenue, withdrawn from 2301, may
// be paid to its corporate account (对公户), and this package looks for anything else
// in four places that do not depend on each other:
//
//	instructions  no payout to a member names the corporate account
//	bindings      no member is bound to it
//	the bank      every debit to it is a withdrawal of head office (E8c)
//	the ledger    every withdrawal of head office came out of 2301 alone (E8b),
//	              and money left the bank account by known events only
//
//	report, err := corporate.Check(ctx, tx, book, "6222000000009999", from, to)
//	fmt.Print(report.Text(lang.ZH))
package corporate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// ways are the events by which money may leave the bank account, and who is paid
// by them; E17 takes back in red what had come in by mistake.
var ways = map[string]string{
	"E5b":  "corporate.members",
	"E8c":  "corporate.head_office",
	"E9e":  "corporate.payers",
	"E12c": "corporate.authorities",
	"E15":  "corporate.verification",
	"E22d": "corporate.customers",
	"E3h":  "corporate.channels",
	"E8d":  "corporate.bank",
	"E8e":  "corporate.bank",
	"E17":  "corporate.reversals",
}

// headOffice is the owner of head office's own withdrawals in 2201.
const headOffice = "HQ"

// ownWithdrawal is the one event that pays the corporate account.
const ownWithdrawal = "E8c"

// Way is what left the bank account by one event.
type Way struct {
	Event  string       `json:"event"`
	Payee  string       `json:"payee"` // code of a text; empty for an event that is no known way
	Count  int          `json:"count"`
	Amount money.Amount `json:"amount_fen"`
}

// Finding is something that should not be. Kind is the code of its text.
type Finding struct {
	Kind    string       `json:"kind"`
	Subject string       `json:"subject"` // serial, bank reference, member or voucher
	Amount  money.Amount `json:"amount_fen"`
}

// Report is the result of the check over accounting dates.
type Report struct {
	From     bizdate.Date `json:"from"`
	To       bizdate.Date `json:"to"`
	Payouts  int          `json:"payouts"` // instructions looked at
	Bindings int          `json:"bindings"`
	Debits   int          `json:"debits"` // lines of the bank looked at
	Ways     []Way        `json:"ways"`
	Findings []Finding    `json:"findings"`
}

// OK reports that nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Check looks at all payouts and bindings, and at the bank's lines and the
// vouchers dated from from to to. Without an account to look for it is
// corporate.account: a check that compares with nothing would always pass.
func Check(ctx context.Context, tx *store.Tx, book *subaccounts.Book, account string, from, to bizdate.Date) (*Report, error) {
	account = Plain(account)
	if account == "" {
		return nil, fault.Invalid("corporate.account")
	}
	c := &check{Report: &Report{From: from, To: to}, ctx: ctx, tx: tx, book: book, account: account, ways: map[string]*Way{}}
	for _, look := range []func() error{c.instructions, c.bindings, c.bank, c.bankAccount, c.withdrawals} {
		if err := look(); err != nil {
			return nil, err
		}
	}
	for _, event := range slices.Sorted(maps.Keys(c.ways)) {
		c.Ways = append(c.Ways, *c.ways[event])
	}
	slices.SortStableFunc(c.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	return c.Report, nil
}

type check struct {
	*Report
	ctx     context.Context
	tx      *store.Tx
	book    *subaccounts.Book
	account string
	ways    map[string]*Way
}

func (c *check) find(kind, subject string, amount money.Amount) {
	c.Findings = append(c.Findings, Finding{kind, subject, amount})
}

// instructions: none but head office's own withdrawal may name the corporate
// account, whether it was sent or not; and that one may name no other.
func (c *check) instructions() error {
	return c.tx.Each(c.ctx, `SELECT serial, kind, account_no, amount_fen FROM payouts WHERE custody_id = ?
		UNION ALL SELECT reference, kind, payee_account, amount_fen FROM payment_orders WHERE custody_id = ? AND serial = ''`,
		[]any{c.book.ID(), c.book.ID()}, func(scan func(...any) error) error {
			var serial, kind, account string
			var amount money.Amount
			if err := scan(&serial, &kind, &account, &amount); err != nil {
				return err
			}
			c.Payouts++
			if (Plain(account) == c.account) != (kind == "HEAD_OFFICE") {
				c.find("corporate.payout", serial, amount)
			}
			return nil
		})
}

// bindings: in force or not, a member bound to the corporate account is a way
// that was, or is, open.
func (c *check) bindings() error {
	return c.tx.Each(c.ctx, "SELECT member, account_no FROM bindings WHERE custody_id = ?", []any{c.book.ID()},
		func(scan func(...any) error) error {
			var member, account string
			if err := scan(&member, &account); err != nil {
				return err
			}
			c.Bindings++
			if Plain(account) == c.account {
				c.find("corporate.binding", member, 0)
			}
			return nil
		})
}

// bank: what really left for the corporate account, also by hand in the bank's
// own page, is a withdrawal that we know and no line more than it.
func (c *check) bank() error {
	type debit struct {
		ref, account, matched string
		amount                money.Amount
	}
	var debits []debit
	err := c.tx.Each(c.ctx, `SELECT bank_ref, counterparty_account, matched_to, amount_fen FROM bank_lines
		WHERE custody_id = ? AND booking_date >= ? AND booking_date <= ? AND amount_fen < 0`, []any{c.book.ID(), c.From, c.To},
		func(scan func(...any) error) error {
			var d debit
			if err := scan(&d.ref, &d.account, &d.matched, &d.amount); err != nil {
				return err
			}
			c.Debits++
			if Plain(d.account) == c.account {
				debits = append(debits, d)
			}
			return nil
		})
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, d := range debits {
		serial, known := strings.CutPrefix(d.matched, ownWithdrawal+":")
		if known {
			v, found, err := c.book.VoucherByReference(c.ctx, c.tx, ownWithdrawal, serial)
			if err != nil {
				return err
			}
			known = found && out(v) == -d.amount
		}
		if !known || used[serial] {
			c.find("corporate.debit", d.ref, -d.amount)
		}
		used[serial] = true
	}
	return nil
}

// out is what a voucher took from the bank account.
func out(v subaccounts.Voucher) (amount money.Amount) {
	for _, e := range v.Entries {
		if e.Code == "1001" {
			amount -= e.Amount
		}
	}
	return amount
}

// bankAccount: money left by known events only.
func (c *check) bankAccount() error {
	type payment struct { // 16 bytes: a year of 3,000 a day is 18 MB
		voucher int64
		amount  money.Amount
	}
	var payments []payment
	_, _, err := c.book.Entries(c.ctx, c.tx, "1001", "", c.From, c.To, func(e *subaccounts.Entry) error {
		if e.Amount < 0 {
			payments = append(payments, payment{e.VoucherID, -e.Amount})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range payments {
		var event string
		_, err := c.tx.Find(c.ctx, &event, "SELECT event FROM vouchers WHERE custody_id = ? AND voucher_id = ?", c.book.ID(), p.voucher)
		if err != nil {
			return err
		}
		w := c.ways[event]
		if w == nil {
			w = &Way{Event: event, Payee: ways[event]}
			c.ways[event] = w
		}
		w.Count++
		w.Amount += p.amount
		if w.Payee == "" {
			c.find("corporate.event", fmt.Sprintf("%s %d", event, p.voucher), p.amount)
		}
	}
	return nil
}

// withdrawals: what head office set aside to be paid came out of 2301 alone.
// E17 may take back a withdrawal that was not paid.
func (c *check) withdrawals() error {
	var ids []int64
	_, _, err := c.book.Entries(c.ctx, c.tx, "2201", headOffice, c.From, c.To, func(e *subaccounts.Entry) error {
		if e.Amount < 0 {
			ids = append(ids, e.VoucherID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		v, _, err := c.book.VoucherByID(c.ctx, c.tx, id)
		if err != nil {
			return err
		}
		for _, e := range v.Entries {
			if e.Amount > 0 && e.Code != "2301" && v.Event != "E17" {
				c.find("corporate.source", v.Name()+" "+e.Key.String(), e.Amount)
			}
		}
	}
	return nil
}

// Plain is an account number without the spaces and hyphens of its writing.
func Plain(account string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\t' || r == '\u3000' {
			return -1
		}
		return r
	}, account)
}

// Text is the report for people.
func (r *Report) Text(l lang.Lang) string {
	lines := []string{
		lang.Text(l, "corporate.title", r.From, r.To),
		lang.Text(l, "corporate.looked", r.Payouts, r.Bindings, r.Debits),
	}
	for _, w := range r.Ways {
		payee := w.Payee
		if payee == "" {
			payee = "corporate.nobody"
		}
		lines = append(lines, lang.Text(l, "corporate.way", w.Event, lang.Text(l, payee), w.Count, w.Amount.Grouped()))
	}
	for _, f := range r.Findings {
		lines = append(lines, lang.Text(l, f.Kind, f.Subject, f.Amount.Grouped()))
	}
	verdict := "corporate.ok"
	if !r.OK() {
		verdict = "corporate.not_ok"
	}
	return strings.Join(append(lines, lang.Text(l, verdict, len(r.Findings))), "\n") + "\n"
}
