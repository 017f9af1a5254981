// Package orderfile reads and writes head office's own order file (订单文件): the
// payments and refunds of one accounting date as the shop system knows them.
//
// A bank posts nothing that it cannot count, and neither do we: the file says
// first how many rows and how much money it holds and says at its end that it
// is whole. The layout is ours. It is UTF-8 text with commas:
//
//	ORDERS,1,2026-02-12,2,1000.00,100.00
//	type,order_no,refund_no,member,channel,amount,time
//	PAY,W1,,A,WX,1000.00,2026-02-12 10:05:00
//	REFUND,L2,R1,B,ALI,100.00,2026-02-12 17:30:00
//	END,2
//
// Types are PAY and REFUND, and ESCROW and ESCROW_REFUND where the money is held
// for an escrow order (担保交易); they count among payments and refunds.
//
// A header may name two more columns, coupon and status: the yuan of a payment that
// head office's coupon paid (the amount is the whole), and what the shop system
// knows of it: nothing or PAID, REVERSED (voided the same day), or CLOSED, FAILED or
// UNKNOWN, which count among the rows but not in the total of the payments.
//
// Line 1: kind, version of the layout, accounting date (会计日), rows, yuan of
// the payments, yuan of the refunds. Times are UTC+8 and lie on the accounting
// date. Order numbers are unique among payments, refund numbers among refunds.
// No cell holds a comma or a quote. A file without rows is an empty day.
package orderfile

import (
	"bytes"
	"io"
	"strconv"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Format is the name of this layout in a summary.
const Format = "orders"

// Version is the version of the layout; a later one is refused, not guessed at.
const Version = "1"

// Types of rows whose money is held for an escrow order.
const (
	escrowPay    = "ESCROW"
	escrowRefund = "ESCROW_REFUND"
)

const (
	kindControl = "ORDERS"
	kindTrailer = "END"
	header      = "type,order_no,refund_no,member,channel,amount,time"
	headerWide  = header + ",coupon,status"
	decimals    = 2
)

// The columns of a row.
const (
	colKind = iota
	colOrderNo
	colRefundNo
	colMember
	colChannel
	colAmount
	colTime
	columnCount
)

// The columns that a file may have beside.
const (
	colCoupon = columnCount + iota
	colStatus
	wideCount
)

// The cells of the control record.
const (
	controlKind = iota
	controlVersion
	controlDate
	controlRows
	controlPay
	controlRefund
	controlCount
)

var columnNames = [wideCount]string{"type", "order_no", "refund_no", "member", "channel", "amount", "time", "coupon", "status"}

var controlNames = [controlCount]string{"kind", "version", "date", "rows", "pay_total", "refund_total"}

// What the reader expects next.
type state int

const (
	wantControl state = iota
	wantHeader
	wantRow // a row or the trailer
	wantEnd // nothing more
)

// reader is what one Read has seen so far.
type reader struct {
	*lines.Reader
	each    func(*bankfiles.Order) error
	state   state
	wide    bool // with coupon and status
	cells   [][]byte
	control bankfiles.TradeSummary // what line 1 says
	dayText [10]byte               // the accounting date as rows print it
	orders  seen
	refunds seen
	row     bankfiles.Order
	sum     bankfiles.TradeSummary
}

// Read reads an order file and hands every row to each, which may be nil. The
// row is used again for the next call. After the last row it compares the
// count and the totals of the control record and the trailer with the rows.
//
// It returns a fault.List of up to 100 faults, each with line, field and value,
// or what each returned. Rows handed out before an error count as not read;
// after the first fault no more are handed out. Memory is constant but for
// about 40 bytes a row that hold the numbers seen.
func Read(name string, src io.Reader, each func(*bankfiles.Order) error) (bankfiles.TradeSummary, error) {
	r := &reader{Reader: lines.NewUTF8Reader(name, src), each: each, orders: seen{}, refunds: seen{}}
	zero := money.Exact{Scale: decimals, Currency: money.CNY}
	r.sum = bankfiles.TradeSummary{Format: Format, Encoding: lines.UTF8, PayTotal: zero, RefundTotal: zero, FeeTotal: zero}
	for r.Next() {
		if err := r.line(r.Line()); err != nil {
			return r.sum, err
		}
	}
	switch {
	case !r.OK():
	case r.state == wantControl:
		r.Refuse(fault.Invalid("orders.control"))
	case r.state != wantEnd:
		r.Refuse(fault.Invalid("orders.cut", r.sum.Rows, r.control.Rows))
	default:
		r.checkControl()
	}
	return r.sum, r.Err()
}

func (r *reader) line(line []byte) error {
	if bytes.IndexByte(line, '"') >= 0 {
		r.Refuse(fault.Invalid("orders.quote").On("", string(line)))
		return nil
	}
	r.cells, _ = lines.Split(r.cells, line)
	switch {
	case r.state == wantControl:
		r.readControl(line)
	case r.state == wantHeader:
		r.state, r.wide = wantRow, string(line) == headerWide
		if !r.wide && string(line) != header {
			r.Stop(fault.Invalid("orders.header", header).On("", string(line)))
		}
	case r.state == wantEnd:
		r.Stop(fault.Invalid("orders.after").On("", string(line)))
	case string(r.cells[0]) == kindTrailer:
		r.state = wantEnd
		r.readTrailer(line)
	default:
		return r.readRow(line)
	}
	return nil
}

// readControl reads line 1. Without it nothing else can be judged.
func (r *reader) readControl(line []byte) {
	r.state = wantHeader
	if string(r.cells[controlKind]) != kindControl || len(r.cells) != controlCount {
		r.Stop(fault.Invalid("orders.control").On("", string(line)))
		return
	}
	bad := func(code string, cell int) {
		r.Stop(fault.Invalid(code, Version).On(controlNames[cell], string(r.cells[cell])))
	}
	if string(r.cells[controlVersion]) != Version {
		bad("orders.version", controlVersion)
		return
	}
	c, ok := &r.control, false
	var err error
	if c.Date, err = bizdate.Parse(string(r.cells[controlDate])); err != nil || len(r.cells[controlDate]) != len(r.dayText) {
		bad("orders.date", controlDate)
	}
	if c.Rows, ok = lines.Count(r.cells[controlRows]); !ok {
		bad("orders.rows", controlRows)
	}
	if c.PayTotal, ok = lines.Total(r.cells[controlPay]); !ok {
		bad("orders.amount", controlPay)
	}
	if c.RefundTotal, ok = lines.Total(r.cells[controlRefund]); !ok {
		bad("orders.amount", controlRefund)
	}
	r.sum.Date = c.Date
	copy(r.dayText[:], c.Date.String())
}

func (r *reader) readTrailer(line []byte) {
	if len(r.cells) != 2 {
		r.Refuse(fault.Invalid("orders.columns", len(r.cells), 2).On("", string(line)))
		return
	}
	if n, ok := lines.Count(r.cells[1]); !ok || n != r.sum.Rows {
		r.Refuse(fault.Invalid("orders.count", string(r.cells[1]), r.sum.Rows).On(kindTrailer, string(r.cells[1])))
	}
}

// checkControl compares line 1 with the rows.
func (r *reader) checkControl() {
	c := &r.control
	if c.Rows != r.sum.Rows {
		r.Refuse(fault.Invalid("orders.count", c.Rows, r.sum.Rows).AtLine(1).
			On(controlNames[controlRows], strconv.Itoa(c.Rows)))
	}
	if !c.PayTotal.Equal(r.sum.PayTotal) {
		r.Refuse(fault.Invalid("orders.total", c.PayTotal.String(), r.sum.PayTotal.String()).AtLine(1).
			On(controlNames[controlPay], c.PayTotal.String()))
	}
	if !c.RefundTotal.Equal(r.sum.RefundTotal) {
		r.Refuse(fault.Invalid("orders.total", c.RefundTotal.String(), r.sum.RefundTotal.String()).AtLine(1).
			On(controlNames[controlRefund], c.RefundTotal.String()))
	}
}

func (r *reader) readRow(line []byte) error {
	want := columnCount
	if r.wide {
		want = wideCount
	}
	if len(r.cells) != want {
		if r.Unended() {
			r.Refuse(fault.Invalid("orders.cut", r.sum.Rows, r.control.Rows))
			return nil
		}
		r.Refuse(fault.Invalid("orders.columns", len(r.cells), want).On("", string(line)))
		return nil
	}
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return nil
	}
	if !r.parse() || !r.OK() || r.each == nil {
		return nil
	}
	return r.each(&r.row)
}

// refuse collects a fault of a column of the current row.
func (r *reader) refuse(code string, column int, args ...any) bool {
	r.Refuse(fault.Invalid(code, args...).On(columnNames[column], string(r.cells[column])))
	return false
}

// parse turns the cells into the row and adds it to the totals. It goes on
// after a fault, so that a row shows all that is wrong with it.
func (r *reader) parse() bool {
	r.row.Line = r.Number()
	ok := r.number(colOrderNo, &r.row.OrderNo)
	ok = r.number(colMember, &r.row.Member) && ok
	ok = r.number(colChannel, &r.row.Channel) && ok
	ok = r.parseAmount() && ok
	ok = r.parseTime() && ok
	if r.wide {
		ok = r.parseMore() && ok
	}
	r.row.Escrow = false
	switch kind := string(r.cells[colKind]); kind {
	case string(bankfiles.Pay), escrowPay:
		r.row.Escrow = kind == escrowPay
		r.row.Kind, r.row.RefundNo = bankfiles.Pay, ""
		r.sum.PayRows++
		if len(r.cells[colRefundNo]) > 0 {
			ok = r.refuse("orders.refund_no", colRefundNo)
		}
		return ok && r.once(r.orders, colOrderNo) && r.add(&r.sum.PayTotal)
	case string(bankfiles.Refund), escrowRefund:
		r.row.Escrow = kind == escrowRefund
		r.row.Kind = bankfiles.Refund
		r.sum.RefundRows++
		ok = r.number(colRefundNo, &r.row.RefundNo) && ok
		return ok && r.once(r.refunds, colRefundNo) && r.add(&r.sum.RefundTotal)
	default:
		return r.refuse("orders.kind", colKind)
	}
}

func (r *reader) number(column int, to *string) bool {
	if !lines.ID(r.cells[column]) {
		return r.refuse("orders.number", column)
	}
	if string(r.cells[column]) != *to { // members and channels repeat
		*to = string(r.cells[column])
	}
	return true
}

func (r *reader) parseAmount() bool {
	amount, ok := lines.Amount(r.cells[colAmount])
	if !ok || amount.Scale > decimals || amount.Units <= 0 {
		return r.refuse("orders.amount", colAmount)
	}
	r.row.Amount = amount
	return true
}

func (r *reader) add(total *money.Exact) bool {
	if !r.row.Status.Collected() {
		return true
	}
	sum, err := total.Add(r.row.Amount)
	if err != nil {
		return r.refuse("orders.overflow", colAmount)
	}
	*total = sum
	return true
}

func (r *reader) parseTime() bool {
	t, ok := lines.Time(r.cells[colTime])
	if !ok {
		return r.refuse("orders.time", colTime)
	}
	if r.row.Time = t; !bytes.Equal(r.cells[colTime][:10], r.dayText[:]) {
		return r.refuse("orders.day", colTime, r.sum.Date)
	}
	return true
}

// once holds a number against those seen before.
func (r *reader) once(s seen, column int) bool {
	if first, again := s.put(r.cells[column], r.Number()); again {
		return r.refuse("orders.duplicate", column, first)
	}
	return true
}
