package wechat_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

var head = wechat.Head{AppID: "wx0000000000000001", Merchant: "1900000001", Rate: "0.60%", Product: "门店订单"}

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

// day0213 is the bill of 2026-02-13: three payments and one refund, net 695.80.
func day0213() []bankfiles.BillRow {
	return []bankfiles.BillRow{
		{Line: 2, Kind: bankfiles.Pay, OrderNo: "W4", ChannelNo: "4200002613000000000000000004", Amount: yuan("100.00"),
			Fee: yuan("0.60000"), Time: at("2026-02-13 00:00:02"), Status: "SUCCESS"},
		{Line: 3, Kind: bankfiles.Pay, OrderNo: "W5", ChannelNo: "4200002613000000000000000005", Amount: yuan("500.00"),
			Fee: yuan("3.00000"), Time: at("2026-02-13 10:30:00"), Status: "SUCCESS"},
		{Line: 4, Kind: bankfiles.Pay, OrderNo: "W6", ChannelNo: "4200002613000000000000000006", Amount: yuan("300.00"),
			Fee: yuan("1.80000"), Time: at("2026-02-13 12:00:00"), Status: "SUCCESS"},
		{Line: 5, Kind: bankfiles.Refund, OrderNo: "W1", RefundNo: "R2", ChannelNo: "5030002613000000000000000002",
			Amount: yuan("200.00"), Fee: yuan("-1.20000"), Time: at("2026-02-13 15:00:00"), Status: "REFUND"},
	}
}

func read(t *testing.T, text string) ([]bankfiles.BillRow, bankfiles.TradeSummary, error) {
	t.Helper()
	var rows []bankfiles.BillRow
	sum, err := wechat.Read("wx.csv", strings.NewReader(text), func(row *bankfiles.BillRow) error {
		rows = append(rows, *row)
		return nil
	})
	return rows, sum, err
}

func TestWriteGolden(t *testing.T) {
	var out bytes.Buffer
	if err := wechat.Write(&out, head, slices.Values(day0213())); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/wx-20260213.csv"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestReadGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/wx-20260213.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, sum, err := read(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(day0213(), rows); diff != "" {
		t.Error(diff)
	}
	want := bankfiles.TradeSummary{
		Format: "wechat-all", Merchant: "1900000001", Date: bizdate.MustParse("2026-02-13"), Encoding: "utf-8",
		Rows: 4, PayRows: 3, RefundRows: 1, PayTotal: yuan("900.00"), RefundTotal: yuan("200.00"), FeeTotal: yuan("4.20000"),
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
}

func TestNoBill(t *testing.T) {
	var own bytes.Buffer
	if err := wechat.WriteNoBill(&own); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		own.String(),
		"<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill Exist]]></return_msg></xml>",
		"\uFEFF\n<xml>\n<return_msg>No Bill Exist</return_msg>\n</xml>",
		`{"code":"NO_STATEMENT_EXIST","message":"账单文件不存在"}`,
		"NO_BILL\n",
	} {
		_, _, err := read(t, body)
		if !errors.Is(err, wechat.ErrNoBill) || fault.CodeOf(err) != "bill.none" {
			t.Errorf("%s: got %v", body, err)
		}
	}
}
