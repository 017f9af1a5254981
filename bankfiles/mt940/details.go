package mt940

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// details keeps a text :86:. It belongs to the entry before it; behind a
// balance it belongs to the statement, of which we keep no text.
func (r *reader) details(value []byte) {
	if r.e == nil {
		return
	}
	if len(r.info)+len(value) >= feed.MaxLine {
		r.Stop(fault.Invalid("bankfile.long", feed.MaxLine).AtLine(r.at))
		return
	}
	if len(r.info) > 0 { // some banks repeat the tag on every line
		r.info = append(r.info, '\n')
	}
	r.info = append(r.info, value...)
}

// describe fills the entry from its text.
func (r *reader) describe(e *bankfiles.StatementEntry) {
	d := parseDetails(r.info)
	if d.endToEnd != "" {
		e.EndToEndID = r.decoded(d.endToEnd)
	}
	e.CounterpartyName, e.CounterpartyAccount = r.decoded(d.name), r.decoded(d.account)
	e.Remark = r.decoded(d.remark)
	if len(r.more) > 0 {
		e.Remark = strings.TrimPrefix(e.Remark+"\n"+r.text.String(wrapped(r.more)), "\n")
	}
}

// decoded turns a part of a text into UTF-8. It comes after the parts are put
// together: a character may lie across two of them.
func (r *reader) decoded(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return r.text.String([]byte(s))
}

// details is what a text says, in the encoding of the file.
type details struct{ name, account, endToEnd, remark string }

// parseDetails reads a text in the dialect that it shows.
func parseDetails(info []byte) (d details) {
	info = bytes.TrimSpace(info)
	switch mark := structure(info); {
	case mark != 0:
		d = structured(string(joined(info)), string(mark))
	case len(info) > 0 && info[0] == '/':
		d = coded(string(wrapped(info)))
	default:
		d.remark = string(wrapped(info))
	}
	if d.endToEnd == "NOTPROVIDED" { // SEPA's word for none
		d.endToEnd = ""
	}
	return d
}

// structure returns the mark of the sub-fields of a text such as 166?00TRANSFER?20...,
// or 0: German banks write ?, Polish ones ~ or ^ or <.
func structure(b []byte) byte {
	at := 0
	for at < 3 && at < len(b) && isDigit(b[at]) {
		at++
	}
	for at < len(b) && b[at] == '\n' {
		at++
	}
	if at+2 >= len(b) || !strings.ContainsRune("?~^<>|", rune(b[at])) {
		return 0
	}
	two := joined(b[at+1 : min(len(b), at+5)]) // the number itself may be wrapped
	if len(two) < 2 || !isDigit(two[0]) || !isDigit(two[1]) {
		return 0
	}
	return b[at]
}

// joined takes the line ends out: sub-fields are wrapped wherever a line is full.
func joined(b []byte) []byte { return bytes.ReplaceAll(b, []byte{'\n'}, nil) }

// fullLine is the length of a line of :86:. A line that is full goes on in
// the next one, in the middle of a word; a shorter one ended by intention.
const fullLine = 65

// wrapped puts the lines of a free text together.
func wrapped(b []byte) []byte {
	if bytes.IndexByte(b, '\n') < 0 {
		return b
	}
	var out []byte
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		out = append(out, line...)
		if utf8.RuneCount(line) < fullLine {
			out = append(out, ' ')
		}
	}
	return bytes.TrimSpace(out)
}

// structured reads sub-fields: 20-29 and 60-63 purpose, 30 bank, 31 account,
// 32 and 33 name, 38 IBAN. Other numbers are the bank's own.
func structured(text, mark string) (d details) {
	var purpose, posting, iban strings.Builder
	for i, part := range strings.Split(text, mark) {
		if i == 0 || len(part) < 2 || !isDigit(part[0]) || !isDigit(part[1]) {
			if i > 0 { // the mark was a character of a text
				purpose.WriteString(mark + part)
			}
			continue
		}
		value := part[2:]
		switch n := number([]byte(part[:2])); {
		case n == 0:
			posting.WriteString(value)
		case n >= 20 && n <= 29, n >= 60 && n <= 63:
			purpose.WriteString(value)
		case n == 31:
			d.account += value
		case n == 32, n == 33:
			d.name += value
		case n == 38:
			iban.WriteString(value)
		}
	}
	if d.account = strings.TrimSpace(d.account); d.account == "" {
		d.account = strings.TrimSpace(iban.String())
	}
	d.name = strings.TrimSpace(d.name)
	d.sepa(purpose.String())
	if d.remark == "" {
		d.remark = strings.TrimSpace(posting.String())
	}
	return d
}

// sepaWords divide a purpose: EREF+ our reference, SVWZ+ the words of the payer.
var sepaWords = []string{"EREF+", "KREF+", "MREF+", "CRED+", "DEBT+", "COAM+", "OAMT+", "SVWZ+", "ABWA+", "ABWE+", "IBAN+", "BIC+", "BREF+", "RREF+", "PURP+"}

// sepa reads a purpose with or without such words.
func (d *details) sepa(purpose string) {
	if strings.IndexByte(purpose, '+') < 0 {
		d.remark = strings.TrimSpace(purpose)
		return
	}
	d.remark = strings.TrimSpace(purpose)
	for len(purpose) > 0 {
		word, at := nextWord(purpose)
		if word == "" {
			return
		}
		purpose = purpose[at+len(word):]
		_, end := nextWord(purpose)
		switch value := strings.TrimSpace(purpose[:end]); word {
		case "EREF+":
			d.endToEnd = value
		case "SVWZ+":
			d.remark = value
		}
		purpose = purpose[end:]
	}
}

// nextWord finds the first of the words, or "" and the end.
func nextWord(s string) (word string, at int) {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '+')
		if i < 0 {
			return "", len(s)
		}
		from += i + 1
		for _, w := range sepaWords {
			if strings.HasSuffix(s[:from], w) {
				return w, from - len(w)
			}
		}
	}
}

// words of the texts that are divided by /CODE/.
var words = map[string]bool{
	"TRTP": true, "TRCD": true, "IBAN": true, "BIC": true, "NAME": true, "REMI": true, "EREF": true, "MARF": true, "CSID": true,
	"ORDP": true, "BENM": true, "CNTP": true, "ISDT": true, "RTRN": true, "PREF": true, "PURP": true, "ULTC": true, "ULTD": true,
	"ULTB": true, "SVCL": true, "ACCW": true, "EXCH": true, "CHGS": true, "OAMT": true, "OCMT": true, "COAM": true, "ADDR": true,
	"BO": true, "ACCT": true, "PY": true, "TYPE": true, "INFO": true, "OBI": true, "CHG": true, "NREF": true,
}

// coded reads /TRTP/SEPA OVERBOEKING/IBAN/.../NAME/.../REMI/.../EREF/...
func coded(text string) (d details) {
	d.remark = text
	parts := strings.Split(text, "/")
	for i := 1; i < len(parts); i++ {
		word := parts[i]
		if !words[word] {
			continue
		}
		end := i + 1
		for end < len(parts) && !words[parts[end]] {
			end++
		}
		values := parts[i+1 : end]
		value := strings.TrimSpace(strings.Trim(strings.Join(values, "/"), "/"))
		switch word {
		case "NAME":
			d.name = value
		case "IBAN", "ACCT":
			d.account = value
		case "CNTP": // account/BIC/name/city
			d.counterparty(values)
		case "EREF":
			d.endToEnd = value
		case "REMI":
			value = strings.TrimPrefix(strings.TrimPrefix(value, "USTD//"), "STRD/")
			d.remark = value
		}
		i = end - 1
	}
	return d
}

func (d *details) counterparty(values []string) {
	if len(values) > 0 && d.account == "" {
		d.account = strings.TrimSpace(values[0])
	}
	if len(values) > 2 && d.name == "" {
		d.name = strings.TrimSpace(values[2])
	}
}
