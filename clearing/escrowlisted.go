package clearing

import (
	"context"

	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/clearing/orders"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// listedScope is the scope of what the split does for refunds that a bill listed
// before the books knew of them.
const listedScope = "escrow-listed"

// listing is the refund of an escrow order that waits in 2202, and the case of
// the bill that listed it before: while the goods were on their way, or under a
// clearing date before the verdict.
type listing struct {
	order escrow.Order
	found exceptions.Exception
}

// findListings ends the waiting of refunds whose listing came first. The bill
// does not list them again, so nobody else would. It leaves a checkpoint only
// where there was one.
func (w *Work) findListings(ctx context.Context) (Counts, error) {
	if done, err := w.isDone(ctx, stepFiles, ""); err != nil || !done {
		return Counts{}, err
	}
	var list []listing
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = w.listings(ctx, tx)
		return err
	})
	if err != nil || len(list) == 0 {
		return Counts{}, err
	}
	return w.once(ctx, stepSplit, listedScope, nil, func(tx *store.Tx) (Counts, error) {
		list, err := w.listings(ctx, tx)
		for _, l := range list {
			if err == nil {
				err = w.listFound(ctx, tx, l)
			}
		}
		return Counts{In: len(list), Done: len(list)}, err
	})
}

func (w *Work) listings(ctx context.Context, tx *store.Tx) ([]listing, error) {
	waiting, err := w.escrowOrders(tx, "").RefundingAsOf(ctx, w.Date)
	if err != nil {
		return nil, err
	}
	var list []listing
	for _, o := range waiting {
		x, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), o.RefundNo, exceptions.RefundMiss)
		if err != nil {
			return nil, err
		}
		if !found || x.Channel != o.Channel {
			continue
		}
		standing, err := w.Book.Balance(ctx, tx, shortage(o.RefundNo))
		if err != nil {
			return nil, err
		}
		if standing == o.Refund {
			list = append(list, listing{o, x})
		}
	}
	return list, nil
}

// listFound books that the shortage was this refund (E14d) and that the bill has
// listed it, under the clearing date of that bill, and closes the case.
func (w *Work) listFound(ctx context.Context, tx *store.Tx, l listing) error {
	o := w.escrowOrders(tx, "exception "+l.found.ID)
	clearing := l.found.ClearingDate
	err := o.Corrections().Found(ctx, flows.Difference{Reference: reference(w.Date, l.order.Channel, l.order.RefundNo), Case: l.order.RefundNo,
		Channel: l.order.Channel, Clearing: clearing, Amount: l.order.Refund})
	if err != nil {
		return err
	}
	if err := listEscrow(ctx, o, l.order, clearing); err != nil {
		return err
	}
	r, err := w.billedRefund(ctx, tx, l)
	if err != nil {
		return err
	}
	if err := w.feeOfRefund(ctx, tx, l.order, r, clearing); err != nil {
		return err
	}
	if l.found.State == exceptions.Proposed {
		err := exceptions.Move(ctx, tx, w.Book.ID(), l.found.ID, exceptions.Closed, w.Date)
		return firstErr(err, w.withdrawProposals(ctx, tx, l.found.ID))
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), l.found.ID, exceptions.AutoCleared, w.Date)
}

// billedRefund is the bill's row of a listing: it says what the channel gave back
// of its fee.
func (w *Work) billedRefund(ctx context.Context, tx *store.Tx, l listing) (r refund, err error) {
	bill, found, err := w.file(ctx, tx, fileBill, l.order.Channel, l.found.ClearingDate)
	if err != nil || !found {
		return r, firstErr(err, fault.Broken("exception.bill", l.found.ID))
	}
	rows, err := orders.OfBill(ctx, tx, w.Book.ID(), bill.ID, orders.Refund)
	for _, row := range rows {
		if row.RefundNo == l.order.RefundNo {
			r.OrderNo, r.RefundNo, r.Fee, r.FileID, r.Row = l.order.OrderNo, row.RefundNo, row.Fee, bill.ID, row.Row
			return r, err
		}
	}
	return r, firstErr(err, fault.Broken("exception.bill", l.found.ID))
}

// refundDecided refuses a refund that a bill has listed and whose shortage two
// people have handled: the customer has the money already.
func (w *Work) refundDecided(ctx context.Context, tx *store.Tx, order escrow.Order, refundNo string, amount money.Amount) error {
	if amount == 0 || order.FromBalance() {
		return nil
	}
	all, err := exceptions.About(ctx, tx, w.Book.ID(), refundNo)
	for _, x := range all {
		if err == nil && x.Kind == exceptions.RefundMiss && x.Channel == order.Channel && x.State == exceptions.Closed {
			err = fault.Invalid("escrow.refund_decided", refundNo, x.ID).On("--ref", refundNo)
		}
	}
	return err
}
