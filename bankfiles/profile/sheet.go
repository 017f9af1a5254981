package profile

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"custody/bankfiles/lines"
	"custody/internal/fault"
)

// Limits of a workbook. A row of a statement takes some 60 packed and 1,200
// unpacked bytes: a sheet at its full 1,048,576 rows is 60 MB and 1.2 GB.
const (
	maxPacked   = 64 << 20
	maxUnpacked = 1280 << 20
	// maxPart is from where a part is unpacked to disk and not in memory.
	maxPart = 8 << 20
	// maxInMemory of all parts that are not unpacked to disk: styles and pictures
	// of a statement have under 5 MB.
	maxInMemory = 48 << 20
	// maxSheets: one for each account of a large group.
	maxSheets = 300
)

// sheet gives the rows of all sheets of a workbook, one behind the other. Cells
// are as they are stored, so that no format rounds an amount.
type sheet struct {
	name   string
	book   *excelize.File
	names  []string
	rows   *excelize.Rows
	count  int
	row    [][]byte
	base   sheetDates
	failed error
}

func openSheet(name string, src io.Reader) (s source, err error) {
	defer recovered(name, &err)
	packed, err := io.ReadAll(io.LimitReader(src, maxPacked+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > maxPacked {
		return nil, fault.Invalid("profile.workbook_large", maxPacked>>20).In(name)
	}
	if !fitsMemory(packed) {
		return nil, fault.Invalid("profile.workbook").In(name)
	}
	book, err := excelize.OpenReader(bytes.NewReader(packed), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxPart})
	if err != nil {
		return nil, fault.Invalid("profile.workbook").In(name).Because(err)
	}
	w := &sheet{name: name, book: book, names: book.GetSheetList(), base: from1900}
	if len(w.names) > maxSheets {
		w.close()
		return nil, fault.Invalid("profile.sheets", maxSheets).In(name)
	}
	if props, err := book.GetWorkbookProps(); err == nil && props.Date1904 != nil && *props.Date1904 {
		w.base = from1904
	}
	return w, nil
}

// fitsMemory adds up what would be unpacked into memory, as the archive says.
func fitsMemory(packed []byte) bool {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return false
	}
	var sum uint64
	for _, f := range archive.File {
		size := f.UncompressedSize64
		onDisk := size > maxPart && (strings.HasPrefix(f.Name, "xl/worksheets/sheet") || f.Name == "xl/sharedStrings.xml")
		if onDisk {
			continue // the library counts it against maxUnpacked
		}
		if sum += size; size > maxInMemory || sum > maxInMemory {
			return false
		}
	}
	return true
}

// recovered turns a panic of the library over a hostile workbook into a fault.
func recovered(name string, err *error) {
	if p := recover(); p != nil {
		*err = fault.Invalid("profile.workbook").In(name)
	}
}

func (s *sheet) next() (more bool) {
	defer recovered(s.name, &s.failed)
	for s.failed == nil {
		if s.rows == nil && !s.nextSheet() {
			return false
		}
		if !s.rows.Next() {
			s.fail(s.rows.Error())
			_ = s.rows.Close() // it was only read
			s.rows = nil
			continue
		}
		s.count++
		cells, err := s.rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			s.fail(err)
			return false
		}
		if s.take(cells) {
			return true
		}
	}
	return false
}

func (s *sheet) nextSheet() bool {
	if len(s.names) == 0 {
		return false
	}
	rows, err := s.book.Rows(s.names[0])
	s.names, s.count = s.names[1:], 0
	s.fail(err)
	s.rows = rows
	return err == nil
}

func (s *sheet) fail(err error) {
	if err != nil && s.failed == nil {
		s.failed = fault.Invalid("profile.workbook").In(s.name).AtLine(s.count).Because(err)
	}
}

// take keeps a row and reports whether anything stands in it.
func (s *sheet) take(cells []string) bool {
	s.row = s.row[:0]
	content := false
	for _, c := range cells {
		if len(c) > lines.MaxLine {
			s.failed = fault.Invalid("lines.long", lines.MaxLine).In(s.name).AtLine(s.count)
			return false
		}
		content = content || c != ""
		if len(s.row) < maxColumns {
			s.row = append(s.row, []byte(c))
		}
	}
	return content
}

func (s *sheet) cells(string) ([][]byte, bool) { return s.row, true }
func (s *sheet) number() int                   { return s.count }
func (s *sheet) dates() sheetDates             { return s.base }
func (s *sheet) encoding() string              { return lines.UTF8 }
func (s *sheet) err() error                    { return s.failed }

// close removes what was unpacked to disk.
func (s *sheet) close() {
	if s.rows != nil {
		_ = s.rows.Close() // it was only read
	}
	_ = s.book.Close() // temporary files
}
