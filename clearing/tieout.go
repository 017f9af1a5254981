package clearing

import (
	"context"
	"strings"

	"custody/clearing/payout"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// TieOut computes the bank tie-out of a day from its statement, what its matches
// leave open on either side, and the balances at the cut. It is the same whenever
// it is asked after the day's night phase. Before the day is matched its items
// are those that the postings leave.
func (e *Engine) TieOut(ctx context.Context, tx *store.Tx, date bizdate.Date) (*TieOut, error) {
	matched, err := e.bookMatched(ctx, tx, date)
	if err != nil {
		return nil, err
	}
	return e.tieOut(ctx, tx, date, matched)
}

// tieOut computes the tie-out from the matches, or from the postings.
func (e *Engine) tieOut(ctx context.Context, tx *store.Tx, date bizdate.Date, matched bool) (*TieOut, error) {
	t := &TieOut{Date: date}
	found, err := tx.Find(ctx, &t.BankClosing, "SELECT closing_fen FROM bank_statements WHERE custody_id = ? AND to_date = ?", e.Book.ID(), date)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.Wait("tieout.statement", date)
	}
	if err := e.tieBalances(ctx, tx, t); err != nil {
		return nil, err
	}
	if matched {
		err = e.tieOpenLines(ctx, tx, t)
	} else {
		err = firstErr(e.tieBookItems(ctx, tx, t), e.tieBankItems(ctx, tx, t))
	}
	if err != nil {
		return nil, err
	}
	t.AdjustedBank = t.BankClosing + total(t.ReceivedNotByBank) - total(t.PaidNotByBank)
	t.AdjustedBook = t.Book + total(t.BankReceivedOnly) - total(t.BankPaidOnly)
	t.Unexplained = t.AdjustedBank - t.AdjustedBook
	t.Difference = t.SubAccounts - t.InTransit - t.Shortages - t.Book
	return t, nil
}

func total(items []TieItem) money.Amount {
	var sum money.Amount
	for _, it := range items {
		sum += it.Amount
	}
	return sum
}

// tieBalances sums the accounts at the cut by their place in the equation.
func (e *Engine) tieBalances(ctx context.Context, tx *store.Tx, t *TieOut) error {
	movements, err := e.Book.Movements(ctx, tx, t.Date)
	if err != nil {
		return err
	}
	for _, m := range movements {
		switch {
		case m.Code == "1001":
			t.Book += m.Closing
		case m.Code == "1122":
			t.InTransit += m.Closing
		case m.Code == "1402":
			t.Shortages += m.Closing
		case strings.HasPrefix(m.Code, "2"):
			t.SubAccounts -= m.Closing
		}
	}
	return nil
}

// tieBookItems lists what the books have and the bank has not: payouts answered
// S and not yet debited, arrivals that only an intraday report showed.
func (e *Engine) tieBookItems(ctx context.Context, tx *store.Tx, t *TieOut) error {
	paid, err := payout.Undebited(ctx, tx, e.Book.ID(), t.Date)
	if err != nil {
		return err
	}
	for _, p := range paid {
		item := TieItem{Amount: p.Amount, Date: *p.Settled, Subject: p.Serial, Text: p.Member}
		if err := e.answerLine(ctx, tx, p, &item); err != nil {
			return err
		}
		t.PaidNotByBank = append(t.PaidNotByBank, item)
	}
	lines, err := e.tieLines(ctx, tx, "l.matched_date <= ? AND l.matched_date >= ? AND l.amount_fen > 0 AND l.statement_file_id IS NULL AND l.use <> 'VANISHED'",
		t.Date, t.Date.AddDays(-tieLookBack))
	t.ReceivedNotByBank = lines
	return err
}

// tieLookBack bounds the look for lines that a statement never confirmed: each
// is taken back in red by the night of its own day.
const tieLookBack = 7

// tieBankItems lists the lines of statements up to the day that no voucher up
// to the day explains.
func (e *Engine) tieBankItems(ctx context.Context, tx *store.Tx, t *TieOut) error {
	lines, err := e.tieLines(ctx, tx, "+l.booking_date <= ? AND "+store.OpenAt("l.matched_date")+" AND l.statement_file_id IS NOT NULL", t.Date, t.Date)
	for _, it := range lines {
		if it.Amount > 0 {
			t.BankReceivedOnly = append(t.BankReceivedOnly, it)
		} else {
			it.Amount = -it.Amount
			t.BankPaidOnly = append(t.BankPaidOnly, it)
		}
	}
	return err
}

func (e *Engine) tieLines(ctx context.Context, tx *store.Tx, where string, args ...any) ([]TieItem, error) {
	var items []TieItem
	err := tx.Each(ctx, `SELECT l.amount_fen, l.booking_date, l.bank_ref, l.counterparty_name, l.remark,
		COALESCE(f.name, ''), COALESCE(f.sha256, ''), COALESCE(l.statement_row_no, 0)
		FROM bank_lines l LEFT JOIN files f ON f.custody_id = l.custody_id AND f.file_id = COALESCE(l.statement_file_id, l.intraday_file_id)
		WHERE l.custody_id = ? AND `+where+" ORDER BY l.booking_date, l.statement_row_no, l.line_id",
		append([]any{e.Book.ID()}, args...), func(scan func(...any) error) error {
			var it TieItem
			var name, remark string
			if err := scan(&it.Amount, &it.Date, &it.Subject, &name, &remark, &it.File, &it.SHA256, &it.Line); err != nil {
				return err
			}
			it.Text = strings.TrimSpace(name + " " + remark)
			items = append(items, it)
			return nil
		})
	return items, err
}

// stepTie matches every side of the night but orders and bills, and draws up the
// tie-out from what is left open. The postings must leave the same: two ways of
// reckoning, one result.
func (w *Work) stepTie(ctx context.Context) (Counts, error) {
	return w.once(ctx, stepTieOut, "", nil, func(tx *store.Tx) (Counts, error) {
		posted, err := w.tieOut(ctx, tx, w.Date, false)
		if err != nil {
			return Counts{}, err
		}
		if err := firstErr(w.matchBook(ctx, tx, reconcile.StandardPlan()), w.matchResults(ctx, tx), w.matchBalances(ctx, tx)); err != nil {
			return Counts{}, err
		}
		t, err := w.tieOut(ctx, tx, w.Date, true)
		if err != nil {
			return Counts{}, err
		}
		if subject := unlike(posted, t); subject != "" {
			return Counts{}, fault.Broken("tieout.matches", w.Date, subject)
		}
		n := len(t.ReceivedNotByBank) + len(t.PaidNotByBank) + len(t.BankReceivedOnly) + len(t.BankPaidOnly)
		return Counts{In: n, Done: n}, nil
	})
}

// stepNet proves the netting (轧差): per member and channel day, what was
// credited less what was taken back is what stands in its open item, plus what
// has been released.
func (w *Work) stepNet(ctx context.Context) (Counts, error) {
	return w.once(ctx, stepNetting, "", nil, func(tx *store.Tx) (Counts, error) {
		standing, err := w.Book.Items(ctx, tx, subaccounts.Filter{Code: "2002"})
		if err != nil {
			return Counts{}, err
		}
		by := make(map[subaccounts.Key]money.Amount, len(standing))
		for _, it := range standing {
			by[it.Key] = -it.Balance
		}
		var c Counts
		err = tx.Each(ctx, `SELECT s.channel, s.clearing_date, s.member, s.credit_fen, s.debit_fen, s.released_fen FROM settlements s
			WHERE s.custody_id = ? AND s.clearing_date = ? ORDER BY s.channel, s.member`, []any{w.Book.ID(), w.Date},
			func(scan func(...any) error) error {
				var channel, member string
				var clearing bizdate.Date
				var credit, debit, released money.Amount
				if err := scan(&channel, &clearing, &member, &credit, &debit, &released); err != nil {
					return err
				}
				c.In++
				if by[subaccounts.Pending(member, channel, clearing)] != credit-debit-released {
					c.Skipped++ // a refund of another clearing date drew on it: its own line shows that
					return nil
				}
				c.Done++
				return nil
			})
		return c, err
	})
}
