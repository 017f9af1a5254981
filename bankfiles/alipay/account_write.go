package alipay

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// WriteAccount writes movements of one day as an account bill of the newer
// generation in GBK. It returns a fault for a movement that [ReadAccount] would
// refuse and for a character that GBK does not have.
func WriteAccount(w io.Writer, head Head, rows iter.Seq[bankfiles.Flow]) error {
	if !lines.ID([]byte(head.Account)) || head.Date.IsZero() || strings.ContainsAny(head.Product, ",\"\r\n") {
		return fault.Invalid("bill.head").On(markAccount, head.Account)
	}
	const day = "2006年01月02日 15:04:05"
	o := writer{w: bufio.NewWriterSize(w, lines.MaxLine), head: head, gbk: simplifiedchinese.GBK.NewEncoder()}
	zero := money.Exact{Scale: decimals, Currency: money.CNY}
	in, out := side{received: zero}, side{received: zero}
	o.line(accountTitle)
	o.line("#账号：[" + head.Account + "]")
	o.line("#起始日期：[" + head.Date.At(0, 0).Format(day) + "]   终止日期：[" + head.Date.At(24, 0).Format(day) + "]")
	o.line("#-----------------------------------------账务明细列表----------------------------------------")
	o.line(strings.Join(accountNames, ","))
	for row := range rows {
		if err := o.flow(&row, &in, &out); err != nil {
			return err
		}
	}
	o.line("#-----------------------------------------账务明细列表结束------------------------------------")
	o.line(fmt.Sprintf("#支出合计：%d笔，共%s元", out.rows, out.received))
	o.line(fmt.Sprintf("#收入合计：%d笔，共%s元", in.rows, in.received))
	o.line("#导出时间：[" + head.Exported.In(bizdate.Zone).Format(day) + "]")
	if o.err != nil {
		return o.err
	}
	return o.w.Flush()
}

func (o *writer) flow(row *bankfiles.Flow, in, out *side) error {
	s, printedIn, printedOut := in, fixed(row.Amount), ""
	if row.Amount.Units < 0 {
		s, printedIn, printedOut = out, "", fixed(row.Amount)
	}
	texts := row.BusinessNo + row.OrderNo + row.Business + row.Party + row.Remark
	amount := row.Amount
	if s == out {
		amount = amount.Neg()
	}
	total, err := s.received.Add(amount)
	switch {
	case printedIn+printedOut == "" || fixed(row.Balance) == "" || err != nil:
		return fault.Invalid("bill.amount").AtLine(o.number+1).On(accountNames[6], row.Amount.String())
	case bizdate.Of(row.Time) != o.head.Date:
		return fault.Invalid("bill.day", o.head.Date).AtLine(o.number+1).On(accountNames[4], "")
	case !lines.ID([]byte(row.No)) || strings.ContainsAny(texts, ",\"\r\n"):
		return fault.Invalid("bill.number").AtLine(o.number+1).On(accountNames[0], row.No)
	}
	s.rows++
	s.received = total
	o.line(strings.Join([]string{row.No + "\t", row.BusinessNo + "\t", row.OrderNo + "\t", o.head.Product,
		row.Time.In(bizdate.Zone).Format(lines.TimeLayout) + "\t", row.Party + "\t", printedIn, printedOut, fixed(row.Balance),
		"", row.Business, "", "", "", "", row.Remark}, ","))
	return o.err
}
