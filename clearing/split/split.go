// Package split divides one order among those who have a share in it (清分),
// and one refund among those who received them.
//
// An order's amount is divided into head office's commission, the partner's
// share and the channel's fee, each rounded on its own; the franchisee who owns
// the order takes what remains (尾差方), so the shares always add up to the
// order. A refund goes back the same way over what is left of each share, so
// that any chain of partial refunds ends at zero to the fen.
//
//	rule := split.Rule{ID: "S1", Version: 1, HeadOfficePPM: 50_000, PartnerPPM: 20_000}
//	fee, err := split.Fee(1000_00, 6_000)    // 6.00
//	shares, err := rule.Split(1000_00, fee)  // 924.00, 20.00, 50.00, 6.00
package split

import (
	"custody/internal/fault"
	"custody/internal/money"
)

// Bearer is who pays the channel's fee.
type Bearer string

// The bearers of a channel fee.
const (
	Franchisee Bearer = "FRANCHISEE" // 商户承担; also the zero value
	HeadOffice Bearer = "HEADOFFICE" // 总部承担
)

// Rule is a split rule (分账规则) as two people approved it. Rates are parts per
// million of the order's amount: 50,000 is 5 %. A rule is never changed; a new
// Version replaces it from a date that its owner keeps.
//
// The channel's fee rate is not here: it belongs to the channel's contract and
// reaches [Rule.Split] as an amount. Minimum, maximum, tiers and further levels
// of partners would be further steps between rate and share in [Rule.Split];
// [Shares] and [Refund] need to know nothing of them.
type Rule struct {
	ID            string
	Version       int
	FeeBearer     Bearer
	HeadOfficePPM int64 // commission (佣金)
	PartnerPPM    int64 // share of the channel partner (渠道合作方)
}

// Shares is an order or a refund, divided. No amount is negative.
//
//	Member + Partner + HeadOffice + Fee − HeadOfficeFee = amount
//
// Where the franchisee bears the fee, HeadOfficeFee is zero and the first four
// are the whole. Where head office bears it, HeadOfficeFee equals Fee: HeadOffice
// is the full commission (2302 Cr), HeadOfficeFee what is paid from it (2302 Dr),
// and both stay visible. The net may be negative when the fee is the larger.
type Shares struct {
	Member        money.Amount // the franchisee who owns the order
	Partner       money.Amount
	HeadOffice    money.Amount // commission, before a fee that head office bears
	Fee           money.Amount // the channel's fee
	HeadOfficeFee money.Amount // the part of Fee that head office bears: nothing or all
}

// Total returns the amount that the shares divide.
func (s Shares) Total() (money.Amount, error) {
	// The borne fee goes off first: no sum on the way is then above the amount.
	total, err := money.Sum(-s.HeadOfficeFee, s.Fee, s.Member, s.Partner, s.HeadOffice)
	if err != nil {
		return 0, fault.Invalid("split.overflow").Because(err)
	}
	return total, nil
}

// Add returns both together: the refunds of an order so far.
func (s Shares) Add(o Shares) (Shares, error) {
	var sum Shares
	for _, part := range []struct {
		into *money.Amount
		a, b money.Amount
	}{
		{&sum.Member, s.Member, o.Member},
		{&sum.Partner, s.Partner, o.Partner},
		{&sum.HeadOffice, s.HeadOffice, o.HeadOffice},
		{&sum.Fee, s.Fee, o.Fee},
		{&sum.HeadOfficeFee, s.HeadOfficeFee, o.HeadOfficeFee},
	} {
		var err error
		if *part.into, err = part.a.Add(part.b); err != nil {
			return Shares{}, fault.Invalid("split.overflow").Because(err)
		}
	}
	return sum, nil
}

// Fee returns the channel's fee of one order: rate times amount, half a fen
// rounded up (四舍五入), per item. The rate is 0 to 1,000,000 ppm (split.rate).
func Fee(amount money.Amount, ppm int64) (money.Amount, error) {
	if amount < 0 {
		return 0, fault.Invalid("split.amount", amount)
	}
	if ppm < 0 || ppm > money.PPM {
		return 0, fault.Invalid("split.rate", ppm)
	}
	return rate(amount, ppm, money.HalfUp)
}

func rate(amount money.Amount, ppm int64, r money.Rounding) (money.Amount, error) {
	part, err := amount.MulRate(ppm, r)
	if err != nil {
		return 0, fault.Invalid("split.overflow").Because(err)
	}
	return part, nil
}

// Validate checks that the rule can divide an order at all: each rate is 0 to
// 1,000,000 ppm (split.rate), together they are no more (split.rates), and the
// bearer is known (split.bearer).
func (r Rule) Validate() error {
	for _, ppm := range []int64{r.HeadOfficePPM, r.PartnerPPM} {
		if ppm < 0 || ppm > money.PPM {
			return fault.Invalid("split.rate", ppm).On("rule", r.ID)
		}
	}
	if r.HeadOfficePPM+r.PartnerPPM > money.PPM {
		return fault.Invalid("split.rates", r.HeadOfficePPM+r.PartnerPPM).On("rule", r.ID)
	}
	switch r.FeeBearer {
	case "", Franchisee, HeadOffice:
		return nil
	}
	return fault.Invalid("split.bearer").On("fee_bearer", string(r.FeeBearer))
}

// Split divides an order. fee is what the channel keeps, from its bill where
// that is known, else from [Fee]. Each rate is rounded down to the fen and the
// franchisee takes the rest. Parts that exceed the order are split.exceeds: the
// franchisee's share is never negative.
func (r Rule) Split(amount, fee money.Amount) (Shares, error) {
	if err := r.Validate(); err != nil {
		return Shares{}, err
	}
	if amount <= 0 {
		return Shares{}, fault.Invalid("split.amount", amount)
	}
	if fee < 0 || fee > amount {
		return Shares{}, fault.Invalid("split.fee", fee, amount)
	}
	commission, err := rate(amount, r.HeadOfficePPM, money.Floor)
	if err != nil {
		return Shares{}, err
	}
	partner, err := rate(amount, r.PartnerPPM, money.Floor)
	if err != nil {
		return Shares{}, err
	}
	s := Shares{Partner: partner, HeadOffice: commission, Fee: fee}
	if r.FeeBearer == HeadOffice {
		s.HeadOfficeFee = fee
	}
	// No overflow: both rates together give at most the amount, the fee too.
	s.Member = amount - commission - partner - (fee - s.HeadOfficeFee)
	if s.Member < 0 {
		return Shares{}, fault.Invalid("split.exceeds", r.ID, r.Version, amount, amount-s.Member)
	}
	return s, nil
}
