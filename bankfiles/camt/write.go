package camt

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The lengths of the schema, in characters.
const (
	maxID         = 35  // Max35Text: ids and references
	maxAccount    = 34  // Max34Text
	maxHolder     = 140 // Max140Text: names and one Ustrd
	maxAdditional = 500 // Max500Text: AddtlNtryInf
	maxSequence   = 18  // digits of ElctrncSeqNb
)

// Document is a file to write: one message with its statements.
type Document struct {
	Kind       bankfiles.StatementKind // EndOfDay: camt.053.001.08, Intraday: camt.052.001.08
	MessageID  string
	Created    time.Time
	Statements []Content
}

// Content is a statement with its entries. Of the head, Line, Format, Version,
// Kind, Entries, Sum and Balanced are not looked at: they follow from the rest.
type Content struct {
	Head    bankfiles.Statement
	Entries []bankfiles.StatementEntry
}

// Write writes the document; [Read] gives back the same statements and entries.
//
// Opening is written as OPBD, Closing as CLBD in a statement and ITBD in a
// report; a report needs neither. The first line of Remark becomes
// RmtInf/Ustrd, the second AddtlNtryInf. It refuses, before a byte is written,
// an end-of-day statement whose opening and booked entries do not lead to its
// closing (camt.write_unbalanced) and what has no place in the schema
// (camt.write_field, camt.write_long, camt.write_character).
func Write(w io.Writer, d Document) error {
	if err := d.check(); err != nil {
		return err
	}
	out := &writer{Writer: bufio.NewWriterSize(w, 64<<10)}
	root, statement, version := "BkToCstmrStmt", "Stmt", "camt.053.001.08"
	if d.Kind == bankfiles.Intraday {
		root, statement, version = "BkToCstmrAcctRpt", "Rpt", "camt.052.001.08"
	}
	out.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	out.raw(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:` + version + `">` + "\n")
	out.raw("<" + root + ">\n<GrpHdr>")
	out.text("MsgId", d.MessageID)
	out.text("CreDtTm", dateTime(d.Created))
	out.raw("</GrpHdr>\n")
	for i := range d.Statements {
		out.raw("<" + statement + ">\n")
		out.statement(d.Kind, d.Created, &d.Statements[i])
		out.raw("</" + statement + ">\n")
	}
	out.raw("</" + root + ">\n</Document>\n")
	return out.Flush()
}

// writer writes elements. bufio keeps the first error until Flush.
type writer struct{ *bufio.Writer }

func (w *writer) raw(s string) { _, _ = w.WriteString(s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// text writes <name>value</name>, or nothing for an empty value.
func (w *writer) text(name, value string) {
	if value == "" {
		return
	}
	w.raw("<" + name + ">")
	_, _ = escaper.WriteString(w, value)
	w.raw("</" + name + ">")
}

func (w *writer) amount(x money.Exact) {
	if x.Units < 0 {
		x = x.Neg()
	}
	w.raw(`<Amt Ccy="` + x.Currency + `">` + x.String() + `</Amt>`)
}

func direction(x money.Exact) string {
	if x.Units < 0 {
		return "DBIT"
	}
	return "CRDT"
}

// dateTime prints the moment in the zone of the books, which it names.
func dateTime(t time.Time) string { return t.In(bizdate.Zone).Format("2006-01-02T15:04:05.999-07:00") }

func (w *writer) statement(kind bankfiles.StatementKind, created time.Time, c *Content) {
	h := &c.Head
	w.text("Id", h.ID)
	w.text("ElctrncSeqNb", h.Number)
	w.text("CreDtTm", dateTime(created))
	w.raw("<FrToDt><FrDtTm>" + h.From.String() + "T00:00:00+08:00</FrDtTm><ToDtTm>" +
		h.To.String() + "T23:59:59+08:00</ToDtTm></FrToDt>\n")
	w.raw("<Acct>")
	w.accountID(h.Account)
	w.text("Ccy", h.Currency)
	if h.Name != "" {
		w.raw("<Ownr>")
		w.text("Nm", h.Name)
		w.raw("</Ownr>")
	}
	w.raw("</Acct>\n")
	closing := "CLBD"
	if kind == bankfiles.Intraday {
		closing = "ITBD"
	}
	w.balance("OPBD", h.Opening, h.From)
	w.balance(closing, h.Closing, h.To)
	w.summary(c.Entries)
	for i := range c.Entries {
		w.entry(&c.Entries[i])
	}
}

func (w *writer) accountID(id string) {
	w.raw("<Id><Othr>")
	w.text("Id", id)
	w.raw("</Othr></Id>")
}

func (w *writer) balance(kind string, x *money.Exact, day bizdate.Date) {
	if x == nil {
		return
	}
	w.raw("<Bal><Tp><CdOrPrtry><Cd>" + kind + "</Cd></CdOrPrtry></Tp>")
	w.amount(*x)
	w.text("CdtDbtInd", direction(*x))
	w.raw("<Dt><Dt>" + day.String() + "</Dt></Dt></Bal>\n")
}

func (w *writer) entry(e *bankfiles.StatementEntry) {
	w.raw("<Ntry>")
	w.text("NtryRef", e.EntryRef)
	w.amount(e.Amount)
	w.text("CdtDbtInd", direction(e.Amount))
	if e.Reversal {
		w.raw("<RvslInd>true</RvslInd>")
	}
	w.raw("<Sts><Cd>" + string(e.Status) + "</Cd></Sts>")
	switch {
	case !e.BookingTime.IsZero():
		w.raw("<BookgDt><DtTm>" + dateTime(e.BookingTime) + "</DtTm></BookgDt>")
	case !e.BookingDate.IsZero():
		w.raw("<BookgDt><Dt>" + e.BookingDate.String() + "</Dt></BookgDt>")
	}
	if !e.ValueDate.IsZero() {
		w.raw("<ValDt><Dt>" + e.ValueDate.String() + "</Dt></ValDt>")
	}
	w.text("AcctSvcrRef", e.BankRef)
	w.raw("<BkTxCd>")
	if e.Code != "" {
		w.raw("<Prtry>")
		w.text("Cd", e.Code)
		w.raw("</Prtry>")
	}
	w.raw("</BkTxCd>")
	remittance, additional := splitRemark(e.Remark)
	w.details(e, remittance)
	w.text("AddtlNtryInf", additional)
	w.raw("</Ntry>\n")
}

// details writes the one transaction of the entry.
func (w *writer) details(e *bankfiles.StatementEntry, remittance string) {
	w.raw("<NtryDtls><TxDtls>")
	if e.EndToEndID != "" {
		w.raw("<Refs>")
		w.text("EndToEndId", e.EndToEndID)
		w.raw("</Refs>")
	}
	w.amount(e.Amount)
	w.text("CdtDbtInd", direction(e.Amount))
	if e.CounterpartyName != "" || e.CounterpartyAccount != "" {
		w.party(e)
	}
	if remittance != "" {
		w.raw("<RmtInf>")
		w.text("Ustrd", remittance)
		w.raw("</RmtInf>")
	}
	w.raw("</TxDtls></NtryDtls>")
}

// party writes the counterparty where take looks for it.
func (w *writer) party(e *bankfiles.StatementEntry) {
	role := "Cdtr"
	if (e.Amount.Units >= 0) != e.Reversal {
		role = "Dbtr"
	}
	w.raw("<RltdPties>")
	if e.CounterpartyName != "" {
		w.raw("<" + role + "><Pty>")
		w.text("Nm", e.CounterpartyName)
		w.raw("</Pty></" + role + ">")
	}
	if e.CounterpartyAccount != "" {
		w.raw("<" + role + "Acct>")
		w.accountID(e.CounterpartyAccount)
		w.raw("</" + role + "Acct>")
	}
	w.raw("</RltdPties>")
}

// splitRemark divides a remark into remittance and additional information.
// A single line that is too long for the former is the latter.
func splitRemark(remark string) (remittance, additional string) {
	remittance, additional, _ = strings.Cut(remark, "\n")
	if additional == "" && utf8.RuneCountInString(remittance) > maxHolder {
		return "", remittance
	}
	return remittance, additional
}

// check refuses what Read would not give back.
func (d *Document) check() error {
	if d.Kind != bankfiles.EndOfDay && d.Kind != bankfiles.Intraday {
		return fault.Invalid("camt.write_field").On("Kind", string(d.Kind))
	}
	if err := checkText("MsgId", d.MessageID, maxID, true); err != nil {
		return err
	}
	if len(d.Statements) == 0 {
		return fault.Invalid("camt.no_statement")
	}
	for i := range d.Statements {
		if err := d.Statements[i].check(d.Kind); err != nil {
			return err
		}
	}
	return nil
}

func (c *Content) check(kind bankfiles.StatementKind) error {
	h := &c.Head
	for _, t := range []struct {
		field, value string
		limit        int
		required     bool
	}{
		{"Id", h.ID, maxID, true},
		{"ElctrncSeqNb", h.Number, maxSequence, false},
		{"Acct/Id", h.Account, maxAccount, true},
		{"Ownr/Nm", h.Name, maxHolder, false},
	} {
		if err := checkText(t.field, t.value, t.limit, t.required); err != nil {
			return err
		}
	}
	if _, err := strconv.ParseUint("0"+h.Number, 10, 64); err != nil {
		return fault.Invalid("camt.write_field").On("ElctrncSeqNb", h.Number)
	}
	if !isCurrency(h.Currency) {
		return fault.Invalid("camt.write_field").On("Acct/Ccy", h.Currency)
	}
	if h.From.IsZero() || h.To < h.From {
		return fault.Invalid("camt.write_field").On("FrToDt", h.From.String()+".."+h.To.String())
	}
	var booked tally
	for i := range c.Entries {
		e := &c.Entries[i]
		if err := checkEntry(e, h.Currency); err != nil {
			return err
		}
		if e.Status == bankfiles.Booked {
			booked.add(e.Amount)
		}
	}
	return c.checkBalances(kind, &booked)
}

func (c *Content) checkBalances(kind bankfiles.StatementKind, booked *tally) error {
	h := &c.Head
	for _, x := range []*money.Exact{h.Opening, h.Closing} {
		if x != nil && x.Currency != h.Currency {
			return fault.Invalid("camt.write_field").On("Bal/Amt", x.Currency)
		}
		if x == nil && kind == bankfiles.EndOfDay {
			return fault.Invalid("camt.write_field").On("Bal", "")
		}
	}
	if h.Opening != nil && h.Closing != nil && !booked.leads(*h.Opening, *h.Closing) {
		return fault.Broken("camt.write_unbalanced", h.Opening.String(), h.Closing.String()).On("Id", h.ID)
	}
	return nil
}

func checkEntry(e *bankfiles.StatementEntry, currency string) error {
	remittance, additional := splitRemark(e.Remark)
	for _, t := range []struct {
		field, value string
		limit        int
		required     bool
	}{
		{"NtryRef", e.EntryRef, maxID, false},
		{"AcctSvcrRef", e.BankRef, maxID, false},
		{"Sts", string(e.Status), 4, true},
		{"BkTxCd/Prtry/Cd", e.Code, maxID, false},
		{"EndToEndId", e.EndToEndID, maxID, false},
		{"RltdPties/Nm", e.CounterpartyName, maxHolder, false},
		{"RltdPties/Acct", e.CounterpartyAccount, maxAccount, false},
		{"Ustrd", remittance, maxHolder, false},
		{"AddtlNtryInf", additional, maxAdditional, false},
	} {
		if err := checkText(t.field, t.value, t.limit, t.required); err != nil {
			return err
		}
	}
	switch {
	case e.Amount.Currency != currency:
		return fault.Invalid("camt.write_field").On("Ntry/Amt", e.Amount.Currency)
	case e.Status == bankfiles.Booked && e.BookingDate.IsZero(),
		!e.BookingTime.IsZero() && bizdate.Of(e.BookingTime) != e.BookingDate:
		return fault.Invalid("camt.write_field").On("BookgDt", e.BookingDate.String())
	}
	return nil
}

// checkText refuses a missing or over-long text and characters that XML or the
// reader's trimming would not give back.
func checkText(field, value string, limit int, required bool) error {
	if value == "" && required {
		return fault.Invalid("camt.write_field").On(field, value)
	}
	if utf8.RuneCountInString(value) > limit {
		return fault.Invalid("camt.write_long", limit).On(field, value)
	}
	for i, r := range value {
		_, size := utf8.DecodeRuneInString(value[i:])
		if r < ' ' || !isChar(r) || r == utf8.RuneError && size == 1 {
			return fault.Invalid("camt.write_character").On(field, value)
		}
	}
	return nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
