package camt

import (
	"strconv"

	"custody/bankfiles"
	"custody/internal/money"
)

// Totaller is a [bankfiles.StatementSink] that also wants to know whether the
// counts and sums that a statement carries (TxsSummry) agree with its entries.
// It is not called for a statement without them.
type Totaller interface{ Totals(agree bool) }

// summary is the TxsSummry of a statement.
type summary struct {
	line                     int // 0: there is none
	entries, credits, debits claim
}

// claim is what TxsSummry says of some entries.
type claim struct {
	counted bool
	number  int64
	summed  bool
	sum     money.Exact // without sign
}

// volume is what some entries are: their number and their amounts without sign.
type volume struct {
	number int64
	total  tally
}

func (v *volume) add(x money.Exact) {
	if x.Units < 0 {
		x = x.Neg()
	}
	v.number++
	v.total.add(x)
}

// bears reports whether the entries are what the claim says.
func (c claim) bears(v *volume) bool {
	return (!c.counted || c.number == v.number) && (!c.summed || v.total.leads(c.sum.Neg(), money.Exact{Currency: c.sum.Currency}))
}

// volumes of the entries of a statement, or of its booked entries.
type volumes struct{ entries, credits, debits volume }

func (v *volumes) add(x money.Exact) {
	v.entries.add(x)
	if x.Units < 0 {
		v.debits.add(x)
	} else {
		v.credits.add(x)
	}
}

// summary reads TxsSummry.
func (r *reader) summary() {
	s := &r.sum.claimed
	s.line = r.line()
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "TtlNtries":
			s.entries = r.claim()
		case "TtlCdtNtries":
			s.credits = r.claim()
		case "TtlDbtNtries":
			s.debits = r.claim()
		default:
			r.skip()
		}
	}
}

func (r *reader) claim() (c claim) {
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "NbOfNtries":
			b := r.content()
			n, err := strconv.ParseInt(string(b), 10, 64)
			if err != nil {
				r.bad("camt.number", "TxsSummry/NbOfNtries", b)
			}
			c.counted, c.number = true, n
		case "Sum":
			c.summed, c.sum = true, r.amount("TxsSummry/Sum")
		default:
			r.skip()
		}
	}
	return c
}

// compareTotals tells the sink whether the summary agrees with the entries.
// Some banks count all entries in it, some the booked ones: either will do.
func (r *reader) compareTotals() {
	s := &r.sum.claimed
	if s.line == 0 || len(r.faults) > 0 {
		return
	}
	agree := false
	for _, v := range []*volumes{&r.sum.all, &r.sum.settled} {
		agree = agree || s.entries.bears(&v.entries) && s.credits.bears(&v.credits) && s.debits.bears(&v.debits)
	}
	if !agree {
		number := s.entries.number
		r.warn(s.line, "camt.total", "TxsSummry", strconv.FormatInt(number, 10), r.sum.all.entries.number)
	}
	if t, ok := r.sink.(Totaller); ok {
		t.Totals(agree)
	}
}

// summary writes TxsSummry over all entries.
func (w *writer) summary(entries []bankfiles.StatementEntry) {
	var all volume
	for i := range entries {
		all.add(entries[i].Amount)
	}
	w.raw("<TxsSummry><TtlNtries>")
	w.text("NbOfNtries", strconv.FormatInt(all.number, 10))
	if sum, err := all.total.exact("", 0); err == nil {
		w.text("Sum", sum.String())
	}
	w.raw("</TtlNtries></TxsSummry>\n")
}
