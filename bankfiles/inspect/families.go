package inspect

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
	"custody/internal/money"
)

const utf8Name = "utf-8"

func reportOrders(f *file) error {
	f.Version = orderfile.Version
	return trade(f, orderfile.Read)
}

func reportWeChat(f *file) error { return trade(f, wechat.Read) }
func reportAlipay(f *file) error { return trade(f, alipay.Read) }

// trade reports on orders or on a bill: both carry totals, which the reader checks.
func trade[Row any](f *file, read func(string, io.Reader, func(*Row) error) (bankfiles.TradeSummary, error)) error {
	rows := 0
	sum, err := read(f.File, f.src, func(*Row) error {
		rows++
		return nil
	})
	f.Rows, f.Encoding = max(rows, sum.Rows), sum.Encoding
	if err == nil {
		f.agree(true)
	}
	return err
}

// reportNoBill: the answer is complete; there are no rows and no totals.
func reportNoBill(f *file) error {
	f.Encoding = utf8Name
	return nil
}

func reportPayout(f *file) error {
	got, err := payfile.ReadPayout(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportResult(f *file) error {
	got, err := payfile.ReadResult(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportBalances(f *file) error {
	got, err := payfile.ReadBalance(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportInstructions(f *file) error {
	got, err := payfile.ReadInstruct(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

// sealed is a payout, result, balance or instruction file that holds.
func (f *file) sealed(rows int) {
	f.Encoding, f.Rows = utf8Name, rows
	f.agree(true)
}

// maxStatements of a file: one for every account of a large group and a page
// for every day of a year would be 300 × 366, about 110,000.
const maxStatements = 110_000

// statements is the sink that joins the pages of statements.
type statements struct {
	*file
	byKey map[statementKey]int // index in joined
	heads []*bankfiles.Statement
}

var (
	_ bankfiles.StatementSink = (*statements)(nil)
	_ camt.Warner             = (*statements)(nil)
	_ camt.Totaller           = (*statements)(nil)
)

// statementKey tells statements apart; an account in several currencies may
// number each of them by itself.
type statementKey struct{ account, currency, number string }

func reportStatements(f *file) error {
	f.Encoding = utf8Name
	s := &statements{file: f, byKey: map[statementKey]int{}}
	err := camt.Read(f.File, f.src, s)
	for _, head := range s.heads {
		f.Statements = append(f.Statements, statementOf(head))
	}
	return err
}

// Open takes what the first statement says of the file.
func (s *statements) Open(head *bankfiles.Statement) error {
	if s.Version == "" {
		s.Version = head.Version
	}
	if len(s.heads) == maxStatements {
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
	key := statementKey{head.Account, head.Currency, numberOf(head)}
	if i, page := s.byKey[key]; page {
		s.heads[i] = join(s.heads[i], head)
		return nil
	}
	s.byKey[key] = len(s.heads)
	s.heads = append(s.heads, head)
	return nil
}

func numberOf(head *bankfiles.Statement) string {
	if head.Number == "" {
		return head.ID
	}
	return head.Number
}

// join adds a page to the pages before it. Opening is the first page's, closing
// the last one's; whether the sum leads from one to the other is computed anew.
func join(a, b *bankfiles.Statement) *bankfiles.Statement {
	all := *a
	all.To = max(a.To, b.To)
	all.From = min(a.From, b.From)
	all.Closing = b.Closing
	all.Entries += b.Entries
	all.Balanced = nil
	sum, err := a.Sum.Add(b.Sum)
	all.Sum = sum
	if all.Opening != nil && all.Closing != nil {
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
