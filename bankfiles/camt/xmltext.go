package camt

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is where a run of characters stands, for what may stand in it.
type place int

const (
	inText place = iota
	inAttribute
	inCDATA
)

// special marks the bytes that need a second look: control characters, the
// first byte of a reference, of "]]>" and of a character beyond ASCII.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 && c != '\t' && c != '\n' || c == '&' || c == ']' || c == '<' || c >= 0x80
	}
	return t
}()

// unescape checks a run of characters and replaces references and line ends.
// It returns raw itself where nothing is to be replaced. base is the place of
// raw in the window, for the line of a fault.
func (s *scanner) unescape(raw []byte, base int, where place) ([]byte, bool) {
	for i := range raw {
		if special[raw[i]] {
			return s.unescapeFrom(raw, i, base, where)
		}
	}
	return raw, true
}

func (s *scanner) unescapeFrom(raw []byte, i, base int, where place) ([]byte, bool) {
	begin, kept := len(s.scratch), 0 // raw[:kept] is in scratch already
	for i < len(raw) {
		c := raw[i]
		if !special[c] {
			i++
			continue
		}
		switch {
		case c >= 0x80:
			r, n := utf8.DecodeRune(raw[i:])
			if r == utf8.RuneError && n == 1 || !isChar(r) {
				s.fail("xml.character", base+i, strconv.QuoteToASCII(string(raw[i:i+n])))
				return nil, false
			}
			i += n
		case c == '\r':
			s.scratch = append(append(s.scratch, raw[kept:i]...), '\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
			kept = i
		case c == '&' && where != inCDATA:
			r, n := reference(raw[i:])
			if n == 0 {
				s.fail("xml.entity", base+i, printable(raw[i:min(len(raw), i+12)]))
				return nil, false
			}
			s.scratch = utf8.AppendRune(append(s.scratch, raw[kept:i]...), r)
			i += n
			kept = i
		case c < 0x20, c == '<' && where == inAttribute,
			c == ']' && where == inText && bytes.HasPrefix(raw[i:], []byte("]]>")):
			s.fail("xml.character", base+i, strconv.QuoteToASCII(string(raw[i:i+1])))
			return nil, false
		default:
			i++
		}
	}
	if kept == 0 {
		return raw, true
	}
	s.scratch = append(s.scratch, raw[kept:]...)
	return s.scratch[begin:], true
}

// reference reads &lt; &#65; or &#x41; at the beginning of b and returns the
// character and the length of the reference, or 0.
func reference(b []byte) (rune, int) {
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 0 {
		return 0, 0
	}
	switch string(b[1:end]) {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	digits, isNumber := strings.CutPrefix(string(b[1:end]), "#")
	if !isNumber {
		return 0, 0
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !isChar(rune(n)) {
		return 0, 0
	}
	return rune(n), end + 1
}

// isChar is production 2 (Char) of XML 1.0.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// cutName returns the name at the beginning of b as it stands and without its
// prefix. Names are ASCII, as all names of ISO 20022 are; no name is nil.
func cutName(b []byte) (raw, local []byte) {
	n, begin := 0, 0
	for ; n < len(b); n++ {
		c := b[n]
		if c == ':' && begin == 0 && n > 0 {
			begin = n + 1
			continue
		}
		if n == begin && !isNameStart(c) || n > begin && !isNameByte(c) {
			break
		}
	}
	if n == begin || n < len(b) && !isSpace(b[n]) && b[n] != '=' {
		return nil, nil
	}
	return b[:n], b[begin:n]
}

// printable is a piece of the file, short and fit to be printed.
func printable(b []byte) string {
	return strings.ToValidUTF8(string(b[:min(len(b), 40)]), "\uFFFD")
}

// declaration takes <?xml version="1.0" encoding="UTF-8" standalone="yes"?>.
func (s *scanner) declaration() {
	n := s.indexFrom(5, []byte("?>"))
	if n < 0 {
		s.fail("xml.truncated", s.pos)
		return
	}
	s.attrs = s.attrs[:0]
	if bytes.IndexByte(s.buf[s.pos+5:s.pos+n], '&') >= 0 { // references mean nothing here
		s.fail("xml.syntax", s.pos)
		return
	}
	if !s.attributes(s.buf[s.pos+5 : s.pos+n]) {
		return
	}
	order := 0 // version, encoding, standalone, each at most once, in this order
	for _, a := range s.attrs {
		step := 0
		switch string(a.raw) {
		case "version":
			step = 1
			if string(a.value) != "1.0" {
				s.fail("xml.version", s.pos, printable(a.value))
			}
		case "encoding":
			step = 2
			if name := string(a.value); !strings.EqualFold(name, "utf-8") && (s.label == "" || name != s.label) {
				s.fail("xml.encoding", s.pos, printable(a.value))
			}
		case "standalone":
			step = 3
		}
		if step <= order || order == 0 && step != 1 {
			s.fail("xml.syntax", s.pos)
		}
		order = step
	}
	if order == 0 {
		s.fail("xml.syntax", s.pos)
	}
	s.pos += n + 2
}

// instruction passes over <?target ...?>. A second <?xml is refused.
func (s *scanner) instruction() {
	n := s.indexFrom(2, []byte("?>"))
	if n < 0 {
		s.fail("xml.truncated", s.pos)
		return
	}
	raw, _ := cutName(s.buf[s.pos+2 : s.pos+n])
	if len(raw) == 0 || len(raw) > maxName || strings.EqualFold(string(raw), "xml") {
		s.fail("xml.syntax", s.pos)
		return
	}
	s.pos += n + 2
}

// declarationOrComment takes what begins with <!: a comment is passed over, a
// CDATA section becomes text (true), a DTD is refused.
func (s *scanner) declarationOrComment() bool {
	const cdata = "<![CDATA["
	if s.need(4) && string(s.buf[s.pos:s.pos+4]) == "<!--" {
		n := s.indexFrom(4, []byte("--"))
		if n < 0 || !s.need(n+3) {
			s.fail("xml.truncated", s.pos)
			return false
		}
		if s.buf[s.pos+n+2] != '>' {
			s.fail("xml.syntax", s.pos)
			return false
		}
		s.pos += n + 3
		return false
	}
	if !s.need(len(cdata)) || string(s.buf[s.pos:s.pos+len(cdata)]) != cdata {
		s.fail("xml.dtd", s.pos)
		return false
	}
	if s.depth() == 0 {
		s.fail("xml.outside", s.pos)
		return false
	}
	n := s.indexFrom(len(cdata), []byte("]]>"))
	if n < 0 {
		s.fail("xml.truncated", s.pos)
		return false
	}
	var ok bool
	begin := s.pos + len(cdata)
	if s.text, ok = s.unescape(s.buf[begin:s.pos+n], begin, inCDATA); ok {
		s.pos += n + 3
	}
	return ok
}

// child moves to the next child element of the element at the given depth and
// passes over text. It returns false at the end of that element.
func (s *scanner) child(depth int) bool {
	for {
		switch s.next() {
		case tokenStart:
			return true
		case tokenEOF:
			return false
		case tokenEnd:
			if s.depth() < depth {
				return false
			}
		}
	}
}

// skip passes over the rest of the element whose start tag was just read.
func (s *scanner) skip() {
	depth := s.depth()
	for t := s.next(); t != tokenEOF; t = s.next() {
		if t == tokenEnd && s.depth() < depth {
			return
		}
	}
}

// content returns the text of the element whose start tag was just read,
// without white space around it. Elements inside it are passed over.
func (s *scanner) content() []byte {
	depth := s.depth()
	s.value = s.value[:0]
	for {
		switch s.next() {
		case tokenText:
			if len(s.value)+len(s.text) > maxToken {
				s.fail("xml.size", s.pos, maxToken)
				return nil
			}
			s.value = append(s.value, s.text...)
		case tokenStart:
			s.skip()
		case tokenEnd:
			if s.depth() < depth {
				return bytes.TrimSpace(s.value)
			}
		case tokenEOF:
			return nil
		}
	}
}
