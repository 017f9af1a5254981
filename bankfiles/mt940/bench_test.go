package mt940_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/mt940"
)

// generated is one statement of n entries with structured texts, as German banks send them.
func generated(n int) []byte {
	var b bytes.Buffer
	b.WriteString(":20:BENCH\r\n:25:62260001\r\n:28C:1/1\r\n:60F:C260212CNY0,00\r\n")
	for i := range n {
		fmt.Fprintf(&b, ":61:2602130213C0,01NTRFSV2602130%07d//B%012d\r\n", i, i)
		fmt.Fprintf(&b, ":86:166?00CREDIT TRANSFER?109301?20EREF+2026021300%09d?21SVWZ+\r\nInvoice 2026 02 77 of the ?22shop at the corner?30BANKDEFF?31DE7\r\n7500105175407324931?32AGENCY FOR LONG NAMES ?33LTD\r\n", i)
	}
	fmt.Fprintf(&b, ":62F:C260213CNY%d,%02d\r\n-\r\n", n/100, n%100)
	return b.Bytes()
}

// nothing is a sink that keeps nothing.
type nothing struct {
	entries int
	ok      bool
}

func (*nothing) Open(*bankfiles.Statement) error         { return nil }
func (n *nothing) Entry(*bankfiles.StatementEntry) error { n.entries++; return nil }
func (n *nothing) Close(st *bankfiles.Statement) error   { n.ok = *st.Balanced; return nil }

// BenchmarkRead sets the whole reader beside a bare loop over the lines of the
// same bytes, which does nothing with what it reads.
func BenchmarkRead(b *testing.B) {
	const entries = 50_000
	file := generated(entries)
	b.Run("mt940.Read", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			sink := &nothing{}
			if err := mt940.Read("x.sta", bytes.NewReader(file), sink); err != nil || sink.entries != entries || !sink.ok {
				b.Fatal(err, sink)
			}
		}
	})
	b.Run("bufio.Scanner", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			lines := 0
			s := bufio.NewScanner(bytes.NewReader(file))
			for s.Scan() {
				lines++
			}
			if s.Err() != nil || lines == 0 {
				b.Fatal(s.Err())
			}
		}
	})
}

// endless gives the same statement's body again and again, without its end.
type endless struct {
	body []byte
	left int64
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.body[e.at:])
	e.at = (e.at + n) % len(e.body)
	e.left -= int64(n)
	return n, nil
}

// TestMemoryDoesNotGrowWithTheFile reads 64 MiB and lets the heap grow by 16 MiB,
// which the collector needs.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	file := generated(1000)
	cut := bytes.Index(file, []byte(":62F:"))
	head := bytes.Index(file, []byte(":61:"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sink := &watch{}
	src := io.MultiReader(bytes.NewReader(file[:head]), &endless{body: file[head:cut], left: 64 << 20})
	if err := mt940.Read("x", src, sink); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(sink.peak) - int64(before.HeapAlloc); grown > 16<<20 || sink.entries < 100_000 {
		t.Errorf("the heap grew by %d bytes over %d entries", grown, sink.entries)
	}
}

// watch keeps the largest heap seen, looking at every 10,000th entry.
type watch struct {
	entries int
	peak    uint64
}

func (*watch) Open(*bankfiles.Statement) error  { return nil }
func (*watch) Close(*bankfiles.Statement) error { return nil }
func (w *watch) Entry(*bankfiles.StatementEntry) error {
	if w.entries++; w.entries%10_000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapAlloc)
	}
	return nil
}
