package flows

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Recharges is prepaid telecom cards that pay into a member's account (充值卡).
type Recharges struct{ Journal }

// Recharge is a card whose value the operator has debited. The member gets
// MemberPPM of the face value and the operator keeps OperatorPPM, each rounded
// down; head office has the rest.
type Recharge struct {
	Reference   string
	Channel     string
	Clearing    bizdate.Date // of the operator's settlement
	Member      string
	Face        money.Amount
	MemberPPM   int64
	OperatorPPM int64
}

// Credit books it (E10a): the member can spend it inside at once, and have it
// paid out only after the operator settled. Rates above the whole are flows.rates.
func (f Recharges) Credit(ctx context.Context, r Recharge) error {
	if err := positive(r.Face); err != nil {
		return err
	}
	if min(r.MemberPPM, r.OperatorPPM) < 0 || max(r.MemberPPM, r.OperatorPPM) > money.PPM || r.MemberPPM+r.OperatorPPM > money.PPM {
		return fault.Invalid("flows.rates", r.MemberPPM, r.OperatorPPM)
	}
	member, err := r.Face.MulRate(r.MemberPPM, money.Floor)
	if err != nil {
		return fault.Invalid("ledger.overflow").Because(err)
	}
	operator, err := r.Face.MulRate(r.OperatorPPM, money.Floor)
	if err != nil {
		return fault.Invalid("ledger.overflow").Because(err)
	}
	return f.Post(ctx, "E10a", r.Reference, subaccounts.Debit(owed(r.Channel, r.Clearing), r.Face),
		subaccounts.Credit(subaccounts.Pending(r.Member, r.Channel, r.Clearing), member),
		subaccounts.Credit(channelFee(r.Channel, r.Clearing), operator),
		subaccounts.Credit(commission(r.Channel, r.Clearing), r.Face-member-operator))
}

// Settle books the operator's settlement of one date (E10b): amount and what it
// kept must be exactly what it owes, else flows.open.
func (f Recharges) Settle(ctx context.Context, a Arrival) error { return f.arrive(ctx, "E10b", a) }

// Release makes settled recharges of one date withdrawable (E10c).
func (f Recharges) Release(ctx context.Context, reference, channel string, clearing bizdate.Date) error {
	return f.release(ctx, "E10c", reference, channel, clearing, nil)
}
