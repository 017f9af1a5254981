package ofx

import (
	"bufio"
	"bytes"
	"errors"
	"html"
	"io"
	"strings"

	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// Limits of a file. maxValue is 64 KiB: the longest field of the standard has
// 255 characters, a tag 32; images, which may be longer, are not read.
const (
	maxValue = feed.MaxLine
	maxName  = 32
)

// element is the name of a tag in capitals.
type element struct {
	name  string
	holds bool // it is one of the aggregates
}

// scanner reads tags with the text behind them.
type scanner struct {
	src   *bufio.Reader
	line  int // of the tag
	lines int // of the source so far
	bytes int64
	err   error

	end   bool // </NAME>
	name  string
	holds bool   // the tag is one of the aggregates
	value []byte // the text behind a start tag, entities resolved
	names map[string]element

	version string // from the header
	started bool   // the first tag was there
	done    bool   // the file ended
}

func newScanner(src io.Reader) *scanner {
	return &scanner{src: bufio.NewReaderSize(feed.Plain(src), maxValue), lines: 1, names: map[string]element{}}
}

// read returns the bytes up to the delimiter without it; false at the end.
func (s *scanner) read(delimiter byte) ([]byte, bool) {
	b, err := s.src.ReadSlice(delimiter)
	s.lines += bytes.Count(b, []byte{'\n'})
	s.bytes += int64(len(b))
	switch {
	case s.bytes > feed.MaxFile:
		s.err = fault.Invalid("bankfile.size", feed.MaxFile/1_000_000).AtLine(s.lines)
	case errors.Is(err, bufio.ErrBufferFull):
		s.err = fault.Invalid("bankfile.long", maxValue).AtLine(s.lines)
	case err != nil && !errors.Is(err, io.EOF):
		s.err = err
	case err == nil:
		return b[:len(b)-1], true
	}
	return b, false
}

// scan moves to the next tag.
func (s *scanner) scan() bool {
	for s.err == nil && !s.done {
		if !s.started {
			head, ok := s.read('<')
			s.version = versionOf(head)
			s.started = true
			if !ok {
				return false
			}
		}
		s.line = s.lines
		tag, ok := s.read('>')
		if !ok {
			return false
		}
		known := s.tag(tag)
		if s.err == nil {
			s.done = !s.text()
		}
		if known && s.err == nil {
			return true
		}
	}
	return false
}

// tag takes a tag apart; false for a comment or instruction.
func (s *scanner) tag(b []byte) bool {
	s.end, s.name, s.value = false, "", s.value[:0]
	switch {
	case len(b) == 0:
		return false
	case bytes.HasPrefix(b, []byte("!--")):
		s.until(b, "--")
		return false
	case b[0] == '!':
		s.err = fault.Invalid("ofx.dtd").AtLine(s.line)
		return false
	case b[0] == '?':
		if v := versionOf(b); v != "" {
			s.version = v
		}
		return false
	case b[0] == '/':
		s.end = true
		b = b[1:]
	}
	for i := 0; i < len(b); i++ {
		if c := b[i]; c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n') || c == '/' {
			b = b[:i]
		}
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		b = b[i+1:]
	}
	if len(b) > maxName {
		b = b[:maxName] // no name that we know
	}
	known, ok := s.names[string(b)]
	if !ok {
		name := strings.ToUpper(string(b))
		known = element{name, aggregates[name]}
		if len(s.names) < maxNames {
			s.names[string(b)] = known
		}
	}
	s.name, s.holds = known.name, known.holds
	return true
}

// maxNames bounds the memory for names: the standard has some 600 names.
const maxNames = 1024

// code gives a text that comes often, such as a type of transaction, in capitals.
func (s *scanner) code(b string) string {
	if e, ok := s.names[b]; ok {
		return e.name
	}
	e := element{name: strings.ToUpper(b)}
	e.holds = aggregates[e.name]
	if len(s.names) < maxNames {
		s.names[b] = e
	}
	return e.name
}

// text reads what stands behind the tag, up to the next one; false at the end
// of the file. A "<" that begins no tag is a character of it.
func (s *scanner) text() bool {
	for {
		b, ok := s.read('<')
		s.value = append(s.value, b...)
		if len(s.value) > maxValue {
			s.err = fault.Invalid("bankfile.long", maxValue).AtLine(s.line)
		}
		if !ok || s.err != nil {
			s.tidy()
			return false
		}
		next, _ := s.src.Peek(len("![CDATA["))
		switch {
		case string(next) == "![CDATA[":
			_, _ = s.src.Discard(len(next))
			s.cdata()
		case len(next) > 0 && isTagStart(next[0]):
			s.tidy()
			return true
		default:
			s.value = append(s.value, '<')
		}
	}
}

func isTagStart(c byte) bool {
	return c == '/' || c == '!' || c == '?' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// cdata adds a section to the text, with its "&" hidden from tidy.
func (s *scanner) cdata() {
	start := len(s.value)
	for {
		b, ok := s.read('>')
		s.value = append(s.value, b...)
		if len(s.value) > maxValue {
			s.err = fault.Invalid("bankfile.long", maxValue).AtLine(s.line)
		}
		if !ok || s.err != nil {
			return
		}
		if bytes.HasSuffix(b, []byte("]]")) {
			break
		}
		s.value = append(s.value, '>')
	}
	section := bytes.TrimSuffix(s.value[start:], []byte("]]"))
	s.value = append(s.value[:start], bytes.ReplaceAll(section, []byte("&"), []byte("&amp;"))...)
}

// until reads on to the end of a comment.
func (s *scanner) until(b []byte, end string) {
	for !bytes.HasSuffix(b, []byte(end)) || len(b) < len("!--")+len(end) && len(b) > 0 && b[0] == '!' {
		var ok bool
		if b, ok = s.read('>'); !ok {
			return
		}
	}
}

// tidy makes one space of white space and resolves entities.
func (s *scanner) tidy() {
	v := bytes.TrimSpace(s.value)
	for i, c := range v {
		if c < ' ' || c == 0x7F || c == ' ' && i+1 < len(v) && v[i+1] == ' ' {
			v = bytes.Join(bytes.FieldsFunc(v, func(c rune) bool { return c <= ' ' || c == 0x7F }), []byte{' '})
			break
		}
	}
	if bytes.IndexByte(v, '&') >= 0 {
		v = unescape(v)
	}
	s.value = append(s.value[:0], v...)
}

// unescape resolves entities. &amp; is by far the most frequent, and what it
// leaves is not looked at again.
func unescape(v []byte) []byte {
	if bytes.Count(v, []byte{'&'}) == bytes.Count(v, []byte("&amp;")) {
		return bytes.ReplaceAll(v, []byte("&amp;"), []byte{'&'})
	}
	return []byte(html.UnescapeString(string(v)))
}

// versionOf reads VERSION:102 or VERSION="203" of a header.
func versionOf(b []byte) string {
	i := bytes.Index(b, []byte("VERSION"))
	if bytes.HasPrefix(b, []byte("?xml")) || i < 0 {
		return ""
	}
	b = bytes.TrimLeft(b[i+len("VERSION"):], ":=\"' ")
	n := 0
	for n < len(b) && n < 4 && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return string(b[:n])
}
