package simbank

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/cardsettle"
	"custody/internal/bizdate"
)

// The days with money events: beside the shops' ordinary orders a handful of each
// kind that a custody account sees, on days counted from the first one. What the
// people of head office do about them is no matter of the bank's; it hears of that
// by instructions and payments.

// sides says who knows of a trade.
type sides int

const (
	both sides = iota
	shopOnly
	channelSide
)

// trade is a payment or refund of the table below. Amounts are fen.
type trade struct {
	day     int    // after the first
	no      string // of the order
	refund  string // number of the refund; empty on a payment
	member  int    // place among the franchisees
	channel int
	fen     int64
	coupon  int64 // the part that head office pays, which no bill shows
	status  bankfiles.OrderStatus
	escrow  bool
	known   sides
	split   bool // divided with the night of its day
}

// eventTrades are what happens on named days. Orders without a split are held,
// wait for a decision, or never were.
var eventTrades = []trade{
	// Escrow orders (担保交易): confirmed, refunded, confirmed by the timer, disputed
	// with a part refund, refunded in vain, and one under the second contract.
	{day: 0, no: "EVS1", channel: alipay, fen: 300_00, escrow: true},
	{day: 0, no: "EVS2", channel: alipay, fen: 120_00, escrow: true},
	{day: 1, no: "EVS2", refund: "REVS2", channel: alipay, fen: 120_00, escrow: true},
	{day: 0, no: "EVS3", member: 1, channel: wechat, fen: 100_00, escrow: true},
	{day: 0, no: "EVS4", member: 1, channel: alipay, fen: 200_00, escrow: true},
	{day: 1, no: "EVS4", refund: "REVS4", member: 1, channel: alipay, fen: 50_00, escrow: true},
	{day: 0, no: "EVS5", channel: wechat, fen: 80_00, escrow: true},
	{day: 7, no: "EVS6", channel: wechat, fen: 500_00, escrow: true},
	// Coupons (优惠券): two before head office has any marketing money, one after.
	{day: 0, no: "EVC1", channel: wechat, fen: 100_00, coupon: 20_00, split: true},
	{day: 0, no: "EVC2", channel: alipay, fen: 60_00, coupon: 10_00, split: true},
	{day: 2, no: "EVC3", channel: wechat, fen: 100_00, coupon: 20_00, split: true},
	// Paid after it was closed (迟到支付), and sent back; paid while we did not know, and adopted.
	{day: 0, no: "EVL1", channel: wechat, fen: 50_00, status: bankfiles.OrderClosed, known: shopOnly},
	{day: 0, no: "EVL1", channel: wechat, fen: 50_00, known: channelSide},
	{day: 2, no: "EVL1", refund: "REVL1", channel: wechat, fen: 50_00, known: channelSide},
	{day: 1, no: "EVL2", channel: alipay, fen: 40_00, status: bankfiles.OrderUnknown, known: shopOnly},
	{day: 1, no: "EVL2", channel: alipay, fen: 40_00, known: channelSide},
	// Paid twice (重复支付), the second time through another channel, and sent back.
	{day: 1, no: "EVD1", channel: wechat, fen: 70_00, split: true},
	{day: 1, no: "EVD1", channel: alipay, fen: 70_00, known: channelSide},
	{day: 3, no: "EVD1", refund: "REVD1", channel: alipay, fen: 70_00, known: channelSide},
	// Voided on its day (撤销).
	{day: 1, no: "EVV1", channel: wechat, fen: 90_00, status: bankfiles.OrderReversed, known: shopOnly},
}

// Card is a prepaid card with which a franchisee tops up, on a day counted from the first.
type Card struct {
	Day       int
	Reference string
	Member    int // place among the franchisees
	FaceFen   int64
	PIN       string // its last digit is none by which [Operator] goes wrong
}

// Cards are the cards of the days with money events. The operator's settlement
// of the day lists them, and keeps a tenth; the member has 85 %.
var Cards = []Card{
	{2, "CARD1", 0, 100_00, "100000000000000016"}, {3, "CARD2", 1, 50_00, "100000000000000027"}, {8, "CARD3", 0, 200_00, "100000000000000038"},
}

const (
	operatorPPM  = 100_000
	cardOwnerPPM = 850_000
)

// settled are the rows of the operator's settlement, as [Operator] debits the cards.
func (d *day) settled() iter.Seq[cardsettle.Row] {
	return func(yield func(cardsettle.Row) bool) {
		n := 0
		for i := range d.events {
			t := &d.events[i]
			if t.channel != cards {
				continue
			}
			n++
			fen, fee := t.billed()
			row := cardsettle.Row{Kind: cardsettle.Debit, Serial: t.no, Operator: fmt.Sprintf("T%d", n), Province: "GD",
				Face: amountOf(fen), Share: amountOf(fee), Net: amountOf(fen - fee), Time: d.date.At(10, n-1)}
			if !yield(row) {
				return
			}
		}
	}
}

// renewedDay is the day from which on the second contract holds.
const renewedDay = 6

// RenewedRule is the rule file of the second contract, for days that begin at from.
func RenewedRule(from bizdate.Date) string {
	c := renewedContract
	return fmt.Sprintf(`id: renewed
effective: %s
fee_bearer: franchisee
levels:
  - {to: head_office, ppm: %d, cap: "%s"}
  - {to: partner, ppm: %d}
  - {to: region, ppm: %d}
`, from.AddDays(renewedDay), c.headOfficePPM, yuan(c.headOfficeCap), c.partnerPPM, c.regionPPM)
}

// regionCode is the region above all franchisees.
const regionCode = "R001"

func (p *Params) renewed() bizdate.Date {
	if !p.Events {
		return 0
	}
	return p.From.AddDays(renewedDay)
}

// tradesOn are the events of a day: the table's and two payments through the
// channel that pays gross.
func (g *generator) tradesOn(date bizdate.Date) []trade {
	if !g.Events {
		return nil
	}
	day := g.From.DaysUntil(date)
	var list []trade
	for _, t := range eventTrades {
		if t.day == day {
			t.member %= g.Members
			list = append(list, t)
		}
	}
	for i := range 2 {
		list = append(list, trade{day: day, no: fmt.Sprintf("EVU%s%d", date.Compact(), i), member: i % g.Members, channel: gross,
			fen: int64(80_00 + 7*day + 115*i), split: true})
	}
	for _, c := range Cards {
		if c.Day == day {
			list = append(list, trade{day: day, no: c.Reference, member: c.Member % g.Members, channel: cards, fen: c.FaceFen, known: channelSide})
		}
	}
	return list
}

// billed is the trade in a bill: amount and fee, the fee of a refund negative.
func (t *trade) billed() (fen, fee int64) {
	fen = t.fen - t.coupon
	fee = feeOf(fen)
	if t.channel == cards {
		fee = fen * operatorPPM / ppm
	}
	if t.refund != "" {
		fee = -fee
	}
	return fen, fee
}

// addEvents takes the events into the totals and shares of the day.
func (d *day) addEvents() {
	for i := range d.events {
		t := &d.events[i]
		fen, fee := t.billed()
		if t.known != shopOnly {
			b := &d.bills[t.channel]
			b.rows++
			b.fees += fee
			if t.refund == "" {
				b.pay += fen
			} else {
				b.refund += fen
			}
		}
		if t.channel == cards {
			d.shares[cards][t.member] += t.fen * cardOwnerPPM / ppm
		}
		if t.split {
			d.share(t.channel, t.member, d.terms.split(t.fen, fee), 1)
		}
	}
}

// at is when an event happens: from 13:00 on, one a minute.
func (d *day) at(i int) time.Time { return d.date.At(13, 0).Add(time.Duration(i) * time.Minute) }

// eventOrders adds the events to the order file.
func (d *day) eventOrders(yield func(bankfiles.Order) bool) {
	for i := range d.events {
		t := &d.events[i]
		if t.known == channelSide {
			continue
		}
		o := bankfiles.Order{Kind: bankfiles.Pay, Escrow: t.escrow, OrderNo: t.no, RefundNo: t.refund, Member: d.codes[t.member],
			Channel: codeOf(t.channel), Amount: yuan(t.fen), Time: d.at(i), Status: t.status}
		if t.refund != "" {
			o.Kind = bankfiles.Refund
		}
		if t.coupon != 0 {
			o.Coupon = yuan(t.coupon)
		}
		if !yield(o) {
			return
		}
	}
}

// eventBill adds the events to a channel's bill.
func (d *day) eventBill(channel int, yield func(bankfiles.BillRow) bool) {
	for i := range d.events {
		t := &d.events[i]
		if t.known == shopOnly || t.channel != channel {
			continue
		}
		fen, fee := t.billed()
		b := bankfiles.BillRow{Kind: bankfiles.Pay, OrderNo: t.no, RefundNo: t.refund, Amount: yuan(fen), Fee: yuan(fee), Time: d.at(i)}
		// The numbers of ordinary orders of the day end below 900,000,000.
		o := order{i: 900_000_000 + i, channel: channel}
		b.ChannelNo = channelNo(d.date, &o)
		if t.refund != "" {
			b.Kind = bankfiles.Refund
		}
		if !yield(b) {
			return
		}
	}
}

func codeOf(channel int) string {
	switch channel {
	case gross:
		return grossChannel.code
	case cards:
		return cardChannel.code
	}
	return channels[channel].code
}

// bankEvent is a line of the statement that follows from no order and no payout.
type bankEvent struct {
	day                         int
	time                        string
	fen                         int64 // credit positive
	code, name, account, remark string
}

// The payers of the days with money events, nobody's accounts.
const (
	memberPayer   = "6299900000000000011"
	strangerPayer = "6299900000000000029"
)

// MemberPayer is the account from which the first franchisee pays in himself.
const MemberPayer = memberPayer

// bankEvents happen once; the first franchisee pays in every day from the second on.
var bankEvents = []bankEvent{
	{1, "15:45:00", -5_00, "CHRG", "", "", "账户管理费"},
	{1, "15:40:00", 300_00, "TRAN", "王示例", strangerPayer, "往来"},
	{3, "09:30:00", 10_000_00, receiptCode, corporateName, corporateAccount, "自有资金"},
	{4, "15:45:00", -1_00, "CHRG", "", "", "汇划费"},
	{7, "15:50:00", 12_34, "INTR", "", "", "结息"},
}

// planEvents plans the bank's lines of the days with money events.
func (g *generator) planEvents() error {
	if !g.Events {
		return nil
	}
	list := slices.Clone(bankEvents)
	for day := 1; day < g.Days; day++ {
		list = append(list, bankEvent{day, "16:10:00", 5_000_00, "TRAN", "赵示例", memberPayer, "充值"})
	}
	for _, e := range list {
		if e.day >= g.Days {
			continue
		}
		date := g.From.AddDays(e.day)
		g.plan.Receipts = append(g.plan.Receipts, line{Date: date, Time: e.time, Value: date, Fen: e.fen, Code: e.code,
			Name: e.name, Account: e.account, Remark: e.remark})
	}
	return nil
}

// planFee plans the debit of what the gross channel keeps of a bill: a working
// day after it has paid.
func (g *generator) planFee(d *day, paid bizdate.Date) error {
	date, err := g.nextWorking(paid)
	if err != nil || d.bills[gross].fees == 0 {
		return err
	}
	g.plan.Receipts = append(g.plan.Receipts, line{Date: date, Time: "17:20:00", Value: date, Fen: -d.bills[gross].fees, Code: "FEES",
		Name: grossChannel.payer, Remark: "手续费 " + d.date.Compact()})
	return nil
}

// eventFaults are what goes wrong on the days with money events, pinned to days
// counted from the first; those that do not fit are left out.
var eventFaults = []struct {
	name    string
	day     int
	channel string
}{
	{OwnFunds, 0, ""}, {CrossMidnight, 1, "WX"}, {Refused, 1, ""}, {ChannelOnly, 2, "WX"}, {OursOnly, 2, "ALI"}, {LateDebit, 2, ""},
	{Returned, 3, ""}, {ChannelLate, 3, "ALI"}, {DebitedF, 4, ""}, {FeeDiff, 7, "ALI"}, {NoAnswer, 7, ""}, {RefundAfterPayout, 8, "WX"},
}

// defaultFaults are the names that are played where none are given.
func (p *Params) defaultFaults() []string {
	if !p.Events {
		return DefaultFaults
	}
	var names []string
	for _, f := range eventFaults {
		pin := f.name + "@" + p.From.AddDays(f.day).String()
		if f.channel != "" {
			pin += "/" + f.channel
		}
		names = append(names, pin)
	}
	return names
}

// adoptable reports whether an instruction names, to the fen, an order of which
// the shops did not know whether it was paid.
func (p *plan) adoptable(it *bankfiles.InstructionItem) bool {
	return p.Events && slices.ContainsFunc(eventTrades, func(t trade) bool {
		return t.status == bankfiles.OrderUnknown && t.no == it.OrderNo && codeOf(t.channel) == it.Channel &&
			t.fen == int64(it.Amount) && p.From.AddDays(t.day) == it.ClearingDate
	})
}

// rowsAtRisk are the places of the payments that may go wrong: with money events
// those out of members' sub-accounts alone, so that each fault meets what it is for.
func (p *plan) rowsAtRisk(batches []*bankfiles.PayoutFile) []int {
	var rows []int
	n := 0
	for _, batch := range batches {
		for i := range batch.Items {
			if !p.Events || fromSubAccount(&batch.Items[i]) {
				rows = append(rows, n)
			}
			n++
		}
	}
	return rows
}
