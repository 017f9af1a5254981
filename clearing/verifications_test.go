package clearing_test

import (
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

func replace(s, old, with string) string { return strings.Replace(s, old, with, 1) }

// drawn is the amount of every micro-payment here: 0.37 yuan.
func drawn(string) money.Amount { return 37 }

// micro plays on until a new account of B has got its micro-payment on 02-13.
func micro(t *testing.T) *scene {
	s := newScene(t, `account_faults: ["1004"]}`, `account_faults: ["1004"], micro_payments: true}`)
	s.ready()
	b := subaccounts.Binding{Member: "B", AccountNo: "6222000000000077", AccountName: "加盟商乙", BankName: "示例银行", CNAPS: testBank}
	if id, err := s.engine.Bind(s.ctx, "maker1", b); err != nil || id != "" {
		t.Fatalf("bind: %q %v", id, err)
	}
	if _, err := s.engine.SendMicro(s.ctx, "maker1", "B", drawn); err != nil {
		t.Fatal(err)
	}
	return s
}

// closed plays 02-13 to its close.
func (s *scene) closed13(status map[string]bankfiles.ResultStatus, without ...string) {
	s.t.Helper()
	s.sendAll()
	s.answer(poFirst, status)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", without...)...)...)
	s.play("2026-02-13", 0)
}

// TestMicroPayment: the right amount verifies the account, and only then is it paid.
func TestMicroPayment(t *testing.T) {
	s := micro(t)
	_, err := s.engine.SendMicro(s.ctx, "maker1", "B", drawn)
	wantCode(t, err, "bind.micro-often")
	_, err = s.engine.SendMicro(s.ctx, "maker1", "A", drawn)
	wantCode(t, err, "bind.verified")
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.micro-unsent")
	s.closed13(nil)
	wantList(t, "E15", s.posted("2026-02-13", "E15"), []string{"E15 Cr 1001 0.37; Dr 2306 0.37"})
	s.want(map[string]string{"2306": "9.63", "2001.B": "184.80"}) // not verified: not paid
	s.withdraw("withdraw.unverified", "B", "10.00", "W1")
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 38), "bind.wrong")
	if err := s.engine.VerifyMicro(s.ctx, "maker1", "B", 37); err != nil {
		t.Fatal(err)
	}
	s.withdraw("", "B", "10.00", "W1")
	s.invariants()
}

// TestMicroPaymentAgain: an account that is blocked after it was proven needs
// another payment; the old amount proves nothing any more.
func TestMicroPaymentAgain(t *testing.T) {
	s := micro(t)
	s.closed13(nil)
	if err := s.engine.VerifyMicro(s.ctx, "maker1", "B", 37); err != nil {
		t.Fatal(err)
	}
	s.do(func(tx *store.Tx) error {
		return s.engine.Book.BlockBinding(s.ctx, tx, "maker1", day("2026-02-13").At(17, 0), "B")
	})
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.micro-unsent")
}

// TestMicroPaymentLocked: six wrong answers lock it until the next day, and then
// another payment is needed.
func TestMicroPaymentLocked(t *testing.T) {
	s := micro(t)
	s.closed13(nil)
	for range 5 {
		wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 1), "bind.wrong")
	}
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 1), "bind.locked")
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.locked")
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14")
	s.over("2026-02-14", 0)
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.micro-unsent")
	if _, err := s.engine.SendMicro(s.ctx, "maker1", "B", drawn); err != nil {
		t.Error(err)
	}
}

// TestMicroPaymentExpired: after 48 hours the answer comes too late.
func TestMicroPaymentExpired(t *testing.T) {
	s := micro(t)
	s.closed13(nil)
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14")
	s.over("2026-02-14", 0)
	s.quietDay("2026-02-15")
	for range 2 {
		wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.expired")
	}
}

// TestMicroPaymentRefused: one that never left stays in 2306, and may be made
// again at once.
func TestMicroPaymentRefused(t *testing.T) {
	s := micro(t)
	s.closed13(map[string]bankfiles.ResultStatus{"20260213010004": "F"}, "20260213010004")
	if p := s.payout("20260213010004"); p.Kind != payout.Micro || p.State != payout.Failed {
		t.Fatalf("%+v", p)
	}
	s.want(map[string]string{"2306": "10.00"})
	wantCode(t, s.engine.VerifyMicro(s.ctx, "maker1", "B", 37), "bind.micro-unsent")
	if _, err := s.engine.SendMicro(s.ctx, "maker1", "B", drawn); err != nil {
		t.Error(err)
	}
}

// TestMicroPaymentBounds: at most 0.50 yuan, and only what the fund can bear.
func TestMicroPaymentBounds(t *testing.T) {
	s := newScene(t, `account_faults: ["1004"]}`, `account_faults: ["1004"], micro_payments: true}`)
	s.released()
	b := subaccounts.Binding{Member: "B", AccountNo: "6222000000000077", AccountName: "加盟商乙", CNAPS: testBank}
	if _, err := s.engine.Bind(s.ctx, "maker1", b); err != nil {
		t.Fatal(err)
	}
	for amount, code := range map[money.Amount]string{0: "flows.micro_payment", 51: "flows.micro_payment", 50: "bind.micro-fund"} {
		_, err := s.engine.SendMicro(s.ctx, "maker1", "B", func(string) money.Amount { return amount })
		wantCode(t, err, code)
	}
}

// TestOwnerOfAccount: who a member is in law decides which accounts are his.
func TestOwnerOfAccount(t *testing.T) {
	s := newScene(t)
	s.first()
	identify := func(code, member, kind, name, number string) {
		t.Helper()
		wantCode(t, s.engine.SetIdentity(s.ctx, "maker1", subaccounts.Identity{Member: member, Kind: kind, Name: name, Number: number}), code)
	}
	identify("identity.uscc_check", "A", "company", "加盟商甲", "91350100M000100Y44")
	identify("identity.card_form", "A", "person", "加盟商甲", "91350100M000100Y43")
	identify("ledger.member_unknown", "X", "company", "加盟商甲", "91350100M000100Y43")
	identify("", "A", "company", "加盟商甲", "91350100M000100Y43")
	identify("", "B", "person", "加盟商乙", "11010519491231002X")
	if i, known, err := s.engine.Identity(s.ctx, "B"); err != nil || !known || strings.Contains(i.Number, "1949") {
		t.Errorf("%+v %v %v", i, known, err)
	}
	bind := func(code, member, account, name string) {
		t.Helper()
		_, err := s.engine.Bind(s.ctx, "maker1", subaccounts.Binding{Member: member, AccountNo: account, AccountName: name, CNAPS: testBank})
		wantCode(t, err, code)
	}
	bind("identity.name", "A", "6222000000000077", "加盟商乙")
	bind("payment.corporate", "A", "1100999900001111222", "加盟商甲")
	bind("", "A", "6222000000000077", "加盟商甲") // a company's account has no check digit
	bind("identity.luhn_check", "B", "6222000000000077", "加盟商乙")
	bind("", "B", "6222000000000074", "加盟商乙")
	s.invariants()
}

// TestCoolingOff: an account that took another's place is not paid before its days
// are over, neither by settlement nor on request.
func TestCoolingOff(t *testing.T) {
	s := newScene(t, "transit_days: 3}", "transit_days: 3, account_cooling_days: 2}")
	s.released()
	s.rebind("B")
	s.withdraw("withdraw.cooling", "B", "10.00", "W1")
	s.withdraw("", "A", "10.00", "W2")
	s.sendAll()
	s.want(map[string]string{"2001.B": "184.80", "2001.A": "0.00"})
}

// TestHeadOfficeWithdrawal: only arrived fees are swept, two people decide, and
// what changed in between is not posted.
func TestHeadOfficeWithdrawal(t *testing.T) {
	s := newScene(t, `account: "1100999900001111222"}`, `account: "1100999900001111222", cnaps: "102100000030"}`)
	s.released() // own funds 1,000.00; 65.00 of WX 0212 have arrived, 25.00 of ALI have not
	_, _, err := s.engine.WithdrawHeadOffice(s.ctx, "maker1", "H1", 1065_01, 0)
	wantCode(t, err, "headoffice.short")
	_, _, err = s.engine.WithdrawHeadOffice(s.ctx, "checker1", "H1", 100, 0)
	wantCode(t, err, "people.denied")
	id, h, err := s.engine.WithdrawHeadOffice(s.ctx, "maker1", "H1", 1038_00, 1_00)
	if err != nil || len(h.Sweeps) != 1 || h.Sweeps[0].Amount != 39_00 {
		t.Fatalf("%+v %v", h, err)
	}
	_, err = s.engine.Approve(s.ctx, "maker1", id)
	wantCode(t, err, "people.denied")
	s.approve(id)
	s.want(map[string]string{"2201.HQ": "1039.00", "2301": "0.00"})
	wantList(t, "E8a", s.posted("2026-02-13", "E8a"), []string{"E8a Cr 2301 39.00; Dr 2302.WX.0212 39.00"})
	s.sendAll()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	wantList(t, "E8c", s.posted("2026-02-13", "E8c"), []string{"E8c Cr 1001 1038.00; Cr 2502 1.00; Dr 2201.HQ 1039.00"})
	r, err := s.engine.CorporateReport(s.ctx, day("2026-02-12"), day("2026-02-13"))
	if err != nil || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
	s.do(func(tx *store.Tx) error { // a payout turned to the corporate account behind our back
		_, err := tx.Exec(s.ctx, "UPDATE payouts SET account_no = ? WHERE serial = ?", corporate.Account, serialB)
		return err
	})
	r, err = s.engine.CorporateReport(s.ctx, day("2026-02-12"), day("2026-02-13"))
	if err != nil || r.OK() || r.Findings[0].Subject != serialB {
		t.Errorf("not found: %+v %v", r, err)
	}
}

// TestPaymentTampered: who is paid, and who a member is, cannot be changed behind
// the program's back.
func TestPaymentTampered(t *testing.T) {
	s := micro(t)
	if err := s.engine.SetIdentity(s.ctx, "maker1", subaccounts.Identity{Member: "A", Kind: "company", Name: "加盟商甲", Number: "91350100M000100Y43"}); err != nil {
		t.Fatal(err)
	}
	s.withdraw("", "A", "10.00", "W1")
	s.invariants()
	for table, set := range map[string]string{"payment_orders": "payee_account = '62'", "identities": "legal_name = 'x'", "verifications": "amount_fen = 1"} {
		s.do(func(tx *store.Tx) error {
			_, err := tx.Exec(s.ctx, "UPDATE "+table+" SET "+set)
			return err
		})
		report, err := s.engine.Verify(s.ctx, nil)
		if err != nil || report.OK || !slices.ContainsFunc(report.Problems, func(p clearing.VerifyProblem) bool { return p.Table == table }) {
			t.Errorf("%s: not found: %v %+v", table, err, report)
		}
	}
}
