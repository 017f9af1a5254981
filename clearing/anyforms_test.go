package clearing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// piece is a file of some of the days of a random account.
type piece struct {
	form     string
	from, to int // days, from the first
	name     string
	raw      []byte
}

// TestStatementsInAnyPieces: goal, that nothing comes twice and nothing is lost.
// Method: a random account over some days, with equal lines and lines without a
// reference, is cut into files that overlap, each in a random form, given in random
// order and given again. What is refused because a day before it is missing is
// given once more later. In the end the books hold each line exactly as often as
// the bank has it, and every file is known.
func TestStatementsInAnyPieces(t *testing.T) {
	b := newWorkedBooks(t)
	b.profile("sample.yaml", sampleProfile)
	first, balance, files := day("2027-01-01"), int64(0), 0
	forms := []string{"camt.053", "mt940", "csv", "gbk", "xlsx", "zip", "gzip", "ofx1", "ofx2", "icbc", "xls"}
	rapid.Check(t, func(r *rapid.T) {
		begin := first
		n := rapid.IntRange(1, 4).Draw(r, "days")
		first = first.AddDays(n) // each try has days of its own, so that one home serves all
		days := make([][]bankfiles.StatementEntry, n)
		opening := make([]int64, n+1)
		opening[0] = balance
		for i := range days {
			days[i] = randomLines(r, begin.AddDays(i))
			opening[i+1] = opening[i]
			for _, e := range days[i] {
				opening[i+1] += e.Amount.Units
			}
		}
		balance = opening[n]
		var pieces []piece
		cut := func(from, to int) {
			p := piece{form: rapid.SampledFrom(forms).Draw(r, "form"), from: from, to: to}
			files++
			p.name = fmt.Sprintf("p%d%s", files, formTail(p.form))
			head := statementHead(begin.AddDays(to), "S")
			head.From, head.Number = begin.AddDays(from), fmt.Sprint(to+1)
			open, end := money.FromFen(money.Amount(opening[from])), money.FromFen(money.Amount(opening[to+1]))
			head.Opening, head.Closing = &open, &end
			p.raw = statementIn(t, p.form, head, slices.Concat(days[from:to+1]...))
			pieces = append(pieces, p)
		}
		for range rapid.IntRange(0, 3).Draw(r, "overlaps") {
			from := rapid.IntRange(0, n-1).Draw(r, "from")
			cut(from, rapid.IntRange(from, n-1).Draw(r, "to"))
		}
		cut(0, n-1)
		pieces = rapid.Permutation(pieces).Draw(r, "order")
		for range len(pieces) {
			for _, p := range pieces {
				if _, err := b.load(p.name, p.raw); err != nil && !slices.Contains(untilTheDayBefore, fault.CodeOf(err)) && !p.mayConflict(err) {
					r.Fatalf("%s of days %d to %d: %v", p.form, p.from, p.to, err)
				}
			}
		}
		for _, p := range pieces {
			if report, err := b.load(p.name, p.raw); !p.mayConflict(err) && (err != nil || !report.AlreadyLoaded) {
				r.Fatalf("%s of days %d to %d again: %+v %v", p.form, p.from, p.to, report, err)
			}
		}
		for i := range days {
			if got, want := b.amountsOn(begin.AddDays(i)), amountsOf(days[i]); got != want {
				r.Fatalf("day %d: the books have %s, the bank %s", i, got, want)
			}
		}
	})
}

// mayConflict: a bank's own message of one day that comes again with other bytes is
// refused, even where it says the same.
func (p piece) mayConflict(err error) bool {
	return fault.CodeOf(err) == "file.conflict" && p.from == p.to && slices.Contains([]string{"camt.053", "mt940", "zip", "gzip", "ofx1", "ofx2", "icbc"}, p.form)
}

// untilTheDayBefore are what a file is refused with while days before it are missing.
var untilTheDayBefore = []string{"statement.chain", "statement.no-opening"}

// randomLines are a day's movements: few amounts, so that some lines are equal.
func randomLines(r *rapid.T, date bizdate.Date) []bankfiles.StatementEntry {
	named := rapid.Bool().Draw(r, "named")
	var list []bankfiles.StatementEntry
	for i := range rapid.IntRange(0, 4).Draw(r, "lines") {
		amount := rapid.SampledFrom([]int64{1, 500, 500, 12345, -1, -500}).Draw(r, "amount")
		e := bankfiles.StatementEntry{BookingDate: date, BookingTime: date.At(9, 0), ValueDate: date, Amount: money.FromFen(money.Amount(amount)),
			Status: bankfiles.Booked, Code: "PMNT", CounterpartyName: "李四", CounterpartyAccount: "6222999900000009", Remark: "same"}
		if named {
			e.BankRef = fmt.Sprintf("K%s%d", date.Compact(), i)
			e.EntryRef = e.BankRef
		}
		list = append(list, e)
	}
	return list
}

func amountsOf(list []bankfiles.StatementEntry) string {
	var out []string
	for _, e := range list {
		out = append(out, e.Amount.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (b *workedBooks) amountsOn(date bizdate.Date) string {
	var amounts []money.Amount
	b.read(func(tx *store.Tx) error {
		return tx.Select(b.ctx, &amounts, "SELECT amount_fen FROM bank_lines WHERE booking_date = ?", date)
	})
	var out []string
	for _, a := range amounts {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
