package split

import (
	"math/bits"

	"custody/internal/fault"
	"custody/internal/money"
)

// Refund divides a refund of an order that was split (分账回退). original is the
// order's split, refunded the sum of its earlier refunds ([Shares.Add]), amount
// what the customer gets back now, feeBack what the channel gives back of its fee.
//
// The amount is apportioned by largest remainder over what is left of each
// share, a fee that head office does not bear counted with the franchisee; then
// feeBack is taken off that one's part. So each share gives in proportion, never
// more than is left of it and never a negative amount, and the last refund
// empties all. A channel that keeps its fee (feeBack 0) keeps it at the cost of
// the one who bore it, and of the franchisee where the payer did: of 200.00 of an
// order of 1,000.00 the franchisee gives 186.00, not 184.80. Its part over all
// refunds can then exceed its share of the order by that fee.
//
// The common rule "all round down, head office takes the rest" is not used: it
// goes negative for head office on small partial refunds.
//
// More than is left of the order is split.refund; a feeBack above what is left
// of the fee or of the refund is split.fee_back; shares that no split and no
// chain of refunds makes are split.shares.
func Refund(original, refunded Shares, amount, feeBack money.Amount) (Shares, error) {
	left, err := remainder(original, refunded)
	if err != nil {
		return Shares{}, err
	}
	if amount <= 0 || amount > left.total {
		return Shares{}, fault.Invalid("split.refund", amount, left.total)
	}
	feeMost := left.fee
	if !original.HeadOfficeBears {
		feeMost = min(feeMost, left.parts[0], amount)
	}
	if feeBack < 0 || feeBack > feeMost {
		return Shares{}, fault.Invalid("split.fee_back", feeBack, feeMost)
	}
	parts := largestRemainder(amount, left.parts)
	if original.HeadOfficeBears {
		return Shares{Parts: parts, Fee: feeBack, HeadOfficeBears: true}, nil
	}
	if parts[0] < feeBack {
		// The channel gives back more than the franchisee's part of so small a
		// refund: the fee comes first, the others share what remains.
		left.parts[0] = 0
		parts = largestRemainder(amount-feeBack, left.parts)
		parts[0] = feeBack
	}
	parts[0] -= feeBack
	return Shares{Parts: parts, Fee: feeBack}, nil
}

// rest is what is left of an order after earlier refunds.
type rest struct {
	parts []money.Amount // the franchisee's with a fee that head office does not bear
	fee   money.Amount
	total money.Amount // sum of parts
}

// Left returns what is left of each share of an order after refunds of it, the
// franchisee's with a fee that head office does not bear. Shares that do not
// belong together are split.shares.
func Left(original, refunded Shares) ([]money.Amount, error) {
	left, err := remainder(original, refunded)
	return left.parts, err
}

// remainder subtracts the refunds from the split and checks both.
func remainder(original, refunded Shares) (rest, error) {
	if len(refunded.Parts) == 0 {
		refunded.Parts = make([]money.Amount, len(original.Parts))
	}
	if len(original.Parts) < 2 || len(original.Parts) > maxParts || len(refunded.Parts) != len(original.Parts) {
		return rest{}, fault.Invalid("split.shares")
	}
	for _, s := range []Shares{original, refunded} {
		if s.lowest() < 0 {
			return rest{}, fault.Invalid("split.shares")
		}
		if _, err := s.Total(); err != nil {
			return rest{}, err
		}
	}
	// Head office bears the fee in both or in neither.
	if refunded.Fee > 0 && original.HeadOfficeBears != refunded.HeadOfficeBears {
		return rest{}, fault.Invalid("split.shares")
	}
	left := rest{fee: original.Fee - refunded.Fee, parts: make([]money.Amount, len(original.Parts))}
	for i := range left.parts {
		left.parts[i] = original.Parts[i] - refunded.Parts[i]
	}
	if !original.HeadOfficeBears {
		left.parts[0] += left.fee
	}
	for _, part := range left.parts {
		if part < 0 || left.fee < 0 {
			return rest{}, fault.Invalid("split.shares")
		}
		left.total += part
	}
	return left, nil
}

// lowest is the smallest amount among the shares.
func (s Shares) lowest() money.Amount {
	low := s.Fee
	for _, part := range s.Parts {
		low = min(low, part)
	}
	return low
}

// largestRemainder divides amount in proportion to the weights: each part is
// rounded down, and the fen that are missing go one each to the largest
// remainders, the earlier party first where they are equal. amount is at most
// the sum of the weights; then no part exceeds its weight, because a part that
// is rounded up had a remainder and so lay below it.
func largestRemainder(amount money.Amount, weights []money.Amount) []money.Amount {
	parts := make([]money.Amount, len(weights))
	var total uint64
	for _, w := range weights {
		total += uint64(w) // the weights are parts of one order: below 2^63
	}
	if total == 0 {
		return parts
	}
	var remainders [maxParts]uint64
	missing := amount
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(amount), uint64(w)) // hi < total because w <= total and amount < 2^63
		q, r := bits.Div64(hi, lo, total)
		parts[i], remainders[i] = money.Amount(q), r
		missing -= money.Amount(q)
	}
	for ; missing > 0; missing-- { // at most one less than there are parties: each remainder is below one
		best := 0
		for i, r := range remainders[:len(weights)] {
			if r > remainders[best] {
				best = i
			}
		}
		parts[best]++
		remainders[best] = 0
	}
	return parts
}
