package mt940

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The lengths of the standard, in characters.
const (
	maxReference = 16 // :20: and both references of :61:
	maxAccount   = 35
	maxNumber    = 5
	maxPart      = 27                 // a sub-field of :86:
	maxPurpose   = (10 + 4) * maxPart // ?20 to ?29 and ?60 to ?63
	maxName      = 2 * maxPart        // ?32 and ?33
	maxDigits    = 14                 // of an amount: 15 with the comma
	serialMark   = "EREF+"            // before our serial in the purpose
	remarkMark   = "SVWZ+"            // before the remark
	lineOf86     = 65
)

// Content is a statement with its entries. Of the head, Line, Format, Version,
// Kind, Name, Entries, Sum and Balanced are not looked at; of an entry not
// Line, BookingTime and EntryRef, for which the layout has no place.
type Content struct {
	Head    bankfiles.Statement
	Entries []bankfiles.StatementEntry
}

// Write writes MT940 messages in UTF-8, one page for each statement, lines
// ended by CRLF and messages by "-"; [Read] gives back the same statements and
// entries. Texts are in the sub-fields of German banks, which every ERP reads:
// EndToEndID as EREF+, Remark as SVWZ+, the counterparty in ?31, ?32 and ?33.
//
// It refuses, before a byte is written, a statement that does not balance
// (mt940.write_unbalanced) and what the layout cannot carry (mt940.write_field,
// mt940.write_long, mt940.write_character): nothing is cut.
func Write(w io.Writer, statements []Content) error {
	if len(statements) == 0 {
		return fault.Invalid("mt940.none")
	}
	for i := range statements {
		if err := statements[i].check(); err != nil {
			return err
		}
	}
	out := &writer{bufio.NewWriterSize(w, 64<<10)}
	for i := range statements {
		out.statement(&statements[i])
	}
	return out.Flush()
}

// writer writes fields. bufio keeps the first error until Flush.
type writer struct{ *bufio.Writer }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		_, _ = w.WriteString(p)
	}
	_, _ = w.WriteString("\r\n")
}

func (w *writer) statement(c *Content) {
	h := &c.Head
	w.line(":20:", h.ID)
	w.line(":25:", h.Account)
	if h.Number != "" {
		w.line(":28C:", h.Number, "/1")
	}
	w.line(":60F:", balanceText(h.Opening, h.From))
	for i := range c.Entries {
		w.entry(&c.Entries[i])
	}
	w.line(":62F:", balanceText(h.Closing, h.To))
	w.line("-")
}

func balanceText(x *money.Exact, day bizdate.Date) string {
	mark := "C"
	if x.Units < 0 {
		mark = "D"
	}
	return mark + short(day) + x.Currency + comma(*x)
}

// short is YYMMDD.
func short(d bizdate.Date) string { return d.Compact()[2:] }

// comma is the amount without its sign and with a comma, as the standard wants.
func comma(x money.Exact) string {
	if x.Units < 0 {
		x = x.Neg()
	}
	s := x.String()
	if x.Scale == 0 {
		return s + ","
	}
	return strings.Replace(s, ".", ",", 1)
}

func (w *writer) entry(e *bankfiles.StatementEntry) {
	mark := "C"
	if (e.Amount.Units < 0) != e.Reversal {
		mark = "D"
	}
	switch {
	case e.Reversal:
		mark = "R" + mark
	case e.Status == bankfiles.Pending:
		mark = "E" + mark
	}
	customer := e.EndToEndID
	if customer == "" || !fits(customer) {
		customer = "NONREF"
	}
	bank := ""
	if e.BankRef != "" {
		bank = "//" + e.BankRef
	}
	w.line(":61:", short(e.ValueDate), e.BookingDate.Compact()[4:], mark, comma(e.Amount), e.Code, customer, bank)
	if info := infoOf(e); info != "" {
		w.wrapped(":86:" + info)
	}
}

// fits reports whether our serial can stand in :61:.
func fits(s string) bool {
	return utf8.RuneCountInString(s) <= maxReference && !strings.Contains(s, "//") && !strings.HasSuffix(s, "/") && s != "NONREF"
}

// wrapped writes a field in lines of 65 characters.
func (w *writer) wrapped(s string) {
	for {
		cut, n := len(s), 0
		for i := range s {
			if n == lineOf86 {
				cut = i
				break
			}
			n++
		}
		w.line(s[:cut])
		if s = s[cut:]; s == "" {
			return
		}
	}
}

// infoOf is the text of :86:, or nothing.
func infoOf(e *bankfiles.StatementEntry) string {
	purpose := purposeOf(e)
	if purpose == "" && e.CounterpartyName == "" && e.CounterpartyAccount == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("999")
	number := []string{"20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "60", "61", "62", "63"}
	for i, part := range parts(purpose) {
		b.WriteString("?" + number[i] + part)
	}
	if e.CounterpartyAccount != "" {
		b.WriteString("?31" + e.CounterpartyAccount)
	}
	for i, part := range parts(e.CounterpartyName) {
		b.WriteString("?" + []string{"32", "33"}[i] + part)
	}
	return b.String()
}

func purposeOf(e *bankfiles.StatementEntry) string {
	purpose := ""
	if e.EndToEndID != "" && !fits(e.EndToEndID) {
		purpose = serialMark + e.EndToEndID
	}
	if e.Remark != "" {
		purpose += remarkMark + e.Remark
	}
	return purpose
}

// parts cuts a text into pieces of 27 characters.
func parts(s string) (out []string) {
	runes := []rune(s)
	for len(runes) > 0 {
		n := min(maxPart, len(runes))
		out = append(out, string(runes[:n]))
		runes = runes[n:]
	}
	return out
}

// check refuses what Read would not give back.
func (c *Content) check() error {
	h := &c.Head
	for _, t := range []struct {
		field, value string
		limit        int
		required     bool
	}{
		{":20:", h.ID, maxReference, true},
		{":25:", h.Account, maxAccount, true},
		{":28C:", h.Number, maxNumber, false},
	} {
		if err := checkText(t.field, t.value, t.limit, t.required); err != nil {
			return err
		}
	}
	account, _ := splitAccount(h.Account)
	switch {
	case account != h.Account:
		return fault.Invalid("mt940.write_field").On(":25:", h.Account)
	case strings.Trim(h.Number, "0123456789") != "":
		return fault.Invalid("mt940.write_field").On(":28C:", h.Number)
	case len(h.Currency) != 3 || !isCode([]byte(h.Currency)):
		return fault.Invalid("mt940.write_field").On(":60F:", h.Currency)
	case !writable(h.From) || !writable(h.To) || h.To < h.From:
		return fault.Invalid("mt940.write_field").On(":60F:", h.From.String()+".."+h.To.String())
	}
	for _, x := range []*money.Exact{h.Opening, h.Closing} {
		if x == nil || x.Currency != h.Currency || len(comma(*x)) > maxDigits+1 {
			return fault.Invalid("mt940.write_field").On(":60F:", h.Currency)
		}
	}
	return c.checkEntries()
}

// checkEntries holds the entries to the layout and to the balances.
func (c *Content) checkEntries() error {
	h := &c.Head
	sum := *h.Opening
	for i := range c.Entries {
		e := &c.Entries[i]
		if err := checkEntry(e, h); err != nil {
			return err
		}
		if e.Status == bankfiles.Booked {
			var err error
			if sum, err = sum.Add(e.Amount); err != nil {
				return fault.Invalid("mt940.write_field").On(":61:", e.Amount.String()).Because(err)
			}
		}
	}
	if !sum.Equal(*h.Closing) {
		return fault.Broken("mt940.write_unbalanced", h.Opening.String(), sum.String(), h.Closing.String()).On(":20:", h.ID)
	}
	return nil
}

// writable: two digits of a year say 1980 to 2079.
func writable(d bizdate.Date) bool { return d >= 19800101 && d < 20800101 }

func checkEntry(e *bankfiles.StatementEntry, h *bankfiles.Statement) error {
	for _, t := range []struct {
		field, value string
		limit        int
		required     bool
	}{
		{"EndToEndID", e.EndToEndID, maxPurpose, false},
		{"BankRef", e.BankRef, maxReference, false},
		{"Code", e.Code, 4, true},
		{"CounterpartyName", e.CounterpartyName, maxName, false},
		{"CounterpartyAccount", e.CounterpartyAccount, maxAccount, false},
		{"Remark", e.Remark, maxPurpose, false},
		{":86:", purposeOf(e), maxPurpose, false},
	} {
		if err := checkText(t.field, t.value, t.limit, t.required); err != nil {
			return err
		}
	}
	var day bizdate.Date
	if !e.BookingDate.IsZero() {
		day, _ = bookingDay([]byte(e.BookingDate.Compact()[4:]), e.ValueDate, h.From)
	}
	switch {
	case e.Amount.Currency != h.Currency || len(comma(e.Amount)) > maxDigits+1 || e.Amount.Units == 0 && e.Reversal:
		return fault.Invalid("mt940.write_field").On(":61:", e.Amount.String())
	case e.Status != bankfiles.Booked && (e.Status != bankfiles.Pending || e.Reversal):
		return fault.Invalid("mt940.write_field").On("Status", string(e.Status))
	case len(e.Code) != 4 || !isLetter(e.Code[0]) || strings.ContainsAny(e.Code, " /"):
		return fault.Invalid("mt940.write_field").On("Code", e.Code)
	case !writable(e.ValueDate) || day.IsZero(), day != e.BookingDate:
		return fault.Invalid("mt940.write_field").On("BookingDate", e.BookingDate.String())
	}
	return checkLines(e)
}

// checkLines reads the fields of the entry back as they are written: a text
// may hold what looks like a word, a mark or a field of the layout.
func checkLines(e *bankfiles.StatementEntry) error {
	var b bytes.Buffer
	out := &writer{bufio.NewWriter(&b)}
	out.entry(e)
	_ = out.Flush() // into memory
	lines := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")
	l, whole, ok := parseLine([]byte(lines[0][len(":61:"):]))
	info := ""
	for i, s := range lines[1:] {
		_, _, field := tagOf(bytes.TrimLeft([]byte(s), " "), true)
		blank := strings.TrimSpace(s) == "" || isSeparator([]byte(s)) || s[0] == '{' || strings.Contains(s, "-}")
		ok = ok && field == (i == 0) && !blank
		info += "\n" + s
	}
	var d details
	if info != "" {
		d = parseDetails([]byte(info[len("\n:86:"):]))
	}
	serial := d.endToEnd
	if serial == "" {
		serial = textOf(l.customer)
	}
	if !ok || !whole || serial != e.EndToEndID || textOf(l.bank) != e.BankRef || string(l.code) != e.Code ||
		d.remark != e.Remark || d.name != e.CounterpartyName || d.account != e.CounterpartyAccount {
		return fault.Invalid("mt940.write_character").On(":86:", e.Remark)
	}
	return nil
}

// textOf is a reference as the reader sees it.
func textOf(b []byte) string {
	if b = bytes.TrimSpace(b); string(b) == "NONREF" {
		return ""
	}
	return string(b)
}

// checkText refuses a missing or over-long text, what is not UTF-8 and control characters.
func checkText(field, value string, limit int, required bool) error {
	switch {
	case value == "" && required:
		return fault.Invalid("mt940.write_field").On(field, value)
	case utf8.RuneCountInString(value) > limit:
		return fault.Invalid("mt940.write_long", limit).On(field, value)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) || value != strings.TrimSpace(value):
		return fault.Invalid("mt940.write_character").On(field, value)
	}
	return nil
}
