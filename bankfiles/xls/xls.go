// Package xls reads the old workbooks of Excel, from 1997 to 2003 (BIFF8).
//
// Banks still send them, and people who open an export and save it again make
// more. Three things in them are traps: texts stand apart from their cells and
// are cut wherever a record is full, a day is a number that only its format
// tells from an amount, and a file of another kind may carry the same first
// bytes. The reader gives rows of cells as text:
//
//	book, err := xls.Open("export.xls", f)
//	for book.Next() {
//		cells := book.Cells()
//	}
//	return book.Err()
//
// A day is 2026-08-01T15:24:03, a time 15:24:03, a number what was typed; a number of
// more than 15 digits is written 6.22202E+18, because its last digits are lost.
// A formula is the value that it had when the file was saved.
//
// The whole file is held in memory, so it has a limit: [MaxFile].
//
// Source: [MS-XLS] and [MS-CFB], published by Microsoft.
package xls

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/richardlehane/mscfb"

	"custody/internal/fault"
)

// The limits of a workbook.
const (
	// MaxFile is 65,536 rows, which is all that a sheet can have, of 20 cells of
	// 14 bytes and 200 bytes of text of their own: 31 MB.
	MaxFile = 32 << 20
	// MaxSheets: one for each account of a large group.
	MaxSheets = 300
	// MaxColumns is what a sheet of this kind can have.
	MaxColumns = 256
	// maxText in bytes of one cell: Excel allows 32,767 characters, here of up to 2
	// bytes each.
	maxText = 64 << 10
	// maxStreams: a workbook with a macro and pictures has some dozens.
	maxStreams = 4096
)

// Mark begins every file of this kind, and also a Word document or a message.
var Mark = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")

// The records that are read.
const (
	recFormula    = 0x0006
	recEOF        = 0x000A
	recDateMode   = 0x0022
	recFilePass   = 0x002F
	recContinue   = 0x003C
	recBoundSheet = 0x0085
	recMulRK      = 0x00BD
	recRString    = 0x00D6
	recXF         = 0x00E0
	recSST        = 0x00FC
	recLabelSST   = 0x00FD
	recNumber     = 0x0203
	recLabel      = 0x0204
	recBoolErr    = 0x0205
	recString     = 0x0207
	recRK         = 0x027E
	recFormat     = 0x041E
	recBOF        = 0x0809
)

// biff8 is the version that BOF names; 5 and 7 are both 0x0500.
const biff8 = 0x0600

// Book is a workbook being read, row by row, all its sheets one behind the other.
type Book struct {
	file   string
	data   []byte // the stream Workbook
	sheets []int  // where each of them begins
	texts  []string
	forms  map[int]form // of the formats that the file defines
	cells  []form       // of each XF
	late   bool         // days are counted from 1904
	rows   []rowPart    // of the current sheet, in the order of rows
	row    int          // from 1
	out    [][]byte
	failed error
}

// rowPart is a record with cells of a row.
type rowPart struct {
	row uint16
	at  uint32 // of the record in data
}

// Open reads the texts and formats of a workbook. It returns a fault with the
// codes xls.*: another kind of file, one of before 1997 or with a password,
// a damaged or a too large one. Errors of src come back as they are.
func Open(file string, src io.Reader) (*Book, error) {
	packed, err := io.ReadAll(io.LimitReader(src, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > MaxFile {
		return nil, fault.Invalid("xls.large", MaxFile>>20).In(file)
	}
	b := &Book{file: file, forms: map[int]form{}}
	if b.data, err = stream(packed); err != nil {
		return nil, err.(*fault.Fault).In(file)
	}
	if bad := b.globals(); bad != nil {
		return nil, bad.In(file)
	}
	return b, nil
}

// stream takes the stream Workbook out of the file. The library that opens the
// outer format is asked nothing else.
func stream(packed []byte) (data []byte, err error) {
	defer func() {
		if recover() != nil { // of the library, over a hostile file
			err = fault.Invalid("xls.damaged")
		}
	}()
	doc, err := mscfb.New(bytes.NewReader(packed))
	if err != nil {
		return nil, fault.Invalid("xls.damaged").Because(err)
	}
	if len(doc.File) > maxStreams {
		return nil, fault.Invalid("xls.damaged")
	}
	code := "xls.no_workbook"
	for _, f := range doc.File {
		switch f.Name {
		case "Workbook":
			data, err := io.ReadAll(io.LimitReader(f, int64(len(packed)))) // it cannot hold more than the file
			if err != nil {
				return nil, fault.Invalid("xls.damaged").Because(err)
			}
			return data, nil
		case "EncryptedPackage": // a workbook of after 2007
			code = "xls.encrypted"
		case "Book":
			code = "xls.too_old"
		}
	}
	return nil, fault.Invalid(code)
}

// record is one record of the stream.
type record struct {
	kind int
	body []byte
	at   int // of its head
	next int // of the head of the next one
}

// record returns the record at an offset, false at the end or where it is cut off.
func (b *Book) record(at int) (record, bool) {
	const head = 4
	if at < 0 || at+head > len(b.data) {
		return record{}, false
	}
	kind := int(binary.LittleEndian.Uint16(b.data[at:]))
	end := at + head + int(binary.LittleEndian.Uint16(b.data[at+2:]))
	if end > len(b.data) {
		return record{}, false
	}
	return record{kind, b.data[at+head : end], at, end}, true
}

// globals reads what stands before the sheets.
func (b *Book) globals() *fault.Fault {
	first, ok := b.record(0)
	if !ok || first.kind != recBOF || len(first.body) < 4 {
		return fault.Invalid("xls.damaged")
	}
	if binary.LittleEndian.Uint16(first.body) != biff8 {
		return fault.Invalid("xls.too_old")
	}
	for at := first.next; ; {
		r, ok := b.record(at)
		if !ok {
			return fault.Invalid("xls.damaged")
		}
		at = r.next
		switch r.kind {
		case recEOF:
			if len(b.sheets) == 0 {
				return fault.Invalid("xls.no_workbook")
			}
			return nil
		case recFilePass:
			return fault.Invalid("xls.encrypted")
		case recDateMode:
			b.late = len(r.body) > 0 && r.body[0] == 1
		case recFormat:
			b.format(r.body)
		case recXF:
			if len(r.body) >= 4 {
				b.cells = append(b.cells, b.formOf(int(binary.LittleEndian.Uint16(r.body[2:]))))
			}
		case recSST:
			if !b.shared(r) {
				return fault.Invalid("xls.damaged")
			}
		case recBoundSheet:
			const worksheet = 0
			if len(r.body) < 6 {
				return fault.Invalid("xls.damaged")
			}
			if r.body[5] == worksheet {
				b.sheets = append(b.sheets, int(binary.LittleEndian.Uint32(r.body)))
			}
			if len(b.sheets) > MaxSheets {
				return fault.Invalid("xls.sheets", MaxSheets)
			}
		}
	}
}

// Next moves to the next row with content. Err says what ended the rows.
func (b *Book) Next() bool {
	for b.failed == nil {
		if len(b.rows) == 0 {
			if len(b.sheets) == 0 {
				return false
			}
			b.sheet(b.sheets[0])
			b.sheets = b.sheets[1:]
			continue
		}
		n := 1
		for n < len(b.rows) && b.rows[n].row == b.rows[0].row {
			n++
		}
		parts := b.rows[:n]
		b.rows = b.rows[n:]
		if b.take(parts) {
			return true
		}
	}
	return false
}

// Cells are those of the current row, by column; they hold until Next.
func (b *Book) Cells() [][]byte { return b.out }

// From1904 reports whether numbers that count days do so from 1904, not from 1900.
func (b *Book) From1904() bool { return b.late }

// Number is that of the row in its sheet, from 1.
func (b *Book) Number() int { return b.row }

// Err is a fault where the workbook is damaged.
func (b *Book) Err() error { return b.failed }

func (b *Book) damaged() {
	if b.failed == nil {
		b.failed = fault.Invalid("xls.damaged").In(b.file).AtLine(b.row)
	}
}

// sheet finds the rows of a sheet. Excel writes them in order; other programs
// do not, so they are sorted. Charts within the sheet are passed over.
func (b *Book) sheet(at int) {
	b.row = 0
	first, ok := b.record(at)
	if !ok || first.kind != recBOF {
		b.damaged()
		return
	}
	depth := 1
	for at = first.next; depth > 0; {
		r, ok := b.record(at)
		if !ok {
			b.damaged()
			return
		}
		at = r.next
		switch r.kind {
		case recBOF:
			depth++
		case recEOF:
			depth--
		case recFormula, recMulRK, recRString, recLabelSST, recNumber, recLabel, recBoolErr, recRK:
			if depth > 1 {
				continue
			}
			if len(r.body) < 6 {
				b.damaged()
				return
			}
			b.rows = append(b.rows, rowPart{binary.LittleEndian.Uint16(r.body), uint32(r.at)})
		}
	}
	slices.SortStableFunc(b.rows, func(x, y rowPart) int { return int(x.row) - int(y.row) })
}

// take puts the cells of a row together and reports whether anything stands in it.
func (b *Book) take(parts []rowPart) bool {
	b.row = int(parts[0].row) + 1
	b.out = b.out[:0]
	content := false
	for _, p := range parts {
		r, _ := b.record(int(p.at)) // it was there before
		column := int(binary.LittleEndian.Uint16(r.body[2:]))
		style := int(binary.LittleEndian.Uint16(r.body[4:]))
		if r.kind == recMulRK {
			const each = 6 // XF and number; behind the last one stands the last column
			for rest := r.body[4:]; len(rest) >= each+2; rest = rest[each:] {
				style = int(binary.LittleEndian.Uint16(rest))
				content = b.put(column, rk(binary.LittleEndian.Uint32(rest[2:])).text(b, style)) || content
				column++
			}
			continue
		}
		text, ok := b.cell(r, style)
		if !ok {
			b.damaged()
			return false
		}
		content = b.put(column, text) || content
	}
	return content && b.failed == nil
}

// put keeps a cell in its column.
func (b *Book) put(column int, text string) bool {
	if text == "" {
		return false
	}
	if column >= MaxColumns || len(text) > 2*maxText {
		b.damaged()
		return false
	}
	for len(b.out) <= column {
		b.out = append(b.out, nil)
	}
	b.out[column] = []byte(text)
	return true
}
