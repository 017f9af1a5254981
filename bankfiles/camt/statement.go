package camt

import (
	"strings"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// statementSum is what the reader learns of a statement on the way.
type statementSum struct {
	opened    bool // the sink has the head
	opening   balance
	closing   balance
	interim   balance
	booked    tally // entries with their sign
	turned    tally // the same with reversals turned around
	reversals int
	foreign   int          // booked entries in another currency than the account's
	from, to  bizdate.Date // FrToDt
	first     bizdate.Date // of the booking days
	last      bizdate.Date
	claimed   summary
	volumes   ledgers
	// faultsBefore the statement began: totals are compared where none was added.
	faultsBefore int
}

// balance is the balance of a statement that counts for its proof.
type balance struct {
	amount money.Exact
	day    bizdate.Date
	rank   int // of its type; 0: none
}

// statement reads a Stmt, Rpt or Ntfctn.
func (r *reader) statement(format string, kind bankfiles.StatementKind, version string) {
	r.statements++
	r.sum, r.paged = statementSum{faultsBefore: len(r.faults)}, r.pagedMessage
	r.st = &bankfiles.Statement{Line: r.line(), Format: format, Version: version, Kind: kind}
	legal := ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Id":
			r.st.ID = r.str()
		case "ElctrncSeqNb":
			r.st.Number = r.str()
		case "LglSeqNb":
			legal = r.str()
		case "FrToDt":
			r.period()
		case "StmtPgntn", "RptPgntn", "NtfctnPgntn":
			r.paged = r.isPaged() || r.paged
		case "Acct":
			r.account()
		case "Bal":
			r.balance()
		case "TxsSummry":
			r.summary()
		case "Ntry":
			if r.st.Number == "" {
				r.st.Number = legal
			}
			r.entry()
		default:
			r.skip()
		}
	}
	if r.st.Number == "" {
		r.st.Number = legal
	}
	r.close()
}

// open gives the head to the sink, once.
func (r *reader) open() {
	if r.sum.opened || r.err != nil {
		return
	}
	r.sum.opened = true
	r.days()
	if err := r.sink.Open(r.st); err != nil {
		r.stop(err)
	}
}

// days fills From and To: what FrToDt says, else the days of the balances, else
// those of the entries. At Open the entries are still to come; Close says it again.
func (r *reader) days() {
	st, sum := r.st, &r.sum
	st.To = firstDay(sum.to, sum.closing.day, sum.last)
	st.From = firstDay(sum.from, sum.openingDay(), sum.first, st.To)
	if st.From > st.To && !st.To.IsZero() {
		st.From = st.To
	}
}

// openingDay is the day of OPBD; PRCD carries the day before.
func (sum *statementSum) openingDay() bizdate.Date {
	if sum.opening.rank == rankOpening {
		return sum.opening.day
	}
	return 0
}

// oneDay returns the day of a statement that says it is of one day.
func (sum *statementSum) oneDay() bizdate.Date {
	from, to := firstDay(sum.from, sum.openingDay()), firstDay(sum.to, sum.closing.day)
	if from == to {
		return to
	}
	return 0
}

func firstDay(days ...bizdate.Date) bizdate.Date {
	for _, d := range days {
		if !d.IsZero() {
			return d
		}
	}
	return 0
}

// close proves the statement and gives its head to the sink again.
func (r *reader) close() {
	if r.err != nil {
		return
	}
	st, sum := r.st, &r.sum
	if st.Account == "" {
		r.badAt(st.Line, "camt.account", "Acct", "")
	}
	r.settle()
	r.open()
	if r.err != nil {
		return
	}
	r.days()
	r.compareTotals()
	total, err := sum.booked.exact(st.Currency, sum.opening.amount.Scale)
	if err != nil {
		r.badAt(st.Line, "camt.sum", "Ntry", "")
		return
	}
	st.Sum = total
	if st.Opening != nil && st.Closing != nil {
		ok := sum.foreign == 0 && sum.booked.leads(*st.Opening, *st.Closing)
		st.Balanced = &ok
		if !ok {
			r.explain()
		}
	}
	if err := r.sink.Close(st); err != nil {
		r.stop(err)
	}
}

// settle decides which balances open and close the statement. Pages of one
// statement are joined by interim balances: ITBD closes all pages but the last
// and opens all but the first. A report during the day closes with ITBD.
func (r *reader) settle() {
	st, sum := r.st, &r.sum
	if sum.interim.rank > 0 {
		switch {
		case sum.closing.rank == 0:
			sum.closing = sum.interim
		case sum.opening.rank == 0 && st.Kind == bankfiles.EndOfDay:
			sum.opening = sum.interim
		}
	}
	if sum.opening.rank > 0 {
		x := sum.opening.amount // a copy: sum serves the next statement, too
		st.Opening = &x
	}
	if sum.closing.rank > 0 {
		x := sum.closing.amount
		st.Closing = &x
	}
}

// explain says why a statement does not balance, where the reader can tell.
// The standard gives a reversal the direction in which it moves the money; some
// banks give it the direction of the entry that it takes back.
func (r *reader) explain() {
	st, sum := r.st, &r.sum
	if sum.reversals > 0 && sum.turned.leads(*st.Opening, *st.Closing) {
		r.warn(st.Line, "camt.reversal_direction", "RvslInd", "", sum.reversals)
		return
	}
	r.warn(st.Line, "camt.unbalanced", "Bal", st.Closing.String(), st.Opening.String(), st.Sum.String(), st.Closing.String())
}

// isPaged reads a pagination and reports whether there are more pages than this one.
func (r *reader) isPaged() bool {
	page, last := "1", "true"
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "PgNb":
			page = r.str()
		case "LastPgInd":
			last = r.str()
		default:
			r.skip()
		}
	}
	return strings.TrimLeft(page, "0") != "1" || last != "true" && last != "1"
}

// period reads FrToDt.
func (r *reader) period() {
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "FrDtTm", "FrDt":
			r.sum.from, _ = r.moment("FrToDt")
		case "ToDtTm", "ToDt":
			r.sum.to, _ = r.moment("FrToDt")
		default:
			r.skip()
		}
	}
}

// account reads the Acct of the statement.
func (r *reader) account() {
	accountName := ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Id":
			r.st.Account = r.accountID()
		case "Ccy":
			r.st.Currency = r.str()
		case "Nm":
			accountName = r.str()
		case "Ownr":
			r.st.Name = r.party()
		default:
			r.skip()
		}
	}
	if r.st.Name == "" {
		r.st.Name = accountName
	}
}

// accountID reads Id/IBAN, Id/Othr/Id or their older forms: the first text
// found in an element of one of these names.
func (r *reader) accountID() string {
	id := ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "IBAN", "BBAN", "UPIC", "Id":
			if s := r.str(); id == "" {
				id = s
			}
		case "Othr", "PrtryAcct":
			if s := r.accountID(); id == "" {
				id = s
			}
		default:
			r.skip()
		}
	}
	return id
}

// party reads a name: Nm directly or, from .08 on, in a Pty or Agt.
func (r *reader) party() string {
	name := ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Nm":
			name = r.free()
		case "Pty", "Agt", "FinInstnId":
			if s := r.party(); name == "" {
				name = s
			}
		default:
			r.skip()
		}
	}
	return name
}

// The ranks of balance types: the higher one is used.
const (
	rankPrevious = 1 // PRCD: closing of the statement before
	rankOpening  = 2 // OPBD
	rankClosing  = 2 // CLBD
	rankInterim  = 1 // ITBD
)

// balance reads a Bal. Available balances (CLAV, ITAV, FWAV ...) are no part of the proof.
func (r *reader) balance() {
	line, before := r.line(), len(r.faults)
	kind, sign, b := "", int64(0), balance{}
	haveAmount := false
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Tp":
			kind = r.balanceType()
		case "Amt":
			b.amount, haveAmount = r.amount("Bal/Amt"), true
		case "CdtDbtInd":
			sign = r.direction("Bal/CdtDbtInd")
		case "Dt":
			b.day, _ = r.date("Bal/Dt")
		default:
			r.skip()
		}
	}
	if r.complete(line, before, "Bal", haveAmount, sign) {
		b.amount.Units *= sign
		r.keep(kind, b)
	}
}

// complete reports whether a balance or entry was read without a fault and has
// what it cannot be without.
func (r *reader) complete(line, before int, element string, haveAmount bool, sign int64) bool {
	if r.err != nil || len(r.faults) > before {
		return false
	}
	if !haveAmount {
		r.badAt(line, "camt.amount", element+"/Amt", "")
	}
	if sign == 0 {
		r.badAt(line, "camt.direction", element+"/CdtDbtInd", "")
	}
	return len(r.faults) == before
}

// keep uses the earliest opening and the latest closing: a statement of several
// days may carry both for each of them.
func (r *reader) keep(kind string, b balance) {
	if r.st.Currency == "" {
		r.st.Currency = b.amount.Currency
	}
	sum := &r.sum
	switch kind {
	case "OPBD", "PRCD":
		b.rank = rankOpening
		if kind == "PRCD" {
			b.rank = rankPrevious
		}
		if b.rank > sum.opening.rank || b.rank == sum.opening.rank && b.day < sum.opening.day {
			sum.opening = b
		}
	case "CLBD":
		b.rank = rankClosing
		if sum.closing.rank == 0 || b.day >= sum.closing.day {
			sum.closing = b
		}
	case "ITBD":
		b.rank = rankInterim
		if sum.interim.rank == 0 || b.day >= sum.interim.day {
			sum.interim = b
		}
	}
}

// balanceType reads Tp/CdOrPrtry/Cd; a proprietary type is not one that we know.
func (r *reader) balanceType() string {
	kind := ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "CdOrPrtry":
			kind = r.balanceType()
		case "Cd":
			kind = r.str()
		default: // SubTp: INTM on a page; the pages are told by ITBD or joined by the caller
			r.skip()
		}
	}
	return kind
}
