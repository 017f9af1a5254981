// Package feed holds what the readers of bank statements in text share.
//
// MT940, BAI2 and OFX have nothing in common on paper and the same work behind
// it: undo the sender's line ends and encoding, keep every fault with its
// place, hand statements over in the order Open, Entry, Close, and prove that
// opening + entries = closing. A reader of one format should hold only what is
// particular to that format:
//
//	f := feed.New(name, sink)
//	f.Begin(&bankfiles.Statement{Account: "622"})
//	f.Entry(e)
//	f.End()
//	return f.Err()
package feed

import (
	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// maxFaults bounds what is collected before a reader gives up: a person mends
// the first few and asks for the file again.
const maxFaults = 100

// Warner is a [bankfiles.StatementSink] that also wants to hear of what is
// unusual but does not make the file unreadable.
type Warner interface{ Warn(*fault.Fault) }

// Totaller is a sink that also wants to know whether the counts and sums that a
// file carries agree with its entries. It is not called where there are none.
type Totaller interface{ Totals(agree bool) }

// Encoder is a sink that also wants to know the encoding of the file, once,
// when the file ends.
type Encoder interface{ Encoding(name string) }

// Feed hands one file's statements to a sink.
type Feed struct {
	name   string
	sink   bankfiles.StatementSink
	warner Warner
	faults fault.List
	err    error // of the sink, of the source, or a fault that ends the reading

	st       *bankfiles.Statement
	opened   bool
	sum      money.Exact
	overflow bool
	partial  bool
	foreign  bool
	first    bizdate.Date // of the booking days
	last     bizdate.Date
}

// New returns the feed of the file to the sink.
func New(name string, sink bankfiles.StatementSink) *Feed {
	f := &Feed{name: name, sink: sink}
	f.warner, _ = sink.(Warner)
	return f
}

// Fault keeps a fault of the file, which is then refused.
func (f *Feed) Fault(one *fault.Fault) {
	if f.err != nil {
		return
	}
	f.faults = append(f.faults, one.In(f.name))
	if len(f.faults) == maxFaults {
		f.Stop(fault.Invalid("bankfile.too_many_faults", maxFaults).AtLine(one.Line))
	}
}

// Warn tells the sink what is unusual.
func (f *Feed) Warn(one *fault.Fault) {
	if f.warner != nil && f.err == nil {
		f.warner.Warn(one.In(f.name))
	}
}

// Stop ends the reading: nothing more reaches the sink. A fault takes the
// file's name; the first error stays.
func (f *Feed) Stop(err error) {
	if one := fault.Of(err); one != nil && one.File == "" {
		one.File = f.name
	}
	if f.err == nil {
		f.err = err
	}
}

// Stopped reports whether reading on makes no sense.
func (f *Feed) Stopped() bool { return f.err != nil }

// Faults is how many there are so far.
func (f *Feed) Faults() int { return len(f.faults) }

// Err returns what a reader returns: the faults of the file as a [fault.List],
// or the error of the sink or of the source as it is.
func (f *Feed) Err() error {
	switch {
	case f.err == nil:
		return f.faults.Err()
	case len(f.faults) > 0 && fault.Of(f.err) != nil:
		return append(f.faults, fault.Of(f.err))
	}
	return f.err
}

// Begin starts a statement. Its head may change until End; the sink sees it
// first with the first entry.
func (f *Feed) Begin(st *bankfiles.Statement) {
	f.st, f.opened, f.overflow, f.partial, f.foreign = st, false, false, false, false
	f.sum = money.Exact{}
	f.first, f.last = 0, 0
}

// Statement is the one being read, or nil.
func (f *Feed) Statement() *bankfiles.Statement { return f.st }

func (f *Feed) open() {
	if f.opened || f.err != nil {
		return
	}
	f.opened = true
	if err := f.sink.Open(f.st); err != nil {
		f.Stop(err)
	}
}

// Entry counts an entry and hands it over. Only booked ones move money.
func (f *Feed) Entry(e *bankfiles.StatementEntry) {
	f.open()
	if f.err != nil {
		return
	}
	f.st.Entries++
	if e.Status == bankfiles.Booked {
		f.add(e)
	}
	if err := f.sink.Entry(e); err != nil {
		f.Stop(err)
	}
}

func (f *Feed) add(e *bankfiles.StatementEntry) {
	x := e.Amount
	if x.Currency != "" && x.Currency != f.st.Currency {
		f.foreign = true
		f.Warn(fault.Invalid("bankfile.currency", f.st.Currency).AtLine(e.Line).On("", x.Currency))
		return
	}
	x.Currency = ""
	sum, err := f.sum.Add(x)
	f.overflow = f.overflow || err != nil
	f.sum = sum
	if day := e.BookingDate; !day.IsZero() {
		if f.first.IsZero() || day < f.first {
			f.first = day
		}
		f.last = max(f.last, day)
	}
}

// Partial says that the statement lists its balances and not its entries, so
// that Balanced stays nil.
func (f *Feed) Partial() { f.partial = true }

// Days are the first and the last booking day of the entries so far.
func (f *Feed) Days() (first, last bizdate.Date) { return f.first, f.last }

// End fills Sum and Balanced and closes the statement. A statement that does
// not balance is a warning here: whether it may be used is the caller's decision.
func (f *Feed) End() {
	st := f.st
	if st == nil || f.err != nil {
		return
	}
	f.st = nil
	st.Sum = f.total(st)
	if f.overflow {
		f.Fault(fault.Invalid("bankfile.sum").AtLine(st.Line))
		return
	}
	if st.Opening != nil && st.Closing != nil && !f.partial {
		got, err := st.Opening.Add(st.Sum)
		ok := err == nil && got.Equal(*st.Closing) && !f.foreign
		st.Balanced = &ok
		if !ok {
			f.Warn(fault.Invalid("bankfile.unbalanced", st.Opening.String(), st.Sum.String(), st.Closing.String()).
				AtLine(st.Line).On("", st.Closing.String()))
		}
	}
	head := st
	if !f.opened {
		f.st = st
		f.open()
		f.st = nil
	}
	if f.err != nil {
		return
	}
	if err := f.sink.Close(head); err != nil {
		f.Stop(err)
	}
}

// total is the sum with at least the decimals of the balances: 0.00 where there
// are no entries.
func (f *Feed) total(st *bankfiles.Statement) money.Exact {
	sum := f.sum
	sum.Currency = st.Currency
	for _, b := range []*money.Exact{st.Opening, st.Closing} {
		if b == nil || b.Scale <= sum.Scale {
			continue
		}
		if wider, err := sum.Rescale(b.Scale); err == nil {
			sum = wider
		}
	}
	return sum
}

// Totals tells the sink whether what the file says of its entries holds.
func (f *Feed) Totals(agree bool) {
	if t, ok := f.sink.(Totaller); ok && f.err == nil {
		t.Totals(agree)
	}
}

// Encoding tells the sink the encoding of the file.
func (f *Feed) Encoding(name string) {
	if e, ok := f.sink.(Encoder); ok && f.err == nil {
		e.Encoding(name)
	}
}
