package mt940

import (
	"bytes"

	"custody/bankfiles/feed"
	"custody/internal/fault"
)

// tag is the name of a field.
type tag uint8

// The fields that the reader knows. tagOther is one that it passes over.
const (
	tagNone tag = iota
	tagReference
	tagAccount
	tagNumber
	tagOpening
	tagOpeningPage
	tagEntry
	tagDetails
	tagClosing
	tagClosingPage
	tagAvailable
	tagFloor
	tagMoment
	tagDebits
	tagCredits
	tagOther
)

var tags = map[string]tag{
	"20": tagReference, "25": tagAccount, "25P": tagAccount, "28": tagNumber, "28C": tagNumber,
	"60": tagOpening, "60F": tagOpening, "60M": tagOpeningPage, "61": tagEntry, "86": tagDetails,
	"62": tagClosing, "62F": tagClosing, "62M": tagClosingPage, "64": tagAvailable, "65": tagAvailable,
	"34F": tagFloor, "13": tagMoment, "13D": tagMoment, "90D": tagDebits, "90C": tagCredits,
	"21": tagOther, "NS": tagOther, // NS: what the bank calls non-SWIFT
}

// tagOf returns the field that begins with the line and what follows its tag.
// Inside a text only known fields begin: a line of it may start with a colon.
func tagOf(line []byte, inText bool) (tag, []byte, bool) {
	if len(line) < 4 || line[0] != ':' {
		return tagNone, nil, false
	}
	end := bytes.IndexByte(line[1:min(len(line), 5)], ':') + 1
	if end < 3 {
		return tagNone, nil, false
	}
	name := line[1:end]
	if t, ok := tags[string(name)]; ok {
		return t, line[end+1:], true
	}
	if isDigit(name[0]) && isDigit(name[1]) && !inText {
		return tagOther, line[end+1:], true
	}
	return tagNone, nil, false
}

// take undoes the envelope {1:...}{2:...}{3:...}{4: ... -}{5:...} of a line.
func (r *reader) take(line []byte) {
	if end := bytes.Index(line, []byte("-}")); end >= 0 && (end+2 == len(line) || line[end+2] == '{') {
		r.put(line[:end])
		r.endField()
		line = line[end+2:]
	}
	if len(line) > 2 && line[0] == '{' && line[1] >= '1' && line[1] <= '5' && line[2] == ':' {
		r.endField()
		r.typeOf(line)
		i := bytes.LastIndex(line, []byte("{4:"))
		if i < 0 {
			return
		}
		line = line[i+3:]
	}
	r.put(line)
}

// put puts the line where it belongs: to a new field or to the one before it.
func (r *reader) put(line []byte) {
	if t, value, ok := tagOf(bytes.TrimLeft(line, " "), r.tag == tagDetails); ok {
		r.endField()
		r.tag, r.at = t, r.lines.Number()
		r.value = append(r.value[:0], value...)
		return
	}
	switch {
	case len(bytes.TrimSpace(line)) == 0:
	case isSeparator(line):
		// The message is not over yet: a text may hold a lone "-", and the next
		// :20: tells messages apart anyway.
		r.endField()
	case r.tag == tagNone:
		r.preamble(line)
	case len(r.value)+len(line) >= feed.MaxLine:
		r.Stop(fault.Invalid("bankfile.long", feed.MaxLine).AtLine(r.at))
	default:
		r.value = append(append(r.value, '\n'), line...)
	}
}

// isSeparator tells the lines between messages: "-", "$", and "-" with three
// letters where a bank puts a code of its own.
func isSeparator(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 4 {
		return line[0] == '-' && isCode(line[1:])
	}
	return len(line) == 1 && (line[0] == '-' || line[0] == '$')
}

// typeOf reads the type of the message from {2:O940... or {2:I942....
func (r *reader) typeOf(line []byte) {
	i := bytes.Index(line, []byte("{2:"))
	if i < 0 {
		return
	}
	b := bytes.TrimLeft(line[i+3:], "IO")
	if len(b) >= 3 {
		r.named(b[:3])
	}
}

// preamble looks at a line between messages: some banks write the type of the
// message there in place of an envelope, as 940 or :940:.
func (r *reader) preamble(line []byte) {
	if line = bytes.Trim(line, " :"); len(line) >= 3 && (len(line) == 3 || line[3] == ' ') {
		r.named(line[:3])
	}
}

func (r *reader) named(kind []byte) {
	switch string(kind) {
	case "940":
		r.format = Customer
	case "942":
		r.format = Interim
	case "950":
		r.format = Bank
	}
}

// endField hands the field to the statement.
func (r *reader) endField() {
	t := r.tag
	r.tag = tagNone
	if t == tagNone || r.Stopped() {
		return
	}
	r.field(t, r.value)
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }

// firstLine is the value without what continues it on other lines.
func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimSpace(b)
}
