package simbank_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
)

// one generates four days with one fault pinned to Tuesday and WeChat.
func one(t *testing.T, name string) office {
	t.Helper()
	p := params(t.TempDir(), 4)
	pin := tuesday
	if name == simbank.OwnFunds {
		pin = monday
	}
	p.Faults = []string{name + "@" + pin.String() + "/WX"}
	o := generate(t, p)
	for k := range 5 {
		o.answer(monday.AddDays(k))
	}
	return o
}

// odd are the WeChat rows of the day that do not stand equally on both sides.
func (o office) odd(d bizdate.Date) (ours []bankfiles.Order, theirs []bankfiles.BillRow) {
	o.Helper()
	rows, _ := o.bill("WX", d)
	for _, r := range o.orders(d) {
		if r.Channel == "WX" && !slices.ContainsFunc(rows, func(b bankfiles.BillRow) bool {
			return b.OrderNo == r.OrderNo && b.RefundNo == r.RefundNo && b.Amount.Equal(r.Amount)
		}) {
			ours = append(ours, r)
		}
	}
	orders := o.orders(d)
	for _, b := range rows {
		if !slices.ContainsFunc(orders, func(r bankfiles.Order) bool {
			return b.OrderNo == r.OrderNo && b.RefundNo == r.RefundNo && b.Amount.Equal(r.Amount)
		}) {
			theirs = append(theirs, b)
		}
	}
	return ours, theirs
}

func TestOrderFaults(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		p := params(t.TempDir(), 4)
		p.Faults = []string{}
		o := generate(t, p)
		for k := range 4 {
			if ours, theirs := o.odd(monday.AddDays(k)); len(ours)+len(theirs) > 0 {
				t.Errorf("ours %v, theirs %v", ours, theirs)
			}
		}
	})
	t.Run(simbank.CrossMidnight, func(t *testing.T) {
		o := one(t, simbank.CrossMidnight)
		ours, theirs := o.odd(tuesday)
		_, next := o.odd(tuesday.AddDays(1))
		if len(ours) != 1 || len(theirs) != 0 || len(next) != 1 || ours[0].OrderNo != next[0].OrderNo {
			t.Fatalf("ours %v, theirs %v, next bill %v", ours, theirs, next)
		}
		if !ours[0].Time.Equal(tuesday.At(24, 0).Add(-2e9)) || bizdate.Of(next[0].Time) != tuesday.AddDays(1) {
			t.Errorf("ours at %v, theirs at %v", ours[0].Time, next[0].Time)
		}
	})
	t.Run(simbank.ChannelOnly, func(t *testing.T) {
		if ours, theirs := one(t, simbank.ChannelOnly).odd(tuesday); len(ours) != 0 || len(theirs) != 1 {
			t.Errorf("ours %v, theirs %v", ours, theirs)
		}
	})
	t.Run(simbank.OursOnly, func(t *testing.T) {
		if ours, theirs := one(t, simbank.OursOnly).odd(tuesday); len(ours) != 1 || len(theirs) != 0 {
			t.Errorf("ours %v, theirs %v", ours, theirs)
		}
	})
	t.Run(simbank.AmountDiff, func(t *testing.T) {
		o := one(t, simbank.AmountDiff)
		ours, theirs := o.odd(tuesday)
		if len(ours) != 1 || len(theirs) != 1 || ours[0].OrderNo != theirs[0].OrderNo ||
			o.fen(theirs[0].Amount)-o.fen(ours[0].Amount) != 1_00 {
			t.Errorf("ours %v, theirs %v", ours, theirs)
		}
	})
	t.Run(simbank.FeeDiff, func(t *testing.T) {
		rows, _ := one(t, simbank.FeeDiff).bill("WX", tuesday)
		higher := 0
		for _, b := range rows {
			fee, err := b.Fee.Fen()
			if err != nil {
				t.Fatal(err)
			}
			if want := simbank.SplitOrder(b.Amount.Units)[3]; b.Kind == bankfiles.Pay && int64(fee) == want+1 {
				higher++
			} else if b.Kind == bankfiles.Pay && int64(fee) != want {
				t.Errorf("%s: fee %s", b.OrderNo, fee)
			}
		}
		if higher != 1 {
			t.Errorf("%d fees are a fen too high, want 1", higher)
		}
	})
	t.Run(simbank.RefundAfterPayout, func(t *testing.T) {
		rows, _ := one(t, simbank.RefundAfterPayout).bill("WX", tuesday)
		if !slices.ContainsFunc(rows, func(b bankfiles.BillRow) bool {
			return b.Kind == bankfiles.Refund && strings.HasPrefix(b.OrderNo, monday.Compact()) && b.Time.Hour() == 15
		}) {
			t.Error("no refund of an order of Monday at 15:00")
		}
	})
}

func TestFileAndBankFaults(t *testing.T) {
	t.Run(simbank.MissingBill, func(t *testing.T) {
		o := one(t, simbank.MissingBill)
		if _, err := os.Stat(filepath.Join(o.dir, "inbox", "bill-WX-20260106.csv")); err == nil {
			t.Error("the bill is in the inbox")
		}
		_, sum := o.billIn("simbank", "WX", tuesday)
		paid := o.statement("statement", tuesday.AddDays(1)).find("财付通 20260106")
		if len(paid) != 1 || o.fen(paid[0].Amount) != o.net(sum) {
			t.Errorf("the bill that was held back is over %s, paid was %v", o.net(sum), paid)
		}
	})
	t.Run(simbank.ChannelLate, func(t *testing.T) {
		o := one(t, simbank.ChannelLate)
		for k, want := range map[int]int{1: 0, 2: 1} {
			if got := o.statement("statement", tuesday.AddDays(k)).find("财付通 20260106"); len(got) != want {
				t.Errorf("%d days after: %d credits, want %d", k, len(got), want)
			}
		}
	})
	t.Run(simbank.OwnFunds, func(t *testing.T) {
		s := one(t, simbank.OwnFunds).statement("statement", monday)
		if len(s.entries) != 1 || s.entries[0].CounterpartyAccount != "1100999900001111222" {
			t.Errorf("got %v", s.entries)
		}
	})
	t.Run(simbank.UnknownReceipt, func(t *testing.T) {
		found := one(t, simbank.UnknownReceipt).statement("statement", tuesday).find("")
		if len(found) != 1 || found[0].Amount.Units <= 0 || found[0].CounterpartyName == "" {
			t.Errorf("got %v", found)
		}
	})
}

// TestDefaultsNeedNobody: without names only own funds and an order before
// midnight are played, and a single day has no room for the latter.
func TestDefaultsNeedNobody(t *testing.T) {
	o := generate(t, params(t.TempDir(), 4))
	crossed := 0
	for k := range 4 {
		d := monday.AddDays(k)
		o.answer(d)
		ours := map[string]bool{}
		for _, r := range o.orders(d) {
			ours[r.OrderNo] = true
		}
		for _, channel := range []string{"WX", "ALI"} {
			rows, _ := o.bill(channel, d)
			for _, b := range rows {
				if !ours[b.OrderNo] {
					crossed++
				}
			}
		}
	}
	if crossed != 1 || len(o.statement("statement", monday).entries) != 1 {
		t.Errorf("%d orders crossed midnight", crossed)
	}
	generate(t, params(t.TempDir(), 1))
}

// TestNoOrderIsRefundedTwice nor any that carries a fault, over many small
// days, where chance and faults meet often.
func TestNoOrderIsRefundedTwice(t *testing.T) {
	for seed := range uint64(200) {
		p := params("", 8)
		p.Seed, p.Orders = seed, 60
		p.Faults = []string{simbank.RefundAfterPayout, simbank.CrossMidnight, simbank.OursOnly, simbank.ChannelOnly, simbank.AmountDiff}
		times, marked, err := simbank.Refunds(p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for no, n := range times {
			if n > 1 || marked[no] {
				t.Errorf("seed %d: %s is refunded %d times, marked %v", seed, no, n, marked[no])
			}
		}
	}
}
