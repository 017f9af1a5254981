package flows

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Corrections is differences with channels (差错) and what two people do about
// them, adjustments, and reversals in red.
type Corrections struct{ Journal }

// Difference is one difference between our orders and a channel's bill.
type Difference struct {
	Reference string
	Case      string // the open item in 1402 or 2402
	Channel   string
	Clearing  bizdate.Date
	Amount    money.Amount
}

// Surplus books what the channel has and we have not (E14a, 长款).
func (f Corrections) Surplus(ctx context.Context, d Difference) error {
	return f.move(ctx, "E14a", d.Reference, owed(d.Channel, d.Clearing), surplus(d.Case), d.Amount)
}

// Shortage books what we have and the channel has not (E14c, 短款).
func (f Corrections) Shortage(ctx context.Context, d Difference) error {
	return f.move(ctx, "E14c", d.Reference, shortage(d.Case), owed(d.Channel, d.Clearing), d.Amount)
}

// Found books that a later bill brought what was missing (E14d, 日切差); Clearing
// is that bill's date.
func (f Corrections) Found(ctx context.Context, d Difference) error {
	return f.close(ctx, "E14d", d.Reference, shortage(d.Case), d.Amount, subaccounts.Debit(owed(d.Channel, d.Clearing), d.Amount))
}

// Adoption is an order made for a surplus (补单). Reference is the order's.
type Adoption struct {
	Reference string
	Case      string
	Amount    money.Amount
}

// Adopt books it, as two people decided (E14b).
func (f Corrections) Adopt(ctx context.Context, a Adoption, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E14b", a); err != nil {
		return err
	}
	return f.close(ctx, "E14b", a.Reference, surplus(a.Case), a.Amount, subaccounts.Credit(unsplit, a.Amount))
}

// WriteOff is a shortage that head office bears. Delivered says that the goods
// had gone: only then is there anything to bear.
type WriteOff struct {
	Reference string
	Case      string
	Amount    money.Amount
	Delivered bool
}

// WriteOff books it out of the risk reserve, as two people decided (E14f). Goods
// that were not delivered are flows.not_delivered: void the order instead.
func (f Corrections) WriteOff(ctx context.Context, w WriteOff, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E14f", w); err != nil {
		return err
	}
	if !w.Delivered {
		return fault.Invalid("flows.not_delivered", w.Case)
	}
	return f.close(ctx, "E14f", w.Reference, shortage(w.Case), w.Amount, subaccounts.Debit(reserve, w.Amount))
}

// Void is an order that turned out not to be paid. Order is the reference of its
// payment, Refunds those of its refunds.
type Void struct {
	Order   string
	Case    string
	Amount  money.Amount
	Refunds []string
}

// Void takes the order out of 2102 before it is split, as two people decided
// (E14h, 订单作废): more than is left of it is flows.refund.
func (f Corrections) Void(ctx context.Context, v Void, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E14h", v); err != nil {
		return err
	}
	if err := positive(v.Amount); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Debit(unsplit, v.Amount), subaccounts.Credit(shortage(v.Case), v.Amount)}
	return f.Once(ctx, "E14h", v.Order, fixed, func() ([]subaccounts.Leg, error) {
		left, err := f.leftUnsplit(ctx, v.Order, v.Refunds)
		if err == nil && v.Amount > left {
			err = fault.Invalid("flows.refund", v.Amount, left)
		}
		if err != nil {
			return nil, err
		}
		return nil, f.exactly(ctx, shortage(v.Case), v.Amount)
	})
}

// FeeDifference is what a channel took above its contract's fee (手续费差).
type FeeDifference struct {
	Reference string
	Channel   string
	Clearing  bizdate.Date
	Amount    money.Amount
}

// BearFee lets head office bear it, as two people decided (E14g).
func (f Corrections) BearFee(ctx context.Context, d FeeDifference, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E14g", d); err != nil {
		return err
	}
	return f.move(ctx, "E14g", d.Reference, commission(d.Channel, d.Clearing), channelFee(d.Channel, d.Clearing), d.Amount)
}

// Adjustment moves withdrawable money between members (调账). Original is the
// accounting date of what it corrects (原会计日), or zero: the voucher itself is
// dated the day that collects, because a closed day takes no entry.
type Adjustment struct {
	Reference string
	From, To  string
	Amount    money.Amount
	Reason    string
	Original  bizdate.Date
}

// Adjust books it, as two people decided (E17x).
func (f Corrections) Adjust(ctx context.Context, a Adjustment, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E17x", a); err != nil {
		return err
	}
	return f.move(ctx, "E17x", a.Reference, withdrawable(a.From), withdrawable(a.To), a.Amount)
}

// Reversal quotes the voucher that is to be taken back whole.
type Reversal struct {
	Event, Reference string
	Reason           string
}

// Reverse takes a voucher back in red, as two people decided (E17, 红字冲正):
// every leg with the opposite sign, quoting the original. Nothing is changed or
// deleted; what was right goes under the reference with #2. An advance of which
// a part was recovered is flows.recovered.
func (f Corrections) Reverse(ctx context.Context, r Reversal, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E17", r); err != nil {
		return err
	}
	v, found, err := f.Book.VoucherByReference(ctx, f.Tx, r.Event, r.Reference)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("flows.order_unknown", r.Reference)
	}
	if r.Event == "E26" {
		if err := f.Advances().unrecovered(ctx, r.Reference); err != nil {
			return err
		}
	}
	_, err = f.Book.Reverse(ctx, f.Tx, f.Actor, f.At, v.ID, f.Date, f.Source)
	return err
}
