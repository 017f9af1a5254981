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

	"custody/clearing/events"
	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/clearing/states"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
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
	// When its money was where, by accounting date; 0 while it was not.
	HeldDate  bizdate.Date `db:"held_date"`  // it came into 2101
	EndedDate bizdate.Date `db:"ended_date"` // it left 2101
	BackDate  bizdate.Date `db:"back_date"`  // its refund left 2202
}

const columns = `order_no, member, amount_fen, state, channel, clearing_date, payer, logistics_no, auto_date, refund_no, refund_fen,
	held_date, ended_date, back_date`

// Audited is the table as the audit log covers it: every column.
var Audited = audit.Table{Name: "escrow_orders", Key: []string{"order_no"}, Columns: []string{"member", "amount_fen", "state", "channel",
	"clearing_date", "payer", "logistics_no", "auto_date", "refund_no", "refund_fen", "held_date", "ended_date", "back_date"}}

// holding reports whether an order's money stands in 2101.
func holding(s states.EscrowState) bool {
	return s == states.EscrowPaid || s == states.EscrowShipped || s == states.EscrowDisputed
}

// returning reports whether an order's refund stands in 2202.
func returning(s states.EscrowState) bool {
	return s == states.EscrowRefunding || s == states.EscrowPartRefund
}

// Held is where the order's money stands until it is confirmed or given back.
func (o *Order) Held() subaccounts.Key { return o.held() }

// FromBalance reports whether a member paid it out of its balance.
func (o *Order) FromBalance() bool { return o.fromBalance() }

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
	Region  string
	Partner string
	FeePPM  int64
	Rule    split.Rule
	Scheme  *split.Scheme                            // the rule made ready; nil: it is made of Rule
	Fee     func(money.Amount) (money.Amount, error) // the channel's fee by its contract; nil: FeePPM of the amount
}

func (t Terms) fee(amount money.Amount) (money.Amount, error) {
	if t.Fee != nil {
		return t.Fee(amount)
	}
	return split.Fee(amount, t.FeePPM)
}

func (t Terms) ready() (*split.Scheme, error) {
	if t.Scheme != nil {
		return t.Scheme, nil
	}
	return t.Rule.Scheme()
}

// Find returns an order, and whether there is one.
func (s Orders) Find(ctx context.Context, orderNo string) (Order, bool, error) {
	var o Order
	found, err := s.Tx.Find(ctx, &o, "SELECT "+columns+" FROM escrow_orders WHERE custody_id = ? AND order_no = ?", s.Book.ID(), orderNo)
	return o, found, err
}

// HeldAsOf returns the orders whose money stood in 2101 at the cut of the date,
// in the order of their numbers (R7).
func (s Orders) HeldAsOf(ctx context.Context, date bizdate.Date) ([]Order, error) {
	var list []Order
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM escrow_orders WHERE custody_id = ? AND held_date > 0 AND held_date <= ?
		AND (ended_date = 0 OR `+store.Behind("ended_date")+") ORDER BY order_no", s.Book.ID(), date, date)
	return list, err
}

// RefundingAsOf returns the orders whose refund stood in 2202 at the cut of the
// date, in the order of their numbers (R6).
func (s Orders) RefundingAsOf(ctx context.Context, date bizdate.Date) ([]Order, error) {
	var list []Order
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM escrow_orders WHERE custody_id = ? AND refund_no <> '' AND payer = ''
		AND ended_date > 0 AND ended_date <= ? AND (back_date = 0 OR `+store.Behind("back_date")+") ORDER BY order_no", s.Book.ID(), date, date)
	return list, err
}

// Releasable returns the orders of a channel and clearing date that have ended
// for their merchant and are not settled.
func (s Orders) Releasable(ctx context.Context, channel string, clearing bizdate.Date) ([]Order, error) {
	var list []Order
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM escrow_orders WHERE custody_id = ? AND state IN (?, ?, ?)
		AND channel = ? AND clearing_date = ? ORDER BY order_no`, s.Book.ID(), states.EscrowConfirmed, states.EscrowAuto, states.EscrowPartBack,
		channel, clearing)
	return list, err
}

// All returns the orders in a state, or every one for "", in the order of their
// numbers; at most limit of them.
func (s Orders) All(ctx context.Context, state states.EscrowState, limit int) ([]Order, error) {
	var list []Order
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM escrow_orders WHERE custody_id = ? AND (? = '' OR state = ?)
		ORDER BY order_no LIMIT ?`, s.Book.ID(), state, state, limit)
	return list, err
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
	_, err = s.Tx.Exec(ctx, "INSERT INTO escrow_orders (custody_id, "+columns+") VALUES (?, ?, ?, ?, ?, '', 0, '', '', 0, '', 0, 0, 0, 0)",
		s.Book.ID(), o.OrderNo, o.Member, o.Amount, next)
	if err != nil {
		return err
	}
	o.State = next
	return s.tell(ctx, o, was.State, states.EscrowOrder)
}

// tell records the change in the audit log and the event log.
func (s Orders) tell(ctx context.Context, o Order, was states.EscrowState, event states.EscrowEvent) error {
	err := Audited.Record(ctx, s.Tx, s.Book.ID(), s.At, s.Actor, "escrow."+string(event), []any{o.OrderNo}, nil)
	if err != nil {
		return err
	}
	return events.Append(ctx, s.Tx, s.Book.ID(), events.Event{Date: s.Date, Kind: events.Escrow, Subject: o.OrderNo,
		From: string(was), To: string(o.State), Payload: notice{o.Member, o.Amount, o.Channel, o.Payer, o.Logistics, o.AutoDate, o.RefundNo, o.Refund}})
}

// notice is what the merchant is told of a change.
type notice struct {
	Member    string       `json:"member"`
	Amount    money.Amount `json:"amount_fen"`
	Channel   string       `json:"channel,omitempty"`
	Payer     string       `json:"payer,omitempty"`
	Logistics string       `json:"logistics_no,omitempty"`
	AutoDate  bizdate.Date `json:"auto_date,omitempty"`
	RefundNo  string       `json:"refund_no,omitempty"`
	Refund    money.Amount `json:"refund_fen,omitempty"`
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
	s.date(&o, was)
	if err := s.save(ctx, o); err != nil {
		return err
	}
	return s.tell(ctx, o, was, event)
}

// date notes when the order's money moved on.
func (s Orders) date(o *Order, was states.EscrowState) {
	switch {
	case !holding(was) && holding(o.State):
		o.HeldDate = s.Date
	case holding(was) && !holding(o.State):
		o.EndedDate = s.Date
	}
	if returning(was) && !returning(o.State) {
		o.BackDate = s.Date
	}
}

func (s Orders) save(ctx context.Context, o Order) error {
	_, err := s.Tx.Exec(ctx, `UPDATE escrow_orders SET state = ?, channel = ?, clearing_date = ?, payer = ?, logistics_no = ?,
		auto_date = ?, refund_no = ?, refund_fen = ?, held_date = ?, ended_date = ?, back_date = ? WHERE custody_id = ? AND order_no = ?`,
		o.State, o.Channel, o.Clearing, o.Payer, o.Logistics, o.AutoDate, o.RefundNo, o.Refund, o.HeldDate, o.EndedDate, o.BackDate,
		s.Book.ID(), o.OrderNo)
	return err
}

// Received is Pay for a payment whose voucher ([Order.Receipt]) the caller posts
// with those of a whole night.
func (s Orders) Received(ctx context.Context, orderNo, channel string, clearing bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowPay, func(o *Order) error {
		o.Channel, o.Clearing = channel, clearing
		return nil
	})
}

// Receipt is the legs of a payment through a channel (E6a).
func (o *Order) Receipt(channel string, clearing bizdate.Date) []subaccounts.Leg {
	return []subaccounts.Leg{subaccounts.Debit(subaccounts.ChannelDay("1122", channel, clearing), o.Amount), subaccounts.Credit(o.held(), o.Amount)}
}

// MoveTo notes that the payment stands in the bill of another clearing date.
func (s Orders) MoveTo(ctx context.Context, orderNo string, clearing bizdate.Date) error {
	o, found, err := s.Find(ctx, orderNo)
	if err != nil || !found {
		return err
	}
	o.Clearing = clearing
	if err := s.save(ctx, o); err != nil {
		return err
	}
	return Audited.Record(ctx, s.Tx, s.Book.ID(), s.At, s.Actor, "escrow.MOVE", []any{orderNo}, nil)
}

// Void closes an order whose payment never happened; its voucher (E14h) is the caller's.
func (s Orders) Void(ctx context.Context, orderNo string) error {
	return s.step(ctx, orderNo, states.EscrowVoid, nil)
}

// Pay books a payment through a channel (E6a): the money is held.
func (s Orders) Pay(ctx context.Context, orderNo, channel string, clearing bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowPay, func(o *Order) error {
		o.Channel, o.Clearing = channel, clearing
		return s.Post(ctx, "E6a", o.OrderNo, o.Receipt(channel, clearing)...)
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
