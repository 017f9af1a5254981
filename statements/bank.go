package statements

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// bankRow is a line of the bank statement of the date.
type bankRow struct {
	Row     int          `db:"statement_row_no"`
	Ref     string       `db:"bank_ref"`
	Booked  bizdate.Date `db:"booking_date"`
	Value   bizdate.Date `db:"value_date"`
	Amount  money.Amount `db:"amount_fen"`
	Party   string       `db:"counterparty_name"`
	Account string       `db:"counterparty_account"`
	Remark  string       `db:"remark"`
	Use     string       `db:"use"`
	Matched string       `db:"matched_to"`
	Date    bizdate.Date `db:"matched_date"`
}

// writeBank writes the bank statement (银行流水) of the date with what each line
// was matched to, from its opening to line (1) of the reconciliation. A
// statement that ends elsewhere than the tie-out says is document.tieout.
func (r *report) writeBank(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "bank", frozen: 3, widths: []int{7, 16, 12, 12, 14, 14, 15, 18, 22, 20, 12, 24}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.bank"), r.below)
	s.head("row_no", "bank_ref", "booked", "value_date", "in", "out", "balance", "counterparty", "counterparty_account", "remark", "use", "matched_to")
	opening, loaded, err := r.bankOpening(ctx, tx)
	if err != nil {
		return err
	}
	if !loaded {
		s.merge(s.none(), 1, s.width)
		return s.close()
	}
	var lines []bankRow
	if err := tx.Select(ctx, &lines, bankQuery, r.in.Custody, r.in.Date); err != nil {
		return err
	}
	closing := r.bankLines(s, opening, lines)
	if closing != r.in.TieOut.BankClosing {
		return fault.Broken("document.tieout", "(1)", r.in.TieOut.BankClosing.Grouped(), closing.Grouped())
	}
	r.bankEnd = s.ref(bankBalance, s.row)
	return s.close()
}

// Columns of the sheet of bank lines.
const (
	bankIn = 5 + iota
	bankOut
	bankBalance
)

const bankQuery = `
SELECT COALESCE(b.statement_row_no, 0) AS statement_row_no, b.bank_ref, b.booking_date, b.value_date, b.amount_fen,
       b.counterparty_name, b.counterparty_account, b.remark, b.use, b.matched_to, b.matched_date
FROM bank_lines b JOIN files f ON f.custody_id = b.custody_id AND f.file_id = b.statement_file_id
WHERE b.custody_id = ? AND f.kind = 'statement' AND f.business_date = ? AND f.state = 'LOADED'
ORDER BY f.file_id, b.statement_row_no`

// bankLines writes the lines and returns the balance that they lead to.
func (r *report) bankLines(s *sheet, opening money.Amount, lines []bankRow) money.Amount {
	cells := s.span(lookTotalText, r.text("opening"))
	cells[bankBalance-1] = s.cell(lookTotal, number(opening))
	first := s.add(cells...)
	balance := opening
	var in, out money.Amount
	for _, l := range lines {
		row := s.row + 1
		s.plus(&balance, l.Amount)
		s.plus(&in, max(l.Amount, 0))
		s.plus(&out, max(-l.Amount, 0))
		matched := l.Matched
		if l.Date > r.in.Date {
			matched = "" // found out after the cut
		}
		s.add(s.count(l.Row), s.str(l.Ref), s.day(l.Booked), s.day(l.Value), s.flow(max(l.Amount, 0)), s.flow(max(-l.Amount, 0)),
			s.formula(lookAmount, balance, "%s+%s-%s", at(bankBalance, row-1), at(bankIn, row), at(bankOut, row)),
			s.cell(lookWrap, l.Party), s.str(masked(l.Account)), s.cell(lookWrap, l.Remark), s.cell(lookCentre, r.named("use", l.Use)), s.cell(lookWrap, matched))
	}
	last := s.row
	s.total("total.bank", map[int]any{
		bankIn:  s.formula(lookTotal, in, "%s", sum(bankIn, first, last)),
		bankOut: s.formula(lookTotal, out, "%s", sum(bankOut, first, last)),
		bankBalance: s.formula(lookGrand, balance, "%s+%s-%s",
			at(bankBalance, first), at(bankIn, last+1), at(bankOut, last+1)),
	})
	return balance
}

// bankOpening is the opening balance of the date's statement, and whether there is one.
func (r *report) bankOpening(ctx context.Context, tx *store.Tx) (money.Amount, bool, error) {
	var opening money.Amount
	loaded, err := tx.Find(ctx, &opening, `SELECT b.opening_fen FROM bank_statements b JOIN files f ON f.custody_id = b.custody_id AND f.file_id = b.file_id
		WHERE b.custody_id = ? AND f.kind = 'statement' AND f.business_date = ? AND f.state = 'LOADED' ORDER BY f.file_id LIMIT 1`, r.in.Custody, r.in.Date)
	return opening, loaded, err
}
