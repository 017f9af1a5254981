package flows

import (
	"context"

	"custody/internal/money"
	"custody/subaccounts"
)

// Suspense is money of which nobody knows yet whose it is (挂账).
type Suspense struct{ Journal }

// Receive books a credit of an unknown payer under the bank's reference (E9b).
func (f Suspense) Receive(ctx context.Context, bankRef string, amount money.Amount) error {
	return f.move(ctx, "E9b", bankRef, bank, suspended(bankRef), amount)
}

// Claim is a part of money in suspense that turned out to be a member's (认领).
type Claim struct {
	Reference string
	Item      string // under which it stands: the bank's reference
	Member    string
	Amount    money.Amount
}

// Claim gives it to the member, as two people decided (E9c).
func (f Suspense) Claim(ctx context.Context, c Claim, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E9c", c); err != nil {
		return err
	}
	return f.move(ctx, "E9c", c.Reference, suspended(c.Item), withdrawable(c.Member), c.Amount)
}

// SuspensePayout is a payment out of suspense: back to an unknown payer, or to a
// customer whose refund could not go back. Payee names him in 2201, it is no member.
type SuspensePayout struct {
	Serial string
	Item   string
	Payee  string
	Amount money.Amount
	To     Payee
}

// Return sends money back to its payer, as two people decided (E9d, 原路退回).
func (f Suspense) Return(ctx context.Context, p SuspensePayout, approvalID string) error {
	return f.outOfSuspense(ctx, "E9d", p, approvalID)
}

// Returned books that the bank paid it (E9e).
func (f Suspense) Returned(ctx context.Context, p SuspensePayout) error {
	return f.leave(ctx, "E9e", p.Serial, p.Payee, p.Amount)
}

func (j Journal) outOfSuspense(ctx context.Context, event string, p SuspensePayout, approvalID string) error {
	if err := j.Decided(ctx, approvalID, event, p); err != nil {
		return err
	}
	return j.move(ctx, event, p.Serial, suspended(p.Item), inFlight(p.Payee, p.Serial), p.Amount)
}

// leave books that the bank paid all of what was on its way.
func (j Journal) leave(ctx context.Context, event, serial, payee string, amount money.Amount) error {
	return j.close(ctx, event, serial, inFlight(payee, serial), amount, subaccounts.Credit(bank, amount))
}
