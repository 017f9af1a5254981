// Package bai2 reads BAI2, the balance and transaction reports of American
// banks (previous day and same day).
//
// A file is made of records of comma-separated fields: 01 file, 02 group (one
// bank and day), 03 account with its balances, 16 transaction, 88 continuation
// of the record before, and the trailers 49, 98 and 99 with control totals.
// What looks simple is not: a record breaks off between any two fields, "/"
// ends a record and may stand in a text, and how many fields follow an amount
// depends on its funds type.
//
//	err := bai2.Read("prior-day.bai", file, sink)
//
// Amounts are in the minor unit of the currency and have no sign but in 03; the
// type code of a transaction says whether it is a credit. The proof is
// arithmetic: opening ledger (010) + transactions = closing ledger (015).
//
// Source: BAI Cash Management Balance Reporting Specifications, version 2.
package bai2

import (
	"bytes"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// Format is the name of the format, as Statement.Format gives it.
const Format = "bai2"

// Read streams the accounts of a file to the sink, each as one statement of one
// day, whose ID is that day. A sink that is a [feed.Warner], [feed.Totaller] or
// [feed.Encoder] hears of that, too.
//
// An account with balances and totals but without transactions is not proven:
// Balanced is nil. Control totals and counts are compared where the file has
// them; blank and zero ones, which many banks send, say nothing.
//
// It returns a [fault.List] with code, line, field and value of everything in
// which money might be misread (codes bai2.*, bankfile.*); errors of the sink
// and of src come back as they are.
func Read(name string, src io.Reader, sink bankfiles.StatementSink) error {
	r := &reader{Feed: feed.New(name, sink), lines: feed.NewLines(src)}
	for !r.Stopped() && r.lines.Next() {
		r.split(r.lines.Line())
	}
	if err := r.lines.Err(); err != nil {
		r.Stop(err)
	}
	r.flush()
	switch {
	case r.Statement() != nil: // cut off inside an account
		r.at = r.lines.Number()
		r.bad("bai2.truncated", "49", "")
	case !r.began:
		r.Stop(fault.Invalid("bai2.none"))
	case !r.ended:
		r.warn("bai2.trailer", "99", "")
	}
	r.Encoding(r.text.Encoding())
	return r.Err()
}

// reader turns records into statements.
type reader struct {
	*feed.Feed
	lines *feed.Lines
	text  feed.Text

	record []byte // with its continuations, divided by boundary
	at     int    // its line
	pieces int    // physical records in it

	began    bool // a 01, 02 or 03 was there
	ended    bool // the 99 was there
	fileDay  bizdate.Date
	day      bizdate.Date
	kind     bankfiles.StatementKind
	currency string // of the group

	account, group, file sums
	wrongTotals          int  // faults that are no reason to stop comparing
	entries              int  // of the account
	claimsMoney          bool // the account has totals of transactions that are not zero
}

// boundary stands where a record goes on in the next 88; no line holds it.
const boundary = 0x1E

func (r *reader) bad(code, field, value string, args ...any) {
	r.Fault(fault.Invalid(code, args...).AtLine(r.at).On(field, value))
}

func (r *reader) warn(code, field, value string, args ...any) {
	r.Warn(fault.Invalid(code, args...).AtLine(r.at).On(field, value))
}

// split cuts a line into its records: most files have one on each, some several.
func (r *reader) split(line []byte) {
	for line = bytes.TrimSpace(line); len(line) > 0; {
		end := len(line)
		for i := 0; i < len(line)-1; i++ {
			if line[i] == '/' && isRecord(bytes.TrimLeft(line[i+1:], " /")) {
				end = i + 1
				break
			}
		}
		r.take(bytes.TrimRight(line[:end], " "))
		line = bytes.TrimLeft(line[end:], " /")
	}
}

// isRecord tells the beginning of a record from a slash inside a text, such as
// the date 02/16,.
func isRecord(b []byte) bool {
	if len(b) < 3 || b[2] != ',' {
		return false
	}
	rest := b[3:]
	switch string(b[:2]) {
	case "16":
		return len(rest) > 3 && isDigits(rest[:3]) && rest[3] == ','
	case "49", "98", "99":
		rest = bytes.TrimLeft(rest, "+-")
		i := bytes.IndexAny(rest, ",/")
		return i >= 0 && len(bytes.Trim(rest[:i], "0123456789")) == 0
	case "02", "03":
		return bytes.Count(rest, []byte{','}) >= 2
	case "88":
		return true
	}
	return false
}

// take puts a physical record to the one before it or handles that and begins anew.
func (r *reader) take(b []byte) {
	code := []byte(nil)
	if len(b) >= 3 && (b[2] == ',' || b[2] == '/') {
		code = b[:2]
	}
	body := bytes.TrimSuffix(b, []byte("/"))
	switch string(code) {
	case "01", "02", "03", "16", "49", "98", "99":
		r.flush()
		r.record, r.at, r.pieces = append(r.record[:0], body...), r.lines.Number(), 1
		return
	case "88":
		body = body[min(3, len(body)):]
	default:
		if !bytes.HasPrefix(r.record, []byte("16,")) { // what stands before 01, or junk
			if r.began {
				r.Warn(fault.Invalid("bai2.record").AtLine(r.lines.Number()).On("", r.text.String(b)))
			}
			return
		}
	}
	if len(r.record)+len(body) >= feed.MaxLine {
		r.Stop(fault.Invalid("bankfile.long", feed.MaxLine).AtLine(r.at))
		return
	}
	r.record = append(append(r.record, boundary), body...)
	r.pieces++
}

// flush handles the record that is complete.
func (r *reader) flush() {
	if len(r.record) < 2 || r.Stopped() {
		return
	}
	f := &fields{rest: r.record[min(3, len(r.record)):]}
	code := string(r.record[:2])
	if code == "16" || code == "49" {
		r.account.records += r.pieces
		r.account.logical++
	}
	switch code {
	case "01":
		r.startFile(f)
	case "02":
		r.startGroup(f)
	case "03":
		r.startAccount(f)
	case "16":
		r.transaction(f)
	case "49":
		r.endAccount(f)
	case "98":
		r.endGroup(f)
	case "99":
		r.endFile(f)
	}
	r.record = r.record[:0]
}

// fields takes the fields of a record one by one.
type fields struct {
	rest   []byte
	ended  bool
	atEdge bool // the last field was the first of an 88
	edge   bool // the next one will be
}

// next returns the next field without blanks around it; ok is false behind the last.
func (f *fields) next() (field []byte, ok bool) {
	if f.ended {
		return nil, false
	}
	f.atEdge, f.edge = f.edge, false
	i := bytes.IndexFunc(f.rest, func(c rune) bool { return c == ',' || c == boundary })
	if i < 0 {
		f.ended = true
		return bytes.TrimSpace(f.rest), true
	}
	field = f.rest[:i]
	f.edge = f.rest[i] == boundary
	f.rest = f.rest[i+1:]
	return bytes.TrimSpace(field), true
}

// all is what is left: the text of a transaction, which may hold commas.
func (f *fields) all() []byte {
	if f.ended {
		return nil
	}
	f.ended = true
	return bytes.TrimSpace(bytes.ReplaceAll(f.rest, []byte{boundary}, []byte{' '}))
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
