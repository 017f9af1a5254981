package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// AccountChange is a change of the state of a member's account.
type AccountChange struct {
	Member string              `json:"member"`
	Event  states.AccountEvent `json:"event"`
	Reason string              `json:"reason"` // or the number of the document
}

// AccountView is a member's account after a change, or while one waits.
type AccountView struct {
	Member   string              `json:"code"`
	State    states.AccountState `json:"state"`
	Status   string              `json:"status"` // what the posting enforces
	Since    bizdate.Date        `json:"since"`
	Approval string              `json:"approval,omitempty"` // that waits for a checker
}

// statusOf is what the posting enforces in a state.
var statusOf = map[states.AccountState]string{
	states.AccountNormal: subaccounts.StatusNormal, states.AccountToClose: subaccounts.StatusNormal,
	states.AccountStopped: subaccounts.StatusStopped, states.AccountDormant: subaccounts.StatusStopped,
	states.AccountFrozen: subaccounts.StatusFrozen, states.AccountIsClosed: subaccounts.StatusClosed,
}

// decidedByTwo are the changes that make money payable again, or end an account
// for good. What stops payments protects the member and is done at once.
var decidedByTwo = []states.AccountEvent{states.AccountRelease, states.AccountWake, states.AccountClose}

const accountChange = "account" // kind of the approval

// ChangeAccount stops, freezes, wakes, releases or closes a member's account by
// the machine of account states. What needs two people is submitted; closing
// (销户) also marks the account as to be closed until it is decided. A reason that
// is too long is action.reason.
func (e *Engine) ChangeAccount(ctx context.Context, actor string, c AccountChange) (v *AccountView, err error) {
	w := e.work(0, actor, nil)
	if c.Reason = strings.TrimSpace(c.Reason); len(c.Reason) > reasonMax {
		return nil, fault.Invalid("action.reason", reasonMax).On("--reason", c.Reason)
	}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		if v, err = w.account(ctx, tx, c.Member); err != nil {
			return err
		}
		if c.Event == states.AccountClose && v.State != states.AccountToClose {
			ask := AccountChange{c.Member, states.AccountAskClose, c.Reason}
			if v, err = w.changeAccount(ctx, tx, ask); err != nil {
				return err
			}
		}
		if !slices.Contains(decidedByTwo, c.Event) {
			v, err = w.changeAccount(ctx, tx, c)
			return err
		}
		if _, err := states.Account.Next(v.State, c.Event); err != nil {
			return err
		}
		v.Approval, err = w.askChange(ctx, tx, c)
		return err
	})
	return v, err
}

// reasonMax bounds a reason, in bytes: 80 characters of Chinese.
const reasonMax = 240

// askChange submits a change; one that waits already is not asked for again.
func (w *Work) askChange(ctx context.Context, tx *store.Tx, c AccountChange) (string, error) {
	subject := "ACCOUNT-" + c.Member + "-" + string(c.Event)
	list, err := approval.Of(ctx, tx, w.Book.ID(), accountChange, subject)
	if err != nil {
		return "", err
	}
	for _, a := range list {
		if a.State == approval.Pending {
			return a.ID, nil
		}
	}
	id, err := approval.NextID(ctx, tx, w.Book.ID(), accountChange, subject)
	if err != nil {
		return "", err
	}
	return id, approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, id, accountChange, subject, c)
}

// decideAccount makes the change that was approved. A closing that is rejected
// leaves the account open.
func (w *Work) decideAccount(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	var c AccountChange
	if err := json.Unmarshal([]byte(a.Content), &c); err != nil {
		return err
	}
	if to == approval.Rejected {
		if c.Event != states.AccountClose {
			return nil
		}
		c.Event = states.AccountKeep
	}
	if c.Event == states.AccountClose {
		if bars, err := w.closingBars(ctx, tx, c.Member); err != nil || len(bars) > 0 {
			return firstErr(err, bars.Err())
		}
	}
	_, err := w.changeAccount(ctx, tx, c)
	return err
}

// Account returns the state of a member's account.
func (e *Engine) Account(ctx context.Context, member string) (v *AccountView, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		v, err = e.account(ctx, tx, member)
		return err
	})
	return v, err
}

// account returns where a member's account stands. An amount that is frozen makes
// a normal account a partly frozen one (部分冻结): the balance says so, no row.
func (e *Engine) account(ctx context.Context, tx *store.Tx, member string) (*AccountView, error) {
	s, err := e.Book.State(ctx, tx, member)
	if err != nil {
		return nil, err
	}
	v := &AccountView{Member: member, State: states.AccountState(s.State), Since: s.Since}
	v.Status = statusOf[v.State]
	if v.State != states.AccountNormal {
		return v, nil
	}
	held, err := e.Book.Balance(ctx, tx, subaccounts.Key{Code: "2003", Owner: member})
	if held != 0 {
		v.State = states.AccountPart
	}
	return v, err
}

func (w *Work) changeAccount(ctx context.Context, tx *store.Tx, c AccountChange) (*AccountView, error) {
	v, err := w.account(ctx, tx, c.Member)
	if err != nil {
		return nil, err
	}
	if v.State, err = states.Account.Next(v.State, c.Event); err != nil {
		return nil, err
	}
	if v.Since, err = w.today(ctx, tx); err != nil {
		return nil, err
	}
	status, known := statusOf[v.State]
	if !known {
		return nil, fault.Invalid("state.illegal", states.Account.Name(), string(v.State), string(c.Event))
	}
	v.Status = status
	return v, w.Book.SetState(ctx, tx, w.Actor, w.Stamp, subaccounts.MemberState{Member: c.Member, State: string(v.State), Since: v.Since, Reason: c.Reason}, status)
}

// closingBars lists what keeps an account from being closed: its balances, open
// orders, payouts and exceptions, and its bound account must all be gone.
func (w *Work) closingBars(ctx context.Context, tx *store.Tx, member string) (fault.List, error) {
	var bars fault.List
	bar := func(code string, args ...any) { bars = append(bars, fault.Invalid(code, args...).On("CODE", member)) }
	balances, err := w.Book.Balances(ctx, tx, subaccounts.Filter{Owner: member})
	if err != nil {
		return nil, err
	}
	for _, a := range balances {
		if a.Balance != 0 {
			bar("closing.balance", subaccounts.Key{Code: a.Code, Owner: a.Owner}, a.Balance.Abs())
		}
	}
	date, err := w.today(ctx, tx)
	if err != nil {
		return nil, err
	}
	open, err := orders.OpenAsOf(ctx, tx, w.Book.ID(), date)
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		if o.Member == member {
			bar("closing.order", o.OrderNo, o.Amount)
		}
	}
	if err := w.openDebt(ctx, tx, member, date, bar); err != nil {
		return nil, err
	}
	return bars, firstErr(w.openPayouts(ctx, tx, member, date, bar), w.openCases(ctx, tx, member, bar))
}

// openPayouts bars a member with payouts that are not answered.
func (w *Work) openPayouts(ctx context.Context, tx *store.Tx, member string, date bizdate.Date, bar func(string, ...any)) error {
	flying, err := payout.OnTheWay(ctx, tx, w.Book.ID(), date)
	for _, p := range flying {
		if p.Owner == member {
			bar("closing.payout", p.Item, p.Amount)
		}
	}
	return err
}

// openDebt bars a member who owes head office what it advanced.
func (w *Work) openDebt(ctx context.Context, tx *store.Tx, member string, date bizdate.Date, bar func(string, ...any)) error {
	all, err := w.advances(ctx, tx, date)
	if owed, _ := owedBy(all); owed[member] > 0 {
		bar("closing.debt", owed[member])
	}
	return err
}

// openCases bars a member with open exceptions or a bound account.
func (w *Work) openCases(ctx context.Context, tx *store.Tx, member string, bar func(string, ...any)) error {
	list, err := exceptions.StillOpen(ctx, tx, w.Book.ID())
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Member == member {
			bar("closing.exception", x.ID)
		}
	}
	bound, found, err := w.Book.CurrentBinding(ctx, tx, member)
	if found && bound.Status != subaccounts.BindingUnbound {
		bar("closing.binding", Mask(bound.AccountNo))
	}
	return err
}

// UnbindMember ends a member's bound account (解绑); nothing is paid out to it any
// more. While a payout is on its way to it, it is closing.payout.
func (e *Engine) UnbindMember(ctx context.Context, actor, member string) error {
	w := e.work(0, actor, nil)
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		date, err := w.today(ctx, tx)
		if err != nil {
			return err
		}
		var bars fault.List
		err = w.openPayouts(ctx, tx, member, date, func(code string, args ...any) {
			bars = append(bars, fault.Invalid(code, args...).On("CODE", member))
		})
		if err != nil || len(bars) > 0 {
			return firstErr(err, bars.Err())
		}
		return e.Book.Unbind(ctx, tx, actor, w.Stamp, member)
	})
}

// Dormant is a member's account without movement (久悬).
type Dormant struct {
	Member  string              `json:"code"`
	Last    bizdate.Date        `json:"last_movement"`
	Days    int                 `json:"days"`
	State   states.AccountState `json:"state"`
	Changed bool                `json:"changed"` // this call made it dormant
}

// Dormant lists accounts without any movement for more than the configured
// number of days before the collecting one, and those that are dormant already.
// With mark, normal ones become dormant: they receive, and pay nothing until two
// people wake them. Members that never had a movement are not listed: nothing of
// theirs can lie there.
func (e *Engine) Dormant(ctx context.Context, actor string, mark bool) ([]Dormant, error) {
	limit := e.Config.Limits.DormantDays
	if limit <= 0 {
		return nil, fault.Invalid("action.dormant").On("limits.dormant_days", "")
	}
	w := e.work(0, actor, nil)
	list := []Dormant{}
	work := func(tx *store.Tx) error {
		list = list[:0]
		if mark {
			if err := people.Require(ctx, tx, actor, people.Members); err != nil {
				return err
			}
		}
		date, err := w.today(ctx, tx)
		if err != nil {
			return err
		}
		last, err := e.Book.LastMovements(ctx, tx)
		if err != nil {
			return err
		}
		members, err := e.Book.Members(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range members {
			d, idle, err := w.idle(ctx, tx, m.Code, last[m.Code], date, limit)
			if err != nil {
				return err
			}
			if !idle {
				continue
			}
			if mark && d.State == states.AccountNormal {
				v, err := w.changeAccount(ctx, tx, AccountChange{m.Code, states.AccountSleep, "no movement since " + d.Last.String()})
				if err != nil {
					return err
				}
				d.State, d.Changed = v.State, true
			}
			list = append(list, d)
		}
		return nil
	}
	if mark {
		return list, e.DB.Tx(ctx, work)
	}
	return list, e.readOnly(ctx, work)
}

// idle reports whether a member belongs on the list of dormant accounts.
func (w *Work) idle(ctx context.Context, tx *store.Tx, member string, last, date bizdate.Date, limit int) (Dormant, bool, error) {
	if last.IsZero() || last > date {
		return Dormant{}, false, nil
	}
	v, err := w.account(ctx, tx, member)
	if err != nil {
		return Dormant{}, false, err
	}
	d := Dormant{Member: member, Last: last, Days: last.DaysUntil(date), State: v.State}
	return d, d.State == states.AccountDormant || d.Days > limit && d.State == states.AccountNormal, nil
}

// today is the collecting day for those who only look: it opens none.
func (w *Work) today(ctx context.Context, tx *store.Tx) (bizdate.Date, error) {
	if w.Config.Clock == Live {
		return bizdate.Of(w.Stamp), nil
	}
	last, err := w.lastDay(ctx, tx)
	if err == nil && !last.Date.IsZero() && !last.collecting() {
		return last.Date.AddDays(1), nil
	}
	return last.Date, err
}
