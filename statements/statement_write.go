package statements

import (
	"io"

	"custody/internal/lang"
)

// Columns of an account's sheet in a statement.
const (
	statementIn = 7 + iota
	statementOut
	statementBalance
)

// workbook writes the statement as a workbook: a summary, then one sheet for
// each account.
func (s *statement) workbook(out io.Writer) error {
	b, err := newBook(s.in.Lang, s.custody.Name)
	if err != nil {
		return err
	}
	defer b.file.Close()
	books := s.active()
	if err := b.tab("statement"); err != nil {
		return err
	}
	for _, x := range books {
		if err := b.tab("statement." + x.Code); err != nil {
			return err
		}
	}
	ends := map[string]ends{}
	for _, x := range books {
		if ends[x.Code], err = s.account(b, x); err != nil {
			return err
		}
	}
	if err := s.summary(b, ends); err != nil {
		return err
	}
	return b.write(out, b.text("title.statement"), s.custody.Name, s.in.To)
}

// ends are the cells of an account's sheet that the summary quotes.
type ends struct{ opening, in, out, closing string }

// account writes the entries of one account.
func (s *statement) account(b *book, x passbook) (ends, error) {
	t, err := b.open(form{code: "statement." + x.Code, frozen: 3, widths: []int{12, 15, 20, 21, 34, 22, 15, 15, 16}})
	if err != nil {
		return ends{}, err
	}
	t.heading(t.text("title.statement.account", x.Code, accountName(s.in.Lang, x.Code)), s.below(b))
	t.head("date", "voucher", "event", "item", "counter", "reference", "in", "out", "balance")
	opening := t.span(lookTotalText, t.text("opening"))
	opening[statementBalance-1] = t.cell(lookTotal, number(x.Opening))
	first := t.add(opening...)
	for _, l := range x.Lines {
		row := t.row + 1
		t.add(t.day(l.Date), t.str(l.number()), t.str(s.eventName(l.Event)), t.str(s.item(l.Item)), t.cell(lookWrap, l.Legs), t.cell(lookWrap, l.Reference),
			t.flow(l.in()), t.flow(l.out()),
			t.formula(lookAmount, l.Balance, "%s+%s-%s", at(statementBalance, row-1), at(statementIn, row), at(statementOut, row)))
	}
	last := t.row
	row := t.total("closing", map[int]any{
		statementIn:      t.formula(lookTotal, x.In, "%s", sum(statementIn, first, last)),
		statementOut:     t.formula(lookTotal, x.Out, "%s", sum(statementOut, first, last)),
		statementBalance: t.formula(lookGrand, x.Closing, "%s+%s-%s", at(statementBalance, first), at(statementIn, last+1), at(statementOut, last+1)),
	})
	return ends{opening: t.ref(statementBalance, first), in: t.ref(statementIn, row), out: t.ref(statementOut, row), closing: t.ref(statementBalance, row)}, t.close()
}

func (s *statement) below(b *book) string {
	return b.text("below.statement", s.in.Member, s.name, s.in.From, s.in.To)
}

// summary writes the first sheet: whose statement, and the balances that a
// member knows at the opening and at the closing.
func (s *statement) summary(b *book, cells map[string]ends) error {
	t, err := b.open(form{code: "statement", widths: []int{20, 34, 19, 19, 19, 19}})
	if err != nil {
		return err
	}
	t.heading(t.text("title.statement"), t.text("subtitle.statement"))
	t.fact("custody", s.custody.Code+"  "+s.custody.Name)
	t.fact("member", s.in.Member+"  "+s.name)
	t.fact("period", t.text("period", s.in.From, s.in.To))
	t.skip(1)
	t.head("view", "account", "opening", "in", "out", "closing")
	first := t.row + 1
	for _, v := range views {
		x := s.find(v.code)
		row := []any{t.cell(lookLabel, t.text("view."+v.name)), t.str(x.Code + " " + accountName(s.in.Lang, x.Code))}
		if e, ok := cells[x.Code]; ok {
			row = append(row, t.formula(lookAmount, x.Opening, "%s", e.opening), t.formula(lookAmount, x.In, "%s", e.in),
				t.formula(lookAmount, x.Out, "%s", e.out), t.formula(lookAmount, x.Closing, "%s", e.closing))
		} else {
			row = append(row, t.amount(0), t.amount(0), t.amount(0), t.amount(0))
		}
		t.tall(18, row...)
	}
	var all passbook
	for _, x := range s.books {
		t.plus(&all.Opening, x.Opening)
		t.plus(&all.Closing, x.Closing)
	}
	last := t.row
	// In and out are not added up: a release moves money from one row to another.
	t.total("total.sum", map[int]any{3: t.formula(lookGrand, all.Opening, "%s", sum(3, first, last)),
		6: t.formula(lookGrand, all.Closing, "%s", sum(6, first, last))})
	t.skip(1)
	t.merge(t.tall(42, t.span(lookNote, t.text("disclaimer.statement"))...), 1, t.width)
	return t.close()
}

func (s *statement) find(code string) passbook {
	for _, x := range s.books {
		if x.Code == code {
			return x
		}
	}
	return passbook{Code: code}
}

// csv writes the statement as one table: for each account its opening, its
// entries and its closing.
func (s *statement) csv(out io.Writer) error {
	t := newTable(out)
	text := func(code string) string { return lang.Text(s.in.Lang, "doc."+code) }
	head := []any{}
	for _, c := range []string{"code", "account", "date", "voucher", "event", "item", "counter", "reference", "in", "out", "balance"} {
		head = append(head, text("col."+c))
	}
	t.row(head...)
	for _, b := range s.active() {
		name := accountName(s.in.Lang, b.Code)
		t.row(b.Code, name, s.in.From, "", text("opening"), "", "", "", "", "", b.Opening)
		for _, l := range b.Lines {
			t.row(b.Code, name, l.Date, l.number(), s.eventName(l.Event), s.item(l.Item), l.Legs, l.Reference, l.in(), l.out(), l.Balance)
		}
		t.row(b.Code, name, s.in.To, "", text("closing"), "", "", "", b.In, b.Out, b.Closing)
	}
	return t.close()
}
