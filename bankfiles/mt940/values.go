package mt940

import (
	"bytes"
	"strings"
	"time"

	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// balance is a value of :60F:, :62F: and the like.
type balance struct {
	amount money.Exact // signed
	day    bizdate.Date
}

// balance reads C260213CNY1234,56: credit or debit, day, currency, amount. The
// currency may be missing; the account's then holds. A value that is wrapped is
// put together, but lines that follow a whole one are not part of it.
func (r *reader) balance(field string, value []byte) (balance, bool) {
	if len(bytes.TrimSpace(value)) == 0 {
		r.warn(r.at, "mt940.balance", field, "")
		return balance{}, false
	}
	b, ccy, ok := parseBalance(firstLine(value))
	if !ok {
		b, ccy, ok = parseBalance(bytes.ReplaceAll(value, []byte{'\n'}, nil))
	}
	if !ok {
		r.bad("mt940.balance", field, string(firstLine(value)))
		return b, false
	}
	st := r.Statement()
	if st.Currency == "" {
		st.Currency = ccy
	}
	b.amount.Currency = ccy
	if ccy == "" {
		b.amount.Currency = st.Currency
		r.warn(r.at, "mt940.currency", field, string(firstLine(value)))
	}
	return b, true
}

func parseBalance(v []byte) (b balance, currency string, ok bool) {
	v = bytes.ReplaceAll(v, []byte{' '}, nil)
	if len(v) < 2 {
		return b, "", false
	}
	sign := int64(1)
	switch v[0] {
	case 'C', 'c':
	case 'D', 'd':
		sign = -1
	default:
		return b, "", false
	}
	v = v[1:]
	digits := 0
	for digits < len(v) && isDigit(v[digits]) {
		digits++
	}
	if len(v) >= digits+3 && isCode(v[digits:digits+3]) {
		currency = string(v[digits : digits+3])
		b.day, ok = dayOf(v[:digits])
		v = v[digits+3:]
	} else if digits >= 6 { // no currency: the day has six digits
		b.day, ok = dayOf(v[:6])
		v = v[6:]
	}
	if !ok {
		return b, "", false
	}
	b.amount, ok = feed.Amount(v)
	b.amount.Units *= sign
	return b, currency, ok
}

// claim reads 3CNY123,00: number, currency, sum.
func (r *reader) claim(field string, value []byte) claim {
	c := claim{line: r.at}
	i := 0
	for i < len(value) && i < 9 && isDigit(value[i]) {
		c.number = c.number*10 + int64(value[i]-'0')
		i++
	}
	rest := value[i:]
	ok := i > 0
	if len(rest) >= 3 && isCode(rest[:3]) {
		if st := r.Statement(); st.Currency == "" {
			st.Currency = string(rest[:3])
		}
		rest = rest[3:]
	}
	if ok && len(rest) > 0 {
		c.sum, ok = feed.Amount(rest)
		c.summed = true
	}
	if c.sum.Units < 0 {
		c.sum = c.sum.Neg()
	}
	if !ok {
		r.warn(r.at, "mt940.claim", field, string(value))
		return claim{}
	}
	return c
}

// dayOf reads YYMMDD or YYYYMMDD; a day that does not exist, such as 30
// February of banks that count thirty days for every month, is the last of its
// month. No digits, or zeros alone, are no day.
func dayOf(b []byte) (bizdate.Date, bool) {
	if len(bytes.Trim(b, "0")) == 0 {
		return 0, true
	}
	var year int
	switch len(b) {
	case 6:
		if year = 2000 + number(b[:2]); year >= 2080 { // banks' archives begin in the eighties
			year -= 100
		}
		b = b[2:]
	case 8:
		year = number(b[:4])
		b = b[4:]
	default:
		return 0, false
	}
	return day(year, number(b[:2]), number(b[2:]))
}

// day is the day, or the last of the month where the month is shorter.
func day(year, month, dayOfMonth int) (bizdate.Date, bool) {
	if month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > 31 || year < 1900 {
		return 0, false
	}
	for ; ; dayOfMonth-- {
		if d := bizdate.New(year, time.Month(month), dayOfMonth); !d.IsZero() {
			return d, true
		}
	}
}

// number is the value of decimal digits, or -1.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// momentOf is the day of :13D: 2602131530+0800 or :13: 26021315.
func momentOf(b []byte) bizdate.Date {
	if len(b) < 6 {
		return 0
	}
	d, _ := dayOf(b[:6])
	return d
}

// isCode reports whether b looks like a currency.
func isCode(b []byte) bool { return isLetter(b[0]) && isLetter(b[1]) && isLetter(b[2]) }

// splitAccount takes the currency off an account: a bank that keeps an account
// in several currencies writes it behind the number.
func splitAccount(s string) (account, currency string) {
	const code = 3
	cut := len(s) - code
	if cut < 1 || !isCode([]byte(s[cut:])) {
		return s, ""
	}
	ccy := s[cut:]
	switch before := s[cut-1]; {
	case before == ' ':
		return strings.TrimSpace(s[:cut]), ccy
	case (before == '/' || isDigit(before)) && strings.Contains(currencies, " "+ccy+" "):
		return strings.TrimRight(s[:cut], "/"), ccy
	}
	return s, ""
}

// currencies are those in which accounts are kept (ISO 4217).
const currencies = " AED ALL AMD ARS AUD AZN BAM BDT BGN BHD BRL BYN CAD CHF CLP CNH CNY COP CZK DKK DZD EEK EGP EUR GBP GEL GHS" +
	" HKD HRK HUF IDR ILS INR IQD IRR ISK JOD JPY KES KRW KWD KZT LBP LKR LTL LVL MAD MDL MKD MMK MOP MXN MYR NGN NOK NPR NZD OMR" +
	" PEN PHP PKR PLN PYG QAR RON RSD RUB SAR SEK SGD SKK THB TND TRY TWD TZS UAH UGX USD UYU UZS VND XAF XOF ZAR "
