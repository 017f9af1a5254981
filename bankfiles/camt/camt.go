// Package camt reads and writes ISO 20022 bank statements: camt.053, the
// statement at the end of the day (对账单), and camt.052, the report during the
// day (当日明细). It also reads camt.054, the notification of single entries
// (收付款通知), which has no balances.
//
// Banks agree on the names of the elements and on little else. The reader takes
// every version from .02 to .14, with or without a namespace or prefixes, and
// knows elements by their local names; what it does not know it passes over.
// It streams: memory does not grow with the file.
//
//	err := camt.Read("stmt.xml", file, sink)
//
// The proof of a statement is arithmetic: opening + booked entries = closing.
// [Read] computes it and reports it in Statement.Balanced; whether a statement
// that does not balance may be used is the caller's decision.
//
// Source: ISO 20022 message definitions camt.052.001, camt.053.001 and camt.054.001.
package camt

import (
	"bytes"
	"errors"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// maxFaults bounds what Read collects before it gives up: a person mends the
// first few and sends the file again.
const maxFaults = 100

// Warner is a [bankfiles.StatementSink] that also wants to hear of what is
// unusual but does not make the file unreadable. A warning comes before the
// Close of its statement.
type Warner interface{ Warn(*fault.Fault) }

// Read streams the statements of a camt.053, camt.052 or camt.054 file to the sink.
//
// Entries of every status are delivered; only booked ones count in Sum and in
// Balanced, while Entries counts all of them. From, To, Opening and Closing may
// change until the statement ends, because a file need not keep the
// schema's order. A booking day that the file leaves out is the day of a
// statement of one day, else the value date.
//
// It returns a [fault.List] with code, line, field and value of every element
// that cannot be read (codes camt.*), or one fault where the file is not
// well-formed (codes xml.*); errors of the sink and of src come back as they are.
func Read(name string, src io.Reader, sink bankfiles.StatementSink) error {
	in, label, encoding := feed.XML(src)
	r := &reader{scanner: newScanner(name, in, label), sink: sink}
	r.warner, _ = sink.(Warner)
	if e, ok := sink.(feed.Encoder); ok {
		e.Encoding(encoding)
	}
	if r.next() == tokenStart {
		r.version = versionOf(r.attrs, r.version)
		r.element()
		for r.next() != tokenEOF { // what follows the root is checked, too
		}
	}
	switch {
	case r.sinkErr != nil:
		return r.sinkErr
	case r.err != nil && len(r.faults) > 0 && fault.Of(r.err) != nil:
		return append(r.faults, fault.Of(r.err))
	case r.err != nil:
		return r.err
	case len(r.faults) > 0:
		return r.faults
	case !r.found:
		return fault.Invalid("camt.not_statement").In(name)
	case r.statements == 0:
		return fault.Invalid("camt.no_statement").In(name)
	}
	return nil
}

// reader turns elements into statements.
type reader struct {
	*scanner
	sink    bankfiles.StatementSink
	warner  Warner
	sinkErr error
	faults  fault.List

	version    string // camt.053.001.08, from the nearest namespace
	found      bool   // a camt.052, camt.053 or camt.054 message was there
	statements int

	pagedMessage bool                 // the message is one page of several
	paged        bool                 // the statement is
	st           *bankfiles.Statement // being read
	sum          statementSum
	codes        map[string]string // transaction codes seen: a file has few
}

// errStopped stops the scanner where the sink returned an error.
var errStopped = errors.New("camt: stopped by the sink")

func (r *reader) stop(err error) {
	r.sinkErr = err
	r.err = errStopped
}

// bad keeps a fault about a value at the current line.
func (r *reader) bad(code, field string, value []byte, args ...any) {
	if r.err != nil { // the file ended inside the element: that fault says it
		return
	}
	r.badAt(r.line(), code, field, string(value), args...)
}

func (r *reader) badAt(line int, code, field, value string, args ...any) {
	r.faults = append(r.faults, fault.Invalid(code, args...).In(r.file).AtLine(line).On(field, value))
	if len(r.faults) == maxFaults {
		r.err = fault.Invalid("camt.too_many_faults", maxFaults).In(r.file).AtLine(line)
	}
}

func (r *reader) warn(line int, code, field, value string, args ...any) {
	if r.warner != nil {
		r.warner.Warn(fault.Invalid(code, args...).In(r.file).AtLine(line).On(field, value))
	}
}

// element looks for the message in the element whose start tag was just read:
// banks wrap the Document in envelopes of their own.
func (r *reader) element() {
	switch string(r.local) {
	case "BkToCstmrStmt":
		r.message("camt.053", bankfiles.EndOfDay, "Stmt")
		return
	case "BkToCstmrAcctRpt":
		r.message("camt.052", bankfiles.Intraday, "Rpt")
		return
	case "BkToCstmrDbtCdtNtfctn":
		r.message("camt.054", bankfiles.Intraday, "Ntfctn")
		return
	}
	outer := r.version
	for depth := r.depth(); r.child(depth); r.version = outer {
		r.version = versionOf(r.attrs, r.version)
		r.element()
	}
}

// versionOf returns the message name in a namespace or schema location, e.g.
// camt.053.001.08, or old where there is none.
func versionOf(attrs []attribute, old string) string {
	const length = len("camt.053.001.08")
	for _, a := range attrs {
		for v := a.value; ; v = v[1:] {
			i := bytes.Index(v, []byte("camt.05"))
			if i < 0 || i+length > len(v) {
				break
			}
			if v = v[i:]; isVersion(v[:length]) {
				return string(v[:length])
			}
		}
	}
	return old
}

// isVersion reports whether b is camt.ddd.ddd.dd.
func isVersion(b []byte) bool {
	for i, c := range b[len("camt"):] {
		if dot := i == 0 || i == 4 || i == 8; dot != (c == '.') || !dot && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (r *reader) message(format string, kind bankfiles.StatementKind, statement string) {
	r.found, r.pagedMessage = true, false
	version := versionOf(r.attrs, r.version)
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case statement:
			r.statement(format, kind, version)
		case "GrpHdr":
			r.header()
		default:
			r.skip()
		}
	}
}

// header reads the pagination of the message.
func (r *reader) header() {
	for depth := r.depth(); r.child(depth); {
		if string(r.local) == "MsgPgntn" {
			r.pagedMessage = r.isPaged()
		} else {
			r.skip()
		}
	}
}
