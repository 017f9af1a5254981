package clearing

import (
	"context"

	"custody/bankfiles"
	"custody/bankfiles/inspect"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Some forms never print both balances of a statement: OFX has the closing one
// alone, and the answer of a bank's interface shows the balance behind each row,
// so that a day without rows has none. The proof of such a statement is the one
// before it in the books: what that closed with, this one opened with.

// balanceProof is what proves the balances of a statement.
type balanceProof int

const (
	// printed: the file has both, and they add up with the entries.
	printed balanceProof = iota
	// byClosing: it has the closing balance; the opening one follows from the
	// entries and must be what the statement before closed with.
	byClosing
	// byChain: it has neither, nor entries: the balance stays what it was.
	byChain
)

// isFeed reports whether a format is the answer of a bank's own interface (银企直联).
func isFeed(f inspect.Format) bool {
	switch f {
	case inspect.ICBCStatement, inspect.CMBStatement, inspect.CMBUnits, inspect.CMBBreakpoint:
		return true
	}
	return false
}

// Warn hears what a reader doubts. An answer of which more pages are to be asked
// for is a part of a statement: it would balance, and lack rows.
func (s *survey) Warn(f *fault.Fault) {
	if f.Code == "direct.more" {
		s.partial = f
	}
}

// completed fills in the balances that a form never prints.
func (s *survey) completed(h bankfiles.Statement) bankfiles.Statement {
	sound := true
	switch {
	case h.Opening == nil && h.Closing != nil && (s.a.format == inspect.OFX || isFeed(s.a.format)):
		opening, err := h.Closing.Add(h.Sum.Neg())
		if err != nil {
			return h
		}
		h.Opening, h.Balanced, s.a.proof = &opening, &sound, byClosing
	case h.Opening == nil && h.Closing == nil && h.Entries == 0 && isFeed(s.a.format) && s.ours == 1:
		zero := money.FromFen(0)
		h.Opening, h.Closing, h.Balanced, s.a.proof = &zero, &zero, &sound, byChain
	}
	return h
}

// carryForward gives a statement without a printed opening balance the closing
// one of the statement before. A statement whose opening balance nothing proves
// is statement.no-opening.
func (w *Work) carryForward(ctx context.Context, tx *store.Tx, a *arrival) error {
	if a.proof == printed || len(a.days) == 0 {
		return nil
	}
	var before struct {
		To      bizdate.Date `db:"to_date"`
		Closing money.Amount `db:"closing_fen"`
	}
	found, err := tx.Find(ctx, &before, "SELECT to_date, closing_fen FROM bank_statements WHERE custody_id = ? AND to_date < ? ORDER BY to_date DESC LIMIT 1",
		w.Book.ID(), a.from)
	if err != nil {
		return err
	}
	proven := found || a.days[0].Opening == 0 // an account that has just been opened begins with nothing
	if a.proof == byChain {
		// What moved on days between, nobody has said yet.
		proven = found && before.To.AddDays(1) == a.from
		for i := range a.days {
			a.days[i].Opening, a.days[i].Closing = before.Closing, before.Closing
		}
	}
	if !proven {
		return fault.Invalid("statement.no-opening", a.days[0].Opening).In(a.name).AtLine(a.days[0].Line).On("OPBD", "")
	}
	return nil
}
