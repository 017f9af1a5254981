// Package alipay reads and writes the Alipay trade bill (支付宝业务明细), the file
// named …_业务明细.csv in the zip that Alipay gives out the morning after.
//
// The bill is GBK text: comment lines with a # say whose bill it is and for
// which day, then come the columns and rows, then comment lines with the
// totals. Refunds and the fees of payments are negative; this package turns
// them to the signs of [bankfiles.BillRow]. A file that stops before its
// totals was cut off and is refused, however well its rows read.
//
//	sum, err := alipay.Read("ali-20260212.csv", f, func(row *bankfiles.BillRow) error {
//		return book(*row) // row is used again for the next one
//	})
//	if errors.Is(err, alipay.ErrNoBill) { ... } // the channel had no trade that day
package alipay

import (
	"bytes"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/fault"
	"custody/internal/money"
)

// Format is the name of this layout in a summary.
const Format = "alipay-trade"

// ErrNoBill is returned where the file is Alipay's answer that there is no
// bill for the day (code bill.none). It is an answer, not a missing file.
var ErrNoBill error = fault.Invalid("bill.none")

// What 业务类型 says.
const (
	businessPay    = "交易"
	businessRefund = "退款"
)

// side is what the rows of one kind add up to, as printed, and whether the
// bill's own total of it was seen.
type side struct {
	rows     int
	received money.Exact
	discount money.Exact
	seen     bool
}

// reader is what one Read has seen so far.
type reader struct {
	*lines.Reader
	each    func(*bankfiles.BillRow) error
	column  []int // index of each needed column; nil before the header
	width   int   // columns of the header
	framed  bool  // the first comment line was seen
	ended   bool  // 列表结束 was seen
	cells   [][]byte
	dayText [10]byte // the bill's day as rows print it
	pay     side
	refund  side
	row     bankfiles.BillRow
	sum     bankfiles.TradeSummary
}

// Read reads a bill and hands every row to each, which may be nil. The row is
// used again for the next call. It compares counts and amounts of the bill's
// two totals with its rows; Summary.Date is the day of its 起始日期.
//
// It returns [ErrNoBill], or a fault.List of up to 100 faults, each with line,
// field and value, or what each returned. Rows handed out before an error
// count as not read; after the first fault no more are handed out.
func Read(name string, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	r := &reader{Reader: lines.NewReader(name, src), each: each}
	r.sum.Format = Format
	zero := money.Exact{Scale: 2, Currency: money.CNY}
	r.pay.received, r.refund.received, r.sum.FeeTotal = zero, zero, zero
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	for r.Next() {
		if err := r.line(r.Line()); err != nil {
			return r.sum, err
		}
	}
	switch {
	case !r.framed && r.OK():
		r.Refuse(fault.Invalid("bill.header", "#支付宝业务明细查询"))
	case r.OK() && (!r.ended || !r.pay.seen || !r.refund.seen):
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
	case r.OK() && r.sum.Date.IsZero():
		r.Refuse(fault.Invalid("bill.period").On(markPeriod, ""))
	case r.OK() && r.sum.Merchant == "":
		r.Refuse(fault.Invalid("bill.number").On(markAccount, ""))
	}
	r.sum.Encoding = r.Encoding()
	r.sum.PayRows, r.sum.RefundRows = r.pay.rows, r.refund.rows
	r.sum.PayTotal, r.sum.RefundTotal = r.pay.received, r.refund.received.Neg()
	return r.sum, r.Err()
}

func (r *reader) line(line []byte) error {
	switch {
	case line[0] == '#':
		r.frame(line)
	case !r.framed:
		r.Stop(fault.Invalid("bill.header", "#支付宝业务明细查询").On("", string(line)))
	case r.ended:
		r.Stop(fault.Invalid("bill.after").On("", string(line)))
	case r.column == nil:
		r.header(line)
	default:
		return r.readRow(line)
	}
	return nil
}

// header binds the columns.
func (r *reader) header(line []byte) {
	cells, _ := lines.Split(nil, line)
	index, missing, twice := lines.Bind(cells, columns[:])
	if index[colTradeNo] < 0 {
		r.Stop(fault.Invalid("bill.header", columnNames[0]).On("", string(line)))
		return
	}
	for _, name := range missing {
		r.Refuse(fault.Invalid("bill.column", name).On(name, ""))
	}
	for _, name := range twice {
		r.Refuse(fault.Invalid("bill.column_twice", name).On(name, ""))
	}
	if r.sum.Date.IsZero() && r.OK() {
		r.Refuse(fault.Invalid("bill.period").On("起始日期", ""))
	}
	if !r.OK() {
		r.Stop(nil) // every row would say the same again
	}
	r.column, r.width = index, len(cells)
	copy(r.dayText[:], r.sum.Date.String())
}

func (r *reader) readRow(line []byte) error {
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return nil
	}
	if !r.split(line) || !r.parse() || !r.OK() || r.each == nil {
		return nil
	}
	return r.each(&r.row)
}

func (r *reader) split(line []byte) bool {
	var closed bool
	r.cells, closed = lines.Split(r.cells, line)
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

// cell returns a needed column of the current row, cleaned; nil where the
// bill does not have it.
func (r *reader) cell(column int) []byte {
	if i := r.column[column]; i >= 0 {
		return lines.Clean(r.cells[i])
	}
	return nil
}

// refuse collects a fault of a column of the current row.
func (r *reader) refuse(code string, column int, args ...any) bool {
	r.Refuse(fault.Invalid(code, args...).On(columns[column].Names[0], string(r.cell(column))))
	return false
}

// parse turns the cells into the row and adds it to the totals. It goes on
// after a fault, so that a row shows all that is wrong with it.
func (r *reader) parse() bool {
	r.row.Line = r.Number()
	ok := r.parseTime()
	ok = r.number(colOrderNo, &r.row.OrderNo) && ok
	ok = r.number(colTradeNo, &r.row.ChannelNo) && ok
	switch string(r.cell(colBusiness)) {
	case businessPay:
		r.row.Kind, r.row.Status, r.row.RefundNo = bankfiles.Pay, businessPay, ""
		return r.parseAmounts(&r.pay) && ok
	case businessRefund:
		r.row.Kind, r.row.Status = bankfiles.Refund, businessRefund
		ok = r.number(colRefundNo, &r.row.RefundNo) && ok
		return r.parseAmounts(&r.refund) && ok
	default:
		return r.refuse("bill.status", colBusiness)
	}
}

// parseAmounts reads the amounts with the signs that Alipay prints, + and − for
// a payment and its fee, − and + for a refund, and turns them to ours.
func (r *reader) parseAmounts(s *side) bool {
	received, okReceived := r.amount(colReceived)
	discount, okDiscount := r.amount(colDiscount)
	fee, okFee := r.amount(colFee)
	if !okReceived || !okDiscount || !okFee {
		return false
	}
	s.rows++
	var err [3]error
	s.received, err[0] = s.received.Add(received)
	s.discount, err[1] = s.discount.Add(discount)
	r.row.Amount, r.row.Fee = received, fee.Neg()
	r.sum.FeeTotal, err[2] = r.sum.FeeTotal.Add(r.row.Fee)
	for i, column := range [3]int{colReceived, colDiscount, colFee} {
		if err[i] != nil {
			return r.refuse("bill.overflow", column)
		}
	}
	if s == &r.refund {
		r.row.Amount, fee = received.Neg(), fee.Neg()
	}
	switch {
	case r.row.Amount.Units < 0:
		return r.refuse("bill.sign", colReceived)
	case fee.Units > 0:
		return r.refuse("bill.sign", colFee)
	}
	return true
}

func (r *reader) amount(column int) (money.Exact, bool) {
	text := r.cell(column)
	if len(text) == 0 && column == colDiscount {
		return money.Exact{Currency: money.CNY}, true
	}
	x, ok := lines.Amount(text)
	if !ok {
		r.refuse("bill.amount", column)
	}
	return x, ok
}

// parseTime reads the time at which Alipay completed the trade or the refund,
// which puts it on this day's bill, and holds it to that day.
func (r *reader) parseTime() bool {
	text := r.cell(colTime)
	t, ok := lines.Time(text)
	if !ok {
		return r.refuse("bill.time", colTime)
	}
	if r.row.Time = t; !bytes.Equal(text[:10], r.dayText[:]) {
		return r.refuse("bill.day", colTime, r.sum.Date)
	}
	return true
}

// number reads a cell that must hold a number of ours or of Alipay's.
func (r *reader) number(column int, to *string) bool {
	text := r.cell(column)
	if !lines.ID(text) {
		return r.refuse("bill.number", column)
	}
	*to = string(text)
	return true
}
