package lines_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
)

// Seen is a map from a number to the line where it stood first.
func TestSeenIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, got := map[string]int{}, lines.Seen{}
		if n := rapid.IntRange(0, 4000).Draw(t, "reserve"); n > 0 {
			got.Reserve(n)
		}
		for line, n := range rapid.SliceOfN(rapid.IntRange(0, 3000), 0, 5000).Draw(t, "numbers") {
			number := "N" + strconv.Itoa(n)
			first, again := got.Put(number, line+1)
			if before, ok := want[number]; ok != again || ok && first != before {
				t.Fatalf("%s in line %d: got %d %v, want %d %v", number, line+1, first, again, before, ok)
			}
			if !again {
				want[number] = line + 1
			}
		}
		if got.Len() != len(want) {
			t.Fatalf("%d numbers, want %d", got.Len(), len(want))
		}
	})
}

// Time is package time's, for every second of the years that banks write.
func TestTimeIsThatOfPackageTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", rapid.IntRange(1890, 2105).Draw(t, "year"), rapid.IntRange(0, 13).Draw(t, "month"),
			rapid.IntRange(0, 32).Draw(t, "day"), rapid.IntRange(0, 24).Draw(t, "hour"), rapid.IntRange(0, 60).Draw(t, "minute"), rapid.IntRange(0, 60).Draw(t, "second"))
		want, err := time.ParseInLocation(lines.TimeLayout, text, bizdate.Zone)
		got, ok := lines.Time([]byte(text))
		if ok != (err == nil && want.Year() >= 1900) || ok && got != want {
			t.Fatalf("%s: got %v %v, want %v %v", text, got, ok, want, err)
		}
	})
}
