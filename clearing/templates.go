package clearing

import (
	"context"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// eventSuspend moves a surplus to the unidentified receipts (长款转挂账).
const eventSuspend = "E14i"

// suspendLegs is 挂账: money that only the channel knows becomes an unidentified
// receipt, to be claimed or returned. Where amounts differ our order, which
// nobody paid in this amount, is void, and what was paid is what is suspended.
func suspendLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	paid, err := w.Book.Balance(ctx, tx, surplus(e.Subject))
	if err != nil {
		return nil, err
	}
	ours, err := w.Book.Balance(ctx, tx, shortage(e.Subject))
	if err != nil {
		return nil, err
	}
	if paid >= 0 {
		return nil, fault.Invalid("exception.no-surplus", e.ID).On("--template", "suspend")
	}
	legs := []subaccounts.Leg{subaccounts.Debit(surplus(e.Subject), -paid), subaccounts.Credit(suspense(e.Subject), -paid)}
	if e.Kind == exceptions.AmountDiffer && ours > 0 {
		legs = append(legs, subaccounts.Debit(passThrough, ours), subaccounts.Credit(shortage(e.Subject), ours))
	}
	return legs, nil
}

// suspended opens the case of the unidentified receipt and closes this one.
func suspended(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	standing, err := w.Book.Balance(ctx, tx, suspense(e.Subject))
	if err != nil {
		return err
	}
	if e.Kind == exceptions.AmountDiffer {
		if err := orders.Clear(ctx, tx, w.Book.ID(), e.Subject, "", date); err != nil {
			return err
		}
	}
	w.Date = date
	err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.UnknownPayer, Subject: e.Subject, Channel: e.Channel, ClearingDate: e.ClearingDate,
		Amount: -standing, Theirs: h.Note})
	return firstErr(err, ended(ctx, w, tx, e, h, date))
}

// makeGoodLegs is 核销短款: goods were delivered and the channel never paid. Head
// office's risk fund bears the shortage, and the member has the whole of it, for
// no bill will ever split it.
func makeGoodLegs(_ context.Context, _ *Work, _ *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	if e.Member == "" {
		return nil, fault.Invalid("member.unknown", e.Member).On("ID", e.ID)
	}
	return []subaccounts.Leg{subaccounts.Debit(subaccounts.Key{Code: "2305"}, e.Amount), subaccounts.Credit(shortage(e.Subject), e.Amount),
		subaccounts.Debit(passThrough, e.Amount), subaccounts.Credit(withdrawable(e.Member), e.Amount)}, nil
}

// withinLimit holds a write-off to what the maker, and then the checker, may
// write off at a time.
func (w *Work) withinLimit(ctx context.Context, tx *store.Tx, t template, e exceptions.Exception) error {
	if t.event != eventWriteOff {
		return nil
	}
	return people.Within(ctx, tx, w.Actor, e.Amount)
}

// SetWriteOffLimit says how much a user may write off at a time; nil lifts it.
// Nobody sets his own: people.own-limit.
func (e *Engine) SetWriteOffLimit(ctx context.Context, actor, name string, limit *money.Amount) error {
	if actor == name {
		return fault.Invalid("people.own-limit", name).On("--as", actor)
	}
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		return people.SetLimit(ctx, tx, e.Book.ID(), actor, e.Clock.Now(), name, limit)
	})
}
