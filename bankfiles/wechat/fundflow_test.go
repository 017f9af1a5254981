package wechat_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

const fundFlow = "\uFEFF记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n" +
	"`2026-02-13 09:00:00,`5001,`F1,`交易,`交易,`收入,`100.00,`1100.00,`system,`结算总金额 100.00 元;含手续费 0.60 元,`W4\r\n" +
	"`2026-02-13 09:00:00,`5001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`0.60,`1099.40,`system,`,`W4\r\n" +
	"`2026-02-13 15:00:00,`5002,`F3,`退款,`退款,`支出,`200.00,`899.40,`1900000001API,`退款,`R2\r\n" +
	"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`3.0,`1.0,`100.00,`2.0,`200.60\r\n"

func readFlow(t *testing.T, text string) ([]bankfiles.Flow, bankfiles.FlowSummary, error) {
	t.Helper()
	var rows []bankfiles.Flow
	sum, err := wechat.ReadFundFlow("flow.csv", strings.NewReader(text), func(f *bankfiles.Flow) error {
		rows = append(rows, *f)
		return nil
	})
	return rows, sum, err
}

// Counts read 3.0, the amount is unsigned and takes its sign from 收支类型, the
// balances follow from each other.
func TestFundFlow(t *testing.T) {
	rows, sum, err := readFlow(t, fundFlow)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[0].Amount.String() != "100.00" || rows[1].Amount.String() != "-0.60" || rows[2].OrderNo != "R2" {
		t.Errorf("rows %+v", rows)
	}
	if sum.Format != "wechat-fundflow" || sum.InRows != 1 || sum.OutRows != 2 || sum.OutTotal.String() != "200.60" ||
		sum.Opening.String() != "1000.00" || sum.Closing.String() != "899.40" || !*sum.Balanced || sum.Gap != nil ||
		sum.From != bizdate.MustParse("2026-02-13") {
		t.Errorf("got %+v", sum)
	}
}

// The names of columns have brackets of either width.
func TestFundFlowBrackets(t *testing.T) {
	_, sum, err := readFlow(t, strings.NewReplacer("(元)", "（元）").Replace(fundFlow))
	if err != nil || sum.Rows != 3 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// newestFirst turns the rows around.
func newestFirst(s string) string {
	l := strings.SplitAfter(s, "\r\n")
	slices.Reverse(l[1:4])
	return strings.Join(l, "")
}

func TestFundFlowRunningBalance(t *testing.T) {
	for _, test := range []struct {
		name, text, opening, closing string
		balanced                     bool
		line                         int
	}{
		{"oldest first", fundFlow, "1000.00", "899.40", true, 0},
		{"newest first", newestFirst(fundFlow), "1000.00", "899.40", true, 0},
		{"a balance that does not follow", strings.Replace(fundFlow, "`899.40", "`899.41", 1), "1000.00", "899.41", false, 4},
		{"newest first with a gap", newestFirst(strings.Replace(fundFlow, "`1100.00", "`1100.01", 1)), "1000.01", "899.40", false, 4},
		{"a row that was lost with its totals", strings.NewReplacer(
			"`2026-02-13 09:00:00,`5001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`0.60,`1099.40,`system,`,`W4\r\n", "",
			"`3.0,`1.0,`100.00,`2.0,`200.60", "`2.0,`1.0,`100.00,`1.0,`200.00").Replace(fundFlow), "1000.00", "899.40", false, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, sum, err := readFlow(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Opening.String() != test.opening || sum.Closing.String() != test.closing || *sum.Balanced != test.balanced {
				t.Errorf("%s to %s, balanced %v", sum.Opening, sum.Closing, *sum.Balanced)
			}
			if (sum.Gap != nil) == test.balanced || sum.Gap != nil && sum.Gap.Line != test.line {
				t.Errorf("gap %v", sum.Gap)
			}
		})
	}
}

func TestFundFlowEmptyDay(t *testing.T) {
	text := "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n" +
		"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`0,`0,`0.00,`0,`0.00\n"
	_, sum, err := readFlow(t, text)
	if err != nil || sum.Rows != 0 || sum.Opening != nil || sum.Balanced != nil {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestFundFlowRefuses(t *testing.T) {
	for _, test := range []struct {
		name, old, new, code string
		line                 int
	}{
		{"direction", "`支出", "`转出", "flow.direction", 3},
		{"signed amount", "`200.00", "`-200.00", "bill.sign", 4},
		{"no amount", "`200.00", "`", "bill.amount", 4},
		{"balance in words", "`899.40", "`无", "bill.amount", 4},
		{"no number", "`F3", "`", "bill.number", 4},
		{"time", "2026-02-13 15:00:00", "2026-02-13", "bill.time", 4},
		{"count", "`3.0", "`4.0", "bill.count", 6},
		{"fraction of a row", "`3.0", "`3.5", "bill.count", 6},
		{"in count", "`1.0", "`2.0", "bill.count", 6},
		{"out total", "`200.60", "`200.61", "bill.total", 6},
		{"column lost", "账户结余(元)", "别的", "bill.column", 1},
		{"another bill", "资金流水单号", "别的", "bill.header", 6},
		{"cut", "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`3.0,`1.0,`100.00,`2.0,`200.60\r\n", "", "bill.cut", 4},
		{"cells lost", ",`R2", "", "bill.columns", 4},
		{"more", "`200.60\r\n", "`200.60\r\n`x\r\n", "bill.after", 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := readFlow(t, change(test.old, test.new)(fundFlow))
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at %d", err, test.code, test.line)
			}
		})
	}
}

func TestWriteFundFlow(t *testing.T) {
	rows, _, err := readFlow(t, fundFlow)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := wechat.WriteFundFlow(&out, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	again, _, err := readFlow(t, out.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Error(diff)
	}
	rows[1].No = ""
	if err := wechat.WriteFundFlow(&out, slices.Values(rows)); fault.CodeOf(err) != "bill.number" {
		t.Errorf("got %v", err)
	}
}

// FuzzReadFundFlow writes and reads again what the reader takes.
func FuzzReadFundFlow(f *testing.F) {
	f.Add([]byte(fundFlow))
	f.Add([]byte(newestFirst(fundFlow)))
	f.Add([]byte(strings.ReplaceAll(fundFlow, "`", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		var rows []bankfiles.Flow
		sum, err := wechat.ReadFundFlow("f", bytes.NewReader(data), func(row *bankfiles.Flow) error {
			rows = append(rows, *row)
			return nil
		})
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if wechat.WriteFundFlow(&out, slices.Values(rows)) != nil {
			return // more decimals, or a back-tick in a remark
		}
		again, err := wechat.ReadFundFlow("f", &out, nil)
		if err != nil || again.Rows != sum.Rows || !again.InTotal.Equal(sum.InTotal) || !again.OutTotal.Equal(sum.OutTotal) {
			t.Fatalf("read %+v, again %+v, %v", sum, again, err)
		}
	})
}

// BenchmarkReadFundFlow stands beside a bare encoding/csv pass.
func BenchmarkReadFundFlow(b *testing.B) {
	var out bytes.Buffer
	rows := func(yield func(bankfiles.Flow) bool) {
		balance := yuan("0.00")
		for i := range benchRows {
			amount := yuan("12.30")
			balance, _ = balance.Add(amount)
			if !yield(bankfiles.Flow{No: "F" + strconv.Itoa(1_000_000+i), BusinessNo: "5000" + strconv.Itoa(1_000_000+i), OrderNo: "W" + strconv.Itoa(i),
				Business: "交易", Time: at("2026-02-13 09:00:00"), Amount: amount, Balance: balance, Remark: "结算总金额 12.30 元;含手续费 0.07 元"}) {
				return
			}
		}
	}
	if err := wechat.WriteFundFlow(&out, rows); err != nil {
		b.Fatal(err)
	}
	b.Run("fundflow", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			if sum, err := wechat.ReadFundFlow("f", bytes.NewReader(out.Bytes()), nil); err != nil || sum.Rows != benchRows {
				b.Fatal(sum, err)
			}
		}
	})
	b.Run("csv", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(out.Bytes()))
			r.FieldsPerRecord, r.ReuseRecord = -1, true
			for {
				if _, err := r.Read(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
