package clearing_test

import "testing"

// TestChannelsOwnDays: over the Spring Festival a channel that pays on every day is
// late after three of them, one that pays on working days is not.
func TestChannelsOwnDays(t *testing.T) {
	s := newScene(t)
	s.report("2026-02-14")
	s.dropOrders("2026-02-14", payOrder("N1", "A", "WX", "100.00", "02-14 10:00:00"), payOrder("N2", "A", "ALI", "50.00", "02-14 10:00:00"))
	s.bill("WX", "2026-02-14", pay("N1", "100.00", "0.60", "02-14 10:00:00"))
	s.bill("ALI", "2026-02-14", pay("N2", "50.00", "0.30", "02-14 10:00:00"))
	s.bank("2026-02-14")
	s.over("2026-02-14", 0)
	for _, date := range []string{"2026-02-15", "2026-02-16", "2026-02-17"} {
		s.quietBank(date)
		s.wantOpen()
	}
	s.quietBank("2026-02-18")
	s.wantOpen("IN_TRANSIT 1122.WX.20260214 OPEN")
	for _, date := range []string{"2026-02-19", "2026-02-20", "2026-02-21", "2026-02-22", "2026-02-23"} {
		s.quietBank(date)
	}
	s.wantOpen("IN_TRANSIT 1122.WX.20260214 OPEN")
}
