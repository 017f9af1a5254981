package xls

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// cell returns the text of a record with one cell.
func (b *Book) cell(r record, style int) (string, bool) {
	body := r.body[6:]
	switch r.kind {
	case recLabelSST:
		if len(body) < 4 {
			return "", false
		}
		i := binary.LittleEndian.Uint32(body)
		if uint64(i) >= uint64(len(b.texts)) {
			return "", false
		}
		return b.texts[i], true
	case recLabel, recRString:
		c := &cursor{book: b, rest: body, next: r.next}
		return c.text(false)
	case recNumber:
		if len(body) < 8 {
			return "", false
		}
		return number(math.Float64frombits(binary.LittleEndian.Uint64(body))).text(b, style), true
	case recRK:
		if len(body) < 4 {
			return "", false
		}
		return rk(binary.LittleEndian.Uint32(body)).text(b, style), true
	case recBoolErr:
		if len(body) < 2 {
			return "", false
		}
		return truth(body[0], body[1] == 1), true
	}
	return b.formula(r, body, style)
}

// formula returns the value that the formula had when the file was saved; a
// text stands in a record of its own behind it.
func (b *Book) formula(r record, body []byte, style int) (string, bool) {
	if len(body) < 8 {
		return "", false
	}
	if body[6] != 0xFF || body[7] != 0xFF {
		return number(math.Float64frombits(binary.LittleEndian.Uint64(body))).text(b, style), true
	}
	const isText, isTruth, isError = 0, 1, 2
	switch body[0] {
	case isTruth, isError:
		return truth(body[2], body[0] == isError), true
	case isText:
		const between = 3 // records of a formula that several cells share
		for at, i := r.next, 0; i <= between; i++ {
			s, ok := b.record(at)
			if !ok {
				return "", false
			}
			if s.kind == recString {
				c := &cursor{book: b, rest: s.body, next: s.next}
				return c.text(false)
			}
			at = s.next
		}
		return "", false
	}
	return "", true // nothing
}

func truth(value byte, isError bool) string {
	switch {
	case isError:
		return "#ERR" + strconv.Itoa(int(value))
	case value != 0:
		return "TRUE"
	}
	return "FALSE"
}

// number is how the file holds every number: an IEEE double of 15 digits that hold.
type number float64

// rk is a number in 30 bits: a whole one or the upper half of a double, as it
// is or in hundredths.
type rk uint32

func (x rk) text(b *Book, style int) string {
	const hundredths, whole = 1, 2
	if x&whole == 0 {
		v := number(math.Float64frombits(uint64(x&^3) << 32))
		if x&hundredths != 0 {
			v /= 100 // as Excel does: the nearest double, whose 15 digits are those typed
		}
		return v.text(b, style)
	}
	n := int64(int32(x) >> 2)
	if x&hundredths == 0 || b.formAt(style) != plain {
		v := number(n)
		if x&hundredths != 0 {
			v /= 100
		}
		return v.text(b, style)
	}
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s%d.%02d", sign, n/100, n%100), "0"), ".")
}

// text writes a number: a day or a time where its format says so, else the
// shortest decimal that is this double. From 16 digits on the last ones are lost
// and the exponent shows it.
func (x number) text(b *Book, style int) string {
	v := float64(x)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "#ERR"
	}
	if f := b.formAt(style); f != plain {
		if s, ok := b.moment(v, f); ok {
			return s
		}
	}
	const digits = 1e15
	if math.Abs(v) >= digits {
		return strconv.FormatFloat(v, 'E', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// form is what a number format makes of a number.
type form int8

const (
	plain form = iota
	isDay      // with or without a time
	isTime
)

// lastDay is 9999-12-31, counted from 1900.
const lastDay = 2958466

// moment reads a day and time. Excel believes that 1900 was a leap year: days
// up to 28 February 1900 are one less.
func (b *Book) moment(v float64, f form) (string, bool) {
	if v < 0 || v >= lastDay {
		return "", false
	}
	const day = 24 * 60 * 60
	days := math.Floor(v)
	seconds := int(math.Round((v - days) * day))
	if days == 0 && f == isTime {
		return time.Unix(int64(seconds%day), 0).UTC().Format("15:04:05"), true
	}
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case b.late:
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60:
		base = base.AddDate(0, 0, 1)
	}
	return base.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second).Format("2006-01-02T15:04:05"), true
}

func (b *Book) formAt(style int) form {
	if style < len(b.cells) {
		return b.cells[style]
	}
	return plain
}

// formOf tells days by the number of a format: its own, or one of those that
// every workbook knows. 27 to 36 and 50 to 58 are days in Chinese and Japanese.
func (b *Book) formOf(id int) form {
	if f, ok := b.forms[id]; ok {
		return f
	}
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 58:
		return isDay
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47:
		return isTime
	}
	return plain
}

// format keeps what a format of the file makes of numbers.
func (b *Book) format(body []byte) {
	if len(body) < 5 {
		return
	}
	c := &cursor{book: b, rest: body[2:], next: len(b.data)}
	if text, ok := c.text(false); ok {
		b.forms[int(binary.LittleEndian.Uint16(body))] = formOfText(text)
	}
}

// formOfText looks for the letters of days and times outside of quotes,
// escapes and brackets, in the part for positive numbers.
func formOfText(text string) form {
	day, clock := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i] | 0x20; {
		case text[i] == ';':
			i = len(text)
		case text[i] == '"' || text[i] == '[':
			end := byte('"')
			if text[i] == '[' {
				end = ']'
			}
			n := strings.IndexByte(text[i+1:], end)
			if n < 0 {
				return plain
			}
			inner := strings.ToLower(text[i+1 : i+1+n])
			clock = clock || end == ']' && (strings.Trim(inner, "h") == "" || strings.Trim(inner, "m") == "" || strings.Trim(inner, "s") == "") && inner != ""
			i += n + 1
		case text[i] == '\\' || text[i] == '_' || text[i] == '*':
			i++
		case text[i] == '#' || text[i] == '?' || text[i] == '0' && !clock:
			return plain
		case c == 'y' || c == 'd':
			day = true
		case c == 'h' || c == 's':
			clock = true
		}
	}
	switch {
	case day:
		return isDay
	case clock:
		return isTime
	}
	return plain
}

// cursor reads texts from a record and the ones that continue it.
type cursor struct {
	book *Book
	rest []byte
	next int // of the record behind
}

// more goes on in the next record.
func (c *cursor) more() bool {
	r, ok := c.book.record(c.next)
	if !ok || r.kind != recContinue {
		return false
	}
	c.rest, c.next = r.body, r.next
	return true
}

// take returns n bytes that no record divides.
func (c *cursor) take(n int) ([]byte, bool) {
	if len(c.rest) == 0 && !c.more() {
		return nil, false
	}
	if len(c.rest) < n {
		return nil, false
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out, true
}

// skip passes over n bytes, in as many records as they take.
func (c *cursor) skip(n int) bool {
	for n > len(c.rest) {
		n -= len(c.rest)
		if !c.more() {
			return false
		}
	}
	c.rest = c.rest[n:]
	return true
}

// Bits of a text's flags.
const (
	flagWide  = 0x01 // two bytes a character, else one
	flagAsian = 0x04 // with phonetic signs
	flagRich  = 0x08 // with changes of font
)

// text reads a text; the shared ones may have fonts and phonetic signs behind
// them. Characters that go on in the next record say anew how wide they are.
func (c *cursor) text(isShared bool) (string, bool) {
	head, ok := c.take(3)
	if !ok {
		return "", false
	}
	left, flags := int(binary.LittleEndian.Uint16(head)), head[2]
	behind := 0
	if isShared {
		if flags&flagRich != 0 {
			n, ok := c.take(2)
			if !ok {
				return "", false
			}
			behind += 4 * int(binary.LittleEndian.Uint16(n))
		}
		if flags&flagAsian != 0 {
			n, ok := c.take(4)
			if !ok || binary.LittleEndian.Uint32(n) > MaxFile {
				return "", false
			}
			behind += int(binary.LittleEndian.Uint32(n))
		}
	}
	units := make([]uint16, 0, min(left, len(c.rest)))
	for {
		left = c.characters(&units, left, flags&flagWide != 0)
		if left == 0 {
			return string(utf16.Decode(units)), c.skip(behind)
		}
		if len(c.rest) > 0 || !c.more() || len(c.rest) == 0 {
			return "", false
		}
		flags = c.rest[0]
		c.rest = c.rest[1:]
	}
}

// characters appends what the record has of the text and returns how many are missing.
func (c *cursor) characters(to *[]uint16, left int, wide bool) int {
	if !wide {
		n := min(left, len(c.rest))
		for _, one := range c.rest[:n] {
			*to = append(*to, uint16(one)) // the upper byte, which is zero, was left out
		}
		c.rest = c.rest[n:]
		return left - n
	}
	n := min(left, len(c.rest)/2)
	for i := range n {
		*to = append(*to, binary.LittleEndian.Uint16(c.rest[2*i:]))
	}
	c.rest = c.rest[2*n:]
	return left - n
}

// shared reads the texts that the cells refer to.
func (b *Book) shared(r record) bool {
	if len(r.body) < 8 {
		return false
	}
	count := int(binary.LittleEndian.Uint32(r.body[4:]))
	const least = 3 // bytes of a text
	if count < 0 || count > len(b.data)/least {
		return false
	}
	c := &cursor{book: b, rest: r.body[8:], next: r.next}
	b.texts = make([]string, 0, count)
	for range count {
		text, ok := c.text(true)
		if !ok {
			return false
		}
		b.texts = append(b.texts, text)
	}
	return true
}
