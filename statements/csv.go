package statements

import (
	"encoding/csv"
	"io"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// bom tells spreadsheets that a CSV file is UTF-8.
const bom = "\xEF\xBB\xBF"

// table writes a CSV file for people: UTF-8 with a BOM and CR LF, which is what
// Excel opens without asking. The first error stays and is returned by close.
type table struct {
	out *csv.Writer
	bad error
}

func newTable(out io.Writer) *table {
	t := &table{out: csv.NewWriter(out)}
	t.out.UseCRLF = true
	_, t.bad = io.WriteString(out, bom)
	return t
}

// row writes a row of strings, which are guarded, and of amounts and dates.
func (t *table) row(cells ...any) {
	fields := make([]string, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case string:
			fields[i] = guarded(v)
		case money.Amount:
			fields[i] = v.String()
		case bizdate.Date:
			fields[i] = v.String()
		}
	}
	if t.bad == nil {
		t.bad = t.out.Write(fields)
	}
}

func (t *table) close() error {
	t.out.Flush()
	if t.bad != nil {
		return t.bad
	}
	return t.out.Error()
}

// guarded keeps a spreadsheet from reading a text as a formula: a text that
// begins with = + - @ TAB or CR gets an apostrophe in front (OWASP ASVS 5.0, 1.2.10).
func guarded(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
