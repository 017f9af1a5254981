package split_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

func TestRequestsRefused(t *testing.T) {
	many := make([]split.Part, 51)
	for i := range many {
		many[i] = split.Part{Owner: fmt.Sprint("N", i), Amount: 1}
	}
	for _, c := range []struct {
		name  string
		parts []split.Part
		code  string
	}{
		{"nobody", nil, "split.receivers"},
		{"nothing", []split.Part{{"P", 0}}, "split.amount"},
		{"less than nothing", []split.Part{{"P", -1}}, "split.amount"},
		{"more than is left without the fee", []split.Part{{"A", 994_01}}, "split.left"},
		{"more than is left, in two parts", []split.Part{{"A", 900_00}, {"", 94_01}}, "split.left"},
		{"above the share of one receiver", []split.Part{{"P", 300_01}}, "split.share"},
		{"above it in two parts", []split.Part{{"P", 300_00}, {"P", 1}}, "split.share"},
		{"51 receivers", many, "split.receivers"},
	} {
		r := split.Requests{Member: "A", Amount: 1000_00, Fee: 6_00, Limits: split.DefaultLimits}
		if err := r.Add(c.parts...); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
		if r.Left() != 994_00 || r.Count() != 0 {
			t.Errorf("%s: a refused request changed something", c.name)
		}
	}
	r := split.Requests{Member: "A", Amount: 1000_00, Fee: 6_00, Limits: split.DefaultLimits}
	for range split.MaxRequests {
		if err := r.Add(split.Part{Owner: "P", Amount: 6_00}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Add(split.Part{Owner: "Q", Amount: 1}); fault.CodeOf(err) != "split.requests" || r.Left() != 694_00 {
		t.Errorf("the 51st: %v, %s left", err, r.Left())
	}
}

// Whatever is asked for, what was given and what is left are the order less its
// fee, and no receiver has more than the contract allows.
func TestRequestsConserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Amount(rapid.Int64Range(1, 1_000_00).Draw(t, "amount"))
		r := split.Requests{Member: "A", Amount: amount, Fee: money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "fee")),
			Limits: split.Limits{SharePPM: rapid.Int64Range(1, money.PPM).Draw(t, "limit"), Receivers: 4, Requests: 6}}
		given := map[string]money.Amount{}
		for range 10 {
			var parts []split.Part
			for range rapid.IntRange(0, 3).Draw(t, "parts") {
				parts = append(parts, split.Part{Owner: rapid.SampledFrom([]string{"", "A", "P", "Q", "R"}).Draw(t, "owner"),
					Amount: money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "part"))})
			}
			if r.Add(parts...) == nil {
				for _, p := range parts {
					given[p.Owner] += p.Amount
				}
			}
		}
		sum := r.Left() + r.Fee
		for owner, part := range given {
			sum += part
			if owner != "" && owner != "A" && int64(part)*money.PPM > int64(amount)*r.Limits.SharePPM {
				t.Fatalf("%s has %s of %s", owner, part, amount)
			}
		}
		if sum != amount || r.Left() < 0 || r.Count() > 6 || len(given) > 4 {
			t.Fatalf("%s was given as %v, %s left", amount, given, r.Left())
		}
	})
}
