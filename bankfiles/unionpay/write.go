package unionpay

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Write writes rows as a file of the format. Fields that [Row] does not name
// are left blank. It returns a fault for a text that is wider than its field or
// has no place in GBK, and for an amount that is not whole fen of 12 digits.
func Write(w io.Writer, format string, rows iter.Seq[Row]) error {
	o := &writer{out: bufio.NewWriterSize(w, lines.MaxLine), gbk: simplifiedchinese.GBK.NewEncoder()}
	for _, l := range layouts {
		if l.format == format {
			o.layout, o.line = l, make([]byte, l.most)
		}
	}
	if o.layout == nil {
		return fault.Invalid("unionpay.format", format)
	}
	for row := range rows {
		o.number++
		if f := o.row(&row); f != nil {
			return f.AtLine(o.number)
		}
		o.out.Write(o.line) // bufio keeps the error for Flush
		o.out.WriteString("\r\n")
	}
	return o.out.Flush()
}

// writer is the state of one Write.
type writer struct {
	out    *bufio.Writer
	layout *layout
	gbk    *encoding.Encoder
	line   []byte
	number int
}

func (o *writer) row(row *Row) *fault.Fault {
	for i := range o.line {
		o.line[i] = ' '
	}
	for _, t := range row.texts() {
		if f := o.put(t.role, *t.to); f != nil {
			return f
		}
	}
	if f := o.put(roleTime, stamp(row.Time)); f != nil {
		return f
	}
	if f := o.put(roleOrigTime, stamp(row.OrigTime)); f != nil {
		return f
	}
	if row.Amount.Units < 0 {
		return fault.Invalid("unionpay.amount").On(names[roleAmount], row.Amount.String())
	}
	if f := o.amount(roleAmount, row.Amount, ""); f != nil {
		return f
	}
	for _, a := range []struct {
		role role
		x    money.Exact
	}{{roleFee, row.Fee.Neg()}, {roleSettle, row.Settle}, {roleNet, row.Net}} {
		sign := "C"
		if a.x.Units < 0 {
			sign, a.x = "D", a.x.Neg()
		}
		if f := o.amount(a.role, a.x, sign); f != nil {
			return f
		}
	}
	return nil
}

// put writes a text into its field; a layout without the field drops it.
func (o *writer) put(r role, text string) *fault.Fault {
	place := o.layout.fields[r]
	if place.to == 0 || text == "" {
		return nil
	}
	coded, err := o.gbk.String(text)
	if err != nil {
		return fault.Invalid("bill.gbk").On(names[r], text)
	}
	if len(coded) > place.to-place.from {
		return fault.Invalid("unionpay.long", place.to-place.from).On(names[r], text)
	}
	copy(o.line[place.from:], coded)
	return nil
}

func (o *writer) amount(r role, x money.Exact, sign string) *fault.Fault {
	place := o.layout.fields[r]
	if place.to == 0 {
		return nil
	}
	a, err := x.Fen()
	digits := fmt.Sprintf("%s%0*d", sign, place.to-place.from-len(sign), int64(a))
	if err != nil || len(digits) != place.to-place.from {
		return fault.Invalid("unionpay.amount").On(names[r], x.String())
	}
	return o.put(r, digits)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "0000000000"
	}
	return t.In(bizdate.Zone).Format("0102150405")
}
