package flows

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// OwnFunds is head office's own money (自有资金): in from its corporate account,
// onto its functions, its fees collected and paid out, the bank's charges and interest.
type OwnFunds struct{ Journal }

// Receive books money that came from head office's corporate account (E0).
func (f OwnFunds) Receive(ctx context.Context, bankRef string, amount money.Amount) error {
	return f.move(ctx, "E0", bankRef, bank, ownFunds, amount)
}

// Allocation is how own funds go onto their functions, in fen.
type Allocation struct {
	Reference                        string
	Reserve, Marketing, Verification money.Amount
}

// Allocate moves own funds to risk reserve, marketing and account verification (E0b).
func (f OwnFunds) Allocate(ctx context.Context, a Allocation) error {
	if err := notNegative(a.Reserve, a.Marketing, a.Verification); err != nil {
		return err
	}
	total, err := money.Sum(a.Reserve, a.Marketing, a.Verification)
	if err != nil {
		return fault.Invalid("ledger.overflow").Because(err)
	}
	return f.Post(ctx, "E0b", a.Reference, subaccounts.Debit(ownFunds, total),
		subaccounts.Credit(reserve, a.Reserve), subaccounts.Credit(marketing, a.Marketing), subaccounts.Credit(verification, a.Verification))
}

// Sweep collects head office's fees of one clearing date, or of no date where
// the channel is empty, into its own funds (E8a, 收入归集). Fees of a date whose
// money has not arrived stay: flows.in_transit.
func (f OwnFunds) Sweep(ctx context.Context, reference, channel string, clearing bizdate.Date, amount money.Amount) error {
	if err := positive(amount); err != nil {
		return err
	}
	from := otherFees
	if channel != "" {
		from = commission(channel, clearing)
	}
	legs := []subaccounts.Leg{subaccounts.Debit(from, amount), subaccounts.Credit(ownFunds, amount)}
	return f.Once(ctx, "E8a", reference, legs, func() ([]subaccounts.Leg, error) {
		if channel == "" {
			return nil, nil
		}
		return nil, f.arrived(ctx, channel, clearing)
	})
}

// HeadOfficePayout is head office's own withdrawal to its corporate account
// (总部提现): the one payout that may go there. BankFee is on top of Amount.
type HeadOfficePayout struct {
	Serial  string
	Amount  money.Amount
	BankFee money.Amount
}

func (p HeadOfficePayout) whole() (money.Amount, error) {
	if err := positive(p.Amount); err != nil {
		return 0, err
	}
	if err := notNegative(p.BankFee); err != nil {
		return 0, err
	}
	total, err := p.Amount.Add(p.BankFee)
	if err != nil {
		return 0, fault.Invalid("ledger.overflow").Because(err)
	}
	return total, nil
}

// Withdraw sets own funds aside for a payout that two people approved (E8b).
// Only 2301 can be withdrawn: nothing of a member's can take this way.
func (f OwnFunds) Withdraw(ctx context.Context, p HeadOfficePayout, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E8b", p); err != nil {
		return err
	}
	total, err := p.whole()
	if err != nil {
		return err
	}
	return f.move(ctx, "E8b", p.Serial, ownFunds, inFlight(headOffice, p.Serial), total)
}

// Paid books that the bank paid head office's withdrawal (E8c).
func (f OwnFunds) Paid(ctx context.Context, p HeadOfficePayout) error {
	total, err := p.whole()
	if err != nil {
		return err
	}
	return f.close(ctx, "E8c", p.Serial, inFlight(headOffice, p.Serial), total,
		subaccounts.Credit(bank, p.Amount), subaccounts.Credit(bankFees, p.BankFee))
}

// BankFee books that the bank took a fee that was set aside for it (E8d).
func (f OwnFunds) BankFee(ctx context.Context, bankRef string, amount money.Amount) error {
	return f.move(ctx, "E8d", bankRef, bankFees, bank, amount)
}

// BankCharge books a charge that the bank took by itself (E8e, 账户管理费、汇划费).
// Own funds bear it; what they lack is a shortage until head office tops up.
func (f OwnFunds) BankCharge(ctx context.Context, bankRef string, amount money.Amount) error {
	if err := positive(amount); err != nil {
		return err
	}
	return f.Once(ctx, "E8e", bankRef, []subaccounts.Leg{subaccounts.Credit(bank, amount)}, func() ([]subaccounts.Leg, error) {
		had, err := f.open(ctx, ownFunds)
		own := min(amount, had)
		return []subaccounts.Leg{subaccounts.Debit(ownFunds, own), subaccounts.Debit(shortage(bankRef), amount-own)}, err
	})
}

// TopUp clears a shortage that a bank charge left, from own funds that came in
// since (E8f).
func (f OwnFunds) TopUp(ctx context.Context, reference, chargeRef string, amount money.Amount) error {
	return f.move(ctx, "E8f", reference, ownFunds, shortage(chargeRef), amount)
}

// MicroPaymentMax is the most that a micro-payment (小额打款) may be: 0.50 yuan.
const MicroPaymentMax money.Amount = 50

// MicroPayment books a payment that verifies a bound account (E15).
func (f OwnFunds) MicroPayment(ctx context.Context, bankRef string, amount money.Amount) error {
	if amount > MicroPaymentMax {
		return fault.Invalid("flows.micro_payment", amount, MicroPaymentMax)
	}
	return f.move(ctx, "E15", bankRef, verification, bank, amount)
}

// Interest books the bank's interest, which is head office's (E16, 结息).
func (f OwnFunds) Interest(ctx context.Context, bankRef string, amount money.Amount) error {
	return f.move(ctx, "E16", bankRef, bank, interest, amount)
}

// arrived refuses what may only be done with money that is in the bank (在途对平).
func (j Journal) arrived(ctx context.Context, channel string, clearing bizdate.Date) error {
	due, err := j.open(ctx, owed(channel, clearing))
	if err == nil && due != 0 {
		err = fault.Wait("flows.in_transit", channel, clearing, due)
	}
	return err
}
