package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing"
	"custody/internal/bizdate"
)

func day(n int) bizdate.Date { return bizdate.New(2026, 2, n) }

func sealed(n int) knownDay { return knownDay{day(n), string(clearing.DaySealed)} }
func open(n int) knownDay   { return knownDay{day(n), string(clearing.DayReconciling)} }

func TestDueDays(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []knownDay // newest first, as the books return them
		today bizdate.Date
		want  []bizdate.Date
	}{
		{"empty books begin today", nil, day(12), []bizdate.Date{day(12)}},
		{"everything closed, today still to begin", []knownDay{sealed(11), sealed(10)}, day(12), []bizdate.Date{day(12)}},
		{"today itself closed", []knownDay{sealed(12)}, day(12), nil},
		{"oldest first", []knownDay{open(12), open(11), sealed(10)}, day(12), []bizdate.Date{day(11), day(12)}},
		{"a machine that was off for days", []knownDay{open(9)}, day(12), []bizdate.Date{day(9), day(10), day(11), day(12)}},
		{"a clock that was set back plays no day of the future", []knownDay{sealed(14)}, day(12), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, dueDays(c.known, c.today)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDueReplayed(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []knownDay
		inbox []string
		want  []bizdate.Date
	}{
		{"nothing came", nil, nil, nil},
		{"only other files came", nil, []string{"bill-WX-20260212.csv", "orders-20260212.csv.part", "orders-2026.csv", "orders-20260232.csv"}, nil},
		{"the first of several", nil, []string{"orders-20260213.csv", "orders-20260212.csv"}, []bizdate.Date{day(12)}},
		{"an open day goes before a new one", []knownDay{open(12)}, []string{"orders-20260213.csv"}, []bizdate.Date{day(12)}},
		{"the next", []knownDay{sealed(12)}, []string{"orders-20260213.csv", "orders-20260214.csv"}, []bizdate.Date{day(13)}},
		{"a file of a closed day opens nothing", []knownDay{sealed(12)}, []string{"orders-20260212.csv"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, dueReplayed(c.known, c.inbox)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlays(t *testing.T) {
	for _, c := range []struct {
		mode         clearing.ClockMode
		replay, want bool
	}{
		{clearing.Live, false, true}, {clearing.Live, true, true}, {clearing.Replay, false, false}, {clearing.Replay, true, true},
	} {
		if got := plays(c.mode, c.replay); got != c.want {
			t.Errorf("%s, --replay %v: got %v", c.mode, c.replay, got)
		}
	}
}
