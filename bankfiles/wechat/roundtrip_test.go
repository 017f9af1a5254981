package wechat_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

const id = `[0-9A-Za-z_|*@-]{1,32}`

// bill draws the rows of one day with amounts as WeChat prints them.
func bill(t *rapid.T) []bankfiles.BillRow {
	midnight := bizdate.MustParse("2026-02-13").At(0, 0)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bankfiles.BillRow {
		row := bankfiles.BillRow{
			Kind: bankfiles.Pay, Status: "SUCCESS",
			OrderNo:   rapid.StringMatching(id).Draw(t, "order"),
			ChannelNo: rapid.StringMatching(id).Draw(t, "channelNo"),
			Amount:    money.Exact{Units: rapid.Int64Range(0, 999_999_999_999).Draw(t, "fen"), Scale: 2, Currency: money.CNY},
			Fee:       money.Exact{Units: rapid.Int64Range(0, 999_999_999_999_99).Draw(t, "fee"), Scale: 5, Currency: money.CNY},
			Time:      midnight.Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second),
		}
		if rapid.Bool().Draw(t, "refund") {
			row.Kind, row.Status, row.Fee = bankfiles.Refund, "REFUND", row.Fee.Neg()
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
		if err := wechat.Write(&out, head, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		var back []bankfiles.BillRow
		sum, err := wechat.Read("wx.csv", &out, func(row *bankfiles.BillRow) error {
			back = append(back, *row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			rows[i].Line = i + 2
		}
		if diff := cmp.Diff(rows, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if sum.Rows != len(rows) || sum.PayRows+sum.RefundRows != sum.Rows {
			t.Fatalf("%d rows, summary %+v", len(rows), sum)
		}
	})
}

// FuzzRead holds every file that Read accepts to its own summary, and writes
// and reads it again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(golden(f)))
	f.Add([]byte(strings.ReplaceAll(golden(f), "`", "")))
	f.Add([]byte("<xml><return_msg>No Bill Exist</return_msg></xml>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		var rows []bankfiles.BillRow
		sum, err := wechat.Read("f", bytes.NewReader(data), func(row *bankfiles.BillRow) error {
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
		if err := wechat.Write(&out, head, slices.Values(rows)); err != nil {
			if fault.CodeOf(err) == "bill.amount" { // more decimals than the writer prints
				return
			}
			t.Fatal(err)
		}
		again, err := wechat.Read("f", &out, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !again.PayTotal.Equal(sum.PayTotal) || !again.RefundTotal.Equal(sum.RefundTotal) ||
			!again.FeeTotal.Equal(sum.FeeTotal) || again.Rows != sum.Rows || again.Date != sum.Date {
			t.Fatalf("read %+v, written and read again %+v", sum, again)
		}
	})
}

// benchRows is a tenth of a large night.
const benchRows = 100_000

func benchBill(b *testing.B) []byte {
	b.Helper()
	var out bytes.Buffer
	midnight := bizdate.MustParse("2026-02-13").At(0, 0)
	rows := func(yield func(bankfiles.BillRow) bool) {
		for i := range benchRows {
			fen := int64(1000 + i%50000)
			row := bankfiles.BillRow{
				Kind: bankfiles.Pay, OrderNo: "D20260213" + strconv.Itoa(10_000_000+i),
				ChannelNo: "42000026" + strconv.Itoa(100_000_000_000+i) + "00000001",
				Amount:    money.Exact{Units: fen, Scale: 2, Currency: money.CNY},
				Fee:       money.Exact{Units: fen * 6, Scale: 5, Currency: money.CNY},
				Time:      midnight.Add(time.Duration(i%86400) * time.Second),
			}
			if i%100 == 99 {
				row.Kind, row.RefundNo, row.Fee = bankfiles.Refund, "R"+row.OrderNo, row.Fee.Neg()
			}
			if !yield(row) {
				return
			}
		}
	}
	if err := wechat.Write(&out, head, rows); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkRead stands beside its floor, a bare encoding/csv pass over the
// same bytes that converts nothing.
func BenchmarkRead(b *testing.B) {
	data := benchBill(b)
	b.Run("wechat", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			sum, err := wechat.Read("f", bytes.NewReader(data), func(*bankfiles.BillRow) error { return nil })
			if err != nil || sum.Rows != benchRows {
				b.Fatal(sum, err)
			}
		}
	})
	b.Run("csv", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(data))
			r.FieldsPerRecord, r.ReuseRecord = -1, true
			rows := 0
			for {
				if _, err := r.Read(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			if rows != benchRows+3 {
				b.Fatal(rows)
			}
		}
	})
}
