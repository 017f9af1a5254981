package clearing

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"custody/clearing/matches"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// bookMatched reports whether the night of the date has matched bank and books.
func (e *Engine) bookMatched(ctx context.Context, tx *store.Tx, date bizdate.Date) (bool, error) {
	var done int
	err := tx.Get(ctx, &done, "SELECT COUNT(*) FROM runs WHERE custody_id = ? AND accounting_date = ? AND step = ? AND state = 'DONE'", e.Book.ID(), date, stepTieOut)
	if err != nil || done == 0 {
		return false, err
	}
	begun, err := matches.Begun(ctx, tx, e.Book.ID(), matches.Book, date.AddDays(1))
	return !begun.IsZero(), err
}

// tieOpenLines lists what the matches leave open at the cut: vouchers that no
// statement shows, lines of statements that no voucher explains. A voucher of
// which nothing says when the bank will show it is not listed: it stays
// unexplained, and the day does not close.
func (e *Engine) tieOpenLines(ctx context.Context, tx *store.Tx, t *TieOut) error {
	open, err := matches.OpenAsOf(ctx, tx, e.Book.ID(), matches.Book, t.Date)
	if err != nil {
		return err
	}
	for _, o := range open {
		item, listed, err := e.tieItem(ctx, tx, o)
		if err != nil {
			return err
		}
		if !listed {
			continue
		}
		into := &t.ReceivedNotByBank
		switch {
		case o.Part == matches.Ours && item.Amount < 0:
			into = &t.PaidNotByBank
		case o.Part == matches.Theirs && item.Amount > 0:
			into = &t.BankReceivedOnly
		case o.Part == matches.Theirs:
			into = &t.BankPaidOnly
		}
		item.Amount = item.Amount.Abs()
		*into = append(*into, item)
	}
	slices.SortStableFunc(t.PaidNotByBank, func(a, b TieItem) int { return strings.Compare(a.Subject, b.Subject) })
	for _, list := range [][]TieItem{t.ReceivedNotByBank, t.BankReceivedOnly, t.BankPaidOnly} {
		slices.SortStableFunc(list, func(a, b TieItem) int { return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Line, b.Line)) })
	}
	return nil
}

// tieItem is an open line with its source, signed as the bank's statement has
// it. Vouchers that are listed: payouts that the bank said it made, and what a
// line of the bank's own stands behind; any other one only where a person took
// its match back.
func (e *Engine) tieItem(ctx context.Context, tx *store.Tx, o matches.OpenLine) (TieItem, bool, error) {
	item := TieItem{Amount: o.Amount, Date: o.Date, Subject: o.Key, Held: o.Held}
	if o.Part == matches.Theirs {
		found, err := e.lineItem(ctx, tx, o.Key, &item)
		return item, found, err
	}
	event, ref, _ := strings.Cut(o.Key, ":")
	p, found, err := e.paidBy(ctx, tx, event, ref)
	if err == nil && found {
		item.Subject, item.Text = p.Serial, p.Member
		err = e.answerLine(ctx, tx, p, &item)
	}
	if err != nil || found {
		return item, found, err
	}
	if ref := (bookVoucher{Event: event, Reference: ref}).bankRef(); ref != "" {
		if found, err := e.lineItem(ctx, tx, ref, &item); err != nil || found {
			return item, found, err
		}
	}
	item.Text = event
	return item, o.Held, nil
}

// paidBy is the payout that a voucher on 1001 paid: a settlement's voucher carries
// its serial, that of every other payment the reference of its order.
func (e *Engine) paidBy(ctx context.Context, tx *store.Tx, event, ref string) (p payout.Payout, found bool, err error) {
	if event == eventPaid {
		if p, found, err = payout.BySerial(ctx, tx, e.Book.ID(), ref); err != nil || found {
			return p, found, err
		}
	}
	for kind, k := range paymentKinds {
		if k.paid != event || kind == payout.Settlement {
			continue
		}
		list, err := payout.ByRequest(ctx, tx, e.Book.ID(), kind, ref) // no two other kinds share an event
		if err != nil || len(list) == 0 {
			return p, false, err
		}
		return list[len(list)-1], true, nil
	}
	return p, false, nil
}

// lineItem fills in a line of the bank: its reference, text and place.
func (e *Engine) lineItem(ctx context.Context, tx *store.Tx, ref string, item *TieItem) (bool, error) {
	items, err := e.tieLines(ctx, tx, "l.bank_ref = ?", ref)
	if err != nil || len(items) == 0 {
		return false, err
	}
	items[0].Amount, items[0].Held = item.Amount, item.Held
	*item = items[0]
	return true, nil
}

// answerLine fills in where the bank said that it made a payout: the row of the
// batch's result file, whose rows follow those of the batch after one header.
func (e *Engine) answerLine(ctx context.Context, tx *store.Tx, p payout.Payout, item *TieItem) error {
	if p.Answer != "S" {
		return nil
	}
	var f struct {
		Name   string `db:"name"`
		SHA256 string `db:"sha256"`
	}
	found, err := tx.Find(ctx, &f, "SELECT name, sha256 FROM files WHERE custody_id = ? AND kind = ? AND source = ? AND state = 'LOADED'",
		e.Book.ID(), fileResult, p.BatchNo)
	if found {
		item.File, item.SHA256, item.Line = f.Name, f.SHA256, p.Seq+1
	}
	return err
}

// unlike returns the first item that the postings and the matches do not both
// list, or "". What a person holds open only the matches know.
func unlike(posted, matched *TieOut) string {
	type key struct {
		line    int
		subject string
		amount  money.Amount
	}
	count := map[key]int{}
	add := func(t *TieOut, n int) {
		for line, list := range [][]TieItem{t.ReceivedNotByBank, t.PaidNotByBank, t.BankReceivedOnly, t.BankPaidOnly} {
			for _, it := range list {
				if !it.Held {
					count[key{line, it.Subject, it.Amount}] += n
				}
			}
		}
	}
	add(posted, 1)
	add(matched, -1)
	var bad []string
	for k, n := range count {
		if n != 0 {
			bad = append(bad, k.subject)
		}
	}
	slices.Sort(bad)
	return strings.Join(bad[:min(len(bad), 1)], "")
}
