package inspect

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"custody/bankfiles/container"
	"custody/internal/fault"
)

// Zip is a container whose files were not understood; otherwise the format of
// a container is that of the file in it.
const Zip Format = "zip"

// isZip tells a zip that is not a spreadsheet, which is one by its parts.
func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) && !bytes.Contains(head, []byte("[Content_Types].xml")) &&
		!bytes.Contains(head, []byte("xl/workbook"))
}

// reportZip reports on the files of a container together, as the bank or the
// channel sent them together. A file in it that is not understood is a warning,
// unless no file is.
func reportZip(f *file) error {
	at, size, err := seekable(f.src)
	if err != nil {
		return err
	}
	archive, err := container.Open(f.File, at, size)
	if err != nil {
		return err
	}
	for _, e := range archive.Entries {
		if err := f.entry(e); err != nil {
			return err
		}
	}
	if f.Format == Zip && !f.Refused() {
		return fault.Invalid("inspect.unknown").In(f.File).On("", archive.Entries[0].Name)
	}
	return nil
}

// seekable gives random access to the file, which a zip needs.
func seekable(src io.Reader) (io.ReaderAt, int64, error) {
	at, ok := src.(io.ReaderAt)
	seeker, alsoOK := src.(io.Seeker)
	if !ok || !alsoOK {
		return nil, 0, fault.Invalid("container.nested")
	}
	size, err := seeker.Seek(0, io.SeekEnd)
	return at, size, err
}

// entry reads one file of the container and joins its report to this one.
func (f *file) entry(e container.Entry) error {
	src, err := e.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	in := bufio.NewReaderSize(src, HeadBytes)
	head, err := in.Peek(HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	kind := f.tell(head)
	if kind == nil || kind.name == Zip {
		f.Warn(fault.Invalid("inspect.unknown").In(f.File).On("", e.Name))
		return nil
	}
	one := &file{src: in, say: f.say, tell: f.tell, Report: Report{File: e.Name, Format: kind.name}}
	if err := one.take(kind.report(one)); err != nil {
		return err
	}
	f.join(one)
	return nil
}

// join adds the report of one file. A summary repeats the file that it comes
// with: its rows are not counted again.
func (f *file) join(one *file) {
	isSummary := strings.HasSuffix(string(one.Format), "-summary")
	if f.Format == Zip || strings.HasSuffix(string(f.Format), "-summary") {
		f.Format, f.Version, f.Encoding, f.Rows = one.Format, one.Version, one.Encoding, 0
	}
	if !isSummary || f.Format == one.Format {
		f.Rows += one.Rows
	}
	f.Statements = append(f.Statements, one.Statements...)
	f.Errors = append(f.Errors, one.Errors...)
	f.Warnings = append(f.Warnings, one.Warnings...)
	if one.TotalsAgree != nil {
		f.agree(*one.TotalsAgree && (f.TotalsAgree == nil || *f.TotalsAgree))
	}
}
