package clearing_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/store"
)

// workedLine returns a line of the worked days by its reference.
func workedLine(ref string) bankLine {
	for _, l := range workedLines {
		if l.ref == ref {
			return l
		}
	}
	panic(ref)
}

func workedLinesOf(refs ...string) []bankLine {
	var list []bankLine
	for _, ref := range refs {
		list = append(list, workedLine(ref))
	}
	return list
}

// first plays 02-12 of the worked days to its close.
func (s *scene) first() {
	s.t.Helper()
	s.bank("2026-02-12", workedLinesOf("K1201", "K1202")...)
	s.orders("2026-02-12")
	s.bills("2026-02-12")
	s.play("2026-02-12", 0)
}

func (s *scene) quietDay(date string) {
	s.t.Helper()
	s.bank(date)
	s.dropOrders(date)
	s.bill("WX", date)
	s.bill("ALI", date)
	s.play(date, 0)
}

// TestWithoutIntradayReport: E3 keeps its dates but is posted by the night, so
// release slips to the next working day.
func TestWithoutIntradayReport(t *testing.T) {
	s := newScene(t, "intraday: true", "intraday: false")
	s.first()
	s.bank("2026-02-13", workedLine("K1301"))
	s.orders("2026-02-13")
	s.bills("2026-02-13")
	s.play("2026-02-13", 0)
	wantList(t, "dated 02-13", s.posted("2026-02-13", "E3", "E4"), []string{
		"E3 Cr 1122.WX.0212 1300.00; Dr 1001 1292.20; Dr 2501.WX.0212 7.80"})
	s.play("2026-02-14", waiting)
	s.approve("PO20260214-01")
	s.play("2026-02-14", waiting)
	s.answer("PO20260214-01", nil)
	s.bank("2026-02-14", append(workedLinesOf("K1402", "K1403", "K1404"), s.debits("PO20260214-01", "02-14 13:31:00")...)...)
	s.orders("2026-02-14")
	s.bills("2026-02-14")
	s.play("2026-02-14", 0)
	wantList(t, "dated 02-14", s.posted("2026-02-14", "E3", "E4"), []string{
		"E4 Cr 2001.A 924.00; Cr 2001.B 184.80; Cr 2001.C 92.40; Cr 2001.P 26.00; Dr 2002.A.WX.0212 924.00; Dr 2002.B.WX.0212 184.80; Dr 2002.C.WX.0212 92.40; Dr 2002.P.WX.0212 26.00",
		"E3 Cr 1122.WX.0213 700.00; Dr 1001 695.80; Dr 2501.WX.0213 4.20",
		"E3 Cr 1122.ALI.0212 500.00; Dr 1001 497.00; Dr 2501.ALI.0212 3.00",
		"E3 Cr 1122.ALI.0213 200.00; Dr 1001 198.80; Dr 2501.ALI.0213 1.20"})
	for d := day("2026-02-15"); d < day("2026-02-24"); d = d.AddDays(1) {
		if d == day("2026-02-15") {
			s.bank("2026-02-15", workedLine("K1502"))
			s.orders("2026-02-15")
			s.bills("2026-02-15")
			s.play("2026-02-15", 0)
			continue
		}
		s.quietDay(d.String())
	}
	wantList(t, "dated 02-15", s.posted("2026-02-15"), []string{"E3 Cr 1122.WX.0214 100.00; Dr 1001 99.40; Dr 2501.WX.0214 0.60"})
	for date, released := range map[string][]string{"2026-02-24": {"WX.0213", "WX.0214", "ALI.0212", "ALI.0213"}, "2026-02-25": {"ALI.0214"}} {
		if date == "2026-02-25" {
			continue
		}
		s.play(date, waiting)
		wantReleases(t, s, date, released)
	}
	s.approve("PO20260224-01")
	s.play("2026-02-24", waiting)
	s.answer("PO20260224-01", nil)
	s.bank("2026-02-24", append(workedLinesOf("K2401"), s.debits("PO20260224-01", "02-24 13:31:00")...)...)
	s.dropOrders("2026-02-24")
	s.bill("WX", "2026-02-24")
	s.bill("ALI", "2026-02-24")
	s.play("2026-02-24", 0)
	s.play("2026-02-25", waiting)
	wantReleases(t, s, "2026-02-25", []string{"ALI.0214"})
}

// wantReleases checks which channel days a date released, in order.
func wantReleases(t *testing.T, s *scene, date string, want []string) {
	t.Helper()
	var got []string
	for _, v := range s.posted(date, "E4") {
		_, item, _ := strings.Cut(v, "Dr 2002.")
		item, _, _ = strings.Cut(item, " ")
		got = append(got, item[strings.Index(item, ".")+1:])
	}
	wantList(t, "released on "+date, got, want)
}

// thirteenth plays the day phase of 02-13 as it was worked.
func (s *scene) thirteenth() {
	s.t.Helper()
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	s.approve("PO20260213-01")
	s.play("2026-02-13", waiting)
	s.result("PO20260213-01", "2026-02-13")
}

// TestStatementLate: 02-13 stays open for its statement, 02-14 goes on without
// what that statement alone can prove.
func TestStatementLate(t *testing.T) {
	s := newScene(t)
	s.thirteenth()
	s.orders("2026-02-13")
	s.bills("2026-02-13")
	s.rebind("B")
	view := s.play("2026-02-13", waiting)
	wantWaits(t, view, "file statement 2026-02-13 since 2026-02-14 08:00")
	if view.State != string(clearing.DayReconciling) {
		t.Errorf("02-13 is %s", view.State)
	}
	if got := s.posted("2026-02-13", "E5c"); len(got) != 0 {
		t.Errorf("given back without a statement: %s", got)
	}
	if got := s.posted("2026-02-13", "E2", "E7a"); len(got) != 4 {
		t.Errorf("bills and splits need no statement: %s", got)
	}
	s.report("2026-02-14", workedLinesOf("K1401", "K1402", "K1403", "K1404")...)
	s.handle("W6", clearing.Handling{Template: "adopt", Member: "B"})
	s.play("2026-02-14", waiting)
	wantReleases(t, s, "2026-02-14", []string{"WX.0213", "ALI.0212", "ALI.0213"})
	wantList(t, "payouts of 02-14", s.posted("2026-02-14", "E5a"), []string{
		"E5a Cr 2201.A 554.40; Dr 2001.A 554.40", "E5a Cr 2201.B 462.00; Dr 2001.B 462.00", "E5a Cr 2201.P 22.00; Dr 2001.P 22.00"})
	s.bank("2026-02-13", workedLinesOf("K1301", "K1302", "K1303")...)
	s.play("2026-02-13", 0)
	wantList(t, "given back", s.posted("2026-02-13", "E5c"), []string{"E5c Cr 2001.B 184.80; Dr 2201.B 184.80"})
	if n := len(s.posted("2026-02-13")); n != 21 {
		t.Errorf("%d vouchers dated 02-13, want 21", n)
	}
	s.approve("PO20260214-01")
	s.play("2026-02-14", waiting)
	s.answer("PO20260214-01", nil)
	s.bank("2026-02-14", append(workedLinesOf("K1401", "K1402", "K1403", "K1404"), s.debits("PO20260214-01", "02-14 13:31:00")...)...)
	s.orders("2026-02-14")
	s.bills("2026-02-14")
	s.play("2026-02-14", 0)
	s.want(map[string]string{"2001.B": "184.80", "2201": "0.00", "1402": "50.00"})
}

// TestBillLate: without WeChat's bill of 02-13 the Alipay scope goes on.
func TestBillLate(t *testing.T) {
	s := newScene(t)
	s.thirteenth()
	s.bank("2026-02-13", workedLinesOf("K1301", "K1302", "K1303")...)
	s.orders("2026-02-13")
	s.bill("ALI", "2026-02-13", workedBills["ALI 2026-02-13"]...)
	s.rebind("B")
	view := s.play("2026-02-13", waiting)
	wantWaits(t, view, "file bill WX 2026-02-13 since 2026-02-14 10:00")
	wantList(t, "split", s.posted("2026-02-13", "E2"), []string{
		"E2 Cr 2002.A.ALI.0213 184.80; Cr 2002.P.ALI.0213 4.00; Cr 2302.ALI.0213 10.00; Cr 2501.ALI.0213 1.20; Dr 2102 200.00"})
	s.report("2026-02-14", workedLinesOf("K1401", "K1402", "K1403", "K1404")...)
	s.play("2026-02-14", waiting)
	wantList(t, "arrived on 02-14", s.posted("2026-02-14", "E3"), []string{
		"E3 Cr 1122.ALI.0212 500.00; Dr 1001 497.00; Dr 2501.ALI.0212 3.00",
		"E3 Cr 1122.ALI.0213 200.00; Dr 1001 198.80; Dr 2501.ALI.0213 1.20"})
	wantReleases(t, s, "2026-02-14", []string{"ALI.0212", "ALI.0213"})
	s.approve("PO20260214-01")
	s.play("2026-02-14", waiting)

	s.bill("WX", "2026-02-13", workedBills["WX 2026-02-13"]...) // 15:00
	s.play("2026-02-13", 0)
	s.answer("PO20260214-01", nil)
	s.bank("2026-02-14", append(workedLinesOf("K1401", "K1402", "K1403", "K1404"), s.debits("PO20260214-01", "02-14 13:31:00")...)...)
	s.orders("2026-02-14")
	s.bills("2026-02-14")
	s.play("2026-02-14", 0)
	wantList(t, "arrived on 02-14 in the end", s.posted("2026-02-14", "E3"), []string{
		"E3 Cr 1122.ALI.0212 500.00; Dr 1001 497.00; Dr 2501.ALI.0212 3.00",
		"E3 Cr 1122.ALI.0213 200.00; Dr 1001 198.80; Dr 2501.ALI.0213 1.20",
		"E3 Cr 1122.WX.0213 700.00; Dr 1001 695.80; Dr 2501.WX.0213 4.20"})
	s.bank("2026-02-15", workedLine("K1502"))
	s.orders("2026-02-15")
	s.bills("2026-02-15")
	s.play("2026-02-15", 0)
	for d := day("2026-02-16"); d < day("2026-02-24"); d = d.AddDays(1) {
		s.quietDay(d.String())
	}
	s.report("2026-02-24", workedLine("K2401"))
	s.play("2026-02-24", waiting)
	wantReleases(t, s, "2026-02-24", []string{"WX.0213", "WX.0214", "ALI.0214"})
}

// TestCheckerAway: the batch expires, the day closes with it listed, and on
// the next working day it goes out under the same serials.
func TestCheckerAway(t *testing.T) {
	for _, how := range []string{"the clock is past the cut", "a later day has begun"} {
		t.Run(how, func(t *testing.T) {
			s := newScene(t)
			s.first()
			s.report("2026-02-13", workedLine("K1301"))
			wantWaits(t, s.play("2026-02-13", waiting), "approval PO20260213-01 since 2026-02-13 13:00")
			s.bank("2026-02-13", workedLine("K1301"))
			s.orders("2026-02-13")
			s.bills("2026-02-13")
			s.report("2026-02-14", workedLinesOf("K1402", "K1403", "K1404")...)
			if how == "a later day has begun" {
				s.playUntil("2026-02-14", "arrival", 0)
				s.play("2026-02-13", 0)
			} else {
				s.over("2026-02-13", 0)
			}
			if _, err := s.engine.Approve(s.ctx, "checker1", "PO20260213-01"); err == nil {
				t.Error("an expired batch was approved")
			}
			view := s.play("2026-02-14", waiting)
			wantWaits(t, view, "approval PO20260213-01@20260214 since 2026-02-14 13:00", "approval PO20260214-01 since 2026-02-14 13:00")
			s.approve("PO20260213-01@20260214")
			s.approve("PO20260214-01")
			s.play("2026-02-14", waiting)
			raw, err := os.ReadFile(filepath.Join(s.home, "outbox", "PO20260213-01.txt"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(raw), "H|PAYOUT|PO20260213-01|20260214|4|122320|maker1|checker1\n") {
				t.Errorf("header: %.80s", raw)
			}
			for _, serial := range []string{"20260213010001", "20260213010002", "20260213010003", "20260213010004"} {
				if !strings.Contains(string(raw), "|"+serial+"|") {
					t.Errorf("serial %s is not in the file", serial)
				}
			}
			s.answer("PO20260213-01", nil)
			s.answer("PO20260214-01", nil)
			paid := append(s.debits("PO20260213-01", "02-14 13:31:00"), s.debits("PO20260214-01", "02-14 13:31:00")...)
			s.bank("2026-02-14", append(workedLinesOf("K1402", "K1403", "K1404"), paid...)...)
			s.orders("2026-02-14")
			s.bills("2026-02-14")
			s.play("2026-02-14", 0)
			s.want(map[string]string{"2201": "0.00"})
			s.read(func(tx *store.Tx) error {
				flying, err := payout.OnTheWay(s.ctx, tx, s.engine.Book.ID(), day("2026-02-13"))
				var sum int64
				for _, p := range flying {
					sum += int64(p.Amount)
				}
				if sum != 122720 {
					t.Errorf("2201 at the cut of 02-13: %d fen, want 122720", sum)
				}
				return err
			})
			view, err = s.engine.Day(s.ctx, day("2026-02-13"))
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(view.Checks, func(c clearing.CheckView) bool { return c.ID == "R6" })
			if n := len(view.Checks[i].Detail); !view.Checks[i].OK || n != 4 {
				t.Errorf("R6 lists %d: %+v", n, view.Checks[i])
			}
		})
	}
}

var _ = bankfiles.Pay
