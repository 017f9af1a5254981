package main

import (
	"io"
	"testing"

	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
)

// TestWorded: values of the books come out by name, and only amounts of a file
// stay as the file writes them.
func TestWorded(t *testing.T) {
	a := newApp([]string{"--lang", "zh"}, func(string) string { return "" }, nil, io.Discard, io.Discard)
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"another error", io.EOF, lang.Message(lang.ZH, io.EOF)},
		{"a value without a name", fault.Invalid("batch.state", "PO1", "MELTED"), "出款批次 PO1 现为 MELTED，不能执行此操作"},
		{"a file's amount", fault.Invalid("statement.chain", "", "2026-02-13", money.Amount(12345678)).In("x.xml"), "2026-02-13 的对账单期末余额为 123456.78，本对账单期初应与之相同"},
		{"an amount of the books", fault.Invalid("exception.money", "X1", money.Amount(12345678)), "差错 X1 在账上尚有 123,456.78，不能仅凭说明核销"},
		{"a state", fault.Invalid("batch.state", "PO1", "DRAFT"), "出款批次 PO1 现为 草稿，不能执行此操作"},
		{"two states", fault.Invalid("exception.state", "X1", "CLOSED", "PROPOSED"), "差错现为 已核销，不能转为 处理建议"},
		{"an action and roles", fault.Invalid("people.denied", "m", "check", "operator maker"), "该用户的角色（操作员，经办）无权执行：复核"},
		{"in a list", fault.List{fault.Broken("run.inputs", "split", "WX", "2026-02-13")}, "步骤执行后其所用文件已变化：2026-02-13 清分 WX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lang.Message(lang.ZH, a.worded(c.err)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestWordedLeavesTheFault: the log and --json get the values of the books.
func TestWordedLeavesTheFault(t *testing.T) {
	a := newApp(nil, func(string) string { return "" }, nil, io.Discard, io.Discard)
	f := fault.Invalid("batch.state", "PO1", "DRAFT")
	a.worded(f)
	if f.Args[1] != "DRAFT" {
		t.Errorf("got %v", f.Args)
	}
}

// TestNamesHaveTexts: every name that the table promises has a sentence.
func TestNamesHaveTexts(t *testing.T) {
	for list, values := range names {
		for value, code := range values {
			if !lang.Has(code) {
				t.Errorf("%s %s: %s has no text", list, value, code)
			}
		}
	}
}

func TestGrouped(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "0": "0", "12": "12", "123": "123", "1234": "1,234", "123456.5": "123,456.5", "1234567.891": "1,234,567.891",
		"-123.40": "-123.40", "-1234.00": "-1,234.00", "+999999": "+999,999",
	} {
		if got := grouped(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
