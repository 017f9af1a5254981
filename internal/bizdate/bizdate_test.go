package bizdate_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"custody/internal/bizdate"
)

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", "2026", "2026-2-1", "2026-02-30", "20260230", "2026-13-01", "20261301", "2026/02/12",
		"26-02-12", "2026-02-12 ", " 20260212", "2026-02-12T00:00:00Z", "202602120", "00000000",
		"0000-00-00", "1899-12-31", "18991231", "2025-02-29", "２０２６０２１２", "2026-0212", "+2026021",
	} {
		if d, err := bizdate.Parse(s); err == nil {
			t.Errorf("%q: got %s, want an error", s, d)
		}
	}
}

func TestNewRefusesDaysThatDoNotExist(t *testing.T) {
	for _, c := range [][3]int{{2026, 2, 29}, {2026, 4, 31}, {2026, 13, 1}, {2026, 1, 0}, {0, 0, 0}} {
		if d := bizdate.New(c[0], time.Month(c[1]), c[2]); !d.IsZero() {
			t.Errorf("%v: got %s", c, d)
		}
	}
	if d := bizdate.New(2024, 2, 29); d.String() != "2024-02-29" || d.Compact() != "20240229" {
		t.Errorf("leap day: got %s and %s", d, d.Compact())
	}
}

// TestOfIsTheDayInChina: the books' midnight is 16:00 UTC.
func TestOfIsTheDayInChina(t *testing.T) {
	for _, c := range []struct{ moment, want string }{
		{"2026-02-12T15:59:59Z", "2026-02-12"},
		{"2026-02-12T16:00:00Z", "2026-02-13"},
		{"2026-02-12T23:59:59+08:00", "2026-02-12"},
		{"2026-12-31T16:00:00Z", "2027-01-01"},
		{"2026-02-12T23:00:00-05:00", "2026-02-13"},
	} {
		moment, err := time.Parse(time.RFC3339, c.moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := bizdate.Of(moment).String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.moment, got, c.want)
		}
	}
}

func TestAt(t *testing.T) {
	d := bizdate.MustParse("2026-02-28")
	if got := d.At(23, 30).Format(time.RFC3339); got != "2026-02-28T23:30:00+08:00" {
		t.Errorf("23:30: got %s", got)
	}
	if got := d.At(24, 0); !got.Equal(bizdate.MustParse("2026-03-01").At(0, 0)) {
		t.Errorf("24:00: got %s", got)
	}
}

func days() *rapid.Generator[bizdate.Date] {
	return rapid.Map(rapid.IntRange(0, 365*150), bizdate.New(1900, 1, 1).AddDays)
}

// TestDaysAgreeWithTime counts with time.Time, in another way than the package.
func TestDaysAgreeWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := days().Draw(t, "day"), rapid.IntRange(-40_000, 40_000).Draw(t, "n")
		noon := d.At(12, 0)
		later := d.AddDays(n)
		if want := noon.Add(time.Duration(n) * 24 * time.Hour); later != bizdate.Of(want) {
			t.Fatalf("%s + %d: got %s, want %s", d, n, later, bizdate.Of(want))
		}
		if got := d.DaysUntil(later); got != n {
			t.Fatalf("from %s to %s: got %d, want %d", d, later, got, n)
		}
		if d.Weekday() != noon.Weekday() || d.Year() != noon.Year() {
			t.Fatalf("%s: got %s of %d", d, d.Weekday(), d.Year())
		}
		if (n > 0) != (later > d) {
			t.Fatalf("%s and %s do not sort", d, later)
		}
	})
}

func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.OneOf(days(), rapid.Just(bizdate.Date(0))).Draw(t, "day")
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		fromText, fromStore := bizdate.Date(1), bizdate.Date(1)
		if err := json.Unmarshal(text, &fromText); err != nil || fromText != d {
			t.Fatalf("%s: from JSON %s, %v", d, fromText, err)
		}
		if err := fromStore.Scan(stored); err != nil || fromStore != d {
			t.Fatalf("%s: from the store %s, %v", d, fromStore, err)
		}
		if d.IsZero() {
			return
		}
		for _, s := range []string{d.String(), d.Compact()} {
			if got, err := bizdate.Parse(s); err != nil || got != d {
				t.Fatalf("%s: got %s, %v", s, got, err)
			}
		}
	})
}

func TestScan(t *testing.T) {
	d := bizdate.MustParse("2026-02-12")
	if err := d.Scan(nil); err != nil || !d.IsZero() {
		t.Errorf("NULL: got %s, %v", d, err)
	}
	for _, bad := range []any{"2026-02-12", 1.5, int64(20260230), int64(-1), int64(1) << 40} {
		if err := d.Scan(bad); err == nil {
			t.Errorf("%v: got %s, want an error", bad, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2026-02-12")
	f.Add("20260212")
	f.Add("2026-2-12")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := bizdate.Parse(s)
		if err == nil && d.String() != s && d.Compact() != s {
			t.Errorf("%q is read as %s", s, d)
		}
	})
}
