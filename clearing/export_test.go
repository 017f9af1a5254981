package clearing

import (
	"context"

	"custody/clearing/approval"
	"custody/internal/store"
	"custody/subaccounts"
)

// OrderPayment does what those who order payments do: two people decide, the
// money is set aside out of an account, the payment is ordered.
func (e *Engine) OrderPayment(ctx context.Context, o PaymentOrder, from subaccounts.Key) error {
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		w := e.work(0, "maker1", nil)
		date, err := w.collectingDay(ctx, tx)
		if err != nil {
			return err
		}
		if kind := paymentKinds[o.Kind]; kind.decided {
			o.ApprovalID = "OK-" + o.Reference
			if err := approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, "maker1", o.ApprovalID, kind.apply, o.Reference, o); err != nil {
				return err
			}
			if _, err := approval.Decide(ctx, tx, e.Book.ID(), w.Stamp, "checker1", o.ApprovalID, approval.Approved, ""); err != nil {
				return err
			}
			err := w.post(ctx, tx, subaccounts.Posting{Date: date, Event: kind.apply, Reference: o.Reference, Source: "approval " + o.ApprovalID,
				Legs: []subaccounts.Leg{subaccounts.Debit(from, o.Amount+o.Fee), subaccounts.Credit(inFlight(o.Owner, o.Reference), o.Amount+o.Fee)}})
			if err != nil {
				return err
			}
		}
		return w.orderPayment(ctx, tx, o)
	})
}

// OrderOnly orders a payment whose money nobody set aside.
func (e *Engine) OrderOnly(ctx context.Context, o PaymentOrder) error {
	return e.DB.Tx(ctx, func(tx *store.Tx) error { return e.work(0, "maker1", nil).orderPayment(ctx, tx, o) })
}
