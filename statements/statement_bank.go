package statements

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/mt940"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// The formats in which a member's own accounting program imports his statement.
const (
	formatCamt  = "camt053"
	formatMT940 = "mt940"
)

// bankDay is what an account did on one accounting date, as a bank statement says it.
type bankDay struct {
	head    bankfiles.Statement
	entries []bankfiles.StatementEntry
}

// bankStatements gives one statement for each account and accounting date with
// entries, as a bank sends them, so that a longer period repeats the days of a
// shorter one to the byte and an importing program tells them by their number.
// An account without entries has one statement for the period. The number is
// year and day of the year, 26044 for 13 February 2026. A date that is not
// closed yet has a P behind its identification: more may come.
func (s *statement) bankStatements(ctx context.Context, tx *store.Tx) ([]bankDay, error) {
	closed, err := readClosed(ctx, tx, s.in)
	if err != nil {
		return nil, err
	}
	books := s.active()
	if len(books) == 0 {
		books = []passbook{{Code: statementCodes[0]}}
	}
	var out []bankDay
	for _, b := range books {
		lines, opening := b.Lines, b.Opening
		for len(lines) > 0 {
			n := 1
			for n < len(lines) && lines[n].Date == lines[0].Date {
				n++
			}
			day := lines[0].Date
			out = append(out, s.bankDay(b.Code, day, day, opening, lines[:n], closed[day]))
			opening, lines = lines[n-1].Balance, lines[n:]
		}
		if len(b.Lines) == 0 {
			out = append(out, s.bankDay(b.Code, s.in.From, s.in.To, opening, nil, closed[s.in.To]))
		}
	}
	return out, nil
}

// readClosed returns which dates of the period are closed.
func readClosed(ctx context.Context, tx *store.Tx, in StatementInput) (map[bizdate.Date]bool, error) {
	var dates []bizdate.Date
	err := tx.Select(ctx, &dates, "SELECT accounting_date FROM days WHERE custody_id = ? AND state = 'CLOSED' AND accounting_date BETWEEN ? AND ?", in.Custody, in.From, in.To)
	closed := map[bizdate.Date]bool{}
	for _, d := range dates {
		closed[d] = true
	}
	return closed, err
}

func (s *statement) bankDay(code string, from, to bizdate.Date, opening money.Amount, lines []line, closed bool) bankDay {
	closing := opening
	if len(lines) > 0 {
		closing = lines[len(lines)-1].Balance
	}
	first, last := money.FromFen(opening), money.FromFen(closing)
	id := to.Compact() + "-" + code
	if !closed {
		id += "P"
	}
	d := bankDay{head: bankfiles.Statement{ID: id, Number: dayNumber(to), Account: s.custody.Code + "-" + s.in.Member + "-" + code, Name: s.name,
		Currency: money.CNY, From: from, To: to, Opening: &first, Closing: &last}}
	for _, l := range lines {
		d.entries = append(d.entries, s.bankEntry(l))
	}
	return d
}

// dayNumber is year and day of the year in five digits, which is all that MT940 has.
func dayNumber(d bizdate.Date) string {
	return fmt.Sprintf("%02d%03d", d.Year()%100, bizdate.New(d.Year(), time.January, 1).DaysUntil(d)+1)
}

// maxEndToEnd is the longest reference of ISO 20022; a longer one stands in the remark.
const maxEndToEnd = 35

func (s *statement) bankEntry(l line) bankfiles.StatementEntry {
	e := bankfiles.StatementEntry{BankRef: l.number(), EntryRef: strconv.FormatInt(l.Seq, 10), EndToEndID: l.Reference, BookingDate: l.Date, ValueDate: l.Date,
		Amount: money.FromFen(-l.Amount), Status: bankfiles.Booked, Code: "NMSC"}
	words := []string{s.eventName(l.Event)}
	if l.Item != "" {
		words = append(words, s.item(l.Item))
	}
	if len(e.EndToEndID) > maxEndToEnd {
		words, e.EndToEndID = append(words, l.Reference), ""
	}
	e.Remark = strings.Join(words, " ")
	return e
}

// camt writes the statements as camt.053.001.08. The same books give the same
// bytes: the moment of creation is the end of the period.
func (s *statement) camt(days []bankDay, out io.Writer) error {
	doc := camt.Document{Kind: bankfiles.EndOfDay, MessageID: s.in.From.Compact() + "-" + s.in.To.Compact() + "-" + s.in.Member, Created: s.in.To.At(23, 59)}
	for _, d := range days {
		doc.Statements = append(doc.Statements, camt.Content{Head: d.head, Entries: d.entries})
	}
	return camt.Write(out, doc)
}

// mt940 writes the statements as MT940.
func (s *statement) mt940(days []bankDay, out io.Writer) error {
	var all []mt940.Content
	for _, d := range days {
		all = append(all, mt940.Content{Head: d.head, Entries: d.entries})
	}
	return mt940.Write(out, all)
}
