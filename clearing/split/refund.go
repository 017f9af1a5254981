package split

import (
	"math/bits"

	"custody/internal/fault"
	"custody/internal/money"
)

// Refund divides a refund of an order that was split. original is the order's
// split, refundedBefore the sum of its earlier refunds ([Shares.Add]), amount
// what the customer gets back now, feeBack what the channel gives back of its fee.
//
// The amount is apportioned by largest remainder over what is left of each
// share, the fee counted with the one who bore it; then feeBack is taken off
// that one's part. So each share gives in proportion, never more than is left
// of it and never a negative amount, and the last refund empties all. A channel
// that keeps its fee (feeBack 0) keeps it at the cost of the one who bore it: of
// 200.00 of an order of 1,000.00 the franchisee gives 186.00, not 184.80. Its
// Member over all refunds can then exceed its share of the order by that fee.
//
// The common rule "all round down, head office takes the rest" is not used: it
// goes negative for head office on small partial refunds.
//
// More than is left of the order is split.refund; a feeBack above what is left
// of the fee or of the refund is split.fee_back; shares that no split and no
// chain of refunds makes are split.shares.
func Refund(original, refundedBefore Shares, amount, feeBack money.Amount) (Shares, error) {
	left, err := remainder(original, refundedBefore)
	if err != nil {
		return Shares{}, err
	}
	if amount <= 0 || amount > left.total {
		return Shares{}, fault.Invalid("split.refund", amount, left.total)
	}
	headOfficeBears := original.HeadOfficeFee > 0
	feeMost := left.fee
	if !headOfficeBears {
		feeMost = min(feeMost, left.parts[member], amount)
	}
	if feeBack < 0 || feeBack > feeMost {
		return Shares{}, fault.Invalid("split.fee_back", feeBack, feeMost)
	}
	parts := largestRemainder(amount, left.parts)
	if headOfficeBears {
		return Shares{
			Member: parts[member], Partner: parts[partner], HeadOffice: parts[headOffice],
			Fee: feeBack, HeadOfficeFee: feeBack,
		}, nil
	}
	if parts[member] < feeBack {
		// The channel gives back more than the franchisee's part of so small a
		// refund: the fee comes first, the others share what remains.
		parts = largestRemainder(amount-feeBack, [3]money.Amount{0, left.parts[partner], left.parts[headOffice]})
		parts[member] = feeBack
	}
	return Shares{
		Member: parts[member] - feeBack, Partner: parts[partner], HeadOffice: parts[headOffice],
		Fee: feeBack,
	}, nil
}

// The parties of an apportionment. Their order breaks ties, so it must stay.
const (
	member = iota
	partner
	headOffice
)

// rest is what is left of an order after earlier refunds.
type rest struct {
	parts [3]money.Amount // the franchisee's with the fee where it bears it
	fee   money.Amount
	total money.Amount // sum of parts
}

// remainder subtracts the refunds from the split and checks both.
func remainder(original, refunded Shares) (rest, error) {
	for _, s := range []Shares{original, refunded} {
		if min(s.Member, s.Partner, s.HeadOffice, s.Fee, s.HeadOfficeFee) < 0 ||
			(s.HeadOfficeFee != 0 && s.HeadOfficeFee != s.Fee) {
			return rest{}, fault.Invalid("split.shares")
		}
		if _, err := s.Total(); err != nil {
			return rest{}, err
		}
	}
	// Head office bears the fee in both or in neither.
	if refunded.Fee > 0 && (original.HeadOfficeFee > 0) != (refunded.HeadOfficeFee > 0) {
		return rest{}, fault.Invalid("split.shares")
	}
	left := rest{fee: original.Fee - refunded.Fee}
	left.parts = [3]money.Amount{
		member: original.Member + (original.Fee - original.HeadOfficeFee) -
			refunded.Member - (refunded.Fee - refunded.HeadOfficeFee),
		partner:    original.Partner - refunded.Partner,
		headOffice: original.HeadOffice - refunded.HeadOffice,
	}
	if min(left.parts[member], left.parts[partner], left.parts[headOffice], left.fee) < 0 {
		return rest{}, fault.Invalid("split.shares")
	}
	left.total = left.parts[member] + left.parts[partner] + left.parts[headOffice]
	return left, nil
}

// largestRemainder divides amount in proportion to the weights: each part is
// rounded down, and the fen that are missing go one each to the largest
// remainders, the earlier party first where they are equal. amount is at most
// the sum of the weights; then no part exceeds its weight, because a part that
// is rounded up had a remainder and so lay below it.
func largestRemainder(amount money.Amount, weights [3]money.Amount) [3]money.Amount {
	total := uint64(weights[0] + weights[1] + weights[2])
	if total == 0 {
		return [3]money.Amount{}
	}
	var parts [3]money.Amount
	var remainders [3]uint64
	missing := amount
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(amount), uint64(w)) // hi < total because w <= total and amount < 2^63
		q, r := bits.Div64(hi, lo, total)
		parts[i], remainders[i] = money.Amount(q), r
		missing -= money.Amount(q)
	}
	for ; missing > 0; missing-- { // at most twice: three remainders sum to less than 3
		best := 0
		for i, r := range remainders {
			if r > remainders[best] {
				best = i
			}
		}
		parts[best]++
		remainders[best] = 0
	}
	return parts
}
