package bai2_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/bai2"
)

// again gives the same text over and over, until nothing is left.
type again struct {
	text     string
	at, left int
}

func (a *again) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, a.text[a.at:])
	if a.at += n; a.at == len(a.text) {
		a.at = 0
		a.left--
	}
	return n, nil
}

// watch keeps the largest heap seen, looking at every 10,000th entry.
type watch struct {
	nothing
	entries int
	peak    uint64
}

func (w *watch) Entry(*bankfiles.StatementEntry) error {
	if w.entries++; w.entries%10_000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapAlloc)
	}
	return nil
}

// TestMemoryDoesNotGrowWithTheFile reads 400,000 entries and lets the heap grow
// by 16 MiB, which the collector needs.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 400,000 entries")
	}
	const entries = 400_000
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sink := &watch{}
	src := io.MultiReader(strings.NewReader("01,B,C,260213,,1,,,2/\n02,C,B,1,260212,,USD,2/\n03,1,USD/\n"),
		&again{text: "16,165,100,0,B000000077,C000000077,INVOICE 77 OF THE SHOP AT THE CORNER/\n", left: entries}, strings.NewReader("49,,/\n98,,,/\n99,,,/\n"))
	if err := bai2.Read("x.bai", src, sink); err != nil {
		t.Fatal(err)
	}
	if grown := int64(sink.peak) - int64(before.HeapAlloc); grown > 16<<20 || sink.entries != entries {
		t.Errorf("the heap grew by %d bytes over %d entries", grown, sink.entries)
	}
}
