package clearing

import (
	"context"
	"slices"

	"custody/clearing/flows"
	"custody/clearing/orders"
	"custody/clearing/requests"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// SplitTrace is how an order was split: the rule that held and what each of its
// levels came to. Amounts are fen.
type SplitTrace struct {
	Rule        string       `json:"rule"`
	Version     int          `json:"version"`
	Effective   bizdate.Date `json:"effective"`
	Basis       string       `json:"basis"` // clearing or trade: the date that picked the version
	Approval    string       `json:"approval_id"`
	Scope       *Scope       `json:"scope"`  // of the rule; null: a default
	Passed      []string     `json:"passed"` // less specific rules that would have held in its place, ID@VERSION
	FeeBearer   string       `json:"fee_bearer"`
	Order       money.Amount `json:"order_fen"`
	Returned    money.Amount `json:"returned_fen"` // refunded before the split
	Amount      money.Amount `json:"amount_fen"`   // what was split
	Fee         money.Amount `json:"fee_fen"`
	Levels      []SplitLevel `json:"levels"`
	RemainderTo string       `json:"remainder_to"`
	Remainder   money.Amount `json:"remainder_fen"` // what the levels and the fee left for that party
	Agrees      bool         `json:"agrees"`        // the rule gives exactly what was posted
}

// SplitLevel is one line of a split. Dropped is what rounding down to the fen
// left out, in millionths of a fen.
type SplitLevel struct {
	Level   int          `json:"level"`
	To      string       `json:"to"`
	Member  string       `json:"member"` // empty: head office, or nobody
	Base    money.Amount `json:"base_fen"`
	PPM     int64        `json:"ppm"`
	Tier    money.Amount `json:"tier_from_fen"`
	ByRate  money.Amount `json:"by_rate_fen"`
	Dropped int64        `json:"dropped_millionths"`
	Fixed   money.Amount `json:"fixed_fen"`
	Bound   string       `json:"bound"` // minimum, cap, limit or order: the last that changed the share
	Share   money.Amount `json:"share_fen"`
}

// traceSplit explains the split of an order from its voucher and the rule that
// held on its date: what is not dated back cannot have changed since.
func (e *Engine) traceSplit(ctx context.Context, tx *store.Tx, o orders.Order, v subaccounts.Voucher, clearing bizdate.Date) (*SplitTrace, error) {
	rules, err := e.newChoices(ctx, tx, o.Channel)
	if err != nil {
		return nil, err
	}
	choice := rules.of(o.Member)
	chain, r := choice.chain, choice.inForce(clearing, o.Time)
	posted := flows.Divide(v, o.Member)
	t := &SplitTrace{Rule: r.row.ID, Version: r.row.Version, Effective: r.row.Effective, Basis: "clearing", FeeBearer: r.config.FeeBearer,
		Scope: r.scope(), Passed: []string{}, Order: o.Amount, Fee: posted.Original.Fee}
	for _, other := range choice.passed(clearing, o.Time) {
		t.Passed = append(t.Passed, other.name())
	}
	if r.byTrade {
		t.Basis = "trade"
	}
	if versions, err := e.ruleVersions(ctx, tx); err == nil {
		i := slices.IndexFunc(versions, func(x RuleVersion) bool { return x.SplitRule == r.row })
		t.Approval = versions[max(i, 0)].Approval
	}
	if t.Amount, err = posted.Original.Total(); err != nil {
		return nil, err
	}
	t.Returned = o.Amount - t.Amount
	return t, t.fill(r, chain, posted)
}

// fill works the rule out again and compares it with what was posted.
func (t *SplitTrace) fill(r *datedRule, chain split.Chain, posted flows.Divided) error {
	t.Levels = []SplitLevel{}
	shares, err := r.scheme.Split(nil, chain, t.Amount, t.Fee)
	if err != nil {
		return nil // another rule held when it was split: Agrees is false
	}
	steps, err := r.scheme.Explain(chain, t.Amount, t.Fee)
	if err != nil {
		return err
	}
	rest := r.scheme.RemainderOf(chain)
	t.RemainderTo, t.Remainder = r.scheme.Owner(rest, chain), shares.Parts[rest]
	r.scheme.Each(func(l split.Level, part int) {
		i := len(t.Levels)
		s := steps[i]
		t.Levels = append(t.Levels, SplitLevel{Level: i + 1, To: partyWord(l.Receiver), Member: r.scheme.Owner(part, chain), Base: s.Base, PPM: s.PPM,
			Tier: s.Tier, ByRate: s.ByRate, Dropped: int64(s.Base) % money.PPM * s.PPM % money.PPM, Fixed: s.Fixed, Bound: s.Bound, Share: s.Share})
		if part == rest {
			t.Remainder -= s.Share
		}
	})
	t.Agrees = sameParts(r.scheme, chain, shares, posted)
	return nil
}

// sameParts compares shares by their owners: whoever receives twice has one
// part in the voucher.
func sameParts(scheme *split.Scheme, chain split.Chain, shares split.Shares, posted flows.Divided) bool {
	by := map[string]money.Amount{}
	for i, part := range shares.Parts {
		by[scheme.Owner(i, chain)] += part
	}
	for i, owner := range posted.Owners {
		by[owner] -= posted.Original.Parts[i]
	}
	for _, left := range by {
		if left != 0 {
			return false
		}
	}
	return shares.HeadOfficeFee() == posted.Original.HeadOfficeFee()
}

// partyWord is a receiver as rule files write it.
func partyWord(r split.Receiver) string {
	if r.Party == split.Named {
		return "member:" + r.Member
	}
	for word, party := range ruleParties {
		if party == r.Party {
			return word
		}
	}
	return r.String()
}

// RefundTrace is how a refund of a split order was divided and where the money
// came from. Amounts are fen.
type RefundTrace struct {
	Amount  money.Amount  `json:"amount_fen"`
	FeeBack money.Amount  `json:"fee_back_fen"` // of the channel
	Earlier int           `json:"earlier"`      // refunds of the order before this one
	Parts   []RefundPart  `json:"parts"`
	Sources []RefundMoney `json:"sources"`
}

// RefundPart is what one party gives back. Left is before this refund; the
// franchisee's has the channel's fee in it that head office does not bear.
type RefundPart struct {
	Member string       `json:"member"` // empty: head office
	Share  money.Amount `json:"share_fen"`
	Left   money.Amount `json:"left_fen"`
	Back   money.Amount `json:"back_fen"`
}

// RefundMoney is one account that money was taken from, in the order of
// recovery (退款资金来源).
type RefundMoney struct {
	Rank    int             `json:"rank"`
	Account subaccounts.Key `json:"-"`
	Name    string          `json:"account"`
	Why     string          `json:"why"`
	Amount  money.Amount    `json:"amount_fen"`
}

// traceRefund explains the refund of a split order from the vouchers: of the
// split, of the refunds before it, and its own.
func (e *Engine) traceRefund(ctx context.Context, tx *store.Tx, r orders.Order, v subaccounts.Voucher) (*RefundTrace, error) {
	id := e.Book.ID()
	order, found, err := orders.Find(ctx, tx, id, r.OrderNo, "")
	if err != nil || !found {
		return nil, err
	}
	m, matched, err := orders.MatchOf(ctx, tx, id, order)
	if err != nil || !matched {
		return nil, err
	}
	asked, byRequests, err := requests.Find(ctx, tx, id, order.OrderNo)
	if err != nil {
		return nil, err
	}
	of, found, err := e.Book.VoucherByReference(ctx, tx, eventSplit, reference(m.Clearing, order.Channel, order.OrderNo))
	if err != nil || !found && !byRequests {
		return nil, err
	}
	earlier, err := e.refundsBefore(ctx, tx, r.OrderNo, r.RefundNo)
	if err != nil {
		return nil, err
	}
	earlier = slices.DeleteFunc(earlier, func(x subaccounts.Voucher) bool { return x.ID >= v.ID })
	d := flows.Divide(of, order.Member)
	if byRequests {
		d = dividedByRequests(&asked)
	}
	if err := d.GiveBack(earlier...); err != nil {
		return nil, err
	}
	left, err := split.Left(d.Original, d.Before)
	if err != nil {
		return nil, err
	}
	t := &RefundTrace{Earlier: len(earlier)}
	t.Amount, t.FeeBack = flows.Refunded(v)
	back, err := split.Refund(d.Original, d.Before, t.Amount, t.FeeBack)
	if err != nil {
		return nil, err
	}
	for i, owner := range d.Owners {
		t.Parts = append(t.Parts, RefundPart{Member: owner, Share: d.Original.Parts[i], Left: left[i], Back: back.Parts[i]})
	}
	t.sources(r.Channel, v)
	return t, nil
}

// recoveryRank orders the accounts of a refund as they are tried.
var recoveryRank = map[string]int{"2002": 1, "2001": 2, "2304": 3, "2305": 4, "2302": 1, "2301": 2}

// sources lists what the voucher took, each with its place in the order.
func (t *RefundTrace) sources(channel string, v subaccounts.Voucher) {
	own := channel + "." + v.Date.Compact()
	t.Sources = []RefundMoney{}
	for _, entry := range v.Entries {
		rank, known := recoveryRank[entry.Code]
		if !known || entry.Amount <= 0 {
			continue
		}
		why := "account"
		switch {
		case entry.Item == own:
			why = "own-date"
		case entry.Item != "":
			why = "oldest"
		}
		t.Sources = append(t.Sources, RefundMoney{Rank: rank, Account: entry.Key, Name: entry.Key.String(), Why: why, Amount: entry.Amount})
	}
}
