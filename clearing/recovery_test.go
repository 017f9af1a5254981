package clearing_test

import (
	"slices"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/store"
	"custody/subaccounts"
)

// move posts an adjustment of the date, so that a test can say where money lies.
func (s *scene) move(date, ref string, legs ...subaccounts.Leg) {
	s.t.Helper()
	err := s.engine.DB.Tx(s.ctx, func(tx *store.Tx) error {
		if err := s.engine.Book.OpenDay(s.ctx, tx, day(date)); err != nil {
			return err
		}
		_, err := s.engine.Book.Post(s.ctx, tx, "maker1", day(date).At(10, 0),
			subaccounts.Posting{Date: day(date), Event: "E17x", Reference: ref, Source: "approval " + ref, Legs: legs})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func key(code, owner, item string) subaccounts.Key {
	return subaccounts.Key{Code: code, Owner: owner, Item: item}
}

// TestRecoveryOrder: a refund takes 2002 of its own clearing date, the oldest
// 2002, 2001, the deposit 2304 and last head office's reserve 2305; head office's
// part comes from 2302 of the date, other 2302, 2301. A later refund of the same
// order still knows whose part the reserve paid.
func TestRecoveryOrder(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")}, workedLine("K1201"))
	s.move("2026-02-13", "spend", subaccounts.Debit(key("2002", "A", "WX.20260212"), 900_00), subaccounts.Credit(key("2002", "C", "WX.20260212"), 900_00))
	s.move("2026-02-13", "sweep", subaccounts.Debit(key("2302", "", "WX.20260212"), 48_00), subaccounts.Credit(key("2302", "", "FEE"), 48_00))
	s.move("2026-02-13", "fund", subaccounts.Debit(key("2301", "", ""), 998_00), subaccounts.Credit(key("2001", "A", ""), 10_00),
		subaccounts.Credit(key("2304", "A", ""), 5_00), subaccounts.Credit(key("2305", "", ""), 983_00))
	s.move("2026-02-13", "fees", subaccounts.Debit(key("2302", "", "FEE"), 48_00), subaccounts.Credit(key("2302", "", "WX.20260101"), 48_00))
	s.night("2026-02-13", []bankfiles.Order{payOrder("W2", "A", "WX", "100.00", "02-13 10:00:00"), refundOf("W1", "R1", "A", "WX", "200.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{pay("W2", "100.00", "0.60", "02-13 10:00:00"), refunded("W1", "R1", "200.00", "1.20", "02-13 12:00:00")})
	s.wantOpen()
	trace, err := s.engine.Trace(s.ctx, "R1")
	if err != nil || trace.Back == nil {
		t.Fatal(trace, err)
	}
	var sources []string
	for _, m := range trace.Back.Sources {
		sources = append(sources, m.Name+" "+m.Why+" "+m.Amount.String())
	}
	want := []string{"2002.A.WX.20260213 own-date 92.40", "2002.A.WX.20260212 oldest 24.00", "2001.A account 10.00", "2304.A account 5.00", "2305 account 53.40",
		"2002.P.WX.20260213 own-date 2.00", "2002.P.WX.20260212 oldest 2.00",
		"2302.WX.20260213 own-date 5.00", "2302.WX.20260101 oldest 5.00"}
	if !slices.Equal(sources, want) {
		t.Errorf("got  %q\nwant %q", sources, want)
	}
	wantParts := []clearing.RefundPart{{Member: "A", Share: 924_00, Left: 930_00, Back: 184_80}, {Member: "P", Share: 20_00, Left: 20_00, Back: 4_00},
		{Share: 50_00, Left: 50_00, Back: 10_00}}
	if !slices.Equal(trace.Back.Parts, wantParts) {
		t.Errorf("got %+v", trace.Back.Parts)
	}

	s.night("2026-02-14", []bankfiles.Order{payOrder("W3", "A", "WX", "1000.00", "02-14 10:00:00"), refundOf("W1", "R2", "A", "WX", "100.00", "02-14 12:00:00")},
		[]bankfiles.BillRow{pay("W3", "1000.00", "6.00", "02-14 10:00:00"), refunded("W1", "R2", "100.00", "0.60", "02-14 12:00:00")})
	s.wantOpen()
	s.want(map[string]string{"2002.A": "831.60", "2002.P": "36.00", "2305": "929.60"})
	if trace, err = s.engine.Trace(s.ctx, "R2"); err != nil || trace.Back.Earlier != 1 || trace.Back.Parts[0].Left != 744_00 {
		t.Errorf("%+v, %v", trace.Back, err)
	}
	if first, err := s.engine.Trace(s.ctx, "R1"); err != nil || first.Back.Earlier != 0 {
		t.Errorf("a later refund is not an earlier one: %+v, %v", first.Back, err)
	}
}

// TestHeadOfficeRecovery: head office's part of a refund comes from what is left of
// 2302, then its own funds 2301, last its reserve 2305; with all three short
// nothing is taken from anybody.
func TestHeadOfficeRecovery(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00")}, workedLine("K1201"))
	s.move("2026-02-13", "sweep", subaccounts.Debit(key("2302", "", "WX.20260212"), 46_00), subaccounts.Credit(key("2002", "C", "WX.20260212"), 46_00))
	s.move("2026-02-13", "fund", subaccounts.Debit(key("2301", "", ""), 997_00), subaccounts.Credit(key("2305", "", ""), 5_00), subaccounts.Credit(key("2001", "C", ""), 992_00))
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "200.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "200.00", "1.20", "02-13 12:00:00")})
	s.wantOpen()
	trace, err := s.engine.Trace(s.ctx, "R1")
	if err != nil || trace.Back == nil {
		t.Fatal(trace, err)
	}
	var sources []string
	for _, m := range trace.Back.Sources {
		sources = append(sources, m.Name+" "+m.Why+" "+m.Amount.String())
	}
	want := []string{"2002.A.WX.20260212 oldest 184.80", "2002.P.WX.20260212 oldest 4.00", "2302.WX.20260212 oldest 4.00", "2301 account 3.00", "2305 account 3.00"}
	if !slices.Equal(sources, want) {
		t.Errorf("got  %q\nwant %q", sources, want)
	}
	s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "200.00", "02-14 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "200.00", "1.20", "02-14 12:00:00")})
	s.wantOpen("REFUND_MISS R2 OPEN")
	s.want(map[string]string{"1402.R2": "200.00", "2002.A": "739.20", "2305": "2.00"})
}
