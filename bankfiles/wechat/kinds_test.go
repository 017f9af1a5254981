package wechat_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
)

// The bills of other kinds and years, as their columns stood; names and numbers are ours.
const (
	success20 = `交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注
` + "`2026-02-13 00:00:02,`wx1,`1900000001,`0,`,`4200001,`W4,`,`JSAPI,`SUCCESS,`OTHERS,`CNY,`100.00,`0.00,`门店,订单,`,`0.60000,`0.60%,`100.00,`\n" + `总交易单数,应结订单总金额,手续费总金额,订单总金额
` + "`1,`100.00,`0.60000,`100.00\n"
	refund29 = `交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
` + "`2026-02-10 09:00:00,`wx1,`1900000001,`0,`,`4200001,`W1,`,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2026-02-13 15:00:00,`2026-02-14 15:00:03,`5030001,`R2,`200.00,`0.00,`ORIGINAL,`SUCCESS,`门店订单,`,`-1.20000,`0.60%,`0.00,`200.00,`\n" + `总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
` + "`1,`0.00,`200.00,`0.00,`-1.20000,`0.00,`200.00\n"
	all24 = `交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率
` + "`2016-03-01 10:00:00,`wx1,`1900000001,`0,`,`1001,`W1,`u,`JSAPI,`SUCCESS,`CFT,`CNY,`10.0,`0.0,`0,`0,`0.0,`0.0,`,`,`茶,`,`0.06000,`0.60%\n" +
		"`2016-03-01 11:00:00,`wx1,`1900000001,`0,`,`1001,`W1,`u,`JSAPI,`REFUND,`CFT,`CNY,`0.0,`0.0,`2001,`R1,`5.0,`0.0,`ORIGINAL,`PROCESSING,`茶,`,`-0.03000,`0.60%\n" + `总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额
` + "`2,`10.0,`5.0,`0.0,`0.03000\n"
	success18 = `交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,代金券或立减优惠金额,商品名称,商户数据包,手续费,费率
` + "`2016-03-01 10:00:00,`wx1,`1900000001,`0,`,`1001,`W1,`u,`JSAPI,`SUCCESS,`CFT,`CNY,`0.01,`0.0,`茶,`,`0.00000,`0.60%\n" + `总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额
` + "`1,`0.01,`0.0,`0.0,`0.00000\n"
)

// Each kind is told by its columns, and its one row of interest is read.
func TestKindsAndYears(t *testing.T) {
	for _, test := range []struct {
		name, text, format string
		rows               int
		pay, refund, fee   string
		at                 string // of the last row
	}{
		{"SUCCESS of 20 columns", success20, "wechat-success", 1, "100.00", "0.00", "0.60000", "2026-02-13 00:00:02"},
		{"SUCCESS with the summary of 7 columns", strings.NewReplacer(
			"总交易单数,应结订单总金额,手续费总金额,订单总金额", "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
			"`1,`100.00,`0.60000,`100.00", "`1,`100.00,`0.00,`0.00,`0.60000,`100.00,`0.00").Replace(success20),
			"wechat-success", 1, "100.00", "0.00", "0.60000", "2026-02-13 00:00:02"},
		{"REFUND of 29 columns has the time of the request", refund29, "wechat-refund", 1, "0.00", "200.00", "-1.20000", "2026-02-13 15:00:00"},
		{"24 columns of before 2018", all24, "wechat-all", 2, "10.0", "5.0", "0.03000", "2016-03-01 11:00:00"},
		{"18 columns of 2016", success18, "wechat-success", 1, "0.01", "0.00", "0.00000", "2016-03-01 10:00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, sum, err := read(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Format != test.format || sum.Rows != test.rows || !sum.PayTotal.Equal(yuan(test.pay)) ||
				!sum.RefundTotal.Equal(yuan(test.refund)) || !sum.FeeTotal.Equal(yuan(test.fee)) {
				t.Errorf("got %+v", sum)
			}
			if last := rows[len(rows)-1]; !last.Time.Equal(at(test.at)) {
				t.Errorf("time %v", last.Time)
			}
		})
	}
}

func TestKindsRefuse(t *testing.T) {
	for _, test := range []struct{ name, text, code, field string }{
		{"a refund in a SUCCESS bill", strings.Replace(success20, "`SUCCESS", "`REFUND", 1), "bill.status", "交易状态"},
		{"a payment in a REFUND bill", strings.Replace(refund29, "`REFUND", "`SUCCESS", 1), "bill.status", "交易状态"},
		{"a REFUND bill without refund number", strings.Replace(refund29, "商户退款单号", "别的", 1), "bill.column", "商户退款单号"},
		{"an old bill without one refund column", strings.Replace(all24, "微信退款单号", "别的", 1), "bill.column", "微信退款单号"},
		{"a wrong total of 18 columns", strings.Replace(success18, "`1,`0.01", "`1,`0.02", 1), "bill.total", "应结订单总金额"},
		{"a wrong count of REFUND", strings.Replace(refund29, "`1,`0.00,`200", "`2,`0.00,`200", 1), "bill.count", "总交易单数"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(t, test.text)
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Field != test.field {
				t.Errorf("got %v, want %s on %s", err, test.code, test.field)
			}
		})
	}
}

// What the writer writes of each kind is read back the same.
func TestWriteKinds(t *testing.T) {
	for format, rows := range map[string][]bankfiles.BillRow{
		wechat.FormatSuccess: day0213()[:3], wechat.FormatRefund: day0213()[3:],
	} {
		h := head
		h.Format = format
		var out bytes.Buffer
		if err := wechat.Write(&out, h, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		got, sum, err := read(t, out.String())
		if err != nil || sum.Format != format {
			t.Fatalf("%s: %v", sum.Format, err)
		}
		for i := range got {
			got[i].Line = rows[i].Line
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Error(diff)
		}
		if err := wechat.Write(&out, h, slices.Values(day0213())); fault.CodeOf(err) != "bill.status" {
			t.Errorf("a row of the other kind in %s: %v", format, err)
		}
	}
}
