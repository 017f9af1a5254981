package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
)

// night closes 02-13 with WeChat's money and the lines given.
func (s *scene) thirteenthWith(lines ...bankLine) {
	s.t.Helper()
	s.rest("2026-02-13")
	s.report("2026-02-13", workedLine("K1301"))
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, lines...)...)
	s.over("2026-02-13", 0)
}

// associate has two people associate a payer.
func (s *scene) associate(a clearing.Association) {
	s.t.Helper()
	id, err := s.engine.Associate(s.ctx, "maker1", a)
	if err != nil {
		s.t.Fatal(err)
	}
	s.approve(id)
}

// TestAssociations: from the day on which two people said so, a payer's money is
// its member's at once; the account goes before the name, and an end is an end.
func TestAssociations(t *testing.T) {
	s := funded(t)
	ask := func(a clearing.Association) error {
		_, err := s.engine.Associate(s.ctx, "maker1", a)
		return err
	}
	for _, bad := range []clearing.Association{{Member: "A"}, {Account: "1", Name: "x", Member: "A"}, {Name: "财付通支付科技", Member: "A"},
		{Account: "1100999900001111222", Member: "A"}, {Account: "1100200300400500600", Member: "A"}, {Name: "a|b", Member: "A"}} {
		wantCode(t, ask(bad), "association.payer")
	}
	wantCode(t, ask(clearing.Association{Name: "李四", Member: "NOBODY"}), "member.unknown")
	wantCode(t, ask(clearing.Association{Name: "李四", Member: "A", Effective: day("2026-02-12")}), "action.effective")
	id, err := s.engine.Associate(s.ctx, "maker1", clearing.Association{Name: "王五", Member: "A"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.Reject(s.ctx, "checker1", id, "who?"); err != nil {
		t.Fatal(err)
	}
	s.associate(clearing.Association{Account: "6222999900000009", Member: "B"})
	s.associate(clearing.Association{Name: "李四", Member: "A"})
	s.associate(clearing.Association{Name: "赵六", Member: "C"})
	s.associate(clearing.Association{Name: "赵六"}) // ends it
	s.associate(clearing.Association{Name: "孙七", Member: "C", Effective: day("2026-02-14")})
	s.thirteenthWith(
		bankLine{"K1", "02-13 09:00:00", "10.00", "李四", "6222999900000009", "", ""},
		bankLine{"K2", "02-13 09:01:00", "20.00", "李四", "6222999900000010", "", ""},
		bankLine{"K3", "02-13 09:02:00", "30.00", "赵六", "", "", ""},
		bankLine{"K4", "02-13 09:03:00", "40.00", "王五", "", "", ""},
		bankLine{"K5", "02-13 09:04:00", "50.00", "孙七", "", "", ""})
	s.want(map[string]string{"2001.B": "310.00", "2001.A": "20.00", "2401.K3": "30.00", "2401.K4": "40.00", "2401.K5": "50.00"})
	s.wantOpen("UNKNOWN_PAYER K3 OPEN", "UNKNOWN_PAYER K4 OPEN", "UNKNOWN_PAYER K5 OPEN")
	if got := s.posted("2026-02-13", "E9a"); len(got) != 2 {
		t.Errorf("E9a: %q", got)
	}
	list, err := s.engine.Associations(s.ctx)
	if err != nil || len(list) != 3 || list[0].Account != "6222999900000009" || list[0].Member != "B" {
		t.Errorf("%+v %v", list, err)
	}
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%+v %v", report, err)
	}
	s.exec("UPDATE parameters SET content = REPLACE(content, 'B', 'A') WHERE subject = 'account:6222999900000009'")
	if report, err := s.engine.Verify(s.ctx, nil); err != nil || report.OK {
		t.Errorf("a changed parameter is not found: %v", err)
	}
}

// TestClaimInParts: a receipt goes to members in parts; its exception ends with
// the last of it, and so do requests about it.
func TestClaimInParts(t *testing.T) {
	s := newScene(t)
	s.first()
	s.refused("ledger.overdrawn", "E9c", flows.Claim{Reference: "C1", Item: "K1202", Member: "A", Amount: 300_01})
	s.refused("ledger.item_overdrawn", "E9c", flows.Claim{Reference: "C1", Item: "K9999", Member: "A", Amount: 1})
	s.decided("E9c", flows.Claim{Reference: "C1", Item: "K1202", Member: "A", Amount: 200_00})
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	x := s.exception(exceptions.UnknownPayer, "K1202")
	_, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "claim", Member: "B"})
	wantCode(t, err, "exception.part")
	s.decided("E9c", flows.Claim{Reference: "C2", Item: "K1202", Member: "B", Amount: 100_00})
	s.want(map[string]string{"2001.A": "200.00", "2001.B": "100.00", "2401": "0.00"})
	s.wantOpen()
	s.invariants()
}

// TestReturnToPayer: money goes back to the account that it came from and to no
// other; paid it is E9e, refused it is in suspense again.
func TestReturnToPayer(t *testing.T) {
	s := newScene(t)
	s.first()
	back := flows.SuspensePayout{Serial: "B1", Item: "K1202", Payee: "UNK", Amount: 300_00, To: flows.Payee{Name: "李四", Account: "6222999900000009", Bank: "示例银行", CNAPS: "102100000030"}}
	other := back
	other.To.Account = "6222999900000010"
	s.refused("action.payer", "E9d", other)
	other = back
	other.To.CNAPS = ""
	s.refused("action.bank", "E9d", other)
	other = back
	other.Payee = "A"
	s.refused("payment.owner", "E9d", other)
	other = back
	other.Item = "K1201" // head office's own money is not in suspense
	other.To.Account = "1100999900001111222"
	s.refused("ledger.item_overdrawn", "E9d", other)
	s.decided("E9d", back)
	s.want(map[string]string{"2401": "0.00", "2201.UNK.B1": "300.00"})
	s.wantOpen()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	s.approve(poFirst)
	s.play("2026-02-13", waiting)
	s.answer(poFirst, nil)
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.rest("2026-02-13")
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2201.UNK": "0.00"})
	if got := s.posted("2026-02-13", "E9e"); len(got) != 1 {
		t.Errorf("E9e: %q", got)
	}
}

// TestFailedRefund: a refund that was listed and came back is owed by the channel
// again and waits in suspense, until two people pay the customer by transfer.
func TestFailedRefund(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 09:00:00"), refundOf("W1", "R1", "A", "WX", "40.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 09:00:00"), refunded("W1", "R1", "40.00", "0.24", "02-12 10:00:00")})
	v, err := s.engine.Voucher(s.ctx, "E20c:20260212.WX.R1")
	if err != nil {
		t.Fatal(err)
	}
	listed := flows.Refund{Reference: v.Reference, RefundNo: "R1", Channel: "WX", Amount: 40_00, Clearing: day("2026-02-13")}
	bad := listed
	bad.Amount++
	s.refused("flows.open", "E22b", clearing.FailedRefund{Refund: bad, Listed: true})
	s.refused("flows.open", "E22b", clearing.FailedRefund{Refund: listed})
	s.refused("action.coverage", "E22b", clearing.FailedRefund{Refund: listed, Listed: true}) // the bank has nothing yet

	s.report("2026-02-13", bankLine{"K1301", "02-13 08:40:00", "954.24", "财付通", "", "", "财付通 20260212"})
	s.play("2026-02-13", waiting)
	s.decided("E22b", clearing.FailedRefund{Refund: listed, Listed: true})
	s.want(map[string]string{"1122.WX.0213": "40.00", "2401.R1": "40.00"})
	s.wantOpen("REFUND_MISS R1 OPEN")
	s.decided("E22c", flows.SuspensePayout{Serial: "H1", Item: "R1", Payee: "REFUND", Amount: 40_00, To: flows.Payee{Name: "王五", Account: "6222999900000008", Bank: "示例银行", CNAPS: "102100000030"}})
	s.want(map[string]string{"2401": "0.00", "2201.REFUND.H1": "40.00"})
	s.wantOpen()
}

// TestBankCharges: the bank's own lines are known by its words and booked by the
// night; what own funds lack is a shortage until head office tops it up.
func TestBankCharges(t *testing.T) {
	s := newScene(t, "users:", "bank: {names: [示例银行], fee_remarks: [账户管理费, 汇划费], interest_remarks: [结息]}\nusers:")
	s.first()
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 997_00})
	s.thirteenthWith(
		bankLine{"K1", "02-13 09:00:00", "-5.00", "", "", "", "账户管理费 202602"},
		bankLine{"K2", "02-13 09:01:00", "12.34", "示例银行", "", "", "季度结息"},
		bankLine{"K3", "02-13 09:02:00", "1.00", "李四", "6222999900000009", "", "结息"},   // a customer writes what he likes
		bankLine{"K4", "02-13 09:03:00", "-1.00", "李四", "6222999900000009", "", "汇划费"}, // so does a payee
	)
	s.want(map[string]string{"2301": "0.00", "1402.20260213.K1": "2.00", "2601": "12.34", "2401.K3": "1.00"})
	s.wantOpen("OFF_SYSTEM 20260213.K1 OPEN", "OFF_SYSTEM K4 OPEN", "UNKNOWN_PAYER K1202 OPEN", "UNKNOWN_PAYER K3 OPEN")
	s.refused("ledger.overdrawn", "E8f", clearing.ShortageTopUp{Reference: "T1", Charge: "20260213.K1", Amount: 2_00})

	// Head office sends 3.00; the shortage and the payment by hand are settled.
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", bankLine{"K5", "02-14 09:00:00", "2.50", "示例连锁总部有限公司", "1100999900001111222", "", ""})
	s.over("2026-02-14", 0)
	s.act("E8f", clearing.ShortageTopUp{Reference: "T1", Charge: "20260213.K1", Amount: 2_00})
	s.wantOpen("OFF_SYSTEM K4 OPEN", "UNKNOWN_PAYER K1202 OPEN", "UNKNOWN_PAYER K3 OPEN")
	x := s.exception(exceptions.OffSystem, "K4")
	p, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "own-funds"})
	if err != nil || len(p.Legs) != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	s.approve(p.ApprovalID)
	s.want(map[string]string{"2301": "0.00", "1402.K4": "0.50"})
	s.wantOpen("OFF_SYSTEM K4 POSTED", "UNKNOWN_PAYER K1202 OPEN", "UNKNOWN_PAYER K3 OPEN")
	s.rest("2026-02-15")
	s.report("2026-02-15")
	s.bank("2026-02-15", bankLine{"K6", "02-15 09:00:00", "0.50", "示例连锁总部有限公司", "1100999900001111222", "", ""})
	s.over("2026-02-15", 0)
	s.act("E8f", clearing.ShortageTopUp{Reference: "T2", Charge: "K4", Amount: 50})
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN", "UNKNOWN_PAYER K3 OPEN")
}
