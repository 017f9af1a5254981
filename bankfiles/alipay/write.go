package alipay

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Head is what a bill says of itself.
type Head struct {
	Account  string       // 账号: the merchant's 2088… and 0156
	Date     bizdate.Date // the day of the bill
	Exported time.Time    // 导出时间
	Product  string       // 商品名称, the same on every row
}

const decimals = 2

// Write writes the rows as a bill in GBK, with Alipay's quirks: CRLF, a tab
// behind the cells of numbers and times, refunds and fees negative. The totals
// are those of the rows. It streams: rows may be as many as Read takes.
//
// It returns a fault for a row that Read would refuse by itself and for a
// character that GBK does not have (bill.gbk): a bank's file never gets a '?'.
func Write(w io.Writer, head Head, rows iter.Seq[bankfiles.BillRow]) error {
	if !lines.ID([]byte(head.Account)) || head.Date.IsZero() || strings.ContainsAny(head.Product, ",\"\r\n") {
		return fault.Invalid("bill.head").On(markAccount, head.Account)
	}
	zero := money.Exact{Scale: decimals, Currency: money.CNY}
	out := writer{w: bufio.NewWriterSize(w, lines.MaxLine), head: head, gbk: simplifiedchinese.GBK.NewEncoder()}
	out.pay.received, out.refund.received = zero, zero
	const day = "2006年01月02日 15:04:05"
	out.line("#支付宝业务明细查询")
	out.line("#账号：[" + head.Account + "]")
	out.line("#起始日期：[" + head.Date.At(0, 0).Format(day) + "]   终止日期：[" + head.Date.At(24, 0).Format(day) + "]")
	out.line("#-----------------------------------------业务明细列表----------------------------------------")
	out.line(strings.Join(columnNames, ","))
	for row := range rows {
		if err := out.row(&row); err != nil {
			return err
		}
	}
	out.line("#-----------------------------------------业务明细列表结束------------------------------------")
	out.line(fmt.Sprintf("#交易合计：%d笔，商家实收共%s元，商家优惠共0.00元", out.pay.rows, out.pay.received))
	out.line(fmt.Sprintf("#退款合计：%d笔，商家实收退款共%s元，商家优惠退款共0.00元", out.refund.rows, out.refund.received))
	out.line("#导出时间：[" + head.Exported.In(bizdate.Zone).Format(day) + "]")
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

// WriteNoBill writes Alipay's answer for a day without trade.
func WriteNoBill(w io.Writer) error {
	_, err := io.WriteString(w, `{"alipay_data_dataservice_bill_downloadurl_query_response":{"code":"40004",`+
		`"msg":"Business Failed","sub_code":"isp.bill_not_exist","sub_msg":"BILL_NOT_EXIST"}}`)
	return err
}

// writer is the state of one Write; err is the first error of a line.
type writer struct {
	w           *bufio.Writer
	head        Head
	gbk         *encoding.Encoder
	number      int
	pay, refund side
	err         error
}

func (o *writer) row(row *bankfiles.BillRow) error {
	if f := o.check(row); f != nil {
		return f.AtLine(o.number+1).On("商户订单号", row.OrderNo)
	}
	amount, business, s := row.Amount, businessPay, &o.pay
	if row.Kind == bankfiles.Refund {
		amount, business, s = row.Amount.Neg(), businessRefund, &o.refund
	}
	var err error
	if s.received, err = s.received.Add(amount); err != nil {
		return fault.Invalid("bill.overflow").AtLine(o.number+1).On("商户订单号", row.OrderNo)
	}
	s.rows++
	at, printed := row.Time.In(bizdate.Zone).Format(lines.TimeLayout), fixed(amount)
	o.line(strings.Join([]string{
		row.ChannelNo + "\t", row.OrderNo + "\t", business, o.head.Product, at + "\t", at + "\t", "", "", "", "",
		"", printed, printed, "0.00", "0.00", "0.00", "0.00",
		"0.00", "", "0.00", "0.00", row.RefundNo + "\t", fixed(row.Fee.Neg()), "0.00", "",
	}, ","))
	return o.err
}

// check holds the row against what Read holds it to.
func (o *writer) check(row *bankfiles.BillRow) *fault.Fault {
	refund := row.Kind == bankfiles.Refund
	switch {
	case bizdate.Of(row.Time) != o.head.Date:
		return fault.Invalid("bill.day", o.head.Date)
	case row.Kind != bankfiles.Pay && !refund:
		return fault.Invalid("bill.status")
	case !lines.ID([]byte(row.OrderNo)), !lines.ID([]byte(row.ChannelNo)), refund && !lines.ID([]byte(row.RefundNo)):
		return fault.Invalid("bill.number")
	case row.Amount.Units < 0, !refund && row.Fee.Units < 0, refund && row.Fee.Units > 0:
		return fault.Invalid("bill.sign")
	case fixed(row.Amount) == "", fixed(row.Fee) == "":
		return fault.Invalid("bill.amount")
	}
	return nil
}

// fixed prints yuan with two decimals, or "" where the amount is not such yuan.
func fixed(x money.Exact) string {
	y, err := x.Rescale(decimals)
	if err != nil || (x.Currency != "" && x.Currency != money.CNY) {
		return ""
	}
	if _, ok := lines.Amount([]byte(y.String())); !ok {
		return ""
	}
	return y.String()
}

// line writes a line in GBK. The encoder stops at a character that GBK lacks.
func (o *writer) line(text string) {
	o.number++
	if o.err != nil {
		return
	}
	encoded, err := o.gbk.String(text)
	if err != nil {
		o.err = fault.Invalid("bill.gbk").AtLine(o.number).On("", text).Because(err)
		return
	}
	o.w.WriteString(encoded + "\r\n") // bufio keeps the error for Flush
}
