package lines

import (
	"bytes"
	"io"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// A character of two bytes in GB18030: 0x81 to 0xFE, then 0x40 to 0xFE.
const (
	leadFirst   = 0x81
	leads       = 0xFE - leadFirst + 1
	euro        = 0x80 // by itself, as code page 936 has it
	trailFirst  = 0x40
	trails      = 0xFF - trailFirst
	maxOfOneGBK = 3 // bytes of UTF-8 for two bytes of GB18030
)

// twoBytes holds the character of every pair of bytes, U+FFFD where there is
// none: 126 × 191 × 2 bytes = 48 KiB. x/text goes byte by byte through an
// interface and reads a bill at a third of this speed; it fills the table, so
// that both know the same characters.
var twoBytes = sync.OnceValue(func() *[leads * trails]uint16 {
	var table [leads * trails]uint16
	decoder := simplifiedchinese.GB18030.NewDecoder()
	for i := range table {
		pair := []byte{byte(leadFirst + i/trails), byte(trailFirst + i%trails)}
		char, err := decoder.Bytes(pair)
		r, n := utf8.DecodeRune(char)
		if err != nil || n != len(char) {
			r = utf8.RuneError
		}
		table[i] = uint16(r) // all of them lie in the basic plane
	}
	return &table
})

// AppendGBK appends the bytes, GB18030, as UTF-8. It returns false where they
// are not GB18030; what was appended then is without meaning.
func AppendGBK(dst, src []byte) ([]byte, bool) {
	table := twoBytes()
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			dst = append(dst, c)
			i++
			continue
		}
		if c == euro {
			dst = append(dst, "€"...)
			i++
			continue
		}
		if c == 0xFF || i+1 >= len(src) {
			return dst, false
		}
		if trail := src[i+1]; trail >= '0' && trail <= '9' {
			return appendSlowly(dst, src[i:])
		} else if trail < trailFirst || trail == 0xFF {
			return dst, false
		}
		r := table[(int(c)-leadFirst)*trails+int(src[i+1])-trailFirst]
		if r == utf8.RuneError {
			return dst, false
		}
		dst = utf8.AppendRune(dst, rune(r))
		i += 2
	}
	return dst, true
}

// appendSlowly goes on where a character of four bytes stands, which is rare.
func appendSlowly(dst, src []byte) ([]byte, bool) {
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src)
	return append(dst, text...), err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}

// NewRawReader reads a file of fixed widths, which are counted in bytes: its
// lines are not decoded. A field is, by [Text].
func NewRawReader(name string, src io.Reader) *Reader {
	r := NewReader(name, src)
	r.raw, r.encoding = true, GB18030
	return r
}

// Text decodes a field of a raw line, GB18030, without the spaces behind it.
// It returns false where the bytes are not GB18030.
func Text(field []byte) (string, bool) {
	field = bytes.TrimRight(field, " \t")
	if isASCII(field) {
		return string(field), true
	}
	text, ok := AppendGBK(make([]byte, 0, maxOfOneGBK*len(field)/2+1), field)
	return string(text), ok
}
