package feed

import (
	"bytes"
	"errors"
	"io"

	"custody/internal/fault"
)

// Limits of a statement in text.
const (
	// MaxLine is 64 KiB: a field of MT940 has 6 lines of 65 characters, a BAI2
	// record 4,096 at most; the longest free text that a bank is known to send
	// in one line is some 4,000. Sixteen times that.
	MaxLine = 64 << 10
	// MaxFile is 5,000,000 entries of 800 bytes, four times the usual entry.
	MaxFile = 5_000_000 * 800
)

// bufferSize lets a line of MaxLine lie anywhere in the buffer; the rest makes
// for fewer and larger reads.
const bufferSize = 4 * MaxLine

// Lines gives the lines of a statement, ended by LF, CR or CRLF, without byte
// order marks and control characters. UTF-16 comes as UTF-8.
type Lines struct {
	src    io.Reader
	buf    []byte
	r, w   int // unread bytes are buf[r:w]
	lf     int // no LF lies in buf[r:lf]
	number int
	line   []byte
	bytes  int64
	ended  bool
	afterR bool // the last line ended in CR: a LF that follows belongs to it
	err    error
}

// NewLines reads src, whose encoding it looks at.
func NewLines(src io.Reader) *Lines {
	return &Lines{src: Plain(src), buf: make([]byte, bufferSize)}
}

// Line is the current line; it holds until the next call of Next, and the
// caller may change its bytes.
func (l *Lines) Line() []byte { return l.line }

// Number counts lines from 1.
func (l *Lines) Number() int { return l.number }

// Err is what ended the lines before the file did: the error of the source as
// it is, or a fault (bankfile.long, bankfile.size).
func (l *Lines) Err() error { return l.err }

// Next moves to the next line. The last one needs no end.
func (l *Lines) Next() bool {
	for l.err == nil {
		if l.afterR && l.r < l.w {
			l.afterR = false
			if l.buf[l.r] == '\n' {
				l.r++
				l.lf = max(l.lf, l.r)
			}
		}
		if end, ok := l.find(); ok {
			l.take(end)
			l.afterR = l.buf[end] == '\r'
			l.r = end + 1
			l.lf = max(l.lf, l.r)
			return true
		}
		if l.ended {
			return l.rest()
		}
		l.fill()
	}
	return false
}

// rest is what stands behind the last line end.
func (l *Lines) rest() bool {
	if l.r == l.w {
		return false
	}
	l.take(l.w)
	l.r = l.w
	return true
}

// find looks for the end of the line that begins at r. It looks at no byte
// twice for the same character, so that a file of CR alone takes linear time.
func (l *Lines) find() (int, bool) {
	if l.lf < l.w && l.buf[l.lf] != '\n' {
		if i := bytes.IndexByte(l.buf[l.lf:l.w], '\n'); i >= 0 {
			l.lf += i
		} else {
			l.lf = l.w
		}
	}
	if i := bytes.IndexByte(l.buf[l.r:l.lf], '\r'); i >= 0 {
		return l.r + i, true
	}
	return l.lf, l.lf < l.w
}

func (l *Lines) take(end int) {
	l.number++
	l.line = clean(l.buf[l.r:end])
}

func (l *Lines) fill() {
	if l.w-l.r > MaxLine {
		l.err = fault.Invalid("bankfile.long", MaxLine).AtLine(l.number + 1)
		return
	}
	if l.w == len(l.buf) {
		copy(l.buf, l.buf[l.r:l.w])
		l.w -= l.r
		l.lf -= l.r
		l.r = 0
	}
	n, err := l.src.Read(l.buf[l.w:])
	l.w += n
	l.bytes += int64(n)
	switch {
	case l.bytes > MaxFile:
		l.err = fault.Invalid("bankfile.size", MaxFile/1_000_000).AtLine(l.number + 1)
	case errors.Is(err, io.EOF):
		l.ended = true
	case err != nil:
		l.err = err
	}
}

// clean takes control characters out of a line: links add 0x01 and 0x03, tapes
// pad with 0x00. A tab is a space.
func clean(b []byte) []byte {
	i := 0
	for i < len(b) && b[i] >= ' ' && b[i] != 0x7F {
		i++
	}
	if i == len(b) {
		return b
	}
	out := b[:i]
	for _, c := range b[i:] {
		switch {
		case c == '\t':
			out = append(out, ' ')
		case c >= ' ' && c != 0x7F:
			out = append(out, c)
		}
	}
	return out
}
