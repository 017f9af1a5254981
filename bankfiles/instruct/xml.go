package instruct

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// The limits of an answer in XML.
const (
	// maxBytes: 100,000 items of 2.5 KiB, the size of a filled QPAYENT row.
	maxBytes = 256 << 20
	// maxToken is one tag or text: the longest field of a bank has 1 KiB. The
	// decoder reads 4 KiB ahead.
	maxToken = 64 << 10
	// maxDepth: pain.001 is about 12 deep in an envelope of a few.
	maxDepth = 64
	// maxNodes of one record: PAYENT has 45 fields, pain.001 about 100.
	maxNodes = 1000
)

// node is an element with what is in it. Names are without prefix.
type node struct {
	name, text string
	line       int
	attrs      []xml.Attr
	kids       []*node
}

// at returns the text of the first element on the path, "" where there is none.
func (n *node) at(path ...string) string {
	if n = n.find(path...); n == nil {
		return ""
	}
	return n.text
}

func (n *node) find(path ...string) *node {
	for _, name := range path {
		var next *node
		for _, k := range n.kids {
			if k.name == name {
				next = k
				break
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// meter bounds the file and each of its tokens: the decoder alone would keep a
// text of any length.
type meter struct {
	src          io.Reader
	total, token int64
	err          error // of the source
}

var errSize = errors.New("instruct: size")

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.src.Read(p)
	m.total += int64(n)
	m.token += int64(n)
	if m.total > maxBytes || m.token > maxToken {
		return 0, errSize
	}
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

// scanner goes through a file and hands out its records.
type scanner struct {
	name    string
	meter   *meter
	decoder *xml.Decoder
	records map[string]bool
	path    []string
	stack   []*node // from the record down; empty outside of a record
	leaf    *node   // outside of a record: the element that may be a leaf
	nodes   int
	rooted  bool
}

// scan hands out, in the order of the file, every element whose name is in
// records, with all that is in it, and every element without elements outside
// of them. path is the names above it. Prefixes and namespaces are ignored.
//
// It refuses a DTD, a second root, depth, size, and text that is not of the
// encoding: UTF-8, UTF-16, or what the file declares of those that [feed.XML] knows.
func scan(name string, src io.Reader, records []string, each func(path []string, n *node) error) error {
	in, label, _ := feed.XML(src)
	m := &meter{src: in}
	s := &scanner{name: name, meter: m, decoder: xml.NewDecoder(m), records: map[string]bool{}}
	for _, r := range records {
		s.records[r] = true
	}
	s.decoder.CharsetReader = charset(label)
	for {
		m.token = 0
		token, err := s.decoder.RawToken()
		if errors.Is(err, io.EOF) && len(s.path) == 0 && s.rooted {
			return nil
		}
		if err != nil {
			return s.broken(err)
		}
		if err := s.take(token, each); err != nil {
			return err
		}
	}
}

// charset takes what [feed.XML] has turned into UTF-8.
func charset(known string) func(string, io.Reader) (io.Reader, error) {
	return func(label string, in io.Reader) (io.Reader, error) {
		if label == known || strings.EqualFold(label, "UTF-8") {
			return in, nil
		}
		return nil, errors.New("instruct: encoding " + label)
	}
}

func (s *scanner) line() int {
	line, _ := s.decoder.InputPos()
	return line
}

func (s *scanner) fail(code string, args ...any) error {
	return fault.Invalid(code, args...).In(s.name).AtLine(s.line())
}

// broken tells an error of the source from one of the text.
func (s *scanner) broken(err error) error {
	switch {
	case fault.CodeOf(s.meter.err) == "xml.text":
		return s.fail("instruct.encoding")
	case s.meter.err != nil:
		return s.meter.err
	case errors.Is(err, errSize):
		return s.fail("instruct.size", maxToken>>10, maxBytes>>20)
	}
	return fault.Invalid("instruct.xml").In(s.name).AtLine(s.line()).Because(err)
}

func (s *scanner) take(token xml.Token, each func([]string, *node) error) error {
	switch t := token.(type) {
	case xml.Directive:
		return s.fail("instruct.dtd")
	case xml.StartElement:
		return s.start(t)
	case xml.CharData:
		return s.text(string(t))
	case xml.EndElement:
		return s.end(t, each)
	}
	return nil
}

func (s *scanner) start(t xml.StartElement) error {
	name := t.Name.Local
	if len(s.path) == 0 && s.rooted {
		return s.fail("instruct.second_root")
	}
	s.rooted = true
	if len(s.path) == maxDepth {
		return s.fail("instruct.depth", maxDepth)
	}
	n := &node{name: name, line: s.line()}
	if len(t.Attr) > 0 {
		n.attrs = append(n.attrs, t.Attr...)
	}
	s.path = append(s.path, t.Name.Space+":"+name)
	switch {
	case len(s.stack) > 0:
		if s.nodes++; s.nodes > maxNodes {
			return s.fail("instruct.depth", maxNodes)
		}
		top := s.stack[len(s.stack)-1]
		top.kids = append(top.kids, n)
		s.stack = append(s.stack, n)
	case s.records[name]:
		s.nodes = 0
		s.stack = append(s.stack, n)
	default:
		s.leaf = n
	}
	return nil
}

func (s *scanner) text(text string) error {
	if strings.ContainsRune(text, utf8.RuneError) {
		return s.fail("instruct.encoding")
	}
	n := s.leaf
	if len(s.stack) > 0 {
		n = s.stack[len(s.stack)-1]
	}
	if len(s.path) == 0 {
		if strings.Trim(text, " \t\r\n\uFEFF") != "" {
			return s.fail("instruct.xml")
		}
		return nil
	}
	if n != nil {
		if len(n.text)+len(text) > maxToken {
			return s.fail("instruct.size", maxToken>>10, maxBytes>>20)
		}
		n.text += text
	}
	return nil
}

// end closes an element. RawToken does not match tags, so that prefixes need
// no declaration; they are matched here.
func (s *scanner) end(t xml.EndElement, each func([]string, *node) error) error {
	last := len(s.path) - 1
	if last < 0 || s.path[last] != t.Name.Space+":"+t.Name.Local {
		return s.fail("instruct.xml")
	}
	s.path = s.path[:last]
	var done *node
	switch {
	case len(s.stack) == 1:
		done, s.stack, s.leaf = s.stack[0], s.stack[:0], nil
	case len(s.stack) > 1:
		n := s.stack[len(s.stack)-1]
		n.text = strings.TrimSpace(n.text)
		s.stack = s.stack[:len(s.stack)-1]
		return nil
	default:
		done, s.leaf = s.leaf, nil
	}
	if done == nil {
		return nil
	}
	done.text = strings.TrimSpace(done.text)
	above := make([]string, len(s.path))
	for i, p := range s.path {
		above[i] = p[strings.IndexByte(p, ':')+1:]
	}
	return each(above, done)
}

// escape writes a text into XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// element is <name>text</name>.
func element(name, text string) string { return "<" + name + ">" + escape(text) + "</" + name + ">" }
