package profile

import (
	"bytes"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/width"

	"custody/bankfiles/lines"
	"custody/internal/money"
)

// fold makes spellings of one name equal: full-width signs, spaces of either
// width, quotes and line ends inside a cell do not count.
func fold(s string) string {
	s = width.Fold.String(s)
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', '\u3000', '\u00A0', '"', '`', '\uFEFF':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// clean strips what banks and spreadsheets put around a cell: spaces and tabs
// of either width, back-ticks, ="...".
func clean(cell []byte) []byte {
	cell = lines.Clean(cell)
	if isASCII(cell) {
		return cell
	}
	// The bytes that begin and end the wide spaces; most cells have neither.
	first, last := cell[0], cell[len(cell)-1]
	if first > ' ' && first != "\u3000"[0] && first != "\u00A0"[0] && last > ' ' && last != "\u3000"[2] && last != "\u00A0"[1] {
		return cell
	}
	return bytes.Trim(cell, " \t\u3000\u00A0")
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// blankAmounts are what stands where there is no amount.
var blankAmounts = []string{"", "-", "--", "---", "/", "—", "——"}

func isBlank(cell []byte) bool {
	for _, b := range blankAmounts {
		if string(cell) == b {
			return true
		}
	}
	return false
}

// Limits of an amount in digits: an int64 of fen holds 16 whole digits of yuan.
const (
	maxWhole    = 16
	maxDecimals = 6
	maxAmount   = 48 // bytes of the cell
)

// amount reads a cell of money: ¥1,234.56, （1,234.56), ＋1.00, 1234.5元. A cell
// of a sheet may hold what a spreadsheet makes of it: 1.2345E+4. It is false for anything
// else, such as 131.77(已退款89.84).
func (p *Profile) amount(cell []byte, sheet bool, currency string) (money.Exact, bool) {
	if len(cell) > maxAmount {
		return money.Exact{}, false
	}
	text := string(cell)
	if !isASCII(cell) {
		text = width.Fold.String(text)
	}
	text, negative, ok := bare(strings.TrimSpace(text))
	if !ok {
		return money.Exact{}, false
	}
	if sheet {
		text = unroll(text)
	}
	if text, ok = ungroup(text); !ok {
		return money.Exact{}, false
	}
	whole, fraction, point := strings.Cut(text, ".")
	if len(strings.TrimLeft(whole, "0")) > maxWhole || len(fraction) > maxDecimals || point && fraction == "" {
		return money.Exact{}, false
	}
	if whole == "" && point {
		text = "0" + text
	}
	x, err := money.ParseExact(text, currency)
	if err != nil {
		return money.Exact{}, false
	}
	if p.Unit == "fen" {
		if x, err = x.Rescale(0); err != nil {
			return money.Exact{}, false
		}
		x.Scale = 2
	}
	if negative {
		x = x.Neg()
	}
	return x, true
}

// bare takes sign and currency off, in the order in which they come.
func bare(s string) (rest string, negative, ok bool) {
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		s, negative = s[1:len(s)-1], true
	}
	signs := 0
	for s != "" {
		switch {
		case s[0] == '-' || strings.HasPrefix(s, "\u2212"):
			negative = !negative
			signs++
			s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "\u2212")
		case s[0] == '+':
			signs++
			s = s[1:]
		case s[0] == ' ':
			s = s[1:]
		default:
			trimmed := s
			for _, mark := range []string{"¥", "CNY", "RMB", "人民币"} {
				trimmed = strings.TrimPrefix(trimmed, mark)
			}
			if trimmed == s {
				return strings.TrimSpace(strings.TrimSuffix(s, "元")), negative, signs < 2 && s[0] >= '.' && s[0] <= '9'
			}
			s = trimmed
		}
	}
	return "", false, false
}

// unroll writes a number of a spreadsheet, which keeps 15 digits and writes the
// rest from memory: 131.77000000000001 is 131.77 and 1.2E+4 is 12000.
func unroll(s string) string {
	mantissa, exponent, scientific := strings.Cut(strings.ToUpper(s), "E")
	digits := strings.TrimLeft(strings.Replace(mantissa, ".", "", 1), "0")
	if !scientific && len(digits) <= 15 || len(exponent) > 4 { // 1E+999 at most
		return s
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return s
	}
	if d.NumDigits() > 15 {
		d = d.Round(int32(15 - d.NumDigits() - int(d.Exponent())))
	}
	return strings.TrimPrefix(d.String(), "+")
}

// ungroup takes thousands separators out. They stand before every three digits.
func ungroup(s string) (string, bool) {
	if !strings.Contains(s, ",") {
		return s, true
	}
	whole, fraction, point := strings.Cut(s, ".")
	parts := strings.Split(whole, ",")
	for i, part := range parts {
		if i == 0 && (part == "" || len(part) > 3) || i > 0 && len(part) != 3 {
			return "", false
		}
	}
	whole = strings.Join(parts, "")
	if point {
		whole += "." + fraction
	}
	return whole, true
}

// currencies are the names that banks use for codes.
var currencies = map[string]string{
	"人民币": "CNY", "人民币元": "CNY", "rmb": "CNY", "cny": "CNY", "人民币cny": "CNY", "cny-人民币": "CNY", "01": "CNY", "10": "CNY", "156": "CNY",
	"美元": "USD", "港币": "HKD", "港元": "HKD", "欧元": "EUR", "日元": "JPY", "英镑": "GBP",
}

func currency(cell []byte) (string, bool) {
	name := fold(string(cell))
	if code, ok := currencies[name]; ok {
		return code, true
	}
	if len(name) != 3 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", false
	}
	return strings.ToUpper(name), true
}

// lostDigits reports whether a number was written by a spreadsheet that keeps 15
// digits: 6.22202E+18.
func lostDigits(cell []byte) bool {
	if bytes.IndexByte(cell, '+') < 0 {
		return false
	}
	mantissa, exponent, ok := bytes.Cut(bytes.ToUpper(cell), []byte("E+"))
	return ok && len(exponent) > 0 && len(bytes.Trim(exponent, "0123456789")) == 0 && len(mantissa) > 0 &&
		len(bytes.Trim(mantissa, "0123456789.")) == 0
}
