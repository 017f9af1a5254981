package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"custody/clearing/reconcile"
)

// BenchmarkJoin is the evidence for the join of [reconcile.Trades]: a map beside
// a sort-merge, on a million numbers a side. "near" is a bill in nearly our
// order, "shuffled" the worst case. Sort-merge wins the first and loses the
// second; the map is fast enough in both and needs no order.
func BenchmarkJoin(b *testing.B) {
	const n = 1_000_000
	ours := make([]reconcile.Trade, n)
	for i := range ours {
		ours[i].OrderNo = fmt.Sprintf("2026021210%010d", i*7)
	}
	near := slices.Clone(ours)
	for i := range near { // strings of their own, as from another file
		near[i].OrderNo = strings.Clone(near[i].OrderNo)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i+10 <= n; i += 10 {
		r.Shuffle(10, func(x, y int) { near[i+x], near[i+y] = near[i+y], near[i+x] })
	}
	far := slices.Clone(near)
	r.Shuffle(n, func(x, y int) { far[x], far[y] = far[y], far[x] })
	joins := []struct {
		name string
		join func(ours, theirs []*reconcile.Trade) int
	}{{"map", joinMap}, {"sort-merge", joinSortMerge}}
	for _, side := range []struct {
		name   string
		theirs []reconcile.Trade
	}{{"near", near}, {"shuffled", far}} {
		left, right := pointers(ours), pointers(side.theirs)
		for _, j := range joins {
			b.Run(side.name+"/"+j.name, func(b *testing.B) {
				for b.Loop() {
					if found := j.join(left, right); found != n {
						b.Fatalf("found %d of %d", found, n)
					}
				}
				b.ReportMetric(2*n*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			})
		}
	}
}

func pointers(rows []reconcile.Trade) []*reconcile.Trade {
	out := make([]*reconcile.Trade, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out
}

func joinMap(ours, theirs []*reconcile.Trade) (found int) {
	x := make(map[string]int32, len(ours))
	for i, t := range ours {
		x[t.OrderNo] = int32(i)
	}
	for _, t := range theirs {
		if _, ok := x[t.OrderNo]; ok {
			found++
		}
	}
	return found
}

// joinSortMerge sorts copies of both sides; ours is in order already, which
// pdqsort sees.
func joinSortMerge(ours, theirs []*reconcile.Trade) (found int) {
	byNo := func(a, b *reconcile.Trade) int { return strings.Compare(a.OrderNo, b.OrderNo) }
	ours, theirs = slices.Clone(ours), slices.Clone(theirs)
	slices.SortFunc(ours, byNo)
	slices.SortFunc(theirs, byNo)
	for i, j := 0, 0; i < len(ours) && j < len(theirs); {
		switch c := byNo(ours[i], theirs[j]); {
		case c == 0:
			found, i, j = found+1, i+1, j+1
		case c < 0:
			i++
		default:
			j++
		}
	}
	return found
}
