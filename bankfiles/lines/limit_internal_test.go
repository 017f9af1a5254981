package lines

import (
	"strings"
	"testing"

	"custody/internal/fault"
)

// The limit of a file is 4 GB; the test sets the count of bytes instead of reading them.
func TestFileLimit(t *testing.T) {
	for before, code := range map[int64]string{MaxFile - 4: "", MaxFile - 3: "lines.size"} {
		r := NewReader("f", strings.NewReader("a\nb\n"))
		r.bytes = before
		for r.Next() {
		}
		if got := fault.CodeOf(r.Err()); got != code {
			t.Errorf("%d bytes before: got %q, want %q", before, got, code)
		}
	}
}
