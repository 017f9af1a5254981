package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/clearing/states"
	"custody/internal/fault"
)

// sent plays on to 02-13 13:30: WX 0212 is released and its batch is sent.
func (s *scene) sent() {
	s.t.Helper()
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	s.approve("PO20260213-01")
	s.play("2026-02-13", waiting)
}

// rest drops the files of a date without any trade.
func (s *scene) rest(date string) {
	s.dropOrders(date)
	s.bill("WX", date)
	s.bill("ALI", date)
}

const (
	poFirst = "PO20260213-01"
	serialA = "20260213010001"
	serialB = "20260213010002"
	serialC = "20260213010003"
	serialP = "20260213010004"
)

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Errorf("got %q (%v), want %q", got, err, code)
	}
}

// TestRejectedBatch: E5a is taken back in red and the money is paid again.
func TestRejectedBatch(t *testing.T) {
	s := newScene(t)
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	_, err := s.engine.Approve(s.ctx, "maker1", poFirst)
	wantCode(t, err, "people.denied")
	if _, err := s.engine.Reject(s.ctx, "checker1", poFirst, "not today"); err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"2201": "0.00", "2001.A": "924.00", "2001.P": "26.00"})
	if n := len(s.posted("2026-02-13", "E5a")); n != 4 {
		t.Errorf("%d E5a, want 4", n)
	}
	_, err = s.engine.Approve(s.ctx, "checker1", poFirst)
	wantCode(t, err, "approval.decided")
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
	s.report("2026-02-14")
	s.play("2026-02-14", waiting)
	s.approve("PO20260214-01")
	s.play("2026-02-14", waiting)
	s.answer("PO20260214-01", nil)
	s.bank("2026-02-14", s.debits("PO20260214-01", "02-14 14:00:00")...)
	s.rest("2026-02-14")
	s.play("2026-02-14", 0)
	s.want(map[string]string{"2201": "0.00", "2001": "0.00"})
}

// TestRejectedOnALaterDay: a batch of 02-13 that is rejected when 02-14 has
// begun stands in 2201 at the cut of 02-13, and 02-13 closes with it.
func TestRejectedOnALaterDay(t *testing.T) {
	s := newScene(t)
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	s.report("2026-02-14")
	s.playUntil("2026-02-14", "arrival", 0)
	if _, err := s.engine.Reject(s.ctx, "checker1", poFirst, "late"); err != nil {
		t.Fatal(err)
	}
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2201": "0.00", "2001.A": "924.00"})
}

// TestMakerIsNotChecker: whoever has both roles still needs another person.
func TestMakerIsNotChecker(t *testing.T) {
	s := newScene(t, "roles: [operator, maker]", "roles: [operator, maker, checker]")
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	_, err := s.engine.Approve(s.ctx, "maker1", poFirst)
	wantCode(t, err, "approval.same-person")
	_, err = s.engine.Reject(s.ctx, "maker1", poFirst, "")
	wantCode(t, err, "approval.same-person")
	s.want(map[string]string{"2201": "1227.20"})
}

// TestChangedAfterApproval: what is sent is recomputed; a change behind the
// program's back is refused and nothing leaves.
func TestChangedAfterApproval(t *testing.T) {
	for name, change := range map[string][2]string{
		"amount":  {"UPDATE payouts SET amount_fen = 92301 WHERE serial = '" + serialA + "'", "UPDATE payouts SET amount_fen = 92300 WHERE serial = '" + serialA + "'"},
		"account": {"UPDATE payouts SET account_no = '6222000000009999' WHERE serial = '" + serialA + "'", "UPDATE payouts SET account_no = '6222000000000001' WHERE serial = '" + serialA + "'"},
		"fee":     {"UPDATE payouts SET fee_fen = 0 WHERE serial = '" + serialA + "'", "UPDATE payouts SET fee_fen = 100 WHERE serial = '" + serialA + "'"},
		"date":    {"UPDATE batches SET file_date = 20260212", "UPDATE batches SET file_date = 20260213"},
		"rows":    {"UPDATE batches SET row_count = 3", "UPDATE batches SET row_count = 4"},
		"state":   {"UPDATE approvals SET content = '{}' WHERE approval_id = '" + poFirst + "'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.first()
			s.report("2026-02-13", workedLine("K1301"))
			s.play("2026-02-13", waiting)
			if name == "state" {
				s.exec(change[0])
				_, err := s.engine.Approve(s.ctx, "checker1", poFirst)
				wantCode(t, err, "approval.changed")
				return
			}
			s.approve(poFirst)
			s.exec(change[0])
			_, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "maker1"})
			wantCode(t, err, "approval.changed")
			if fault.ExitCode(err) != 3 {
				t.Errorf("exit code %d", fault.ExitCode(err))
			}
			if list, err := s.engine.Outbox(s.ctx, 0); err != nil || len(list) != 2 { // the seal of 02-12 and its events
				t.Errorf("something left: %+v %v", list, err)
			}
			s.exec(change[1])
			s.play("2026-02-13", waiting)
			if s.payout(serialA).State != payout.Sent {
				t.Error("not sent after it was put right")
			}
		})
	}
}

// TestRefusedButDebited: nothing goes back while the bank's own statement shows
// the money gone; its reversal proves the refusal.
func TestRefusedButDebited(t *testing.T) {
	reversal := bankLine{"REV1", "02-14 09:00:00", "923.00", "加盟商甲", "", serialA, "冲正 " + serialA}
	for name, c := range map[string]struct {
		first, second []bankLine
		after, last   payout.State
	}{
		"reversed the next day": {nil, []bankLine{reversal}, payout.Unknown, payout.Failed},
		"reversed the same day": {[]bankLine{{"REV1", "02-13 19:00:00", "923.00", "加盟商甲", "", serialA, "冲正 " + serialA}}, nil, payout.Failed, payout.Failed},
		"never reversed":        {nil, nil, payout.Unknown, payout.Unknown},
		"came back as a return": {nil, []bankLine{{"RET1", "02-14 09:00:00", "923.00", "加盟商甲", "", serialA, "退汇 " + serialA}}, payout.Unknown, payout.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.sent()
			s.answer(poFirst, map[string]bankfiles.ResultStatus{serialA: "F"})
			s.rest("2026-02-13")
			s.bank("2026-02-13", append(append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...), c.first...)...)
			s.play("2026-02-13", 0)
			if got := s.payout(serialA).State; got != c.after {
				t.Errorf("after 02-13: %s, want %s", got, c.after)
			}
			s.report("2026-02-14")
			s.rest("2026-02-14")
			s.bank("2026-02-14", c.second...)
			s.over("2026-02-14", 0)
			if got := s.payout(serialA).State; got != c.last {
				t.Errorf("after 02-14: %s, want %s", got, c.last)
			}
			if c.last == payout.Unknown {
				s.want(map[string]string{"2201": "924.00"})
				s.wantOpen("STATUS "+serialA+" OPEN", "UNKNOWN_PAYER K1202 OPEN")
			} else {
				s.want(map[string]string{"2201": "0.00"})
			}
		})
	}
}

// TestDebitAfterGivingBack: the bank said F, its statement showed no debit, the
// money went back; and then the bank debits after all. The night goes on, the
// debit is listed and a person is told. Its reversal ends the case.
func TestDebitAfterGivingBack(t *testing.T) {
	s := newScene(t)
	s.sent()
	s.answer(poFirst, map[string]bankfiles.ResultStatus{serialA: "F"})
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serialA)...)...)
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2001.A": "924.00", "2201": "0.00"})
	s.rest("2026-02-14")
	s.bank("2026-02-14", debit(s.payout(serialA), "K9", "02-14 00:10:00"))
	s.report("2026-02-14")
	s.over("2026-02-14", 0)
	if got := s.payout(serialA).State; got != payout.Failed {
		t.Errorf("state %s", got)
	}
	s.wantOpen("STATUS "+serialA+" OPEN", "UNKNOWN_PAYER K1202 OPEN")
	s.rest("2026-02-15")
	s.bank("2026-02-15", bankLine{"REV9", "02-15 09:00:00", "923.00", "加盟商甲", "", serialA, "冲正 " + serialA})
	s.play("2026-02-15", 0)
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
}

// TestNoAnswer: U, or no result file, is never a failure; a debit is an answer.
func TestNoAnswer(t *testing.T) {
	t.Run("U with a debit is paid", func(t *testing.T) {
		s := newScene(t)
		s.sent()
		s.answer(poFirst, map[string]bankfiles.ResultStatus{serialA: "U"})
		s.rest("2026-02-13")
		s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
		s.play("2026-02-13", 0)
		s.want(map[string]string{"2201": "0.00"})
		if s.payout(serialA).State != payout.Success {
			t.Error(s.payout(serialA).State)
		}
	})
	t.Run("U without a debit stays unknown", func(t *testing.T) {
		s := newScene(t)
		s.sent()
		s.answer(poFirst, map[string]bankfiles.ResultStatus{serialA: "U"})
		s.rest("2026-02-13")
		s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serialA)...)...)
		s.play("2026-02-13", 0)
		for _, d := range []string{"2026-02-14", "2026-02-15", "2026-02-16"} {
			s.report(d)
			s.rest(d)
			s.bank(d)
			s.over(d, 0)
		}
		if p := s.payout(serialA); p.State != payout.Unknown || s.live("2201") != "924.00" || s.live("2001.A") != "0.00" {
			t.Errorf("%s, 2201 %s, 2001.A %s", p.State, s.live("2201"), s.live("2001.A"))
		}
		batches, err := s.engine.Batches(s.ctx)
		if err != nil || len(batches) != 1 {
			t.Errorf("sent again under a new serial: %+v %v", batches, err)
		}
		s.wantOpen("STATUS "+serialA+" OPEN", "UNKNOWN_PAYER K1202 OPEN")
		// Days later the debit comes.
		s.rest("2026-02-17")
		s.bank("2026-02-17", debit(s.payout(serialA), "LATE", "02-17 09:00:00"))
		s.play("2026-02-17", 0)
		s.want(map[string]string{"2201": "0.00"})
		s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	})
	t.Run("no result file", func(t *testing.T) {
		s := newScene(t)
		s.sent()
		s.rest("2026-02-13")
		s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serialB)...)...)
		s.over("2026-02-13", 0)
		s.want(map[string]string{"2201": "184.80"})
		s.report("2026-02-14")
		s.play("2026-02-14", waiting)
		s.answer(poFirst, map[string]bankfiles.ResultStatus{serialB: "F", serialA: "F"}) // A was debited: the result contradicts
		s.rest("2026-02-14")
		s.bank("2026-02-14")
		s.over("2026-02-14", 0)
		if a, b := s.payout(serialA).State, s.payout(serialB).State; a != payout.Success || b != payout.Failed {
			t.Errorf("A %s, B %s", a, b)
		}
		s.want(map[string]string{"2201": "0.00", "2001.B": "184.80"})
		s.wantOpen("STATUS "+serialA+" OPEN", "UNKNOWN_PAYER K1202 OPEN")
	})
}

// TestSuccessWithoutDebit is listed (P), and after a working day it is a
// person's work.
func TestSuccessWithoutDebit(t *testing.T) {
	s := newScene(t)
	s.sent()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serialP)...)...)
	s.play("2026-02-13", 0)
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	for _, d := range []string{"2026-02-14", "2026-02-15"} {
		s.report(d)
		s.rest(d)
		s.bank(d)
		s.over(d, 0)
	}
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN") // one working day: 02-14
	for d := day("2026-02-16"); d < day("2026-02-25"); d = d.AddDays(1) {
		s.report(d.String())
		s.rest(d.String())
		s.bank(d.String())
		s.over(d.String(), 0)
	}
	s.wantOpen("STATUS "+serialP+" OPEN", "UNKNOWN_PAYER K1202 OPEN")
	s.rest("2026-02-25")
	s.report("2026-02-25")
	s.bank("2026-02-25", debit(s.payout(serialP), "LATE", "02-25 09:00:00"))
	s.over("2026-02-25", 0)
	s.wantOpen("IN_TRANSIT 1122.ALI.20260212 OPEN", "UNKNOWN_PAYER K1202 OPEN") // Alipay's money of 02-12 never came
}

// TestSecondDebit and others of the wrong amount are listed, never booked.
func TestSecondDebit(t *testing.T) {
	s := newScene(t)
	s.sent()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	again := debit(s.payout(serialA), "TWICE", "02-13 13:40:00")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, append(s.debits(poFirst, "02-13 13:31:00"), again)...)...)
	s.play("2026-02-13", 0)
	s.wantOpen("DUPLICATE TWICE OPEN", "UNKNOWN_PAYER K1202 OPEN")
	s.handle("TWICE", clearing.Handling{Template: "note", Note: "the bank was called"})
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
	s.read(tieHolds(s, "2026-02-13", "923.00"))
}

// TestReturnedPayout: E5d, the account blocked, and the money paid again only
// after a checker credited it and another account was verified.
func TestReturnedPayout(t *testing.T) {
	s := newScene(t)
	s.sent()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", bankLine{"RET", "02-14 09:00:00", "183.80", "加盟商乙", "", "", "退汇 " + serialB},
		bankLine{"RETAGAIN", "02-14 09:01:00", "183.80", "加盟商乙", "", "", "退汇 " + serialB})
	s.play("2026-02-14", 0)
	s.want(map[string]string{"2203": "183.80", "2001.B": "0.00"})
	s.wantOpen("DIRECTION RETAGAIN OPEN", "RETURNED "+serialB+" OPEN", "UNKNOWN_PAYER K1202 OPEN")

	// A rejected proposal may be made again; the maker cannot approve his own.
	x := s.exception(exceptions.Returned, serialB)
	p, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "credit-return"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "credit-return"})
	wantCode(t, err, "exception.state")
	_, err = s.engine.Approve(s.ctx, "maker1", p.ApprovalID)
	wantCode(t, err, "people.denied")
	if _, err := s.engine.Reject(s.ctx, "checker1", p.ApprovalID, "look again"); err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"2203": "183.80"})
	s.handle(serialB, clearing.Handling{Template: "credit-return"})
	s.want(map[string]string{"2203": "0.00", "2001.B": "184.80"})
	_, err = s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "credit-return"})
	wantCode(t, err, "exception.state")
	for d := day("2026-02-15"); d < day("2026-02-24"); d = d.AddDays(1) {
		s.quietDay(d.String())
	}
	s.report("2026-02-24")
	s.rest("2026-02-24")
	s.bank("2026-02-24")
	s.over("2026-02-24", 0)
	s.want(map[string]string{"2001.B": "184.80"}) // blocked: not paid
	s.rebind("B")
	s.report("2026-02-25")
	s.play("2026-02-25", waiting)
	s.want(map[string]string{"2001.B": "0.00", "2201": "184.80"})
}

// TestStoppedMember is not paid but still collects; a refund that only his
// withdrawable money could pay becomes a case for a person, not a stop.
func TestStoppedMember(t *testing.T) {
	for _, status := range []string{"STOPPED", "FROZEN"} {
		t.Run(status, func(t *testing.T) {
			s := newScene(t)
			s.first()
			s.change("A", map[string]states.AccountEvent{"STOPPED": states.AccountStop, "FROZEN": states.AccountHoldAll}[status])
			s.report("2026-02-13", workedLine("K1301"))
			s.play("2026-02-13", waiting)
			s.want(map[string]string{"2001.A": "924.00", "2201": "303.20"})
			s.approve(poFirst)
			s.play("2026-02-13", waiting)
			s.answer(poFirst, nil)
			s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
			s.dropOrders("2026-02-13", refundOf("W1", "R2", "A", "WX", "200.00", "02-13 15:00:00"))
			s.bill("WX", "2026-02-13", pay("W4", "100.00", "0.60", "02-13 00:00:02"), refunded("W1", "R2", "200.00", "1.20", "02-13 15:00:00"))
			s.bill("ALI", "2026-02-13")
			s.play("2026-02-13", 0)
			s.want(map[string]string{"2002.A.WX.0213": "92.40", "2001.A": "924.00", "1402.R2": "200.00"})
			s.wantOpen("REFUND_MISS R2 OPEN", "UNKNOWN_PAYER K1202 OPEN")
		})
	}
}

// TestClosedMember: an order of a member who was closed in the meantime is not
// split; it waits in 2102 with an exception, and the night goes on.
func TestClosedMember(t *testing.T) {
	s := newScene(t)
	if err := s.engine.UnbindMember(s.ctx, "maker1", "C"); err != nil {
		t.Fatal(err)
	}
	s.change("C", states.AccountClose)
	s.first()
	s.want(map[string]string{"2102": "200.00", "2002.C": "0.00"}) // W4 and W3
	s.wantOpen("AMOUNT W3 OPEN", "UNKNOWN_PAYER K1202 OPEN")
	s.rest("2026-02-13")
	s.report("2026-02-13", workedLine("K1301"))
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
	s.want(map[string]string{"2102": "200.00"})
}

func refundOf(order, refund, member, channel, amount, when string) bankfiles.Order {
	return bankfiles.Order{Kind: bankfiles.Refund, OrderNo: order, RefundNo: refund, Member: member, Channel: channel, Amount: yuan(amount), Time: at(when)}
}
