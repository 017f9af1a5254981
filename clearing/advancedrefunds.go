package clearing

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/flows"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// A refund that head office pays first (E7c, 垫付退款) is decided before the
// channel's bill lists it, and without asking whether its parties have the money:
// what the member owes for it is recovered later. It is known by channel and
// refund number, so that the night which finds it in a bill lists it (E7b) and
// does not take it from the parties again.

// AdvancedRefund returns the request by which head office advances a refund of an
// order that was split. An order that was not is debtor.unsplit.
func (e *Engine) AdvancedRefund(ctx context.Context, orderNo, refundNo string, amount money.Amount) (r flows.Refund, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		r, err = e.advancedRefundOf(ctx, tx, orderNo, refundNo, amount)
		return err
	})
	return r, err
}

func (e *Engine) advancedRefundOf(ctx context.Context, tx *store.Tx, orderNo, refundNo string, amount money.Amount) (flows.Refund, error) {
	of, o, found, err := e.splitOf(ctx, tx, orderNo)
	if err != nil || !found {
		return flows.Refund{}, firstErr(err, fault.Invalid("debtor.unsplit", orderNo).On("ORDER", orderNo))
	}
	r := flows.Refund{Reference: o.Channel + "." + refundNo, RefundNo: refundNo, Order: of.Reference, Channel: o.Channel, Member: o.Member, Amount: amount}
	earlier, err := e.refundsBefore(ctx, tx, orderNo, refundNo)
	for _, v := range earlier {
		r.Earlier = append(r.Earlier, v.Reference)
	}
	return r, err
}

// advanceRefund posts it. What came to the order since it was submitted, another
// refund, makes it a new request: debtor.changed.
func advanceRefund(ctx context.Context, w *Work, j flows.Journal, r flows.Refund, id string) error {
	if err := w.withinCredit(ctx, j.Tx, r.Member, r.Amount); err != nil {
		return err
	}
	now, err := w.advancedRefundOf(ctx, j.Tx, orderIn(r.Order), r.RefundNo, r.Amount)
	if err != nil {
		return err
	}
	if !slices.Equal(now.Earlier, r.Earlier) || now.Member != r.Member || now.Order != r.Order || now.Reference != r.Reference {
		return fault.Invalid("debtor.changed", orderIn(r.Order)).On("ORDER", orderIn(r.Order))
	}
	standing, err := w.Book.Balance(ctx, j.Tx, refunding(r.Channel, r.RefundNo))
	if err != nil {
		return err
	}
	if standing != 0 {
		return fault.Invalid("debtor.refund", r.RefundNo).On("REFUND", r.RefundNo)
	}
	return j.Refunds().Advance(ctx, r, id)
}

// orderIn is the order's number in the reference of its split: 20260212.WX.W1, or
// of an escrow order the number itself.
func orderIn(ref string) string {
	if parts := strings.SplitN(ref, ".", 3); len(parts) == 3 {
		return parts[2]
	}
	return ref
}

// advancedOf returns the vouchers of refunds of an order that head office advanced,
// but for one. They are few: two people decide each.
func (e *Engine) advancedOf(ctx context.Context, tx *store.Tx, orderNo, except string) ([]subaccounts.Voucher, error) {
	var refs []string
	err := tx.Select(ctx, &refs, "SELECT reference FROM vouchers WHERE custody_id = ? AND event = ? ORDER BY reference", e.Book.ID(), eventAdvance)
	if err != nil {
		return nil, err
	}
	var list []subaccounts.Voucher
	for _, ref := range refs {
		r, err := e.advancedRefund(ctx, tx, ref)
		if err != nil {
			return nil, err
		}
		if orderIn(r.Order) != orderNo || r.RefundNo == except {
			continue
		}
		v, _, err := e.Book.VoucherByReference(ctx, tx, eventAdvance, ref)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// listAdvanced books that a bill lists a refund which head office advanced (E7b);
// the fee that the channel gives back with it lowers what the member owes. A bill with another amount than was advanced is a person's work.
func (w *Work) listAdvanced(ctx context.Context, tx *store.Tx, ch Channel, r refund) (advanced, done bool, err error) {
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventAdvance, ch.Code+"."+r.RefundNo)
	if err != nil || !found {
		return false, false, err
	}
	standing, err := w.Book.Balance(ctx, tx, refunding(ch.Code, r.RefundNo))
	if err != nil {
		return true, false, err
	}
	if amount, _ := flows.Refunded(v); -standing != r.Amount || amount != r.Amount || r.Fee > 0 {
		return true, false, w.orphan(ctx, tx, ch, r)
	}
	listed := w.refundPostings(ch, r, eventAdvance, eventRefundListed)[1]
	if r.Fee < 0 {
		listed.Legs = append(listed.Legs, subaccounts.Debit(subaccounts.ChannelDay("2501", ch.Code, w.Date), -r.Fee), subaccounts.Credit(reserve, -r.Fee))
	}
	return true, true, w.post(ctx, tx, listed)
}

// advancedOpen returns what of an item of 2202 is a refund that head office
// advanced and no bill has listed.
func (e *Engine) advancedOpen(ctx context.Context, tx *store.Tx, key subaccounts.Key) (money.Amount, error) {
	v, found, err := e.Book.VoucherByReference(ctx, tx, eventAdvance, key.Owner+"."+key.Item)
	if err != nil || !found {
		return 0, err
	}
	amount, _ := flows.Refunded(v)
	return amount, nil
}
