package subaccounts_test

import (
	"strings"
	"testing"

	"custody/internal/store"
	"custody/subaccounts"
)

// TestPlans: a balance on a date and the first row of a statement take as long
// in a hundred million entries as in a hundred. Every step of each query must
// therefore be a search by a key on all that it is given, and none may sort.
func TestPlans(t *testing.T) {
	l := newLedger(t)
	if l.db.Engine() != "sqlite" {
		t.Skip("the plans are those of SQLite")
	}
	for name, q := range subaccounts.PointQueries {
		t.Run(name, func(t *testing.T) {
			var steps []struct {
				ID, Parent, NotUsed int
				Detail              string
			}
			args := make([]any, q.Args)
			for i := range args {
				args[i] = 1
			}
			l.tx(func(tx *store.Tx) error { return tx.Select(ctx, &steps, "EXPLAIN QUERY PLAN "+q.Query, args...) })
			for _, s := range steps {
				if !strings.HasPrefix(s.Detail, "SEARCH ") {
					t.Errorf("%s", s.Detail)
				}
				if strings.Contains(s.Detail, " vouchers ") && !strings.Contains(s.Detail, "voucher_no=?") || strings.Contains(s.Detail, "entries") && !strings.Contains(s.Detail, "account_id=? AND seq") {
					t.Errorf("not by the whole key: %s", s.Detail)
				}
			}
			if len(steps) == 0 {
				t.Error("no plan")
			}
		})
	}
}
