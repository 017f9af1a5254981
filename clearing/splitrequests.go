package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/people"
	"custody/clearing/requests"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// SplitRequestView is where an order that is split by requests stands. Fen.
type SplitRequestView struct {
	OrderNo  string             `json:"order_no"`
	Member   string             `json:"member"`
	Channel  string             `json:"channel"`
	Clearing bizdate.Date       `json:"clearing_date"`
	Rule     string             `json:"rule"` // ID@VERSION
	Amount   money.Amount       `json:"amount_fen"`
	Fee      money.Amount       `json:"fee_fen"`  // of the channel, by its contract, that the order still bears or has borne
	Rest     money.Amount       `json:"rest_fen"` // what further requests may give
	Thaw     bizdate.Date       `json:"thaw_date"`
	Closed   *bizdate.Date      `json:"released"`
	Moves    []SplitRequestMove `json:"moves"`
}

// SplitRequestMove is one receiver's part of a request, return, refund or release.
type SplitRequestMove struct {
	No       int          `json:"no"`
	Kind     string       `json:"kind"`
	Receiver string       `json:"receiver"` // empty: head office, of REFUND the customer
	Amount   money.Amount `json:"amount_fen"`
	Date     bizdate.Date `json:"date"`
	Ref      string       `json:"ref"`
}

func viewOfRequests(s *requests.State) *SplitRequestView {
	v := &SplitRequestView{OrderNo: s.OrderNo, Member: s.Member, Channel: s.Channel, Clearing: s.Clearing, Rule: s.RuleID + "@" + strconv.Itoa(s.Version),
		Amount: s.Amount, Fee: s.FeeLeft(), Rest: s.Rest(), Thaw: s.Thaw, Closed: s.Closed, Moves: []SplitRequestMove{}}
	for _, m := range s.Moves {
		v.Moves = append(v.Moves, SplitRequestMove{m.No, m.Kind, m.Receiver, m.Amount, m.Date, m.Ref})
	}
	return v
}

// OrderRequests returns an order that is split by requests: else requests.unknown.
func (e *Engine) OrderRequests(ctx context.Context, orderNo string) (v *SplitRequestView, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		s, found, err := requests.Find(ctx, tx, e.Book.ID(), orderNo)
		if err == nil && !found {
			err = fault.Invalid("requests.unknown", orderNo).On("ORDER", orderNo)
		}
		v = viewOfRequests(&s)
		return err
	})
	return v, err
}

// onRequests does what a maker asks of an order that is split by requests, dated
// the day that is collecting now.
func (e *Engine) onRequests(ctx context.Context, actor, orderNo string, fn func(w *Work, tx *store.Tx, s *requests.State) error) (v *SplitRequestView, err error) {
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		w := e.work(0, actor, nil)
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if w.Date, err = w.collectingDay(ctx, tx); err != nil {
			return err
		}
		s, found, err := requests.Find(ctx, tx, e.Book.ID(), orderNo)
		if err != nil || !found {
			return firstErr(err, fault.Invalid("requests.unknown", orderNo).On("ORDER", orderNo))
		}
		if err := fn(w, tx, &s); err != nil {
			return err
		}
		v = viewOfRequests(&s)
		return nil
	})
	return v, err
}

// SplitOrder makes one request (分账请求): what head office names goes to receivers
// that the order's rule allows, within the limits of its contract. The same
// reference with the same parts is a no-op, with others requests.conflict; an order
// that is released already is requests.closed, a receiver that the rule does not
// name requests.receiver; the limits are those of [split.Requests.Add].
func (e *Engine) SplitOrder(ctx context.Context, actor, orderNo, ref string, parts ...split.Part) (*SplitRequestView, error) {
	return e.onRequests(ctx, actor, orderNo, func(w *Work, tx *store.Tx, s *requests.State) error {
		moves := make([]requests.Move, 0, len(parts))
		for _, p := range parts {
			i := slices.IndexFunc(moves, func(m requests.Move) bool { return m.Receiver == p.Owner })
			if i >= 0 {
				return fault.Invalid("split.twice").On("--receiver", p.Owner)
			}
			moves = append(moves, requests.Move{Kind: requests.Split, Receiver: p.Owner, Ref: ref, Date: w.Date, Amount: p.Amount})
		}
		if done, err := repeated(s, requests.Split, ref, moves); done || err != nil {
			return err
		}
		limits, err := w.checkRequest(ctx, tx, s, parts)
		if err != nil {
			return err
		}
		if err := s.Requests(limits).Add(parts...); err != nil {
			return err
		}
		ref := splitReference(s) + "/" + strconv.Itoa(s.Count(requests.Split)+1)
		return w.give(ctx, tx, s, ref, moves)
	})
}

// repeated reports whether an order has had the move with the reference: with the
// same parts it is done, with others requests.conflict.
func repeated(s *requests.State, kind, ref string, moves []requests.Move) (bool, error) {
	if ref == "" || len(ref) > maxRequestRef {
		return false, fault.Invalid("requests.ref", maxRequestRef).On("--ref", ref)
	}
	old := s.Of(kind, ref)
	if len(old) == 0 {
		return false, nil
	}
	same := len(old) == len(moves) && !slices.ContainsFunc(moves, func(m requests.Move) bool {
		return !slices.ContainsFunc(old, func(o requests.Move) bool { return o.Receiver == m.Receiver && o.Amount == m.Amount })
	})
	if !same {
		return false, fault.Invalid("requests.conflict", ref, s.OrderNo).On("--ref", ref)
	}
	return true, nil
}

// maxRequestRef bounds a caller's reference, as channels bound theirs: 64 characters.
const maxRequestRef = 64

// checkRequest refuses receivers that the order's rule does not name, and an order
// that takes no request any more; it returns the limits of its contract.
func (w *Work) checkRequest(ctx context.Context, tx *store.Tx, s *requests.State, parts []split.Part) (split.Limits, error) {
	if s.Closed != nil {
		return split.Limits{}, fault.Invalid("requests.closed", s.OrderNo, *s.Closed).On("ORDER", s.OrderNo)
	}
	c, err := w.ruleOf(ctx, tx, s.RuleID, s.Version)
	if err != nil {
		return split.Limits{}, err
	}
	chains, err := w.chains(ctx, tx)
	if err != nil {
		return split.Limits{}, err
	}
	chain := chains[s.Member]
	allowed := map[string]bool{}
	for _, l := range c.Levels {
		code := map[string]string{"region": chain.Region, "partner": chain.Partner}[l.To]
		if named, ok := strings.CutPrefix(l.To, "member:"); ok {
			code = named
		}
		allowed[code] = code != "" || l.To == "head_office"
	}
	for _, p := range parts {
		if !allowed[p.Owner] {
			return split.Limits{}, fault.Invalid("requests.receiver", c.ID+"@"+strconv.Itoa(s.Version)).On("--receiver", orHeadOffice(p.Owner))
		}
	}
	k := c.contract(w.Config.Limits)
	return split.Limits{SharePPM: k.SharePPM, Receivers: k.Receivers, Requests: k.Requests}, nil
}

func orHeadOffice(code string) string {
	if code == "" {
		return "head_office"
	}
	return code
}

// ruleOf reads one version of a rule as it was approved.
func (e *Engine) ruleOf(ctx context.Context, tx *store.Tx, id string, version int) (c RuleConfig, err error) {
	var raw string
	found, err := tx.Find(ctx, &raw, "SELECT content FROM split_rules WHERE custody_id = ? AND rule_id = ? AND version = ?", e.Book.ID(), id, version)
	if err == nil && found {
		err = json.Unmarshal([]byte(raw), &c)
	}
	if err != nil || !found {
		return c, fault.Broken("rule.content", id, version).Because(err)
	}
	return c, nil
}

// splitReference is what the release of an order refers to; a request adds /1, /2,
// a return /r1.
func splitReference(s *requests.State) string { return reference(s.Clearing, s.Channel, s.OrderNo) }

// pendingOf is where a receiver's part of the order stands.
func pendingOf(s *requests.State, receiver string) subaccounts.Key {
	item := s.Channel + "." + s.Clearing.Compact()
	if receiver == "" {
		return subaccounts.Key{Code: "2302", Item: item}
	}
	return subaccounts.Key{Code: "2002", Owner: receiver, Item: item}
}

// give posts what leaves 2102 to receivers and records it.
func (w *Work) give(ctx context.Context, tx *store.Tx, s *requests.State, ref string, moves []requests.Move) error {
	legs := []subaccounts.Leg{{}}
	earned := map[string]money.Amount{}
	var sum money.Amount
	for _, m := range moves {
		legs = append(legs, subaccounts.Credit(pendingOf(s, m.Receiver), m.Amount))
		earned[m.Receiver] += m.Amount
		sum += m.Amount // at most the rest of the order: no overflow
	}
	legs[0] = subaccounts.Debit(passThrough, sum)
	err := w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: eventSplit, Reference: ref, Source: source(s.FileID, s.Row), Legs: legs})
	return firstErr(err, s.Record(ctx, tx, w.Book.ID(), moves...), w.settle(ctx, tx, s.Channel, s.Clearing, earned))
}

// ReleaseOrder gives the franchisee what no request gave, and the channel its fee
// (解冻剩余). Released once more it is a no-op.
func (e *Engine) ReleaseOrder(ctx context.Context, actor, orderNo string) (*SplitRequestView, error) {
	return e.onRequests(ctx, actor, orderNo, func(w *Work, tx *store.Tx, s *requests.State) error {
		return w.releaseRest(ctx, tx, s, "")
	})
}

// releaseRest ends the requests of an order.
func (w *Work) releaseRest(ctx context.Context, tx *store.Tx, s *requests.State, ref string) error {
	if s.Closed != nil {
		return nil
	}
	rest, fee := s.Rest(), min(s.FeeLeft(), s.Left())
	if rest+fee > 0 {
		legs := []subaccounts.Leg{subaccounts.Debit(passThrough, rest+fee)}
		if rest > 0 {
			legs = append(legs, subaccounts.Credit(pendingOf(s, s.Member), rest))
		}
		if fee > 0 {
			legs = append(legs, subaccounts.Credit(subaccounts.ChannelDay("2501", s.Channel, s.Clearing), fee))
		}
		err := w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: eventSplit, Reference: splitReference(s), Source: source(s.FileID, s.Row), Legs: legs})
		if err != nil {
			return err
		}
	}
	return firstErr(
		s.Record(ctx, tx, w.Book.ID(), requests.Move{Kind: requests.Release, Receiver: s.Member, Ref: ref, Date: w.Date, Amount: rest, Fee: fee}),
		s.Close(ctx, tx, w.Book.ID(), w.Date),
		w.settle(ctx, tx, s.Channel, s.Clearing, map[string]money.Amount{s.Member: rest}))
}

// ReturnSplit takes back what a request gave a receiver (分账回退), into the order's
// rest. It is taken in the order of recovery of a refund. More than the receiver
// has of the order is requests.return, more than it has at all requests.recovery;
// a released order is requests.returned_late: its refunds take shares back by themselves.
func (e *Engine) ReturnSplit(ctx context.Context, actor, orderNo, ref string, part split.Part) (*SplitRequestView, error) {
	return e.onRequests(ctx, actor, orderNo, func(w *Work, tx *store.Tx, s *requests.State) error {
		move := requests.Move{Kind: requests.Return, Receiver: part.Owner, Ref: ref, Date: w.Date, Amount: -part.Amount}
		if done, err := repeated(s, requests.Return, ref, []requests.Move{move}); done || err != nil {
			return err
		}
		has := s.Given()[part.Owner]
		switch {
		case s.Closed != nil:
			return fault.Invalid("requests.returned_late", orderNo, *s.Closed).On("ORDER", orderNo)
		case part.Amount <= 0 || part.Amount > has:
			return fault.Invalid("requests.return", part.Amount, has, orHeadOffice(part.Owner)).On("--amount", part.Amount.String())
		}
		ch, _ := w.Config.Channel(s.Channel)
		posting, ok, err := w.returnPosting(ctx, tx, ch, s, []requests.Move{move})
		if err == nil && !ok {
			err = fault.Invalid("requests.recovery", orHeadOffice(part.Owner), part.Amount).On("--amount", part.Amount.String())
		}
		if err != nil {
			return err
		}
		return firstErr(w.post(ctx, tx, posting), w.returned(ctx, tx, s, []requests.Move{move}))
	})
}

// returnPosting is the voucher of returns: from where the receivers still have
// money into 2102. ok is false where they, the deposit and head office's reserve
// have too little.
func (w *Work) returnPosting(ctx context.Context, tx *store.Tx, ch Channel, s *requests.State, moves []requests.Move) (p subaccounts.Posting, ok bool, err error) {
	owners, parts := []string{}, []money.Amount{}
	var sum, ofHeadOffice money.Amount
	for _, m := range moves {
		sum -= m.Amount
		if m.Receiver == "" {
			ofHeadOffice -= m.Amount
			continue
		}
		owners, parts = append(owners, m.Receiver), append(parts, -m.Amount)
	}
	legs, ok, err := w.recover(ctx, tx, ch, append(owners, ""), split.Shares{Parts: append(parts, ofHeadOffice)})
	return subaccounts.Posting{Date: w.Date, Event: eventSplitReturn, Reference: splitReference(s) + "/r" + strconv.Itoa(s.Count(requests.Return)+1),
		Source: source(s.FileID, s.Row), Legs: append(legs, subaccounts.Credit(passThrough, sum))}, ok, err
}

// returned records returns and takes them off what the receivers earned that day.
func (w *Work) returned(ctx context.Context, tx *store.Tx, s *requests.State, moves []requests.Move) error {
	given := map[string]money.Amount{}
	for _, m := range moves {
		given[m.Receiver] += m.Amount
	}
	return firstErr(s.Record(ctx, tx, w.Book.ID(), moves...), w.settle(ctx, tx, s.Channel, w.Date, given))
}
