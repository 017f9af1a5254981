package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
)

// differing plays 02-12: W1 has another amount in the bill, W2 stands in it twice,
// W3 is missing, W4 is in order. Head office has money to bear things with.
func differing(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("W2", "A", "WX", "50.00", "02-12 11:00:00"),
			payOrder("W3", "B", "WX", "20.00", "02-12 12:00:00"), payOrder("W4", "B", "WX", "10.00", "02-12 13:00:00")},
		[]bankfiles.BillRow{pay("W1", "101.00", "0.61", "02-12 10:00:00"), pay("W2", "50.00", "0.30", "02-12 11:00:00"),
			pay("W2", "50.00", "0.30", "02-12 11:00:01"), pay("W4", "10.00", "0.06", "02-12 13:00:00")}, workedLine("K1201"))
	return s
}

// TestCorrectToTheBill: our amount was a mistake. The collection is taken back in
// red and booked anew under its reference with #2, and the next night splits what
// the customer paid, under the bill's own clearing date.
func TestCorrectToTheBill(t *testing.T) {
	s := differing(t)
	s.want(map[string]string{"1402.W1": "100.00", "2402.W1": "101.00", "1122.WX.0212": "211.00", "2102": "120.00"})
	s.handle("W1", clearing.Handling{Template: "correct"})
	s.want(map[string]string{"1402.W1": "0.00", "2402.W1": "0.00", "1122.WX.0212": "211.00", "2102": "121.00"})
	for event, want := range map[string]int{"E17": 3, "E1": 1} {
		if n := len(s.posted("2026-02-13", event)); n != want {
			t.Errorf("%d vouchers %s, want %d", n, event, want)
		}
	}
	if x := s.exception(exceptions.AmountDiffer, "W1"); x.State != exceptions.Posted {
		t.Errorf("%+v", x)
	}
	s.night("2026-02-13", nil, nil)
	// 101.00: fee 0.61, head office 5.05, partner 2.02, and 93.32 for A.
	s.want(map[string]string{"2102": "20.00", "2002.A.WX.0212": "139.52"}) // and 46.20 of W2
	if x := s.exception(exceptions.AmountDiffer, "W1"); x.State != exceptions.Closed {
		t.Errorf("%+v", x)
	}
	if report, err := s.engine.Verify(s.ctx, nil); err != nil || !report.OK {
		t.Errorf("%v %+v", err, report.Problems)
	}
}

// TestSuspendWhatDiffers: of an order with two amounts what was paid is suspended
// and the order is void; of a row that the bill has twice the second is.
func TestSuspendWhatDiffers(t *testing.T) {
	s := differing(t)
	s.handle("W1", clearing.Handling{Template: "suspend", Note: "nobody knows"})
	s.handle("W2#20260212.1", clearing.Handling{Template: "suspend"})
	s.want(map[string]string{"1402.W1": "0.00", "2402": "0.00", "2401": "151.00", "2102": "20.00"})
	for subject, amount := range map[string]string{"W1": "101.00", "W2#20260212.1": "50.00"} {
		if x := s.exception(exceptions.UnknownPayer, subject); x.Amount.String() != amount || x.ClosedDate != nil {
			t.Errorf("%s: %+v", subject, x)
		}
	}
	s.handle("W1", clearing.Handling{Template: "claim", Member: "A"})
	s.want(map[string]string{"2001.A": "101.00"})
	s.night("2026-02-13", nil, nil, bankLine{"K1309", "02-13 08:40:00", "209.73", "财付通", "", "", "财付通 20260212"})
	if report, err := s.engine.Verify(s.ctx, nil); err != nil || !report.OK {
		t.Errorf("%v %+v", err, report.Problems)
	}
}

// TestMakeGood: goods were delivered and the channel never paid. The risk fund
// bears it, and the member has the whole of it.
func TestMakeGood(t *testing.T) {
	s := differing(t)
	l3 := s.exception(exceptions.BankMiss, "W3")
	p, err := s.engine.Propose(s.ctx, "maker1", l3.ID, clearing.Handling{Template: "make-good"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.Approve(s.ctx, "checker1", p.ApprovalID); err == nil {
		t.Error("a risk fund without money bore it")
	}
	s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 30_00})
	s.approve(p.ApprovalID)
	s.want(map[string]string{"1402.W3": "0.00", "2305": "10.00", "2001.B": "20.00", "2102": "100.00"})
	if x := s.exception(exceptions.BankMiss, "W3"); x.State != exceptions.Closed {
		t.Errorf("%+v", x)
	}
	s.night("2026-02-13", nil, nil)
}

// TestTwoNumbersOfOnePayment: our file has it twice, the bill once.
func TestTwoNumbersOfOnePayment(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("W1-2", "A", "WX", "100.00", "02-12 10:00:00"),
			payOrder("W2", "B", "WX", "100.00", "02-12 10:00:00"), payOrder("W3", "A", "WX", "100.00", "02-12 10:00:01")},
		[]bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00")})
	s.wantOpen("BANK_MISS W2 IN_POOL", "BANK_MISS W3 IN_POOL", "DUPLICATE W1-2 IN_POOL") // another member's, and a second later
	s.handle("W1-2", clearing.Handling{Template: "void"})
	s.want(map[string]string{"1402.W1-2": "0.00", "2102": "200.00"})
	s.night("2026-02-13", nil, []bankfiles.BillRow{pay("W3", "100.00", "0.60", "02-13 00:00:01")})
	s.wantOpen("BANK_MISS W2 IN_POOL")
}

// TestComplaintDifferenceStates: a difference moves by its table of states and no
// other way; what a checker refuses goes back to its owner, what is closed stays so.
func TestComplaintDifferenceStates(t *testing.T) {
	s := differing(t)
	x := s.exception(exceptions.BankMiss, "W3")
	p, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "void"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "void"})
	wantCode(t, err, "exception.state")
	if _, err := s.engine.Reject(s.ctx, "checker1", p.ApprovalID, "ask the shop"); err != nil {
		t.Fatal(err)
	}
	if x = s.exception(exceptions.BankMiss, "W3"); x.State != exceptions.Assigned {
		t.Errorf("%+v", x)
	}
	s.handle("W3", clearing.Handling{Template: "void"})
	_, err = s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "void"})
	wantCode(t, err, "exception.state")
}
