package clearing

import (
	"context"
	"strconv"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/outbox"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// read runs fn on one snapshot of the books.
func (e *Engine) readOnly(ctx context.Context, fn func(*store.Tx) error) error {
	return e.DB.Read(ctx, fn)
}

// Approvals returns what makers submitted, in a state or in any ("").
func (e *Engine) Approvals(ctx context.Context, s approval.State) (list []approval.Approval, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = approval.All(ctx, tx, e.Book.ID(), s)
		return err
	})
	return list, err
}

// Exceptions returns what was open at the cut of the date, or every one for zero.
func (e *Engine) Exceptions(ctx context.Context, date bizdate.Date) (list []exceptions.Exception, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = exceptions.AsOf(ctx, tx, e.Book.ID(), date)
		return err
	})
	return list, err
}

// Exception returns one exception.
func (e *Engine) Exception(ctx context.Context, id string) (x exceptions.Exception, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		x, err = exceptions.Find(ctx, tx, e.Book.ID(), id)
		return err
	})
	return x, err
}

// Batches returns all payout batches.
func (e *Engine) Batches(ctx context.Context) (list []payout.Batch, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = payout.Batches(ctx, tx, e.Book.ID())
		return err
	})
	return list, err
}

// Payouts returns the payouts of a batch.
func (e *Engine) Payouts(ctx context.Context, batchNo string) (list []payout.Payout, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		if _, found, err := payout.FindBatch(ctx, tx, e.Book.ID(), batchNo); err != nil || !found {
			return firstErr(err, fault.Invalid("batch.unknown", batchNo).On("batch", batchNo))
		}
		list, err = payout.OfBatch(ctx, tx, e.Book.ID(), batchNo)
		return err
	})
	return list, err
}

// Outbox returns the effects outside the database, of a date or all for zero.
func (e *Engine) Outbox(ctx context.Context, date bizdate.Date) (list []outbox.Effect, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = outbox.All(ctx, tx, e.Book.ID(), date)
		return err
	})
	return list, err
}

// Users returns everybody who may act.
func (e *Engine) Users(ctx context.Context) (list []people.User, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = people.All(ctx, tx)
		return err
	})
	return list, err
}

// Rules returns the split rules.
func (e *Engine) Rules(ctx context.Context) (list []SplitRule, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = SplitRules(ctx, tx, e.Book.ID())
		return err
	})
	return list, err
}

// Members returns all franchisees and partners.
func (e *Engine) Members(ctx context.Context) (list []subaccounts.Member, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = e.Book.Members(ctx, tx)
		return err
	})
	return list, err
}

// MemberView is a member with his bound account and balances.
type MemberView struct {
	subaccounts.Member
	Binding subaccounts.Binding
	Balance MemberBalance
}

// Member returns one member.
func (e *Engine) Member(ctx context.Context, code string) (v MemberView, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		m, found, err := e.Book.GetMember(ctx, tx, code)
		if err != nil || !found {
			return firstErr(err, fault.Invalid("member.unknown", code).On("CODE", code))
		}
		v.Member = m
		v.Binding, _, err = e.Book.CurrentBinding(ctx, tx, code)
		return err
	})
	if err != nil {
		return v, err
	}
	view, err := e.Balances(ctx, code, 0)
	if err == nil && len(view.Accounts) == 1 {
		v.Balance = view.Accounts[0]
	}
	return v, err
}

// MemberBalance is what a member has: 余额 = 可提现 + 待转可提现 + 冻结, 可用 without
// what is frozen. Fen.
type MemberBalance struct {
	Code         string       `json:"code"`
	Name         string       `json:"name"`
	Balance      money.Amount `json:"balance_fen"`
	Available    money.Amount `json:"available_fen"`    // 可用
	Withdrawable money.Amount `json:"withdrawable_fen"` // 可提现 (2001)
	Pending      money.Amount `json:"pending_fen"`      // 待转可提现 (2002)
	Frozen       money.Amount `json:"frozen_fen"`       // 冻结 (2003)
}

// BalanceView is `custody balance`.
type BalanceView struct {
	Accounts []MemberBalance `json:"accounts"`
	Custody  money.Amount    `json:"custody_fen"` // 1001
}

// Balances returns the balances of one member, or of all for "", live or as of
// the cut of a date.
func (e *Engine) Balances(ctx context.Context, code string, asOf bizdate.Date) (*BalanceView, error) {
	view := &BalanceView{Accounts: []MemberBalance{}}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		members, err := e.Book.Members(ctx, tx)
		if err != nil {
			return err
		}
		standing, err := e.standing(ctx, tx, asOf)
		if err != nil {
			return err
		}
		for _, m := range members {
			if code != "" && m.Code != code {
				continue
			}
			b := MemberBalance{Code: m.Code, Name: m.Name, Withdrawable: -standing[[2]string{"2001", m.Code}],
				Pending: -standing[[2]string{"2002", m.Code}], Frozen: -standing[[2]string{"2003", m.Code}]}
			b.Available = b.Withdrawable + b.Pending
			b.Balance = b.Available + b.Frozen
			view.Accounts = append(view.Accounts, b)
		}
		if code != "" && len(view.Accounts) == 0 {
			return fault.Invalid("member.unknown", code).On("CODE", code)
		}
		view.Custody = standing[[2]string{"1001", ""}]
		return nil
	})
	return view, err
}

// standing returns what every account stands at, signed: debit positive.
func (e *Engine) standing(ctx context.Context, tx *store.Tx, asOf bizdate.Date) (map[[2]string]money.Amount, error) {
	by := map[[2]string]money.Amount{}
	if asOf.IsZero() {
		list, err := e.Book.Balances(ctx, tx, subaccounts.Filter{})
		for _, b := range list {
			by[[2]string{b.Code, b.Owner}] = b.Balance
		}
		return by, err
	}
	list, err := e.Book.Movements(ctx, tx, asOf)
	for _, m := range list {
		by[[2]string{m.Code, m.Owner}] = m.Closing
	}
	return by, err
}

// Voucher finds a voucher as people name it: 2026-02-13/9, or event:reference.
func (e *Engine) Voucher(ctx context.Context, name string) (*subaccounts.Voucher, error) {
	var v subaccounts.Voucher
	var found bool
	err := e.readOnly(ctx, func(tx *store.Tx) (err error) {
		if day, number, ok := strings.Cut(name, "/"); ok {
			date, dateErr := bizdate.Parse(day)
			no, noErr := strconv.Atoi(number)
			if dateErr == nil && noErr == nil {
				v, found, err = e.Book.VoucherByNo(ctx, tx, date, no)
				return err
			}
		}
		event, ref, _ := strings.Cut(name, ":")
		v, found, err = e.Book.VoucherByReference(ctx, tx, event, ref)
		return err
	})
	if err == nil && !found {
		err = fault.Invalid("voucher.unknown", name).On("ID", name)
	}
	return &v, err
}
