package reconcile_test

import (
	"testing"

	"custody/clearing/reconcile"
)

// BenchmarkTradesHostile matches files that a careless join takes for ever on:
// rows times rows would be 10^12 steps, hours each.
func BenchmarkTradesHostile(b *testing.B) {
	const n = 1_000_000
	side := func(file int64, orderNo string, time int64) trades {
		row := pay(file, 0, orderNo, 100, time)
		rows := make(trades, n)
		for i := range rows {
			rows[i] = row
			rows[i].Ref.Row = int32(i)
		}
		return rows
	}
	day := benchInput(n, true)
	for _, test := range []struct {
		name                 string
		in                   reconcile.Input
		matches, differences int
	}{
		{"one number", reconcile.Input{Ours: side(1, "A", 0), Theirs: side(2, "A", 0)}, n, 0},
		{"no numbers, one amount", reconcile.Input{Ours: side(1, "A", 0), Theirs: side(2, "", 0)}, n, 0},
		{"no numbers, one amount, one row short", reconcile.Input{Ours: side(1, "", 0), Theirs: side(2, "", 0)[1:]}, 0, 2*n - 1},
		{"the bill is of another day", reconcile.Input{Ours: day.Ours, Theirs: side(2, "B", 0)}, 0, 2 * n},
		{"no bill", reconcile.Input{Ours: day.Ours}, 0, n},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				matches, differences := reconcile.Trades(test.in, nil)
				if len(matches) != test.matches || len(differences) != test.differences {
					b.Fatalf("%d matches, %d differences", len(matches), len(differences))
				}
			}
			rows := len(test.in.Ours) + len(test.in.Theirs)
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
