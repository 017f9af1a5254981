package alipay_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/internal/fault"
	"custody/internal/money"
)

const id = `[0-9A-Za-z_-]{1,64}`

// bill draws the rows of one day with amounts as Alipay prints them.
func bill(t *rapid.T) []bankfiles.BillRow {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bankfiles.BillRow {
		row := bankfiles.BillRow{
			Kind: bankfiles.Pay, Status: "交易",
			OrderNo:   rapid.StringMatching(id).Draw(t, "order"),
			ChannelNo: rapid.StringMatching(id).Draw(t, "channelNo"),
			Amount:    money.Exact{Units: rapid.Int64Range(0, 999_999_999_999).Draw(t, "fen"), Scale: 2, Currency: money.CNY},
			Fee:       money.Exact{Units: rapid.Int64Range(0, 999_999_999_999).Draw(t, "fee"), Scale: 2, Currency: money.CNY},
			Time:      day.At(0, 0).Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second),
		}
		if rapid.Bool().Draw(t, "refund") {
			row.Kind, row.Status, row.Fee = bankfiles.Refund, "退款", row.Fee.Neg()
			row.RefundNo = rapid.StringMatching(id).Draw(t, "refundNo")
		}
		return row
	}), 0, 20).Draw(t, "rows")
}

// What the writer wrote, the reader gives back, row by row.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := bill(t)
		var out bytes.Buffer
		if err := alipay.Write(&out, head, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		var back []bankfiles.BillRow
		sum, err := alipay.Read("ali.csv", &out, func(row *bankfiles.BillRow) error {
			back = append(back, *row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			rows[i].Line = i + 6
		}
		if diff := cmp.Diff(rows, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if sum.Rows != len(rows) || sum.PayRows+sum.RefundRows != sum.Rows || sum.Merchant != head.Account {
			t.Fatalf("%d rows, summary %+v", len(rows), sum)
		}
	})
}

// FuzzRead holds every file that Read accepts to its own summary, and writes
// and reads it again.
func FuzzRead(f *testing.F) {
	for _, rows := range [][]bankfiles.BillRow{day0212(), nil} {
		var out bytes.Buffer
		if err := alipay.Write(&out, head, slices.Values(rows)); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Add([]byte(`{"sub_code":"BILL_NOT_EXIST"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		var rows []bankfiles.BillRow
		sum, err := alipay.Read("f", bytes.NewReader(data), func(row *bankfiles.BillRow) error {
			rows = append(rows, *row)
			return nil
		})
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		if sum.Rows != len(rows) {
			t.Fatalf("%d rows handed out, summary says %d", len(rows), sum.Rows)
		}
		var out bytes.Buffer
		h := alipay.Head{Account: sum.Merchant, Date: sum.Date, Exported: sum.Date.At(24, 0)}
		if err := alipay.Write(&out, h, slices.Values(rows)); err != nil {
			if fault.CodeOf(err) == "bill.amount" { // more decimals than the writer prints
				return
			}
			t.Fatal(err)
		}
		again, err := alipay.Read("f", &out, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !again.PayTotal.Equal(sum.PayTotal) || !again.RefundTotal.Equal(sum.RefundTotal) ||
			!again.FeeTotal.Equal(sum.FeeTotal) || again.Rows != sum.Rows || again.Date != sum.Date {
			t.Fatalf("read %+v, written and read again %+v", sum, again)
		}
	})
}
