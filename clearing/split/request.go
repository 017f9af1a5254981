package split

import (
	"custody/internal/fault"
	"custody/internal/money"
)

// MaxRequests is how many split requests of one order channels allow.
const MaxRequests = 50

// Limits is what a channel's contract allows (分账限额).
type Limits struct {
	SharePPM  int64 // of the order, for one receiver over all requests
	Receivers int
	Requests  int
}

// DefaultLimits are those that most channels' contracts have: 30 % of an order
// for one receiver, 50 receivers, 50 requests.
var DefaultLimits = Limits{SharePPM: 300_000, Receivers: MaxReceivers, Requests: MaxRequests}

// Part is what one request gives one receiver; Owner ” is head office.
type Part struct {
	Owner  string
	Amount money.Amount
}

// Requests is an order that is split by requests (分账请求) one after the other,
// instead of by a rule: amounts that head office names. What no request has given
// stays frozen until the rest is released (解冻剩余) to the franchisee.
//
//	r := split.Requests{Member: "A", Amount: 1000_00, Fee: 6_00, Limits: split.DefaultLimits}
//	err := r.Add(split.Part{Owner: "P", Amount: 20_00})
//	rest := r.Left() // 974.00, the franchisee's when it is released
type Requests struct {
	Member string       // the franchisee, who has no limit; head office has none either
	Amount money.Amount // of the order
	Fee    money.Amount // kept for the channel
	Limits Limits

	given map[string]money.Amount
	sum   money.Amount
	count int
}

// Left returns what no request has given: the most that a further one may give,
// and what a release gives the franchisee.
func (r *Requests) Left() money.Amount { return r.Amount - r.Fee - r.sum }

// Count returns how many requests there were.
func (r *Requests) Count() int { return r.count }

// Resume takes over what earlier requests gave, less what was returned of it, and
// how many they were. What stands is not held against the limits again.
func (r *Requests) Resume(given map[string]money.Amount, count int) {
	r.given, r.sum, r.count = given, 0, count
	for _, amount := range given {
		r.sum += amount // parts of one order: no overflow
	}
}

// Add makes one request, in whole or not at all. More requests than the contract
// allows are split.requests, more receivers split.receivers, an amount that is
// not above zero split.amount, more than is left split.left, and more than the
// contract's share for one receiver split.share.
func (r *Requests) Add(parts ...Part) error {
	if r.count >= r.Limits.Requests {
		return fault.Invalid("split.requests", r.Limits.Requests)
	}
	given := make(map[string]money.Amount, len(r.given)+len(parts))
	for owner, amount := range r.given {
		given[owner] = amount
	}
	limit, err := r.Amount.MulRate(r.Limits.SharePPM, money.Floor)
	if err != nil {
		return fault.Invalid("split.overflow").Because(err)
	}
	left := r.Left()
	for _, p := range parts {
		switch {
		case p.Amount <= 0:
			return fault.Invalid("split.amount", p.Amount)
		case p.Amount > left:
			return fault.Invalid("split.left", p.Amount, left)
		}
		left -= p.Amount
		given[p.Owner] += p.Amount // at most the order: no overflow
		if p.Owner != "" && p.Owner != r.Member && given[p.Owner] > limit {
			return fault.Invalid("split.share", p.Owner, given[p.Owner], limit)
		}
	}
	if len(parts) == 0 || len(given) > r.Limits.Receivers {
		return fault.Invalid("split.receivers", len(given), r.Limits.Receivers)
	}
	r.given, r.sum, r.count = given, r.Amount-r.Fee-left, r.count+1
	return nil
}
