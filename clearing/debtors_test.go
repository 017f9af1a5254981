package clearing_test

import (
	"slices"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/flows"
	"custody/clearing/states"
	"custody/internal/money"
	"custody/subaccounts"
)

// spent is the night of 02-12 with one order of A's, of which all money went on to
// C; the reserve holds 900.00.
func spent(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")}, workedLine("K1201"))
	s.move("2026-02-13", "spend", subaccounts.Debit(key("2002", "A", "WX.20260212"), 924_00), subaccounts.Credit(key("2002", "C", "WX.20260212"), 924_00))
	s.move("2026-02-13", "fund", subaccounts.Debit(key("2301", "", ""), 900_00), subaccounts.Credit(key("2305", "", ""), 900_00))
	return s
}

// refundNight plays 02-13 with a refund of W1: A's part is 184.80 of 200.00.
func (s *scene) refundNight() {
	s.t.Helper()
	s.night("2026-02-13", []bankfiles.Order{payOrder("W2", "B", "WX", "1000.00", "02-13 10:00:00"), refundOf("W1", "R1", "A", "WX", "200.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{pay("W2", "1000.00", "6.00", "02-13 10:00:00"), refunded("W1", "R1", "200.00", "1.20", "02-13 12:00:00")})
}

func (s *scene) debtors(date string) []clearing.Debtor {
	s.t.Helper()
	list, _, err := s.engine.Debtors(s.ctx, day(date))
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// limit sets a credit limit by two people.
func (s *scene) limit(member string, amount money.Amount) {
	s.t.Helper()
	id, err := s.engine.SetCreditLimit(s.ctx, "maker1", member, &amount, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.approve(id)
}

// TestDebtorOfARefund: what the reserve paid is owed by the member whose part it
// was, ages, and comes back from nobody else.
func TestDebtorOfARefund(t *testing.T) {
	s := spent(t)
	s.refundNight()
	s.wantOpen()
	if list := s.debtors("2026-02-12"); len(list) != 0 {
		t.Errorf("before the refund: %+v", list)
	}
	list := s.debtors("2026-02-16")
	if len(list) != 1 || list[0].Member != "A" || list[0].Owed != 184_80 || list[0].Uncovered != 184_80 || list[0].Limit != nil {
		t.Fatalf("%+v", list)
	}
	if b := list[0].Ageing; b[0].Amount != 0 || b[1].Days != "2-3" || b[1].Amount != 184_80 {
		t.Errorf("ageing %+v", b)
	}
	advance := list[0].Open[0]
	if advance.Event != "E7a" || advance.Reference != "20260213.WX.R1" {
		t.Errorf("%+v", advance)
	}
	s.move("2026-02-14", "earn", subaccounts.Debit(key("2301", "", ""), 98_00), subaccounts.Credit(key("2001", "A", ""), 90_00), subaccounts.Credit(key("2001", "P", ""), 8_00))
	s.refused("flows.debtor", "E7e", flows.Recovery{Advance: advance.Reference, Part: 1, Member: "P", Amount: 1_00})
	s.refused("flows.owes", "E7e", flows.Recovery{Advance: advance.Reference, Part: 1, Member: "A", Amount: 184_81})
	s.decided("E7e", flows.Recovery{Advance: advance.Reference, Part: 1, Member: "A", Amount: 84_80})
	if list = s.debtors("2026-02-14"); list[0].Owed != 100_00 || list[0].Recovered != 84_80 || list[0].Open[0].Parts != 1 {
		t.Errorf("%+v", list)
	}
	s.decided("E17", flows.Reversal{Event: "E7e", Reference: "20260213.WX.R1/1", Reason: "x"})
	if list = s.debtors("2026-02-14"); list[0].Owed != 184_80 {
		t.Errorf("a recovery that was taken back: %+v", list)
	}
}

// TestCreditLimit holds advances to what two people allow, and tells of a refund
// that went beyond.
func TestCreditLimit(t *testing.T) {
	s := spent(t)
	early := func(ref string, amount money.Amount) flows.Early {
		return flows.Early{Reference: ref, Member: "A", Amount: amount}
	}
	below := money.Amount(-1)
	_, err := s.engine.SetCreditLimit(s.ctx, "maker1", "A", &below, 0)
	wantCode(t, err, "debtor.limit-amount")
	_, err = s.engine.SetCreditLimit(s.ctx, "maker1", "NOBODY", nil, 0)
	wantCode(t, err, "member.unknown")
	s.limit("A", 150_00)
	s.refused("debtor.limit", "E26", early("T0", 150_01))
	s.decided("E26", early("T0", 100_00))
	s.refused("debtor.limit", "E26", early("T1", 50_01))
	s.move("2026-02-13", "away", subaccounts.Debit(key("2001", "A", ""), 100_00), subaccounts.Credit(key("2001", "C", ""), 100_00))
	s.refundNight()
	s.wantOpen("DEBT R1/A OPEN")
	list := s.debtors("2026-02-13")
	if len(list) != 1 || list[0].Owed != 284_80 || *list[0].Limit != 150_00 || list[0].OverLimit != 134_80 || len(list[0].Open) != 2 {
		t.Errorf("%+v", list)
	}
	id, err := s.engine.SetCreditLimit(s.ctx, "maker1", "A", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.approve(id)
	s.decided("E26", early("T2", 10_00))
}

// TestRefundOfAClosedMember: one who has left gives nothing back; the reserve does,
// and a person hears of it. Who owes cannot leave.
func TestRefundOfAClosedMember(t *testing.T) {
	s := spent(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.engine.UnbindMember(s.ctx, "maker1", "A"))
	s.decided("E26", flows.Early{Reference: "T0", Member: "A", Amount: 10_00})
	s.decided("E13", transfer("R9", "A", "C", 10_00))
	v, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "A", Event: states.AccountClose})
	must(err)
	_, err = s.engine.Approve(s.ctx, "checker1", v.Approval)
	wantCode(t, err, "closing.debt")
	s.decided("E13", transfer("R10", "C", "A", 10_00))
	s.decided("E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 10_00})
	s.approve(v.Approval)
	s.refundNight()
	s.wantOpen("DEBT R1/A OPEN")
	if list := s.debtors("2026-02-13"); len(list) != 1 || list[0].Owed != 184_80 || list[0].Status != subaccounts.StatusClosed {
		t.Errorf("%+v", list)
	}
	s.want(map[string]string{"2305": "715.20"})
}

// TestAdvancedRefund: head office pays a refund before the bill lists it; the bill
// that does takes it from nobody again, and a later refund knows of it.
func TestAdvancedRefund(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")}, workedLine("K1201"))
	s.move("2026-02-13", "fund", subaccounts.Debit(key("2301", "", ""), 900_00), subaccounts.Credit(key("2305", "", ""), 900_00))
	_, err := s.engine.AdvancedRefund(s.ctx, "W9", "R1", 1_00)
	wantCode(t, err, "debtor.unsplit")
	r, err := s.engine.AdvancedRefund(s.ctx, "W1", "R1", 100_00)
	if err != nil || r.Reference != "WX.R1" || r.Member != "A" {
		t.Fatalf("%+v %v", r, err)
	}
	big := r
	big.Amount = 1000_01
	s.refused("flows.refund", "E7c", big)
	other := r
	other.Member = "B"
	s.refused("debtor.changed", "E7c", other)
	s.limit("A", 99_99)
	s.refused("debtor.limit", "E7c", r)
	s.limit("A", 100_00)
	s.decided("E7c", r)
	s.want(map[string]string{"2305": "800.00", "2202.WX": "100.00", "2002.A": "924.00"})
	s.night("2026-02-13", nil, nil) // it stands in 2202 at the cut (R6)
	if list := s.debtors("2026-02-13"); len(list) != 1 || list[0].Member != "A" || list[0].Owed != 100_00 {
		t.Errorf("%+v", list)
	}
	s.night("2026-02-14", []bankfiles.Order{payOrder("W2", "B", "WX", "1000.00", "02-14 10:00:00"), refundOf("W1", "R1", "A", "WX", "100.00", "02-14 12:00:00")},
		[]bankfiles.BillRow{pay("W2", "1000.00", "6.00", "02-14 10:00:00"), refunded("W1", "R1", "100.00", "0.60", "02-14 12:00:00")})
	s.wantOpen()
	s.want(map[string]string{"2305": "800.60", "2202": "0.00", "2002.A": "924.00"})
	if list := s.debtors("2026-02-14"); list[0].Owed != 99_40 {
		t.Errorf("the channel's fee came back: %+v", list)
	}
	s.refused("flows.owes", "E7e", flows.Recovery{Advance: "WX.R1", Part: 1, Member: "A", Amount: 100_00})
	if got := s.posted("2026-02-14", "E7a"); len(got) != 0 {
		t.Errorf("E7a %q", got)
	}
	if got := s.posted("2026-02-14", "E7b"); !slices.Equal(got, []string{"E7b Cr 1122.WX.0214 100.00; Cr 2305 0.60; Dr 2202.WX 100.00; Dr 2501.WX.0214 0.60"}) {
		t.Errorf("E7b %q", got)
	}
	s.night("2026-02-15", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "900.01", "02-15 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "900.01", "5.40", "02-15 12:00:00")})
	s.wantOpen("REFUND_MISS R2 OPEN") // 900.00 are left of the order
}
