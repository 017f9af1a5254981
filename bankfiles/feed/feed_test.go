package feed_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/unicode"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/fault"
	"custody/internal/money"
)

func all(src io.Reader) ([]string, error) {
	l := feed.NewLines(src)
	var out []string
	for l.Next() {
		if out = append(out, string(l.Line())); l.Number() != len(out) {
			return out, errors.New("a line was not counted")
		}
	}
	return out, l.Err()
}

func TestLines(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"LF", "a\nb\n", "a|b"},
		{"CRLF", "a\r\nb\r\n", "a|b"},
		{"CR", "a\rb\r", "a|b"},
		{"no final end", "a\nb", "a|b"},
		{"blank lines", "a\n\n\r\nb\r\r", "a|||b|"},
		{"mixed", "a\rb\r\nc\nd", "a|b|c|d"},
		{"control characters", "\x01a\tb\x00\x03\x7F\n\x00", "a b|"},
		{"byte order mark twice", "\uFEFF\uFEFFa\n", "a"},
		{"long lines", strings.Repeat("x", feed.MaxLine) + "\r" + strings.Repeat("y", feed.MaxLine), strings.Repeat("x", feed.MaxLine) + "|" + strings.Repeat("y", feed.MaxLine)},
	} {
		wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(test.text)
		if err != nil {
			t.Fatal(err)
		}
		for how, src := range map[string]io.Reader{
			"whole": strings.NewReader(test.text), "byte by byte": iotest.OneByteReader(strings.NewReader(test.text)),
			"UTF-16": strings.NewReader(wide),
		} {
			if got, err := all(src); err != nil || strings.Join(got, "|") != test.want {
				t.Errorf("%s, %s: got %.80q, %v", test.name, how, got, err)
			}
		}
	}
}

func TestLinesEndAtAnError(t *testing.T) {
	disk := errors.New("disk")
	if got, err := all(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(disk))); err != disk || strings.Join(got, "|") != "a" {
		t.Errorf("got %q, %v", got, err)
	}
	got, err := all(strings.NewReader("a\n" + strings.Repeat("x", 8*feed.MaxLine)))
	if f := fault.Of(err); f == nil || f.Code != "bankfile.long" || f.Line != 2 || len(got) != 1 {
		t.Errorf("got %d lines, %v", len(got), err)
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct{ name, first, want, encoding string }{
		{"ASCII", "a", "a", "utf-8"},
		{"UTF-8", "门", "门", "utf-8"},
		{"GBK", "\xC3\xC5\xB5\xEA", "门店", "gb18030"},
		{"one Chinese character is no proof", "\xC3\xC5", "ÃÅ", "iso-8859-1"},
		{"four high bytes inside a word", "za\xBF\xF3\xB3\xE6", "za¿ó³æ", "iso-8859-1"},
		{"latin-1", "Gr\xFC\xDFe", "Grüße", "iso-8859-1"},
		{"cp852", "\x88ub", "łub", "cp852"},
	} {
		var text feed.Text
		if got := text.String([]byte(test.first)); got != test.want || text.Encoding() != test.encoding {
			t.Errorf("%s: got %s in %s", test.name, got, text.Encoding())
		}
	}
	var text feed.Text
	text.String([]byte("\xC3\xC5\xB5\xEA"))
	if got := text.String([]byte("a\xFF")); got != "a\uFFFD" {
		t.Errorf("a byte that GBK does not have: got %q", got)
	}
}

type sink struct {
	calls  string
	head   bankfiles.Statement
	totals *bool
	fail   string
}

func (s *sink) call(name string) error {
	s.calls += name
	if s.fail == name {
		return errors.New(name)
	}
	return nil
}

func (s *sink) Open(*bankfiles.Statement) error       { return s.call("o") }
func (s *sink) Entry(*bankfiles.StatementEntry) error { return s.call("e") }
func (s *sink) Close(h *bankfiles.Statement) error    { s.head = *h; return s.call("c") }
func (s *sink) Warn(*fault.Fault)                     { s.calls += "w" }
func (s *sink) Totals(agree bool)                     { s.totals = &agree }

func exact(units int64, scale uint8) *money.Exact {
	return &money.Exact{Units: units, Scale: scale, Currency: "KWD"}
}

func give(s *sink, opening, closing *money.Exact) error {
	f := feed.New("x", s)
	f.Begin(&bankfiles.Statement{Currency: "KWD", Opening: opening, Closing: closing})
	f.Entry(&bankfiles.StatementEntry{Status: bankfiles.Booked, Amount: *exact(15, 1)})
	f.Entry(&bankfiles.StatementEntry{Status: bankfiles.Pending, Amount: *exact(99, 1)})
	f.End()
	f.End() // a second end is none
	return f.Err()
}

func TestFeed(t *testing.T) {
	s := &sink{}
	if err := give(s, exact(1000, 3), exact(2500, 3)); err != nil || s.calls != "oeec" || !*s.head.Balanced || s.head.Sum.String() != "1.500" || s.head.Entries != 2 {
		t.Errorf("got %s %+v, %v", s.calls, s.head, err)
	}
	s = &sink{}
	if err := give(s, exact(1000, 3), exact(2501, 3)); err != nil || s.calls != "oeewc" || *s.head.Balanced {
		t.Errorf("got %s %+v, %v", s.calls, s.head, err)
	}
	s = &sink{}
	if err := give(s, nil, exact(1, 3)); err != nil || s.head.Balanced != nil {
		t.Errorf("got %+v, %v", s.head, err)
	}
}

func TestErrorsOfTheSinkStopTheFeed(t *testing.T) {
	for fail, calls := range map[string]string{"o": "o", "e": "oe", "c": "oeec"} {
		s := &sink{fail: fail}
		if err := give(s, nil, nil); err == nil || err.Error() != fail || s.calls != calls {
			t.Errorf("%s: got %s, %v", fail, s.calls, err)
		}
	}
}
