package simbank

import (
	"iter"
	"slices"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// A bad day: what else goes wrong between head office, its channels and its
// bank, so that every kind of difference has been seen once.
const (
	FeeHigh       = "fee-high"          // the bill's fee of a row is 0.50 too high
	AmountFen     = "amount-fen"        // the bill's amount of a row is 0.01 lower than ours (尾差)
	BillTwice     = "bill-twice"        // a row stands twice in the bill; the next bill takes it back
	OrderTwice    = "order-twice"       // our file has a payment under two numbers
	RefundOurs    = "refund-ours"       // a refund that only the next bill lists
	RefundTheirs  = "refund-theirs"     // a refund in the bill alone
	DirectionDiff = "direction"         // a payment in our file, a refund in the bill
	PaidTwice     = "paid-twice"        // 重复支付: also paid through the other channel; its next bill gives it back
	PaidLate      = "paid-late"         // 迟到支付: closed in our file, paid in the bill; the next bill gives it back
	OffSystem     = "off-system"        // the bank debits what nobody ordered
	DebitTwice    = "debit-twice"       // a payout is debited twice; 冲正 of the second the next day
	WrongSub      = "wrong-sub-account" // 串户: the bank's list has 10.00 of a member under another
	BalanceOff    = "balance-off"       // the bank's list has 5.00 less of a member
	BadDay        = "bad-day"           // all of them and those of [FaultNames] that fit, on one day
)

// badNames are the faults of this file in the order in which they are listed.
var badNames = []string{FeeHigh, AmountFen, BillTwice, OrderTwice, RefundOurs, RefundTheirs, DirectionDiff, PaidTwice, PaidLate,
	OffSystem, DebitTwice, WrongSub, BalanceOff}

// badOrderFaults are those that hit an order.
var badOrderFaults = badNames[:9]

// badBankFaults are those that hit neither an order nor a payout.
var badBankFaults = []string{OffSystem, WrongSub, BalanceOff}

// badDayFaults are the parts of a bad day with their channels.
var badDayFaults = []string{UnknownReceipt, CrossMidnight + "/WX", ChannelOnly + "/WX", OursOnly + "/ALI", AmountDiff + "/WX", AmountFen + "/ALI",
	FeeDiff + "/ALI", FeeHigh + "/WX", BillTwice + "/WX", OrderTwice + "/ALI", RefundOurs + "/WX", RefundTheirs + "/ALI", DirectionDiff + "/WX",
	PaidTwice + "/WX", PaidLate + "/WX", OffSystem, Refused, LateDebit, Returned, DebitedF, NoAnswer, DebitTwice, WrongSub, BalanceOff}

// withBadDay puts the parts of a bad day in its place: all on one day, the second
// working day of the simulation unless the day is pinned. Head office pays in on
// the first day, to have something to bear differences with.
func withBadDay(p *Params, names []string) ([]string, error) {
	i := slices.IndexFunc(names, func(n string) bool { return n == BadDay || len(n) > len(BadDay) && n[:len(BadDay)+1] == BadDay+"@" })
	if i < 0 {
		return names, nil
	}
	var date bizdate.Date
	if pin := names[i][len(BadDay):]; pin != "" {
		d, err := bizdate.Parse(pin[1:])
		if err != nil {
			return nil, fault.Invalid("simbank.pin").On("faults", names[i])
		}
		date = d
	} else {
		days, err := suitable(p, BadDay)
		if err != nil {
			return nil, err
		}
		if len(days) == 0 {
			return nil, fault.Invalid("simbank.no_day", BadDay, p.Days).On("faults", names[i])
		}
		date = days[0]
	}
	parts := slices.Delete(slices.Clone(names), i, i+1)
	if !slices.ContainsFunc(parts, func(n string) bool { return n == OwnFunds }) {
		parts = append(parts, OwnFunds)
	}
	for _, part := range badDayFaults {
		name, channel := part, ""
		if k := slices.Index([]byte(part), '/'); k >= 0 {
			name, channel = part[:k], part[k:]
		}
		parts = append(parts, name+"@"+date.String()+channel)
	}
	return parts, nil
}

// badDays says whether a fault of this file, or a bad day, fits the i-th day.
func (p *Params) badDays(name string, i int, working bool) bool {
	d := p.From.AddDays(i)
	open := func(d bizdate.Date) bool { return !p.closed(d) && d >= p.From && d < p.From.AddDays(p.Days) }
	switch name {
	case BadDay, DebitTwice:
		return i > 0 && working && open(d) && open(d.AddDays(-1)) && open(d.AddDays(1))
	case BillTwice, RefundOurs, PaidTwice, PaidLate: // the next bill is part of the story
		return open(d) && open(d.AddDays(1))
	case OffSystem, WrongSub, BalanceOff:
		return true
	}
	return open(d)
}

// alter changes a payment of the bill as its mark says.
func (m mark) alter(r *row) {
	switch m.fault {
	case AmountDiff:
		r.fen += 1_00
	case AmountFen:
		r.fen--
	}
	r.fee = feeOf(r.fen)
	switch m.fault {
	case FeeDiff:
		r.fee++
	case FeeHigh:
		r.fee += 50
	case DirectionDiff:
		r.refund, r.fee = &refund{order: r.order, day: r.day, fen: r.fen, second: r.second}, -r.fee
	}
}

// billed is what a bill shows of an order that head office may adopt.
func (m mark) billed(fen int64) (int64, bool) {
	switch m.fault {
	case ChannelOnly, PaidLate:
		return fen, true
	case AmountDiff:
		return fen + 1_00, true
	case AmountFen:
		return fen - 1, true
	}
	return 0, false
}

// partOf is the part of an order that a refund of this file gives back.
func partOf(o *order) int64 { return o.fen / 5 / refundStep * refundStep }

// marked returns the orders of a day with one of the faults, by number.
func (d *day) marked(of marks, date bizdate.Date, faults ...string) []order {
	var list []order
	for i, m := range of {
		if slices.Contains(faults, m.fault) {
			list = append(list, d.source.order(date, i))
		}
	}
	slices.SortFunc(list, func(a, b order) int { return a.i - b.i })
	return list
}

// back is a refund row of an order.
func back(o order, of bizdate.Date, fen int64, second int) row {
	return row{order: o, day: of, refund: &refund{order: o, day: of, fen: fen, second: second}, fen: fen, fee: -feeOf(fen), second: second}
}

// secondNumber is added to the number of an order that our file has twice; a day
// has fewer orders.
const secondNumber = 900_000_000

// When the rows of this file stand in theirs: behind all others.
const (
	lateSecond  = 86_391
	againSecond = 9 * 3600
)

// moreOurs are rows that only head office's file of the day has.
func (d *day) moreOurs() []row {
	var rows []row
	for _, o := range d.marked(d.marks, d.date, OrderTwice) {
		o.i += secondNumber
		rows = append(rows, row{order: o, day: d.date, fen: o.fen, second: o.second})
	}
	for _, o := range d.marked(d.marks, d.date, RefundOurs) {
		rows = append(rows, back(o, d.date, partOf(&o), lateSecond))
	}
	return rows
}

// moreTheirs are rows that only a channel's bill of the day has.
func (d *day) moreTheirs(channel int) []row {
	var rows []row
	eve := d.date.AddDays(-1)
	add := func(c int, r row) {
		if c == channel {
			rows = append(rows, r)
		}
	}
	for _, o := range d.marked(d.marks, d.date, BillTwice) {
		add(o.channel, row{order: o, day: d.date, fen: o.fen, fee: feeOf(o.fen), second: lateSecond})
	}
	for _, o := range d.marked(d.marks, d.date, PaidTwice) {
		add(1-o.channel, row{order: o, day: d.date, fen: o.fen, fee: feeOf(o.fen), second: lateSecond})
	}
	for _, o := range d.marked(d.marks, d.date, RefundTheirs) {
		add(o.channel, back(o, d.date, partOf(&o), lateSecond))
	}
	for _, o := range d.marked(d.before, eve, RefundOurs) {
		add(o.channel, back(o, eve, partOf(&o), againSecond))
	}
	for _, o := range d.marked(d.before, eve, BillTwice, PaidLate) {
		add(o.channel, back(o, eve, o.fen, againSecond))
	}
	for _, o := range d.marked(d.before, eve, PaidTwice) {
		add(1-o.channel, back(o, eve, o.fen, againSecond))
	}
	return rows
}

// shareLate takes from the members what a refund of the day before gives back.
func (d *day) shareLate() {
	eve := d.date.AddDays(-1)
	for _, o := range d.marked(d.before, eve, RefundOurs) {
		d.share(o.channel, o.member, d.contractOf(eve).splitRefund(o.fen, partOf(&o)), -1)
	}
}

// then yields more rows behind others.
func then(rows iter.Seq[row], more []row) iter.Seq[row] {
	return func(yield func(row) bool) {
		for r := range rows {
			if !yield(r) {
				return
			}
		}
		for _, r := range more {
			if !yield(r) {
				return
			}
		}
	}
}

// status is what head office's file knows of an order that was paid too late.
func (d *day) status(r *row) bankfiles.OrderStatus {
	if r.refund == nil && r.day == d.date && d.marks[r.i].fault == PaidLate {
		return bankfiles.OrderClosed
	}
	return bankfiles.OrderPaid
}

// planDebit plans a debit that nobody ordered.
func (g *generator) planDebit(f plannedFault) {
	if f.Name == OffSystem {
		g.plan.Receipts = append(g.plan.Receipts, line{Date: f.Date, Time: "16:20:00", Value: f.Date, Fen: -88_00, Code: "DEBT",
			Name: "示例物业服务公司", Account: accountNo(g.Seed, million+1), Remark: "代扣物业费"})
	}
}

// debitTwice adds the second debit of a payout, and its reversal.
func (b *bank) debitTwice(debit, back line) {
	again := debit
	again.Ref = bankRef(b.date, 5*million+1+b.payouts)
	b.lines = append(b.lines, again)
	back.Time, back.Code, back.Remark, back.Reversal = reverseAt, "RVSL", "冲正 "+debit.Serial, true
	b.after.Later = append(b.after.Later, back)
}

// misstate makes the bank's list of sub-accounts wrong for the day. Its ledger
// stays right: the next list is.
func (b *bank) misstate(items []bankfiles.BalanceItem) {
	const wrong, off = 10_00, 5_00
	next := 0
	take := func() *bankfiles.BalanceItem { // the next member with enough to take from
		for ; next < len(items); next++ {
			if int64(items[next].Available) >= wrong {
				next++
				return &items[next-1]
			}
		}
		return nil
	}
	move := func(it *bankfiles.BalanceItem, fen int64) {
		it.Available += amountOf(fen)
		it.Cash = min(it.Cash, it.Available)
	}
	if b.plan.has(WrongSub, b.date, "") {
		if from, to := take(), take(); from != nil && to != nil {
			move(from, -wrong)
			move(to, wrong)
		}
	}
	if b.plan.has(BalanceOff, b.date, "") {
		if it := take(); it != nil {
			move(it, -off)
		}
	}
}
