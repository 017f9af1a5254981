// Package split divides one order among those who have a share in it (清分),
// and one refund among those who received them.
//
// A rule has levels: head office, region, channel partner, named members. Each
// level's share is worked out on its own and rounded down to the fen; the
// remainder party (尾差方), by default the franchisee who owns the order, takes
// what is left, so the shares always add up to the order. A refund goes back the
// same way over what is left of each share, so that any chain of partial refunds
// ends at zero to the fen.
//
//	rule := split.Rule{ID: "S1", Version: 1, HeadOfficePPM: 50_000, PartnerPPM: 20_000}
//	scheme, err := rule.Scheme()
//	fee, err := split.Fee(1000_00, 6_000)                             // 6.00
//	shares, err := scheme.Split(nil, split.Chain{Partner: "P"}, 1000_00, fee) // 924.00, 20.00, 50.00 and 6.00
package split

import (
	"custody/internal/fault"
	"custody/internal/money"
)

// Chain is the franchisee who owns an order and who stands above it. An empty
// Region or Partner is nobody: a level for it is passed over.
type Chain struct {
	Member  string
	Region  string // 区域
	Partner string // 渠道合作方
}

// Shares is an order or a refund, divided. No amount is negative.
//
//	sum of Parts + Fee − HeadOfficeFee = amount
//
// Parts[0] is the franchisee's, what it gets after a fee that it bears; the last
// is head office's, its commission before a fee that it bears, so that both stay
// visible (2302 Cr and 2302 Dr): its net may be negative. Between them stand the
// other receivers of the [Scheme]. No Parts at all is nothing for anybody.
type Shares struct {
	Parts           []money.Amount
	Fee             money.Amount // the channel's fee
	HeadOfficeBears bool         // of the Fee: all or nothing
}

// Member returns the franchisee's part.
func (s Shares) Member() money.Amount {
	if len(s.Parts) == 0 {
		return 0
	}
	return s.Parts[0]
}

// Others returns the parts between the franchisee's and head office's.
func (s Shares) Others() []money.Amount {
	if len(s.Parts) == 0 {
		return nil
	}
	return s.Parts[1 : len(s.Parts)-1]
}

// HeadOffice returns head office's commission, before a fee that it bears.
func (s Shares) HeadOffice() money.Amount {
	if len(s.Parts) == 0 {
		return 0
	}
	return s.Parts[len(s.Parts)-1]
}

// HeadOfficeFee returns the part of the fee that head office bears.
func (s Shares) HeadOfficeFee() money.Amount {
	if s.HeadOfficeBears {
		return s.Fee
	}
	return 0
}

// Total returns the amount that the shares divide.
func (s Shares) Total() (money.Amount, error) {
	total := s.Fee - s.HeadOfficeFee()
	for _, part := range s.Parts {
		var err error
		if total, err = total.Add(part); err != nil {
			return 0, fault.Invalid("split.overflow").Because(err)
		}
	}
	return total, nil
}

// Add returns both together: the refunds of an order so far. Shares of other
// receivers, or with another bearer of the fee, are split.shares.
func (s Shares) Add(o Shares) (Shares, error) {
	if len(s.Parts) == 0 {
		s.Parts = make([]money.Amount, len(o.Parts))
	}
	if len(o.Parts) != 0 && len(o.Parts) != len(s.Parts) || s.Fee > 0 && o.Fee > 0 && s.HeadOfficeBears != o.HeadOfficeBears {
		return Shares{}, fault.Invalid("split.shares")
	}
	sum := Shares{Parts: make([]money.Amount, len(s.Parts)), HeadOfficeBears: s.HeadOfficeBears || o.HeadOfficeBears}
	var err error
	if sum.Fee, err = s.Fee.Add(o.Fee); err != nil {
		return Shares{}, fault.Invalid("split.overflow").Because(err)
	}
	copy(sum.Parts, s.Parts)
	for i, part := range o.Parts {
		if sum.Parts[i], err = sum.Parts[i].Add(part); err != nil {
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
	fee, err := amount.MulRate(ppm, money.HalfUp)
	if err != nil {
		return 0, fault.Invalid("split.overflow").Because(err)
	}
	return fee, nil
}

// Split divides one order by the rule, as [Scheme.Split] does for many.
func (r Rule) Split(chain Chain, amount, fee money.Amount) (Shares, error) {
	s, err := r.Scheme()
	if err != nil {
		return Shares{}, err
	}
	return s.Split(nil, chain, amount, fee)
}

// Split divides an order among the receivers that its chain has. fee is what
// the channel keeps, from its contract or its bill. The Parts are laid into
// room where that has the capacity, so that a night of a million orders needs no
// allocation for each. A level takes no more than those before it left, so that
// minima and fixed amounts never stop a small order; rates of the short form that
// exceed the order, or a franchisee's level below the fee that it bears, are
// split.exceeds: no share is ever negative.
func (s *Scheme) Split(room []money.Amount, chain Chain, amount, fee money.Amount) (Shares, error) {
	if amount <= 0 {
		return Shares{}, fault.Invalid("split.amount", amount)
	}
	if fee < 0 || fee > amount {
		return Shares{}, fault.Invalid("split.fee", fee, amount)
	}
	for range s.Receivers {
		room = append(room, 0)
	}
	shares := Shares{Parts: room[len(room)-len(s.Receivers):], Fee: fee, HeadOfficeBears: s.headOfficeBears}
	d := s.begin(amount, fee)
	for i := range s.levels {
		l := &s.levels[i]
		if s.absent(l.at, chain) {
			continue
		}
		step, err := d.step(l)
		if err != nil {
			return Shares{}, err
		}
		shares.Parts[l.at] = step.Share - d.owed(l)
	}
	rest := s.RemainderOf(chain)
	shares.Parts[rest] += d.left
	if low := min(shares.Parts[0], shares.Parts[rest]); low < 0 {
		return Shares{}, fault.Invalid("split.exceeds", s.ID, s.Version, amount, amount-low)
	}
	return shares, nil
}

// division is the work on one order: what its rates are of, and what is left.
type division struct {
	base money.Amount // of the order, without a fee on top
	left money.Amount // not given to a level yet
	fee  money.Amount // that the franchisee's own level bears
	cut  bool         // a level takes no more than is left
}

// begin takes the fee off first, unless head office bears it: a fee on top
// (外扣) also off what the rates are of.
func (s *Scheme) begin(amount, fee money.Amount) division {
	d := division{base: amount, left: amount, cut: len(s.Levels) > 0}
	switch {
	case s.headOfficeBears:
	case s.onTop:
		d.base, d.left = amount-fee, amount-fee
	default:
		d.left, d.fee = amount-fee, fee
	}
	return d
}

// owed is the part of the fee that comes off a level's share.
func (d *division) owed(l *placed) money.Amount {
	if l.at == 0 {
		return d.fee
	}
	return 0
}

// Bounds that a share may have run into.
const (
	ByMinimum = "minimum" // 保底
	ByCap     = "cap"     // 封顶
	ByLimit   = "limit"   // the contract's limit of one receiver's share (分账比例上限)
	ByOrder   = "order"   // nothing more is left of so small an order
)

// Step is how one level's share came about.
type Step struct {
	Base   money.Amount // what the rate is of
	PPM    int64        // of the level, or of its tier
	Fixed  money.Amount
	Tier   money.Amount // from this order amount; 0 where no tier applies
	ByRate money.Amount // rate times base, rounded down
	Bound  string       // the last bound that changed the share, or empty
	Share  money.Amount // before a fee that the receiver bears
}

// step works out one level's share and takes it off what is left.
func (d *division) step(l *placed) (Step, error) {
	s := Step{Base: d.base, PPM: l.PPM, Fixed: l.Fixed}
	if l.OfRest {
		s.Base = max(d.left, 0)
	}
	for _, t := range l.Tiers {
		if d.base >= t.From {
			s.PPM, s.Fixed, s.Tier = t.PPM, t.Fixed, t.From
		}
	}
	var err1, err2 error
	s.ByRate, err1 = s.Base.MulRate(s.PPM, money.Floor)
	s.Share, err2 = s.ByRate.Add(s.Fixed)
	if err1 != nil || err2 != nil {
		return s, fault.Invalid("split.overflow")
	}
	bound := func(applies bool, share money.Amount, name string) {
		if applies {
			s.Share, s.Bound = share, name
		}
	}
	bound(s.Share < l.Min, l.Min, ByMinimum)
	bound(l.Cap > 0 && s.Share > l.Cap, l.Cap, ByCap)
	if l.LimitPPM > 0 {
		limit, _ := d.base.MulRate(l.LimitPPM, money.Floor) // at most the base: no overflow
		bound(s.Share > limit, limit, ByLimit)
	}
	if room := d.left + d.owed(l); d.cut {
		bound(s.Share > room, room, ByOrder)
	}
	d.left -= s.Share - d.owed(l)
	return s, nil
}

// Explain returns how each level's share of an order came about, in the order
// of [Scheme.Each]; a level whose receiver the chain lacks has an empty step.
func (s *Scheme) Explain(chain Chain, amount, fee money.Amount) ([]Step, error) {
	if _, err := s.Split(nil, chain, amount, fee); err != nil {
		return nil, err
	}
	steps := make([]Step, len(s.levels))
	d := s.begin(amount, fee)
	for i := range s.levels {
		if s.absent(s.levels[i].at, chain) {
			continue
		}
		var err error
		if steps[i], err = d.step(&s.levels[i]); err != nil {
			return nil, err
		}
	}
	return steps, nil
}
