package clearing

import (
	"slices"
	"strings"

	"custody/bankfiles/inspect"
	"custody/bankfiles/profile"
	"custody/clearing/calendar"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// Channel is a way of paying (支付渠道) whose bill and money we expect. What makes
// one channel different from another is data: its bill, its fee, and how its
// money comes.
type Channel struct {
	Code string `yaml:"code" json:"code"`
	Name string `yaml:"name" json:"name"`
	// Kind is what customers pay with, for people: net-banking (网银), unionpay
	// (银联在线), credit-card (信用卡), wechat (微信), alipay (支付宝), mobile (手机),
	// fixed-line (固话), balance (余额). Nothing follows from it; lists show it.
	Kind     string `yaml:"kind" json:"kind"`
	Bill     string `yaml:"bill" json:"bill"`         // format of its bill, see [BillFormats], or profile:<name>
	Merchant string `yaml:"merchant" json:"merchant"` // 商户号 that the bill must carry; empty: not checked
	// Its fee on each item: FeePPM parts per million, half-up to the fen, and
	// FeeFixed on top; at least FeeMin, at most FeeCap, never more than the item.
	FeePPM   int64  `yaml:"fee_ppm" json:"fee_ppm"`
	FeeFixed string `yaml:"fee_fixed" json:"fee_fixed"` // yuan
	FeeMin   string `yaml:"fee_min" json:"fee_min"`
	FeeCap   string `yaml:"fee_cap" json:"fee_cap"`
	// FeeBack is what a refund gives back of the fee: same (default), the fee of
	// the amount refunded, or none.
	FeeBack string `yaml:"fee_back" json:"fee_back"`
	// Pays is net (default): it keeps its fee and pays the rest; or gross: it pays
	// the whole and the bank takes the fee later, by a line of FeeDebit.
	Pays     string   `yaml:"pays" json:"pays"`
	FeeDebit FeeDebit `yaml:"fee_debit" json:"fee_debit"`
	PayDays  string   `yaml:"pay_days" json:"pay_days"` // its calendar: natural or working days on which it pays
	Payers   []string `yaml:"payers" json:"payers"`     // names of the payer on the bank statement
}

// FeeDebit tells the bank line that takes a channel's fee later (手续费后收): its
// party is one of Payers and its remark holds one of Remarks, as far as those are
// given.
type FeeDebit struct {
	Payers  []string `yaml:"payers" json:"payers"`
	Remarks []string `yaml:"remarks" json:"remarks"`
}

// How a channel pays, and what it gives back.
const (
	paysNet   = "net"
	paysGross = "gross"
	feeSame   = "same"
	feeNone   = "none"
	natural   = "natural"
	working   = "working"
)

// channelKinds are what customers pay with.
var channelKinds = []string{"", "net-banking", "unionpay", "credit-card", "wechat", "alipay", "mobile", "fixed-line", "balance"}

// BillFormats are the formats of bills that a channel may name beside profile:<name>.
func BillFormats() []string {
	return []string{string(inspect.WeChatAll), string(inspect.AlipayTrade), string(inspect.UnionPayZM), string(inspect.UnionPayZME),
		string(inspect.UnionPayCOMN), string(inspect.CardSettle)}
}

// checkChannels is the part of [Config.validate] that is about channels.
func (c *Config) checkChannels(need func(ok bool, field, value string)) {
	seen := map[string]bool{}
	for _, ch := range c.Channels {
		need(ch.Code != "" && !strings.ContainsAny(ch.Code, " .") && !seen[ch.Code], "channels.code", ch.Code)
		need(slices.Contains(channelKinds, ch.Kind), "channels.kind", ch.Kind)
		need(slices.Contains(BillFormats(), ch.Bill) || strings.HasPrefix(ch.Bill, profile.Prefix), "channels.bill", ch.Bill)
		need(ch.FeePPM >= 0 && ch.FeePPM < money.PPM, "channels.fee_ppm", ch.Code)
		for field, value := range map[string]string{"channels.fee_fixed": ch.FeeFixed, "channels.fee_min": ch.FeeMin, "channels.fee_cap": ch.FeeCap} {
			a, err := money.ParseYuan(value)
			need(value == "" || err == nil && a >= 0, field, value)
		}
		need(ch.FeeCap == "" || mustYuan(ch.FeeCap) >= mustYuan(ch.FeeMin), "channels.fee_cap", ch.FeeCap)
		need(slices.Contains([]string{"", feeSame, feeNone}, ch.FeeBack), "channels.fee_back", ch.FeeBack)
		need(slices.Contains([]string{"", paysNet, paysGross}, ch.Pays), "channels.pays", ch.Pays)
		need((ch.Pays == paysGross) == ch.FeeDebit.given(), "channels.fee_debit", ch.Code)
		need(ch.PayDays == natural || ch.PayDays == working, "channels.pay_days", ch.PayDays)
		need(len(ch.Payers) > 0, "channels.payers", ch.Code)
		seen[ch.Code] = true
	}
}

func (f FeeDebit) given() bool { return len(f.Payers)+len(f.Remarks) > 0 }

// isOf reports whether a bank line takes the fee.
func (f FeeDebit) isOf(line bankLine) bool {
	holds := func(words []string, text string) bool {
		return len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	return f.given() && line.Amount < 0 && holds(f.Payers, line.Name) && holds(f.Remarks, line.Remark)
}

// gross reports whether the channel pays the whole and has its fee taken later.
func (ch Channel) gross() bool { return ch.Pays == paysGross }

// Fee is what the channel's contract says that a payment costs. It returns
// [money.ErrOverflow] for an amount that no file can hold.
func (ch Channel) Fee(amount money.Amount) (money.Amount, error) {
	fee, err := split.Fee(amount, ch.FeePPM)
	if err != nil || ch.FeeFixed == "" && ch.FeeMin == "" && ch.FeeCap == "" { // a million times a night
		return fee, err
	}
	fee = max(fee+mustYuan(ch.FeeFixed), mustYuan(ch.FeeMin))
	if ch.FeeCap != "" {
		fee = min(fee, mustYuan(ch.FeeCap))
	}
	return min(fee, amount), nil
}

// FeeText is the fee rule in a few signs: 0.38% + 0.10, 0.02..25.00.
func (ch Channel) FeeText() string {
	text := money.Percent(ch.FeePPM)
	if ch.FeeFixed != "" {
		text += " + " + ch.FeeFixed
	}
	if ch.FeeMin != "" || ch.FeeCap != "" {
		text += ", " + ch.FeeMin + ".." + ch.FeeCap
	}
	return text
}

// FeeReturned is what it gives back, positive, of the fee when an amount is refunded.
func (ch Channel) FeeReturned(amount money.Amount) (money.Amount, error) {
	if ch.FeeBack == feeNone {
		return 0, nil
	}
	return ch.Fee(amount)
}

// days counts the channel's own days between two dates: all of them, or the
// working ones, as it pays.
func (ch Channel) days(c *calendar.Calendar, from, to bizdate.Date) (int, error) {
	if ch.PayDays == natural {
		return from.DaysUntil(to), nil
	}
	return c.WorkingDaysBetween(from, to)
}

// channelAge is for how many of its own days a channel has owed by the date being
// played. A channel that custody.yaml no longer has counts working days.
func (w *Work) channelAge(code string, clearing bizdate.Date) (int, error) {
	ch, _ := w.Config.Channel(code)
	return ch.days(w.Calendar, clearing, w.Date)
}

// Channel returns the channel with the code.
func (c *Config) Channel(code string) (Channel, bool) {
	for _, ch := range c.Channels {
		if ch.Code == code {
			return ch, true
		}
	}
	return Channel{}, false
}

// channelRank gives the order of posting: the order of custody.yaml.
func (c *Config) channelRank() map[string]int {
	rank := make(map[string]int, len(c.Channels))
	for i, ch := range c.Channels {
		rank[ch.Code] = i
	}
	return rank
}
