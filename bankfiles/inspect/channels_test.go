package inspect_test

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/inspect"
	"custody/bankfiles/unionpay"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/money"
)

var day = bizdate.MustParse("2026-02-12")

func exact(fen int64) money.Exact { return money.Exact{Units: fen, Scale: 2, Currency: money.CNY} }

// channelFiles are one file of each format of a channel.
func channelFiles(t *testing.T) map[inspect.Format][]byte {
	t.Helper()
	files := map[inspect.Format][]byte{}
	write := func(format inspect.Format, fn func(*bytes.Buffer) error) {
		var out bytes.Buffer
		if err := fn(&out); err != nil {
			t.Fatal(format, err)
		}
		files[format] = out.Bytes()
	}
	pay := bankfiles.BillRow{Kind: bankfiles.Pay, OrderNo: "W1", ChannelNo: "1", Amount: exact(1000), Fee: exact(6), Time: day.At(10, 0)}
	back := pay
	back.Kind, back.RefundNo, back.Fee = bankfiles.Refund, "R1", exact(-6)
	flows := []bankfiles.Flow{{No: "F1", Business: "交易", Time: day.At(10, 0), Amount: exact(1000), Balance: exact(1500)},
		{No: "F2", Business: "退款", Time: day.At(11, 0), Amount: exact(-200), Balance: exact(1300)}}
	write("wechat-success", func(b *bytes.Buffer) error {
		return wechat.Write(b, wechat.Head{Merchant: "19", Format: wechat.FormatSuccess}, slices.Values([]bankfiles.BillRow{pay}))
	})
	write("wechat-refund", func(b *bytes.Buffer) error {
		return wechat.Write(b, wechat.Head{Merchant: "19", Format: wechat.FormatRefund}, slices.Values([]bankfiles.BillRow{back}))
	})
	write("wechat-fundflow", func(b *bytes.Buffer) error { return wechat.WriteFundFlow(b, slices.Values(flows)) })
	head := alipay.Head{Account: "20880000000000010156", Date: day, Exported: day.At(23, 0)}
	write("alipay-account", func(b *bytes.Buffer) error { return alipay.WriteAccount(b, head, slices.Values(flows)) })
	write("alipay-trade", func(b *bytes.Buffer) error {
		return alipay.Write(b, head, slices.Values([]bankfiles.BillRow{pay, back}))
	})
	write("alipay-trade-summary", func(b *bytes.Buffer) error {
		return gbk(b, "#支付宝业务汇总查询\r\n#-----业务汇总列表-----\r\n门店编号,交易订单总笔数,退款订单总笔数,商家实收（元）\r\nS1,1,1,0.00\r\n合计,1,1,0.00\r\n#-----业务汇总列表结束-----\r\n")
	})
	write("alipay-account-summary", func(b *bytes.Buffer) error {
		return gbk(b, "#支付宝账务汇总查询\r\n#-----账务汇总列表-----\r\n类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\r\n交易,1,10.00,0,0.00,10.00\r\n#-----账务汇总列表结束-----\r\n")
	})
	row := unionpay.Row{Code: "S22", Agent: "48020000", Trace: "1", Time: day.At(10, 0), Amount: exact(1000), OrderNo: "U1", Merchant: "700000000000001"}
	for _, format := range []string{unionpay.ZM, unionpay.ZME, unionpay.COMN} {
		write(inspect.Format(format), func(b *bytes.Buffer) error { return unionpay.Write(b, format, slices.Values([]unionpay.Row{row})) })
	}
	files["card-settle"] = sample(t, "../cardsettle/testdata/card.txt")
	return files
}

func gbk(b *bytes.Buffer, s string) error {
	coded, err := simplifiedchinese.GBK.NewEncoder().String(s)
	b.WriteString(coded)
	return err
}

func TestChannelFormats(t *testing.T) {
	for want, data := range channelFiles(t) {
		if got := inspect.Detect(data[:min(len(data), inspect.HeadBytes)]); got != want {
			t.Errorf("%s: %s", want, got)
		}
		report, err := inspect.File("x.dat", bytes.NewReader(data), say)
		if err != nil || report.Refused() || report.Rows == 0 {
			t.Errorf("%s: %+v, %v", want, report, err)
		}
		isFlow := want == "wechat-fundflow" || want == "alipay-account"
		if isFlow && (len(report.Statements) != 1 || !*report.Statements[0].Balanced || *report.Statements[0].Opening != "5.00" || report.Statements[0].Sum != "8.00") {
			t.Errorf("%s: statements %+v", want, report.Statements)
		}
	}
}

// A broken running balance is a warning here, a settlement file without its name one too.
func TestChannelWarnings(t *testing.T) {
	files := channelFiles(t)
	broken := bytes.Replace(files["wechat-fundflow"], []byte("`13.00"), []byte("`13.01"), 1)
	for code, data := range map[string][]byte{"flow.gap": broken, "unionpay.settle_date": files["unionpay-zm"]} {
		report, err := inspect.File("x.dat", bytes.NewReader(data), say)
		if err != nil || report.Refused() || len(report.Warnings) != 1 || report.Warnings[0].Code != code {
			t.Errorf("%s: %+v, %v", code, report, err)
		}
	}
}

func zipOf(t *testing.T, entries ...[2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		name, err := simplifiedchinese.GBK.NewEncoder().String(e[0])
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, NonUTF8: true, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Alipay sends bill and summary in one zip with names in GBK.
func TestContainers(t *testing.T) {
	files := channelFiles(t)
	bill, sums := [2]string{"2088_20260212_业务明细.csv", string(files["alipay-trade"])}, [2]string{"2088_20260212_业务明细(汇总).csv", string(files["alipay-trade-summary"])}
	zm := [2]string{"INN26021288ZM_700000000000001", string(files["unionpay-zm"])}
	for _, test := range []struct {
		name     string
		entries  [][2]string
		format   inspect.Format
		rows     int
		warnings int
		refused  bool
	}{
		{"bill before its summary", [][2]string{bill, sums}, "alipay-trade", 2, 0, false},
		{"summary before its bill", [][2]string{sums, bill}, "alipay-trade", 2, 0, false},
		{"summary alone", [][2]string{sums}, "alipay-trade-summary", 1, 0, false},
		{"the entry's name gives the settlement date", [][2]string{zm}, "unionpay-zm", 1, 0, false},
		{"with a readme", [][2]string{zm, {"说明.txt", "read me"}}, "unionpay-zm", 1, 1, false},
		{"nothing known", [][2]string{{"说明.txt", "read me"}}, "zip", 0, 1, true},
		{"zip slip", [][2]string{{"../x", "x"}}, "zip", 0, 0, true},
		{"a bad file in it", [][2]string{{"bad.csv", strings.Replace(string(files["wechat-refund"]), "R1", "", 1)}}, "wechat-refund", 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := inspect.File("x.zip", bytes.NewReader(zipOf(t, test.entries...)), say)
			if err != nil {
				t.Fatal(err)
			}
			if report.Format != test.format || report.Rows != test.rows || len(report.Warnings) != test.warnings || report.Refused() != test.refused {
				t.Errorf("got %+v", report)
			}
		})
	}
}
