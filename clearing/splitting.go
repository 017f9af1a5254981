package clearing

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/requests"
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
	coupon   money.Amount // the part that the channel knows nothing of
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
	w     *Work
	ch    Channel
	list  []toSplit
	rules *choices

	legs  []subaccounts.Leg
	parts []money.Amount // room for the shares of a group
}

func (w *Work) newSplitter(ctx context.Context, tx *store.Tx, ch Channel, bill File) (*splitter, error) {
	s := &splitter{w: w, ch: ch}
	var err error
	if s.rules, err = w.newChoices(ctx, tx, ch.Code); err != nil {
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
		if p.FileID != orders.AdoptedFile && !p.Escrow {
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
	if err := s.readCoupons(ctx, tx); err != nil {
		return err
	}
	if err := s.takeOffRefunds(ctx, tx, bill); err != nil {
		return err
	}
	slices.SortFunc(s.list, func(a, b toSplit) int {
		return cmp.Or(cmp.Compare(a.clearing, b.clearing), cmp.Compare(a.Time, b.Time), strings.Compare(a.OrderNo, b.OrderNo))
	})
	return nil
}

// readCoupons tells of each order what a coupon paid of it.
func (s *splitter) readCoupons(ctx context.Context, tx *store.Tx) error {
	coupons := orders.NewCoupons(tx, s.w.Book.ID(), s.ch.Code)
	for i := range s.list {
		o := &s.list[i]
		var err error
		if o.coupon, err = coupons.Of(ctx, o.FileID, o.Row); err != nil {
			return err
		}
	}
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
			by[r.OrderNo] = given{g.amount + r.Amount + r.coupon, g.fee - r.Fee}
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
	receivers := 0
	for _, r := range s.rules.rules {
		receivers = max(receivers, len(r.scheme.Receivers))
	}
	// What is split and the fee are two legs more. The ledger keeps no leg of the
	// group before.
	s.legs = slices.Grow(s.legs[:0], (receivers+2)*len(group))
	s.parts = slices.Grow(s.parts[:0], receivers*len(group))
	earned := map[bizdate.Date]map[string]money.Amount{}
	counts := Counts{In: len(group)}
	postings := make([]subaccounts.Posting, 0, len(group))
	shares := make([]divided, 0, len(group))
	of := make([]*toSplit, 0, len(group))
	failed := map[*toSplit]error{}
	var requested []requests.Order
	for i := range group {
		o := &group[i]
		if o.Amount == o.returned {
			counts.Skipped++
			continue
		}
		if r := s.rules.of(o.Member).inForce(o.clearing, o.Time); r.config.byRequests() {
			asked, err := s.waiting(o, r)
			if err != nil {
				return counts, err
			}
			counts.Skipped++
			requested = append(requested, asked)
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
	if len(requested) > 0 {
		if err := requests.Add(ctx, tx, s.w.Book.ID(), requested); err != nil {
			return counts, err
		}
	}
	for _, clearing := range slices.Sorted(keysOf(earned)) {
		if err := s.w.settle(ctx, tx, s.ch.Code, clearing, earned[clearing]); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// divided is how an order was split.
type divided struct {
	scheme *split.Scheme
	parts  []money.Amount
}

// earn adds up what the members of an order get of its clearing date.
func (s *splitter) earn(earned map[bizdate.Date]map[string]money.Amount, o *toSplit, d divided) {
	by := earned[o.clearing]
	if by == nil {
		by = map[string]money.Amount{}
		earned[o.clearing] = by
	}
	chain := s.rules.of(o.Member).chain
	for i, part := range d.parts[:len(d.parts)-1] {
		if part != 0 {
			by[d.scheme.Owner(i, chain)] += part
		}
	}
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

// posting divides one order: franchisee, the levels above it, head office, fee.
func (s *splitter) posting(o *toSplit) (subaccounts.Posting, divided, error) {
	amount := o.Amount - o.returned
	fee, err := s.ch.Fee(o.Amount - o.coupon)
	if err != nil {
		return subaccounts.Posting{}, divided{}, err
	}
	fee = max(fee-o.feeBack, 0)
	choice := s.rules.of(o.Member)
	scheme, chain := choice.inForce(o.clearing, o.Time).scheme, choice.chain
	shares, err := scheme.Split(s.parts, chain, amount, fee)
	if err != nil {
		return subaccounts.Posting{}, divided{}, err
	}
	s.parts = s.parts[:len(s.parts)+len(shares.Parts)]
	from := len(s.legs)
	add := func(l subaccounts.Leg) {
		if l.Amount != 0 {
			s.legs = append(s.legs, l)
		}
	}
	item := s.ch.Code + "." + o.clearing.Compact()
	add(subaccounts.Debit(passThrough, amount))
	add(subaccounts.Debit(subaccounts.Key{Code: "2302", Item: item}, shares.HeadOfficeFee()))
	for i, part := range shares.Parts[:len(shares.Parts)-1] {
		add(subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: scheme.Owner(i, chain), Item: item}, part))
	}
	add(subaccounts.Credit(subaccounts.Key{Code: "2302", Item: item}, shares.HeadOffice()))
	add(subaccounts.Credit(subaccounts.Key{Code: "2501", Owner: s.ch.Code, Item: o.clearing.Compact()}, shares.Fee))
	return subaccounts.Posting{Date: s.w.Date, Event: eventSplit, Reference: reference(o.clearing, s.ch.Code, o.OrderNo),
		Source: source(o.FileID, o.Row), Legs: s.legs[from:len(s.legs):len(s.legs)]}, divided{scheme, shares.Parts}, nil
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
	e, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), orderNo, exceptions.PlatformMiss, exceptions.LatePaid, exceptions.AmountDiffer)
	if err != nil || !found {
		return err
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, w.Date)
}
