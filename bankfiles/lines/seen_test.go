package lines_test

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"custody/bankfiles/lines"
)

// Seen is a map from a number to the line where it stood first.
func TestSeenIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, got := map[string]int{}, lines.Seen{}
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
