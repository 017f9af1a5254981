package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Line is one booked line of a bank statement.
type Line struct {
	Ref      Ref          // unique; file and row in the order of the statements
	Amount   money.Amount // signed: credit (收入) positive, debit (支出) negative
	Booked   bizdate.Date
	Serial   string // our serial as the bank gives it back; empty where it gives none
	Remark   string // may quote the serial instead: "冲正 20260214010001"
	Reversal bool   // 冲正: the bank says so; a returned payout (退汇) is none
}

// Reversal is two bank lines that undo each other: no voucher touches either.
type Reversal struct{ Original, Reversal Ref }

// PairReversals matches each reversal with the line that it undoes: of the same
// serial, the opposite amount, booked before it, not a reversal itself and not
// undone yet; of several the latest. A negative debit (红字) is a credit here.
// The reversals that undo nothing are returned as unpaired: they are exceptions.
// Both come in the order of booking.
func PairReversals(lines []Line) (pairs []Reversal, unpaired []Ref) {
	sorted := slices.Clone(lines)
	slices.SortFunc(sorted, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Booked, b.Booked), a.Ref.Compare(b.Ref), cmp.Compare(a.Amount, b.Amount))
	})
	type key struct {
		serial string
		amount money.Amount
	}
	open := map[key][]Ref{} // lines that may still be undone, the latest last
	for _, line := range sorted {
		if !line.Reversal {
			if line.Serial != "" {
				k := key{line.Serial, line.Amount}
				open[k] = append(open[k], line.Ref)
			}
			continue
		}
		found := false
		for _, serial := range line.serials() {
			k := key{serial, -line.Amount}
			if refs := open[k]; len(refs) > 0 {
				last := len(refs) - 1
				pairs = append(pairs, Reversal{Original: refs[last], Reversal: line.Ref})
				open[k], found = refs[:last], true
				break
			}
		}
		if !found {
			unpaired = append(unpaired, line.Ref)
		}
	}
	return pairs, unpaired
}

// serials returns what the line may quote: its serial, or the words of its remark.
func (l Line) serials() []string {
	if l.Serial != "" {
		return []string{l.Serial}
	}
	return strings.FieldsFunc(l.Remark, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-'
	})
}
