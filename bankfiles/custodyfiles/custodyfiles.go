// Package custodyfiles reads the daily files in which a custody bank (存管银行)
// says what it did with the sub-accounts, and writes the files of the same
// kinds that go to it.
//
//	CZ TX JY YE   充值 提现 交易 余额, rows of 见证宝 without a header
//	KXH CRJ       开销户 出入金, with a first line of counts and totals
//	BatCustDz     子账户对账 and its BatCustDzFail 对账不平
//	H|balance     余额 and H|settle 分账 of a 华通-type system
//	616           业务订单 and its result, fields between \u0003
//
// No bank publishes these layouts. They are sample layouts (示例版式) after rows
// that others have shown; none is a bank's own, and a bank's version may have
// other columns. So the number of columns decides the version, a row with
// another number is refused, and counts and totals are always compared.
//
//	rows, err := custodyfiles.ReadOK("YE20260213.ok", ok)
//	sum, err := custodyfiles.ReadBalances("YE20260213.txt", f, custodyfiles.Options{Rows: &rows}, each)
//
// Rows end with a separator. A name that holds one moves the columns behind it:
// such a row is refused, never guessed at.
package custodyfiles

import (
	"io"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The names of the formats.
const (
	CZ          = "custody-cz" // 充值
	TX          = "custody-tx" // 提现
	JY          = "custody-jy" // 交易
	YE          = "custody-ye" // 余额
	KXH         = "custody-kxh"
	CRJ         = "custody-crj"
	CustDz      = "custody-batcustdz"
	CustDzFail  = "custody-batcustdzfail"
	HTBalance   = "custody-ht-balance"
	HTSettle    = "custody-ht-settle"
	TieOuts     = "custody-tieout"
	Order616    = "custody-616"
	Result616   = "custody-616-result"
	ampersand   = "&"
	bar         = "|"
	etx         = "\u0003"
	maxSequence = 9 // digits of 序号
)

// Options is what the file does not say of itself.
type Options struct {
	// Rows is the count of the companion .ok file; nil where there is none.
	Rows *int
}

// Summary is what a file adds up to.
type Summary struct {
	Format   string
	Columns  int // of its version
	Encoding string
	Date     bizdate.Date // of the header where there is one
	Rows     int
	Total    money.Exact // of 交易金额, 余额 or whatever the rows count
	Fee      money.Exact
	// Counted is whether a count was there to compare the rows with.
	Counted bool
}

// layout is one kind of file.
type layout struct {
	format    string
	separator string
	trailing  bool       // rows end with the separator
	versions  [][]string // the columns of each version
	head      int        // fields of the first line that is no row; 0 where there is none
	numbered  bool       // the first column is a number that grows
}

// reader is what one read has seen so far.
type reader struct {
	*lines.Reader
	layout  *layout
	head    []string
	columns map[string]int
	width   int
	cells   []string
	last    int // number of the row before
	// dayText is the last date that was read, dayValue what it is.
	dayText  string
	dayValue bizdate.Date
	bad      bool
	sum      Summary
}

// zero is no money, as yuan.
var zero = money.Exact{Scale: 2, Currency: money.CNY}

// read reads a file: first gets the head's fields, row each row. Both collect
// faults by the methods of reader; each error of row comes back.
func (l *layout) read(name string, src io.Reader, opt Options, first func(*reader), row func(*reader) error) (Summary, error) {
	r := &reader{Reader: lines.NewReader(name, src), layout: l}
	r.sum.Format, r.sum.Total, r.sum.Fee = l.format, zero, zero
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	for r.Next() {
		r.cells = strings.Split(string(r.Line()), l.separator)
		if l.head > 0 && r.head == nil {
			r.takeHead()
			continue
		}
		if !r.take() {
			continue
		}
		if err := row(r); err != nil {
			return r.sum, err
		}
	}
	if l.head > 0 && r.head == nil && r.OK() {
		r.Refuse(fault.Invalid("custodyfile.head"))
	}
	if r.OK() {
		if opt.Rows != nil {
			r.count("ok", strconv.Itoa(*opt.Rows))
		}
		if first != nil && r.head != nil {
			first(r)
		}
	}
	r.sum.Encoding = r.Encoding()
	return r.sum, r.Err()
}

// takeHead keeps the fields of the first line; a separator may end it or not.
func (r *reader) takeHead() {
	if n := len(r.cells); n > r.layout.head && r.cells[n-1] == "" {
		r.cells = r.cells[:n-1]
	}
	if r.head = r.cells; len(r.head) != r.layout.head {
		r.Stop(fault.Invalid("custodyfile.head").On("", string(r.Line())))
	}
}

// take checks the number of columns and of the row.
func (r *reader) take() bool {
	n := len(r.cells)
	if r.layout.trailing {
		if n--; r.cells[n] != "" {
			n = -1 // what ends without a separator was cut off or has one too many
		}
	}
	if r.columns == nil {
		r.bind(n)
	}
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return false
	}
	if n != r.width || r.width == 0 {
		code := "custodyfile.fields"
		if r.Unended() {
			code = "custodyfile.cut"
		}
		r.Refuse(fault.Invalid(code, len(r.cells), max(r.width, len(r.layout.versions[0]))).On("", string(r.Line())))
		return false
	}
	r.bad = false
	if r.layout.numbered {
		text := strings.TrimSpace(r.cells[0])
		seq, err := strconv.Atoi(text)
		if err != nil || len(text) > maxSequence || seq <= r.last {
			r.refuse("custodyfile.sequence", r.layout.versions[0][0], r.last)
		}
		r.last = seq
	}
	return true
}

// bind chooses the version that has n columns.
func (r *reader) bind(n int) {
	for _, names := range r.layout.versions {
		if len(names) != n {
			continue
		}
		r.columns, r.width, r.sum.Columns = map[string]int{}, n, n
		for i, name := range names {
			r.columns[name] = i
		}
	}
}

// refuse collects a fault of a column of the row.
func (r *reader) refuse(code, column string, args ...any) {
	r.bad = true
	r.Refuse(fault.Invalid(code, args...).On(column, r.text(column)))
}

// text is a cell without the blanks around it; empty where the version lacks the column.
func (r *reader) text(column string) string {
	i, ok := r.columns[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// number is a cell that must hold a number of an account, a member or a movement.
func (r *reader) number(column string) string {
	s := r.text(column)
	if !lines.ID([]byte(s)) {
		r.refuse("custodyfile.number", column)
	}
	return s
}

// yuan is an amount in yuan with a sign or without.
func (r *reader) yuan(column string) money.Exact {
	x, ok := lines.Amount([]byte(r.text(column)))
	if !ok {
		r.refuse("custodyfile.amount", column)
		return zero
	}
	return x
}

// positive is yuan without a minus.
func (r *reader) positive(column string) money.Exact {
	x := r.yuan(column)
	if x.Units < 0 {
		r.refuse("custodyfile.sign", column)
	}
	return x
}

// fen is an amount in whole fen.
func (r *reader) fen(column string) money.Exact {
	s := r.text(column)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		r.refuse("custodyfile.fen", column)
		return zero
	}
	return money.FromFen(money.Amount(n))
}

// day is a date of the form yyyyMMdd.
func (r *reader) day(column string) bizdate.Date {
	s := r.text(column)
	if s == r.dayText && s != "" { // most rows of a file are of one day
		return r.dayValue
	}
	d, err := bizdate.Parse(s)
	if err != nil || len(s) != 8 {
		r.refuse("custodyfile.date", column)
		return d
	}
	r.dayText, r.dayValue = s, d
	return d
}

// moment joins a date and a time of the form HHmmss.
func (r *reader) moment(date, clock string) time.Time {
	d, s := r.day(date), r.text(clock)
	if len(s) != 6 || !digits(s) {
		r.refuse("custodyfile.time", clock)
		return time.Time{}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	if two(0) > 23 || two(2) > 59 || two(4) > 59 {
		r.refuse("custodyfile.time", clock)
		return time.Time{}
	}
	return d.At(two(0), two(2)).Add(time.Duration(two(4)) * time.Second)
}

// add adds an amount of the row to a total.
func (r *reader) add(total *money.Exact, x money.Exact, column string) {
	sum, err := total.Add(x)
	if err != nil {
		r.refuse("custodyfile.overflow", column)
		return
	}
	*total = sum
}

// equal refuses an amount of the row that is not what others of the row make of it.
func (r *reader) equal(column string, got money.Exact, parts ...money.Exact) {
	want := zero
	for _, p := range parts {
		sum, err := want.Add(p)
		if err != nil {
			r.refuse("custodyfile.overflow", column)
			return
		}
		want = sum
	}
	if !got.Equal(want) {
		r.refuse("custodyfile.arithmetic", column, want.String())
	}
}

// good reports whether the row and all before it can be handed out.
func (r *reader) good() bool { return !r.bad && r.OK() }

// count compares a count of the file with its rows.
func (r *reader) count(field, text string) {
	r.sum.Counted = true
	if n, ok := lines.Count([]byte(strings.TrimSpace(text))); !ok || n != r.sum.Rows {
		r.Refuse(fault.Invalid("custodyfile.count", text, r.sum.Rows).AtLine(1).On(field, text))
	}
}

// total compares a total of the first line with the rows.
func (r *reader) total(field, text string, want money.Exact) {
	if x, ok := lines.Total([]byte(strings.TrimSpace(text))); !ok || !x.Equal(want) {
		r.Refuse(fault.Invalid("custodyfile.total", text, want.String()).AtLine(1).On(field, text))
	}
}

// ReadOK reads the companion .ok file: its first line is the count of rows.
func ReadOK(name string, src io.Reader) (int, error) {
	r := lines.NewReader(name, src)
	if !r.Next() {
		r.Refuse(fault.Invalid("custodyfile.ok"))
		return 0, r.Err()
	}
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(r.Line())), ampersand))
	n, ok := lines.Count([]byte(text))
	if !ok {
		r.Refuse(fault.Invalid("custodyfile.ok").On("", text))
		return 0, r.Err()
	}
	return n, r.Err()
}
