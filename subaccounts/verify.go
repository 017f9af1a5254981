package subaccounts

import (
	"bytes"
	"context"
	"slices"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/store"
)

// Problem is one thing that does not hold. Its sentence is that of Code.
type Problem struct {
	Kind  string // voucher, entry, account, item, day, log or audit
	Table string
	ID    string // voucher number where there is one: 2026-02-13/9
	Code  string
	Args  []any
}

// Counts says what was looked at.
type Counts struct{ Vouchers, Entries, Accounts, Events int64 }

// problemsMax bounds the list: one changed account name touches every voucher
// of the account.
const problemsMax = 1000

// verifyEntries is how many entries are compared in one pass: 40 bytes each
// and 61 per voucher, together 120 MB at three entries a voucher. Another pass
// costs one more scan that brings no rows out of the database.
const verifyEntries = 2_000_000

// verifier re-derives the ledger from its entries.
type verifier struct {
	book     *Book
	tx       *store.Tx
	entryMax int
	problems []Problem
	counts   Counts

	accounts map[int64]*verifiedAccount
	ids      []int64 // of accounts, ascending
	days     map[bizdate.Date]*verifiedDay
}

// verifiedAccount is an account as its row and the chart have it.
type verifiedAccount struct {
	id, balance, seq int64
	key              Key
}

// verifiedDay is the totals of a date as they follow from vouchers and entries.
type verifiedDay struct {
	last, count   int64 // voucher number of the last one, how many
	debit, credit int64
	known, closed bool
}

// Verify re-derives everything from the entries: every voucher's leaf from its
// columns and entries, sums, numbers, sequences, running balances, account and
// item balances, day rows and totals, the inner nodes of the log, and members
// and bindings from the audit log. It reads only. Progress, which may be nil,
// is told the code of each stage.
//
// Whoever can write the database can also recompute the hashes: that is found
// by comparing the roots with those of a seal that is kept elsewhere.
func (b *Book) Verify(ctx context.Context, tx *store.Tx, progress func(string)) ([]Problem, Counts, error) {
	return b.verify(ctx, tx, progress, verifyEntries)
}

func (b *Book) verify(ctx context.Context, tx *store.Tx, progress func(string), entryMax int) ([]Problem, Counts, error) {
	v := &verifier{book: b, tx: tx, entryMax: entryMax, accounts: map[int64]*verifiedAccount{}, days: map[bizdate.Date]*verifiedDay{}}
	if progress == nil {
		progress = func(string) {}
	}
	if err := v.readAccounts(ctx); err != nil {
		return nil, v.counts, err
	}
	nodes, err := audit.ReadNodes(ctx, tx, "voucher_log_nodes", b.id)
	if err != nil {
		return nil, v.counts, err
	}
	r := &voucherRange{next: 1}
	for first := true; r.next > 0; first = false {
		progress("ledger.verify.vouchers")
		if err := v.readRange(ctx, r, r.next); err != nil {
			return nil, v.counts, err
		}
		progress("ledger.verify.entries")
		if first {
			err = v.readEntries(ctx, r)
		} else {
			err = v.readEntriesAgain(ctx, r)
		}
		if err != nil {
			return nil, v.counts, err
		}
		progress("ledger.verify.leaves")
		if err := v.checkVouchers(ctx, r, nodes); err != nil {
			return nil, v.counts, err
		}
	}
	for _, n := range nodes.Wrong() {
		v.report("log", "voucher_log_nodes", n, "ledger.verify.node", n)
	}
	if err := v.checkHead(ctx); err != nil {
		return nil, v.counts, err
	}
	progress("ledger.verify.audit")
	err = v.checkAudit(ctx)
	return v.problems, v.counts, err
}

func (v *verifier) report(kind, table, id, code string, args ...any) {
	switch {
	case len(v.problems) < problemsMax:
		v.problems = append(v.problems, Problem{kind, table, id, code, args})
	case len(v.problems) == problemsMax:
		v.problems = append(v.problems, Problem{kind, table, "", "ledger.verify.more", []any{problemsMax}})
	}
}

func (v *verifier) day(date bizdate.Date) *verifiedDay {
	d := v.days[date]
	if d == nil {
		d = &verifiedDay{}
		v.days[date] = d
	}
	return d
}

// readAccounts reads the rows of accounts and dates.
func (v *verifier) readAccounts(ctx context.Context) error {
	err := v.tx.Each(ctx, "SELECT account_id, code, owner, balance_fen, last_seq FROM accounts WHERE custody_id = ? ORDER BY account_id",
		[]any{v.book.id}, func(scan func(...any) error) error {
			a := &verifiedAccount{}
			if err := scan(&a.id, &a.key.Code, &a.key.Owner, &a.balance, &a.seq); err != nil {
				return err
			}
			if checkKey(a.key, chartOf(a.key.Code)) != nil {
				v.report("account", "accounts", a.key.String(), "ledger.verify.account_chart", a.key)
			}
			v.accounts[a.id] = a
			v.ids = append(v.ids, a.id)
			v.counts.Accounts++
			return nil
		})
	if err != nil {
		return err
	}
	days, err := v.book.Days(ctx, v.tx)
	for _, d := range days {
		day := v.day(d.Date)
		day.known, day.closed = true, d.Closed
	}
	return err
}

// checkHead compares the totals of dates and the head of the books.
func (v *verifier) checkHead(ctx context.Context) error {
	days, err := v.book.Days(ctx, v.tx)
	if err != nil {
		return err
	}
	for _, d := range days {
		got := v.days[d.Date]
		if int64(d.Vouchers) != got.last || got.last != got.count || int64(d.Debit) != got.debit || int64(d.Credit) != got.credit {
			v.report("day", "ledger_days", d.Date.String(), "ledger.verify.day_total",
				d.Date, d.Vouchers, d.Debit, got.count, fen(got.debit))
		}
	}
	var unknown []bizdate.Date
	for date, d := range v.days {
		if !d.known {
			unknown = append(unknown, date)
		}
	}
	slices.Sort(unknown)
	for _, date := range unknown {
		v.report("day", "ledger_days", date.String(), "ledger.verify.day_unknown", date)
	}
	var head struct {
		Vouchers int64 `db:"voucher_count"`
		Accounts int64 `db:"account_count"`
	}
	err = v.tx.Get(ctx, &head, "SELECT voucher_count, account_count FROM custodies WHERE custody_id = ?", v.book.id)
	if err != nil {
		return err
	}
	if head.Vouchers != v.counts.Vouchers {
		v.report("log", "custodies", "", "ledger.verify.head", head.Vouchers, v.counts.Vouchers)
	}
	highest := int64(0)
	if n := len(v.ids); n > 0 {
		highest = v.ids[n-1]
	}
	if head.Accounts != highest || head.Accounts != int64(len(v.ids)) {
		v.report("account", "custodies", "", "ledger.verify.account_count", head.Accounts, highest)
	}
	return nil
}

// checkAudit compares members, bindings and regions with the audit log, and the log with itself.
func (v *verifier) checkAudit(ctx context.Context) error {
	all, events, err := audit.VerifyLog(ctx, v.tx, v.book.id)
	if err != nil {
		return err
	}
	v.counts.Events = events
	for _, table := range []audit.Table{membersAudit, bindingsAudit, regionsAudit, statesAudit, identitiesAudit} {
		findings, _, err := table.Verify(ctx, v.tx, v.book.id)
		if err != nil {
			return err
		}
		all = append(all, findings...)
	}
	for _, f := range all {
		v.report("audit", f.Table, f.Key, f.Code, f.Table, f.Key)
	}
	return nil
}

// lines returns how many entries a legs column names.
func lines(legs []byte) int {
	if len(legs) == 0 {
		return 0
	}
	return bytes.Count(legs, []byte{' '}) + 1
}
