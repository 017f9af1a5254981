package profile

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"custody/internal/bizdate"
)

// The quick way reads what package time reads, or leaves it to that.
func TestPlainDatesAreThoseOfPackageTime(t *testing.T) {
	p := &Profile{Dates: []string{"yyyy-MM-dd HH:mm:ss", "yyyyMMdd HH:mm:ss", "yyyyMMddHHmmss", "yyyyMMdd", "yyyy年MM月dd日", "dd/MM/yyyy"}}
	if bad := p.compileDates(); bad != nil {
		t.Fatal(bad)
	}
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(p.layouts).Draw(t, "layout")
		cell := time.Date(rapid.IntRange(1890, 2110).Draw(t, "year"), 1, 1, 0, 0, 0, 0, bizdate.Zone).Add(time.Duration(rapid.Int64Range(0, 366*86400).Draw(t, "second")) * time.Second).Format(l.go_)
		if rapid.Bool().Draw(t, "spoilt") {
			i := rapid.IntRange(0, len(cell)-1).Draw(t, "at")
			cell = cell[:i] + fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "digit")) + cell[i+1:]
		}
		want, err := time.ParseInLocation(l.go_, cell, bizdate.Zone)
		got, ok := l.plain(cell)
		switch {
		case ok && (err != nil || got.day != bizdate.Of(want) || l.hasTime && !got.time.Equal(want)):
			t.Fatalf("%s as %s: got %+v, want %v %v", cell, l.go_, got, want, err)
		case !ok && err == nil && want.Year() >= 1900:
			t.Fatalf("%s as %s was left", cell, l.go_)
		}
	})
}
