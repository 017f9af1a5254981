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
	netted  bool
	net     money.Exact // TtlNetNtry, signed where the file says the direction
	signed  bool
}

// volume is what some entries are.
type volume struct {
	number  int64
	details int64 // their transactions: a batch has several
	total   tally // without sign
	net     tally // with it
}

func (v *volume) add(x money.Exact, transactions int) {
	v.number++
	v.details += int64(max(1, transactions))
	v.net.add(x)
	if x.Units < 0 {
		x = x.Neg()
	}
	v.total.add(x)
}

// bears reports whether the entries are what the claim says. The standard counts
// entries and adds amounts without sign; some banks count the transactions of a
// batch, and some print the net amount for the sum.
func (c claim) bears(v *volume) bool {
	if c.counted && c.number != v.number && c.number != v.details {
		return false
	}
	if c.summed && !v.total.is(c.sum) && !v.net.is(c.sum) && !v.net.is(c.sum.Neg()) {
		return false
	}
	return !c.netted || v.net.is(c.net) || !c.signed && v.net.is(c.net.Neg())
}

// is reports whether the amounts add up to x.
func (t *tally) is(x money.Exact) bool {
	return t.leads(x.Neg(), money.Exact{Currency: x.Currency})
}

// volumes of the entries of a statement, or of its booked entries.
type volumes struct{ entries, credits, debits volume }

func (v *volumes) add(x money.Exact, reversal bool, transactions int) {
	v.entries.add(x, transactions)
	if (x.Units < 0) != reversal {
		v.debits.add(x, transactions)
	} else {
		v.credits.add(x, transactions)
	}
}

// ledgers are the ways in which banks choose the entries of their totals: all of
// them or the booked ones, a reversal on the side to which it moves the money or
// on that of the entry that it takes back.
type ledgers struct{ all, settled, allTurned, settledTurned volumes }

func (l *ledgers) add(x money.Exact, booked, reversal bool, transactions int) {
	l.all.add(x, false, transactions)
	l.allTurned.add(x, reversal, transactions)
	if booked {
		l.settled.add(x, false, transactions)
		l.settledTurned.add(x, reversal, transactions)
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
			if len(b) == 0 {
				continue // nothing is said
			}
			n, err := strconv.ParseInt(string(b), 10, 64)
			if err != nil {
				r.bad("camt.number", "TxsSummry/NbOfNtries", b)
			}
			c.counted, c.number = true, n
		case "Sum":
			c.sum, c.summed = r.sumOf("TxsSummry/Sum")
		case "TtlNetNtryAmt": // up to .03
			c.net, c.netted = r.sumOf("TxsSummry/TtlNetNtryAmt")
		case "CdtDbtInd":
			c.turn(r.direction("TxsSummry/CdtDbtInd"))
		case "TtlNetNtry": // from .04 on
			for depth := r.depth(); r.child(depth); {
				switch string(r.local) {
				case "Amt":
					c.net, c.netted = r.sumOf("TxsSummry/TtlNetNtry/Amt")
				case "CdtDbtInd":
					c.turn(r.direction("TxsSummry/TtlNetNtry/CdtDbtInd"))
				default:
					r.skip()
				}
			}
		default:
			r.skip()
		}
	}
	if c.summed && c.sum.Units < 0 {
		c.sum = c.sum.Neg()
	}
	return c
}

// turn gives the net amount its sign.
func (c *claim) turn(sign int64) {
	if c.signed = sign != 0; sign < 0 {
		c.net = c.net.Neg()
	}
}

// sumOf reads an amount that may be left blank.
func (r *reader) sumOf(field string) (x money.Exact, said bool) {
	currency := r.currency()
	b := r.content()
	if len(b) == 0 {
		return x, false
	}
	x, err := parseDecimal(b)
	if err != nil {
		r.bad("camt.amount", field, b)
	}
	x.Currency = currency
	return x, true
}

// compareTotals tells the sink whether the summary agrees with the entries. A
// wrong one is a fault: entries are missing, or there are too many. On a page of
// a longer statement the summary may be that of the whole, which is not known here.
func (r *reader) compareTotals() {
	s, l := &r.sum.claimed, &r.sum.volumes
	if s.line == 0 || len(r.faults) > r.sum.faultsBefore {
		return
	}
	agree := false
	for _, v := range []*volumes{&l.all, &l.settled, &l.allTurned, &l.settledTurned} {
		agree = agree || s.entries.bears(&v.entries) && s.credits.bears(&v.credits) && s.debits.bears(&v.debits)
	}
	number := strconv.FormatInt(s.entries.number, 10)
	switch {
	case agree:
	case r.paged:
		r.warn(s.line, "camt.page_total", "TxsSummry", number, l.all.entries.number)
		return
	default:
		r.badAt(s.line, "camt.total", "TxsSummry", number, l.all.entries.number)
	}
	if t, ok := r.sink.(Totaller); ok {
		t.Totals(agree)
	}
}

// summary writes TxsSummry over all entries.
func (w *writer) summary(entries []bankfiles.StatementEntry) {
	var all volume
	for i := range entries {
		all.add(entries[i].Amount, 1)
	}
	w.raw("<TxsSummry><TtlNtries>")
	w.text("NbOfNtries", strconv.FormatInt(all.number, 10))
	if sum, err := all.total.exact("", 0); err == nil {
		w.text("Sum", sum.String())
	}
	w.raw("</TtlNtries></TxsSummry>\n")
}
