package clearing

import (
	"context"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/clearing/payout"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// claimPart gives a part of an unidentified receipt to a member (认领, E9c).
func claimPart(ctx context.Context, w *Work, j flows.Journal, c flows.Claim, id string) error {
	if err := j.Suspense().Claim(ctx, c, id); err != nil {
		return err
	}
	return w.settled(ctx, j.Tx, suspense(c.Item), exceptions.UnknownPayer)
}

// sendBack returns money to the account that it came from (原路退回, E9d).
func sendBack(ctx context.Context, w *Work, j flows.Journal, p flows.SuspensePayout, id string) error {
	from, err := w.payerOf(ctx, j.Tx, p.Item)
	if err != nil {
		return err
	}
	if from.Account != "" && from.Account != p.To.Account {
		return fault.Invalid("action.payer", Mask(from.Account)).On("--account", Mask(p.To.Account))
	}
	if err := j.Suspense().Return(ctx, p, id); err != nil {
		return err
	}
	return w.payFromSuspense(ctx, j.Tx, payout.ReturnToPayer, ownerPayer, p, id)
}

// refundByHand pays a refund that could not go back to the customer (E22c).
func refundByHand(ctx context.Context, w *Work, j flows.Journal, p flows.SuspensePayout, id string) error {
	if err := j.Refunds().PayByHand(ctx, p, id); err != nil {
		return err
	}
	return w.payFromSuspense(ctx, j.Tx, payout.RefundByHand, ownerConsumer, p, id)
}

func (w *Work) payFromSuspense(ctx context.Context, tx *store.Tx, kind payout.Kind, owner string, p flows.SuspensePayout, id string) error {
	if p.Payee != owner {
		return fault.Invalid("payment.owner", string(kind)).On("owner", p.Payee)
	}
	if err := payable(p.To); err != nil {
		return err
	}
	err := w.orderPayment(ctx, tx, PaymentOrder{Kind: kind, Owner: owner, Reference: p.Serial, Payee: Payee(p.To), Amount: p.Amount, ApprovalID: id})
	return firstErr(err, w.settled(ctx, tx, suspense(p.Item), exceptions.UnknownPayer, exceptions.RefundMiss))
}

// payerOf returns who stands on the bank's line of a receipt.
func (e *Engine) payerOf(ctx context.Context, tx *store.Tx, item string) (flows.Payee, error) {
	var line bankLine
	found, err := tx.Find(ctx, &line, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", e.Book.ID(), item)
	if err == nil && (!found || line.Amount <= 0) {
		err = fault.Invalid("action.receipt", item).On("ITEM", item)
	}
	return flows.Payee{Name: line.Name, Account: line.Account}, err
}

// PayerOf returns the payer of a receipt in suspense, for sending it back.
func (e *Engine) PayerOf(ctx context.Context, item string) (p flows.Payee, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		p, err = e.payerOf(ctx, tx, item)
		return err
	})
	return p, err
}

// FailedRefund is a refund that the channel could not give to the customer
// (E22b, 原卡已销): its money waits in suspense under the refund's number. Listed
// says that a bill has listed the refund, so that the channel owes it again under
// the refund's clearing date, that of the bill which lists its return.
type FailedRefund struct {
	flows.Refund
	Listed bool
}

func failRefund(ctx context.Context, w *Work, j flows.Journal, r FailedRefund, _ string) error {
	if err := w.notOfEscrow(ctx, j.Tx, r); err != nil {
		return err
	}
	if err := j.Refunds().Fail(ctx, r.Refund, r.Listed); err != nil {
		return err
	}
	return w.open(ctx, j.Tx, exceptions.Exception{Kind: exceptions.RefundMiss, Subject: r.RefundNo, Channel: r.Channel, ClearingDate: r.Clearing,
		Member: r.Member, Amount: r.Amount})
}

// notOfEscrow refuses the refund of an escrow order that waits in 2202: it fails
// with its order, or R6 would find the one without the other.
func (w *Work) notOfEscrow(ctx context.Context, tx *store.Tx, r FailedRefund) error {
	if r.Listed {
		return nil
	}
	waiting, err := w.escrowOrders(tx, "").RefundingAsOf(ctx, w.Date)
	for _, o := range waiting {
		if err == nil && o.RefundNo == r.RefundNo && o.Channel == r.Channel {
			err = fault.Invalid("action.escrow", r.RefundNo, o.OrderNo).On("--ref", r.RefundNo)
		}
	}
	return err
}

// SuspenseItem is money of which it is not known whose it is, or that could not go back.
type SuspenseItem struct {
	Item      string          `json:"item"`
	Amount    money.Amount    `json:"amount_fen"`
	Exception string          `json:"exception"`
	Kind      exceptions.Kind `json:"kind"`
	Payer     string          `json:"payer"` // with its account masked
}

// Suspense lists what stands in suspense (挂账), by item.
func (e *Engine) Suspense(ctx context.Context) ([]SuspenseItem, error) {
	list := []SuspenseItem{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		items, err := e.Book.Items(ctx, tx, subaccounts.Filter{Code: "2401"})
		if err != nil {
			return err
		}
		for _, it := range items {
			if it.Balance == 0 {
				continue
			}
			s := SuspenseItem{Item: it.Item, Amount: -it.Balance}
			x, _, err := exceptions.OpenFor(ctx, tx, e.Book.ID(), it.Item, exceptions.UnknownPayer, exceptions.RefundMiss)
			if err != nil {
				return err
			}
			s.Exception, s.Kind, s.Payer = x.ID, x.Kind, x.Theirs
			if from, err := e.payerOf(ctx, tx, it.Item); err == nil {
				s.Payer = strings.TrimSpace(from.Name + " " + Mask(from.Account))
			} else if fault.CodeOf(err) != "action.receipt" {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	return list, err
}
