package instruct

import (
	"io"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The statements (明细) that the banks' own interfaces give.
const (
	ICBCStatement = "icbc-qhisd"    // ICBC QHISD 历史明细 and QPD 当日明细
	CMBStatement  = "cmb-ntqtsinfz" // CMB GetTransInfo, rows NTQTSINFZ
	CMBUnits      = "cmb-ntdm"      // CMB sub-units (记账子单元): NTDMTLST, NTDMTHLS, NTDMABAL
	CMBBreakpoint = "cmb-ntqactrsz" // CMB statement by breakpoint (断点查询), with control totals
)

// statement hands the rows of an interface to a sink and follows the balance
// behind each row.
type statement struct {
	*feed.Feed
	chain bankfiles.FlowChain
	rows  int
	// running says that every row so far had a balance.
	running bool
	debits  totals
	credits totals
}

// totals are rows of one direction, in fen of whatever currency.
type totals struct {
	number int
	sum    money.Exact
	bad    bool
}

func (t *totals) add(x money.Exact) {
	if x.Units < 0 {
		x = x.Neg()
	}
	x.Currency = ""
	sum, err := t.sum.Add(x)
	t.number, t.sum, t.bad = t.number+1, sum, t.bad || err != nil
}

// row hands over one row; balance is the text behind it, which may be blank.
func (s *statement) row(e *bankfiles.StatementEntry, balance string, scale uint8) {
	if s.rows++; s.rows == 1 {
		s.running = true
	}
	flow := bankfiles.Flow{Line: e.Line, Amount: e.Amount}
	if s.running = s.running && balance != ""; s.running {
		x, ok := minor(balance, e.Amount.Currency, scale)
		if !ok {
			s.Fault(fault.Invalid("instruct.amount").AtLine(e.Line).On("balance", balance))
			return
		}
		flow.Balance = x
		if err := s.chain.Add(&flow); err != nil {
			s.Fault(fault.Invalid("instruct.amount").AtLine(e.Line).On("balance", balance))
			return
		}
	}
	if e.Amount.Units < 0 {
		s.debits.add(e.Amount)
	} else {
		s.credits.add(e.Amount)
	}
	s.Entry(e)
}

// end fills the balances that follow from those of the rows and closes the statement.
func (s *statement) end(name string) {
	st := s.Statement()
	if st == nil {
		return
	}
	if s.rows > 0 && s.running {
		var sum bankfiles.FlowSummary
		if err := s.chain.Finish(name, &sum); err == nil {
			st.Opening, st.Closing = sum.Opening, sum.Closing
			if sum.Gap != nil {
				s.Warn(sum.Gap)
			}
		}
	}
	first, last := s.Days()
	if st.From.IsZero() {
		st.From = first
	}
	if st.To.IsZero() {
		st.To = last
	}
	s.End()
	s.chain, s.rows = bankfiles.FlowChain{}, 0
}

// minor reads an amount with its point, else in units of 10^-scale.
func minor(text, currency string, scale uint8) (money.Exact, bool) {
	x, err := money.ParseExact(text, currency)
	if err != nil {
		return x, false
	}
	if !strings.Contains(text, ".") {
		x.Scale = scale
	}
	return x, true
}

// fenScale: ICBC writes amounts in the smallest unit, as it does in PAYENT.
const fenScale = 2

// ReadICBCStatement reads the answer to QHISD or QPD (账户明细) and gives its
// rows to the sink as one statement. The direction follows from which of
// DebitAmount and CreditAmount is filled: what the codes of Drcrf mean is not
// verified. The balance behind each row must follow from the one before it,
// oldest row first or last; a gap is a warning and the statement does not
// balance then. A NextTag says that more rows are to be asked for: a warning.
func ReadICBCStatement(name string, src io.Reader, sink bankfiles.StatementSink) error {
	r := &icbcStatement{statement: statement{Feed: feed.New(name, sink)}, name: name}
	r.Begin(&bankfiles.Statement{Line: 1, Format: ICBCStatement, Kind: bankfiles.EndOfDay, Currency: money.CNY})
	err := scan(name, src, []string{"rd"}, r.take)
	if err != nil {
		return err
	}
	r.finish()
	return r.Err()
}

type icbcStatement struct {
	statement
	name        string
	known       bool
	code, words string
	next, count string
}

func (r *icbcStatement) take(path []string, n *node) error {
	st := r.Statement()
	if len(path) > 0 && path[len(path)-1] == "in" { // what was asked for
		return nil
	}
	switch n.name {
	case "TransCode":
		r.known = n.text == "QHISD" || n.text == "QPD"
		if st.Version = n.text; n.text == "QPD" {
			st.Kind = bankfiles.Intraday
		}
	case "RetCode":
		r.code = n.text
	case "RetMsg":
		r.words = n.text
	case "AccNo":
		st.Account = n.text
	case "AccName":
		st.Name = n.text
	case "CurrType":
		if n.text != "" && n.text != "001" {
			st.Currency = "" // ICBC's own numbers; only that of the yuan is sure
			r.Warn(fault.Invalid("direct.currency").AtLine(n.line).On("CurrType", n.text))
		}
	case "BeginDate":
		st.From, _ = bizdate.Parse(n.text)
	case "EndDate":
		st.To, _ = bizdate.Parse(n.text)
	case "NextTag":
		r.next = n.text
	case "TotalNum":
		r.count = n.text
	case "rd":
		r.entry(n)
	}
	if r.Stopped() {
		return r.Err()
	}
	return nil
}

func (r *icbcStatement) entry(n *node) {
	code := r.Statement().Currency
	debit, okDebit := minor(zero(n.at("DebitAmount")), code, fenScale)
	credit, okCredit := minor(zero(n.at("CreditAmount")), code, fenScale)
	if !okDebit || !okCredit || debit.Units != 0 && credit.Units != 0 {
		r.Fault(fault.Invalid("direct.direction").AtLine(n.line).On("DebitAmount CreditAmount", n.at("DebitAmount")+" "+n.at("CreditAmount")))
		return
	}
	amount := credit
	if debit.Units != 0 {
		amount = debit.Neg()
	}
	date := firstOf(n.at("Date"), n.at("BusiDate"))
	day, err := bizdate.Parse(date)
	if err != nil {
		r.Fault(fault.Invalid("direct.day").AtLine(n.line).On("Date", date))
		return
	}
	value, _ := bizdate.Parse(n.at("ValueDate"))
	mark := n.at("UpDtranf")
	r.row(&bankfiles.StatementEntry{Line: n.line, BankRef: firstOf(n.at("OnlySequence"), n.at("SeqNo")), EntryRef: n.at("VouhNo"), EndToEndID: n.at("Ref"),
		BookingDate: day, BookingTime: clock(day, firstOf(n.at("Time"), n.at("BusiTime"))), ValueDate: value, Amount: amount, Status: bankfiles.Booked,
		Reversal: amount.Units != 0 && (mark == "1" || mark == "Y") || debit.Units < 0 || credit.Units < 0, Code: n.at("TrxCode"),
		CounterpartyName: n.at("RecipName"), CounterpartyAccount: n.at("RecipAccNo"),
		Remark: joined(n.at("Summary"), n.at("UseCN"), n.at("PostScript"), n.at("RefundMsg"))}, n.at("Balance"), fenScale)
}

func (r *icbcStatement) finish() {
	st := r.Statement()
	switch {
	case !r.known:
		r.Fault(fault.Invalid("instruct.missing").On("TransCode", "QHISD"))
		return
	case r.rows == 0 && strings.Trim(r.code, "0") != "":
		r.Fault(fault.Invalid("instruct.refused", r.code, r.words).On("RetCode", r.code))
		return
	case st.Account == "":
		r.Fault(fault.Invalid("instruct.missing").On("AccNo", ""))
		return
	}
	st.ID = st.From.Compact() + "-" + st.To.Compact()
	if r.next != "" {
		r.Warn(fault.Invalid("direct.more").On("NextTag", r.next))
	}
	if n, err := strconv.Atoi(r.count); err == nil && (r.next == "" || n == r.rows) {
		if n != r.rows {
			r.Fault(fault.Invalid("direct.count", r.rows).On("TotalNum", r.count))
		}
		r.Totals(n == r.rows)
	}
	r.end(r.name)
}

// zero is what a blank amount is.
func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// joined puts texts behind one another, each once.
func joined(texts ...string) string {
	out := ""
	for _, s := range texts {
		if s != "" && s != out {
			out = strings.TrimSpace(out + " " + s)
		}
	}
	return out
}

// clock reads HHmmss, with fractions or colons; anything else is no time.
func clock(day bizdate.Date, s string) time.Time {
	s = strings.NewReplacer(":", "", ".", "", "-", "").Replace(s)
	if len(s) > 8 && strings.HasPrefix(s, day.Compact()) { // with its day
		s = s[8:]
	}
	if len(s) < 6 {
		return time.Time{}
	}
	t, err := time.Parse("150405", s[:6])
	if err != nil {
		return time.Time{}
	}
	return day.At(t.Hour(), t.Minute()).Add(time.Duration(t.Second()) * time.Second)
}
