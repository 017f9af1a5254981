package orderfile

import (
	"bufio"
	"fmt"
	"io"
	"iter"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Write writes the rows as the order file of the accounting date. The totals
// stand in the first line, so rows is walked twice and must give the same rows
// both times; slices.Values does, and so does a generator with a fixed seed.
//
// It returns a fault, before a byte is written, for a row that Read would
// refuse by itself. Duplicate numbers are left to Read.
func Write(w io.Writer, date bizdate.Date, rows iter.Seq[bankfiles.Order]) error {
	said, wide := newTotals(), false
	for row := range rows {
		f := check(&row, date)
		if f == nil {
			f = said.add(&row)
		}
		wide = wide || isWide(&row)
		if f != nil {
			return f.AtLine(said.rows+firstRow).On(columnNames[colOrderNo], row.OrderNo)
		}
	}
	out := bufio.NewWriterSize(w, lines.MaxLine)
	names := header
	if wide {
		names = headerWide
	}
	fmt.Fprintf(out, "%s,%s,%s,%d,%s,%s\n%s\n", kindControl, Version, date, said.rows, said.pay, said.refund, names)
	written := newTotals()
	var buf []byte
	for row := range rows {
		buf = appendRow(buf[:0], &row, wide)
		out.Write(buf) // bufio keeps the error for Flush
		if f := written.add(&row); f != nil {
			return f
		}
	}
	if written != said {
		return fault.Invalid("orders.count", said.rows, written.rows)
	}
	fmt.Fprintf(out, "%s,%d\n", kindTrailer, said.rows)
	return out.Flush()
}

// firstRow is the line of the first row, behind control record and header.
const firstRow = 3

func appendRow(buf []byte, row *bankfiles.Order, wide bool) []byte {
	amount, _ := row.Amount.Rescale(decimals) // check saw that it is possible
	for _, cell := range [...]string{typeOf(row), row.OrderNo, row.RefundNo, row.Member, row.Channel, amount.String()} {
		buf = append(append(buf, cell...), ',')
	}
	buf = row.Time.In(bizdate.Zone).AppendFormat(buf, lines.TimeLayout)
	if wide {
		buf = appendMore(buf, row)
	}
	return append(buf, '\n')
}

// typeOf is the first cell of a row.
func typeOf(row *bankfiles.Order) string {
	switch {
	case !row.Escrow:
		return string(row.Kind)
	case row.Kind == bankfiles.Refund:
		return escrowRefund
	}
	return escrowPay
}

// totals is what the control record says.
type totals struct {
	rows        int
	pay, refund money.Exact
}

func newTotals() totals {
	zero := money.Exact{Scale: decimals, Currency: money.CNY}
	return totals{pay: zero, refund: zero}
}

func (t *totals) add(row *bankfiles.Order) *fault.Fault {
	to := &t.pay
	if row.Kind == bankfiles.Refund {
		to = &t.refund
	}
	t.rows++
	if !row.Status.Collected() {
		return nil
	}
	sum, err := to.Add(row.Amount)
	if err != nil {
		return fault.Invalid("orders.overflow")
	}
	*to = sum
	return nil
}

// check holds the row against what Read holds it to.
func check(row *bankfiles.Order, date bizdate.Date) *fault.Fault {
	amount, err := row.Amount.Rescale(decimals)
	_, readable := lines.Amount([]byte(amount.String()))
	refund := row.Kind == bankfiles.Refund
	switch {
	case row.Kind != bankfiles.Pay && !refund:
		return fault.Invalid("orders.kind")
	case !lines.ID([]byte(row.OrderNo)), !lines.ID([]byte(row.Member)), !lines.ID([]byte(row.Channel)),
		refund && !lines.ID([]byte(row.RefundNo)):
		return fault.Invalid("orders.number")
	case !refund && row.RefundNo != "":
		return fault.Invalid("orders.refund_no")
	case err != nil, !readable, amount.Units <= 0, row.Amount.Currency != "" && row.Amount.Currency != money.CNY:
		return fault.Invalid("orders.amount")
	case bizdate.Of(row.Time) != date:
		return fault.Invalid("orders.day", date)
	}
	return checkMore(row)
}
