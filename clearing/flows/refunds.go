package flows

import (
	"cmp"
	"context"
	"slices"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Refunds is money on its way back to customers (退款): before the split, after
// it, listed by the channel's bill, advanced by head office, or failed.
type Refunds struct{ Journal }

// Refund is one refund. Clearing is the date under which parties give back: that
// of the bill that lists it. Earlier are the references of the order's other
// refunds so far; who calls knows them, the ledger only their content.
type Refund struct {
	Reference string
	RefundNo  string // the open item in 2202
	Order     string // reference of the order's payment and split
	Channel   string
	Clearing  bizdate.Date
	Member    string
	Amount    money.Amount
	FeeBack   money.Amount // what the channel gives back of its fee
	Earlier   []string
}

func (r Refund) onItsWay() subaccounts.Leg {
	return subaccounts.Credit(refunding(r.Channel, r.RefundNo), r.Amount)
}

// BeforeSplit books a refund of an order that is not split yet (E20b): it costs
// nobody a share. More than is left of the order is flows.refund.
func (f Refunds) BeforeSplit(ctx context.Context, r Refund) error {
	if err := positive(r.Amount); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Debit(unsplit, r.Amount), r.onItsWay()}
	return f.Once(ctx, "E20b", r.Reference, fixed, func() ([]subaccounts.Leg, error) {
		left, err := f.leftUnsplit(ctx, r.Order, r.Earlier)
		if err == nil && r.Amount > left {
			err = fault.Invalid("flows.refund", r.Amount, left)
		}
		return nil, err
	})
}

// AfterSplit books a refund of a split order (E7a): each party gives back its
// part by [split.Refund], taken in the order of recovery (退款资金来源): 2002 of
// the refund's date, 2002 of the oldest, 2001, 2304, 2305; head office 2302 of the
// date, other 2302, 2301, 2305. Never 2003 or 2101. Where all that is not enough
// it is flows.recovery.
func (f Refunds) AfterSplit(ctx context.Context, r Refund) error {
	fixed := []subaccounts.Leg{r.onItsWay(), subaccounts.Debit(channelFee(r.Channel, r.Clearing), r.FeeBack)}
	return f.Once(ctx, "E7a", r.Reference, fixed, func() ([]subaccounts.Leg, error) {
		o, err := f.divided(ctx, r)
		if err != nil {
			return nil, err
		}
		shares, err := split.Refund(o.Original, o.Before, r.Amount, r.FeeBack)
		if err != nil {
			return nil, err
		}
		return f.recover(ctx, r, o.Owners, shares)
	})
}

// FromMember books a refund that the member bears alone (E22): the rule of its
// contract says that commission and fee are not given back.
func (f Refunds) FromMember(ctx context.Context, r Refund) error {
	return f.Once(ctx, "E22", r.Reference, []subaccounts.Leg{r.onItsWay()}, func() ([]subaccounts.Leg, error) {
		if err := f.fits(ctx, r); err != nil {
			return nil, err
		}
		return f.recover(ctx, r, []string{r.Member, ""}, split.Shares{Parts: []money.Amount{r.Amount, 0}})
	})
}

// Advance books a refund that head office pays first (E7c, 垫付), as two people
// decided; what the member owes for it comes back by [Advances.Recover].
func (f Refunds) Advance(ctx context.Context, r Refund, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E7c", r); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Debit(reserve, r.Amount), r.onItsWay()}
	return f.Once(ctx, "E7c", r.Reference, fixed, func() ([]subaccounts.Leg, error) { return nil, f.fits(ctx, r) })
}

// fits refuses a refund above what is left of its order.
func (f Refunds) fits(ctx context.Context, r Refund) error {
	if err := positive(r.Amount); err != nil {
		return err
	}
	o, err := f.divided(ctx, r)
	if err != nil {
		return err
	}
	whole, err1 := o.Original.Total()
	given, err2 := o.Before.Total()
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	if r.Amount > whole-given {
		return fault.Invalid("flows.refund", r.Amount, whole-given)
	}
	return nil
}

// divided reads an order's split from its voucher: what was posted, not what
// today's rule would give. Earlier refunds are divided again in the order of
// their vouchers, which gives the shares that they gave.
func (f Refunds) divided(ctx context.Context, r Refund) (Divided, error) {
	v, err := f.oneOf(ctx, r.Order, "E2", "E6c", "E6e")
	if err != nil {
		return Divided{}, err
	}
	requests, err := f.requests(ctx, r.Order)
	if err != nil {
		return Divided{}, err
	}
	o := Divide(v, r.Member, requests...)
	var earlier []subaccounts.Voucher
	for _, ref := range r.Earlier {
		v, err := f.oneOf(ctx, ref, "E7a", "E7c", "E22")
		if err != nil {
			return o, err
		}
		earlier = append(earlier, v)
	}
	return o, o.GiveBack(earlier...)
}

// recover lists where the parties' parts of a refund come from.
func (f Refunds) recover(ctx context.Context, r Refund, owners []string, s split.Shares) ([]subaccounts.Leg, error) {
	own := commission(r.Channel, r.Clearing).Item
	var legs []subaccounts.Leg
	for i, owner := range owners {
		amount, pending := s.Parts[i], subaccounts.Filter{Code: "2002", Owner: owner}
		if i == len(owners)-1 {
			amount, pending = s.HeadOffice()-s.HeadOfficeFee(), subaccounts.Filter{Code: "2302"}
		}
		then, err := f.sources(ctx, owner)
		if err != nil {
			return nil, err
		}
		taken, err := f.take(ctx, own, amount, pending, then, legs)
		if err != nil {
			return nil, err
		}
		legs = append(legs, taken...)
	}
	// Head office had borne more fee than its commission.
	return append(legs, subaccounts.Credit(commission(r.Channel, r.Clearing), max(s.HeadOfficeFee()-s.HeadOffice(), 0))), nil
}

// sources are where a party's part comes from when nothing of it is pending.
func (j Journal) sources(ctx context.Context, member string) ([]subaccounts.Key, error) {
	if member == "" {
		return []subaccounts.Key{ownFunds, reserve}, nil
	}
	list := []subaccounts.Key{withdrawable(member), deposit(member), reserve}
	m, _, err := j.Book.GetMember(ctx, j.Tx, member)
	if m.Status != subaccounts.StatusNormal { // 止付: nothing goes out of 2001
		list = list[1:]
	}
	return list, err
}

// take lists debits that add up to the amount: the open item of the date itself,
// the oldest items, then the other accounts. before are legs of the same voucher
// that may already draw on those accounts.
func (j Journal) take(ctx context.Context, own string, amount money.Amount, pending subaccounts.Filter, then []subaccounts.Key, before []subaccounts.Leg) ([]subaccounts.Leg, error) {
	if amount <= 0 {
		return nil, nil
	}
	items, err := j.Book.Items(ctx, j.Tx, pending)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(items, func(a, b subaccounts.ItemBalance) int {
		return cmp.Or(cmp.Compare(rank(a.Item, own), rank(b.Item, own)), cmp.Compare(dateOf(a.Item), dateOf(b.Item)), cmp.Compare(a.Item, b.Item))
	})
	keys := make([]subaccounts.Key, 0, len(items)+len(then))
	for _, it := range items {
		keys = append(keys, it.Key)
	}
	left := amount
	var legs []subaccounts.Leg
	for _, k := range append(keys, then...) {
		standing, err := j.open(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, l := range before {
			if l.Key == k {
				standing -= l.Amount
			}
		}
		if part := min(left, standing); part > 0 {
			legs = append(legs, subaccounts.Debit(k, part))
			left -= part
		}
	}
	if left > 0 {
		return nil, fault.Invalid("flows.recovery", amount, left)
	}
	return legs, nil
}

func rank(item, own string) int {
	if item == own {
		return 0
	}
	return 1
}

// dateOf is the clearing date in an item such as WX.20260212; an item without
// one (FEE) comes last.
func dateOf(item string) string {
	if i := len(item) - len(".20260212"); i > 0 && item[i] == '.' {
		return item[i+1:]
	}
	return "99999999"
}

// List books that the channel's bill lists a refund (E20c before the split, E7b
// after it): the channel has taken it off what it owes for that date.
func (f Refunds) List(ctx context.Context, r Refund) error {
	_, early, err := f.Book.VoucherByReference(ctx, f.Tx, "E20b", r.Reference)
	if err != nil {
		return err
	}
	event := "E7b"
	if early {
		event = "E20c"
	}
	return f.ListAs(ctx, event, r)
}

// ListAs is List for a flow with its own name for it.
func (f Refunds) ListAs(ctx context.Context, event string, r Refund) error {
	return f.close(ctx, event, r.Reference, refunding(r.Channel, r.RefundNo), r.Amount,
		subaccounts.Credit(owed(r.Channel, r.Clearing), r.Amount))
}

// Fail books that a refund cannot go back to where it came from (E22b): it waits
// in suspense under its number. Where a bill has listed it, the channel owes
// the money again under that bill's date.
func (f Refunds) Fail(ctx context.Context, r Refund, listed bool) error {
	to := subaccounts.Credit(suspended(r.RefundNo), r.Amount)
	if !listed {
		return f.close(ctx, "E22b", r.Reference, refunding(r.Channel, r.RefundNo), r.Amount, to)
	}
	if err := positive(r.Amount); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Debit(owed(r.Channel, r.Clearing), r.Amount), to}
	return f.Once(ctx, "E22b", r.Reference, fixed, func() ([]subaccounts.Leg, error) {
		v, err := f.oneOf(ctx, r.Reference, "E7b", "E20c", "E6d2", "E6f")
		if err == nil && sumOf(v, refunding(r.Channel, r.RefundNo)) != r.Amount {
			err = fault.Invalid("flows.open", refunding(r.Channel, r.RefundNo), sumOf(v, refunding(r.Channel, r.RefundNo)), r.Amount)
		}
		return nil, err
	})
}

// PayByHand sends a failed refund to the customer by transfer, as two people
// decided (E22c).
func (f Refunds) PayByHand(ctx context.Context, p SuspensePayout, approvalID string) error {
	return f.outOfSuspense(ctx, "E22c", p, approvalID)
}

// PaidByHand books that the bank paid it (E22d).
func (f Refunds) PaidByHand(ctx context.Context, p SuspensePayout) error {
	return f.leave(ctx, "E22d", p.Serial, p.Payee, p.Amount)
}
