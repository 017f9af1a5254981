package clearing

import (
	"context"
	"encoding/csv"
	"io"
	"slices"

	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Invoice is what of a month's vouchers is invoiced for or to a member (发票清单):
// a list for the finance system, which knows rates of tax and writes the invoices.
// Commission is what head office earned of the member's orders, less what its
// refunds gave back; Fees are payout and other fees; Earned is commission that the
// member received as a partner of others' orders. Of Earned no tax is withheld until
// it is paid out: Gross, Withheld and Net are those of the month's payouts. Fen.
type Invoice struct {
	Member     string       `json:"code"` // empty: what no member's order or payout brought
	Name       string       `json:"name"`
	Commission money.Amount `json:"commission_fen"`
	Fees       money.Amount `json:"fees_fen"`
	Earned     money.Amount `json:"earned_fen"`
	Gross      money.Amount `json:"gross_fen"`
	Withheld   money.Amount `json:"withheld_fen"`
	Net        money.Amount `json:"net_fen"`
}

// Invoices lists the month of a date by member. Commission and Fees add up to the
// movement of 2302 in the month, but for what head office moved within its own
// accounts (E8a), and for refunds that 2301 or 2305 bore when 2302 had no more.
func (e *Engine) Invoices(ctx context.Context, month bizdate.Date) ([]Invoice, error) {
	list := []Invoice{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		s := invoicing{Engine: e, tx: tx, by: map[string]*Invoice{}}
		days, err := e.Book.Days(ctx, tx)
		if err != nil {
			return err
		}
		first, last := monthOf(month)
		for _, d := range days {
			if d.Date < first || d.Date > last {
				continue
			}
			if err := e.Book.Vouchers(ctx, tx, d.Date, func(v *subaccounts.Voucher) error { return s.add(ctx, *v) }); err != nil {
				return err
			}
		}
		if err := s.withheld(ctx, month); err != nil {
			return err
		}
		for _, code := range slices.Sorted(keysOf(s.by)) {
			i := s.by[code]
			m, _, err := e.Book.GetMember(ctx, tx, code)
			if err != nil {
				return err
			}
			i.Name = m.Name
			list = append(list, *i)
		}
		return nil
	})
	return list, err
}

// invoicing is the list while the month's vouchers are read.
type invoicing struct {
	*Engine
	tx *store.Tx
	by map[string]*Invoice
}

func (s *invoicing) of(code string) *Invoice {
	if s.by[code] == nil {
		s.by[code] = &Invoice{Member: code}
	}
	return s.by[code]
}

// add takes a voucher in; a reversal counts against what it takes back.
func (s *invoicing) add(ctx context.Context, v subaccounts.Voucher) error {
	sign := money.Amount(1)
	if v.Reverses != 0 {
		was, _, err := s.Book.VoucherByID(ctx, s.tx, v.Reverses)
		if err != nil {
			return err
		}
		v, sign = was, -1
	}
	switch v.Event {
	case eventSplit, "E6c", "E6e":
		return s.split(ctx, v, sign)
	case eventRefund:
		return s.refund(ctx, v, sign)
	case "E8a":
		return nil
	}
	fees := credited(v, "2302")
	if fees == 0 {
		return nil
	}
	i := s.of(payer(v))
	if v.Event == "E10a" || v.Event == "E21b" {
		i.Commission += sign * fees
	} else {
		i.Fees += sign * fees
	}
	return nil
}

// credited is what a voucher adds to a credit account.
func credited(v subaccounts.Voucher, code string) (sum money.Amount) {
	for _, e := range v.Entries {
		if e.Code == code {
			sum -= e.Amount
		}
	}
	return sum
}

// payer is the member whose money a voucher moves: of several he who is debited.
func payer(v subaccounts.Voucher) string {
	found := ""
	for _, e := range v.Entries {
		def, _ := subaccounts.Chart(e.Code)
		member := def.Owner == subaccounts.OwnerMember || (e.Code == "2201" || e.Code == "2203") && e.Owner != ownerTax &&
			!slices.Contains([]string{ownerHeadOffice, ownerPayer, ownerConsumer, ownerCourt}, e.Owner)
		if member && (found == "" || e.Amount > 0) {
			found = e.Owner
		}
	}
	return found
}

// split takes a split in: the commission is of the order's member, whoever else in
// the voucher is credited earned it as a partner.
func (s *invoicing) split(ctx context.Context, v subaccounts.Voucher, sign money.Amount) error {
	member, err := s.memberOf(ctx, v)
	if err != nil {
		return err
	}
	s.of(member).Commission += sign * credited(v, "2302")
	for _, e := range v.Entries {
		if e.Code == "2002" && e.Owner != member {
			s.of(e.Owner).Earned -= sign * e.Amount
		}
	}
	return nil
}

// memberOf returns whose order a split divides: the one that the order names, or
// where it is archived the first that the voucher credits.
func (s *invoicing) memberOf(ctx context.Context, v subaccounts.Voucher) (string, error) {
	var member string
	found, err := s.tx.Find(ctx, &member, "SELECT member FROM orders WHERE custody_id = ? AND order_no = ? AND refund_no = ''", s.Book.ID(), orderIn(v.Reference))
	if err != nil || found {
		return member, err
	}
	for _, e := range v.Entries {
		if e.Code == "2002" {
			return e.Owner, nil
		}
	}
	return "", nil
}

// refund takes a refund off by shares, wherever their money came from.
func (s *invoicing) refund(ctx context.Context, v subaccounts.Voucher, sign money.Amount) error {
	d, back, found, err := s.refundShares(ctx, s.tx, v)
	if err != nil {
		return err
	}
	if !found { // archived: what the voucher itself says
		s.of("").Commission += sign * credited(v, "2302")
		return nil
	}
	s.give(d, back, sign)
	return nil
}

func (s *invoicing) give(d flows.Divided, back split.Shares, sign money.Amount) {
	s.of(d.Owners[0]).Commission -= sign * (back.HeadOffice() - back.HeadOfficeFee())
	for i, owner := range d.Owners[1 : len(d.Owners)-1] {
		s.of(owner).Earned -= sign * back.Parts[i+1]
	}
}

// withheld adds what was withheld of the month's payouts to persons.
func (s *invoicing) withheld(ctx context.Context, month bizdate.Date) error {
	list, err := s.withheldIn(ctx, s.tx, month)
	for _, row := range list {
		if row.Back != 0 {
			continue
		}
		i := s.of(row.Member)
		i.Gross, i.Withheld, i.Net = i.Gross+row.Gross, i.Withheld+row.Withheld, i.Net+row.Gross-row.Withheld
	}
	return err
}

// WriteInvoices writes the list as CSV in yuan. A cell that a spreadsheet would
// take for a formula begins with an apostrophe.
func WriteInvoices(out io.Writer, month bizdate.Date, list []Invoice) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"month", "member", "name", "commission", "fees", "partner_commission", "payout_gross", "payout_withheld", "payout_net"}}
	for _, i := range list {
		rows = append(rows, []string{month.String()[:7], inert(i.Member), inert(i.Name), i.Commission.String(), i.Fees.String(), i.Earned.String(),
			i.Gross.String(), i.Withheld.String(), i.Net.String()})
	}
	return w.WriteAll(rows)
}

// inert is a text that no spreadsheet takes for a formula.
func inert(s string) string {
	if s != "" && slices.Contains([]byte("=+-@\t\r|%"), s[0]) {
		return "'" + s
	}
	return s
}
