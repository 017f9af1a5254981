package clearing

import (
	"context"
	"slices"

	"custody/bankfiles"
	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// marksScope is the part of the collection that is about single orders: those
// with a coupon, and those that were voided on their day.
const marksScope = "marks"

// marksOf are what a row of the order file says beside the amount.
func marksOf(row *orders.Order, o *bankfiles.Order) ([]orders.Mark, *fault.Fault) {
	one := orders.Mark{Row: row.Row, OrderNo: row.OrderNo, Member: row.Member, Channel: row.Channel, Amount: row.Amount}
	var marks []orders.Mark
	if o.Status != bankfiles.OrderPaid {
		one.Mark = string(o.Status)
		marks = append(marks, one)
	}
	if o.Coupon.Units != 0 && o.Status.Collected() {
		coupon, err := o.Coupon.Fen()
		if err != nil || coupon <= 0 || coupon >= row.Amount {
			return nil, fault.Invalid("orders.coupon").AtLine(o.Line).On("coupon", o.Coupon.String())
		}
		one.Mark, one.Amount = orders.Coupon, coupon
		marks = append(marks, one)
	}
	return marks, nil
}

// withoutCoupons leaves the orders of which a coupon paid a part to [Work.collectMarked].
func (w *Work) withoutCoupons(ctx context.Context, tx *store.Tx, file int64, channel string, list []orders.Payment) ([]orders.Payment, error) {
	marks, err := orders.MarksOfFile(ctx, tx, w.Book.ID(), file, channel, orders.Coupon)
	if err != nil || len(marks) == 0 {
		return list, err
	}
	rows := make(map[int64]bool, len(marks))
	for _, m := range marks {
		rows[m.Row] = true
	}
	return slices.DeleteFunc(list, func(p orders.Payment) bool { return rows[p.Row] }), nil
}

// collectMarked books the orders with a coupon (E11b): the channel owes what the
// customer paid, head office's marketing money (2303) the rest. Then it takes back
// in red (E17) what was voided on its day. It leaves a checkpoint only where a
// file has some.
func (w *Work) collectMarked(ctx context.Context, f File) (Counts, error) {
	var coupons, voids []orders.Mark
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		for _, ch := range w.Config.Channels {
			c, err1 := orders.MarksOfFile(ctx, tx, w.Book.ID(), f.ID, ch.Code, orders.Coupon)
			v, err2 := orders.MarksOfFile(ctx, tx, w.Book.ID(), f.ID, ch.Code, orders.Reversed)
			if err := firstErr(err1, err2); err != nil {
				return err
			}
			coupons, voids = append(coupons, c...), append(voids, v...)
		}
		return nil
	})
	if err != nil || len(coupons)+len(voids) == 0 {
		return Counts{}, err
	}
	return w.once(ctx, stepCollection, marksScope, []string{f.SHA256}, func(tx *store.Tx) (Counts, error) {
		c := Counts{In: len(coupons) + len(voids)}
		for _, m := range coupons {
			if err := w.collectCoupon(ctx, tx, m); err != nil {
				return c, err
			}
		}
		for _, m := range voids {
			if err := w.takeBackVoided(ctx, tx, m); err != nil {
				return c, err
			}
		}
		c.Done = c.In
		return c, nil
	})
}

// collectCoupon posts E11b. Where the marketing money does not cover the coupon, its
// part is a shortage until head office has paid in: the order itself goes on.
func (w *Work) collectCoupon(ctx context.Context, tx *store.Tx, m orders.Mark) error {
	o, found, err := orders.Find(ctx, tx, w.Book.ID(), m.OrderNo, "")
	if err != nil || !found {
		return firstErr(err, fault.Broken("exception.bill", m.OrderNo))
	}
	post := func(pays subaccounts.Key) error {
		return w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: eventCoupon, Reference: reference(w.Date, o.Channel, o.OrderNo),
			Source: source(o.FileID, o.Row), Legs: []subaccounts.Leg{subaccounts.Debit(owed(o.Channel, w.Date), o.Amount-m.Amount),
				subaccounts.Debit(pays, m.Amount), subaccounts.Credit(passThrough, o.Amount)}})
	}
	err = post(marketing)
	if !refused(err) {
		return err
	}
	item := o.OrderNo[:min(len(o.OrderNo), maxItem-len(couponTail))] + couponTail
	if err := post(shortage(item)); err != nil {
		return err
	}
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Coupon, Subject: item, Channel: o.Channel, ClearingDate: w.Date,
		Member: o.Member, Amount: m.Amount, Ours: o.OrderNo})
}

// couponTail names the shortage of a coupon by its order.
const couponTail = "#coupon"

// marketing is the key of head office's money for coupons (平台营销).
var marketing = subaccounts.Key{Code: "2303"}

// takeBackVoided reverses in red the collection of an order that was voided on
// its day (REVERSED, E17).
func (w *Work) takeBackVoided(ctx context.Context, tx *store.Tx, m orders.Mark) error {
	for _, event := range []string{eventCollect, eventCoupon} {
		v, found, err := w.Book.VoucherByReference(ctx, tx, event, reference(w.Date, m.Channel, m.OrderNo))
		if err != nil {
			return err
		}
		if found {
			_, err := w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, w.Date, source(m.FileID, m.Row))
			return err
		}
	}
	return fault.Broken("exception.bill", m.OrderNo)
}

// readMarks lowers our orders by their coupons, of which the channel knows
// nothing, and takes away what was voided on both sides.
func (r *channelRecon) readMarks(ctx context.Context, tx *store.Tx, orderFile int64) error {
	id := r.w.Book.ID()
	coupons := orders.NewCoupons(tx, id, r.ch.Code)
	r.coupons = map[reconcile.Ref]money.Amount{}
	for _, side := range [][]reconcile.Trade{r.in.Ours, r.in.Pool} {
		for i := range side {
			paid, err := coupons.Of(ctx, side[i].Ref.File, int64(side[i].Ref.Row))
			if err != nil {
				return err
			}
			if paid != 0 {
				side[i].Amount -= paid
				r.coupons[side[i].Ref] = paid
			}
		}
	}
	voids, err := orders.MarksOfFile(ctx, tx, id, orderFile, r.ch.Code, orders.Reversed)
	if err != nil || len(voids) == 0 {
		return err
	}
	r.takeAwayVoided(voids)
	return nil
}

// takeAwayVoided: our side has taken a voided order back already. The channel shows
// either nothing of it, or the payment and its refund, which carries no refund
// number of ours; a payment without it stays, as one that only the channel has.
func (r *channelRecon) takeAwayVoided(voids []orders.Mark) {
	voided := make(map[string]bool, len(voids))
	for _, m := range voids {
		voided[m.OrderNo] = true
	}
	back := map[string]money.Amount{}
	for i := range r.in.Theirs {
		if t := &r.in.Theirs[i]; t.Kind == reconcile.Refund && voided[t.OrderNo] {
			back[t.OrderNo] += t.Amount
		}
	}
	paid := map[string]money.Amount{}
	for i := range r.in.Theirs {
		if t := &r.in.Theirs[i]; t.Kind == reconcile.Pay && voided[t.OrderNo] {
			paid[t.OrderNo] += t.Amount
		}
	}
	r.in.Ours = slices.DeleteFunc(r.in.Ours, func(t reconcile.Trade) bool { return t.Kind == reconcile.Pay && voided[t.OrderNo] })
	r.in.Theirs = slices.DeleteFunc(r.in.Theirs, func(t reconcile.Trade) bool {
		return voided[t.OrderNo] && back[t.OrderNo] == paid[t.OrderNo]
	})
}

// paidLate says of a payment that only the channel has whether our file knows the
// order as one that was not paid or was voided (both LATE_PAID), or as paid through
// another channel (DUP_PAID), by the machine of a collection; the exception then
// names its member and what can be done. A payment that the machine does not have,
// such as one more of an order that was sent back, stays one that only the channel has.
func (r *channelRecon) paidLate(ctx context.Context, tx *store.Tx, t *reconcile.Trade, e *exceptions.Exception) error {
	if e.Kind == exceptions.Duplicate { // twice in this bill
		e.Template = templateSendBack
		return nil
	}
	if t.OrderNo == "" || e.Kind != exceptions.PlatformMiss {
		return nil
	}
	c, known, err := r.w.collectionOf(ctx, tx, t.OrderNo, r.ch.Code)
	if err != nil || !known {
		return err
	}
	next, err := c.paid()
	if fault.CodeOf(err) == "state.illegal" { // the money is there all the same: a person has it
		e.Member, e.Ours = c.Member, string(c.State)
		return nil
	}
	e.Member, e.Ours = c.Member, c.Mark
	switch next {
	case states.CollectionDupPaid:
		e.Kind, e.Template = exceptions.DupPaid, templateSendBack
	case states.CollectionLatePaid:
		e.Kind, e.Template = exceptions.LatePaid, templateSendBack
	case states.CollectionSuccess: // we did not know, now we do; our file lacks the order
		e.Kind, e.Template = exceptions.LatePaid, "adopt"
	}
	return err
}

// templateSendBack is the handling that returns a surplus to the customer through
// the channel.
const templateSendBack = "send-back"

// sentBack looks whether a refund that only the channel has is the one that two
// people decided for a late or second payment: then it takes the surplus off, and
// the case is closed.
func (r *channelRecon) sentBack(ctx context.Context, tx *store.Tx, t *reconcile.Trade) (bool, error) {
	e, found, err := exceptions.SentBack(ctx, tx, r.w.Book.ID(), r.ch.Code, t.OrderNo, t.Amount)
	if err != nil || !found {
		return false, err
	}
	number := t.RefundNo
	if number == "" {
		number = e.Subject
	}
	r.add(t, eventRefundListed, number, t.Ref, subaccounts.Debit(surplus(e.Subject), t.Amount), subaccounts.Credit(owed(r.ch.Code, r.date), t.Amount))
	if err := r.feeSentBack(ctx, tx, t, e, number); err != nil {
		return true, err
	}
	return true, exceptions.Move(ctx, tx, r.w.Book.ID(), e.ID, exceptions.Closed, r.date)
}

// feeSentBack clears the channel's fee on a surplus that went back. No split ever
// bears it: the channel took it of the payment's clearing date and gives it back
// under the refund's. What it keeps is a fee difference that two people decide.
func (r *channelRecon) feeSentBack(ctx context.Context, tx *store.Tx, t *reconcile.Trade, e exceptions.Exception, number string) error {
	taken, err := r.ch.Fee(t.Amount)
	if err != nil {
		return err
	}
	back := -t.Fee
	if moved := min(taken, back); moved > 0 && e.ClearingDate != r.date {
		r.add(t, eventFeeDiffer, number, t.Ref, subaccounts.Debit(subaccounts.ChannelDay("2501", r.ch.Code, r.date), moved),
			subaccounts.Credit(subaccounts.ChannelDay("2501", r.ch.Code, e.ClearingDate), moved))
	}
	if taken == back {
		return nil
	}
	return r.w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Fee, Subject: number, Channel: r.ch.Code, ClearingDate: e.ClearingDate,
		Member: e.Member, Amount: taken - back})
}

// waitsForRefund keeps a surplus until the channel's bill lists the refund that
// was approved.
func waitsForRefund(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling, _ bizdate.Date) error {
	balance, err := w.Book.Balance(ctx, tx, surplus(e.Subject))
	if err != nil {
		return err
	}
	if -balance != e.Amount {
		return fault.Invalid("exception.send-back", e.Subject).On("ID", e.ID)
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Posted, 0)
}

// couponLegs pays the coupon of an order out of the marketing money after all.
func couponLegs(_ context.Context, _ *Work, _ *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	return []subaccounts.Leg{subaccounts.Debit(marketing, e.Amount), subaccounts.Credit(shortage(e.Subject), e.Amount)}, nil
}
