package profile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"custody/bankfiles"
	"custody/bankfiles/profile"
	"custody/internal/fault"
)

// told writes down what a reader tells: statements, entries and warnings.
type told struct {
	entries  []string
	full     []bankfiles.StatementEntry
	heads    []string
	warnings []string
	agree    string
	encoding string
}

func (t *told) Open(*bankfiles.Statement) error { return nil }
func (t *told) Entry(e *bankfiles.StatementEntry) error {
	mark := ""
	if e.Reversal {
		mark = "R"
	}
	t.entries = append(t.entries, fmt.Sprintf("%s %s%s", e.BookingDate, e.Amount, mark))
	t.full = append(t.full, *e)
	return nil
}
func (t *told) Close(s *bankfiles.Statement) error {
	show := func(x fmt.Stringer, none bool) string {
		if none {
			return "?"
		}
		return x.String()
	}
	balanced := "?"
	if s.Balanced != nil {
		balanced = fmt.Sprint(*s.Balanced)
	}
	t.heads = append(t.heads, fmt.Sprintf("%s %s %s %s..%s %s+%s=%s %s", s.Format, s.Account, s.Currency, s.From, s.To,
		show(s.Opening, s.Opening == nil), s.Sum, show(s.Closing, s.Closing == nil), balanced))
	return nil
}
func (t *told) Warn(f *fault.Fault)  { t.warnings = append(t.warnings, f.Code) }
func (t *told) Totals(agree bool)    { t.agree += fmt.Sprint(agree) + " " }
func (t *told) Encoding(name string) { t.encoding = name }

// read reads with one profile, or with all shipped ones.
func read(p *profile.Profile, src io.Reader) (*told, error) {
	t := &told{}
	if p == nil {
		return t, profile.Read("f", src, profile.Shipped(), t)
	}
	return t, p.Read("f", src, t)
}

func codes(err error) string {
	var list fault.List
	if errors.As(err, &list) {
		var out []string
		for _, f := range list {
			out = append(out, f.Code)
		}
		return strings.Join(out, " ")
	}
	return fault.CodeOf(err)
}

func mustParse(t testing.TB, text string) *profile.Profile {
	t.Helper()
	p, err := profile.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plain has signed amounts and a balance.
const plain = `
name: plain
columns: {account: [账号], currency: [币种], date: [日期], amount: [金额], balance: [余额], reference: [流水号], counterparty_account: [对方账号], remark: [摘要, 备注]}
sign: {rule: signed}
labels: {account: [账号], from: [期间], opening: [期初余额], closing: [期末余额]}
totals: {rows: [合计, 人民币合计], subtotals: [本页小计], debit: [支出总金额], credit: [收入总金额], count: [总笔数]}
`

const head = "日期,金额,余额,流水号,摘要\n"

func TestQuirks(t *testing.T) {
	for _, test := range []struct {
		name, text string
		entries    string // joined by |
		statement  string // the end of the head
		warnings   string
	}{
		{"byte order mark once", "\uFEFF" + head + "2026-08-01,1.00,1.00,a,\n", "2026-08-01 1.00", "0.00+1.00=1.00 true", ""},
		{"byte order mark twice", "\uFEFF\uFEFF" + head + "2026-08-01,1.00,1.00,a,\n", "2026-08-01 1.00", "0.00+1.00=1.00 true", ""},
		{"tabs behind cells", "日期\t,金额\t,余额\t,流水号\t,摘要\t\n2026-08-01\t,1.00\t,1.00\t,123\t,x\t\n", "2026-08-01 1.00", "true", ""},
		{"back-ticks before cells", "`日期,`金额,`余额,`流水号,`摘要\n`2026-08-01,`1.00,`1.00,`123,`x\n", "2026-08-01 1.00", "true", ""},
		{"equals and quotes", head + "=\"2026-08-01\",=\"1,001.00\",\"=\"\"1001.00\"\"\",=\"00123\",x\n", "2026-08-01 1001.00", "true", ""},
		{"quotes then tab", "\"日期\"\t,\"金额\"\t,\"余额\"\t\n\"2026-08-01\"\t,\"1.00\"\t,\"1.00\"\t\n", "2026-08-01 1.00", "true", ""},
		{"full-width names of columns", "日　期,金 额,余　额\n2026-08-01,1.00,1.00\n", "2026-08-01 1.00", "true", ""},
		{"full-width amounts", head + "2026-08-01,￥－１２３４．５０,0.00,a,\n2026-08-02,（5.00）,-5.00,b,\n2026-08-03,＋5.00,0,c,\n", "2026-08-01 -1234.50|2026-08-02 -5.00|2026-08-03 5.00", "1234.50+-1234.50=0 true", ""},
		{"thousands separators", head + "2026-08-01,\"1,234,567.89\",\"1,234,567.89\",a,\n", "2026-08-01 1234567.89", "true", ""},
		{"currency before and behind", head + "2026-08-01,¥12.00,12.00元,a,\n2026-08-01,-¥2.00,CNY 10.00,b,\n2026-08-01,12.00,22.00,c,\n", "2026-08-01 12.00|2026-08-01 -2.00|2026-08-01 12.00", "0.00+22.00=22.00 true", ""},
		{"lines above the header", strings.Repeat("说明文字\n", 18) + head + "2026-08-01,1.00,1.00,a,\n", "2026-08-01 1.00", "true", ""},
		{"columns in another order, with one more", "摘要,新列,余额,金额,日期\nx,y,1.00,1.00,2026-08-01\n", "2026-08-01 1.00", "true", ""},
		{"totals behind the rows", head + "2026-08-01,3.00,3.00,a,\n2026-08-01,-1.00,2.00,b,\n人民币合计,,,,\n支出总金额：1.00元,收入总金额：3.00,,,\n", "2026-08-01 3.00|2026-08-01 -1.00", "true", ""},
		{"page headers repeated", head + "2026-08-01,1.00,1.00,a,\n本页小计,1.00,,,\n" + head + "2026-08-02,2.00,3.00,b,\n", "2026-08-01 1.00|2026-08-02 2.00", "true", ""},
		{"count printed as 20.0", head + "2026-08-01,1.00,1.00,a,\n总笔数：1.0,,,,\n", "2026-08-01 1.00", "true", ""},
		{"opening and closing as rows", head + "期初余额,,5.00,,\n2026-08-01,1.00,6.00,a,\n期末余额,,6.00,,\n", "2026-08-01 1.00", "5.00+1.00=6.00 true", ""},
		{"trailing comma and ragged rows", "日期,金额,余额,流水号,摘要,\n2026-08-01,1.00,1.00,a,x,\n2026-08-02,1.00,2.00\n", "2026-08-01 1.00|2026-08-02 1.00", "true", ""},
		{"empty day", "账号：6222000011112222\n期初余额：5.00,期末余额：5.00\n" + head + "合计,0.00,,,\n", "", "6222000011112222 CNY .. 5.00+0.00=5.00 true", ""},
		{"newest first", head + "2026-08-02,-2.00,8.00,b,\n2026-08-01,10.00,10.00,a,\n", "2026-08-02 -2.00|2026-08-01 10.00", "2026-08-01..2026-08-02 0.00+8.00=8.00 true", ""},
		{"a row is missing", head + "2026-08-01,10.00,10.00,a,\n2026-08-03,-1.00,7.00,c,\n", "2026-08-01 10.00|2026-08-03 -1.00", "false", "profile.chain bankfile.unbalanced"},
		{"equal rows stay two", head + "2026-08-01,1.00,1.00,a,\n2026-08-01,1.00,2.00,a,\n", "2026-08-01 1.00|2026-08-01 1.00", "true", ""},
		{"interest without counterparty", head + "2026-06-21,0.37,0.37,,结息\n", "2026-06-21 0.37", "true", ""},
		{"merged account cells", "账号,日期,金额,余额\n111,2026-08-01,1.00,1.00\n,2026-08-01,1.00,2.00\n222,2026-08-01,5.00,5.00\n", "2026-08-01 1.00|2026-08-01 1.00|2026-08-01 5.00", "222 CNY 2026-08-01..2026-08-01 0.00+5.00=5.00 true", ""},
		{"year missing", "期间：2025-12-01 至 2026-01-31\n" + head + "12/31,1.00,1.00,a,\n01/02,1.00,2.00,b,\n", "2025-12-31 1.00|2026-01-02 1.00", "true", ""},
		{"text below the table", head + "2026-08-01,1.00,1.00,a,\n打印时间：今天,,,,\n", "2026-08-01 1.00", "true", "profile.passed_over"},
		{"tabs between cells", strings.ReplaceAll(head, ",", "\t") + "2026-08-01\t=\"1.00\"\t1.00\t=\"0012\"\t\n", "2026-08-01 1.00", "true", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := plain + "dates: [yyyy-MM-dd, MM/dd]\n"
			got, err := read(mustParse(t, text), strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if e := strings.Join(got.entries, "|"); e != test.entries {
				t.Errorf("entries: got %s, want %s", e, test.entries)
			}
			if h := got.heads[len(got.heads)-1]; !strings.HasSuffix(h, test.statement) {
				t.Errorf("statement: got %s, want %s", h, test.statement)
			}
			if w := strings.Join(got.warnings, " "); w != test.warnings {
				t.Errorf("warnings: got %s, want %s", w, test.warnings)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no header", "a,b\n1,2\n", "profile.header"},
		{"nothing", "", "profile.header"},
		{"JSON in the place of a file", `{"code":"NO_DATA"}`, "profile.header"},
		{"old Excel named csv", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on", "xls.damaged"},
		{"damaged workbook", "PK\x03\x04 and so on", "profile.workbook"},
		{"refund within the amount", head + "2026-08-01,131.77(已退款89.84),1.00,a,\n", "profile.amount"},
		{"spoilt amount", head + "2026-08-01,1O.00,1.00,a,\n", "profile.amount"},
		{"thousands in the wrong place", head + "2026-08-01,\"1,2345.00\",1.00,a,\n", "profile.amount"},
		{"spoilt balance", head + "2026-08-01,1.00,x,a,\n", "profile.amount"},
		{"spoilt date", head + "2026-02-30,1.00,1.00,a,\n", "profile.date"},
		{"spoilt date beside a label", head + "2026-02-30,1.00,1.00,a,账号：123 收入总金额：1.00\n", "profile.date"},
		{"totals under a word that is not known", head + "2026-08-01,1.00,1.00,a,\n全部,1.00,,,\n", "profile.date"},
		{"date without amount", head + "2026-08-01,,1.00,a,\n", "profile.no_amount"},
		{"wrong total", head + "2026-08-01,1.00,1.00,a,\n收入总金额：2.00,,,,\n", "profile.total"},
		{"wrong total above the table", "支出总金额：2.00\n" + head + "2026-08-01,-2.01,1.00,a,\n", "profile.total"},
		{"wrong count", head + "2026-08-01,1.00,1.00,a,\n总笔数：2,,,,\n", "profile.total"},
		{"digits that a spreadsheet lost", head + "2026-08-01,1.00,1.00,4.20000E+27,\n", "profile.digits"},
		{"a comma moved the columns", head + "2026-08-01,1.00,1.00,a,x,y\n", "profile.cells"},
		{"open quote", head + "2026-08-01,1.00,1.00,\"a,x\n", "profile.row"},
		{"column twice", "日期,金额,金额\n2026-08-01,1.00,2.00\n", "profile.twice"},
		{"bytes that are no text", "日期,金额,余额\n2026-08-01,1.00,\xFF\xFE\n", "bill.encoding"},
		{"line too long", head + strings.Repeat("x", 70<<10), "lines.long"},
		{"unknown currency", "币种,日期,金额\n贝壳,2026-08-01,1.00\n", "profile.currency"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := read(mustParse(t, plain), strings.NewReader(test.text)); codes(err) != test.want {
				t.Errorf("got %q (%v), want %q", codes(err), err, test.want)
			}
		})
	}
}

func TestEncodings(t *testing.T) {
	text := head + "2026-08-01,1.00,1.00,a,门店\n"
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide := func(order unicode.Endianness, mark unicode.BOMPolicy) string {
		s, err := unicode.UTF16(order, mark).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, test := range []struct{ name, option, text, want string }{
		{"UTF-8", "auto", text, "utf-8"},
		{"GBK", "auto", gbk, "gb18030"},
		{"GBK as the profile says", "gb18030", gbk, "gb18030"},
		{"UTF-16 with a mark", "auto", wide(unicode.LittleEndian, unicode.UseBOM), "utf-16"},
		{"UTF-16 big end first", "auto", wide(unicode.BigEndian, unicode.UseBOM), "utf-16"},
		{"UTF-16 without a mark, as the profile says", "utf-16", wide(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16"},
	} {
		got, err := read(mustParse(t, plain+"encoding: "+test.option+"\n"), strings.NewReader(test.text))
		if err != nil || got.encoding != test.want || len(got.full) != 1 || got.full[0].Remark != "门店" {
			t.Errorf("%s: got %s %+v, %v", test.name, got.encoding, got.full, err)
		}
	}
}

// Widths are counted in bytes of GBK, where a Chinese character is two; amounts are fen.
func TestFixedWidthsCountBytesOfGBK(t *testing.T) {
	p := mustParse(t, `
name: fixed
fields: [{name: 日期, bytes: 8}, {name: 户名, bytes: 10}, {name: 方向, bytes: 1}, {name: 金额, bytes: 8}]
columns: {date: [日期], counterparty_name: [户名], direction: [方向], amount: [金额]}
sign: {rule: direction, credit: ["1"], debit: ["2"]}
unit: fen
dates: [yyyyMMdd]
comment: "#"
`)
	text, err := simplifiedchinese.GB18030.NewEncoder().String("#说明\n20260801门店甲乙丙100001234\n20260802甲        200000100\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(p, strings.NewReader(text))
	if err != nil || strings.Join(got.entries, "|") != "2026-08-01 12.34|2026-08-02 -1.00" || got.full[0].CounterpartyName != "门店甲乙丙" {
		t.Errorf("got %v %+v, %v", got.entries, got.full, err)
	}
}

func TestSigns(t *testing.T) {
	columns := "name: p\ncolumns: {date: [d], debit: [借], credit: [贷], reversal: [冲]}\nsign: {rule: columns, reversal: [X, '*']}\n"
	direction := "name: p\ncolumns: {date: [d], amount: [a], direction: [借贷]}\nsign: {rule: direction, debit: [借 Dr, 支], credit: [贷 Cr, 收]}\n"
	for _, test := range []struct{ name, profile, text, want string }{
		{"debit and credit", columns, "d,借,贷\n2026-08-01,1.00,\n2026-08-01,--,2.00\n2026-08-01,0.00,3.00\n2026-08-01,4.00,0.00\n", "-1.00 2.00 3.00 -4.00"},
		{"red letters", columns, "d,借,贷\n2026-08-01,-1.00,\n2026-08-01,,-2.00\n", "1.00R -2.00R"},
		{"mark of reversal", columns, "d,借,贷,冲\n2026-08-01,,-2.00,X\n2026-08-01,1.00,,*\n2026-08-01,1.00,,\n", "-2.00R -1.00R -1.00"},
		{"both", columns, "d,借,贷\n2026-08-01,1.00,1.00\n", "profile.both"},
		{"direction", direction, "d,a,借贷\n2026-08-01,1.00,贷 Cr\n2026-08-01,1.00,借Dr\n2026-08-01,-1.00,支\n", "1.00 -1.00 1.00R"},
		{"unknown direction", direction, "d,a,借贷\n2026-08-01,1.00,\n", "profile.direction"},
		{"positive is an expense", "name: p\ncolumns: {date: [d], amount: [a]}\nsign: {rule: signed, invert: true}\n", "d,a\n2026-08-01,1.00\n2026-08-01,-1.00\n", "-1.00 1.00"},
	} {
		got, err := read(mustParse(t, test.profile), strings.NewReader(test.text))
		text := strings.TrimSpace(strings.ReplaceAll(" "+strings.Join(got.entries, " "), " 2026-08-01", ""))
		if err != nil {
			text = codes(err)
		}
		if text != test.want {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
	}
}

func TestAdvisoryTotalIsAWarning(t *testing.T) {
	p := mustParse(t, strings.Replace(plain, "totals: {", "totals: {advisory: true, ", 1))
	got, err := read(p, strings.NewReader("收入总金额：2.00\n"+head+"2026-08-01,1.00,1.00,a,\n"))
	if err != nil || strings.Join(got.warnings, " ") != "profile.total" || got.agree != "false " {
		t.Errorf("got %v %s, %v", got.warnings, got.agree, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":         {plain + "colour: red\n", "profile.yaml"},
		"no YAML":             {"a: [", "profile.yaml"},
		"name":                {strings.Replace(plain, "name: plain", "name: A b", 1), "profile.name"},
		"unit":                {plain + "unit: jiao\n", "profile.option"},
		"separator":           {plain + "separator: '||||'\n", "profile.option"},
		"no date":             {strings.Replace(plain, "date: [日期]", "time: [日期]", 1), "profile.needs"},
		"no debit":            {strings.Replace(plain, "rule: signed", "rule: columns", 1), "profile.needs"},
		"layout":              {plain + "dates: [DD.MM.YYYY]\n", "profile.layout"},
		"day or month":        {plain + "dates: [dd/MM/yyyy, MM/dd/yyyy]\n", "profile.day_or_month"},
		"widths of some only": {plain + "fields: [{name: a, bytes: 1}, {name: b}]\n", "profile.fields"},
		"large":               {plain + strings.Repeat("#", 70<<10), "profile.large"},
		"many spellings":      {strings.Replace(plain, "[日期]", "["+strings.Repeat("x,", 70)+"y]", 1), "profile.columns"},
	} {
		if _, err := profile.Parse("p.yaml", []byte(test.text)); fault.CodeOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// A fault of a profile names the line to go to: the key's, the wrong value's in a
// list, or, of a key that is missing, that of the key above it.
func TestParseNamesTheLine(t *testing.T) {
	const good = "name: x\ntitle: t\nunit: yuan\ncolumns:\n  date: [日期]\n  amount: [金额]\nsign:\n  rule: signed\ndates:\n  - yyyyMMdd\n  - yyyy-MM-dd\n"
	for name, test := range map[string]struct {
		from, to, code, field string
		line                  int
	}{
		"unknown key":        {"unit: yuan", "colour: red", "profile.yaml", "", 3},
		"no YAML":            {"  amount: [金额]", "  amount: [金额", "profile.yaml", "", 7}, // where it cannot go on
		"a tab":              {"  amount", "\tamount", "profile.yaml", "", 6},
		"name":               {"name: x", "name: X Y", "profile.name", "name", 1},
		"no name":            {"name: x\n", "", "profile.name", "name", 1},
		"unit":               {"unit: yuan", "unit: jiao", "profile.option", "unit", 3},
		"rule":               {"rule: signed", "rule: some", "profile.option", "sign.rule", 8},
		"a column":           {"  date: [日期]\n", "", "profile.needs", "date", 4},
		"an empty column":    {"amount: [金额]", "amount: []", "profile.needs", "amount", 6},
		"words of direction": {"rule: signed", "rule: direction\n  credit: [贷]", "profile.needs", "direction", 4},
		"one layout of two":  {"yyyy-MM-dd", "DD.MM.YYYY", "profile.layout", "dates", 11},
	} {
		text := strings.Replace(good, test.from, test.to, 1)
		_, err := profile.Parse("p.yaml", []byte(text))
		f := fault.Of(err)
		if f == nil || f.Code != test.code || f.File != "p.yaml" || f.Line != test.line || f.Field != test.field {
			t.Errorf("%s: %+v, want %s line %d field %q", name, f, test.code, test.line, test.field)
		}
	}
}

func TestSourceErrorComesBackAsItIs(t *testing.T) {
	r, w := io.Pipe()
	broken := errors.New("disk")
	go func() { _ = w.CloseWithError(broken) }()
	if _, err := read(mustParse(t, plain), r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
