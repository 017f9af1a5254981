package inspect

import (
	"bytes"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/cardsettle"
	"custody/bankfiles/unionpay"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
	"custody/internal/money"
)

// The formats of the channels beyond their daily trade bill.
const (
	WeChatSuccess  Format = wechat.FormatSuccess        // payments only
	WeChatRefund   Format = wechat.FormatRefund         // refunds only
	WeChatFlow     Format = wechat.FormatFundFlow       // 资金账单
	AlipayAccount  Format = alipay.FormatAccount        // 账务明细
	AlipayTradeSum Format = alipay.FormatTradeSummary   // 业务明细(汇总)
	AlipayAccSum   Format = alipay.FormatAccountSummary // 账务明细(汇总)
	UnionPayZM     Format = unionpay.ZM
	UnionPayZME    Format = unionpay.ZME
	UnionPayCOMN   Format = unionpay.COMN
	CardSettle     Format = cardsettle.Format
)

// channelFormats come before the others: their marks are more particular than
// those of the trade bills.
var channelFormats = []format{
	{Zip, isZip, reportZip},
	{CardSettle, begins("H|CARDSETTLE|"), reportCards},
	{WeChatRefund, hasColumns("交易时间", "微信订单号", "商户退款单号", "退款申请时间"), reportWeChat},
	{WeChatSuccess, both(hasColumns("交易时间", "微信订单号", "商户订单号", "交易状态"), not(hasColumns("交易时间", "退款单号"))), reportWeChat},
	{WeChatFlow, hasColumns("资金流水单号", "收支类型"), reportFlow(wechat.ReadFundFlow)},
	{AlipayAccount, hasColumns("账务流水号", "业务流水号", "发生时间"), reportFlow(alipay.ReadAccount)},
	{AlipayAccount, hasColumns("#支付宝账务明细查询"), reportFlow(alipay.ReadAccount)},
	{AlipayAccSum, hasColumns("类型", "收入笔数", "支出笔数"), reportOverview},
	{AlipayTradeSum, hasColumns("交易订单总笔数", "退款订单总笔数"), reportOverview},
	{UnionPayZM, isUnionPay(unionpay.ZM), reportUnionPay},
	{UnionPayZME, isUnionPay(unionpay.ZME), reportUnionPay},
	{UnionPayCOMN, isUnionPay(unionpay.COMN), reportUnionPay},
}

func both(a, b func([]byte) bool) func([]byte) bool {
	return func(head []byte) bool { return a(head) && b(head) }
}

func not(a func([]byte) bool) func([]byte) bool {
	return func(head []byte) bool { return !a(head) }
}

// isUnionPay tells a settlement file by the widths of its first line.
func isUnionPay(format string) func([]byte) bool {
	return func(head []byte) bool {
		first, _, _ := bytes.Cut(head, []byte{'\n'})
		return unionpay.Detect(first) == format
	}
}

// reportFlow reports on a file of movements: they are a statement too.
func reportFlow(read func(string, io.Reader, func(*bankfiles.Flow) error) (bankfiles.FlowSummary, error)) func(*file) error {
	return func(f *file) error {
		sum, err := read(f.File, f.src, nil)
		f.Rows, f.Encoding = sum.Rows, sum.Encoding
		if err != nil {
			return err
		}
		f.agree(true)
		if sum.Gap != nil {
			f.Warn(sum.Gap)
		}
		net, err := sum.InTotal.Add(sum.OutTotal.Neg())
		if err != nil {
			return fault.Invalid("bill.overflow").In(f.File)
		}
		f.Statements = append(f.Statements, Statement{Account: sum.Account, Currency: money.CNY, From: sum.From, To: sum.To,
			Opening: decimal(sum.Opening), Closing: decimal(sum.Closing), Entries: sum.Rows, Sum: net.String(), Balanced: sum.Balanced})
		return nil
	}
}

func reportOverview(f *file) error {
	got, err := alipay.ReadOverview(f.File, f.src)
	f.Rows, f.Encoding, f.TotalsAgree = got.Rows, got.Encoding, got.TotalsAgree
	return err
}

// reportUnionPay: a file without its own name has no date; it is read all the
// same, with a warning. It carries no totals.
func reportUnionPay(f *file) error {
	sum, err := unionpay.Read(f.File, f.src, unionpay.Options{Undated: true}, nil)
	f.Rows, f.Encoding = sum.Rows, sum.Encoding
	if err == nil && sum.Date.IsZero() {
		f.Warn(fault.Invalid("unionpay.settle_date").In(f.File))
	}
	return err
}

func reportCards(f *file) error {
	sum, err := cardsettle.Read(f.File, f.src, nil)
	f.Rows, f.Encoding = sum.Rows, utf8Name
	if err == nil {
		f.agree(true)
	}
	return err
}
