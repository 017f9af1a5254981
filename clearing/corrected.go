package clearing

import (
	"context"
	"fmt"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// templateCorrect is the handling that takes the bill's amount of an order for the
// right one (按账单更正): our amount was a mistake, the customer paid the bill's.
const templateCorrect = "correct"

// correctLegs shows what the correction comes to. The vouchers are four: the
// collection, the shortage and the surplus are reversed in red, and the collection
// is booked anew in the bill's amount under its reference with #2.
func correctLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	ours, err := w.Book.Balance(ctx, tx, shortage(e.Subject))
	if err != nil {
		return nil, err
	}
	theirs, err := w.Book.Balance(ctx, tx, surplus(e.Subject))
	if err != nil {
		return nil, err
	}
	o, known, err := orders.Find(ctx, tx, w.Book.ID(), e.Subject, "")
	if err != nil {
		return nil, err
	}
	// A coupon's part, or money held for a buyer, is not corrected by an amount alone.
	if _, _, err := w.corrections(ctx, tx, e); err != nil || !known || o.Escrow || ours != o.Amount || theirs >= 0 {
		return nil, firstErr(err, fault.Invalid("exception.correct", e.ID).On("--template", templateCorrect))
	}
	return []subaccounts.Leg{subaccounts.Debit(passThrough, ours), subaccounts.Credit(shortage(e.Subject), ours),
		subaccounts.Debit(surplus(e.Subject), -theirs), subaccounts.Credit(passThrough, -theirs)}, nil
}

// adoptedAmount is what an order is adopted with: of a corrected one the bill's.
func adoptedAmount(x exceptions.Exception, legs []subaccounts.Leg) money.Amount {
	for _, l := range legs {
		if x.Kind == exceptions.AmountDiffer && l.Key == passThrough && l.Amount < 0 {
			return -l.Amount
		}
	}
	return x.Amount
}

// corrections finds the vouchers that a correction reverses, the collection first.
func (w *Work) corrections(ctx context.Context, tx *store.Tx, e exceptions.Exception) (list []subaccounts.Voucher, ref string, err error) {
	ref = reference(e.ClearingDate, e.Channel, e.Subject)
	for _, event := range []string{eventCollect, eventShortage, eventSurplus} {
		v, found, err := w.Book.VoucherByReference(ctx, tx, event, ref)
		if err != nil || !found {
			return nil, ref, firstErr(err, fault.Invalid("exception.correct", e.ID).On("--template", templateCorrect))
		}
		list = append(list, v)
	}
	return list, ref, nil
}

// corrected posts the correction; the next night splits the order in the bill's
// amount, under the bill's clearing date.
func corrected(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	legs, err := correctLegs(ctx, w, tx, e, h)
	if err != nil {
		return err
	}
	amount := adoptedAmount(e, legs)
	old, ref, err := w.corrections(ctx, tx, e)
	if err != nil {
		return err
	}
	src := "exception " + e.ID
	right := subaccounts.Posting{Date: date, Event: eventCollect, Reference: ref + "#2", Source: src,
		Legs: []subaccounts.Leg{subaccounts.Debit(owed(e.Channel, e.ClearingDate), amount), subaccounts.Credit(passThrough, amount)}}
	if err := w.post(ctx, tx, right); err != nil { // first, so that 2102 never lacks what other orders have in it
		return err
	}
	for _, v := range old {
		if _, err := w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, date, src); err != nil {
			return fmt.Errorf("reverse %s: %w", v.Name(), err)
		}
	}
	row, bill, err := w.billRowOf(ctx, tx, e)
	if err != nil {
		return err
	}
	o, _, err := orders.Find(ctx, tx, w.Book.ID(), e.Subject, "")
	if err != nil {
		return err
	}
	o.Amount = amount
	open := orders.Open{OrderNo: o.OrderNo, FileID: o.FileID, Row: o.Row, Member: o.Member, Channel: o.Channel, Amount: amount, Time: o.Time,
		Since: date, BillFile: &bill, BillRow: &row.Row}
	return firstErr(orders.Correct(ctx, tx, w.Book.ID(), o), orders.MatchAdopted(ctx, tx, w.Book.ID(), o, bill, row.Row, date),
		orders.AddAdopted(ctx, tx, w.Book.ID(), open), exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Posted, 0))
}

// billRowOf finds the row of the bill that an exception about a payment is about.
func (w *Work) billRowOf(ctx context.Context, tx *store.Tx, e exceptions.Exception) (orders.BillRow, int64, error) {
	bill, found, err := w.file(ctx, tx, fileBill, e.Channel, e.ClearingDate)
	if err != nil || !found {
		return orders.BillRow{}, 0, firstErr(err, fault.Broken("exception.bill", e.ID))
	}
	rows, err := orders.OfBill(ctx, tx, w.Book.ID(), bill.ID, orders.Pay)
	for _, r := range rows {
		if r.OrderNo == e.Subject {
			return r, bill.ID, err
		}
	}
	return orders.BillRow{}, 0, firstErr(err, fault.Broken("exception.bill", e.ID))
}

// openAmount is what an open order stood at in 2102 at the cut of the work's date:
// one that was corrected afterwards still at what our file said.
func (w *Work) openAmount(ctx context.Context, tx *store.Tx, o orders.Open) (money.Amount, error) {
	if o.Reason != orders.Adopted || o.BillFile == nil {
		return o.Amount, nil
	}
	var clearing bizdate.Date
	if err := tx.Get(ctx, &clearing, "SELECT business_date FROM files WHERE custody_id = ? AND file_id = ?", w.Book.ID(), *o.BillFile); err != nil {
		return 0, err
	}
	ref := reference(clearing, o.Channel, o.OrderNo)
	right, found, err := w.Book.VoucherByReference(ctx, tx, eventCollect, ref+"#2")
	if err != nil || !found || right.Date <= w.Date {
		return o.Amount, err
	}
	former, found, err := w.Book.VoucherByReference(ctx, tx, eventCollect, ref)
	if err != nil || !found {
		return o.Amount, err
	}
	var stood money.Amount
	for _, e := range former.Entries {
		stood += max(e.Amount, 0)
	}
	return stood, nil
}
