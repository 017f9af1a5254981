package feed

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings of a statement in text.
const (
	UTF8    = "utf-8"
	UTF16   = "utf-16"
	GB18030 = "gb18030"
	CP852   = "cp852"
	CP1252  = "windows-1252"
	Latin1  = "iso-8859-1"
)

var bom = []byte("\xEF\xBB\xBF")

// Plain takes byte order marks off (some tools write two) and turns UTF-16 into UTF-8.
func Plain(src io.Reader) io.Reader {
	in := bufio.NewReaderSize(src, 4<<10)
	head, _ := in.Peek(4) // an error comes back at the next Read
	if order, wide := UTF16Order(head); wide {
		decoder := unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()
		in = bufio.NewReader(transform.NewReader(in, decoder))
	}
	for {
		if head, _ = in.Peek(len(bom)); !bytes.Equal(head, bom) {
			return in
		}
		_, _ = in.Discard(len(bom))
	}
}

// UTF16Order tells UTF-16 by its mark, or by the zero bytes of its first two
// characters: a statement begins in ASCII.
func UTF16Order(head []byte) (order unicode.Endianness, wide bool) {
	switch {
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return unicode.BigEndian, true
	case len(head) < 4:
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return unicode.LittleEndian, true
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// Text turns bytes of a file into text. What is not UTF-8 decides by its first
// text for the whole file; money is ASCII in all encodings, so that a wrong
// guess can spoil a name and no amount.
type Text struct {
	// Windows says that letters below 0xA0 are those of Windows, not of DOS.
	Windows  bool
	encoding string
	decoder  *encoding.Decoder
}

// Encoding is the name of the encoding, UTF8 where nothing spoke against it.
func (t *Text) Encoding() string {
	if t.encoding == "" {
		return UTF8
	}
	return t.encoding
}

// String returns the text as UTF-8. A byte that the encoding does not have
// becomes U+FFFD.
func (t *Text) String(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if t.decoder == nil {
		t.encoding, t.decoder = t.guess(b)
	}
	out, err := t.decoder.Bytes(b)
	if err != nil {
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
	}
	return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
}

// guess tells the encoding of a text that is not UTF-8. Two Chinese characters
// in a row are four bytes of GB 2312; letters below 0xA0 are those of a DOS page,
// of which 852 also holds the German ones of 437 and 850.
func (t *Text) guess(b []byte) (string, *encoding.Decoder) {
	switch {
	case isChinese(b):
		return GB18030, simplifiedchinese.GB18030.NewDecoder()
	case t.Windows:
		return CP1252, charmap.Windows1252.NewDecoder()
	}
	for _, c := range b {
		if c >= 0x80 && c < 0xA0 {
			return CP852, charmap.CodePage852.NewDecoder()
		}
	}
	return Latin1, charmap.ISO8859_1.NewDecoder()
}

// isChinese reports whether all high bytes come in pairs of GB 2312 and at
// least two pairs stand together, with no small letter beside them: Polish in
// Latin 2 has words with four high bytes in a row.
func isChinese(b []byte) bool {
	found := false
	for i := 0; i < len(b); {
		start := i
		for i < len(b) && b[i] >= 0x80 {
			if i+1 == len(b) || b[i] < 0xA1 || b[i] > 0xF7 || b[i+1] < 0xA1 {
				return false
			}
			i += 2
		}
		beside := start > 0 && isSmall(b[start-1]) || i < len(b) && isSmall(b[i])
		found = found || i-start >= 4 && !beside
		if i == start {
			i++
		}
	}
	return found
}

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' }
