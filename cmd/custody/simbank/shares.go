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

// contract is how head office and its partners share in an order.
type contract struct {
	headOfficePPM, partnerPPM, regionPPM int64 // rounded down
	headOfficeCap                        int64 // fen; 0: none
}

// The contracts: the first is custody.yaml's, the second takes its place half way
// through the days with money events.
var (
	standardContract = contract{headOfficePPM: headOfficePPM, partnerPPM: partnerPPM}
	renewedContract  = contract{headOfficePPM: 40_000, headOfficeCap: 60_00, partnerPPM: 25_000, regionPPM: 10_000}
)

// feeOf returns the channel's fee of an item.
func feeOf(fen int64) int64 { return (fen*feePPM + ppm/2) / ppm }

// shares is an order or refund divided, in fen. Amounts stay below 10^7 fen, so
// no product of an amount and a rate comes near the end of an int64.
type shares struct{ member, partner, region, headOffice, fee int64 }

// split divides an order of which the channel keeps a fee; the franchisee takes
// what remains.
func (c contract) split(fen, fee int64) shares {
	s := shares{partner: fen * c.partnerPPM / ppm, region: fen * c.regionPPM / ppm, headOffice: fen * c.headOfficePPM / ppm, fee: fee}
	if c.headOfficeCap > 0 {
		s.headOffice = min(s.headOffice, c.headOfficeCap)
	}
	s.member = fen - s.partner - s.region - s.headOffice - s.fee
	return s
}

// splitRefund divides the only refund of an order of fen: by largest remainder
// over the shares, the fee counted with the franchisee who bore it, then the
// fee that the channel gives back taken from the franchisee's part. Ties go to
// franchisee, partner, region, head office in that order.
//
// It is reckoned with fractions on purpose: the other side counts otherwise.
func (c contract) splitRefund(orderFen, fen int64) shares {
	o := c.split(orderFen, feeOf(orderFen))
	weights := [4]int64{o.member + o.fee, o.partner, o.region, o.headOffice}
	var parts [4]int64
	var fractions [4]*big.Rat
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
	return shares{member: parts[0] - back, partner: parts[1], region: parts[2], headOffice: parts[3], fee: back}
}
