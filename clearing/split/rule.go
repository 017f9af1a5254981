package split

import (
	"slices"

	"custody/internal/fault"
	"custody/internal/money"
)

// Party is a role in which somebody receives a share or bears the fee.
type Party string

// The parties of a split.
const (
	Franchisee Party = "FRANCHISEE" // 加盟商, who owns the order; also the zero value of a bearer
	HeadOffice Party = "HEADOFFICE" // 总部
	Region     Party = "REGION"     // 区域, above the franchisee
	Partner    Party = "PARTNER"    // 渠道合作方 of the franchisee
	Named      Party = "MEMBER"     // one member, the same for every order
	Payer      Party = "PAYER"      // the customer, who paid the fee on top of the price (外扣); bears, never receives
)

// Receiver is who gets a share: by role, or one member by its code.
type Receiver struct {
	Party  Party
	Member string // of [Named]
}

// Level is one level of a rule: a receiver and how its share is worked out.
// Rates are parts per million: 50,000 is 5 %.
type Level struct {
	Receiver
	PPM      int64
	Fixed    money.Amount // on top of the rate, per order
	Min      money.Amount // at least this
	Cap      money.Amount // at most this (封顶); 0: no cap
	Tiers    []Tier       // rising; the last that the order reaches holds for all of it
	OfRest   bool         // the rate is of what the levels before left, not of the order
	LimitPPM int64        // most that the contract allows of an order; 0: no limit
}

// Tier replaces rate and fixed amount of a level for orders of From and above
// (阶梯费率).
type Tier struct {
	From  money.Amount
	PPM   int64
	Fixed money.Amount
}

// Rule is a split rule (分账规则) as two people approved it. It is never changed;
// a new Version replaces it from a date that its owner keeps.
//
// The channel's fee rate is not here: it belongs to the channel's contract and
// reaches [Scheme.Split] as an amount. Where the payer bears it, the order's
// amount is a price with the fee on top (外扣): rates are of the price. Else the
// fee is inside (内扣): rates are of the whole, and the bearer pays it.
type Rule struct {
	ID        string
	Version   int
	FeeBearer Party // Franchisee, HeadOffice or Payer
	// The short form: head office and the franchisee's partner, each by a rate.
	HeadOfficePPM int64 // commission (佣金)
	PartnerPPM    int64
	// The full form, instead of the two rates.
	Levels    []Level
	Remainder Receiver // 尾差方; zero: the franchisee
}

// MaxReceivers is how many receivers a rule may name: the most that any channel
// allows in one split request.
const MaxReceivers = 50

// maxParts is the longest list of parts: every receiver, the franchisee and
// head office.
const maxParts = MaxReceivers + 2

// placed is a level with the index of its part.
type placed struct {
	Level
	at int
}

// Scheme is a rule made ready to divide many orders.
type Scheme struct {
	Rule
	// Receivers are those of [Shares].Parts: the franchisee first, head office
	// last, the others in the order of the levels.
	Receivers []Receiver

	levels                 []placed
	remainder              int
	onTop, headOfficeBears bool
}

// Validate checks that the rule can divide an order at all; see [Rule.Scheme].
func (r Rule) Validate() error {
	_, err := r.Scheme()
	return err
}

// Scheme checks the rule and makes it ready: each rate is 0 to 1,000,000 ppm
// (split.rate), those of the order are no more together (split.rates), the
// bearer is known (split.bearer), no receiver stands twice (split.twice), there
// are at most [MaxReceivers] (split.receivers), amounts are not negative
// (split.bound), no rate is above its limit (split.limit), tiers rise
// (split.tiers), and the remainder party is one of the receivers; where it is not
// the franchisee, the franchisee has a level of its own (split.remainder).
func (r Rule) Scheme() (*Scheme, error) {
	s := &Scheme{Rule: r, onTop: r.FeeBearer == Payer, headOfficeBears: r.FeeBearer == HeadOffice}
	if !slices.Contains([]Party{"", Franchisee, HeadOffice, Payer}, r.FeeBearer) {
		return nil, fault.Invalid("split.bearer").On("fee_bearer", string(r.FeeBearer))
	}
	levels := r.Levels
	if len(levels) == 0 {
		levels = []Level{{Receiver: Receiver{Party: HeadOffice}, PPM: r.HeadOfficePPM}, {Receiver: Receiver{Party: Partner}, PPM: r.PartnerPPM}}
	}
	if len(levels) > MaxReceivers {
		return nil, fault.Invalid("split.receivers", len(levels), MaxReceivers).On("levels", r.ID)
	}
	s.Receivers = append(s.Receivers, Receiver{Party: Franchisee})
	for _, l := range levels {
		if l.Party != Franchisee && l.Party != HeadOffice {
			s.Receivers = append(s.Receivers, l.Receiver)
		}
	}
	s.Receivers = append(s.Receivers, Receiver{Party: HeadOffice})
	if err := s.place(levels); err != nil {
		return nil, err
	}
	if r.Remainder.Party != "" {
		s.remainder = slices.Index(s.Receivers, r.Remainder)
	}
	if s.remainder < 0 || s.remainder > 0 && !slices.ContainsFunc(levels, func(l Level) bool { return l.Party == Franchisee }) {
		return nil, fault.Invalid("split.remainder").On("remainder", string(r.Remainder.Party)+r.Remainder.Member)
	}
	return s, nil
}

// place checks the levels and finds the part of each.
func (s *Scheme) place(levels []Level) error {
	var rates int64
	seen := map[Receiver]bool{}
	for _, l := range levels {
		if err := l.validate(); err != nil {
			return err
		}
		if seen[l.Receiver] {
			return fault.Invalid("split.twice").On("to", l.String())
		}
		seen[l.Receiver] = true
		if !l.OfRest {
			rates += l.most()
		}
		s.levels = append(s.levels, placed{l, slices.Index(s.Receivers, l.Receiver)})
	}
	if rates > money.PPM {
		return fault.Invalid("split.rates", rates).On("rule", s.ID)
	}
	return nil
}

func (l Level) validate() error {
	switch {
	case !slices.Contains([]Party{Franchisee, HeadOffice, Region, Partner, Named}, l.Party) || (l.Party == Named) != (l.Member != ""):
		return fault.Invalid("split.receiver").On("to", l.String())
	case min(l.Fixed, l.Min, l.Cap) < 0:
		return fault.Invalid("split.bound").On("to", l.String())
	case l.Cap > 0 && l.Min > l.Cap:
		return fault.Invalid("split.bounds", l.Min, l.Cap).On("to", l.String())
	}
	rates := []int64{l.PPM, l.LimitPPM}
	from := money.Amount(0)
	for _, t := range l.Tiers {
		if t.From <= from || t.Fixed < 0 {
			return fault.Invalid("split.tiers", t.From).On("to", l.String())
		}
		from = t.From
		rates = append(rates, t.PPM)
	}
	for _, ppm := range rates {
		if ppm < 0 || ppm > money.PPM {
			return fault.Invalid("split.rate", ppm).On("to", l.String())
		}
	}
	if l.LimitPPM > 0 && l.most() > l.LimitPPM {
		return fault.Invalid("split.limit", money.Percent(l.most()), money.Percent(l.LimitPPM)).On("to", l.String())
	}
	return nil
}

// most is the highest rate of a level.
func (l Level) most() int64 {
	most := l.PPM
	for _, t := range l.Tiers {
		most = max(most, t.PPM)
	}
	return most
}

// String names a receiver: its role, or the member's code.
func (r Receiver) String() string {
	if r.Party == Named {
		return r.Member
	}
	return string(r.Party)
}

// Each calls fn with the levels in their order, each with the index of its part.
func (s *Scheme) Each(fn func(l Level, part int)) {
	for _, l := range s.levels {
		fn(l.Level, l.at)
	}
}

// RemainderOf returns the index of the part that takes what is left of an order
// of the chain: the franchisee's where the chain has no remainder party.
func (s *Scheme) RemainderOf(chain Chain) int {
	if s.absent(s.remainder, chain) {
		return 0
	}
	return s.remainder
}

// Owner returns the member who gets the part, or ” for head office and for
// nobody.
func (s *Scheme) Owner(part int, chain Chain) string {
	switch r := &s.Receivers[part]; r.Party {
	case Franchisee:
		return chain.Member
	case Region:
		return chain.Region
	case Partner:
		return chain.Partner
	case Named:
		return r.Member
	}
	return ""
}

// absent reports whether an order of the chain has nobody for the part.
func (s *Scheme) absent(part int, chain Chain) bool {
	switch s.Receivers[part].Party {
	case Region:
		return chain.Region == ""
	case Partner:
		return chain.Partner == ""
	}
	return false
}
