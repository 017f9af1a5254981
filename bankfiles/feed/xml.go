package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/internal/fault"
)

// declared are the encodings that messages in XML name, besides UTF-8 and UTF-16.
// Banks write 8859-1 for what Windows calls 1252, of which it is a part.
var declared = map[string]struct {
	name  string
	table encoding.Encoding
}{
	"US-ASCII": {UTF8, nil}, "ASCII": {UTF8, nil}, "UTF8": {UTF8, nil},
	"ISO-8859-1": {Latin1, charmap.Windows1252}, "ISO8859-1": {Latin1, charmap.Windows1252}, "ISO_8859-1": {Latin1, charmap.Windows1252}, "LATIN1": {Latin1, charmap.Windows1252},
	"ISO-8859-2": {"iso-8859-2", charmap.ISO8859_2}, "ISO-8859-15": {"iso-8859-15", charmap.ISO8859_15},
	"WINDOWS-1250": {"windows-1250", charmap.Windows1250}, "WINDOWS-1252": {CP1252, charmap.Windows1252}, "CP1252": {CP1252, charmap.Windows1252},
	"GB2312": {GB18030, simplifiedchinese.GB18030}, "GBK": {GB18030, simplifiedchinese.GB18030}, "GB18030": {GB18030, simplifiedchinese.GB18030},
}

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']`)

// headXML is how much of a message is looked at: bytes that are UTF-8 although
// the declaration names another encoding show themselves in the first names.
const headXML = 16 << 10

// XML turns a message into UTF-8 without byte order marks. label is what its
// declaration names, where that can be read or does not matter: bytes say more
// than labels, and programs write UTF-16 over what is UTF-8. encoding is the
// name of what it was. Bytes that are no text in it end the reading with the
// fault xml.text.
func XML(src io.Reader) (in io.Reader, label, encoding string) {
	raw := bufio.NewReaderSize(src, headXML)
	head, err := raw.Peek(headXML)
	if err != nil && !errors.Is(err, io.EOF) {
		return io.MultiReader(bytes.NewReader(head), failed{err}), "", UTF8
	}
	_, wide := UTF16Order(head)
	plain := bufio.NewReaderSize(Plain(raw), headXML)
	head, _ = plain.Peek(headXML) // of bytes that are in memory
	if m := declaration.FindSubmatch(head); m != nil {
		label = string(m[1])
	}
	known := declared[strings.ToUpper(label)]
	switch {
	case wide:
		return &strict{src: plain, encoding: UTF16}, label, UTF16
	case known.table != nil && !isText(head):
		return &strict{src: known.table.NewDecoder().Reader(plain), encoding: known.name}, label, known.name
	case known.name != "", strings.EqualFold(label, "UTF-16"):
		return plain, label, UTF8
	}
	return plain, "", UTF8
}

// failed gives an error again that a look at the head has met.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// isText reports whether a head is UTF-8 with something in it that is not ASCII.
// The last character may be cut off.
func isText(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut < len(head); cut++ {
		if !utf8.RuneStart(head[len(head)-1-cut]) {
			continue
		}
		if !utf8.FullRune(head[len(head)-1-cut:]) {
			head = head[:len(head)-1-cut]
		}
		break
	}
	return utf8.Valid(head) && bytes.ContainsFunc(head, func(c rune) bool { return c >= utf8.RuneSelf })
}

// strict ends where a decoder put U+FFFD for what is no text.
type strict struct {
	src      io.Reader
	encoding string
	seen     int // bytes of the sign at the end of what was read
}

func (s *strict) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	const sign = "\uFFFD"
	if s.seen == 0 && bytes.IndexByte(p[:n], sign[0]) < 0 {
		return n, err
	}
	for i, c := range p[:n] {
		switch {
		case c == sign[s.seen]:
			if s.seen++; s.seen == len(sign) {
				return max(0, i+1-len(sign)), fault.Invalid("xml.text", s.encoding)
			}
		case c == sign[0]:
			s.seen = 1
		default:
			s.seen = 0
		}
	}
	return n, err
}
