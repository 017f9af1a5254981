package profile

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"custody/bankfiles/feed"
	"custody/bankfiles/lines"
	"custody/bankfiles/xls"
	"custody/internal/fault"
)

// source gives the rows of a file, whatever holds them.
type source interface {
	// next moves to the next row with content.
	next() bool
	// cells are the row's; a text is cut at the separator. They hold until next.
	// It is false where a quote stays open.
	cells(separator string) ([][]byte, bool)
	number() int
	dates() sheetDates
	encoding() string
	// err is a fault.List or the error of the file itself.
	err() error
	close()
}

// The first bytes of files that are no text.
var (
	markOLE = xls.Mark
	markZip = []byte("PK\x03\x04")
)

// sniffBytes is how much of a file open looks at: the head of HTML with its styles.
const sniffBytes = 16 << 10

// open finds out what the file is; its name says nothing.
func open(name string, src io.Reader, p *Profile) (source, error) {
	in := bufio.NewReaderSize(src, sniffBytes)
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, markOLE):
		return openOldSheet(name, in)
	case bytes.HasPrefix(head, markZip):
		return openSheet(name, in)
	case isMarkup(head):
		return newMarkup(name, in, head), nil
	}
	return newText(name, in, head, p), nil
}

// text is CSV, TSV and their like, or columns of fixed widths.
type text struct {
	*lines.Reader
	wide   bool // UTF-16
	raw    bool // bytes as the file has them
	forced bool // GB18030 because the profile says so
	widths []Field
	buf    []byte
	row    [][]byte
}

func newText(name string, in io.Reader, head []byte, p *Profile) *text {
	t := &text{}
	_, t.wide = feed.UTF16Order(head)
	if p != nil && p.Encoding == "utf-16" && !t.wide { // Chinese first, and no mark
		t.wide = true
		in = transform.NewReader(in, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder())
	}
	in = feed.Plain(in)
	switch {
	case p != nil && p.widths():
		t.widths, t.raw = p.Fields, true
		t.Reader = lines.NewRawReader(name, in)
	case p != nil && p.Encoding == lines.GB18030:
		t.forced = true
		t.Reader = lines.NewRawReader(name, in)
	default:
		t.Reader = lines.NewReader(name, in)
	}
	return t
}

func (t *text) next() bool {
	for t.Next() {
		if !t.forced {
			return true
		}
		ok := false
		if t.buf, ok = lines.AppendGBK(t.buf[:0], t.Line()); ok {
			return true
		}
		t.Refuse(fault.Invalid("profile.text"))
	}
	return false
}

func (t *text) number() int       { return t.Number() }
func (t *text) dates() sheetDates { return noSheet }
func (t *text) err() error        { return t.Err() }
func (t *text) close()            {}

func (t *text) encoding() string {
	if t.wide {
		return feed.UTF16
	}
	return t.Encoding()
}

func (t *text) cells(separator string) ([][]byte, bool) {
	if t.widths != nil {
		return t.cut(t.Line())
	}
	line := t.Line()
	if t.forced {
		line = t.buf
	}
	ok := false
	t.row, ok = split(t.row, line, separator)
	return t.row, ok
}

// cut counts bytes, in the encoding of the file: a Chinese character of GBK is two.
func (t *text) cut(line []byte) ([][]byte, bool) {
	t.row = t.row[:0]
	for _, f := range t.widths {
		n := min(f.Bytes, len(line))
		cell, ok := lines.Text(line[:n])
		if !ok {
			return nil, false
		}
		t.row, line = append(t.row, []byte(cell)), line[n:]
	}
	return t.row, true
}

// split cuts a line at the separator, into dst from its start. A cell in quotes,
// also as ="...", may hold the separator and doubled quotes; tabs and spaces may
// stand around it. It is false where a quote is not closed or text follows it.
func split(dst [][]byte, line []byte, separator string) ([][]byte, bool) {
	dst = dst[:0]
	sep := []byte(separator)
	for len(dst) < maxColumns {
		i := 0
		for i < len(line) && (line[i] == ' ' || line[i] == '\t' && sep[0] != '\t') {
			i++
		}
		quote := i
		if quote < len(line) && line[quote] == '=' {
			quote++
		}
		if quote < len(line) && line[quote] == '"' {
			cell, rest, ok := quoted(line[quote+1:])
			if !ok {
				return dst, false
			}
			dst = append(dst, cell)
			if sep[0] != '\t' {
				rest = bytes.TrimLeft(rest, " \t")
			}
			if len(rest) == 0 {
				return dst, true
			}
			if line, ok = bytes.CutPrefix(rest, sep); !ok {
				return dst, false
			}
			continue
		}
		end := index(line, sep)
		if end < 0 {
			return append(dst, line), true
		}
		dst = append(dst, line[:end])
		line = line[end+len(sep):]
	}
	return dst, len(bytes.Trim(line, separator+" \t")) == 0
}

// index is bytes.Index, quick over the few bytes of a cell.
func index(line, sep []byte) int {
	if len(sep) > 1 {
		return bytes.Index(line, sep)
	}
	for i, c := range line {
		if c == sep[0] {
			return i
		}
	}
	return -1
}

// quoted returns the cell behind an opening quote and what follows the closing one.
func quoted(s []byte) (cell, rest []byte, ok bool) {
	doubled := false
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		cell, rest = s[:i], s[i+1:]
		if doubled {
			cell = bytes.ReplaceAll(cell, []byte(`""`), []byte(`"`))
		}
		return cell, rest, true
	}
	return nil, nil, false
}

// gbkReader turns GB18030 into UTF-8; what is not text becomes U+FFFD.
func gbkReader(in io.Reader) io.Reader {
	return transform.NewReader(in, simplifiedchinese.GB18030.NewDecoder())
}
