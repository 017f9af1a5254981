package flows

import (
	"context"

	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Withdrawals is members' money on its way out (提现). Its states are those of
// clearing/payout; the flow holds that each step takes exactly what is on its way.
type Withdrawals struct{ Journal }

// Withdrawal is one payout to a member: Amount for the bank, Fee ours on top (外扣).
type Withdrawal struct {
	Serial string
	Member string
	Amount money.Amount
	Fee    money.Amount
}

func (w Withdrawal) whole() (money.Amount, error) {
	if err := positive(w.Amount); err != nil {
		return 0, err
	}
	if err := notNegative(w.Fee); err != nil {
		return 0, err
	}
	total, err := w.Amount.Add(w.Fee)
	if err != nil {
		return 0, fault.Invalid("ledger.overflow").Because(err)
	}
	return total, nil
}

// Apply takes the money off the withdrawable balance at once (E5a).
func (f Withdrawals) Apply(ctx context.Context, w Withdrawal) error {
	total, err := w.whole()
	if err != nil {
		return err
	}
	return f.move(ctx, "E5a", w.Serial, withdrawable(w.Member), inFlight(w.Member, w.Serial), total)
}

// Succeed books that the bank paid (E5b): the fee is head office's now.
func (f Withdrawals) Succeed(ctx context.Context, w Withdrawal) error {
	return f.end(ctx, "E5b", w, subaccounts.Credit(bank, w.Amount), subaccounts.Credit(otherFees, w.Fee))
}

// Refuse gives back what provably never left (E5c).
func (f Withdrawals) Refuse(ctx context.Context, w Withdrawal) error {
	total, err := w.whole()
	if err != nil {
		return err
	}
	return f.end(ctx, "E5c", w, subaccounts.Credit(withdrawable(w.Member), total))
}

func (f Withdrawals) end(ctx context.Context, event string, w Withdrawal, credits ...subaccounts.Leg) error {
	total, err := w.whole()
	if err != nil {
		return err
	}
	return f.close(ctx, event, w.Serial, inFlight(w.Member, w.Serial), total, credits...)
}

// Return books a paid withdrawal that came back (E5d, 退票): it stays a success,
// the return is new money. Without the payment it is flows.not_paid.
func (f Withdrawals) Return(ctx context.Context, w Withdrawal) error {
	if _, err := w.whole(); err != nil {
		return err
	}
	legs := []subaccounts.Leg{subaccounts.Debit(bank, w.Amount), subaccounts.Credit(cameBack(w.Member, w.Serial), w.Amount)}
	return f.Once(ctx, "E5d", w.Serial, legs, func() ([]subaccounts.Leg, error) {
		v, found, err := f.Book.VoucherByReference(ctx, f.Tx, "E5b", w.Serial)
		if err == nil && (!found || sumOf(v, bank) != -w.Amount) {
			err = fault.Invalid("flows.not_paid", w.Serial)
		}
		return nil, err
	})
}

// CreditReturn gives a returned withdrawal back to the member (E5e); feeBack is
// the part of the fee that goes back by the rule, at most the fee.
func (f Withdrawals) CreditReturn(ctx context.Context, w Withdrawal, feeBack money.Amount) error {
	if feeBack < 0 || feeBack > w.Fee {
		return fault.Invalid("flows.fee_back", feeBack, w.Fee)
	}
	if _, err := w.whole(); err != nil {
		return err
	}
	return f.close(ctx, "E5e", w.Serial, cameBack(w.Member, w.Serial), w.Amount,
		subaccounts.Debit(otherFees, feeBack), subaccounts.Credit(withdrawable(w.Member), w.Amount+feeBack))
}
