package clearing

import (
	"context"
	"encoding/json"
	"slices"

	"custody/clearing/approval"
	"custody/clearing/corporate"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// headOfficeKind is the kind of approval of head office's own withdrawal.
const headOfficeKind = "headoffice"

// HeadOfficeWithdrawal is what two people decide about head office's own revenue
// (总部提现): the fees that are swept into own funds first, and what is then paid
// to its corporate account. BankFee is what the bank takes on top. Fen.
type HeadOfficeWithdrawal struct {
	Reference string       `json:"reference"`
	Amount    money.Amount `json:"amount_fen"`
	BankFee   money.Amount `json:"bank_fee_fen"`
	Sweeps    []FeeSweep   `json:"sweeps"`
	Payee     Payee        `json:"payee"`
	Purpose   string       `json:"purpose,omitempty"` // empty: that of custody.yaml
}

// FeeSweep is a part of head office's fees that goes into its own funds (E8a, 收入归集):
// of a clearing date whose money is in the bank, or of no date where Channel is empty.
type FeeSweep struct {
	Channel  string       `json:"channel,omitempty"`
	Clearing bizdate.Date `json:"clearing_date,omitempty"`
	Amount   money.Amount `json:"amount_fen"`
}

func (s FeeSweep) key() subaccounts.Key {
	if s.Channel == "" {
		return payoutFees
	}
	return subaccounts.ChannelDay("2302", s.Channel, s.Clearing)
}

// WithdrawHeadOffice asks a checker for a withdrawal of head office's revenue. Own
// funds are used first; what they lack is swept from fees, the oldest clearing date
// first and only where its money has arrived. Too little is headoffice.short.
func (e *Engine) WithdrawHeadOffice(ctx context.Context, actor, reference string, amount, bankFee money.Amount) (id string, h HeadOfficeWithdrawal, err error) {
	w := e.work(0, actor, nil)
	id = "HQ-" + reference
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		h, err = w.planHeadOffice(ctx, tx, reference, amount, bankFee)
		if err != nil {
			return err
		}
		old, found, err := approval.Find(ctx, tx, e.Book.ID(), id)
		if err != nil {
			return err
		}
		if found {
			return fault.Invalid("approval.decided", id, string(old.State)).On("reference", reference)
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, id, headOfficeKind, reference, h)
	})
	return id, h, err
}

// planHeadOffice works out the sweeps that a withdrawal needs now.
func (w *Work) planHeadOffice(ctx context.Context, tx *store.Tx, reference string, amount, bankFee money.Amount) (HeadOfficeWithdrawal, error) {
	own := w.Config.Corporate
	h := HeadOfficeWithdrawal{Reference: reference, Amount: amount, BankFee: bankFee, Sweeps: []FeeSweep{},
		Payee: Payee(own)}
	if err := w.checkPayment(h.order("")); err != nil {
		return h, err
	}
	whole, err := amount.Add(bankFee)
	if err != nil {
		return h, fault.Invalid("ledger.overflow").Because(err)
	}
	funds, err := w.Book.Balance(ctx, tx, subaccounts.Key{Code: "2301"})
	if err != nil {
		return h, err
	}
	lacking := whole + funds // funds are a credit
	ready, err := w.sweepable(ctx, tx)
	if err != nil {
		return h, err
	}
	for _, s := range ready {
		if s.Amount = min(s.Amount, lacking); s.Amount > 0 {
			h.Sweeps = append(h.Sweeps, s)
			lacking -= s.Amount
		}
	}
	if lacking > 0 {
		return h, fault.Invalid("headoffice.short", whole-lacking, whole).On("amount", amount.String())
	}
	return h, nil
}

func (h HeadOfficeWithdrawal) order(approvalID string) PaymentOrder {
	return PaymentOrder{Kind: payout.HeadOffice, Owner: ownerHeadOffice, Reference: h.Reference, Payee: h.Payee, Amount: h.Amount, Fee: h.BankFee,
		Purpose: h.Purpose, ApprovalID: approvalID}
}

// sweepable lists head office's fees that are in the bank: of clearing dates that
// have arrived (在途核对), the oldest first, then payout fees, which are of no date.
func (w *Work) sweepable(ctx context.Context, tx *store.Tx) ([]FeeSweep, error) {
	var list []FeeSweep
	err := tx.Each(ctx, `SELECT channel, clearing_date FROM channel_days WHERE custody_id = ? AND arrived_date IS NOT NULL
		ORDER BY clearing_date, channel`, []any{w.Book.ID()}, func(scan func(...any) error) error {
		var s FeeSweep
		err := scan(&s.Channel, &s.Clearing)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	list = append(list, FeeSweep{})
	for i := range list {
		balance, err := w.Book.Balance(ctx, tx, list[i].key())
		if err != nil {
			return nil, err
		}
		list[i].Amount = -balance
	}
	return slices.DeleteFunc(list, func(s FeeSweep) bool { return s.Amount <= 0 }), nil
}

// decideHeadOffice posts what was approved, after working it out again: E8a for
// every sweep, E8b, and the payment order.
func (w *Work) decideHeadOffice(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var h HeadOfficeWithdrawal
	if err := json.Unmarshal([]byte(a.Content), &h); err != nil {
		return err
	}
	return w.payHeadOffice(ctx, tx, h, a, d)
}

// payHeadOffice posts a withdrawal of head office that two people decided, if it
// comes to the same now.
func (w *Work) payHeadOffice(ctx context.Context, tx *store.Tx, h HeadOfficeWithdrawal, a approval.Approval, d *Decision) error {
	now, err := w.planHeadOffice(ctx, tx, h.Reference, h.Amount, h.BankFee)
	if err != nil {
		return err
	}
	if now.Payee != h.Payee || !slices.Equal(now.Sweeps, h.Sweeps) {
		return fault.Broken("approval.changed", a.ID)
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	src, own := "approval "+a.ID, subaccounts.Key{Code: "2301"}
	var postings []subaccounts.Posting
	for _, s := range h.Sweeps {
		postings = append(postings, subaccounts.Posting{Date: date, Event: "E8a", Reference: h.Reference + "." + s.key().Item, Source: src,
			Legs: []subaccounts.Leg{subaccounts.Debit(s.key(), s.Amount), subaccounts.Credit(own, s.Amount)}})
	}
	postings = append(postings, subaccounts.Posting{Date: date, Event: "E8b", Reference: h.Reference, Source: src,
		Legs: []subaccounts.Leg{subaccounts.Debit(own, h.Amount+h.BankFee), subaccounts.Credit(inFlight(ownerHeadOffice, h.Reference), h.Amount+h.BankFee)}})
	for _, p := range postings {
		d.Vouchers = append(d.Vouchers, p.Event+":"+p.Reference)
	}
	return firstErr(w.post(ctx, tx, postings...), w.orderPayment(ctx, tx, h.order(a.ID)))
}

// CorporateReport looks at every way of money to head office's corporate account
// between two accounting dates (二清检查).
func (e *Engine) CorporateReport(ctx context.Context, from, to bizdate.Date) (r *corporate.Report, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		r, err = corporate.Check(ctx, tx, e.Book, e.Config.Corporate.Account, from, to)
		return err
	})
	return r, err
}
