package simbank_test

import (
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
)

// TestDemo holds the demonstration to its story, day by day.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	if err := simbank.GenerateDemo(dir); err != nil {
		t.Fatal(err)
	}
	o := office{t, dir}
	first := bizdate.New(2026, 2, 12)
	second, third := first.AddDays(1), first.AddDays(2)
	members := []string{"F001", "F002", "F003", "F004", "F005", "F006", "P001", "P002"}
	count := func(got, want int, what string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}

	o.answer(first)
	count(len(o.statement("statement", first).entries), 2, "own funds and a stranger on the first day")
	ours, _ := o.odd(first)
	_, found := o.odd(second)
	count(len(ours), 1, "order before midnight")
	count(len(found), 2, "rows only in WeChat's second bill: that order and one we do not know")

	batch, items := o.pay(second, 50_00, members...)
	o.answer(second)
	o.answer(third)
	count(len(o.statement("statement", second).find("财付通 20260212")), 1, "WeChat's money on the second day")
	count(len(o.statement("statement", second).find("支付宝 20260212")), 0, "Alipay's money on the second day")
	for _, remark := range []string{"支付宝 20260212", "支付宝 20260213", "财付通 20260213"} {
		count(len(o.statement("intraday", third).find(remark)), 1, remark+" on the third day by 11:00")
	}
	stories := map[string]int{}
	for i, r := range o.result(batch) {
		story := string(r.Status)
		for k, d := range []bizdate.Date{second, third} {
			for _, e := range o.statement("statement", d).serial(items[i].Serial) {
				side := "+"
				if e.Amount.Units < 0 {
					side = "-"
				}
				story += " " + []string{"13", "14"}[k] + side
			}
		}
		stories[story]++
	}
	count(stories["S 13-"], 5, "paid")
	count(stories["F"], 1, "refused")
	count(stories["S 14-"], 1, "debited a day late")
	count(stories["S 13- 14+"], 1, "returned")

	o.checkDebitedF(third, members)
	rows, _ := o.bill("WX", second)
	refunds := 0
	for _, b := range rows {
		if b.Kind == bankfiles.Refund && strings.HasPrefix(b.OrderNo, first.Compact()) {
			refunds++
		}
	}
	if refunds == 0 {
		t.Error("no refund of an order that has been paid out")
	}
}

// checkDebitedF plays the third day: one payout is answered F, debited all the
// same and reversed on the 15th.
func (o office) checkDebitedF(third bizdate.Date, members []string) {
	o.Helper()
	batch, items := o.pay(third, 50_00, members...)
	o.answer(third)
	o.answer(third.AddDays(1))
	failed := 0
	for i, r := range o.result(batch) {
		if r.Status != bankfiles.ResultFailed {
			continue
		}
		failed++
		debits := o.statement("statement", third).serial(items[i].Serial)
		back := o.statement("statement", third.AddDays(1)).serial(items[i].Serial)
		if len(debits) != 1 || len(back) != 1 || !back[0].Reversal || o.fen(back[0].Amount) != items[i].Amount {
			o.Errorf("debited %v, reversed %v", debits, back)
		}
	}
	if failed != 1 {
		o.Errorf("%d payouts of the third day failed, want 1", failed)
	}
}
