package alipay_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/internal/fault"
	"custody/internal/money"
)

const (
	accountFrame = "#支付宝账务明细查询\r\n#账号：[20880000000000010156]\r\n#起始日期：[2026年02月12日 00:00:00]   终止日期：[2026年02月13日 00:00:00]\r\n" +
		"#-----------------------------------------账务明细列表----------------------------------------\r\n"
	accountEnd = "#-----------------------------------------账务明细列表结束------------------------------------\r\n"
	// account2012 has the columns of 2012: 支出 negative, the cells padded with tabs.
	account2012 = accountFrame +
		"账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\r\n" +
		"1001\t,2001\t,L1\t,门店订单\t,2026-02-12 11:00:00\t,a***@b.cn\t,500.00,0.00,1500.00,支付宝\t,在线支付\t,\t\r\n" +
		"1002\t,2002\t,L1\t,门店订单\t,2026-02-12 11:00:00\t,\t,0.00,-3.00,1497.00,支付宝\t,收费\t,服务费\t\r\n" +
		"1003\t,2003\t,L2\t,门店订单\t,2026-02-12 17:30:00\t,\t,,-97.00,1400.00,支付宝\t,交易退款\t,\t\r\n" +
		accountEnd + "#支出合计：2笔，共-100.00元\r\n#收入合计：1笔，共500.00元\r\n#导出时间：[2026年02月13日 09:00:00]\r\n"
	// accountNew has half-width brackets, 支出 positive and four columns more.
	accountNew = accountFrame +
		"账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额(+元),支出金额(-元),账户余额(元),交易渠道,业务类型,业务描述,业务基础订单号,业务订单号,业务账单来源,备注\r\n" +
		"1001\t,2001\t,L1\t,门店订单\t,2026-02-12 11:00:00\t,\t,500.00,,1500.00,支付宝\t,在线支付\t,交易,,,,\r\n" +
		"1002\t,2002\t,L1\t,门店订单\t,2026-02-12 11:00:00\t,\t,,100.00,1400.00,支付宝\t,收费\t,服务费,,,,\r\n" +
		accountEnd + "#支出合计：1笔，共100.00元\r\n#收入合计：1笔，共500.00元\r\n#导出时间：[2026年02月13日 09:00:00]\r\n"
)

func gbkOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readAccount(t *testing.T, data []byte) ([]bankfiles.Flow, bankfiles.FlowSummary, error) {
	t.Helper()
	var rows []bankfiles.Flow
	sum, err := alipay.ReadAccount("acc.csv", bytes.NewReader(data), func(f *bankfiles.Flow) error {
		rows = append(rows, *f)
		return nil
	})
	return rows, sum, err
}

func TestAccountGenerations(t *testing.T) {
	for _, test := range []struct {
		name, text string
		rows       int
	}{{"columns of 2012, 支出 negative", account2012, 3}, {"newer columns, half-width brackets, 支出 positive", accountNew, 2}} {
		t.Run(test.name, func(t *testing.T) {
			rows, sum, err := readAccount(t, gbkOf(t, test.text))
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != test.rows || sum.Format != "alipay-account" || sum.Account != "20880000000000010156" || sum.Encoding != "gb18030" ||
				sum.InTotal.String() != "500.00" || sum.OutTotal.String() != "100.00" || sum.Opening.String() != "1000.00" ||
				sum.Closing.String() != "1400.00" || !*sum.Balanced || sum.From != day || sum.To != day {
				t.Errorf("got %+v", sum)
			}
			if last := rows[len(rows)-1]; last.Amount.Units >= 0 {
				t.Errorf("支出 is %s", last.Amount)
			}
		})
	}
}

func TestAccountEmptyDay(t *testing.T) {
	for name, text := range map[string]string{
		"frame only": accountFrame + accountEnd + "#支出合计：0笔，共0.00元\r\n#收入合计：0笔，共0.00元\r\n",
		"with the columns": accountFrame + "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\r\n" +
			accountEnd + "#支出合计：0笔，共0.00元\r\n#收入合计：0笔，共0.00元\r\n",
	} {
		_, sum, err := readAccount(t, gbkOf(t, text))
		if err != nil || sum.Rows != 0 || sum.Balanced != nil {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
	}
}

// Two rows that differ in nothing but the balance behind them are two
// movements; a row without a counterparty, as interest and fees are, is one too.
func TestAccountEqualRowsStayTwo(t *testing.T) {
	row := "1003\t,2003\t,L2\t,门店订单\t,2026-02-12 17:30:00\t,\t,,-97.00,1400.00,支付宝\t,交易退款\t,\t\r\n"
	text := strings.Replace(account2012, row, row+strings.Replace(row, "1400.00", "1303.00", 1), 1)
	text = strings.Replace(text, "支出合计：2笔，共-100.00元", "支出合计：3笔，共-197.00元", 1)
	rows, sum, err := readAccount(t, gbkOf(t, text))
	if err != nil || len(rows) != 4 || !*sum.Balanced || sum.OutTotal.String() != "197.00" || rows[3].Party != "" {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestAccountRunningBalanceBroken(t *testing.T) {
	_, sum, err := readAccount(t, gbkOf(t, strings.Replace(account2012, ",1497.00", ",1498.00", 1)))
	if err != nil || *sum.Balanced || sum.Gap == nil || sum.Gap.Code != "flow.gap" {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestAccountRefuses(t *testing.T) {
	for _, test := range []struct {
		name, old, new, code string
		line                 int
	}{
		{"not an account bill", "#支付宝账务明细查询\r\n#账号：[20880000000000010156]\r\n#起始日期：[2026年02月12日 00:00:00]   终止日期：[2026年02月13日 00:00:00]\r\n#-", "#-", "flow.period", 9},
		{"income and expense at once", "500.00,0.00,", "500.00,1.00,", "flow.both", 6},
		{"negative income", "500.00,0.00,", "-500.00,0.00,", "bill.sign", 6},
		{"out count", "支出合计：2笔", "支出合计：3笔", "bill.count", 10},
		{"out total", "共-100.00元", "共-100.01元", "bill.total", 10},
		{"in total", "共500.00元", "共500.10元", "bill.total", 11},
		{"total unreadable", "共500.00元", "共五百元", "bill.total_form", 11},
		{"another day", "2026-02-12 17:30:00", "2026-02-14 17:30:00", "flow.outside", 8},
		{"no balance", ",1497.00,", ",,", "bill.amount", 7},
		{"column lost", "账户余额（元）", "别的", "bill.column", 5},
		{"other columns", "账务流水号", "别的", "bill.header", 5},
		{"cells lost", ",支付宝\t,收费", ",收费", "bill.columns", 7},
		{"no number", "1002\t", "\t", "bill.number", 7},
		{"cut", accountEnd + "#支出合计：2笔，共-100.00元\r\n#收入合计：1笔，共500.00元\r\n#导出时间：[2026年02月13日 09:00:00]\r\n", "", "bill.cut", 8},
		{"period", "终止日期：[2026年02月13日", "终止日期：[2026年02月11日", "flow.period", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(account2012, test.old) {
				t.Fatal("the change changes nothing")
			}
			_, _, err := readAccount(t, gbkOf(t, strings.Replace(account2012, test.old, test.new, 1)))
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at %d", err, test.code, test.line)
			}
		})
	}
}

func TestWriteAccount(t *testing.T) {
	rows, _, err := readAccount(t, gbkOf(t, account2012))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := alipay.WriteAccount(&out, head, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	again, _, err := readAccount(t, out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Error(diff)
	}
}

const overviewAccount = "#支付宝账务汇总查询\r\n#账号：[20880000000000010156]\r\n#-----账务汇总列表-----\r\n" +
	"类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\r\n" +
	"在线支付\t,1,500.00,0,0.00,500.00\r\n收费\t,0,0.00,2,-100.00,-100.00\r\n合计\t,1,500.00,2,-100.00,400.00\r\n#-----账务汇总列表结束-----\r\n"

const overviewTrade = "#支付宝业务汇总查询\r\n#账号：[20880000000000010156]\r\n#-----业务汇总列表-----\r\n" +
	"门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）\r\n" +
	"S1\t,一店\t,2,0,600.00,600.00\r\nS2\t,二店\t,0,1,-100.00,-100.00\r\n合计\t,\t,2,1,500.00,500.00\r\n#-----业务汇总列表结束-----\r\n"

func TestOverview(t *testing.T) {
	for _, test := range []struct{ name, text, format, code string }{
		{"account", overviewAccount, "alipay-account-summary", ""},
		{"trade by shop", overviewTrade, "alipay-trade-summary", ""},
		{"row does not add up", strings.Replace(overviewAccount, "-100.00,-100.00\r\n合计", "-100.00,-90.00\r\n合计", 1), "alipay-account-summary", "bill.total"},
		{"total does not add up", strings.Replace(overviewTrade, "2,1,500.00", "3,1,500.00", 1), "alipay-trade-summary", "bill.total"},
		{"not an amount", strings.Replace(overviewTrade, "2,0,600.00", "x,0,600.00", 1), "alipay-trade-summary", "bill.amount"},
		{"cut", strings.Replace(overviewTrade, "#-----业务汇总列表结束-----\r\n", "", 1), "alipay-trade-summary", "bill.cut"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := alipay.ReadOverview("o.csv", bytes.NewReader(gbkOf(t, test.text)))
			if fault.CodeOf(err) != test.code || got.Format != test.format {
				t.Fatalf("got %+v, %v", got, err)
			}
			if test.code == "" && (got.Rows != 2 || !*got.TotalsAgree) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// FuzzReadAccount writes and reads again what the reader takes.
func FuzzReadAccount(f *testing.F) {
	f.Add(gbkOf(f, account2012))
	f.Add([]byte(accountNew))
	f.Add(gbkOf(f, overviewAccount))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := alipay.ReadOverview("f", bytes.NewReader(data)); err != nil && fault.CodeOf(err) == "internal" {
			t.Fatal(err)
		}
		var rows []bankfiles.Flow
		sum, err := alipay.ReadAccount("f", bytes.NewReader(data), func(row *bankfiles.Flow) error {
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
		h := head
		if h.Date = sum.From; alipay.WriteAccount(&out, h, slices.Values(rows)) != nil {
			return // several days, more decimals, characters outside of GBK
		}
		again, err := alipay.ReadAccount("f", &out, nil)
		if err != nil || again.Rows != sum.Rows || !again.InTotal.Equal(sum.InTotal) || !again.OutTotal.Equal(sum.OutTotal) {
			t.Fatalf("read %+v, again %+v, %v", sum, again, err)
		}
	})
}

// BenchmarkReadAccount stands beside a bare pass of encoding/csv over the GBK bytes.
func BenchmarkReadAccount(b *testing.B) {
	var out bytes.Buffer
	rows := func(yield func(bankfiles.Flow) bool) {
		for i := range benchRows {
			amount := money.Exact{Units: 1230, Scale: 2, Currency: money.CNY}
			if !yield(bankfiles.Flow{No: strconv.Itoa(20260212000000 + i), BusinessNo: strconv.Itoa(3026021200000 + i), OrderNo: "L" + strconv.Itoa(i),
				Business: "在线支付", Party: "a***@b.cn", Time: day.At(0, 0).Add(time.Duration(i%86400) * time.Second), Amount: amount,
				Balance: money.Exact{Units: int64(i+1) * 1230, Scale: 2, Currency: money.CNY}}) {
				return
			}
		}
	}
	if err := alipay.WriteAccount(&out, head, rows); err != nil {
		b.Fatal(err)
	}
	b.Run("account", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			if sum, err := alipay.ReadAccount("f", bytes.NewReader(out.Bytes()), nil); err != nil || sum.Rows != benchRows {
				b.Fatal(sum, err)
			}
		}
	})
	b.Run("csv", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(out.Bytes()))
			r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
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
