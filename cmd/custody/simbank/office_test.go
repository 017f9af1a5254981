package simbank_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// office reads a simulated home as head office would, with the readers of
// bankfiles, and fails the test where one of them refuses a file.
type office struct {
	*testing.T
	dir string
}

func generate(t *testing.T, p simbank.Params) office {
	t.Helper()
	if err := simbank.Generate(p); err != nil {
		t.Fatal(err)
	}
	return office{t, p.Dir}
}

func (o office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o office) open(name string) *os.File {
	o.Helper()
	f, err := os.Open(filepath.Join(o.dir, name))
	o.must(err)
	o.Cleanup(func() { f.Close() })
	return f
}

func (o office) orders(d bizdate.Date) (rows []bankfiles.Order) {
	o.Helper()
	_, err := orderfile.Read("orders", o.open("inbox/orders-"+d.Compact()+".csv"), func(r *bankfiles.Order) error {
		rows = append(rows, *r)
		return nil
	})
	o.must(err)
	return rows
}

// bill returns nothing for an answer that there is no bill.
func (o office) bill(channel string, d bizdate.Date) (rows []bankfiles.BillRow, sum bankfiles.TradeSummary) {
	o.Helper()
	return o.billIn("inbox", channel, d)
}

func (o office) billIn(folder, channel string, d bizdate.Date) (rows []bankfiles.BillRow, sum bankfiles.TradeSummary) {
	o.Helper()
	read, none := wechat.Read, wechat.ErrNoBill
	if channel == "ALI" {
		read, none = alipay.Read, alipay.ErrNoBill
	}
	sum, err := read("bill", o.open(folder+"/bill-"+channel+"-"+d.Compact()+".csv"), func(r *bankfiles.BillRow) error {
		rows = append(rows, *r)
		return nil
	})
	if !errors.Is(err, none) {
		o.must(err)
	}
	return rows, sum
}

// net is what a channel owes for a bill.
func (o office) net(sum bankfiles.TradeSummary) money.Amount {
	o.Helper()
	return o.fen(sum.PayTotal) - o.fen(sum.RefundTotal) - o.fen(sum.FeeTotal)
}

func (o office) fen(x money.Exact) money.Amount {
	o.Helper()
	a, err := x.Fen()
	o.must(err)
	return a
}

// statement is a file of one statement.
type statement struct {
	bankfiles.Statement
	entries []bankfiles.StatementEntry
}

func (s *statement) Open(*bankfiles.Statement) error { return nil }
func (s *statement) Entry(e *bankfiles.StatementEntry) error {
	s.entries = append(s.entries, *e)
	return nil
}
func (s *statement) Close(head *bankfiles.Statement) error {
	s.Statement = *head
	return nil
}

func (o office) statement(kind string, d bizdate.Date) *statement {
	o.Helper()
	s := &statement{}
	o.must(camt.Read(kind, o.open("inbox/"+kind+"-"+d.Compact()+".xml"), s))
	return s
}

// find returns the entries of the remark.
func (s *statement) find(remark string) (found []bankfiles.StatementEntry) {
	for _, e := range s.entries {
		if e.Remark == remark {
			found = append(found, e)
		}
	}
	return found
}

// serial returns the entries of a payout.
func (s *statement) serial(serial string) (found []bankfiles.StatementEntry) {
	for _, e := range s.entries {
		if e.EndToEndID == serial {
			found = append(found, e)
		}
	}
	return found
}

func (o office) balances(d bizdate.Date) map[string]bankfiles.BalanceItem {
	o.Helper()
	f, err := payfile.ReadBalance("balances", o.open("inbox/balances-"+d.Compact()+".txt"))
	o.must(err)
	by := map[string]bankfiles.BalanceItem{}
	for _, it := range f.Items {
		by[it.Member] = it
	}
	return by
}

func (o office) result(batch string) []bankfiles.ResultItem {
	o.Helper()
	f, err := payfile.ReadResult("result", o.open("inbox/result-"+batch+".txt"))
	o.must(err)
	return f.Items
}

func (o office) answer(d bizdate.Date) []string {
	o.Helper()
	names, err := simbank.Answer(o.dir, d)
	o.must(err)
	return names
}

// pay writes a payout file of the day: the amount to each of the members.
func (o office) pay(d bizdate.Date, fen money.Amount, members ...string) (batch string, items []bankfiles.PayoutItem) {
	o.Helper()
	batch = "PO" + d.Compact() + "-01"
	for i, m := range members {
		items = append(items, bankfiles.PayoutItem{Seq: i + 1, Serial: d.Compact() + "01000" + string(rune('1'+i)), Member: m,
			Account: "62990000000000000" + string(rune('1'+i)), Name: "收款人" + m, CNAPS: "313000000024", Amount: fen + money.Amount(i),
			Route: "BEP", Purpose: "结算款"})
	}
	o.must(os.MkdirAll(filepath.Join(o.dir, "outbox"), 0o750))
	f, err := os.Create(filepath.Join(o.dir, "outbox", batch+".txt"))
	o.must(err)
	defer f.Close()
	o.must(payfile.WritePayout(f, &bankfiles.PayoutFile{BatchNo: batch, Date: d, Maker: "maker1", Checker: "checker1", Items: items}))
	return batch, items
}
