package flows

import (
	"context"

	"custody/clearing/identity"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// Members is what members do with money of their own: top up, transfer, leave a
// deposit (保证金).
type Members struct{ Journal }

// TopUp books a member's own transfer (E9a). The payer must be the member by its
// name or by that of its verified account; another name is identity.name and
// belongs in suspense. An unknown member is ledger.member_unknown.
func (f Members) TopUp(ctx context.Context, bankRef, member, payer string, amount money.Amount) error {
	m, found, err := f.Book.GetMember(ctx, f.Tx, member)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("ledger.member_unknown", member)
	}
	if err := identity.SameName(m.Name, payer); err != nil {
		bound, _, err2 := f.Book.CurrentBinding(ctx, f.Tx, member)
		if err2 != nil {
			return err2
		}
		if bound.Status != subaccounts.BindingVerified || identity.SameName(bound.AccountName, payer) != nil {
			return err
		}
	}
	return f.move(ctx, "E9a", bankRef, bank, withdrawable(member), amount)
}

// TopUpFor books a transfer of a payer of another name, of whom two people have
// decided that its money is the member's (E9a, 付款人关联).
func (f Members) TopUpFor(ctx context.Context, bankRef, member string, amount money.Amount) error {
	return f.move(ctx, "E9a", bankRef, bank, withdrawable(member), amount)
}

// Transfer is money from one member to another; Fee is inside Amount (内扣).
type Transfer struct {
	Reference string
	From, To  string
	Amount    money.Amount
	Fee       money.Amount
}

// Transfer books it (E13). A fee that is all of the amount, or more, is
// flows.fee; a member's transfer to itself is flows.same_member.
func (f Members) Transfer(ctx context.Context, t Transfer) error {
	if err := positive(t.Amount); err != nil {
		return err
	}
	if t.Fee < 0 || t.Fee >= t.Amount {
		return fault.Invalid("flows.fee", t.Fee, t.Amount)
	}
	if t.From == t.To {
		return fault.Invalid("flows.same_member", t.From)
	}
	return f.Post(ctx, "E13", t.Reference, subaccounts.Debit(withdrawable(t.From), t.Amount),
		subaccounts.Credit(withdrawable(t.To), t.Amount-t.Fee), subaccounts.Credit(otherFees, t.Fee))
}

// TakeDeposit sets a member's withdrawable money aside as a deposit (E23).
func (f Members) TakeDeposit(ctx context.Context, reference, member string, amount money.Amount) error {
	return f.move(ctx, "E23", reference, withdrawable(member), deposit(member), amount)
}

// Penalty is a part of a member's deposit that goes to head office (扣罚).
type Penalty struct {
	Reference string
	Member    string
	Amount    money.Amount
	Reason    string
}

// Penalize books it, as two people decided (E23b).
func (f Members) Penalize(ctx context.Context, p Penalty, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E23b", p); err != nil {
		return err
	}
	return f.move(ctx, "E23b", p.Reference, deposit(p.Member), otherFees, p.Amount)
}

// ReturnDeposit gives a deposit back (E23c).
func (f Members) ReturnDeposit(ctx context.Context, reference, member string, amount money.Amount) error {
	return f.move(ctx, "E23c", reference, deposit(member), withdrawable(member), amount)
}
