package wechat_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
)

// golden is the good file that every bad one below is a change of.
func golden(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/wx-20260213.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name  string
		bad   func(string) string
		code  string
		line  int
		field string
		value string
	}{
		{"nothing", func(string) string { return "" }, "bill.header", 1, "", ""},
		{"another file", func(string) string { return strings.Repeat("a,b,c\n", 30) }, "bill.header", 20, "", "a,b,c"},
		{"column missing", change("手续费,", "服务费,"), "bill.column", 1, "手续费", ""},
		{"column twice", change("费率备注", "手续费"), "bill.column_twice", 1, "手续费", ""},
		{"a column too few", change(",`JSAPI", ""), "bill.columns", 2, "", "*"},
		{"quote not closed", change("`2026-02-13 00:00:02,", "\"`2026-02-13 00:00:02,"), "bill.quote", 2, "", "*"},
		{"not text", change("门店订单", "门\xff\xfe"), "bill.encoding", 2, "", ""},
		{"not an amount", change("`100.00", "`1e2"), "bill.amount", 2, "应结订单金额", "1e2"},
		{"eleven digits", change("`100.00", "`10000000000.00"), "bill.amount", 2, "应结订单金额", "10000000000.00"},
		{"six decimals", change("`0.60000", "`0.600001"), "bill.amount", 2, "手续费", "0.600001"},
		{"no fee", change("`0.60000", "`"), "bill.amount", 2, "手续费", ""},
		{"negative payment", change("`500.00", "`-500.00"), "bill.sign", 3, "应结订单金额", "-500.00"},
		{"fee of a refund kept", change("`-1.20000", "`1.20000"), "bill.sign", 5, "手续费", "1.20000"},
		{"fee of a payment given back", change("`3.00000", "`-3.00000"), "bill.sign", 3, "手续费", "-3.00000"},
		{"refund without its amount", change("`R2,`200.00", "`R2,`0.00"), "bill.total", 7, "退款总金额", "200.00"},
		{"refund in the payment's column", change("`CNY,`0.00", "`CNY,`200.00"), "bill.both", 5, "应结订单金额", "200.00"},
		{"30 February", change("02-13 10:30:00", "02-30 10:30:00"), "bill.time", 3, "交易时间", "2026-02-30 10:30:00"},
		{"time without seconds", change("10:30:00", "10:30"), "bill.time", 3, "交易时间", "2026-02-13 10:30"},
		{"a row of another day", change("02-13 10:30:00", "02-14 00:00:00"), "bill.day", 3, "交易时间", "2026-02-14 00:00:00"},
		{"revoked", change("`SUCCESS", "`REVOKED"), "bill.status", 2, "交易状态", "REVOKED"},
		{"another merchant", change("`1900000001,`0,`,`4200002613000000000000000005", "`1900000002,`0,`,`4200002613000000000000000005"), "bill.merchant", 3, "商户号", "1900000002"},
		{"dollars", change("`CNY,`500.00", "`USD,`500.00"), "bill.currency", 3, "货币种类", "USD"},
		{"no order number", change("`W5", "`"), "bill.number", 3, "商户订单号", ""},
		{"space in an order number", change("`W5", "`W 5"), "bill.number", 3, "商户订单号", "W 5"},
		{"number that a spreadsheet rounded", change("`4200002613000000000000000005", "`4.20000261300000E+27"), "bill.number", 3, "微信订单号", "4.20000261300000E+27"},
		{"refund without number", change("`R2", "`"), "bill.number", 5, "商户退款单号", ""},
		{"row lost", func(s string) string {
			l := strings.SplitAfter(s, "\n")
			return strings.Join(slices.Delete(l, 2, 3), "")
		}, "bill.count", 6, "总交易单数", "4"},
		{"wrong fee total", change("`4.20000", "`4.19000"), "bill.total", 7, "手续费总金额", "4.19000"},
		{"wrong pay total", change("`4,`900.00", "`4,`900.01"), "bill.total", 7, "应结订单总金额", "900.01"},
		{"wrong order total", change("`4.20000,`900.00", "`4.20000,`899.99"), "bill.total", 7, "订单总金额", "899.99"},
		{"wrong applied total", change("`900.00,`200.00\r\n", "`900.00,`200.10\r\n"), "bill.total", 7, "申请退款总金额", "200.10"},
		{"wrong coupon total", change("`200.00,`0.00,`4.2", "`200.00,`0.01,`4.2"), "bill.total", 7, "充值券退款总金额", "0.01"},
		{"empty total", change("`4.20000", "`"), "bill.total", 7, "手续费总金额", ""},
		{"cut after a row", cutAfter("`300.00,`0.00,`\r\n"), "bill.cut", 4, "", ""},
		{"cut inside a row", cutAfter("`500.00,"), "bill.cut", 3, "", ""},
		{"cut before the totals", cutAfter("申请退款总金额\r\n"), "bill.cut", 6, "", ""},
		{"cut inside the totals", cutAfter("`4.20000"), "bill.cut", 7, "", ""},
		{"two bills in one file", func(s string) string { return s + s }, "bill.after", 8, "", "*"},
		{"summary without fee", change("手续费总金额", "别的"), "bill.column", 6, "手续费总金额", ""},
		{"a line without end", func(s string) string { return s + strings.Repeat("x", 70<<10) }, "lines.long", 8, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(t, test.bad(golden(t)))
			var list fault.List
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want a fault.List with %s", err, test.code)
			}
			f := list[0]
			value := f.Value
			if test.value == "*" && value != "" {
				value = "*"
			}
			if f.Code != test.code || f.Line != test.line || f.Field != test.field || value != test.value || f.File != "wx.csv" {
				t.Errorf("got %s, line %d, %s=%q; want %s, line %d, %s=%q",
					f.Code, f.Line, f.Field, f.Value, test.code, test.line, test.field, test.value)
			}
		})
	}
}

// A bad row keeps quiet about totals, which must be wrong then, and every bad
// row is named.
func TestEveryBadRowIsNamedOnce(t *testing.T) {
	bad := change("`500.00", "`x")(change("`300.00", "`y")(golden(t)))
	_, _, err := read(t, bad)
	var list fault.List
	if !errors.As(err, &list) || len(list) != 2 || list[0].Line != 3 || list[1].Line != 4 {
		t.Errorf("got %v", err)
	}
}

func TestStopsAfterAHundredFaults(t *testing.T) {
	header, rest, _ := strings.Cut(golden(t), "\n")
	row, _, _ := strings.Cut(rest, "\n")
	bad := header + "\n" + strings.Repeat(change("`100.00", "`x")(row)+"\n", 250)
	_, sum, err := read(t, bad)
	var list fault.List
	if !errors.As(err, &list) || len(list) != 100 || sum.Rows != 100 {
		t.Errorf("got %d faults after %d rows", len(list), sum.Rows)
	}
}

// 9,223 fees of 9,999,999,999.99999 fit into an int64 of five decimals, one more does not.
func TestOverflow(t *testing.T) {
	header, rest, _ := strings.Cut(golden(t), "\n")
	row, _, _ := strings.Cut(rest, "\n")
	_, _, err := read(t, header+"\n"+strings.Repeat(change("`0.60000", "`9999999999.99999")(row)+"\n", 9300))
	f := fault.Of(err)
	if f == nil || f.Code != "bill.overflow" || f.Line != 1+9224 || f.Field != "手续费" {
		t.Errorf("got %v", err)
	}
}

func TestQuirks(t *testing.T) {
	moved := func(s string) string { // 手续费 becomes the first column, and a new column stands second
		var out []string
		for _, line := range strings.SplitAfter(s, "\n") {
			cells := strings.Split(line, ",")
			if len(cells) == 27 {
				cells = slices.Insert(cells, 0, strings.TrimPrefix(cells[22], "\uFEFF"), "`new")
				cells[2] = strings.TrimPrefix(cells[2], "\uFEFF")
				cells = slices.Delete(cells, 24, 25)
			}
			out = append(out, strings.Join(cells, ","))
		}
		return strings.Join(out, "")
	}
	for name, quirk := range map[string]func(string) string{
		"byte order mark twice":     func(s string) string { return "\uFEFF" + s },
		"no byte order mark":        change("\uFEFF", ""),
		"line feeds only":           func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") },
		"no last line end":          func(s string) string { return strings.TrimSuffix(s, "\r\n") },
		"blank lines":               func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r\n\r\n") },
		"comma in a product":        change("`门店订单", "`面,包, 两个"),
		"quote in a product":        change("`门店订单", "`12\"披萨"),
		"count as a decimal":        change("`4,", "`4.0,"),
		"total with fewer decimals": change("`4.20000", "`4.2"),
		"columns moved":             moved,
		"saved by a spreadsheet":    change("`门店订单", "\"`面,包\""),
		"padded":                    func(s string) string { return strings.ReplaceAll(s, ",`", "\t,`") },
		"title lines":               func(s string) string { return "微信支付账单\r\n\r\n" + strings.TrimPrefix(s, "\uFEFF") },
		"without the later columns": func(s string) string { return strings.NewReplacer("订单金额,申请", "甲,乙").Replace(s) },
	} {
		t.Run(name, func(t *testing.T) {
			rows, sum, err := read(t, quirk(golden(t)))
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != 4 || sum.PayTotal.String() != "900.00" || sum.FeeTotal.String() != "4.20000" {
				t.Errorf("got %d rows, %+v", len(rows), sum)
			}
		})
	}
}

func TestRefusedByTheChannel(t *testing.T) {
	_, _, err := read(t, "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[invalid bill_date]]></return_msg></xml>")
	f := fault.Of(err)
	if f == nil || f.Code != "bill.refused" || f.Value != "invalid bill_date" {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfEachComesBack(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	_, err := wechat.Read("wx.csv", strings.NewReader(golden(t)), func(*bankfiles.BillRow) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestBrokenSource(t *testing.T) {
	broken := errors.New("disk")
	_, err := wechat.Read("wx.csv", &failing{text: golden(t)[:1000], err: broken}, nil)
	if fault.CodeOf(err) != "lines.read" || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// failing gives a text and then an error.
type failing struct {
	text string
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n := copy(p, f.text)
	if f.text = f.text[n:]; n == 0 {
		return 0, f.err
	}
	return n, nil
}

func TestWriteRefusesItsHead(t *testing.T) {
	for _, h := range []wechat.Head{{}, {Merchant: "1900 1"}, {Merchant: "1900000001", Product: "a`b"}} {
		if err := wechat.Write(&bytes.Buffer{}, h, slices.Values(day0213())); fault.CodeOf(err) != "bill.head" {
			t.Errorf("%+v: got %v", h, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		bad  func(*bankfiles.BillRow)
		code string
	}{
		"another day":   {func(r *bankfiles.BillRow) { r.Time = r.Time.AddDate(0, 0, 1) }, "bill.day"},
		"kind":          {func(r *bankfiles.BillRow) { r.Kind = "GIFT" }, "bill.status"},
		"order number":  {func(r *bankfiles.BillRow) { r.OrderNo = "a,b" }, "bill.number"},
		"sign":          {func(r *bankfiles.BillRow) { r.Amount = r.Amount.Neg() }, "bill.sign"},
		"three decimal": {func(r *bankfiles.BillRow) { r.Amount = yuan("1.005") }, "bill.amount"},
		"dollars":       {func(r *bankfiles.BillRow) { r.Amount.Currency = "USD" }, "bill.amount"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := day0213()
			test.bad(&rows[1])
			var out bytes.Buffer
			err := wechat.Write(&out, head, slices.Values(rows))
			f := fault.Of(err)
			if f == nil || f.Code != test.code || f.Line != 3 {
				t.Errorf("got %v, want %s at line 3", err, test.code)
			}
		})
	}
}
