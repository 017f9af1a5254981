package split

import (
	"math/bits"

	"custody/internal/fault"
	"custody/internal/money"
)

// CouponBack is what of a coupon goes back to head office with a refund (优惠券退回).
// paid is what the customer paid of the order beside the coupon, earlier the
// refunds of it so far in the order in which they were booked, amount the one now.
//
// The coupon that is left is divided as what is left of the payment is: by largest
// remainder between the part that goes back and the part that stays, the part that
// goes back first where they are equal. So it is never negative and never more
// than is left, and the refund that gives back the last of the payment gives back
// the last of the coupon. A refund above what is left of the payment is
// split.refund.
func CouponBack(coupon, paid money.Amount, earlier []money.Amount, amount money.Amount) (money.Amount, error) {
	var back money.Amount
	for _, part := range append(earlier[:len(earlier):len(earlier)], amount) {
		coupon -= back
		if coupon < 0 || part <= 0 || part > paid {
			return 0, fault.Invalid("split.refund", part, paid)
		}
		hi, lo := bits.Mul64(uint64(coupon), uint64(part)) // hi < paid, because part <= paid and coupon < 2^63
		whole, rest := bits.Div64(hi, lo, uint64(paid))
		if back = money.Amount(whole); rest >= uint64(paid)-rest && rest > 0 {
			back++
		}
		paid -= part
	}
	return back, nil
}
