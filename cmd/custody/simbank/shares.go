package simbank

import "math/big"

// The contract that custody.yaml states, as the bank knows it.
const (
	feePPM        = 6_000  // channel fee, half-up to the fen per item, borne by the franchisee
	headOfficePPM = 50_000 // rounded down
	partnerPPM    = 20_000 // rounded down
	ppm           = 1_000_000
	payoutFeeFen  = 1_00 // on top of each payout
)

// feeOf returns the channel's fee of an item.
func feeOf(fen int64) int64 { return (fen*feePPM + ppm/2) / ppm }

// shares is an order or refund divided, in fen. Amounts stay below 10^7 fen, so
// no product of an amount and a rate comes near the end of an int64.
type shares struct{ member, partner, headOffice, fee int64 }

// splitOrder divides an order; the franchisee takes what remains.
func splitOrder(fen int64) shares {
	s := shares{partner: fen * partnerPPM / ppm, headOffice: fen * headOfficePPM / ppm, fee: feeOf(fen)}
	s.member = fen - s.partner - s.headOffice - s.fee
	return s
}

// splitRefund divides the only refund of an order of fen: by largest remainder
// over the shares, the fee counted with the franchisee who bore it, then the
// fee that the channel gives back taken from the franchisee's part. Ties go to
// franchisee, partner, head office in that order.
//
// It is reckoned with fractions on purpose: the other side counts otherwise.
func splitRefund(orderFen, fen int64) shares {
	o := splitOrder(orderFen)
	weights := [3]int64{o.member + o.fee, o.partner, o.headOffice}
	var parts [3]int64
	var fractions [3]*big.Rat
	missing := fen
	for i, w := range weights {
		exact := big.NewRat(fen*w, orderFen)
		parts[i] = new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
		fractions[i] = exact.Sub(exact, new(big.Rat).SetInt64(parts[i]))
		missing -= parts[i]
	}
	for ; missing > 0; missing-- {
		best := 0
		for i := range fractions {
			if fractions[i].Cmp(fractions[best]) > 0 {
				best = i
			}
		}
		parts[best]++
		fractions[best].SetInt64(-1)
	}
	back := feeOf(fen)
	return shares{member: parts[0] - back, partner: parts[1], headOffice: parts[2], fee: back}
}
