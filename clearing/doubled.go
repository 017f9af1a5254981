package clearing

import (
	"context"
	"strconv"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/payout"
	"custody/clearing/reconcile"
	"custody/internal/store"
)

// undoneTwin matches a reversal with the second debit of a payout, where there is
// one: the bank took back what it had debited twice. Without this the money would
// count as the payout that came back, and the member would have it twice.
func (w *Work) undoneTwin(ctx context.Context, tx *store.Tx, line bankLine, p payout.Payout) (bool, error) {
	if p.DebitLine == nil {
		return false, nil
	}
	var twin bankLine
	found, err := tx.Find(ctx, &twin, "SELECT "+lineColumns+` FROM bank_lines WHERE custody_id = ? AND amount_fen = ? AND line_id <> ?
		AND use = ? AND matched_to = '' AND statement_file_id IS NOT NULL AND (end_to_end_id = ? OR remark LIKE ?) ORDER BY line_id LIMIT 1`,
		w.Book.ID(), -line.Amount, *p.DebitLine, usePayout, p.Serial, "%"+p.Serial+"%")
	if err != nil || !found {
		return false, err
	}
	date, err := w.postable(ctx, tx, line.Booked)
	if err != nil {
		return false, err
	}
	return true, firstErr(
		w.matchLine(ctx, tx, line.ID, useReversal, "line:"+strconv.FormatInt(twin.ID, 10), date),
		w.matchLine(ctx, tx, twin.ID, usePayout, "line:"+strconv.FormatInt(line.ID, 10), date),
		w.endCase(ctx, tx, twin.Ref, exceptions.Duplicate))
}

// twinOf finds the order of ours that says the same as one that the bill lacks,
// under another number: same member, amount and second of payment, and in the bill.
// Shops that send an order again after a time-out make such pairs.
func (r *channelRecon) twinOf(ctx context.Context, tx *store.Tx, t *reconcile.Trade, member string) (string, error) {
	for _, ref := range r.alike[likeness{t.Kind, int64(t.Amount), t.Time}] {
		if ref == t.OrderNo {
			continue
		}
		o, found, err := orders.Find(ctx, tx, r.w.Book.ID(), ref, "")
		if err != nil {
			return "", err
		}
		if found && o.Member == member {
			return ref, nil
		}
	}
	return "", nil
}

// likeness is what two rows of one payment have in common.
type likeness struct {
	kind   reconcile.Kind
	amount int64
	time   int64
}

// likeMissing collects the matched orders that look like one that the bill lacks.
func (r *channelRecon) likeMissing(matches []reconcile.Match, differences []reconcile.Difference) {
	r.alike = map[likeness][]string{}
	for _, d := range differences {
		if d.Kind == reconcile.BankMiss && d.Ours != nil && !d.FromPool {
			r.alike[likeness{d.Ours.Kind, int64(d.Ours.Amount), d.Ours.Time}] = nil
		}
	}
	if len(r.alike) == 0 {
		return
	}
	matched := make(map[reconcile.Ref]bool, len(matches))
	for _, m := range matches {
		matched[m.Ours] = true
	}
	for i := range r.in.Ours {
		t := &r.in.Ours[i]
		k := likeness{t.Kind, int64(t.Amount), t.Time}
		if others, wanted := r.alike[k]; wanted && matched[t.Ref] {
			r.alike[k] = append(others, t.OrderNo)
		}
	}
}
