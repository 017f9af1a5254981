package flows

import (
	"cmp"
	"context"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Collections is customers' money (收款): received by a channel, split, arrived,
// released.
type Collections struct{ Journal }

// Receipt is one payment of a customer. Amount is what the order comes to;
// Coupon is the part of it that head office's marketing pays (优惠券).
type Receipt struct {
	Reference string
	Channel   string
	Clearing  bizdate.Date // 清算日期
	Amount    money.Amount
	Coupon    money.Amount
}

// Receive books a payment (E1), with a coupon E11b. A coupon above the order is
// flows.coupon.
func (f Collections) Receive(ctx context.Context, r Receipt) error {
	if err := positive(r.Amount); err != nil {
		return err
	}
	if r.Coupon < 0 || r.Coupon > r.Amount {
		return fault.Invalid("flows.coupon", r.Coupon, r.Amount)
	}
	event := "E1"
	if r.Coupon > 0 {
		event = "E11b"
	}
	return f.Post(ctx, event, r.Reference, subaccounts.Debit(owed(r.Channel, r.Clearing), r.Amount-r.Coupon),
		subaccounts.Debit(marketing, r.Coupon), subaccounts.Credit(unsplit, r.Amount))
}

// received returns what an order brought into 2102: its payment, with or
// without a coupon, or what two people adopted for it (补单).
func (j Journal) received(ctx context.Context, order string) (money.Amount, error) {
	var total money.Amount
	for _, event := range []string{"E1", "E11b", "E14b"} {
		v, found, err := j.standing(ctx, event, original(order))
		if err != nil {
			return 0, err
		}
		if found {
			total -= sumOf(v, unsplit)
		}
	}
	if total <= 0 {
		return 0, fault.Invalid("flows.order_unknown", order)
	}
	return total, nil
}

// sumOf adds up a voucher's entries on one key, debit positive.
func sumOf(v subaccounts.Voucher, k subaccounts.Key) money.Amount {
	var sum money.Amount
	for _, e := range v.Entries {
		if e.Key == k {
			sum += e.Amount
		}
	}
	return sum
}

// leftUnsplit returns what of an order still stands in 2102 after its earlier
// refunds. 2102 is one pool: without this, one order could take the money of others.
func (j Journal) leftUnsplit(ctx context.Context, order string, refunds []string) (money.Amount, error) {
	left, err := j.received(ctx, order)
	if err != nil {
		return 0, err
	}
	if _, found, err := j.standing(ctx, "E2", original(order)); err != nil || found {
		if err == nil {
			err = fault.Invalid("flows.split_already", order)
		}
		return 0, err
	}
	for _, event := range []string{"E20b", "E14h"} {
		for _, ref := range append([]string{original(order)}, refunds...) {
			v, found, err := j.standing(ctx, event, ref)
			if err != nil {
				return 0, err
			}
			if found {
				left -= sumOf(v, unsplit)
			}
		}
	}
	requests, err := j.requests(ctx, original(order))
	for _, v := range requests {
		left -= sumOf(v, unsplit)
	}
	return left, err
}

// Order is an order that is to be split. FeePPM is the channel's fee by its
// contract. Refunds are the references of its refunds so far.
type Order struct {
	Reference string // of its payment; its split has the same, or a version of it
	Channel   string
	Clearing  bizdate.Date
	Member    string
	Partner   string // empty: nobody to share with, the remainder party takes the part
	Region    string // likewise
	FeePPM    int64
	Refunds   []string
}

// Split divides what is left of an order among those who share in it (E2, 清分).
// Where head office bears the channel's fee its leg stands beside its commission.
func (f Collections) Split(ctx context.Context, o Order, rule split.Rule) error {
	v, found, err := f.Book.VoucherByReference(ctx, f.Tx, "E2", o.Reference)
	if err != nil {
		return err
	}
	if found {
		legs, err := Shares(o, rule, sumOf(v, unsplit))
		if err != nil {
			return err
		}
		return sameLegs(v, legs)
	}
	if requests, err := f.requests(ctx, o.Reference); err != nil || len(requests) > 0 {
		return cmp.Or(err, error(fault.Invalid("flows.split_already", o.Reference)))
	}
	left, err := f.leftUnsplit(ctx, o.Reference, o.Refunds)
	if err != nil {
		return err
	}
	legs, err := Shares(o, rule, left)
	if err != nil {
		return err
	}
	return f.Post(ctx, "E2", o.Reference, append(legs, subaccounts.Debit(unsplit, left))...)
}

// Shares returns the legs of those who share in an amount of an order: members
// get it under the channel's clearing date, not yet withdrawable.
func Shares(o Order, rule split.Rule, amount money.Amount) ([]subaccounts.Leg, error) {
	scheme, err := rule.Scheme()
	if err != nil {
		return nil, err
	}
	fee, err := split.Fee(amount, o.FeePPM)
	if err != nil {
		return nil, err
	}
	return SharesBy(o, scheme, amount, fee)
}

// SharesBy is [Shares] for a rule that is made ready and a fee that is known.
func SharesBy(o Order, scheme *split.Scheme, amount, fee money.Amount) ([]subaccounts.Leg, error) {
	chain := split.Chain{Member: o.Member, Region: o.Region, Partner: o.Partner}
	s, err := scheme.Split(nil, chain, amount, fee)
	if err != nil {
		return nil, err
	}
	legs := []subaccounts.Leg{subaccounts.Debit(commission(o.Channel, o.Clearing), s.HeadOfficeFee())}
	for i, part := range s.Parts[:len(s.Parts)-1] {
		legs = append(legs, subaccounts.Credit(subaccounts.Pending(scheme.Owner(i, chain), o.Channel, o.Clearing), part))
	}
	return withoutZero(append(legs, subaccounts.Credit(commission(o.Channel, o.Clearing), s.HeadOffice()),
		subaccounts.Credit(channelFee(o.Channel, o.Clearing), s.Fee))), nil
}

// Arrival is the money of one clearing date in the bank (渠道到账). Fee is what
// the channel kept of it by its bill; nothing where it pays in full and asks later.
type Arrival struct {
	BankRef  string
	Channel  string
	Clearing bizdate.Date
	Amount   money.Amount
	Fee      money.Amount
}

// Arrive books a channel's money: net E3, in full E3g. Amount and fee must be
// exactly what the channel owes for that date, else flows.open.
func (f Collections) Arrive(ctx context.Context, a Arrival) error {
	event := "E3"
	if a.Fee == 0 {
		event = "E3g"
	}
	return f.arrive(ctx, event, a)
}

func (j Journal) arrive(ctx context.Context, event string, a Arrival) error {
	if err := positive(a.Amount); err != nil {
		return err
	}
	gross, err := a.Amount.Add(a.Fee)
	if err != nil {
		return fault.Invalid("ledger.overflow").Because(err)
	}
	return j.close(ctx, event, a.BankRef, owed(a.Channel, a.Clearing), gross,
		subaccounts.Debit(bank, a.Amount), subaccounts.Debit(channelFee(a.Channel, a.Clearing), a.Fee))
}

// LaterFee books a fee that a channel which paid in full takes by itself (E3h).
func (f Collections) LaterFee(ctx context.Context, bankRef, channel string, clearing bizdate.Date, amount money.Amount) error {
	return f.move(ctx, "E3h", bankRef, channelFee(channel, clearing), bank, amount)
}

// Release makes what members earned of one clearing date withdrawable (E4,
// 结算释放). The money must have arrived: else flows.in_transit. held are members
// whose part waits (暂缓). Where nothing is to be released it posts nothing.
func (f Collections) Release(ctx context.Context, reference, channel string, clearing bizdate.Date, held ...string) error {
	return f.release(ctx, "E4", reference, channel, clearing, held)
}

func (j Journal) release(ctx context.Context, event, reference, channel string, clearing bizdate.Date, held []string) error {
	if _, found, err := j.Book.VoucherByReference(ctx, j.Tx, event, reference); err != nil || found {
		return err
	}
	if err := j.arrived(ctx, channel, clearing); err != nil {
		return err
	}
	items, err := j.Book.Items(ctx, j.Tx, subaccounts.Filter{Code: "2002", Item: subaccounts.Pending("", channel, clearing).Item})
	if err != nil {
		return err
	}
	waits := map[string]bool{}
	for _, m := range held {
		waits[m] = true
	}
	var legs []subaccounts.Leg
	for _, it := range items {
		if !waits[it.Owner] {
			legs = append(legs, subaccounts.Debit(it.Key, -it.Balance), subaccounts.Credit(withdrawable(it.Owner), -it.Balance))
		}
	}
	if len(legs) == 0 {
		return nil
	}
	return j.Post(ctx, event, reference, legs...)
}
