package camt

import (
	"bytes"
	"math"
	"math/big"
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// str is the text of the element, trimmed.
func (r *reader) str() string { return string(r.content()) }

// free is the text of the element with every run of white space as one space:
// files are indented and wrapped by tools that do not know what text is.
func (r *reader) free() string {
	b := r.content()
	for i := range b {
		if isSpace(b[i]) && (b[i] != ' ' || i+1 < len(b) && isSpace(b[i+1])) {
			return string(bytes.Join(bytes.Fields(b), []byte{' '}))
		}
	}
	return string(b)
}

// direction reads CdtDbtInd: 1 for credit (贷, 收入), -1 for debit (借, 支出), 0 for none.
func (r *reader) direction(field string) int64 {
	switch b := r.content(); string(b) {
	case "CRDT":
		return 1
	case "DBIT":
		return -1
	default:
		r.bad("camt.direction", field, b)
		return 0
	}
}

// amount reads an Amt with its Ccy.
func (r *reader) amount(field string) money.Exact {
	currency := r.currency()
	b := r.content()
	x, err := parseDecimal(b)
	if err != nil {
		r.bad("camt.amount", field, b)
	}
	x.Currency = currency
	return x
}

// currency returns the Ccy of the start tag, or that of the account where there
// is none; the frequent case costs nothing.
func (r *reader) currency() string {
	ccy := r.attr("Ccy")
	if len(ccy) == 0 || string(ccy) == r.st.Currency {
		return r.st.Currency
	}
	return string(ccy)
}

// maxDigits of an amount: an int64 holds 18 in full and ISO 20022 allows 18.
const maxDigits = 18

// parseDecimal reads an xs:decimal ("12.30", "+5.", ".5") exactly. It also takes
// an exponent: some banks' tools print rounding noise such as -4E-13.
func parseDecimal(b []byte) (money.Exact, error) {
	var x money.Exact
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	digits, scale, point := 0, 0, false
	for len(b) > 0 && b[0] != 'E' && b[0] != 'e' {
		c := b[0]
		b = b[1:]
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return x, money.ErrSyntax
		case x.Units > (math.MaxInt64-int64(c-'0'))/10:
			return x, money.ErrOverflow
		}
		x.Units = x.Units*10 + int64(c-'0')
		digits++
		if point {
			scale++
		}
	}
	if digits == 0 {
		return x, money.ErrSyntax
	}
	exponent, err := parseExponent(b)
	if err != nil {
		return x, err
	}
	for scale -= exponent; scale < 0; scale++ {
		if x.Units > math.MaxInt64/10 {
			return x, money.ErrOverflow
		}
		x.Units *= 10
	}
	if scale > maxDigits {
		return x, money.ErrSyntax
	}
	x.Scale = uint8(scale)
	if negative {
		x.Units = -x.Units
	}
	return x, nil
}

// parseExponent reads E-13; nothing is 0.
func parseExponent(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	b = b[1:]
	sign := 1
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 2 {
		return 0, money.ErrSyntax
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, money.ErrSyntax
		}
		n = n*10 + int(c-'0')
	}
	return sign * n, nil
}

// date reads an element that holds Dt or DtTm, or the date itself.
func (r *reader) date(field string) (bizdate.Date, time.Time) {
	depth := r.depth()
	var day bizdate.Date
	var at time.Time
	for {
		switch r.next() {
		case tokenText: // a date without Dt around it
			if b := bytes.TrimSpace(r.text); len(b) > 0 {
				day, at = r.parseMoment(field, b)
			}
		case tokenStart:
			if name := string(r.local); name == "Dt" || name == "DtTm" {
				day, at = r.moment(field + "/" + name)
			} else {
				r.skip()
			}
		case tokenEnd:
			if r.depth() < depth {
				return day, at
			}
		case tokenEOF:
			return 0, time.Time{}
		}
	}
}

// moment reads the text of the element as a date or a date with time,
// whichever stands there: banks mix Dt and DtTm.
func (r *reader) moment(field string) (bizdate.Date, time.Time) {
	return r.parseMoment(field, r.content())
}

func (r *reader) parseMoment(field string, b []byte) (bizdate.Date, time.Time) {
	day, at, ok := parseMoment(b)
	if !ok {
		r.bad("camt.date", field, b)
	}
	return day, at
}

// parseMoment reads 2026-02-12 or 2026-02-12T13:31:05.123 with or without a zone.
// The day is the one that is written, the bank's own; the moment is zero for
// a date alone. A time without a zone is in the zone of the books.
func parseMoment(b []byte) (bizdate.Date, time.Time, bool) {
	const date = len("2026-02-12")
	if len(b) < date {
		return 0, time.Time{}, false
	}
	day, err := bizdate.Parse(string(b[:date]))
	if err != nil {
		return 0, time.Time{}, false
	}
	rest := b[date:]
	if len(rest) == 0 || isZone(rest) {
		return day, time.Time{}, true
	}
	endOfDay := bytes.HasPrefix(rest, []byte("T24:00:00"))
	text := string(b)
	if endOfDay {
		text = string(b[:date]) + "T00:00:00" + string(rest[len("T24:00:00"):])
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, bizdate.Zone); err == nil {
			if endOfDay {
				at = at.AddDate(0, 0, 1)
			}
			return day, at.In(bizdate.Zone), true
		}
	}
	return 0, time.Time{}, false
}

// isZone reports whether b is Z, +08:00 or -05:00.
func isZone(b []byte) bool {
	if len(b) == 1 {
		return b[0] == 'Z'
	}
	_, err := time.Parse("-07:00", string(b))
	return err == nil
}

// tally adds amounts of any number of decimals without losing a digit: one
// int64 per number of decimals, brought together at the end.
type tally struct {
	byScale  [maxDigits + 1]money.Amount
	overflow bool
}

func (t *tally) add(x money.Exact) {
	sum, err := t.byScale[x.Scale].Add(money.Amount(x.Units))
	t.overflow = t.overflow || err != nil
	t.byScale[x.Scale] = sum
}

// units returns the sum in units of 10^-18.
func (t *tally) units() *big.Int {
	total := new(big.Int)
	ten := big.NewInt(10)
	for _, a := range t.byScale { // Horner: one decimal more at every step
		total.Mul(total, ten)
		total.Add(total, new(big.Int).SetInt64(int64(a)))
	}
	return total
}

// exact returns the sum with as many decimals as it needs, but no fewer than
// least, which is how the statement prints its opening balance.
func (t *tally) exact(currency string, least uint8) (money.Exact, error) {
	if t.overflow {
		return money.Exact{}, money.ErrOverflow
	}
	for s, a := range t.byScale { // no entries: 0.00 as the balances are printed
		if a != 0 {
			least = max(least, uint8(s))
			break
		}
	}
	total, scale := t.units(), uint8(maxDigits)
	ten, rest := big.NewInt(10), new(big.Int)
	for scale > least {
		q, _ := new(big.Int).QuoRem(total, ten, rest)
		if rest.Sign() != 0 {
			break
		}
		total = q
		scale--
	}
	if !total.IsInt64() {
		return money.Exact{}, money.ErrOverflow
	}
	return money.Exact{Units: total.Int64(), Scale: scale, Currency: currency}, nil
}

// noise is 10^-5 in units of 10^-18: an ISO 20022 amount has at most five
// decimals, so that a smaller difference is a tool's rounding noise.
var noise = big.NewInt(1e13)

// leads reports whether opening + sum = closing.
func (t *tally) leads(opening, closing money.Exact) bool {
	if t.overflow || opening.Currency != closing.Currency {
		return false
	}
	all := *t
	all.add(opening)
	all.add(closing.Neg())
	return !all.overflow && all.units().CmpAbs(noise) < 0
}
