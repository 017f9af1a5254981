package profile

import (
	"strings"

	"golang.org/x/text/width"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// sides are the sums of debits and credits as printed, and the entries.
type sides struct {
	debit, credit money.Exact
	overflow      bool
}

// totals are what a file says of its rows; a total may stand above them.
type totals struct {
	claims []claim
	agree  *bool
}

// claim is a total of the file: a sum of one side, or a count.
type claim struct {
	line   int
	kind   field // fDebit, fCredit, or fOther for a count
	value  money.Exact
	column string
	after  bool // it stands below the rows that it adds up
}

// maxClaims: four for each account of a large group.
const maxClaims = 1200

func (r *reader) add(a, b *money.Exact, x money.Exact) {
	x.Currency = ""
	for _, to := range []*money.Exact{a, b} {
		sum, err := to.Add(x)
		*to = sum
		r.side.overflow = r.side.overflow || err != nil
	}
}

// totals takes a row of totals out. Its sums are checked against the rows above
// it, or, above the table, against the whole file.
func (r *reader) totals(cells [][]byte, n int, below bool) bool {
	head := fold(first(cells))
	if head == "" {
		return false
	}
	t := &r.p.Totals
	if begins(head, t.Subtotals) {
		return true
	}
	isRow := below && begins(head, t.Rows)
	found := false
	for _, one := range []struct {
		kind  field
		words []string
	}{{fDebit, t.Debit}, {fCredit, t.Credit}, {fOther, t.Count}} {
		if value, ok := labelled(cells, one.words); ok {
			found = r.claim(one.kind, value, one.words[0], n, below) || found
		}
	}
	if found || !isRow {
		return found
	}
	for _, f := range []field{fDebit, fCredit} {
		if c := r.cell(cells, f); !isBlank(c) {
			r.claim(f, string(c), r.column(f), n, below)
		}
	}
	return true
}

func begins(text string, words []string) bool {
	for _, w := range words {
		if strings.HasPrefix(text, fold(w)) {
			return true
		}
	}
	return false
}

// claim keeps a total above the table, and checks one below it.
func (r *reader) claim(kind field, value, column string, n int, below bool) bool {
	value = strings.TrimSuffix(strings.TrimSuffix(value, "笔"), "条")
	p := *r.p
	if kind == fOther {
		p.Unit = "yuan" // a count has no unit
	}
	x, ok := p.amount([]byte(value), r.src.dates() != noSheet, "")
	if !ok || len(r.seen.claims) >= maxClaims {
		return false
	}
	c := claim{n, kind, x, column, below}
	if below {
		r.check(c)
	} else {
		r.seen.claims = append(r.seen.claims, c)
	}
	return true
}

// check compares a total with the rows of the statement or of the file so far.
func (r *reader) check(c claim) {
	entries := 0
	if st := r.Statement(); st != nil {
		entries = st.Entries
	}
	if r.Faults() > 0 {
		return // rows that could not be read make every total wrong
	}
	var got, all money.Exact
	switch c.kind {
	case fDebit:
		got, all = r.side.debit, r.all.debit
	case fCredit:
		got, all = r.side.credit, r.all.credit
	default:
		got = money.Exact{Units: int64(entries)}
		all = got
		if r.parts > 1 {
			return // a count of the file, of an account, of a page: nobody says
		}
	}
	ok := got.Equal(c.value) || all.Equal(c.value)
	if r.seen.agree == nil || !ok {
		r.seen.agree = &ok
	}
	r.Totals(ok)
	if ok {
		return
	}
	wrong := fault.Invalid("profile.total", c.value.String(), got.String()).AtLine(c.line).On(c.column, c.value.String())
	if r.p.Totals.Advisory {
		r.Warn(wrong)
	} else {
		r.Fault(wrong)
	}
}

// labels takes what a row outside of the table says of the statement.
func (r *reader) labels(cells [][]byte) bool {
	l, g, found := &r.p.Labels, &r.given, false
	take := func(words []string, use func(string)) {
		if value, ok := labelled(cells, words); ok {
			use(value)
			found = true
		}
	}
	take(l.Account, func(v string) { g.account = strings.ReplaceAll(v, " ", "") })
	take(l.Name, func(v string) { g.name = v })
	take(l.Currency, func(v string) {
		if code, ok := currency([]byte(v)); ok {
			g.currency = code
		}
	})
	take(l.From, func(v string) {
		from, to := r.period(v)
		g.from = from
		if !to.IsZero() {
			g.to = to
		}
	})
	take(l.To, func(v string) { g.to, _ = r.period(v) })
	amount := func(to **money.Exact) func(string) {
		return func(v string) {
			if x, ok := r.p.amount([]byte(v), r.src.dates() != noSheet, ""); ok {
				*to = &x
			}
		}
	}
	take(l.Opening, amount(&g.opening))
	take(l.Closing, amount(&g.closing))
	return found
}

// period reads a day, or 20260801 至 20260831.
func (r *reader) period(v string) (from, to bizdate.Date) {
	day := func(s string) bizdate.Date {
		s = strings.TrimSpace(s)
		m, ok := r.p.moment(s, 0, r.src.dates())
		if !ok {
			s, _, _ = strings.Cut(s, " ")
			m, _ = r.p.moment(s, 0, r.src.dates())
		}
		return m.day
	}
	for _, mark := range []string{"至", "到", "~", "—", "--"} {
		if a, b, ok := strings.Cut(v, mark); ok {
			return day(a), day(b)
		}
	}
	if len(v) == 17 && v[8] == '-' {
		return day(v[:8]), day(v[9:])
	}
	return day(v), 0
}

// labelled finds the value beside a word: in the next cell with content, or
// behind a colon in the same one.
func labelled(cells [][]byte, words []string) (string, bool) {
	if len(words) == 0 {
		return "", false
	}
	for i, c := range cells {
		if len(c) == 0 || len(c) > maxWidth {
			continue
		}
		plain := width.Fold.String(string(c))
		text := fold(plain)
		for _, w := range words {
			w = fold(w)
			if text == w || text == w+":" {
				if value := strings.TrimSpace(first(cells[i+1:])); value != "" {
					return value, true
				}
			}
			at := strings.Index(text, w+":")
			if at < 0 {
				continue
			}
			if value := behind(plain, strings.Count(text[:at], ":")); value != "" {
				return value, true
			}
		}
	}
	return "", false
}

// behind is what stands behind the colon of that number, up to the word before
// the next one.
func behind(text string, colon int) string {
	parts := strings.Split(text, ":")
	value := strings.TrimSpace(parts[colon+1])
	if colon+2 < len(parts) { // the last word belongs to the next colon
		if cut := strings.LastIndexAny(value, " ,;\t"); cut > 0 {
			value = value[:cut]
		}
	}
	return strings.Trim(value, " ,;\t")
}

// chain holds what the balances behind the entries prove, whichever end of the
// file is the newer one.
type chain struct {
	rows, lost              int // lost: rows without a balance
	first, last             money.Exact
	firstAmount, lastAmount money.Exact
	up, down                breaks
}

// breaks counts where one entry does not lead to the next.
type breaks struct {
	count, line int
}

// follow checks previous balance + amount = balance, oldest first and newest first.
func (r *reader) follow(cells [][]byte, e *bankfiles.StatementEntry) {
	if r.b.at[fBalance] < 0 || r.p.Balance.Unchecked {
		return
	}
	c := &r.chain
	text := r.cell(cells, fBalance)
	if isBlank(text) {
		c.lost++
		return
	}
	balance, ok := r.p.amount(text, r.src.dates() != noSheet, r.Statement().Currency)
	if !ok {
		r.Fault(fault.Invalid("profile.amount").AtLine(e.Line).On(r.column(fBalance), string(text)))
		return
	}
	if c.rows == 0 {
		c.first, c.firstAmount = balance, e.Amount
	} else {
		c.up.see(c.last, e.Amount, balance, e.Line)
		c.down.see(balance, c.lastAmount, c.last, e.Line)
	}
	c.rows++
	c.last, c.lastAmount = balance, e.Amount
}

func (b *breaks) see(before, amount, after money.Exact, line int) {
	if got, err := before.Add(amount); err == nil && got.Equal(after) {
		return
	}
	if b.count++; b.count == 1 {
		b.line = line
	}
}

// balances derives opening and closing from the chain.
func (r *reader) balances(st *bankfiles.Statement) {
	c := &r.chain
	if c.rows > 0 && c.lost == 0 {
		before := func(balance, amount money.Exact) *money.Exact {
			x, err := balance.Add(amount.Neg())
			if err != nil {
				return nil
			}
			return &x
		}
		broken := c.up
		if c.down.count < c.up.count {
			broken = c.down
			last := c.first
			st.Opening, st.Closing = before(c.last, c.lastAmount), &last
		} else {
			last := c.last
			st.Opening, st.Closing = before(c.first, c.firstAmount), &last
		}
		if broken.count > 0 {
			r.Warn(fault.Invalid("profile.chain", broken.count).AtLine(broken.line))
		}
	}
	for _, one := range []struct{ given, to **money.Exact }{{&r.given.opening, &st.Opening}, {&r.given.closing, &st.Closing}} {
		if *one.given != nil && r.parts == 1 {
			x := **one.given
			x.Currency = st.Currency
			*one.to = &x
		}
	}
}

func (r *reader) endStatement() {
	st := r.Statement()
	r.balances(st)
	st.From, st.To = r.Days()
	if g := &r.given; r.parts == 1 && !g.from.IsZero() && !g.to.IsZero() { // one day alone may be that of the export
		if st.From.IsZero() || g.from < st.From {
			st.From = g.from
		}
		st.To = max(st.To, g.to)
	}
	if r.side.overflow {
		r.Fault(fault.Invalid("profile.overflow").AtLine(st.Line))
	}
	r.End()
}

// finish ends the last statement; a file without entries is a statement, too.
func (r *reader) finish() {
	if r.Statement() == nil {
		code := r.given.currency
		if code == "" {
			code = r.p.Currency
		}
		r.begin(r.given.account, code, 1)
	}
	for _, c := range r.seen.claims {
		r.check(c)
	}
	if st := r.Statement(); st.Account == "" {
		st.Account = r.given.account
	}
	r.endStatement()
}
