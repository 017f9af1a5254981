package clearing_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/clearing/flows"
	"custody/clearing/payout"
	"custody/clearing/states"
	"custody/internal/fault"
	"custody/subaccounts"
)

// change makes a change of an account's state, by two people where it needs them.
func (s *scene) change(member string, event states.AccountEvent) *clearing.AccountView {
	s.t.Helper()
	v, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: member, Event: event})
	if err != nil {
		s.t.Fatalf("%s %s: %v", member, event, err)
	}
	if v.Approval != "" {
		s.approve(v.Approval)
	}
	return v
}

// state is what a member's account stands at.
func (s *scene) state(member string) states.AccountState {
	s.t.Helper()
	v, err := s.engine.Account(s.ctx, member)
	if err != nil {
		s.t.Fatal(err)
	}
	return v.State
}

// TestAccountStates: what stops payments is done by one, what starts them again
// takes two, and what the machine does not know changes nothing.
func TestAccountStates(t *testing.T) {
	s := funded(t)
	ask := func(member string, event states.AccountEvent) error {
		_, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: member, Event: event})
		return err
	}
	wantCode(t, ask("NOBODY", states.AccountStop), "ledger.member_unknown")
	wantCode(t, ask("B", states.AccountRelease), "state.illegal")
	wantCode(t, ask("B", states.AccountWake), "state.illegal")
	wantCode(t, ask("B", states.AccountHoldPart), "state.illegal") // only an amount does that
	_, err := s.engine.ChangeAccount(s.ctx, "checker1", clearing.AccountChange{Member: "B", Event: states.AccountStop})
	wantCode(t, err, "people.denied")
	_, err = s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "B", Event: states.AccountStop, Reason: strings.Repeat("x", 241)})
	wantCode(t, err, "action.reason")
	if got := s.state("B"); got != states.AccountNormal {
		t.Fatalf("state %s", got)
	}

	s.change("B", states.AccountStop)
	s.refused("ledger.member_stopped", "E13", transfer("R1", "B", "A", 1_00))
	s.refused("ledger.member_stopped", "E23", clearing.Deposit{Reference: "D1", Member: "B", Amount: 1_00})
	s.act("E12", flows.Hold{Reference: "H1", Document: "DOC1", Member: "B", Amount: 100_00}) // a court may freeze what is stopped
	s.want(map[string]string{"2001.B": "200.00", "2003.B.DOC1": "100.00"})

	v, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "B", Event: states.AccountRelease, Reason: "paid"})
	if err != nil || v.Approval == "" || s.state("B") != states.AccountStopped {
		t.Fatalf("one person lifted a stop: %+v %v", v, err)
	}
	again, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "B", Event: states.AccountRelease, Reason: "paid"})
	if err != nil || again.Approval != v.Approval {
		t.Errorf("asked twice: %+v %v", again, err)
	}
	s.approve(v.Approval)
	if got := s.state("B"); got != states.AccountPart {
		t.Errorf("state %s with frozen money", got)
	}
	s.decided("E12d", flows.Hold{Reference: "H2", Document: "DOC1", Member: "B", Amount: 100_00})
	if got := s.state("B"); got != states.AccountNormal {
		t.Errorf("state %s", got)
	}
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%+v %v", report, err)
	}
}

// TestHolds: a hold is an amount under a document; no more comes back or is taken
// than stands under it, and a court is paid the way of every payout.
func TestHolds(t *testing.T) {
	s := funded(t)
	s.refused("ledger.overdrawn", "E12", flows.Hold{Reference: "H1", Document: "DOC1", Member: "B", Amount: 300_01})
	s.act("E12", flows.Hold{Reference: "H1", Document: "DOC1", Member: "B", Amount: 100_00})
	s.act("E12", flows.Hold{Reference: "H2", Document: "DOC2", Member: "B", Amount: 50_00})
	s.refused("ledger.item_overdrawn", "E12d", flows.Hold{Reference: "H3", Document: "DOC2", Member: "B", Amount: 50_01})

	court := flows.Deduction{Serial: "C1", Document: "DOC1", Order: "示例法院执1号", Member: "B", Authority: "COURT", Amount: 60_00,
		To: flows.Payee{Name: "示例法院", Account: "6222000000000099", Bank: "示例银行", CNAPS: "102100000030"}}
	for code, change := range map[string]func(*flows.Deduction){
		"action.document":       func(d *flows.Deduction) { d.Order = "" },
		"ledger.item_overdrawn": func(d *flows.Deduction) { d.Amount = 100_01 },
		"payment.corporate":     func(d *flows.Deduction) { d.To.Account = "1100999900001111222" },
		"payment.payee":         func(d *flows.Deduction) { d.To.Account = "" },
		"action.unknown":        func(d *flows.Deduction) { d.Authority = "B" },
	} {
		bad := court
		change(&bad)
		s.refused(code, "E12b", bad)
	}
	s.decided("E12b", court)
	s.want(map[string]string{"2001.B": "150.00", "2003.B.DOC1": "40.00", "2201.COURT.C1": "60.00"})
	list, err := s.engine.Holds(s.ctx)
	if err != nil || !slices.Equal(list, []clearing.HoldView{{Member: "B", Document: "DOC1", Amount: 40_00}, {Member: "B", Document: "DOC2", Amount: 50_00}}) {
		t.Errorf("%+v %v", list, err)
	}

	// The order goes out with the day's batch, and the bank's yes books E12c.
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	s.approve(poFirst)
	s.play("2026-02-13", waiting)
	s.answer(poFirst, nil)
	s.play("2026-02-13", waiting)
	s.want(map[string]string{"2201.COURT": "0.00"})
	if got := s.posted("2026-02-13", "E12c"); len(got) != 1 {
		t.Errorf("E12c: %q", got)
	}
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.rest("2026-02-13")
	s.play("2026-02-13", 0)
}

// TestCourtRefused: what the bank did not pay stands frozen again, under its
// document, and the bank is told.
func TestCourtRefused(t *testing.T) {
	s := funded(t)
	s.act("E12", flows.Hold{Reference: "H1", Document: "DOC1", Member: "B", Amount: 100_00})
	s.decided("E12b", flows.Deduction{Serial: "C1", Document: "DOC1", Order: "示例法院执1号", Member: "B", Authority: "COURT", Amount: 60_00,
		To: flows.Payee{Name: "示例法院", Account: "6222000000000099", Bank: "示例银行", CNAPS: "102100000030"}})
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	list, err := s.engine.Payouts(s.ctx, poFirst)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(p payout.Payout) bool { return p.Kind == payout.Court })
	s.approve(poFirst)
	s.play("2026-02-13", waiting)
	s.answer(poFirst, map[string]bankfiles.ResultStatus{list[i].Serial: bankfiles.ResultFailed})
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", list[i].Serial)...)...)
	s.rest("2026-02-13")
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2201.COURT": "0.00", "2003.B.DOC1": "100.00"})
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 1_00}) // writes what is recorded
	raw := s.instructionBytes("SI20260213-A0003.txt")
	f, err := payfile.ReadInstruct("SI20260213-A0003.txt", bytes.NewReader(raw))
	if err != nil || len(f.Items) != 2 || f.Items[0].Kind != bankfiles.InstructCredit || f.Items[1].Kind != bankfiles.InstructFreeze || f.Items[1].Amount != 60_00 {
		t.Errorf("%+v %v", f, err)
	}
}

// TestClosing: an account is closed by two people, and not before everything of
// it is gone; what is left is listed.
func TestClosing(t *testing.T) {
	s := funded(t)
	s.act("E12", flows.Hold{Reference: "H1", Document: "DOC1", Member: "B", Amount: 100_00})
	_, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "B", Event: states.AccountClose})
	wantCode(t, err, "state.illegal") // frozen money stands in the way
	s.decided("E12d", flows.Hold{Reference: "H2", Document: "DOC1", Member: "B", Amount: 100_00})
	v, err := s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "B", Event: states.AccountClose})
	if err != nil || v.State != states.AccountToClose || v.Approval == "" {
		t.Fatalf("%+v %v", v, err)
	}
	_, err = s.engine.Approve(s.ctx, "checker1", v.Approval)
	var list fault.List
	if !errors.As(err, &list) {
		t.Fatalf("got %v", err)
	}
	var codes []string
	for _, f := range list {
		codes = append(codes, f.Code)
	}
	wantList(t, "bars", codes, []string{"closing.balance", "closing.balance", "closing.binding"})
	if _, err := s.engine.Reject(s.ctx, "checker1", v.Approval, "not yet"); err != nil {
		t.Fatal(err)
	}
	if got := s.state("B"); got != states.AccountNormal {
		t.Errorf("after a rejection: %s", got)
	}

	if err := s.engine.AddMember(s.ctx, "maker1", subaccounts.Member{Code: "N", Name: "新店", Kind: subaccounts.Franchisee}, "", nil); err != nil {
		t.Fatal(err)
	}
	s.change("N", states.AccountClose)
	if got := s.state("N"); got != states.AccountIsClosed {
		t.Errorf("state %s", got)
	}
	s.refused("ledger.member_closed", "E13", transfer("R1", "B", "N", 1_00))
	_, err = s.engine.ChangeAccount(s.ctx, "maker1", clearing.AccountChange{Member: "N", Event: states.AccountRelease})
	wantCode(t, err, "state.illegal")
}

// TestDormant: an account without movement for longer than the limit becomes
// dormant, receives, and pays nothing until two people wake it.
func TestDormant(t *testing.T) {
	s := funded(t)
	_, err := s.engine.Dormant(s.ctx, "maker1", false)
	wantCode(t, err, "action.dormant")
	s.engine.Config.Limits.DormantDays = 1
	if list, err := s.engine.Dormant(s.ctx, "maker1", true); err != nil || len(list) != 0 {
		t.Fatalf("%+v %v", list, err)
	}
	s.rest("2026-02-13")
	s.report("2026-02-13")
	s.bank("2026-02-13")
	s.over("2026-02-13", 0)
	for _, d := range []string{"2026-02-14", "2026-02-15"} {
		s.rest(d)
		s.report(d)
		s.bank(d)
		s.over(d, 0)
	}
	list, err := s.engine.Dormant(s.ctx, "maker1", false)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Member)
		if d.Changed || d.State != states.AccountNormal {
			t.Errorf("a look changed %+v", d)
		}
	}
	if !slices.Contains(names, "A") {
		t.Fatalf("listed %q", names)
	}
	_, err = s.engine.Dormant(s.ctx, "checker1", true)
	wantCode(t, err, "people.denied")
	if _, err := s.engine.Dormant(s.ctx, "maker1", true); err != nil {
		t.Fatal(err)
	}
	if got := s.state("A"); got != states.AccountDormant {
		t.Errorf("state %s", got)
	}
	list, err = s.engine.Dormant(s.ctx, "maker1", true)
	if err != nil || len(list) != len(names) || list[0].Changed {
		t.Errorf("again: %+v %v", list, err)
	}
	s.change("A", states.AccountWake)
	if got := s.state("A"); got != states.AccountNormal {
		t.Errorf("state %s", got)
	}
}
