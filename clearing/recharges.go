package clearing

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"custody/bankfiles/inspect"
	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/people"
	"custody/clearing/recharge"
	"custody/clearing/reconcile"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/remote"
	"custody/internal/signing"
	"custody/internal/store"
)

// RechargeRequest is a card that a member tops its account up with.
type RechargeRequest struct {
	Card      string // number or prefix: it chooses the operator's platform
	PIN       string // never kept and never printed
	Face      money.Amount
	Member    string
	Reference string
}

// pinKeyBytes is the length of the key of PIN hashes: that of the hash.
const pinKeyBytes = 32

// onRecharge is one step of a recharge, in a transaction of its own.
func (w *Work) onRecharge(ctx context.Context, fn func(recharge.Recharges) error) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		date, err := w.collectingDay(ctx, tx)
		if err != nil {
			return err
		}
		return fn(recharge.At(w.flowsOn(tx, date, "recharge")))
	})
}

// Recharge tops a member's account up: request, authenticate, debit, credit, each
// written before the next. The same request once more goes on where the first
// one stopped. recharge.waits: the debit's answer is not known; it is asked for
// by [Engine.MendRecharges].
func (e *Engine) Recharge(ctx context.Context, actor string, q RechargeRequest) (recharge.Recharge, error) {
	w := e.work(0, actor, nil)
	r, gateway, err := e.newRecharge(q)
	if err != nil {
		return r, err
	}
	err = w.onRecharge(ctx, func(s recharge.Recharges) error {
		if err := firstErr(people.Require(ctx, s.Tx, actor, people.Make), needMember(ctx, w, s.Tx, q.Member, "")); err != nil {
			return err
		}
		operator, platform, err := e.Config.Recharge.Of(q.Card)
		if err != nil {
			return err
		}
		ratio, err := operator.RatioOf(platform.Province, q.Face, s.Date)
		if err != nil {
			return err
		}
		r.MemberPPM, r.OperatorPPM, r.Version = ratio.MemberPPM, ratio.OperatorPPM, ratio.Version
		r, err = s.Request(ctx, r)
		return err
	})
	if err != nil {
		return r, err
	}
	if r.State == states.RechargeReceived {
		if err := e.authenticate(ctx, w, gateway, &r, q.PIN); err != nil || r.State == states.RechargeAuthFail {
			return r, err
		}
		if err := e.debit(ctx, w, gateway, &r, q.PIN); err != nil {
			return r, err
		}
	}
	return r, w.endRecharge(ctx, &r)
}

// newRecharge checks a request and finds the operator's platform.
func (e *Engine) newRecharge(q RechargeRequest) (recharge.Recharge, recharge.Gateway, error) {
	var none recharge.Recharge
	switch {
	case q.Reference == "" || len(q.Reference) > maxItem || strings.ContainsAny(q.Reference, " |\n"):
		return none, recharge.Gateway{}, fault.Invalid("recharge.ref", maxItem).On("--ref", q.Reference)
	case q.Face <= 0:
		return none, recharge.Gateway{}, fault.Invalid("flows.amount", q.Face).On("--face", q.Face.String())
	}
	if err := recharge.CheckPIN(q.PIN); err != nil {
		return none, recharge.Gateway{}, err
	}
	operator, platform, err := e.Config.Recharge.Of(q.Card)
	if err != nil {
		return none, recharge.Gateway{}, err
	}
	key, err := signing.LoadOrCreateSecret(filepath.Join(e.Home, "keys", "recharge"), pinKeyBytes, e.random)
	if err != nil {
		return none, recharge.Gateway{}, err
	}
	// What is kept of the card is what chose the platform, never all of its number.
	prefix := q.Card[:min(len(q.Card), 8)]
	return recharge.Recharge{Reference: q.Reference, Member: q.Member, Operator: operator.Code, Platform: platform.Name, Province: platform.Province,
		CardPrefix: prefix, PINHash: recharge.Hash(key, operator.Code, q.PIN), Face: q.Face}, e.gateway(platform), nil
}

func (e *Engine) gateway(p recharge.Platform) recharge.Gateway {
	c := e.Config.Recharge
	return recharge.Gateway{Remote: remote.New(c.Timeout(), c.PlainHTTP), URL: p.URL}
}

// authenticate asks for the card; without an answer nothing was debited and the
// same request may be made again.
func (e *Engine) authenticate(ctx context.Context, w *Work, g recharge.Gateway, r *recharge.Recharge, pin string) error {
	a, err := g.Authenticate(ctx, *r, pin)
	if err != nil {
		return err
	}
	event := states.RechargeAccept
	if a.Code == recharge.CodeRefused {
		event = states.RechargeRefuse
	}
	return w.onRecharge(ctx, func(s recharge.Recharges) error { return s.Move(ctx, r, event, a.Code) })
}

// debit sends the debit once. Whatever is no clear answer leaves it unknown.
func (e *Engine) debit(ctx context.Context, w *Work, g recharge.Gateway, r *recharge.Recharge, pin string) error {
	a, failure := g.Debit(ctx, *r, pin)
	return w.onRecharge(ctx, func(s recharge.Recharges) error {
		if failure != nil && fault.CodeOf(failure) != "remote.refused" {
			r.NextQuery = recharge.NextQuery(w.Stamp, 0).UnixMilli()
			return s.Move(ctx, r, states.RechargeTimeOut, fault.CodeOf(failure))
		}
		return answered(ctx, s, r, a)
	})
}

// answered writes what the operator says of a debit.
func answered(ctx context.Context, s recharge.Recharges, r *recharge.Recharge, a recharge.Answer) error {
	r.NextQuery = 0
	if a.Code != recharge.CodeDebited {
		return s.Move(ctx, r, states.RechargeNoDebit, a.Code)
	}
	r.OperatorNo, r.Clearing = a.OperatorNo, a.Clearing
	return s.Move(ctx, r, states.RechargeDebit, a.Code)
}

// endRecharge credits what is debited, and says of an unknown debit that it is
// waited for.
func (w *Work) endRecharge(ctx context.Context, r *recharge.Recharge) error {
	switch r.State {
	case states.RechargeDebited:
		return w.onRecharge(ctx, func(s recharge.Recharges) error { return w.credit(ctx, s, r) })
	case states.RechargeUnknown, states.RechargeAuth:
		return fault.Wait("recharge.waits", r.Reference)
	}
	return nil
}

// credit posts E10a and notes the recharge among our trades of the operator's
// channel, so that the settlement of its date is compared with it row by row.
func (w *Work) credit(ctx context.Context, s recharge.Recharges, r *recharge.Recharge) error {
	if err := s.Credit(ctx, r); err != nil {
		return err
	}
	_, known, err := orders.Find(ctx, s.Tx, w.Book.ID(), r.Reference, "")
	if err != nil || known {
		return err
	}
	_, err = orders.Adopt(ctx, s.Tx, w.Book.ID(), orders.Order{Kind: orders.Pay, OrderNo: r.Reference, Member: r.Member, Channel: r.Operator,
		Amount: r.Face, Time: r.Clearing.At(12, 0).Unix(), Escrow: true})
	if err != nil {
		return err
	}
	share, err := r.Face.MulRate(r.MemberPPM, money.Floor)
	if err != nil {
		return err
	}
	return w.settle(ctx, s.Tx, r.Operator, r.Clearing, map[string]money.Amount{r.Member: share})
}

// Mended is what became of the recharges that were not at their end.
type Mended struct {
	Credited int `json:"credited"`
	Failed   int `json:"failed"`
	Waiting  int `json:"waiting"`
}

// MendRecharges asks for debits whose answer is unknown, when their time has
// come, and credits what is debited and not credited. all asks at once.
func (e *Engine) MendRecharges(ctx context.Context, actor string, all bool) (Mended, error) {
	w := e.work(0, actor, nil)
	var open []recharge.Recharge
	err := w.onRecharge(ctx, func(s recharge.Recharges) error {
		if err := people.Require(ctx, s.Tx, actor, people.Run); err != nil {
			return err
		}
		for _, state := range []states.RechargeState{states.RechargeDebited, states.RechargeUnknown, states.RechargeAuth} {
			list, err := s.InState(ctx, state, state)
			if err != nil {
				return err
			}
			open = append(open, list...)
		}
		return nil
	})
	var m Mended
	for i := range open {
		if err != nil {
			return m, err
		}
		err = w.mend(ctx, &open[i], all)
		switch open[i].State {
		case states.RechargeCredited:
			m.Credited++
		case states.RechargeFailed:
			m.Failed++
		default:
			m.Waiting++
		}
	}
	return m, err
}

// sentGrace is how long a debit may be under way before its process counts as
// killed: far longer than a call may take.
const sentGrace = 10 * time.Minute

// mend takes one recharge as far as it goes now.
func (w *Work) mend(ctx context.Context, r *recharge.Recharge, all bool) error {
	if r.State == states.RechargeAuth { // its process was killed around the debit: it may have been sent
		err := w.onRecharge(ctx, func(s recharge.Recharges) error {
			r.NextQuery = w.Stamp.Add(sentGrace).UnixMilli()
			return s.Move(ctx, r, states.RechargeTimeOut, "KILLED")
		})
		if err != nil {
			return err
		}
	}
	if r.State == states.RechargeUnknown && (all || r.NextQuery <= w.Stamp.UnixMilli()) {
		platform, known := w.platform(*r)
		if !known {
			return fault.Invalid("recharge.prefix").On("platform", r.Platform)
		}
		a, failure := w.gateway(platform).Query(ctx, *r)
		err := w.onRecharge(ctx, func(s recharge.Recharges) error {
			if failure != nil {
				return s.Asked(ctx, *r, w.Stamp)
			}
			return answered(ctx, s, r, a)
		})
		if err != nil {
			return err
		}
	}
	if r.State == states.RechargeDebited {
		return w.endRecharge(ctx, r)
	}
	return nil
}

func (e *Engine) platform(r recharge.Recharge) (recharge.Platform, bool) {
	for _, o := range e.Config.Recharge.Operators {
		for _, p := range o.Platforms {
			if o.Code == r.Operator && p.Name == r.Platform {
				return p, true
			}
		}
	}
	return recharge.Platform{}, false
}

// Recharges lists the top-ups.
func (e *Engine) Recharges(ctx context.Context) (list []recharge.Recharge, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = recharge.At(e.work(0, "", nil).flowsOn(tx, 0, "")).All(ctx, maxEscrowsListed)
		return err
	})
	return list, err
}

// recharged brings the recharges of an operator's clearing date among our trades.
// The settlement is the operator's word: a debit that was unknown and is listed
// happened, and what was debited and not credited is credited now.
func (r *channelRecon) recharged(ctx context.Context, tx *store.Tx) error {
	if r.ch.Bill != string(inspect.CardSettle) {
		return nil
	}
	w := r.w
	s := recharge.At(w.flowsOn(tx, r.date, "settlement "+r.ch.Code+" "+r.date.String()))
	listed := map[string]orders.BillRow{}
	for _, t := range r.in.Theirs {
		if t.Kind == reconcile.Pay {
			listed[t.OrderNo] = orders.BillRow{Amount: t.Amount}
		}
	}
	unknown, err := s.InState(ctx, states.RechargeUnknown, states.RechargeDebited)
	if err != nil {
		return err
	}
	for i := range unknown {
		if u := &unknown[i]; u.Operator == r.ch.Code {
			if err := r.settleUnknown(ctx, s, u, listed); err != nil {
				return err
			}
		}
	}
	credited, err := s.CreditedOn(ctx, r.ch.Code, r.date)
	if err != nil {
		return err
	}
	for _, c := range credited {
		o, found, err := orders.Find(ctx, tx, w.Book.ID(), c.Reference, "")
		if err != nil {
			return err
		}
		if found {
			r.in.Ours = append(r.in.Ours, reconcile.Trade{Ref: reconcile.Ref{File: o.FileID, Row: int32(o.Row)}, Kind: reconcile.Pay,
				OrderNo: o.OrderNo, Amount: o.Amount, Time: o.Time})
		}
	}
	return nil
}

// settleUnknown credits a recharge that the settlement lists with its face value.
func (r *channelRecon) settleUnknown(ctx context.Context, s recharge.Recharges, u *recharge.Recharge, listed map[string]orders.BillRow) error {
	row, ok := listed[u.Reference]
	if u.State == states.RechargeUnknown {
		if !ok || row.Amount != u.Face {
			return nil
		}
		u.Clearing, u.NextQuery = r.date, 0
		if err := s.Move(ctx, u, states.RechargeDebit, "SETTLED"); err != nil {
			return err
		}
	}
	if u.Clearing != r.date {
		return nil
	}
	err := r.w.credit(ctx, s, u)
	if refused(err) { // a closed or frozen member: a person decides
		return r.w.open(ctx, s.Tx, exceptions.Exception{Kind: exceptions.Status, Subject: u.Reference, Channel: u.Operator, ClearingDate: r.date,
			Member: u.Member, Amount: u.Face, Ours: fault.CodeOf(err)})
	}
	return err
}

// cardEvents are the events of an operator's money, which have names of their own.
func (w *Work) cardEvents(channel, event string) string {
	ch, _ := w.Config.Channel(channel)
	if ch.Bill != string(inspect.CardSettle) {
		return event
	}
	switch event {
	case eventArrive:
		return "E10b"
	case eventRelease:
		return "E10c"
	}
	return event
}

// checkRecharge is the part of [Config.validate] that is about operators.
func (c *Config) checkRecharge(need func(ok bool, field, value string)) {
	for _, o := range c.Recharge.Operators {
		ch, known := c.Channel(o.Code)
		need(known && ch.Bill == string(inspect.CardSettle), "recharge.operators.code", o.Code)
		for _, p := range o.Platforms {
			secure := strings.HasPrefix(p.URL, "https://") || c.Recharge.PlainHTTP && strings.HasPrefix(p.URL, "http://")
			need(secure, "recharge.platforms.url", p.URL)
			need(p.Name != "" && len(p.Prefixes) > 0, "recharge.platforms.prefixes", p.Name)
		}
		for _, r := range o.Ratios {
			_, err := bizdate.Parse(r.Effective)
			need(err == nil, "recharge.ratios.effective", r.Effective)
			need(r.MemberPPM >= 0 && r.OperatorPPM >= 0 && r.MemberPPM+r.OperatorPPM <= money.PPM, "recharge.ratios.ppm", o.Code)
		}
	}
}
