package clearing

import (
	"context"
	"fmt"
	"time"

	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/states"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// A member proves that an account is his by telling the amount of a payment of a
// few fen to it (小额打款). The payment takes the way of all payments; what is kept
// here is what it was and how the member answered.

// Rules of the micro-payment, as banks set them for bound accounts.
const (
	microMax    money.Amount = 50             // 0.50 yuan
	microAgain               = 24 * time.Hour // between two payments to one account
	microAnswer              = 48 * time.Hour // to answer, from the payment on
	microWrong               = 6              // wrong answers that lock it until the next day
)

// verification is one micro-payment, or with attempt 0 the decision of two people.
type verification struct {
	Member    string              `db:"member"`
	Version   int                 `db:"version"`
	Attempt   int                 `db:"attempt"`
	Reference string              `db:"reference"`
	Amount    money.Amount        `db:"amount_fen"`
	State     states.BindingState `db:"state"`
	Wrong     int                 `db:"wrong"`
	SentAt    int64               `db:"sent_at"` // Unix seconds; 0 where no payment was made
	Locked    *bizdate.Date       `db:"locked_date"`
	Verified  *bizdate.Date       `db:"verified_date"`
}

const verificationColumns = "member, version, attempt, reference, amount_fen, state, wrong, sent_at, locked_date, verified_date"

// auditedVerifications is the table as the audit log covers it.
var auditedVerifications = audit.Table{Name: "verifications", Key: []string{"member", "version", "attempt"},
	Columns: []string{"reference", "amount_fen", "state", "wrong", "sent_at", "locked_date", "verified_date"}}

func (w *Work) saveVerification(ctx context.Context, tx *store.Tx, v verification, action string) error {
	_, err := tx.Exec(ctx, "INSERT INTO verifications (custody_id, "+verificationColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (custody_id, member, version, attempt) DO UPDATE SET state = excluded.state, wrong = excluded.wrong,
		sent_at = excluded.sent_at, locked_date = excluded.locked_date, verified_date = excluded.verified_date`,
		w.Book.ID(), v.Member, v.Version, v.Attempt, v.Reference, v.Amount, v.State, v.Wrong, v.SentAt, v.Locked, v.Verified)
	if err != nil {
		return err
	}
	return auditedVerifications.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, action, []any{v.Member, v.Version, v.Attempt}, nil)
}

// lastVerification returns the latest attempt for an account; by two people is none.
func (w *Work) lastVerification(ctx context.Context, tx *store.Tx, member string, version int) (verification, bool, error) {
	var v verification
	found, err := tx.Find(ctx, &v, "SELECT "+verificationColumns+` FROM verifications WHERE custody_id = ? AND member = ? AND version = ?
		AND attempt > 0 ORDER BY attempt DESC LIMIT 1`, w.Book.ID(), member, version)
	return v, found, err
}

// moment is the time by which periods are counted: the clock's in a live home, in
// a replayed one the hour of results on the day that is collecting.
func (w *Work) moment(ctx context.Context, tx *store.Tx) (time.Time, error) {
	if w.Config.Clock == Live {
		return w.Stamp, nil
	}
	date, err := w.collectingDay(ctx, tx)
	return instant(stepResults, date), err
}

// SendMicro orders a micro-payment to the account of a member that is not
// verified. draw gives its amount, 1 to 50 fen, for a reference: chance comes from
// outside. Less than 24 hours after the last one it is bind.micro-often; what head
// office's fund for it lacks is bind.micro-fund.
func (e *Engine) SendMicro(ctx context.Context, actor, member string, draw func(reference string) money.Amount) (reference string, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		bound, err := w.unverified(ctx, tx, member)
		if err != nil {
			return err
		}
		reference, err = w.sendMicro(ctx, tx, bound, draw)
		return err
	})
	return reference, err
}

// unverified returns the bound account of a member that waits for its verification.
func (w *Work) unverified(ctx context.Context, tx *store.Tx, member string) (subaccounts.Binding, error) {
	bound, found, err := w.Book.CurrentBinding(ctx, tx, member)
	switch {
	case err != nil:
		return bound, err
	case !found:
		return bound, fault.Invalid("ledger.binding_unknown", member).On("CODE", member)
	case bound.Status == subaccounts.BindingVerified:
		return bound, fault.Invalid("bind.verified", member).On("CODE", member)
	}
	return bound, nil
}

func (w *Work) sendMicro(ctx context.Context, tx *store.Tx, bound subaccounts.Binding, draw func(string) money.Amount) (string, error) {
	last, found, err := w.lastVerification(ctx, tx, bound.Member, bound.Version)
	if err != nil {
		return "", err
	}
	now, err := w.moment(ctx, tx)
	if err != nil {
		return "", err
	}
	if found && now.Sub(time.Unix(last.SentAt, 0)) < microAgain {
		return "", fault.Invalid("bind.micro-often", bound.Member).On("CODE", bound.Member)
	}
	v := verification{Member: bound.Member, Version: bound.Version, Attempt: last.Attempt + 1, State: states.BindingApplied, SentAt: now.Unix()}
	v.Reference = fmt.Sprintf("MICRO-%s-%d-%d", v.Member, v.Version, v.Attempt)
	v.Amount = draw(v.Reference)
	if v.Amount <= 0 || v.Amount > microMax {
		return "", fault.Invalid("flows.micro_payment", v.Amount, microMax)
	}
	if err := w.fundMicro(ctx, tx, v.Amount); err != nil {
		return "", err
	}
	err = w.orderPayment(ctx, tx, PaymentOrder{Kind: payout.Micro, Owner: v.Member, Reference: v.Reference, Amount: v.Amount,
		Payee: Payee{Name: bound.AccountName, Account: bound.AccountNo, Bank: bound.BankName, CNAPS: bound.CNAPS}})
	return v.Reference, firstErr(err, w.saveVerification(ctx, tx, v, "micro.order"))
}

// fundMicro refuses a payment that 2306 cannot bear beside those on their way.
func (w *Work) fundMicro(ctx context.Context, tx *store.Tx, amount money.Amount) error {
	fund, err := w.Book.Balance(ctx, tx, verificationFund)
	if err != nil {
		return err
	}
	open, err := payout.Orders(ctx, tx, w.Book.ID(), payout.Micro)
	need := amount
	for _, o := range open {
		if o.EndedOn == nil {
			need += o.Amount // at most 50 fen each: no overflow
		}
	}
	if err == nil && need > -fund {
		err = fault.Invalid("bind.micro-fund", -fund, need)
	}
	return err
}

// microEnded follows the payment: from its success the member has 48 hours. One
// that never left does not count against the 24 hours; one that came back proves
// that the account is not there.
func (w *Work) microEnded(ctx context.Context, tx *store.Tx, p payout.Payout) error {
	var v verification
	found, err := tx.Find(ctx, &v, "SELECT "+verificationColumns+" FROM verifications WHERE custody_id = ? AND reference = ?", w.Book.ID(), p.Request)
	if err != nil || !found {
		return err
	}
	switch p.State {
	case payout.Success:
		if v.State, err = states.Binding.Next(v.State, states.BindingSend); err != nil {
			return err
		}
		v.SentAt = instant(stepResults, w.Date).Unix()
	case payout.Returned:
		if v.State != states.BindingSent {
			return nil
		}
		v.State, err = states.Binding.Next(v.State, states.BindingExpire)
	default:
		v.SentAt = 0
	}
	return firstErr(err, w.saveVerification(ctx, tx, v, "micro.answer"))
}

// VerifyMicro compares the amount that a member tells with what was paid. The
// right one makes the account VERIFIED. A wrong one is bind.wrong, the sixth
// bind.locked until the next day, any after 48 hours bind.expired.
func (e *Engine) VerifyMicro(ctx context.Context, actor, member string, told money.Amount) error {
	w := e.work(0, actor, nil)
	var verdict error
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		bound, err := w.unverified(ctx, tx, member)
		if err != nil {
			return err
		}
		v, found, err := w.lastVerification(ctx, tx, member, bound.Version)
		if err != nil {
			return err
		}
		if !found || v.State == states.BindingApplied || v.State == states.BindingVerified { // proven once, and blocked again since
			return fault.Invalid("bind.micro-unsent", member).On("CODE", member)
		}
		now, err := w.moment(ctx, tx)
		if err != nil {
			return err
		}
		verdict, err = w.answerMicro(ctx, tx, v, told, now)
		return err
	})
	return firstErr(err, verdict)
}

// answerMicro moves the verification by the machine of bindings. What is wrong
// with an answer is a verdict and no error: the count of wrong ones must stay.
func (w *Work) answerMicro(ctx context.Context, tx *store.Tx, v verification, told money.Amount, now time.Time) (verdict, err error) {
	today := bizdate.Of(now)
	event := states.BindingWrong
	switch {
	case v.State == states.BindingLocked && v.Locked != nil && today > *v.Locked:
		event, verdict = states.BindingUnlock, fault.Invalid("bind.micro-unsent", v.Member).On("CODE", v.Member)
		v.Locked = nil
	case v.State == states.BindingLocked:
		return fault.Invalid("bind.locked", v.Member).On("CODE", v.Member), nil
	case v.State == states.BindingExpired || now.Sub(time.Unix(v.SentAt, 0)) > microAnswer:
		if v.State == states.BindingExpired {
			return fault.Invalid("bind.expired", v.Member).On("CODE", v.Member), nil
		}
		event, verdict = states.BindingExpire, fault.Invalid("bind.expired", v.Member).On("CODE", v.Member)
	case told == v.Amount:
		event, v.Verified = states.BindingRight, &today
		err = w.Book.VerifyBinding(ctx, tx, w.Actor, w.Stamp, v.Member)
	case v.Wrong+1 >= microWrong:
		event, v.Wrong, v.Locked = states.BindingTooOft, v.Wrong+1, &today
		verdict = fault.Invalid("bind.locked", v.Member).On("CODE", v.Member)
	default:
		v.Wrong++
		verdict = fault.Invalid("bind.wrong", microWrong-v.Wrong).On("--amount", told.String())
	}
	if err != nil {
		return nil, err
	}
	if v.State, err = states.Binding.Next(v.State, event); err != nil {
		return nil, err
	}
	if event == states.BindingRight {
		err = w.endPayeeFaults(ctx, tx, v.Member)
	}
	return verdict, firstErr(err, w.saveVerification(ctx, tx, v, "micro.verify"))
}

// decidedBinding keeps the day on which two people verified an account, where
// custody.yaml lets accounts cool off.
func (w *Work) decidedBinding(ctx context.Context, tx *store.Tx, b subaccounts.Binding) error {
	if w.Config.Limits.CoolingDays == 0 {
		return nil
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	return w.saveVerification(ctx, tx, verification{Member: b.Member, Version: b.Version, State: states.BindingVerified, Verified: &date}, "binding.decided")
}

// cooledOff refuses an account that took another's place and is too new: whoever
// changes an account to steal must not be paid before its owner can object. The
// first account of a member, and one verified before the rule, are not held.
func (w *Work) cooledOff(ctx context.Context, tx *store.Tx, b subaccounts.Binding) error {
	days := w.Config.Limits.CoolingDays
	if days == 0 || b.Version == 1 {
		return nil
	}
	var since *bizdate.Date
	err := tx.Get(ctx, &since, "SELECT MAX(verified_date) FROM verifications WHERE custody_id = ? AND member = ? AND version = ?", w.Book.ID(), b.Member, b.Version)
	if err != nil || since == nil {
		return err
	}
	if free := since.AddDays(days); w.Date < free {
		return fault.Invalid("withdraw.cooling", b.Member, free).On("CODE", b.Member)
	}
	return nil
}
