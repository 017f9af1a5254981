// Package payfile reads and writes the four neutral files that carry members'
// money between the books and a bank:
//
//	payout   出款批次文件    what the bank shall pay
//	result   回盘文件        what the bank says of each payout
//	instruct 分户指令文件    whose sub-account takes what two people decided
//	balance  子账户余额文件   what the bank holds for each member
//
// They share one shape: UTF-8, fields between bars, lines that end in LF, whole
// fen. A header says what follows, rows are numbered from 1, and a trailer
// repeats the totals and seals all lines above it with SM3 (GB/T 32905).
//
//	H|PAYOUT|PO20260213-01|20260213|1|92300|maker1|checker1
//	1|20260213010001|A|6200111|甲|102100000001||92300|BEP|结算款|
//	T|1|92300|<SM3 of the lines above, in hexadecimal, with their line ends>
//
// Money moves on these files, so the readers are strict: what a writer here
// would not have written is refused, with line and field. The one exception is
// the status of a payout: a word that we do not know is unknown, never failed.
package payfile

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The limits of a file.
const (
	// maxRows is ten times the largest batch of a bank that we know of (100,000).
	maxRows = 1_000_000
	// maxField is a field in bytes: a reason or purpose of 256 characters of 4 bytes.
	maxField = 1024
	// maxLine is a row of 11 fields, of which at most four are long.
	maxLine = 4*maxField + 7*64
	// maxFaults: a person mends the first few and asks for the file again.
	maxFaults = 100
)

// separator stands between fields; a field cannot hold it.
const separator = "|"

// writer writes lines and seals them.
type writer struct {
	out  *bufio.Writer
	seal hash.Hash
}

func newWriter(w io.Writer) *writer {
	return &writer{out: bufio.NewWriterSize(w, 64<<10), seal: sm3.New()}
}

// write writes one line and adds it to the seal.
func (w *writer) write(fields ...string) {
	line := []byte(strings.Join(fields, separator) + "\n")
	w.seal.Write(line)
	_, _ = w.out.Write(line) // bufio keeps the error until Flush
}

// trailer writes the last line and flushes.
func (w *writer) trailer(rows int, total money.Amount) error {
	w.write("T", strconv.Itoa(rows), fen(total), hex.EncodeToString(w.seal.Sum(nil)))
	return w.out.Flush()
}

// fen prints an amount as whole fen.
func fen(a money.Amount) string { return strconv.FormatInt(int64(a), 10) }

// named is a text with the name of its field.
type named struct {
	field, value string
	required     bool
}

// checkTexts refuses what would break the line: a bar, a line end, any other
// control character, bytes that are not UTF-8; and an empty required field.
func checkTexts(line int, texts ...named) *fault.Fault {
	for _, t := range texts {
		code := ""
		switch {
		case t.value == "" && t.required:
			code = "payfile.missing"
		case len(t.value) > maxField:
			code = "payfile.long"
		case strings.ContainsAny(t.value, "|\r\n"):
			code = "payfile.separator"
		case !clean(t.value):
			code = "payfile.character"
		default:
			continue
		}
		return fault.Invalid(code, maxField).AtLine(line).On(t.field, t.value)
	}
	return nil
}

// clean reports whether s is UTF-8 without control characters.
func clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) < 0
}

// reader reads lines, unseals them and collects what is wrong.
type reader struct {
	name   string
	in     *bufio.Reader
	seal   hash.Hash
	line   int
	fields []string
	faults fault.List
	err    error // of the source; ends the reading
}

func newReader(name string, r io.Reader) *reader {
	return &reader{name: name, in: bufio.NewReaderSize(r, maxLine), seal: sm3.New()}
}

// errStop ends the reading where a fault leaves nothing to go on with.
var errStop = errors.New("payfile: stop")

// bad collects a fault at the current line.
func (r *reader) bad(code, field, value string, args ...any) {
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, fault.Invalid(code, args...).In(r.name).AtLine(r.line).On(field, value))
	}
}

// fatal collects a fault and ends the reading.
func (r *reader) fatal(code, field, value string, args ...any) {
	r.bad(code, field, value, args...)
	r.err = errStop
}

// result is what the caller returns.
func (r *reader) result() error {
	if r.err != nil && r.err != errStop {
		return r.err
	}
	return r.faults.Err()
}

// next reads a line into fields. It returns false at the end of the file.
// The line counts for the seal unless it is the trailer.
func (r *reader) next() bool {
	if r.err != nil {
		return false
	}
	raw, err := r.in.ReadSlice('\n')
	if err == io.EOF && len(raw) == 0 {
		return false
	}
	r.line++
	switch {
	case err == bufio.ErrBufferFull:
		r.fatal("payfile.long_line", "", "", maxLine)
		return false
	case err == io.EOF:
		r.fatal("payfile.truncated", "", "")
		return false
	case err != nil:
		r.err = err
		return false
	}
	line := string(raw[:len(raw)-1])
	if !clean(line) || strings.HasPrefix(line, "\uFEFF") {
		r.fatal("payfile.character", "", line)
		return false
	}
	if !bytes.HasPrefix(raw, []byte("T"+separator)) {
		r.seal.Write(raw)
	}
	r.fields = strings.Split(line, separator)
	for _, f := range r.fields {
		if len(f) > maxField {
			r.fatal("payfile.long", "", f, maxField)
			return false
		}
	}
	return true
}

// header is the first line; fields are those behind the kind.
type header struct {
	fields []string
	rows   int
	date   bizdate.Date
}

// header reads the first line of a file of the given kind. The header has
// count fields; the date is the fourth, the number of rows the fifth.
func (r *reader) header(kind string, count int, subject string) (h header, ok bool) {
	if !r.next() {
		if r.err == nil {
			r.line = 1
			r.fatal("payfile.empty", "", "")
		}
		return h, false
	}
	if len(r.fields) < 2 || r.fields[0] != "H" || r.fields[1] != kind {
		r.fatal("payfile.kind", "H", strings.Join(r.fields[:min(2, len(r.fields))], separator), kind)
		return h, false
	}
	if !r.count(count) {
		r.err = errStop
		return h, false
	}
	h.fields = append([]string(nil), r.fields...)
	if h.fields[2] == "" {
		r.bad("payfile.missing", subject, "")
	}
	date, err := bizdate.Parse(h.fields[3])
	if err != nil || len(h.fields[3]) != 8 {
		r.bad("payfile.date", "date", h.fields[3])
	}
	h.date = date
	rows, ok := r.whole("rows", h.fields[4])
	if ok && rows > maxRows {
		r.fatal("payfile.too_many_rows", "rows", h.fields[4], maxRows)
		return h, false
	}
	h.rows = int(rows)
	return h, true
}

// count checks the number of fields of the line.
func (r *reader) count(want int) bool {
	if len(r.fields) != want {
		r.bad("payfile.fields", "", strings.Join(r.fields, separator), want, len(r.fields))
		return false
	}
	return true
}

// whole reads digits without sign or leading zero.
func (r *reader) whole(field, s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		r.bad("payfile.number", field, s)
		return 0, false
	}
	return n, true
}

// amount reads whole fen, at least least.
func (r *reader) amount(field, s string, least money.Amount) money.Amount {
	n, ok := r.whole(field, s)
	if ok && money.Amount(n) < least {
		r.bad("payfile.amount", field, s, fen(least))
	}
	return money.Amount(n)
}

// required reads a field that must not be empty.
func (r *reader) required(field, s string) string {
	if s == "" {
		r.bad("payfile.missing", field, s)
	}
	return s
}

// rows reads rows of count fields up to the trailer and checks their numbers.
// each gets the row's fields; unique is the index of the field that must not
// come twice.
func (r *reader) rows(count, unique int, uniqueName string, each func(f []string)) (rows int, sealed bool) {
	seen := map[string]int{} // 1,000,000 rows: about 100 MB at worst
	for r.next() {
		if r.fields[0] == "T" {
			return rows, true
		}
		if rows++; rows > maxRows {
			r.fatal("payfile.too_many_rows", "rows", strconv.Itoa(rows), maxRows)
			break
		}
		if !r.count(count) {
			continue
		}
		if r.fields[0] != strconv.Itoa(rows) {
			r.bad("payfile.sequence", "seq", r.fields[0], rows)
		}
		key := r.required(uniqueName, r.fields[unique])
		if first, twice := seen[key]; twice && key != "" {
			r.bad("payfile.twice", uniqueName, key, first)
		} else {
			seen[key] = r.line
		}
		each(r.fields)
	}
	if r.err == nil {
		r.fatal("payfile.truncated", "T", "")
	}
	return rows, false
}

// trailer checks the line that rows stopped at, and that nothing follows.
func (r *reader) trailer(rows int, total money.Amount) {
	if !r.count(4) {
		return
	}
	f := r.fields
	r.agrees("rows", f[1], int64(rows))
	r.agrees("total", f[2], int64(total))
	if want := hex.EncodeToString(r.seal.Sum(nil)); f[3] != want {
		r.bad("payfile.digest", "SM3", f[3], want)
	}
	if r.next() {
		r.fatal("payfile.trailing", "", strings.Join(r.fields, separator))
	}
}

// agrees compares a count or total of the file with the one of its rows.
func (r *reader) agrees(field, s string, want int64) {
	if n, ok := r.whole(field, s); ok && n != want {
		r.bad("payfile.total", field, s, want)
	}
}

// add sums up; an overflow is collected as a fault of the field.
func (r *reader) add(field string, total, a money.Amount) money.Amount {
	sum, err := total.Add(a)
	if err != nil {
		r.bad("payfile.overflow", field, fen(a))
		return total
	}
	return sum
}
