package orders

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// UndoMatch takes the match of a payment back: the history says who did it and
// why, its row stays under a negative number, out of the way of a new match of
// the same rows, and the order waits in the pool from the date on.
func UndoMatch(ctx context.Context, tx *store.Tx, custodyID int64, o Order, m Match, date bizdate.Date, actor, reason string) error {
	var n int64
	if err := tx.Get(ctx, &n, "SELECT COUNT(*) + 1 FROM undone_trades WHERE custody_id = ?", custodyID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO undone_trades (custody_id, bill_file_id, bill_row_no, undone_no, order_file_id, order_row_no,
			accounting_date, rule, rule_version, undone_date, undone_by, reason)
		SELECT custody_id, bill_file_id, bill_row_no, CAST(? AS BIGINT), order_file_id, order_row_no,
			accounting_date, rule, rule_version, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT)
		FROM trade_matches t WHERE t.custody_id = ? AND t.bill_file_id = ? AND t.bill_row_no = ?`,
		n, date, actor, reason, custodyID, m.BillFile, m.BillRow)
	if err != nil {
		return err
	}
	changed, err := tx.Exec(ctx, `UPDATE trade_matches SET bill_file_id = ?, order_file_id = ? WHERE custody_id = ? AND bill_file_id = ? AND bill_row_no = ?`,
		-n, -n, custodyID, m.BillFile, m.BillRow)
	if err != nil {
		return err
	}
	if changed != 1 { // it has moved into an archive, which nobody changes
		return fault.Invalid("match.archived", o.OrderNo).On("ID", o.OrderNo)
	}
	_, err = tx.Exec(ctx, "INSERT INTO open_orders (custody_id, "+openColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)
		ON CONFLICT (custody_id, order_no, refund_no) DO UPDATE SET reason = excluded.reason, amount_fen = excluded.amount_fen,
		since_date = excluded.since_date, cleared_date = NULL, bill_file_id = NULL, bill_row_no = NULL`,
		custodyID, o.OrderNo, o.RefundNo, o.FileID, o.Row, o.Member, o.Channel, o.Amount, o.Time, InPool, date)
	return err
}

// Undone is a match that was taken back.
type Undone struct {
	OrderNo  string       `db:"order_no" json:"order_no"`
	Matched  bizdate.Date `db:"accounting_date" json:"matched"`
	Rule     string       `db:"rule" json:"rule"`
	Date     bizdate.Date `db:"undone_date" json:"undone_date"`
	By       string       `db:"undone_by" json:"undone_by"`
	Reason   string       `db:"reason" json:"reason"`
	UndoneNo int          `db:"undone_no" json:"undone_no"`
}

// UndoneOf returns the history of matches of an order that were taken back.
func UndoneOf(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string) ([]Undone, error) {
	var list []Undone
	err := tx.Select(ctx, &list, `SELECT o.order_no, u.accounting_date, u.rule, u.undone_date, u.undone_by, u.reason, u.undone_no
		FROM undone_trades u JOIN orders o ON o.custody_id = u.custody_id AND o.file_id = u.order_file_id AND o.row_no = u.order_row_no
		WHERE u.custody_id = ? AND o.order_no = ? ORDER BY u.undone_date, u.undone_no`, custodyID, orderNo)
	return list, err
}
