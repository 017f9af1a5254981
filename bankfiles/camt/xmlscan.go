package camt

import (
	"bytes"
	"io"

	"custody/internal/fault"
)

// The limits of the tokenizer. A statement is a flat, dull kind of XML; what
// goes beyond these figures is an attack or another kind of file.
const (
	// maxBytes is one file: 2,000,000 entries of 1 KiB, the size of a richly
	// filled Ntry, rounded up to 2 GiB.
	maxBytes = 2 << 30
	// maxToken is one tag, one run of text, one comment or one field. The
	// longest text of the schema is 500 characters of 4 bytes.
	maxToken = 64 << 10
	// maxDepth: the deepest path of camt.053 is about 15 elements; an envelope
	// around it adds a handful.
	maxDepth = 64
	// maxName: the longest name of the schema has 25 letters, a prefix about 20.
	maxName = 128
	// maxAttributes: namespaces on the root element, one Ccy on an amount.
	maxAttributes = 32
)

// token is what the scanner stands on.
type token int

const (
	tokenEOF token = iota // also after an error
	tokenStart
	tokenEnd
	tokenText
)

// attribute is one attribute of a start tag; name is without its prefix.
type attribute struct{ raw, local, value []byte }

// scanner is a strict pull tokenizer for the part of XML 1.0 that statements
// use: UTF-8 with or without a byte order mark, no DTD (so no entities but the
// five of XML), one root element, nothing but white space, comments and
// processing instructions around it. Whatever it accepts, encoding/xml accepts
// with the same local names and the same text; a fuzz test holds that.
//
// Every slice that it hands out is valid until the next call of next.
// The first error sticks: from then on next returns tokenEOF.
type scanner struct {
	src  io.Reader
	file string
	err  error

	buf      []byte // window of the file, 2 × maxToken
	pos, end int    // what is not consumed yet: buf[pos:end]
	at       int    // where the current token begins
	eof      bool
	label    string // of the declaration, where it is not UTF-8
	total    int64  // bytes read from src
	limit    int64  // of total; maxBytes but in a test

	lines   int // line ends before buf[counted]
	counted int

	names []byte // raw names of the open elements, one after the other
	marks []int  // where each of them begins in names
	// selfClosed: the last start tag was <a/>, its end comes next.
	selfClosed bool
	rooted     bool // the root element has begun

	local   []byte // local name of the start tag
	attrs   []attribute
	text    []byte // of a text token
	scratch []byte // text in which a reference was replaced
	value   []byte // what content gathered
}

// newScanner reads src, which is UTF-8. label is what its declaration may name
// although it is that.
func newScanner(file string, src io.Reader, label string) *scanner {
	s := &scanner{src: src, file: file, limit: maxBytes, label: label, buf: make([]byte, 2*maxToken)}
	s.begin()
	return s
}

// maxBlank before the declaration: some banks put line ends there, which XML forbids.
const maxBlank = 1024

// begin skips a byte order mark and the XML declaration.
func (s *scanner) begin() {
	if s.need(3) && bytes.HasPrefix(s.buf[s.pos:s.end], []byte("\xEF\xBB\xBF")) {
		s.pos += 3
	}
	if s.need(2) && (bytes.HasPrefix(s.buf[s.pos:], []byte("\xFE\xFF")) || bytes.HasPrefix(s.buf[s.pos:], []byte("\xFF\xFE"))) {
		s.fail("xml.encoding", s.pos, "UTF-16")
		return
	}
	blank := 0
	for blank < maxBlank && s.need(blank+1) && isSpace(s.buf[s.pos+blank]) {
		blank++
	}
	if blank > 0 && s.need(blank+5) && bytes.HasPrefix(s.buf[s.pos+blank:s.end], []byte("<?xml")) {
		s.pos += blank
	}
	if s.need(6) && bytes.HasPrefix(s.buf[s.pos:s.end], []byte("<?xml")) && isSpace(s.buf[s.pos+5]) {
		s.declaration()
	}
}

// fail keeps the first fault, with the line of buf[p].
func (s *scanner) fail(code string, p int, args ...any) token {
	if s.err == nil {
		s.err = fault.Invalid(code, args...).In(s.file).AtLine(s.lineAt(p))
	}
	return tokenEOF
}

// lineAt counts the line ends up to buf[p], which must not lie before the
// place where it counted last.
func (s *scanner) lineAt(p int) int {
	if p > s.counted {
		s.lines += bytes.Count(s.buf[s.counted:p], []byte{'\n'})
		s.counted = p
	}
	return s.lines + 1
}

// line is the line of the current token, from 1.
func (s *scanner) line() int { return s.lineAt(s.at) }

// more reads on. It returns false at the end of the file and after an error.
// It may move the window, so callers keep offsets from pos and no slices.
func (s *scanner) more() bool {
	if s.eof || s.err != nil {
		return false
	}
	if s.end-s.pos >= maxToken {
		s.fail("xml.size", s.pos, maxToken)
		return false
	}
	if s.end == len(s.buf) {
		s.lineAt(s.pos)
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.counted -= s.pos
		s.at -= s.pos
		s.pos = 0
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		s.total += int64(n)
		if s.total > s.limit {
			s.fail("xml.bytes", s.pos, s.limit>>20)
			return false
		}
		if err == io.EOF {
			s.eof = true
			return n > 0
		}
		if f := fault.Of(err); f != nil { // of what turned the file into UTF-8
			s.fail(f.Code, s.end, f.Args...)
			return false
		}
		if err != nil {
			s.err = err
			return false
		}
		if n > 0 {
			return true
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// need reports whether n more bytes are there.
func (s *scanner) need(n int) bool {
	for s.end-s.pos < n {
		if !s.more() {
			return false
		}
	}
	return true
}

// depth is the number of open elements.
func (s *scanner) depth() int { return len(s.marks) }

// next moves to the next start tag, end tag or text. Comments and processing
// instructions are checked and passed over.
func (s *scanner) next() token {
	s.scratch = s.scratch[:0]
	if s.selfClosed && s.err == nil {
		s.selfClosed = false
		s.pop()
		return tokenEnd
	}
	for s.err == nil {
		s.at = s.pos
		if !s.need(1) {
			return s.finish()
		}
		if s.buf[s.pos] != '<' {
			if t := s.runOfText(); t == tokenText {
				return t
			}
			continue
		}
		if !s.need(2) {
			return s.fail("xml.truncated", s.pos)
		}
		switch s.buf[s.pos+1] {
		case '/':
			return s.endTag()
		case '?':
			s.instruction()
		case '!':
			if s.declarationOrComment() {
				return tokenText
			}
		default:
			return s.startTag()
		}
	}
	return tokenEOF
}

// finish checks that the file may end here.
func (s *scanner) finish() token {
	switch {
	case s.err != nil:
	case s.depth() > 0:
		s.fail("xml.truncated", s.pos)
	case !s.rooted:
		s.fail("xml.empty", s.pos)
	}
	return tokenEOF
}

// runOfText takes the text up to the next tag. Outside the root element it
// must be white space and is not delivered.
func (s *scanner) runOfText() token {
	n := s.indexFrom(0, []byte{'<'})
	if s.err != nil {
		return tokenEOF
	}
	if n < 0 {
		n = s.end - s.pos
	}
	raw := s.buf[s.pos : s.pos+n]
	if s.depth() == 0 {
		if rest := bytes.TrimLeft(raw, " \t\r\n"); len(rest) > 0 {
			return s.fail("xml.outside", s.pos+len(raw)-len(rest))
		}
		s.pos += n
		return tokenEOF
	}
	var ok bool
	if s.text, ok = s.unescape(raw, s.pos, inText); !ok {
		return tokenEOF
	}
	s.pos += n
	return tokenText
}

// indexFrom finds mark at or behind pos+from and returns its offset from pos,
// or -1 at the end of the file.
func (s *scanner) indexFrom(from int, mark []byte) int {
	for {
		if from <= s.end-s.pos {
			if i := bytes.Index(s.buf[s.pos+from:s.end], mark); i >= 0 {
				return from + i
			}
			from = max(from, s.end-s.pos-len(mark)+1)
		}
		if !s.more() {
			return -1
		}
	}
}

// endTag takes </name> and compares it with the element that is open.
func (s *scanner) endTag() token {
	n := s.indexFrom(2, []byte{'>'})
	if n < 0 {
		return s.fail("xml.truncated", s.pos)
	}
	raw := bytes.TrimRight(s.buf[s.pos+2:s.pos+n], " \t\r\n")
	if s.depth() == 0 || !bytes.Equal(raw, s.names[s.marks[len(s.marks)-1]:]) {
		return s.fail("xml.end_tag", s.pos, printable(raw))
	}
	s.pos += n + 1
	s.pop()
	return tokenEnd
}

func (s *scanner) pop() {
	last := len(s.marks) - 1
	s.names = s.names[:s.marks[last]]
	s.marks = s.marks[:last]
}

// startTag takes <name attribute="value" ...> or <name .../>.
func (s *scanner) startTag() token {
	n, ok := s.tagLength()
	if !ok {
		return tokenEOF
	}
	tag := s.buf[s.pos+1 : s.pos+n]
	if s.selfClosed = len(tag) > 0 && tag[len(tag)-1] == '/'; s.selfClosed {
		tag = tag[:len(tag)-1]
	}
	raw, local := cutName(tag)
	switch {
	case len(raw) == 0:
		return s.fail("xml.name", s.pos, printable(tag))
	case len(raw) > maxName:
		return s.fail("xml.long_name", s.pos, maxName)
	case s.depth() == 0 && s.rooted:
		return s.fail("xml.second_root", s.pos, string(raw))
	case s.depth() == maxDepth:
		return s.fail("xml.depth", s.pos, maxDepth)
	}
	s.attrs = s.attrs[:0]
	if len(tag) > len(raw) && !s.attributes(tag[len(raw):]) {
		return tokenEOF
	}
	s.rooted = true
	s.local = local
	s.marks = append(s.marks, len(s.names))
	s.names = append(s.names, raw...)
	s.pos += n + 1
	return tokenStart
}

// tagLength finds the > that ends the tag at pos, passing over quoted values.
func (s *scanner) tagLength() (int, bool) {
	quote := byte(0)
	for i := 1; ; {
		for w := s.buf[s.pos:s.end]; i < len(w); i++ {
			switch c := w[i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '>':
				return i, true
			case c == '"' || c == '\'':
				quote = c
			case c == '<':
				s.fail("xml.syntax", s.pos)
				return 0, false
			}
		}
		if !s.more() {
			s.fail("xml.truncated", s.pos)
			return 0, false
		}
	}
}

// attributes takes the part of a start tag behind its name.
func (s *scanner) attributes(rest []byte) bool {
	for {
		trimmed := bytes.TrimLeft(rest, " \t\r\n")
		if len(trimmed) == 0 {
			return true
		}
		raw, local := cutName(trimmed)
		after := bytes.TrimLeft(trimmed[len(raw):], " \t\r\n")
		if len(trimmed) == len(rest) || len(raw) == 0 || len(after) < 3 || after[0] != '=' {
			s.fail("xml.syntax", s.pos)
			return false
		}
		after = bytes.TrimLeft(after[1:], " \t\r\n")
		if len(after) < 2 || (after[0] != '"' && after[0] != '\'') {
			s.fail("xml.syntax", s.pos)
			return false
		}
		n := bytes.IndexByte(after[1:], after[0])
		if n < 0 {
			s.fail("xml.syntax", s.pos)
			return false
		}
		value, ok := s.unescape(after[1:1+n], s.pos, inAttribute)
		if !ok || !s.addAttribute(attribute{raw, local, value}) {
			return false
		}
		rest = after[n+2:]
	}
}

func (s *scanner) addAttribute(a attribute) bool {
	if len(s.attrs) == maxAttributes || len(a.raw) > maxName {
		s.fail("xml.attributes", s.pos, maxAttributes)
		return false
	}
	for _, other := range s.attrs {
		if bytes.Equal(other.raw, a.raw) {
			s.fail("xml.attribute_twice", s.pos, string(a.raw))
			return false
		}
	}
	s.attrs = append(s.attrs, a)
	return true
}

// attr returns the value of an attribute of the current start tag, or nil.
func (s *scanner) attr(local string) []byte {
	for _, a := range s.attrs {
		if string(a.local) == local {
			return a.value
		}
	}
	return nil
}
