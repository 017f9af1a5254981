package lines_test

import (
	"bytes"
	"strings"
	"testing"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// all reads every line, and returns them with the error.
func all(r *lines.Reader) ([]string, error) {
	var out []string
	for r.Next() {
		out = append(out, string(r.Line()))
	}
	return out, r.Err()
}

func TestEncodings(t *testing.T) {
	const door = "\xC3\xC5\xB5\xEA" // 门店 in GBK
	tests := []struct {
		name     string
		text     string
		encoding string
		want     string // lines joined by |
		line     int    // of the fault bill.encoding; 0 where there is none
		offset   int
	}{
		{"ASCII", "a\nb", "utf-8", "a|b", 0, 0},
		{"UTF-8", "门\r\nb\r\n", "utf-8", "门|b", 0, 0},
		{"mark", "\uFEFFa\n", "utf-8", "a", 0, 0},
		{"mark twice", "\uFEFF\uFEFFa\n", "utf-8", "a", 0, 0},
		{"GBK", "a\n" + door + "\n", "gb18030", "a|门店", 0, 0},
		{"GBK after ASCII decides for what looks like UTF-8", door + "\n\xC1\xAA\xCD\xA8\n", "gb18030", "门店|联通", 0, 0},
		{"four bytes", door + "\x81\x39\xEE\x39\n", "gb18030", "门店㐀", 0, 0},
		{"GBK line in a UTF-8 file", "门\nab" + door + "\nc\n", "utf-8", "门|c", 2, 2},
		{"lone byte at the end", "a" + door + "\xC3\nb\n", "gb18030", "b", 1, 5},
		{"0xFF in GBK", door + "\n" + door + "x\xFF\n", "gb18030", "门店", 2, 5},
		{"unassigned four bytes", door + "\n\xFE\x39\xFE\x39\n", "gb18030", "门店", 2, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := lines.NewReader("f", strings.NewReader(test.text))
			got, err := all(r)
			if s := strings.Join(got, "|"); s != test.want || r.Encoding() != test.encoding {
				t.Errorf("got %s in %s, want %s in %s", s, r.Encoding(), test.want, test.encoding)
			}
			f := fault.Of(err)
			if (f != nil) != (test.line > 0) {
				t.Fatalf("got %v", err)
			}
			if f != nil && (f.Code != "bill.encoding" || f.Line != test.line || f.Args[0] != test.offset) {
				t.Errorf("got %v, want line %d, offset %d", f, test.line, test.offset)
			}
		})
	}
}

func TestOwnFilesAreUTF8(t *testing.T) {
	_, err := all(lines.NewUTF8Reader("f", strings.NewReader("a\n\xC3\xC5\n")))
	if f := fault.Of(err); f == nil || f.Code != "orders.encoding" || f.Line != 2 {
		t.Errorf("got %v", err)
	}
}

func TestLineLimit(t *testing.T) {
	fits := strings.Repeat("x", lines.MaxLine-1)
	if got, err := all(lines.NewReader("f", strings.NewReader(fits+"\nb\n"))); err != nil || len(got) != 2 {
		t.Errorf("a line of the limit: %d lines, %v", len(got), err)
	}
	_, err := all(lines.NewReader("f", strings.NewReader("a\nx"+fits+"\nb\n")))
	if f := fault.Of(err); f == nil || f.Code != "lines.long" || f.Line != 2 {
		t.Errorf("a line over the limit: %v", err)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		line string
		want string // cells joined by |
		ok   bool
	}{
		{``, ``, true},
		{`a,b`, `a|b`, true},
		{`a,`, `a|`, true},
		{`,`, `|`, true},
		{`"a,b",c`, `a,b|c`, true},
		{`"a""b",c`, `a"b|c`, true},
		{`"",c`, `|c`, true},
		{"\"1\"\t,\"2\"\t,\"/\"", `1|2|/`, true}, // a real bill: three cells, not one
		{"\t\"1\" ,2", `1|2`, true},
		{`12"x,b`, `12"x|b`, true},
		{`"a`, ``, false},
		{`"a"b,c`, ``, false},
		{`"a",`, `a|`, true},
	}
	for _, test := range tests {
		cells, ok := lines.Split(nil, []byte(test.line))
		if got := string(bytes.Join(cells, []byte("|"))); ok != test.ok || ok && got != test.want {
			t.Errorf("%s: got %s, %v", test.line, got, ok)
		}
	}
}

func TestSplitTicked(t *testing.T) {
	for line, want := range map[string]string{
		"`a,`b":       "`a|`b",
		"`a,b,`c":     "`a,b|`c",
		"`a,":         "`a,",
		"`,`":         "`|`",
		"`a, b,c ,`,": "`a, b,c |`,",
	} {
		if got := string(bytes.Join(lines.SplitTicked(nil, []byte(line)), []byte("|"))); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for cell, want := range map[string]string{
		"":            "",
		"`1":          "1",
		" \t1\t ":     "1",
		"` 1\t":       "1",
		`="123"`:      "123",
		"`=\"0012\"":  "0012",
		`="`:          `="`,
		"a b":         "a b",
		"``x":         "`x",
		"\t`1900\t\t": "1900",
	} {
		if got := string(lines.Clean([]byte(cell))); got != want {
			t.Errorf("%q: got %q, want %q", cell, got, want)
		}
	}
}

func TestAmount(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "12.30": "12.30", "-1.20000": "-1.20000", "+5": "5", "9999999999.99999": "9999999999.99999",
		"": "", ".": "", ".5": "", "5.": "", "-": "", "1,000.00": "", "1e3": "", "10000000000": "", "1.000000": "",
		"1.2.3": "", "--1": "", "１": "", " 1": "", "-10000000000.00": "", "0.12345": "0.12345",
	} {
		x, ok := lines.Amount([]byte(text))
		if ok != (want != "") || ok && x.String() != want {
			t.Errorf("%q: got %s, %v", text, x, ok)
		}
	}
}

func TestID(t *testing.T) {
	for id, want := range map[string]bool{
		"W1": true, "a-b_c|*@d": true, strings.Repeat("9", 64): true, "E+1": true, "1E2": true, "AE+27": true,
		"": false, "a b": false, "a,b": false, "a\"b": false, "`a": false, "订单": false, "a\x00": false,
		strings.Repeat("9", 65): false, "4.2E+27": false, "4E+27": false,
	} {
		if lines.ID([]byte(id)) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "20": 20, "20.0": 20, "20.5": -1, "-1": -1, "": -1, "x": -1, "9999999999": -1} {
		n, ok := lines.Count([]byte(text))
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: got %d, %v", text, n, ok)
		}
	}
}

func TestTime(t *testing.T) {
	want := bizdate.MustParse("2024-02-29").At(23, 59)
	if got, ok := lines.Time([]byte("2024-02-29 23:59:00")); !ok || !got.Equal(want) {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, bad := range []string{
		"", "2026-02-29 10:00:00", "2026-13-01 10:00:00", "2026-00-01 10:00:00", "2026-01-00 10:00:00", "2026-01-01 24:00:00",
		"2026-01-01 10:60:00", "2026-01-01 10:00:60", "2026-01-01T10:00:00", "2026/01/01 10:00:00", "2026-01-01 10:00",
		"2026-01-01 10:00:0x", "0000-01-01 10:00:00", "2026-01-01 10:00:000",
	} {
		if got, ok := lines.Time([]byte(bad)); ok {
			t.Errorf("%s: got %v", bad, got)
		}
	}
}

func TestErrorBody(t *testing.T) {
	tests := []struct{ body, code, words string }{
		{"<xml><return_msg><![CDATA[No Bill Exist]]></return_msg></xml>", "bill.none", ""},
		{"  {\"code\":\"NO_STATEMENT_EXIST\"}", "bill.none", ""},
		{"NO_BILL", "bill.none", ""},
		{"<xml><return_msg>invalid bill_type</return_msg></xml>", "bill.refused", "invalid bill_type"},
		{`{"sub_code":"isv.invalid-date","sub_msg":"日期无效"}`, "bill.refused", "日期无效"},
		{"<html>502</html>", "bill.refused", "<html>502</html>"},
	}
	for _, test := range tests {
		body, ok := lines.NewReader("f", strings.NewReader(test.body)).ErrorBody()
		if !ok {
			t.Errorf("%s: not seen", test.body)
			continue
		}
		if f := fault.Of(lines.Refusal("f", body)); f.Code != test.code || f.Value != test.words {
			t.Errorf("%s: got %v", test.body, f)
		}
	}
	if _, ok := lines.NewReader("f", strings.NewReader("a,b\n")).ErrorBody(); ok {
		t.Error("a table was taken for an error body")
	}
}
