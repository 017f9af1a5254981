package clearing

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/clearing/orders"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// eventAdvance is a refund that head office pays first (垫付).
const eventAdvance = "E7c"

// reserve is head office's account for advances (风险垫付金).
var reserve = subaccounts.Key{Code: "2305"}

// Advance is what head office paid for a member out of its risk reserve (垫付):
// the part of a refund that the member could not give back (E7a), a refund that
// head office chose to pay first (E7c), or money ahead of the channel's (E26).
// Reference is that of its voucher, under which it is recovered. Fen.
type Advance struct {
	Event     string       `json:"event"`
	Reference string       `json:"reference"`
	Member    string       `json:"code"` // empty where the order behind it is no longer at hand
	Date      bizdate.Date `json:"date"`
	Amount    money.Amount `json:"amount_fen"`
	Recovered money.Amount `json:"recovered_fen"`
	Parts     int          `json:"parts"` // recoveries so far, of all its members
}

// Left is what is still owed.
func (a Advance) Left() money.Amount { return a.Amount - a.Recovered }

// firstDate is before every accounting date.
const firstDate = bizdate.Date(19000101)

// advances lists what head office advanced for members by the cut of a date, as
// the vouchers of 2305 say: nothing else is kept of it, so the list cannot differ
// from the books. What the reserve paid for head office itself is not there.
func (e *Engine) advances(ctx context.Context, tx *store.Tx, until bizdate.Date) ([]*Advance, error) {
	var ids []int64
	_, _, err := e.Book.Entries(ctx, tx, reserve.Code, "", firstDate, until, func(entry *subaccounts.Entry) error {
		ids = append(ids, entry.VoucherID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	l := advanceLedger{Engine: e, tx: tx, byVoucher: map[int64][]*Advance{}}
	for _, id := range slices.Compact(ids) {
		v, _, err := e.Book.VoucherByID(ctx, tx, id)
		if err == nil {
			err = l.add(ctx, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.list, nil
}

// advanceLedger is the list while the vouchers of 2305 are read.
type advanceLedger struct {
	*Engine
	tx        *store.Tx
	list      []*Advance
	byVoucher map[int64][]*Advance
}

// add takes a voucher in. A reversal takes back what the voucher said.
func (l *advanceLedger) add(ctx context.Context, v subaccounts.Voucher) error {
	if v.Reverses == 0 {
		return l.apply(ctx, v, 1)
	}
	was, _, err := l.Book.VoucherByID(ctx, l.tx, v.Reverses)
	if err != nil {
		return err
	}
	return l.apply(ctx, was, -1)
}

func (l *advanceLedger) apply(ctx context.Context, v subaccounts.Voucher, sign money.Amount) error {
	if v.Event == "E7e" || v.Event == "E26b" {
		l.recover(v, sign)
		return nil
	}
	if v.Event == eventRefundListed {
		l.feeBack(v)
		return nil
	}
	if sign < 0 {
		for _, a := range l.byVoucher[v.ID] {
			a.Amount = 0
		}
		return nil
	}
	owed, err := l.drawnFor(ctx, l.tx, v)
	for _, o := range owed {
		a := &Advance{Event: v.Event, Reference: v.Reference, Member: o.member, Date: v.Date, Amount: o.amount}
		l.list, l.byVoucher[v.ID] = append(l.list, a), append(l.byVoucher[v.ID], a)
	}
	return err
}

// recover takes a recovery off its advance.
func (l *advanceLedger) recover(v subaccounts.Voucher, sign money.Amount) {
	i := strings.LastIndexByte(v.Reference, '/')
	part, _ := strconv.Atoi(v.Reference[i+1:])
	for _, a := range l.list {
		if a.Reference != v.Reference[:max(i, 0)] {
			continue
		}
		a.Parts = max(a.Parts, part)
		for _, entry := range v.Entries {
			if entry.Owner == a.Member && entry.Owner != "" {
				a.Recovered += sign * entry.Amount
			}
		}
	}
}

// feeBack takes off an advanced refund what the channel gave back of its fee when
// a bill listed it.
func (l *advanceLedger) feeBack(v subaccounts.Voucher) {
	var ref string
	var back money.Amount
	for _, entry := range v.Entries {
		switch entry.Code {
		case "2202":
			ref = entry.Owner + "." + entry.Item
		case reserve.Code:
			back -= entry.Amount
		}
	}
	for _, a := range l.list {
		if a.Event == eventAdvance && a.Reference == ref {
			a.Recovered += back
		}
	}
}

// drawn is what a voucher took out of the reserve for one member.
type drawn struct {
	member string
	amount money.Amount
}

// drawnFor says for whom a voucher drew on the reserve.
func (e *Engine) drawnFor(ctx context.Context, tx *store.Tx, v subaccounts.Voucher) ([]drawn, error) {
	var sum money.Amount
	owner := ""
	for _, entry := range v.Entries {
		if entry.Code == reserve.Code {
			sum += entry.Amount
		}
		if entry.Code == "2001" {
			owner = entry.Owner
		}
	}
	switch {
	case sum <= 0:
		return nil, nil
	case v.Event == "E26":
		return []drawn{{owner, sum}}, nil
	case v.Event == eventAdvance:
		r, err := e.advancedRefund(ctx, tx, v.Reference)
		return []drawn{{r.Member, sum}}, err
	case v.Event == eventRefund:
		return e.shortOf(ctx, tx, v, sum)
	}
	return nil, nil // head office's own: a write-off, a shortage
}

// advancedRefund reads what two people approved of an advanced refund.
func (e *Engine) advancedRefund(ctx context.Context, tx *store.Tx, ref string) (flows.Refund, error) {
	var r flows.Refund
	list, err := approval.Of(ctx, tx, e.Book.ID(), eventAdvance, eventAdvance+":"+ref)
	for _, a := range list {
		if a.State == approval.Approved && err == nil {
			err = json.Unmarshal([]byte(a.Content), &r)
		}
	}
	return r, err
}

// shortOf divides what a refund took from the reserve among the members who could
// not give back their part: a part comes from its owner's own accounts, and what
// those lack from the reserve. Where the order is archived nobody can say whose it
// was: it is listed without a member.
func (e *Engine) shortOf(ctx context.Context, tx *store.Tx, v subaccounts.Voucher, sum money.Amount) ([]drawn, error) {
	d, shares, found, err := e.refundShares(ctx, tx, v)
	if err != nil || !found {
		return []drawn{{"", sum}}, err
	}
	var list []drawn
	for i, owner := range d.Owners[:len(d.Owners)-1] {
		short := shares.Parts[i]
		for _, entry := range v.Entries {
			if entry.Owner == owner && entry.Amount > 0 && entry.Code != "2501" {
				short -= entry.Amount
			}
		}
		if short > 0 {
			list = append(list, drawn{owner, short})
		}
	}
	return list, nil
}

// refundShares divides the refund of a voucher (E7a) again, as it was divided when
// it was posted.
func (e *Engine) refundShares(ctx context.Context, tx *store.Tx, v subaccounts.Voucher) (d flows.Divided, back split.Shares, found bool, err error) {
	r, found, err := e.refundOrder(ctx, tx, v)
	if err != nil || !found {
		return d, back, false, err
	}
	of, order, found, err := e.splitOf(ctx, tx, r.OrderNo)
	if err != nil || !found {
		return d, back, false, err
	}
	earlier, err := e.refundsBefore(ctx, tx, r.OrderNo, r.RefundNo)
	if err != nil {
		return d, back, false, err
	}
	earlier = slices.DeleteFunc(earlier, func(x subaccounts.Voucher) bool { return x.ID >= v.ID })
	d = flows.Divide(of, order.Member)
	if err := d.GiveBack(earlier...); err != nil {
		return d, back, false, err
	}
	amount, feeBack := flows.Refunded(v)
	for _, entry := range v.Entries {
		if entry.Code == marketing.Code { // a coupon that goes back to head office
			amount -= entry.Amount
		}
	}
	back, err = split.Refund(d.Original, d.Before, amount, feeBack)
	return d, back, err == nil, err
}

// refundOrder returns the refund of ours that a voucher was posted for.
func (e *Engine) refundOrder(ctx context.Context, tx *store.Tx, v subaccounts.Voucher) (orders.Order, bool, error) {
	for _, entry := range v.Entries {
		if entry.Code == "2202" {
			return e.orderOf(ctx, tx, entry.Item)
		}
	}
	return orders.Order{}, false, nil
}

// splitOf returns the voucher that split an order, also of an escrow order.
func (e *Engine) splitOf(ctx context.Context, tx *store.Tx, orderNo string) (v subaccounts.Voucher, o orders.Order, found bool, err error) {
	if o, found, err = orders.Find(ctx, tx, e.Book.ID(), orderNo, ""); err != nil || !found {
		return v, o, false, err
	}
	m, found, err := orders.MatchOf(ctx, tx, e.Book.ID(), o)
	if err != nil || !found {
		return v, o, false, err
	}
	v, found, err = e.Book.VoucherByReference(ctx, tx, eventSplit, reference(m.Clearing, o.Channel, o.OrderNo))
	for _, event := range []string{"E6c", "E6e"} {
		if err == nil && !found && o.Escrow {
			v, found, err = e.Book.VoucherByReference(ctx, tx, event, o.OrderNo)
		}
	}
	return v, o, found, err
}

// owedBy adds up what is left of advances by member, and lists those with
// anything left, oldest first.
func owedBy(list []*Advance) (map[string]money.Amount, map[string][]Advance) {
	owed, open := map[string]money.Amount{}, map[string][]Advance{}
	for _, a := range list {
		if a.Left() > 0 {
			owed[a.Member] += a.Left()
			open[a.Member] = append(open[a.Member], *a)
		}
	}
	for _, l := range open {
		slices.SortStableFunc(l, func(a, b Advance) int { return cmp.Compare(a.Date, b.Date) })
	}
	return owed, open
}

// aged puts advances into the buckets of the ageing table (账龄).
func aged(list []Advance, at bizdate.Date) []AgedAdvance {
	buckets := exceptions.Buckets()
	rows := make([]AgedAdvance, len(buckets))
	for i, b := range buckets {
		rows[i].Days = b.Name
		for _, a := range list {
			if days := max(a.Date.DaysUntil(at), 0); days >= b.From && days <= b.To {
				rows[i].Amount += a.Left()
			}
		}
	}
	return rows
}

// AgedAdvance is what is owed since a number of natural days.
type AgedAdvance struct {
	Days   string       `json:"days"`
	Amount money.Amount `json:"amount_fen"`
}
