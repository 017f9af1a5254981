package statements

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"custody/internal/bizdate"
	"custody/internal/lang"
	"custody/internal/money"
)

// book is a workbook in the making. All sheets are streamed: memory does not
// grow with the rows. Sheets are made in the order of their tabs and may be
// written in any order, so that a formula can name rows of a later sheet.
type book struct {
	file   *excelize.File
	lang   lang.Lang
	styles [lookEnd]int
	footer string
	sheets []string
}

// newBook starts a workbook; footer stands at the left of every printed page.
func newBook(l lang.Lang, footer string) (*book, error) {
	b := &book{file: excelize.NewFile(), lang: l, footer: footer}
	for l := range lookEnd {
		id, err := b.file.NewStyle(l.style())
		if err != nil {
			return nil, err
		}
		b.styles[l] = id
	}
	return b, nil
}

// text returns a text of documents.
func (b *book) text(code string, args ...any) string { return lang.Text(b.lang, "doc."+code, args...) }

// named returns the name of a value of a list, such as a state, or the value
// itself where it has none.
func (b *book) named(list, value string) string { return named(b.lang, list, value) }

func named(l lang.Lang, list, value string) string {
	if code := "doc." + list + "." + value; value != "" && lang.Has(code) {
		return lang.Text(l, code)
	}
	return value
}

// sheet is one sheet. The first error stays and is returned by close.
type sheet struct {
	*book
	name   string
	stream *excelize.StreamWriter
	row    int // last row written
	width  int // columns
	widths []int
	links  int
	bad    error
}

// tab makes an empty sheet with the name of the text "sheet."+code.
func (b *book) tab(code string) error {
	name := b.text("sheet." + code)
	b.sheets = append(b.sheets, name)
	if len(b.sheets) == 1 {
		return b.file.SetSheetName("Sheet1", name)
	}
	_, err := b.file.NewSheet(name)
	return err
}

// form says how a sheet looks on screen and on paper.
type form struct {
	code   string // of the sheet's name
	widths []int  // of the columns, in characters
	pages  int    // of paper on which the sheet must fit; 0: as many as it takes
	frozen int    // rows that stay at the top, and on every printed page
}

// open begins writing a sheet that tab has made.
func (b *book) open(f form) (*sheet, error) {
	s := &sheet{book: b, name: b.text("sheet." + f.code), width: len(f.widths), widths: f.widths}
	if err := s.page(f); err != nil {
		return nil, err
	}
	var err error
	if s.stream, err = b.file.NewStreamWriter(s.name); err != nil {
		return nil, err
	}
	for i, w := range f.widths {
		if err := setWidth(s.stream, i+1, w); err != nil {
			return nil, err
		}
	}
	if f.frozen > 0 {
		err = s.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: f.frozen,
			TopLeftCell: "A" + strconv.Itoa(f.frozen+1), ActivePane: "bottomLeft"})
	}
	return s, err
}

// page sets A4, one page wide, with page numbers.
func (s *sheet) page(f form) error {
	a4, orientation, wide, high, fit, grid, height := 9, "landscape", 1, f.pages, true, false, rowHeight
	quoted := strings.ReplaceAll(s.footer, "&", "&&") // the space below ends the font size, lest a name begin with a digit
	options := []error{
		s.file.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit, DefaultRowHeight: &height}),
		s.file.SetPageLayout(s.name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &orientation, FitToWidth: &wide, FitToHeight: &high}),
		s.file.SetPageMargins(s.name, margins()),
		s.file.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{
			OddFooter: "&L&8 " + quoted + "&C&8" + s.text("page", "&P", "&N") + "&R&8&A"}),
		s.file.SetSheetView(s.name, 0, &excelize.ViewOptions{ShowGridLines: &grid}),
		s.file.SetSheetDimension(s.name, ""), // not known before the last row
	}
	if f.frozen > 0 {
		options = append(options, s.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles",
			RefersTo: fmt.Sprintf("'%s'!$1:$%d", s.name, f.frozen), Scope: s.name}))
	}
	for _, err := range options {
		if err != nil {
			return err
		}
	}
	return nil
}

// add writes the next row and returns its number.
func (s *sheet) add(cells ...any) int { return s.tall(0, cells...) }

// tall is add with a height in points; 0 is the usual one.
func (s *sheet) tall(height int, cells ...any) int {
	s.row++
	if height == 0 {
		height = s.lines(cells)*lineHeight + 4
	}
	if s.bad == nil {
		s.bad = s.stream.SetRow("A"+strconv.Itoa(s.row), cells, rowHeightOf(height))
	}
	return s.row
}

// Heights in points.
const (
	lineHeight = 14
	maxLines   = 20 // a row may be 409 points high
)

// lines is how many lines the row's wrapped texts take. Spreadsheets grow a row
// when a person types into it, but not when they open a file with a row height.
func (s *sheet) lines(cells []any) int {
	most := 1
	for i, c := range cells {
		x, ok := c.(excelize.Cell)
		text, isText := x.Value.(string)
		if !ok || !isText || x.StyleID != s.styles[lookWrap] || i >= len(s.widths) {
			continue
		}
		room := max(s.widths[i]-2, 1)
		most = max(most, (columns(text)+room-1)/room)
	}
	return min(most, maxLines)
}

// columns is the width of a text in characters; a Chinese one counts twice.
func columns(text string) int {
	n := 0
	for _, r := range text {
		if n++; r >= 0x1100 {
			n++
		}
	}
	return n
}

// skip leaves rows empty.
func (s *sheet) skip(n int) { s.row += n }

// heading writes the title over all columns and a line below it.
func (s *sheet) heading(title, below string) {
	s.tall(28, s.span(lookTitle, title)...)
	s.merge(s.row, 1, s.width)
	s.tall(16, s.span(lookSubtitle, below)...)
	s.merge(s.row, 1, s.width)
}

// head writes the header row of a table from text codes.
func (s *sheet) head(codes ...string) int {
	cells := make([]any, len(codes))
	for i, c := range codes {
		text := ""
		if c != "" {
			text = s.text("col." + c)
		}
		cells[i] = s.cell(lookHead, text)
	}
	return s.tall(20, cells...)
}

// span is a row of one look with a text in its first cell.
func (s *sheet) span(l look, text string) []any {
	cells := make([]any, s.width)
	for i := range cells {
		cells[i] = s.cell(l, "")
	}
	cells[0] = s.cell(l, text)
	return cells
}

// merge joins columns from..to of a row.
func (s *sheet) merge(row, from, to int) {
	if s.bad == nil && to > from {
		s.bad = s.stream.MergeCell(at(from, row), at(to, row))
	}
}

// maxLinks bounds the links of a sheet: excelize searches them one by one.
const maxLinks = 2000

// link makes a cell lead to a cell of another sheet.
func (s *sheet) link(column, row int, sheet string, targetRow int) {
	if s.bad == nil && s.links < maxLinks {
		s.links++
		s.bad = s.file.SetCellHyperLink(s.name, at(column, row), fmt.Sprintf("'%s'!A%d", sheet, targetRow), "Location")
	}
}

// plus adds an amount to a total; overflow spoils the sheet.
func (s *sheet) plus(to *money.Amount, a money.Amount) {
	sum, err := to.Add(a)
	if err != nil && s.bad == nil {
		s.bad = err
	}
	*to = sum
}

// close ends the sheet. Account and order numbers are texts on purpose; Excel is
// told so, or it would flag every one of them.
func (s *sheet) close() error {
	if s.bad != nil {
		return s.bad
	}
	if err := s.file.AddIgnoredErrors(s.name, "A1:"+at(s.width, max(s.row, 1)), excelize.IgnoredErrorsNumberStoredAsText); err != nil {
		return err
	}
	return s.stream.Flush()
}

// cell is a cell with a value that is not an amount. A string is stored as a
// string whatever it begins with, so that no text becomes a formula.
func (b *book) cell(l look, value any) excelize.Cell {
	return excelize.Cell{StyleID: b.styles[l], Value: value}
}

// str is a plain text of a table.
func (b *book) str(s string) excelize.Cell { return b.cell(lookText, s) }

// count is a whole number of a table.
func (b *book) count(n int) excelize.Cell { return b.cell(lookNumber, n) }

// amount is an amount of a table.
func (b *book) amount(a money.Amount) excelize.Cell { return b.cell(lookAmount, number(a)) }

// flow is an amount of which zero is not shown.
func (b *book) flow(a money.Amount) excelize.Cell { return b.cell(lookFlow, number(a)) }

// formula is an amount that the reader's spreadsheet computes again; a is its
// value now. Formulas round to the fen, because a spreadsheet adds in binary.
func (b *book) formula(l look, a money.Amount, format string, args ...any) excelize.Cell {
	return excelize.Cell{StyleID: b.styles[l], Formula: "ROUND(" + fmt.Sprintf(format, args...) + ",2)", Value: number(a)}
}

// day is a date of a table, empty for the zero date.
func (b *book) day(d bizdate.Date) excelize.Cell {
	if d.IsZero() {
		return b.cell(lookDate, "")
	}
	return b.cell(lookDate, bizdate.New(1899, 12, 30).DaysUntil(d))
}

// at names a cell: at(2, 5) is B5.
func at(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return ""
	}
	return name
}

// ref names a cell of this sheet for a formula of any sheet.
func (s *sheet) ref(column, row int) string {
	return "'" + s.name + "'!" + at(column, row)
}

// sum is the text of a sum over rows of one column of this sheet.
func sum(column, first, last int) string {
	return "SUM(" + at(column, first) + ":" + at(column, last) + ")"
}

// write packs the workbook; made is the moment that its properties carry.
func (b *book) write(out io.Writer, title, author string, made bizdate.Date) error {
	stamp := made.At(24, 0).UTC().Format("2006-01-02T15:04:05Z")
	if err := b.file.SetDocProps(&excelize.DocProperties{Title: title, Creator: author, LastModifiedBy: author,
		Created: stamp, Modified: stamp, Language: string(b.lang)}); err != nil {
		return err
	}
	b.file.SetZipWriter(func(w io.Writer) excelize.ZipWriter { return &archive{out: w} })
	return b.file.Write(out)
}
