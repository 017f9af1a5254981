package custodyfiles

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/lines"
	"custody/internal/fault"
	"custody/internal/money"
)

// writer writes rows in GBK; bad is the first fault.
type writer struct {
	out    *bufio.Writer
	layout *layout
	gbk    *encoding.Encoder
	line   int
	bad    *fault.Fault
}

func (l *layout) writer(w io.Writer) *writer {
	return &writer{out: bufio.NewWriterSize(w, lines.MaxLine), layout: l, gbk: simplifiedchinese.GBK.NewEncoder()}
}

// write writes a line. names are the fields' names, for a fault; a field that
// holds a separator, a control character or a character that GBK lacks is one.
func (w *writer) write(names, fields []string) {
	w.line++
	if w.bad != nil {
		return
	}
	for i, f := range fields {
		if strings.Contains(f, w.layout.separator) || strings.IndexFunc(f, func(r rune) bool { return r < ' ' || r == 0x7F }) >= 0 {
			w.bad = fault.Invalid("custodyfile.separator").AtLine(w.line).On(names[i], f)
			return
		}
	}
	text := strings.Join(fields, w.layout.separator)
	if w.layout.trailing {
		text += w.layout.separator
	}
	coded, err := w.gbk.String(text)
	if err != nil {
		w.bad = fault.Invalid("bill.gbk").AtLine(w.line).On("", text).Because(err)
		return
	}
	w.out.WriteString(coded + "\r\n") // bufio keeps the error for Flush
}

// end flushes, or returns the first fault.
func (w *writer) end() error {
	if w.bad != nil {
		return w.bad
	}
	return w.out.Flush()
}

// refuse keeps a fault of the row that comes next.
func (w *writer) refuse(f *fault.Fault) {
	if w.bad == nil {
		w.bad = f.AtLine(w.line + 1)
	}
}

// id refuses what a reader would not take for a number.
func (w *writer) id(name, s string) string {
	if !lines.ID([]byte(s)) {
		w.refuse(fault.Invalid("custodyfile.number").On(name, s))
	}
	return s
}

func fen(a money.Amount) string { return strconv.FormatInt(int64(a), 10) }
