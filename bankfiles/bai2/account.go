package bai2

import (
	"bytes"
	"strings"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// The type codes of 03 that count for the proof of a statement.
const (
	openingLedger = "010"
	closingLedger = "015"
	currentLedger = "030" // of a same-day report
	totalCredits  = "100"
	totalDebits   = "400"
)

// startFile reads 01: sender, receiver, day.
func (r *reader) startFile(f *fields) {
	r.lostTrailer()
	r.began, r.ended = true, false
	r.file = sums{}
	_, _ = f.next()
	_, _ = f.next()
	day, _ := f.next()
	r.fileDay, _ = dayOf(day)
}

// startGroup reads 02: receiver, originator, status, day, time, currency, modifier.
func (r *reader) startGroup(f *fields) {
	r.lostTrailer()
	r.began = true
	r.group = sums{records: r.pieces, logical: 1}
	var v [7][]byte
	for i := range v {
		v[i], _ = f.next()
	}
	r.currency = string(v[5])
	r.kind = bankfiles.EndOfDay
	if m := string(v[6]); m == "3" || m == "4" { // same day, interim or final
		r.kind = bankfiles.Intraday
	}
	day, ok := dayOf(v[3])
	switch {
	case ok:
	case len(v[3]) == 0 && !r.fileDay.IsZero():
		day = r.fileDay
		r.warn("bai2.day", "02", "", day.String())
	default:
		r.bad("bai2.date", "02", r.text.String(v[3]))
	}
	r.day = day
}

// dayOf reads YYMMDD or YYYYMMDD.
func dayOf(b []byte) (bizdate.Date, bool) {
	if !isDigits(b) {
		return 0, false
	}
	s := string(b)
	if len(s) == 6 {
		century := "20"
		if s >= "80" { // the format is of 1980
			century = "19"
		}
		s = century + s
	}
	d, err := bizdate.Parse(s)
	return d, err == nil && len(s) == 8
}

// startAccount reads 03: account, currency, and groups of type, amount, count
// and funds type.
func (r *reader) startAccount(f *fields) {
	r.lostTrailer()
	r.began = true
	r.account = sums{records: r.pieces, logical: 1}
	r.entries, r.claimsMoney = 0, false
	account, _ := f.next()
	currency, _ := f.next()
	st := &bankfiles.Statement{Line: r.at, Format: Format, Kind: r.kind, ID: r.day.Compact(), Account: r.text.String(account),
		Currency: string(currency), From: r.day, To: r.day}
	if st.Currency == "" {
		st.Currency = r.currency
	}
	if st.Currency == "" {
		st.Currency = "USD" // the standard's word for none
	}
	if st.Account == "" {
		r.bad("bai2.account", "03", "")
	}
	if r.day.IsZero() {
		r.warn("bai2.group", "02", "")
	}
	r.Begin(st)
	r.summaries(f)
}

// summaries reads the groups of a 03. A bank that ends a physical record with
// ",/" or "/" leaves out fields at its end, so that a type code may stand where
// a count or funds type is expected.
func (r *reader) summaries(f *fields) {
	code, ok := f.next()
	for ok {
		if len(code) == 0 {
			code, ok = f.next()
			continue
		}
		if len(code) != 3 || !isDigits(code) { // what is missing then, the entries have to prove
			r.warn("bai2.groups", "03", r.text.String(code))
			return
		}
		value, _ := f.next()
		r.summary(string(code), value)
		if code, ok = f.next(); ok && (len(code) != 3 || !f.atEdge || !isDigits(code)) { // the count
			if code, ok = f.next(); ok && (len(code) != 3 || !isDigits(code)) { // the funds type
				if !r.skipFunds(f, code) {
					return
				}
				code, ok = f.next()
			}
		}
	}
}

// summary keeps a balance and counts the amount.
func (r *reader) summary(code string, value []byte) {
	if len(value) == 0 {
		return
	}
	st := r.Statement()
	x, ok := amount(value, st.Currency)
	if !ok {
		if code == openingLedger || code == closingLedger {
			r.bad("bai2.amount", "03 "+code, r.text.String(value))
		} else {
			r.warn("bai2.amount", "03 "+code, r.text.String(value))
		}
		return
	}
	r.account.add(x)
	switch code {
	case openingLedger:
		st.Opening = &x
	case closingLedger:
		st.Closing = &x
	case currentLedger:
		if st.Closing == nil && r.kind == bankfiles.Intraday {
			st.Closing = &x
		}
	case totalCredits, totalDebits:
		r.claimsMoney = r.claimsMoney || x.Units != 0
	}
}

// skipFunds passes over what a funds type brings: S three amounts, V a day and
// a time, D a number of pairs.
func (r *reader) skipFunds(f *fields, kind []byte) bool {
	_, ok := r.funds(f, kind, "03")
	return ok
}

// maxPairs of funds type D: one for every day of a year.
const maxPairs = 366

func (r *reader) funds(f *fields, kind []byte, record string) (value bizdate.Date, ok bool) {
	skip := 0
	switch string(kind) {
	case "", "0", "1", "2", "Z":
	case "S":
		skip = 3
	case "V":
		day, _ := f.next()
		_, _ = f.next() // the time: 1459, 2400, 14:59:35
		if len(day) > 0 {
			if value, ok = dayOf(day); !ok {
				r.warn("bai2.value_date", record, r.text.String(day))
			}
		}
	case "D":
		n, _ := f.next()
		pairs, fits := money.ParseExact(string(n), "")
		if fits != nil || pairs.Scale > 0 || pairs.Units < 0 || pairs.Units > maxPairs {
			r.bad("bai2.funds", record, "D "+r.text.String(n))
			return 0, false
		}
		skip = 2 * int(pairs.Units)
	default:
		r.bad("bai2.funds", record, r.text.String(kind))
		return 0, false
	}
	for range skip {
		_, _ = f.next()
	}
	return value, true
}

// transaction reads 16: type, amount, funds type, bank reference, customer
// reference, text.
func (r *reader) transaction(f *fields) {
	st := r.Statement()
	if st == nil {
		r.bad("bai2.fragment", "16", r.text.String(r.record))
		return
	}
	code, _ := f.next()
	value, _ := f.next()
	kind, _ := f.next()
	sign, status, ok := direction(string(code))
	if !ok {
		r.bad("bai2.type", "16", r.text.String(code))
		return
	}
	x, ok := amount(value, st.Currency)
	if !ok && (len(value) > 0 || status == bankfiles.Booked) {
		r.bad("bai2.amount", "16 "+string(code), r.text.String(value))
		return
	}
	x.Currency = st.Currency
	r.account.add(x)
	valued, ok := r.funds(f, kind, "16")
	if !ok {
		return
	}
	if x.Units < 0 {
		r.warn("bai2.sign", "16", r.text.String(value))
	}
	if valued.IsZero() {
		valued = r.day
	}
	bank, _ := f.next()
	customer, _ := f.next()
	x.Units *= sign
	r.entries++
	r.Entry(&bankfiles.StatementEntry{Line: r.at, BankRef: r.reference(bank), EndToEndID: r.reference(customer), BookingDate: r.day,
		ValueDate: valued, Amount: x, Status: status, Code: string(code), Remark: r.text.String(f.all())})
}

func (r *reader) reference(b []byte) string { return r.text.String(bytes.TrimSpace(b)) }

// direction says what the type of a transaction does: credits are 100 to 399,
// loan payments 720 to 759 and a bank's own 920 to 959; debits 400 to 699, loan
// disbursements 760 to 799 and a bank's own 960 to 999. 890 is information.
func direction(code string) (sign int64, status bankfiles.EntryStatus, ok bool) {
	if len(code) != 3 || !isDigits([]byte(code)) {
		return 0, "", false
	}
	switch {
	case code == "890":
		return 1, bankfiles.Info, true
	case code >= "100" && code < "400", code >= "720" && code < "760", code >= "920" && code < "960":
		return 1, bankfiles.Booked, true
	case code >= "400" && code < "700", code >= "760" && code < "800", code >= "960":
		return -1, bankfiles.Booked, true
	}
	return 0, "", false
}

// Currencies whose minor unit is not a hundredth (ISO 4217).
const (
	withoutMinor = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF "
	thousandths  = " BHD IQD JOD KWD LYD OMR TND "
)

// amount reads an amount in the minor unit of the currency. A bank that prints
// a point means what it prints.
func amount(b []byte, currency string) (money.Exact, bool) {
	x, err := money.ParseExact(string(b), currency)
	if err != nil || x.Scale > 0 {
		return x, err == nil
	}
	switch code := " " + currency + " "; {
	case strings.Contains(withoutMinor, code):
	case strings.Contains(thousandths, code):
		x.Scale = 3
	default:
		x.Scale = 2
	}
	return x, true
}
