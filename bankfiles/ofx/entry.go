package ofx

import (
	"strings"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// entry is a STMTTRN being read.
type entry struct {
	bankfiles.StatementEntry
	amount   string
	currency string // of CURRENCY: the amount is in it
	check    string
}

// leaf takes a value where it stands.
func (r *reader) leaf(name, value string) {
	st := r.Statement()
	switch in := r.inside(); {
	case in == "STATUS":
		r.statusLeaf(name, value)
	case st == nil || in == "INVSTMTRS":
	case r.e != nil:
		r.entryLeaf(in, name, value)
	case in == "BANKACCTFROM" || in == "CCACCTFROM":
		if name == "ACCTID" {
			st.Account = value
		}
	case in == "LEDGERBAL":
		switch name {
		case "BALAMT":
			r.closing.amount = value
		case "DTASOF":
			r.closing.day, _ = r.moment(name, value)
		}
	case in == "STMTRS" || in == "CCSTMTRS":
		if name == "CURDEF" {
			r.curdef(value)
		}
	case in == "BANKTRANLIST":
		switch name {
		case "DTSTART":
			st.From, _ = r.moment(name, value)
		case "DTEND":
			st.To, _ = r.moment(name, value)
		}
	}
}

func (r *reader) statusLeaf(name, value string) {
	switch name {
	case "CODE":
		if value != "0" && strings.Trim(value, "0123456789") == "" {
			r.status.code = value
		}
	case "MESSAGE":
		r.status.message = value
	}
}

// curdef keeps the currency of the account; ISO 4217 writes none as three X.
func (r *reader) curdef(value string) {
	if len(value) != 3 || strings.Trim(value, "X") == "" {
		r.warn(r.line, "ofx.currency", "CURDEF", value)
		return
	}
	r.Statement().Currency = strings.ToUpper(value)
}

func (r *reader) entryLeaf(in, name, value string) {
	e := r.e
	switch {
	case name == "ACCTID" && (in == "BANKACCTTO" || in == "CCACCTTO"):
		e.CounterpartyAccount = value
	case name == "NAME" && (in != "PAYEE" || e.CounterpartyName == ""):
		e.CounterpartyName = value
	case name == "CURSYM" && in == "CURRENCY":
		e.currency = strings.ToUpper(value)
	case in != "STMTTRN" && in != "STMTTRNP":
	default:
		r.transactionLeaf(name, value)
	}
}

func (r *reader) transactionLeaf(name, value string) {
	e := r.e
	switch name {
	case "TRNTYPE":
		e.Code = r.code(value)
	case "DTPOSTED":
		e.BookingDate, e.BookingTime = r.moment(name, value)
	case "DTAVAIL":
		e.ValueDate, _ = r.moment(name, value)
	case "DTTRAN", "DTUSER": // the first is of pending entries
		if e.BookingDate.IsZero() && e.Status == bankfiles.Pending {
			e.BookingDate, e.BookingTime = r.moment(name, value)
		}
	case "TRNAMT":
		e.amount = value
	case "FITID":
		e.BankRef = value
	case "REFNUM":
		e.EntryRef = value
	case "CHECKNUM":
		e.check = value
	case "MEMO":
		e.Remark = value
	}
}

// endEntry checks the entry and hands it over.
func (r *reader) endEntry() {
	e := r.e
	r.e = nil
	if e == nil || r.Statement() == nil {
		return
	}
	faults := r.Faults()
	st := r.Statement()
	var ok bool
	if e.Amount, ok = amount(e.amount); !ok {
		r.bad(e.Line, "ofx.amount", "TRNAMT", e.amount)
	}
	if e.Amount.Currency = st.Currency; e.currency != "" {
		e.Amount.Currency = e.currency
	}
	if e.BookingDate.IsZero() && r.Faults() == faults {
		if e.Status == bankfiles.Booked {
			r.bad(e.Line, "ofx.date", "DTPOSTED", "")
		}
	}
	if r.Faults() > faults {
		return
	}
	if e.ValueDate.IsZero() {
		e.ValueDate = e.BookingDate
	}
	if e.EntryRef == "" {
		e.EntryRef = e.check
	}
	r.doubts(e)
	r.Entry(&e.StatementEntry)
}

// maxSeen bounds the memory for finding FITIDs that are used again, 25 MB: years
// of an account with 1,000 entries a day.
const maxSeen = 1_000_000

// doubts warns of what makes entries hard to tell apart or to book.
func (r *reader) doubts(e *entry) {
	switch {
	case e.BankRef == "":
		r.warn(e.Line, "ofx.fitid", "FITID", "")
	case r.seen.Len() < maxSeen:
		if _, again := r.seen.Put(e.BankRef, e.Line); again {
			r.warn(e.Line, "ofx.fitid_again", "FITID", e.BankRef)
		}
	}
	if e.Code == "DEBIT" && e.Amount.Units > 0 || e.Code == "CREDIT" && e.Amount.Units < 0 {
		r.warn(e.Line, "ofx.direction", "TRNTYPE", e.Code, e.Amount.String())
	}
}

// balance keeps LEDGERBAL.
func (r *reader) balance() {
	st := r.Statement()
	if st == nil || r.closing.amount == "" {
		return
	}
	x, ok := amount(r.closing.amount)
	if !ok {
		r.warn(r.closing.line, "ofx.amount", "BALAMT", r.closing.amount)
		return
	}
	x.Currency = st.Currency
	st.Closing = &x
}

// amount reads -12.34 and, of banks that write the decimals behind a comma,
// -12,34. Of 1,234 nobody can tell whether it is a thousand or one: it is refused.
func amount(s string) (money.Exact, bool) {
	s = strings.ReplaceAll(s, " ", "")
	if i := strings.IndexByte(s, ','); i >= 0 && !strings.ContainsAny(s, ".'") && len(s)-i-1 == 3 {
		return money.Exact{}, false
	}
	return feed.Amount([]byte(s))
}

// moment reads 20260213, 20260213120000, 20260213120000.000[-5:EST]. The day is
// the one that is written, the bank's own. The moment is zero where the file
// gives no time, or names a zone without its distance, as [-:EST] does; a time
// without a zone is in GMT, as the standard says.
func (r *reader) moment(field, value string) (bizdate.Date, time.Time) {
	if m := &r.moments; value != m.text || value == "" {
		m.text = value
		m.day, m.at, m.ok = parseMoment(value)
	}
	if !r.moments.ok { // of an entry without any day more is said
		r.warn(r.line, "ofx.date", field, value)
	}
	return r.moments.day, r.moments.at
}

// moment is a text that was read last: entries of one day often stand together.
type moment struct {
	text string
	day  bizdate.Date
	at   time.Time
	ok   bool
}

func parseMoment(value string) (bizdate.Date, time.Time, bool) {
	text, zone, zoned := strings.Cut(strings.TrimSuffix(strings.TrimSpace(value), "]"), "[")
	text = strings.TrimSpace(text)
	if len(text) >= 10 && text[4] == '-' { // not the standard's form, and clear
		d, err := bizdate.Parse(text[:10])
		return d, time.Time{}, err == nil
	}
	digits, _, _ := strings.Cut(text, ".")
	if len(digits) < 8 || strings.Trim(digits, "0123456789") != "" {
		return 0, time.Time{}, false
	}
	day, err := bizdate.Parse(digits[:8])
	if err != nil {
		return 0, time.Time{}, strings.Trim(digits, "0") == "" // zeros are no date
	}
	offset, known := offsetOf(zone, zoned)
	at, whole := clock(digits[8:])
	if !known || !whole {
		return day, time.Time{}, true
	}
	const books = 8 * 60 * 60 // seconds east of GMT of the zone of the books, in which At counts
	return day, day.At(0, 0).Add(time.Duration(at+books-offset) * time.Second), true
}

// clock reads HHmm or HHmmss as seconds of the day.
func clock(s string) (seconds int, ok bool) {
	if len(s) != 4 && len(s) != 6 {
		return 0, false
	}
	var v [3]int
	for i, c := range []byte(s) {
		v[i/2] = 10*v[i/2] + int(c-'0')
	}
	return v[0]*3600 + v[1]*60 + v[2], v[0] < 24 && v[1] < 60 && v[2] < 60 // 240000 is no time
}

// offsetOf reads -5:EST, +5.5:IST or 0 as seconds east of GMT.
func offsetOf(zone string, zoned bool) (seconds int, known bool) {
	switch {
	case !zoned:
		return 0, true
	case zone == "-5:EST": // by far the most frequent
		return -5 * 3600, true
	}
	hours, _, _ := strings.Cut(zone, ":")
	x, err := money.ParseExact(strings.TrimSpace(hours), "") // digits with a sign and a fraction
	if err != nil {
		return 0, false
	}
	if x, err = x.Rescale(2); err != nil || x.Units < -1400 || x.Units > 1400 {
		return 0, false
	}
	return int(x.Units) * 36, true
}
