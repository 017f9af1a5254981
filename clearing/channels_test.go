package clearing_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/cardsettle"
	"custody/bankfiles/unionpay"
	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

const wechatChannel = `  - {code: WX, name: 微信支付, bill: wechat-all, merchant: "1900000109", fee_ppm: 6000, pay_days: natural, payers: [财付通]}
`

// withChannel is a scene in which another channel takes the place of WeChat.
func withChannel(t *testing.T, channel string) *scene {
	t.Helper()
	s := newScene(t, wechatChannel, "  - "+channel+"\n")
	s.profile("shop.yaml", shopProfile)
	return s
}

// shopProfile describes the bill of a channel that nobody else has.
const shopProfile = `name: shop-bill
title: "示例渠道 bill"
columns:
  date: ["时间"]
  amount: ["金额"]
  order_no: ["我方单号"]
  refund_no: ["退款单号"]
  fee: ["手续费"]
  reference: ["渠道单号"]
sign:
  rule: signed
dates: ["yyyy-MM-dd HH:mm:ss"]
`

// unionPayRows are the rows of a bill as UnionPay writes them.
func unionPayRows(rows []bankfiles.BillRow) []unionpay.Row {
	var out []unionpay.Row
	for i, r := range rows {
		row := unionpay.Row{Code: "S22", Kind: r.Kind, Agent: "48020000", Sender: "00010000", Trace: fmt.Sprintf("%06d", i+1), Time: r.Time,
			Card: "621700******1234", Amount: r.Amount, MCC: "5411", QueryNo: fmt.Sprintf("%021d", i+1), OrderNo: r.OrderNo, Fee: r.Fee,
			Merchant: "700000000000001", Terminal: "00000001"}
		row.Settle, _ = r.Amount.Add(r.Fee.Neg())
		if r.Kind == bankfiles.Refund {
			row.Code, row.OrderNo, row.OrigOrderNo = "S30", r.RefundNo, r.OrderNo
			row.Settle, _ = r.Amount.Neg().Add(r.Fee.Neg())
		}
		row.Net = row.Settle
		out = append(out, row)
	}
	return out
}

// shopBill is a bill of the user's own channel; a refund stands below zero.
func shopBill(rows []bankfiles.BillRow) []byte {
	var out strings.Builder
	out.WriteString("渠道单号,时间,我方单号,退款单号,金额,手续费\n")
	for _, r := range rows {
		amount := r.Amount
		if r.Kind == bankfiles.Refund {
			amount = amount.Neg()
		}
		fmt.Fprintf(&out, "%s,%s,%s,%s,%s,%s\n", r.ChannelNo, r.Time.In(bizdate.Zone).Format("2006-01-02 15:04:05"), r.OrderNo, r.RefundNo, amount, r.Fee)
	}
	return []byte(out.String())
}

// cardFile is the operator's settlement of prepaid cards.
func cardFile(t *testing.T, date string, rows []bankfiles.BillRow) []byte {
	var list []cardsettle.Row
	for _, r := range rows {
		face, _ := r.Amount.Fen()
		share, _ := r.Fee.Fen()
		list = append(list, cardsettle.Row{Kind: cardsettle.Debit, Serial: r.OrderNo, Operator: "T" + r.OrderNo, Province: "GD", Face: face, Share: share,
			Net: face - share, Time: r.Time})
	}
	return bytesOf(t, func(w io.Writer) error { return cardsettle.Write(w, "TEL", day(date), slices.Values(list)) })
}

// oldWeChat is a bill with the columns of before 2018: other names, none for the
// order's amount.
func oldWeChat(rows []bankfiles.BillRow) []byte {
	var out strings.Builder
	out.WriteString("交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率\n")
	pays, fees := money.FromFen(0), money.FromFen(0)
	for _, r := range rows {
		fmt.Fprintf(&out, "`%s,`wx1,`1900000109,`0,`,`%s,`%s,`u,`JSAPI,`SUCCESS,`CFT,`CNY,`%s,`0.0,`0,`0,`0.0,`0.0,`,`,`茶,`,`%s000,`0.60%%\n",
			r.Time.In(bizdate.Zone).Format("2006-01-02 15:04:05"), r.ChannelNo, r.OrderNo, r.Amount, r.Fee)
		pays, _ = pays.Add(r.Amount)
		fees, _ = fees.Add(r.Fee)
	}
	fmt.Fprintf(&out, "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额\n`%d,`%s,`0.0,`0.0,`%s000\n", len(rows), pays, fees)
	return []byte(out.String())
}

// TestChannelsAsData: the same day of the same trades, whatever the channel's
// bill looks like and however it is packed: the same vouchers come of it.
func TestChannelsAsData(t *testing.T) {
	trades := []bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-12 10:00:00"), pay("N2", "50.00", "0.30", "02-12 11:00:00")}
	union := func(format string) func(t *testing.T) []byte {
		return func(t *testing.T) []byte {
			return bytesOf(t, func(w io.Writer) error { return unionpay.Write(w, format, slices.Values(unionPayRows(trades))) })
		}
	}
	zm := union(unionpay.ZM)
	ali := func(t *testing.T) []byte {
		return bytesOf(t, func(w io.Writer) error {
			return alipay.Write(w, alipay.Head{Account: "20880000000000020156", Date: day("2026-02-12"), Exported: day("2026-02-13").At(9, 0), Product: "x"}, slices.Values(trades))
		})
	}
	for _, c := range []struct {
		name, bill, merchant, file string
		raw                        func(*testing.T) []byte
	}{
		{"UnionPay ZM", "unionpay-zm", "700000000000001", "INN26021288ZM_700000000000001", zm},
		{"UnionPay ZM in its zip", "unionpay-zm", "700000000000001", "unionpay.zip", func(t *testing.T) []byte {
			return zipOf(t, "INN26021288ZM_700000000000001", zm(t), "INN26021288ZME_700000000000001", []byte(""))
		}},
		{"UnionPay COMN", "unionpay-comn", "700000000000001", "IND26021201ACOMN", union(unionpay.COMN)},
		{"WeChat with the 24 columns of before 2018", "wechat-all", "1900000109", "wx-20260212.csv", func(*testing.T) []byte { return oldWeChat(trades) }},
		{"Alipay in its zip with GBK names", "alipay-trade", "20880000000000020156", "20880000000000020156.zip", func(t *testing.T) []byte {
			return zipOf(t, "20880000000000020156_20260212_业务明细.csv", ali(t), "20880000000000020156_20260212_业务明细(汇总).csv", []byte("类型,收入笔数\n"))
		}},
		{"a user's profile", "profile:shop-bill", "", "shop.csv", func(*testing.T) []byte { return shopBill(trades) }},
		{"a user's profile in a workbook", "profile:shop-bill", "", "shop.xlsx", func(t *testing.T) []byte { return sheetOf(t, string(shopBill(trades))) }},
		{"11888 cards", "card-settle", "TEL", "cards.txt", func(t *testing.T) []byte { return cardFile(t, "2026-02-12", trades) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := withChannel(t, fmt.Sprintf(`{code: WX, name: X, kind: net-banking, bill: "%s", merchant: "%s", fee_ppm: 6000, pay_days: natural, payers: [财付通]}`, c.bill, c.merchant))
			s.write("inbox/"+c.file, c.raw(t))
			s.dropOrders("2026-02-12", payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("N2", "B", "WX", "50.00", "02-12 11:00:00"))
			s.bill("ALI", "2026-02-12")
			s.bank("2026-02-12")
			s.over("2026-02-12", 0)
			s.wantOpen()
			s.want(map[string]string{"1122.WX.0212": "150.00", "2102": "0.00", "2501.WX.0212": "0.90", "2302.WX.0212": "7.50", "2002.A": "92.40", "2002.B": "46.20"})
		})
	}
}

// TestRefundInAnyBill: a refund is told by its own number.
func TestRefundInAnyBill(t *testing.T) {
	trades := []bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-12 10:00:00"), refunded("N1", "R1", "100.00", "0.60", "02-12 12:00:00")}
	for name, c := range map[string]struct {
		bill, file string
		raw        func(*testing.T) []byte
	}{
		"UnionPay ZME": {"unionpay-zme", "INN26021288ZME_700000000000001", func(t *testing.T) []byte {
			return bytesOf(t, func(w io.Writer) error { return unionpay.Write(w, unionpay.ZME, slices.Values(unionPayRows(trades))) })
		}},
		"UnionPay": {"unionpay-zm", "INN26021288ZM_700000000000001", func(t *testing.T) []byte {
			return bytesOf(t, func(w io.Writer) error { return unionpay.Write(w, unionpay.ZM, slices.Values(unionPayRows(trades))) })
		}},
		"profile": {"profile:shop-bill", "shop.csv", func(*testing.T) []byte { return shopBill(trades) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := withChannel(t, fmt.Sprintf(`{code: WX, name: X, bill: "%s", fee_ppm: 6000, pay_days: natural, payers: [财付通]}`, c.bill))
			s.write("inbox/"+c.file, c.raw(t))
			s.dropOrders("2026-02-12", payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), refundOf("N1", "R1", "A", "WX", "100.00", "02-12 12:00:00"))
			s.bill("ALI", "2026-02-12")
			s.bank("2026-02-12")
			s.over("2026-02-12", 0)
			s.wantOpen()
			s.want(map[string]string{"1122": "0.00", "2102": "0.00", "2501": "0.00", "2002.A": "0.00"})
		})
	}
}

// TestChannelPaysGross: the whole arrives (E3g), and the bank takes the fee of two
// clearing dates with one line later (E3h).
func TestChannelPaysGross(t *testing.T) {
	s := withChannel(t, `{code: WX, name: 银联在线, kind: unionpay, bill: "profile:shop-bill", fee_ppm: 6000, pays: gross, fee_debit: {payers: [示例银联], remarks: [手续费]}, pay_days: natural, payers: [示例银联]}`)
	night := func(date, order, amount, fee string, lines ...bankLine) {
		when := date[5:] + " 10:00:00"
		s.report(date)
		s.dropOrders(date, payOrder(order, "A", "WX", amount, when))
		s.write("inbox/shop-"+day(date).Compact()+".csv", shopBill([]bankfiles.BillRow{pay(order, amount, fee, when)}))
		s.bill("ALI", date)
		s.bank(date, lines...)
		s.over(date, 0)
	}
	night("2026-02-10", "N1", "1000.00", "6.00")
	night("2026-02-11", "N2", "200.00", "1.20",
		bankLine{"G1", "02-11 08:00:00", "1000.00", "示例银联", "", "", "示例银联 20260210"}, bankLine{"G2", "02-11 09:00:00", "-3.00", "示例银联", "", "", "手续费"})
	wantList(t, "arrived", s.posted("2026-02-11", "E3g"), []string{"E3g Cr 1122.WX.0210 1000.00; Dr 1001 1000.00"})
	s.want(map[string]string{"1001": "1000.00", "1122.WX.0210": "0.00", "2501.WX.0210": "6.00"})
	s.wantOpen("OFF_SYSTEM G2 OPEN") // no bill explains a fee of 3.00
	night("2026-02-12", "N3", "10.00", "0.06",
		bankLine{"G3", "02-12 08:00:00", "200.00", "示例银联", "", "", "示例银联 20260211"}, bankLine{"G4", "02-12 09:00:00", "-7.20", "示例银联", "", "", "手续费 2月"})
	wantList(t, "fee", s.posted("2026-02-12", "E3h"), []string{"E3h Cr 1001 7.20; Dr 2501.WX.0210 6.00; Dr 2501.WX.0211 1.20"})
	s.want(map[string]string{"2501.WX.0210": "0.00", "2501.WX.0211": "0.00", "2501.WX.0212": "0.06", "1122.WX.0211": "0.00"})
	s.wantOpen("OFF_SYSTEM G2 OPEN")
}

// TestChannelFee: rate, fixed part, minimum and cap, never more than the item.
func TestChannelFee(t *testing.T) {
	ch := clearing.Channel{FeePPM: 6000, FeeFixed: "0.10", FeeMin: "0.20", FeeCap: "5.00"}
	for amount, want := range map[string]string{"0.15": "0.15", "1.00": "0.20", "100.00": "0.70", "10000.00": "5.00"} {
		a, err := money.ParseYuan(amount)
		if err != nil {
			t.Fatal(err)
		}
		if fee, err := ch.Fee(a); err != nil || fee.String() != want {
			t.Errorf("%s: %s %v, want %s", amount, fee, err, want)
		}
	}
	if back, err := (clearing.Channel{FeePPM: 6000, FeeBack: "none"}).FeeReturned(10000); err != nil || back != 0 {
		t.Errorf("%s %v", back, err)
	}
}

// TestBadChannels: each fault names the key.
func TestBadChannels(t *testing.T) {
	for field, channel := range map[string]string{
		"channels.bill":      `{code: WX, name: X, bill: paper, fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.kind":      `{code: WX, name: X, kind: gold, bill: wechat-all, fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.pays":      `{code: WX, name: X, bill: wechat-all, pays: later, fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.fee_debit": `{code: WX, name: X, bill: wechat-all, pays: gross, fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.fee_cap":   `{code: WX, name: X, bill: wechat-all, fee_min: "2.00", fee_cap: "1.00", fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.fee_fixed": `{code: WX, name: X, bill: wechat-all, fee_fixed: "much", fee_ppm: 1, pay_days: natural, payers: [x]}`,
		"channels.fee_back":  `{code: WX, name: X, bill: wechat-all, fee_back: half, fee_ppm: 1, pay_days: natural, payers: [x]}`,
	} {
		_, err := clearing.ParseConfig([]byte(strings.Replace(workedConfig, wechatChannel, "  - "+channel+"\n", 1)))
		if f := fault.Of(err); f == nil || f.Code != "config.value" || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
