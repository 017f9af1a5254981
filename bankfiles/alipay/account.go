package alipay

import (
	"io"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// FormatAccount is the name of the account bill (账务明细).
const FormatAccount = "alipay-account"

// accountTitle begins an account bill.
const accountTitle = "#支付宝账务明细查询"

// markIn and markOut are the totals of the account bill.
const (
	markIn  = "收入合计"
	markOut = "支出合计"
)

// accountNames are the columns of the newer generation of the account bill;
// the one of 2012 lacks the last four before 备注.
var accountNames = []string{"账务流水号", "业务流水号", "商户订单号", "商品名称", "发生时间", "对方账号", "收入金额（+元）", "支出金额（-元）",
	"账户余额（元）", "交易渠道", "业务类型", "业务描述", "业务基础订单号", "业务订单号", "业务账单来源", "备注"}

// The columns that the account reader needs, as indexes into accountColumns.
const (
	accNo = iota
	accBusinessNo
	accOrderNo
	accTime
	accParty
	accIn
	accOut
	accBalance
	accBusiness
	accRemark
	accCount
)

var accountColumns = [accCount]lines.Column{
	accNo:         {Names: []string{"账务流水号"}},
	accBusinessNo: {Names: []string{"业务流水号"}},
	accOrderNo:    {Names: []string{"商户订单号"}},
	accTime:       {Names: []string{"发生时间"}},
	accParty:      {Names: []string{"对方账号", "对方账户"}, Optional: true},
	accIn:         {Names: []string{"收入金额（+元）", "收入金额（＋元）", "收入金额（元）"}},
	accOut:        {Names: []string{"支出金额（-元）", "支出金额（－元）", "支出金额（元）"}},
	accBalance:    {Names: []string{"账户余额（元）"}},
	accBusiness:   {Names: []string{"业务类型"}},
	accRemark:     {Names: []string{"备注"}, Optional: true},
}

// accountReader is what one ReadAccount has seen so far.
type accountReader struct {
	*lines.Reader
	each          func(*bankfiles.Flow) error
	column        []int
	width         int
	framed, ended bool
	inSeen        bool
	outSeen       bool
	from, to      time.Time
	cells         [][]byte
	row           bankfiles.Flow
	chain         bankfiles.FlowChain
	sum           bankfiles.FlowSummary
}

// ReadAccount reads an account bill (账务明细) and hands every movement to each,
// which may be nil. The bill may be of one day or of several. 支出 is printed
// with or without a minus. Counts and amounts of the two totals are compared
// with the rows; whether the balances follow from each other is in Balanced and
// Gap of the summary.
//
// It returns [ErrNoBill], or a fault.List as [Read] does, or what each returned.
func ReadAccount(name string, src io.Reader, each func(*bankfiles.Flow) error) (bankfiles.FlowSummary, error) {
	r := &accountReader{Reader: lines.NewReader(name, src), each: each}
	zero := money.Exact{Scale: decimals, Currency: money.CNY}
	r.sum.Format, r.sum.InTotal, r.sum.OutTotal = FormatAccount, zero, zero
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	for r.Next() {
		if err := r.line(r.Line()); err != nil {
			return r.sum, err
		}
	}
	if r.OK() {
		r.complete()
	}
	r.sum.Encoding = r.Encoding()
	if err := r.chain.Finish(name, &r.sum); err != nil {
		r.Refuse(fault.Invalid("bill.overflow"))
	}
	return r.sum, r.Err()
}

// complete refuses a bill that lacks a part of its frame.
func (r *accountReader) complete() {
	switch {
	case !r.framed:
		r.Refuse(fault.Invalid("bill.header", accountTitle))
	case !r.ended || !r.inSeen || !r.outSeen:
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
	case r.sum.From.IsZero():
		r.Refuse(fault.Invalid("flow.period").On(markPeriod, ""))
	case r.sum.Account == "":
		r.Refuse(fault.Invalid("bill.number").On(markAccount, ""))
	}
}

func (r *accountReader) line(line []byte) error {
	switch {
	case line[0] == '#':
		r.frame(string(line))
	case !r.framed:
		r.Stop(fault.Invalid("bill.header", accountTitle).On("", string(line)))
	case r.ended:
		r.Stop(fault.Invalid("bill.after").On("", string(line)))
	case r.column == nil:
		r.header(line)
	default:
		return r.readRow(line)
	}
	return nil
}

// frame reads a comment line. Lines without a known word are for people.
func (r *accountReader) frame(text string) {
	r.framed = true
	switch {
	case strings.Contains(text, markEnd):
		r.ended = true
	case strings.Contains(text, markIn):
		r.inSeen = r.total(text, markIn, r.sum.InRows, r.sum.InTotal)
	case strings.Contains(text, markOut):
		r.outSeen = r.total(text, markOut, r.sum.OutRows, r.sum.OutTotal)
	case strings.Contains(text, markPeriod):
		r.period(text)
	case strings.Contains(text, markAccount):
		m := bracketed.FindStringSubmatch(text)
		if m == nil || !lines.ID([]byte(m[1])) {
			r.Refuse(fault.Invalid("bill.number").On(markAccount, text))
			return
		}
		r.sum.Account = m[1]
	}
}

// period reads the span of the bill; its end is a midnight or a last second.
func (r *accountReader) period(text string) {
	m := bracketed.FindAllStringSubmatch(text, -1)
	if len(m) == 2 {
		var okFrom, okTo bool
		r.from, okFrom = parseMoment(m[0][1])
		r.to, okTo = parseMoment(m[1][1])
		if okFrom && okTo && r.from.Before(r.to) {
			r.sum.From, r.sum.To = bizdate.Of(r.from), bizdate.Of(r.to.Add(-time.Second))
			return
		}
	}
	r.Refuse(fault.Invalid("flow.period").On(markPeriod, text))
}

// total compares one total of the bill with its rows. 支出 may be negative.
//
//	#支出合计：0笔，共0.00元
func (r *accountReader) total(text, mark string, rows int, want money.Exact) bool {
	count, amount := rowCount.FindStringSubmatch(text), amountOf.FindStringSubmatch(text)
	if count == nil || amount == nil {
		if r.Unended() {
			r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
		} else {
			r.Refuse(fault.Invalid("bill.total_form").On(mark, text))
		}
		return false
	}
	if !r.OK() {
		return true
	}
	if n, ok := lines.Count([]byte(count[1])); !ok || n != rows {
		r.Refuse(fault.Invalid("bill.count", count[1], strconv.Itoa(rows)).On(mark, count[1]))
	}
	total, ok := lines.Total([]byte(amount[2]))
	if mark == markOut && total.Units < 0 {
		total = total.Neg()
	}
	if !ok || !total.Equal(want) {
		r.Refuse(fault.Invalid("bill.total", amount[2], want.String()).On(mark, amount[2]))
	}
	return true
}

func (r *accountReader) header(line []byte) {
	cells, _ := lines.Split(nil, line)
	index, missing, twice := lines.Bind(cells, accountColumns[:])
	if index[accNo] < 0 {
		r.Stop(fault.Invalid("bill.header", accountNames[0]).On("", string(line)))
		return
	}
	for _, name := range missing {
		r.Refuse(fault.Invalid("bill.column", name).On(name, ""))
	}
	for _, name := range twice {
		r.Refuse(fault.Invalid("bill.column_twice", name).On(name, ""))
	}
	if !r.OK() {
		r.Stop(nil)
	}
	r.column, r.width = index, len(cells)
}

func (r *accountReader) cell(column int) []byte {
	if i := r.column[column]; i >= 0 {
		return lines.Clean(r.cells[i])
	}
	return nil
}

func (r *accountReader) refuse(code string, column int, args ...any) bool {
	r.Refuse(fault.Invalid(code, args...).On(accountColumns[column].Names[0], string(r.cell(column))))
	return false
}

func (r *accountReader) readRow(line []byte) error {
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return nil
	}
	var closed bool
	r.cells, closed = lines.Split(r.cells, line)
	switch {
	case closed && len(r.cells) == r.width:
	case r.Unended():
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
		return nil
	case !closed:
		r.Refuse(fault.Invalid("bill.quote").On("", string(line)))
		return nil
	default:
		r.Refuse(fault.Invalid("bill.columns", len(r.cells), r.width).On("", string(line)))
		return nil
	}
	if !r.parse() || !r.OK() || r.each == nil {
		return nil
	}
	return r.each(&r.row)
}

func (r *accountReader) parse() bool {
	at, ok := lines.Time(r.cell(accTime))
	if !ok {
		return r.refuse("bill.time", accTime)
	}
	if !r.from.IsZero() && (at.Before(r.from) || at.After(r.to)) {
		return r.refuse("flow.outside", accTime, r.sum.From, r.sum.To)
	}
	if !lines.ID(r.cell(accNo)) {
		return r.refuse("bill.number", accNo)
	}
	amount, ok := r.signed()
	if !ok {
		return false
	}
	balance, ok := lines.Amount(r.cell(accBalance))
	if !ok {
		return r.refuse("bill.amount", accBalance)
	}
	r.row = bankfiles.Flow{Line: r.Number(), No: string(r.cell(accNo)), BusinessNo: string(r.cell(accBusinessNo)),
		OrderNo: string(r.cell(accOrderNo)), Business: string(r.cell(accBusiness)), Party: string(r.cell(accParty)), Time: at,
		Amount: amount, Balance: balance, Remark: string(r.cell(accRemark))}
	if r.chain.Add(&r.row) != nil {
		return r.refuse("bill.overflow", accBalance)
	}
	return true
}

// signed reads the two columns of amounts, of which one is empty or zero, and
// adds the amount to its total. 支出 is turned negative however it is printed.
func (r *accountReader) signed() (money.Exact, bool) {
	var v [2]money.Exact
	for i, column := range [2]int{accIn, accOut} {
		text, ok := r.cell(column), true
		v[i].Currency = money.CNY
		if len(text) > 0 {
			v[i], ok = lines.Amount(text)
		}
		if !ok {
			return v[i], r.refuse("bill.amount", column)
		}
	}
	in, out := v[0], v[1]
	if out.Units < 0 {
		out = out.Neg()
	}
	var err error
	switch {
	case in.Units != 0 && out.Units != 0:
		return in, r.refuse("flow.both", accOut)
	case in.Units < 0:
		return in, r.refuse("bill.sign", accIn)
	case out.Units > 0:
		r.sum.OutRows++
		r.sum.OutTotal, err = r.sum.OutTotal.Add(out)
		in = out.Neg()
	default:
		r.sum.InRows++
		r.sum.InTotal, err = r.sum.InTotal.Add(in)
	}
	if err != nil {
		return in, r.refuse("bill.overflow", accIn)
	}
	return in, true
}
