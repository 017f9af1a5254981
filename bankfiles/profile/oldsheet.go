package profile

import (
	"io"

	"custody/bankfiles/lines"
	"custody/bankfiles/xls"
)

// oldSheet gives the rows of all sheets of an old workbook (.xls), as [sheet]
// does of a new one.
type oldSheet struct{ *xls.Book }

func openOldSheet(name string, src io.Reader) (source, error) {
	book, err := xls.Open(name, src)
	if err != nil {
		return nil, err
	}
	return oldSheet{book}, nil
}

func (s oldSheet) next() bool                    { return s.Next() }
func (s oldSheet) cells(string) ([][]byte, bool) { return s.Cells(), true }
func (s oldSheet) number() int                   { return s.Number() }
func (s oldSheet) encoding() string              { return lines.UTF8 }
func (s oldSheet) err() error                    { return s.Err() }
func (s oldSheet) close()                        {}

func (s oldSheet) dates() sheetDates {
	if s.From1904() {
		return from1904
	}
	return from1900
}
