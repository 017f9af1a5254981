package clearing_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
	"custody/clearing"
	"custody/clearing/approval"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/subaccounts"
)

// workedBooks is a home in which the worked days are played.
type workedBooks struct {
	t      *testing.T
	ctx    context.Context
	home   string
	engine *clearing.Engine

	closed    func(date string) // told of each day that was closed; may be nil
	everyStep bool              // play every step by itself, twice
	form      string            // of the bank's statements; camt.053 where empty
}

const workedConfig = `
code: HQ01
name: 示例连锁总部
account: "1100200300400500600"
clock: replay
corporate: {name: 示例连锁总部有限公司, account: "1100999900001111222"}
channels:
  - {code: WX, name: 微信支付, bill: wechat-all, merchant: "1900000109", fee_ppm: 6000, pay_days: natural, payers: [财付通]}
  - {code: ALI, name: 支付宝, bill: alipay-trade, merchant: "20880000000000010156", fee_ppm: 6000, pay_days: working, payers: [支付宝]}
rules:
  - {id: standard, effective: 2026-01-01, head_office_ppm: 50000, partner_ppm: 20000, fee_bearer: franchisee}
release: {days: 1}
payout: {fee: "1.00", minimum: "0.01", route: BEP, purpose: 结算款, fee_back_on_return: true, account_faults: ["1004"]}
files: {intraday: true, balances: false}
limits: {pool_days: 3, transit_days: 3}
users:
  - {name: maker1, roles: [operator, maker]}
  - {name: checker1, roles: [checker]}
`

const workedMembers = `code,name,kind,partner,account,account_name,bank,cnaps
A,加盟商甲,FRANCHISEE,P,6222000000000001,加盟商甲,示例银行,102100000030
B,加盟商乙,FRANCHISEE,P,6222000000000002,加盟商乙,示例银行,102100000030
C,加盟商丙,FRANCHISEE,P,6222000000000003,加盟商丙,示例银行,102100000030
P,渠道合作方丁,PARTNER,,6222000000000004,渠道合作方丁,示例银行,102100000030
`

func newWorkedBooks(t *testing.T) *workedBooks {
	t.Helper()
	return newBooksWith(t, workedConfig)
}

func newBooksWith(t *testing.T, config string) *workedBooks {
	t.Helper()
	return newBooksAt(t, config, pgtest.Server(t))
}

// newBooksAt makes the books in a database, in the home's own where dsn is empty.
func newBooksAt(t *testing.T, config, dsn string) *workedBooks {
	t.Helper()
	b := &workedBooks{t: t, ctx: context.Background(), home: t.TempDir()}
	b.write("custody.yaml", []byte(config))
	b.write("members.csv", []byte(workedMembers))
	engine, created, err := clearing.Init(b.ctx, clearing.OpenOptions{Home: b.home, DSN: dsn,
		Clock: clock.Fixed(day("2026-02-12").At(10, 0)), Random: clock.Rand()})
	if err != nil || !created {
		t.Fatalf("init: created %v, %v", created, err)
	}
	b.engine = engine
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *workedBooks) write(name string, data []byte) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.home, name), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// drop puts a file into the inbox.
func (b *workedBooks) drop(name string, write func(io.Writer) error) {
	b.t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	b.write(filepath.Join("inbox", name), out.Bytes())
}

func yuan(s string) money.Exact {
	x, err := money.ParseExact(strings.ReplaceAll(s, ",", ""), money.CNY)
	if err != nil {
		panic(err)
	}
	return x
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+s, bizdate.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// workedOrders is section 2: time, kind, order, refund, member, channel, amount.
var workedOrders = map[string][]bankfiles.Order{
	"2026-02-12": {
		{Kind: bankfiles.Pay, OrderNo: "W1", Member: "A", Channel: "WX", Amount: yuan("1000.00"), Time: at("02-12 10:05:00")},
		{Kind: bankfiles.Pay, OrderNo: "W2", Member: "B", Channel: "WX", Amount: yuan("200.00"), Time: at("02-12 14:20:00")},
		{Kind: bankfiles.Pay, OrderNo: "W3", Member: "C", Channel: "WX", Amount: yuan("100.00"), Time: at("02-12 15:10:00")},
		{Kind: bankfiles.Pay, OrderNo: "W4", Member: "A", Channel: "WX", Amount: yuan("100.00"), Time: at("02-12 23:59:58")},
		{Kind: bankfiles.Pay, OrderNo: "L1", Member: "B", Channel: "ALI", Amount: yuan("500.00"), Time: at("02-12 11:00:00")},
		{Kind: bankfiles.Pay, OrderNo: "L2", Member: "A", Channel: "ALI", Amount: yuan("100.00"), Time: at("02-12 16:00:00")},
		{Kind: bankfiles.Refund, OrderNo: "L2", RefundNo: "R1", Member: "A", Channel: "ALI", Amount: yuan("100.00"), Time: at("02-12 17:30:00")},
	},
	"2026-02-13": {
		{Kind: bankfiles.Pay, OrderNo: "W5", Member: "A", Channel: "WX", Amount: yuan("500.00"), Time: at("02-13 10:30:00")},
		{Kind: bankfiles.Pay, OrderNo: "L3", Member: "A", Channel: "ALI", Amount: yuan("200.00"), Time: at("02-13 09:40:00")},
		{Kind: bankfiles.Pay, OrderNo: "L4", Member: "B", Channel: "ALI", Amount: yuan("50.00"), Time: at("02-13 18:00:00")},
		{Kind: bankfiles.Refund, OrderNo: "W1", RefundNo: "R2", Member: "A", Channel: "WX", Amount: yuan("200.00"), Time: at("02-13 15:00:00")},
	},
	"2026-02-14": {
		{Kind: bankfiles.Pay, OrderNo: "W7", Member: "A", Channel: "WX", Amount: yuan("100.00"), Time: at("02-14 10:00:00")},
		{Kind: bankfiles.Pay, OrderNo: "L5", Member: "B", Channel: "ALI", Amount: yuan("350.00"), Time: at("02-14 13:00:00")},
		{Kind: bankfiles.Refund, OrderNo: "L1", RefundNo: "R3", Member: "B", Channel: "ALI", Amount: yuan("100.00"), Time: at("02-14 16:00:00")},
	},
}

func (b *workedBooks) orders(date string) {
	b.drop("orders-"+day(date).Compact()+".csv", func(w io.Writer) error {
		return orderfile.Write(w, day(date), slices.Values(workedOrders[date]))
	})
}

func pay(order, amount, fee, when string) bankfiles.BillRow {
	return bankfiles.BillRow{Kind: bankfiles.Pay, OrderNo: order, ChannelNo: "42" + order, Amount: yuan(amount), Fee: yuan(fee), Time: at(when)}
}

func refunded(order, refund, amount, feeBack, when string) bankfiles.BillRow {
	return bankfiles.BillRow{Kind: bankfiles.Refund, OrderNo: order, RefundNo: refund, ChannelNo: "50" + refund, Amount: yuan(amount),
		Fee: yuan(feeBack).Neg(), Time: at(when)}
}

// workedBills holds the rows of each channel's bill by clearing date.
var workedBills = map[string][]bankfiles.BillRow{
	"ALI 2026-02-12": {pay("L1", "500.00", "3.00", "02-12 11:00:00"), pay("L2", "100.00", "0.60", "02-12 16:00:00"),
		refunded("L2", "R1", "100.00", "0.60", "02-12 17:30:00")},
	"WX 2026-02-12": {pay("W1", "1000.00", "6.00", "02-12 10:05:00"), pay("W2", "200.00", "1.20", "02-12 14:20:00"),
		pay("W3", "100.00", "0.60", "02-12 15:10:00")},
	"ALI 2026-02-13": {pay("L3", "200.00", "1.20", "02-13 09:40:00")},
	"WX 2026-02-13": {pay("W4", "100.00", "0.60", "02-13 00:00:02"), pay("W5", "500.00", "3.00", "02-13 10:30:00"),
		pay("W6", "300.00", "1.80", "02-13 12:00:00"), refunded("W1", "R2", "200.00", "1.20", "02-13 15:00:00")},
	"ALI 2026-02-14": {pay("L5", "350.00", "2.10", "02-14 13:00:00"), refunded("L1", "R3", "100.00", "0.60", "02-14 16:00:00")},
	"WX 2026-02-14":  {pay("W7", "100.00", "0.60", "02-14 10:00:00")},
}

func (b *workedBooks) bills(date string) {
	for _, channel := range []string{"WX", "ALI"} {
		rows := workedBills[channel+" "+date]
		b.drop("bill-"+channel+"-"+day(date).Compact()+".csv", func(w io.Writer) error {
			switch {
			case len(rows) == 0 && channel == "WX":
				return wechat.WriteNoBill(w)
			case len(rows) == 0:
				return alipay.WriteNoBill(w)
			case channel == "WX":
				return wechat.Write(w, wechat.Head{AppID: "wx0000000000000000", Merchant: "1900000109", Rate: "0.60%", Product: "门店消费"}, slices.Values(rows))
			}
			return alipay.Write(w, alipay.Head{Account: "20880000000000010156", Date: day(date), Exported: day(date).AddDays(1).At(9, 0), Product: "门店消费"}, slices.Values(rows))
		})
	}
}

// bankLine is section 6: reference, moment of booking, signed amount, text.
type bankLine struct{ ref, booked, amount, name, account, serial, remark string }

var workedLines = []bankLine{
	{"K1201", "02-12 09:10:00", "1000.00", "示例连锁总部有限公司", "1100999900001111222", "", "自有资金"},
	{"K1202", "02-12 15:40:00", "300.00", "李四", "6222999900000009", "", ""},
	{"K1301", "02-13 08:40:00", "1292.20", "财付通", "", "", "财付通 20260212"},
	{"K1302", "02-13 13:31:00", "-923.00", "加盟商甲", "6222000000000001", "20260213010001", "结算款"},
	{"K1303", "02-13 13:31:00", "-91.40", "加盟商丙", "6222000000000003", "20260213010003", "结算款"},
	{"K1401", "02-14 00:10:00", "-25.00", "渠道合作方丁", "6222000000000004", "20260213010004", "结算款"},
	{"K1402", "02-14 08:41:00", "695.80", "财付通", "", "", "财付通 20260213"},
	{"K1403", "02-14 10:30:00", "497.00", "支付宝", "", "", "支付宝 20260212"},
	{"K1404", "02-14 10:31:00", "198.80", "支付宝", "", "", "支付宝 20260213"},
	{"K1405", "02-14 13:31:00", "-553.40", "加盟商甲", "6222000000000001", "20260214010001", "结算款"},
	{"K1406", "02-14 13:31:00", "-645.80", "加盟商乙", "6222000000000022", "20260214010002", "结算款"},
	{"K1407", "02-14 13:31:00", "-21.00", "渠道合作方丁", "6222000000000004", "20260214010003", "结算款"},
	{"K1408", "02-14 14:05:00", "91.40", "加盟商丙", "6222000000000003", "20260213010003", "退汇 20260213010003"},
	{"K1501", "02-15 02:20:00", "553.40", "加盟商甲", "6222000000000001", "20260214010001", "冲正 20260214010001"},
	{"K1502", "02-15 08:39:00", "99.40", "财付通", "", "", "财付通 20260214"},
	{"K2401", "02-24 09:50:00", "248.50", "支付宝", "", "", "支付宝 20260214"},
	{"K2402", "02-24 13:31:00", "-645.80", "加盟商甲", "6222000000000001", "20260224010001", "结算款"},
	{"K2403", "02-24 13:31:00", "-807.20", "加盟商乙", "6222000000000022", "20260224010002", "结算款"},
	{"K2404", "02-24 13:31:00", "-12.00", "渠道合作方丁", "6222000000000004", "20260224010003", "结算款"},
}

func (l bankLine) entry() bankfiles.StatementEntry {
	booked := at(l.booked)
	value := bizdate.Of(booked)
	if l.ref == "K1401" { // booked shortly after midnight with the value of the day before
		value = value.AddDays(-1)
	}
	return bankfiles.StatementEntry{BankRef: l.ref, EntryRef: l.ref, EndToEndID: l.serial, BookingDate: bizdate.Of(booked), BookingTime: booked,
		ValueDate: value, Amount: yuan(l.amount), Reversal: strings.Contains(l.remark, "冲正"), Status: bankfiles.Booked, Code: "PMNT",
		CounterpartyName: l.name, CounterpartyAccount: l.account, Remark: l.remark}
}

// lines returns the entries of a date and the balance before them.
func lines(date bizdate.Date) (opening money.Exact, entries []bankfiles.StatementEntry) {
	opening = money.FromFen(0)
	for _, l := range workedLines {
		e := l.entry()
		switch {
		case e.BookingDate < date:
			opening, _ = opening.Add(e.Amount)
		case e.BookingDate == date:
			entries = append(entries, e)
		}
	}
	return opening, entries
}

func statementHead(date bizdate.Date, id string) bankfiles.Statement {
	return bankfiles.Statement{ID: id + date.Compact(), Number: date.Compact()[4:], Account: "1100200300400500600", Name: "示例连锁总部",
		Currency: money.CNY, From: date, To: date}
}

func (b *workedBooks) statement(date string) {
	opening, entries := lines(day(date))
	closing := opening
	for _, e := range entries {
		closing, _ = closing.Add(e.Amount)
	}
	head := statementHead(day(date), "STMT")
	head.Opening, head.Closing = &opening, &closing
	if b.form != "" {
		b.write(filepath.Join("inbox", "statement-"+head.Account+"-"+day(date).Compact()+formTail(b.form)), statementIn(b.t, b.form, head, entries))
		return
	}
	b.drop("statement-"+day(date).Compact()+".xml", func(w io.Writer) error {
		return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "M" + day(date).Compact(), Created: day(date).At(24, 30),
			Statements: []camt.Content{{Head: head, Entries: entries}}})
	})
}

// intraday is the report taken at 11:00: the first n lines of the day.
func (b *workedBooks) intraday(date string, n int) {
	_, entries := lines(day(date))
	b.drop("intraday-"+day(date).Compact()+".xml", func(w io.Writer) error {
		return camt.Write(w, camt.Document{Kind: bankfiles.Intraday, MessageID: "I" + day(date).Compact(), Created: day(date).At(11, 0),
			Statements: []camt.Content{{Head: statementHead(day(date), "RPT"), Entries: entries[:n]}}})
	})
}

// workedAnswers are the rows of the result files: serial, fen, status, code, reason, bank reference.
var workedAnswers = map[string][]bankfiles.ResultItem{
	"PO20260213-01": {
		{Serial: "20260213010001", Amount: 92300, Status: "S", Code: "0000", BankRef: "K1302", BankTime: at("02-13 13:31:05")},
		{Serial: "20260213010002", Amount: 18380, Status: "F", Code: "1004", Reason: "收款人户名不符", BankTime: at("02-13 14:02:12")},
		{Serial: "20260213010003", Amount: 9140, Status: "S", Code: "0000", BankRef: "K1303", BankTime: at("02-13 13:31:07")},
		{Serial: "20260213010004", Amount: 2500, Status: "S", Code: "0000", BankTime: at("02-13 17:05:00")},
	},
	"PO20260214-01": {
		{Serial: "20260214010001", Amount: 55340, Status: "F", Code: "1005", Reason: "收款行日限额", BankTime: at("02-14 14:00:00")},
		{Serial: "20260214010002", Amount: 64580, Status: "S", Code: "0000", BankRef: "K1406", BankTime: at("02-14 13:31:00")},
		{Serial: "20260214010003", Amount: 2100, Status: "S", Code: "0000", BankRef: "K1407", BankTime: at("02-14 13:31:00")},
	},
	"PO20260224-01": {
		{Serial: "20260224010001", Amount: 64580, Status: "S", Code: "0000", BankRef: "K2402", BankTime: at("02-24 13:31:00")},
		{Serial: "20260224010002", Amount: 80720, Status: "S", Code: "0000", BankRef: "K2403", BankTime: at("02-24 13:31:00")},
		{Serial: "20260224010003", Amount: 1200, Status: "S", Code: "0000", BankRef: "K2404", BankTime: at("02-24 13:31:00")},
	},
}

func (b *workedBooks) result(batch, date string) {
	items := slices.Clone(workedAnswers[batch])
	for i := range items {
		items[i].Seq = i + 1
	}
	b.drop("result-"+batch+".txt", func(w io.Writer) error {
		return payfile.WriteResult(w, &bankfiles.ResultFile{BatchNo: batch, Date: day(date), Items: items})
	})
}

func (b *workedBooks) approve(id string) {
	b.t.Helper()
	if _, err := b.engine.Approve(b.ctx, "checker1", id); err != nil {
		b.t.Fatalf("approve %s: %v", id, err)
	}
}

// handle proposes and approves a handling of the open exception about a subject.
func (b *workedBooks) handle(subject string, h clearing.Handling) {
	b.t.Helper()
	list, err := b.engine.Exceptions(b.ctx, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range list {
		if e.Subject == subject && e.ClosedDate == nil {
			p, err := b.engine.Propose(b.ctx, "maker1", e.ID, h)
			if err != nil {
				b.t.Fatalf("propose %s: %v", subject, err)
			}
			b.approve(p.ApprovalID)
			return
		}
	}
	b.t.Fatalf("no open exception about %s in %+v", subject, list)
}

// rebind corrects B's bound account; maker and checker. It is done while the
// night phase of 02-13, which blocks the old one, has not run.
func (b *workedBooks) rebind(member string) {
	b.t.Helper()
	id, err := b.engine.Bind(b.ctx, "maker1", subaccounts.Binding{Member: member, AccountNo: "6222000000000022", AccountName: "加盟商乙",
		BankName: "示例银行", CNAPS: "102100000030"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.approve(id)
	pending, err := b.engine.Approvals(b.ctx, approval.Pending)
	if err != nil || len(pending) != 0 {
		b.t.Fatal(fmt.Sprint(pending), err)
	}
}
