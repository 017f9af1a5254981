package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"custody/internal/store"
)

// TestBulkShorthand writes columns that are all equal, that count up, or that do
// so for all rows but one, and reads every value back.
func TestBulkShorthand(t *testing.T) {
	const rows = 12_000 // more than one statement
	for name, c := range map[string]struct {
		number func(i int) int64
		text   func(i int) string
	}{
		"equal":                {func(int) int64 { return -7 }, func(int) string { return "存管" }},
		"counting":             {func(i int) int64 { return int64(i) - 5 }, func(int) string { return "" }},
		"counting down":        {func(i int) int64 { return int64(-i) }, func(i int) string { return fmt.Sprint(i) }},
		"equal but the last":   {func(i int) int64 { return int64(i / (rows - 1)) }, func(i int) string { return []string{"a", "b"}[i/(rows-1)] }},
		"counting but one":     {func(i int) int64 { return int64(i + i/9_999) }, func(i int) string { return []string{"a", "ab"}[i/9_999%2] }},
		"equal but the first":  {func(i int) int64 { return int64(min(i, 1)) }, func(i int) string { return []string{"", "a"}[min(i, 1)] }},
		"equal lengths":        {func(i int) int64 { return int64(10 + i%2) }, func(i int) string { return []string{"ab", "cd"}[i%2] }},
		"one text, other ends": {func(i int) int64 { return int64(i) * 2 }, func(i int) string { return "aaaa"[:1+i%4] }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db, err := store.Open(ctx, filepath.Join(t.TempDir(), "books.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Tx(ctx, func(tx *store.Tx) error {
				b := tx.Bulk("items", store.Const("custody_id", 1), store.Int("account_id"), store.Text("item"), store.Int("balance_fen"))
				for i := range rows {
					b.Int(int64(i)).Text(c.text(i)).Int(c.number(i))
				}
				return b.Flush(ctx)
			})
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			err = db.Read(ctx, func(tx *store.Tx) error {
				return tx.Each(ctx, "SELECT item, balance_fen FROM items ORDER BY account_id", nil, func(scan func(...any) error) error {
					var text string
					var number int64
					if err := scan(&text, &number); err != nil {
						return err
					}
					if text != c.text(seen) || number != c.number(seen) {
						t.Fatalf("row %d: %q %d, want %q %d", seen, text, number, c.text(seen), c.number(seen))
					}
					seen++
					return nil
				})
			})
			if err != nil || seen != rows {
				t.Errorf("%d rows, %v", seen, err)
			}
		})
	}
}
