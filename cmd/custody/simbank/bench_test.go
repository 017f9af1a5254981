package simbank_test

import (
	"fmt"
	"testing"

	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
)

// BenchmarkGenerate writes one day of 100,000 orders over 1,000 franchisees:
// order file, both bills, shares. It reports microseconds for each order.
func BenchmarkGenerate(b *testing.B) {
	const orders = 100_000
	for i := 0; b.Loop(); i++ {
		p := params(fmt.Sprintf("%s/%d", b.TempDir(), i), 1)
		p.Orders, p.Members = orders, 1000
		if err := simbank.Generate(p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/orders, "us/order")
}

// params are days from Monday 2026-01-05 without holidays but week-ends.
func params(dir string, days int) simbank.Params {
	return simbank.Params{Dir: dir, From: bizdate.New(2026, 1, 5), Days: days, Seed: 7, Orders: 400, Members: 6,
		Working: func(d bizdate.Date) (bool, error) { return d.Weekday()%6 != 0, nil }}
}
