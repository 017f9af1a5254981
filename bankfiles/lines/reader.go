// Package lines reads the text files that channels and head office send: line
// by line, decoded to UTF-8, under limits, keeping every fault with its place.
//
// Such a file is UTF-8 with a byte order mark or without, or GBK, ends its
// lines either way, pads cells with tabs and back-ticks, and may be cut off or
// damaged anywhere. A reader of one format should hold only what is particular
// to that format:
//
//	r := lines.NewReader(name, src)
//	for r.Next() {
//		cells, ok := lines.Split(cells, r.Line())
//		...
//		r.Refuse(fault.Invalid("bill.amount").On("手续费", "0.6x"))
//	}
//	return r.Err()
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/internal/fault"
)

// Limits of every text file of trades.
const (
	// MaxRows is five nights of the largest house that we plan for (1,000,000
	// orders a night), in one file.
	MaxRows = 5_000_000
	// MaxLine is a bill's row at its widest: 27 columns of 256 characters of
	// 4 bytes are 27,648 bytes; the next power of two, doubled.
	MaxLine = 64 << 10
	// MaxFile is MaxRows rows of 800 bytes, four times the usual bill row.
	MaxFile = MaxRows * 800
	// MaxFaults is as many as a person mends before asking for the file again.
	MaxFaults = 100
)

// The encodings of a file, as the summary names them.
const (
	UTF8    = "utf-8"
	GB18030 = "gb18030"
)

var bom = []byte("\xEF\xBB\xBF")

// Reader gives the lines of one file and collects its faults.
type Reader struct {
	name     string
	src      *bufio.Reader
	number   int
	line     []byte
	unended  bool
	bytes    int64
	encoding string // empty until the first line that is not ASCII
	utf8Only bool
	raw      bool
	decoded  []byte
	faults   fault.List
	ended    bool  // the end of the file was seen
	stopped  bool  // reading on makes no sense
	err      error // of src
}

// NewReader reads a channel's bill: valid UTF-8, else GB18030, of which GBK
// is a part. The first line that is not ASCII decides for the whole file.
func NewReader(name string, src io.Reader) *Reader {
	return &Reader{name: name, src: bufio.NewReaderSize(src, MaxLine)}
}

// NewUTF8Reader reads a file of our own layout, which is UTF-8 and nothing else.
func NewUTF8Reader(name string, src io.Reader) *Reader {
	r := NewReader(name, src)
	r.utf8Only, r.encoding = true, UTF8
	return r
}

// Next moves to the next line that is not blank and can be decoded. It returns
// false at the end of the file, after MaxFaults faults, after [Reader.Stop]
// and where a limit of the whole file is broken.
func (r *Reader) Next() bool {
	for !r.stopped && !r.ended {
		raw, ok := r.read()
		if !ok {
			return false
		}
		if r.number == 1 {
			for bytes.HasPrefix(raw, bom) { // a real file begins with two
				raw = raw[len(bom):]
			}
		}
		if line, ok := r.decode(raw); ok && len(bytes.TrimSpace(line)) > 0 {
			r.line = line
			return true
		}
	}
	return false
}

// read returns the bytes of the next line without its end.
func (r *Reader) read() ([]byte, bool) {
	raw, err := r.src.ReadSlice('\n')
	if len(raw) == 0 && err != nil {
		r.fail(err)
		return nil, false
	}
	r.number++
	r.unended = err != nil
	r.bytes += int64(len(raw))
	if r.bytes > MaxFile {
		r.Stop(fault.Invalid("lines.size", MaxFile>>20))
		return nil, false
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		r.Stop(fault.Invalid("lines.long", MaxLine))
		return nil, false
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.fail(err)
		return nil, false
	}
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	return bytes.TrimSuffix(raw, []byte("\r")), true
}

func (r *Reader) fail(err error) {
	r.ended = true
	if !errors.Is(err, io.EOF) {
		r.stopped = true
		r.err = fault.Invalid("lines.read").In(r.name).AtLine(r.number).Because(err)
	}
}

// decode returns the line as UTF-8, or refuses it.
func (r *Reader) decode(raw []byte) ([]byte, bool) {
	if r.raw {
		return raw, true
	}
	if r.encoding != GB18030 {
		at := invalidUTF8(raw)
		if r.encoding == "" && !isASCII(raw) {
			r.encoding = UTF8
			if at >= 0 {
				r.encoding = GB18030
			}
		}
		if at < 0 {
			return raw, true
		}
		if r.encoding == UTF8 {
			return nil, r.refuseBytes(raw, at)
		}
	}
	if isASCII(raw) {
		return raw, true
	}
	var ok bool
	if r.decoded, ok = AppendGBK(r.decoded[:0], raw); !ok {
		return nil, r.refuseBytes(raw, invalidGB18030(raw))
	}
	return r.decoded, true
}

// refuseBytes reports bytes that are no text; offset counts from 0 in the raw line.
func (r *Reader) refuseBytes(raw []byte, offset int) bool {
	code := "bill.encoding"
	if r.utf8Only {
		code = "orders.encoding"
	}
	r.Refuse(fault.Invalid(code, offset, hexAt(raw, offset)))
	return false
}

// hexAt shows up to four bytes from the offset: "81 20 41".
func hexAt(raw []byte, offset int) string {
	const digits = "0123456789ABCDEF"
	var out []byte
	for i, b := range raw[offset:min(len(raw), offset+4)] {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// invalidGB18030 returns the offset of the first character that does not decode.
func invalidGB18030(b []byte) int {
	decoder := simplifiedchinese.GB18030.NewDecoder()
	for i := 0; i < len(b); {
		n := 1
		switch {
		case b[i] < utf8.RuneSelf:
		case i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '9':
			n = 4
		default:
			n = 2
		}
		end := min(i+n, len(b))
		char, err := decoder.Bytes(b[i:end])
		if err != nil || bytes.ContainsRune(char, utf8.RuneError) {
			return i
		}
		i = end
	}
	return 0
}

// Line returns the current line, decoded, without its end. It is valid until Next.
func (r *Reader) Line() []byte { return r.line }

// Number returns the number of the current line in the file, from 1.
func (r *Reader) Number() int { return r.number }

// Unended reports whether the current line has no line end: the file stops
// here, and a row that is too short was cut off rather than written wrongly.
func (r *Reader) Unended() bool { return r.unended }

// Encoding returns what the file turned out to be; pure ASCII is UTF8.
func (r *Reader) Encoding() string {
	if r.encoding == "" {
		return UTF8
	}
	return r.encoding
}

// Refuse collects a fault of the current line, or of the line that it names.
// After the last line it means the end of the file. It is a no-op where
// reading stopped early, because then nobody knows what the rest holds.
func (r *Reader) Refuse(f *fault.Fault) {
	if r.stopped {
		return
	}
	if f.In(r.name); f.Line == 0 {
		f.AtLine(max(r.number, 1))
	}
	r.faults = append(r.faults, f)
	r.stopped = len(r.faults) >= MaxFaults
}

// Stop is Refuse where reading on makes no sense; nil adds no fault.
func (r *Reader) Stop(f *fault.Fault) {
	if f != nil {
		r.Refuse(f)
	}
	r.stopped = true
}

// OK reports whether nothing was refused so far. Totals are compared only
// in a file without faults: a row that could not be read would make every total wrong.
func (r *Reader) OK() bool { return len(r.faults) == 0 && r.err == nil }

// Err returns the error of the source, or the faults as a fault.List, or nil.
func (r *Reader) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.faults.Err()
}
