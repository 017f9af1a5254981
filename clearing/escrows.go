package clearing

import (
	"context"
	"encoding/json"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/clearing/orders"
	"custody/clearing/outbox"
	"custody/clearing/people"
	"custody/clearing/requests"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// flowsOn is the journal of flows for the work on a date.
func (w *Work) flowsOn(tx *store.Tx, date bizdate.Date, source string) flows.Journal {
	return flows.Journal{Book: w.Book, Tx: tx, Date: date, Actor: w.Actor, At: w.Stamp, Source: source}
}

// escrowOrders are the escrow orders as the steps of the day see them.
func (w *Work) escrowOrders(tx *store.Tx, source string) escrow.Orders {
	return escrow.At(w.flowsOn(tx, w.Date, source))
}

// onEscrow does what a maker asks of an escrow order, dated the day that is
// collecting now.
func (e *Engine) onEscrow(ctx context.Context, actor, what string, fn func(w *Work, o escrow.Orders) error) error {
	w := e.work(0, actor, nil)
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		date, err := w.collectingDay(ctx, tx)
		if err != nil {
			return err
		}
		w.Date = date
		return fn(w, w.escrowOrders(tx, "escrow "+what))
	})
	if err != nil {
		return err
	}
	return e.writeInstructions(ctx)
}

// escrowEvents are those by which an escrow order changes what members have.
var escrowEvents = []string{"E21", "E21b", "E6c", "E6d", "E6e"}

// tellEscrow tells the bank what the call has just changed in the sub-accounts of
// an order's parties: it knows of no shipment and no verdict. What the night
// confirms by the timer comes after the day's list of balances, so the bank hears
// of it on the next day.
func (w *Work) tellEscrow(ctx context.Context, tx *store.Tx, orderNo string, tell func(context.Context, *store.Tx, subaccounts.Voucher) error) error {
	for _, event := range escrowEvents {
		v, found, err := w.Book.VoucherByReference(ctx, tx, event, orderNo)
		if err != nil {
			return err
		}
		if !found || v.Date != w.Date {
			continue
		}
		told, err := outbox.Intended(ctx, tx, w.Book.ID(), subAccountEffect, event+":"+orderNo)
		if err != nil {
			return err
		}
		if told {
			continue
		}
		if err := tell(ctx, tx, v); err != nil {
			return err
		}
	}
	return nil
}

// tellNow is [Work.tellEscrow]'s tell for the day itself.
func (w *Work) tellNow(ctx context.Context, tx *store.Tx, v subaccounts.Voucher) error {
	return w.intendSubAccounts(ctx, tx, v, approval.Approval{Maker: v.Actor})
}

// OpenEscrow takes an order down before it is paid. The merchant must be a
// franchisee: else member.unknown.
func (e *Engine) OpenEscrow(ctx context.Context, actor, orderNo, member string, amount money.Amount) error {
	return e.onEscrow(ctx, actor, "open", func(w *Work, o escrow.Orders) error {
		if err := needMember(ctx, w, o.Tx, member, "FRANCHISEE"); err != nil {
			return err
		}
		_, known, err := orders.Find(ctx, o.Tx, e.Book.ID(), orderNo, "")
		if err == nil && known { // an ordinary order has this number
			err = fault.Invalid("escrow.number", orderNo).On("ORDER", orderNo)
		}
		return firstErr(err, o.Open(ctx, escrow.Order{OrderNo: orderNo, Member: member, Amount: amount}))
	})
}

// PayEscrow pays an order out of a member's withdrawable balance (E21).
func (e *Engine) PayEscrow(ctx context.Context, actor, orderNo, payer string) error {
	return e.onEscrow(ctx, actor, "pay", func(w *Work, o escrow.Orders) error {
		if err := firstErr(needMember(ctx, w, o.Tx, payer, ""), o.PayFromBalance(ctx, orderNo, payer)); err != nil {
			return err
		}
		return w.tellEscrow(ctx, o.Tx, orderNo, w.tellNow)
	})
}

// CloseEscrow closes an order that was not paid.
func (e *Engine) CloseEscrow(ctx context.Context, actor, orderNo string) error {
	return e.onEscrow(ctx, actor, "close", func(_ *Work, o escrow.Orders) error { return o.TimeOut(ctx, orderNo) })
}

// maxTimerDays bounds how many natural days a timer runs: half a year, the
// longest for which a channel keeps a payment open to refunds without asking.
const maxTimerDays = 180

// timer is the date from which an order confirms itself, some days after one.
func (w *Work) timer(from bizdate.Date, days int) (bizdate.Date, error) {
	if days == 0 {
		days = w.Config.Escrow.AutoDays
	}
	if days < 1 || days > maxTimerDays {
		return 0, fault.Invalid("escrow.days", maxTimerDays).On("--days", "")
	}
	return from.AddDays(days), nil
}

// ShipEscrow records that the goods are on their way and starts the timer; days
// 0 is the number that custody.yaml gives.
func (e *Engine) ShipEscrow(ctx context.Context, actor, orderNo, logistics string, days int) error {
	return e.onEscrow(ctx, actor, "ship", func(w *Work, o escrow.Orders) error {
		until, err := w.timer(w.Date, days)
		if err != nil {
			return err
		}
		return o.Ship(ctx, orderNo, logistics, until)
	})
}

// ExtendEscrow lets the timer run some days longer.
func (e *Engine) ExtendEscrow(ctx context.Context, actor, orderNo string, days int) error {
	return e.onEscrow(ctx, actor, "extend", func(w *Work, o escrow.Orders) error {
		order, _, err := o.Find(ctx, orderNo)
		if err != nil {
			return err
		}
		until, err := w.timer(order.AutoDate, days)
		if err != nil {
			return err
		}
		return o.Extend(ctx, orderNo, until)
	})
}

// DisputeEscrow stops the timer because the buyer objects.
func (e *Engine) DisputeEscrow(ctx context.Context, actor, orderNo string) error {
	return e.onEscrow(ctx, actor, "dispute", func(_ *Work, o escrow.Orders) error { return o.Dispute(ctx, orderNo) })
}

// DropEscrowDispute takes a dispute back and starts the timer anew.
func (e *Engine) DropEscrowDispute(ctx context.Context, actor, orderNo string, days int) error {
	return e.onEscrow(ctx, actor, "drop", func(w *Work, o escrow.Orders) error {
		until, err := w.timer(w.Date, days)
		if err != nil {
			return err
		}
		return o.DropDispute(ctx, orderNo, until)
	})
}

// ConfirmEscrow gives the money to the merchant's side because the buyer says so.
func (e *Engine) ConfirmEscrow(ctx context.Context, actor, orderNo string) error {
	return e.onEscrow(ctx, actor, "confirm", func(w *Work, o escrow.Orders) error {
		if err := w.endEscrow(ctx, o, orderNo, "E6c", func(t escrow.Terms) error { return o.Confirm(ctx, orderNo, t) }); err != nil {
			return err
		}
		return w.tellEscrow(ctx, o.Tx, orderNo, w.tellNow)
	})
}

// RefundEscrow gives the whole order back because the buyer asks before it is
// shipped. A payment through a channel is on its way back until a bill lists it
// under refundNo.
func (e *Engine) RefundEscrow(ctx context.Context, actor, orderNo, refundNo string) error {
	return e.onEscrow(ctx, actor, "refund", func(w *Work, o escrow.Orders) error {
		order, _, err := w.escrowInBill(ctx, o, orderNo)
		if err != nil {
			return err
		}
		if refundNo == "" && !order.FromBalance() {
			return fault.Invalid("escrow.refund_no").On("--ref", "")
		}
		if err := o.AskRefund(ctx, orderNo, refundNo); err != nil {
			return err
		}
		return w.tellEscrow(ctx, o.Tx, orderNo, w.tellNow)
	})
}

// FailEscrowRefund books that the channel cannot give the money back: it waits in
// suspense under the refund's number, and a person has it (E22b), until two
// people pay the customer by transfer. What the customer may then claim must be
// in the bank: before the channel has paid it is action.coverage.
func (e *Engine) FailEscrowRefund(ctx context.Context, actor, orderNo, answer string) error {
	return e.onEscrow(ctx, actor, "refund failed", func(w *Work, o escrow.Orders) error {
		if err := o.FailRefund(ctx, orderNo); err != nil {
			return err
		}
		order, _, err := o.Find(ctx, orderNo)
		if err != nil {
			return err
		}
		if err := w.covered(ctx, o.Tx, []subaccounts.Leg{subaccounts.Credit(suspense(order.RefundNo), order.Refund)}); err != nil {
			return err
		}
		var r refund // the channel gives nothing back of its fee, which the order does not bear any more
		r.OrderNo, r.RefundNo = orderNo, order.RefundNo
		if err := w.feeOfRefund(ctx, o.Tx, order, r, order.Clearing); err != nil {
			return err
		}
		return w.open(ctx, o.Tx, exceptions.Exception{Kind: exceptions.RefundMiss, Subject: order.RefundNo, Channel: order.Channel,
			ClearingDate: order.Clearing, Member: order.Member, Amount: order.Refund, Ours: orderNo, Theirs: answer})
	})
}

// escrowVerdict is the kind of the approvals that end disputes.
const escrowVerdict = "escrow-verdict"

// ResolveEscrow asks a checker to end a dispute and returns the approval's id.
func (e *Engine) ResolveEscrow(ctx context.Context, actor string, v escrow.Verdict) (id string, err error) {
	err = e.onEscrow(ctx, actor, "resolve", func(w *Work, o escrow.Orders) error {
		order, _, err := w.escrowInBill(ctx, o, v.OrderNo)
		if err != nil {
			return err
		}
		switch {
		case order.State != states.EscrowDisputed:
			return fault.Invalid("escrow.no_dispute", v.OrderNo, string(order.State)).On("ORDER", v.OrderNo)
		case v.Refund < 0 || v.Refund > order.Amount:
			return fault.Invalid("flows.refund", v.Refund, order.Amount).On("--refund", v.Refund.String())
		case v.Refund > 0 && v.RefundNo == "" && !order.FromBalance():
			return fault.Invalid("escrow.refund_no").On("--ref", "")
		case v.Reason == "":
			return fault.Invalid("escrow.reason").On("--reason", "")
		}
		if err := w.refundDecided(ctx, o.Tx, order, v.RefundNo, v.Refund); err != nil {
			return err
		}
		subject := "ESCROW-" + v.OrderNo
		if id, err = approval.NextID(ctx, o.Tx, e.Book.ID(), escrowVerdict, subject); err != nil {
			return err
		}
		return approval.Submit(ctx, o.Tx, e.Book.ID(), w.Stamp, actor, id, escrowVerdict, subject, v)
	})
	return id, err
}

// decideEscrow carries a verdict out; a rejected one leaves the dispute open.
func (w *Work) decideEscrow(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var v escrow.Verdict
	if err := json.Unmarshal([]byte(a.Content), &v); err != nil {
		return err
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	w.Date = date
	o := w.escrowOrders(tx, "approval "+a.ID)
	order, _, err := o.Find(ctx, v.OrderNo)
	if err != nil {
		return err
	}
	if err := w.refundDecided(ctx, tx, order, v.RefundNo, v.Refund); err != nil {
		return err
	}
	event := "E6e"
	switch v.Refund {
	case 0:
		event = "E6c"
	case order.Amount:
		event = "E6d"
	}
	err = w.endEscrow(ctx, o, v.OrderNo, event, func(t escrow.Terms) error { return o.Decide(ctx, v, t, a.ID) })
	if err != nil {
		return err
	}
	d.Vouchers = append(d.Vouchers, event+":"+v.OrderNo)
	return w.tellEscrow(ctx, tx, v.OrderNo, w.tellNow)
}

// escrowInBill returns an order whose money may move on: one that a member's
// balance paid, or one that the channel's bill has. Before that nobody knows
// under which date the channel owes it: escrow.not_in_bill.
func (w *Work) escrowInBill(ctx context.Context, o escrow.Orders, orderNo string) (escrow.Order, bool, error) {
	order, found, err := o.Find(ctx, orderNo)
	if err != nil || !found {
		return order, found, firstErr(err, fault.Invalid("escrow.unknown", orderNo).On("ORDER", orderNo))
	}
	if order.FromBalance() || order.Channel == "" {
		return order, true, nil
	}
	row, _, err := orders.Find(ctx, o.Tx, w.Book.ID(), orderNo, "")
	if err != nil {
		return order, true, err
	}
	_, matched, err := orders.MatchOf(ctx, o.Tx, w.Book.ID(), row)
	if err == nil && !matched {
		err = fault.Wait("escrow.not_in_bill", orderNo, order.Channel)
	}
	return order, true, err
}

// endEscrow divides an order by its merchant's rule, and notes what the parties
// earned of its channel and clearing date.
func (w *Work) endEscrow(ctx context.Context, o escrow.Orders, orderNo, event string, end func(escrow.Terms) error) error {
	order, _, err := w.escrowInBill(ctx, o, orderNo)
	if err != nil {
		return err
	}
	terms, err := w.escrowTerms(ctx, o.Tx, order)
	if err != nil {
		return err
	}
	if err := end(terms); err != nil {
		return err
	}
	if order.FromBalance() { // withdrawable at once
		return w.settledAtOnce(ctx, o, orderNo)
	}
	v, found, err := w.Book.VoucherByReference(ctx, o.Tx, event, orderNo)
	if err != nil || !found {
		return err
	}
	earned := map[string]money.Amount{}
	for _, leg := range v.Entries {
		if leg.Code == "2002" {
			earned[leg.Owner] -= leg.Amount
		}
	}
	return w.settle(ctx, o.Tx, order.Channel, order.Clearing, earned)
}

// settledAtOnce ends an order that a balance paid, unless all of it went back.
func (w *Work) settledAtOnce(ctx context.Context, o escrow.Orders, orderNo string) error {
	order, _, err := o.Find(ctx, orderNo)
	if err != nil || order.State == states.EscrowRefunded {
		return err
	}
	return o.Released(ctx, orderNo)
}

// escrowTerms are the merchant's split rule on the day of the payment and the
// channel's fee by its contract.
func (w *Work) escrowTerms(ctx context.Context, tx *store.Tx, order escrow.Order) (escrow.Terms, error) {
	rules, err := w.newChoices(ctx, tx, order.Channel)
	if err != nil {
		return escrow.Terms{}, err
	}
	row, _, err := orders.Find(ctx, tx, w.Book.ID(), order.OrderNo, "")
	if err != nil {
		return escrow.Terms{}, err
	}
	on, traded := order.Clearing, row.Time
	if order.FromBalance() {
		on, traded = order.HeldDate, order.HeldDate.At(0, 0).Unix()
	}
	choice := rules.of(order.Member)
	t := escrow.Terms{Scheme: choice.dividing(on, traded).scheme, Region: choice.chain.Region, Partner: choice.chain.Partner}
	if ch, known := w.Config.Channel(order.Channel); known {
		t.Fee = ch.Fee
	}
	return t, nil
}

// autoConfirm confirms the orders whose timer has run out by the day (自动确认). It
// leaves a checkpoint only where there was one.
func (w *Work) autoConfirm(ctx context.Context) (Counts, error) {
	if done, err := w.isDone(ctx, stepFiles, ""); err != nil || !done {
		return Counts{}, err
	}
	var due []escrow.Order
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = w.escrowOrders(tx, "").DueForAutoConfirm(ctx, w.Date)
		return err
	})
	if err != nil || len(due) == 0 {
		return Counts{}, err
	}
	return w.once(ctx, stepSplit, escrowScope, nil, func(tx *store.Tx) (Counts, error) {
		o := w.escrowOrders(tx, "timer "+w.Date.String())
		c := Counts{In: len(due)}
		for _, order := range due {
			err := w.endEscrow(ctx, o, order.OrderNo, "E6c", func(t escrow.Terms) error { return o.AutoConfirm(ctx, order.OrderNo, t) })
			switch code := fault.CodeOf(err); {
			case err == nil:
				c.Done++
				if err := w.tellEscrow(ctx, tx, order.OrderNo, w.tellLater); err != nil {
					return c, err
				}
			case code == "escrow.not_in_bill" || code == "state.illegal": // the buyer was first, or the bill is late
				c.Skipped++
			case refused(err) || strings.HasPrefix(code, "split."):
				c.Failed++
				err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.AmountDiffer, Subject: order.OrderNo, Channel: order.Channel,
					ClearingDate: order.Clearing, Member: order.Member, Amount: order.Amount, Ours: code})
				if err != nil {
					return c, err
				}
			default:
				return c, err
			}
		}
		return c, nil
	})
}

// escrowScope is the scope of what the split does for escrow orders.
const escrowScope = "escrow"

// heldFees are the channel fees, by contract, of orders whose money was still
// held at the cut of the date: 2501 stands in debit by them, and rightly, once
// the channel has paid.
func (w *Work) heldFees(ctx context.Context, tx *store.Tx, date bizdate.Date) (map[string]money.Amount, error) {
	held, err := w.escrowOrders(tx, "").HeldAsOf(ctx, date)
	fees := map[string]money.Amount{}
	for _, o := range held {
		ch, known := w.Config.Channel(o.Channel)
		if !known {
			continue
		}
		fee, err := ch.Fee(o.Amount)
		if err != nil {
			return nil, err
		}
		fees[feeDue(o.Channel, o.Clearing)] += fee
	}
	if err != nil {
		return nil, err
	}
	waiting, err := requests.AsOf(ctx, tx, w.Book.ID(), date)
	for _, r := range waiting { // their fee is the channel's when the rest is released
		fees[feeDue(r.Channel, r.Clearing)] += r.Fee
	}
	return fees, err
}

func feeDue(channel string, clearing bizdate.Date) string {
	return "2501." + channel + "." + clearing.Compact()
}

// Escrow returns an order: else escrow.unknown.
func (e *Engine) Escrow(ctx context.Context, orderNo string) (order escrow.Order, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		var found bool
		order, found, err = e.work(0, "", nil).escrowOrders(tx, "").Find(ctx, orderNo)
		if err == nil && !found {
			err = fault.Invalid("escrow.unknown", orderNo).On("ORDER", orderNo)
		}
		return err
	})
	return order, err
}

// maxEscrowsListed bounds a list on the screen: 10,000 orders take some 2 MB.
const maxEscrowsListed = 10_000

// Escrows lists the orders in a state, or every one for "".
func (e *Engine) Escrows(ctx context.Context, state string) (list []escrow.Order, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = e.work(0, "", nil).escrowOrders(tx, "").All(ctx, states.EscrowState(strings.ToUpper(state)), maxEscrowsListed)
		return err
	})
	return list, err
}
