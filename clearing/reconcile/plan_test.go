package reconcile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
)

const feb13 = bizdate.Date(20260213)

type records = []reconcile.Record

// book and bank make a line of either side: ours are in file 1, theirs in file 2.
func book(row int32, amount money.Amount, r reconcile.Record) reconcile.Record {
	r.Ref, r.Amount = reconcile.Ref{File: 1, Row: row}, amount
	if r.Booked == 0 {
		r.Booked = feb13
	}
	return r
}

func bank(row int32, amount money.Amount, r reconcile.Record) reconcile.Record {
	r = book(row, amount, r)
	r.Ref.File = 2
	return r
}

// told prints an outcome as a person reads it.
func told(o reconcile.Outcome) []string {
	places := func(refs []reconcile.Ref) string {
		var s []string
		for _, r := range refs {
			s = append(s, fmt.Sprintf("%d/%d", r.File, r.Row))
		}
		return strings.Join(s, "+")
	}
	var out []string
	for _, p := range o.Confirmed {
		s := fmt.Sprintf("%s = %s %s by %s", places(p.Ours), places(p.Theirs), p.Strategy, p.Agreed)
		if p.Difference != 0 {
			s += " off by " + p.Difference.String()
		}
		out = append(out, s)
	}
	for _, p := range o.Suggested {
		out = append(out, fmt.Sprintf("%s ? %s %s of %d", places(p.Ours), places(p.Theirs), p.Strategy, p.Alternatives))
	}
	if len(o.OpenOurs)+len(o.OpenTheirs) > 0 {
		out = append(out, fmt.Sprintf("open %s | %s", places(o.OpenOurs), places(o.OpenTheirs)))
	}
	return out
}

type rec = reconcile.Record

// The cases of TestPlan: what must not match first, then each strategy.
var planCases = []struct {
	name         string
	ours, theirs records
	want         []string
}{
	{"the same number, another amount: text never bypasses the amount",
		records{book(1, 100, rec{Instruction: "I1", BankRef: "B1", OwnRef: "ORDER1"})},
		records{bank(1, 101, rec{Instruction: "I1", BankRef: "B1", OwnRef: "ORDER1", Remark: "ORDER1"})},
		[]string{"open 1/1 | 2/1"}},
	{"another account", records{book(1, 100, rec{Account: "A", BankRef: "B1"})}, records{bank(1, 100, rec{Account: "B", BankRef: "B1"})},
		[]string{"open 1/1 | 2/1"}},
	{"another direction", records{book(1, 100, rec{BankRef: "B1", Party: "P"})}, records{bank(1, -100, rec{BankRef: "B1", Party: "P"})},
		[]string{"open 1/1 | 2/1"}},
	{"party, amount and day, but the references contradict",
		records{book(1, 100, rec{Instruction: "I1", Party: "P"})}, records{bank(1, 100, rec{Instruction: "I2", Party: "P"})},
		[]string{"open 1/1 | 2/1"}},
	{"one instruction, but the bank references contradict",
		records{book(1, 100, rec{Instruction: "I1", BankRef: "B1"})}, records{bank(1, 100, rec{Instruction: "I1", BankRef: "B2"})},
		[]string{"1/1 ? 2/1 instruction of 1", "open 1/1 | 2/1"}},
	{"amount and day alone are a suggestion",
		records{book(1, 100, rec{})}, records{bank(1, 100, rec{})},
		[]string{"1/1 ? 2/1 fuzzy of 1", "open 1/1 | 2/1"}},
	{"a remark that quotes two orders of one amount",
		records{book(1, 100, rec{OwnRef: "ORDER1"}), book(2, 100, rec{OwnRef: "ORDER2"})}, records{bank(1, 100, rec{Remark: "付ORDER1,ORDER2"})},
		[]string{"1/1+1/2 ? 2/1 own-ref of 2", "open 1/1+1/2 | 2/1"}},
	{"the bank debits an instruction twice: the second is kept from weaker rules",
		records{book(1, -100, rec{Instruction: "I1", Party: "P"}), book(2, -100, rec{Party: "P"})},
		records{bank(1, -100, rec{Instruction: "I1", Party: "P"}), bank(2, -100, rec{Instruction: "I1", Party: "P"})},
		[]string{"1/1 = 2/1 instruction by instruction+counterparty+amount+booked", "open 1/2 | 2/2"}},
	{"two orders and two credits of one payer and day, nothing tells which",
		records{book(1, 100, rec{Party: "P", OwnRef: "ORDER1"}), book(2, 100, rec{Party: "P", OwnRef: "ORDER2"})},
		records{bank(1, 100, rec{Party: "P", BankRef: "B1"}), bank(2, 100, rec{Party: "P", BankRef: "B2"})},
		[]string{"1/1+1/2 ? 2/1+2/2 party-amount-day of 2", "open 1/1+1/2 | 2/1+2/2"}},
	{"a subset in two ways",
		records{book(1, 300, rec{Party: "P"})},
		records{bank(1, 100, rec{Party: "P"}), bank(2, 200, rec{Party: "P"}), bank(3, 150, rec{Party: "P"}), bank(4, 150, rec{Party: "P", Booked: 20260214})},
		[]string{"1/1 ? 2/1+2/2 subset-sum of 2", "open 1/1 | 2/1+2/2+2/3+2/4"}},
	{"two wholes that want the same part",
		records{book(1, 300, rec{Party: "P"}), book(2, 351, rec{Party: "P"})},
		records{bank(1, 100, rec{Party: "P"}), bank(2, 200, rec{Party: "P"}), bank(3, 151, rec{Party: "P"})},
		[]string{"1/1 ? 2/1+2/2 subset-sum of 2", "1/2 ? 2/2+2/3 subset-sum of 2", "open 1/1+1/2 | 2/1+2/2+2/3"}},

	{"instruction", records{book(1, -100, rec{Instruction: "I1"})}, records{bank(1, -100, rec{Instruction: "I1"})},
		[]string{"1/1 = 2/1 instruction by instruction+amount+booked"}},
	{"bank reference, on another day", records{book(1, 100, rec{BankRef: "B1"})}, records{bank(1, 100, rec{BankRef: "B1", Booked: 20260214})},
		[]string{"1/1 = 2/1 bank-ref by bank_ref+amount"}},
	{"own reference in the remark", records{book(1, 100, rec{OwnRef: "ORDER1"})}, records{bank(1, 100, rec{Remark: "货款ORDER1谢谢"})},
		[]string{"1/1 = 2/1 own-ref by own_ref+amount+booked"}},
	{"the other side's reference in our remark", records{book(1, 100, rec{Remark: "see ZZ-77"})}, records{bank(1, 100, rec{OwnRef: "ZZ-77"})},
		[]string{"1/1 = 2/1 own-ref by own_ref+amount+booked"}},
	{"one line of a batch", records{book(1, 100, rec{Batch: "F1"}), book(2, 50, rec{Batch: "F1"})}, records{bank(1, 50, rec{Batch: "F1"}), bank(2, 100, rec{Batch: "F1"})},
		[]string{"1/1 = 2/2 batch by batch+amount+booked", "1/2 = 2/1 batch by batch+amount+booked"}},
	{"counterparty, amount and day", records{book(1, 100, rec{Party: "P", OwnRef: "ORDER1"})}, records{bank(1, 100, rec{Party: "P", BankRef: "B1"})},
		[]string{"1/1 = 2/1 party-amount-day by counterparty+amount+booked"}},
	{"counterparty and amount within the window", records{book(1, 100, rec{Party: "P"})}, records{bank(1, 100, rec{Party: "P", Booked: 20260216})},
		[]string{"1/1 = 2/1 tolerance-window by counterparty+amount"}},
	{"a batch debited in one sum", records{book(1, -100, rec{Batch: "F1", Instruction: "I1"}), book(2, -50, rec{Batch: "F1", Instruction: "I2"})}, records{bank(1, -150, rec{Batch: "F1"})},
		[]string{"1/1+1/2 = 2/1 group-sum by batch+booked"}},
	{"a subset in one way", records{book(1, 300, rec{Party: "P"})},
		records{bank(1, 100, rec{Party: "P"}), bank(2, 200, rec{Party: "P"}), bank(3, 199, rec{Party: "P"})},
		[]string{"1/1 = 2/1+2/2 subset-sum by counterparty+booked", "open  | 2/3"}},
	{"the day tells two equal instructions apart",
		records{book(1, 100, rec{Instruction: "I1", Booked: 20260214}), book(2, 100, rec{Instruction: "I1"})},
		records{bank(1, 100, rec{Instruction: "I1"}), bank(2, 100, rec{Instruction: "I1", Booked: 20260214})},
		[]string{"1/1 = 2/2 instruction by instruction+amount+booked", "1/2 = 2/1 instruction by instruction+amount+booked"}},
}

func TestPlan(t *testing.T) {
	for _, test := range planCases {
		t.Run(test.name, func(t *testing.T) {
			got := told(reconcile.StandardPlan().Match(test.ours, test.theirs))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanTolerance(t *testing.T) {
	plan := reconcile.StandardPlan()
	plan.ToleranceFen = 2
	ours, theirs := records{book(1, 100, rec{Party: "P"})}, records{bank(1, 102, rec{Party: "P"}), bank(2, 103, rec{Party: "P"})}
	got := told(plan.Match(ours, theirs))
	want := []string{"1/1 = 2/1 tolerance-window by counterparty+booked off by -0.02", "open  | 2/2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// pick draws one of a few texts, so that lines meet.
func pick(t *rapid.T, label string, texts ...string) string {
	return texts[rapid.IntRange(0, len(texts)-1).Draw(t, label)]
}

func drawRecord(t *rapid.T) reconcile.Record {
	return reconcile.Record{
		Account:     pick(t, "account", "", "A", "A"),
		Instruction: pick(t, "instruction", "", "", "", "I1", "I2"),
		Batch:       pick(t, "batch", "", "", "F1", "F2"),
		BankRef:     pick(t, "bank ref", "", "", "B1", "B2"),
		OwnRef:      pick(t, "own ref", "", "", "ORDER1", "ORDER2"),
		Remark:      pick(t, "remark", "", "ORDER1", "付ORDER2款", "ORDER1 ORDER2"),
		Party:       pick(t, "party", "", "P", "Q"),
		Amount:      money.Amount(rapid.IntRange(-3, 6).Draw(t, "amount")),
		Booked:      feb13.AddDays(rapid.IntRange(0, 9).Draw(t, "day")),
	}
}

func drawSide(t *rapid.T, file int64) records {
	side := make(records, rapid.IntRange(0, 24).Draw(t, "rows"))
	for i := range side {
		side[i] = drawRecord(t)
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			side[i] = side[i-1]
		}
		side[i].Ref = reconcile.Ref{File: file, Row: int32(i)}
	}
	return side
}

// The promises of [reconcile.Plan.Match], on random lines that often meet.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := drawSide(t, 1), drawSide(t, 2)
		plan := reconcile.Plan{Version: 7, ToleranceFen: money.Amount(rapid.IntRange(0, 1).Draw(t, "tolerance")), WindowDays: 3, SuggestedDays: 7}
		holds(t, plan, ours, theirs, plan.Match(ours, theirs))
	})
}

// holds checks an outcome against the lines that it came from.
func holds(t interface{ Fatalf(string, ...any) }, plan reconcile.Plan, ours, theirs records, o reconcile.Outcome) {
	uses := map[reconcile.Ref]int{}
	sum := func(refs []reconcile.Ref, side records) (total money.Amount) {
		for _, ref := range refs {
			uses[ref]++
			total += side[ref.Row].Amount
		}
		return total
	}
	for _, p := range o.Confirmed {
		diff := sum(p.Ours, ours) - sum(p.Theirs, theirs)
		switch {
		case diff != p.Difference, diff.Abs() > plan.ToleranceFen, diff != 0 && p.Strategy != reconcile.ByWindow:
			t.Fatalf("%+v is off by %s", p, diff)
		case p.Strategy == reconcile.FuzzyStrategy, p.Alternatives != 1, p.Version != plan.Version, p.Agreed == 0:
			t.Fatalf("%+v must not be confirmed", p)
		case len(p.Ours) != 1 && len(p.Theirs) != 1, len(p.Ours) == 0, len(p.Theirs) == 0:
			t.Fatalf("%+v is several to several", p)
		}
		for _, a := range p.Ours {
			for _, b := range p.Theirs {
				if ours[a.Row].Account != theirs[b.Row].Account {
					t.Fatalf("%+v crosses accounts", p)
				}
			}
		}
	}
	for _, ref := range slices.Concat(o.OpenOurs, o.OpenTheirs) {
		uses[ref]++
	}
	if len(uses) != len(ours)+len(theirs) {
		t.Fatalf("%d of %d lines are told of", len(uses), len(ours)+len(theirs))
	}
	for ref, n := range uses {
		if n != 1 {
			t.Fatalf("%v stands %d times", ref, n)
		}
	}
	isOpen := map[reconcile.Ref]bool{}
	for _, ref := range slices.Concat(o.OpenOurs, o.OpenTheirs) {
		isOpen[ref] = true
	}
	for _, p := range o.Suggested {
		for _, ref := range slices.Concat(p.Ours, p.Theirs) {
			if !isOpen[ref] {
				t.Fatalf("%+v suggests a line that is matched", p)
			}
		}
	}
}

// A million lines through random days: nothing is matched twice.
func TestNothingIsMatchedTwice(t *testing.T) {
	steps := 1_000_000
	if testing.Short() {
		steps = 100_000
	}
	r := rand.New(rand.NewPCG(3, 4))
	plan := reconcile.StandardPlan()
	for done := 0; done < steps; {
		ours, theirs := mixedDay(r, 1+r.IntN(400)), mixedDay(r, 1+r.IntN(400))
		for i := range theirs {
			theirs[i].Ref.File = 2
		}
		holds(t, plan, ours, theirs, plan.Match(ours, theirs))
		done += len(ours) + len(theirs)
	}
}

// mixedDay makes lines of every strategy, many of them alike.
func mixedDay(r *rand.Rand, n int) records {
	text := func(prefix string, share, kinds int) string {
		if r.IntN(100) >= share {
			return ""
		}
		return fmt.Sprintf("%s%04d", prefix, r.IntN(kinds))
	}
	rows := make(records, n)
	for i := range rows {
		rows[i] = reconcile.Record{Instruction: text("I", 25, 1+n/8), Batch: text("F", 20, 5), BankRef: text("B", 25, 1+n/8), OwnRef: text("ORDER", 25, 1+n/8),
			Remark: text("ORDER", 25, 1+n/8), Party: text("P", 60, 8), Amount: money.Amount(1 + r.IntN(12)), Booked: feb13.AddDays(r.IntN(10))}
		if i > 0 && r.IntN(4) == 0 {
			rows[i] = rows[i-1]
		}
		rows[i].Ref = reconcile.Ref{File: 1, Row: int32(i)}
	}
	return rows
}

// 1,000 shuffles of the rows give byte-identical results.
func TestShufflesChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ours, theirs := mixedDay(r, 120), mixedDay(r, 120)
	for i := range theirs {
		theirs[i].Ref.File = 2
	}
	plan := reconcile.StandardPlan()
	want, err := json.Marshal(plan.Match(ours, theirs))
	if err != nil {
		t.Fatal(err)
	}
	by := map[reconcile.Strategy]bool{}
	for _, p := range plan.Match(ours, theirs).Confirmed {
		by[p.Strategy] = true
	}
	if len(by) < 6 {
		t.Fatalf("the day has matches by %v only", by)
	}
	for range 1_000 {
		r.Shuffle(len(ours), func(i, j int) { ours[i], ours[j] = ours[j], ours[i] })
		r.Shuffle(len(theirs), func(i, j int) { theirs[i], theirs[j] = theirs[j], theirs[i] })
		got, err := json.Marshal(plan.Match(ours, theirs))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("(-want +got):\n%s", cmp.Diff(string(want), string(got)))
		}
	}
}

// Files in another order have other numbers: what lines say is matched alike.
func TestFilesInAnotherOrderChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	plan := reconcile.StandardPlan()
	for range 50 {
		ours, theirs := mixedDay(r, 80), mixedDay(r, 80)
		want := saying(plan, ours, theirs)
		for range 20 {
			for _, side := range []records{ours, theirs} {
				r.Shuffle(len(side), func(i, j int) { side[i], side[j] = side[j], side[i] })
			}
			if diff := cmp.Diff(want, saying(plan, ours, theirs)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	}
}

// saying numbers the rows as they come and describes what is confirmed by what
// the lines say, without their places.
func saying(plan reconcile.Plan, ours, theirs records) []string {
	for i := range ours {
		ours[i].Ref = reconcile.Ref{File: int64(i % 3), Row: int32(i)}
	}
	for i := range theirs {
		theirs[i].Ref = reconcile.Ref{File: int64(i % 2), Row: int32(i)}
	}
	say := func(refs []reconcile.Ref, side records) string {
		var all []string
		for _, ref := range refs {
			line := side[ref.Row]
			line.Ref = reconcile.Ref{}
			all = append(all, fmt.Sprintf("%+v", line))
		}
		slices.Sort(all)
		return strings.Join(all, "+")
	}
	var out []string
	for _, p := range plan.Match(ours, theirs).Confirmed {
		out = append(out, fmt.Sprintf("%s %s = %s", p.Strategy, say(p.Ours, ours), say(p.Theirs, theirs)))
	}
	slices.Sort(out)
	return out
}

// Subset counts what trying every subset counts.
func TestSubsetCountsAllWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		amounts := make([]money.Amount, n)
		for i := range amounts {
			amounts[i] = money.Amount(rapid.IntRange(1, 9).Draw(t, "amount"))
		}
		target := money.Amount(rapid.IntRange(1, 40).Draw(t, "target"))
		want := 0
		for set := range 1 << n {
			var sum money.Amount
			for i, a := range amounts {
				if set>>i&1 != 0 {
					sum += a
				}
			}
			if sum == target {
				want++
			}
		}
		ways, one := reconcile.Subset(amounts, target)
		if ways != want {
			t.Fatalf("%v to %s in %d ways, want %d", amounts, target, ways, want)
		}
		var sum money.Amount
		for _, i := range one {
			sum += amounts[i]
		}
		if ways > 0 && sum != target {
			t.Fatalf("%v adds up to %s", one, sum)
		}
	})
}

func TestSubsetOfThirtyOneIsNotTried(t *testing.T) {
	amounts := make([]money.Amount, 31)
	for i := range amounts {
		amounts[i] = 1
	}
	if ways, _ := reconcile.Subset(amounts, 31); ways != 0 {
		t.Errorf("%d ways", ways)
	}
	if ways, _ := reconcile.Subset(amounts[:30], 15); ways != 155_117_520 { // 30 over 15
		t.Errorf("%d ways", ways)
	}
}
