package statements_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"custody/internal/lang"
	"custody/internal/store"
)

// many adds n matched orders of 1.00 to the WeChat bill of 02-13, and m members
// with an account each that never moved money.
func (h *home) many(t *testing.T, n, m int) {
	t.Helper()
	if err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		const count = "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < ?) "
		for _, q := range []string{
			count + "INSERT INTO orders (custody_id, file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time) SELECT 1, 1, 1000 + i, 'PAY', 'M' || i, '', 'A', 'WX', 100, 1770955800 FROM c",
			count + "INSERT INTO bill_rows SELECT 1, 2, 1000 + i, 'PAY', 'M' || i, '', '42' || i, 100, 1, 1770955800 FROM c",
			count + "INSERT INTO trade_matches (custody_id, bill_file_id, bill_row_no, order_file_id, order_row_no, accounting_date, rule) SELECT 1, 2, 1000 + i, 1, 1000 + i, 20260213, 'reference' FROM c",
		} {
			if _, err := tx.Exec(context.Background(), q, n); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		for _, q := range []string{
			count + "INSERT INTO accounts SELECT 1, 1000 + i, '2304', 'M' || i, 0, 0 FROM c",
			count + "INSERT INTO day_balances SELECT 1, 20260212, 1000 + i, 0, 0, 0, 0 FROM c",
		} {
			if _, err := tx.Exec(context.Background(), q, m); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestMatchesBeyondTheLimitAreCounted: 100,000 rows are listed, the rest is
// counted, and the totals are those of all.
func TestMatchesBeyondTheLimitAreCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a large workbook")
	}
	h := newHome(t)
	h.many(t, 100_003, 10_000)
	raw := workbook(t, h, input(lang.EN))
	f := open(t, raw)
	rows, err := f.Rows("Matched")
	if err != nil {
		t.Fatal(err)
	}
	var last [2]string
	n := 0
	for ; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		last[0], last[1] = last[1], strings.Join(cells, "")
	}
	if n != 3+100_000+2 {
		t.Errorf("%d rows", n)
	}
	if last[0] != "… and 7 more rows that are not listed" || last[1] != "100007 matches in all; payments 100,803.00, refunds 200.00" {
		t.Errorf("%q", last)
	}
}
