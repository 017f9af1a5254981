package clearing

import (
	"context"
	"slices"

	"custody/clearing/flows"
	"custody/clearing/requests"
	"custody/clearing/split"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// requestScope is the scope of what the split does for orders by requests.
const requestScope = "requests"

// waiting is an order that this night does not split because its rule says by
// requests: it stays in 2102.
func (s *splitter) waiting(o *toSplit, r *datedRule) (requests.Order, error) {
	fee, err := s.ch.Fee(o.Amount - o.coupon)
	left := o.Amount - o.returned
	return requests.Order{OrderNo: o.OrderNo, Channel: s.ch.Code, Clearing: o.clearing, Member: o.Member, FileID: o.FileID, Row: o.Row, Amount: left,
		Fee: min(max(fee-o.feeBack, 0), left), RuleID: r.row.ID, Version: r.row.Version, Since: s.w.Date, Thaw: o.clearing.AddDays(r.config.FreezeDays)}, err
}

// thawRequests releases the rest of the orders whose day has come (自动解冻). It
// leaves a checkpoint only where there was one.
func (w *Work) thawRequests(ctx context.Context) (Counts, error) {
	if done, err := w.isDone(ctx, stepFiles, ""); err != nil || !done {
		return Counts{}, err
	}
	due := func(tx *store.Tx, limit int) ([]string, error) {
		return requests.Due(ctx, tx, w.Book.ID(), w.Date, limit)
	}
	var some []string
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		some, err = due(tx, 1)
		return err
	})
	if err != nil || len(some) == 0 {
		return Counts{}, err
	}
	return w.inGroups(ctx, stepSplit, requestScope, nil, func(tx *store.Tx, cursor int64) (part, error) {
		// What is released is due no more: each group begins anew.
		list, err := due(tx, groupRows)
		if err != nil {
			return part{}, err
		}
		for _, orderNo := range list {
			s, _, err := requests.Find(ctx, tx, w.Book.ID(), orderNo)
			if err == nil {
				err = w.releaseRest(ctx, tx, &s, "thaw "+s.Thaw.String())
			}
			if err != nil {
				return part{}, err
			}
		}
		return part{counts: Counts{In: len(list), Done: len(list)}, cursor: cursor + int64(len(list)), last: len(list) < groupRows}, nil
	})
}

// requestedOrder finds an order that was booked for requests on an earlier night.
func (w *Work) requestedOrder(ctx context.Context, tx *store.Tx, orderNo string) (*requests.State, error) {
	s, found, err := requests.Find(ctx, tx, w.Book.ID(), orderNo)
	if err != nil || !found || s.Since >= w.Date {
		return nil, err
	}
	return &s, nil
}

// refundRequested books a refund of an order that still waits for requests: it
// comes out of the order's rest. Where requests have given too much for that, the
// receivers give back what is missing, each in proportion to what it has of the
// order. It reports false where they cannot, or where more is refunded than is
// left of the order: then a person decides.
func (w *Work) refundRequested(ctx context.Context, tx *store.Tx, ch Channel, r refund) (bool, error) {
	// Another refund of the same bill may have changed the order since the list was made.
	s, err := w.requestedOrder(ctx, tx, r.OrderNo)
	if err != nil {
		return false, err
	}
	amount, feeBack := r.Amount+r.coupon, min(-r.Fee, s.FeeLeft())
	var postings []subaccounts.Posting
	var back []requests.Move
	if short := amount - feeBack - s.Rest(); short > 0 {
		var fits, ok bool
		var p subaccounts.Posting
		if back, fits = sharedReturn(s, short, r.RefundNo); !fits {
			return false, nil
		}
		for i := range back {
			back[i].Date = w.Date
		}
		if p, ok, err = w.returnPosting(ctx, tx, ch, s, back); err != nil || !ok {
			return false, err
		}
		postings = append(postings, p)
	}
	postings = append(postings, w.refundPostings(ch, r, eventEarlyRefund, eventEarlyListed, r.withCoupon(subaccounts.Debit(passThrough, amount))...)...)
	if feeBack > 0 && s.Clearing != w.Date { // the channel took it of the payment's date and gives it back under the refund's
		postings = append(postings, subaccounts.Posting{Date: w.Date, Event: eventFeeDiffer, Reference: reference(w.Date, ch.Code, r.RefundNo),
			Source: source(r.FileID, r.Row), Legs: []subaccounts.Leg{
				subaccounts.Debit(subaccounts.ChannelDay("2501", ch.Code, w.Date), feeBack),
				subaccounts.Credit(subaccounts.ChannelDay("2501", ch.Code, s.Clearing), feeBack)}})
	}
	if err := w.post(ctx, tx, postings...); err != nil {
		if refused(err) {
			err = nil
		}
		return false, err
	}
	if len(back) > 0 {
		if err := w.returned(ctx, tx, s, back); err != nil {
			return false, err
		}
	}
	return true, s.Record(ctx, tx, w.Book.ID(), requests.Move{Kind: requests.Refund, Ref: r.RefundNo, Date: w.Date, Amount: amount, Fee: feeBack})
}

// sharedReturn divides what must come back among the receivers by largest
// remainder over what each has of the order, head office last. It is false where
// they have less.
func sharedReturn(s *requests.State, short money.Amount, ref string) ([]requests.Move, bool) {
	given := s.Given()
	owners := slices.DeleteFunc(slices.Sorted(keysOf(given)), func(owner string) bool { return owner == "" })
	shares := split.Shares{Parts: []money.Amount{0}} // the franchisee has nothing of the order yet
	var total money.Amount
	for _, owner := range append(owners, "") {
		shares.Parts = append(shares.Parts, given[owner])
		total += given[owner]
	}
	if short > total {
		return nil, false
	}
	back, err := split.Refund(shares, split.Shares{}, short, 0)
	if err != nil {
		return nil, false
	}
	var moves []requests.Move
	for i, owner := range append(owners, "") {
		if part := back.Parts[i+1]; part > 0 {
			moves = append(moves, requests.Move{Kind: requests.Return, Receiver: owner, Ref: ref, Amount: -part})
		}
	}
	return moves, true
}

// dividedByRequests is what a released order came to: what requests gave and the
// release left.
func dividedByRequests(s *requests.State) flows.Divided {
	d := flows.Divided{Owners: []string{s.Member}}
	given := s.Given()
	var rest money.Amount
	for _, m := range s.Moves {
		if m.Kind == requests.Release {
			rest, d.Original.Fee = m.Amount, m.Fee
		}
	}
	d.Original.Parts = []money.Amount{rest}
	for _, owner := range slices.Sorted(keysOf(given)) {
		if owner != "" {
			d.Owners, d.Original.Parts = append(d.Owners, owner), append(d.Original.Parts, given[owner])
		}
	}
	d.Owners, d.Original.Parts = append(d.Owners, ""), append(d.Original.Parts, given[""])
	return d
}
