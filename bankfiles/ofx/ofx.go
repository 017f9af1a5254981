// Package ofx reads the statements of OFX and QFX files, which banks offer for
// accounting programs: version 1, SGML whose leaves have no end tags, and
// version 2, XML.
//
// The tags are the same in both and the files are worse than both: on a single
// line, without header, with a header that names the wrong encoding. So the
// reader takes tags as they come, knows elements by name, and asks for order
// only where money could be lost without it.
//
//	err := ofx.Read("card.qfx", file, sink)
//
// Accounts (STMTRS) and cards (CCSTMTRS) are read, investments are not. An OFX
// file has a closing balance and no opening one, so that nothing proves it.
// FITID, which should tell entries apart, is missing, used again or changed
// between two downloads by many banks; the reader reports it and keeps every entry.
//
// Source: OFX Banking Specification 1.6 and 2.2.
package ofx

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// Format is the name of the format, as Statement.Format gives it.
const Format = "ofx"

// Read streams the statements of a file to the sink; the ID of each is the
// period that it covers. A sink that is a [feed.Warner] or [feed.Encoder] hears
// of that, too. Pending entries (STMTTRNP) move nothing.
//
// It returns a [fault.List] with code, line, field and value of everything in
// which money might be misread (codes ofx.*, bankfile.*); errors of the sink
// and of src come back as they are.
func Read(name string, src io.Reader, sink bankfiles.StatementSink) error {
	r := &reader{Feed: feed.New(name, sink), scanner: newScanner(src), text: feed.Text{Windows: true}}
	for !r.Stopped() && r.scan() {
		switch {
		case r.end:
			r.leave(r.name)
		case r.holds:
			r.enter(r.name)
		case len(r.value) > 0:
			r.leaf(r.name, r.text.String(r.value))
		}
	}
	if r.err != nil {
		r.Stop(r.err)
	}
	r.finish()
	r.Encoding(r.text.Encoding())
	return r.Err()
}

// reader turns tags into statements.
type reader struct {
	*feed.Feed
	*scanner
	text feed.Text

	stack   []string // aggregates that are open
	found   int      // statements
	status  status
	closing closing
	list    bool // a list of entries is open
	e       *entry
	seen    lines.Seen // FITIDs of the statement
	moments moment     // the one read last
}

// status is what the bank answered in place of a statement.
type status struct{ code, message string }

// closing is a balance being read.
type closing struct {
	amount string
	day    bizdate.Date
	line   int
}

// aggregates are the elements that hold others and matter to us.
var aggregates = map[string]bool{
	"OFX": true, "STATUS": true, "STMTRS": true, "CCSTMTRS": true, "BANKACCTFROM": true, "CCACCTFROM": true,
	"BANKTRANLIST": true, "BANKTRANLISTP": true, "STMTTRN": true, "STMTTRNP": true, "BANKACCTTO": true, "CCACCTTO": true,
	"PAYEE": true, "LEDGERBAL": true, "AVAILBAL": true, "BALLIST": true, "BAL": true, "CURRENCY": true, "ORIGCURRENCY": true,
	"INVSTMTRS": true, "IMAGEDATA": true,
}

// maxDepth of aggregates: the standard has 7 of ours within each other.
const maxDepth = 32

func (r *reader) bad(line int, code, field, value string, args ...any) {
	r.Fault(fault.Invalid(code, args...).AtLine(line).On(field, value))
}

func (r *reader) warn(line int, code, field, value string, args ...any) {
	r.Warn(fault.Invalid(code, args...).AtLine(line).On(field, value))
}

// inside is the innermost open aggregate.
func (r *reader) inside() string {
	if len(r.stack) == 0 {
		return ""
	}
	return r.stack[len(r.stack)-1]
}

func (r *reader) enter(name string) {
	switch name {
	case "STMTRS", "CCSTMTRS":
		r.endStatement()
		r.found++
		r.seen = lines.Seen{}
		r.Begin(&bankfiles.Statement{Line: r.line, Format: Format, Version: r.version, Kind: bankfiles.EndOfDay})
	case "STMTTRN", "STMTTRNP":
		r.endEntry() // the end tag of the one before may be missing
		r.close(name)
		r.e = &entry{StatementEntry: bankfiles.StatementEntry{Line: r.line, Status: bankfiles.Booked}}
		if name == "STMTTRNP" {
			r.e.Status = bankfiles.Pending
		}
	case "BANKTRANLIST", "BANKTRANLISTP":
		r.list = true
	case "LEDGERBAL":
		r.closing = closing{line: r.line}
	}
	if len(r.stack) == maxDepth {
		r.Stop(fault.Invalid("ofx.depth", maxDepth).AtLine(r.line))
		return
	}
	r.stack = append(r.stack, name)
}

// leave closes the aggregate and what was left open within it.
func (r *reader) leave(name string) {
	if !r.holds || !r.close(name) {
		return
	}
	switch name {
	case "STMTTRN", "STMTTRNP":
		r.endEntry()
	case "BANKTRANLIST", "BANKTRANLISTP":
		r.endEntry()
		r.list = false
	case "STMTRS", "CCSTMTRS":
		r.endStatement()
	}
}

// close takes the aggregate off the stack; false where it is not open.
func (r *reader) close(name string) bool {
	for i := len(r.stack) - 1; i >= 0; i-- {
		if r.stack[i] == name {
			r.stack = r.stack[:i]
			return true
		}
	}
	return false
}

// finish handles the end of the file.
func (r *reader) finish() {
	switch {
	case r.Stopped():
	case r.Statement() != nil && (r.list || r.e != nil):
		r.bad(r.line, "ofx.truncated", "", "")
	case r.Statement() != nil:
		r.warn(r.line, "ofx.unclosed", "", "")
		r.endStatement()
	case r.found == 0 && r.status.code != "":
		r.Stop(fault.Invalid("ofx.refused", r.status.code, r.status.message))
	case r.found == 0:
		r.Stop(fault.Invalid("ofx.none"))
	}
}

func (r *reader) endStatement() {
	st := r.Statement()
	if st == nil {
		return
	}
	r.endEntry()
	r.balance()
	if st.Account == "" {
		r.bad(st.Line, "ofx.account", "ACCTID", "")
	}
	first, last := r.Days()
	st.To = firstDay(st.To, r.closing.day, last)
	st.From = firstDay(st.From, first, st.To)
	if st.From > st.To {
		st.From, st.To = st.To, st.From
	}
	st.ID = st.From.Compact() + "-" + st.To.Compact()
	r.list, r.closing = false, closing{}
	r.End()
}

func firstDay(days ...bizdate.Date) bizdate.Date {
	for _, d := range days {
		if !d.IsZero() {
			return d
		}
	}
	return 0
}
