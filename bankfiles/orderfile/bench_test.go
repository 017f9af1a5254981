package orderfile_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
	"custody/internal/money"
)

// benchRows is a tenth of a large night.
const benchRows = 100_000

// BenchmarkRead reads an order file of a tenth of a night. Its allocations
// are the strings of each row and the numbers seen.
func BenchmarkRead(b *testing.B) {
	var out bytes.Buffer
	rows := func(yield func(bankfiles.Order) bool) {
		for i := range benchRows {
			if !yield(bankfiles.Order{
				Kind: bankfiles.Pay, OrderNo: "D20260212" + strconv.Itoa(10_000_000+i), Member: "M" + strconv.Itoa(i%5000), Channel: "WX",
				Amount: money.Exact{Units: int64(1000 + i%50000), Scale: 2, Currency: money.CNY},
				Time:   day.At(0, 0).Add(time.Duration(i%86400) * time.Second),
			}) {
				return
			}
		}
	}
	if err := orderfile.Write(&out, day, rows); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	b.ReportAllocs()
	for b.Loop() {
		sum, err := orderfile.Read("f", bytes.NewReader(out.Bytes()), func(*bankfiles.Order) error { return nil })
		if err != nil || sum.Rows != benchRows {
			b.Fatal(sum, err)
		}
	}
}
