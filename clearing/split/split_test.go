package split_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

// worked is the rule of the worked days: head office 5 %, partner 2 %.
var worked = split.Rule{ID: "S1", Version: 1, FeeBearer: split.Franchisee, HeadOfficePPM: 50_000, PartnerPPM: 20_000}

const feePPM = 6_000 // 0.6 %

// chain is the franchisee of every order here, with a partner and no region.
var chain = split.Chain{Member: "A", Partner: "P"}

// three are the shares of a rule with two rates, as tables write them.
type three struct{ Member, Partner, HeadOffice, Fee, HeadOfficeFee money.Amount }

func (x three) shares() split.Shares {
	return split.Shares{Parts: []money.Amount{x.Member, x.Partner, x.HeadOffice}, Fee: x.Fee, HeadOfficeBears: x.HeadOfficeFee > 0}
}

func of(s split.Shares) three {
	if len(s.Parts) != 3 {
		return three{Member: -1}
	}
	return three{s.Parts[0], s.Parts[1], s.Parts[2], s.Fee, s.HeadOfficeFee()}
}

func TestSplitRefuses(t *testing.T) {
	with := func(change func(*split.Rule)) split.Rule { r := worked; change(&r); return r }
	for _, test := range []struct {
		name        string
		rule        split.Rule
		amount, fee money.Amount
		want        string
	}{
		{"no amount", worked, 0, 0, "split.amount"},
		{"negative amount", worked, -1, 0, "split.amount"},
		{"negative fee", worked, 100, -1, "split.fee"},
		{"fee above the order", worked, 100, 101, "split.fee"},
		{"negative rate", with(func(r *split.Rule) { r.PartnerPPM = -1 }), 100, 0, "split.rate"},
		{"rate above the whole", with(func(r *split.Rule) { r.HeadOfficePPM = 1_000_001 }), 100, 0, "split.rate"},
		{"rate that would overflow", with(func(r *split.Rule) { r.HeadOfficePPM = math.MaxInt64 }), 100, 0, "split.rate"},
		{"rates above the whole", with(func(r *split.Rule) { r.HeadOfficePPM = 980_001 }), 100, 0, "split.rates"},
		{"parts and fee above the order", with(func(r *split.Rule) { r.HeadOfficePPM = 980_000 }), 100, 1, "split.exceeds"},
		{"unknown bearer", with(func(r *split.Rule) { r.FeeBearer = "CUSTOMER" }), 100, 0, "split.bearer"},
	} {
		_, err := test.rule.Split(chain, test.amount, test.fee)
		if got := fault.CodeOf(err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFeeRefuses(t *testing.T) {
	if _, err := split.Fee(-1, feePPM); fault.CodeOf(err) != "split.amount" {
		t.Errorf("negative amount: got %v", err)
	}
	for _, ppm := range []int64{-1, 1_000_001} {
		if _, err := split.Fee(100, ppm); fault.CodeOf(err) != "split.rate" {
			t.Errorf("%d ppm: got %v", ppm, err)
		}
	}
}

func TestFee(t *testing.T) {
	for _, test := range []struct{ amount, want money.Amount }{
		{0, 0}, {1, 0}, {83, 0}, {84, 1}, {100, 1}, {250, 2}, {249, 1}, {100000, 600}, {math.MaxInt64, 55340232221128655},
	} {
		got, err := split.Fee(test.amount, feePPM)
		if err != nil || got != test.want {
			t.Errorf("fee of %s: got %s, %v, want %s", test.amount, got, err, test.want)
		}
	}
}

// Every order of the worked days and the two splits of the postings table.
func TestSplit(t *testing.T) {
	headOfficeBears := worked
	headOfficeBears.FeeBearer = split.HeadOffice
	commissionOnly := split.Rule{ID: "E6", Version: 1, HeadOfficePPM: 50_000}
	freeOfCharge := split.Rule{ID: "F", Version: 1, FeeBearer: split.HeadOffice}
	for _, test := range []struct {
		name   string
		rule   split.Rule
		amount money.Amount
		want   three
	}{
		{"W1", worked, 1000_00, three{Member: 924_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00}},
		{"W2", worked, 200_00, three{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}},
		{"W3 W4 W7", worked, 100_00, three{Member: 92_40, Partner: 2_00, HeadOffice: 5_00, Fee: 60}},
		{"L1 W5", worked, 500_00, three{Member: 462_00, Partner: 10_00, HeadOffice: 25_00, Fee: 3_00}},
		{"W6", worked, 300_00, three{Member: 277_20, Partner: 6_00, HeadOffice: 15_00, Fee: 1_80}},
		{"L3", worked, 200_00, three{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}},
		{"L5", worked, 350_00, three{Member: 323_40, Partner: 7_00, HeadOffice: 17_50, Fee: 2_10}},
		{"E2b, head office bears the fee", headOfficeBears, 1000_00,
			three{Member: 930_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00, HeadOfficeFee: 6_00}},
		{"E6c", commissionOnly, 300_00, three{Member: 283_20, HeadOffice: 15_00, Fee: 1_80}},
		{"E6e, the 70.00 that stay", commissionOnly, 70_00, three{Member: 66_08, HeadOffice: 3_50, Fee: 42}},
		{"remainder to the franchisee", worked, 99, three{Member: 93, Partner: 1, HeadOffice: 4, Fee: 1}},
		{"one fen", worked, 1, three{Member: 1}},
		{"fee above the commission", freeOfCharge, 100_00, three{Member: 100_00, Fee: 60, HeadOfficeFee: 60}},
	} {
		fee, err := split.Fee(test.amount, feePPM)
		if err != nil {
			t.Fatal(err)
		}
		shares, err := test.rule.Split(chain, test.amount, fee)
		if got := of(shares); err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.name, shares, err, test.want)
		}
	}
}

// rules draws any rule that Validate accepts.
func rules(t *rapid.T) split.Rule {
	headOffice := rapid.Int64Range(0, money.PPM).Draw(t, "headOfficePPM")
	return split.Rule{
		ID: "R", Version: 1,
		FeeBearer:     rapid.SampledFrom([]split.Party{split.Franchisee, split.HeadOffice}).Draw(t, "bearer"),
		HeadOfficePPM: headOffice,
		PartnerPPM:    rapid.Int64Range(0, money.PPM-headOffice).Draw(t, "partnerPPM"),
	}
}

// amounts draws small amounts, where rounding bites, and any up to the largest.
func amounts() *rapid.Generator[money.Amount] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) money.Amount { return money.Amount(rapid.Int64Range(1, 500).Draw(t, "fen")) }),
		rapid.Custom(func(t *rapid.T) money.Amount {
			return money.Amount(rapid.Int64Range(1, math.MaxInt64).Draw(t, "fen"))
		}))
}

// lowest is the smallest amount among the shares.
func lowest(s split.Shares) money.Amount { return min(s.Fee, slices.Min(s.Parts)) }

func TestSplitConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := amounts().Draw(t, "amount")
		fee := money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "fee"))
		s, err := rules(t).Split(chain, amount, fee)
		if err != nil {
			if fault.CodeOf(err) != "split.exceeds" {
				t.Fatal(err)
			}
			return
		}
		if total, err := s.Total(); err != nil || total != amount || lowest(s) < 0 {
			t.Fatalf("%s became %+v: total %s, %v", amount, s, total, err)
		}
	})
}
