package money

import (
	"math"
	"strconv"
	"strings"
)

// CNY is the ISO 4217 code of the only currency that the ledger keeps.
const CNY = "CNY"

// maxScale bounds the decimals of an [Exact]: an int64 holds 18 full digits,
// and ISO 20022 allows 18 digits in all.
const maxScale = 18

// Exact is an amount as a file wrote it: Units / 10^Scale of Currency.
// "0.60000" keeps its five decimals, so that writing it again gives the same text.
type Exact struct {
	Units    int64
	Scale    uint8  // decimals, 0 to 18
	Currency string // ISO 4217; empty where the file does not say
}

// ParseExact reads [+-]digits[.digits], at most 18 decimals, digits that fit an
// int64 without the point ([ErrOverflow] where they do not). It accepts neither
// separators nor exponents: a format that prints them strips them first.
func ParseExact(s, currency string) (Exact, error) {
	x := Exact{Currency: currency}
	rest, negative := s, false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	whole, fraction, hasPoint := strings.Cut(rest, ".")
	if whole == "" || (hasPoint && fraction == "") || len(fraction) > maxScale {
		return Exact{}, ErrSyntax
	}
	for _, part := range [2]string{whole, fraction} {
		for i := range len(part) {
			digit := part[i] - '0'
			if digit > 9 {
				return Exact{}, ErrSyntax
			}
			if x.Units > (math.MaxInt64-int64(digit))/10 {
				return Exact{}, ErrOverflow
			}
			x.Units = x.Units*10 + int64(digit)
		}
	}
	x.Scale = uint8(len(fraction))
	if negative {
		x.Units = -x.Units
	}
	return x, nil
}

// FromFen returns the amount as CNY with two decimals.
func FromFen(a Amount) Exact { return Exact{Units: int64(a), Scale: 2, Currency: CNY} }

// String prints the digits without the currency, with Scale decimals.
func (x Exact) String() string {
	u, sign := uint64(x.Units), ""
	if x.Units < 0 {
		u, sign = -u, "-"
	}
	digits := strconv.FormatUint(u, 10)
	if x.Scale == 0 {
		return sign + digits
	}
	if missing := int(x.Scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	cut := len(digits) - int(x.Scale)
	return sign + digits[:cut] + "." + digits[cut:]
}

// Neg returns the amount with the other sign.
func (x Exact) Neg() Exact {
	x.Units = -x.Units
	return x
}

// Rescale returns the same value with the given number of decimals. It returns
// [ErrNotWholeFen] where digits would be lost and [ErrOverflow] where they do not fit.
func (x Exact) Rescale(scale uint8) (Exact, error) {
	for ; x.Scale < scale; x.Scale++ {
		if x.Units > math.MaxInt64/10 || x.Units < math.MinInt64/10 {
			return Exact{}, ErrOverflow
		}
		x.Units *= 10
	}
	for ; x.Scale > scale; x.Scale-- {
		if x.Units%10 != 0 {
			return Exact{}, ErrNotWholeFen
		}
		x.Units /= 10
	}
	return x, nil
}

// Add returns x + y in the larger scale. Different currencies are [ErrNotCNY];
// an empty currency takes the other's.
func (x Exact) Add(y Exact) (Exact, error) {
	if x.Currency == "" {
		x.Currency = y.Currency
	}
	if y.Currency != "" && x.Currency != y.Currency {
		return Exact{}, ErrNotCNY
	}
	scale := max(x.Scale, y.Scale)
	x, err := x.Rescale(scale)
	if err != nil {
		return Exact{}, err
	}
	if y, err = y.Rescale(scale); err != nil {
		return Exact{}, err
	}
	sum, err := Amount(x.Units).Add(Amount(y.Units))
	if err != nil {
		return Exact{}, err
	}
	x.Units = int64(sum)
	return x, nil
}

// Equal reports whether both are the same value in the same currency, whatever
// the number of decimals.
func (x Exact) Equal(y Exact) bool {
	d, err := x.Add(y.Neg())
	return err == nil && d.Units == 0
}

// Fen returns the amount in fen. It returns [ErrNotCNY] for another currency
// (an empty one counts as CNY), [ErrNotWholeFen] and [ErrOverflow].
func (x Exact) Fen() (Amount, error) {
	if x.Currency != "" && x.Currency != CNY {
		return 0, ErrNotCNY
	}
	y, err := x.Rescale(2)
	return Amount(y.Units), err
}

// RoundFen is Fen with half a fen rounded away from zero, for a profile that
// names that rounding: WeChat prints fees with five decimals.
func (x Exact) RoundFen() (Amount, error) {
	if x.Currency != "" && x.Currency != CNY {
		return 0, ErrNotCNY
	}
	for x.Scale > 3 { // keep one digit behind the fen; it alone decides half-up
		x.Units /= 10
		x.Scale--
	}
	if x.Scale == 3 {
		x.Units = x.Units/10 + x.Units%10/5 // the last digit is -9 to 9: -1, 0 or 1
		x.Scale = 2
	}
	return x.Fen()
}
