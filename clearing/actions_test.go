package clearing_test

import (
	"bytes"
	"slices"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/clearing/flows"
	"custody/internal/money"
)

// funded is the morning of 02-13 with 300.00 of B's to work with: what a
// stranger sent belongs to B.
func funded(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.first()
	s.handle("K1202", clearing.Handling{Template: "claim", Member: "B"})
	return s
}

// act starts an action as maker1.
func (s *scene) act(event string, request any) *clearing.ActionView {
	s.t.Helper()
	v, err := s.engine.Act(s.ctx, "maker1", clearing.Action{Event: event, Request: request})
	if err != nil {
		s.t.Fatalf("%s: %v", event, err)
	}
	return v
}

// decided starts an action and has checker1 approve it.
func (s *scene) decided(event string, request any) {
	s.t.Helper()
	s.approve(s.act(event, request).Approval)
}

// refused wants an action refused with the code, by the preview and by the
// submission, and nothing changed.
func (s *scene) refused(code, event string, request any) {
	s.t.Helper()
	before := s.vouchers()
	_, err := s.engine.PreviewAction(s.ctx, "maker1", clearing.Action{Event: event, Request: request})
	wantCode(s.t, err, code)
	_, err = s.engine.Act(s.ctx, "maker1", clearing.Action{Event: event, Request: request})
	wantCode(s.t, err, code)
	if s.vouchers() != before {
		s.t.Errorf("%s %s changed the books", event, code)
	}
}

func transfer(ref, from, to string, amount money.Amount) flows.Transfer {
	return flows.Transfer{Reference: ref, From: from, To: to, Amount: amount}
}

// TestActionRefused: what cannot be posted cannot be submitted.
func TestActionRefused(t *testing.T) {
	s := funded(t)
	s.refused("action.unknown", "E2", transfer("R1", "B", "A", 5_00))
	s.refused("action.unknown", "E5a", transfer("R1", "B", "A", 5_00))
	s.refused("action.reference", "E13", flows.Adjustment{Reference: "R1", From: "B", To: "A", Amount: 5_00})
	for _, ref := range []string{"", "a b", "a|b", "a\n", "a\x7f", string(bytes.Repeat([]byte("x"), 129))} {
		s.refused("action.reference", "E13", transfer(ref, "B", "A", 5_00))
	}
	s.refused("ledger.overdrawn", "E13", transfer("R1", "B", "A", 300_01))
	s.refused("ledger.member_unknown", "E13", transfer("R1", "B", "NOBODY", 5_00))
	s.refused("flows.amount", "E13", transfer("R1", "B", "A", 0))
	s.refused("flows.same_member", "E13", transfer("R1", "B", "B", 5_00))
	s.refused("ledger.overdrawn", "E23", clearing.Deposit{Reference: "R1", Member: "A", Amount: 1})
	s.refused("flows.order_unknown", "E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "B", Amount: 1_00})
	s.refused("action.irreversible", "E17", flows.Reversal{Event: "E9c", Reference: "x", Reason: "x"})
	s.refused("flows.order_unknown", "E17", flows.Reversal{Event: "E13", Reference: "x", Reason: "x"})
	for _, actor := range []string{"checker1", "stranger"} {
		_, err := s.engine.Act(s.ctx, actor, clearing.Action{Event: "E13", Request: transfer("R1", "B", "A", 5_00)})
		if err == nil {
			t.Errorf("%s may make", actor)
		}
	}
	if list, err := s.engine.Approvals(s.ctx, "PENDING"); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestActionByTwo: a preview changes nothing, a submission posts nothing, an
// approval posts once, dated the day that collects then.
func TestActionByTwo(t *testing.T) {
	s := funded(t)
	r := transfer("R1", "B", "A", 50_00)
	r.Fee = 50
	v, err := s.engine.PreviewAction(s.ctx, "maker1", clearing.Action{Event: "E13", Request: r})
	if err != nil || v.State != clearing.ActionPreview || len(v.Legs) != 3 || v.Date != day("2026-02-13") {
		t.Fatalf("%+v %v", v, err)
	}
	s.want(map[string]string{"2001.B": "300.00", "2001.A": "0.00"})
	first := s.act("E13", r)
	again := s.act("E13", r)
	if first.State != clearing.ActionSubmitted || first.Repeated || again.Approval != first.Approval || !again.Repeated {
		t.Errorf("%+v then %+v", first, again)
	}
	s.refused("action.conflict", "E13", transfer("R1", "B", "A", 51_00))
	s.want(map[string]string{"2001.B": "300.00", "2001.A": "0.00"})
	_, err = s.engine.Approve(s.ctx, "maker1", first.Approval)
	wantCode(t, err, "people.denied")

	s.play("2026-02-14", waiting) // another day collects when the checker comes
	d, err := s.engine.Approve(s.ctx, "checker1", first.Approval)
	if err != nil || !slices.Equal(d.Vouchers, []string{"E13:R1"}) {
		t.Fatalf("%+v %v", d, err)
	}
	s.want(map[string]string{"2001.B": "250.00", "2001.A": "49.50", "2302.FEE": "0.50"})
	if got := s.posted("2026-02-14", "E13"); len(got) != 1 {
		t.Errorf("posted %q", got)
	}
	_, err = s.engine.Approve(s.ctx, "checker1", first.Approval)
	wantCode(t, err, "approval.decided")
	if v := s.act("E13", r); !v.Repeated || v.State != clearing.ActionPosted || v.Date != day("2026-02-14") {
		t.Errorf("%+v", v)
	}
	s.refused("action.conflict", "E13", transfer("R1", "B", "A", 50_00))
}

// TestActionThatNoLongerFits: the money went elsewhere before the checker came;
// nothing is posted and the request still stands.
func TestActionThatNoLongerFits(t *testing.T) {
	s := funded(t)
	v := s.act("E13", transfer("R1", "B", "A", 300_00))
	s.act("E23", clearing.Deposit{Reference: "D1", Member: "B", Amount: 1})
	_, err := s.engine.Approve(s.ctx, "checker1", v.Approval)
	wantCode(t, err, "ledger.overdrawn")
	if list, err := s.engine.Approvals(s.ctx, "PENDING"); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := s.engine.Reject(s.ctx, "checker1", v.Approval, "no money"); err != nil {
		t.Fatal(err)
	}
	if v := s.act("E13", transfer("R1", "B", "A", 299_99)); v.Approval != "E13:R1@2" {
		t.Errorf("after a rejection: %+v", v)
	}
}

// TestActionChanged: what was approved is what is posted.
func TestActionChanged(t *testing.T) {
	s := funded(t)
	v := s.act("E13", transfer("R1", "B", "A", 5_00))
	s.exec(`UPDATE approvals SET content = REPLACE(content, '"A"', '"C"') WHERE approval_id = '` + v.Approval + "'")
	_, err := s.engine.Approve(s.ctx, "checker1", v.Approval)
	wantCode(t, err, "approval.changed")
	s.want(map[string]string{"2001.B": "300.00", "2001.C": "0.00"})
}

// TestActionByOne: a deposit is taken at once, the same again changes nothing on
// a later day either, and giving it back needs two.
func TestActionByOne(t *testing.T) {
	s := funded(t)
	take := clearing.Deposit{Reference: "D1", Member: "B", Amount: 30_00}
	if v := s.act("E23", take); v.State != clearing.ActionPosted || v.Approval != "" {
		t.Fatalf("%+v", v)
	}
	s.play("2026-02-14", waiting)
	if v := s.act("E23", take); !v.Repeated || v.Date != day("2026-02-13") {
		t.Errorf("%+v", v)
	}
	s.refused("ledger.conflict", "E23", clearing.Deposit{Reference: "D1", Member: "B", Amount: 31_00})
	s.want(map[string]string{"2001.B": "270.00", "2304.B": "30.00"})
	s.refused("ledger.overdrawn", "E23c", clearing.Deposit{Reference: "D2", Member: "B", Amount: 30_01})
	s.decided("E23b", flows.Penalty{Reference: "P1", Member: "B", Amount: 10_00, Reason: "late"})
	s.decided("E23c", clearing.Deposit{Reference: "D2", Member: "B", Amount: 20_00})
	s.want(map[string]string{"2001.B": "290.00", "2304.B": "0.00", "2302.FEE": "10.00"})
	s.invariants()
}

// TestAdvances: the reserve is filled by one, paid out by two, and taken back no
// further than it went, from whom it went to.
func TestAdvances(t *testing.T) {
	s := funded(t)
	early := flows.Early{Reference: "T0", Member: "A", Amount: 100_00}
	s.refused("ledger.overdrawn", "E26", early)
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 600_00, Marketing: 300_00, Verification: 100_00})
	s.decided("E26", early)
	s.want(map[string]string{"2001.A": "100.00", "2301": "0.00", "2303": "300.00", "2305": "500.00", "2306": "100.00"})
	s.refused("flows.debtor", "E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "B", Amount: 1_00})
	s.refused("flows.part", "E7e", flows.Recovery{Advance: "T0", Part: 0, Member: "A", Amount: 1_00})
	s.refused("flows.owes", "E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 100_01})
	s.refused("action.coverage", "E26b", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 40_00}) // WeChat has not paid yet
	s.decided("E7e", flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 40_00})
	s.refused("flows.owes", "E7e", flows.Recovery{Advance: "T0", Part: 2, Member: "A", Amount: 60_01})
	s.refused("flows.recovered", "E17", flows.Reversal{Event: "E26", Reference: "T0", Reason: "x"})
	s.decided("E7e", flows.Recovery{Advance: "T0", Part: 2, Member: "A", Amount: 60_00})
	s.want(map[string]string{"2001.A": "0.00", "2305": "600.00"})
	s.invariants()
}

// TestReverseAndCorrect: a reversal quotes the voucher and gives everything back;
// the right one goes under the reference with its version.
func TestReverseAndCorrect(t *testing.T) {
	s := funded(t)
	s.decided("E17x", flows.Adjustment{Reference: "C1", From: "B", To: "A", Amount: 5_00, Reason: "wrong shop", Original: day("2026-02-12")})
	v, err := s.engine.Voucher(s.ctx, "E17x:C1")
	if err != nil || v.Source != "approval E17x:C1, original day 2026-02-12" || v.Date != day("2026-02-13") {
		t.Fatalf("%+v %v", v, err)
	}
	r := flows.Reversal{Event: "E17x", Reference: "C1", Reason: "was right"}
	s.decided("E17", r)
	if v := s.act("E17", r); !v.Repeated {
		t.Errorf("reversed twice: %+v", v)
	}
	s.want(map[string]string{"2001.B": "300.00", "2001.A": "0.00"})
	s.decided("E17x", flows.Adjustment{Reference: "C1#2", From: "B", To: "C", Amount: 5_00, Reason: "right shop"})
	s.want(map[string]string{"2001.B": "295.00", "2001.C": "5.00"})
}

// TestSubAccountInstructions: the bank is told of each change once, and a lost
// file is written again with the same bytes.
func TestSubAccountInstructions(t *testing.T) {
	s := funded(t)
	s.act("E23", clearing.Deposit{Reference: "D1", Member: "B", Amount: 30_00})
	s.decided("E13", transfer("R1", "B", "A", 50_00))
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 600_00}) // changes no sub-account
	names := slices.DeleteFunc(s.instructionFiles(), func(n string) bool { return !bytes.Contains([]byte(n), []byte("-A")) })
	wantList(t, "files", names, []string{"SI20260213-A0001.txt", "SI20260213-A0002.txt"})
	raw := s.instructionBytes(names[1])
	f, err := payfile.ReadInstruct(names[1], bytes.NewReader(raw))
	if err != nil || f.Maker != "maker1" || f.Checker != "checker1" || len(f.Items) != 2 {
		t.Fatalf("%+v %v", f, err)
	}
	if a, b := f.Items[0], f.Items[1]; a.Kind != bankfiles.InstructCredit || a.Member != "A" || b.Kind != bankfiles.InstructDebit || b.Member != "B" || b.Amount != 50_00 {
		t.Errorf("%+v", f.Items)
	}
	s.exec("UPDATE outbox SET state = 'PENDING' WHERE kind = 'sub-account'")
	s.act("E13", transfer("R2", "B", "A", 1_00)) // any later action writes what is missing
	if !bytes.Equal(raw, s.instructionBytes(names[1])) {
		t.Error("other bytes")
	}
}
