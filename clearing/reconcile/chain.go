package reconcile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Statement is one bank statement as a link of its account's chain (对账单链).
type Statement struct {
	File     string // where it comes from
	Account  string
	Currency string // empty is the account's
	Number   string // 对账单号; counted only where it is a sequence of at most five digits (SWIFT field 28C)
	From, To bizdate.Date
	Opening  money.Amount
	Closing  money.Amount
	Sum      money.Amount // of its lines, signed; compared with closing less opening
	Digest   string       // of its lines: tells a copy from a restatement with equal balances; may be empty
	Running  []Running    // 余额 after each line; empty where the bank prints none
}

// Running is a line with the balance that the bank prints after it.
type Running struct {
	Line          int // of the file
	Amount, After money.Amount
}

// ChainKind is what breaks a chain of statements. Append only.
type ChainKind string

// The breaks of a chain. A gap is told from a broken balance by the days, or the
// number, that are missing.
const (
	ChainGap         ChainKind = "GAP"             // 断号、缺失: a statement between the two is missing
	ChainOverlap     ChainKind = "OVERLAP"         // 期间重叠: two statements share days
	ChainDuplicate   ChainKind = "DUPLICATE"       // 重复: the same statement twice
	ChainRestated    ChainKind = "RESTATED"        // 重述: the same days with other figures
	ChainSequence    ChainKind = "OUT_OF_SEQUENCE" // 乱序: a later day bears an earlier number
	ChainBalance     ChainKind = "BROKEN_BALANCE"  // 余额不连续: days follow, balances do not; or lines and balances
	ChainCurrency    ChainKind = "WRONG_CURRENCY"  // 币种不符
	ChainWrongHolder ChainKind = "WRONG_ACCOUNT"   // 账号不符
)

// ChainBreak is one place where the chain does not hold: between the statements
// Before and After, or within After where Before is nil. Difference is what
// After has more than Before calls for.
type ChainBreak struct {
	Kind          ChainKind
	Before, After *Statement // point into the input
	Difference    money.Amount
	Line          int // of After's file, where a line breaks the running balance
}

// Chain finds every break in the statements of one account, in the order of
// their days. Statements of another account or currency are reported and left
// out; so are copies, and restatements, of which the first is kept. The order of
// the input changes nothing but which of two restatements is called the first:
// that is the one of the lesser file name.
func Chain(account, currency string, statements []Statement) []ChainBreak {
	sorted := make([]*Statement, len(statements))
	for i := range statements {
		sorted[i] = &statements[i]
	}
	slices.SortFunc(sorted, compareStatements)
	var breaks []ChainBreak
	var before *Statement
	for _, s := range sorted {
		switch {
		case s.Account != account:
			breaks = append(breaks, ChainBreak{Kind: ChainWrongHolder, Before: before, After: s})
			continue
		case s.Currency != "" && s.Currency != currency:
			breaks = append(breaks, ChainBreak{Kind: ChainCurrency, Before: before, After: s})
			continue
		}
		if before != nil && s.From == before.From && s.To == before.To {
			breaks = append(breaks, again(before, s))
			continue
		}
		if b, broken := s.within(); broken {
			breaks = append(breaks, b)
		}
		if before != nil {
			breaks = append(breaks, follows(before, s)...)
		}
		before = s
	}
	return breaks
}

func compareStatements(a, b *Statement) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), strings.Compare(a.File, b.File), strings.Compare(a.Number, b.Number),
		cmp.Compare(a.Opening, b.Opening), cmp.Compare(a.Closing, b.Closing), cmp.Compare(a.Sum, b.Sum), strings.Compare(a.Digest, b.Digest))
}

// again tells a copy of a statement from a restatement.
func again(first, s *Statement) ChainBreak {
	b := ChainBreak{Kind: ChainRestated, Before: first, After: s, Difference: s.Closing - first.Closing}
	if b.Difference == 0 {
		b.Difference = s.Opening - first.Opening
	}
	if s.Opening == first.Opening && s.Closing == first.Closing && s.Sum == first.Sum && s.Digest == first.Digest {
		b.Kind = ChainDuplicate
	}
	return b
}

// within checks a statement by itself: each running balance, then the whole.
func (s *Statement) within() (ChainBreak, bool) {
	balance := s.Opening
	for _, line := range s.Running {
		if balance += line.Amount; balance != line.After {
			return ChainBreak{Kind: ChainBalance, After: s, Difference: line.After - balance, Line: line.Line}, true
		}
	}
	diff := s.Closing - s.Opening - s.Sum
	return ChainBreak{Kind: ChainBalance, After: s, Difference: diff}, diff != 0
}

// follows compares a statement with the one before it. Days without a statement,
// such as holidays, are no gap where number and balance go on.
func follows(before, s *Statement) (breaks []ChainBreak) {
	diff := s.Opening - before.Closing
	add := func(kind ChainKind) {
		breaks = append(breaks, ChainBreak{Kind: kind, Before: before, After: s, Difference: diff})
	}
	last, number := before.sequence(), s.sequence()
	counted := last > 0 && number > 0 && before.To.Year() == s.To.Year() // banks begin again each year
	switch {
	case s.From <= before.To:
		add(ChainOverlap)
		return breaks
	case counted && number > last+1:
		add(ChainGap)
	case diff != 0 && s.From > before.To.AddDays(1):
		add(ChainGap)
	case diff != 0:
		add(ChainBalance)
	}
	if counted && number <= last {
		add(ChainSequence)
	}
	return breaks
}

// sequence returns the number of the statement where it is one that is counted
// up, else 0: 20260213 or a hash is a name.
func (s *Statement) sequence() int {
	const digitsMax = 5
	if len(s.Number) > digitsMax {
		return 0
	}
	n, err := strconv.Atoi(s.Number)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
