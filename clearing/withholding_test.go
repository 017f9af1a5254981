package clearing_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

const taxFile = `name: 示例级距
effective: 2026-02-12
bands:
  - {above: "0.00", ppm: 0, quick: "0.00"}
  - {above: "100.00", ppm: 200000, quick: "20.00"}
  - {above: "500.00", ppm: 300000, quick: "70.00"}
`

// taxed is the morning of 02-13 with the rule in force, A a person; A has 924.00, B
// 184.80 of 2001.
func taxed(t *testing.T, changes ...string) *scene {
	t.Helper()
	s := newScene(t, changes...)
	s.first()
	r, err := clearing.ParseTaxRule([]byte(strings.Replace(taxFile, "2026-02-12", "2026-02-13", 1)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.engine.NewTaxRule(s.ctx, "maker1", r)
	if err != nil {
		t.Fatal(err)
	}
	s.approve(id)
	s.do(func(tx *store.Tx) error {
		return s.engine.Book.SetIdentity(s.ctx, tx, "maker1", day("2026-02-12").At(12, 0), subaccounts.Identity{Member: "A", Kind: subaccounts.Person, Name: "加盟商甲", Number: "1***"})
	})
	s.report("2026-02-13", workedLine("K1301"))
	s.playUntil("2026-02-13", "release", 0)
	return s
}

// TestTaxRuleRefused: bands that do not meet, and what is no rule.
func TestTaxRuleRefused(t *testing.T) {
	for name, c := range map[string]struct{ from, to, code string }{
		"a gap":           {`quick: "20.00"`, `quick: "19.00"`, "tax.band"},
		"a jump":          {`quick: "70.00"`, `quick: "60.00"`, "tax.band"},
		"descending":      {`above: "500.00"`, `above: "50.00"`, "tax.band"},
		"all of it":       {"ppm: 300000", "ppm: 1000000", "tax.band"},
		"below nothing":   {"ppm: 200000", "ppm: -1", "tax.band"},
		"a first band":    {`above: "0.00"`, `above: "1.00"`, "tax.rule"},
		"no name":         {"name: 示例级距\n", "", "tax.rule"},
		"a key too many":  {"name:", "law: x\nname:", "tax.rule"},
		"no amount":       {`"500.00"`, `"x"`, "tax.band"},
		"no day":          {"2026-02-12", "2026-13-12", "tax.rule"},
		"too many bands":  {"bands:\n", "bands:\n" + strings.Repeat("  - {above: \"0.00\", ppm: 0, quick: \"0.00\"}\n", 21), "tax.rule"},
		"too large":       {"name: ", "name: " + strings.Repeat("x", 7000), "tax.rule"},
		"no bands at all": {taxFile[strings.Index(taxFile, "bands"):], "", "tax.rule"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clearing.ParseTaxRule([]byte(strings.Replace(taxFile, c.from, c.to, 1)))
			wantCode(t, err, c.code)
		})
	}
}

// TestTaxNeverTurnsOver: more gross is never less net, and tax never above gross.
func TestTaxNeverTurnsOver(t *testing.T) {
	rule, err := clearing.ParseTaxRule([]byte(taxFile))
	if err != nil {
		t.Fatal(err)
	}
	for gross, want := range map[money.Amount]money.Amount{1: 0, 100_00: 0, 100_03: 1, 500_00: 80_00, 600_00: 110_00} {
		if got, err := rule.Tax(gross); err != nil || got != want {
			t.Errorf("%s: %s, want %s, %v", gross, got, want, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(0, 2_000_00).Draw(t, "gross"))
		x, err1 := rule.Tax(a)
		y, err2 := rule.Tax(a + 1)
		if err1 != nil || err2 != nil || y < x || y-x > 1 || x > a {
			t.Fatalf("%s: %s then %s", a, x, y)
		}
	})
}

// TestWithholding: the month counts together, the tax stands beside the payout, the
// sheet and the file say net, and paid tax is remitted once.
func TestWithholding(t *testing.T) {
	s := taxed(t)
	s.withdraw("", "A", "200.00", "WD1") // 20.00 of 200.00
	s.withdraw("", "A", "200.00", "WD1")
	s.withdraw("payment.conflict", "A", "180.00", "WD1")
	s.withdraw("", "B", "50.00", "WD2") // no person
	s.want(map[string]string{"2001.A": "723.00", "2201.A": "181.00", "2201.TAX": "20.00", "2201.B": "51.00"})
	s.sendAll()
	// 722.00 of settlement: the month's tax of 922.00 is 206.60, less 20.00.
	s.want(map[string]string{"2001.A": "0.00", "2201.TAX": "206.60"})
	file, err := os.ReadFile(filepath.Join(s.home, "outbox", poFirst+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	raw := string(file)
	if !strings.Contains(raw, "||53540|") || !strings.Contains(raw, "||18000|") {
		t.Errorf("the file:\n%s", raw)
	}
	if files := s.instructionFiles(); len(slices.DeleteFunc(files, func(n string) bool { return !strings.Contains(n, "-A") })) != 2 {
		t.Errorf("the bank is told of %q", files)
	}
	remit := func(ref string, amount money.Amount) clearing.TaxRemittance {
		return clearing.TaxRemittance{Reference: ref, Month: day("2026-02-01"), Amount: amount}
	}
	s.refused("tax.changed", "E5f", remit("T1", 206_60)) // on its way
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	s.refused("tax.changed", "E5f", remit("T1", 206_59))
	s.decided("E5f", remit("T1", 206_60))
	s.refused("tax.changed", "E5f", remit("T2", 206_60))
	s.want(map[string]string{"2201.TAX": "0.00"})
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14")
	s.over("2026-02-14", 0) // what was remitted no longer stands in 2201 (R6)
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
}

// TestWithheldComesBack: a payout that fails, is cancelled or comes back brings its
// tax with it, and no longer counts in its month.
func TestWithheldComesBack(t *testing.T) {
	s := taxed(t)
	s.withdraw("", "A", "300.00", "WD0")
	s.want(map[string]string{"2201.TAX": "40.00"})
	if err := s.engine.CancelWithdrawal(s.ctx, "maker1", "WD0"); err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"2201.TAX": "0.00", "2001.A": "924.00"})
	s.withdraw("", "A", "200.00", "WD1")
	s.withdraw("", "A", "300.00", "WD2") // 500.00 of the month: 80.00, less 20.00
	s.want(map[string]string{"2201.TAX": "80.00", "2001.A": "422.00"})
	s.sendAll()
	s.answer(poFirst, map[string]bankfiles.ResultStatus{"20260213010005": "F"})
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", "20260213010005")...)...)
	s.play("2026-02-13", 0)
	wantList(t, "E5c", s.posted("2026-02-13", "E5c"), []string{"E5c Cr 2001.A 201.00; Dr 2201.A 181.00; Dr 2201.TAX 20.00"})
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", bankLine{"RET", "02-14 09:00:00", "240.00", "加盟商甲", "", "", "退汇 20260213010006"})
	s.over("2026-02-14", 0)
	s.handle("20260213010006", clearing.Handling{Template: "credit-return"})
	s.want(map[string]string{"2203": "0.00", "2001.A": "502.00"})
	list, err := s.engine.Withholdings(s.ctx, day("2026-02-01"))
	back := 0
	for _, row := range list {
		if row.Back != 0 {
			back++
		}
	}
	if err != nil || len(list) != 4 || back != 3 {
		t.Errorf("%+v %v", list, err)
	}
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
	s.exec("UPDATE withholdings SET withheld_fen = 1 WHERE reference = 'WD1'")
	if report, err := s.engine.Verify(s.ctx, nil); err != nil || report.OK {
		t.Errorf("a row that was changed is not found: %v", err)
	}
}

// TestInvoices: commission and fees add up to what 2302 moved, partners' parts to
// what 2002 says of them.
func TestInvoices(t *testing.T) {
	s := taxed(t)
	s.withdraw("", "A", "200.00", "WD1")
	s.sendAll()
	s.answer(poFirst, nil)
	s.dropOrders("2026-02-13", refundOf("W1", "RX", "A", "WX", "100.00", "02-13 12:00:00"))
	s.bill("WX", "2026-02-13")
	s.bill("ALI", "2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	list, err := s.engine.Invoices(s.ctx, day("2026-02-01"))
	if err != nil {
		t.Fatal(err)
	}
	var sum, earned money.Amount
	var a clearing.Invoice
	for _, i := range list {
		sum, earned = sum+i.Commission+i.Fees, earned+i.Earned
		if i.Member == "A" {
			a = i
		}
	}
	moved := s.moved("2302", "")
	if sum != -moved || earned == 0 || earned != s.credited("2002", "P") {
		t.Errorf("invoiced %s, 2302 moved %s; earned %s, P's %s: %+v", sum, -moved, earned, s.credited("2002", "P"), list)
	}
	if a.Gross == 0 || a.Gross-a.Withheld != a.Net || a.Withheld == 0 {
		t.Errorf("%+v", a)
	}
	if other, err := s.engine.Invoices(s.ctx, day("2026-03-01")); err != nil || len(other) != 0 {
		t.Errorf("March: %+v %v", other, err)
	}
	var out bytes.Buffer
	err = clearing.WriteInvoices(&out, day("2026-02-01"), []clearing.Invoice{{Member: "=A", Name: "@x,\"y"}})
	if err != nil || !strings.HasSuffix(out.String(), "2026-02,'=A,\"'@x,\"\"y\",0.00,0.00,0.00,0.00,0.00,0.00\n") {
		t.Errorf("%q %v", out.String(), err)
	}
}

// moved is the sum of an account's entries, credited that of its credits by splits.
func (s *scene) moved(code, owner string) (sum money.Amount) {
	s.t.Helper()
	s.entriesOf(code, owner, func(e *subaccounts.Entry) { sum += e.Amount })
	return sum
}

func (s *scene) credited(code, owner string) (sum money.Amount) {
	s.t.Helper()
	s.entriesOf(code, owner, func(e *subaccounts.Entry) {
		if e.Amount < 0 {
			sum -= e.Amount
		}
	})
	return sum
}

func (s *scene) entriesOf(code, owner string, fn func(*subaccounts.Entry)) {
	s.t.Helper()
	s.do(func(tx *store.Tx) error {
		_, _, err := s.engine.Book.Entries(s.ctx, tx, code, owner, day("2026-02-01"), day("2026-02-28"), func(e *subaccounts.Entry) error { fn(e); return nil })
		return err
	})
}
