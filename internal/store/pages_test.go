package store_test

import (
	"context"
	"fmt"
	"testing"

	"custody/internal/pgtest"
	"custody/internal/store"
)

// empty takes all open items out.
func empty(t testing.TB, db *store.DB) {
	t.Helper()
	err := db.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "DELETE FROM items WHERE custody_id = 3")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// items fills the table of open items with one row for each text.
func items(t testing.TB, db *store.DB, texts ...string) {
	t.Helper()
	err := db.Tx(context.Background(), func(tx *store.Tx) error {
		for i, text := range texts {
			_, err := tx.Exec(context.Background(), "INSERT INTO items (custody_id, account_id, item, balance_fen) VALUES (3, ?, ?, ?)", i+1, text, -i)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var itemPages = store.PageQuery{Key: "account_id", Columns: []string{"item", "balance_fen", "item"}, From: "items WHERE custody_id = ?", Args: []any{3}}

// TestPagesRefuse: what cannot be told apart is an error, never another row.
func TestPagesRefuse(t *testing.T) { pgtest.Each(t, pagesRefuse) }

func pagesRefuse(t *testing.T, dsn string) {
	db := open(t, dsn)
	for name, c := range map[string]struct {
		item string
		q    store.PageQuery
	}{
		"a value with the mark of fields": {"a\x1fb", itemPages},
		"a value with the mark of rows":   {"a\nb", itemPages},
		"both marks, as a row would have": {"a\x1f0\x1fa\n7", itemPages},
		"a column that is NULL":           {"a", store.PageQuery{Key: "account_id", Columns: []string{"item", "NULL"}, From: "items WHERE custody_id = ?", Args: []any{3}}},
		"another type":                    {"a", store.PageQuery{Key: "account_id", Columns: []string{"balance_fen", "item"}, From: "items WHERE custody_id = ?", Args: []any{3}}},
	} {
		t.Run(name, func(t *testing.T) {
			empty(t, db)
			items(t, db, "", c.item, "z")
			err := db.Read(context.Background(), func(tx *store.Tx) error {
				return tx.Pages(context.Background(), c.q, func(r *store.Row) error {
					r.Int(2)
					return nil
				})
			})
			if err == nil {
				t.Error("it was read")
			}
		})
	}
}

// TestPages reads counts around the size of a page, empty texts included.
func TestPages(t *testing.T) { pgtest.Each(t, pagesOf) }

func pagesOf(t *testing.T, dsn string) {
	db := open(t, dsn)
	for _, n := range []int{0, 1, 4_999, 5_000, 5_001, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			empty(t, db)
			texts := make([]string, n)
			for i := range texts {
				texts[i] = []string{"", "WX.20260212", "存管专户"}[i%3]
			}
			items(t, db, texts...)
			next := 0
			err := db.Read(context.Background(), func(tx *store.Tx) error {
				return tx.Pages(context.Background(), itemPages, func(r *store.Row) error {
					if r.Int(0) != int64(next+1) || r.Text(1) != texts[next] || r.Int(2) != int64(-next) || r.Text(3) != texts[next] {
						t.Fatalf("row %d: %d %q %d %q", next, r.Int(0), r.Text(1), r.Int(2), r.Text(3))
					}
					next++
					return nil
				})
			})
			if err != nil || next != n {
				t.Errorf("%d rows, %v", next, err)
			}
		})
	}
}
