package payfile

import (
	"strconv"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// checkHead refuses a file without a date and one with too many rows.
func checkHead(date bizdate.Date, rows int) error {
	if date.IsZero() {
		return fault.Invalid("payfile.date").AtLine(1).On("date", "")
	}
	if rows > maxRows {
		return fault.Invalid("payfile.too_many_rows", maxRows).AtLine(1).On("rows", strconv.Itoa(rows))
	}
	return nil
}

// checkItem checks a row's number and that its key is there, fit to be
// written, and new. seen holds the line of every key so far.
func checkItem(line, want, seq int, keyName, key string, seen map[string]int) *fault.Fault {
	if seq != want {
		return fault.Invalid("payfile.sequence", want).AtLine(line).On("seq", strconv.Itoa(seq))
	}
	if bad := checkTexts(line, named{keyName, key, true}); bad != nil {
		return bad
	}
	if first, twice := seen[key]; twice {
		return fault.Invalid("payfile.twice", first).AtLine(line).On(keyName, key)
	}
	seen[key] = line
	return nil
}

// checkAmount refuses an amount below least and adds it to the total.
func checkAmount(line int, field string, a, least, total money.Amount) (money.Amount, error) {
	if a < least {
		return 0, fault.Invalid("payfile.amount", fen(least)).AtLine(line).On(field, fen(a))
	}
	sum, err := total.Add(a)
	if err != nil {
		return 0, fault.Invalid("payfile.overflow").AtLine(line).On(field, fen(a))
	}
	return sum, nil
}
