package clearing

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/orders"
	"custody/internal/bizdate"
	"custody/internal/store"
	"custody/subaccounts"
)

// passThrough is the key of money that is not yet split (待清分资金).
var passThrough = subaccounts.Key{Code: "2102"}

// reference is the key of a voucher about one order or refund. It begins with
// a date, so that a night's references lie together.
func reference(date bizdate.Date, channel, number string) string {
	return date.Compact() + "." + channel + "." + number
}

// source names the row of a file that a voucher comes from.
func source(file, row int64) string {
	return "file " + strconv.FormatInt(file, 10) + " line " + strconv.FormatInt(row, 10)
}

// stepCollect books every payment of our order file (E1, 收款; E6a of an escrow
// order): the channel owes it under the clearing date of our own day until its
// bill says otherwise.
func (w *Work) stepCollect(ctx context.Context) (Counts, error) {
	f, ok, err := w.fileNow(ctx, fileOrders, "")
	if err != nil || !ok {
		return Counts{}, err
	}
	c, err := w.collectOrders(ctx, f)
	if err != nil {
		return c, err
	}
	marked, err := w.collectMarked(ctx, f)
	if c = c.Add(marked); err != nil {
		return c, err
	}
	held, err := w.collectEscrows(ctx, f)
	return c.Add(held), err
}

// collectOrders books the payments that are split the same night.
func (w *Work) collectOrders(ctx context.Context, f File) (Counts, error) {
	var err error
	// One channel at a time is in memory: a night has a million orders.
	var list []orders.Payment
	var rows collecting
	loaded := -1
	return w.inGroups(ctx, stepCollection, "", []string{f.SHA256}, func(tx *store.Tx, cursor int64) (part, error) {
		channel, from := int(cursor>>channelShift), cursor&(1<<channelShift-1)
		if loaded != channel {
			list = nil // let go of the channel before, which is as large
			if list, err = w.collected(ctx, tx, f.ID, w.Config.Channels[channel].Code); err != nil {
				return part{}, err
			}
			loaded = channel
		}
		group := list[from:min(from+groupRows, int64(len(list)))]
		if err := w.postAll(ctx, tx, rows.postings(w, f.ID, w.Config.Channels[channel].Code, group)); err != nil {
			return part{}, err
		}
		p := part{counts: Counts{In: len(group), Done: len(group)}, cursor: cursor + int64(len(group))}
		if from+int64(len(group)) == int64(len(list)) {
			p.cursor = int64(channel+1) << channelShift
			p.last = channel+1 == len(w.Config.Channels)
		}
		return p, nil
	})
}

// channelShift separates, in the cursor of the collection, the channel from
// the place within it; a file has at most 5,000,000 rows.
const channelShift = 32

// collected returns a channel's payments of our order file in the order of posting.
func (w *Work) collected(ctx context.Context, tx *store.Tx, file int64, channel string) ([]orders.Payment, error) {
	list, err := orders.PaymentsOfFile(ctx, tx, w.Book.ID(), file, channel)
	if err == nil {
		list, err = w.withoutCoupons(ctx, tx, file, channel, list)
	}
	slices.SortFunc(list, func(a, b orders.Payment) int {
		if a.Time != b.Time {
			return cmp.Compare(a.Time, b.Time)
		}
		return strings.Compare(a.OrderNo, b.OrderNo)
	})
	return list, err
}

// collecting holds the memory of a group's postings, which the next group uses again.
type collecting struct {
	made []subaccounts.Posting
	legs []subaccounts.Leg
}

// postings are the E1 postings of some payments of a channel. They hold until
// the next call.
func (c *collecting) postings(w *Work, file int64, channel string, group []orders.Payment) []subaccounts.Posting {
	c.made = slices.Grow(c.made[:0], len(group))
	c.legs = slices.Grow(c.legs[:0], 2*len(group))
	owes := owed(channel, w.Date)
	for i := range group {
		o := &group[i]
		c.legs = append(c.legs, subaccounts.Debit(owes, o.Amount), subaccounts.Credit(passThrough, o.Amount))
		c.made = append(c.made, subaccounts.Posting{Date: w.Date, Event: eventCollect, Reference: reference(w.Date, channel, o.OrderNo),
			Source: source(file, o.Row), Legs: c.legs[2*i : 2*i+2 : 2*i+2]})
	}
	return c.made
}

// postAll posts a large set; any refused voucher is an error, because these
// postings follow from files that were checked.
func (w *Work) postAll(ctx context.Context, tx *store.Tx, postings []subaccounts.Posting) error {
	outcomes, err := w.tryAll(ctx, tx, postings)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// tryAll posts what the ledger takes of a large set and says of each posting
// what became of it; who may not accept a refusal gives the transaction up.
func (w *Work) tryAll(ctx context.Context, tx *store.Tx, postings []subaccounts.Posting) ([]subaccounts.Outcome, error) {
	batch, err := w.Book.Begin(ctx, tx, w.Actor, w.Stamp)
	if err != nil {
		return nil, err
	}
	outcomes, err := batch.Post(ctx, postings)
	if err != nil {
		return nil, err
	}
	return outcomes, batch.Finish(ctx)
}
