package feed

import (
	"bytes"

	"custody/internal/money"
)

// Amount reads 1234,56 exactly, and what banks make of it: "1234," and ",50"
// and "1234", a point for the comma, 1.234.567,89 with separators, a sign. One separator alone
// is the decimal one.
func Amount(b []byte) (money.Exact, bool) {
	b = bytes.TrimSpace(b)
	var digits [24]byte
	out := digits[:0]
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		out = append(out, b[0])
		b = b[1:]
	}
	point := max(bytes.LastIndexByte(b, ','), bytes.LastIndexByte(b, '.'))
	whole, fraction := b, []byte(nil)
	if point >= 0 {
		whole, fraction = b[:point], b[point+1:]
	}
	if len(whole)+len(fraction) == 0 || len(b) > 30 {
		return money.Exact{}, false
	}
	if bytes.ContainsAny(whole, ".,'") {
		mark := byte(0)
		if point >= 0 {
			mark = b[point]
		}
		if whole = ungroup(whole, mark); whole == nil {
			return money.Exact{}, false
		}
	}
	if len(whole) == 0 {
		out = append(out, '0')
	}
	out = append(out, whole...)
	if len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	x, err := money.ParseExact(string(out), "")
	return x, err == nil
}

// ungroup takes the separators out of 1.234.567. They are all the same, not the
// one before the decimals, and stand before every three digits; else it returns nil.
func ungroup(b []byte, point byte) []byte {
	mark := b[bytes.IndexAny(b, ".,'")]
	parts := bytes.Split(b, []byte{mark})
	for i, p := range parts {
		if mark == point || len(p) > 3 || i > 0 && len(p) != 3 || i == 0 && len(p) == 0 {
			return nil
		}
	}
	return bytes.Join(parts, nil)
}
