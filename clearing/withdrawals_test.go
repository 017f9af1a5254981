package clearing_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// released plays on to 02-13 11:30: A has 924.00, B 184.80, C 92.40, P 26.00.
func (s *scene) released() {
	s.t.Helper()
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.playUntil("2026-02-13", "release", 0)
}

func (s *scene) withdraw(code, member, amount, ref string) {
	s.t.Helper()
	a, err := money.ParseYuan(amount)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.engine.Withdraw(s.ctx, "maker1", clearing.Withdrawal{Member: member, Amount: a, Reference: ref})
	if got := fault.CodeOf(err); got != code {
		s.t.Errorf("%s %s %s: got %q (%v), want %q", member, amount, ref, got, err, code)
	}
}

const limits = "account_faults: [\"1004\"], withdrawals: {minimum: \"10.00\", per_item: \"300.00\", per_day: \"500.00\", per_day_count: 3, blacklist: [C]}}"

// TestWithdrawRefused: each limit, and nothing is left of what was refused.
func TestWithdrawRefused(t *testing.T) {
	s := newScene(t, `account_faults: ["1004"]}`, limits)
	s.released()
	s.withdraw("withdraw.least", "A", "9.99", "W1")
	s.withdraw("withdraw.item", "A", "300.01", "W1")
	s.withdraw("withdraw.blacklist", "C", "20.00", "W1")
	s.withdraw("member.unknown", "X", "20.00", "W1")
	s.withdraw("payment.reference", "A", "20.00", "")
	s.withdraw("payment.reference", "A", "20.00", "20260213010001")
	s.withdraw("ledger.overdrawn", "B", "184.80", "W1") // the fee is on top
	_, err := s.engine.Withdraw(s.ctx, "checker1", clearing.Withdrawal{Member: "A", Amount: 2000, Reference: "W1"})
	wantCode(t, err, "people.denied")
	s.want(map[string]string{"2201": "0.00", "2001.A": "924.00"})

	s.withdraw("", "A", "300.00", "W1")
	s.withdraw("", "A", "300.00", "W1") // the same once more
	s.withdraw("payment.conflict", "A", "299.00", "W1")
	s.withdraw("payment.conflict", "B", "300.00", "W1")
	s.withdraw("withdraw.day-amount", "A", "200.01", "W2")
	s.withdraw("", "A", "100.00", "W2")
	s.withdraw("", "A", "100.00", "W3")
	s.withdraw("withdraw.day-count", "A", "10.00", "W4")
	s.want(map[string]string{"2201.A": "503.00", "2001.A": "421.00"})
	if err := s.engine.CancelWithdrawal(s.ctx, "maker1", "W3"); err != nil {
		t.Fatal(err)
	}
	s.withdraw("", "A", "10.00", "W4") // a cancelled one counts no longer
	s.want(map[string]string{"2201.A": "413.00", "2001.A": "511.00"})

	s.stop("B")
	s.withdraw("withdraw.member", "B", "20.00", "W5")
}

// stop bars payments of a member (止付).
func (s *scene) stop(member string) {
	s.t.Helper()
	s.do(func(tx *store.Tx) error {
		return s.engine.Book.UpdateMember(s.ctx, tx, "maker1", day("2026-02-13").At(12, 0), member, subaccounts.StatusStopped)
	})
}

// TestWithdrawal: E5a at once under the reference, a serial with the next batch,
// E5b under the reference; the settlement of the rest goes beside it.
func TestWithdrawal(t *testing.T) {
	s := newScene(t)
	s.released()
	s.withdraw("", "A", "100.00", "WD1")
	wantList(t, "E5a", s.posted("2026-02-13", "E5a"), []string{"E5a Cr 2201.A 101.00; Dr 2001.A 101.00"})
	s.sendAll()
	wantCode(t, s.engine.CancelWithdrawal(s.ctx, "maker1", "WD1"), "payment.batched")
	o, _, err := s.engine.PaymentOrder(s.ctx, payout.Withdrawal, "WD1")
	if err != nil || o.Serial != "20260213010005" || o.State != payout.Batched {
		t.Fatalf("%+v %v", o, err)
	}
	raw, err := os.ReadFile(filepath.Join(s.home, "outbox", poFirst+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "\n5|20260213010005|A|6222000000000001|加盟商甲|102100000030||10000|BEP|结算款|WITHDRAWAL\n"; !strings.Contains(string(raw), want) {
		t.Errorf("the file lacks %q:\n%s", want, raw)
	}
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	if got := s.posted("2026-02-13", "E5b"); !slices.Contains(got, "E5b Cr 1001 100.00; Cr 2302.FEE 1.00; Dr 2201.A 101.00") {
		t.Errorf("E5b: %q", got)
	}
	s.want(map[string]string{"2201": "0.00", "2001.A": "0.00"})
}

// TestWithdrawalRefusedAndReturned: F gives all back (E5c); a return waits in 2203
// and goes back with its fee (E5e).
func TestWithdrawalRefusedAndReturned(t *testing.T) {
	s := newScene(t)
	s.released()
	s.withdraw("", "A", "100.00", "WD1")
	s.withdraw("", "A", "200.00", "WD2")
	s.sendAll()
	s.answer(poFirst, map[string]bankfiles.ResultStatus{"20260213010005": "F"})
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", "20260213010005")...)...)
	s.play("2026-02-13", 0)
	wantList(t, "E5c", s.posted("2026-02-13", "E5c"), []string{"E5c Cr 2001.A 101.00; Dr 2201.A 101.00"})
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", bankLine{"RET", "02-14 09:00:00", "200.00", "加盟商甲", "", "", "退汇 20260213010006"})
	s.over("2026-02-14", 0)
	s.want(map[string]string{"2203": "200.00", "2001.A": "101.00"})
	s.handle("20260213010006", clearing.Handling{Template: "credit-return"})
	s.want(map[string]string{"2203": "0.00", "2001.A": "302.00"})
	s.withdraw("withdraw.unverified", "A", "10.00", "WD3") // the account is blocked
}

// TestWithdrawalDebitedLate: the bank says S and debits after midnight. The day
// lists the payment as one that the bank has not made, under its serial, and closes.
func TestWithdrawalDebitedLate(t *testing.T) {
	s := newScene(t)
	s.released()
	s.withdraw("", "A", "100.00", "WD1")
	if err := s.engine.OrderPayment(s.ctx, ordered[1].order, ordered[1].from); err != nil {
		t.Fatal(err)
	}
	s.sendAll()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", "20260213010005", "20260213010006")...)...)
	s.play("2026-02-13", 0)
	s.do(func(tx *store.Tx) error {
		tie, err := s.engine.TieOut(s.ctx, tx, day("2026-02-13"))
		if err != nil {
			return err
		}
		var listed []string
		for _, it := range tie.PaidNotByBank {
			listed = append(listed, it.Subject+" "+it.Amount.String())
		}
		wantList(t, "paid, not by the bank", listed, []string{"20260213010005 39.00", "20260213010006 100.00"})
		return nil
	})
}

// TestWithdrawAcrossTheCut: what is applied for after the batch stands in 2201 at
// the cut, is no stranger to the bank's list, and goes the next working day.
func TestWithdrawAcrossTheCut(t *testing.T) {
	s := newScene(t)
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.playUntil("2026-02-13", "release", 0)
	s.withdraw("", "A", "100.00", "WD1")
	s.over("2026-02-13", 0)
	s.want(map[string]string{"2201.A": "101.00"})
	s.report("2026-02-14")
	s.play("2026-02-14", waiting)
	if o, _, err := s.engine.PaymentOrder(s.ctx, payout.Withdrawal, "WD1"); err != nil || o.Serial[:8] != "20260214" {
		t.Errorf("%+v %v", o, err)
	}
}

// TestSecondRound: what came after the first batch goes with a second of the day.
func TestSecondRound(t *testing.T) {
	s := newScene(t)
	s.released()
	s.withdraw("", "A", "100.00", "WD1")
	s.sendAll()
	if n, _, err := s.engine.DrawRound(s.ctx, "maker1"); err != nil || n != 0 {
		t.Fatalf("%d drawn, %v", n, err)
	}
	if err := s.engine.OrderPayment(s.ctx, ordered[1].order, ordered[1].from); err != nil {
		t.Fatal(err)
	}
	if n, _, err := s.engine.DrawRound(s.ctx, "maker1"); err != nil || n != 1 {
		t.Fatalf("%d drawn, %v", n, err)
	}
	s.approve("PO20260213-02")
	s.play("2026-02-13", waiting)
	if p := s.payout("20260213020001"); p.Kind != payout.HeadOffice || p.State != payout.Sent {
		t.Errorf("%+v", p)
	}
	s.answer(poFirst, nil)
	s.answer("PO20260213-02", nil)
	s.rest("2026-02-13")
	lines := append(s.debits(poFirst, "02-13 13:31:00"), s.debits("PO20260213-02", "02-13 15:31:00")...)
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, lines...)...)
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2201": "0.00"})
}

// TestImportWithdrawals: a bad row stops no other, and says its line.
func TestImportWithdrawals(t *testing.T) {
	s := newScene(t)
	s.released()
	path := filepath.Join(t.TempDir(), "w.csv")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("member,amount\nA,1.00\n")
	_, err := s.engine.ImportWithdrawals(s.ctx, "maker1", path)
	wantCode(t, err, "withdraw.header")
	write("\uFEFFmember,amount,reference\nA,100.00,W1\nB,1000.00,W2\nP,10.001,W3\nP,10.00,W4\n")
	for _, want := range []clearing.Import{{Rows: 4, Done: 2, Failed: 2}, {Rows: 4, Skipped: 2, Failed: 2}} {
		got, err := s.engine.ImportWithdrawals(s.ctx, "maker1", path)
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		list, _ := err.(fault.List)
		if len(list) != 2 || list[0].Line != 3 || list[1].Line != 4 || list[1].Code != "withdraw.amount" {
			t.Errorf("faults: %v", err)
		}
	}
	s.want(map[string]string{"2201.A": "101.00", "2201.P": "11.00", "2201.B": "0.00"})
}
