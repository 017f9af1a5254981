package clearing

import (
	"context"
	"errors"
	"io"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/bai2"
	"custody/bankfiles/camt"
	"custody/bankfiles/inspect"
	"custody/bankfiles/instruct"
	"custody/bankfiles/mt940"
	"custody/bankfiles/ofx"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// maxStatementDays bounds what one file of statements covers: a year and the
// month around it.
const maxStatementDays = 400

// statementDay is one day of the custody account as a file tells it. A file over
// several days counts for each of them: their balances follow from the entries.
type statementDay struct {
	Date    bizdate.Date
	Line    int    // of the statement in the file
	Number  string // of the statement, as the bank prints it
	Opening money.Amount
	Closing money.Amount
	Entries int
	// Unsure is a day without entries before the first entry, of a format that
	// dates its opening balance: with some banks that is the day before.
	Unsure bool
	loaded int64 // file that the books have of the day, with the same content
}

// isStatement reports whether a format carries the bank's word on our account.
func isStatement(f inspect.Format) bool {
	switch f {
	case inspect.Camt053, inspect.Camt052, inspect.MT940, inspect.MT942, inspect.MT950, inspect.BAI2, inspect.OFX, workbook:
		return true
	}
	if isFeed(f) {
		return true
	}
	return isProfile(f)
}

// readStatements streams the statements of a file of any of these formats.
func (e *Engine) readStatements(a *arrival, src io.Reader, sink bankfiles.StatementSink) error {
	switch a.format {
	case inspect.Camt053, inspect.Camt052:
		return camt.Read(a.name, src, sink)
	case inspect.MT940, inspect.MT942, inspect.MT950:
		return mt940.Read(a.name, src, sink)
	case inspect.BAI2:
		return bai2.Read(a.name, src, sink)
	case inspect.OFX:
		return ofx.Read(a.name, src, sink)
	case inspect.ICBCStatement:
		return instruct.ReadICBCStatement(a.name, src, sink)
	case inspect.CMBStatement:
		return instruct.ReadCMBStatement(a.name, src, sink)
	case inspect.CMBUnits, inspect.CMBBreakpoint:
		return instruct.ReadCMBUnits(a.name, src, sink)
	}
	p, err := e.profileNamed(string(a.format))
	if err != nil {
		return err
	}
	return p.Read(a.name, src, sink)
}

// survey goes once through a file and adds up our account's days.
type survey struct {
	e       *Engine
	a       *arrival
	ours    int // statements of our account
	other   *bankfiles.Statement
	kind    bankfiles.StatementKind
	rows    int
	day     map[bizdate.Date]*tally // of the statement being read
	bad     error                   // in it; of no concern where it is not ours
	days    []statementDay
	to      bizdate.Date // of a report
	partial *fault.Fault // the file says that it is a part
}

// tally adds up the entries of one booking day.
type tally struct {
	sum     money.Amount
	entries int
}

func (s *survey) Open(*bankfiles.Statement) error {
	s.day, s.bad = map[bizdate.Date]*tally{}, nil
	return nil
}

func (s *survey) Entry(e *bankfiles.StatementEntry) error {
	if e.Status != bankfiles.Booked || s.bad != nil {
		return nil
	}
	amount, err := exactFen(e.Amount, s.a, e.Line, "Amt")
	if err != nil {
		s.bad = err
		return nil
	}
	t := s.day[e.BookingDate]
	if t == nil {
		t = &tally{}
		s.day[e.BookingDate] = t
	}
	t.entries++
	if t.sum, err = t.sum.Add(amount); err != nil {
		s.bad = fault.Invalid("file.fen").In(s.a.name).AtLine(e.Line).Because(err)
	}
	return nil
}

func (s *survey) Close(h *bankfiles.Statement) error {
	ours := s.e.isOurs(s.a, h)
	s.a.ours = append(s.a.ours, ours)
	if !ours {
		s.other = h
		return nil
	}
	s.ours++
	s.rows += h.Entries
	s.kind = h.Kind
	if h.Currency != "" && h.Currency != money.CNY {
		return fault.Invalid("statement.currency", h.Currency).In(s.a.name).On("Ccy", h.Currency)
	}
	if s.bad != nil {
		return s.bad
	}
	if s.isReport(h) {
		s.kind = bankfiles.Intraday
		if s.to = max(s.to, h.To); s.to.IsZero() {
			s.to = s.a.onlyNameDate()
		}
		return nil
	}
	full := s.completed(*h)
	if err := checkBalances(s.a.name, &full); err != nil {
		return err
	}
	return s.divide(&full)
}

// isReport tells a report during the day: by its kind, and of the formats that
// have no kind, by its name.
func (s *survey) isReport(h *bankfiles.Statement) bool {
	if h.Kind == bankfiles.Intraday {
		return true
	}
	if s.a.format == inspect.Camt053 || s.a.format == inspect.MT940 || s.a.format == inspect.MT950 {
		return false
	}
	for _, name := range s.a.names() {
		name = strings.ToLower(name)
		if strings.Contains(name, "intraday") || strings.Contains(name, "当日") {
			return true
		}
	}
	return false
}

// divide gives each day of a statement its own opening and closing balance. An
// entry that the bank books outside of the statement's days counts for the
// nearest of them.
func (s *survey) divide(h *bankfiles.Statement) error {
	from, to := s.span(h)
	if to.IsZero() {
		return fault.Invalid("statement.date").In(s.a.name).AtLine(h.Line)
	}
	n := from.DaysUntil(to) + 1
	if n > maxStatementDays {
		return fault.Invalid("statement.days", n, maxStatementDays).In(s.a.name).AtLine(h.Line).On("FrToDt", from.String()+".."+to.String())
	}
	balance, err := exactFen(*h.Opening, s.a, h.Line, "OPBD")
	if err != nil {
		return err
	}
	closing, err := exactFen(*h.Closing, s.a, h.Line, "CLBD")
	if err != nil {
		return err
	}
	byDay := make([]tally, n)
	first := n
	for date, t := range s.day {
		i := min(max(from.DaysUntil(clamped(date, from, to)), 0), n-1)
		byDay[i].sum += t.sum // each sum is one of entries that were added without overflow
		byDay[i].entries += t.entries
		first = min(first, i)
	}
	for i, t := range byDay {
		d := statementDay{Date: from.AddDays(i), Line: h.Line, Number: statementNumber(h), Opening: balance, Closing: balance + t.sum, Entries: t.entries,
			Unsure: i < first && i < n-1 && (s.a.format == inspect.MT940 || s.a.format == inspect.MT950)}
		balance = d.Closing
		if err := s.put(d); err != nil {
			return err
		}
	}
	if balance != closing { // the reader has compared them; entries of another status moved nothing
		return fault.Invalid("statement.unbalanced", h.Opening, h.Sum, h.Closing).In(s.a.name).AtLine(h.Line)
	}
	return nil
}

func clamped(d, from, to bizdate.Date) bizdate.Date {
	if d.IsZero() {
		return to
	}
	return min(max(d, from), to)
}

func statementNumber(h *bankfiles.Statement) string {
	if h.Number == "" {
		return h.ID
	}
	return h.Number
}

// span is the days that a statement covers. A table names them at best in its
// file's name, which then may say more than its entries do.
func (s *survey) span(h *bankfiles.Statement) (from, to bizdate.Date) {
	from, to = h.From, h.To
	if isProfile(s.a.format) || to.IsZero() {
		dates := s.a.nameDates()
		switch {
		case len(dates) == 0:
		case to.IsZero():
			from, to = dates[0], dates[len(dates)-1]
		case len(dates) == 2 && dates[0] <= from && to <= dates[1]:
			from, to = dates[0], dates[1]
		}
	}
	if from.IsZero() || from > to {
		from = to
	}
	return from, to
}

// put adds a day: after the days so far, or as one more page of the last.
func (s *survey) put(d statementDay) error {
	n := len(s.days)
	switch {
	case n == 0 || d.Date > s.days[n-1].Date:
		s.days = append(s.days, d)
	case d.Date == s.days[n-1].Date && d.Opening == s.days[n-1].Closing && (d.Entries == 0 || s.days[n-1].Entries == 0 || d.Number == s.days[n-1].Number):
		s.days[n-1].Closing, s.days[n-1].Entries = d.Closing, s.days[n-1].Entries+d.Entries
		s.days[n-1].Unsure = s.days[n-1].Unsure && d.Unsure
	default:
		return fault.Invalid("statement.count", s.ours).In(s.a.name)
	}
	return nil
}

// isOurs reports whether a statement is of the custody account. A table that
// names no account may be told by its file's name.
func (e *Engine) isOurs(a *arrival, h *bankfiles.Statement) bool {
	own := plainAccount(e.Config.Account)
	if h.Account == "" {
		for _, name := range a.names() {
			if strings.Contains(plainAccount(name), own) {
				return true
			}
		}
		return false
	}
	account := plainAccount(h.Account)
	if i := strings.LastIndexByte(account, '/'); i >= 0 && account != own { // the bank's code before it
		account = account[i+1:]
	}
	return account == own
}

// plainAccount leaves out how people group the digits of an account.
func plainAccount(s string) string { return strings.NewReplacer(" ", "", "-", "").Replace(s) }

// describeStatement fills in what a file of statements says of our account.
func (e *Engine) describeStatement(a *arrival, src io.Reader) error {
	s := &survey{e: e, a: a}
	a.ours = nil
	if err := e.readStatements(a, src, s); err != nil {
		return err
	}
	a.rows, a.source = s.rows, e.Config.Account
	switch {
	case s.partial != nil:
		return s.partial.In(a.name)
	case s.ours == 0 && s.other != nil && s.other.Account == "":
		return fault.Invalid("statement.account").In(a.name)
	case s.ours == 0 && s.other != nil:
		return e.ourAccount(a, s.other.Account)
	case s.ours == 0:
		return fault.Invalid("statement.count", 0).In(a.name)
	case s.kind == bankfiles.Intraday:
		a.kind, a.date = fileIntraday, s.to
		if a.date.IsZero() {
			return fault.Invalid("statement.date").In(a.name)
		}
		return nil
	}
	a.kind, a.days = fileStatement, s.days
	a.date, a.from = s.days[len(s.days)-1].Date, s.days[0].Date
	for i := 1; i < len(s.days); i++ {
		if d, before := s.days[i], s.days[i-1]; d.Opening != before.Closing {
			return fault.Invalid("statement.chain", d.Opening, before.Date, before.Closing).In(a.name).AtLine(d.Line).On("OPBD", d.Opening.String())
		}
	}
	return nil
}

// checkBalances: an end-of-day statement is booked only when it proves itself.
func checkBalances(name string, s *bankfiles.Statement) error {
	switch {
	case s.Opening == nil || s.Closing == nil:
		return fault.Invalid("statement.no-balance").In(name).AtLine(s.Line)
	case s.Balanced == nil || !*s.Balanced:
		return fault.Invalid("statement.unbalanced", s.Opening, s.Sum, s.Closing).In(name).AtLine(s.Line)
	}
	return nil
}

// newDays leaves of a file's days those that the books have not: a day whose
// statement is there with the same lines is passed over, one with other lines is
// a conflict. It returns the file that stands for all of them, if none is new.
func (w *Work) newDays(ctx context.Context, a *arrival) (old File, err error) {
	var fresh []statementDay
	err = w.DB.Read(ctx, func(tx *store.Tx) error {
		if err := firstErr(w.dropUnsure(ctx, tx, a), w.carryForward(ctx, tx, a)); err != nil {
			return err
		}
		for i := range a.days {
			d := &a.days[i]
			f, found, err := w.file(ctx, tx, fileStatement, w.Config.Account, d.Date)
			switch {
			case err != nil:
				return err
			case !found:
				fresh = append(fresh, *d)
				continue
			case f.SHA256 != a.sha256:
				if err := w.sameDay(ctx, tx, a, d, f); err != nil {
					return err
				}
			}
			old, d.loaded = f, f.ID
		}
		return nil
	})
	if err != nil || len(fresh) > 0 {
		a.fresh, old = fresh, File{}
	}
	return old, err
}

// dropUnsure takes away days of which the file may not speak, unless they fill a
// gap behind the last statement in the books.
func (w *Work) dropUnsure(ctx context.Context, tx *store.Tx, a *arrival) error {
	for len(a.days) > 1 && a.days[0].Unsure {
		var last bizdate.Date
		err := tx.Get(ctx, &last, "SELECT COALESCE(MAX(to_date), 0) FROM bank_statements WHERE custody_id = ? AND to_date < ?",
			w.Book.ID(), a.date)
		if err != nil {
			return err
		}
		if last != 0 && last < a.days[0].Date {
			return nil
		}
		a.days = a.days[1:]
		a.from = a.days[0].Date
	}
	return nil
}

// sameDay compares a day of a file with its statement in the books. The same day
// as another format, as part of a longer file, or as a table that was saved again
// in another encoding or spreadsheet, must have the same balances and movements;
// a bank's own message of one day with other bytes is a conflict.
func (w *Work) sameDay(ctx context.Context, tx *store.Tx, a *arrival, d *statementDay, f File) error {
	differs := fault.Invalid("file.conflict", f.Name, d.Date).In(a.name).On("sha256", a.sha256)
	if len(a.days) > 1 {
		differs = fault.Invalid("chain.overlap", d.Date, d.Date).In(a.name).AtLine(d.Line).On("FrDtTm", d.Date.String())
	} else if long, err := w.isLonger(ctx, tx, f); err != nil || f.Format == string(a.format) && !isProfile(a.format) && !long {
		return firstErr(err, differs)
	}
	var s struct {
		Opening money.Amount `db:"opening_fen"`
		Closing money.Amount `db:"closing_fen"`
	}
	found, err := tx.Find(ctx, &s, "SELECT opening_fen, closing_fen FROM bank_statements WHERE custody_id = ? AND file_id = ?", w.Book.ID(), f.ID)
	switch {
	case err != nil:
		return err
	case !found || s.Opening != d.Opening || s.Closing != d.Closing:
		return differs
	}
	ours, err := w.linesOf(ctx, tx, f.ID)
	if err != nil {
		return err
	}
	count := map[money.Amount]int{}
	for _, line := range ours {
		count[line.Amount]++
	}
	theirs, err := w.Engine.amountsOf(a, d.Date)
	for _, amount := range theirs {
		if count[amount]--; count[amount] < 0 {
			return differs
		}
	}
	if err == nil && len(ours) != len(theirs) {
		return differs
	}
	return err
}

// isLonger reports whether a file of the books stands for more than one day.
func (w *Work) isLonger(ctx context.Context, tx *store.Tx, f File) (bool, error) {
	var days int
	err := tx.Get(ctx, &days, "SELECT COUNT(*) FROM files WHERE custody_id = ? AND sha256 = ? AND kind = ? AND state <> 'REJECTED'",
		w.Book.ID(), f.SHA256, fileStatement)
	return days > 1, err
}

// amountsOf reads the movements of one day of a file again: a statement that
// overlaps is rare.
func (e *Engine) amountsOf(a *arrival, date bizdate.Date) ([]money.Amount, error) {
	src, err := a.open()
	if err != nil {
		return nil, err
	}
	p := &picked{e: e, a: a, date: date}
	return p.amounts, errors.Join(e.readStatements(a, src, p), src.Close())
}

// picked keeps the amounts of one day of our account.
type picked struct {
	e       *Engine
	a       *arrival
	date    bizdate.Date
	part    []money.Amount
	amounts []money.Amount
}

func (p *picked) Open(*bankfiles.Statement) error { p.part = nil; return nil }

func (p *picked) Entry(e *bankfiles.StatementEntry) error {
	if e.Status != bankfiles.Booked || clamped(e.BookingDate, p.a.from, p.a.date) != p.date {
		return nil
	}
	amount, err := exactFen(e.Amount, p.a, e.Line, "Amt")
	p.part = append(p.part, amount)
	return err
}

func (p *picked) Close(h *bankfiles.Statement) error {
	if p.e.isOurs(p.a, h) {
		p.amounts = append(p.amounts, p.part...)
	}
	return nil
}
