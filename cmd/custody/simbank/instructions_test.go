package simbank_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// instruct writes an instruction file of the day and returns its path.
func (o office) instruct(d bizdate.Date, it bankfiles.InstructionItem) string {
	o.Helper()
	it.Seq = 1
	no := "SI" + d.Compact() + "-X" + d.Compact() + "-001"
	o.must(os.MkdirAll(filepath.Join(o.dir, "outbox"), 0o750))
	path := filepath.Join(o.dir, "outbox", no+".txt")
	f, err := os.Create(path)
	o.must(err)
	defer f.Close()
	o.must(payfile.WriteInstruct(f, &bankfiles.InstructionFile{No: no, Date: d, Maker: "maker1", Checker: "checker1",
		Items: []bankfiles.InstructionItem{it}}))
	return path
}

// refuses wants the instruction refused and nothing written for it.
func (o office) refuses(d bizdate.Date, code string, it bankfiles.InstructionItem) {
	o.Helper()
	path := o.instruct(d, it)
	before := tree(o.T, o.dir)
	_, err := simbank.Answer(o.dir, d)
	if f := fault.Of(err); f == nil || f.Code != code || f.Line != 2 || f.File != filepath.Base(path) {
		o.Errorf("%+v: got %v, want %s", it, err, code)
	}
	if diff := cmp.Diff(before, tree(o.T, o.dir)); diff != "" {
		o.Errorf("the refusal changed files: %s", diff)
	}
	o.must(os.Remove(path))
}

// claimed is a home in which a stranger paid on Monday.
func claimed(t *testing.T) (office, bankfiles.InstructionItem) {
	p := params(t.TempDir(), 5)
	p.Faults = []string{simbank.UnknownReceipt + "@2026-01-05"}
	o := generate(t, p)
	o.answer(monday)
	for _, e := range o.statement("statement", monday).entries {
		if e.CounterpartyName == "李示例" {
			return o, bankfiles.InstructionItem{Kind: bankfiles.InstructClaim, Reference: e.BankRef, Member: "F002", Amount: o.fen(e.Amount)}
		}
	}
	t.Fatal("no stranger paid")
	return o, bankfiles.InstructionItem{}
}

// TestClaim: the bank credits what it holds, once, and can be asked again.
func TestClaim(t *testing.T) {
	o, it := claimed(t)
	calm, _ := claimed(t)
	change := func(with func(*bankfiles.InstructionItem)) bankfiles.InstructionItem {
		other := it
		with(&other)
		return other
	}
	o.refuses(tuesday, "simbank.member", change(func(it *bankfiles.InstructionItem) { it.Member = "F999" }))
	o.refuses(tuesday, "simbank.instruction", change(func(it *bankfiles.InstructionItem) { it.Amount++ }))
	o.refuses(tuesday, "simbank.instruction", change(func(it *bankfiles.InstructionItem) { it.Reference = "K1" }))
	o.refuses(tuesday, "simbank.instruction", change(func(it *bankfiles.InstructionItem) { it.Kind = bankfiles.InstructReturn }))
	o.instruct(tuesday, it)
	o.answer(tuesday)
	once := tree(t, o.dir)
	o.answer(tuesday)
	if diff := cmp.Diff(once, tree(t, o.dir)); diff != "" {
		t.Errorf("the second answer differs: %s", diff)
	}
	calm.answer(tuesday)
	for member, was := range calm.balances(tuesday) {
		is := o.balances(tuesday)[member]
		if member == it.Member {
			was.Available += it.Amount
			was.Cash += it.Amount
		}
		if is != was {
			t.Errorf("%s: %+v, want %+v", member, is, was)
		}
	}
	o.refuses(tuesday.AddDays(1), "simbank.instruction", it)
	o.answer(tuesday.AddDays(1))
	o.instruct(tuesday, change(func(it *bankfiles.InstructionItem) { it.Member = "F003" }))
	if _, err := simbank.Answer(o.dir, tuesday); fault.CodeOf(err) != "simbank.later" {
		t.Errorf("another claim under an answered day: %v", err)
	}
}

// TestReturnInstruction: what came back is credited to the member it was paid
// to, with the fee.
func TestReturnInstruction(t *testing.T) {
	p := params(t.TempDir(), 5)
	p.Faults = []string{simbank.Returned + "@2026-01-06"}
	o := generate(t, p)
	o.answer(monday)
	_, items := o.pay(tuesday, 25_00, "F002")
	o.answer(tuesday)
	wednesday := tuesday.AddDays(1)
	o.answer(wednesday)
	it := bankfiles.InstructionItem{Kind: bankfiles.InstructReturn, Reference: items[0].Serial, Member: "F002", Amount: 26_00}
	thursday := wednesday.AddDays(1)
	for _, other := range []bankfiles.InstructionItem{
		{Kind: it.Kind, Reference: it.Reference, Member: "F003", Amount: it.Amount},
		{Kind: it.Kind, Reference: it.Reference, Member: it.Member, Amount: 25_00},
		{Kind: bankfiles.InstructClaim, Reference: it.Reference, Member: it.Member, Amount: it.Amount},
	} {
		o.refuses(thursday, "simbank.instruction", other)
	}
	o.answer(thursday)
	without := o.balances(thursday)["F002"].Available
	o.instruct(thursday, it)
	o.answer(thursday)
	if got := o.balances(thursday)["F002"].Available - without; got != 26_00 {
		t.Errorf("credited %s", got)
	}
}

// TestAdopt: from the night of the instruction on every member has what he
// would have had if the order had been in head office's file all along.
// (The order is one that the calm home does not refund by chance.)
func TestAdopt(t *testing.T) {
	home := func(faults ...string) office {
		p := params(t.TempDir(), 5)
		p.Faults = append([]string{}, faults...) // nil would be the default ones
		return generate(t, p)
	}
	o, calm := home(simbank.ChannelOnly+"@2026-01-05/ALI"), home()
	known := map[string]bool{}
	for _, r := range o.orders(monday) {
		known[r.OrderNo] = true
	}
	var it bankfiles.InstructionItem
	for _, r := range calm.orders(monday) {
		if r.Kind == bankfiles.Pay && !known[r.OrderNo] {
			it = bankfiles.InstructionItem{Kind: bankfiles.InstructAdopt, Reference: r.OrderNo, Member: r.Member, Amount: o.fen(r.Amount),
				Channel: "ALI", ClearingDate: monday, OrderNo: r.OrderNo}
		}
	}
	o.answer(monday)
	calm.answer(monday)
	if cmp.Equal(o.balances(monday), calm.balances(monday)) {
		t.Fatal("an order that nobody owns was split")
	}
	for _, other := range []func(*bankfiles.InstructionItem){
		func(it *bankfiles.InstructionItem) { it.Amount-- },
		func(it *bankfiles.InstructionItem) { it.Channel = "WX" },
		func(it *bankfiles.InstructionItem) { it.ClearingDate = tuesday },
		func(it *bankfiles.InstructionItem) { it.Member = "P001" },
		func(it *bankfiles.InstructionItem) { it.OrderNo = o.orders(monday)[0].OrderNo },
	} {
		bad := it
		other(&bad)
		o.refuses(tuesday, "simbank.instruction", bad)
	}
	o.instruct(tuesday, it)
	for k := range 4 {
		d := tuesday.AddDays(k)
		if k == 1 {
			o.refuses(d, "simbank.instruction", it)
		}
		o.answer(d)
		calm.answer(d)
		for member, want := range calm.balances(d) {
			got := o.balances(d)[member]
			if got.Available != want.Available {
				t.Errorf("%s %s: available %s, want %s", d, member, got.Available, want.Available)
			}
			if owns := member == it.Member; k == 0 && owns && got.Cash >= want.Cash {
				t.Errorf("%s: %s can be withdrawn, %s when it had been released", d, got.Cash, want.Cash)
			}
			if k > 0 && got.Cash != want.Cash {
				t.Errorf("%s %s: cash %s, want %s", d, member, got.Cash, want.Cash)
			}
		}
	}
}
