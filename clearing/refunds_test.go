package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
)

func payOrder(order, member, channel, amount, when string) bankfiles.Order {
	return bankfiles.Order{Kind: bankfiles.Pay, OrderNo: order, Member: member, Channel: channel, Amount: yuan(amount), Time: at(when)}
}

// night drops the files of a date with WeChat trades alone and plays it.
func (s *scene) night(date string, ours []bankfiles.Order, theirs []bankfiles.BillRow, bank ...bankLine) {
	s.t.Helper()
	s.report(date)
	s.dropOrders(date, ours...)
	s.bill("WX", date, theirs...)
	s.bill("ALI", date)
	s.bank(date, bank...)
	s.over(date, 0)
}

// TestPartialRefundBeforeTheSplit lowers the order; the fee that the channel
// gave back with it is nobody's.
func TestPartialRefundBeforeTheSplit(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00"), refundOf("W1", "R1", "A", "WX", "400.00", "02-12 12:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00"), refunded("W1", "R1", "400.00", "2.40", "02-12 12:00:00")})
	s.want(map[string]string{"2102": "0.00", "2002.A": "554.40", "2002.P": "12.00", "2302.WX.0212": "30.00", "2501.WX.0212": "3.60", "1122.WX.0212": "600.00"})
	s.wantOpen()
	// The rest is refunded the next day, after the split.
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "600.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "600.00", "3.60", "02-13 12:00:00")})
	s.want(map[string]string{"2002.A": "0.00", "2002.P": "0.00", "2302": "0.00", "1122": "0.00", "2501": "0.00"})
	s.wantOpen()
}

// TestTwoPartialRefunds on different days give back each party's part exactly,
// whoever bears the fee.
func TestTwoPartialRefunds(t *testing.T) {
	for _, bearer := range []string{"franchisee", "head_office"} {
		t.Run(bearer, func(t *testing.T) {
			s := newScene(t, "fee_bearer: franchisee", "fee_bearer: "+bearer)
			s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
				[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")})
			s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "333.33", "02-13 12:00:00")},
				[]bankfiles.BillRow{refunded("W1", "R1", "333.33", "2.00", "02-13 12:00:00")})
			s.wantOpen()
			s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "666.67", "02-14 12:00:00")},
				[]bankfiles.BillRow{refunded("W1", "R2", "666.67", "4.00", "02-14 12:00:00")})
			s.want(map[string]string{"2002.A": "0.00", "2002.P": "0.00", "2302": "0.00", "1122": "0.00", "2501": "0.00"})
			s.wantOpen()
			s.night("2026-02-15", []bankfiles.Order{refundOf("W1", "R3", "A", "WX", "0.01", "02-15 12:00:00")},
				[]bankfiles.BillRow{refunded("W1", "R3", "0.01", "0.00", "02-15 12:00:00")})
			s.want(map[string]string{"1402.R3": "0.01", "1122.WX.0215": "-0.01"})
			s.wantOpen("REFUND_MISS R3 OPEN")
		})
	}
}

// TestHeadOfficeBearsMoreThanItEarns: without a commission of its own the fee
// of a refund comes back to it.
func TestHeadOfficeBearsMoreThanItEarns(t *testing.T) {
	s := newScene(t, "fee_bearer: franchisee", "fee_bearer: head_office", "head_office_ppm: 50000", "head_office_ppm: 0")
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")})
	// Nothing pays the fee yet: the order waits with a person.
	s.want(map[string]string{"2102": "1000.00", "2302": "0.00"})
	s.wantOpen("AMOUNT W1 OPEN")
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "400.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "400.00", "2.40", "02-13 12:00:00")})
	s.want(map[string]string{"2102": "600.00", "1402": "0.00"})
	s.wantOpen("AMOUNT W1 OPEN")
}

// TestRefundAboveItsOrder never takes the money of another one.
func TestRefundAboveItsOrder(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("W2", "B", "WX", "500.00", "02-12 10:01:00"),
			refundOf("W1", "R1", "A", "WX", "60.00", "02-12 12:00:00"), refundOf("W1", "R2", "A", "WX", "60.00", "02-12 13:00:00")},
		[]bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00"), pay("W2", "500.00", "3.00", "02-12 10:01:00"),
			refunded("W1", "R1", "60.00", "0.36", "02-12 12:00:00"), refunded("W1", "R2", "60.00", "0.36", "02-12 13:00:00")})
	s.want(map[string]string{"2102": "0.00", "2002.B": "462.00", "2002.A": "36.96", "1402.R2": "60.00", "1122.WX.0212": "480.00"})
	s.wantOpen("REFUND_MISS R2 OPEN")
}

// TestRefundOfAnUnknownOrder is a shortage until a person says what it is.
func TestRefundOfAnUnknownOrder(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), refundOf("GONE", "R1", "A", "WX", "60.00", "02-12 12:00:00")},
		[]bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00"), refunded("GONE", "R1", "60.00", "0.36", "02-12 12:00:00"),
			refunded("W1", "R9", "10.00", "0.06", "02-12 13:00:00")})
	s.want(map[string]string{"1402.R1": "60.00", "1402.R9": "10.00", "2002.A": "92.40", "1122.WX.0212": "30.00"})
	s.wantOpen("REFUND_MISS R1 OPEN", "REFUND_MISS R9 OPEN")
}

// TestRefundWhenTheMoneyIsGone takes 2002 of other dates, then 2001, and what
// nobody has left becomes an exception.
func TestRefundWhenTheMoneyIsGone(t *testing.T) {
	s := newScene(t)
	s.sent()
	s.answer(poFirst, nil)
	s.dropOrders("2026-02-13", payOrder("W5", "A", "WX", "50.00", "02-13 10:00:00"), refundOf("W1", "R2", "A", "WX", "500.00", "02-13 15:00:00"))
	s.bill("WX", "2026-02-13", pay("W4", "100.00", "0.60", "02-13 00:00:02"), pay("W5", "50.00", "0.30", "02-13 10:00:00"),
		refunded("W1", "R2", "500.00", "3.00", "02-13 15:00:00"))
	s.bill("ALI", "2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	// A has 138.60 of his own date and owes 462.00: nothing is taken in part.
	s.want(map[string]string{"2002.A.WX.0213": "138.60", "1402.R2": "500.00"})
	s.wantOpen("REFUND_MISS R2 OPEN", "UNKNOWN_PAYER K1202 OPEN")
	// A smaller one is recovered: from its own date.
	s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R3", "A", "WX", "100.00", "02-14 15:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R3", "100.00", "0.60", "02-14 15:00:00")})
	s.want(map[string]string{"2002.A.WX.0213": "46.20", "1402.R3": "0.00", "2002.P": "11.00"})
	s.wantOpen("REFUND_MISS R2 OPEN", "UNKNOWN_PAYER K1202 OPEN")
}

// TestRefundFromReleasedMoney: 2001 pays what 2002 does not; but money that was
// released only after the day's cut does not count for that day.
func TestRefundFromReleasedMoney(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := newScene(t)
		s.first()
		if late { // the day phase of 02-13 releases before the night of 02-13; here the refund is of 02-13, the release of 02-14
			s.report("2026-02-13")
			s.play("2026-02-13", waiting)
			s.report("2026-02-14", bankLine{"K1301", "02-14 08:40:00", "1292.20", "财付通", "", "", "财付通 20260212"})
			s.playUntil("2026-02-14", "release", 0)
			s.want(map[string]string{"2001.A": "924.00"})
		} else {
			s.report("2026-02-13", workedLine("K1301"))
			s.playUntil("2026-02-13", "release", 0)
			s.want(map[string]string{"2001.A": "924.00"})
		}
		s.dropOrders("2026-02-13", refundOf("W1", "R2", "A", "WX", "200.00", "02-13 15:00:00"))
		s.bill("WX", "2026-02-13", refunded("W1", "R2", "200.00", "1.20", "02-13 15:00:00"))
		s.bill("ALI", "2026-02-13")
		if late {
			s.bank("2026-02-13")
		} else {
			s.bank("2026-02-13", workedLine("K1301"))
		}
		s.over("2026-02-13", 0)
		if late {
			s.want(map[string]string{"2001.A": "924.00", "1402.R2": "200.00"})
		} else {
			s.want(map[string]string{"2001.A": "739.20", "1402.R2": "0.00"})
		}
	}
}

// TestClaim, adopt, void: with two people, once.
func TestHandlings(t *testing.T) {
	s := newScene(t)
	s.thirteenth()
	s.bank("2026-02-13", workedLinesOf("K1301", "K1302", "K1303")...)
	s.orders("2026-02-13")
	s.bills("2026-02-13")
	s.play("2026-02-13", 0)
	for _, c := range []struct {
		subject, template, member, code string
	}{
		{"W6", "claim", "B", "exception.template-kind"},
		{"W6", "adopt", "P", "member.unknown"},
		{"W6", "adopt", "NOBODY", "member.unknown"},
		{"W6", "nonsense", "B", "exception.template"},
		{"K1202", "claim", "", "member.unknown"},
		{"L4", "claim", "B", "exception.template-kind"},
	} {
		list, err := s.engine.Exceptions(s.ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Subject == c.subject {
				_, err := s.engine.Propose(s.ctx, "maker1", e.ID, clearing.Handling{Template: c.template, Member: c.member})
				wantCode(t, err, c.code)
				_, err = s.engine.Propose(s.ctx, "checker1", e.ID, clearing.Handling{Template: c.template, Member: "B"})
				wantCode(t, err, "people.denied")
			}
		}
	}
	s.handle("W6", clearing.Handling{Template: "adopt", Member: "B"})
	s.handle("K1202", clearing.Handling{Template: "claim", Member: "B"})
	s.handle("L4", clearing.Handling{Template: "void"})
	s.want(map[string]string{"2402": "0.00", "2401": "0.00", "1402": "0.00", "2102": "300.00", "2001.B": "484.80"})
	s.invariants()
	// The bill of a later day brings L4 after all: it is a surplus, adopted again.
	s.report("2026-02-14")
	s.dropOrders("2026-02-14")
	s.bill("WX", "2026-02-14")
	s.bill("ALI", "2026-02-14", pay("L4", "50.00", "0.30", "02-14 00:00:09"))
	s.bank("2026-02-14", workedLine("K1401"))
	s.over("2026-02-14", 0)
	s.want(map[string]string{"2402.L4": "50.00", "2102": "0.00", "2002.B.WX.0213": "277.20"})
	s.handle("L4", clearing.Handling{Template: "adopt", Member: "B"})
	s.want(map[string]string{"2402": "0.00", "2102": "50.00"})
	s.rest("2026-02-15")
	s.bank("2026-02-15")
	s.over("2026-02-15", 0)
	s.want(map[string]string{"2102": "0.00", "2002.B.ALI.0214": "46.20"})
}

// TestOrderFileADayLater: the bill had the order a day before our own file did.
// Adopting it ends both sides.
func TestOrderFileADayLater(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", nil, []bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 23:59:59")})
	s.night("2026-02-13", []bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-13 00:00:01")}, nil)
	s.want(map[string]string{"2402.W1": "100.00", "1402.W1": "100.00", "2102": "100.00"})
	x := s.exception("PLATFORM_MISS", "W1")
	_, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "adopt", Member: "B"})
	wantCode(t, err, "exception.adopt-known")
	p, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "adopt", Member: "A"})
	if err != nil {
		t.Fatal(err)
	}
	s.approve(p.ApprovalID)
	s.want(map[string]string{"2402": "0.00", "1402": "0.00", "2102": "100.00"})
	s.night("2026-02-14", nil, nil)
	s.want(map[string]string{"2102": "0.00", "2002.A.WX.0212": "92.40", "2501.WX.0212": "0.60"})
	s.wantOpen()
}
