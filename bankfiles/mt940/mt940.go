// Package mt940 reads and writes the statements that banks send in the layout
// of SWIFT: MT940, the statement at the end of the day (对账单), MT942, the report
// during the day (当日明细), and MT950, the statement between banks.
//
// The standard fixes the fields and every bank bends them: entry dates cross
// the year, texts are wrapped in the middle of a word, a statement comes on ten
// pages or ten statements in one file, in an envelope or in none. So the reader
// works in layers that each know one thing:
//
//	lines      line ends, encoding, control characters (package feed)
//	fields     :61: and what continues it; envelope, "-", "-}" and "$" between messages
//	entry      :61: with its marks, dates, amount and references
//	details    :86: in its dialects: ?nn, /CODE/, free text
//	statement  pages joined into statements, balances compared
//
//	err := mt940.Read("stmt.sta", file, sink)
//
// The proof of a statement is arithmetic: opening + entries = closing. RC (the
// reversal of a credit) takes money away, RD brings it back, EC and ED announce
// entries and move nothing.
//
// Source: SWIFT Standards, category 9, MT940, MT942 and MT950.
package mt940

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// The formats, as Statement.Format names them.
const (
	Customer = "mt940" // customer statement message
	Interim  = "mt942" // interim transaction report
	Bank     = "mt950" // statement message between banks
)

// Read streams the statements of a file to the sink. A sink that is a
// [feed.Warner], [feed.Totaller] or [feed.Encoder] hears of that, too.
//
// Entries of every kind are delivered; expected ones (EC, ED) are Pending and
// move nothing. Consecutive pages of one statement (:62M: and then :60M: with
// the same account and number) come as one. From, To and Closing may change
// until the statement ends. A year that the file leaves out is chosen so that
// the entry date is nearest to the value date.
//
// It returns a [fault.List] with code, line, field and value of everything in
// which money might be misread (codes mt940.*, bankfile.*); errors of the sink
// and of src come back as they are.
func Read(name string, src io.Reader, sink bankfiles.StatementSink) error {
	r := &reader{Feed: feed.New(name, sink), lines: feed.NewLines(fromFinTS(src))}
	for !r.Stopped() && r.lines.Next() {
		r.take(r.lines.Line())
	}
	if err := r.lines.Err(); err != nil {
		r.Stop(err)
	}
	r.endField()
	r.head(tagNone)
	r.endStatement()
	if r.messages == 0 && r.Faults() == 0 {
		r.Stop(fault.Invalid("mt940.none"))
	}
	r.Encoding(r.text.Encoding())
	return r.Err()
}

// reader turns lines into statements.
type reader struct {
	*feed.Feed
	lines *feed.Lines
	text  feed.Text

	tag   tag    // of the field being read
	value []byte // of it, its lines divided by LF
	at    int    // its line

	format   string   // from the envelope: mt940, mt942, mt950; empty without one
	next     *opening // a message that has begun and has no body yet
	lost     bool     // a message without account: nothing of it can be used
	messages int
	seen     seenDays
	pageOf   [2]string // account and number of the messages that pages adds up
	pages    tallies
	message
}

// bad keeps a fault about a value of the current field.
func (r *reader) bad(code, field, value string, args ...any) {
	r.Fault(fault.Invalid(code, args...).AtLine(r.at).On(field, value))
}

func (r *reader) warn(line int, code, field, value string, args ...any) {
	r.Warn(fault.Invalid(code, args...).AtLine(line).On(field, value))
}
