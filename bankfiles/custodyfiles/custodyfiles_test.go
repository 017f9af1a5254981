package custodyfiles_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/custodyfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var day = bizdate.MustParse("2026-02-13")

func yuan(s string) money.Exact {
	x, err := money.ParseExact(s, money.CNY)
	if err != nil {
		panic(err)
	}
	return x
}

func gbk(t testing.TB, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Samples of our own; CRLF as the bank writes.
var samples = map[string]string{
	custodyfiles.CZ: "1&3512&3492000000000001&甲店有限公司&300.00&0.00&20260213&192842&221004499&0121222&服务费&绑卡匹配入金&&\r\n" +
		"2&3513&3492000000000002&乙店&10.50&0.50&20260213&192843&221004500&&&绑卡匹配入金&W2&\r\n",
	custodyfiles.TX:  "1&3512&3492000000000001&甲店有限公司&310.50&0.50&20260213&103716&221003493&W3068922&W3068922&提现&&\r\n",
	custodyfiles.JY:  "5&确认付款&2460&3492000000000001&甲店有限公司&100085&3492000000000002&乙店&1.00&0.01&20260213&000004&221004494&W3068&&4271&\r\n",
	custodyfiles.YE:  "1&3512&5609000000000001&488305.60&\r\n2&&5609000000000009&-1.00&\r\n",
	custodyfiles.KXH: "2\r\n1&F1&成功&3492000000000001&1&甲店有限公司&3512&20260213&EBANK&\r\n2&F2&成功&3492000000000002&1&乙店&3513&20260213&EBANK&\r\n",
	custodyfiles.CRJ: "3&100.00&250.00&7.00&\r\n1&1&0&6201&6301&3512&3492000000000001&甲店&100.00&1.00&3492&手续费户&20260213&101500&S1&\r\n" +
		"2&2&0&6301&6201&3512&3492000000000001&甲店&250.00&0.00&&&20260213&101501&S2&\r\n3&3&0&6309&6201&&3492000000000099&挂账&7.00&0.00&&&20260213&101502&S3&\r\n",
	custodyfiles.CustDz:     "1&\r\n3492000000000001&甲店&3512&1&1&0&120.00&100.00&20.00&0.00&\r\n",
	custodyfiles.CustDzFail: "1&\r\n3492000000000001&甲店&3512&100.00&20.00&90.00&20.00&10.00&0.00&银行多记&\r\n",
	custodyfiles.HTBalance:  "H|balance|20260213|2\n20260213|U1|10000|0\n20260213|U2|5|2\n",
	custodyfiles.HTSettle:   "H|settle|20260213|2\n20260213|S1|U1|9000|0|1|货款|P1,P2||\n20260213|S2|U2|600|1|1|||x|y\n",
}

// outcome reads a file of any format, and returns its rows as one column of text each.
func outcome(format string, data []byte, opt custodyfiles.Options) (rows []string, sum custodyfiles.Summary, err error) {
	const name = "f.txt"
	src := bytes.NewReader(data)
	switch format {
	case custodyfiles.CZ, custodyfiles.TX:
		sum, err = custodyfiles.ReadMovements(name, src, format, opt, func(m *custodyfiles.Movement) error {
			rows = append(rows, m.Member+" "+m.Name+" "+m.Amount.String()+" "+m.Kind)
			return nil
		})
	case custodyfiles.JY:
		sum, err = custodyfiles.ReadTransfers(name, src, opt, func(t *custodyfiles.Transfer) error {
			rows = append(rows, t.FromMember+">"+t.ToMember+" "+t.Amount.String()+" "+t.OrderNo)
			return nil
		})
	case custodyfiles.YE:
		sum, err = custodyfiles.ReadBalances(name, src, opt, func(b *custodyfiles.Balance) error {
			rows = append(rows, b.SubAccount+" "+b.Balance.String()+" "+b.Remark)
			return nil
		})
	case custodyfiles.KXH:
		sum, err = custodyfiles.ReadOpenings(name, src, opt, func(o *custodyfiles.Opening) error {
			rows = append(rows, o.SubAccount+" "+o.Member+" "+o.Date.String())
			return nil
		})
	case custodyfiles.CRJ:
		sum, err = custodyfiles.ReadCash(name, src, opt, func(c *custodyfiles.Cash) error {
			rows = append(rows, string(c.Kind)+" "+c.SubAccount+" "+c.Amount.String())
			return nil
		})
	case custodyfiles.CustDz:
		sum, err = custodyfiles.ReadChecks(name, src, opt, func(c *custodyfiles.Check) error {
			rows = append(rows, c.SubAccount+" "+c.Available.String()+" "+c.Frozen.String())
			return nil
		})
	case custodyfiles.CustDzFail:
		sum, err = custodyfiles.ReadDifferences(name, src, opt, func(d *custodyfiles.Difference) error {
			rows = append(rows, d.SubAccount+" "+d.BankAvailable.String()+" "+d.OwnAvailable.String())
			return nil
		})
	case custodyfiles.HTBalance:
		sum, err = custodyfiles.ReadHTBalances(name, src, func(b *custodyfiles.HTBalanceRow) error {
			rows = append(rows, b.Account+" "+b.Available.String())
			return nil
		})
	case custodyfiles.HTSettle:
		sum, err = custodyfiles.ReadSplits(name, src, func(s *custodyfiles.Split) error {
			rows = append(rows, s.Serial+" "+s.Amount.String()+" "+strings.Join(s.Orders, "+"))
			return nil
		})
	case custodyfiles.TieOuts:
		sum, err = custodyfiles.ReadTieOut(name, src, func(t *custodyfiles.TieOut) error {
			rows = append(rows, t.Account+" "+t.Bank.String())
			return nil
		})
	case custodyfiles.Order616:
		sum, err = custodyfiles.ReadOrders(name, src, func(b *custodyfiles.BusinessOrder) error { rows = append(rows, b.OrderNo); return nil })
	case custodyfiles.Result616:
		sum, err = custodyfiles.ReadOrderResults(name, src, func(b *custodyfiles.BusinessOrder) error {
			rows = append(rows, b.OrderNo+" "+b.Code)
			return nil
		})
	}
	return rows, sum, err
}

func TestSamples(t *testing.T) {
	for format, want := range map[string]struct {
		rows  []string
		total string
		fee   string
	}{
		custodyfiles.CZ:         {[]string{"3512 甲店有限公司 300.00 绑卡匹配入金", "3513 乙店 10.50 绑卡匹配入金"}, "310.50", "0.50"},
		custodyfiles.TX:         {[]string{"3512 甲店有限公司 310.50 提现"}, "310.50", "0.50"},
		custodyfiles.JY:         {[]string{"2460>100085 1.00 4271"}, "1.00", "0.01"},
		custodyfiles.YE:         {[]string{"5609000000000001 488305.60 ", "5609000000000009 -1.00 "}, "488304.60", "0.00"},
		custodyfiles.KXH:        {[]string{"3492000000000001 3512 2026-02-13", "3492000000000002 3513 2026-02-13"}, "0.00", "0.00"},
		custodyfiles.CRJ:        {[]string{"1 3492000000000001 100.00", "2 3492000000000001 250.00", "3 3492000000000099 7.00"}, "357.00", "1.00"},
		custodyfiles.CustDz:     {[]string{"3492000000000001 100.00 20.00"}, "120.00", "0.00"},
		custodyfiles.CustDzFail: {[]string{"3492000000000001 100.00 90.00"}, "10.00", "0.00"},
		custodyfiles.HTBalance:  {[]string{"U1 100.00", "U2 0.05"}, "100.05", "0.00"},
		custodyfiles.HTSettle:   {[]string{"S1 90.00 P1+P2", "S2 6.00 "}, "96.00", "0.00"},
	} {
		t.Run(format, func(t *testing.T) {
			data := gbk(t, samples[format])
			if got := custodyfiles.Detect(data); got != format {
				t.Errorf("detected %q", got)
			}
			rows, sum, err := outcome(format, data, custodyfiles.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.rows, rows); diff != "" {
				t.Error(diff)
			}
			if sum.Format != format || sum.Total.String() != want.total || sum.Fee.String() != want.fee || sum.Rows != len(want.rows) {
				t.Errorf("got %+v", sum)
			}
		})
	}
}

// The number of columns differs by version: CZ without 子账户名称, YE with 备注.
func TestVersionsByCount(t *testing.T) {
	for _, test := range []struct {
		format, text string
		columns      int
		row          string
	}{
		{custodyfiles.CZ, "1&3512&349201&300.00&0.00&20260213&192842&2210&0121&服务费&绑卡匹配入金&W1&\n", 12, "3512  300.00 绑卡匹配入金"},
		{custodyfiles.TX, "1&3512&349201&300.00&0.00&20260213&192842&2210&0121&&提现&W1&\n", 12, "3512  300.00 提现"},
		{custodyfiles.YE, "1&3512&560901&1.00&月末&\n", 5, "560901 1.00 月末"},
	} {
		data := gbk(t, test.text)
		rows, sum, err := outcome(test.format, data, custodyfiles.Options{})
		if err != nil || sum.Columns != test.columns || rows[0] != test.row || custodyfiles.Detect(data) != test.format {
			t.Errorf("%s: %q, %+v, %v, detected %s", test.format, rows, sum, err, custodyfiles.Detect(data))
		}
	}
}

// The first line of the .ok file is the count of the rows.
func TestCountOfTheOKFile(t *testing.T) {
	for text, want := range map[string]int{"2\r\n": 2, "2&\n": 2, "2.0": 2, "3\n2026": 3} {
		n, err := custodyfiles.ReadOK("x.ok", strings.NewReader(text))
		if err != nil || n != want {
			t.Errorf("%q: %d, %v", text, n, err)
			continue
		}
		_, sum, err := outcome(custodyfiles.YE, gbk(t, samples[custodyfiles.YE]), custodyfiles.Options{Rows: &n})
		if n == 2 && (err != nil || !sum.Counted) || n == 3 && fault.CodeOf(err) != "custodyfile.count" {
			t.Errorf("%d: %v", n, err)
		}
	}
	for _, text := range []string{"", "two", "-1"} {
		if _, err := custodyfiles.ReadOK("x.ok", strings.NewReader(text)); fault.CodeOf(err) != "custodyfile.ok" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, test := range []struct {
		name, format, old, new, code string
		line                         int
	}{
		{"a name with the separator moves the columns", custodyfiles.CZ, "乙店", "乙&丙店", "custodyfile.fields", 2},
		{"no trailing separator", custodyfiles.YE, "488305.60&", "488305.60", "custodyfile.fields", 1},
		{"cut in a row", custodyfiles.CZ, "0.50&20260213&192843&221004500&&&绑卡匹配入金&W2&\r\n", "0.5", "custodyfile.cut", 2},
		{"amount", custodyfiles.CZ, "300.00", "3e2", "custodyfile.amount", 1},
		{"negative amount", custodyfiles.CZ, "300.00", "-300.00", "custodyfile.sign", 1},
		{"no member", custodyfiles.CZ, "3512", "", "custodyfile.number", 1},
		{"date", custodyfiles.CZ, "20260213&192842", "20260230&192842", "custodyfile.date", 1},
		{"time without its zero", custodyfiles.JY, "000004", "4", "custodyfile.time", 1},
		{"number out of turn", custodyfiles.YE, "\r\n2&", "\r\n1&", "custodyfile.sequence", 2},
		{"count of KXH", custodyfiles.KXH, "2\r\n1&F1", "3\r\n1&F1", "custodyfile.count", 1},
		{"head lost", custodyfiles.KXH, "2\r\n1&F1", "1&F1", "custodyfile.head", 1},
		{"CRJ count", custodyfiles.CRJ, "3&100.00", "4&100.00", "custodyfile.count", 1},
		{"CRJ out total", custodyfiles.CRJ, "3&100.00&250.00", "3&100.01&250.00", "custodyfile.total", 1},
		{"CRJ in total", custodyfiles.CRJ, "3&100.00&250.00", "3&100.00&257.00", "custodyfile.total", 1},
		{"CRJ suspense total", custodyfiles.CRJ, "&7.00&\r\n1", "&0.00&\r\n1", "custodyfile.total", 1},
		{"CRJ kind", custodyfiles.CRJ, "\r\n2&2&", "\r\n2&9&", "custodyfile.cash_kind", 3},
		{"balance is not its parts", custodyfiles.CustDz, "120.00", "121.00", "custodyfile.arithmetic", 2},
		{"difference does not follow", custodyfiles.CustDzFail, "&10.00&0.00", "&-10.00&0.00", "custodyfile.arithmetic", 2},
		{"balance file of another day", custodyfiles.HTBalance, "\n20260213|U2", "\n20260214|U2", "custodyfile.day", 3},
		{"balance count", custodyfiles.HTBalance, "20260213|2", "20260213|1", "custodyfile.count", 1},
		{"balance in yuan", custodyfiles.HTBalance, "10000|0", "100.00|0", "custodyfile.fen", 2},
		{"header date", custodyfiles.HTBalance, "H|balance|20260213", "H|balance|20261313", "custodyfile.date", 1},
		{"serial twice", custodyfiles.HTSettle, "S2|", "S1|", "custodyfile.twice", 3},
		{"T+0 beside T+N", custodyfiles.HTSettle, "600|1|1|", "600|1|0|", "custodyfile.mixed", 3},
		{"mode", custodyfiles.HTSettle, "600|1|1|", "600|2|1|", "custodyfile.mode", 3},
		{"days", custodyfiles.HTSettle, "600|1|1|", "600|1|400|", "custodyfile.days", 3},
		{"split of nothing", custodyfiles.HTSettle, "|600|", "|0|", "custodyfile.fen", 3},
		{"neither UTF-8 nor GBK", custodyfiles.YE, "488305.60", "\x00", "custodyfile.amount", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(samples[test.format], test.old) {
				t.Fatal("the change changes nothing")
			}
			_, _, err := outcome(test.format, gbk(t, strings.Replace(samples[test.format], test.old, test.new, 1)), custodyfiles.Options{})
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at %d", err, test.code, test.line)
			}
		})
	}
}

func TestBytesThatAreNoText(t *testing.T) {
	_, _, err := outcome(custodyfiles.CZ, append(gbk(t, samples[custodyfiles.CZ]), "3&3512&3492&\xFF\xFF&1.00&0.00&20260213&192842&2&&&&&\r\n"...), custodyfiles.Options{})
	if f := fault.Of(err); f == nil || f.Code != "bill.encoding" || f.Line != 3 {
		t.Errorf("got %v", err)
	}
}

func orders() []custodyfiles.BusinessOrder {
	return []custodyfiles.BusinessOrder{{Line: 2, Platform: "P1", User: "U1", Time: day.At(10, 0), Channel: "微信", OrderNo: "B1", PaymentNo: "W1",
		ChannelSerial: "42", SubOrderNo: "B1-1", PaymentKind: "1", BusinessKind: "1", Source: "0", FeeBearer: "1", OrderAmount: yuan("100.00"),
		Paid: yuan("98.00"), Discount: yuan("2.00"), PlatformSplit: yuan("5.00"), Advance: yuan("0.00"), ChannelFee: yuan("0.59"), FundKind: "01", Remark: "门店"}}
}

func TestOrders616(t *testing.T) {
	var out bytes.Buffer
	if err := custodyfiles.WriteOrders(&out, orders()); err != nil {
		t.Fatal(err)
	}
	if want := gbk(t, "1\u000398.00\r\nP1\u0003U1\u000320260213\u0003100000\u0003微信\u0003B1\u0003W1\u000342\u0003B1-1\u00031\u00031\u00030\u00031\u0003100.00\u000398.00\u00032.00\u00035.00\u00030.00\u00030.59\u000301\u0003门店\r\n"); !bytes.Equal(want, out.Bytes()) {
		t.Errorf("got %q", out.String())
	}
	if got := custodyfiles.Detect(out.Bytes()); got != custodyfiles.Order616 {
		t.Errorf("detected %q", got)
	}
	bad := orders()
	bad[0].Remark = "a\u0003b"
	if err := custodyfiles.WriteOrders(io.Discard, bad); fault.CodeOf(err) != "custodyfile.separator" {
		t.Errorf("separator in a text: %v", err)
	}
}

func TestResults616(t *testing.T) {
	want := orders()
	want[0].Code, want[0].Text = custodyfiles.Accepted, "成功"
	var out bytes.Buffer
	if err := custodyfiles.WriteOrderResults(&out, want); err != nil {
		t.Fatal(err)
	}
	var got []custodyfiles.BusinessOrder
	sum, err := custodyfiles.ReadOrderResults("r", bytes.NewReader(out.Bytes()), func(b *custodyfiles.BusinessOrder) error { got = append(got, *b); return nil })
	if err != nil || sum.Total.String() != "98.00" || custodyfiles.Detect(out.Bytes()) != custodyfiles.Result616 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wrong := bytes.Replace(out.Bytes(), []byte("1\u000398.00"), []byte("1\u000398.01"), 1)
	if _, _, err := outcome(custodyfiles.Result616, wrong, custodyfiles.Options{}); fault.CodeOf(err) != "custodyfile.total" {
		t.Errorf("total: %v", err)
	}
}
