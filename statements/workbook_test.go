package statements_test

import (
	"archive/zip"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/store"
	"custody/statements"
)

var (
	update = flag.Bool("update", false, "write the golden files again")
	keep   = flag.String("keep", "", "folder in which to leave the workbooks, to be looked at")
)

func workbook(t *testing.T, h *home, in statements.WorkbookInput) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := h.db.Read(t.Context(), func(tx *store.Tx) error { return statements.Workbook(t.Context(), tx, in, &out) }); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t *testing.T, raw []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// dump writes every cell that is not empty: raw value, formula, link.
func dump(t *testing.T, f *excelize.File) string {
	t.Helper()
	var b strings.Builder
	for _, name := range f.GetSheetList() {
		fmt.Fprintf(&b, "== %s\n", name)
		rows, err := f.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			var cells []string
			for c, value := range row {
				ref, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if formula, _ := f.GetCellFormula(name, ref); formula != "" {
					value += " {=" + formula + "}"
				}
				if ok, target, _ := f.GetCellHyperLink(name, ref); ok {
					value += " -> " + target
				}
				if value != "" {
					cells = append(cells, ref+": "+strings.ReplaceAll(value, "\n", `\n`))
				}
			}
			if len(cells) > 0 {
				b.WriteString(strings.Join(cells, " | ") + "\n")
			}
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func leave(t *testing.T, name string, raw []byte) {
	t.Helper()
	if *keep != "" {
		if err := os.WriteFile(filepath.Join(*keep, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWorkbookRefusesWhatDoesNotHold(t *testing.T) {
	h := newHome(t)
	for _, c := range []struct {
		name, code string
		spoil      func(*statements.WorkbookInput)
	}{
		{"tie-out of another day", "document.input", func(in *statements.WorkbookInput) { in.TieOut.Date = thursday }},
		{"no tie-out", "document.input", func(in *statements.WorkbookInput) { in.TieOut = nil }},
		{"unknown custody account", "document.custody", func(in *statements.WorkbookInput) { in.Custody = 7 }},
		{"book differs", "document.tieout", func(in *statements.WorkbookInput) { in.TieOut.Book++ }},
		{"channels differ", "document.tieout", func(in *statements.WorkbookInput) { in.TieOut.InTransit++ }},
		{"an item is not listed", "document.tieout", func(in *statements.WorkbookInput) { in.TieOut.PaidNotByBank = nil }},
		{"an item too many", "document.tieout", func(in *statements.WorkbookInput) { in.TieOut.BankPaidOnly = in.TieOut.PaidNotByBank }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := input(lang.ZH)
			c.spoil(&in)
			err := h.db.Read(t.Context(), func(tx *store.Tx) error { return statements.Workbook(t.Context(), tx, in, io.Discard) })
			if got := fault.CodeOf(err); got != c.code {
				t.Errorf("got %q (%v), want %q", got, err, c.code)
			}
		})
	}
}

// TestUnexplainedRestIsPrinted: what is not explained is shown and said, not refused.
func TestUnexplainedRestIsPrinted(t *testing.T) {
	h := newHome(t)
	in := input(lang.EN)
	in.TieOut.PaidNotByBank, in.TieOut.AdjustedBank, in.TieOut.Unexplained = nil, 157780, 2500
	raw := workbook(t, h, in)
	checkFormulas(t, raw)
	text := dump(t, open(t, raw))
	for _, want := range []string{"F12: 25 {=ROUND(F7-F11,2)}", "A13: The lines do NOT agree"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestWorkbookComparesFixedBalances: a closed day's balances and the movements
// since are two ways to one figure.
func TestWorkbookComparesFixedBalances(t *testing.T) {
	for _, column := range []string{"opening_fen", "closing_fen"} {
		h := newHome(t)
		if err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(context.Background(), "UPDATE day_balances SET "+column+" = "+column+" + 1 WHERE accounting_date = ? AND account_id = ?", friday, h.accounts["1001"])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		err := h.db.Read(t.Context(), func(tx *store.Tx) error { return statements.Workbook(t.Context(), tx, input(lang.ZH), io.Discard) })
		if got := fault.CodeOf(err); got != "document.balance" {
			t.Errorf("%s: got %q (%v)", column, got, err)
		}
	}
}

func TestWorkbookGolden(t *testing.T) {
	h := newHome(t)
	for _, l := range []lang.Lang{lang.ZH, lang.EN} {
		raw := workbook(t, h, input(l))
		leave(t, "reconciliation-"+string(l)+".xlsx", raw)
		golden(t, "workbook."+string(l)+".txt", dump(t, open(t, raw)))
	}
}

func TestWorkbookHasTheSameBytesEveryTime(t *testing.T) {
	h := newHome(t)
	first := workbook(t, h, input(lang.ZH))
	for range 5 {
		if !bytes.Equal(first, workbook(t, h, input(lang.ZH))) {
			t.Fatal("two workbooks of the same day differ")
		}
	}
}

var cellXML = regexp.MustCompile(`<c [^>]*?r="([A-Z]+[0-9]+)"([^>]*)>(.*?)</c>`)

// TestEveryFormulaHasItsValue: previewers and Protected View show the value
// that stands in the file and compute nothing. It must be a number, not text.
func TestEveryFormulaHasItsValue(t *testing.T) {
	h := newHome(t)
	checkFormulas(t, workbook(t, h, input(lang.ZH)))
}

func checkFormulas(t *testing.T, raw []byte) {
	t.Helper()
	formulas := 0
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			continue
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cellXML.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(c[3], "<f>") {
				continue
			}
			formulas++
			if !regexp.MustCompile(`<v>-?[0-9]+(\.[0-9]{1,2})?</v>`).MatchString(c[3]) || strings.Contains(c[2], "t=") {
				t.Errorf("%s %s: %s", part.Name, c[1], c[0])
			}
		}
	}
	if formulas == 0 {
		t.Error("there are no formulas")
	}
	recompute(t, open(t, raw), formulas)
}

// recompute has the spreadsheet's own engine compute every formula.
func recompute(t *testing.T, f *excelize.File, want int) {
	t.Helper()
	n := 0
	for _, name := range f.GetSheetList() {
		rows, err := f.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for c, cached := range row {
				ref, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if formula, _ := f.GetCellFormula(name, ref); formula == "" {
					continue
				}
				n++
				got, err := f.CalcCellValue(name, ref, excelize.Options{RawCellValue: true})
				if err != nil {
					t.Errorf("%s!%s: %v", name, ref, err)
					continue
				}
				if x, y := parse(t, got), parse(t, cached); x != y {
					t.Errorf("%s!%s: computed %s, in the file %s", name, ref, got, cached)
				}
			}
		}
	}
	if n != want {
		t.Errorf("%d formulas in the cells, %d in the file", n, want)
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Errorf("%q is not a number", s)
	}
	return v
}

// TestNothingIsAFormulaThatWeDidNotWrite: names and texts of the books that
// begin with = + - @ stay texts.
func TestNothingIsAFormulaThatWeDidNotWrite(t *testing.T) {
	h := newHome(t)
	f := open(t, workbook(t, h, input(lang.ZH)))
	hostile := 0
	for _, name := range f.GetSheetList() {
		rows, err := f.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for c, value := range row {
				ref, _ := excelize.CoordinatesToCellName(c+1, r+1)
				formula, _ := f.GetCellFormula(name, ref)
				if formula != "" && !strings.HasPrefix(formula, "ROUND(") {
					t.Errorf("%s!%s: formula %s", name, ref, formula)
				}
				kind, _ := f.GetCellType(name, ref)
				if value != "" && strings.ContainsAny(value[:1], "=+-@") && formula == "" && kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
					hostile++
					if kind != excelize.CellTypeInlineString {
						t.Errorf("%s!%s: %q is of type %d", name, ref, value, kind)
					}
				}
			}
		}
	}
	if hostile < 4 {
		t.Errorf("only %d hostile texts came through", hostile)
	}
}

func TestLinksLeadToTheirRows(t *testing.T) {
	h := newHome(t)
	f := open(t, workbook(t, h, input(lang.ZH)))
	links := 0
	for _, name := range f.GetSheetList() {
		cells, err := f.GetHyperLinkCells(name, "Location")
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range cells {
			links++
			_, target, _ := f.GetCellHyperLink(name, ref)
			sheet, cell, ok := strings.Cut(target, "!")
			sheet = strings.Trim(sheet, "'")
			index, _ := f.GetSheetIndex(sheet)
			text, _ := f.GetCellValue(name, ref)
			row := regexp.MustCompile(`[0-9]+`).FindString(cell)
			a, _ := f.GetCellValue(sheet, "A"+row)
			b, _ := f.GetCellValue(sheet, "B"+row)
			file, _ := f.GetCellValue(sheet, "C"+row)
			if !ok || index < 0 || (a != text && b != text && file+":"+strings.TrimSpace(b) != text) {
				t.Errorf("%s!%s %q leads to %s, where %q %q %q stand", name, ref, text, target, a, b, file)
			}
		}
	}
	if links != 14 { // eleven checks; one item in transit, and twice to its source line
		t.Errorf("%d links", links)
	}
}
