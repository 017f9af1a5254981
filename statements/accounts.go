package statements

import (
	"context"
	"strings"

	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Columns of the sheet of accounts.
const (
	accountOpening = 6 + iota
	accountDebit
	accountCredit
	accountClosing
)

// writeAccounts writes the roll-forward of every account (分户余额变动): opening,
// debits, credits, closing. Balances stand positive on the account's own side.
func (r *report) writeAccounts(context.Context, *store.Tx) error {
	s, err := r.open(form{code: "accounts", frozen: 3, widths: []int{9, 24, 14, 26, 7, 18, 18, 18, 18}})
	if err != nil {
		return err
	}
	r.accounts, r.accountRows = s, map[string]rows{}
	s.heading(r.text("title.accounts"), r.below)
	s.head("code", "account", "owner", "owner_name", "side", "opening", "debit", "credit", "closing")
	first := s.row + 1
	for _, p := range r.positions {
		row := s.row + 1
		range_ := r.accountRows[p.Code]
		if range_.first == 0 {
			range_.first = row
		}
		range_.last = row
		r.accountRows[p.Code] = range_
		s.add(s.cell(lookCentre, p.Code), s.str(accountName(r.lang, p.Code)), s.str(p.Owner), s.str(r.ownerName(p.Owner)),
			s.cell(lookCentre, r.sideName(p)), s.amount(p.shown(p.Opening)), s.amount(p.Debit), s.amount(p.Credit),
			s.formula(lookAmount, p.shown(p.closing()), rollForward(p), at(accountOpening, row), at(accountDebit, row), at(accountCredit, row)))
	}
	if len(r.positions) == 0 {
		s.none()
	}
	r.accountTotals(s, first, s.row)
	return s.close()
}

// rollForward is the formula of a closing balance on the account's own side.
func rollForward(p position) string {
	if p.side() == subaccounts.CreditSide {
		return "%s-%s+%s"
	}
	return "%s+%s-%s"
}

func (r *report) sideName(p position) string {
	if p.side() == subaccounts.CreditSide {
		return r.text("side.credit")
	}
	return r.text("side.debit")
}

// accountTotals proves the sheet: debits equal credits, and all sub-accounts
// less what is in transit and short are the money at the bank.
func (r *report) accountTotals(s *sheet, first, last int) {
	var debit, credit money.Amount
	for _, t := range r.totals {
		s.plus(&debit, t.Debit)
		s.plus(&credit, t.Credit)
	}
	s.total("total.movements", map[int]any{
		accountDebit:  s.formula(lookTotal, debit, "%s", sum(accountDebit, first, last)),
		accountCredit: s.formula(lookTotal, credit, "%s", sum(accountCredit, first, last)),
	})
	t := r.in.TieOut
	lines := []struct {
		code  string
		value money.Amount
		text  string
	}{
		{"proof.liabilities", t.SubAccounts, r.closingOf("2")},
		{"proof.transit", t.InTransit, r.closingOf("1122")},
		{"proof.shortages", t.Shortages, r.closingOf("1402")},
		{"proof.bank", t.Book, r.closingOf("1001")},
	}
	start := s.row + 1
	for _, l := range lines {
		s.total(l.code, map[int]any{accountClosing: s.formula(lookTotal, l.value, "%s", l.text)})
	}
	s.total("proof.difference", map[int]any{accountClosing: s.formula(lookGrand, t.SubAccounts-t.InTransit-t.Shortages-t.Book,
		"%s-%s-%s-%s", at(accountClosing, start), at(accountClosing, start+1), at(accountClosing, start+2), at(accountClosing, start+3))})
}

// closingOf is the text of the sum of closing balances of all codes that begin so.
func (r *report) closingOf(prefix string) string {
	var parts []string
	for _, t := range r.totals {
		if strings.HasPrefix(t.Code, prefix) {
			x := r.accountRows[t.Code]
			parts = append(parts, sum(accountClosing, x.first, x.last))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, "+")
}

// total writes a row of a sum: its name over the columns before the first figure.
func (s *sheet) total(code string, figures map[int]any) int {
	cells := s.span(lookTotalText, s.text(code))
	before := s.width
	for column, value := range figures {
		cells[column-1] = value
		before = min(before, column-1)
	}
	row := s.tall(18, cells...)
	s.merge(row, 1, before)
	return row
}

// none says that a table has no rows; formulas over it are sums of this row.
func (s *sheet) none() int { return s.add(s.span(lookText, s.text("none"))...) }

// Columns of the general ledger.
const (
	ledgerOpening = 4 + iota
	ledgerDebit
	ledgerCredit
	ledgerClosing
)

// writeLedger writes the general ledger (总账): each figure is the sum of the
// code's rows on the sheet of accounts.
func (r *report) writeLedger(context.Context, *store.Tx) error {
	s, err := r.open(form{code: "ledger", frozen: 3, widths: []int{10, 30, 8, 20, 20, 20, 20}})
	if err != nil {
		return err
	}
	r.ledger, r.ledgerRow = s, map[string]int{}
	s.heading(r.text("title.ledger"), r.below)
	s.head("code", "account", "side", "opening", "debit", "credit", "closing")
	for _, t := range r.totals {
		p := position{Code: t.Code}
		x := r.accountRows[t.Code]
		from := func(column int) string {
			return "SUM(" + r.accounts.ref(column, x.first) + ":" + at(column, x.last) + ")"
		}
		row := s.row + 1
		r.ledgerRow[t.Code] = row
		s.add(s.cell(lookCentre, t.Code), s.str(accountName(r.lang, t.Code)), s.cell(lookCentre, r.sideName(p)),
			s.formula(lookAmount, p.shown(t.Opening), "%s", from(accountOpening)),
			s.formula(lookAmount, t.Debit, "%s", from(accountDebit)),
			s.formula(lookAmount, t.Credit, "%s", from(accountCredit)),
			s.formula(lookAmount, p.shown(t.Closing), rollForward(p), at(ledgerOpening, row), at(ledgerDebit, row), at(ledgerCredit, row)))
	}
	if len(r.totals) == 0 {
		s.none()
	}
	r.ledgerTotals(s)
	return s.close()
}

// ledgerTotals closes the general ledger: assets, liabilities, their difference.
func (r *report) ledgerTotals(s *sheet) {
	var debit, credit money.Amount
	rows := map[string][]string{}
	for _, t := range r.totals {
		s.plus(&debit, t.Debit)
		s.plus(&credit, t.Credit)
		class := t.Code[:1]
		rows[class] = append(rows[class], at(ledgerClosing, r.ledgerRow[t.Code]))
	}
	last := s.row
	s.total("total.movements", map[int]any{
		ledgerDebit:  s.formula(lookTotal, debit, "%s", sum(ledgerDebit, 4, last)),
		ledgerCredit: s.formula(lookTotal, credit, "%s", sum(ledgerCredit, 4, last)),
	})
	assets := r.totals.closing("1001") + r.totals.closing("1122") + r.totals.closing("1402")
	a := s.total("total.assets", map[int]any{ledgerClosing: s.formula(lookTotal, assets, "%s", plus(rows["1"]))})
	l := s.total("total.liabilities", map[int]any{ledgerClosing: s.formula(lookTotal, r.totals.liabilities(), "%s", plus(rows["2"]))})
	s.total("total.difference", map[int]any{ledgerClosing: s.formula(lookGrand, assets-r.totals.liabilities(),
		"%s-%s", at(ledgerClosing, a), at(ledgerClosing, l))})
}

func plus(cells []string) string {
	if len(cells) == 0 {
		return "0"
	}
	return strings.Join(cells, "+")
}
