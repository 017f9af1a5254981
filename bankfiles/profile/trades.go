package profile

import (
	"io"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// ReadTrades reads a channel's bill that the profile describes: money in is a
// payment, money out a refund. The profile names the column order_no, and
// refund_no and fee where the bill has them; a fee counts without its sign, as
// kept of a payment and given back on a refund. each may be nil.
//
// It returns what [Profile.Read] returns, profile.order_no where the profile or a
// row has no order number, and profile.bill_days where the rows are of several
// days. The summary's date is that of the rows; it is zero without rows.
func (p *Profile) ReadTrades(name string, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	t := &trades{name: name, each: each}
	t.sum.Format = Prefix + p.Name
	zero := money.Exact{Scale: 2, Currency: money.CNY}
	t.sum.PayTotal, t.sum.RefundTotal, t.sum.FeeTotal = zero, zero, zero
	if len(p.Columns.OrderNo) == 0 {
		return t.sum, fault.Invalid("profile.order_no").In(name).On("columns.order_no", "")
	}
	err := p.Read(name, src, t)
	if err == nil && !t.sum.Date.IsZero() && t.last != t.sum.Date {
		err = fault.Invalid("profile.bill_days", t.sum.Date, t.last).In(name)
	}
	return t.sum, err
}

// trades is the sink that makes rows of a bill out of entries.
type trades struct {
	name string
	each func(*bankfiles.BillRow) error
	row  bankfiles.BillRow
	last bizdate.Date
	sum  bankfiles.TradeSummary
}

func (t *trades) Open(*bankfiles.Statement) error { return nil }

func (t *trades) Close(st *bankfiles.Statement) error {
	t.sum.Merchant = st.Account
	return nil
}

// Encoding takes the encoding that the reader found.
func (t *trades) Encoding(name string) { t.sum.Encoding = name }

// trade reads the columns that only a bill has. It reports whether the row holds.
func (r *reader) trade(e *bankfiles.StatementEntry, cells [][]byte) bool {
	t := r.trades
	t.row = bankfiles.BillRow{OrderNo: string(r.cell(cells, fOrderNo)), RefundNo: string(r.cell(cells, fRefundNo)), Status: e.Code}
	fee, _, ok := r.amount(e, cells, fFee)
	if t.row.Fee = fee; fee.Units < 0 {
		t.row.Fee = fee.Neg()
	}
	if t.row.OrderNo == "" {
		r.Fault(fault.Invalid("profile.order_no").AtLine(e.Line).On(r.column(fOrderNo), ""))
		return false
	}
	return ok
}

// Entry takes one row.
func (t *trades) Entry(e *bankfiles.StatementEntry) error {
	row := &t.row
	row.Line, row.ChannelNo, row.Amount, row.Time = e.Line, e.BankRef, e.Amount, e.BookingTime
	if row.Time.IsZero() {
		row.Time = e.BookingDate.At(0, 0)
	}
	row.Kind = bankfiles.Pay
	count, total := &t.sum.PayRows, &t.sum.PayTotal
	if row.Amount.Units < 0 {
		row.Kind, row.Amount, row.Fee = bankfiles.Refund, row.Amount.Neg(), row.Fee.Neg()
		count, total = &t.sum.RefundRows, &t.sum.RefundTotal
	} else {
		row.RefundNo = ""
	}
	t.sum.Rows++
	*count++
	var err error
	if *total, err = total.Add(row.Amount); err == nil {
		t.sum.FeeTotal, err = t.sum.FeeTotal.Add(row.Fee)
	}
	if err != nil {
		return fault.Invalid("profile.overflow").In(t.name).AtLine(e.Line)
	}
	if day := e.BookingDate; t.sum.Date.IsZero() {
		t.sum.Date, t.last = day, day
	} else {
		t.sum.Date, t.last = min(t.sum.Date, day), max(t.last, day)
	}
	if t.each == nil {
		return nil
	}
	return t.each(row)
}
