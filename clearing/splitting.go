package clearing

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// toSplit is one order of this night's split with its clearing date.
type toSplit struct {
	orders.Order
	clearing bizdate.Date
	returned money.Amount // refunded before the split
	feeBack  money.Amount // and of that, fee that the channel gave back
	waited   bool         // since an earlier night, or since a checker adopted it
}

// stepSplitOrders divides each matched order among those who share in it (E2,
// 清分). An order whose parts do not fit stays in 2102 as an exception; the
// others go on.
func (w *Work) stepSplitOrders(ctx context.Context, ch Channel) (Counts, error) {
	early, err := w.isDone(ctx, stepRefunds, ch.Code)
	if err != nil || !early {
		return Counts{}, err
	}
	bill, _, err := w.fileNow(ctx, fileBill, ch.Code)
	if err != nil {
		return Counts{}, err
	}
	var s *splitter
	return w.inGroups(ctx, stepSplit, ch.Code, []string{bill.SHA256}, func(tx *store.Tx, cursor int64) (part, error) {
		if s == nil {
			if s, err = w.newSplitter(ctx, tx, ch, bill); err != nil {
				return part{}, err
			}
		}
		group := s.list[cursor:min(cursor+groupRows, int64(len(s.list)))]
		counts, err := s.post(ctx, tx, group)
		next := cursor + int64(len(group))
		return part{counts: counts, cursor: next, last: next == int64(len(s.list))}, err
	})
}

// splitter splits the orders of one channel.
type splitter struct {
	w       *Work
	ch      Channel
	list    []toSplit
	rules   []datedRule
	partner map[string]string // of each franchisee

	legs []subaccounts.Leg
}

func (w *Work) newSplitter(ctx context.Context, tx *store.Tx, ch Channel, bill File) (*splitter, error) {
	s := &splitter{w: w, ch: ch, partner: map[string]string{}}
	members, err := w.Book.Members(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		s.partner[m.Code] = m.Partner
	}
	if s.rules, err = w.splitRules(ctx, tx); err != nil {
		return nil, err
	}
	return s, s.collect(ctx, tx, bill)
}

// collect lists what this night splits: the matches of the day and the orders
// that a checker adopted, without what was refunded before the split.
func (s *splitter) collect(ctx context.Context, tx *store.Tx, bill File) error {
	w := s.w
	n, err := orders.CountMatched(ctx, tx, w.Book.ID(), bill.ID, w.Date)
	if err != nil {
		return err
	}
	s.list = make([]toSplit, 0, n)
	err = orders.EachMatched(ctx, tx, w.Book.ID(), bill.ID, w.Date, orders.Pay, func(p *orders.Pair) {
		if p.FileID != orders.AdoptedFile {
			s.list = append(s.list, toSplit{Order: p.Order, clearing: bill.Date})
		}
	})
	if err != nil {
		return err
	}
	adopted, err := orders.ToSplit(ctx, tx, w.Book.ID(), s.ch.Code, w.Date)
	if err != nil {
		return err
	}
	for _, o := range adopted {
		order, found, err := orders.Find(ctx, tx, w.Book.ID(), o.OrderNo, "")
		if err != nil || !found {
			return err
		}
		m, _, err := orders.MatchOf(ctx, tx, w.Book.ID(), order)
		if err != nil {
			return err
		}
		s.list = append(s.list, toSplit{Order: order, clearing: m.Clearing, waited: true, returned: order.Amount - o.Amount})
	}
	if err := s.takeOffRefunds(ctx, tx, bill); err != nil {
		return err
	}
	slices.SortFunc(s.list, func(a, b toSplit) int {
		return cmp.Or(cmp.Compare(a.clearing, b.clearing), cmp.Compare(a.Time, b.Time), strings.Compare(a.OrderNo, b.OrderNo))
	})
	return nil
}

// takeOffRefunds lowers orders by what was refunded before this split.
func (s *splitter) takeOffRefunds(ctx context.Context, tx *store.Tx, bill File) error {
	refunds, err := s.w.refundsOf(ctx, tx, s.ch, bill)
	if err != nil {
		return err
	}
	type given struct{ amount, fee money.Amount }
	by := map[string]given{}
	for _, r := range refunds {
		if r.unsplit {
			g := by[r.OrderNo]
			by[r.OrderNo] = given{g.amount + r.Amount, g.fee - r.Fee}
		}
	}
	for i := range s.list {
		if g, ok := by[s.list[i].OrderNo]; ok {
			s.list[i].returned, s.list[i].feeBack = s.list[i].returned+g.amount, g.fee
		}
	}
	return nil
}

// post splits a group and writes its vouchers in one set. What does not divide,
// or what the ledger does not take, stays in 2102 as an exception.
func (s *splitter) post(ctx context.Context, tx *store.Tx, group []toSplit) (Counts, error) {
	s.legs = slices.Grow(s.legs[:0], 5*len(group)) // the ledger keeps no leg of the group before
	earned := map[bizdate.Date]map[string]money.Amount{}
	counts := Counts{In: len(group)}
	postings := make([]subaccounts.Posting, 0, len(group))
	shares := make([]split.Shares, 0, len(group))
	of := make([]*toSplit, 0, len(group))
	failed := map[*toSplit]error{}
	for i := range group {
		o := &group[i]
		if o.Amount == o.returned {
			counts.Skipped++
			continue
		}
		p, parts, err := s.posting(o)
		if err != nil {
			failed[o] = err
			continue
		}
		postings, shares, of = append(postings, p), append(shares, parts), append(of, o)
	}
	outcomes, err := s.w.tryAll(ctx, tx, postings)
	if err != nil {
		return counts, err
	}
	for i, out := range outcomes {
		if out.Err != nil {
			failed[of[i]] = out.Err
			continue
		}
		counts.Done++
		s.earn(earned, of[i], shares[i])
	}
	for i := range group {
		if err := s.settled(ctx, tx, &group[i], failed[&group[i]]); err != nil {
			return counts, err
		}
	}
	counts.Failed = len(failed)
	for _, clearing := range slices.Sorted(keysOf(earned)) {
		if err := s.w.settle(ctx, tx, s.ch.Code, clearing, earned[clearing]); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// earn adds up what the members of an order get of its clearing date.
func (s *splitter) earn(earned map[bizdate.Date]map[string]money.Amount, o *toSplit, parts split.Shares) {
	by := earned[o.clearing]
	if by == nil {
		by = map[string]money.Amount{}
		earned[o.clearing] = by
	}
	by[o.Member] += parts.Member
	by[s.partner[o.Member]] += parts.Partner
}

// settled ends the waiting of an order that is split, or begins that of one
// that could not be.
func (s *splitter) settled(ctx context.Context, tx *store.Tx, o *toSplit, failure error) error {
	switch {
	case failure != nil:
		return s.fail(ctx, tx, o, failure)
	case o.waited:
		return s.w.endAdoption(ctx, tx, o.OrderNo)
	}
	return nil
}

func keysOf[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// posting divides one order: member, partner, head office, fee.
func (s *splitter) posting(o *toSplit) (subaccounts.Posting, split.Shares, error) {
	amount := o.Amount - o.returned
	fee, err := split.Fee(o.Amount, s.ch.FeePPM)
	if err != nil {
		return subaccounts.Posting{}, split.Shares{}, err
	}
	fee = max(fee-o.feeBack, 0)
	shares, err := s.rule(o).Split(amount, fee)
	if err != nil {
		return subaccounts.Posting{}, split.Shares{}, err
	}
	partner := s.partner[o.Member]
	if partner == "" { // nobody to share with: head office's rule gives it to the franchisee
		shares.Member, shares.Partner = shares.Member+shares.Partner, 0
	}
	from := len(s.legs)
	add := func(l subaccounts.Leg) {
		if l.Amount != 0 {
			s.legs = append(s.legs, l)
		}
	}
	item := s.ch.Code + "." + o.clearing.Compact()
	add(subaccounts.Debit(passThrough, amount))
	add(subaccounts.Debit(subaccounts.Key{Code: "2302", Item: item}, shares.HeadOfficeFee))
	add(subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: o.Member, Item: item}, shares.Member))
	add(subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: partner, Item: item}, shares.Partner))
	add(subaccounts.Credit(subaccounts.Key{Code: "2302", Item: item}, shares.HeadOffice))
	add(subaccounts.Credit(subaccounts.Key{Code: "2501", Owner: s.ch.Code, Item: o.clearing.Compact()}, shares.Fee))
	return subaccounts.Posting{Date: s.w.Date, Event: eventSplit, Reference: reference(o.clearing, s.ch.Code, o.OrderNo),
		Source: source(o.FileID, o.Row), Legs: s.legs[from:len(s.legs):len(s.legs)]}, shares, nil
}

// fail keeps an order that cannot be split in 2102 and tells a person; every
// night tries it again.
func (s *splitter) fail(ctx context.Context, tx *store.Tx, o *toSplit, cause error) error {
	left := o.Amount - o.returned
	var err error
	if o.waited {
		err = orders.Lower(ctx, tx, s.w.Book.ID(), o.OrderNo, left)
	} else {
		err = orders.AddOpen(ctx, tx, s.w.Book.ID(), orders.Open{OrderNo: o.OrderNo, FileID: o.FileID, Row: o.Row, Member: o.Member,
			Channel: s.ch.Code, Amount: left, Time: o.Time, Reason: orders.Adopted, Since: s.w.Date})
	}
	if err != nil {
		return err
	}
	return s.w.open(ctx, tx, exceptions.Exception{Kind: exceptions.AmountDiffer, Subject: o.OrderNo, Channel: s.ch.Code,
		ClearingDate: o.clearing, Member: o.Member, Amount: o.Amount, Ours: fault.CodeOf(cause)})
}

// endAdoption closes the case of an order that was adopted and is now split.
func (w *Work) endAdoption(ctx context.Context, tx *store.Tx, orderNo string) error {
	if err := orders.Clear(ctx, tx, w.Book.ID(), orderNo, "", w.Date); err != nil {
		return err
	}
	e, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), orderNo, exceptions.PlatformMiss, exceptions.AmountDiffer)
	if err != nil || !found {
		return err
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, w.Date)
}

// datedRule is a split rule with the day from which it holds.
type datedRule struct {
	from bizdate.Date
	rule split.Rule
}

// SplitRule is a row of split_rules: what `custody init` read from custody.yaml.
type SplitRule struct {
	ID        string       `db:"rule_id" json:"id"`
	Version   int          `db:"version" json:"version"`
	Effective bizdate.Date `db:"effective_date" json:"effective"`
	Content   string       `db:"content" json:"content"`
}

// SplitRules returns the rules in the order in which they take effect.
func SplitRules(ctx context.Context, tx *store.Tx, custodyID int64) ([]SplitRule, error) {
	var rows []SplitRule
	err := tx.Select(ctx, &rows, `SELECT rule_id, version, effective_date, content FROM split_rules
		WHERE custody_id = ? ORDER BY effective_date, version, rule_id`, custodyID)
	return rows, err
}

func (w *Work) splitRules(ctx context.Context, tx *store.Tx) ([]datedRule, error) {
	rows, err := SplitRules(ctx, tx, w.Book.ID())
	if err != nil {
		return nil, err
	}
	rules := make([]datedRule, len(rows))
	for i, row := range rows {
		var c RuleConfig
		if err := json.Unmarshal([]byte(row.Content), &c); err != nil {
			return nil, fault.Broken("rule.content", row.ID, row.Version).Because(err)
		}
		bearer := split.Franchisee
		if c.FeeBearer == "head_office" {
			bearer = split.HeadOffice
		}
		rules[i] = datedRule{row.Effective, split.Rule{ID: row.ID, Version: row.Version, FeeBearer: bearer,
			HeadOfficePPM: c.HeadOfficePPM, PartnerPPM: c.PartnerPPM}}
	}
	if len(rules) == 0 {
		return nil, fault.Invalid("rule.none")
	}
	return rules, nil
}

// rule returns the rule in force on the order's clearing date.
func (s *splitter) rule(o *toSplit) split.Rule {
	in := s.rules[0].rule
	for _, r := range s.rules {
		if r.from <= o.clearing {
			in = r.rule
		}
	}
	return in
}
