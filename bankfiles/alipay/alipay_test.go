package alipay_test

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
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

var day = bizdate.MustParse("2026-02-12")

var head = alipay.Head{
	Account: "20880000000000010156", Date: day, Exported: bizdate.MustParse("2026-02-13").At(9, 0), Product: "门店订单",
}

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

// day0212 is the bill of 2026-02-12: two payments and one refund, net 497.00.
func day0212() []bankfiles.BillRow {
	return []bankfiles.BillRow{
		{Line: 6, Kind: bankfiles.Pay, OrderNo: "L1", ChannelNo: "2026021222001400000000000001", Amount: yuan("500.00"),
			Fee: yuan("3.00"), Time: at("2026-02-12 11:00:00"), Status: "交易"},
		{Line: 7, Kind: bankfiles.Pay, OrderNo: "L2", ChannelNo: "2026021222001400000000000002", Amount: yuan("100.00"),
			Fee: yuan("0.60"), Time: at("2026-02-12 16:00:00"), Status: "交易"},
		{Line: 8, Kind: bankfiles.Refund, OrderNo: "L2", RefundNo: "R1", ChannelNo: "2026021222001400000000000002",
			Amount: yuan("100.00"), Fee: yuan("-0.60"), Time: at("2026-02-12 17:30:00"), Status: "退款"},
	}
}

func read(t *testing.T, text string) ([]bankfiles.BillRow, bankfiles.TradeSummary, error) {
	t.Helper()
	var rows []bankfiles.BillRow
	sum, err := alipay.Read("ali.csv", strings.NewReader(text), func(row *bankfiles.BillRow) error {
		rows = append(rows, *row)
		return nil
	})
	return rows, sum, err
}

func write(t *testing.T, rows []bankfiles.BillRow) string {
	t.Helper()
	var out bytes.Buffer
	if err := alipay.Write(&out, head, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// utf8Of turns a GBK text into UTF-8, so that tests can cut and patch it.
func utf8Of(t *testing.T, gbk string) string {
	t.Helper()
	text, err := simplifiedchinese.GBK.NewDecoder().String(gbk)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The golden file is kept as UTF-8, so that a person can review it.
func TestWriteGolden(t *testing.T) {
	for name, rows := range map[string][]bankfiles.BillRow{"ali-20260212.utf8.csv": day0212(), "ali-empty.utf8.csv": nil} {
		text := utf8Of(t, write(t, rows))
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

func TestReadGBKAndUTF8(t *testing.T) {
	gbk := write(t, day0212())
	for encoding, text := range map[string]string{"gb18030": gbk, "utf-8": "\uFEFF\uFEFF" + utf8Of(t, gbk)} {
		rows, sum, err := read(t, text)
		if err != nil {
			t.Fatal(encoding, err)
		}
		if diff := cmp.Diff(day0212(), rows); diff != "" {
			t.Error(encoding, diff)
		}
		want := bankfiles.TradeSummary{
			Format: "alipay-trade", Merchant: "20880000000000010156", Date: day, Encoding: encoding,
			Rows: 3, PayRows: 2, RefundRows: 1, PayTotal: yuan("600.00"), RefundTotal: yuan("100.00"), FeeTotal: yuan("3.00"),
		}
		if diff := cmp.Diff(want, sum); diff != "" {
			t.Error(encoding, diff)
		}
	}
}

func TestEmptyDay(t *testing.T) {
	rows, sum, err := read(t, write(t, nil))
	if err != nil || len(rows) != 0 || sum.Rows != 0 || sum.Date != day {
		t.Errorf("got %d rows, %+v, %v", len(rows), sum, err)
	}
}

func TestNoBill(t *testing.T) {
	var own bytes.Buffer
	if err := alipay.WriteNoBill(&own); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		own.String(),
		`{"code":"40004","sub_code":"NO_BILL_DATA"}`,
		"<?xml version=\"1.0\"?><alipay><error>BILL_NOT_EXIST</error></alipay>",
	} {
		_, _, err := read(t, body)
		if !errors.Is(err, alipay.ErrNoBill) || fault.CodeOf(err) != "bill.none" {
			t.Errorf("%s: got %v", body, err)
		}
	}
}
