package mt940

import (
	"bytes"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// opening is a message that has begun: which statement it is of is known when
// its first balance or entry comes.
type opening struct {
	line       int
	id         string
	account    string
	currency   string // from :25:
	number     string
	hasAccount bool
}

// message is what the reader knows of the statement that it reads.
type message struct {
	page    bool         // the last balance was :62M:, so that another page may follow
	closed  bool         // a closing balance was there: texts belong to the statement
	from    bizdate.Date // of the balances
	to      bizdate.Date
	moment  bizdate.Date // :13D:
	interim bool         // fields of an MT942 were there
	debits  claim
	credits claim
	own     tallies // of this message
	// faultsBefore the message began: totals are compared where none was added.
	faultsBefore int
	pending      // the entry that waits for its text
}

// field hands one field to the statement.
func (r *reader) field(t tag, value []byte) {
	switch t {
	case tagReference:
		r.begin(string(firstLine(value)))
		return
	case tagAccount:
		r.account(firstLine(value))
		return
	case tagNumber:
		r.number(firstLine(value))
		return
	case tagOther:
		return
	case tagDetails:
		r.details(value)
		return
	}
	if !r.head(t) {
		return
	}
	r.deliver()
	switch t {
	case tagOpening, tagOpeningPage:
		r.opens(value)
	case tagClosing, tagClosingPage:
		r.closes(t, value)
	case tagEntry:
		r.entry(value)
	case tagFloor:
		r.interim = true
		r.floor(firstLine(value))
	case tagMoment:
		r.interim = true
		r.moment = momentOf(firstLine(value))
	case tagDebits:
		r.debits = r.claim(":90D:", firstLine(value))
	case tagCredits:
		r.credits = r.claim(":90C:", firstLine(value))
	}
}

// begin starts a message.
func (r *reader) begin(id string) {
	r.deliver()
	r.lost = false
	r.next = &opening{line: r.at, id: id}
}

// account reads :25:. Without a :20: before it, it begins another account of
// the same message; some banks leave :20: out altogether.
func (r *reader) account(value []byte) {
	if r.next == nil {
		id := ""
		if st := r.Statement(); st != nil {
			id = st.ID
		} else {
			r.warn(r.at, "mt940.reference", ":20:", "")
		}
		r.begin(id)
	}
	r.next.account, r.next.currency = splitAccount(r.text.String(value))
	r.next.hasAccount = r.next.account != ""
}

// number reads :28C: or :28:, number/page.
func (r *reader) number(value []byte) {
	if i := bytes.IndexByte(value, '/'); i >= 0 {
		value = bytes.TrimSpace(value[:i])
	}
	st := r.Statement()
	switch {
	case r.next != nil:
		r.next.number = r.text.String(value)
	case st != nil && st.Number == "":
		st.Number = r.text.String(value)
	}
}

// head makes a statement of the message that has begun, or goes on with the
// page before it. It returns false where the field belongs to no statement.
func (r *reader) head(t tag) bool {
	n := r.next
	if n == nil {
		if r.Statement() == nil && t != tagNone && !r.lost {
			r.lost = true
			r.bad("mt940.fragment", "", "")
		}
		return r.Statement() != nil && !r.lost
	}
	r.next = nil
	st := r.Statement()
	if st != nil && t == tagOpeningPage && r.page && st.Account == n.account && st.Number == n.number {
		return true
	}
	r.endStatement()
	if !n.hasAccount {
		r.lost = true
		r.Fault(fault.Invalid("mt940.account").AtLine(n.line).On(":25:", ""))
		return false
	}
	r.start(n)
	return true
}

func (r *reader) start(n *opening) {
	format := r.format
	if format == "" {
		format = Customer
	}
	r.messages++
	if r.pageOf != [2]string{n.account, n.number} || n.number == "" {
		r.pageOf, r.pages = [2]string{n.account, n.number}, tallies{}
	}
	r.message = message{faultsBefore: r.Faults(), pending: pending{info: r.info[:0], more: r.more[:0]}}
	r.Begin(&bankfiles.Statement{Line: n.line, Format: format, Kind: bankfiles.EndOfDay, ID: n.id,
		Number: n.number, Account: n.account, Currency: n.currency})
	r.kind()
}

// kind keeps Format and Kind in step with what was seen.
func (r *reader) kind() {
	st := r.Statement()
	if r.format == "" && r.interim && st.Opening == nil && st.Closing == nil {
		st.Format = Interim
	}
	if st.Format == Interim {
		st.Kind = bankfiles.Intraday
	}
}

// opens reads :60F: or :60M:. A second one continues the first.
func (r *reader) opens(value []byte) {
	st := r.Statement()
	if r.closed && !r.page && st.Opening != nil { // a statement without a head of its own
		n := &opening{line: r.at, id: st.ID, account: st.Account, number: st.Number, hasAccount: true}
		r.endStatement()
		r.start(n)
		st = r.Statement()
	}
	r.page, r.closed = false, false
	b, ok := r.balance(":60F:", value)
	switch {
	case !ok:
	case st.Opening == nil:
		st.Opening, r.from = &b.amount, b.day
	case st.Closing == nil || !st.Closing.Equal(b.amount):
		r.warn(r.at, "mt940.page", ":60M:", b.amount.String())
	}
	r.days()
}

// closes reads :62F: or :62M:.
func (r *reader) closes(t tag, value []byte) {
	r.closed, r.page = true, t == tagClosingPage
	if b, ok := r.balance(":62F:", value); ok {
		r.Statement().Closing, r.to = &b.amount, b.day
	}
	r.days()
}

// floor reads :34F:, of which only the currency is of use.
func (r *reader) floor(value []byte) {
	if st := r.Statement(); st.Currency == "" && len(value) >= 3 && isCode(value[:3]) {
		st.Currency = string(value[:3])
	}
	r.kind()
}

// days fills From and To: from the balances, else from the entries.
func (r *reader) days() {
	st := r.Statement()
	first, last := r.Days()
	st.To = firstDay(r.to, r.moment, last)
	st.From = firstDay(r.from, first, st.To)
	if st.To.IsZero() {
		st.To = st.From
	}
	if st.From > st.To {
		st.From = st.To
	}
}

func firstDay(days ...bizdate.Date) bizdate.Date {
	for _, d := range days {
		if !d.IsZero() {
			return d
		}
	}
	return 0
}

// endStatement closes the statement that was read, if there is one.
func (r *reader) endStatement() {
	if r.Statement() == nil || r.Stopped() {
		return
	}
	r.deliver()
	st := r.Statement()
	r.kind()
	if r.format == "" && r.debits.line+r.credits.line > 0 && st.Opening == nil && st.Closing == nil {
		st.Format, st.Kind = Interim, bankfiles.Intraday
	}
	r.days()
	if st.Format != Interim && (st.Opening == nil || st.Closing == nil) {
		r.warn(st.Line, "mt940.no_balance", "", "")
	}
	r.compareTotals()
	r.End()
}

// claim is what :90D: or :90C: says of the entries.
type claim struct {
	line   int // 0: there is none
	number int64
	summed bool
	sum    money.Exact
}

// counts are some entries by their side.
type counts struct{ debits, credits volume }

type volume struct {
	number   int64
	sum      money.Exact // without sign and currency
	overflow bool
}

func (c *counts) add(x money.Exact, turned bool) {
	v, debit := &c.credits, x.Units < 0
	if debit {
		x = x.Neg()
	}
	if debit != turned {
		v = &c.debits
	}
	x.Currency = ""
	sum, err := v.sum.Add(x)
	v.overflow = v.overflow || err != nil
	v.number, v.sum = v.number+1, sum
}

// tallies are the ways in which banks choose the entries of :90D: and :90C:. All
// or the booked ones; a reversal (RC) by the way in which it moves the money or by
// its letter.
type tallies struct{ all, booked, allByLetter, bookedByLetter counts }

func (t *tallies) add(x money.Exact, booked, reversal bool) {
	t.all.add(x, false)
	t.allByLetter.add(x, reversal)
	if booked {
		t.booked.add(x, false)
		t.bookedByLetter.add(x, reversal)
	}
}

// bears reports whether the entries are what the claim says.
func (c claim) bears(v volume) bool {
	x := c.sum
	x.Currency = ""
	return c.line == 0 || !v.overflow && c.number == v.number && (!c.summed || v.sum.Equal(x))
}

func (t *tallies) bear(debits, credits claim) bool {
	for _, c := range []*counts{&t.all, &t.booked, &t.allByLetter, &t.bookedByLetter} {
		if debits.bears(c.debits) && credits.bears(c.credits) {
			return true
		}
	}
	return false
}

// compareTotals compares :90D: and :90C: with the entries. Wrong totals are a
// fault: entries are missing, or there are too many. The last page of a report
// may have the totals of all its pages.
func (r *reader) compareTotals() {
	line := max(r.debits.line, r.credits.line)
	if line == 0 || r.Faults() > r.faultsBefore {
		return
	}
	agree := r.own.bear(r.debits, r.credits) || r.pages.bear(r.debits, r.credits)
	if !agree {
		c := &r.own.all
		r.Fault(fault.Invalid("mt940.total", c.debits.number, c.debits.sum.String(), c.credits.number, c.credits.sum.String()).
			AtLine(line).On(":90D: :90C:", r.debits.sum.String()+" "+r.credits.sum.String()))
	}
	r.Totals(agree)
}
