package clearing

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// nearCut is how close to the cut a payment that the bill lacks counts as a
// cross-day difference (日切差) rather than as missing at the channel.
const nearCutSeconds = 30 * 60

// stepReconcileChannel compares one channel's bill with our orders (渠道对账).
// Every row of both sides is matched, or in the cross-day pool, or an
// exception; afterwards 1122 of the clearing date is what the bill says.
func (w *Work) stepReconcileChannel(ctx context.Context, ch Channel) (Counts, error) {
	bill, ok, err := w.fileNow(ctx, fileBill, ch.Code)
	if err != nil || !ok {
		return Counts{}, err
	}
	ours, ok, err := w.fileNow(ctx, fileOrders, "")
	if err != nil || !ok {
		return Counts{}, err
	}
	return w.once(ctx, stepReconcile, ch.Code, []string{bill.SHA256, ours.SHA256}, func(tx *store.Tx) (Counts, error) {
		r := &channelRecon{w: w, ch: ch, bill: bill, date: w.Date}
		if err := r.read(ctx, tx, ours.ID); err != nil {
			return Counts{}, err
		}
		matches, differences := reconcile.Trades(r.in, r.fee)
		if err := r.save(ctx, tx, matches, differences); err != nil {
			return Counts{}, err
		}
		in := len(r.in.Ours) + len(r.in.Pool) + len(r.in.Theirs)
		c := Counts{In: in, Done: 2 * len(matches)}
		c.Failed = in - c.Done
		return c, nil
	})
}

// channelRecon is the reconciliation of one channel and clearing date.
type channelRecon struct {
	w    *Work
	ch   Channel
	bill File
	date bizdate.Date
	in   reconcile.Input
	pool map[reconcile.Ref]orders.Open
	// coupons are what head office paid of our orders, by place.
	coupons map[reconcile.Ref]money.Amount

	others map[string]int        // cases of a number beyond the first
	alike  map[likeness][]string // matched orders that look like one that the bill lacks

	postings []placed
}

// placed is a posting with its place in the night's order: trade time.
type placed struct {
	time    int64
	number  string
	posting subaccounts.Posting
}

// fee is what the channel's contract says that a row should cost.
func (r *channelRecon) fee(kind reconcile.Kind, amount money.Amount) money.Amount {
	if kind == reconcile.Refund {
		back, err := r.ch.FeeReturned(amount)
		if err != nil {
			return 0
		}
		return -back
	}
	fee, err := r.ch.Fee(amount)
	if err != nil {
		return 0
	}
	return fee
}

func kindOf(s string) reconcile.Kind {
	if s == orders.Refund {
		return reconcile.Refund
	}
	return reconcile.Pay
}

func (r *channelRecon) read(ctx context.Context, tx *store.Tx, orderFile int64) error {
	id := r.w.Book.ID()
	var err error
	r.in.Ours, err = orders.TradesOfFile(ctx, tx, id, orderFile, r.ch.Code)
	if err != nil {
		return err
	}
	if r.in.Theirs, err = orders.TradesOfBill(ctx, tx, id, r.bill.ID); err != nil {
		return err
	}
	if err := r.recharged(ctx, tx); err != nil {
		return err
	}
	waiting, err := orders.StillOpen(ctx, tx, id, r.ch.Code, orders.InPool, r.date)
	if err != nil {
		return err
	}
	r.pool = make(map[reconcile.Ref]orders.Open, len(waiting))
	for _, o := range waiting {
		ref := reconcile.Ref{File: o.FileID, Row: int32(o.Row)}
		kind := reconcile.Pay
		if o.RefundNo != "" {
			kind = reconcile.Refund
		}
		r.pool[ref] = o
		r.in.Pool = append(r.in.Pool, reconcile.Trade{Ref: ref, Kind: kind, OrderNo: o.OrderNo, RefundNo: o.RefundNo, Amount: o.Amount, Time: o.Time})
	}
	return r.readMarks(ctx, tx, orderFile)
}

// save writes the matches, posts what the differences move, and opens exceptions.
func (r *channelRecon) save(ctx context.Context, tx *store.Tx, matches []reconcile.Match, differences []reconcile.Difference) error {
	w := r.w
	for _, m := range matches {
		if m.FromPool {
			if err := r.found(ctx, tx, m); err != nil {
				return err
			}
		}
	}
	if err := orders.SaveMatches(ctx, tx, w.Book.ID(), r.date, matches); err != nil {
		return err
	}
	r.likeMissing(matches, differences)
	slices.SortStableFunc(differences, func(a, b reconcile.Difference) int {
		return cmp.Or(cmp.Compare(timeOf(a), timeOf(b)), strings.Compare(numberOf(a), numberOf(b)), strings.Compare(string(a.Kind), string(b.Kind)),
			cmp.Compare(amountOf(a), amountOf(b)))
	})
	for i := range differences {
		if err := r.differ(ctx, tx, &differences[i]); err != nil {
			return err
		}
	}
	slices.SortStableFunc(r.postings, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.time, b.time), strings.Compare(a.number, b.number))
	})
	postings := make([]subaccounts.Posting, len(r.postings))
	for i, p := range r.postings {
		postings[i] = p.posting
	}
	if err := w.post(ctx, tx, postings...); err != nil {
		return err
	}
	return r.saveChannelDay(ctx, tx)
}

func timeOf(d reconcile.Difference) int64 {
	if d.Ours != nil {
		return d.Ours.Time
	}
	return d.Theirs.Time
}

func amountOf(d reconcile.Difference) money.Amount {
	if d.Theirs != nil {
		return d.Theirs.Amount
	}
	return d.Ours.Amount
}

func numberOf(d reconcile.Difference) string {
	t := d.Ours
	if t == nil {
		t = d.Theirs
	}
	return t.OrderNo + " " + t.RefundNo
}

func (r *channelRecon) saveChannelDay(ctx context.Context, tx *store.Tx) error {
	if r.bill.State != FileLoaded || r.bill.Rows == 0 {
		return nil
	}
	due, err := r.w.Calendar.AddWorkingDays(r.date, r.w.Config.Release.Days)
	if err != nil {
		return err
	}
	net := r.bill.Pay - r.bill.Refund
	if !r.ch.gross() {
		net -= r.bill.Fee
	}
	_, err = tx.Exec(ctx, `INSERT INTO channel_days (custody_id, channel, clearing_date, bill_file_id, pay_fen, refund_fen, fee_fen, net_fen, due_date)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.w.Book.ID(), r.ch.Code, r.date, r.bill.ID, r.bill.Pay, r.bill.Refund, r.bill.Fee, net, due)
	return err
}

// owed is what the channel owes under a clearing date (渠道在途).
func owed(channel string, clearing bizdate.Date) subaccounts.Key {
	return subaccounts.Key{Code: "1122", Owner: channel, Item: clearing.Compact()}
}

func shortage(item string) subaccounts.Key { return subaccounts.Key{Code: "1402", Item: item} }
func surplus(item string) subaccounts.Key  { return subaccounts.Key{Code: "2402", Item: item} }

func (r *channelRecon) add(t *reconcile.Trade, event, number string, ref reconcile.Ref, legs ...subaccounts.Leg) {
	r.postings = append(r.postings, placed{t.Time, number, subaccounts.Posting{Date: r.date, Event: event,
		Reference: reference(r.date, r.ch.Code, number), Source: source(ref.File, int64(ref.Row)), Legs: legs}})
}

// found takes an order out of the pool: the channel's bill of a later day has
// it, so it belongs to that bill's clearing date (E14d). A refund in the pool
// was never booked; it is booked as one of this bill.
func (r *channelRecon) found(ctx context.Context, tx *store.Tx, m reconcile.Match) error {
	o := r.pool[m.Ours]
	number := o.OrderNo
	if o.RefundNo == "" {
		t := &reconcile.Trade{Ref: m.Ours, Time: o.Time}
		paid := o.Amount - r.coupons[m.Ours]
		r.add(t, eventFound, number, m.Theirs, subaccounts.Debit(owed(r.ch.Code, r.date), paid), subaccounts.Credit(shortage(number), paid))
		if err := r.w.escrowOrders(tx, "").MoveTo(ctx, number, r.date); err != nil {
			return err
		}
	} else {
		number = o.RefundNo
	}
	if err := orders.Clear(ctx, tx, r.w.Book.ID(), o.OrderNo, o.RefundNo, r.date); err != nil {
		return err
	}
	e, open, err := exceptions.OpenFor(ctx, tx, r.w.Book.ID(), number, exceptions.Date, exceptions.BankMiss, exceptions.RefundMiss, exceptions.Duplicate)
	if err != nil || !open {
		return err
	}
	if e.State == exceptions.Proposed { // a person was about to act: the bill was first
		err := exceptions.Move(ctx, tx, r.w.Book.ID(), e.ID, exceptions.Closed, r.date)
		return firstErr(err, r.w.withdrawProposals(ctx, tx, e.ID))
	}
	return exceptions.Move(ctx, tx, r.w.Book.ID(), e.ID, exceptions.AutoCleared, r.date)
}

// differ handles one difference: postings keep 1122 equal to the bill, and a
// person gets an exception with both sides' values.
func (r *channelRecon) differ(ctx context.Context, tx *store.Tx, d *reconcile.Difference) error {
	if d.FromPool && d.Theirs == nil {
		return nil // still waiting; its exception is open
	}
	e := exceptions.Exception{Kind: exceptionKind(d.Kind), Channel: r.ch.Code, ClearingDate: r.date, Ours: d.OursValue, Theirs: d.TheirsValue}
	switch {
	case d.Kind == reconcile.FeeDiffers:
		e.Subject, e.Amount = numberOf(*d), d.Theirs.Fee-r.fee(d.Theirs.Kind, d.Theirs.Amount)
		return r.w.open(ctx, tx, trim(e))
	case d.Ours != nil && !d.FromPool:
		if err := r.oursOnly(ctx, tx, d, &e); err != nil {
			return err
		}
	}
	if d.Theirs != nil {
		return r.theirsOnly(ctx, tx, d, e)
	}
	return nil
}

func trim(e exceptions.Exception) exceptions.Exception {
	e.Subject = strings.TrimSpace(e.Subject)
	return e
}

func exceptionKind(k reconcile.DifferenceKind) exceptions.Kind {
	switch k {
	case reconcile.DuplicateOurs, reconcile.DuplicateTheirs:
		return exceptions.Duplicate
	case reconcile.NumberDiffers:
		return exceptions.RefundMiss
	case reconcile.FeeDiffers:
		return exceptions.Fee
	}
	return exceptions.Kind(k)
}

// oursOnly moves a payment that the bill lacks to the cross-day pool (E14c): it
// stays in 2102 and is not split. A refund that the bill lacks is not booked.
func (r *channelRecon) oursOnly(ctx context.Context, tx *store.Tx, d *reconcile.Difference, e *exceptions.Exception) error {
	t := d.Ours
	o, found, err := orders.Find(ctx, tx, r.w.Book.ID(), t.OrderNo, t.RefundNo)
	if err != nil || !found {
		return err
	}
	e.Member, e.Amount, e.Subject, e.State = o.Member, t.Amount, t.OrderNo, exceptions.InPool
	if t.Kind == reconcile.Pay {
		if d.Kind == reconcile.BankMiss && r.nearCut(t.Time) {
			e.Kind = exceptions.Date
		}
		twin, err := r.twinOf(ctx, tx, t, o.Member)
		if err != nil {
			return err
		}
		if twin != "" { // a later bill may still bring it, so it waits like the others
			e.Kind, e.Ours, e.Template = exceptions.Duplicate, twin, "void"
		}
		r.add(t, eventShortage, t.OrderNo, t.Ref, subaccounts.Debit(shortage(t.OrderNo), t.Amount), subaccounts.Credit(owed(r.ch.Code, r.date), t.Amount))
	} else {
		e.Subject = t.RefundNo
	}
	err = orders.AddOpen(ctx, tx, r.w.Book.ID(), orders.Open{OrderNo: t.OrderNo, RefundNo: t.RefundNo, FileID: o.FileID, Row: o.Row,
		Member: o.Member, Channel: r.ch.Code, Amount: o.Amount, Time: t.Time, Reason: orders.InPool, Since: r.date})
	if err != nil {
		return err
	}
	return r.w.open(ctx, tx, *e)
}

func (r *channelRecon) nearCut(t int64) bool {
	cut := r.date.At(24, 0).Unix()
	return t >= cut-nearCutSeconds && t < cut
}

// maxItem is how long the name of an open item may be, in bytes.
const maxItem = 64

// another names a row whose number is empty or names another case already: by
// the clearing date and how many there were, not by its place in a file, so that
// the same rows in another order come to the same.
func (r *channelRecon) another(number string) string {
	if r.others == nil {
		r.others = map[string]int{}
	}
	r.others[number]++
	tail := "#" + r.date.Compact() + "." + strconv.Itoa(r.others[number])
	return number[:min(len(number), maxItem-len(tail))] + tail
}

// theirsOnly takes in what only the channel knows: a payment is a surplus
// (E14a, 长款), a refund a shortage (E14c) until a person says what it is.
func (r *channelRecon) theirsOnly(ctx context.Context, tx *store.Tx, d *reconcile.Difference, e exceptions.Exception) error {
	t := d.Theirs
	if t.Kind == reconcile.Refund {
		if done, err := r.sentBack(ctx, tx, t); err != nil || done {
			return err
		}
	} else if err := r.paidLate(ctx, tx, t, &e); err != nil {
		return err
	}
	item := t.OrderNo
	if t.Kind == reconcile.Refund {
		item = t.RefundNo
	}
	key := surplus(item)
	if t.Kind == reconcile.Refund {
		key = shortage(item)
	}
	standing, err := r.w.Book.Balance(ctx, tx, key)
	if err != nil {
		return err
	}
	if item == "" || d.Kind == reconcile.DuplicateTheirs || standing != 0 {
		item = r.another(item)
	}
	e.Subject, e.Amount, e.State = item, t.Amount, exceptions.Open
	if t.Kind == reconcile.Refund {
		r.add(t, eventShortage, item, t.Ref, subaccounts.Debit(shortage(item), t.Amount), subaccounts.Credit(owed(r.ch.Code, r.date), t.Amount))
	} else {
		r.add(t, eventSurplus, item, t.Ref, subaccounts.Debit(owed(r.ch.Code, r.date), t.Amount), subaccounts.Credit(surplus(item), t.Amount))
	}
	return r.w.open(ctx, tx, e)
}
