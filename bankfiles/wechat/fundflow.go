package wechat

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// FormatFundFlow is the name of the fund-flow bill (资金账单).
const FormatFundFlow = "wechat-fundflow"

// flowNames are the columns of the fund-flow bill in WeChat's order, and
// flowTotals those of its two last lines.
var (
	flowNames = []string{"记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)", "账户结余(元)",
		"资金变更提交申请人", "备注", "业务凭证号"}
	flowTotals = []string{"资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"}
)

// The columns of flowNames by their place.
const (
	flowTime = iota
	flowBusinessNo
	flowNo
	flowBusiness
	_ // 业务类型
	flowDirection
	flowAmount
	flowBalance
	_ // 资金变更提交申请人
	flowRemark
	flowVoucher
)

func columnsOf(names []string) []lines.Column {
	out := make([]lines.Column, len(names))
	for i, n := range names {
		out[i] = lines.Column{Names: []string{n, strings.TrimSuffix(n, "(元)")}}
	}
	return out
}

// flowReader is what one ReadFundFlow has seen so far.
type flowReader struct {
	*lines.Reader
	each   func(*bankfiles.Flow) error
	state  state
	column []int
	width  int
	cells  [][]byte
	row    bankfiles.Flow
	chain  bankfiles.FlowChain
	sum    bankfiles.FlowSummary
}

// ReadFundFlow reads a fund-flow bill and hands every movement to each, which
// may be nil. Amounts are printed without a sign; 收支类型 gives it. The five
// totals are compared with the rows; counts may read 20.0. Whether the balances
// follow from each other is in Balanced and Gap of the summary.
//
// It returns [ErrNoBill], or a fault.List as [Read] does, or what each returned.
func ReadFundFlow(name string, src io.Reader, each func(*bankfiles.Flow) error) (bankfiles.FlowSummary, error) {
	r := &flowReader{Reader: lines.NewReader(name, src), each: each}
	zero := money.Exact{Scale: amountDecimals, Currency: money.CNY}
	r.sum.Format, r.sum.InTotal, r.sum.OutTotal = FormatFundFlow, zero, zero
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	for r.Next() {
		if err := r.line(r.Line()); err != nil {
			return r.sum, err
		}
	}
	switch {
	case r.state == wantHeader:
		r.Refuse(fault.Invalid("bill.header", flowNames[flowNo]))
	case r.state != wantEnd && r.OK():
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
	}
	r.sum.Encoding = r.Encoding()
	if err := r.chain.Finish(name, &r.sum); err != nil {
		r.Refuse(fault.Invalid("bill.overflow"))
	}
	return r.sum, r.Err()
}

func (r *flowReader) line(line []byte) error {
	switch r.state {
	case wantHeader:
		r.header(line)
	case wantRow:
		if line[0] != '`' && bytes.Contains(line, []byte(flowTotals[0])) {
			r.cells, _ = lines.Split(r.cells, line)
			r.bind(r.cells, flowTotals, wantTotals)
			return nil
		}
		return r.readRow(line)
	case wantTotals:
		r.state = wantEnd
		r.totals(line)
	default:
		r.Stop(fault.Invalid("bill.after").On("", string(line)))
	}
	return nil
}

func (r *flowReader) header(line []byte) {
	r.cells, _ = lines.Split(r.cells, line)
	if index, _, _ := lines.Bind(r.cells, columnsOf(flowNames)); index[flowNo] < 0 {
		if r.Number() >= preambleLimit {
			r.Stop(fault.Invalid("bill.header", flowNames[flowNo]).On("", string(line)))
		}
		return
	}
	r.bind(r.cells, flowNames, wantRow)
}

// bind finds the columns of the header or of the totals and goes on to next.
func (r *flowReader) bind(cells [][]byte, names []string, next state) {
	index, missing, twice := lines.Bind(cells, columnsOf(names))
	for _, n := range missing {
		r.Refuse(fault.Invalid("bill.column", n).On(n, ""))
	}
	for _, n := range twice {
		r.Refuse(fault.Invalid("bill.column_twice", n).On(n, ""))
	}
	r.state, r.column, r.width = next, index, len(cells)
	if len(missing)+len(twice) > 0 {
		r.Stop(nil)
	}
}

// split cuts a line at its columns; see reader.split.
func (r *flowReader) split(line []byte) bool {
	closed := true
	r.cells = r.cells[:0]
	if line[0] == '`' {
		r.cells = lines.SplitTicked(r.cells, line)
	}
	if len(r.cells) != r.width {
		r.cells, closed = lines.Split(r.cells, line)
	}
	switch {
	case closed && len(r.cells) == r.width:
		return true
	case r.Unended():
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
	case !closed:
		r.Refuse(fault.Invalid("bill.quote").On("", string(line)))
	default:
		r.Refuse(fault.Invalid("bill.columns", len(r.cells), r.width).On("", string(line)))
	}
	return false
}

func (r *flowReader) cell(column int) []byte { return lines.Clean(r.cells[r.column[column]]) }

func (r *flowReader) refuse(code string, column int) bool {
	r.Refuse(fault.Invalid(code).On(flowNames[column], string(r.cell(column))))
	return false
}

func (r *flowReader) readRow(line []byte) error {
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return nil
	}
	if !r.split(line) || !r.parse() || !r.OK() || r.each == nil {
		return nil
	}
	return r.each(&r.row)
}

func (r *flowReader) parse() bool {
	at, ok := lines.Time(r.cell(flowTime))
	if !ok {
		return r.refuse("bill.time", flowTime)
	}
	amount, ok := lines.Amount(r.cell(flowAmount))
	if !ok {
		return r.refuse("bill.amount", flowAmount)
	}
	if amount.Units < 0 {
		return r.refuse("bill.sign", flowAmount)
	}
	balance, ok := lines.Amount(r.cell(flowBalance))
	if !ok {
		return r.refuse("bill.amount", flowBalance)
	}
	if !lines.ID(r.cell(flowNo)) {
		return r.refuse("bill.number", flowNo)
	}
	var err error
	switch string(r.cell(flowDirection)) {
	case "收入":
		r.sum.InRows++
		r.sum.InTotal, err = r.sum.InTotal.Add(amount)
	case "支出":
		r.sum.OutRows++
		r.sum.OutTotal, err = r.sum.OutTotal.Add(amount)
		amount = amount.Neg()
	default:
		return r.refuse("flow.direction", flowDirection)
	}
	r.row = bankfiles.Flow{Line: r.Number(), No: string(r.cell(flowNo)), BusinessNo: string(r.cell(flowBusinessNo)),
		OrderNo: string(r.cell(flowVoucher)), Business: string(r.cell(flowBusiness)), Time: at, Amount: amount, Balance: balance,
		Remark: string(r.cell(flowRemark))}
	if err != nil || r.chain.Add(&r.row) != nil {
		return r.refuse("bill.overflow", flowAmount)
	}
	day := bizdate.Of(at)
	if r.sum.From.IsZero() {
		r.sum.From = day
	}
	r.sum.From, r.sum.To = min(r.sum.From, day), max(r.sum.To, day)
	return true
}

// totals compares the last line with the rows.
func (r *flowReader) totals(line []byte) {
	if !r.split(line) || !r.OK() {
		return
	}
	for i, want := range []int{r.sum.Rows, r.sum.InRows, -1, r.sum.OutRows, -1} {
		text := r.cell(i)
		if want >= 0 {
			if n, ok := lines.Count(text); !ok || n != want {
				r.Refuse(fault.Invalid("bill.count", string(text), want).On(flowTotals[i], string(text)))
			}
			continue
		}
		total := r.sum.InTotal
		if i == 4 {
			total = r.sum.OutTotal
		}
		if x, ok := lines.Total(text); !ok || !x.Equal(total) {
			r.Refuse(fault.Invalid("bill.total", string(text), total.String()).On(flowTotals[i], string(text)))
		}
	}
}

// WriteFundFlow writes movements as a fund-flow bill, with WeChat's quirks: a
// byte order mark, CRLF, back-ticks, counts as decimals. It returns a fault for
// a movement that [ReadFundFlow] would refuse.
func WriteFundFlow(w io.Writer, rows iter.Seq[bankfiles.Flow]) error {
	o := writer{w: bufio.NewWriterSize(w, lines.MaxLine)}
	o.w.WriteString("\uFEFF" + strings.Join(flowNames, ",") + "\r\n")
	zero := money.Exact{Scale: amountDecimals, Currency: money.CNY}
	in, out, ins, outs := zero, zero, 0, 0
	for row := range rows {
		o.count++
		amount, direction, total, n := row.Amount, "收入", &in, &ins
		if amount.Units < 0 {
			amount, direction, total, n = amount.Neg(), "支出", &out, &outs
		}
		*n++
		printed, balance := fixed(amount, amountDecimals), fixed(row.Balance, amountDecimals)
		texts := row.BusinessNo + row.OrderNo + row.Business + row.Remark
		switch {
		case printed == "" || balance == "" || add(total, amount, nil) != nil:
			return fault.Invalid("bill.amount").AtLine(o.count+1).On(flowNames[flowAmount], row.Amount.String())
		case !lines.ID([]byte(row.No)) || strings.ContainsAny(texts, "`\"\r\n"):
			return fault.Invalid("bill.number").AtLine(o.count+1).On(flowNames[flowNo], row.No)
		}
		o.buf = o.buf[:0]
		o.cells(row.Time.In(bizdate.Zone).Format(lines.TimeLayout), row.BusinessNo, row.No, row.Business, row.Business, direction,
			printed, balance, "system", row.Remark, row.OrderNo)
		o.w.Write(o.buf) // bufio keeps the error for Flush
	}
	o.w.WriteString(strings.Join(flowTotals, ",") + "\r\n")
	count := func(n int) string { return strconv.Itoa(n) + ".0" }
	o.buf = o.buf[:0]
	o.cells(count(o.count), count(ins), in.String(), count(outs), out.String())
	o.w.Write(o.buf)
	return o.w.Flush()
}
