package camt_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var bareEntry = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Line" }, cmp.Ignore())

// rewrite gives what was read as a document to write.
func rewrite(r *recorder) camt.Document {
	doc := camt.Document{Kind: r.heads[0].Kind, MessageID: "M", Created: time.Unix(1_770_000_000, 0)}
	for i, h := range r.heads {
		doc.Statements = append(doc.Statements, camt.Content{Head: h, Entries: r.entries[i]})
	}
	return doc
}

// FuzzRead holds that nothing crashes the reader and that what it read and the
// writer takes is read back with the same entries and proof.
func FuzzRead(f *testing.F) {
	quirks, err := os.ReadFile("testdata/quirks-053-02.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(quirks))
	f.Add(xmlOf(bal("OPBD", "1.00") + bal("CLBD", "2.00") + ntry("1", "CRDT", "<RvslInd>1</RvslInd>")))
	for _, kind := range []bankfiles.StatementKind{bankfiles.EndOfDay, bankfiles.Intraday} {
		var b bytes.Buffer
		if err := camt.Write(&b, sample(kind)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		first := &recorder{}
		if err := camt.Read("x.xml", strings.NewReader(text), first); err != nil {
			if fault.Of(err) == nil {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		var file bytes.Buffer
		if err := camt.Write(&file, rewrite(first)); err != nil {
			return // the reader takes more than the writer writes
		}
		second := &recorder{}
		if err := camt.Read("y.xml", &file, second); err != nil {
			t.Fatalf("we refuse what we wrote: %v\n%s", err, file.String())
		}
		if diff := cmp.Diff(first.entries, second.entries, bareEntry, laterBooking); diff != "" {
			t.Fatalf("entries (-first +second):\n%s", diff)
		}
		for i := range first.heads {
			if diff := cmp.Diff(first.heads[i].Balanced, second.heads[i].Balanced); diff != "" {
				t.Fatalf("balanced (-first +second):\n%s", diff)
			}
		}
	})
}

// laterBooking forgives that milliseconds are all that is written of a second.
var laterBooking = cmp.Comparer(func(a, b time.Time) bool {
	return a.Truncate(time.Millisecond).Equal(b.Truncate(time.Millisecond))
})

// word draws a text that fits a field: trimmed, of single spaces.
func word(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09-/<>&\"' 中文é𠮷]")), 0, most, -1).Draw(t, "text")
		return strings.Join(strings.Fields(s), " ")
	})
}

// statementOf draws a statement that balances.
func statementOf(t *rapid.T, kind bankfiles.StatementKind) camt.Content {
	day := bizdate.MustParse("2026-02-13")
	c := camt.Content{Head: bankfiles.Statement{ID: "S" + word(20).Draw(t, "id"), Number: rapid.StringMatching(`[1-9][0-9]{0,17}`).Draw(t, "number"),
		Account: "6" + word(20).Draw(t, "account"), Name: word(140).Draw(t, "name"), Currency: "CNY", From: day, To: day.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))}}
	amount := rapid.Int64Range(-1e12, 1e12)
	sum := amount.Draw(t, "opening")
	c.Head.Opening = ptr(money.FromFen(money.Amount(sum)))
	for i := range rapid.IntRange(0, 5).Draw(t, "entries") {
		e := bankfiles.StatementEntry{BankRef: word(35).Draw(t, "ref"), EntryRef: word(35).Draw(t, "entry"), EndToEndID: word(35).Draw(t, "e2e"),
			BookingDate: day.AddDays(i % 2), ValueDate: day, Amount: money.FromFen(money.Amount(amount.Draw(t, "amount"))),
			Reversal: rapid.Bool().Draw(t, "reversal"), Status: rapid.SampledFrom([]bankfiles.EntryStatus{"BOOK", "PDNG", "INFO"}).Draw(t, "status"),
			Code: word(35).Draw(t, "code"), CounterpartyName: word(140).Draw(t, "other"), CounterpartyAccount: word(34).Draw(t, "other account"),
			Remark: word(140).Draw(t, "remark")}
		if more := word(200).Draw(t, "more"); more != "" && more != e.Remark {
			e.Remark = strings.TrimPrefix(e.Remark+"\n"+more, "\n")
		}
		if rapid.Bool().Draw(t, "timed") {
			e.BookingTime = e.BookingDate.At(rapid.IntRange(0, 23).Draw(t, "hour"), 30)
		}
		if e.Status == bankfiles.Booked {
			sum += e.Amount.Units
		}
		c.Entries = append(c.Entries, e)
	}
	c.Head.Closing = ptr(money.FromFen(money.Amount(sum)))
	return c
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]bankfiles.StatementKind{bankfiles.EndOfDay, bankfiles.Intraday}).Draw(t, "kind")
		doc := camt.Document{Kind: kind, MessageID: "M", Created: time.Unix(1_770_000_000, 0)}
		for range rapid.IntRange(1, 3).Draw(t, "statements") {
			doc.Statements = append(doc.Statements, statementOf(t, kind))
		}
		var file bytes.Buffer
		if err := camt.Write(&file, doc); err != nil {
			t.Fatal(err)
		}
		got := &recorder{}
		if err := camt.Read("x.xml", &file, got); err != nil {
			t.Fatal(err)
		}
		for i, c := range doc.Statements {
			if diff := cmp.Diff(c.Entries, got.entries[i], bareEntry, cmp.Comparer(time.Time.Equal)); diff != "" {
				t.Fatalf("entries (-want +got):\n%s", diff)
			}
			h := got.heads[i]
			if !*h.Balanced || h.ID != c.Head.ID || h.Number != c.Head.Number || h.Account != c.Head.Account || h.Name != c.Head.Name ||
				h.From != c.Head.From || h.To != c.Head.To || *h.Opening != *c.Head.Opening || *h.Closing != *c.Head.Closing {
				t.Fatalf("head %+v, want %+v", h, c.Head)
			}
		}
	})
}

// TestWriteRefuses: nothing is written that Read would not give back.
func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name, code string
		change     func(*camt.Document)
	}{
		{"closing", "camt.write_unbalanced", func(d *camt.Document) { d.Statements[0].Head.Closing = ptr(cny("1.00")) }},
		{"no closing", "camt.write_field", func(d *camt.Document) { d.Statements[0].Head.Closing = nil }},
		{"no account", "camt.write_field", func(d *camt.Document) { d.Statements[0].Head.Account = "" }},
		{"number", "camt.write_field", func(d *camt.Document) { d.Statements[0].Head.Number = "4a" }},
		{"period", "camt.write_field", func(d *camt.Document) { d.Statements[0].Head.To = 20260101 }},
		{"currency", "camt.write_field", func(d *camt.Document) { d.Statements[0].Entries[0].Amount.Currency = "USD" }},
		{"no booking date", "camt.write_field", func(d *camt.Document) { d.Statements[0].Entries[1].BookingDate = 0 }},
		{"two days", "camt.write_field", func(d *camt.Document) { d.Statements[0].Entries[0].BookingDate = 20260214 }},
		{"long reference", "camt.write_long", func(d *camt.Document) { d.Statements[0].Entries[0].BankRef = strings.Repeat("x", 36) }},
		{"long remark", "camt.write_long", func(d *camt.Document) { d.Statements[0].Entries[0].Remark = strings.Repeat("中", 501) }},
		{"control character", "camt.write_character", func(d *camt.Document) { d.Statements[0].Entries[0].Remark = "a\x01" }},
		{"not UTF-8", "camt.write_character", func(d *camt.Document) { d.Statements[0].Entries[0].CounterpartyName = "\xD6\xD0" }},
		{"no statement", "camt.no_statement", func(d *camt.Document) { d.Statements = nil }},
		{"kind", "camt.write_field", func(d *camt.Document) { d.Kind = "" }},
	} {
		doc := sample(bankfiles.EndOfDay)
		test.change(&doc)
		var b bytes.Buffer
		if err := camt.Write(&b, doc); fault.CodeOf(err) != test.code || b.Len() > 0 {
			t.Errorf("%s: %v and %d bytes, want %s", test.name, err, b.Len(), test.code)
		}
	}
	if err := camt.Write(full{}, sample(bankfiles.EndOfDay)); !errors.Is(err, errSink) {
		t.Errorf("full disk: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errSink }
