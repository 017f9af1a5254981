package orders_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
)

const (
	custody   = 1
	orderFile = 1
	billFile  = 2
	night     = bizdate.Date(20260105)
)

// ours returns n orders over two channels; every fifth is a refund.
func ours(n int) []orders.Order {
	list := make([]orders.Order, n)
	for i := range list {
		o := orders.Order{FileID: orderFile, Row: int64(i + 3), Kind: orders.Pay, OrderNo: fmt.Sprintf("20260105WX%09d", i),
			Member: fmt.Sprintf("F%03d", i%7), Channel: [2]string{"WX", "ALI"}[i%2], Amount: money.Amount(100 + i), Time: int64(1_767_571_200 + i)}
		if i%5 == 3 {
			o.Kind, o.RefundNo = orders.Refund, o.OrderNo+"R1"
		}
		list[i] = o
	}
	return list
}

// books returns a database with n orders and a bill in which all of WX are matched.
func books(t testing.TB, n int) *store.DB {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Tx(ctx, func(tx *store.Tx) error {
		loader, bill := orders.NewLoader(tx, custody, orderFile), orders.NewBillLoader(tx, custody, billFile)
		var matches []reconcile.Match
		for _, o := range ours(n) {
			loader.Add(&o)
			if o.Channel == "WX" {
				r := billRow(&o)
				bill.Add(&r)
				matches = append(matches, reconcile.Match{Ours: reconcile.Ref{File: orderFile, Row: int32(o.Row)}, Theirs: reconcile.Ref{File: billFile, Row: int32(r.Row)}})
			}
		}
		if err := loader.Flush(ctx); err != nil {
			return err
		}
		if err := bill.Flush(ctx); err != nil {
			return err
		}
		return orders.SaveMatches(ctx, tx, custody, night, matches)
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func billRow(o *orders.Order) orders.BillRow {
	return orders.BillRow{FileID: billFile, Row: o.Row + 7, Kind: o.Kind, OrderNo: o.OrderNo, RefundNo: o.RefundNo,
		Amount: o.Amount, Fee: o.Amount / 100, Time: o.Time + 1}
}

func read[T any](t testing.TB, db *store.DB, fn func(context.Context, *store.Tx) ([]T, error)) []T {
	t.Helper()
	var list []T
	err := db.Read(context.Background(), func(tx *store.Tx) (err error) {
		list, err = fn(context.Background(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestReadBack writes orders, a bill and matches, and reads each by kind and channel.
func TestReadBack(t *testing.T) {
	all := ours(40)
	db := books(t, len(all))
	for _, c := range []struct{ kind, channel string }{{"", ""}, {orders.Pay, ""}, {orders.Refund, "ALI"}, {"", "WX"}, {orders.Refund, "WX"}} {
		t.Run("orders "+c.kind+c.channel, func(t *testing.T) {
			var want []orders.Order
			for _, o := range all {
				if (c.kind == "" || o.Kind == c.kind) && (c.channel == "" || o.Channel == c.channel) {
					want = append(want, o)
				}
			}
			got := read(t, db, func(ctx context.Context, tx *store.Tx) ([]orders.Order, error) {
				return orders.OfFile(ctx, tx, custody, orderFile, c.kind, c.channel)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, kind := range []string{"", orders.Pay, orders.Refund} {
		t.Run("bill "+kind, func(t *testing.T) {
			var want []orders.BillRow
			for _, o := range all {
				if o.Channel == "WX" && (kind == "" || o.Kind == kind) {
					want = append(want, billRow(&o))
				}
			}
			got := read(t, db, func(ctx context.Context, tx *store.Tx) ([]orders.BillRow, error) {
				return orders.OfBill(ctx, tx, custody, billFile, kind)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, c := range []struct {
		kind string
		date bizdate.Date
	}{{orders.Pay, night}, {orders.Refund, night}, {orders.Pay, night + 1}} {
		t.Run(fmt.Sprint("matches ", c.kind, c.date), func(t *testing.T) {
			var want []orders.Pair
			for _, o := range all {
				if o.Channel == "WX" && o.Kind == c.kind && c.date == night {
					want = append(want, orders.Pair{Order: o, BillRow: o.Row + 7, Fee: o.Amount / 100})
				}
			}
			got := read(t, db, func(ctx context.Context, tx *store.Tx) ([]orders.Pair, error) {
				return orders.Matched(ctx, tx, custody, billFile, c.date, c.kind)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The reading of a night's rows, beside a bare scan of the same rows.
func BenchmarkReading(b *testing.B) {
	const n = 100_000
	db := books(b, n)
	each := func(name string, rows int, fn func(context.Context, *store.Tx) (int, error)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				err := db.Read(context.Background(), func(tx *store.Tx) error {
					got, err := fn(context.Background(), tx)
					if got != rows {
						b.Fatalf("%d rows, want %d", got, rows)
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
	each("scan", n, func(ctx context.Context, tx *store.Tx) (rows int, err error) {
		return n, tx.Get(ctx, &rows, "SELECT SUM(LENGTH(order_no) + LENGTH(refund_no) + amount_fen + trade_time) FROM orders")
	})
	each("orders", n, func(ctx context.Context, tx *store.Tx) (int, error) {
		list, err := orders.OfFile(ctx, tx, custody, orderFile, "", "")
		return len(list), err
	})
	each("bill", n/2, func(ctx context.Context, tx *store.Tx) (int, error) {
		list, err := orders.OfBill(ctx, tx, custody, billFile, "")
		return len(list), err
	})
	each("matches", n/2-n/10, func(ctx context.Context, tx *store.Tx) (int, error) {
		list, err := orders.Matched(ctx, tx, custody, billFile, night, orders.Pay)
		return len(list), err
	})
}
