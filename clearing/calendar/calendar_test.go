package calendar_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"custody/clearing/calendar"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

var day = bizdate.MustParse

func load(t *testing.T) *calendar.Calendar {
	t.Helper()
	c, err := calendar.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestUnknownYearIsNeverGuessed(t *testing.T) {
	c := load(t)
	calls := map[string]func() error{
		"IsWorkingDay 2027":           func() error { _, err := c.IsWorkingDay(day("2027-01-05")); return err },
		"IsWorkingDay none":           func() error { _, err := c.IsWorkingDay(0); return err },
		"NextWorkingDay into 2027":    func() error { _, err := c.NextWorkingDay(day("2026-12-31")); return err },
		"AddWorkingDays into 2027":    func() error { _, err := c.AddWorkingDays(day("2026-12-25"), 10); return err },
		"AddWorkingDays through 2025": func() error { _, err := c.AddWorkingDays(day("2025-12-30"), 2); return err },
		"AddWorkingDays of none":      func() error { _, err := c.AddWorkingDays(0, 0); return err },
		"Between into 2027":           func() error { _, err := c.WorkingDaysBetween(day("2026-12-30"), day("2027-01-04")); return err },
		"Due into 2027":               func() error { _, err := c.Due(day("2026-12-31"), 1, calendar.Working); return err },
	}
	for name, call := range calls {
		if got := fault.CodeOf(call()); got != "calendar.year" {
			t.Errorf("%s: got %q, want calendar.year", name, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	c := load(t)
	for _, test := range []struct {
		name, want string
		call       func() error
	}{
		{"negative count", "calendar.count", func() error { _, err := c.AddWorkingDays(day("2026-02-12"), -1); return err }},
		{"huge count", "calendar.count", func() error { _, err := c.Due(day("2026-02-12"), 367, calendar.Natural); return err }},
		{"backwards", "calendar.order", func() error { _, err := c.WorkingDaysBetween(day("2026-02-12"), day("2026-02-11")); return err }},
		{"no such mode", "calendar.mode", func() error { _, err := c.Due(day("2026-02-12"), 1, "W"); return err }},
	} {
		if got := fault.CodeOf(test.call()); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// The notice of 2025-11-04 for 2026: every weekend day that is worked and every
// weekday that is off. All other days follow their weekday.
func Test2026(t *testing.T) {
	worked := []string{"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"}
	off := []string{
		"2026-01-01", "2026-01-02",
		"2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23",
		"2026-04-06",
		"2026-05-01", "2026-05-04", "2026-05-05",
		"2026-06-19",
		"2026-09-25",
		"2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07",
	}
	c := load(t)
	total := 0
	for d := day("2026-01-01"); d <= day("2026-12-31"); d = d.AddDays(1) {
		want := d.Weekday() != 0 && d.Weekday() != 6
		if slices.Contains(worked, d.String()) {
			want = true
		}
		if slices.Contains(off, d.String()) {
			want = false
		}
		got, err := c.IsWorkingDay(d)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", d, got, err, want)
		}
		if got {
			total++
		}
	}
	// 261 weekdays, 19 of them off, 6 weekend days worked.
	if total != 248 {
		t.Errorf("2026 has %d working days, want 248", total)
	}
}

func TestDue(t *testing.T) {
	c := load(t)
	for _, test := range []struct {
		clearing string
		n        int
		mode     calendar.Mode
		want     string
	}{
		{"2026-02-12", 1, calendar.Working, "2026-02-13"},
		{"2026-02-13", 1, calendar.Working, "2026-02-14"}, // a Saturday that is worked
		{"2026-02-14", 1, calendar.Working, "2026-02-24"}, // over Spring Festival
		{"2026-02-18", 1, calendar.Working, "2026-02-24"}, // from a holiday
		{"2026-02-18", 3, calendar.Working, "2026-02-26"},
		{"2026-02-27", 1, calendar.Working, "2026-02-28"}, // a Saturday that is worked
		{"2026-09-18", 1, calendar.Working, "2026-09-20"}, // over Saturday to a worked Sunday
		{"2026-02-14", 0, calendar.Working, "2026-02-14"},
		{"2026-02-14", 1, calendar.Natural, "2026-02-15"},
		{"2026-12-31", 1, calendar.Natural, "2027-01-01"}, // natural days need no notice
		{"2025-12-31", 1, calendar.Working, "2026-01-04"}, // a worked Sunday; 2025 itself is not asked for
	} {
		got, err := c.Due(day(test.clearing), test.n, test.mode)
		if err != nil || got.String() != test.want {
			t.Errorf("%s %s+%d: got %s, %v, want %s", test.clearing, test.mode, test.n, got, err, test.want)
		}
	}
}

func TestWorkingDaysBetween(t *testing.T) {
	c := load(t)
	for _, test := range []struct {
		from, to string
		want     int
	}{
		{"2026-02-12", "2026-02-12", 0},
		{"2026-02-12", "2026-02-13", 1},
		{"2026-02-13", "2026-02-14", 1},
		{"2026-02-14", "2026-02-23", 0},
		{"2026-02-14", "2026-02-24", 1},
		{"2026-02-12", "2026-03-02", 8}, // 13 14 24 25 26 27 28, and 2 March
	} {
		got, err := c.WorkingDaysBetween(day(test.from), day(test.to))
		if err != nil || got != test.want {
			t.Errorf("%s to %s: got %d, %v, want %d", test.from, test.to, got, err, test.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "calendar.header"},
		{"other header", "day,kind,name\n", "calendar.header"},
		{"no such day", "date,kind,name\n2026-02-30,off,x\n", "calendar.date"},
		{"no such kind", "date,kind,name\n2026-02-14,Work,x\n", "calendar.kind"},
		{"twice", "date,kind,name\n2026-02-14,work,x\n20260214,off,y\n", "calendar.twice"},
		{"too few fields", "date,kind,name\n2026-02-14,work\n", "calendar.csv"},
		{"name without end", "date,kind,name\n2026-02-14,work,\"x\n", "calendar.csv"},
		{"long name", "date,kind,name\n2026-02-14,work," + strings.Repeat("春", 61) + "\n", "calendar.name"},
		{"GBK", "date,kind,name\n2026-02-14,work,\xb4\xba\xbd\xda\n", "calendar.encoding"},
		{"too big", "date,kind,name\n" + strings.Repeat("\n", 1<<20), "calendar.size"},
	} {
		_, err := calendar.Parse("own.csv", strings.NewReader(test.file))
		if got := fault.CodeOf(err); got != test.want {
			t.Errorf("%s: got %q (%v), want %q", test.name, got, err, test.want)
		}
	}
}

func TestParseNamesEveryBadLine(t *testing.T) {
	_, err := calendar.Parse("own.csv", strings.NewReader(
		"date,kind,name\n2026-02-30,off,x\n2026-03-02,off,x\n2026-03-03,maybe,x\n"))
	var list fault.List
	if !errors.As(err, &list) || len(list) != 2 {
		t.Fatalf("got %v, want two faults", err)
	}
	if list[0].Line != 2 || list[1].Line != 4 || list[1].Field != "kind" || list[1].Value != "maybe" || list[1].File != "own.csv" {
		t.Errorf("places are wrong: %v", err)
	}
}

func TestWithOverridesDays(t *testing.T) {
	base := load(t)
	days, err := calendar.Parse("own.csv", strings.NewReader("\ufeffdate,kind,name\r\n2026-02-14,off,本行休息\r\n2026-03-07,work,本行上班\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := base.With(days)
	if err != nil {
		t.Fatal(err)
	}
	if due, err := own.Due(day("2026-02-13"), 1, calendar.Working); err != nil || due != day("2026-02-24") {
		t.Errorf("overridden: got %s, %v", due, err)
	}
	if works, err := own.IsWorkingDay(day("2026-03-07")); err != nil || !works {
		t.Errorf("2026-03-07: got %v, %v", works, err)
	}
	if due, err := base.Due(day("2026-02-13"), 1, calendar.Working); err != nil || due != day("2026-02-14") {
		t.Errorf("the calendar below changed: %s, %v", due, err)
	}
}

func TestWithNewYear(t *testing.T) {
	notice := func(from bizdate.Date, n int) []calendar.Day {
		var days []calendar.Day
		for i := range n {
			days = append(days, calendar.Day{Date: from.AddDays(i), Kind: calendar.Off})
		}
		return days
	}
	c := load(t)
	for name, days := range map[string][]calendar.Day{
		"one day":                notice(day("2027-10-01"), 1),
		"12 off-days":            notice(day("2027-01-01"), 12),
		"without New Year's":     notice(day("2027-01-02"), 20),
		"second year is partial": append(notice(day("2027-01-01"), 13), notice(day("2028-01-01"), 2)...),
	} {
		if _, err := c.With(days); fault.CodeOf(err) != "calendar.partial" {
			t.Errorf("%s: got %v, want calendar.partial", name, err)
		}
	}
	next, err := c.With(notice(day("2027-01-01"), 13))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := next.NextWorkingDay(day("2026-12-31")); err != nil || d != day("2027-01-14") {
		t.Errorf("got %s, %v", d, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("date,kind,name\n2026-02-14,work,春节\n20260215,off,\"a,\"\"b\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		days, err := calendar.Parse("f.csv", strings.NewReader(file))
		if err != nil {
			if fault.Of(err) == nil {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := calendar.Write(&out, days); err != nil {
			t.Fatal(err)
		}
		again, err := calendar.Parse("g.csv", &out)
		if err != nil || !slices.Equal(days, again) {
			t.Fatalf("round trip: %v, %v, %v", days, again, err)
		}
	})
}
