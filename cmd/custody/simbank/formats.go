package simbank

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/mt940"
	"custody/bankfiles/unionpay"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// The forms in which the bank can send its statements; camt.053 is the default.
const (
	StatementCamt  = "camt.053"
	StatementMT940 = "mt940"
	StatementCSV   = "csv" // a table as a bank's page exports it, with its profile in the home
)

// The forms in which the second channel can send its bill; Alipay's is the default.
const (
	BillAlipay   = "alipay-trade"
	BillUnionPay = unionpay.ZM
)

// StatementForms and BillForms are what [Params] may name.
func StatementForms() []string { return []string{StatementCamt, StatementMT940, StatementCSV} }

// BillForms are the bills that the second channel may send.
func BillForms() []string { return []string{BillAlipay, BillUnionPay} }

// checkForms refuses a form that the bank cannot write.
func (p *Params) checkForms() error {
	switch {
	case p.Statement != "" && !slices.Contains(StatementForms(), p.Statement):
		return fault.Invalid("simbank.form", strings.Join(StatementForms(), ", ")).On("--statement", p.Statement)
	case p.Bill != "" && !slices.Contains(BillForms(), p.Bill):
		return fault.Invalid("simbank.form", strings.Join(BillForms(), ", ")).On("--bill", p.Bill)
	case p.Events && p.Bill == BillUnionPay: // UnionPay is the third channel then, and a merchant has one
		return fault.Invalid("simbank.form", BillAlipay).On("--bill", p.Bill)
	}
	return nil
}

// named is the form as the plan keeps it: the default has no name, so that the
// plans of old homes read the same.
func named(form, usual string) string {
	if form == usual {
		return ""
	}
	return form
}

const unionPayMerchant = "700000000000001"

// channelsOf are the channels as the home's custody.yaml names them.
func (p *Params) channelsOf() []channel {
	list := slices.Clone(channels[:])
	if p.Bill == BillUnionPay {
		list[alipay].name, list[alipay].bill, list[alipay].merchant = "银联在线", BillUnionPay, unionPayMerchant
	}
	if p.Events {
		list = append(list, grossChannel, cardChannel)
	}
	return list
}

// billName is the name of a channel's bill of a day.
func (g *generator) billName(c int, d *day) string {
	if c == gross || c == alipay && g.Bill == BillUnionPay && d.bills[c].rows > 0 {
		return "INN" + d.date.Compact()[2:] + "88ZM_" + unionPayMerchant
	}
	if c == cards {
		return "settle-" + cardChannel.code + "-" + d.date.Compact() + ".txt"
	}
	return "bill-" + channels[c].code + "-" + d.date.Compact() + ".csv"
}

// unionPay is a bill as UnionPay writes it: the refund carries its own number, the
// payment's beside it.
func unionPay(rows iter.Seq[bankfiles.BillRow]) iter.Seq[unionpay.Row] {
	return func(yield func(unionpay.Row) bool) {
		n := 0
		for b := range rows {
			n++
			row := unionpay.Row{Code: "S22", Kind: b.Kind, Agent: "48020000", Sender: "00010000", Trace: fmt.Sprintf("%06d", n%1_000_000), Time: b.Time,
				Card: "621799******0000", Amount: b.Amount, MCC: "5411", QueryNo: b.Time.In(bizdate.Zone).Format("20060102150405") + fmt.Sprintf("%07d", n),
				OrderNo: b.OrderNo, Fee: b.Fee, Merchant: unionPayMerchant, Terminal: "00000001"}
			sign := b.Amount
			if b.Kind == bankfiles.Refund {
				row.Code, row.OrderNo, row.OrigOrderNo, sign = "S30", b.RefundNo, b.OrderNo, b.Amount.Neg()
			}
			row.Settle, _ = sign.Add(b.Fee.Neg()) // sums of a day's rows fit
			row.Net = row.Settle
			if !yield(row) {
				return
			}
		}
	}
}

// form is the form of a day's statement: with money events the bank sends every
// third day's as MT940.
func (p *plan) form(date bizdate.Date) string {
	if p.Events && p.Statement == "" && p.From.DaysUntil(date)%3 == 1 {
		return StatementMT940
	}
	return p.Statement
}

// statementName is the name of a day's statement.
func (p *plan) statementName(date bizdate.Date) string {
	tail := map[string]string{StatementMT940: ".sta", StatementCSV: ".csv"}[p.form(date)]
	if tail == "" {
		tail = ".xml"
	}
	return "statement-" + date.Compact() + tail
}

// writeStatement writes the end-of-day statement in the home's form.
func (p *plan) writeStatement(w io.Writer, date bizdate.Date, opening, closing int64, lines []line) error {
	head := p.head("EOD", date)
	from, to := yuan(opening), yuan(closing)
	head.Opening, head.Closing = &from, &to
	entries := make([]bankfiles.StatementEntry, 0, len(lines))
	for i := range lines {
		entries = append(entries, lines[i].entry())
	}
	switch p.form(date) {
	case StatementMT940:
		return mt940.Write(w, []mt940.Content{{Head: head, Entries: entries}})
	case StatementCSV:
		return writeTable(w, head, entries)
	}
	return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "EOD" + date.Compact(),
		Created: date.At(24, 0).Add(10 * time.Minute), Statements: []camt.Content{{Head: head, Entries: entries}}})
}

// writeTable writes a statement as a table; our serial stands in the remark.
func writeTable(w io.Writer, head bankfiles.Statement, entries []bankfiles.StatementEntry) error {
	out := csv.NewWriter(w)
	put := func(cells ...string) {
		_ = out.Write(cells) // the writer keeps the error until Flush
	}
	put("账号", head.Account)
	put("起始日期", head.From.String())
	put("截止日期", head.To.String())
	put("期初余额", head.Opening.String())
	put("期末余额", head.Closing.String())
	put("流水号", "交易时间", "起息日", "支出", "收入", "余额", "对方户名", "对方账号", "摘要", "冲正")
	balance := *head.Opening
	for i := range entries {
		e := &entries[i]
		balance, _ = balance.Add(e.Amount)
		debit, credit, reversal, remark := "", e.Amount.String(), "", e.Remark
		if e.Amount.Units < 0 {
			debit, credit = e.Amount.Neg().String(), ""
		}
		if e.Reversal {
			reversal = "是"
		}
		if e.EndToEndID != "" && !strings.Contains(remark, e.EndToEndID) {
			remark = strings.TrimSpace(remark + " " + e.EndToEndID)
		}
		put(e.BankRef, e.BookingTime.In(bizdate.Zone).Format("2006-01-02 15:04:05"), e.ValueDate.String(), debit, credit, balance.String(),
			e.CounterpartyName, e.CounterpartyAccount, remark, reversal)
	}
	out.Flush()
	return out.Error()
}

// tableProfile describes the table for the home that reads it.
const tableProfile = `name: simulated-bank
title: "示例银行 (simulated) statement"
columns:
  date: ["交易时间"]
  value_date: ["起息日"]
  debit: ["支出"]
  credit: ["收入"]
  balance: ["余额"]
  reference: ["流水号"]
  reversal: ["冲正"]
  counterparty_name: ["对方户名"]
  counterparty_account: ["对方账号"]
  remark: ["摘要"]
sign:
  rule: columns
  reversal: ["是"]
dates: ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd"]
labels:
  account: ["账号"]
  from: ["起始日期"]
  to: ["截止日期"]
  opening: ["期初余额"]
  closing: ["期末余额"]
`
