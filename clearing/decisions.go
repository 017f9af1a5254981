package clearing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"custody/clearing/approval"
	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Handling is what a maker proposes for an exception (处理建议).
type Handling struct {
	Template string `json:"template"`
	Member   string `json:"member,omitempty"` // to whom the money belongs, where that is the question
	Note     string `json:"note,omitempty"`
}

// Proposal is a handling with the preview of its posting, as it is approved.
type Proposal struct {
	Exception  string            `json:"exception"`
	ApprovalID string            `json:"approval_id"`
	Handling   Handling          `json:"handling"`
	Event      string            `json:"event"`
	Legs       []subaccounts.Leg `json:"legs"`
}

// template is a way to handle an exception: for which kinds, and what it posts.
type template struct {
	name  string
	event string
	kinds []exceptions.Kind
	legs  func(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling) ([]subaccounts.Leg, error)
	then  func(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error
}

// templates are the handling templates (处理模板).
var templates = []template{
	{"adopt", eventAdopt, []exceptions.Kind{exceptions.PlatformMiss, exceptions.LatePaid}, adoptLegs, adopted},
	{templateSendBack, "", []exceptions.Kind{exceptions.LatePaid, exceptions.DupPaid, exceptions.Duplicate, exceptions.PlatformMiss}, noLegs, waitsForRefund},
	{"coupon", eventCoupon, []exceptions.Kind{exceptions.Coupon}, couponLegs, ended},
	{"claim", eventClaim, []exceptions.Kind{exceptions.UnknownPayer}, claimLegs, ended},
	{"credit-return", eventReturnCredit, []exceptions.Kind{exceptions.Returned}, creditReturnLegs, creditedReturn},
	{"void", eventVoid, []exceptions.Kind{exceptions.BankMiss, exceptions.Date, exceptions.Duplicate, exceptions.Direction}, voidLegs, voided},
	{"write-off", eventWriteOff, []exceptions.Kind{exceptions.RefundMiss, exceptions.Coupon, exceptions.Direction}, writeOffLegs, ended},
	{templateCorrect, eventCollect, []exceptions.Kind{exceptions.AmountDiffer}, correctLegs, corrected},
	{templateAdjust, eventAdjust, []exceptions.Kind{exceptions.WrongAccount}, adjustLegs, accepted},
	{"bank-corrects", "", []exceptions.Kind{exceptions.WrongAccount, exceptions.Balance}, noLegs, accepted},
	{"suspend", eventSuspend, []exceptions.Kind{exceptions.PlatformMiss, exceptions.Duplicate, exceptions.AmountDiffer}, suspendLegs, suspended},
	{"make-good", eventWriteOff, []exceptions.Kind{exceptions.BankMiss, exceptions.Date}, makeGoodLegs, voided},
	{"fee", eventFeeDiffer, []exceptions.Kind{exceptions.Fee}, feeLegs, ended},
	{"own-funds", eventCharge, []exceptions.Kind{exceptions.OffSystem}, ownFundsLegs, borne},
	{"note", "", []exceptions.Kind{exceptions.Payee, exceptions.Status, exceptions.OffSystem, exceptions.InTransit, exceptions.Duplicate,
		exceptions.Direction, exceptions.Fee, exceptions.AmountDiffer, exceptions.RefundMiss, exceptions.Debt}, noLegs, noted},
}

// Templates returns the names of the handling templates.
func Templates() []string {
	names := make([]string, len(templates))
	for i, t := range templates {
		names[i] = t.name
	}
	return names
}

func findTemplate(name string, kind exceptions.Kind) (template, error) {
	for _, t := range templates {
		if t.name != name {
			continue
		}
		for _, k := range t.kinds {
			if k == kind {
				return t, nil
			}
		}
		return t, fault.Invalid("exception.template-kind", name, string(kind)).On("--template", name)
	}
	return template{}, fault.Invalid("exception.template", strings.Join(Templates(), ", ")).On("--template", name)
}

// exceptionKey is the account in which an exception's money stands.
func exceptionKey(e exceptions.Exception) subaccounts.Key {
	switch e.Kind {
	case exceptions.PlatformMiss, exceptions.LatePaid, exceptions.DupPaid:
		return surplus(e.Subject)
	case exceptions.UnknownPayer:
		return suspense(e.Subject)
	}
	return shortage(e.Subject)
}

func needMember(ctx context.Context, w *Work, tx *store.Tx, code, kind string) error {
	m, found, err := w.Book.GetMember(ctx, tx, code)
	if err != nil {
		return err
	}
	if !found || (kind != "" && m.Kind != kind) {
		return fault.Invalid("member.unknown", code).On("--member", code)
	}
	return nil
}

// adoptLegs is 补单: what only the channel knew becomes an order of a member.
func adoptLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling) ([]subaccounts.Leg, error) {
	if err := needMember(ctx, w, tx, h.Member, "FRANCHISEE"); err != nil {
		return nil, err
	}
	_, _, inPool, err := knownOrder(ctx, w, tx, e, h)
	if err != nil {
		return nil, err
	}
	if inPool { // our own order file brought it on another day: it stands in 2102 already
		return []subaccounts.Leg{subaccounts.Debit(surplus(e.Subject), e.Amount), subaccounts.Credit(shortage(e.Subject), e.Amount)}, nil
	}
	return []subaccounts.Leg{subaccounts.Debit(surplus(e.Subject), e.Amount), subaccounts.Credit(passThrough, e.Amount)}, nil
}

// knownOrder returns our own order of the number that is to be adopted, where
// there is one: voided before, or of another day and in the cross-day pool.
func knownOrder(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling) (o orders.Order, known, inPool bool, err error) {
	o, known, err = orders.Find(ctx, tx, w.Book.ID(), e.Subject, "")
	if err != nil || !known {
		return o, known, false, err
	}
	_, matched, err := orders.MatchOf(ctx, tx, w.Book.ID(), o)
	if err != nil {
		return o, known, false, err
	}
	if matched || o.Member != h.Member || o.Amount != e.Amount || o.Channel != e.Channel {
		return o, known, false, fault.Invalid("exception.adopt-known", e.Subject, o.Member, o.Amount).On("--member", h.Member)
	}
	_, inPool, err = orders.FindOpen(ctx, tx, w.Book.ID(), e.Subject, "")
	return o, known, inPool, err
}

// claimLegs is 认领: an unidentified receipt belongs to a member.
func claimLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling) ([]subaccounts.Leg, error) {
	if err := needMember(ctx, w, tx, h.Member, ""); err != nil {
		return nil, err
	}
	left, err := w.Book.Balance(ctx, tx, suspense(e.Subject))
	if err != nil {
		return nil, err
	}
	if -left != e.Amount { // the bank holds the receipt whole, or no more
		return nil, fault.Invalid("exception.part", e.Subject, -left, e.Amount)
	}
	return []subaccounts.Leg{subaccounts.Debit(suspense(e.Subject), e.Amount), subaccounts.Credit(withdrawable(h.Member), e.Amount)}, nil
}

// creditReturnLegs is 退票入户: a returned payout goes back to whose it was.
func creditReturnLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	p, found, err := payout.BySerial(ctx, tx, w.Book.ID(), e.Subject)
	if err != nil || !found {
		return nil, firstErr(err, fault.Broken("exception.payout", e.Subject))
	}
	return w.returnLegs(ctx, tx, p)
}

// voidLegs: the payment never happened, the order is void before its split.
func voidLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	order, held, err := escrowOf(ctx, w, tx, e.Subject)
	if err != nil {
		return nil, err
	}
	if held { // 担保交易: before the goods are shipped, the held money was never there
		return []subaccounts.Leg{subaccounts.Debit(order.Held(), e.Amount), subaccounts.Credit(exceptionKey(e), e.Amount)}, escrowState(order, states.EscrowPaid)
	}
	return []subaccounts.Leg{subaccounts.Debit(passThrough, e.Amount), subaccounts.Credit(exceptionKey(e), e.Amount)}, nil
}

// writeOffLegs: head office's risk fund bears the shortage.
func writeOffLegs(_ context.Context, _ *Work, _ *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	return []subaccounts.Leg{subaccounts.Debit(subaccounts.Key{Code: "2305"}, e.Amount), subaccounts.Credit(exceptionKey(e), e.Amount)}, nil
}

// feeLegs: head office bears what the channel took too much, or keeps the rest.
func feeLegs(_ context.Context, _ *Work, _ *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	fees := subaccounts.ChannelDay("2302", e.Channel, e.ClearingDate)
	due := subaccounts.ChannelDay("2501", e.Channel, e.ClearingDate)
	if e.Amount < 0 {
		return []subaccounts.Leg{subaccounts.Debit(due, -e.Amount), subaccounts.Credit(fees, -e.Amount)}, nil
	}
	return []subaccounts.Leg{subaccounts.Debit(fees, e.Amount), subaccounts.Credit(due, e.Amount)}, nil
}

func noLegs(context.Context, *Work, *store.Tx, exceptions.Exception, Handling) ([]subaccounts.Leg, error) {
	return nil, nil
}

// Propose records a maker's handling of an exception with the preview of its
// posting; a checker approves exactly that.
func (e *Engine) Propose(ctx context.Context, actor, id string, h Handling) (*Proposal, error) {
	w := e.work(0, actor, nil)
	var p *Proposal
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		x, err := exceptions.Find(ctx, tx, e.Book.ID(), id)
		if err != nil {
			return err
		}
		if p, err = w.preview(ctx, tx, x, h); err != nil {
			return err
		}
		if err := exceptions.Propose(ctx, tx, e.Book.ID(), id, h.Template, h); err != nil {
			return err
		}
		if p.ApprovalID, err = approval.NextID(ctx, tx, e.Book.ID(), "exception", id); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, p.ApprovalID, "exception", id, p)
	})
	return p, err
}

func (w *Work) preview(ctx context.Context, tx *store.Tx, x exceptions.Exception, h Handling) (*Proposal, error) {
	t, err := findTemplate(h.Template, x.Kind)
	if err != nil {
		return nil, err
	}
	if err := w.withinLimit(ctx, tx, t, x); err != nil {
		return nil, err
	}
	legs, err := t.legs(ctx, w, tx, x, h)
	return &Proposal{Exception: x.ID, Handling: h, Event: t.event, Legs: legs}, err
}

// Decision is what an approval or rejection did.
type Decision struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`
	Subject  string         `json:"subject"`
	State    approval.State `json:"state"`
	Vouchers []string       `json:"vouchers"` // event:reference of what was posted at once
}

// Approve is the checker's yes: what was submitted is done, dated the day that
// is collecting now.
func (e *Engine) Approve(ctx context.Context, actor, id string) (*Decision, error) {
	return e.decide(ctx, actor, id, approval.Approved, "")
}

// Reject is the checker's no.
func (e *Engine) Reject(ctx context.Context, actor, id, reason string) (*Decision, error) {
	return e.decide(ctx, actor, id, approval.Rejected, reason)
}

func (e *Engine) decide(ctx context.Context, actor, id string, to approval.State, reason string) (*Decision, error) {
	w := e.work(0, actor, nil)
	var d *Decision
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Check); err != nil {
			return err
		}
		a, err := approval.Decide(ctx, tx, e.Book.ID(), w.Stamp, actor, id, to, reason)
		if err != nil {
			return err
		}
		d = &Decision{ID: id, Kind: a.Kind, Subject: a.Subject, State: to, Vouchers: []string{}}
		decide, known := deciders()[a.Kind]
		if !known {
			return fault.Broken("approval.changed", a.ID)
		}
		return decide(w, ctx, tx, a, to, d)
	})
	if err != nil {
		return d, err
	}
	return d, e.writeInstructions(ctx)
}

// decideException posts what was approved, after comparing it with what the
// template would post now.
func (w *Work) decideException(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	x, err := exceptions.Find(ctx, tx, w.Book.ID(), a.Subject)
	if err != nil {
		return err
	}
	if to == approval.Rejected {
		return exceptions.Move(ctx, tx, w.Book.ID(), x.ID, exceptions.Assigned, 0)
	}
	var p Proposal
	if err := json.Unmarshal([]byte(a.Content), &p); err != nil {
		return err
	}
	now, err := w.preview(ctx, tx, x, p.Handling)
	if err != nil {
		return err
	}
	if fmt.Sprint(now.Legs) != fmt.Sprint(p.Legs) {
		return fault.Broken("approval.changed", a.ID)
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	if len(p.Legs) > 0 && p.Handling.Template != templateCorrect { // which posts a set of vouchers
		ref := date.Compact() + "." + x.ID + "." + x.Subject
		if err := w.post(ctx, tx, subaccounts.Posting{Date: date, Event: p.Event, Reference: ref, Source: "approval " + a.ID, Legs: p.Legs}); err != nil {
			return err
		}
		d.Vouchers = append(d.Vouchers, p.Event+":"+ref)
	}
	if err := w.intendInstruction(ctx, tx, a, x, date); err != nil {
		return err
	}
	t, err := findTemplate(p.Handling.Template, x.Kind)
	if err != nil {
		return err
	}
	return t.then(ctx, w, tx, x, p.Handling, date)
}

// ended closes the exception with its posting.
func ended(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling, date bizdate.Date) error {
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, date)
}

// noted closes an exception that needs no posting: two people have looked at it.
func noted(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	if h.Note == "" {
		return fault.Invalid("exception.note").On("--note", "")
	}
	key := exceptionKey(e)
	var standing money.Amount
	for _, k := range []subaccounts.Key{key, surplus(e.Subject), shortage(e.Subject), suspense(e.Subject)} {
		balance, err := w.Book.Balance(ctx, tx, k)
		if err != nil {
			return err
		}
		standing += balance.Abs()
	}
	if standing != 0 {
		return fault.Invalid("exception.money", e.ID, standing).On("--template", "note")
	}
	return ended(ctx, w, tx, e, h, date)
}

// adopted makes the order known: the next night splits it under the clearing
// date of the bill that listed it.
func adopted(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	bill, found, err := w.file(ctx, tx, fileBill, e.Channel, e.ClearingDate)
	if err != nil || !found {
		return firstErr(err, fault.Broken("exception.bill", e.ID))
	}
	rows, err := orders.OfBill(ctx, tx, w.Book.ID(), bill.ID, orders.Pay)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.OrderNo != e.Subject {
			continue
		}
		o, known, _, err := knownOrder(ctx, w, tx, e, h)
		if err == nil && !known {
			o, err = orders.Adopt(ctx, tx, w.Book.ID(), orders.Order{Kind: orders.Pay, OrderNo: r.OrderNo, Member: h.Member, Channel: e.Channel, Amount: r.Amount, Time: r.Time})
		}
		if err != nil {
			return err
		}
		if err := orders.MatchAdopted(ctx, tx, w.Book.ID(), o, bill.ID, r.Row, date); err != nil {
			return err
		}
		if err := w.endShortage(ctx, tx, e.Subject, date); err != nil {
			return err
		}
		if o.Escrow { // its money is held already: it only belongs to this bill now
			err := escrow.At(w.flowsOn(tx, date, "adopt "+e.ID)).MoveTo(ctx, o.OrderNo, e.ClearingDate)
			return firstErr(err, orders.Clear(ctx, tx, w.Book.ID(), o.OrderNo, "", date), ended(ctx, w, tx, e, h, date))
		}
		err = orders.AddAdopted(ctx, tx, w.Book.ID(), orders.Open{OrderNo: o.OrderNo, FileID: o.FileID, Row: o.Row, Member: o.Member, Channel: o.Channel,
			Amount: o.Amount, Time: o.Time, Since: date, BillFile: &bill.ID, BillRow: &r.Row})
		return firstErr(err, exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Posted, 0))
	}
	return fault.Broken("exception.bill", e.ID)
}

// endShortage closes what was open about an order as missing at the channel.
func (w *Work) endShortage(ctx context.Context, tx *store.Tx, orderNo string, date bizdate.Date) error {
	e, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), orderNo, exceptions.BankMiss, exceptions.Date)
	if err != nil || !found {
		return err
	}
	if e.State == exceptions.Proposed {
		return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, date)
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.AutoCleared, date)
}

// creditedReturn records the day on which a returned payout was credited.
func creditedReturn(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	p, _, err := payout.BySerial(ctx, tx, w.Book.ID(), e.Subject)
	if err != nil {
		return err
	}
	p.CreditedOn = &date
	if p.Kind == payout.Court { // frozen money is back: the bank's own ledger follows
		v, found, err := w.Book.VoucherByReference(ctx, tx, eventReturnCredit, date.Compact()+"."+e.ID+"."+e.Subject)
		if err != nil || !found {
			return firstErr(err, fault.Broken("exception.payout", e.Subject))
		}
		if err := w.tellReversal(ctx, tx, v.ID); err != nil {
			return err
		}
	}
	legs, err := w.returnLegs(ctx, tx, p)
	if err != nil {
		return err
	}
	for _, l := range legs {
		if l.Code == "2401" {
			if err := w.reopenSuspense(ctx, tx, l.Item, p.Amount, date); err != nil {
				return err
			}
		}
	}
	return firstErr(payout.Update(ctx, tx, w.Book.ID(), p.State, p), w.withheldBack(ctx, tx, p, date), ended(ctx, w, tx, e, h, date))
}

// voided takes an order out of 2102 for good.
func voided(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	_, held, err := escrowOf(ctx, w, tx, e.Subject)
	if err == nil && held {
		err = escrow.At(w.flowsOn(tx, date, "void "+e.ID)).Void(ctx, e.Subject)
	}
	return firstErr(err, orders.Clear(ctx, tx, w.Book.ID(), e.Subject, "", date), ended(ctx, w, tx, e, h, date))
}

// AssignException gives an exception to a person.
func (e *Engine) AssignException(ctx context.Context, actor, id, owner string) error {
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if _, err := exceptions.Find(ctx, tx, e.Book.ID(), id); err != nil {
			return err
		}
		return exceptions.Assign(ctx, tx, e.Book.ID(), id, owner)
	})
}

// Bind submits a bound account (绑定账户) of a member; it is used for payouts once
// a checker approved it.
func (e *Engine) Bind(ctx context.Context, actor string, b subaccounts.Binding) (string, error) {
	var id string
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		_, found, err := e.Book.GetMember(ctx, tx, b.Member)
		if err != nil || !found {
			return firstErr(err, fault.Invalid("member.unknown", b.Member).On("CODE", b.Member))
		}
		id, err = e.bind(ctx, tx, actor, e.Clock.Now(), b)
		return err
	})
	return id, err
}

// bind records the account and asks for a checker.
func (e *Engine) bind(ctx context.Context, tx *store.Tx, actor string, at time.Time, b subaccounts.Binding) (string, error) {
	if err := firstErr(checkBinding(b), e.checkOwner(ctx, tx, b)); err != nil {
		return "", err
	}
	b.Status = "PENDING"
	version, err := e.Book.Bind(ctx, tx, actor, at, b)
	if err != nil || e.Config.Payout.MicroPayments {
		return "", err
	}
	b.Version = version
	id := fmt.Sprintf("BIND-%s-%d", b.Member, version)
	return id, approval.Submit(ctx, tx, e.Book.ID(), at, actor, id, "binding", b.Member, b)
}

func (w *Work) decideBinding(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var approved subaccounts.Binding
	if err := json.Unmarshal([]byte(a.Content), &approved); err != nil {
		return err
	}
	now, found, err := w.Book.CurrentBinding(ctx, tx, a.Subject)
	if err != nil {
		return err
	}
	if !found || now != approved {
		return fault.Broken("approval.changed", a.ID)
	}
	if err := w.Book.VerifyBinding(ctx, tx, w.Actor, w.Stamp, a.Subject); err != nil {
		return err
	}
	return firstErr(w.decidedBinding(ctx, tx, now), w.endPayeeFaults(ctx, tx, a.Subject))
}

// endPayeeFaults closes what was open about the member's old account.
func (w *Work) endPayeeFaults(ctx context.Context, tx *store.Tx, member string) error {
	list, err := exceptions.StillOpen(ctx, tx, w.Book.ID())
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Kind != exceptions.Payee || e.Member != member {
			continue
		}
		date, err := w.collectingDay(ctx, tx)
		if err != nil {
			return err
		}
		if err := exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, date); err != nil {
			return err
		}
		if err := w.withdrawProposals(ctx, tx, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// withdrawProposals closes requests about an exception that has ended by
// itself: there is nothing left to approve.
func (w *Work) withdrawProposals(ctx context.Context, tx *store.Tx, exception string) error {
	pending, err := approval.All(ctx, tx, w.Book.ID(), approval.Pending)
	if err != nil {
		return err
	}
	for _, a := range pending {
		if a.Kind != "exception" || a.Subject != exception {
			continue
		}
		if _, err := approval.Decide(ctx, tx, w.Book.ID(), w.Stamp, nobody, a.ID, approval.Rejected, "OBSOLETE"); err != nil {
			return err
		}
	}
	return nil
}

// nobody stands as the checker of requests that time has overtaken.
const nobody = "timetable"
