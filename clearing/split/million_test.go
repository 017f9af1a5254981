package split_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"custody/clearing/split"
	"custody/internal/money"
)

// millionRefunds is how many random partial refunds one run makes, in some
// seconds. Two orders of three are small, where rounding bites.
const millionRefunds = 1_000_000

// TestAMillionRefunds: of random orders under random rules of up to eight
// levels, refunded in random parts until nothing is left, every refund adds up,
// no share is negative or above what is left of it, and the last refund empties
// all. The channel gives its fee back in proportion, as far as the one who bore
// it still has a part.
func TestAMillionRefunds(t *testing.T) {
	random := rand.New(rand.NewPCG(20260212, 75))
	below := func(n money.Amount) money.Amount { return money.Amount(random.Int64N(int64(n))) }
	orders, refunds := 0, 0
	for refunds < millionRefunds {
		scheme, err := randomRule(random).Scheme()
		if err != nil {
			t.Fatal(err)
		}
		orders++
		amount := 1 + below([]money.Amount{100, 10_000, 10_000_000_00}[random.IntN(3)])
		fee, err := split.Fee(amount, random.Int64N(10_000))
		if err != nil {
			t.Fatal(err)
		}
		original, err := scheme.Split(nil, split.Chain{Member: "A", Partner: []string{"", "P"}[random.IntN(2)], Region: "R"}, amount, fee)
		if err != nil {
			t.Fatalf("%+v, %s: %v", scheme.Rule, amount, err)
		}
		if total, err := original.Total(); err != nil || total != amount || lowest(original) < 0 {
			t.Fatalf("%s was split as %+v", amount, original)
		}
		var before split.Shares
		for left := amount; left > 0; refunds++ {
			now := 1 + below(left)
			if random.IntN(8) == 0 {
				now = left
			}
			before = giveBack(t, original, before, now, left)
			left -= now
		}
		if total, err := before.Total(); err != nil || total != amount || !slices.Equal(before.Parts[1:], original.Parts[1:]) {
			t.Fatalf("%+v was refunded as %+v", original, before)
		}
		if kept := original.Fee - before.Fee; kept < 0 || kept > original.Fee {
			t.Fatalf("of %+v the channel keeps %s", original, kept)
		}
	}
	t.Logf("%d orders, %d refunds", orders, refunds)
}

// randomRule has rates that fit any order with its fee; minima and fixed
// amounts take what is left of a small one.
func randomRule(random *rand.Rand) split.Rule {
	r := split.Rule{ID: "M", Version: 1, FeeBearer: []split.Party{split.Franchisee, split.HeadOffice, split.Payer}[random.IntN(3)]}
	if random.IntN(4) == 0 {
		r.HeadOfficePPM, r.PartnerPPM = random.Int64N(500_000), random.Int64N(300_000)
		return r
	}
	for _, to := range []split.Receiver{{Party: split.HeadOffice}, {Party: split.Region}, {Party: split.Partner}, {Party: split.Named, Member: "N1"},
		{Party: split.Named, Member: "N2"}, {Party: split.Named, Member: "A"}, {Party: split.Named, Member: "N3"}, {Party: split.Named, Member: "N4"}} {
		if random.IntN(3) == 0 {
			continue
		}
		l := split.Level{Receiver: to, PPM: random.Int64N(100_000), OfRest: random.IntN(4) == 0, LimitPPM: 300_000}
		switch random.IntN(5) {
		case 0:
			l.Fixed = money.Amount(random.Int64N(200))
		case 1:
			l.Min = 1 + money.Amount(random.Int64N(100))
		case 2:
			l.Cap = 1 + money.Amount(random.Int64N(10_000))
		case 3:
			l.Tiers = []split.Tier{{From: 50, PPM: random.Int64N(100_000)}, {From: 5_000, PPM: random.Int64N(100_000), Fixed: 3}}
		}
		r.Levels = append(r.Levels, l)
	}
	return r
}

// giveBack makes one refund, looks at it, and returns the refunds so far.
func giveBack(t *testing.T, original, before split.Shares, now, left money.Amount) split.Shares {
	rest, err := split.Left(original, before)
	if err != nil {
		t.Fatal(err)
	}
	feeLeft := original.Fee - before.Fee
	back := feeLeft * now / left // 10^7 fen of fee at most times 10^9: no overflow
	if !original.HeadOfficeBears {
		back = min(back, now, rest[0])
	}
	part, err := split.Refund(original, before, now, back)
	if err != nil {
		t.Fatalf("%+v after %+v, refund %s, fee back %s: %v", original, before, now, back, err)
	}
	check(t, original, before, part, now)
	sum, err := before.Add(part)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
