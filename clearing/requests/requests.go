// Package requests keeps the orders that are split by requests (分账请求): their
// money waits in 2102 while head office names amounts, one request after the
// other, until the rest is released to the franchisee (解冻剩余), at the latest on
// the day on which the channel thaws it by itself.
//
// An order's row never changes but for the day of its end; what left 2102 of it is
// a list of dated moves. So what stood there at any day's cut can be told.
//
//	s, found, err := requests.Find(ctx, tx, custodyID, "W1")
//	rest := s.Rest() // what a further request may give
package requests

import (
	"context"
	"slices"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// Order is an order as the night booked it. Amounts are fen.
type Order struct {
	OrderNo  string        `db:"order_no"`
	Channel  string        `db:"channel"`
	Clearing bizdate.Date  `db:"clearing_date"`
	Member   string        `db:"member"` // the franchisee
	FileID   int64         `db:"order_file_id"`
	Row      int64         `db:"order_row_no"`
	Amount   money.Amount  `db:"amount_fen"` // with the fee
	Fee      money.Amount  `db:"fee_fen"`    // of the channel, by its contract
	RuleID   string        `db:"rule_id"`
	Version  int           `db:"rule_version"`
	Since    bizdate.Date  `db:"since_date"`
	Thaw     bizdate.Date  `db:"thaw_date"` // 自动解冻
	Closed   *bizdate.Date `db:"closed_date"`
}

const orderColumns = `order_no, channel, clearing_date, member, order_file_id, order_row_no, amount_fen, fee_fen, rule_id, rule_version,
	since_date, thaw_date, closed_date`

// The kinds of moves.
const (
	Split   = "SPLIT"
	Return  = "RETURN" // 分账回退
	Refund  = "REFUND"
	Release = "RELEASE" // 解冻剩余
)

// Move is what left 2102 of an order to one receiver, or came back from it
// (negative).
type Move struct {
	No       int          `db:"move_no"`
	Receiver string       `db:"receiver"` // member; ” is head office, of a refund the customer
	Kind     string       `db:"kind"`
	Ref      string       `db:"ref"`
	Date     bizdate.Date `db:"move_date"`
	Amount   money.Amount `db:"amount_fen"`
	Fee      money.Amount `db:"fee_fen"`
}

// State is an order with its moves in their order.
type State struct {
	Order
	Moves []Move
}

// Left returns what of the order stands in 2102, with the fee in it.
func (s *State) Left() money.Amount {
	if s.Closed != nil {
		return 0
	}
	left := s.Amount
	for _, m := range s.Moves {
		left -= m.Amount
	}
	return left
}

// FeeLeft returns the channel's fee that the order will bear.
func (s *State) FeeLeft() money.Amount {
	fee := s.Fee
	for _, m := range s.Moves {
		if m.Kind == Refund {
			fee -= m.Fee
		}
	}
	return fee
}

// Rest returns what further requests may give, or a release gives the franchisee.
func (s *State) Rest() money.Amount { return max(s.Left()-s.FeeLeft(), 0) }

// Given returns what each receiver has by requests, less what it returned.
func (s *State) Given() map[string]money.Amount {
	given := map[string]money.Amount{}
	for _, m := range s.Moves {
		if m.Kind == Split || m.Kind == Return {
			given[m.Receiver] += m.Amount
		}
	}
	return given
}

// Requests returns the pure side of the order: what its contract still allows.
func (s *State) Requests(limits split.Limits) *split.Requests {
	r := &split.Requests{Member: s.Member, Amount: s.Amount, Fee: s.FeeLeft(), Limits: limits}
	last, count := 0, 0
	for _, m := range s.Moves {
		if m.Kind == Refund {
			r.Amount -= m.Amount
		}
		if m.Kind == Split && m.No != last {
			last, count = m.No, count+1
		}
	}
	r.Resume(s.Given(), count)
	return r
}

// Count returns how many moves of a kind there were; the parts of one are one.
func (s *State) Count(kind string) int {
	last, count := 0, 0
	for _, m := range s.Moves {
		if m.Kind == kind && m.No != last {
			last, count = m.No, count+1
		}
	}
	return count
}

// Of returns the parts of the move of a kind that has the reference.
func (s *State) Of(kind, ref string) []Move {
	var list []Move
	for _, m := range s.Moves {
		if m.Kind == kind && m.Ref == ref {
			list = append(list, m)
		}
	}
	return list
}

// Add records orders that a night booked; orders that are there already stay.
func Add(ctx context.Context, tx *store.Tx, custodyID int64, list []Order) error {
	b := tx.Bulk("split_request_orders", store.Const("custody_id", custodyID), store.Text("order_no"), store.Text("channel"), store.Int("clearing_date"),
		store.Text("member"), store.Int("order_file_id"), store.Int("order_row_no"), store.Int("amount_fen"), store.Int("fee_fen"), store.Text("rule_id"),
		store.Int("rule_version"), store.Int("since_date"), store.Int("thaw_date"))
	for i := range list {
		o := &list[i]
		b.Text(o.OrderNo).Text(o.Channel).Int(int64(o.Clearing)).Text(o.Member).Int(o.FileID).Int(o.Row).Int(int64(o.Amount)).Int(int64(o.Fee)).
			Text(o.RuleID).Int(int64(o.Version)).Int(int64(o.Since)).Int(int64(o.Thaw))
	}
	return b.Flush(ctx)
}

// Find returns an order with its moves.
func Find(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string) (State, bool, error) {
	var s State
	found, err := tx.Find(ctx, &s.Order, "SELECT "+orderColumns+" FROM split_request_orders WHERE custody_id = ? AND order_no = ?", custodyID, orderNo)
	if err != nil || !found {
		return s, found, err
	}
	err = tx.Select(ctx, &s.Moves, `SELECT move_no, receiver, kind, ref, move_date, amount_fen, fee_fen FROM split_request_moves
		WHERE custody_id = ? AND order_no = ? ORDER BY move_no, receiver`, custodyID, orderNo)
	return s, true, err
}

// Record adds one move, one part per receiver: all have its kind, reference and date.
func (s *State) Record(ctx context.Context, tx *store.Tx, custodyID int64, parts ...Move) error {
	no := 1
	if n := len(s.Moves); n > 0 {
		no = s.Moves[n-1].No + 1
	}
	for _, m := range parts {
		m.No = no
		_, err := tx.Exec(ctx, `INSERT INTO split_request_moves (custody_id, order_no, move_no, receiver, kind, ref, move_date, amount_fen, fee_fen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, custodyID, s.OrderNo, no, m.Receiver, m.Kind, m.Ref, m.Date, m.Amount, m.Fee)
		if err != nil {
			return err
		}
		s.Moves = append(s.Moves, m)
	}
	return nil
}

// Close ends an order: nothing of it is left in 2102.
func (s *State) Close(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) error {
	s.Closed = &date
	_, err := tx.Exec(ctx, "UPDATE split_request_orders SET closed_date = ? WHERE custody_id = ? AND order_no = ?", date, custodyID, s.OrderNo)
	return err
}

// Due returns the numbers of at most limit orders whose rest is released by the
// date, the oldest first.
func Due(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, limit int) ([]string, error) {
	var list []string
	err := tx.Select(ctx, &list, `SELECT order_no FROM split_request_orders WHERE custody_id = ? AND closed_date IS NULL AND thaw_date <= ?
		ORDER BY thaw_date, order_no LIMIT ?`, custodyID, date, limit)
	return list, err
}

// Open returns the orders that wait, by the day of their release, at most limit.
func Open(ctx context.Context, tx *store.Tx, custodyID int64, limit int) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+` FROM split_request_orders WHERE custody_id = ? AND closed_date IS NULL
		ORDER BY thaw_date, order_no LIMIT ?`, custodyID, limit)
	return list, err
}

// Waiting is what of one channel and clearing date stood in 2102 for requests.
type Waiting struct {
	Channel  string       `db:"channel"`
	Clearing bizdate.Date `db:"clearing_date"`
	Left     money.Amount `db:"left_fen"` // with the fees in it
	Fee      money.Amount `db:"fee_fen"`  // that the orders will bear
}

// AsOf returns what stood in 2102 at the cut of the date, by channel and clearing
// date.
func AsOf(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Waiting, error) {
	open := " FROM split_request_orders o WHERE o.custody_id = ? AND o.since_date <= ? AND " + store.OpenAt("o.closed_date")
	var list, moved []Waiting
	err := tx.Select(ctx, &list, `SELECT o.channel, o.clearing_date, CAST(SUM(o.amount_fen) AS BIGINT) AS left_fen, CAST(SUM(o.fee_fen) AS BIGINT) AS fee_fen`+open+
		" GROUP BY o.channel, o.clearing_date ORDER BY o.channel, o.clearing_date", custodyID, date, date)
	if err != nil || len(list) == 0 {
		return list, err
	}
	err = tx.Select(ctx, &moved, `SELECT o.channel, o.clearing_date, CAST(SUM(m.amount_fen) AS BIGINT) AS left_fen,
		CAST(SUM(CASE WHEN m.kind = 'REFUND' THEN m.fee_fen ELSE 0 END) AS BIGINT) AS fee_fen
		FROM split_request_moves m JOIN split_request_orders o ON o.custody_id = m.custody_id AND o.order_no = m.order_no
		WHERE o.custody_id = ? AND o.since_date <= ? AND `+store.OpenAt("o.closed_date")+` AND m.move_date <= ?
		GROUP BY o.channel, o.clearing_date`, custodyID, date, date, date)
	for _, m := range moved {
		i := slices.IndexFunc(list, func(w Waiting) bool { return w.Channel == m.Channel && w.Clearing == m.Clearing })
		list[i].Left, list[i].Fee = list[i].Left-m.Left, list[i].Fee-m.Fee
	}
	return list, err
}
