// Package money holds the two ways in which this product writes an amount.
//
// In the ledger an amount is [Amount], whole fen in an int64. In a file it is
// [Exact], digits exactly as they were written, in any currency and with any
// number of decimals. The step from one to the other is [Exact.Fen], which
// refuses what is not CNY or not whole fen. There is no float anywhere.
//
//	x, _ := money.ParseExact("12.30", "CNY")
//	a, _ := x.Fen() // 1230
//	fmt.Println(a)  // 12.30
package money

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Amount is an amount of money in fen (分, 1/100 yuan). It may be negative.
type Amount int64

// Errors of this package. Callers add the file, line and field.
var (
	ErrOverflow    = errors.New("money: amount overflow")
	ErrSyntax      = errors.New("money: not an amount")
	ErrNotCNY      = errors.New("money: currency is not CNY")
	ErrNotWholeFen = errors.New("money: not a whole number of fen")
)

// Add returns a + b, or [ErrOverflow].
func (a Amount) Add(b Amount) (Amount, error) {
	s := a + b
	if (s > a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return s, nil
}

// Sub returns a - b, or [ErrOverflow].
func (a Amount) Sub(b Amount) (Amount, error) {
	d := a - b
	if (d < a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return d, nil
}

// Abs returns the amount without its sign. The smallest int64, which no account
// can hold (-92 quadrillion yuan), has no such amount and comes back as it is.
func (a Amount) Abs() Amount {
	if a < 0 {
		return -a
	}
	return a
}

// Sum adds the amounts, or returns [ErrOverflow].
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	var err error
	for _, a := range amounts {
		if total, err = total.Add(a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Rounding names how a product that is not whole fen becomes one.
type Rounding int

const (
	// Floor rounds towards zero: the remainder goes to the remainder party (尾差方).
	Floor Rounding = iota
	// HalfUp rounds half a fen away from zero (四舍五入), the rule of channel fees.
	HalfUp
)

// PPM is the denominator of a rate in parts per million: 6000 is 0.6 %.
const PPM = 1_000_000

// MulRate returns a * ratePPM / 1,000,000 rounded as told, or [ErrOverflow].
// The product is formed in 128 bits, so only the result can overflow.
func (a Amount) MulRate(ratePPM int64, r Rounding) (Amount, error) {
	if a == math.MinInt64 || ratePPM == math.MinInt64 {
		return 0, ErrOverflow
	}
	negative := (a < 0) != (ratePPM < 0)
	hi, lo := bits.Mul64(uint64(a.Abs()), uint64(max(ratePPM, -ratePPM)))
	if hi >= PPM/2 { // the quotient is 2^63 or more
		return 0, ErrOverflow
	}
	q, rem := bits.Div64(hi, lo, PPM)
	if r == HalfUp && rem >= PPM/2 {
		q++
	}
	if q > math.MaxInt64 {
		return 0, ErrOverflow
	}
	if negative {
		return -Amount(q), nil
	}
	return Amount(q), nil
}

// ParseYuan reads an amount typed by a person or written in a yuan file:
// an optional sign, digits, at most two decimals. Nothing else is accepted.
func ParseYuan(s string) (Amount, error) {
	x, err := ParseExact(s, CNY)
	if err != nil {
		return 0, err
	}
	return x.Fen()
}

// String prints yuan with two decimals: 123456 fen is "1234.56".
func (a Amount) String() string {
	return string(a.Append(nil))
}

// Append appends the form of [Amount.String] to b.
func (a Amount) Append(b []byte) []byte {
	u := uint64(a)
	if a < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/100, 10)
	return append(b, '.', byte('0'+u/10%10), byte('0'+u%10))
}

// Grouped prints yuan with thousands separators, for documents: "1,234.56".
func (a Amount) Grouped() string {
	s := a.String()
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	whole, cents := s[:len(s)-3], s[len(s)-3:]
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(digit)
	}
	return sign + out.String() + cents
}

// Percent prints a rate in parts per million without trailing zeros: 6000 is "0.6%".
func Percent(ratePPM int64) string { return decimal.New(ratePPM, -4).String() + "%" }
