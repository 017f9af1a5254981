package clearing

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"custody/clearing/events"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/clearing/orders"
	"custody/clearing/requests"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// refunding is the key of refunds on their way (退款在途).
func refunding(channel, refundNo string) subaccounts.Key {
	return subaccounts.Key{Code: "2202", Owner: channel, Item: refundNo}
}

// refund is one matched refund with the order that it gives back.
type refund struct {
	orders.Pair
	order    orders.Order
	match    orders.Match // of the order
	unsplit  bool         // the order is split later in this same night
	escrow   bool         // its order's money is held, not split (担保交易)
	orphaned bool         // its order is in no bill yet, not known at all, or has too little left
	coupon   money.Amount // of the order's coupon, goes back to head office
	// Its order was booked for requests on an earlier night (分账请求); nil for others.
	requested *requests.State
}

// refundsOf returns the refunds of one bill that were matched on the day, in
// the order in which the night posts them.
func (w *Work) refundsOf(ctx context.Context, tx *store.Tx, ch Channel, bill File) ([]refund, error) {
	id := w.Book.ID()
	pairs, err := orders.Matched(ctx, tx, id, bill.ID, w.Date, orders.Refund)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pairs, func(a, b orders.Pair) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.RefundNo, b.RefundNo))
	})
	coupons := orders.NewCoupons(tx, id, ch.Code)
	list := make([]refund, 0, len(pairs))
	given := map[string]money.Amount{} // of orders that are not split
	tonight := map[string][]money.Amount{}
	for _, p := range pairs {
		r := refund{Pair: p}
		var found bool
		if r.order, found, err = orders.Find(ctx, tx, id, p.OrderNo, ""); err != nil {
			return nil, err
		}
		matched := false
		if found {
			if r.match, matched, err = orders.MatchOf(ctx, tx, id, r.order); err != nil {
				return nil, err
			}
		}
		r.orphaned = !matched
		if r.escrow, err = w.ofEscrow(ctx, tx, r); err != nil {
			return nil, err
		}
		if r.escrow || r.order.Escrow {
			list = append(list, r)
			continue
		}
		if r.requested, err = w.requestedOrder(ctx, tx, p.OrderNo); err != nil {
			return nil, err
		}
		left, unsplit, err := w.unsplitPart(ctx, tx, r, matched)
		if err != nil {
			return nil, err
		}
		coupon, err := coupons.Of(ctx, r.order.FileID, r.order.Row)
		if err != nil {
			return nil, err
		}
		if coupon > 0 {
			back, couponLeft, err := w.couponBack(ctx, tx, r, coupon, tonight[p.OrderNo])
			if err != nil {
				return nil, err
			}
			left, r.coupon = left-couponLeft, back
		}
		// 2102 is one pool: a refund above what is left of its own order would
		// take the money of others.
		fits := given[p.OrderNo]+p.Amount <= left
		r.unsplit, r.orphaned = unsplit && fits, r.orphaned || (unsplit && !fits)
		if r.unsplit {
			given[p.OrderNo] += p.Amount
		}
		if !r.orphaned {
			tonight[p.OrderNo] = append(tonight[p.OrderNo], p.Amount)
		}
		list = append(list, r)
	}
	return list, nil
}

// couponBack is what of an order's coupon goes back with this refund, in proportion
// to what the customer gets back of what he paid; tonight are the refunds of the
// order that this night books before it. left is how much of the coupon no earlier
// night has given back.
func (w *Work) couponBack(ctx context.Context, tx *store.Tx, r refund, coupon money.Amount, tonight []money.Amount) (back, left money.Amount, err error) {
	earlier, err := w.refundedBefore(ctx, tx, r)
	if err != nil {
		return 0, 0, err
	}
	left = coupon
	paid := r.order.Amount - coupon
	for i, amount := range earlier {
		part, err := split.CouponBack(coupon, paid, earlier[:i], amount)
		if err != nil {
			return 0, 0, err
		}
		left -= part
	}
	back, err = split.CouponBack(coupon, paid, append(earlier, tonight...), r.Amount)
	if fault.CodeOf(err) == "split.refund" { // more than the customer paid: a case for a person
		return 0, left, nil
	}
	return back, left, err
}

// refundedBefore are the refunds of an order that earlier nights booked, in their order.
func (w *Work) refundedBefore(ctx context.Context, tx *store.Tx, r refund) ([]money.Amount, error) {
	all, err := orders.RefundsOf(ctx, tx, w.Book.ID(), r.OrderNo)
	if err != nil {
		return nil, err
	}
	type booked struct {
		date   bizdate.Date
		amount money.Amount
	}
	var list []booked
	for _, one := range all {
		m, listed, err := orders.MatchOf(ctx, tx, w.Book.ID(), one)
		if err != nil {
			return nil, err
		}
		if !listed || m.Date >= w.Date {
			continue
		}
		for _, event := range []string{eventRefund, eventEarlyRefund} { // what is neither is with a person
			_, found, err := w.Book.VoucherByReference(ctx, tx, event, reference(m.Date, one.Channel, one.RefundNo))
			if err != nil {
				return nil, err
			}
			if found {
				list = append(list, booked{m.Date, one.Amount})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b booked) int { return cmp.Compare(a.date, b.date) })
	amounts := make([]money.Amount, len(list))
	for i, b := range list {
		amounts[i] = b.amount
	}
	return amounts, nil
}

// withCoupon adds the coupon that goes back to head office to a refund's legs.
func (r refund) withCoupon(legs ...subaccounts.Leg) []subaccounts.Leg {
	if r.coupon > 0 {
		legs = append(legs, subaccounts.Credit(marketing, r.coupon))
	}
	return legs
}

// unsplitPart returns how much of a refund's order stands in 2102, where this
// night splits it.
func (w *Work) unsplitPart(ctx context.Context, tx *store.Tx, r refund, matched bool) (left money.Amount, unsplit bool, err error) {
	if !matched {
		return 0, false, nil
	}
	open, waits, err := orders.WaitsForSplit(ctx, tx, w.Book.ID(), r.OrderNo, w.Date)
	if err != nil || waits {
		return open.Amount, waits, err
	}
	return r.order.Amount, r.order.FileID != orders.AdoptedFile && r.match.Date == w.Date, nil
}

// stepEarlyRefunds books refunds of orders that this night has not split yet
// (E20b), and their listing in the bill (E20c): they cost nobody a share.
func (w *Work) stepEarlyRefunds(ctx context.Context, ch Channel) (Counts, error) {
	return w.onReconciled(ctx, stepRefunds, ch, func(tx *store.Tx, bill File) (Counts, error) {
		list, err := w.refundsOf(ctx, tx, ch, bill)
		if err != nil {
			return Counts{}, err
		}
		var c Counts
		var postings []subaccounts.Posting // posted in one set, in their order
		var told []events.Event
		for _, r := range list {
			c.In++
			switch {
			case r.orphaned:
				c.Failed++
				if err = w.postAll(ctx, tx, postings); err == nil {
					err = w.orphan(ctx, tx, ch, r)
				}
				postings = postings[:0]
			case r.escrow:
				var listed bool
				if listed, err = w.listEscrowRefund(ctx, tx, r); listed {
					c.Done++
				} else if err == nil {
					c.Failed++
					err = w.orphan(ctx, tx, ch, r)
				}
			case r.requested != nil && r.requested.Closed == nil:
				var done bool
				if err = w.postAll(ctx, tx, postings); err == nil {
					done, err = w.refundRequested(ctx, tx, ch, r)
				}
				postings = postings[:0]
				if done {
					c.Done++
					told = append(told, w.refundEvent(r))
				} else if err == nil {
					c.Failed++
					err = w.orphan(ctx, tx, ch, r)
				}
			case r.unsplit:
				c.Done++
				told = append(told, w.refundEvent(r))
				postings = append(postings, w.refundPostings(ch, r, eventEarlyRefund, eventEarlyListed,
					r.withCoupon(subaccounts.Debit(passThrough, r.Amount+r.coupon))...)...)
			default:
				c.Skipped++
			}
			if err != nil {
				return c, err
			}
		}
		return c, firstErr(w.postAll(ctx, tx, postings), events.Append(ctx, tx, w.Book.ID(), told...))
	})
}

// onReconciled runs fn for a channel whose bill of the day has been reconciled.
func (w *Work) onReconciled(ctx context.Context, step string, ch Channel, fn func(*store.Tx, File) (Counts, error)) (Counts, error) {
	ready, err := w.isDone(ctx, stepReconcile, ch.Code)
	if err != nil || !ready {
		return Counts{}, err
	}
	bill, _, err := w.fileNow(ctx, fileBill, ch.Code)
	if err != nil {
		return Counts{}, err
	}
	return w.once(ctx, step, ch.Code, []string{bill.SHA256}, func(tx *store.Tx) (Counts, error) { return fn(tx, bill) })
}

// postRefund posts a refund on its way and its listing in the bill, which
// lowers what the channel owes under the bill's clearing date.
func (w *Work) postRefund(ctx context.Context, tx *store.Tx, ch Channel, r refund, event, listed string, from ...subaccounts.Leg) error {
	return w.post(ctx, tx, w.refundPostings(ch, r, event, listed, from...)...)
}

// refundPostings are the two vouchers of [Work.postRefund].
func (w *Work) refundPostings(ch Channel, r refund, event, listed string, from ...subaccounts.Leg) []subaccounts.Posting {
	key := refunding(ch.Code, r.RefundNo)
	ref := reference(w.Date, ch.Code, r.RefundNo)
	src := source(r.FileID, r.Row)
	return []subaccounts.Posting{
		{Date: w.Date, Event: event, Reference: ref, Source: src, Legs: append(from, subaccounts.Credit(key, r.Amount))},
		{Date: w.Date, Event: listed, Reference: ref, Source: src,
			Legs: []subaccounts.Leg{subaccounts.Debit(key, r.Amount), subaccounts.Credit(owed(ch.Code, w.Date), r.Amount)}}}
}

// orphan books a refund whose order no bill has brought as a shortage, so that
// 1122 stays what the bill says; a person decides.
func (w *Work) orphan(ctx context.Context, tx *store.Tx, ch Channel, r refund) error {
	err := w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: eventShortage, Reference: reference(w.Date, ch.Code, r.RefundNo),
		Source: source(r.FileID, r.Row),
		Legs:   []subaccounts.Leg{subaccounts.Debit(shortage(r.RefundNo), r.Amount), subaccounts.Credit(owed(ch.Code, w.Date), r.Amount)}})
	if err != nil {
		return err
	}
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.RefundMiss, Subject: r.RefundNo, Channel: ch.Code, ClearingDate: w.Date,
		Member: r.Member, Amount: r.Amount, Theirs: r.OrderNo})
}

// stepReturnShares books refunds of orders that were split before (E7a): every
// party gives back its part, taken from where it still has money. With it the
// channel's clearing date is reconciled and split.
func (w *Work) stepReturnShares(ctx context.Context, ch Channel) (Counts, error) {
	ready, err := w.isDone(ctx, stepSplit, ch.Code)
	if err != nil || !ready {
		return Counts{}, err
	}
	return w.onReconciled(ctx, stepReturns, ch, func(tx *store.Tx, bill File) (Counts, error) {
		list, err := w.refundsOf(ctx, tx, ch, bill)
		if err != nil {
			return Counts{}, err
		}
		// An order that this night split is, by now, split: its refunds were
		// booked before the split, so they are told by that voucher.
		var c Counts
		var told []events.Event
		for _, r := range list {
			_, early, err := w.Book.VoucherByReference(ctx, tx, eventEarlyRefund, reference(w.Date, ch.Code, r.RefundNo))
			if err != nil {
				return c, err
			}
			if early || r.orphaned || r.escrow {
				continue
			}
			if done, err := w.listedBefore(ctx, tx, ch, r); err != nil || done {
				if err != nil {
					return c, err
				}
				continue
			}
			c.In++
			advanced, done, err := w.listAdvanced(ctx, tx, ch, r)
			if err == nil && !advanced {
				done, err = w.returnShares(ctx, tx, ch, r)
			}
			if err != nil {
				return c, err
			}
			if done {
				c.Done++
				told = append(told, w.refundEvent(r))
			} else {
				c.Failed++
			}
		}
		return c, firstErr(events.Append(ctx, tx, w.Book.ID(), told...), w.markSplit(ctx, tx, ch, bill))
	})
}

// markSplit records that the channel's clearing date is reconciled and split:
// from now on its money may be booked and released.
func (w *Work) markSplit(ctx context.Context, tx *store.Tx, ch Channel, bill File) error {
	_, err := tx.Exec(ctx, "UPDATE channel_days SET split_date = ? WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
		w.Date, w.Book.ID(), ch.Code, bill.Date)
	return err
}

// returnShares posts one refund of a split order. Where the parties have too
// little left it becomes an exception and a shortage.
func (w *Work) returnShares(ctx context.Context, tx *store.Tx, ch Channel, r refund) (bool, error) {
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventSplit, reference(r.match.Clearing, r.order.Channel, r.order.OrderNo))
	for _, event := range []string{"E6c", "E6e"} { // of an escrow order
		if err == nil && !found && r.order.Escrow {
			v, found, err = w.Book.VoucherByReference(ctx, tx, event, r.OrderNo)
		}
	}
	if err != nil {
		return false, err
	}
	earlier, err := w.refundsBefore(ctx, tx, r.OrderNo, r.RefundNo)
	if err != nil {
		return false, err
	}
	d := flows.Divide(v, r.order.Member)
	if r.requested != nil {
		d, found = dividedByRequests(r.requested), true
	}
	if !found || d.GiveBack(earlier...) != nil {
		return false, w.orphan(ctx, tx, ch, r)
	}
	shares, err := split.Refund(d.Original, d.Before, r.Amount+r.coupon, -r.Fee)
	if err != nil {
		return false, w.orphan(ctx, tx, ch, r)
	}
	legs, ok, err := w.recover(ctx, tx, ch, d.Owners, shares)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, w.orphan(ctx, tx, ch, r)
	}
	err = w.postRefund(ctx, tx, ch, r, eventRefund, eventRefundListed, r.withCoupon(legs...)...)
	if refused(err) { // the money is there now, but was not at the day's cut
		return false, w.orphan(ctx, tx, ch, r)
	}
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(legs, func(l subaccounts.Leg) bool { return l.Key == reserve }) {
		if err := w.advancedBy(ctx, tx, ch, r); err != nil {
			return false, err
		}
	}
	given := map[string]money.Amount{}
	for i, owner := range d.Owners[:len(d.Owners)-1] {
		given[owner] -= shares.Parts[i]
	}
	return true, w.settle(ctx, tx, ch.Code, w.Date, given)
}

// advancedBy looks at what the reserve paid of a refund that was just posted.
func (w *Work) advancedBy(ctx context.Context, tx *store.Tx, ch Channel, r refund) error {
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventRefund, reference(w.Date, ch.Code, r.RefundNo))
	if err != nil || !found {
		return err
	}
	return w.drawnOnReserve(ctx, tx, v, r.RefundNo, ch.Code)
}

// refused reports whether the ledger would not take a posting for what the
// accounts hold or who owns them: a case for a person, never a reason to stop.
func refused(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Kind == fault.Bad && strings.HasPrefix(f.Code, "ledger.") && f.Code != "ledger.conflict"
}

// refundsBefore returns the vouchers of the other refunds of an order since its
// split, so that what they gave is told from what was posted.
func (e *Engine) refundsBefore(ctx context.Context, tx *store.Tx, orderNo, refundNo string) ([]subaccounts.Voucher, error) {
	list, err := orders.RefundsOf(ctx, tx, e.Book.ID(), orderNo)
	if err != nil {
		return nil, err
	}
	earlier, err := e.advancedOf(ctx, tx, orderNo, refundNo)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		m, matched, err := orders.MatchOf(ctx, tx, e.Book.ID(), o)
		if err != nil {
			return nil, err
		}
		if !matched || o.RefundNo == refundNo {
			continue
		}
		v, found, err := e.Book.VoucherByReference(ctx, tx, eventRefund, reference(m.Date, o.Channel, o.RefundNo))
		if err != nil {
			return nil, err
		}
		if found {
			earlier = append(earlier, v)
		}
	}
	return earlier, nil
}

// recover finds where each part can be taken from: money of the refund's own
// clearing date first, then the oldest, then what is withdrawable. owners are
// those of the shares, head office (”) last.
func (w *Work) recover(ctx context.Context, tx *store.Tx, ch Channel, owners []string, s split.Shares) ([]subaccounts.Leg, bool, error) {
	own := ch.Code + "." + w.Date.Compact()
	var legs []subaccounts.Leg
	for i, owner := range owners {
		amount, pending := s.Parts[i], subaccounts.Filter{Code: "2002", Owner: owner}
		if i == len(owners)-1 {
			amount, pending = s.HeadOffice()-s.HeadOfficeFee(), subaccounts.Filter{Code: "2302"}
		}
		if amount <= 0 {
			continue
		}
		then, err := w.memberSources(ctx, tx, owner)
		if err != nil {
			return nil, false, err
		}
		taken, left, err := w.takeFrom(ctx, tx, own, amount, pending, then, legs)
		if err != nil || left > 0 {
			return nil, false, err
		}
		legs = append(legs, taken...)
	}
	if s.Fee > 0 {
		legs = append(legs, subaccounts.Debit(subaccounts.ChannelDay("2501", ch.Code, w.Date), s.Fee))
	}
	if back := s.HeadOfficeFee() - s.HeadOffice(); back > 0 { // it had borne more fee than its commission
		legs = append(legs, subaccounts.Credit(subaccounts.Key{Code: "2302", Item: own}, back))
	}
	return legs, true, nil
}

// memberSources are where a part comes from after 2002, or head office's after
// 2302. A stopped (止付) or frozen member pays nothing out of 2001.
func (w *Work) memberSources(ctx context.Context, tx *store.Tx, code string) ([]subaccounts.Key, error) {
	if code == "" {
		return []subaccounts.Key{{Code: "2301"}, {Code: "2305"}}, nil
	}
	list := []subaccounts.Key{{Code: "2001", Owner: code}, {Code: "2304", Owner: code}, {Code: "2305"}}
	m, _, err := w.Book.GetMember(ctx, tx, code)
	if m.Status != subaccounts.StatusNormal {
		list = list[1:]
	}
	return list, err
}

// takeFrom lists debits that add up to the amount, in the order of recovery
// (退款资金来源). before are legs of the same voucher that may already draw on
// those accounts. left is what no source covers.
func (w *Work) takeFrom(ctx context.Context, tx *store.Tx, own string, amount money.Amount, pending subaccounts.Filter, then []subaccounts.Key, before []subaccounts.Leg) ([]subaccounts.Leg, money.Amount, error) {
	items, err := w.Book.Items(ctx, tx, pending)
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(items, func(a, b subaccounts.ItemBalance) int {
		return cmp.Or(-cmp.Compare(boolRank(a.Item == own), boolRank(b.Item == own)), strings.Compare(itemDate(a.Item), itemDate(b.Item)), strings.Compare(a.Item, b.Item))
	})
	var legs []subaccounts.Leg
	take := func(k subaccounts.Key, standing money.Amount) {
		for _, l := range before {
			if l.Key == k {
				standing -= l.Amount
			}
		}
		if part := min(amount, standing); part > 0 {
			legs = append(legs, subaccounts.Debit(k, part))
			amount -= part
		}
	}
	for _, it := range items {
		take(it.Key, -it.Balance)
	}
	for _, k := range then {
		if amount == 0 {
			break
		}
		balance, err := w.Book.Balance(ctx, tx, k)
		if err != nil {
			return nil, 0, err
		}
		take(k, -balance)
	}
	return legs, amount, nil
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// itemDate is the clearing date in an item such as WX.20260212; an item without
// one (FEE) comes last.
func itemDate(item string) string {
	_, date, dated := strings.Cut(item, ".")
	if !dated {
		return "99999999"
	}
	return date
}

// settle adds a member's earnings or returns of a channel day (结算单).
func (w *Work) settle(ctx context.Context, tx *store.Tx, channel string, clearing bizdate.Date, by map[string]money.Amount) error {
	codes := make([]string, 0, len(by))
	for code, amount := range by {
		if code != "" && amount != 0 {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	for _, code := range codes {
		credit, debit := max(by[code], 0), max(-by[code], 0)
		_, err := tx.Exec(ctx, `INSERT INTO settlements (custody_id, clearing_date, channel, member, credit_fen, debit_fen, released_fen)
			VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (custody_id, clearing_date, channel, member) DO UPDATE SET
			credit_fen = settlements.credit_fen + excluded.credit_fen, debit_fen = settlements.debit_fen + excluded.debit_fen`,
			w.Book.ID(), clearing, channel, code, credit, debit)
		if err != nil {
			return err
		}
	}
	return nil
}

// listedBefore reports whether an earlier step of the night has booked the
// refund of an escrow order, which may have been confirmed since, or of one that
// waited for requests and was released since.
func (w *Work) listedBefore(ctx context.Context, tx *store.Tx, ch Channel, r refund) (bool, error) {
	if !r.order.Escrow && r.requested == nil {
		return false, nil
	}
	_, found, err := w.Book.VoucherByReference(ctx, tx, eventShortage, reference(w.Date, ch.Code, r.RefundNo))
	return found, err
}
