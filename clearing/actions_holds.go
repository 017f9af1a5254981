package clearing

import (
	"context"

	"custody/clearing/flows"
	"custody/clearing/payout"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// deduct takes frozen money for an authority (司法扣划) and orders its payment.
// It needs the number of the document that orders it, and where the money goes.
func deduct(ctx context.Context, w *Work, j flows.Journal, d flows.Deduction, id string) error {
	if d.Order == "" {
		return fault.Invalid("action.document").On("--order", "")
	}
	if d.Authority != ownerCourt {
		return fault.Invalid("action.unknown", "E12b").On("authority", d.Authority)
	}
	if err := payable(d.To); err != nil {
		return err
	}
	if err := j.Holds().Deduct(ctx, d, id); err != nil {
		return err
	}
	return w.orderPayment(ctx, j.Tx, PaymentOrder{Kind: payout.Court, Owner: ownerCourt, Reference: d.Serial, Payee: Payee(d.To),
		Amount: d.Amount, Purpose: d.Order, ApprovalID: id})
}

// payable refuses a payee whose bank has no number: the file for the bank could
// not be written, and the day's whole batch would stand still.
func payable(to flows.Payee) error {
	if to.Name != "" && to.Account != "" && (to.CNAPS == "") == (to.SuperBank == "") {
		return fault.Invalid("action.bank").On("--cnaps", to.CNAPS)
	}
	return nil
}

// HoldView is what is frozen of a member under one document.
type HoldView struct {
	Member   string       `json:"member"`
	Document string       `json:"document"`
	Amount   money.Amount `json:"amount_fen"`
}

// Holds returns all frozen money by member and document.
func (e *Engine) Holds(ctx context.Context) ([]HoldView, error) {
	list := []HoldView{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		items, err := e.Book.Items(ctx, tx, subaccounts.Filter{Code: "2003"})
		for _, it := range items {
			if it.Balance != 0 {
				list = append(list, HoldView{it.Owner, it.Item, -it.Balance})
			}
		}
		return err
	})
	return list, err
}
