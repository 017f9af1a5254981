package profile_test

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"custody/bankfiles/profile"
	"custody/internal/fault"
)

// What banks call .xls, and the separators of text.
func TestForms(t *testing.T) {
	const want = "2026-08-01 1.00|2026-08-02 -2.00"
	for _, test := range []struct{ name, text, want string }{
		{"HTML with spans, breaks and entities", `<!DOCTYPE html><table><tr><td colspan=3>对账单<br>2026</td></tr>
			<tr><th>日期</th><th>金&nbsp;额</th><th>余额</th></tr><tr><td>2026-08-01</td><td>&yen;1.00</td><td>1.00</td></tr>
			<tr><td>2026-08-02</td><td> -2.00 </td><td>-1.00</td></tr></table>`, want},
		{"HTML without ends of rows and cells", "<table><tr><td>日期<td>金额<td>余额<tr><td>2026-08-01<td>1.00<td>1.00<tr><td>2026-08-02<td>-2.00<td>-1.00", want},
		{"XML of Excel 2003", `<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns:ss="urn"><Worksheet><Table>
			<Row><Cell><Data>日期</Data></Cell><Cell ss:Index="3"><Data>金额</Data></Cell><Cell><Data>余额</Data></Cell></Row>
			<Row><Cell><Data>2026-08-01T00:00:00</Data></Cell><Cell ss:Index="3"><Data>1.00</Data></Cell><Cell><Data>1.00</Data></Cell></Row>
			<Row><Cell><Data>2026-08-02</Data></Cell><Cell ss:Index="3"><Data>-2.00</Data></Cell><Cell><Data>-1.00</Data></Cell></Row></Table></Worksheet></Workbook>`, want},
		{"semicolons", "日期;金额;余额\n2026-08-01;1.00;1.00\n2026-08-02;-2.00;-1.00\n", want},
		{"bars", "日期|金额|余额\n2026-08-01|1.00|1.00\n2026-08-02|-2.00|-1.00\n", want},
		{"control character", "日期\x01金额\x01余额\n2026-08-01\x011.00\x011.00\n2026-08-02\x01-2.00\x01-1.00\n", want},
		{"CR and LF, no final line end", "日期,金额,余额\r\n2026-08-01,1.00,1.00\r\n2026-08-02,-2.00,-1.00", want},
		{"HTML with a cell too long", "<table><tr><td>" + strings.Repeat("x", 70<<10), "lines.long"},
		{"HTML without a table", "<html><body>请重新登录</body></html>", "profile.header"},
	} {
		got, err := read(mustParse(t, plain+"dates: [yyyy-MM-dd]\n"), strings.NewReader(test.text))
		text := strings.Join(got.entries, "|")
		if err != nil {
			text = codes(err)
		}
		if text != test.want || err == nil && len(got.warnings) > 0 {
			t.Errorf("%s: got %s, %v, want %s", test.name, text, got.warnings, test.want)
		}
	}
}

func TestSeparatorOfSeveralCharacters(t *testing.T) {
	got, err := read(mustParse(t, plain+"separator: '|^|'\n"), strings.NewReader("日期|^|金额|^|余额\n2026-08-01|^|1.00|^|1.00\n"))
	if err != nil || strings.Join(got.entries, "|") != "2026-08-01 1.00" {
		t.Errorf("got %v, %v", got.entries, err)
	}
}

// A cover sheet before the table and a second sheet with the same header are read;
// nothing is left in a sheet that nobody looked at.
func TestEverySheetIsRead(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	put := func(sheet, text string) {
		for i, line := range strings.Split(text, "\n") {
			at, err := excelize.CoordinatesToCellName(1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			cells := strings.Split(line, ",")
			if err := book.SetSheetRow(sheet, at, &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"八月", "九月"} {
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
	}
	put("Sheet1", "账号：6222000011112222")
	put("八月", "日期,金额,余额\n2026-08-01,1.00,1.00")
	put("九月", "摘要,日期,金额,余额\nx,2026-09-01,-3.00,-2.00")
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := read(mustParse(t, plain), &b)
	if err != nil || len(got.heads) != 1 || got.heads[0] != "profile:plain 6222000011112222 CNY 2026-08-01..2026-09-01 0.00+-2.00=-2.00 true" {
		t.Errorf("got %v %v, %v", got.heads, got.entries, err)
	}
}

// A workbook with a byte changed anywhere, or cut off, is read or refused by a fault.
func TestDamagedWorkbooks(t *testing.T) {
	whole := sheetOf(t, "日期,金额,余额\n2026-08-01,1.00,1.00\n")
	refused := 0
	for i := 0; i < len(whole); i += 61 {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x55
		for _, file := range [][]byte{bad, whole[:i]} {
			if len(file) < 8 {
				continue
			}
			if _, err := read(mustParse(t, plain), bytes.NewReader(file)); err != nil {
				if refused++; codes(err) == "" {
					t.Fatalf("byte %d: %v is no fault", i, err)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// A small workbook that unpacks to more than a statement ever has is refused
// before it is unpacked.
func TestWorkbookThatSwells(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part, err := z.Create("xl/media/image1.png")
	if err != nil {
		t.Fatal(err)
	}
	for range 49 {
		if _, err := part.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := read(mustParse(t, plain), &b); codes(err) != "profile.workbook" || fault.Of(err).Cause != nil {
		t.Errorf("got %v", err)
	}
}

// An old workbook (BIFF8) with days as days and amounts as numbers, written by
// LibreOffice, under any name; and the kinds that are refused with a reason.
func TestOldWorkbooks(t *testing.T) {
	old := string(file(t, "testdata/ccb-corporate.xls"))
	for _, test := range []struct{ name, file, want string }{
		{"old workbook", old, "profile:ccb-corporate 44050000000000001234 CNY 2026-08-01..2026-08-02 0+999.50=999.5 true"},
		{"cut off", old[:len(old)/2], "xls.damaged"},
		{"a Word document", strings.ReplaceAll(old, "W\x00o\x00r\x00k\x00b\x00", "W\x00o\x00r\x00d\x00d\x00"), "xls.no_workbook"},
	} {
		got, err := read(nil, strings.NewReader(test.file))
		text := strings.Join(got.heads, "|")
		if err != nil {
			text = codes(err)
		}
		if text != test.want {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
	}
	if !profile.IsWorkbook([]byte(old)) {
		t.Error("not told by its first bytes")
	}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
