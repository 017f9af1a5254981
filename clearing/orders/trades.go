package orders

import (
	"context"

	"custody/clearing/reconcile"
	"custody/internal/money"
	"custody/internal/store"
)

// TradesOfFile reads a channel's rows of our order file as what reconciliation
// compares, in the order of the file: a list of [Order] beside it would double
// the memory of a million rows.
func TradesOfFile(ctx context.Context, tx *store.Tx, custodyID, fileID int64, channel string) ([]reconcile.Trade, error) {
	return trades(ctx, tx, fileID, store.PageQuery{Key: "row_no",
		Columns: []string{"kind", "order_no", "refund_no", "amount_fen", "trade_time"},
		From:    "orders WHERE custody_id = ? AND file_id = ? AND channel = ?", Args: []any{custodyID, fileID, channel}})
}

// TradesOfBill reads the rows of a bill as what reconciliation compares, in the
// order of the bill.
func TradesOfBill(ctx context.Context, tx *store.Tx, custodyID, fileID int64) ([]reconcile.Trade, error) {
	return trades(ctx, tx, fileID, store.PageQuery{Key: "row_no",
		Columns: []string{"kind", "order_no", "refund_no", "amount_fen", "trade_time", "fee_fen"},
		From:    "bill_rows WHERE custody_id = ? AND file_id = ?", Args: []any{custodyID, fileID}})
}

func trades(ctx context.Context, tx *store.Tx, fileID int64, q store.PageQuery) ([]reconcile.Trade, error) {
	list, err := roomFor[reconcile.Trade](ctx, tx, q.From, q.Args...)
	if err != nil {
		return nil, err
	}
	var kept texts
	err = tx.Pages(ctx, q, func(r *store.Row) error {
		t := reconcile.Trade{Ref: reconcile.Ref{File: fileID, Row: int32(r.Int(0))}, Kind: reconcile.Pay,
			OrderNo: kept.keep(r.Text(2)), RefundNo: kept.keep(r.Text(3)), Amount: money.Amount(r.Int(4)), Time: r.Int(5)}
		if r.Text(1) == Refund {
			t.Kind = reconcile.Refund
		}
		if len(q.Columns) > 5 {
			t.Fee = money.Amount(r.Int(6))
		}
		list = append(list, t)
		return nil
	})
	return list, err
}

// Payment is what booking a payment of ours needs of it: 40 bytes, where an
// [Order] has 112.
type Payment struct {
	OrderNo string
	Row     int64
	Amount  money.Amount // fen
	Time    int64        // Unix seconds
}

// PaymentsOfFile reads a channel's payments of our order file, in the order of
// the file, but those of escrow orders.
func PaymentsOfFile(ctx context.Context, tx *store.Tx, custodyID, fileID int64, channel string) ([]Payment, error) {
	q := store.PageQuery{Key: "row_no", Columns: []string{"order_no", "amount_fen", "trade_time"},
		From: "orders WHERE custody_id = ? AND file_id = ? AND channel = ? AND kind = ? AND escrow = 0", Args: []any{custodyID, fileID, channel, Pay}}
	list, err := roomFor[Payment](ctx, tx, q.From, q.Args...)
	if err != nil {
		return nil, err
	}
	var kept texts
	err = tx.Pages(ctx, q, func(r *store.Row) error {
		list = append(list, Payment{OrderNo: kept.keep(r.Text(1)), Row: r.Int(0), Amount: money.Amount(r.Int(2)), Time: r.Int(3)})
		return nil
	})
	return list, err
}
