package split_test

import (
	"math/rand/v2"
	"testing"

	"custody/clearing/split"
	"custody/internal/money"
)

// millionRefunds is how many random partial refunds one run makes, in less than
// a second. Two orders of three are small, where rounding bites.
const millionRefunds = 1_000_000

// TestAMillionRefunds: of random orders under random rules, refunded in random
// parts until nothing is left, every refund adds up, no share is negative or
// above what is left of it, and the last refund empties all. The channel gives
// its fee back in proportion, as far as the one who bore it still has a part.
func TestAMillionRefunds(t *testing.T) {
	random := rand.New(rand.NewPCG(20260212, 75))
	below := func(n money.Amount) money.Amount { return money.Amount(random.Int64N(int64(n))) }
	orders, refunds := 0, 0
	for refunds < millionRefunds {
		orders++
		rule := split.Rule{ID: "M", Version: 1, HeadOfficePPM: random.Int64N(500_000), PartnerPPM: random.Int64N(300_000),
			FeeBearer: []split.Bearer{split.Franchisee, split.HeadOffice}[random.IntN(2)]}
		amount := 1 + below([]money.Amount{100, 10_000, 10_000_000_00}[random.IntN(3)])
		fee, err := split.Fee(amount, random.Int64N(10_000))
		if err != nil {
			t.Fatal(err)
		}
		original, err := rule.Split(amount, fee)
		if err != nil {
			t.Fatal(err)
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
		if total, err := before.Total(); err != nil || total != amount {
			t.Fatalf("%+v was refunded as %+v", original, before)
		}
		if before.Partner != original.Partner || before.HeadOffice != original.HeadOffice {
			t.Fatalf("%+v was refunded as %+v", original, before)
		}
		if kept := original.Fee - before.Fee; kept < 0 || kept > original.Fee {
			t.Fatalf("of %+v the channel keeps %s", original, kept)
		}
	}
	t.Logf("%d orders, %d refunds", orders, refunds)
}

// giveBack makes one refund, looks at it, and returns the refunds so far.
func giveBack(t *testing.T, original, before split.Shares, now, left money.Amount) split.Shares {
	borne := func(s split.Shares) money.Amount { return s.Member + s.Fee - s.HeadOfficeFee }
	feeLeft := original.Fee - before.Fee
	back := feeLeft * now / left // 10^7 fen of fee at most times 10^9: no overflow
	if original.HeadOfficeFee == 0 {
		back = min(back, now, borne(original)-borne(before))
	}
	part, err := split.Refund(original, before, now, back)
	if err != nil {
		t.Fatalf("%+v after %+v, refund %s, fee back %s: %v", original, before, now, back, err)
	}
	total, err := part.Total()
	if err != nil || total != now || lowest(part) < 0 || part.Partner > original.Partner-before.Partner ||
		part.HeadOffice > original.HeadOffice-before.HeadOffice || part.Fee > feeLeft || borne(part) > borne(original)-borne(before) {
		t.Fatalf("refund %s of %+v after %+v became %+v", now, original, before, part)
	}
	sum, err := before.Add(part)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
