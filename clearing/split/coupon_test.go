package split_test

import (
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

func TestCouponBack(t *testing.T) {
	for name, c := range map[string]struct {
		coupon, paid money.Amount
		refunds      []money.Amount
		want         []money.Amount
	}{
		"all at once":                  {2000, 98000, []money.Amount{98000}, []money.Amount{2000}},
		"halves of an odd coupon":      {3, 1000, []money.Amount{500, 500}, []money.Amount{2, 1}},
		"thirds":                       {100, 300, []money.Amount{100, 100, 100}, []money.Amount{33, 34, 33}},
		"a fen of it and the rest":     {2000, 98000, []money.Amount{1, 97999}, []money.Amount{0, 2000}},
		"the coupon is most of it":     {99999, 1, []money.Amount{1}, []money.Amount{99999}},
		"as large as a file can carry": {1 << 62, 1 << 62, []money.Amount{1 << 61, 1 << 61}, []money.Amount{1 << 61, 1 << 61}},
	} {
		for i, amount := range c.refunds {
			if got, err := split.CouponBack(c.coupon, c.paid, c.refunds[:i], amount); err != nil || got != c.want[i] {
				t.Errorf("%s, part %d: %d %v, want %d", name, i+1, got, err, c.want[i])
			}
		}
	}
	for name, amounts := range map[string][]money.Amount{"more than he paid": {98001}, "more than is left": {98000, 1}, "nothing": {0}, "below nothing": {-1}} {
		last := len(amounts) - 1
		if _, err := split.CouponBack(2000, 98000, amounts[:last], amounts[last]); fault.CodeOf(err) != "split.refund" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However a payment is refunded, the parts of its coupon add up to the whole, none
// is negative, and each is within a fen of its proportion of what was left.
func TestCouponBackInAnyParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coupon, paid := rapid.Int64Range(1, 1e9).Draw(t, "coupon"), rapid.Int64Range(1, 1e9).Draw(t, "paid")
		var earlier []money.Amount
		left, couponLeft := paid, coupon
		for left > 0 {
			part := left
			if len(earlier) < 8 {
				part = rapid.Int64Range(1, left).Draw(t, "part")
			}
			back, err := split.CouponBack(money.Amount(coupon), money.Amount(paid), earlier, money.Amount(part))
			if err != nil || back < 0 || int64(back) > couponLeft {
				t.Fatalf("%d of %d: %v", back, couponLeft, err)
			}
			if off := 2 * (int64(back)*left - couponLeft*part); off > left || off < -left {
				t.Fatalf("%d of %d goes back with %d of %d", back, couponLeft, part, left)
			}
			left, couponLeft, earlier = left-part, couponLeft-int64(back), append(earlier, money.Amount(part))
		}
		if couponLeft != 0 {
			t.Fatalf("%d of the coupon is nobody's", couponLeft)
		}
	})
}
