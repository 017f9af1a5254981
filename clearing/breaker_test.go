package clearing_test

import (
	"testing"

	"custody/clearing"
	"custody/clearing/flows"
	"custody/clearing/payout"
)

// TestRejectedTwiceOnADay: a receipt whose return is rejected a second time on
// the same day is again somebody's work, and the day closes with it.
func TestRejectedTwiceOnADay(t *testing.T) {
	s := newScene(t)
	s.first()
	back := flows.SuspensePayout{Serial: "B1", Item: "K1202", Payee: "UNK", Amount: 300_00, To: flows.Payee{Name: "李四", Account: "6222999900000009", Bank: "示例银行", CNAPS: "102100000030"}}
	s.decided("E9d", back)
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	_, err := s.engine.Reject(s.ctx, "checker1", poFirst, "no")
	s.must(err)
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	back.Serial = "B2"
	s.decided("E9d", back)
	s.wantOpen()
	_, _, err = s.engine.DrawRound(s.ctx, "maker1")
	s.must(err)
	_, err = s.engine.Reject(s.ctx, "checker1", "PO20260213-02", "no")
	s.must(err)
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
}

// TestReversedRecovery: a recovery that was reversed is owed again, under the
// number of the next part.
func TestReversedRecovery(t *testing.T) {
	s := funded(t)
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 600_00})
	s.decided("E26", flows.Early{Reference: "T0", Member: "A", Amount: 100_00})
	s.decided("E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 40_00})
	s.decided("E17", flows.Reversal{Event: "E7e", Reference: "T0/1", Reason: "wrong"})
	s.refused("flows.owes", "E7e", flows.Recovery{Advance: "T0", Part: 2, Member: "A", Amount: 100_01})
	s.refused("flows.order_unknown", "E7e", flows.Recovery{Advance: "T0", Part: 3, Member: "A", Amount: 1_00})
	s.decided("E7e", flows.Recovery{Advance: "T0", Part: 2, Member: "A", Amount: 100_00})
	s.want(map[string]string{"2001.A": "0.00", "2305": "600.00"})
	s.refused("flows.recovered", "E17", flows.Reversal{Event: "E26", Reference: "T0", Reason: "x"})
}

// TestRecoveredBeforeRelease: what was recovered out of money in transit is not
// released; where the recovery is reversed afterwards it is, with the next release.
func TestRecoveredBeforeRelease(t *testing.T) {
	s := funded(t)
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 600_00})
	s.decided("E26", flows.Early{Reference: "T0", Member: "A", Amount: 100_00})
	s.report("2026-02-13", workedLine("K1301"))
	s.playUntil("2026-02-13", "arrival", 0)
	s.decided("E26b", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 40_00})
	s.playUntil("2026-02-13", "release", 0)
	s.want(map[string]string{"2002.A.WX.20260212": "0.00", "2001.A": "984.00"})
	s.decided("E17", flows.Reversal{Event: "E26b", Reference: "T0/1", Reason: "x"})
	s.report("2026-02-14")
	s.playUntil("2026-02-14", "release", 0)
	s.want(map[string]string{"2002.A.WX.20260212": "0.00", "2001.A": "1024.00"})
}

// TestReversedTopUp: the shortage of a charge stands again and is somebody's work.
func TestReversedTopUp(t *testing.T) {
	s := newScene(t, "users:", "bank: {names: [示例银行], fee_remarks: [账户管理费]}\nusers:")
	s.first()
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 997_00})
	s.thirteenthWith(bankLine{"K1", "02-13 09:00:00", "-5.00", "", "", "", "账户管理费 202602"})
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", bankLine{"K5", "02-14 09:00:00", "2.50", "示例连锁总部有限公司", "1100999900001111222", "", ""})
	s.over("2026-02-14", 0)
	s.act("E8f", clearing.ShortageTopUp{Reference: "T1", Charge: "20260213.K1", Amount: 2_00})
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	s.decided("E17", flows.Reversal{Event: "E8f", Reference: "T1", Reason: "x"})
	s.wantOpen("OFF_SYSTEM 20260213.K1 OPEN", "UNKNOWN_PAYER K1202 OPEN")
	s.rest("2026-02-15")
	s.bank("2026-02-15")
	s.over("2026-02-15", 0)
}

// TestEscrowRefundFailedElsewhere: the refund of an escrow order fails with its
// order, or 2202 and the orders would say different things ever after.
func TestEscrowRefundFailedElsewhere(t *testing.T) {
	s := escrowScene(t, "")
	s.must(s.engine.RefundEscrow(s.ctx, "maker1", "S2", "RS2"))
	s.quietBank("2026-02-13", bankLine{"K1", "02-13 08:40:00", "1093.40", "财付通", "", "", "财付通 20260212"},
		bankLine{"K2", "02-13 10:30:00", "417.48", "支付宝", "", "", "支付宝 20260212"})
	s.refused("action.escrow", "E22b", clearing.FailedRefund{Refund: flows.Refund{Reference: "S2", RefundNo: "RS2", Channel: "ALI",
		Clearing: day("2026-02-12"), Amount: 120_00}})
}

// TestSubmittedAfterAWithdrawal: a member who withdraws between the drawing and
// the submission of a batch stops nobody else's payout.
func TestSubmittedAfterAWithdrawal(t *testing.T) {
	s := newScene(t, "maker1, roles: [operator, maker]}", "maker1, roles: [operator, maker]}\n  - {name: robot, roles: [scheduler]}")
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	_, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "robot"})
	wantCode(t, err, "day.waits")
	_, err = s.engine.Withdraw(s.ctx, "maker1", clearing.Withdrawal{Member: "A", Amount: 100_00, Reference: "W1"})
	s.must(err)
	s.must(s.engine.Submit(s.ctx, "maker1", poFirst))
	wantCode(t, s.engine.Submit(s.ctx, "maker1", poFirst), "batch.state")
	// A's part waits for the next drawing, the others are in a batch of their own.
	s.want(map[string]string{"2001.A": "823.00", "2201.A": "101.00", "2201.B": "184.80", "2001.B": "0.00"})
	if p := s.payout("20260213020001"); p.Member != "B" || p.State != payout.Applied {
		t.Errorf("%+v", p)
	}
	s.approve("PO20260213-02")
	s.play("2026-02-13", waiting)
}

// TestEndlessFiles: a file whose size nobody can tell is read up to its limit.
func TestEndlessFiles(t *testing.T) {
	_, err := clearing.LoadMatchRules("/dev/zero")
	wantCode(t, err, "match.rules")
	_, err = clearing.LoadRule("/dev/zero", clearing.Limits{})
	wantCode(t, err, "rule.size")
	_, err = clearing.LoadConfig("/dev/zero")
	wantCode(t, err, "config.size")
}
