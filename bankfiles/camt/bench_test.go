package camt_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/camt"
)

// generated is a statement of n entries that balances.
func generated(tb testing.TB, n int) []byte {
	tb.Helper()
	doc := sample(bankfiles.EndOfDay)
	c := &doc.Statements[0]
	credit := c.Entries[0]
	c.Entries = c.Entries[:0]
	for i := range n {
		e := credit
		e.BankRef = fmt.Sprintf("K%09d", i)
		e.EndToEndID = fmt.Sprintf("20260213%06d", i)
		c.Entries = append(c.Entries, e)
	}
	c.Head.Closing = ptr(*c.Head.Opening)
	c.Head.Closing.Units += int64(n) * credit.Amount.Units
	var b bytes.Buffer
	if err := camt.Write(&b, doc); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// nothing is a sink that keeps nothing.
type nothing struct{ entries int }

func (*nothing) Open(*bankfiles.Statement) error { return nil }
func (n *nothing) Entry(*bankfiles.StatementEntry) error {
	n.entries++
	return nil
}
func (*nothing) Close(*bankfiles.Statement) error { return nil }

// BenchmarkRead sets the whole reader beside a bare token loop of encoding/xml
// over the same bytes, which does nothing with what it reads.
func BenchmarkRead(b *testing.B) {
	const entries = 20_000
	file := generated(b, entries)
	b.Run("camt.Read", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			sink := &nothing{}
			if err := camt.Read("x.xml", bytes.NewReader(file), sink); err != nil || sink.entries != entries {
				b.Fatal(err, sink.entries)
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			d := xml.NewDecoder(bytes.NewReader(file))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
