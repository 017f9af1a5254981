package orderfile_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
	"custody/internal/bizdate"
	"custody/internal/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

var day = bizdate.MustParse("2026-02-12")

func yuan(s string) money.Exact {
	x, err := money.ParseExact(s, money.CNY)
	if err != nil {
		panic(err)
	}
	return x
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, bizdate.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// day0212 is head office's file of 2026-02-12: six payments and one refund.
func day0212() []bankfiles.Order {
	rows := []bankfiles.Order{
		{Kind: bankfiles.Pay, OrderNo: "W1", Member: "A", Channel: "WX", Amount: yuan("1000.00"), Time: at("2026-02-12 10:05:00")},
		{Kind: bankfiles.Pay, OrderNo: "W2", Member: "B", Channel: "WX", Amount: yuan("200.00"), Time: at("2026-02-12 14:20:00")},
		{Kind: bankfiles.Pay, OrderNo: "W3", Member: "C", Channel: "WX", Amount: yuan("100.00"), Time: at("2026-02-12 15:10:00")},
		{Kind: bankfiles.Pay, OrderNo: "W4", Member: "A", Channel: "WX", Amount: yuan("100.00"), Time: at("2026-02-12 23:59:58")},
		{Kind: bankfiles.Pay, OrderNo: "L1", Member: "B", Channel: "ALI", Amount: yuan("500.00"), Time: at("2026-02-12 11:00:00")},
		{Kind: bankfiles.Pay, OrderNo: "L2", Member: "A", Channel: "ALI", Amount: yuan("100.00"), Time: at("2026-02-12 16:00:00")},
		{Kind: bankfiles.Refund, OrderNo: "L2", RefundNo: "R1", Member: "A", Channel: "ALI", Amount: yuan("100.00"), Time: at("2026-02-12 17:30:00")},
	}
	for i := range rows {
		rows[i].Line = i + 3
	}
	return rows
}

func read(t *testing.T, text string) ([]bankfiles.Order, bankfiles.TradeSummary, error) {
	t.Helper()
	var rows []bankfiles.Order
	sum, err := orderfile.Read("orders.csv", strings.NewReader(text), func(row *bankfiles.Order) error {
		rows = append(rows, *row)
		return nil
	})
	return rows, sum, err
}

func write(t *testing.T, rows []bankfiles.Order) string {
	t.Helper()
	var out bytes.Buffer
	if err := orderfile.Write(&out, day, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWriteGolden(t *testing.T) {
	for name, rows := range map[string][]bankfiles.Order{"orders-20260212.csv": day0212(), "orders-empty.csv": nil} {
		text := write(t, rows)
		golden := "testdata/" + name
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestReadGolden(t *testing.T) {
	rows, sum, err := read(t, write(t, day0212()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(day0212(), rows); diff != "" {
		t.Error(diff)
	}
	want := bankfiles.TradeSummary{
		Format: "orders", Date: day, Encoding: "utf-8", Rows: 7, PayRows: 6, RefundRows: 1,
		PayTotal: yuan("2000.00"), RefundTotal: yuan("100.00"), FeeTotal: yuan("0.00"),
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyDay(t *testing.T) {
	rows, sum, err := read(t, write(t, nil))
	if err != nil || len(rows) != 0 || sum.Rows != 0 || sum.Date != day {
		t.Errorf("got %d rows, %+v, %v", len(rows), sum, err)
	}
}
