package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"custody/clearing/reconcile"
	"custody/internal/money"
)

const dayStart = 1770825600 // 2026-02-12 00:00 UTC+8

// benchInput makes a day of n rows a side: 97 % match by number, 2 % by amount
// and day, 1 % not; 1 % of the rows are refunds. Orders are numbered by time;
// the bill is sorted by the channel's time, up to a minute off, or shuffled.
func benchInput(n int, shuffled bool) reconcile.Input {
	r := rand.New(rand.NewPCG(1, 2))
	ours := make([]reconcile.Trade, n)
	theirs := make([]reconcile.Trade, n)
	for i := range n {
		t := reconcile.Trade{
			Ref:     reconcile.Ref{File: 1, Row: int32(i)},
			OrderNo: fmt.Sprintf("2026021210%010d", i*7),
			Amount:  money.Amount(1000 + i), // told apart by amount where the number is missing
			Time:    dayStart + int64(i)*80000/int64(n),
		}
		if i%100 == 7 {
			t.Kind, t.RefundNo = reconcile.Refund, fmt.Sprintf("R20260212%010d", i)
		}
		ours[i] = t
		t.Fee = fee(t.Kind, t.Amount)
		switch {
		case i%100 == 50: // only ours, and another only theirs
			t.OrderNo = fmt.Sprintf("X%019d", i)
			t.Amount += 5_000_000
			t.Fee = fee(t.Kind, t.Amount)
		case i%50 == 25:
			t.OrderNo = ""
		}
		theirs[i] = t
	}
	if shuffled {
		r.Shuffle(n, func(i, j int) { theirs[i], theirs[j] = theirs[j], theirs[i] })
	} else {
		for i := 0; i+10 < n; i += 10 { // the channel's clock differs a little
			r.Shuffle(10, func(a, b int) { theirs[i+a], theirs[i+b] = theirs[i+b], theirs[i+a] })
		}
	}
	for j := range theirs {
		theirs[j].Ref = reconcile.Ref{File: 2, Row: int32(j)}
	}
	return reconcile.Input{Ours: ours, Theirs: theirs}
}

func BenchmarkTrades(b *testing.B) {
	const n = 1_000_000
	for _, shuffled := range []bool{false, true} {
		name := "near order"
		if shuffled {
			name = "shuffled"
		}
		in := benchInput(n, shuffled)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				matches, differences := reconcile.Trades(in, fee)
				if len(matches) != n/100*99 || len(differences) != n/100*2 {
					b.Fatalf("%d matches, %d differences", len(matches), len(differences))
				}
			}
			b.ReportMetric(2*n*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
