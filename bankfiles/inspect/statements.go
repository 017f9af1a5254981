package inspect

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// maxStatements of a file: one for every account of a large group and a page
// for every day of a year would be 300 × 366, about 110,000.
const maxStatements = 110_000

// statements is the sink that joins the pages of statements.
type statements struct {
	*file
	byKey map[statementKey]int // index in heads
	heads []*bankfiles.Statement
	seen  map[partKey]bool
	parts int
}

var (
	_ bankfiles.StatementSink = (*statements)(nil)
	_ camt.Warner             = (*statements)(nil)
	_ camt.Totaller           = (*statements)(nil)
	_ feed.Encoder            = (*statements)(nil)
)

// statementKey tells statements apart; an account in several currencies may
// number each of them by itself.
type statementKey struct{ account, currency, number string }

// partKey tells a part of a statement from the same part delivered again.
type partKey struct {
	statementKey
	from, to              bizdate.Date
	opening, closing, sum money.Exact
	entries               int
}

// reportStatements reports on a file that a reader of statements understands.
func reportStatements(read func(string, io.Reader, bankfiles.StatementSink) error) func(*file) error {
	return func(f *file) error {
		f.Report.Encoding = utf8Name
		s := &statements{file: f, byKey: map[statementKey]int{}, seen: map[partKey]bool{}}
		err := read(f.File, f.src, s)
		for _, head := range s.heads {
			f.Statements = append(f.Statements, statementOf(head))
		}
		return err
	}
}

// Open takes what the first statement says of the file.
func (s *statements) Open(head *bankfiles.Statement) error {
	if s.parts == 0 {
		s.Version, s.Format = head.Version, Format(head.Format)
	}
	if s.parts++; s.parts > maxStatements {
		return fault.Invalid("inspect.too_many_statements", maxStatements).In(s.File).AtLine(head.Line)
	}
	return nil
}

// Entry counts.
func (s *statements) Entry(*bankfiles.StatementEntry) error {
	s.Rows++
	return nil
}

// Totals keeps whether all the statements of the file agree with their own totals.
func (s *statements) Totals(agree bool) {
	s.agree(agree && (s.TotalsAgree == nil || *s.TotalsAgree))
}

// Close joins the statement to its pages before it.
func (s *statements) Close(head *bankfiles.Statement) error {
	if len(s.heads) == 0 { // only now the whole head is known
		s.Format = Format(head.Format)
	}
	key := statementKey{head.Account, head.Currency, numberOf(head)}
	if s.again(key, head) {
		return nil
	}
	i, page := s.byKey[key]
	if !page {
		s.byKey[key] = len(s.heads)
		s.heads = append(s.heads, head)
		return nil
	}
	a, b := s.heads[i], head
	if !follows(a, b) && a.Opening != nil && b.Closing != nil && follows(b, a) {
		a, b = b, a // pages in the wrong order
	}
	switch {
	case follows(a, b):
	case repeats(a, b):
		s.Warn(fault.Invalid("inspect.duplicate").In(s.File).AtLine(head.Line).On("", key.number))
		return nil
	default:
		s.Warn(fault.Invalid("inspect.number_again", a.Closing.String(), b.Opening.String()).
			In(s.File).AtLine(head.Line).On("", key.number))
	}
	s.heads[i] = join(a, b)
	return nil
}

// again reports whether the same part was there before: banks deliver a
// statement twice. Without balances nobody can tell.
func (s *statements) again(key statementKey, head *bankfiles.Statement) bool {
	if head.Opening == nil || head.Closing == nil {
		return false
	}
	part := partKey{key, head.From, head.To, *head.Opening, *head.Closing, head.Sum, head.Entries}
	if !s.seen[part] {
		s.seen[part] = true
		return false
	}
	s.Warn(fault.Invalid("inspect.duplicate").In(s.File).AtLine(head.Line).On("", key.number))
	return true
}

func numberOf(head *bankfiles.Statement) string {
	if head.Number == "" {
		return head.ID
	}
	return head.Number
}

// follows reports whether b goes on where a ends, as far as their balances tell.
func follows(a, b *bankfiles.Statement) bool {
	return a.Closing == nil || b.Opening == nil || a.Closing.Equal(*b.Opening)
}

// repeats reports whether b is the first or the last page of a once more.
func repeats(a, b *bankfiles.Statement) bool {
	if a.Opening == nil || b.Closing == nil || b.Entries > a.Entries {
		return false
	}
	return a.Closing.Equal(*b.Closing) && a.To == b.To || a.Opening.Equal(*b.Opening) && a.From == b.From
}

// join adds a page to the pages before it. Opening is the first page's, closing
// the last one's. The whole balances where each page does; where only the pages
// together have both balances, whether the sum leads from one to the other is
// computed anew. A bank that numbers all statements alike leaves gaps between them.
func join(a, b *bankfiles.Statement) *bankfiles.Statement {
	all := *a
	all.To = max(a.To, b.To)
	all.From = min(a.From, b.From)
	all.Closing = b.Closing
	all.Entries += b.Entries
	all.Balanced = nil
	sum, err := a.Sum.Add(b.Sum)
	all.Sum = sum
	switch {
	case a.Balanced != nil && b.Balanced != nil:
		ok := *a.Balanced && *b.Balanced && err == nil
		all.Balanced = &ok
	case follows(a, b) && all.Opening != nil && all.Closing != nil:
		ok := err == nil && leads(*all.Opening, sum, *all.Closing)
		all.Balanced = &ok
	}
	return &all
}

func leads(opening, sum, closing money.Exact) bool {
	got, err := opening.Add(sum)
	return err == nil && got.Equal(closing)
}

func statementOf(head *bankfiles.Statement) Statement {
	return Statement{Account: head.Account, Currency: head.Currency, Number: numberOf(head), From: head.From, To: head.To,
		Opening: decimal(head.Opening), Closing: decimal(head.Closing), Entries: head.Entries, Sum: head.Sum.String(), Balanced: head.Balanced}
}

func decimal(x *money.Exact) *string {
	if x == nil {
		return nil
	}
	s := x.String()
	return &s
}

// Encoding takes the encoding that the reader found.
func (s *statements) Encoding(name string) { s.Report.Encoding = name }
