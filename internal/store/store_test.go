package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"custody/internal/pgtest"
	"custody/internal/store"
)

func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestBulkRoundTrip writes rows of every width through the bulk path and reads
// them back: what goes in comes out, over several statements and with padding.
func TestBulkRoundTrip(t *testing.T) { pgtest.Each(t, bulkRoundTrip) }

func bulkRoundTrip(t *testing.T, dsn string) {
	db, ctx := open(t, dsn), context.Background()
	const rows = 25_001
	hash := func(i int) []byte { h := sha256.Sum256(fmt.Append(nil, i)); return h[:] }
	text := func(i int) string { return []string{"", "a", "存管专户", "WX.20260212"}[i%4] }
	amount := func(i int) int64 { return int64(i*i) * []int64{1, -1}[i%2] }

	err := db.Tx(ctx, func(tx *store.Tx) error {
		b := tx.Bulk("voucher_log_nodes", store.Const("custody_id", 1), store.Int("level"), store.Int("node"), store.Blob("hash"))
		c := tx.Bulk("items", store.Const("custody_id", 7), store.Int("account_id"), store.Text("item"), store.Int("balance_fen"))
		for i := range rows {
			b.Int(1).Int(int64(i)).Blob(hash(i))
			c.Int(int64(i)).Text(text(i)).Int(amount(i))
		}
		return errors.Join(b.Flush(ctx), c.Flush(ctx))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(ctx, func(tx *store.Tx) error {
		i := 0
		return tx.Each(ctx, `SELECT n.hash, i.item, i.balance_fen FROM voucher_log_nodes n
			JOIN items i ON i.custody_id = 7 AND i.account_id = n.node ORDER BY n.node`, nil,
			func(scan func(...any) error) error {
				var h []byte
				var item string
				var fen int64
				if err := scan(&h, &item, &fen); err != nil {
					return err
				}
				if !bytes.Equal(h, hash(i)) || item != text(i) || fen != amount(i) {
					t.Fatalf("row %d: got %x %q %d, want %x %q %d", i, h, item, fen, hash(i), text(i), amount(i))
				}
				i++
				return nil
			})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBulkRefuses: a value that the packed form could not give back is refused,
// and nothing of the transaction stays.
func TestBulkRefuses(t *testing.T) { pgtest.Each(t, bulkRefuses) }

func bulkRefuses(t *testing.T, dsn string) {
	db, ctx := open(t, dsn), context.Background()
	for name, fill := range map[string]func(*store.Bulk){
		"text that ends in a space": func(b *store.Bulk) { b.Int(1).Text("a ").Int(1) },
		"wrong kind":                func(b *store.Bulk) { b.Int(1).Int(2).Int(3) },
	} {
		t.Run(name, func(t *testing.T) {
			err := db.Tx(ctx, func(tx *store.Tx) error {
				b := tx.Bulk("items", store.Const("custody_id", 1), store.Int("account_id"), store.Text("item"), store.Int("balance_fen"))
				fill(b)
				return b.Flush(ctx)
			})
			if err == nil {
				t.Fatal("accepted")
			}
		})
	}
	var n int
	if err := db.Read(ctx, func(tx *store.Tx) error { return tx.Get(ctx, &n, "SELECT count(*) FROM items") }); err != nil || n != 0 {
		t.Fatalf("rows left: %d, %v", n, err)
	}
}

// TestBulkOnConflict: rows that are there take the new values of the named
// columns and keep the others, the rest is inserted.
func TestBulkOnConflict(t *testing.T) { pgtest.Each(t, bulkOnConflict) }

func bulkOnConflict(t *testing.T, dsn string) {
	db, ctx := open(t, dsn), context.Background()
	key := []string{"custody_id", "account_id"}
	write := func(from, to, balance int64) error {
		return db.Tx(ctx, func(tx *store.Tx) error {
			b := tx.Bulk("accounts", store.Const("custody_id", 1), store.Int("account_id"), store.Const("code", "2001"),
				store.Text("owner"), store.Int("balance_fen"), store.Int("last_seq")).OnConflict(key, "balance_fen")
			for id := from; id < to; id++ {
				b.Int(id).Text(fmt.Sprint(id, balance)).Int(balance).Int(balance)
			}
			return b.Flush(ctx)
		})
	}
	if err := errors.Join(write(0, 15_000, 1), write(10_000, 20_000, 2)); err != nil {
		t.Fatal(err)
	}
	var got struct{ Rows, Balance, Seq int64 }
	err := db.Read(ctx, func(tx *store.Tx) error {
		return tx.Get(ctx, &got, "SELECT count(*) AS rows, sum(balance_fen) AS balance, sum(last_seq) AS seq FROM accounts")
	})
	want := struct{ Rows, Balance, Seq int64 }{20_000, 30_000, 25_000}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestReadOnly: the reading side cannot write.
func TestReadOnly(t *testing.T) { pgtest.Each(t, readOnly) }

func readOnly(t *testing.T, dsn string) {
	db, ctx := open(t, dsn), context.Background()
	err := db.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (1, 'A', 'A', 'A')")
		return err
	})
	if err == nil {
		t.Fatal("a reader wrote")
	}
}

// TestTxRollsBack: an error undoes everything.
func TestTxRollsBack(t *testing.T) { pgtest.Each(t, txRollsBack) }

func txRollsBack(t *testing.T, dsn string) {
	db, ctx := open(t, dsn), context.Background()
	stop := errors.New("stop")
	err := db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (1, 'A', 'A', 'A')"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	var n int
	if err := db.Read(ctx, func(tx *store.Tx) error { return tx.Get(ctx, &n, "SELECT count(*) FROM custodies") }); err != nil || n != 0 {
		t.Fatalf("rows left: %d, %v", n, err)
	}
}

// BenchmarkBulkEntries is the price of one ledger row on the fast path.
func BenchmarkBulkEntries(b *testing.B) {
	db, ctx := open(b, pgtest.Where(b)), context.Background()
	seq := int64(0)
	b.ResetTimer()
	for done := 0; done < b.N; done += 100_000 {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			e := tx.Bulk("entries", store.Const("custody_id", 1), store.Int("account_id"), store.Int("seq"), store.Int("voucher_id"),
				store.Int("line"), store.Int("accounting_date"), store.Int("amount_fen"), store.Text("item"), store.Int("balance_after_fen"))
			for range min(100_000, b.N-done) {
				seq++
				e.Int(7).Int(seq).Int(seq).Int(1).Int(20260212).Int(-12345).Text("WX.20260212").Int(seq * 12345)
			}
			return e.Flush(ctx)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
