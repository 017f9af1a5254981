package clearing_test

import (
	"path/filepath"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
)

// TestOneCreditForTwoDates: a credit that is exactly the sum of the oldest
// dates pays both with one voucher.
func TestOneCreditForTwoDates(t *testing.T) {
	s := newScene(t)
	trade := func(date, order, amount, fee string) {
		when := date[5:] + " 10:00:00"
		s.night(date, []bankfiles.Order{payOrder(order, "A", "WX", amount, when)}, []bankfiles.BillRow{pay(order, amount, fee, when)})
	}
	trade("2026-02-10", "N1", "100.00", "0.60")
	trade("2026-02-11", "N2", "200.00", "1.20")
	credit := bankLine{"K12", "02-12 08:00:00", "298.20", "财付通", "", "", "财付通结算"}
	s.report("2026-02-12", credit)
	s.playUntil("2026-02-12", "release", 0)
	wantList(t, "arrived", s.posted("2026-02-12", "E3"), []string{
		"E3 Cr 1122.WX.0210 100.00; Cr 1122.WX.0211 200.00; Dr 1001 298.20; Dr 2501.WX.0210 0.60; Dr 2501.WX.0211 1.20"})
	wantReleases(t, s, "2026-02-12", []string{"WX.0210", "WX.0211"})
	s.rest("2026-02-12")
	s.bank("2026-02-12", credit)
	s.over("2026-02-12", 0)
	s.want(map[string]string{"1122": "0.00", "2501": "0.00"})
}

// TestVanishedCredit: the statement lacks what the intraday report showed. E3 is
// taken back in red, the date is held, and the credit is booked when the
// bank shows it on a later day under the same reference.
func TestVanishedCredit(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("N1", "A", "WX", "100.00", "02-12 10:00:00")}, []bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-12 10:00:00")})
	credit := bankLine{"K13", "02-13 08:00:00", "99.40", "财付通", "", "", "财付通 20260212"}
	s.report("2026-02-13", credit)
	s.playUntil("2026-02-13", "arrival", 0)
	s.want(map[string]string{"1122": "0.00", "1001": "99.40"})
	s.playUntil("2026-02-13", "release", 0)
	s.want(map[string]string{"2001.A": "92.40"})
	s.rest("2026-02-13")
	s.bank("2026-02-13")
	s.over("2026-02-13", 0)
	s.want(map[string]string{"1122.WX.0212": "100.00", "1001": "0.00", "2001.A": "0.00", "2002.A.WX.0212": "92.40"})
	s.wantOpen("IN_TRANSIT K13 OPEN")
	s.rest("2026-02-14")
	s.report("2026-02-14")
	late := credit
	late.booked = "02-14 08:00:00"
	s.bank("2026-02-14", late)
	s.over("2026-02-14", 0)
	s.want(map[string]string{"1122": "0.00", "1001": "99.40"})
	wantList(t, "arrived in the end", s.posted("2026-02-14", "E3"), []string{"E3 Cr 1122.WX.0212 100.00; Dr 1001 99.40; Dr 2501.WX.0212 0.60"})
	s.wantOpen()
}

// TestReportThatNobodyWaitedFor: an intraday report that is imported after the
// arrival step is kept and holds nothing up.
func TestReportThatNobodyWaitedFor(t *testing.T) {
	s := newScene(t)
	s.playUntil("2026-02-12", "arrival", 0) // nothing is on its way: no report is expected
	s.report("2026-02-12", workedLine("K1202"))
	if _, err := s.engine.Import(s.ctx, filepath.Join(s.home, "inbox", "intraday-20260212.xml"), clearing.ImportOptions{Actor: "maker1"}); err != nil {
		t.Fatal(err)
	}
	s.first()
}

// TestDraftsOfYesterday: what the scheduler drew up and no maker submitted, and
// what was approved but never sent, do not go out as they are on the next day.
func TestDraftsOfYesterday(t *testing.T) {
	t.Run("never submitted", func(t *testing.T) {
		s := newScene(t, "  - {name: checker1, roles: [checker]}", "  - {name: checker1, roles: [checker]}\n  - {name: robot, roles: [scheduler]}")
		s.first()
		s.report("2026-02-13", workedLine("K1301"))
		if _, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "robot"}); err == nil {
			t.Fatal("did not wait for a maker")
		}
		s.rest("2026-02-13")
		s.bank("2026-02-13", workedLine("K1301"))
		s.over("2026-02-13", 0)
		s.report("2026-02-14")
		wantWaits(t, s.play("2026-02-14", waiting), "approval PO20260214-01 since 2026-02-14 13:00")
		s.want(map[string]string{"2201": "1227.20"})
	})
	t.Run("approved and not sent", func(t *testing.T) {
		s := newScene(t)
		s.first()
		s.report("2026-02-13", workedLine("K1301"))
		s.play("2026-02-13", waiting)
		s.approve(poFirst)
		s.rest("2026-02-13")
		s.bank("2026-02-13", workedLine("K1301"))
		s.over("2026-02-13", 0)
		s.report("2026-02-14")
		wantWaits(t, s.play("2026-02-14", waiting), "approval PO20260213-01@20260214 since 2026-02-14 13:00")
		s.approve("PO20260213-01@20260214")
		s.play("2026-02-14", waiting)
		s.want(map[string]string{"2201": "1227.20"})
	})
	t.Run("the next day begins first", func(t *testing.T) {
		s := newScene(t)
		s.first()
		s.report("2026-02-13", workedLine("K1301"))
		s.play("2026-02-13", waiting)
		s.report("2026-02-14")
		wantWaits(t, s.play("2026-02-14", waiting), "approval PO20260213-01@20260214 since 2026-02-14 13:00")
	})
}
