package profile_test

import (
	"fmt"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/profile"
)

// nothing is a sink that keeps nothing.
type nothing struct{}

func (nothing) Open(*bankfiles.Statement) error       { return nil }
func (nothing) Entry(*bankfiles.StatementEntry) error { return nil }
func (nothing) Close(*bankfiles.Statement) error      { return nil }

func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("交易时间,借方发生额/元(支取),贷方发生额/元(收入),余额,币种,对方户名,对方账号,对方开户机构,记账日期,摘要,备注,账户明细编号-交易流水号\n")
	for i := 1; i <= 100_000; i++ {
		fmt.Fprintf(&text, "20260801 %02d:%02d:03,0.00,1.00,%d.00,人民币元,甲公司上海第一分店,6222000011112222333,某某银行上海支行,20260801,转账,货款 %d,%d-%d\n", i%24, i%60, i, i, i, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := profile.Read("f", strings.NewReader(text.String()), profile.Shipped(), nothing{}); err != nil {
			b.Fatal(err)
		}
	}
}
