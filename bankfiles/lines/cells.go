package lines

import (
	"bytes"
	"math"
	"strings"
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Split cuts a line at its commas, into dst from its start. A cell may stand in
// quotes, with tabs around them, and then holds commas and doubled quotes; a
// quote inside a cell without quotes is a character like any other. It returns
// false where a quote is not closed or text follows a closing one.
func Split(dst [][]byte, line []byte) ([][]byte, bool) {
	dst = dst[:0]
	for {
		start := 0 // by hand: bytes.TrimLeft took a fifth of a bill's time
		for start < len(line) && (line[start] == ' ' || line[start] == '\t') {
			start++
		}
		if start < len(line) && line[start] == '"' {
			cell, rest, ok := quoted(line[start+1:])
			if !ok {
				return dst, false
			}
			dst = append(dst, cell)
			if rest == nil {
				return dst, true
			}
			line = rest
			continue
		}
		comma := bytes.IndexByte(line, ',')
		if comma < 0 {
			return append(dst, line), true
		}
		dst = append(dst, line[:comma])
		line = line[comma+1:]
	}
}

// quoted returns the cell behind an opening quote and the rest behind the
// comma that ends it; rest is nil at the end of the line.
func quoted(s []byte) (cell, rest []byte, ok bool) {
	doubled := false
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		cell, rest = s[:i], bytes.TrimLeft(s[i+1:], " \t")
		if doubled {
			cell = bytes.ReplaceAll(cell, []byte(`""`), []byte(`"`))
		}
		if len(rest) == 0 {
			return cell, nil, true
		}
		return cell, rest[1:], rest[0] == ','
	}
	return nil, nil, false
}

// SplitTicked cuts a line of which every cell begins with a back-tick. A comma
// without a back-tick behind it belongs to its cell: WeChat writes commas of
// product names as they are.
func SplitTicked(dst [][]byte, line []byte) [][]byte {
	dst = dst[:0]
	start := 0
	for i := 0; ; {
		comma := bytes.IndexByte(line[i:], ',')
		if comma < 0 {
			return append(dst, line[start:])
		}
		i += comma + 1
		if i < len(line) && line[i] == '`' {
			dst = append(dst, line[start:i-1])
			start = i
		}
	}
}

// Clean strips what channels and spreadsheets put around a cell: spaces and
// tabs, a leading back-tick, ="...".
func Clean(cell []byte) []byte {
	cell = trim(cell)
	if len(cell) > 0 && cell[0] == '`' {
		cell = trim(cell[1:])
	}
	if len(cell) >= 3 && cell[0] == '=' && cell[1] == '"' && cell[len(cell)-1] == '"' {
		cell = trim(cell[2 : len(cell)-1])
	}
	return cell
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// Column is a column that a reader needs, by the names it has had over the years.
type Column struct {
	Names    []string
	Optional bool
}

var plainName = strings.NewReplacer("（", "(", "）", ")", " ", "", "\t", "", "`", "", "\"", "")

// Bind finds the columns by name, wherever they stand: channels add and move
// columns every other year. It returns the index of each, -1 for an optional
// one that is not there, and the names that are missing or stand twice.
func Bind(cells [][]byte, columns []Column) (index []int, missing, twice []string) {
	index = make([]int, len(columns))
	for c, column := range columns {
		index[c] = -1
		for i, cell := range cells {
			if !column.has(plainName.Replace(string(cell))) {
				continue
			}
			if index[c] >= 0 {
				twice = append(twice, column.Names[0])
			}
			index[c] = i
		}
		if index[c] < 0 && !column.Optional {
			missing = append(missing, column.Names[0])
		}
	}
	return index, missing, twice
}

func (c Column) has(name string) bool {
	for _, n := range c.Names {
		if plainName.Replace(n) == name {
			return true
		}
	}
	return false
}

// Digits of an amount in a trade file. MaxRows amounts of 10 whole digits add
// up to less than 5*10^16 yuan, 5*10^18 fen: an int64 holds 9.2*10^18. With the
// 5 decimals of WeChat's fees a hostile file can still overflow, and is refused.
const (
	maxWhole    = 10
	maxDecimals = 5
)

// Amount reads yuan: a sign, at most 10 digits, at most 5 decimals. It does
// not allocate.
func Amount(b []byte) (money.Exact, bool) {
	digits := len(b)
	if digits > 0 && (b[0] == '-' || b[0] == '+') {
		digits--
	}
	whole := digits
	if point := bytes.IndexByte(b, '.'); point >= 0 {
		decimals := len(b) - point - 1
		if whole -= decimals + 1; decimals > maxDecimals {
			return money.Exact{}, false
		}
	}
	if whole > maxWhole {
		return money.Exact{}, false
	}
	x, err := money.ParseExact(string(b), money.CNY)
	return x, err == nil
}

// Total reads yuan like Amount, without its limit of digits.
func Total(b []byte) (money.Exact, bool) {
	x, err := money.ParseExact(string(b), money.CNY)
	return x, err == nil
}

// Count reads a number of rows, which some channels print as 20.0.
func Count(b []byte) (int, bool) {
	x, ok := Amount(b)
	if !ok {
		return 0, false
	}
	x, err := x.Rescale(0)
	if err != nil || x.Units < 0 || x.Units > math.MaxInt32 {
		return 0, false
	}
	return int(x.Units), true
}

// Time reads 2026-02-12 10:05:00 as a moment in UTC+8. Nothing else is taken:
// a spreadsheet that saves the file again drops the seconds.
func Time(b []byte) (time.Time, bool) {
	if len(b) != 19 || b[4] != '-' || b[7] != '-' || b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	var v [6]int
	for i, span := range [6][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		for _, c := range b[span[0]:span[1]] {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			v[i] = v[i]*10 + int(c-'0')
		}
	}
	year, month, day := v[0], v[1], v[2]
	if year < 1900 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysOf(year, month) || v[3] > 23 || v[4] > 59 || v[5] > 59 {
		return time.Time{}, false
	}
	// time.Date takes a tenth of the time of a whole bill.
	seconds := int64(unixDay(year, month, day))*24*60*60 + int64(v[3]*3600+v[4]*60+v[5]) - zoneSeconds
	return time.Unix(seconds, 0).In(bizdate.Zone), true
}

// zoneSeconds is how far the zone of the books lies east of Greenwich; it has no summer time.
var zoneSeconds = func() int64 {
	_, offset := time.Unix(0, 0).In(bizdate.Zone).Zone()
	return int64(offset)
}()

// unixDay counts days from 1970-01-01. Years begin in March, so that the leap day
// is the last one: 153 days are five months, from March on.
func unixDay(year, month, day int) int {
	if month < 3 {
		year, month = year-1, month+12
	}
	const before = 719469 // days from March of the year 0, and one because days count from 1
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - before
}

func daysOf(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// TimeLayout is the form that [Time] reads.
const TimeLayout = "2006-01-02 15:04:05"

// maxID is the longest order number of any channel: Alipay's 64 characters.
const maxID = 64

// ID reports whether the bytes can be an order, refund or member number: 1 to
// 64 visible ASCII characters without comma, quote and back-tick. 4.2E+27 is
// not one: a spreadsheet made it out of a number of 28 digits and lost the rest.
func ID(b []byte) bool {
	if len(b) == 0 || len(b) > maxID {
		return false
	}
	plus := false
	for _, c := range b {
		if c <= ' ' || c > '~' || c == ',' || c == '"' || c == '`' {
			return false
		}
		plus = plus || c == '+'
	}
	return !plus || !scientific(b)
}

// scientific reports whether the bytes are digits.digitsE+digits.
func scientific(b []byte) bool {
	mantissa, exponent, found := bytes.Cut(b, []byte("E+"))
	whole, fraction, hasPoint := bytes.Cut(mantissa, []byte("."))
	return found && isDigits(whole) && isDigits(exponent) && (!hasPoint || isDigits(fraction))
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
