// Package cardsettle reads and writes the settlement file of a telecom operator
// for prepaid cards (11888 电话卡充值结算文件). No operator publishes one, so this
// layout is ours: an operator, or whoever converts its file, writes it.
//
// A member pays with a card of a face value (面值); the operator keeps its share
// (运营商分成) and settles the rest (结算金额). A reversal (冲正) takes it back.
// The file has the shape of our payout files: UTF-8, bars, whole fen, rows
// numbered from 1, a trailer that repeats the totals and seals all lines above
// it with SM3. The card number and its PIN are not in it.
//
//	H|CARDSETTLE|TEL|20260213|2|6000|600|5400
//	1|D|K20260213001|T900001|GD|10000|1000|9000|20260213101500
//	2|R|K20260212007|T900002|GD|4000|400|3600|20260213113000
//	T|2|5400|<SM3 of the lines above, in hexadecimal, with their line ends>
//
// The header's totals are debits (D 扣款) less reversals (R).
package cardsettle

import (
	"bufio"
	"encoding/hex"
	"hash"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Format is the name of this layout.
const Format = "card-settle"

const (
	headFields = 8
	rowFields  = 9
	stamp      = "20060102150405"
)

// Kind tells a debit of a card from its reversal.
type Kind string

// The kinds of a row.
const (
	Debit    Kind = "D" // 扣款
	Reversal Kind = "R" // 冲正
)

// Row is one card debited or reversed. Amounts are positive on both kinds.
type Row struct {
	Line     int
	Kind     Kind
	Serial   string       // ours: number of the top-up (充值流水号)
	Operator string       // the operator's number of the movement
	Province string       // 省份代码 that the card was issued for
	Face     money.Amount // 面值
	Share    money.Amount // 运营商分成
	Net      money.Amount // 结算金额 = Face − Share
	Time     time.Time
}

// Summary is the head of a file with its totals, debits less reversals.
type Summary struct {
	Operator         string // code of the operator as custody.yaml names it
	Date             bizdate.Date
	Rows             int
	Face, Share, Net money.Amount
}

// add adds a row, which has been checked, to the totals.
func (s *Summary) add(row *Row) error {
	sign := money.Amount(1)
	if row.Kind == Reversal {
		sign = -1
	}
	s.Rows++
	for _, t := range [...]struct {
		to *money.Amount
		a  money.Amount
	}{{&s.Face, row.Face}, {&s.Share, row.Share}, {&s.Net, row.Net}} {
		sum, err := t.to.Add(sign * t.a)
		if err != nil {
			return err
		}
		*t.to = sum
	}
	return nil
}

// check refuses a row that does not hold in itself.
func (row *Row) check() *fault.Fault {
	switch {
	case row.Kind != Debit && row.Kind != Reversal:
		return fault.Invalid("cardsettle.kind").On("kind", string(row.Kind))
	case !text(row.Serial):
		return fault.Invalid("cardsettle.number").On("serial", row.Serial)
	case !text(row.Operator):
		return fault.Invalid("cardsettle.number").On("operator_serial", row.Operator)
	case !text(row.Province):
		return fault.Invalid("cardsettle.number").On("province", row.Province)
	case row.Face <= 0:
		return fault.Invalid("cardsettle.amount").On("face", strconv.FormatInt(int64(row.Face), 10))
	case row.Share < 0 || row.Share > row.Face:
		return fault.Invalid("cardsettle.amount").On("share", strconv.FormatInt(int64(row.Share), 10))
	case row.Net != row.Face-row.Share:
		return fault.Invalid("cardsettle.net", int64(row.Face-row.Share)).On("net", strconv.FormatInt(int64(row.Net), 10))
	case row.Time.IsZero():
		return fault.Invalid("cardsettle.time").On("time", "")
	}
	return nil
}

func text(s string) bool { return lines.ID([]byte(s)) && strings.IndexByte(s, '|') < 0 }

// Write writes a file of the rows, which it goes through twice: the header
// carries the totals. It returns a fault for a row that [Read] would refuse.
func Write(w io.Writer, operator string, date bizdate.Date, rows iter.Seq[Row]) error {
	sum := Summary{Operator: operator, Date: date}
	seen := map[string]int{}
	for row := range rows {
		if f := row.check(); f != nil {
			return f.AtLine(sum.Rows + 2)
		}
		if first, twice := seen[row.Operator]; twice {
			return fault.Invalid("cardsettle.twice", first).AtLine(sum.Rows+2).On("operator_serial", row.Operator)
		}
		seen[row.Operator] = sum.Rows + 2
		if sum.add(&row) != nil {
			return fault.Invalid("cardsettle.overflow").AtLine(sum.Rows + 1)
		}
	}
	if !text(operator) || date.IsZero() {
		return fault.Invalid("cardsettle.head").AtLine(1).On("operator", operator)
	}
	out, seal := bufio.NewWriterSize(w, lines.MaxLine), sm3.New()
	write := func(fields ...string) {
		line := []byte(strings.Join(fields, "|") + "\n")
		seal.Write(line)
		out.Write(line) // bufio keeps the error for Flush
	}
	write("H", "CARDSETTLE", operator, date.Compact(), strconv.Itoa(sum.Rows), fen(sum.Face), fen(sum.Share), fen(sum.Net))
	seq := 0
	for row := range rows {
		seq++
		write(strconv.Itoa(seq), string(row.Kind), row.Serial, row.Operator, row.Province, fen(row.Face), fen(row.Share), fen(row.Net),
			row.Time.In(bizdate.Zone).Format(stamp))
	}
	write("T", strconv.Itoa(sum.Rows), fen(sum.Net), hex.EncodeToString(seal.Sum(nil)))
	return out.Flush()
}

func fen(a money.Amount) string { return strconv.FormatInt(int64(a), 10) }

// reader is what one Read has seen so far.
type reader struct {
	*lines.Reader
	seal   hash.Hash
	sealed []byte // lines that the seal does not know yet
	fields []string
	head   []string
	ended  bool
	seen   lines.Seen // every operator's number
	digits []byte
	sum    Summary
	row    Row
}

// maxRows is the largest night of cards that we plan for, ten times.
const maxRows = 1_000_000

// Read reads a file and hands every row to each, which may be nil; the row is
// used again for the next call. It compares the header, the trailer and the seal
// with the rows.
//
// It returns a fault.List with line, field and value (codes cardsettle.*), or
// what each returned. Nothing counts as read before Read returned nil.
func Read(name string, src io.Reader, each func(*Row) error) (Summary, error) {
	r := &reader{Reader: lines.NewUTF8Reader(name, src), seal: sm3.New()}
	for r.Next() {
		r.split(string(r.Line()))
		if r.ended {
			r.Stop(fault.Invalid("cardsettle.after").On("", string(r.Line())))
			break
		}
		if r.fields[0] == "T" {
			r.ended = true
			r.trailer()
			continue
		}
		r.sealed = append(append(r.sealed, r.Line()...), '\n')
		if len(r.sealed) > sealBytes {
			r.sealUp()
		}
		if r.head == nil {
			r.header()
			continue
		}
		if !r.readRow() || !r.OK() || each == nil {
			continue
		}
		if err := each(&r.row); err != nil {
			return r.sum, err
		}
	}
	if r.OK() && !r.ended {
		r.Refuse(fault.Invalid("cardsettle.cut", r.sum.Rows))
	}
	return r.sum, r.Err()
}

// sealBytes are sealed together: one line alone is less than a block of SM3 or
// little more, and the call costs as much.
const sealBytes = 4 << 10

func (r *reader) sealUp() {
	r.seal.Write(r.sealed)
	r.sealed = r.sealed[:0]
}

// split cuts a line at the bars, into the fields of the one before.
func (r *reader) split(line string) {
	r.fields = r.fields[:0]
	for {
		i := 0
		for i < len(line) && line[i] != '|' { // a field is too short for strings.IndexByte
			i++
		}
		if i == len(line) || len(r.fields) > rowFields { // more than that is refused
			r.fields = append(r.fields, line)
			return
		}
		r.fields, line = append(r.fields, line[:i]), line[i+1:]
	}
}

// isSeq reports whether a field is the number, as it is written.
func (r *reader) isSeq(field string, n int) bool {
	r.digits = strconv.AppendInt(r.digits[:0], int64(n), 10)
	return string(r.digits) == field
}

// amount reads whole fen as they are written: no sign but a minus, no leading zero.
func amount(s string) (money.Amount, bool) {
	digits := strings.TrimPrefix(s, "-")
	n, err := strconv.ParseInt(s, 10, 64)
	return money.Amount(n), err == nil && digits[0] >= '0' && digits[0] <= '9' && (digits[0] != '0' || s == "0")
}

func (r *reader) header() {
	r.head = slices.Clone(r.fields)
	if len(r.fields) != headFields || r.fields[0] != "H" || r.fields[1] != "CARDSETTLE" || !text(r.fields[2]) {
		r.Stop(fault.Invalid("cardsettle.head").On("H", string(r.Line())))
		return
	}
	r.sum.Operator = r.fields[2]
	var err error
	if r.sum.Date, err = bizdate.Parse(r.fields[3]); err != nil || len(r.fields[3]) != 8 {
		r.Refuse(fault.Invalid("cardsettle.date").On("date", r.fields[3]))
	}
	if n, err := strconv.Atoi(r.fields[4]); err == nil && n > 0 {
		r.seen.Reserve(min(n, maxRows))
	}
}

func (r *reader) readRow() bool {
	f := r.fields
	switch {
	case len(f) != rowFields && r.Unended():
		r.Refuse(fault.Invalid("cardsettle.cut", r.sum.Rows))
		return false
	case len(f) != rowFields:
		r.Refuse(fault.Invalid("cardsettle.fields", len(f), rowFields).On("", string(r.Line())))
		return false
	case r.sum.Rows == maxRows:
		r.Stop(fault.Invalid("lines.rows", maxRows))
		return false
	case !r.isSeq(f[0], r.sum.Rows+1):
		r.Refuse(fault.Invalid("cardsettle.sequence", r.sum.Rows+1).On("seq", f[0]))
	}
	r.row = Row{Line: r.Number(), Kind: Kind(f[1]), Serial: f[2], Operator: f[3], Province: f[4]}
	for i, to := range [...]*money.Amount{&r.row.Face, &r.row.Share, &r.row.Net} {
		n, ok := amount(f[5+i])
		if !ok {
			r.Refuse(fault.Invalid("cardsettle.amount").On([...]string{"face", "share", "net"}[i], f[5+i]))
			return false
		}
		*to = n
	}
	var ok bool
	if r.row.Time, ok = moment(f[8]); !ok {
		r.Refuse(fault.Invalid("cardsettle.time").On("time", f[8]))
		return false
	}
	if bad := r.row.check(); bad != nil {
		r.Refuse(bad)
		return false
	}
	if first, twice := r.seen.Put(r.row.Operator, r.Number()); twice {
		r.Refuse(fault.Invalid("cardsettle.twice", first).On("operator_serial", r.row.Operator))
		return false
	}
	if r.sum.add(&r.row) != nil {
		r.Refuse(fault.Invalid("cardsettle.overflow"))
		return false
	}
	return true
}

// moment reads yyyyMMddHHmmss, as a time of the form that lines.Time takes:
// package time is a third of the whole reading.
func moment(s string) (time.Time, bool) {
	if len(s) != len(stamp) {
		return time.Time{}, false
	}
	var b [len(lines.TimeLayout)]byte
	copy(b[:], lines.TimeLayout)
	copy(b[0:4], s)
	for i, at := range [...]int{5, 8, 11, 14, 17} {
		copy(b[at:at+2], s[4+2*i:])
	}
	return lines.Time(b[:])
}

// trailer compares the totals of the trailer and of the header with the rows.
func (r *reader) trailer() {
	if r.head == nil || len(r.fields) != 4 {
		r.Refuse(fault.Invalid("cardsettle.cut", r.sum.Rows))
		return
	}
	if !r.OK() {
		return
	}
	r.sealUp()
	rows := strconv.Itoa(r.sum.Rows)
	for _, c := range []struct{ code, field, got, want string }{
		{"cardsettle.count", "H rows", r.head[4], rows},
		{"cardsettle.total", "H face", r.head[5], fen(r.sum.Face)},
		{"cardsettle.total", "H share", r.head[6], fen(r.sum.Share)},
		{"cardsettle.total", "H net", r.head[7], fen(r.sum.Net)},
		{"cardsettle.count", "T rows", r.fields[1], rows},
		{"cardsettle.total", "T net", r.fields[2], fen(r.sum.Net)},
		{"cardsettle.seal", "SM3", r.fields[3], hex.EncodeToString(r.seal.Sum(nil))},
	} {
		if c.got != c.want {
			r.Refuse(fault.Invalid(c.code, c.got, c.want).On(c.field, c.got))
		}
	}
}
