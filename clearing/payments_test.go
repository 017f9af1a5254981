package clearing_test

import (
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/internal/store"
	"custody/subaccounts"
)

var (
	testBank  = "102100000030"
	corporate = clearing.Payee{Name: "示例连锁总部有限公司", Account: "1100999900001111222", CNAPS: testBank}
	stranger  = clearing.Payee{Name: "李四", Account: "6222000000000099", CNAPS: testBank}
)

// ordered are one payment of every kind that is ordered by others, with the
// account that its money comes from and the legs of its events. Serials follow
// from the order of kinds, after four settlements.
var ordered = []struct {
	order          clearing.PaymentOrder
	from           subaccounts.Key
	serial         string
	paid, returned string
}{
	{clearing.PaymentOrder{Kind: payout.Court, Owner: "COURT", Reference: "COURT-1", Payee: stranger, Amount: 6000},
		subaccounts.Key{Code: "2003", Owner: "A", Item: "DOC1"}, "20260213010005",
		"E12c Cr 1001 60.00; Dr 2201.COURT 60.00", "E5e Cr 2003.A.DOC1 60.00; Dr 2203.COURT 60.00"},
	{clearing.PaymentOrder{Kind: payout.HeadOffice, Owner: "HQ", Reference: "HQ-1", Payee: corporate, Amount: 3900, Fee: 100},
		subaccounts.Key{Code: "2301"}, "20260213010006",
		"E8c Cr 1001 39.00; Cr 2502 1.00; Dr 2201.HQ 40.00", "E5e Cr 2301 39.00; Dr 2203.HQ 39.00"},
	{clearing.PaymentOrder{Kind: payout.Micro, Owner: "A", Reference: "MICRO-X", Payee: stranger, Amount: 37},
		subaccounts.Key{Code: "2306"}, "20260213010007",
		"E15 Cr 1001 0.37; Dr 2306 0.37", "E5e Cr 2306 0.37; Dr 2203.A 0.37"},
	{clearing.PaymentOrder{Kind: payout.RefundByHand, Owner: "REFUND", Reference: "REF-1", Payee: stranger, Amount: 4000},
		subaccounts.Key{Code: "2401", Item: "K1202"}, "20260213010008",
		"E22d Cr 1001 40.00; Dr 2201.REFUND 40.00", "E5e Cr 2401 40.00; Dr 2203.REFUND 40.00"},
	{clearing.PaymentOrder{Kind: payout.ReturnToPayer, Owner: "UNK", Reference: "BACK-1", Payee: stranger, Amount: 26000},
		subaccounts.Key{Code: "2401", Item: "K1202"}, "20260213010009",
		"E9e Cr 1001 260.00; Dr 2201.UNK 260.00", "E5e Cr 2401 260.00; Dr 2203.UNK 260.00"},
}

// ready plays on to 02-13 11:30, when 2001 has money, and funds 2003.A and 2306.
func (s *scene) ready() {
	s.t.Helper()
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.playUntil("2026-02-13", "release", 0)
	s.do(func(tx *store.Tx) error {
		_, err := s.engine.Book.Post(s.ctx, tx, "maker1", day("2026-02-13").At(12, 0),
			subaccounts.Posting{Date: day("2026-02-13"), Event: "E12", Reference: "F1", Source: "test", Legs: []subaccounts.Leg{
				subaccounts.Debit(subaccounts.Key{Code: "2001", Owner: "A"}, 6000), subaccounts.Credit(subaccounts.Key{Code: "2003", Owner: "A", Item: "DOC1"}, 6000)}},
			subaccounts.Posting{Date: day("2026-02-13"), Event: "E0b", Reference: "V1", Source: "test", Legs: []subaccounts.Leg{
				subaccounts.Debit(subaccounts.Key{Code: "2301"}, 1000), subaccounts.Credit(subaccounts.Key{Code: "2306"}, 1000)}})
		return err
	})
}

func (s *scene) do(fn func(*store.Tx) error) {
	s.t.Helper()
	if err := s.engine.DB.Tx(s.ctx, fn); err != nil {
		s.t.Fatal(err)
	}
}

// orderAll orders a payment of every kind and closes the case of the unknown
// receipt, all of which is on its way now.
func (s *scene) orderAll() {
	s.t.Helper()
	for _, o := range ordered {
		if err := s.engine.OrderPayment(s.ctx, o.order, o.from); err != nil {
			s.t.Fatalf("%s: %v", o.order.Reference, err)
		}
	}
	x := s.exception(exceptions.UnknownPayer, "K1202")
	s.do(func(tx *store.Tx) error {
		return exceptions.Move(s.ctx, tx, s.engine.Book.ID(), x.ID, exceptions.Closed, day("2026-02-13"))
	})
	s.want(map[string]string{"2401": "0.00", "2201.HQ": "40.00", "2201.COURT": "60.00", "2306": "10.00"})
}

// sendAll plays on to 02-13 13:30 with everything in the first batch.
func (s *scene) sendAll() {
	s.t.Helper()
	s.play("2026-02-13", waiting)
	s.approve(poFirst)
	s.play("2026-02-13", waiting)
}

// TestKindsPaid: every kind goes out in one file and posts the event of its own.
func TestKindsPaid(t *testing.T) {
	s := newScene(t)
	s.ready()
	s.orderAll()
	s.sendAll()
	for _, o := range ordered {
		if p := s.payout(o.serial); p.Kind != o.order.Kind || p.State != payout.Sent {
			t.Errorf("%s is %s, %s", o.serial, p.Kind, p.State)
		}
	}
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	for _, o := range ordered {
		event, _, _ := strings.Cut(o.paid, " ")
		wantList(t, o.order.Reference, s.posted("2026-02-13", event), []string{o.paid})
	}
	s.want(map[string]string{"2201": "0.00", "2401": "0.00", "2306": "9.63", "2502": "1.00", "2003": "0.00"})
	s.wantOpen()
	r, err := s.engine.CorporateReport(s.ctx, day("2026-02-12"), day("2026-02-13"))
	if err != nil || !r.OK() {
		t.Errorf("corporate report: %v %+v", err, r)
	}
}

// TestKindsRefused: what never left stands again where it was, and money in
// suspense is somebody's work again.
func TestKindsRefused(t *testing.T) {
	s := newScene(t)
	s.ready()
	s.orderAll()
	s.sendAll()
	failed := map[string]bankfiles.ResultStatus{}
	var serials []string
	for _, o := range ordered {
		failed[o.serial] = "F"
		serials = append(serials, o.serial)
	}
	s.answer(poFirst, failed)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serials...)...)...)
	s.play("2026-02-13", 0)
	s.want(map[string]string{"2201": "0.00", "2401.K1202": "300.00", "2306": "10.00", "2301": "990.00", "2003.A.DOC1": "60.00"})
	if n := len(s.posted("2026-02-13", "E17")); n != 4 {
		t.Errorf("%d reversals, want 4: the micro-payment had stayed in 2306", n)
	}
	if got := s.open(); slices.Contains(got, "UNKNOWN_PAYER K1202 OPEN") == false {
		t.Errorf("nobody minds K1202: %v", got)
	}
}

// TestKindsReturned: what left and came back waits in 2203 for two people, who
// give it back to where it was before.
func TestKindsReturned(t *testing.T) {
	s := newScene(t)
	s.ready()
	s.orderAll()
	s.sendAll()
	s.answer(poFirst, nil)
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00")...)...)
	s.play("2026-02-13", 0)
	var back []bankLine
	for _, o := range ordered {
		back = append(back, bankLine{"R" + o.serial, "02-14 09:00:00", o.order.Amount.String(), o.order.Payee.Name, "", "", "退汇 " + o.serial})
	}
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", back...)
	s.play("2026-02-14", 0)
	for _, o := range ordered {
		s.handle(o.serial, clearing.Handling{Template: "credit-return"})
	}
	got := s.posted("2026-02-15", "E5e")
	for _, o := range ordered {
		if !slices.Contains(got, o.returned) {
			t.Errorf("%s: %q is not among %q", o.order.Reference, o.returned, got)
		}
	}
	s.want(map[string]string{"2203": "0.00", "2401.K1202": "300.00", "2306": "10.00", "2003.A.DOC1": "60.00"})
	s.quietDay("2026-02-15")
	s.wantOpen("UNKNOWN_PAYER K1202 OPEN")
}

// TestKindsRejected: a checker's no takes every order back in red.
func TestKindsRejected(t *testing.T) {
	s := newScene(t)
	s.ready()
	s.orderAll()
	s.play("2026-02-13", waiting)
	if _, err := s.engine.Reject(s.ctx, "checker1", poFirst, "wrong"); err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"2201": "0.00", "2401.K1202": "300.00", "2301": "990.00", "2003.A.DOC1": "60.00"})
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
}

// TestDraftOrdersAreKept: a batch that nobody submitted is dropped, its orders go
// with the next one; R6 ties 2201 in between.
func TestDraftOrdersAreKept(t *testing.T) {
	s := newScene(t, "users:\n", "users:\n  - {name: night, roles: [scheduler, operator]}\n")
	s.ready()
	s.orderAll()
	_, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "night"})
	wantCode(t, err, "day.waits")
	if p := s.payout("20260213010006"); p.State != payout.Draft {
		t.Fatalf("the batch is not a draft: %s", p.State)
	}
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
	s.report("2026-02-14")
	s.play("2026-02-14", waiting)
	list, err := s.engine.Payouts(s.ctx, "PO20260214-01")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, p := range list {
		if p.Request != "" {
			asked++
		}
	}
	if asked != len(ordered) {
		t.Errorf("%d orders in the batch of 02-14, want %d", asked, len(ordered))
	}
}

// TestOrderRefused: what may not be ordered changes nothing.
func TestOrderRefused(t *testing.T) {
	s := newScene(t)
	s.ready()
	good := ordered[4].order
	for name, c := range map[string]struct {
		change func(*clearing.PaymentOrder)
		code   string
	}{
		"money not set aside":      {func(*clearing.PaymentOrder) {}, "payment.approval"},
		"a settlement":             {func(o *clearing.PaymentOrder) { o.Kind = payout.Settlement }, "payment.kind"},
		"to the corporate account": {func(o *clearing.PaymentOrder) { o.Payee = corporate }, "payment.corporate"},
		"written otherwise":        {func(o *clearing.PaymentOrder) { o.Payee.Account = "1100 9999-0000 1111 222" }, "payment.corporate"},
		"head office elsewhere": {func(o *clearing.PaymentOrder) { o.Kind, o.Owner = payout.HeadOffice, "HQ" },
			"payment.not-corporate"},
		"another's owner":       {func(o *clearing.PaymentOrder) { o.Owner = "A" }, "payment.owner"},
		"a fee for nobody":      {func(o *clearing.PaymentOrder) { o.Fee = 1 }, "payment.amount"},
		"nothing":               {func(o *clearing.PaymentOrder) { o.Amount = 0 }, "payment.amount"},
		"no bank number":        {func(o *clearing.PaymentOrder) { o.Payee.CNAPS = "" }, "payment.bank"},
		"a serial as reference": {func(o *clearing.PaymentOrder) { o.Reference = "20260213010001" }, "payment.reference"},
		"no one is paid":        {func(o *clearing.PaymentOrder) { o.Payee.Name = "" }, "payment.payee"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			wantCode(t, s.engine.OrderOnly(s.ctx, o), c.code)
		})
	}
	if list, err := s.engine.PaymentOrders(s.ctx, ""); err != nil || len(list) != 0 {
		t.Errorf("orders are left: %v %v", err, list)
	}
	for range 2 { // the same once more is a no-op
		if err := s.engine.OrderPayment(s.ctx, ordered[2].order, ordered[2].from); err != nil {
			t.Fatal(err)
		}
	}
	other := ordered[2].order
	other.Amount++
	wantCode(t, s.engine.OrderOnly(s.ctx, other), "payment.conflict")
}
