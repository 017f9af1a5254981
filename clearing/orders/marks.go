package orders

import (
	"context"

	"custody/internal/money"
	"custody/internal/store"
)

// Marks of a payment: what an order file says of it beside its amount.
const (
	Coupon   = "COUPON"   // 优惠券: a part that head office paid
	Reversed = "REVERSED" // 已撤销: voided on its day
	Closed   = "CLOSED"   // 已关闭, and so not collected
	Failed   = "FAILED"   // 失败, the same
	Unknown  = "UNKNOWN"  // 待确认, the same
)

// Mark is one of them. A payment that was not collected is no order of the books:
// its mark is all that they have of it.
type Mark struct {
	FileID  int64        `db:"file_id"`
	Row     int64        `db:"row_no"`
	Mark    string       `db:"mark"`
	OrderNo string       `db:"order_no"`
	Member  string       `db:"member"`
	Channel string       `db:"channel"`
	Amount  money.Amount `db:"amount_fen"` // of Coupon the coupon's, else the order's
}

const markColumns = "file_id, row_no, mark, order_no, member, channel, amount_fen"

// SaveMarks writes the marks of a file, in the transaction in which it becomes
// LOADED: an interrupted load leaves none.
func SaveMarks(ctx context.Context, tx *store.Tx, custodyID, fileID int64, marks []Mark) error {
	if len(marks) == 0 {
		return nil
	}
	b := tx.Bulk("order_marks", store.Const("custody_id", custodyID), store.Const("file_id", fileID), store.Int("row_no"), store.Text("mark"),
		store.Text("order_no"), store.Text("member"), store.Text("channel"), store.Int("amount_fen"))
	for i := range marks {
		m := &marks[i]
		b.Int(m.Row).Text(m.Mark).Text(m.OrderNo).Text(m.Member).Text(m.Channel).Int(int64(m.Amount))
	}
	return b.Flush(ctx)
}

// MarksOfFile returns the marks of one kind and channel in a file, by row.
func MarksOfFile(ctx context.Context, tx *store.Tx, custodyID, fileID int64, channel, mark string) ([]Mark, error) {
	var list []Mark
	err := tx.Select(ctx, &list, "SELECT "+markColumns+` FROM order_marks WHERE custody_id = ? AND file_id = ? AND channel = ? AND mark = ?
		ORDER BY row_no`, custodyID, fileID, channel, mark)
	return list, err
}

// MarkOf returns the mark of an order, of one of the kinds.
func MarkOf(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string, kinds ...string) (Mark, bool, error) {
	var list []Mark
	err := tx.Select(ctx, &list, "SELECT "+markColumns+" FROM order_marks WHERE custody_id = ? AND order_no = ? ORDER BY file_id, row_no", custodyID, orderNo)
	for _, m := range list {
		for _, k := range kinds {
			if m.Mark == k {
				return m, true, err
			}
		}
	}
	return Mark{}, false, err
}

// Coupons says what coupons paid of a channel's orders. A bill may bring an order
// of any day, so it reads the marks of a file when the first of its rows is asked
// for: two or three files of a night, not those of all days.
type Coupons struct {
	tx      *store.Tx
	custody int64
	channel string
	files   map[int64]map[int64]money.Amount // by file and row
}

// NewCoupons returns the coupons of a channel, as long as the transaction lives.
func NewCoupons(tx *store.Tx, custodyID int64, channel string) *Coupons {
	return &Coupons{tx, custodyID, channel, map[int64]map[int64]money.Amount{}}
}

// Of returns what a coupon paid of the order at a place, 0 for none.
func (c *Coupons) Of(ctx context.Context, file, row int64) (money.Amount, error) {
	rows, known := c.files[file]
	if !known {
		marks, err := MarksOfFile(ctx, c.tx, c.custody, file, c.channel, Coupon)
		if err != nil {
			return 0, err
		}
		rows = make(map[int64]money.Amount, len(marks))
		for _, m := range marks {
			rows[m.Row] = m.Amount
		}
		c.files[file] = rows
	}
	return rows[row], nil
}
