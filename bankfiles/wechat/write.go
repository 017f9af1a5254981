package wechat

import (
	"bufio"
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

// Head is what a bill says of its merchant, the same on every row.
type Head struct {
	AppID    string // 公众账号ID
	Merchant string // 商户号
	Rate     string // 费率, as printed: 0.60%
	Product  string // 商品名称
	Format   string // which kind of bill; empty: Format, the ALL kind
}

// Decimals of the two kinds of amounts, as WeChat prints them.
const (
	amountDecimals = 2
	feeDecimals    = 5
)

// Write writes the rows as a trade bill, with WeChat's quirks: a byte order
// mark, CRLF, a back-tick before every cell of a row and of the totals. The
// totals are those of the rows. It streams: rows may be as many as Read takes.
//
// It returns a fault for a row that Read would refuse by itself: a number that
// is no number, an amount of another currency or sign or with more decimals.
func Write(w io.Writer, head Head, rows iter.Seq[bankfiles.BillRow]) error {
	out := writer{w: bufio.NewWriterSize(w, lines.MaxLine), head: head}
	if strings.ContainsAny(head.AppID+head.Rate+head.Product, "`\"\r\n") || !lines.ID([]byte(head.Merchant)) {
		return fault.Invalid("bill.head").On("商户号", head.Merchant)
	}
	out.w.WriteString("\uFEFF" + strings.Join(out.columns(), ",") + "\r\n")
	for row := range rows {
		if err := out.row(&row); err != nil {
			return err
		}
	}
	names := summaryNames
	if head.Format == FormatSuccess {
		names = successSummary
	}
	out.w.WriteString(strings.Join(names, ",") + "\r\n")
	out.totals()
	return out.w.Flush()
}

// WriteNoBill writes WeChat's answer for a day without trade.
func WriteNoBill(w io.Writer) error {
	_, err := io.WriteString(w, "<xml><return_code><![CDATA[FAIL]]></return_code>"+
		"<return_msg><![CDATA[No Bill Exist]]></return_msg><error_code><![CDATA[20002]]></error_code></xml>")
	return err
}

// writer is the state of one Write.
type writer struct {
	w     *bufio.Writer
	head  Head
	day   bizdate.Date
	count int
	// pay, refund and fee are the totals; each of them stands in one or two columns.
	pay, refund, fee money.Exact
	buf              []byte
}

// columns are the columns of the bill's kind.
func (o *writer) columns() (names []string) {
	for _, name := range columnNames {
		if o.head.Format == FormatSuccess && leftOut[name] {
			continue
		}
		if o.head.Format == FormatRefund && name == "微信退款单号" {
			names = append(names, refundTimes...)
		}
		names = append(names, name)
	}
	return names
}

func (o *writer) row(row *bankfiles.BillRow) error {
	if err := o.check(row); err != nil {
		return err.AtLine(o.count+2).On("商户订单号", row.OrderNo)
	}
	settled, refund := row.Amount, money.Exact{Currency: money.CNY}
	channelNo, refundChannelNo, refundNo := row.ChannelNo, "0", "0"
	status, refundKind, refundStatus := "SUCCESS", "", ""
	if row.Kind == bankfiles.Refund {
		settled, refund = refund, settled
		// The bill names the payment's own number too; the row does not carry it.
		channelNo, refundChannelNo, refundNo = "0", row.ChannelNo, row.RefundNo
		status, refundKind, refundStatus = "REFUND", "ORIGINAL", "SUCCESS"
	}
	o.count++
	err := add(&o.pay, settled, nil)
	err = add(&o.refund, refund, err)
	if err = add(&o.fee, row.Fee, err); err != nil {
		return fault.Invalid("bill.overflow").AtLine(o.count + 1)
	}
	yuan, back := fixed(settled, amountDecimals), fixed(refund, amountDecimals)
	o.buf = o.buf[:0]
	at := row.Time.In(bizdate.Zone).Format(lines.TimeLayout)
	switch o.head.Format {
	case FormatSuccess:
		o.cells(at, o.head.AppID, o.head.Merchant, "0", "", channelNo, row.OrderNo, "", "JSAPI", status, "OTHERS", money.CNY,
			yuan, "0.00", o.head.Product, "", fixed(row.Fee, feeDecimals), o.head.Rate, yuan, "")
	case FormatRefund:
		o.cells(at, o.head.AppID, o.head.Merchant, "0", "", channelNo, row.OrderNo, "", "JSAPI", status, "OTHERS", money.CNY,
			yuan, "0.00", at, at, refundChannelNo, refundNo, back, "0.00", refundKind, refundStatus, o.head.Product, "",
			fixed(row.Fee, feeDecimals), o.head.Rate, yuan, back, "")
	default:
		o.cells(at, o.head.AppID, o.head.Merchant, "0", "", channelNo, row.OrderNo, "", "JSAPI", status, "OTHERS", money.CNY,
			yuan, "0.00", refundChannelNo, refundNo, back, "0.00", refundKind, refundStatus, o.head.Product, "",
			fixed(row.Fee, feeDecimals), o.head.Rate, yuan, back, "")
	}
	_, err = o.w.Write(o.buf)
	return err
}

// check holds the row against what Read holds it to.
func (o *writer) check(row *bankfiles.BillRow) *fault.Fault {
	refund := row.Kind == bankfiles.Refund
	day := bizdate.Of(row.Time)
	if o.day.IsZero() {
		o.day = day
	}
	switch {
	case day != o.day:
		return fault.Invalid("bill.day", o.day)
	case row.Kind != bankfiles.Pay && !refund, refund && o.head.Format == FormatSuccess, !refund && o.head.Format == FormatRefund:
		return fault.Invalid("bill.status")
	case !lines.ID([]byte(row.OrderNo)), !lines.ID([]byte(row.ChannelNo)), refund && !lines.ID([]byte(row.RefundNo)):
		return fault.Invalid("bill.number")
	case row.Amount.Units < 0, !refund && row.Fee.Units < 0, refund && row.Fee.Units > 0:
		return fault.Invalid("bill.sign")
	case fixed(row.Amount, amountDecimals) == "", fixed(row.Fee, feeDecimals) == "":
		return fault.Invalid("bill.amount")
	}
	return nil
}

// add adds where no error stands yet.
func add(total *money.Exact, x money.Exact, err error) error {
	if err != nil {
		return err
	}
	*total, err = total.Add(x)
	return err
}

// fixed prints yuan with the decimals, or "" where the amount is not such yuan.
func fixed(x money.Exact, decimals uint8) string {
	y, err := x.Rescale(decimals)
	if err != nil || (x.Currency != "" && x.Currency != money.CNY) {
		return ""
	}
	if _, ok := lines.Amount([]byte(y.String())); !ok {
		return ""
	}
	return y.String()
}

func (o *writer) totals() {
	o.buf = o.buf[:0]
	text := func(x money.Exact, decimals uint8) string {
		y, _ := x.Rescale(decimals) // rows have no more decimals than that
		return y.String()
	}
	pay, refund := text(o.pay, amountDecimals), text(o.refund, amountDecimals)
	if o.head.Format == FormatSuccess {
		o.cells(strconv.Itoa(o.count), pay, text(o.fee, feeDecimals), pay)
	} else {
		o.cells(strconv.Itoa(o.count), pay, refund, "0.00", text(o.fee, feeDecimals), pay, refund)
	}
	o.w.Write(o.buf) // bufio keeps the error for Flush
}

// cells appends a line with a back-tick before every cell.
func (o *writer) cells(cells ...string) {
	for i, c := range cells {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(append(o.buf, '`'), c...)
	}
	o.buf = append(o.buf, '\r', '\n')
}
