package orderfile_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
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

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name  string
		bad   func(string) string
		code  string
		line  int
		field string
		value string
	}{
		{"nothing", func(string) string { return "" }, "orders.control", 1, "", ""},
		{"another file", func(string) string { return "a,b\n" }, "orders.control", 1, "", "a,b"},
		{"control without refunds", change(",100.00\n", "\n"), "orders.control", 1, "", "ORDERS,1,2026-02-12,7,2000.00"},
		{"later version", change("ORDERS,1", "ORDERS,2"), "orders.version", 1, "version", "2"},
		{"no date", change("1,2026-02-12", "1,"), "orders.date", 1, "date", ""},
		{"30 February", change("1,2026-02-12", "1,2026-02-30"), "orders.date", 1, "date", "2026-02-30"},
		{"rows not a number", change(",7,", ",seven,"), "orders.rows", 1, "rows", "seven"},
		{"total not an amount", change("2000.00", "2 000"), "orders.amount", 1, "pay_total", "2 000"},
		{"header missing", without(2), "orders.header", 2, "", "*"},
		{"columns in another order", change("type,order_no", "order_no,type"), "orders.header", 2, "", "*"},
		{"a column too few", change(",A,WX", ",WX"), "orders.columns", 3, "", "*"},
		{"a comma too many", change("W1,", "W,1,"), "orders.columns", 3, "", "*"},
		{"quote", change("W1", `"W1"`), "orders.quote", 3, "", "*"},
		{"not UTF-8", change("W1", "W\xff"), "orders.encoding", 3, "", ""},
		{"unknown type", change("PAY,W2", "GIFT,W2"), "orders.kind", 4, "type", "GIFT"},
		{"no order number", change("W2", ""), "orders.number", 4, "order_no", ""},
		{"no member", change(",B,WX", ",,WX"), "orders.number", 4, "member", ""},
		{"no channel", change(",B,WX", ",B,"), "orders.number", 4, "channel", ""},
		{"refund without number", change("R1", ""), "orders.number", 9, "refund_no", ""},
		{"payment with a refund number", change("W2,", "W2,R7"), "orders.refund_no", 4, "refund_no", "R7"},
		{"order twice", change("W2", "W1"), "orders.duplicate", 4, "order_no", "W1"},
		{"negative", change("200.00", "-200.00"), "orders.amount", 4, "amount", "-200.00"},
		{"zero", change(",200.00", ",0.00"), "orders.amount", 4, "amount", "0.00"},
		{"three decimals", change(",200.00", ",200.001"), "orders.amount", 4, "amount", "200.001"},
		{"time with a T", change("12 14:20:00", "12T14:20:00"), "orders.time", 4, "time", "2026-02-12T14:20:00"},
		{"a row of another day", change("12 14:20:00", "13 00:00:00"), "orders.day", 4, "time", "2026-02-13 00:00:00"},
		{"row lost", without(4), "orders.count", 9, "END", "7"},
		{"row lost, trailer mended", func(s string) string { return change("END,7", "END,6")(without(4)(s)) }, "orders.count", 1, "rows", "7"},
		{"wrong pay total", change("2000.00", "2000.01"), "orders.total", 1, "pay_total", "2000.01"},
		{"wrong refund total", change(",100.00\n", ",99.99\n"), "orders.total", 1, "refund_total", "99.99"},
		{"amount changed", change(",200.00", ",201.00"), "orders.total", 1, "pay_total", "2000.00"},
		{"cut after a row", cutAfter("14:20:00\n"), "orders.cut", 4, "", ""},
		{"cut inside a row", cutAfter("PAY,W3,"), "orders.cut", 5, "", ""},
		{"cut inside the trailer", cutAfter("END"), "orders.columns", 10, "", "END"},
		{"two files in one", func(s string) string { return s + s }, "orders.after", 11, "", "*"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(t, test.bad(write(t, day0212())))
			var list fault.List
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want a fault.List with %s", err, test.code)
			}
			f := list[0]
			value := f.Value
			if test.value == "*" && value != "" {
				value = "*"
			}
			if f.Code != test.code || f.Line != test.line || f.Field != test.field || value != test.value || f.File != "orders.csv" {
				t.Errorf("got %s, line %d, %s=%q; want %s, line %d, %s=%q",
					f.Code, f.Line, f.Field, f.Value, test.code, test.line, test.field, test.value)
			}
		})
	}
}

func TestDuplicateNamesTheFirstLine(t *testing.T) {
	_, _, err := read(t, change("W4", "W1")(write(t, day0212())))
	f := fault.Of(err)
	if f == nil || f.Code != "orders.duplicate" || f.Line != 6 || f.Args[0] != 3 {
		t.Errorf("got %v", err)
	}
}

// A refund may quote an order number that is a payment's, and two refunds the
// same order; only the refund number must differ.
func TestRefundsOfOneOrder(t *testing.T) {
	rows := day0212()
	again := rows[6]
	again.RefundNo = "R1b"
	if _, sum, err := read(t, write(t, append(rows, again))); err != nil || sum.RefundRows != 2 {
		t.Errorf("got %+v, %v", sum, err)
	}
	again.RefundNo = "R1"
	if _, _, err := read(t, write(t, append(rows, again))); fault.CodeOf(err) != "orders.duplicate" {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfEachComesBack(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	_, err := orderfile.Read("orders.csv", strings.NewReader(write(t, day0212())), func(*bankfiles.Order) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		bad  func(*bankfiles.Order)
		code string
	}{
		"another day":   {func(o *bankfiles.Order) { o.Time = o.Time.AddDate(0, 0, 1) }, "orders.day"},
		"kind":          {func(o *bankfiles.Order) { o.Kind = "GIFT" }, "orders.kind"},
		"comma":         {func(o *bankfiles.Order) { o.OrderNo = "a,b" }, "orders.number"},
		"refund number": {func(o *bankfiles.Order) { o.RefundNo = "R" }, "orders.refund_no"},
		"negative":      {func(o *bankfiles.Order) { o.Amount = o.Amount.Neg() }, "orders.amount"},
		"dollars":       {func(o *bankfiles.Order) { o.Amount.Currency = "USD" }, "orders.amount"},
		"a third of":    {func(o *bankfiles.Order) { o.Amount = yuan("0.333") }, "orders.amount"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := day0212()
			test.bad(&rows[1])
			var out bytes.Buffer
			f := fault.Of(orderfile.Write(&out, day, slices.Values(rows)))
			if f == nil || f.Code != test.code || f.Line != 4 {
				t.Errorf("got %v, want %s at line 4", f, test.code)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
}
