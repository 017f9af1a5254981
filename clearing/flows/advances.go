package flows

import (
	"context"
	"strconv"

	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Advances is what head office pays for members out of its risk reserve (垫资)
// and what it takes back (追偿). No advance is recovered beyond its amount.
type Advances struct{ Journal }

// Early is money that a member gets before its channel pays (T0 垫资结算).
type Early struct {
	Reference string
	Member    string
	Amount    money.Amount
}

// SettleEarly books it, as two people decided (E26).
func (f Advances) SettleEarly(ctx context.Context, e Early, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E26", e); err != nil {
		return err
	}
	return f.move(ctx, "E26", e.Reference, reserve, withdrawable(e.Member), e.Amount)
}

// Recovery takes back a part of an advance. Advance is the reference of the
// refund or early settlement; Part counts its recoveries from 1.
type Recovery struct {
	Advance string
	Part    int
	Member  string
	Amount  money.Amount
}

// Reference is that of its voucher.
func (r Recovery) Reference() string { return r.Advance + "/" + strconv.Itoa(r.Part) }

// Recover takes it from the member's withdrawable money, as two people decided (E7e).
func (f Advances) Recover(ctx context.Context, r Recovery, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E7e", r); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Debit(withdrawable(r.Member), r.Amount), subaccounts.Credit(reserve, r.Amount)}
	return f.Once(ctx, "E7e", r.Reference(), fixed, func() ([]subaccounts.Leg, error) { return nil, f.owes(ctx, r) })
}

// RecoverPending takes it from what the member has earned and not yet been
// released, oldest first, as two people decided (E26b).
func (f Advances) RecoverPending(ctx context.Context, r Recovery, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E26b", r); err != nil {
		return err
	}
	fixed := []subaccounts.Leg{subaccounts.Credit(reserve, r.Amount)}
	return f.Once(ctx, "E26b", r.Reference(), fixed, func() ([]subaccounts.Leg, error) {
		if err := f.owes(ctx, r); err != nil {
			return nil, err
		}
		return f.take(ctx, "", r.Amount, subaccounts.Filter{Code: "2002", Owner: r.Member}, nil, nil)
	})
}

// recoveriesMax bounds the parts in which one advance comes back: one a working
// day for four years.
const recoveriesMax = 1000

// owes refuses a recovery that is not the next part, or above what is left of
// the advance.
func (f Advances) owes(ctx context.Context, r Recovery) error {
	if err := positive(r.Amount); err != nil {
		return err
	}
	v, err := f.oneOf(ctx, r.Advance, "E7c", "E7a", "E22", "E26")
	if err != nil {
		return err
	}
	if v.Event == "E26" && sumOf(v, withdrawable(r.Member)) == 0 {
		return fault.Invalid("flows.debtor", r.Member, r.Advance)
	}
	left := sumOf(v, reserve)
	for part := 1; part <= min(r.Part, recoveriesMax); part++ {
		back, found, err := f.part(ctx, Recovery{Advance: r.Advance, Part: part}.Reference())
		switch {
		case err != nil:
			return err
		case part == r.Part && found, r.Part >= recoveriesMax:
			return fault.Invalid("flows.part", r.Part, r.Advance)
		case part < r.Part && !found:
			return fault.Invalid("flows.order_unknown", Recovery{Advance: r.Advance, Part: part}.Reference())
		}
		left -= back
	}
	if r.Part < 1 {
		return fault.Invalid("flows.part", r.Part, r.Advance)
	}
	if r.Amount > left {
		return fault.Invalid("flows.owes", r.Amount, left)
	}
	return nil
}

// part returns what a part brought back: nothing where it was reversed, and not
// found where there never was one. A reversed part keeps its number.
func (f Advances) part(ctx context.Context, reference string) (back money.Amount, found bool, err error) {
	for _, event := range []string{"E7e", "E26b"} {
		_, there, err := f.Book.VoucherByReference(ctx, f.Tx, event, reference)
		if err != nil {
			return 0, false, err
		}
		if !there {
			continue
		}
		v, stands, err := f.standing(ctx, event, reference)
		if err != nil || !stands {
			return 0, true, err
		}
		return -sumOf(v, reserve), true, nil
	}
	return 0, false, nil
}

// unrecovered refuses what must not be done to an advance of which a part came back.
func (f Advances) unrecovered(ctx context.Context, advance string) error {
	for part := 1; part < recoveriesMax; part++ {
		back, found, err := f.part(ctx, Recovery{Advance: advance, Part: part}.Reference())
		if err != nil || !found {
			return err
		}
		if back != 0 {
			return fault.Invalid("flows.recovered", advance)
		}
	}
	return nil
}
