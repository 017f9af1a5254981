package camt

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"custody/internal/fault"
)

// scanAll lists the tokens of a text, adjoining text as one.
func scanAll(text string, step int) ([]string, error) {
	s := newScanner("x.xml", &slowReader{text, step}, "")
	var out []string
	run := ""
	flush := func() {
		if run != "" {
			out = append(out, "text "+run)
		}
		run = ""
	}
	for {
		t := s.next()
		if t != tokenText {
			flush()
		}
		switch t {
		case tokenStart:
			line := "start " + string(s.local)
			for _, a := range s.attrs {
				line += fmt.Sprintf(" %s=%q", a.local, a.value)
			}
			out = append(out, line)
		case tokenEnd:
			out = append(out, "end")
		case tokenText:
			run += string(s.text)
		case tokenEOF:
			return out, s.err
		}
	}
}

// slowReader gives step bytes at a time, so that windows end everywhere.
type slowReader struct {
	rest string
	step int
}

func (r *slowReader) Read(b []byte) (int, error) {
	if r.rest == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), r.step)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// standardAll is scanAll by encoding/xml.
func standardAll(text string) ([]string, error) {
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	var out []string
	run, depth := "", 0
	for {
		t, err := d.Token()
		if _, isText := t.(xml.CharData); !isText && run != "" {
			if _, isComment := t.(xml.Comment); !isComment {
				if _, isInst := t.(xml.ProcInst); !isInst {
					out = append(out, "text "+run)
					run = ""
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			line := "start " + t.Name.Local
			for _, a := range t.Attr {
				line += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			out = append(out, line)
		case xml.EndElement:
			depth--
			out = append(out, "end")
		case xml.CharData:
			if depth > 0 {
				run += string(t)
			}
		}
	}
}

// FuzzScanner holds that whatever we accept, encoding/xml accepts with the same
// names, attributes and text, however the bytes arrive.
func FuzzScanner(f *testing.F) {
	for _, s := range wellFormed {
		f.Add(s)
	}
	for _, s := range hostile {
		if len(s.text) < 4096 {
			f.Add(s.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := scanAll(text, 1<<20)
		slow, slowErr := scanAll(text, 1)
		if fmt.Sprint(got, err) != fmt.Sprint(slow, slowErr) {
			t.Fatalf("in one piece %q %v, byte by byte %q %v", got, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		want, err := standardAll(text)
		if err != nil {
			t.Fatalf("we accept what encoding/xml refuses: %v", err)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

var wellFormed = []string{
	"<a/>",
	"\xEF\xBB\xBF<?xml version='1.0' encoding=\"UTF-8\" standalone='no' ?>\n<!-- x --><?pi y?><a b='1' c = \"2\"><d >t</d\n></a> <!-- z -->\r\n",
	"<n:a xmlns:n='u'><n:b>1 &lt; 2 &amp;&#65;&#x4e2d; ]] > 中文\r\nnext\rline</n:b><![CDATA[<&]]]]><![CDATA[>]]></n:a>",
	"<a>x<!-- c -->y<?p?>z</a>",
	"<a b='&quot;&apos;&gt;>'/>",
}

// TestWellFormed holds that the fuzz test's equality is about something.
func TestWellFormed(t *testing.T) {
	for _, text := range wellFormed {
		got, err := scanAll(text, 3)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		want, err := standardAll(text)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// hostile is XML that must be refused, with the code and line.
var hostile = []struct {
	name, text, code string
	line             int
}{
	{"DTD", "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "xml.dtd", 2},
	{"billion laughs", "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>\n<l>&b;</l>", "xml.dtd", 1},
	{"external entity", "<!DOCTYPE l SYSTEM 'file:///etc/passwd'><l/>", "xml.dtd", 1},
	{"DTD inside the root", "<a><!DOCTYPE b></a>", "xml.dtd", 1},
	{"unknown entity", "<a>\n&nbsp;</a>", "xml.entity", 2},
	{"entity without end", "<a>& b</a>", "xml.entity", 1},
	{"surrogate", "<a>&#xD800;</a>", "xml.entity", 1},
	{"depth", strings.Repeat("<a>", maxDepth+1), "xml.depth", 1},
	{"second root", "<a/>\n<b/>", "xml.second_root", 2},
	{"trailing text", "<a/>\nx", "xml.outside", 2},
	{"trailing CDATA", "<a/><![CDATA[ ]]>", "xml.outside", 1},
	{"leading text", "x<a/>", "xml.outside", 1},
	{"two byte order marks", "\xEF\xBB\xBF\xEF\xBB\xBF<a/>", "xml.outside", 1},
	{"1,000,000 attributes", "<a " + strings.Repeat("a='1' ", 1_000_000) + "/>", "xml.size", 1},
	{"33 attributes", "<a" + many(33) + "/>", "xml.attributes", 1},
	{"attribute twice", "<a b='1' b='2'/>", "xml.attribute_twice", 1},
	{"attribute without quotes", "<a b=1/>", "xml.syntax", 1},
	{"attributes without space", "<a b='1'c='2'/>", "xml.syntax", 1},
	{"less-than in attribute", "<a b='<'/>", "xml.character", 1},
	{"tag in tag", "<a <b>", "xml.syntax", 1},
	{"huge text", "<a>" + strings.Repeat("x", 2*maxToken) + "</a>", "xml.size", 1},
	{"huge comment", "<!--" + strings.Repeat("x", 2*maxToken) + "--><a/>", "xml.size", 1},
	{"long name", "<" + strings.Repeat("x", maxName+1) + "/>", "xml.long_name", 1},
	{"name begins with a digit", "<1/>", "xml.name", 1},
	{"two colons", "<a:b:c/>", "xml.name", 1},
	{"crossed tags", "<a>\n<b></a></b>", "xml.end_tag", 2},
	{"prefix of the end tag", "<n:a></m:a>", "xml.end_tag", 1},
	{"end tag alone", "</a>", "xml.end_tag", 1},
	{"no end", "<a>\n<b>", "xml.truncated", 2},
	{"ends in a tag", "<a><b", "xml.truncated", 1},
	{"ends in a comment", "<a/><!-- ", "xml.truncated", 1},
	{"empty", "", "xml.empty", 1},
	{"only a declaration", "<?xml version='1.0'?>\n", "xml.empty", 2},
	{"declaration later", "<a/><?xml version='1.0'?>", "xml.syntax", 1},
	{"version 1.1", "<?xml version='1.1'?><a/>", "xml.version", 1},
	{"GBK", "<?xml version='1.0' encoding='GBK'?><a/>", "xml.encoding", 1},
	{"UTF-16", "\xFF\xFE<\x00a\x00", "xml.encoding", 1},
	{"bytes that are not UTF-8", "<a>\n\xD6\xD0</a>", "xml.character", 2},
	{"NUL", "<a>\x00</a>", "xml.character", 1},
	{"end of CDATA in text", "<a>]]></a>", "xml.character", 1},
	{"two hyphens in a comment", "<!-- a -- b --><a/>", "xml.syntax", 1},
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d='1'", i)
	}
	return b.String()
}

func TestHostileXML(t *testing.T) {
	for _, test := range hostile {
		for _, step := range []int{1 << 20, 7} {
			_, err := scanAll(test.text, step)
			if fault.CodeOf(err) != test.code || fault.Of(err).Line != test.line {
				t.Errorf("%s: got %v, want %s in line %d", test.name, err, test.code, test.line)
			}
		}
	}
}

// TestBytesLimit feeds a file that never ends.
func TestBytesLimit(t *testing.T) {
	s := newScanner("x.xml", io.MultiReader(strings.NewReader("<a>"), &endless{unit: []byte("<b/>")}), "")
	s.limit = 8 << 20
	for s.next() != tokenEOF {
	}
	if fault.CodeOf(s.err) != "xml.bytes" {
		t.Errorf("got %v, want xml.bytes", s.err)
	}
}

// endless repeats its bytes for ever.
type endless struct {
	unit []byte
	next int
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.unit[e.next]
		e.next = (e.next + 1) % len(e.unit)
	}
	return len(b), nil
}
