package simbank

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// day is everything of one natural day but the orders, which are drawn again
// each time they are written: orders of a day need no memory, its refunds
// (1 %) and the members' shares do.
type day struct {
	*source
	date    bizdate.Date
	codes   []string // of the franchisees
	orders  int
	marks   marks
	before  marks    // of the day before: its order before midnight is in our bills
	refunds []refund // by time
	events  []trade  // of the days with money events
	terms   contract // of what this day clears
	regions int
	bills   [channelCount]billTotal
	// shares are what each member gains on the day, per channel: splits less
	// refunds of orders that were split. Franchisees first, then partners.
	shares [channelCount][]int64
}

// billTotal is what the channel pays for a bill, in fen.
type billTotal struct {
	rows              int
	pay, refund, fees int64
}

func (b billTotal) net() int64 { return b.pay - b.refund - b.fees }

func (b *billTotal) add(r *row) {
	b.rows++
	if r.refund == nil {
		b.pay += r.fen
	} else {
		b.refund += r.fen
	}
	b.fees += r.fee
}

// newDay draws the day once: refunds, totals of the bills, shares.
func (g *generator) newDay(date bizdate.Date) *day {
	d := &day{source: &g.source, date: date, codes: g.plan.codes, marks: g.marks[date], before: g.marks[date.AddDays(-1)],
		events: g.tradesOn(date), terms: g.source.contractOf(date), regions: g.plan.Regions}
	if !g.closed(date) {
		d.orders = g.Orders
	}
	for c := range d.shares {
		d.shares[c] = make([]int64, g.Members+g.source.partners+d.regions)
	}
	for i := range d.orders {
		o := d.source.order(date, i)
		m, marked := d.marks[i]
		left := o.fen
		if !marked {
			if f, refunded := d.sameDayRefund(date, &o); refunded {
				d.refunds = append(d.refunds, f)
				left -= f.fen
			}
		}
		if left > 0 && m.isSplitToday() {
			d.share(o.channel, o.member, d.terms.split(left, feeOf(left)), 1)
		}
	}
	if o, crossed := d.crossed(); crossed {
		d.share(o.channel, o.member, d.terms.split(o.fen, feeOf(o.fen)), 1)
	}
	d.laterRefunds(g.marks)
	d.shareLate()
	slices.SortFunc(d.refunds, func(a, b refund) int {
		return cmp.Or(a.second-b.second, int(a.day-b.day), a.i-b.i)
	})
	for c := range channels {
		for r := range d.billRows(c) {
			d.bills[c].add(&r)
		}
	}
	d.addEvents()
	return d
}

// isSplitToday: orders that only one side knows, or of which the sides name
// different amounts, wait for a person.
func (m mark) isSplitToday() bool {
	switch m.fault {
	case CrossMidnight, ChannelOnly, OursOnly, AmountDiff, AmountFen, DirectionDiff, PaidLate:
		return false
	}
	return true
}

func (d *day) share(channel, member int, s shares, sign int64) {
	to := d.shares[channel]
	to[member] += sign * s.member
	to[d.members+d.partnerOf(member)] += sign * s.partner
	if s.region != 0 {
		to[d.members+d.partners] += sign * s.region
	}
}

// crossed returns the order of the day before that the channel books today.
func (d *day) crossed() (order, bool) {
	for i, m := range d.before {
		if m.fault == CrossMidnight {
			return d.source.order(d.date.AddDays(-1), i), true
		}
	}
	return order{}, false
}

// laterRefunds adds the refunds of orders of earlier days. A refund that today's
// sales of its member would not cover twice does not happen: nobody's balance
// runs dry by chance.
func (d *day) laterRefunds(all map[bizdate.Date]marks) {
	if d.orders == 0 {
		return
	}
	for lag := 1; lag <= refundDays; lag++ {
		then := d.date.AddDays(-lag)
		if then < d.from || d.closed(then) {
			continue
		}
		for i, m := range all[then] {
			if m.fault == RefundAfterPayout && lag == 1 {
				o := d.source.order(then, i)
				d.refundLater(refund{order: o, day: then, fen: o.fen / 5 / refundStep * refundStep, second: 15 * 3600})
			}
		}
		for block := range (d.source.orders + refundBlock - 1) / refundBlock {
			f, ok := d.laterRefund(then, block, lag)
			if !ok {
				continue
			}
			s := d.contractOf(then).splitRefund(f.order.fen, f.fen)
			have := d.shares[f.channel]
			if _, marked := all[then][f.i]; !marked && have[f.member] >= 2*s.member &&
				have[d.members+d.partnerOf(f.member)] >= 2*s.partner {
				d.refundLater(f)
			}
		}
	}
}

func (d *day) refundLater(f refund) {
	d.refunds = append(d.refunds, f)
	d.share(f.channel, f.member, d.contractOf(f.day).splitRefund(f.order.fen, f.fen), -1)
}

// row is a payment or refund as one side sees it.
type row struct {
	order
	day    bizdate.Date // of the order
	refund *refund
	fen    int64 // of the row
	fee    int64 // as the bill prints it: negative on a refund
	second int
}

// rows merges payments and refunds by time. Of a payment it takes what see
// says of it, if anything.
func (d *day) rows(channel int, see func(*row) bool) iter.Seq[row] {
	return func(yield func(row) bool) {
		next := 0
		emitRefunds := func(until int) bool {
			for ; next < len(d.refunds) && d.refunds[next].second <= until; next++ {
				f := &d.refunds[next]
				if channel >= 0 && f.channel != channel {
					continue
				}
				if !yield(row{order: f.order, day: f.day, refund: f, fen: f.fen, fee: -feeOf(f.fen), second: f.second}) {
					return false
				}
			}
			return true
		}
		var last []row // before midnight, behind everything else
		for i := range d.orders {
			o := d.source.order(d.date, i)
			if channel >= 0 && o.channel != channel {
				continue
			}
			r := row{order: o, day: d.date, fen: o.fen, second: o.second}
			if !see(&r) {
				continue
			}
			if r.second > lastSecond {
				last = append(last, r)
				continue
			}
			if !emitRefunds(r.second) || !yield(r) {
				return
			}
		}
		if !emitRefunds(lastSecond) {
			return
		}
		for _, r := range last {
			if !yield(r) {
				return
			}
		}
	}
}

const midnight = 86_400

// ourRows are the rows of head office's order file.
func (d *day) ourRows() iter.Seq[row] {
	return then(d.rows(-1, func(r *row) bool {
		m := d.marks[r.i]
		if m.fault == CrossMidnight {
			r.second = midnight - 2
		}
		return m.fault != ChannelOnly
	}), d.moreOurs())
}

// billRows are the rows of a channel's bill: the order that crossed midnight
// first, then the day's own.
func (d *day) billRows(channel int) iter.Seq[row] {
	own := then(d.rows(channel, func(r *row) bool {
		m := d.marks[r.i]
		m.alter(r)
		return m.fault != OursOnly && m.fault != CrossMidnight
	}), d.moreTheirs(channel))
	return func(yield func(row) bool) {
		if o, crossed := d.crossed(); crossed && o.channel == channel {
			if !yield(row{order: o, day: d.date.AddDays(-1), fen: o.fen, fee: feeOf(o.fen), second: 2}) {
				return
			}
		}
		own(yield)
	}
}

// orderFile is the day's order file.
func (d *day) orderFile() iter.Seq[bankfiles.Order] {
	start := d.date.At(0, 0)
	return func(yield func(bankfiles.Order) bool) {
		for r := range d.ourRows() {
			o := bankfiles.Order{Kind: bankfiles.Pay, Status: d.status(&r), OrderNo: orderNo(r.day, &r.order), Member: d.codes[r.member],
				Channel: channels[r.channel].code, Amount: yuan(r.fen), Time: start.Add(time.Duration(r.second) * time.Second)}
			if r.refund != nil {
				o.Kind, o.RefundNo = bankfiles.Refund, r.refund.refundNo()
			}
			if !yield(o) {
				return
			}
		}
		d.eventOrders(yield)
	}
}

// bill is a channel's bill. The channel books up to two seconds after the shop.
func (d *day) bill(channel int) iter.Seq[bankfiles.BillRow] {
	start := d.date.At(0, 0)
	return func(yield func(bankfiles.BillRow) bool) {
		for r := range d.billRows(channel) {
			at := start.Add(time.Duration(r.second+r.i%3) * time.Second)
			b := bankfiles.BillRow{Kind: bankfiles.Pay, OrderNo: orderNo(r.day, &r.order), Amount: yuan(r.fen),
				Fee: yuan(r.fee), Time: at}
			if r.refund != nil {
				b.Kind, b.RefundNo, b.ChannelNo = bankfiles.Refund, r.refund.refundNo(), r.refund.channelRefundNo()
			} else {
				b.ChannelNo = channelNo(r.day, &r.order)
			}
			if !yield(b) {
				return
			}
		}
		d.eventBill(channel, yield)
	}
}

func yuan(fen int64) money.Exact { return money.FromFen(money.Amount(fen)) }
