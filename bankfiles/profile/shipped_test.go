package profile_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/profile"
	"custody/internal/fault"
)

// samples are exports of our own making, one for each shipped profile.
var samples = map[string]string{
	"icbc-corporate": "[HISTORYDETAIL]\n凭证号\t,本方账号\t,对方账号\t,交易时间\t,借/贷\t,借方发生额\t,贷方发生额\t,凭证种类\t,摘要\t,对方行号\t,对方单位名称\t,余额\t\n" +
		"0\t,0200000019200123456\t,622200001\t,2026-08-01 15:24:03\t,贷\t,\t,\"1,000.00\"\t,0\t,货款\t,102\t,甲公司\t,\"1,000.00\"\t\n" +
		"0\t,0200000019200123456\t,622200002\t,2026-08-02 09:00:00\t,借\t,0.50\t,\t,0\t,手续费\t,\t,\t,999.50\t\n",
	"icbc-corporate-flag": "凭证号,本方账号,对方账号,交易时间,借贷标志,发生额,对方行号,对方单位名称,用途,余额\n" +
		"0,0200000019200123456,622200001,2026-08-01 15:24:03,贷,1000.00,102,甲公司,货款,1000.00\n0,0200000019200123456,,2026-08-02 09:00:00,借,0.50,,,费,999.50\n",
	"ccb-corporate": "账　　号：,44050000000000001234,,\n账户名称：,乙公司\n交易时间,借方发生额/元(支取),贷方发生额/元(收入),余额,币种,对方户名,对方账号,对方开户机构,记账日期,摘要,备注,账户明细编号-交易流水号\n" +
		"20260801 15:24:03,0.00,1000.00,1000.00,人民币元,甲公司,622200001,某支行,20260801,转账,货款,1-1\n20260802 09:00:00,0.50,0.00,999.50,人民币元,,,,20260802,手续费,,2-2\n",
	"cmb-corporate": "账务明细\n查询日期：,2026-08-01,\n,\n,\n账号,账号名称,币种,交易日,交易时间,起息日,交易类型,借方金额,贷方金额,余额,摘要,流水号,收（付）方名称,收（付）方帐号\n" +
		"755900000010001,乙公司,人民币,20260801,152403,20260801,转账,,1000.00,1000.00,货款,C1,甲公司,622200001\n755900000010001,乙公司,人民币,20260802,09:00:00,20260802,费用,0.50,,999.50,费,C2,,\n",
	"abc-corporate": "账户明细\n账号：103000001234,户名：乙公司\n交易时间,收入金额,支出金额,账户余额,对方账号,对方户名,对方开户行,交易用途\n" +
		"2026-08-01 15:24:03,1000.00,--,1000.00,622200001,甲公司,某支行,货款\n2026-08-02 09:00:00,--,0.50,999.50\n",
	"boc-corporate": "查询账号[ Inquirer account number ],330000001234\n交易类型[ Transaction Type ],业务类型[ Business type ],付款人名称[ Payer's Name ],收款人名称[ Payee's Name ],交易日期[ Transaction Date ],交易时间[ Transaction time ],交易货币[ Trade Currency ],交易金额[ Trade Amount ],交易后余额[ After-transaction balance ],交易流水号[ Transaction reference number ],用途[ Purpose ]\n" +
		"来账,转账,甲公司,乙公司,20260801,15:24:03,CNY,1000.00,1000.00,B1,货款\n往账,费用,乙公司,,20260802,09:00:00,CNY,-0.50,999.50,B2,费\n",
	"bocom-corporate": "交易时间,摘要,凭证种类,币种,借贷标志,发生额,余额,对方账号,对方户名\n" +
		"2026-08-01 15:24:03,货款,0,CNY,贷 Cr,1000.00,1000.00,622200001,甲公司\n2026-08-02 09:00:00,费,0,CNY,借 Dr,0.50,999.50,,\n合计,,,,,,,,\n",
	"citic-corporate": "账号：8110000012345678,户名：乙公司\n交易日期,交易时间,柜员交易号,借方发生额,贷方发生额,账户余额,摘要,对方账号,对方账户名称,对方开户行名\n" +
		"2026-08-01,15:24:03,T1,0.00,1000.00,1000.00,货款,622200001,甲公司,某行\n2026-08-02,09:00:00,T2,0.50,0.00,999.50,费,,,\n",
	"spdb-corporate": "账号：97000000012345\n交易日期,交易时间,交易流水号,借方金额,贷方金额,账户余额,对方账号,对方户名,摘要\n" +
		"20260801,152403,S1,,1000.00,1000.00,622200001,甲公司,货款\n20260802,090000,S2,0.50,,999.50,,,费\n",
	"pingan-corporate": "账号：15000000012345\n交易日期,传票号,借方,贷方,余额,付款人,付款人账号,收款人,收款人账号,摘要\n" +
		"2026-08-01,P1,,1000.00,1000.00,甲公司,622200001,乙公司,150,货款\n2026-08-02,P2,0.50,,999.50,乙公司,150,,,费\n",
}

// sheetOf puts a sample into a workbook: amounts as numbers, everything else as text.
func sheetOf(t testing.TB, text string) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		for j, cell := range strings.Split(line, ",") {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err == nil {
				err = book.SetCellStr("Sheet1", at, cell)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tableOf(text string) string {
	rows := strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "</td></tr>\n<tr><td>")
	return "<html><head><meta charset=gbk></head><table><tr><td>" + strings.ReplaceAll(rows, ",", "</td><td>") + "</td></tr></table></html>"
}

// Every shipped profile is found among all of them and reads its bank's sample,
// in CSV, as GBK, as a text of tabs called .xls, as HTML called .xls and as .xlsx.
func TestShipped(t *testing.T) {
	gbk := func(s string) string {
		out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if len(samples) != len(profile.Shipped()) {
		t.Errorf("%d samples for %d profiles", len(samples), len(profile.Shipped()))
	}
	for name, text := range samples {
		bare := strings.ReplaceAll(strings.ReplaceAll(text, "\"1,000.00\"", "1000.00"), "\t", "")
		for how, file := range map[string]string{
			"csv": text, "gbk": gbk(text), "tabs.xls": gbk(strings.ReplaceAll(bare, ",", "\t")), "html.xls": gbk(tableOf(bare)), "xlsx": string(sheetOf(t, bare)),
		} {
			got, err := read(nil, strings.NewReader(file))
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
				continue
			}
			if e := strings.Join(got.entries, "|"); e != "2026-08-01 1000.00|2026-08-02 -0.50" || len(got.warnings) > 0 {
				t.Errorf("%s, %s: got %s, %v", name, how, e, got.warnings)
			}
			if h := strings.Join(got.heads, "|"); !strings.HasPrefix(h, "profile:"+name+" ") || !strings.HasSuffix(h, "2026-08-01..2026-08-02 0.00+999.50=999.50 true") {
				t.Errorf("%s, %s: got %s", name, how, h)
			}
			if first := got.full[0]; name != "pingan-corporate" && (first.BookingTime.Format("15:04:05") != "15:24:03" || !strings.Contains(first.Remark, "货款")) {
				t.Errorf("%s, %s: got %+v", name, how, first)
			}
		}
		if p, err := profile.Detect([]byte(text), profile.Shipped()); err != nil || p == nil || p.Name != name {
			t.Errorf("%s: detected %v, %v", name, p, err)
		}
	}
}

func TestDetect(t *testing.T) {
	for name, text := range map[string]string{
		"text": "hello", "nothing": "", "a bill": "交易时间,微信订单号,商户订单号\n", "half of the columns unknown": "交易日期,借方,贷方,甲,乙,丙,丁\n", "workbook": "PK\x03\x04",
	} {
		if p, err := profile.Detect([]byte(text), profile.Shipped()); p != nil || err != nil {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
	_, err := profile.Detect([]byte("交易日期,借方金额,贷方金额\n"), profile.Shipped())
	if f := fault.Of(err); f == nil || f.Code != "profile.ambiguous" || f.Args[0] != "citic-corporate, cmb-corporate, spdb-corporate" {
		t.Errorf("got %v", err)
	}
}

// A word above the header decides between banks whose columns are alike.
func TestMarksDecide(t *testing.T) {
	p, err := profile.Detect([]byte("中信银行\n交易日期,借方金额,贷方金额\n"), profile.Shipped())
	if err != nil || p.Name != "citic-corporate" {
		t.Errorf("got %v, %v", p, err)
	}
}

// Cells of a workbook are read as they are stored: days and amounts as numbers,
// in whatever form Excel keeps them, blank rows, a second sheet.
func TestWorkbookCells(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	for at, value := range map[string]any{
		"B3": "日期", "C3": "金额", "D3": "余额",
		"B5": 46235, "C5": 1234.5, "D5": 1234.5,
		"B6": 46235.5, "C6": 131.77000000000001, "D6": 1366.27,
		"B7": "2026-08-02", "C7": "-1,000.00", "D7": 366.27,
		"B8": 46237, "C8": 12000000000.25, "D8": 12000000616.52,
	} {
		if err := book.SetCellValue("Sheet1", at, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SetCellInt("Sheet1", "D8", 0); err != nil {
		t.Fatal(err)
	}
	if err := book.SetCellDefault("Sheet1", "D8", "1.200000036652E+10"); err != nil {
		t.Fatal(err)
	}
	if err := book.SetCellDefault("Sheet1", "C8", "1.200000000025E+10"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := read(mustParse(t, plain), &b)
	want := []string{"2026-08-01 1234.5", "2026-08-01 131.77", "2026-08-02 -1000.00", "2026-08-03 12000000000.25"}
	if d := cmp.Diff(want, got.entries); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if len(got.full) == 4 && got.full[1].BookingTime.Format("15:04:05") != "12:00:00" {
		t.Errorf("got %v", got.full[1].BookingTime)
	}
}

func TestDraft(t *testing.T) {
	for _, name := range []string{"ccb-corporate", "bocom-corporate", "boc-corporate"} {
		text, err := profile.Draft(name, strings.NewReader(samples[name]))
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.Parse("draft.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got, err := read(p, strings.NewReader(samples[name]))
		if err != nil || strings.Join(got.entries, "|") != "2026-08-01 1000.00|2026-08-02 -0.50" {
			t.Errorf("%s: got %v, %v\n%s", name, got.entries, err, text)
		}
	}
	if _, err := profile.Draft("x", strings.NewReader("hello,world\n")); fault.CodeOf(err) != "profile.draft" {
		t.Errorf("got %v", err)
	}
}

// counting holds what a sink may rely on: entries come inside of a statement,
// and the sum is that of the entries.
type counting struct {
	t    *testing.T
	open bool
	n    int
}

func (c *counting) Open(*bankfiles.Statement) error {
	if c.open {
		c.t.Error("a statement within a statement")
	}
	c.open, c.n = true, 0
	return nil
}

func (c *counting) Entry(e *bankfiles.StatementEntry) error {
	if c.n++; !c.open || e.BookingDate.IsZero() || e.Line == 0 {
		c.t.Errorf("entry %+v", e)
	}
	return nil
}

func (c *counting) Close(s *bankfiles.Statement) error {
	if !c.open || s.Entries != c.n {
		c.t.Errorf("%d entries counted, %d told", c.n, s.Entries)
	}
	c.open = false
	return nil
}

// FuzzRead: whatever the file, statements are whole, and an error is a fault.
func FuzzRead(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
		f.Add([]byte(tableOf(text)))
	}
	f.Add([]byte(head + "2026-08-01,=\"1,0\"\t,￥－１,a,\"x\n"))
	f.Add([]byte("\xFF\xFEa\x00"))
	own := mustParse(f, plain)
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 || profile.IsWorkbook(file) {
			return
		}
		for _, profiles := range [][]*profile.Profile{profile.Shipped(), {own}} {
			if err := profile.Read("f", bytes.NewReader(file), profiles, &counting{t: t}); err != nil && codes(err) == "" {
				t.Fatalf("%v is no fault", err)
			}
		}
	})
}
