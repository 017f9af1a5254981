package mt940

import (
	"bytes"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// pending is the entry that waits for its text.
type pending struct {
	e    *bankfiles.StatementEntry
	info []byte // of :86:, lines divided by LF
	more []byte // what stands in the second line of :61:
}

// statementLine is :61: taken apart.
type statementLine struct {
	value    bizdate.Date
	entry    []byte // MMDD, YYMMDD or nothing
	mark     mark
	amount   money.Exact
	code     []byte // N and three letters
	customer []byte // the reference for us
	bank     []byte // the bank's reference
	clamped  bool   // a value date that does not exist
	odd      bool   // read with a doubt
}

// mark is what an entry does.
type mark struct {
	sign     int64
	reversal bool
	expected bool
}

// entry reads :61:.
func (r *reader) entry(value []byte) {
	first, more := value, []byte(nil)
	if i := bytes.IndexByte(value, '\n'); i >= 0 {
		first, more = value[:i], value[i+1:]
	}
	l, whole, ok := parseLine(first)
	if len(more) > 0 && (!ok || !whole) { // wrapped inside a field, not behind it
		rest, tail := more, []byte(nil)
		if i := bytes.IndexByte(more, '\n'); i >= 0 {
			rest, tail = more[:i], more[i+1:]
		}
		joined := append(append([]byte(nil), bytes.TrimRight(first, " ")...), rest...)
		if again, _, fits := parseLine(joined); fits {
			l, ok, more = again, true, tail
		}
	}
	if !ok {
		r.bad("mt940.entry", ":61:", string(value))
		return
	}
	if l.bank == nil && bytes.HasPrefix(more, []byte("//")) {
		l.bank, more, _ = bytes.Cut(more[2:], []byte{'\n'})
	}
	r.more = append(r.more[:0], bytes.TrimSpace(more)...)
	r.info = r.info[:0]
	r.e = r.entryOf(&l, value)
}

func (r *reader) entryOf(l *statementLine, value []byte) *bankfiles.StatementEntry {
	st := r.Statement()
	e := &bankfiles.StatementEntry{Line: r.at, ValueDate: l.value, Amount: l.amount, Reversal: l.mark.reversal,
		Status: bankfiles.Booked, Code: code(l.code), EndToEndID: r.reference(l.customer), BankRef: r.reference(l.bank)}
	e.Amount.Currency = st.Currency
	e.Amount.Units *= l.mark.sign
	if l.mark.expected {
		e.Status = bankfiles.Pending
	}
	var ok bool
	if e.BookingDate, ok = r.booking(l.entry, l.value); !ok {
		r.warn(r.at, "mt940.entry_date", ":61:", string(l.entry), string(l.entry), e.BookingDate.String())
	}
	if l.clamped {
		r.warn(r.at, "mt940.value_date", ":61:", string(value), l.value.String())
	}
	if l.odd {
		r.warn(r.at, "mt940.odd_entry", ":61:", string(value))
	}
	return e
}

// seenDays are the days of the entry before: most entries of a statement are of
// one day, and its year took a quarter of the time to find.
type seenDays struct {
	entry               [4]byte
	value, from, booked bizdate.Date
}

// booking is bookingDay, remembered.
func (r *reader) booking(entry []byte, value bizdate.Date) (booked bizdate.Date, ok bool) {
	from := firstDay(r.from, r.moment)
	if s := &r.seen; len(entry) == 4 && string(entry) == string(s.entry[:]) && value == s.value && from == s.from {
		return s.booked, true
	}
	if booked, ok = bookingDay(entry, value, from); ok && len(entry) == 4 {
		r.seen = seenDays{[4]byte(entry), value, from, booked}
	}
	return booked, ok
}

// reference is a reference as text; NONREF is SWIFT's word for none.
func (r *reader) reference(b []byte) string {
	if b = bytes.TrimSpace(b); string(b) == "NONREF" {
		return ""
	}
	return r.text.String(b)
}

// code is the type of a transaction; the frequent ones cost no memory.
func code(b []byte) string {
	switch string(b) {
	case "NTRF":
		return "NTRF"
	case "NMSC":
		return "NMSC"
	case "NCHG":
		return "NCHG"
	}
	return string(bytes.TrimSpace(b))
}

// parseLine reads the first line of :61:
//
//	260213 0213 C N 1234,56 NTRF REFERENCE//BANKREFERENCE
//
// without the spaces. whole is false where the line ends before the type of the
// transaction does.
func parseLine(b []byte) (l statementLine, whole, ok bool) {
	b = bytes.TrimLeft(b, " ")
	if l.value, l.clamped, l.entry, b, ok = dates(b); !ok {
		return l, false, false
	}
	if l.mark, b, ok = markOf(b); !ok {
		return l, false, false
	}
	letters := 0 // the funds code, the third letter of the currency
	for letters < len(b) && letters < 3 && isLetter(b[letters]) {
		letters++
	}
	l.odd = letters > 1
	b = bytes.TrimLeft(b[letters:], " ")
	end := 0
	for end < len(b) && (isDigit(b[end]) || b[end] == ',' || b[end] == '.' || b[end] == '\'' || end == 0 && (b[end] == '-' || b[end] == '+')) {
		end++
	}
	if l.amount, ok = feed.Amount(b[:end]); !ok {
		return l, false, false
	}
	l.odd = l.odd || b[0] == '-'
	if b = b[end:]; len(b) > 1 && b[0] == ' ' && isDigit(b[1]) { // 1 234,56: where does the amount end?
		return l, false, false
	}
	if bytes.Equal(b, []byte("NONREF")) || bytes.HasPrefix(b, []byte("NONREF//")) {
		l.code = b[:0]
	} else {
		n := min(4, len(b))
		if i := bytes.Index(b[:n], []byte("//")); i >= 0 {
			n = i
		}
		l.code, b = b[:n], b[n:]
	}
	whole = len(l.code) == 4
	l.customer = b
	if i := bytes.Index(b, []byte("//")); i >= 0 {
		l.customer, l.bank = b[:i], b[i+2:]
	}
	return l, whole, true
}

// dates takes the value date and the entry date off the line. The entry date
// is four digits, four spaces or nothing; some banks write dates with the year.
func dates(b []byte) (value bizdate.Date, clamped bool, entry, rest []byte, ok bool) {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	valueDigits := 6
	switch {
	case n == 8 || n == 12 && isYear(b[:4]):
		valueDigits = 8
	case n == 6, n == 10, n == 12:
	default:
		return 0, false, nil, nil, false
	}
	if value, ok = dayOf(b[:valueDigits]); !ok {
		return 0, false, nil, nil, false
	}
	clamped = !value.IsZero() && int(value)%100 != number(b[valueDigits-2:valueDigits])
	entry, rest = b[valueDigits:n], bytes.TrimLeft(b[n:], " ")
	if len(entry) == 0 && len(rest) > 4 && number(rest[:4]) >= 0 { // a blank between the dates
		entry, rest = rest[:4], bytes.TrimLeft(rest[4:], " ")
	}
	return value, clamped, entry, rest, true
}

// isYear tells 2026 from the 20 of a day and the 26 of ... : years of this product.
func isYear(b []byte) bool {
	return number(b) >= 1990 && number(b) < 2080 && (b[0] == '1' || b[1] == '0')
}

// markOf takes the mark off the line. RC gives a credit back and takes money
// away, RD brings it back; of RCR204,88 the second R is already the funds code.
func markOf(b []byte) (m mark, rest []byte, ok bool) {
	if len(b) > 1 && (b[0] == 'R' || b[0] == 'E') {
		m.reversal, m.expected = b[0] == 'R', b[0] == 'E'
		b = b[1:]
	}
	if len(b) == 0 {
		return m, nil, false
	}
	switch b[0] {
	case 'C', 'c':
		m.sign = 1
	case 'D', 'd':
		m.sign = -1
	default:
		return m, nil, false
	}
	if m.reversal {
		m.sign = -m.sign
	}
	return m, b[1:], true
}

// Where the nearest year would put an entry far from its value date or before
// the statement, the day of the balance is the better guide: interest is valued
// months back or ahead.
const (
	farOff = 120 // days between entry and value date
	before = 30  // days before the opening balance
)

// bookingDay gives the entry date its year: the one that brings it nearest to
// the value date. ok is false where the entry date is no date; the value date
// then stands for it.
func bookingDay(entry []byte, value, statement bizdate.Date) (bizdate.Date, bool) {
	switch {
	case len(entry) == 0 || len(bytes.Trim(entry, "0")) == 0:
		return firstDay(value, statement), true
	case len(entry) == 6:
		if d, ok := dayOf(entry); ok {
			return d, true
		}
		return firstDay(value, statement), false
	case len(entry) != 4:
		return firstDay(value, statement), false
	}
	near := firstDay(value, statement)
	best, distance := nearest(entry, near)
	apart := near.DaysUntil(statement)
	if !statement.IsZero() && apart < 366 && (distance > farOff || best < statement.AddDays(-before)) {
		best, _ = nearest(entry, statement)
	}
	if best.IsZero() {
		return near, false
	}
	return best, true
}

// nearest is the day MMDD that lies nearest to the other day, and how far.
func nearest(entry []byte, to bizdate.Date) (best bizdate.Date, distance int) {
	if to.IsZero() {
		return 0, 0
	}
	for year := to.Year() - 1; year <= to.Year()+1; year++ {
		d, ok := day(year, number(entry[:2]), number(entry[2:]))
		if !ok {
			return 0, 0
		}
		away := d.DaysUntil(to)
		if away < 0 {
			away = -away
		}
		if best.IsZero() || away < distance {
			best, distance = d, away
		}
	}
	return best, distance
}

// deliver hands the waiting entry over.
func (r *reader) deliver() {
	e := r.e
	if e == nil {
		return
	}
	r.e = nil
	r.describe(e)
	if e.Amount.Currency == "" {
		e.Amount.Currency = r.Statement().Currency
	}
	booked := e.Status == bankfiles.Booked
	r.own.add(e.Amount, booked, e.Reversal)
	r.pages.add(e.Amount, booked, e.Reversal)
	r.days()
	r.Entry(e)
}
