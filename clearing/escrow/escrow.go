// Package escrow keeps escrow orders (担保交易): a customer's money waits in 2101
// until the goods are confirmed, and goes to the merchant or back, never both.
//
// Every step reads the order under its row lock, asks the table of states what
// may follow, writes the new state and posts, in one transaction. So of a
// confirmation and a refund that come at the same time one wins, and the other is
// state.illegal and changes nothing.
//
//	o := escrow.At(journal)
//	err := o.Open(ctx, escrow.Order{OrderNo: "S1", Member: "S", Amount: 300_00})
//	err = o.Pay(ctx, "S1", "ALI", day)
//	err = o.Ship(ctx, "S1", "SF1001", day.AddDays(10))
//	err = o.Confirm(ctx, "S1", escrow.Terms{FeePPM: 6000, Rule: rule})
package escrow

import (
	"context"

	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Order is one escrow order. It is paid through a channel, or by a member out of
// its balance (Payer).
type Order struct {
	OrderNo   string             `db:"order_no"`
	Member    string             `db:"member"` // the merchant
	Amount    money.Amount       `db:"amount_fen"`
	State     states.EscrowState `db:"state"`
	Channel   string             `db:"channel"`
	Clearing  bizdate.Date       `db:"clearing_date"`
	Payer     string             `db:"payer"`
	Logistics string             `db:"logistics_no"`
	AutoDate  bizdate.Date       `db:"auto_date"` // confirmed by itself from here on; 0 while no timer runs
	RefundNo  string             `db:"refund_no"`
	Refund    money.Amount       `db:"refund_fen"`
}

const columns = "order_no, member, amount_fen, state, channel, clearing_date, payer, logistics_no, auto_date, refund_no, refund_fen"

func (o *Order) held() subaccounts.Key {
	return subaccounts.Key{Code: "2101", Owner: o.Member, Item: o.OrderNo}
}

func (o *Order) fromBalance() bool { return o.Payer != "" }

// refund is the order's refund as the flow of refunds knows it. The order itself
// is its reference: an escrow order is refunded once.
func (o *Order) refund(clearing bizdate.Date) flows.Refund {
	return flows.Refund{Reference: o.OrderNo, RefundNo: o.RefundNo, Channel: o.Channel, Clearing: clearing, Amount: o.Refund}
}

// Orders is the escrow orders of one custody account within a transaction.
type Orders struct{ flows.Journal }

// At returns the escrow orders of the journal's book.
func At(j flows.Journal) Orders { return Orders{j} }

// Terms are by what a confirmed order is divided. FeePPM is the channel's fee by
// its contract; an order paid from a balance has none.
type Terms struct {
	Partner string
	FeePPM  int64
	Rule    split.Rule
}

// Find returns an order, and whether there is one.
func (s Orders) Find(ctx context.Context, orderNo string) (Order, bool, error) {
	var o Order
	found, err := s.Tx.Find(ctx, &o, "SELECT "+columns+" FROM escrow_orders WHERE custody_id = ? AND order_no = ?", s.Book.ID(), orderNo)
	return o, found, err
}

// Held returns the sum of the orders whose money is held, merchant by merchant:
// what 2101 must stand at (R7).
func (s Orders) Held(ctx context.Context) (map[string]money.Amount, error) {
	held := map[string]money.Amount{}
	err := s.Tx.Each(ctx, "SELECT member, SUM(amount_fen) FROM escrow_orders WHERE custody_id = ? AND state IN (?, ?, ?) GROUP BY member",
		[]any{s.Book.ID(), states.EscrowPaid, states.EscrowShipped, states.EscrowDisputed}, func(scan func(...any) error) error {
			var member string
			var sum money.Amount
			err := scan(&member, &sum)
			held[member] = sum
			return err
		})
	return held, err
}

// DueForAutoConfirm returns the shipped orders whose timer has run out on the
// date, in the order of their numbers.
func (s Orders) DueForAutoConfirm(ctx context.Context, date bizdate.Date) ([]Order, error) {
	var list []Order
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM escrow_orders
		WHERE custody_id = ? AND state = ? AND auto_date <= ? ORDER BY order_no`, s.Book.ID(), states.EscrowShipped, date)
	return list, err
}

// Open takes an order down; a number that is there already is state.illegal.
func (s Orders) Open(ctx context.Context, o Order) error {
	if o.Amount <= 0 {
		return fault.Invalid("flows.amount", o.Amount)
	}
	was, _, err := s.Find(ctx, o.OrderNo)
	if err != nil {
		return err
	}
	next, err := states.Escrow.Next(was.State, states.EscrowOrder)
	if err != nil {
		return err
	}
	_, err = s.Tx.Exec(ctx, "INSERT INTO escrow_orders (custody_id, "+columns+") VALUES (?, ?, ?, ?, ?, '', 0, '', '', 0, '', 0)",
		s.Book.ID(), o.OrderNo, o.Member, o.Amount, next)
	return err
}

// step moves an order by one event. change sets what the event adds to the order
// and posts; what it returns as an error undoes the step with the transaction.
func (s Orders) step(ctx context.Context, orderNo string, event states.EscrowEvent, change func(*Order) error) error {
	// The update, which changes nothing, takes the row lock before the state is read.
	n, err := s.Tx.Exec(ctx, "UPDATE escrow_orders SET state = state WHERE custody_id = ? AND order_no = ?", s.Book.ID(), orderNo)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Invalid("escrow.unknown", orderNo)
	}
	o, _, err := s.Find(ctx, orderNo)
	if err != nil {
		return err
	}
	was := o.State
	if o.State, err = states.Escrow.Next(was, event); err != nil {
		return err
	}
	if change != nil {
		if err := change(&o); err != nil {
			return err
		}
	}
	_, err = s.Tx.Exec(ctx, `UPDATE escrow_orders SET state = ?, channel = ?, clearing_date = ?, payer = ?, logistics_no = ?,
		auto_date = ?, refund_no = ?, refund_fen = ? WHERE custody_id = ? AND order_no = ?`,
		o.State, o.Channel, o.Clearing, o.Payer, o.Logistics, o.AutoDate, o.RefundNo, o.Refund, s.Book.ID(), orderNo)
	return err
}

// Pay books a payment through a channel (E6a): the money is held.
func (s Orders) Pay(ctx context.Context, orderNo, channel string, clearing bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowPay, func(o *Order) error {
		o.Channel, o.Clearing = channel, clearing
		return s.Post(ctx, "E6a", o.OrderNo,
			subaccounts.Debit(subaccounts.ChannelDay("1122", channel, clearing), o.Amount), subaccounts.Credit(o.held(), o.Amount))
	})
}

// PayFromBalance books a payment out of a member's withdrawable money (E21).
func (s Orders) PayFromBalance(ctx context.Context, orderNo, payer string) error {
	return s.step(ctx, orderNo, states.EscrowPay, func(o *Order) error {
		o.Payer = payer
		return s.Post(ctx, "E21", o.OrderNo, subaccounts.Debit(withdrawable(payer), o.Amount), subaccounts.Credit(o.held(), o.Amount))
	})
}

// TimeOut closes an order that was not paid.
func (s Orders) TimeOut(ctx context.Context, orderNo string) error {
	return s.step(ctx, orderNo, states.EscrowTimeOut, nil)
}

// Ship records the merchant's logistics number and starts the timer.
func (s Orders) Ship(ctx context.Context, orderNo, logistics string, autoDate bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowShip, func(o *Order) error {
		o.Logistics = logistics
		return s.setTimer(o, autoDate)
	})
}

// Extend lets the timer run longer.
func (s Orders) Extend(ctx context.Context, orderNo string, autoDate bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowExtend, func(o *Order) error {
		if autoDate <= o.AutoDate {
			return fault.Invalid("escrow.timer", autoDate, o.AutoDate)
		}
		return s.setTimer(o, autoDate)
	})
}

// setTimer refuses a timer that has run out already.
func (s Orders) setTimer(o *Order, autoDate bizdate.Date) error {
	if autoDate <= s.Date {
		return fault.Invalid("escrow.timer", autoDate, s.Date)
	}
	o.AutoDate = autoDate
	return nil
}

// Dispute stops the timer; the money stays held until two people decide or the
// buyer takes it back.
func (s Orders) Dispute(ctx context.Context, orderNo string) error {
	return s.step(ctx, orderNo, states.EscrowDispute, func(o *Order) error {
		o.AutoDate = 0
		return nil
	})
}

// DropDispute takes a dispute back and starts the timer again.
func (s Orders) DropDispute(ctx context.Context, orderNo string, autoDate bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowDropDispute, func(o *Order) error { return s.setTimer(o, autoDate) })
}

// Released records that the merchant's share is withdrawable, after the release
// of its channel and clearing date; before that it is flows.in_transit.
func (s Orders) Released(ctx context.Context, orderNo string) error {
	return s.step(ctx, orderNo, states.EscrowWasReleased, func(o *Order) error {
		if o.fromBalance() {
			return nil
		}
		left, err := s.Book.Balance(ctx, s.Tx, subaccounts.Pending(o.Member, o.Channel, o.Clearing))
		if err == nil && left != 0 {
			err = fault.Wait("flows.in_transit", o.Channel, o.Clearing, left.Abs())
		}
		return err
	})
}

func withdrawable(member string) subaccounts.Key {
	return subaccounts.Key{Code: "2001", Owner: member}
}
