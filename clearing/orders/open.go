package orders

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// Reasons for which an order is open.
const (
	InPool  = "POOL"    // not in the bill: 2102 against 1402
	Adopted = "ADOPTED" // 补单: in 2102, to be split by the next night
)

// Open is an order that stands in 2102, or a refund that no bill has listed.
type Open struct {
	OrderNo  string        `db:"order_no"`
	RefundNo string        `db:"refund_no"`
	FileID   int64         `db:"order_file_id"`
	Row      int64         `db:"order_row_no"`
	Member   string        `db:"member"`
	Channel  string        `db:"channel"`
	Amount   money.Amount  `db:"amount_fen"`
	Time     int64         `db:"trade_time"`
	Reason   string        `db:"reason"`
	Since    bizdate.Date  `db:"since_date"`
	Cleared  *bizdate.Date `db:"cleared_date"`
	BillFile *int64        `db:"bill_file_id"`
	BillRow  *int64        `db:"bill_row_no"`
}

const openColumns = `order_no, refund_no, order_file_id, order_row_no, member, channel, amount_fen, trade_time,
	reason, since_date, cleared_date, bill_file_id, bill_row_no`

// AddOpen records that an order is open from the date on.
func AddOpen(ctx context.Context, tx *store.Tx, custodyID int64, o Open) error {
	_, err := tx.Exec(ctx, "INSERT INTO open_orders (custody_id, "+openColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
		custodyID, o.OrderNo, o.RefundNo, o.FileID, o.Row, o.Member, o.Channel, o.Amount, o.Time, o.Reason, o.Since, o.BillFile, o.BillRow)
	return err
}

// AddAdopted records that an adopted order is open. One that was voided before
// is open again; one of the pool has stood in 2102 since its own day.
func AddAdopted(ctx context.Context, tx *store.Tx, custodyID int64, o Open) error {
	_, err := tx.Exec(ctx, "INSERT INTO open_orders (custody_id, "+openColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)
		ON CONFLICT (custody_id, order_no, refund_no) DO UPDATE SET reason = excluded.reason, amount_fen = excluded.amount_fen,
		since_date = CASE WHEN open_orders.cleared_date IS NULL THEN open_orders.since_date ELSE excluded.since_date END,
		cleared_date = NULL, bill_file_id = excluded.bill_file_id, bill_row_no = excluded.bill_row_no`,
		custodyID, o.OrderNo, o.RefundNo, o.FileID, o.Row, o.Member, o.Channel, o.Amount, o.Time, Adopted, o.Since, o.BillFile, o.BillRow)
	return err
}

// Clear records the date on which an open order was found, split or written off.
func Clear(ctx context.Context, tx *store.Tx, custodyID int64, orderNo, refundNo string, date bizdate.Date) error {
	_, err := tx.Exec(ctx, "UPDATE open_orders SET cleared_date = ? WHERE custody_id = ? AND order_no = ? AND refund_no = ?",
		date, custodyID, orderNo, refundNo)
	return err
}

// StillOpen returns the orders of a channel that are open for the reason and
// were so before or on the date.
func StillOpen(ctx context.Context, tx *store.Tx, custodyID int64, channel, reason string, date bizdate.Date) ([]Open, error) {
	var list []Open
	err := tx.Select(ctx, &list, "SELECT "+openColumns+` FROM open_orders
		WHERE custody_id = ? AND channel = ? AND reason = ? AND cleared_date IS NULL AND since_date <= ? ORDER BY trade_time, order_no, refund_no`,
		custodyID, channel, reason, date)
	return list, err
}

// ToSplit returns the adopted orders of a channel, and those that could not be
// split before, that the night of the date splits. What it has split already is
// among them, so that a night that goes on after a kill finds the same list.
func ToSplit(ctx context.Context, tx *store.Tx, custodyID int64, channel string, date bizdate.Date) ([]Open, error) {
	var list []Open
	err := tx.Select(ctx, &list, "SELECT "+openColumns+` FROM open_orders
		WHERE custody_id = ? AND channel = ? AND reason = ? AND since_date <= ? AND (cleared_date IS NULL OR cleared_date = ?)
		AND (bill_file_id IS NOT NULL OR since_date < ?) ORDER BY trade_time, order_no`,
		custodyID, channel, Adopted, date, date, date)
	return list, err
}

// WaitsForSplit returns the order where it is one of [ToSplit].
func WaitsForSplit(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string, date bizdate.Date) (Open, bool, error) {
	var o Open
	found, err := tx.Find(ctx, &o, "SELECT "+openColumns+` FROM open_orders
		WHERE custody_id = ? AND order_no = ? AND refund_no = '' AND reason = ? AND since_date <= ?
		AND (cleared_date IS NULL OR cleared_date = ?) AND (bill_file_id IS NOT NULL OR since_date < ?)`,
		custodyID, orderNo, Adopted, date, date, date)
	return o, found, err
}

// Lower records how much of an open order still stands in 2102.
func Lower(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string, left money.Amount) error {
	_, err := tx.Exec(ctx, "UPDATE open_orders SET amount_fen = ? WHERE custody_id = ? AND order_no = ? AND refund_no = ''", left, custodyID, orderNo)
	return err
}

// OpenAsOf returns the payments that stood in 2102 at the cut of the date; those
// of escrow orders stand in 2101.
func OpenAsOf(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Open, error) {
	var list []Open
	err := tx.Select(ctx, &list, "SELECT "+openColumns+` FROM open_orders WHERE custody_id = ? AND refund_no = ''
		AND since_date <= ? AND `+store.OpenAt("cleared_date")+`
		AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.custody_id = open_orders.custody_id AND o.file_id = open_orders.order_file_id
			AND o.row_no = open_orders.order_row_no AND o.escrow = 1) ORDER BY trade_time, order_no`, custodyID, date, date)
	return list, err
}

// FindOpen returns the open order with the numbers.
func FindOpen(ctx context.Context, tx *store.Tx, custodyID int64, orderNo, refundNo string) (Open, bool, error) {
	var o Open
	found, err := tx.Find(ctx, &o, "SELECT "+openColumns+` FROM open_orders
		WHERE custody_id = ? AND order_no = ? AND refund_no = ? AND cleared_date IS NULL`, custodyID, orderNo, refundNo)
	return o, found, err
}
