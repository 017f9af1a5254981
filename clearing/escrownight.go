package clearing

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Events of escrow orders that the night posts in sets.
const eventHeld = "E6a" // 担保支付

// collectEscrows books the payments of escrow orders (E6a), channel by channel. It
// leaves a checkpoint only where a file has some.
func (w *Work) collectEscrows(ctx context.Context, f File) (Counts, error) {
	var list []orders.Order
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = orders.EscrowsOfFile(ctx, tx, w.Book.ID(), f.ID)
		return err
	})
	if err != nil || len(list) == 0 {
		return Counts{}, err
	}
	rank := w.Config.channelRank()
	slices.SortFunc(list, func(a, b orders.Order) int {
		return cmp.Or(cmp.Compare(rank[a.Channel], rank[b.Channel]), cmp.Compare(a.Time, b.Time), strings.Compare(a.OrderNo, b.OrderNo))
	})
	return w.inGroups(ctx, stepCollection, escrowScope, []string{f.SHA256}, func(tx *store.Tx, cursor int64) (part, error) {
		group := list[cursor:min(cursor+groupRows, int64(len(list)))]
		if err := w.collectHeld(ctx, tx, group); err != nil {
			return part{}, err
		}
		next := cursor + int64(len(group))
		return part{counts: Counts{In: len(group), Done: len(group)}, cursor: next, last: next == int64(len(list))}, nil
	})
}

// collectHeld books a group: the vouchers in one set, then the orders' states.
func (w *Work) collectHeld(ctx context.Context, tx *store.Tx, group []orders.Order) error {
	takes, err := w.heldPayments(ctx, tx, group)
	if err != nil {
		return err
	}
	postings := make([]subaccounts.Posting, len(group))
	for i := range group {
		postings[i] = w.escrowCollection(&group[i], takes[group[i].OrderNo])
	}
	if err := w.postAll(ctx, tx, postings); err != nil {
		return err
	}
	return w.escrowsReceived(ctx, tx, group, takes)
}

// heldPayments says of the rows of a group whether their order can take
// the payment: one that is there already, paid or closed, cannot, nor one of
// another merchant or amount. An order that is not there is opened.
func (w *Work) heldPayments(ctx context.Context, tx *store.Tx, group []orders.Order) (map[string]bool, error) {
	takes := map[string]bool{}
	for i := range group {
		row := &group[i]
		o := w.escrowOrders(tx, source(row.FileID, row.Row))
		order, found, err := o.Find(ctx, row.OrderNo)
		if err != nil {
			return nil, err
		}
		if !found {
			order = escrow.Order{OrderNo: row.OrderNo, Member: row.Member, Amount: row.Amount, State: states.EscrowWaitPay}
			if err := o.Open(ctx, order); err != nil {
				return nil, err
			}
		}
		takes[row.OrderNo] = order.State == states.EscrowWaitPay && order.Member == row.Member && order.Amount == row.Amount
	}
	return takes, nil
}

// escrowCollection is the posting of an escrow order's payment: it is held
// (E6a), or where the order cannot take it a surplus (E14a) until a refund of the
// channel takes it back.
func (w *Work) escrowCollection(row *orders.Order, takes bool) subaccounts.Posting {
	p := subaccounts.Posting{Date: w.Date, Event: eventHeld, Reference: row.OrderNo, Source: source(row.FileID, row.Row)}
	order := escrow.Order{OrderNo: row.OrderNo, Member: row.Member, Amount: row.Amount}
	p.Legs = order.Receipt(row.Channel, w.Date)
	if !takes {
		p.Event, p.Reference = eventSurplus, reference(w.Date, row.Channel, row.OrderNo)
		p.Legs = []subaccounts.Leg{subaccounts.Debit(owed(row.Channel, w.Date), row.Amount), subaccounts.Credit(surplus(row.OrderNo), row.Amount)}
	}
	return p
}

// escrowsReceived moves the orders of a group on, after their postings.
func (w *Work) escrowsReceived(ctx context.Context, tx *store.Tx, group []orders.Order, takes map[string]bool) error {
	for i := range group {
		row := &group[i]
		o := w.escrowOrders(tx, source(row.FileID, row.Row))
		if takes[row.OrderNo] {
			if err := o.Received(ctx, row.OrderNo, row.Channel, w.Date); err != nil {
				return err
			}
			continue
		}
		order, _, err := o.Find(ctx, row.OrderNo)
		if err != nil {
			return err
		}
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.PlatformMiss, Subject: row.OrderNo, Channel: row.Channel, ClearingDate: w.Date,
			Member: row.Member, Amount: row.Amount, Ours: string(order.State) + " " + order.Amount.String(), Theirs: row.Amount.String()})
		if err != nil {
			return err
		}
	}
	return nil
}

// ofEscrow reports whether a refund takes money back that is held, or was never
// taken up, for an escrow order. What the merchant has already is taken back
// from those who share in it, as that of any order.
func (w *Work) ofEscrow(ctx context.Context, tx *store.Tx, r refund) (bool, error) {
	if !r.order.Escrow {
		return false, nil
	}
	order, found, err := w.escrowOrders(tx, "").Find(ctx, r.OrderNo)
	if err != nil || !found {
		return false, err
	}
	switch order.State {
	case states.EscrowConfirmed, states.EscrowAuto:
		return false, nil
	case states.EscrowPartBack, states.EscrowSettled: // the verdict's refund, listed this night or before
		return order.RefundNo == r.RefundNo, nil
	}
	return true, nil
}

// listEscrowRefund books that the bill lists the refund of an escrow order (E6d2,
// E6f). Where nobody has asked for it here, the shop's own row asks, as long as
// the goods are not on their way. It reports false where the order's state does
// not allow it, or the amounts differ: then it is a shortage that a person has.
func (w *Work) listEscrowRefund(ctx context.Context, tx *store.Tx, r refund) (bool, error) {
	o := w.escrowOrders(tx, source(r.FileID, r.Row))
	order, _, err := o.Find(ctx, r.OrderNo)
	if err != nil {
		return false, err
	}
	taken, err := w.refundSurplus(ctx, tx, r)
	if err != nil || taken {
		return taken, err
	}
	if order.State == states.EscrowPaid && order.Amount == r.Amount {
		if err := o.AskRefund(ctx, r.OrderNo, r.RefundNo); err != nil {
			return false, err
		}
		if order, _, err = o.Find(ctx, r.OrderNo); err != nil {
			return false, err
		}
	}
	waits := order.State == states.EscrowRefunding || order.State == states.EscrowPartRefund
	if !waits || order.RefundNo != r.RefundNo || order.Refund != r.Amount || order.EndedDate > w.Date {
		return false, nil
	}
	if err := listEscrow(ctx, o, order, w.Date); err != nil {
		return false, err
	}
	return true, w.feeOfRefund(ctx, tx, order, r, w.Date)
}

// listEscrow ends the waiting of an order's refund that a bill lists.
func listEscrow(ctx context.Context, o escrow.Orders, order escrow.Order, clearing bizdate.Date) error {
	if err := o.List(ctx, order.OrderNo, clearing); err != nil {
		return err
	}
	if order.State != states.EscrowPartRefund {
		return nil
	}
	// The merchant's part may be released already.
	if err := o.Released(ctx, order.OrderNo); err != nil && fault.CodeOf(err) != "flows.in_transit" {
		return err
	}
	return nil
}

// feeOfRefund clears the channel's fee on what went back. The channel took it of
// the payment's clearing date and gives it back under that of the bill which
// lists the refund; the order will never bear it. What the channel keeps is a
// fee difference that two people decide.
func (w *Work) feeOfRefund(ctx context.Context, tx *store.Tx, order escrow.Order, r refund, listed bizdate.Date) error {
	ch, _ := w.Config.Channel(order.Channel)
	whole, err1 := ch.Fee(order.Amount)
	rest, err2 := ch.Fee(order.Amount - order.Refund)
	if err := firstErr(err1, err2); err != nil {
		return err
	}
	unborne, back := whole-rest, -r.Fee
	if moved := min(unborne, back); moved > 0 && order.Clearing != listed {
		err := w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: eventFeeDiffer, Reference: reference(w.Date, ch.Code, r.RefundNo),
			Source: source(r.FileID, r.Row), Legs: []subaccounts.Leg{
				subaccounts.Debit(subaccounts.ChannelDay("2501", ch.Code, listed), moved),
				subaccounts.Credit(subaccounts.ChannelDay("2501", ch.Code, order.Clearing), moved)}})
		if err != nil {
			return err
		}
	}
	if unborne == back {
		return nil
	}
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Fee, Subject: r.OrderNo, Channel: ch.Code, ClearingDate: order.Clearing,
		Member: order.Member, Amount: unborne - back})
}

// settleEscrows notes that the shares of orders have become withdrawable with the
// release of their channel and clearing date.
func (w *Work) settleEscrows(ctx context.Context, tx *store.Tx, channel string, clearing bizdate.Date) error {
	o := w.escrowOrders(tx, "release")
	list, err := o.Releasable(ctx, channel, clearing)
	for _, order := range list {
		if err == nil {
			err = o.Released(ctx, order.OrderNo)
		}
	}
	return err
}

// refundSurplus gives back a payment that its order could not take.
func (w *Work) refundSurplus(ctx context.Context, tx *store.Tx, r refund) (bool, error) {
	standing, err := w.Book.Balance(ctx, tx, surplus(r.OrderNo))
	if err != nil || -standing < r.Amount {
		return false, err
	}
	ch, _ := w.Config.Channel(r.Channel)
	err = w.postRefund(ctx, tx, ch, r, eventEarlyRefund, eventEarlyListed, subaccounts.Debit(surplus(r.OrderNo), r.Amount))
	if err == nil && -standing == r.Amount {
		err = w.endCase(ctx, tx, r.OrderNo, exceptions.PlatformMiss)
	}
	return true, err
}

// escrowOf returns the escrow order of an exception's subject, where it is one
// whose money is held.
func escrowOf(ctx context.Context, w *Work, tx *store.Tx, orderNo string) (escrow.Order, bool, error) {
	row, found, err := orders.Find(ctx, tx, w.Book.ID(), orderNo, "")
	if err != nil || !found || !row.Escrow {
		return escrow.Order{}, false, err
	}
	order, found, err := w.escrowOrders(tx, "").Find(ctx, orderNo)
	if err == nil && !found { // a recharge: its member has the money
		err = fault.Invalid("recharge.void", orderNo)
	}
	return order, found && !order.HeldDate.IsZero(), err
}

// escrowHeld is the part of R7 about 2101: it is exactly the orders whose money
// is held.
func (c *checker) escrowHeld() (money.Amount, []CheckLine, error) {
	held, err := c.w.escrowOrders(c.tx, "").HeldAsOf(c.ctx, c.w.Date)
	want := map[subaccounts.Key]money.Amount{}
	for i := range held {
		want[held[i].Held()] = held[i].Amount
	}
	if err != nil {
		return 0, nil, err
	}
	diff, lines, err := c.compareItems("2101", want)
	for _, missing := range want {
		diff += missing.Abs()
	}
	return diff, lines, err
}

// escrowState refuses to adopt or void an order in a state that does not allow it.
func escrowState(o escrow.Order, allowed ...states.EscrowState) error {
	for _, s := range allowed {
		if o.State == s {
			return nil
		}
	}
	return fault.Invalid("escrow.state", o.OrderNo, string(o.State))
}
