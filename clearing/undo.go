package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/matches"
	"custody/clearing/orders"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/reconcile"
	"custody/clearing/requests"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// heldUndone holds a channel's money whose arrival a person took back.
const heldUndone = "UNDONE"

// tradePrefix begins the id of a match of an order with its bill row: T:ORDER.
const tradePrefix = "T:"

// Undone is what taking matches back has done: at once, or after a checker's yes.
type Undone struct {
	IDs        []string `json:"undone"`
	ApprovalID string   `json:"approval_id"`
}

// UndoMatch takes a match back (撤销匹配), until its day is signed off. Lines of
// bank and books are open again at once, and held. The match of an order moved
// money: it is taken back by two people, and corrected on the day that collects.
func (e *Engine) UndoMatch(ctx context.Context, actor, id, reason string) (*Undone, error) {
	w := e.work(0, actor, nil)
	u := &Undone{IDs: []string{}}
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		*u = Undone{IDs: []string{}}
		if err := w.mayUndo(ctx, tx, reason); err != nil {
			return err
		}
		if number, ok := strings.CutPrefix(id, tradePrefix); ok {
			var err error
			u.ApprovalID, err = w.askUndoTrade(ctx, tx, number, reason)
			return err
		}
		u.IDs = append(u.IDs, id)
		return w.undo(ctx, tx, id, reason)
	})
	return u, err
}

// UndoMatches takes back every match of a side, date and rule: what one bulk
// action or one rule has done. It takes all of them back or none.
func (e *Engine) UndoMatches(ctx context.Context, actor string, date bizdate.Date, side matches.Side, rule, reason string) (*Undone, error) {
	w := e.work(0, actor, nil)
	u := &Undone{IDs: []string{}}
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		*u = Undone{IDs: []string{}}
		if err := w.mayUndo(ctx, tx, reason); err != nil {
			return err
		}
		list, err := matches.OfDate(ctx, tx, e.Book.ID(), date, side)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.State != matches.Confirmed || rule != "" && m.Rule != rule {
				continue
			}
			u.IDs = append(u.IDs, m.ID)
			if err := w.undo(ctx, tx, m.ID, reason); err != nil {
				return err
			}
		}
		return nil
	})
	return u, err
}

func (w *Work) mayUndo(ctx context.Context, tx *store.Tx, reason string) error {
	if reason == "" {
		return fault.Invalid("match.reason").On("--reason", "")
	}
	return people.Require(ctx, tx, w.Actor, people.Make)
}

func (w *Work) undo(ctx context.Context, tx *store.Tx, id, reason string) error {
	m, err := matches.Find(ctx, tx, w.Book.ID(), id)
	if err != nil {
		return err
	}
	date, err := w.matchDay(ctx, tx, m.Date)
	if err != nil {
		return err
	}
	if _, err := matches.Undo(ctx, tx, w.Book.ID(), date, w.Actor, id, reason); err != nil {
		return err
	}
	if m.Side == matches.Channel {
		return w.holdArrival(ctx, tx, m, heldUndone)
	}
	return nil
}

// matchDay is the day from which an undoing or a match by hand counts: the
// match's own day while it is reopened, else the day that collects. A day that
// is signed off allows neither, nor one whose night still runs.
func (w *Work) matchDay(ctx context.Context, tx *store.Tx, of bizdate.Date) (bizdate.Date, error) {
	d, found, err := w.day(ctx, tx, of)
	if err != nil {
		return 0, err
	}
	if found && d.State == DayReopened {
		return of, nil
	}
	if found && !d.closed() && d.State != DayOpen {
		return 0, fault.Invalid("match.day", of, string(d.State)).On("ID", of.String())
	}
	signed, err := w.signed(ctx, tx, of)
	if err != nil {
		return 0, err
	}
	if signed {
		return 0, fault.Invalid("match.signed", of).On("ID", of.String())
	}
	return w.collectingDay(ctx, tx)
}

// holdArrival holds what a channel's match released, or lets it go again: money
// that has not been released stays where it is while a person looks.
func (w *Work) holdArrival(ctx context.Context, tx *store.Tx, m matches.Match, reason string) error {
	for _, l := range m.Lines {
		channel, day, ok := strings.Cut(l.Key, ".")
		date, err := bizdate.Parse(day)
		if l.Part != matches.Ours || !ok || err != nil {
			continue
		}
		if _, err := tx.Exec(ctx, "UPDATE channel_days SET held_reason = ? WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
			reason, w.Book.ID(), channel, date); err != nil {
			return err
		}
	}
	return nil
}

// ByHand is a match that a person makes: of open lines, equal to the fen.
type ByHand struct {
	Side         matches.Side
	Ours, Theirs []string // keys
	Evidence     string
	Alternatives int
}

// Confirm makes the match that a suggestion proposes.
func (e *Engine) Confirm(ctx context.Context, actor, suggestion string) (m matches.Match, err error) {
	var list []matches.Suggestion
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = matches.Suggestions(ctx, tx, e.Book.ID(), 0, suggestion)
		return err
	})
	if err != nil {
		return m, err
	}
	if suggestion == "" || len(list) != 1 {
		return m, fault.Invalid("match.suggestion", suggestion).On("ID", suggestion)
	}
	s := list[0]
	return e.MatchByHand(ctx, actor, ByHand{s.Side, s.Ours, s.Theirs, s.Evidence, s.Alternatives})
}

// MatchByHand matches open lines of a side. match.open names a line that is not
// open, match.amount the difference of sums: nothing bypasses the amount.
func (e *Engine) MatchByHand(ctx context.Context, actor string, h ByHand) (m matches.Match, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		m = matches.Match{Rule: ruleByHand, Version: reconcile.StandardPlan().Version, Evidence: h.Evidence, Alternatives: max(h.Alternatives, 1)}
		open, err := matches.StillOpen(ctx, tx, e.Book.ID(), h.Side)
		if err != nil {
			return err
		}
		var latest bizdate.Date
		for part, keys := range map[matches.Part][]string{matches.Ours: h.Ours, matches.Theirs: h.Theirs} {
			for _, key := range keys {
				i := slices.IndexFunc(open, func(o matches.OpenLine) bool { return o.Part == part && o.Key == key })
				if i < 0 {
					return fault.Invalid("match.open", key).On("line", key)
				}
				m.Lines, latest = append(m.Lines, open[i].Line), max(latest, open[i].Since)
			}
		}
		if err := balanced(h.Side, m.Lines); err != nil {
			return err
		}
		date, err := w.matchDay(ctx, tx, latest)
		if err != nil {
			return err
		}
		list := []matches.Match{m}
		if err := matches.Save(ctx, tx, e.Book.ID(), h.Side, date, actor, list); err != nil {
			return err
		}
		m = list[0]
		if h.Side == matches.Channel {
			return w.holdArrival(ctx, tx, m, "")
		}
		return w.explainLines(ctx, tx, m, date)
	})
	return m, err
}

// balanced holds a match by hand to the fen: both sums are equal, or, where the
// lines are of one side, they undo each other.
func balanced(side matches.Side, lines []matches.Line) error {
	var ours, theirs money.Amount
	n := 0
	for _, l := range lines {
		if l.Part == matches.Ours {
			ours += l.Amount
			n++
		} else {
			theirs += l.Amount
		}
	}
	oneSided := n == 0 || n == len(lines)
	if len(lines) < 2 || ours != theirs || oneSided && side != matches.Book {
		return fault.Invalid("match.amount", ours, theirs, (ours-theirs).Abs()).On("lines", "")
	}
	return nil
}

// explainLines tells the bank lines of a match by hand which voucher explains
// them, and a payout that its debit has come.
func (w *Work) explainLines(ctx context.Context, tx *store.Tx, m matches.Match, date bizdate.Date) error {
	ours := slices.IndexFunc(m.Lines, func(l matches.Line) bool { return l.Part == matches.Ours })
	if m.Side != matches.Book || ours < 0 {
		return nil
	}
	voucher := m.Lines[ours].Key
	for _, l := range m.Lines {
		if l.Part != matches.Theirs {
			continue
		}
		line, found, err := w.bankLineByRef(ctx, tx, l.Key)
		if err != nil || !found || line.MatchedTo != "" {
			return firstErr(err, nil)
		}
		if err := w.matchLine(ctx, tx, line.ID, line.Use, voucher, date); err != nil {
			return err
		}
		if serial, paid := strings.CutPrefix(voucher, eventPaid+":"); paid {
			p, found, err := payout.BySerial(ctx, tx, w.Book.ID(), serial)
			if err != nil || !found {
				return err
			}
			p.DebitLine = &line.ID
			if err := payout.Update(ctx, tx, w.Book.ID(), p.State, p); err != nil {
				return err
			}
		}
		w.Date = date
		if err := firstErr(w.endCase(ctx, tx, l.Key, exceptions.OffSystem), w.endCase(ctx, tx, l.Key, exceptions.Duplicate)); err != nil {
			return err
		}
	}
	return nil
}

// tradeUndo is what two people approve when an order's match is taken back.
type tradeUndo struct {
	OrderNo  string       `json:"order_no"`
	Member   string       `json:"member"`
	Channel  string       `json:"channel"`
	Clearing bizdate.Date `json:"clearing_date"`
	Amount   money.Amount `json:"amount_fen"`
	Voucher  string       `json:"split_voucher"` // reversed in red; empty where the order was not split
	Reason   string       `json:"reason"`
}

// undoneTrade says what taking back the match of an order would do now.
func (w *Work) undoneTrade(ctx context.Context, tx *store.Tx, orderNo, reason string) (t tradeUndo, o orders.Order, m orders.Match, err error) {
	o, found, err := orders.Find(ctx, tx, w.Book.ID(), orderNo, "")
	if err != nil || !found {
		return t, o, m, firstErr(err, fault.Invalid("match.unknown", tradePrefix+orderNo).On("ID", orderNo))
	}
	m, found, err = orders.MatchOf(ctx, tx, w.Book.ID(), o)
	if err != nil || !found {
		return t, o, m, firstErr(err, fault.Invalid("match.unknown", tradePrefix+orderNo).On("ID", orderNo))
	}
	if _, asked, err := requests.Find(ctx, tx, w.Book.ID(), orderNo); err != nil || asked {
		return t, o, m, firstErr(err, fault.Invalid("requests.undo", orderNo).On("ID", orderNo))
	}
	refunds, err := orders.RefundsOf(ctx, tx, w.Book.ID(), orderNo)
	if err != nil {
		return t, o, m, err
	}
	if len(refunds) > 0 {
		return t, o, m, fault.Invalid("match.refunded", orderNo).On("ID", orderNo)
	}
	t = tradeUndo{OrderNo: orderNo, Member: o.Member, Channel: o.Channel, Clearing: m.Clearing, Amount: o.Amount, Reason: reason}
	v, split, err := w.Book.VoucherByReference(ctx, tx, eventSplit, reference(m.Date, o.Channel, orderNo))
	if err != nil {
		return t, o, m, err
	}
	if split {
		t.Voucher = v.Name()
		return t, o, m, nil
	}
	if _, waits, err := orders.FindOpen(ctx, tx, w.Book.ID(), orderNo, ""); err != nil || !waits {
		return t, o, m, firstErr(err, fault.Invalid("match.split-later", orderNo).On("ID", orderNo))
	}
	return t, o, m, nil
}

func (w *Work) askUndoTrade(ctx context.Context, tx *store.Tx, orderNo, reason string) (string, error) {
	t, _, m, err := w.undoneTrade(ctx, tx, orderNo, reason)
	if err != nil {
		return "", err
	}
	if _, err := w.matchDay(ctx, tx, m.Date); err != nil {
		return "", err
	}
	subject := "UNDO-" + orderNo
	id, err := approval.NextID(ctx, tx, w.Book.ID(), "match-undo", subject)
	if err != nil {
		return "", err
	}
	return id, approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, id, "match-undo", subject, t)
}

// decideUndoTrade takes the match of an order back: its split is reversed in red,
// the order waits in the pool (E14c) and the channel's row is a surplus (E14a),
// each with its exception, so that 1122 stays what the bill says. Shares that
// have been released are not taken back this way: match.released.
func (w *Work) decideUndoTrade(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var approved tradeUndo
	if err := json.Unmarshal([]byte(a.Content), &approved); err != nil {
		return err
	}
	now, o, m, err := w.undoneTrade(ctx, tx, approved.OrderNo, approved.Reason)
	if err != nil {
		return err
	}
	if now != approved {
		return fault.Broken("approval.changed", a.ID)
	}
	if w.Date, err = w.matchDay(ctx, tx, m.Date); err != nil {
		return err
	}
	if w.Date == m.Date { // a reopened day takes no posting either
		if w.Date, err = w.collectingDay(ctx, tx); err != nil {
			return err
		}
	}
	if err := w.reverseSplit(ctx, tx, o, m, d); err != nil {
		return err
	}
	ref := reference(w.Date, o.Channel, o.OrderNo)
	for _, p := range []subaccounts.Posting{
		{Event: eventSurplus, Legs: []subaccounts.Leg{subaccounts.Debit(owed(o.Channel, m.Clearing), o.Amount), subaccounts.Credit(surplus(o.OrderNo), o.Amount)}},
		{Event: eventShortage, Legs: []subaccounts.Leg{subaccounts.Debit(shortage(o.OrderNo), o.Amount), subaccounts.Credit(owed(o.Channel, m.Clearing), o.Amount)}},
	} {
		p.Date, p.Reference, p.Source = w.Date, ref, "approval "+a.ID
		if err := w.post(ctx, tx, p); err != nil {
			return err
		}
		d.Vouchers = append(d.Vouchers, p.Event+":"+ref)
	}
	if err := orders.UndoMatch(ctx, tx, w.Book.ID(), o, m, w.Date, w.Actor, approved.Reason); err != nil {
		return err
	}
	e := exceptions.Exception{Subject: o.OrderNo, Channel: o.Channel, ClearingDate: m.Clearing, Amount: o.Amount}
	ours, theirs := e, e
	ours.Kind, ours.Member, ours.State = exceptions.BankMiss, o.Member, exceptions.InPool
	theirs.Kind = exceptions.PlatformMiss
	return firstErr(w.open(ctx, tx, ours), w.open(ctx, tx, theirs))
}

// reverseSplit reverses the split of an order in red, and lowers what its day's
// settlements say was credited.
func (w *Work) reverseSplit(ctx context.Context, tx *store.Tx, o orders.Order, m orders.Match, d *Decision) error {
	v, split, err := w.Book.VoucherByReference(ctx, tx, eventSplit, reference(m.Date, o.Channel, o.OrderNo))
	if err != nil || !split {
		return err
	}
	_, err = w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, w.Date, "undo "+o.OrderNo)
	if refused(err) {
		return fault.Invalid("match.released", o.OrderNo).On("ID", o.OrderNo).Because(err)
	}
	if err != nil {
		return err
	}
	d.Vouchers = append(d.Vouchers, "E17:"+v.Event+":"+v.Reference)
	for _, entry := range v.Entries {
		if entry.Code != "2002" {
			continue
		}
		_, err := tx.Exec(ctx, "UPDATE settlements SET credit_fen = credit_fen - ? WHERE custody_id = ? AND clearing_date = ? AND channel = ? AND member = ?",
			-entry.Amount, w.Book.ID(), m.Clearing, o.Channel, entry.Owner)
		if err != nil {
			return err
		}
	}
	return nil
}
