package simbank

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"custody/bankfiles"
	alipaybill "custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/cardsettle"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/unionpay"
	wechatbill "custody/bankfiles/wechat"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// writeDay writes the order file, the bills and the shares of one day and plans
// what the channels pay for it.
func (g *generator) writeDay(date bizdate.Date) error {
	d := g.newDay(date)
	err := atomicfile.Write(g.path("orders-"+date.Compact()+".csv"), filePerm, func(w io.Writer) error {
		return orderfile.Write(w, date, d.orderFile())
	})
	if err != nil {
		return err
	}
	for c, ch := range g.channelsOf() {
		name := g.billName(c, d)
		path := g.path(name)
		if g.plan.has(MissingBill, date, ch.code) {
			path = filepath.Join(g.Dir, stateDir, name)
		}
		if err := atomicfile.Write(path, filePerm, func(w io.Writer) error { return d.writeBill(w, c, g.Bill) }); err != nil {
			return err
		}
		if err := g.planPayment(d, c); err != nil {
			return err
		}
		if err := atomicfile.Write(sharesPath(g.Dir, ch.code, date), filePerm, func(w io.Writer) error {
			return writeShares(w, d.shares[c])
		}); err != nil {
			return err
		}
	}
	return nil
}

const product = "门店消费"

func (d *day) writeBill(w io.Writer, c int, form string) error {
	switch c {
	case cards:
		return cardsettle.Write(w, cardChannel.code, d.date, d.settled())
	case gross:
		return unionpay.Write(w, unionpay.ZM, unionPay(d.bill(c)))
	}
	merchant := channels[c].merchant
	switch {
	case c == wechat && d.bills[c].rows == 0:
		return wechatbill.WriteNoBill(w)
	case c == wechat:
		head := wechatbill.Head{AppID: "wx0000000000000001", Merchant: merchant, Rate: "0.60%", Product: product}
		return wechatbill.Write(w, head, d.bill(c))
	case d.bills[c].rows == 0:
		return alipaybill.WriteNoBill(w)
	case form == BillUnionPay:
		return unionpay.Write(w, unionpay.ZM, unionPay(d.bill(c)))
	}
	exported := d.date.AddDays(1).At(9, 0)
	head := alipaybill.Head{Account: merchant, Date: d.date, Exported: exported, Product: product}
	return alipaybill.Write(w, head, d.bill(c))
}

// intradayUntil is when the bank draws the report of a day (当日明细).
const intradayUntil = "11:00:00"

// writeIntraday writes a report for every working day but the first, on which
// nothing can be due.
func (g *generator) writeIntraday() error {
	for i := 1; i < g.Days; i++ {
		date := g.From.AddDays(i)
		working, err := g.Working(date)
		if err != nil {
			return err
		}
		if !working {
			continue
		}
		doc := camt.Document{Kind: bankfiles.Intraday, MessageID: "ITD" + date.Compact(), Created: date.At(11, 0),
			Statements: []camt.Content{{Head: g.plan.head("ITD", date)}}}
		for _, l := range g.plan.Receipts {
			if l.Date == date && l.Time < intradayUntil {
				doc.Statements[0].Entries = append(doc.Statements[0].Entries, l.entry())
			}
		}
		err = atomicfile.Write(g.path("intraday-"+date.Compact()+".xml"), filePerm, func(w io.Writer) error {
			return camt.Write(w, doc)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) head(kind string, date bizdate.Date) bankfiles.Statement {
	return bankfiles.Statement{ID: kind + date.Compact(), Number: strconv.Itoa(p.From.DaysUntil(date) + 1),
		Account: custodyAccount, Name: custodyHolder, Currency: money.CNY, From: date, To: date}
}

func (l *line) entry() bankfiles.StatementEntry {
	return bankfiles.StatementEntry{BankRef: l.Ref, EntryRef: l.Ref, EndToEndID: l.Serial, BookingDate: l.Date,
		BookingTime: l.at(), ValueDate: l.Value, Amount: yuan(l.Fen), Reversal: l.Reversal, Status: bankfiles.Booked,
		Code: l.Code, CounterpartyName: l.Name, CounterpartyAccount: l.Account, Remark: l.Remark}
}

// The shares of a channel's clearing date: one number of fen a line, in the
// order of the members' codes.
func sharesPath(dir, channel string, date bizdate.Date) string {
	return filepath.Join(dir, stateDir, "shares-"+channel+"-"+date.Compact()+".txt")
}

func writeShares(w io.Writer, fen []int64) error {
	out := bufio.NewWriter(w)
	for _, f := range fen {
		fmt.Fprintln(out, f)
	}
	return out.Flush()
}

func readShares(path string, count int) ([]int64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fen := make([]int64, 0, count)
	for text := range strings.Lines(string(raw)) {
		f, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fault.Invalid("simbank.plan").In(filepath.Base(path)).Because(err)
		}
		fen = append(fen, f)
	}
	if len(fen) != count {
		return nil, fault.Invalid("simbank.plan").In(filepath.Base(path))
	}
	return fen, nil
}
