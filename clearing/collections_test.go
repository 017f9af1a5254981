package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/flows"
)

func withStatus(o bankfiles.Order, s bankfiles.OrderStatus) bankfiles.Order {
	o.Status = s
	return o
}

func withCoupon(o bankfiles.Order, coupon string) bankfiles.Order {
	o.Coupon = yuan(coupon)
	return o
}

// TestLatePaid: our file says that an order was not paid, the channel has its
// money. It is adopted, or sent back and closed when the bill lists the refund.
func TestLatePaid(t *testing.T) {
	for _, status := range []bankfiles.OrderStatus{bankfiles.OrderClosed, bankfiles.OrderFailed, bankfiles.OrderUnknown} {
		t.Run(string(status), func(t *testing.T) {
			s := newScene(t)
			s.night("2026-02-12", []bankfiles.Order{withStatus(payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), status)},
				[]bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-12 10:00:00")})
			s.wantOpen("LATE_PAID N1 OPEN")
			x := s.exception("LATE_PAID", "N1")
			if x.Member != "A" || x.Ours != string(status) || x.Template == "" {
				t.Errorf("%+v", x)
			}
			s.want(map[string]string{"2402.N1": "100.00", "2102": "0.00", "1122.WX.0212": "100.00"})
			if status == bankfiles.OrderUnknown {
				s.handle("N1", clearing.Handling{Template: "adopt", Member: "A"})
				s.night("2026-02-13", nil, nil)
				s.wantOpen()
				s.want(map[string]string{"2402": "0.00", "2102": "0.00", "2002.A.WX.0212": "92.40"})
				return
			}
			s.handle("N1", clearing.Handling{Template: "send-back"})
			s.wantOpen("LATE_PAID N1 POSTED")
			s.night("2026-02-13", nil, nil)
			s.wantOpen("LATE_PAID N1 POSTED")
			s.night("2026-02-14", nil, []bankfiles.BillRow{refunded("N1", "BACK1", "100.00", "0.60", "02-14 10:00:00")})
			s.wantOpen()
			s.want(map[string]string{"2402": "0.00", "1402": "0.00", "1122.WX.0214": "-100.00"})
			wantList(t, "the fee follows the refund", s.posted("2026-02-14", "E14g"), []string{"E14g Cr 2501.WX.0212 0.60; Dr 2501.WX.0214 0.60"})
		})
	}
}

// TestPaidAfterItWasSentBack: the machine of a collection has no way on from there,
// so that nothing of it moves; the money is a case of its own.
func TestPaidAfterItWasSentBack(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{withStatus(payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), bankfiles.OrderClosed)},
		[]bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-12 10:00:00")})
	s.handle("N1", clearing.Handling{Template: "send-back"})
	s.night("2026-02-13", nil, []bankfiles.BillRow{refunded("N1", "BACK1", "100.00", "0.60", "02-13 10:00:00")})
	s.wantOpen()
	s.night("2026-02-14", nil, []bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-14 10:00:00")})
	s.wantOpen("PLATFORM_MISS N1 OPEN")
	if x := s.exception("PLATFORM_MISS", "N1"); x.Member != "A" || x.Ours != "REFUNDED" {
		t.Errorf("%+v", x)
	}
	s.want(map[string]string{"2402.N1": "100.00", "2102": "0.00", "2002.A": "0.00"})
}

// TestPaidTwice: through another channel, and twice in one bill. The second payment
// stands in 2402 until its refund is listed.
func TestPaidTwice(t *testing.T) {
	s := newScene(t)
	s.report("2026-02-12")
	s.dropOrders("2026-02-12", payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("N2", "B", "WX", "50.00", "02-12 11:00:00"))
	s.bill("WX", "2026-02-12", pay("N1", "100.00", "0.60", "02-12 10:00:00"), pay("N2", "50.00", "0.30", "02-12 11:00:00"), pay("N2", "50.00", "0.30", "02-12 11:00:09"))
	s.bill("ALI", "2026-02-12", pay("N1", "100.00", "0.60", "02-12 10:01:00"))
	s.bank("2026-02-12")
	s.over("2026-02-12", 0)
	s.wantOpen("DUPLICATE N2#20260212.1 OPEN", "DUP_PAID N1 OPEN")
	if x := s.exception("DUP_PAID", "N1"); x.Member != "A" || x.Ours != "WX" || x.Template != "send-back" {
		t.Errorf("%+v", x)
	}
	s.want(map[string]string{"2402.N1": "100.00", "2402.N2#20260212.1": "50.00", "2002.A": "92.40", "2002.B": "46.20"})
	s.handle("N1", clearing.Handling{Template: "send-back"})
	s.handle("N2#20260212.1", clearing.Handling{Template: "send-back"})
	s.report("2026-02-13")
	s.dropOrders("2026-02-13")
	s.bill("WX", "2026-02-13", refunded("N2", "BACK2", "50.00", "0.30", "02-13 10:00:00"))
	s.bill("ALI", "2026-02-13", refunded("N1", "BACK1", "100.00", "0.60", "02-13 10:00:00"))
	s.bank("2026-02-13")
	s.over("2026-02-13", 0)
	s.wantOpen()
	s.want(map[string]string{"2402": "0.00", "1402": "0.00", "2002.A": "92.40", "2002.B": "46.20"})
}

// TestReversed: voided on its day, on both sides. The books show the collection and
// its reversal in red; where the channel goes on having it, it is a case.
func TestReversed(t *testing.T) {
	voided := withStatus(payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00"), bankfiles.OrderReversed)
	paid, back := pay("N1", "100.00", "0.60", "02-12 10:00:00"), refunded("N1", "V1", "100.00", "0.60", "02-12 10:05:00")
	for name, c := range map[string]struct {
		bill []bankfiles.BillRow
		open []string
		owed string
	}{
		"the bill shows both":    {[]bankfiles.BillRow{paid, back}, nil, "0.00"},
		"the bill shows neither": {nil, nil, "0.00"},
		"the bill shows it paid": {[]bankfiles.BillRow{paid}, []string{"LATE_PAID N1 OPEN"}, "100.00"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.night("2026-02-12", []bankfiles.Order{voided}, c.bill)
			s.wantOpen(c.open...)
			wantList(t, "in red", s.posted("2026-02-12", "E17"), []string{"E17 Cr 1122.WX.0212 100.00; Dr 2102 100.00"})
			s.want(map[string]string{"2102": "0.00", "1122": c.owed, "2002.A": "0.00"})
		})
	}
}

// TestCoupon: head office's marketing money pays a part (E11b); the fee is that of
// what the customer paid, and a full refund gives the coupon back.
func TestCoupon(t *testing.T) {
	order := withCoupon(payOrder("N1", "A", "WX", "1000.00", "02-12 10:00:00"), "20.00")
	bill := pay("N1", "980.00", "5.88", "02-12 10:00:00")
	rich := func(t *testing.T) *scene {
		s := newScene(t)
		s.night("2026-02-11", nil, nil, bankLine{"K11", "02-11 09:10:00", "300.00", "示例连锁总部有限公司", "1100999900001111222", "", "自有资金"})
		s.act("E0b", flows.Allocation{Reference: "A1", Marketing: 300_00})
		return s
	}
	t.Run("paid and refunded later", func(t *testing.T) {
		s := rich(t)
		s.night("2026-02-12", []bankfiles.Order{order}, []bankfiles.BillRow{bill})
		s.wantOpen()
		wantList(t, "collected", s.posted("2026-02-12", "E11b"), []string{"E11b Cr 2102 1000.00; Dr 1122.WX.0212 980.00; Dr 2303 20.00"})
		s.want(map[string]string{"2303": "280.00", "2102": "0.00", "2501.WX.0212": "5.88", "2002.A": "924.12", "2002.P": "20.00", "2302.WX.0212": "50.00"})
		s.night("2026-02-13", []bankfiles.Order{refundOf("N1", "R1", "A", "WX", "980.00", "02-13 10:00:00")},
			[]bankfiles.BillRow{refunded("N1", "R1", "980.00", "5.88", "02-13 10:00:00")})
		s.wantOpen()
		s.want(map[string]string{"2303": "300.00", "2002.A": "0.00", "2002.P": "0.00", "2302": "0.00", "2501": "0.00", "2202": "0.00"})
	})
	t.Run("refunded the same day", func(t *testing.T) {
		s := rich(t)
		s.night("2026-02-12", []bankfiles.Order{order, refundOf("N1", "R1", "A", "WX", "980.00", "02-12 12:00:00")},
			[]bankfiles.BillRow{bill, refunded("N1", "R1", "980.00", "5.88", "02-12 12:00:00")})
		s.wantOpen()
		s.want(map[string]string{"2303": "300.00", "2102": "0.00", "1122": "0.00", "2002.A": "0.00"})
	})
	t.Run("refunded in parts", func(t *testing.T) {
		s := rich(t)
		part := func(no, amount, date string) bankfiles.Order { return refundOf("N1", no, "A", "WX", amount, date) }
		// Two before the split, with 20.00 x 100/980 = 2.04 and 17.96 x 1/880 = 0.02 of
		// the coupon; one behind it with 17.94 x 500/879 = 10.20; the last gives the rest.
		s.night("2026-02-12", []bankfiles.Order{order, part("R1", "100.00", "02-12 12:00:00"), part("R2", "1.00", "02-12 13:00:00")},
			[]bankfiles.BillRow{bill, refunded("N1", "R1", "100.00", "0.60", "02-12 12:00:00"), refunded("N1", "R2", "1.00", "0.01", "02-12 13:00:00")})
		s.wantOpen()
		s.want(map[string]string{"2303": "282.06", "2102": "0.00", "1122.WX.0212": "879.00"})
		s.night("2026-02-13", []bankfiles.Order{part("R3", "500.00", "02-13 10:00:00")}, []bankfiles.BillRow{refunded("N1", "R3", "500.00", "3.00", "02-13 10:00:00")})
		s.wantOpen()
		s.want(map[string]string{"2303": "292.26"})
		s.night("2026-02-14", []bankfiles.Order{part("R4", "379.00", "02-14 10:00:00")}, []bankfiles.BillRow{refunded("N1", "R4", "379.00", "2.27", "02-14 10:00:00")})
		s.wantOpen()
		s.want(map[string]string{"2303": "300.00", "2002.A": "0.00", "2002.P": "0.00", "2302": "0.00", "2501": "0.00", "2202": "0.00", "1402": "0.00"})
		s.night("2026-02-15", []bankfiles.Order{part("R5", "0.01", "02-15 10:00:00")}, []bankfiles.BillRow{refunded("N1", "R5", "0.01", "0.00", "02-15 10:00:00")})
		s.wantOpen("REFUND_MISS R5 OPEN")
		s.want(map[string]string{"2303": "300.00", "1402.R5": "0.01"})
	})
	t.Run("in the next day's bill", func(t *testing.T) {
		s := rich(t)
		late := order
		late.Time = at("02-12 23:59:58")
		s.night("2026-02-12", []bankfiles.Order{late}, nil)
		s.wantOpen("DATE N1 IN_POOL")
		s.want(map[string]string{"1402.N1": "980.00", "2102": "1000.00"})
		s.night("2026-02-13", nil, []bankfiles.BillRow{pay("N1", "980.00", "5.88", "02-13 00:00:01")})
		s.wantOpen()
		s.want(map[string]string{"1402": "0.00", "2102": "0.00", "2303": "280.00"})
	})
	t.Run("without money for it", func(t *testing.T) {
		s := newScene(t)
		s.night("2026-02-12", []bankfiles.Order{order}, []bankfiles.BillRow{bill})
		s.wantOpen("COUPON N1#coupon OPEN")
		s.want(map[string]string{"1402.N1#coupon": "20.00", "2002.A": "924.12", "2303": "0.00"})
	})
}
