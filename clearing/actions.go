package clearing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/flows"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Action is a money event that a person starts: a transfer, a deposit, an
// advance, a reversal. Event names it as the posting table does; Request is what
// the event's flow takes, such as [flows.Transfer] for E13.
//
// Most actions need two people: the request is submitted, and its approval, whose
// kind is the event, posts it dated the day that collects then. What leaves
// nobody worse off is posted at once; actionTable says which, and why.
type Action struct {
	Event   string
	Request any
}

// ActionView is what an action posts, would post, or has posted.
type ActionView struct {
	Event     string            `json:"event"`
	Reference string            `json:"reference"` // of the voucher
	Date      bizdate.Date      `json:"date"`      // that collects now, or the voucher's
	State     ActionState       `json:"state"`
	Approval  string            `json:"approval"` // empty where one person is enough
	Repeated  bool              `json:"repeated"` // the same was there already: nothing was done
	Legs      []subaccounts.Leg `json:"-"`
}

// ActionState says how far an action is.
type ActionState string

// The states of an action.
const (
	ActionPreview   ActionState = "PREVIEW"   // nothing was changed
	ActionSubmitted ActionState = "SUBMITTED" // 待复核
	ActionPosted    ActionState = "POSTED"    // 已入账
)

// errPreview ends the transaction of a preview, so that nothing of it stays.
var errPreview = errors.New("preview")

// PreviewAction returns the voucher that an action would post now. It goes the
// way of the posting itself, in a transaction that is taken back: what the
// ledger or the flow would refuse is refused here.
func (e *Engine) PreviewAction(ctx context.Context, actor string, a Action) (*ActionView, error) {
	w := e.work(0, actor, nil)
	var v *ActionView
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		kind, err := w.mayAct(ctx, tx, a)
		if err != nil {
			return err
		}
		var done bool
		if v, done, err = w.earlier(ctx, tx, kind, a); err != nil || done {
			return err
		}
		if v, err = w.rehearse(ctx, tx, kind, a); err != nil {
			return err
		}
		return errPreview
	})
	if errors.Is(err, errPreview) {
		err = nil
	}
	return v, err
}

// Act submits an action for a checker, or posts it where one person is enough.
// The same once more is a no-op that says so; the same reference with other
// content is action.conflict.
func (e *Engine) Act(ctx context.Context, actor string, a Action) (*ActionView, error) {
	v, err := e.PreviewAction(ctx, actor, a)
	if err != nil || v.Repeated {
		return v, err
	}
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		kind, err := w.mayAct(ctx, tx, a)
		if err != nil {
			return err
		}
		again, done, err := w.earlier(ctx, tx, kind, a)
		if err != nil || done { // another process was faster
			v = again
			return err
		}
		if kind.alone {
			v, err = w.perform(ctx, tx, kind, a, approval.Approval{Maker: actor})
			return err
		}
		v.State = ActionSubmitted
		if v.Approval, err = approval.NextID(ctx, tx, e.Book.ID(), kind.event, v.name()); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, v.Approval, kind.event, v.name(), a.Request)
	})
	if err != nil {
		return v, err
	}
	return v, e.writeInstructions(ctx)
}

// name is the voucher as people and approvals call it: E13:R1.
func (v *ActionView) name() string { return v.Event + ":" + v.Reference }

// mayAct finds the action and asks whether the actor may start it.
func (w *Work) mayAct(ctx context.Context, tx *store.Tx, a Action) (actionKind, error) {
	if err := people.Require(ctx, tx, w.Actor, people.Make); err != nil {
		return actionKind{}, err
	}
	kind, known := actionTable()[a.Event]
	if !known {
		return kind, fault.Invalid("action.unknown", a.Event).On("event", a.Event)
	}
	return kind, checkReference(kind.reference(a.Request))
}

// referenceTyped bounds a reference that a person types, in bytes: the ledger
// keeps 160, of which a reversal of a reversal takes 16 and a payment's part 5.
const referenceTyped = 64

// checkReference refuses what could not be written into every file.
func checkReference(ref string) error {
	printable := func(r rune) bool { return r > ' ' && r != '|' && r != 0x7f }
	if ref == "" || len(ref) > 2*referenceTyped || strings.IndexFunc(ref, func(r rune) bool { return !printable(r) }) >= 0 {
		return fault.Invalid("action.reference", referenceTyped).On("--ref", ref)
	}
	return nil
}

// earlier looks for the same action before. It returns a view that says
// Repeated where there is nothing to do.
func (w *Work) earlier(ctx context.Context, tx *store.Tx, kind actionKind, a Action) (*ActionView, bool, error) {
	v := &ActionView{Event: kind.event, Reference: kind.reference(a.Request), Repeated: true}
	voucher, posted, err := w.Book.VoucherByReference(ctx, tx, v.Event, v.Reference)
	if err != nil {
		return nil, false, err
	}
	if posted {
		v.State, v.Date, v.Legs = ActionPosted, voucher.Date, legsOf(voucher)
	}
	if kind.alone {
		if !posted {
			return nil, false, nil
		}
		j := w.journal(tx, voucher.Date, voucher.Source)
		return v, true, kind.post(ctx, w, j, a.Request, "")
	}
	list, err := approval.Of(ctx, tx, w.Book.ID(), kind.event, v.name())
	if err != nil {
		return nil, false, err
	}
	raw, err := json.Marshal(a.Request)
	if err != nil {
		return nil, false, err
	}
	for _, was := range list {
		switch {
		case was.State == approval.Rejected:
		case was.ContentHash != approval.Hash(raw):
			return nil, false, fault.Invalid("action.conflict", v.Reference, was.ID).On("--ref", v.Reference)
		default:
			v.Approval = was.ID
			if !posted {
				v.State = ActionSubmitted
			}
			return v, true, nil
		}
	}
	if posted {
		return nil, false, fault.Invalid("action.conflict", v.Reference, voucher.Name()).On("--ref", v.Reference)
	}
	return nil, false, nil
}

// rehearsal is who decides in a preview; the transaction is always taken back.
const rehearsal = "preview"

// rehearse does all that an approval would do.
func (w *Work) rehearse(ctx context.Context, tx *store.Tx, kind actionKind, a Action) (*ActionView, error) {
	as := approval.Approval{Maker: w.Actor}
	if !kind.alone {
		err := approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, rehearsal, kind.event, rehearsal, a.Request)
		if err != nil {
			return nil, err
		}
		if as, err = approval.Decide(ctx, tx, w.Book.ID(), w.Stamp, nobody, rehearsal, approval.Approved, ""); err != nil {
			return nil, err
		}
	}
	v, err := w.perform(ctx, tx, kind, a, as)
	if err != nil {
		return nil, err
	}
	v.State, v.Approval = ActionPreview, ""
	return v, nil
}

// perform posts an action, dated the day that collects, and tells the bank what
// it changes in members' sub-accounts.
func (w *Work) perform(ctx context.Context, tx *store.Tx, kind actionKind, a Action, as approval.Approval) (*ActionView, error) {
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return nil, err
	}
	w.Date = date
	src := "decision of " + as.Maker
	if as.ID != "" {
		src = "approval " + as.ID
	}
	if kind.note != nil {
		src += kind.note(a.Request)
	}
	j := w.journal(tx, date, src)
	if !kind.alone {
		if err := j.Decided(ctx, as.ID, kind.event, a.Request); err != nil {
			return nil, err
		}
	}
	if err := kind.post(ctx, w, j, a.Request, as.ID); err != nil {
		return nil, err
	}
	v := &ActionView{Event: kind.event, Reference: kind.reference(a.Request), Date: date, State: ActionPosted, Approval: as.ID}
	voucher, found, err := w.Book.VoucherByReference(ctx, tx, v.Event, v.Reference)
	if err != nil || !found {
		return nil, firstErr(err, fault.Broken("action.unposted", v.name()))
	}
	v.Legs = legsOf(voucher)
	if err := w.covered(ctx, tx, v.Legs); err != nil {
		return nil, err
	}
	return v, w.intendSubAccounts(ctx, tx, voucher, as)
}

// claims are the accounts that could be paid out in cash; 1001 must cover them (R9).
var claims = []string{"2001", "2003", "2201", "2203", "2301", "2303", "2304", "2305", "2306", "2401", "2601"}

// covered refuses a voucher that would let more be paid out than is in the bank:
// what a channel still owes can be earned, moved and split, but not spent.
func (w *Work) covered(ctx context.Context, tx *store.Tx, legs []subaccounts.Leg) error {
	uncovered := func(code string, amount money.Amount) money.Amount {
		if code == bank.Code || slices.Contains(claims, code) {
			return -amount
		}
		return 0
	}
	var more, sum money.Amount
	for _, l := range legs {
		more += uncovered(l.Code, l.Amount)
	}
	if more <= 0 {
		return nil
	}
	list, err := w.Book.Balances(ctx, tx, subaccounts.Filter{})
	for _, a := range list {
		sum += uncovered(a.Code, a.Balance)
	}
	if err == nil && sum > 0 {
		err = fault.Invalid("action.coverage", sum)
	}
	return err
}

func (w *Work) journal(tx *store.Tx, date bizdate.Date, src string) flows.Journal {
	return flows.Journal{Book: w.Book, Tx: tx, Date: date, Actor: w.Actor, At: w.Stamp, Source: src}
}

func legsOf(v subaccounts.Voucher) []subaccounts.Leg {
	legs := make([]subaccounts.Leg, len(v.Entries))
	for i, e := range v.Entries {
		legs[i] = subaccounts.Leg{Key: e.Key, Amount: e.Amount}
	}
	return legs
}

// decideAction posts what was approved; a rejection leaves nothing behind, and
// the reference free for another request.
func (w *Work) decideAction(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	kind := actionTable()[a.Kind]
	request, err := kind.read([]byte(a.Content))
	if err != nil {
		return err
	}
	v, err := w.perform(ctx, tx, kind, Action{Event: a.Kind, Request: request}, a)
	if err != nil {
		return err
	}
	d.Vouchers = append(d.Vouchers, v.name())
	return nil
}
