package profile

import (
	"errors"
	"io"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Read streams the statements of a file that the profile describes to the
// sink, as [Read] does.
func (p *Profile) Read(name string, src io.Reader, sink bankfiles.StatementSink) error {
	return Read(name, src, []*Profile{p}, sink)
}

// Read finds the profile that fits the file best and streams its statements to
// the sink: one for each account and currency, anew wherever they change. A sink
// that is a [feed.Warner], [feed.Totaller] or [feed.Encoder] hears of that, too.
//
// It returns a [fault.List] of what might be misread (profile.*, lines.*,
// bill.encoding); errors of the sink and of src come back as they are. A chain
// of balances that breaks is a warning, and so is a row without an amount.
func Read(name string, src io.Reader, profiles []*Profile, sink bankfiles.StatementSink) error {
	var only *Profile
	if len(profiles) == 1 {
		only = profiles[0]
	}
	s, err := open(name, src, only)
	if err != nil {
		return err
	}
	defer s.close()
	r := &reader{Feed: feed.New(name, sink), src: s}
	r.trades, _ = sink.(*trades)
	if r.start(profiles) {
		for !r.Stopped() && s.next() {
			r.take()
		}
	}
	r.failed(s.err())
	if r.p != nil && r.Err() == nil {
		r.finish()
	}
	r.Encoding(s.encoding())
	return r.Err()
}

// reader is a file on its way through a profile.
type reader struct {
	*feed.Feed
	trades   *trades // where the file is a channel's bill
	src      source
	p        *Profile
	b        *binding
	sep      string
	rows     int
	given    given
	side     sides // of the statement
	all      sides // of the file
	chain    chain
	parts    int
	seen     totals
	last     seenMoment                  // of the column date
	value    seenMoment                  // of the value date
	currency struct{ text, code string } // the cell seen last
}

// seenMoment remembers a cell: neighbouring rows often carry the same one.
type seenMoment struct {
	text string
	near bizdate.Date // that gave the year to a layout without one
	moment
}

// failed adds what the source refused.
func (r *reader) failed(err error) {
	var list fault.List
	switch {
	case err == nil:
	case errors.As(err, &list):
		for _, one := range list {
			r.Fault(one)
		}
	default:
		r.Stop(err)
	}
}

// start finds the header and reads what stands above it.
func (r *reader) start(profiles []*Profile) bool {
	if len(profiles) == 1 && len(profiles[0].Fields) > 0 {
		r.p = profiles[0]
		names := make([]string, len(r.p.Fields))
		for i, f := range r.p.Fields {
			names[i] = fold(f.Name)
		}
		r.b, r.sep = r.p.bind(names), r.p.Separator
		if !r.b.complete() {
			r.Fault(fault.Invalid("profile.header", r.p.wanted()))
		}
		return r.b.complete()
	}
	f := &finder{profiles: profiles}
	for range firstRows {
		if !r.src.next() {
			break
		}
		if !f.try(r.src) {
			continue
		}
		m, bad := f.chosen()
		if bad != nil {
			r.Fault(bad.AtLine(r.src.number()))
			return false
		}
		r.p, r.b, r.sep = m.p, m.b, m.separator
		for _, row := range f.above {
			r.labels(row.cells[r.sep])
			r.totals(row.cells[r.sep], row.number, false)
		}
		return true
	}
	if r.src.err() == nil {
		wanted := ""
		if len(profiles) == 1 {
			wanted = profiles[0].wanted()
		}
		r.Fault(fault.Invalid("profile.header", wanted))
	}
	return false
}

// wanted are the names of the columns that a header must have.
func (p *Profile) wanted() string {
	all := p.Columns.all()
	var names []string
	for _, f := range p.bind(nil).need {
		names = append(names, strings.Join(all[f], "/"))
	}
	return strings.Join(names, ", ")
}

// take reads the current row: an entry, a total, a label, or nothing of these.
func (r *reader) take() {
	n := r.src.number()
	cells, ok := r.src.cells(r.sep)
	if !ok {
		r.Fault(fault.Invalid("profile.row").AtLine(n))
		return
	}
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	if r.p.Comment != "" && len(cells) > 0 && strings.HasPrefix(string(cells[0]), r.p.Comment) {
		return
	}
	if r.rows++; r.rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows).AtLine(n))
		return
	}
	day, dated := r.day(cells)
	amounts := !isBlank(r.cell(cells, fAmount)) || !isBlank(r.cell(cells, fDebit)) || !isBlank(r.cell(cells, fCredit))
	switch {
	case dated && amounts:
		r.entry(cells, day, n)
	case !dated && r.headerAgain(cells):
	case (!amounts || r.outside(cells)) && (r.totals(cells, n, true) || r.labels(cells)):
	case dated:
		r.Fault(fault.Invalid("profile.no_amount").AtLine(n).On(r.column(fDate), string(r.cell(cells, fDate))))
	case amounts:
		r.Fault(fault.Invalid("profile.date", strings.Join(r.p.Dates, ", ")).AtLine(n).On(r.column(fDate), string(r.cell(cells, fDate))))
	default:
		r.Warn(fault.Invalid("profile.passed_over").AtLine(n).On("", first(cells)))
	}
}

// outside reports whether a row with something in its amounts begins with a word
// of totals or labels. The same word in a remark does not take an entry away.
func (r *reader) outside(cells [][]byte) bool {
	t, l, head := &r.p.Totals, &r.p.Labels, fold(first(cells))
	for _, words := range [][]string{t.Rows, t.Subtotals, t.Debit, t.Credit, t.Count,
		l.Account, l.Name, l.Currency, l.From, l.To, l.Opening, l.Closing} {
		if begins(head, words) {
			return true
		}
	}
	return false
}

// first is the first cell with content.
func first(cells [][]byte) string {
	for _, c := range cells {
		if len(c) > 0 {
			return string(c)
		}
	}
	return ""
}

// cell is the row's cell of a column, nil where there is none.
func (r *reader) cell(cells [][]byte, f field) []byte {
	if i := r.b.at[f]; i >= 0 && i < len(cells) {
		return cells[i]
	}
	return nil
}

// column is the first spelling of a column's name, for faults.
func (r *reader) column(f field) string { return r.p.Columns.all()[f][0] }

// day reads the date.
func (r *reader) day(cells [][]byte) (moment, bool) {
	text := r.cell(cells, fDate)
	if len(text) == 0 || len(text) > maxAmount {
		return moment{}, false
	}
	if string(text) == r.last.text {
		return r.last.moment, true
	}
	near := r.given.to
	if near.IsZero() {
		near = r.given.from
	}
	m, ok := r.p.moment(string(text), near, r.src.dates())
	if ok {
		r.last.text, r.last.moment = string(text), m
	}
	return m, ok
}

// headerAgain reports whether the header comes again, as on every printed page.
func (r *reader) headerAgain(cells [][]byte) bool {
	if len(r.p.Fields) > 0 {
		return false
	}
	folded := make([]string, len(cells))
	for i, c := range cells {
		folded[i] = fold(string(c))
	}
	b := r.p.bind(folded)
	if !b.complete() || b.twice != "" {
		return false
	}
	r.b = b
	return true
}

// entry hands over a row that moves money.
func (r *reader) entry(cells [][]byte, day moment, n int) {
	for i := r.b.width; i < len(cells); i++ {
		if len(cells[i]) > 0 {
			r.Fault(fault.Invalid("profile.cells", r.b.width, len(cells)).AtLine(n).On("", string(cells[i])))
			return
		}
	}
	if !r.statement(cells, n) {
		return
	}
	e := &bankfiles.StatementEntry{Line: n, Status: bankfiles.Booked, BookingDate: day.day, BookingTime: day.time}
	if !r.money(e, cells) || !r.whole(cells, n) {
		return
	}
	if t := r.cell(cells, fTime); len(t) > 0 {
		var ok bool
		if e.BookingTime, ok = r.p.clock(day.day, string(t), r.src.dates()); !ok {
			r.Warn(fault.Invalid("profile.time").AtLine(n).On(r.column(fTime), string(t)))
		}
	}
	if t := r.cell(cells, fValueDate); len(t) > 0 {
		if string(t) != r.value.text || r.value.near != day.day {
			m, _ := r.p.moment(string(t), day.day, r.src.dates())
			r.value = seenMoment{string(t), day.day, m}
		}
		if e.ValueDate = r.value.day; e.ValueDate.IsZero() {
			r.Warn(fault.Invalid("profile.time").AtLine(n).On(r.column(fValueDate), string(t)))
		}
	}
	e.BankRef, e.Code = string(r.cell(cells, fReference)), string(r.cell(cells, fCode))
	e.CounterpartyName, e.CounterpartyAccount = string(r.cell(cells, fPeer)), string(r.cell(cells, fPeerAccount))
	e.Remark = r.remark(cells)
	if mark := r.cell(cells, fReversal); len(mark) > 0 {
		e.Reversal = e.Reversal || among(mark, r.p.Sign.Reversal)
	}
	r.follow(cells, e)
	if r.trades != nil && !r.trade(e, cells) {
		return
	}
	r.Entry(e)
}

// whole refuses numbers of which a spreadsheet kept 15 digits.
func (r *reader) whole(cells [][]byte, n int) bool {
	for _, f := range []field{fAccount, fReference, fPeerAccount, fOrderNo, fRefundNo} {
		if c := r.cell(cells, f); lostDigits(c) {
			r.Fault(fault.Invalid("profile.digits").AtLine(n).On(r.column(f), string(c)))
			return false
		}
	}
	return true
}

// remark joins the texts of a row, each once.
func (r *reader) remark(cells [][]byte) string {
	out := ""
	for _, i := range r.b.remark {
		if i >= len(cells) || len(cells[i]) == 0 || out == string(cells[i]) {
			continue
		}
		if out != "" {
			out += " "
		}
		out += string(cells[i])
	}
	return out
}

// statement begins a statement where the row's account or currency is new. A
// blank cell means the one above: merged cells have their text in the first row.
func (r *reader) statement(cells [][]byte, n int) bool {
	st := r.Statement()
	account := r.given.account
	code := r.given.currency
	if code == "" {
		code = r.p.Currency
	}
	if st != nil {
		account, code = st.Account, st.Currency
	}
	if c := r.cell(cells, fAccount); len(c) > 0 && string(c) != account {
		account = string(c)
	}
	if c := r.cell(cells, fCurrency); len(c) > 0 {
		ok := string(c) == r.currency.text && r.currency.code != ""
		if code = r.currency.code; !ok {
			code, ok = currency(c)
			r.currency.text, r.currency.code = string(c), code
		}
		if !ok {
			r.Fault(fault.Invalid("profile.currency").AtLine(n).On(r.column(fCurrency), string(c)))
			return false
		}
	}
	if st != nil && st.Account == account && st.Currency == code {
		return true
	}
	if st != nil {
		r.endStatement()
	}
	r.begin(account, code, n)
	if c := r.cell(cells, fName); len(c) > 0 {
		r.Statement().Name = string(c)
	}
	return true
}

func (r *reader) begin(account, code string, n int) {
	r.parts++
	r.side, r.chain = sides{}, chain{}
	r.Begin(&bankfiles.Statement{Line: n, Format: Prefix + r.p.Name, Kind: bankfiles.EndOfDay, Account: account,
		Name: r.given.name, Currency: code})
}

// money reads the amount by the sign rule: credit positive, debit negative. An
// amount below zero on its side is a reversal in red (红字).
func (r *reader) money(e *bankfiles.StatementEntry, cells [][]byte) bool {
	switch r.p.Sign.Rule {
	case "columns":
		debit, hasDebit, ok := r.amount(e, cells, fDebit)
		credit, hasCredit, also := r.amount(e, cells, fCredit)
		if !ok || !also {
			return false
		}
		if debit.Units != 0 && credit.Units != 0 {
			r.Fault(fault.Invalid("profile.both").AtLine(e.Line).On(r.column(fDebit), debit.String()))
			return false
		}
		return r.book(e, debit, hasDebit && (!hasCredit || debit.Units != 0), credit)
	case "direction":
		x, _, ok := r.amount(e, cells, fAmount)
		word := r.cell(cells, fDirection)
		switch {
		case !ok:
			return false
		case among(word, r.p.Sign.Debit):
			return r.book(e, x, true, money.Exact{})
		case among(word, r.p.Sign.Credit):
			return r.book(e, x, false, x)
		}
		r.Fault(fault.Invalid("profile.direction", strings.Join(r.p.Sign.Debit, "/"), strings.Join(r.p.Sign.Credit, "/")).
			AtLine(e.Line).On(r.column(fDirection), string(word)))
		return false
	}
	x, _, ok := r.amount(e, cells, fAmount)
	if r.p.Sign.Invert {
		x = x.Neg()
	}
	e.Amount = x
	if x.Units < 0 {
		r.add(&r.side.debit, &r.all.debit, x.Neg())
	} else {
		r.add(&r.side.credit, &r.all.credit, x)
	}
	return ok
}

// book signs an amount of one side.
func (r *reader) book(e *bankfiles.StatementEntry, debit money.Exact, isDebit bool, credit money.Exact) bool {
	if isDebit {
		e.Amount, e.Reversal = debit.Neg(), debit.Units < 0
		r.add(&r.side.debit, &r.all.debit, debit)
		return true
	}
	e.Amount, e.Reversal = credit, credit.Units < 0
	r.add(&r.side.credit, &r.all.credit, credit)
	return true
}

// amount reads a cell of money; it is there or blank, and ok.
func (r *reader) amount(e *bankfiles.StatementEntry, cells [][]byte, f field) (x money.Exact, there, ok bool) {
	c := r.cell(cells, f)
	code := r.Statement().Currency
	if isBlank(c) {
		return money.Exact{Scale: 2, Currency: code}, false, true
	}
	if x, ok = r.p.amount(c, r.src.dates() != noSheet, code); !ok {
		r.Fault(fault.Invalid("profile.amount").AtLine(e.Line).On(r.column(f), string(c)))
	}
	return x, true, ok
}

// among compares a cell with words: 贷 also where it stands as 贷 Cr.
func among(cell []byte, words []string) bool {
	text := fold(string(cell))
	for _, w := range words {
		if text == fold(w) {
			return true
		}
	}
	return false
}

// given is what labels say of the file.
type given struct {
	account, name, currency string
	from, to                bizdate.Date
	opening, closing        *money.Exact
}
