package xls_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles/xls"
	"custody/internal/fault"
)

// rows of a workbook: their number and their cells between bars.
func rows(file []byte) ([]string, error) {
	book, err := xls.Open("x.xls", bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var out []string
	for book.Next() {
		out = append(out, fmt.Sprintf("%d:%s", book.Number(), bytes.Join(book.Cells(), []byte("|"))))
	}
	return out, book.Err()
}

func TestCells(t *testing.T) {
	b := &builder{formats: map[uint16]string{
		164: `yyyy"年"m"月"d"日"`, 165: `#,##0.00"d"`, 166: `[Red]0.00;[Red]-0.00`, 167: `[h]:mm:ss`, 168: `h:mm;@`, 169: `dd\/mm\/yyyy`},
		styles: []uint16{14, 164, 165, 166, 167, 168, 169, 22, 31, 2, 21}}
	for _, test := range []struct {
		name string
		cell []byte
		want string
	}{
		{"text", b.text(0, 0, "货款 é"), "货款 é"},
		{"text of one byte a character", b.raw(0, 0, narrow("Caf\xE9")), "Café"},
		{"text with fonts", b.raw(0, 0, append(append([]byte{2, 0, 0x08, 1, 0}, "ab"...), 1, 0, 2, 0)), "ab"},
		{"text with phonetic signs", b.raw(0, 0, append([]byte{1, 0, 0x05, 3, 0, 0, 0, 0x2A, 0x4E}, 7, 7, 7)), "个"},
		{"text with both", b.raw(0, 0, append([]byte{1, 0, 0x0C, 1, 0, 2, 0, 0, 0, 'x'}, 1, 1, 1, 1, 9, 9)), "x"},
		{"text in its cell", rec(0x0204, cellAt(0, 0, 0), wide("直接")), "直接"},
		{"text in its cell with fonts", rec(0x00D6, cellAt(0, 0, 0), narrow("rich"), u16(1), u32(0)), "rich"},
		{"number", number(0, 0, 0, 131.77), "131.77"},
		{"large number", number(0, 0, 0, 999999999999.99), "999999999999.99"},
		{"number of more than 15 digits", number(0, 0, 0, 6222020000001234567), "6.222020000001235E+18"},
		{"number that is none", rec(0x0203, cellAt(0, 0, 0), u32(0), u32(0x7FF80000)), "#ERR"},
		{"whole number in 30 bits", rec(0x027E, cellAt(0, 0, 0), u32(0xFFFFFFDA)), "-10"},
		{"hundredths in 30 bits", rec(0x027E, cellAt(0, 0, 0), u32(13177<<2|3)), "131.77"},
		{"hundredths below zero", rec(0x027E, cellAt(0, 0, 0), u32(0xFFFFFFFF)), "-0.01"},
		{"whole hundredths", rec(0x027E, cellAt(0, 0, 0), u32(20000<<2|3)), "200"},
		{"double in 30 bits", rec(0x027E, cellAt(0, 0, 0), u32(0x3FF80000)), "1.5"},
		{"double in hundredths", rec(0x027E, cellAt(0, 0, 0), u32(0x40590001)), "1"},
		{"true", rec(0x0205, cellAt(0, 0, 0), []byte{1, 0}), "TRUE"},
		{"error", rec(0x0205, cellAt(0, 0, 0), []byte{0x2A, 1}), "#ERR42"},
		{"formula of a number", rec(0x0006, cellAt(0, 0, 0), f64(-2.5), make([]byte, 8)), "-2.5"},
		{"formula of a text", append(rec(0x0006, cellAt(0, 0, 0), []byte{0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, make([]byte, 8)), rec(0x0207, wide("公式"))...), "公式"},
		{"formula of a text, shared", append(append(rec(0x0006, cellAt(0, 0, 0), []byte{0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, make([]byte, 8)), rec(0x04BC, make([]byte, 8))...), rec(0x0207, wide("x"))...), "x"},
		{"formula of a truth", rec(0x0006, cellAt(0, 0, 0), []byte{1, 0, 0, 0, 0, 0, 0xFF, 0xFF}, make([]byte, 8)), "FALSE"},
		{"formula of nothing", rec(0x0006, cellAt(0, 0, 0), []byte{3, 0, 0, 0, 0, 0, 0xFF, 0xFF}, make([]byte, 8)), ""},
		{"day by a known format", number(0, 0, 1, 46235), "2026-08-01T00:00:00"},
		{"day in 30 bits", rec(0x027E, cellAt(0, 0, 1), u32(46235<<2|2)), "2026-08-01T00:00:00"},
		{"day by a format of the file", number(0, 0, 2, 46235), "2026-08-01T00:00:00"},
		{"day with escapes", number(0, 0, 7, 46235.5), "2026-08-01T12:00:00"},
		{"day of a Chinese format", number(0, 0, 9, 46235), "2026-08-01T00:00:00"},
		{"day and time", number(0, 0, 8, 46235.641701388886), "2026-08-01T15:24:03"},
		{"second before midnight", number(0, 0, 8, 46235.999999), "2026-08-02T00:00:00"},
		{"day before the leap day that was none", number(0, 0, 1, 59), "1900-02-28T00:00:00"},
		{"day after it", number(0, 0, 1, 61), "1900-03-01T00:00:00"},
		{"amount whose format has a quoted d", number(0, 0, 3, 46235), "46235"},
		{"amount in red", number(0, 0, 4, -46235.25), "-46235.25"},
		{"amount of two decimals", number(0, 0, 10, 46235), "46235"},
		{"hours beyond a day", number(0, 0, 5, 0.641701388886), "15:24:03"},
		{"time", number(0, 0, 6, 0.5), "12:00:00"},
		{"time by a known format", number(0, 0, 11, 0.641701388886), "15:24:03"},
		{"day below zero", number(0, 0, 1, -1), "-1"},
		{"style that is not there", number(0, 0, 99, 46235), "46235"},
	} {
		t.Run(test.name, func(t *testing.T) {
			one := *b
			one.sheet(test.cell)
			got, err := rows(one.bytes())
			want := []string{"1:" + test.want}
			if test.want == "" {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestRows(t *testing.T) {
	b := &builder{}
	b.sheet(b.text(4, 2, "c"), b.text(1, 0, "a"), // rows in any order
		rec(0x00BD, u16(1), u16(2), u16(0), u32(1<<2|2), u16(0), u32(250<<2|3), u16(3)), // two numbers
		bof(0x20), number(0, 0, 0, 9), rec(0x000A), // a chart within the sheet
		rec(0x0201, cellAt(7, 0, 0)), b.text(9, 0, ""))
	b.sheet(b.text(0, 0, "次"))
	got, err := rows(b.bytes())
	if diff := cmp.Diff([]string{"2:a||1|2.5", "5:||c", "1:次"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestDaysFrom1904(t *testing.T) {
	b := &builder{late: true, styles: []uint16{14}}
	b.sheet(number(0, 0, 1, 44773))
	got, err := rows(b.bytes())
	if err != nil || len(got) != 1 || got[0] != "1:2026-08-01T00:00:00" {
		t.Errorf("got %v, %v", got, err)
	}
}

// A record is full after 8,224 bytes: a text is cut between any two characters,
// and its second half may be of another width.
func TestTextsThatGoOnInTheNextRecord(t *testing.T) {
	b := &builder{}
	// "对账" in two bytes, then "OK" in one, whose flag stands at the cut
	text := append(append(u16(4), 1), 0xF9, 0x5B, 0x26, 0x8D)
	cell := b.raw(0, 0, append(text, 0, 'O', 'K'))
	b.cutAt = []int{len(text)}
	rest := b.raw(0, 1, narrow("next"))
	b.cutAt = append(b.cutAt, len(text)+3) // and between two texts
	rich := append(append([]byte{2, 0, 0x08, 3, 0}, "ab"...), make([]byte, 12)...)
	fonts := b.raw(0, 2, rich)
	b.cutAt = append(b.cutAt, len(b.shared)-8) // and within the fonts of a text
	b.sheet(cell, rest, fonts, b.text(0, 3, "末"))
	got, err := rows(b.bytes())
	if diff := cmp.Diff([]string{"1:对账OK|next|ab|末"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestRefused(t *testing.T) {
	plain := func(change func(*builder)) []byte {
		b := &builder{}
		change(b)
		b.sheet(b.text(0, 0, "a"))
		return b.bytes()
	}
	none := &builder{}
	many := &builder{}
	for range xls.MaxSheets + 1 {
		many.sheets = append(many.sheets, nil)
	}
	lost := &builder{}
	lost.sheet(rec(0x00FD, cellAt(3, 0, 0), u32(7)))
	half := &builder{}
	half.sheet(rec(0x0203, cellAt(3, 0, 0), u16(1)))
	far := &builder{}
	far.sheet(far.text(0, 256, "x"))
	whole := plain(func(*builder) {})
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing behind the mark", xls.Mark, "xls.damaged"},
		{"of before 1997", plain(func(b *builder) { b.version = 0x0500 }), "xls.too_old"},
		{"of before 1997, its stream named Book", plain(func(b *builder) { b.stream = "Book" }), "xls.too_old"},
		{"locked", plain(func(b *builder) { b.locked = true }), "xls.encrypted"},
		{"locked, of after 2007", plain(func(b *builder) { b.stream = "EncryptedPackage" }), "xls.encrypted"},
		{"a Word document", plain(func(b *builder) { b.stream = "WordDocument" }), "xls.no_workbook"},
		{"no sheet", none.bytes(), "xls.no_workbook"},
		{"too many sheets", many.bytes(), "xls.sheets"},
		{"a text that is not there", lost.bytes(), "xls.damaged"},
		{"a number cut off", half.bytes(), "xls.damaged"},
		{"a column that cannot be", far.bytes(), "xls.damaged"},
		{"cut off", whole[:len(whole)-4096], "xls.damaged"},
		{"too large", append(bytes.Clone(whole), make([]byte, xls.MaxFile)...), "xls.large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := rows(test.file); fault.CodeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestErrorsOfTheSourceComeBack(t *testing.T) {
	want := errors.New("disk")
	if _, err := xls.Open("x", iotest.ErrReader(want)); err != want {
		t.Errorf("got %v", err)
	}
}

// A workbook that LibreOffice wrote from a table of ours.
func TestWorkbookOfAnotherProgram(t *testing.T) {
	file, err := os.ReadFile("testdata/libreoffice.xls")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1:交易日期|交易时间|借方|贷方|余额|对方账号|摘要",
		"2:2026-08-01T00:00:00|15:24:03||1000.5|1000.5|6222020000001234567|货款",
		"3:2026-08-02T00:00:00|09:00:00|0.5||1000|00123|Café 费"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Where LibreOffice is installed it reads what the builder of these tests writes
// as the reader does: both follow the layout, not each other.
func TestAnotherProgramReadsTheBuilder(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil || testing.Short() {
		t.Skip("LibreOffice (soffice) is not installed, or the run is short")
	}
	b := &builder{styles: []uint16{14}}
	b.sheet(b.text(0, 0, "日期"), b.text(0, 1, "金额"), number(1, 0, 1, 46235), rec(0x027E, cellAt(1, 1, 0), u32(13177<<2|3)),
		rec(0x00BD, u16(2), u16(0), u16(0), u32(1<<2|2), u16(0), u32(0x3FF80000), u16(1)))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.xls"), b.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(office, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", dir, filepath.Join(dir, "b.xls"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	csv, err := os.ReadFile(filepath.Join(dir, "b.csv"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(csv)), "\n")
	if len(got) != 3 || got[0] != "日期,金额" || !strings.HasSuffix(got[1], ",131.77") || !strings.Contains(got[1], "26") || got[2] != "1,1.5" {
		t.Errorf("got %q", got)
	}
}

// A byte changed anywhere, or the end cut off: read or refused by a fault.
func TestDamaged(t *testing.T) {
	b := &builder{styles: []uint16{14}}
	b.sheet(b.text(0, 0, "日期"), number(1, 0, 1, 46235))
	whole := b.bytes()
	refused := 0
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0xFF
		for _, file := range [][]byte{bad, whole[:i]} {
			if _, err := rows(file); err != nil {
				if refused++; fault.Of(err) == nil {
					t.Fatalf("byte %d: %v is no fault", i, err)
				}
			}
		}
	}
	if refused < len(whole)/2 {
		t.Errorf("only %d were refused", refused)
	}
}

func FuzzRead(f *testing.F) {
	b := &builder{styles: []uint16{14}}
	b.sheet(b.text(0, 0, "日期"), number(1, 0, 1, 46235), rec(0x0006, cellAt(1, 1, 0), []byte{0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, make([]byte, 8)), rec(0x0207, wide("x")))
	f.Add(b.bytes())
	if file, err := os.ReadFile("testdata/libreoffice.xls"); err == nil {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		// The stream alone is the harder half: wrapped anew it is reached by every change.
		for _, whole := range [][]byte{file, compound("Workbook", file)} {
			got, err := rows(whole)
			if err != nil && fault.Of(err) == nil {
				t.Fatalf("%v is no fault", err)
			}
			for _, r := range got {
				if len(r) > 16+xls.MaxColumns*(1<<17) {
					t.Fatal("a row without bounds")
				}
			}
		}
	})
}
