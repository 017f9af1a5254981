package flows

import (
	"context"

	"custody/internal/money"
)

// Holds is members' money that is frozen (冻结), for a dispute or by a court.
type Holds struct{ Journal }

// Hold is an amount of a member under the number of the document that froze it.
type Hold struct {
	Reference string
	Document  string // the open item in 2003
	Member    string
	Amount    money.Amount
}

// Freeze sets withdrawable money aside (E12).
func (f Holds) Freeze(ctx context.Context, h Hold) error {
	return f.move(ctx, "E12", h.Reference, withdrawable(h.Member), frozen(h.Member, h.Document), h.Amount)
}

// Thaw gives frozen money back to the member (E12d).
func (f Holds) Thaw(ctx context.Context, h Hold) error {
	return f.move(ctx, "E12d", h.Reference, frozen(h.Member, h.Document), withdrawable(h.Member), h.Amount)
}

// Payee is the bank account that a decided payment goes to: it is part of what
// two people approve. Exactly one of CNAPS (联行号) and SuperBank (超级网银号) is
// set where rails are configured, else CNAPS alone.
type Payee struct {
	Name, Account, Bank, CNAPS, SuperBank string
}

// Deduction is a part of frozen money that an authority takes (司法扣划).
// Order is the number of its document.
type Deduction struct {
	Serial    string
	Document  string // under which the money was frozen
	Order     string
	Member    string
	Authority string // who is paid, the owner in 2201
	Amount    money.Amount
	To        Payee
}

// Deduct takes it off the frozen money, as two people decided (E12b).
func (f Holds) Deduct(ctx context.Context, d Deduction, approvalID string) error {
	if err := f.Decided(ctx, approvalID, "E12b", d); err != nil {
		return err
	}
	return f.move(ctx, "E12b", d.Serial, frozen(d.Member, d.Document), inFlight(d.Authority, d.Serial), d.Amount)
}

// Deducted books that the bank paid it (E12c).
func (f Holds) Deducted(ctx context.Context, d Deduction) error {
	return f.leave(ctx, "E12c", d.Serial, d.Authority, d.Amount)
}
