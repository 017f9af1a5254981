package alipay_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/internal/money"
)

// benchRows is a tenth of a large night.
const benchRows = 100_000

// BenchmarkRead reads a GBK bill of a tenth of a night.
func BenchmarkRead(b *testing.B) {
	var out bytes.Buffer
	rows := func(yield func(bankfiles.BillRow) bool) {
		for i := range benchRows {
			fen := int64(1000 + i%50000)
			if !yield(bankfiles.BillRow{
				Kind: bankfiles.Pay, OrderNo: "D20260212" + strconv.Itoa(10_000_000+i),
				ChannelNo: "20260212220014" + strconv.Itoa(10_000_000_000_000+i),
				Amount:    money.Exact{Units: fen, Scale: 2, Currency: money.CNY},
				Fee:       money.Exact{Units: fen * 6 / 1000, Scale: 2, Currency: money.CNY},
				Time:      day.At(0, 0).Add(time.Duration(i%86400) * time.Second),
			}) {
				return
			}
		}
	}
	if err := alipay.Write(&out, head, rows); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	b.ReportAllocs()
	for b.Loop() {
		sum, err := alipay.Read("f", bytes.NewReader(out.Bytes()), func(*bankfiles.BillRow) error { return nil })
		if err != nil || sum.Rows != benchRows {
			b.Fatal(sum, err)
		}
	}
}
