package clearing

import (
	"context"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Breaks lists what the tie-out leaves between bank and books (未达账项).
func (t *TieOut) Breaks() []exceptions.Break {
	var all []exceptions.Break
	for _, part := range []struct {
		kind  exceptions.BreakType
		items []TieItem
	}{
		{exceptions.BookReceivedOnly, t.ReceivedNotByBank}, {exceptions.BookPaidOnly, t.PaidNotByBank},
		{exceptions.BankReceivedOnly, t.BankReceivedOnly}, {exceptions.BankPaidOnly, t.BankPaidOnly},
	} {
		for _, it := range part.items {
			all = append(all, exceptions.Break{Type: part.kind, Subject: it.Subject, Amount: it.Amount, Since: it.Date})
		}
	}
	if t.Difference != 0 {
		all = append(all, exceptions.Break{Type: exceptions.MasterBreak, Amount: t.Difference.Abs(), Since: t.Date})
	}
	return all
}

// Breaks lists every break that was open at the cut of the date: exceptions, and
// the tie-out's items that no exception is about. A day without a statement has
// no tie-out; its exceptions are listed all the same.
func (e *Engine) Breaks(ctx context.Context, date bizdate.Date) (all []exceptions.Break, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err := exceptions.AsOf(ctx, tx, e.Book.ID(), date)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, x := range list {
			known[x.Subject] = true
			if x.Kind == exceptions.Status { // about a payout, for the sake of the bank line that it names
				known[x.Theirs] = true
			}
			all = append(all, exceptions.BreakOf(x))
		}
		t, err := e.TieOut(ctx, tx, date)
		if fault.CodeOf(err) == "tieout.statement" {
			return nil
		}
		if err != nil {
			return err
		}
		for _, b := range t.Breaks() {
			if !known[b.Subject] || b.Subject == "" {
				all = append(all, b)
			}
		}
		return nil
	})
	return all, err
}
