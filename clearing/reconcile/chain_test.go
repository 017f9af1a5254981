package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// day is a sound statement of a day in February 2026.
func day(d int, number string, opening, closing money.Amount) reconcile.Statement {
	date := bizdate.Date(20260200 + d)
	return reconcile.Statement{File: fmt.Sprintf("f%02d", d), Account: "A", Currency: "CNY", Number: number, From: date, To: date,
		Opening: opening, Closing: closing, Sum: closing - opening}
}

type statements = []reconcile.Statement

func with(s reconcile.Statement, change func(*reconcile.Statement)) reconcile.Statement {
	change(&s)
	return s
}

var chainCases = []struct {
	name  string
	chain statements
	want  []string
}{
	{"gap: a day is missing", statements{day(12, "", 0, 100), day(14, "", 150, 200)}, []string{"GAP f12 f14 0.50"}},
	{"gap: a number is missing, and the days between moved nothing", statements{day(12, "7", 0, 100), day(14, "9", 100, 200)}, []string{"GAP f12 f14 0.00"}},
	{"overlap", statements{day(12, "", 0, 100), with(day(13, "", 100, 200), func(s *reconcile.Statement) { s.From = 20260212 })},
		[]string{"OVERLAP f12 f13 0.00"}},
	{"duplicate", statements{day(12, "", 0, 100), with(day(12, "", 0, 100), func(s *reconcile.Statement) { s.File = "f12b" }), day(13, "", 100, 100)},
		[]string{"DUPLICATE f12 f12b 0.00"}},
	{"restated", statements{day(12, "", 0, 100), with(day(12, "", 0, 130), func(s *reconcile.Statement) { s.File = "f12b" })},
		[]string{"RESTATED f12 f12b 0.30"}},
	{"restated: the balances are equal, the lines are not", statements{day(12, "", 0, 100),
		with(day(12, "", 0, 100), func(s *reconcile.Statement) { s.File, s.Digest = "f12b", "other" })}, []string{"RESTATED f12 f12b 0.00"}},
	{"out of sequence", statements{day(12, "8", 0, 100), day(13, "7", 100, 200)}, []string{"OUT_OF_SEQUENCE f12 f13 0.00"}},
	{"broken balance between two", statements{day(12, "", 0, 100), day(13, "", 99, 200)}, []string{"BROKEN_BALANCE f12 f13 -0.01"}},
	{"broken balance: lines and balances", statements{with(day(12, "", 0, 100), func(s *reconcile.Statement) { s.Sum = 40 })},
		[]string{"BROKEN_BALANCE - f12 0.60"}},
	{"broken running balance, at its line", statements{with(day(12, "", 0, 100), func(s *reconcile.Statement) {
		s.Running = []reconcile.Running{{Line: 3, Amount: 60, After: 60}, {Line: 4, Amount: 40, After: 99}}
	})}, []string{"BROKEN_BALANCE - f12 -0.01 line 4"}},
	{"wrong currency", statements{day(12, "", 0, 100), with(day(13, "", 7, 8), func(s *reconcile.Statement) { s.Currency = "USD" }), day(14, "", 100, 100)},
		[]string{"WRONG_CURRENCY f12 f13 0.00"}},
	{"wrong account", statements{day(12, "", 0, 100), with(day(13, "", 7, 8), func(s *reconcile.Statement) { s.Account = "B" }), day(14, "", 100, 100)},
		[]string{"WRONG_ACCOUNT f12 f13 0.00"}},
	{"a holiday, a number that is a date, a new year", statements{day(12, "20260212", 0, 100), day(16, "20260216", 100, 90),
		with(day(17, "", 90, 90), func(s *reconcile.Statement) { s.Running = []reconcile.Running{} })}, nil},
	{"the numbers begin again with the year", statements{
		with(day(12, "365", 0, 100), func(s *reconcile.Statement) { s.From, s.To = 20251231, 20251231 }), with(day(13, "1", 100, 100), func(s *reconcile.Statement) { s.From, s.To = 20260101, 20260101 })}, nil},
}

func TestChain(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, test := range chainCases {
		t.Run(test.name, func(t *testing.T) {
			for range 20 {
				var got []string
				for _, b := range reconcile.Chain("A", "CNY", test.chain) {
					before, line := "-", ""
					if b.Before != nil {
						before = b.Before.File
					}
					if b.Line > 0 {
						line = fmt.Sprintf(" line %d", b.Line)
					}
					got = append(got, fmt.Sprintf("%s %s %s %s%s", b.Kind, before, b.After.File, b.Difference, line))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
				r.Shuffle(len(test.chain), func(i, j int) { test.chain[i], test.chain[j] = test.chain[j], test.chain[i] })
			}
		})
	}
}
