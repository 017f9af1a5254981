package simbank

import (
	"cmp"
	"math/bits"
	"strconv"

	"custody/internal/bizdate"
)

// channel is one of the two payment channels, as custody.yaml states them.
type channel struct {
	code, name, bill, merchant, payer string
	payNatural                        bool // pays on the natural day after, else on the next working day
}

var channels = [...]channel{
	{code: "WX", name: "微信支付", bill: "wechat-all", merchant: "1900000109", payer: "财付通", payNatural: true},
	{code: "ALI", name: "支付宝", bill: "alipay-trade", merchant: "20880000000000010156", payer: "支付宝"},
}

// grossChannel is the third channel of the days with money events. It pays the
// whole, and its fee is debited a working day later.
var grossChannel = channel{code: "UP", name: "银联在线", bill: BillUnionPay, merchant: unionPayMerchant, payer: "示例银联"}

// cardChannel is the telecom operator of prepaid cards on those days.
var cardChannel = channel{code: "TEL", name: "电话卡", bill: "card-settle", merchant: "TEL", payer: "示例电信"}

const (
	wechat = iota
	alipay
	gross
	cards
	channelCount
)

func channelIndex(code string) int {
	for i, c := range channels {
		if c.code == code {
			return i
		}
	}
	return -1
}

// rng is splitmix64 (Steele, Lea, Flood 2014): one addition and a mix a number,
// and any of its streams starts at once, which is what makes an order a
// function of its number.
type rng uint64

func newRNG(parts ...uint64) *rng {
	var r rng
	for _, p := range parts {
		r = rng(r.next() ^ p)
	}
	return &r
}

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1.
func (r *rng) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// Salts keep the streams for different questions apart.
const (
	orderSalt = iota + 1
	refundSalt
	lateSalt
	faultSalt
	receiptSalt
	memberSalt
)

// source gives every order of every day.
type source struct {
	seed     uint64
	orders   int
	members  int
	partners int
	from     bizdate.Date
	closed   func(bizdate.Date) bool
	sameDay  int          // one order in so many is refunded on its own day
	renewed  bizdate.Date // first clearing date of the second contract; zero: never
}

// contractOf is the contract by which orders of a clearing date are split.
func (s *source) contractOf(clearing bizdate.Date) contract {
	if !s.renewed.IsZero() && clearing >= s.renewed {
		return renewedContract
	}
	return standardContract
}

func newSource(p Params) source {
	return source{seed: p.Seed, orders: p.Orders, members: p.Members, partners: partnerCount(p.Members),
		from: p.From, closed: p.closed, sameDay: cmp.Or(p.SameDay, refundBlock), renewed: p.renewed()}
}

// partnerCount: a third of the franchisees, a tenth from 100 on.
func partnerCount(members int) int {
	if members >= 100 {
		return members / 10
	}
	return max(1, members/3)
}

// partnerOf returns the partner who shares in the orders of a franchisee.
func (s *source) partnerOf(member int) int { return member % s.partners }

// order is a payment as the customer made it.
type order struct {
	i       int // number within its day, from 0, in order of time
	member  int
	channel int
	fen     int64
	second  int // of the day
}

// order returns order i of a day. It costs some 20 ns.
func (s *source) order(day bizdate.Date, i int) order {
	r := newRNG(s.seed, orderSalt<<32|uint64(day), uint64(i))
	o := order{i: i, member: r.below(s.members), fen: amount(r), channel: alipay}
	if r.below(4) == 0 { // every eighth shop is a flagship with a quarter more customers than its share
		o.member = r.below((s.members + 7) / 8)
	}
	if r.below(100) < 62 {
		o.channel = wechat
	}
	o.second = secondOf((i*million + r.below(million)) / s.orders)
	return o
}

const million = 1_000_000

// amount draws fen: mostly a meal, sometimes a table, rarely a banquet. Four of
// ten prices end in whole yuan.
func amount(r *rng) int64 {
	var fen int
	switch x := r.below(1000); {
	case x < 600:
		fen = 5_00 + r.below(55_00)
	case x < 900:
		fen = 60_00 + r.below(240_00)
	case x < 990:
		fen = 300_00 + r.below(1_700_00)
	default:
		fen = 2_000_00 + r.below(18_000_00)
	}
	if r.below(10) < 4 {
		fen = max(fen/100*100, 1_00)
	}
	return int64(fen)
}

// hours are the shares, in thousandths, of the day's orders from 07:00 to 23:00.
var hours = [...]int{30, 45, 35, 40, 90, 130, 75, 40, 40, 45, 75, 120, 105, 65, 40, 25}

const firstHour = 7

// secondOf turns a place in the day, in millionths of its orders, into a time.
func secondOf(place int) int {
	for h, share := range hours {
		if width := share * 1000; place < width {
			return (firstHour+h)*3600 + place*3600/width
		} else {
			place -= width
		}
	}
	return (firstHour+len(hours))*3600 - 1
}

// orderNo is date, channel and number: 20260212WX000000001, at most 20 characters.
func orderNo(day bizdate.Date, o *order) string {
	b := make([]byte, 0, 24)
	b = strconv.AppendInt(b, int64(day), 10)
	b = append(b, channels[o.channel].code...)
	return string(appendPadded(b, o.i+1, 9))
}

// channelNo is the channel's own number of a payment.
func channelNo(day bizdate.Date, o *order) string {
	b := make([]byte, 0, 32)
	if o.channel == wechat {
		b = append(b, "4200002"...)
		b = strconv.AppendInt(b, int64(day), 10)
		return string(appendPadded(b, o.i+1, 13)) // 28 digits
	}
	b = strconv.AppendInt(b, int64(day), 10)
	b = append(b, "220014"...)
	return string(appendPadded(b, o.i+1, 14)) // 28 digits
}

func appendPadded(b []byte, n, width int) []byte {
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], int64(n), 10)
	for range width - len(d) {
		b = append(b, '0')
	}
	return append(b, d...)
}

// refund is a refund as the shop asked for it.
type refund struct {
	order
	day     bizdate.Date // of the order
	fen     int64        // of the refund; order.fen stays the payment's
	second  int
	sameDay bool
}

func (f *refund) refundNo() string { return orderNo(f.day, &f.order) + "R1" }

// channelRefundNo: WeChat numbers refunds, Alipay repeats the payment's number.
func (f *refund) channelRefundNo() string {
	if f.channel == wechat {
		return "503" + channelNo(f.day, &f.order)[3:]
	}
	return channelNo(f.day, &f.order)
}

// Refunds, in orders: one in 200 on the same day and one in 200 within the next five days.
const (
	refundBlock = 200
	refundDays  = 5
	lastSecond  = 86_390 // refunds end before midnight, for the channel too
	opening     = 9 * 3600
)

// sameDayRefund says whether an order is refunded on its own day, before it is split.
func (s *source) sameDayRefund(day bizdate.Date, o *order) (refund, bool) {
	r := newRNG(s.seed, refundSalt<<32|uint64(day), uint64(o.i))
	if r.below(cmp.Or(s.sameDay, refundBlock)) != 0 {
		return refund{}, false
	}
	return refund{order: *o, day: day, fen: refundAmount(r, o.fen),
		second: min(o.second+300+r.below(5400), lastSecond), sameDay: true}, true
}

// laterRefund returns the order of a block of 200 orders of an earlier day that
// is refunded lag days after it. One order of a block at most is refunded so.
func (s *source) laterRefund(day bizdate.Date, block, lag int) (refund, bool) {
	r := newRNG(s.seed, lateSalt<<32|uint64(day), uint64(block))
	if 1+r.below(refundDays) != lag {
		return refund{}, false
	}
	i := block*refundBlock + r.below(refundBlock)
	if i >= s.orders {
		return refund{}, false
	}
	o := s.order(day, i)
	if _, gone := s.sameDayRefund(day, &o); gone {
		return refund{}, false
	}
	return refund{order: o, day: day, fen: refundAmount(r, o.fen), second: opening + r.below(13*3600)}, true
}

// refundAmount: two of three refunds are whole; the others are a multiple of
// 5.00, whose fee of 0.6 % is whole fen, so that no rule of rounding fees is favoured.
func refundAmount(r *rng, fen int64) int64 {
	part := int64(r.below(int(fen))) / refundStep * refundStep
	if r.below(3) < 2 || part == 0 {
		return fen
	}
	return part
}

const refundStep = 5_00
