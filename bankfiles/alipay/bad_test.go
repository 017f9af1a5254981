package alipay_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/internal/fault"
)

// change replaces the first old by new; a change that changes nothing is a mistake of the test.
func change(old, new string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			panic("not in the file: " + old)
		}
		return strings.Replace(s, old, new, 1)
	}
}

// cutAfter keeps the file up to and with the first occurrence of a text.
func cutAfter(text string) func(string) string {
	return func(s string) string {
		before, _, found := strings.Cut(s, text)
		if !found {
			panic("not in the file: " + text)
		}
		return before + text
	}
}

// without removes one line, counted from 1.
func without(line int) func(string) string {
	return func(s string) string {
		return strings.Join(slices.Delete(strings.SplitAfter(s, "\n"), line-1, line), "")
	}
}

// emptyWithoutDay is a frame of no rows that does not say its day.
func emptyWithoutDay(s string) string {
	s = strings.Join(slices.Delete(strings.SplitAfter(s, "\n"), 2, 8), "")
	return strings.NewReplacer("600.00", "0.00", "2笔", "0笔", "-100.00", "0.00", "1笔", "0笔").Replace(s)
}

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name  string
		bad   func(string) string // of the bill as UTF-8
		code  string
		line  int
		field string
		value string
	}{
		{"nothing", func(string) string { return "" }, "bill.header", 1, "", ""},
		{"another file", func(string) string { return "a,b,c\n" }, "bill.header", 1, "", "a,b,c"},
		{"no columns", without(5), "bill.header", 5, "", "*"},
		{"account missing in its brackets", change("20880000000000010156", ""), "bill.number", 2, "账号", "*"},
		{"no account", without(2), "bill.number", 11, "账号", ""},
		{"empty day without a day", emptyWithoutDay, "bill.period", 6, "起始日期", ""},
		{"no day", without(3), "bill.period", 4, "起始日期", ""},
		{"bill of two days", change("02月13日 00", "02月14日 00"), "bill.period", 3, "起始日期", "*"},
		{"day that does not exist", change("02月12日 00", "02月30日 00"), "bill.period", 3, "起始日期", "*"},
		{"column missing", change("服务费（元）", "费用"), "bill.column", 5, "服务费（元）", ""},
		{"column twice", change("备注", "服务费(元)"), "bill.column_twice", 5, "服务费（元）", ""},
		{"a column too few", change("门店订单,", ""), "bill.columns", 6, "", "*"},
		{"a comma too many", change("门店订单", "门店,订单"), "bill.columns", 6, "", "*"},
		{"quote not closed", change("交易,门店", "交易,\"门店"), "bill.quote", 6, "", "*"},
		{"not an amount", change("500.00,500.00", "500.00,5OO"), "bill.amount", 6, "商家实收（元）", "5OO"},
		{"no amount", change("500.00,500.00", "500.00,"), "bill.amount", 6, "商家实收（元）", ""},
		{"negative payment", change("500.00,500.00", "500.00,-500.00"), "bill.sign", 6, "商家实收（元）", "-500.00"},
		{"positive refund", change("-100.00,-100.00", "-100.00,100.00"), "bill.sign", 8, "商家实收（元）", "100.00"},
		{"positive fee of a payment", change("-3.00", "3.00"), "bill.sign", 6, "服务费（元）", "3.00"},
		{"negative fee of a refund", change(",0.60,", ",-0.60,"), "bill.sign", 8, "服务费（元）", "-0.60"},
		{"30 February", change("\t,2026-02-12 11:00:00", "\t,2026-02-30 11:00:00"), "bill.time", 6, "完成时间", "2026-02-30 11:00:00"},
		{"a row of another day", change("\t,2026-02-12 11:00:00", "\t,2026-02-13 00:00:00"), "bill.day", 6, "完成时间", "2026-02-13 00:00:00"},
		{"unknown business", change(",交易,", ",转账,"), "bill.status", 6, "业务类型", "转账"},
		{"no order number", change(",L1", ","), "bill.number", 6, "商户订单号", ""},
		{"no trade number", change("2026021222001400000000000001", ""), "bill.number", 6, "支付宝交易号", ""},
		{"refund without number", change("R1", ""), "bill.number", 8, "退款批次号/请求号", ""},
		{"row lost", without(7), "bill.count", 9, "交易合计", "2"},
		{"refund lost", without(8), "bill.count", 10, "退款合计", "1"},
		{"wrong total", change("实收共600.00", "实收共600.01"), "bill.total", 10, "交易合计 商家实收", "600.01"},
		{"refund total without its sign", change("共-100.00", "共100.00"), "bill.total", 11, "退款合计 商家实收退款", "100.00"},
		{"wrong discount", change("优惠共0.00", "优惠共0.10"), "bill.total", 10, "交易合计 商家优惠", "0.10"},
		{"total that says nothing", change("2笔，", ""), "bill.total_form", 10, "交易合计", "*"},
		{"cut after a row", cutAfter("-3.00,0.00,\r\n"), "bill.cut", 6, "", ""},
		{"cut inside a row", cutAfter("L2\t,交"), "bill.cut", 7, "", ""},
		{"without the end of the list", without(9), "bill.cut", 11, "", ""},
		{"cut after the list", cutAfter("列表结束------------------------------------\r\n"), "bill.cut", 9, "", ""},
		{"cut before the refunds", without(11), "bill.cut", 11, "", ""},
		{"cut inside a total", cutAfter("#退款合计：1"), "bill.cut", 11, "", ""},
		{"rows after the end", func(s string) string { return s + "x,y\r\n" }, "bill.after", 13, "", "x,y"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(t, test.bad(utf8Of(t, write(t, day0212()))))
			var list fault.List
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want a fault.List with %s", err, test.code)
			}
			f := list[0]
			value := f.Value
			if test.value == "*" && value != "" {
				value = "*"
			}
			if f.Code != test.code || f.Line != test.line || f.Field != test.field || value != test.value || f.File != "ali.csv" {
				t.Errorf("got %s, line %d, %s=%q; want %s, line %d, %s=%q",
					f.Code, f.Line, f.Field, f.Value, test.code, test.line, test.field, test.value)
			}
		})
	}
}

// The decoder of GBK writes U+FFFD and never fails; the reader must.
func TestBytesThatAreNotGBK(t *testing.T) {
	product := []byte("\xC3\xC5\xB5\xEA\xB6\xA9") // 门店订, found in no column name
	for name, bad := range map[string]string{
		"lead byte without its second": "\xC3\xC5\xB5,", "0xFF": "\xC3\xC5\xFF\xEA", "half of four bytes": "\xC3\xC5\x81\x30A",
	} {
		text := bytes.Replace([]byte(write(t, day0212())), product, []byte(bad), 1)
		_, _, err := read(t, string(text))
		f := fault.Of(err)
		if f == nil || f.Code != "bill.encoding" || f.Line != 6 {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		// The product stands behind the two numbers and 交易: 28+2, 2+2 and 4+1 bytes.
		if offset := f.Args[0].(int); offset != 39+2 {
			t.Errorf("%s: offset %d, want 41", name, offset)
		}
	}
}

func TestQuirks(t *testing.T) {
	for name, quirk := range map[string]func(string) string{
		"line feeds only":            func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") },
		"period to the last second":  change("02月13日 00:00:00]", "02月12日 23:59:59]"),
		"no export time":             without(12),
		"half-width colons":          change("#账号：", "#账号:"),
		"half-width brackets":        change("服务费（元）", "服务费(元)"),
		"older name of a column":     change("退款批次号/请求号", "退款批次号"),
		"quotes around, tab behind":  change("L1\t", "\"L1\"\t"),
		"comma in quotes":            change("门店订单", "\"门店,订单\""),
		"spaces around":              change("L1\t", "  L1  "),
		"column header with a tab":   change("备注", "备注\t"),
		"blank lines":                func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r\n\r\n") },
		"character only in GB18030":  change("门店订单", "门店㐀订单"),
		"count printed as a decimal": change("2笔", "2.0笔"),
	} {
		t.Run(name, func(t *testing.T) {
			rows, sum, err := read(t, quirk(utf8Of(t, write(t, day0212()))))
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != 3 || sum.PayTotal.String() != "600.00" || sum.FeeTotal.String() != "3.00" {
				t.Errorf("got %d rows, %+v", len(rows), sum)
			}
		})
	}
}

func TestErrorOfEachComesBack(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	_, err := alipay.Read("ali.csv", strings.NewReader(write(t, day0212())), func(*bankfiles.BillRow) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		bad  func(*bankfiles.BillRow, *alipay.Head)
		code string
		line int
	}{
		"another day":      {func(r *bankfiles.BillRow, _ *alipay.Head) { r.Time = r.Time.AddDate(0, 0, 1) }, "bill.day", 7},
		"kind":             {func(r *bankfiles.BillRow, _ *alipay.Head) { r.Kind = "GIFT" }, "bill.status", 7},
		"order number":     {func(r *bankfiles.BillRow, _ *alipay.Head) { r.OrderNo = "a b" }, "bill.number", 7},
		"sign":             {func(r *bankfiles.BillRow, _ *alipay.Head) { r.Amount = r.Amount.Neg() }, "bill.sign", 7},
		"decimals of fee":  {func(r *bankfiles.BillRow, _ *alipay.Head) { r.Fee = yuan("0.601") }, "bill.amount", 7},
		"not in GBK":       {func(_ *bankfiles.BillRow, h *alipay.Head) { h.Product = "咖啡☕🙂" }, "bill.gbk", 6},
		"comma in product": {func(_ *bankfiles.BillRow, h *alipay.Head) { h.Product = "a,b" }, "bill.head", 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows, h := day0212(), head
			test.bad(&rows[1], &h)
			var out bytes.Buffer
			f := fault.Of(alipay.Write(&out, h, slices.Values(rows)))
			if f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at line %d", f, test.code, test.line)
			}
			if bytes.Contains(out.Bytes(), []byte("?")) {
				t.Error("a '?' was written")
			}
		})
	}
}
