package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// line is a statement line; the row number is its place.
func line(row int32, day string, amount money.Amount, serial, remark string) reconcile.Line {
	return reconcile.Line{Ref: reconcile.Ref{File: 1, Row: row}, Amount: amount, Booked: bizdate.MustParse(day),
		Serial: serial, Remark: remark, Reversal: strings.HasPrefix(remark, "冲正")}
}

func TestPairReversals(t *testing.T) {
	const serial = "20260214010001"
	for _, test := range []struct {
		name     string
		lines    []reconcile.Line
		pairs    string
		unpaired string
	}{
		{"nothing to undo", []reconcile.Line{line(1, "2026-02-15", 553_40, serial, "冲正")}, "", "1"},
		{"another amount", []reconcile.Line{line(1, "2026-02-14", -553_40, serial, ""), line(2, "2026-02-15", 553_41, serial, "冲正")}, "", "2"},
		{"another serial", []reconcile.Line{line(1, "2026-02-14", -553_40, serial, ""), line(2, "2026-02-15", 553_40, "", "冲正 20260214010002")}, "", "2"},
		{"before its debit", []reconcile.Line{line(1, "2026-02-14", 553_40, serial, "冲正"), line(2, "2026-02-14", -553_40, serial, "")}, "", "1"},
		{"no serial on either", []reconcile.Line{line(1, "2026-02-14", -553_40, "", ""), line(2, "2026-02-15", 553_40, "", "冲正")}, "", "2"},
		{"a return is no reversal", []reconcile.Line{line(1, "2026-02-13", -91_40, "20260213010003", ""), line(2, "2026-02-14", 91_40, "", "退汇 20260213010003")}, "", ""},
		{"K1405 and K1501", []reconcile.Line{line(1, "2026-02-14", -553_40, serial, ""), line(2, "2026-02-14", -645_80, "20260214010002", ""),
			line(3, "2026-02-15", 553_40, "", "冲正 20260214010001")}, "1-3", ""},
		{"the same day", []reconcile.Line{line(1, "2026-02-14", -553_40, serial, ""), line(2, "2026-02-14", 553_40, serial, "冲正")}, "1-2", ""},
		{"a credit undone", []reconcile.Line{line(1, "2026-02-14", 5_00, "X1", ""), line(2, "2026-02-14", -5_00, "", "冲正X1。")}, "1-2", ""},
		{"debited twice, undone once: the later", []reconcile.Line{line(1, "2026-02-14", -9, serial, ""), line(2, "2026-02-14", -9, serial, ""),
			line(3, "2026-02-15", 9, serial, "冲正")}, "2-3", ""},
		{"undone twice", []reconcile.Line{line(1, "2026-02-14", -9, serial, ""), line(2, "2026-02-14", 9, serial, "冲正"),
			line(3, "2026-02-15", 9, serial, "冲正")}, "1-2", "3"},
	} {
		r := rand.New(rand.NewPCG(1, 1))
		for range 5 { // in any order
			pairs, unpaired := reconcile.PairReversals(test.lines)
			var p, u []string
			for _, pair := range pairs {
				p = append(p, fmt.Sprintf("%d-%d", pair.Original.Row, pair.Reversal.Row))
			}
			for _, ref := range unpaired {
				u = append(u, fmt.Sprint(ref.Row))
			}
			if strings.Join(p, " ") != test.pairs || strings.Join(u, " ") != test.unpaired {
				t.Errorf("%s: got pairs %v, unpaired %v", test.name, p, u)
			}
			r.Shuffle(len(test.lines), func(i, j int) { test.lines[i], test.lines[j] = test.lines[j], test.lines[i] })
		}
	}
}

var wechatPayer = reconcile.Payer{Names: []string{"财付通"}, Accounts: []string{"10001"}}

func due(day string, net money.Amount) reconcile.Expected {
	return reconcile.Expected{Date: bizdate.MustParse(day), Net: net}
}

// credit is a credit of the channel; its remark names the days.
func credit(row int32, booked string, amount money.Amount, days ...string) reconcile.Credit {
	c := reconcile.Credit{Ref: reconcile.Ref{File: 1, Row: row}, BankRef: fmt.Sprintf("K%d", row), Amount: amount,
		Booked: bizdate.MustParse(booked), Payer: "财付通"}
	for _, d := range days {
		c.RemarkDates = append(c.RemarkDates, bizdate.MustParse(d))
	}
	return c
}

func arrivalLines(arrivals []reconcile.Arrival, unassigned []reconcile.Credit) string {
	var out []string
	for _, a := range arrivals {
		s := a.Date.Compact()[4:] + " " + string(a.Proof) + string(a.Reason)
		for _, c := range a.Credits {
			s += " " + c.BankRef
		}
		if a.Near != nil {
			s += " near " + a.Near.BankRef
		}
		out = append(out, s)
	}
	for _, c := range unassigned {
		out = append(out, "left "+c.BankRef)
	}
	return strings.Join(out, "; ")
}

func TestArrivals(t *testing.T) {
	other := credit(1, "2026-02-13", 100)
	other.Payer = "财付通（仿）"
	otherAccount := credit(1, "2026-02-13", 100)
	otherAccount.Account = "10002"
	ownAccount := credit(1, "2026-02-13", 100)
	ownAccount.Account, ownAccount.Payer = "10001", "财付通支付科技"
	type dues = []reconcile.Expected
	type credits = []reconcile.Credit
	for _, test := range []struct {
		name    string
		open    dues
		credits credits
		want    string
	}{
		{"nothing came", dues{due("2026-02-12", 100)}, nil, "0212 NOT_ARRIVED"},
		{"somebody else paid", dues{due("2026-02-12", 100)}, credits{other}, "0212 NOT_ARRIVED"},
		{"another account paid", dues{due("2026-02-12", 100)}, credits{otherAccount}, "0212 NOT_ARRIVED"},
		{"a debit", dues{due("2026-02-12", -100)}, credits{credit(1, "2026-02-13", -100, "2026-02-12")}, "0212 NOT_ARRIVED"},
		{"booked before the day", dues{due("2026-02-12", 100)}, credits{credit(1, "2026-02-11", 100, "2026-02-12")},
			"0212 NOT_ARRIVED; left K1"},
		{"one fen less", dues{due("2026-02-12", 100)}, credits{credit(1, "2026-02-13", 99, "2026-02-12")},
			"0212 AMOUNT_DIFFERS near K1; left K1"},
		{"one fen less, no day named", dues{due("2026-02-12", 100), due("2026-02-13", 50)}, credits{credit(1, "2026-02-14", 99)},
			"0212 AMOUNT_DIFFERS near K1; 0213 NOT_ARRIVED; left K1"},
		{"one credit, two dates of that net", dues{due("2026-02-12", 100), due("2026-02-13", 100)}, credits{credit(1, "2026-02-14", 100)},
			"0212 AMBIGUOUS near K1; 0213 AMBIGUOUS near K1; left K1"},
		{"a single net and a sum", dues{due("2026-02-12", 100), due("2026-02-13", 200), due("2026-02-14", 300)},
			credits{credit(1, "2026-02-15", 300)},
			"0212 AMBIGUOUS near K1; 0213 AMBIGUOUS near K1; 0214 AMBIGUOUS near K1; left K1"},
		{"a sum that is not of the oldest", dues{due("2026-02-12", 7), due("2026-02-13", 200), due("2026-02-14", 300)},
			credits{credit(1, "2026-02-15", 500)},
			"0212 AMOUNT_DIFFERS near K1; 0213 NOT_ARRIVED; 0214 NOT_ARRIVED; left K1"},
		{"a sum with a gap", dues{due("2026-02-12", 100), due("2026-02-13", 200), due("2026-02-14", 300)},
			credits{credit(1, "2026-02-15", 400)},
			"0212 AMOUNT_DIFFERS near K1; 0213 NOT_ARRIVED; 0214 NOT_ARRIVED; left K1"},
		{"a sum booked before its last day", dues{due("2026-02-12", 100), due("2026-02-13", 200)},
			credits{credit(1, "2026-02-12", 300)}, "0212 AMOUNT_DIFFERS near K1; 0213 NOT_ARRIVED; left K1"},

		{"the account decides", dues{due("2026-02-12", 100)}, credits{ownAccount}, "0212 amount K1"},
		{"the day named decides between equal nets", dues{due("2026-02-12", 100), due("2026-02-13", 100)},
			credits{credit(1, "2026-02-14", 100, "2026-02-13")}, "0212 NOT_ARRIVED; 0213 remark-date K1"},
		{"the day named decides against a sum", dues{due("2026-02-12", 100), due("2026-02-13", 200), due("2026-02-14", 300)},
			credits{credit(1, "2026-02-15", 300, "2026-02-14")}, "0212 NOT_ARRIVED; 0213 NOT_ARRIVED; 0214 remark-date K1"},
		{"the remark names the day of payment", dues{due("2026-02-12", 100), due("2026-02-13", 200)},
			credits{credit(1, "2026-02-13", 100, "2026-02-13")}, "0212 amount K1; 0213 NOT_ARRIVED"},
		{"paid twice", dues{due("2026-02-12", 100)},
			credits{credit(1, "2026-02-13", 100, "2026-02-12"), credit(2, "2026-02-13", 100, "2026-02-12")},
			"0212 remark-date K1; left K2"},
		{"paid in two parts", dues{due("2026-02-12", 100)},
			credits{credit(1, "2026-02-13", 60, "2026-02-12"), credit(2, "2026-02-13", 40, "2026-02-12")}, "0212 remark-date K1 K2"},
		{"two credits for two equal nets", dues{due("2026-02-12", 100), due("2026-02-13", 100)},
			credits{credit(1, "2026-02-14", 100), credit(2, "2026-02-14", 100)}, "0212 amount K1; 0213 amount K2"},
		{"one for the holidays", dues{due("2026-02-14", 100), due("2026-02-15", 200), due("2026-02-16", 300)},
			credits{credit(1, "2026-02-24", 600)}, "0214 sum K1; 0215 sum K1; 0216 sum K1"},
		{"the oldest two of three", dues{due("2026-02-14", 100), due("2026-02-15", 200), due("2026-02-16", 400)},
			credits{credit(1, "2026-02-24", 300)}, "0214 sum K1; 0215 sum K1; 0216 NOT_ARRIVED"},
		{"a sum behind a proven date", dues{due("2026-02-14", 100), due("2026-02-15", 200), due("2026-02-16", 400)},
			credits{credit(1, "2026-02-15", 100), credit(2, "2026-02-24", 600)}, "0214 amount K1; 0215 sum K2; 0216 sum K2"},
		{"refunds outweighed payments", dues{due("2026-02-14", -50), due("2026-02-15", 200)},
			credits{credit(1, "2026-02-16", 150)}, "0214 sum K1; 0215 sum K1"},
		{"nothing due", dues{due("2026-02-14", 0)}, nil, "0214 nothing-due"},
	} {
		if got := arrivalLines(reconcile.Arrivals(test.open, test.credits, wechatPayer)); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// The credits of the worked days, as the day phases and night phases saw them.
func TestArrivalsOfTheWorkedDays(t *testing.T) {
	named := func(c reconcile.Credit, payer string) reconcile.Credit { c.Payer = payer; return c }
	k1202 := named(credit(1202, "2026-02-12", 300_00), "李四")
	k1301 := credit(1301, "2026-02-13", 1292_20, "2026-02-12")
	k1402 := credit(1402, "2026-02-14", 695_80, "2026-02-13")
	k1403 := named(credit(1403, "2026-02-14", 497_00, "2026-02-12"), "支付宝")
	k1404 := named(credit(1404, "2026-02-14", 198_80, "2026-02-13"), "支付宝")
	alipay := reconcile.Payer{Names: []string{"支付宝"}}
	for _, test := range []struct {
		when    string
		payer   reconcile.Payer
		open    []reconcile.Expected
		credits []reconcile.Credit
		want    string
	}{
		{"02-13 11:00 WX", wechatPayer, []reconcile.Expected{due("2026-02-12", 1292_20)},
			[]reconcile.Credit{k1202, k1301}, "0212 remark-date K1301"},
		{"02-13 11:00 ALI", alipay, []reconcile.Expected{due("2026-02-12", 497_00)},
			[]reconcile.Credit{k1202, k1301}, "0212 NOT_ARRIVED"},
		{"02-14 11:00 WX", wechatPayer, []reconcile.Expected{due("2026-02-13", 695_80)},
			[]reconcile.Credit{k1402, k1403, k1404}, "0213 remark-date K1402"},
		{"02-14 11:00 ALI", alipay, []reconcile.Expected{due("2026-02-12", 497_00), due("2026-02-13", 198_80)},
			[]reconcile.Credit{k1402, k1403, k1404}, "0212 remark-date K1403; 0213 remark-date K1404"},
	} {
		if got := arrivalLines(reconcile.Arrivals(test.open, test.credits, test.payer)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.when, got, test.want)
		}
	}
}

// Whatever came: proven dates are covered by their credits to the fen, each
// credit proves once or is left, and the order of the rows changes nothing.
func TestArrivalsProveExactly(t *testing.T) {
	first := bizdate.MustParse("2026-02-10")
	rapid.Check(t, func(t *rapid.T) {
		var open []reconcile.Expected
		for i := range rapid.IntRange(0, 5).Draw(t, "dates") {
			open = append(open, reconcile.Expected{Date: first.AddDays(i), Net: money.Amount(rapid.IntRange(-2, 5).Draw(t, "net"))})
		}
		var credits []reconcile.Credit
		for i := range rapid.IntRange(0, 5).Draw(t, "credits") {
			c := credit(int32(i), first.AddDays(rapid.IntRange(0, 5).Draw(t, "booked")).String(), money.Amount(rapid.IntRange(1, 9).Draw(t, "amount")))
			if named := rapid.IntRange(0, 8).Draw(t, "named"); named < 6 {
				c.RemarkDates = []bizdate.Date{first.AddDays(named)}
			}
			credits = append(credits, c)
		}
		arrivals, unassigned := reconcile.Arrivals(open, credits, wechatPayer)
		var nets, paid money.Amount
		seen := map[reconcile.Ref]reconcile.Proof{}
		for _, a := range arrivals {
			if (a.Proof == "") == (a.Reason == "") {
				t.Fatalf("proof %q and reason %q", a.Proof, a.Reason)
			}
			if a.Proof != "" {
				nets += a.Net
			}
			for _, c := range a.Credits {
				by, twice := seen[c.Ref]
				if twice && (by != reconcile.BySum || a.Proof != reconcile.BySum) {
					t.Fatalf("%s proves twice", c.BankRef)
				}
				if !twice {
					paid += c.Amount
				}
				if seen[c.Ref] = a.Proof; c.Booked < a.Date {
					t.Fatalf("%s of %s proves %s", c.BankRef, c.Booked, a.Date)
				}
			}
		}
		if nets != paid || len(arrivals) != len(open) || len(seen)+len(unassigned) != len(credits) {
			t.Fatalf("nets %s, credits %s: %s", nets, paid, arrivalLines(arrivals, unassigned))
		}
		want := arrivalLines(arrivals, unassigned)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		r.Shuffle(len(credits), func(i, j int) { credits[i], credits[j] = credits[j], credits[i] })
		if diff := cmp.Diff(want, arrivalLines(reconcile.Arrivals(open, credits, wechatPayer))); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}
