package escrow

import (
	"context"

	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Confirm gives the money to the merchant and those who share in it, because the
// buyer says so (E6c; E21b where it was paid from a balance).
func (s Orders) Confirm(ctx context.Context, orderNo string, t Terms) error {
	return s.step(ctx, orderNo, states.EscrowConfirm, func(o *Order) error { return s.give(ctx, o, t) })
}

// AutoConfirm does the same because the timer ran out: before its date it is
// escrow.timer_runs.
func (s Orders) AutoConfirm(ctx context.Context, orderNo string, t Terms) error {
	return s.step(ctx, orderNo, states.EscrowTimer, func(o *Order) error {
		if s.Date < o.AutoDate {
			return fault.Wait("escrow.timer_runs", orderNo, o.AutoDate)
		}
		return s.give(ctx, o, t)
	})
}

func (s Orders) give(ctx context.Context, o *Order, t Terms) error {
	o.AutoDate = 0
	legs, err := s.shares(o, t, o.Amount)
	if err != nil {
		return err
	}
	event := "E6c"
	if o.fromBalance() {
		event = "E21b"
	}
	return s.Post(ctx, event, o.OrderNo, append(legs, subaccounts.Debit(o.held(), o.Amount))...)
}

// shares divides what the merchant's side gets. Money from a balance is in the
// bank already: it is withdrawable at once, and no channel takes a fee of it.
func (s Orders) shares(o *Order, t Terms, amount money.Amount) ([]subaccounts.Leg, error) {
	scheme, err := t.ready()
	if err != nil {
		return nil, err
	}
	if !o.fromBalance() {
		fee, err := t.fee(amount)
		if err != nil {
			return nil, err
		}
		return flows.SharesBy(flows.Order{Channel: o.Channel, Clearing: o.Clearing, Member: o.Member, Region: t.Region, Partner: t.Partner}, scheme, amount, fee)
	}
	chain := split.Chain{Member: o.Member, Region: t.Region, Partner: t.Partner}
	parts, err := scheme.Split(nil, chain, amount, 0)
	if err != nil {
		return nil, err
	}
	var legs []subaccounts.Leg
	for i, part := range parts.Parts[:len(parts.Parts)-1] {
		legs = append(legs, subaccounts.Credit(withdrawable(scheme.Owner(i, chain)), part))
	}
	return append(legs, subaccounts.Credit(subaccounts.Key{Code: "2302", Item: "FEE"}, parts.HeadOffice())), nil
}

// AskRefund gives the whole order back because the buyer asks before it is
// shipped (E6d). Through a channel it is on its way until a bill lists it; to a
// balance it is there at once.
func (s Orders) AskRefund(ctx context.Context, orderNo, refundNo string) error {
	if err := s.step(ctx, orderNo, states.EscrowAskRefund, func(o *Order) error { return s.giveBack(ctx, o, refundNo) }); err != nil {
		return err
	}
	return s.arrivedAtBalance(ctx, orderNo, states.EscrowBalanceBack)
}

func (s Orders) giveBack(ctx context.Context, o *Order, refundNo string) error {
	o.RefundNo, o.Refund = refundNo, o.Amount
	return s.Post(ctx, "E6d", o.OrderNo, subaccounts.Debit(o.held(), o.Amount), subaccounts.Credit(o.backTo(), o.Amount))
}

// backTo is where a refund goes: on its way through the channel, or to the payer.
func (o *Order) backTo() subaccounts.Key {
	if o.fromBalance() {
		return withdrawable(o.Payer)
	}
	return subaccounts.Key{Code: "2202", Owner: o.Channel, Item: o.RefundNo}
}

// arrivedAtBalance ends the refund of an order that was paid from a balance.
func (s Orders) arrivedAtBalance(ctx context.Context, orderNo string, event states.EscrowEvent) error {
	o, _, err := s.Find(ctx, orderNo)
	if err != nil || !o.fromBalance() {
		return err
	}
	return s.step(ctx, orderNo, event, nil)
}

// Verdict is how two people end a dispute. Refund is what the buyer gets back:
// nothing, a part, or all.
type Verdict struct {
	OrderNo  string
	Refund   money.Amount
	RefundNo string // empty where nothing goes back
	Reason   string
}

// Decide carries a verdict out: all to the merchant (E6c), all to the buyer
// (E6d), or a part to each in one voucher (E6e). The approval is of kind
// escrow-verdict. A refund above the order is flows.refund.
func (s Orders) Decide(ctx context.Context, v Verdict, t Terms, approvalID string) error {
	if err := s.Decided(ctx, approvalID, "escrow-verdict", v); err != nil {
		return err
	}
	o, found, err := s.Find(ctx, v.OrderNo)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.Invalid("escrow.unknown", v.OrderNo)
	case v.Refund < 0 || v.Refund > o.Amount:
		return fault.Invalid("flows.refund", v.Refund, o.Amount)
	case v.Refund == 0:
		return s.step(ctx, v.OrderNo, states.EscrowRuleMerchant, func(o *Order) error { return s.give(ctx, o, t) })
	case v.Refund == o.Amount:
		if err := s.step(ctx, v.OrderNo, states.EscrowRuleBuyer, func(o *Order) error { return s.giveBack(ctx, o, v.RefundNo) }); err != nil {
			return err
		}
		return s.arrivedAtBalance(ctx, v.OrderNo, states.EscrowBalanceBack)
	}
	if err := s.step(ctx, v.OrderNo, states.EscrowRulePart, func(o *Order) error { return s.divide(ctx, o, v, t) }); err != nil {
		return err
	}
	return s.arrivedAtBalance(ctx, v.OrderNo, states.EscrowBalancePart)
}

// divide posts a part back to the buyer and the rest to the merchant's side (E6e).
func (s Orders) divide(ctx context.Context, o *Order, v Verdict, t Terms) error {
	o.RefundNo, o.Refund = v.RefundNo, v.Refund
	legs, err := s.shares(o, t, o.Amount-v.Refund)
	if err != nil {
		return err
	}
	legs = append(legs, subaccounts.Debit(o.held(), o.Amount), subaccounts.Credit(o.backTo(), v.Refund))
	return s.Post(ctx, "E6e", o.OrderNo, legs...)
}

// List books that the channel's bill of the date lists the refund (E6d2 for the
// whole, E6f for a part).
func (s Orders) List(ctx context.Context, orderNo string, clearing bizdate.Date) error {
	return s.step(ctx, orderNo, states.EscrowListed, func(o *Order) error {
		event := "E6d2"
		if o.Refund < o.Amount {
			event = "E6f"
		}
		return s.Refunds().ListAs(ctx, event, o.refund(clearing))
	})
}

// FailRefund books that the refund cannot go back to where it came from (E22b):
// the money waits in suspense under the refund's number.
func (s Orders) FailRefund(ctx context.Context, orderNo string) error {
	return s.step(ctx, orderNo, states.EscrowCannotGoBack, func(o *Order) error {
		return s.Refunds().Fail(ctx, o.refund(o.Clearing), false)
	})
}
