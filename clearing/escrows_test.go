package clearing_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
)

// escrowConfig pays nobody out, so that the days need no bank's answer.
var escrowConfig = []string{`minimum: "0.01"`, `minimum: "100000.00"`, "intraday: true", "intraday: false"}

func held(order, channel, amount, when string) bankfiles.Order {
	return bankfiles.Order{Kind: bankfiles.Pay, Escrow: true, OrderNo: order, Member: "A", Channel: channel, Amount: yuan(amount), Time: at(when)}
}

func heldBack(order, refund, channel, amount, when string) bankfiles.Order {
	o := held(order, channel, amount, when)
	o.Kind, o.RefundNo = bankfiles.Refund, refund
	return o
}

// escrowScene plays 02-12 with escrow orders of 300.00, 120.00 and 100.00 beside
// an ordinary one of 1,000.00.
func escrowScene(t *testing.T, dsn string) *scene {
	s := newSceneAt(t, dsn, escrowConfig...)
	s.bank("2026-02-12", workedLine("K1201"))
	s.dropOrders("2026-02-12", held("S1", "ALI", "300.00", "02-12 10:00:00"), held("S2", "ALI", "120.00", "02-12 10:01:00"),
		held("S3", "WX", "100.00", "02-12 10:02:00"), workedOrders["2026-02-12"][0])
	s.bill("ALI", "2026-02-12", pay("S1", "300.00", "1.80", "02-12 10:00:00"), pay("S2", "120.00", "0.72", "02-12 10:01:00"))
	s.bill("WX", "2026-02-12", pay("S3", "100.00", "0.60", "02-12 10:02:00"), pay("W1", "1000.00", "6.00", "02-12 10:05:00"))
	s.play("2026-02-12", 0)
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) escrow(orderNo, state string) escrow.Order {
	s.t.Helper()
	o, err := s.engine.Escrow(s.ctx, orderNo)
	if err != nil || string(o.State) != state {
		s.t.Fatalf("%s is %s, want %s (%v)", orderNo, o.State, state, err)
	}
	return o
}

// TestEscrowNights: what an order file brings for escrow orders is held, goes to
// the merchant by the buyer's word, the timer's or a verdict's, or back through
// the channel's bill; every day closes and the books re-derive.
func TestEscrowNights(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s := escrowScene(t, dsn)
		e := s.engine
		wantList(t, "dated 02-12", s.posted("2026-02-12", "E6a", "E1", "E2"), []string{
			"E1 Cr 2102 1000.00; Dr 1122.WX.0212 1000.00", // WX first, by the time of trade
			"E6a Cr 2101.A.S3 100.00; Dr 1122.WX.0212 100.00",
			"E6a Cr 2101.A.S1 300.00; Dr 1122.ALI.0212 300.00",
			"E6a Cr 2101.A.S2 120.00; Dr 1122.ALI.0212 120.00",
			"E2 Cr 2002.A.WX.0212 924.00; Cr 2002.P.WX.0212 20.00; Cr 2302.WX.0212 50.00; Cr 2501.WX.0212 6.00; Dr 2102 1000.00",
		})
		s.want(map[string]string{"2101.A": "520.00", "2102": "0.00"})

		s.must(e.ShipEscrow(s.ctx, "maker1", "S1", "SF1", 0))
		if o := s.escrow("S1", "SHIPPED"); o.AutoDate != day("2026-02-23") {
			t.Errorf("S1 confirms itself on %s, want 02-23", o.AutoDate)
		}
		s.must(e.ShipEscrow(s.ctx, "maker1", "S3", "SF3", 1))
		s.must(e.RefundEscrow(s.ctx, "maker1", "S2", "RS2"))
		s.want(map[string]string{"2101.A": "400.00", "2202.ALI.RS2": "120.00"})
		s.bank("2026-02-13", bankLine{"K1", "02-13 08:40:00", "1093.40", "财付通", "", "", "财付通 20260212"},
			bankLine{"K2", "02-13 10:30:00", "417.48", "支付宝", "", "", "支付宝 20260212"})
		s.dropOrders("2026-02-13", heldBack("S2", "RS2", "ALI", "120.00", "02-13 12:00:00"))
		s.bill("ALI", "2026-02-13", refunded("S2", "RS2", "120.00", "0.72", "02-13 12:00:00"))
		s.bill("WX", "2026-02-13")
		s.play("2026-02-13", 0)
		s.escrow("S2", "REFUNDED")
		wantList(t, "dated 02-13", s.posted("2026-02-13", "E6d", "E6d2", "E14g", "E14c"), []string{
			"E6d Cr 2202.ALI 120.00; Dr 2101.A.S2 120.00",
			"E6d2 Cr 1122.ALI.0213 120.00; Dr 2202.ALI 120.00",
			"E14g Cr 2501.ALI.0212 0.72; Dr 2501.ALI.0213 0.72"})

		// The buyer of S1 objects: two people give him 30.00 of it.
		s.must(e.DisputeEscrow(s.ctx, "maker1", "S1"))
		_, err := e.ResolveEscrow(s.ctx, "maker1", escrow.Verdict{OrderNo: "S3", Reason: "r"})
		wantCode(t, err, "escrow.no_dispute")
		id, err := e.ResolveEscrow(s.ctx, "maker1", escrow.Verdict{OrderNo: "S1", Refund: 30_00, RefundNo: "RS1", Reason: "破损"})
		s.must(err)
		_, err = e.Approve(s.ctx, "maker1", id)
		wantCode(t, err, "people.denied")
		s.approve(id)
		s.escrow("S1", "PART_REFUND")
		s.bank("2026-02-14")
		s.dropOrders("2026-02-14", heldBack("S1", "RS1", "ALI", "30.00", "02-14 12:00:00"))
		s.bill("ALI", "2026-02-14", refunded("S1", "RS1", "30.00", "0.18", "02-14 12:00:00"))
		s.bill("WX", "2026-02-14")
		s.play("2026-02-14", 0)
		s.escrow("S1", "SETTLED")
		s.escrow("S3", "AUTO_CONFIRMED")
		wantList(t, "dated 02-14", s.posted("2026-02-14", "E6c", "E6e", "E6f", "E14g", "E7a"), []string{ // the refund is in E6e: no E7a takes it again
			"E6e Cr 2002.A.ALI.0212 249.48; Cr 2002.P.ALI.0212 5.40; Cr 2202.ALI 30.00; Cr 2302.ALI.0212 13.50; Cr 2501.ALI.0212 1.62; Dr 2101.A.S1 300.00",
			"E6f Cr 1122.ALI.0214 30.00; Dr 2202.ALI 30.00",
			"E14g Cr 2501.ALI.0212 0.18; Dr 2501.ALI.0214 0.18",
			"E6c Cr 2002.A.WX.0212 92.40; Cr 2002.P.WX.0212 2.00; Cr 2302.WX.0212 5.00; Cr 2501.WX.0212 0.60; Dr 2101.A.S3 100.00"})
		s.want(map[string]string{"2101.A": "0.00", "2202.ALI": "0.00", "2501.ALI.20260212": "0.00", "2501.WX": "0.00"})
		for d := day("2026-02-15"); d <= day("2026-02-24"); d = d.AddDays(1) {
			s.quietDay(d.String())
		}
		s.escrow("S3", "SETTLED")
		s.escrow("S1", "SETTLED")
	})
}

// TestEscrowToldToTheBank: what an escrow order changes in sub-accounts leaves as
// an instruction, that of the timer on the next day, or the bank's list of
// balances would differ ever after.
func TestEscrowToldToTheBank(t *testing.T) {
	s := escrowScene(t, pgtest.Where(t))
	e := s.engine
	s.must(e.ShipEscrow(s.ctx, "maker1", "S1", "SF1", 0))
	s.must(e.ConfirmEscrow(s.ctx, "maker1", "S1"))
	s.must(e.ShipEscrow(s.ctx, "maker1", "S3", "SF3", 1))
	s.must(e.RefundEscrow(s.ctx, "maker1", "S2", "RS2")) // through the channel: no member's
	wantList(t, "on 02-13", s.instructionFiles(), []string{"SI20260213-A0001.txt"})
	s.wantInstruction("SI20260213-A0001.txt", "CREDIT A 277.20 E6c:S1/1", "CREDIT P 6.00 E6c:S1/2")
	s.quietBank("2026-02-13", bankLine{"K1", "02-13 08:40:00", "1093.40", "财付通", "", "", "财付通 20260212"})
	s.quietDay("2026-02-14") // S3's timer runs out in its night
	s.escrow("S3", "AUTO_CONFIRMED")
	s.playUntil("2026-02-15", "arrival", waiting)
	wantList(t, "after 02-14", s.instructionFiles(), []string{"SI20260213-A0001.txt", "SI20260215-A0001.txt"})
	s.wantInstruction("SI20260215-A0001.txt", "CREDIT A 92.40 E6c:S3/1", "CREDIT P 2.00 E6c:S3/2")
}

func (s *scene) wantInstruction(name string, want ...string) {
	s.t.Helper()
	f, err := payfile.ReadInstruct(name, bytes.NewReader(s.instructionBytes(name)))
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, it := range f.Items {
		got = append(got, fmt.Sprintf("%s %s %s %s", it.Kind, it.Member, it.Amount, it.Reference))
	}
	wantList(s.t, name, got, want)
}

// TestEscrowBalance: a member pays an order out of its balance (E21), and the
// merchant's share is withdrawable at once (E21b).
func TestEscrowBalance(t *testing.T) {
	s := escrowScene(t, pgtest.Where(t))
	e := s.engine
	s.must(e.OpenEscrow(s.ctx, "maker1", "B1", "B", 60_00))
	wantCode(t, e.OpenEscrow(s.ctx, "maker1", "W1", "B", 60_00), "escrow.number")
	wantCode(t, e.OpenEscrow(s.ctx, "maker1", "B2", "P", 60_00), "member.unknown")
	wantCode(t, e.PayEscrow(s.ctx, "maker1", "B1", "A"), "ledger.overdrawn")
	s.quietBank("2026-02-13", bankLine{"K1", "02-13 08:40:00", "1093.40", "财付通", "", "", "财付通 20260212"})
	s.playUntil("2026-02-14", "release", 0)
	s.must(e.PayEscrow(s.ctx, "maker1", "B1", "A"))
	s.must(e.ShipEscrow(s.ctx, "maker1", "B1", "SF", 5))
	s.want(map[string]string{"2101.B": "60.00", "2001.A": "864.00"})
	s.must(e.ConfirmEscrow(s.ctx, "maker1", "B1"))
	s.want(map[string]string{"2101.B": "0.00", "2001.B": "55.80", "2001.P": "21.20"})
	s.escrow("B1", "SETTLED")
}

// TestEscrowPaidLate: a payment that comes for an order that is closed, or of
// another amount, is a surplus with an exception and is split to nobody; the
// channel's refund takes it back and closes the case.
func TestEscrowPaidLate(t *testing.T) {
	s := newSceneAt(t, pgtest.Where(t), escrowConfig...)
	s.first()
	s.must(s.engine.OpenEscrow(s.ctx, "maker1", "S1", "A", 300_00))
	s.must(s.engine.CloseEscrow(s.ctx, "maker1", "S1"))
	s.must(s.engine.OpenEscrow(s.ctx, "maker1", "S2", "A", 100_00))
	s.bank("2026-02-13", workedLine("K1301"))
	s.dropOrders("2026-02-13", held("S1", "WX", "300.00", "02-13 10:00:00"), held("S2", "WX", "90.00", "02-13 10:00:00"))
	s.bill("WX", "2026-02-13", pay("S1", "300.00", "1.80", "02-13 10:00:00"), pay("S2", "90.00", "0.54", "02-13 10:00:00"))
	s.bill("ALI", "2026-02-13")
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2402": "390.00", "2101.A": "0.00"})
	s.escrow("S1", "CLOSED")
	s.escrow("S2", "WAIT_PAY")
	s.bank("2026-02-14")
	s.dropOrders("2026-02-14", heldBack("S1", "R1", "WX", "300.00", "02-14 10:00:00"))
	s.bill("WX", "2026-02-14", refunded("S1", "R1", "300.00", "1.80", "02-14 10:00:00"))
	s.bill("ALI", "2026-02-14")
	s.play("2026-02-14", 0)
	s.want(map[string]string{"2402": "90.00", "2202.WX": "0.00"})
	list, err := s.engine.Exceptions(s.ctx, 0)
	s.must(err)
	for _, x := range list {
		if x.Kind == exceptions.PlatformMiss && x.Subject == "S1" && x.ClosedDate == nil {
			t.Error("the case of S1 is still open")
		}
	}
}

// TestEscrowMissing: an order that the channel's bill lacks can be neither
// confirmed nor refunded; voided by two people it is closed.
func TestEscrowMissing(t *testing.T) {
	s := newSceneAt(t, pgtest.Where(t), escrowConfig...)
	s.bank("2026-02-12", workedLine("K1201"))
	s.dropOrders("2026-02-12", held("S1", "ALI", "300.00", "02-12 10:00:00"), held("S2", "ALI", "50.00", "02-12 11:00:00"))
	s.bill("ALI", "2026-02-12")
	s.bill("WX", "2026-02-12")
	s.play("2026-02-12", 0)
	s.want(map[string]string{"2101.A": "350.00", "1402": "350.00"})
	wantCode(t, s.engine.RefundEscrow(s.ctx, "maker1", "S1", "R"), "escrow.not_in_bill")
	s.must(s.engine.ShipEscrow(s.ctx, "maker1", "S2", "SF", 1))
	wantCode(t, s.engine.ConfirmEscrow(s.ctx, "maker1", "S2"), "escrow.not_in_bill")
	s.handle("S1", clearing.Handling{Template: "void"})
	s.escrow("S1", "CLOSED")

	// The bill of the next day has S2: it confirms itself under that bill's date.
	s.bank("2026-02-13")
	s.dropOrders("2026-02-13")
	s.bill("ALI", "2026-02-13", pay("S2", "50.00", "0.30", "02-13 00:00:01"))
	s.bill("WX", "2026-02-13")
	s.play("2026-02-13", 0)
	s.quietDay("2026-02-14")
	s.escrow("S2", "AUTO_CONFIRMED")
	s.want(map[string]string{"2101.A": "0.00", "1402": "0.00", "2002.A.ALI.20260213": "46.20", "2501.ALI.20260213": "0.30"})
}

// TestEscrowFailedRefund: a refund that cannot go back waits in suspense (E22b)
// with an exception once the channel has paid, and the customer is paid by hand.
func TestEscrowFailedRefund(t *testing.T) {
	s := escrowScene(t, pgtest.Where(t))
	s.must(s.engine.RefundEscrow(s.ctx, "maker1", "S2", "RS2"))
	wantCode(t, s.engine.FailEscrowRefund(s.ctx, "maker1", "S2", "原卡已销户"), "action.coverage") // the bank has nothing of it yet
	s.want(map[string]string{"2401": "0.00", "2202.ALI.RS2": "120.00"})
	s.quietBank("2026-02-13", bankLine{"K2", "02-13 10:30:00", "417.48", "支付宝", "", "", "支付宝 20260212"})
	s.must(s.engine.FailEscrowRefund(s.ctx, "maker1", "S2", "原卡已销户"))
	s.want(map[string]string{"2401.RS2": "120.00", "2202.ALI": "0.00"})
	s.escrow("S2", "REFUNDED")
	if x := s.exception(exceptions.Fee, "S2"); x.Amount != 72 { // which the channel keeps and no order bears
		t.Errorf("%+v", x)
	}
	s.quietDay("2026-02-14")
	wantCode(t, s.engine.FailEscrowRefund(s.ctx, "maker1", "S2", "again"), "state.illegal")
	s.decided("E22c", flows.SuspensePayout{Serial: "H1", Item: "RS2", Payee: "REFUND", Amount: 120_00,
		To: flows.Payee{Name: "王五", Account: "6222999900000008", Bank: "示例银行", CNAPS: "102100000030"}})
	s.want(map[string]string{"2401": "0.00", "2201.REFUND.H1": "120.00"})
	s.quietDay("2026-02-15")
}

// shippedAndRefunded plays 02-13, whose bill lists a refund of S1 while its goods
// are on their way: a shortage that a person has.
func shippedAndRefunded(t *testing.T, before func(*scene)) *scene {
	s := escrowScene(t, pgtest.Where(t))
	s.must(s.engine.ShipEscrow(s.ctx, "maker1", "S1", "SF1", 0))
	s.must(s.engine.DisputeEscrow(s.ctx, "maker1", "S1"))
	before(s)
	s.bank("2026-02-13", bankLine{"K1", "02-13 08:40:00", "1093.40", "财付通", "", "", "财付通 20260212"},
		bankLine{"K2", "02-13 10:30:00", "417.48", "支付宝", "", "", "支付宝 20260212"})
	s.dropOrders("2026-02-13", heldBack("S1", "RS1", "ALI", "300.00", "02-13 12:00:00"))
	s.bill("ALI", "2026-02-13", refunded("S1", "RS1", "300.00", "1.80", "02-13 12:00:00"))
	s.bill("WX", "2026-02-13")
	s.over("2026-02-13", 0)
	s.want(map[string]string{"1402.RS1": "300.00"})
	return s
}

func (s *scene) verdict(v escrow.Verdict) {
	s.t.Helper()
	id, err := s.engine.ResolveEscrow(s.ctx, "maker1", v)
	s.must(err)
	s.approve(id)
}

// TestEscrowListedFirst: a bill that listed the refund before the verdict, by its
// moment or by its clearing date, does not list it again: the next night finds it.
func TestEscrowListedFirst(t *testing.T) {
	forBuyer := escrow.Verdict{OrderNo: "S1", Refund: 300_00, RefundNo: "RS1", Reason: "破损"}
	ends := func(s *scene) {
		s.t.Helper()
		s.want(map[string]string{"2202.ALI.RS1": "300.00"})
		s.quietDay("2026-02-14")
		s.escrow("S1", "REFUNDED")
		s.want(map[string]string{"2202": "0.00", "1402": "0.00", "1122.ALI.20260213": "-300.00", "2501.ALI.20260213": "-1.80", "2501.ALI.20260212": "-0.72"}) // until the channel nets it; the fee of S2, which is held
		wantList(s.t, "dated 02-14", s.posted("2026-02-14", "E14d", "E6d2", "E14g"), []string{
			"E14d Cr 1402.RS1 300.00; Dr 1122.ALI.0213 300.00",
			"E6d2 Cr 1122.ALI.0213 300.00; Dr 2202.ALI 300.00",
			"E14g Cr 2501.ALI.0212 1.80; Dr 2501.ALI.0213 1.80"})
		s.quietDay("2026-02-15")
	}
	t.Run("the bill was there", func(t *testing.T) {
		s := shippedAndRefunded(t, func(*scene) {})
		s.verdict(forBuyer)
		ends(s)
	})
	t.Run("the verdict is of a later day", func(t *testing.T) {
		s := shippedAndRefunded(t, func(s *scene) {
			s.playUntil("2026-02-14", "arrival", 0)
			s.verdict(forBuyer)
		})
		ends(s)
	})
	t.Run("two people wrote it off", func(t *testing.T) {
		s := shippedAndRefunded(t, func(s *scene) { s.act("E0b", flows.Allocation{Reference: "A1", Reserve: 600_00}) })
		s.handle("RS1", clearing.Handling{Template: "write-off"})
		_, err := s.engine.ResolveEscrow(s.ctx, "maker1", forBuyer)
		wantCode(t, err, "escrow.refund_decided")
	})
}

// TestEscrowOneWinner: people and the timer work on the same orders at the same
// time, each call with its own transaction, in drawn interleavings: every
// order's money leaves 2101 exactly once, and whoever is late is state.illegal.
func TestEscrowOneWinner(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s := escrowScene(t, dsn)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			no := fmt.Sprintf("Q%d", n)
			s.must(s.engine.OpenEscrow(s.ctx, "maker1", no, "A", 1_00))
			s.exec("INSERT INTO orders (custody_id, file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time, escrow) "+
				"VALUES (?, 0, ?, 'PAY', ?, '', 'A', 'ALI', 100, 0, 1)", s.engine.Book.ID(), n, no)
			s.exec("INSERT INTO trade_matches (custody_id, bill_file_id, bill_row_no, order_file_id, order_row_no, accounting_date, rule) "+
				"SELECT custody_id, file_id, ?, 0, ?, business_date, 'number' FROM files WHERE kind = 'bill' AND source = 'ALI'", 1000+n, n)
			s.must(s.payThrough(no, "ALI", day("2026-02-12")))
			calls := map[string]func() error{
				"ship":    func() error { return s.engine.ShipEscrow(s.ctx, "maker1", no, "SF", 3) },
				"refund":  func() error { return s.engine.RefundEscrow(s.ctx, "maker1", no, "R"+no) },
				"confirm": func() error { return s.engine.ConfirmEscrow(s.ctx, "maker1", no) },
			}
			names := rapid.SliceOfN(rapid.SampledFrom([]string{"ship", "refund", "confirm"}), 2, 5).Draw(rt, "calls")
			errs := make([]error, len(names))
			var all sync.WaitGroup
			for i, name := range names {
				all.Go(func() { errs[i] = calls[name]() })
			}
			all.Wait()
			ends := 0
			for i, err := range errs {
				switch {
				case err == nil && names[i] != "ship":
					ends++
				case err != nil && fault.CodeOf(err) != "state.illegal":
					rt.Fatalf("%s: %v", names[i], err)
				}
			}
			order, err := s.engine.Escrow(s.ctx, no)
			if err != nil || ends > 1 || (ends == 1) != !order.EndedDate.IsZero() {
				rt.Fatalf("%d ends of %s, which is %s (%v)", ends, no, order.State, err)
			}
			standing := money.Amount(1_00)
			if ends == 1 {
				standing = 0
			}
			s.want(map[string]string{order.Held().String(): standing.String()})
		})
	})
}

// newSceneAt is newScene in a database.
func newSceneAt(t *testing.T, dsn string, changes ...string) *scene {
	t.Helper()
	return &scene{workedBooks: newBooksAt(t, strings.NewReplacer(changes...).Replace(workedConfig), dsn), balance: money.FromFen(0)}
}

// quietBank plays a day without trades whose statement has these lines.
func (s *scene) quietBank(date string, lines ...bankLine) {
	s.t.Helper()
	s.bank(date, lines...)
	s.rest(date)
	s.play(date, 0)
}

// payThrough books a payment through a channel beside the night.
func (s *scene) payThrough(orderNo, channel string, clearing bizdate.Date) error {
	return s.engine.DB.Tx(s.ctx, func(tx *store.Tx) error {
		j := flows.Journal{Book: s.engine.Book, Tx: tx, Date: day("2026-02-13"), Actor: "tester", At: day("2026-02-13").At(9, 0), Source: "test"}
		return escrow.At(j).Pay(s.ctx, orderNo, channel, clearing)
	})
}
