// Package wechat reads and writes the bills of WeChat Pay (微信支付): the trade
// bill (交易账单) and the fund-flow bill (资金账单), as WeChat's merchant platform
// gives them out the morning after (format of 2024-11-25).
//
// The trade bill comes in three kinds: ALL with 27 columns, SUCCESS with 20 and
// REFUND with 29; merchants of before 2018 still get 24 columns for ALL and 18
// for SUCCESS. All are read by [Read], which tells them apart by their columns.
//
// The bill says what the channel took and gave back on a day and what it keeps
// as its fee. It does not say which day that is, and columns came, went and
// were renamed over the years; so the reader binds columns by name, takes the
// day from the rows, which must agree, and adds every total up again.
//
//	sum, err := wechat.Read("wx-20260212.csv", f, func(row *bankfiles.BillRow) error {
//		return book(*row) // row is used again for the next one
//	})
//	if errors.Is(err, wechat.ErrNoBill) { ... } // the channel had no trade that day
package wechat

import (
	"bytes"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The names of the trade bill's kinds in a summary.
const (
	Format        = "wechat-all"
	FormatSuccess = "wechat-success" // payments only: a bill without the refund columns
	FormatRefund  = "wechat-refund"  // refunds only: a bill with 退款申请时间
)

// ErrNoBill is returned where the file is WeChat's answer that there is no
// bill for the day (code bill.none). It is an answer, not a missing file.
var ErrNoBill error = fault.Invalid("bill.none")

// preambleLimit is how many lines may stand before the column header. The bill
// has none; people who open and save it again add a title or two.
const preambleLimit = 20

// What the reader expects next.
type state int

const (
	wantHeader state = iota // the names of the columns
	wantRow                 // a row, or the names of the totals
	wantTotals              // the totals
	wantEnd                 // nothing more
)

// reader is what one Read has seen so far.
type reader struct {
	*lines.Reader
	each    func(*bankfiles.BillRow) error
	state   state
	column  []int // index of each needed column; -1 where there is none
	total   []int // the same for the totals
	width   int   // columns of the header
	cells   [][]byte
	amounts [amountCount]money.Exact // of the current row
	totals  [amountCount]money.Exact // of all rows
	dayText [10]byte                 // the day as the first row prints it
	row     bankfiles.BillRow
	sum     bankfiles.TradeSummary
}

// Read reads a bill and hands every row to each, which may be nil. The row is
// used again for the next call. After the last row it compares the count and
// the six totals of the bill with its rows.
//
// It returns [ErrNoBill], or a fault.List of up to 100 faults, each with line,
// field and value, or what each returned. Rows handed out before an error
// count as not read; after the first fault no more are handed out.
// Summary.Date is the day of the rows' 交易时间; zero in a bill without rows.
func Read(name string, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	r := &reader{Reader: lines.NewReader(name, src), each: each}
	r.sum.Format = Format
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	for r.Next() {
		if err := r.line(r.Line()); err != nil {
			return r.sum, err
		}
	}
	if r.state == wantHeader {
		r.Refuse(fault.Invalid("bill.header", columnNames[0]))
	} else if r.state != wantEnd && r.OK() {
		r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
	}
	r.sum.Encoding = r.Encoding()
	r.sum.FeeTotal = r.totals[colFee-colSettled]
	return r.sum, r.Err()
}

func (r *reader) line(line []byte) error {
	switch r.state {
	case wantHeader:
		r.header(line)
	case wantRow:
		return r.rowOrTotals(line)
	case wantTotals:
		r.state = wantEnd
		r.checkTotals(line)
	default:
		r.Stop(fault.Invalid("bill.after").On("", string(line)))
	}
	return nil
}

// header binds the columns.
func (r *reader) header(line []byte) {
	cells, ok := lines.Split(r.cells, line)
	index, missing, twice := lines.Bind(cells, columns[:])
	if !ok || index[colTime] < 0 {
		if r.Number() >= preambleLimit {
			r.Stop(fault.Invalid("bill.header", columnNames[0]).On("", string(line)))
		}
		return
	}
	missing = append(missing, r.tellKind(index)...)
	for _, name := range missing {
		r.Refuse(fault.Invalid("bill.column", name).On(name, ""))
	}
	for _, name := range twice {
		r.Refuse(fault.Invalid("bill.column_twice", name).On(name, ""))
	}
	r.state, r.column, r.width = wantRow, index, len(cells)
	if len(missing)+len(twice) > 0 {
		r.Stop(nil) // every row would say the same again
	}
}

// tellKind tells the kind of the bill by its columns. A bill has all the columns
// of a refund or, of kind SUCCESS, none; it returns those that are missing.
func (r *reader) tellKind(index []int) (missing []string) {
	needed := [...]int{colRefundChannelNo, colRefundNo, colRefund}
	for _, c := range needed {
		if index[c] < 0 {
			missing = append(missing, columns[c].Names[0])
		}
	}
	switch {
	case len(missing) == len(needed) && index[colRefundTime] < 0:
		r.sum.Format = FormatSuccess
		return nil
	case index[colRefundTime] >= 0:
		r.sum.Format = FormatRefund
	}
	return missing
}

func (r *reader) rowOrTotals(line []byte) error {
	if line[0] != '`' && bytes.Contains(line, []byte(summaryNames[0])) {
		cells, _ := lines.Split(r.cells, line)
		if index, missing, _ := lines.Bind(cells, summaryColumns[:]); index[0] >= 0 {
			r.state, r.total, r.width = wantTotals, index, len(cells)
			for _, name := range missing {
				r.Refuse(fault.Invalid("bill.column", name).On(name, ""))
			}
			return nil
		}
	}
	if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
		r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
		return nil
	}
	if !r.split(line) || !r.parse() || !r.OK() || r.each == nil {
		return nil
	}
	return r.each(&r.row)
}

// split cuts a row into its cells. Ticked cells first: they tell a comma of a
// product name from one between cells. A bill that was saved again by a
// spreadsheet has quotes instead.
func (r *reader) split(line []byte) bool {
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
	ok := r.parseAmounts()
	ok = r.parseKind() && ok
	ok = r.parseTime() && ok
	ok = r.parseParties() && ok
	r.row.Line = r.Number()
	return ok
}

func (r *reader) parseAmounts() bool {
	ok := true
	for i := range r.amounts {
		column := colSettled + i
		text := r.cell(column)
		r.amounts[i] = money.Exact{Currency: money.CNY}
		if len(text) == 0 && column != colSettled && column != colFee {
			continue // a payment has no refund, an old bill no 订单金额
		}
		amount, valid := lines.Amount(text)
		if !valid {
			ok = r.refuse("bill.amount", column)
			continue
		}
		r.amounts[i] = amount
		total, err := r.totals[i].Add(amount)
		if err != nil {
			ok = r.refuse("bill.overflow", column)
			continue
		}
		r.totals[i] = total
	}
	return ok
}

// parseKind reads the status, and the amounts and numbers that go with it:
// WeChat prints amounts positive on both kinds, in columns of their own, and
// the fee negative where it gives it back.
func (r *reader) parseKind() bool {
	settled, refund := r.amounts[0], r.amounts[colRefund-colSettled]
	r.row.Fee = r.amounts[colFee-colSettled]
	r.row.RefundNo = ""
	switch status := r.cell(colStatus); {
	case string(status) == "SUCCESS" && r.sum.Format != FormatRefund:
		r.row.Kind, r.row.Status, r.row.Amount = bankfiles.Pay, "SUCCESS", settled
		r.sum.PayRows++
		r.sum.PayTotal = r.totals[0]
		return r.checkSigns(colSettled, colRefund, r.row.Fee.Units >= 0) && r.number(colChannelNo, &r.row.ChannelNo)
	case string(status) == "REFUND" && r.sum.Format != FormatSuccess:
		r.row.Kind, r.row.Status, r.row.Amount = bankfiles.Refund, "REFUND", refund
		r.sum.RefundRows++
		r.sum.RefundTotal = r.totals[colRefund-colSettled]
		return r.checkSigns(colRefund, colSettled, r.row.Fee.Units <= 0) &&
			r.number(colRefundNo, &r.row.RefundNo) && r.number(colRefundChannelNo, &r.row.ChannelNo)
	default:
		return r.refuse("bill.status", colStatus)
	}
}

// checkSigns holds the amount that counts against its sign, and the column of
// the other kind against zero: a row is a payment or a refund, never both.
func (r *reader) checkSigns(own, other int, feeFits bool) bool {
	switch {
	case r.amounts[own-colSettled].Units < 0:
		return r.refuse("bill.sign", own)
	case r.amounts[other-colSettled].Units != 0:
		return r.refuse("bill.both", other)
	case !feeFits:
		return r.refuse("bill.sign", colFee)
	}
	return true
}

// parseTime reads the trade time and holds the row to the day of the first. In
// a REFUND bill the trade time is the payment's, of any day; the refund has a
// time of its own, which is the one that the ALL bill prints for it.
func (r *reader) parseTime() bool {
	column := colTime
	if r.column[colRefundTime] >= 0 {
		column = colRefundTime
	}
	text := r.cell(column)
	t, ok := lines.Time(text)
	if !ok {
		return r.refuse("bill.time", column)
	}
	r.row.Time = t
	if r.sum.Date.IsZero() {
		r.sum.Date = bizdate.Of(t)
		copy(r.dayText[:], text)
	}
	if !bytes.Equal(text[:10], r.dayText[:]) {
		return r.refuse("bill.day", column, r.sum.Date)
	}
	return true
}

// parseParties reads the order number, the merchant and the currency.
func (r *reader) parseParties() bool {
	ok := r.number(colOrderNo, &r.row.OrderNo)
	merchant := r.cell(colMerchant)
	if r.sum.Merchant == "" {
		ok = r.number(colMerchant, &r.sum.Merchant) && ok
	} else if string(merchant) != r.sum.Merchant {
		ok = r.refuse("bill.merchant", colMerchant, r.sum.Merchant)
	}
	if string(r.cell(colCurrency)) != money.CNY {
		ok = r.refuse("bill.currency", colCurrency)
	}
	return ok
}

// number reads a cell that must hold a number of ours or of WeChat's.
func (r *reader) number(column int, to *string) bool {
	text := r.cell(column)
	if !lines.ID(text) {
		return r.refuse("bill.number", column)
	}
	*to = string(text)
	return true
}

// checkTotals compares the last line with the rows.
func (r *reader) checkTotals(line []byte) {
	var closed bool
	if r.cells, closed = lines.Split(r.cells, line); !closed || len(r.cells) != r.width {
		if r.Unended() {
			r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
			return
		}
		r.Refuse(fault.Invalid("bill.columns", len(r.cells), r.width).On("", string(line)))
		return
	}
	if !r.OK() {
		return
	}
	for i, at := range r.total {
		if at < 0 || (i > 0 && r.column[colSettled+i-1] < 0) {
			continue // an old bill has neither, a SUCCESS bill no refunds
		}
		name, text := summaryColumns[i].Names[0], lines.Clean(r.cells[at])
		if i == 0 {
			if n, ok := lines.Count(text); !ok || n != r.sum.Rows {
				r.Refuse(fault.Invalid("bill.count", string(text), r.sum.Rows).On(name, string(text)))
			}
			continue
		}
		if total, ok := lines.Total(text); !ok || !total.Equal(r.totals[i-1]) {
			r.Refuse(fault.Invalid("bill.total", string(text), r.totals[i-1].String()).On(name, string(text)))
		}
	}
}
