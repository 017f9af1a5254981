package bench_test

import (
	"testing"

	"custody/cmd/custody/bench"
)

// TestCosts bounds what a night costs by counts, which are the same on every
// machine. Each bound stands about a quarter above what was counted when it was
// set (in brackets); one more query per order, or one allocation in the way of
// every row, goes far beyond it.
func TestCosts(t *testing.T) {
	const orders = 10_000
	report, err := bench.Night(t.Context(), bench.Options{Orders: orders, Members: 500, Dir: t.TempDir(), Child: child})
	if err != nil {
		t.Fatal(err)
	}
	c := report.Costs
	for _, bound := range []struct {
		what string
		got  float64
		most float64 // per 1,000 orders
	}{
		{"statements", float64(c.Statements), 1_150}, // [907: 550 payouts and 150 refunds are most of them]
		{"rows written", float64(c.Rows), 18_500},    // [14,855]
		{"commits", float64(c.Commits), 9},           // [7.2]
		{"checkpoints", float64(c.Checkpoints), 0.2}, // [0.1: one, at the end]
		{"allocations", float64(c.Allocs), 121_000},  // [96,983]
	} {
		if per := bound.got * 1000 / orders; per > bound.most || bound.got == 0 {
			t.Errorf("%s: %.1f per 1,000 orders, at most %.1f", bound.what, per, bound.most)
		}
	}
}

// TestNightInHistory plays a night behind some days of history, and the second
// night of a database: the figures are of the measured night alone.
func TestNightInHistory(t *testing.T) {
	report, err := bench.Night(t.Context(), bench.Options{Orders: 300, Members: 7, History: 1, Nights: 2, Dir: t.TempDir(), Child: child})
	if err != nil {
		t.Fatal(err)
	}
	if report.RowsPerOrder < 10 || report.RowsPerOrder > 17 || report.History != 1 || report.Nights != 2 {
		t.Errorf("%+v", report)
	}
}

// TestLedger measures a small ledger, and its verification.
func TestLedger(t *testing.T) {
	o := bench.Options{Dir: t.TempDir(), Child: child}
	l, err := bench.Ledger(t.Context(), o, 60_000)
	if err != nil || l.Entries < 59_000 || l.EntriesPerSecond <= 0 || l.FloorPerSecond <= 0 || l.AsOfMs <= 0 || l.StatementMs <= 0 {
		t.Fatalf("%+v %v", l, err)
	}
	o.Dir = t.TempDir()
	v, err := bench.Verify(t.Context(), o, 60_000)
	if err != nil || v.Entries < 59_000 || v.Ratio <= 0 {
		t.Fatalf("%+v %v", v, err)
	}
}
