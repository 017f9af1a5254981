package profile

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"golang.org/x/net/html"

	"custody/bankfiles/feed"
	"custody/bankfiles/lines"
	"custody/internal/fault"
)

// markup gives the rows of a table in HTML or in the XML of Excel 2003: some
// banks call both .xls.
type markup struct {
	name    string
	in      *html.Tokenizer
	limited *io.LimitedReader
	coding  string
	count   int
	row     [][]byte
	cell    []byte
	inCell  bool
	span    int
	pending bool // a row began where the one before had no end
	failed  error
}

var (
	markupHead = regexp.MustCompile(`(?i)^\s*<(?:!doctype\s+html|html|head|meta|table|style|\?xml[^>]*>\s*(?:<\?mso-application[^>]*>\s*)?<(?:\w+:)?workbook|!--)`)
	gbkCharset = regexp.MustCompile(`(?i)charset\s*=\s*["']?(?:gb|x-gbk)|encoding\s*=\s*["']gb`)
)

func isMarkup(head []byte) bool {
	for bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")) {
		head = head[3:]
	}
	if _, wide := feed.UTF16Order(head); wide {
		head, _ = io.ReadAll(feed.Plain(bytes.NewReader(head))) // of bytes in memory
	}
	return markupHead.Match(head)
}

func newMarkup(name string, src io.Reader, head []byte) *markup {
	m := &markup{name: name, coding: lines.UTF8}
	m.limited = &io.LimitedReader{R: src, N: lines.MaxFile}
	in := feed.Plain(m.limited)
	if _, wide := feed.UTF16Order(head); wide {
		m.coding = feed.UTF16
	} else if gbkCharset.Match(head) || !isUTF8(head) {
		m.coding = lines.GB18030
		in = gbkReader(in)
	}
	m.in = html.NewTokenizer(in)
	m.in.SetMaxBuf(lines.MaxLine)
	return m
}

// isUTF8 allows for a character cut off at the end of what was looked at.
func isUTF8(head []byte) bool {
	for cut := 0; cut < 4 && cut <= len(head); cut++ {
		if !bytes.ContainsRune(bytes.ToValidUTF8(head[:len(head)-cut], []byte("\uFFFD")), '\uFFFD') {
			return true
		}
	}
	return false
}

func (m *markup) next() bool {
	m.row = m.row[:0]
	if m.pending {
		m.pending = false
		m.count++
	}
	for m.failed == nil {
		switch m.in.Next() {
		case html.ErrorToken:
			return m.end()
		case html.TextToken:
			if m.inCell {
				m.cell = append(m.cell, m.in.Text()...)
			}
			if len(m.cell) > lines.MaxLine {
				m.failed = fault.Invalid("lines.long", lines.MaxLine).In(m.name).AtLine(m.count)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if m.start() {
				return true
			}
		case html.EndTagToken:
			name, _ := m.in.TagName()
			switch string(name) {
			case "td", "th", "cell", "ss:cell":
				m.endCell()
			case "tr", "row", "ss:row":
				if m.endCell(); m.content() {
					return true
				}
			}
		}
	}
	return false
}

// start takes a tag that opens a row or a cell. A row that begins before the
// last one ended ends it.
func (m *markup) start() bool {
	name, more := m.in.TagName()
	switch string(name) {
	case "tr", "row", "ss:row":
		m.endCell()
		if m.content() {
			m.pending = true
			return true
		}
		m.row = m.row[:0]
		m.count++
	case "td", "th", "cell", "ss:cell":
		m.endCell()
		m.inCell, m.cell, m.span = true, nil, 1
		for more {
			var key, value []byte
			key, value, more = m.in.TagAttr()
			n, err := strconv.Atoi(string(value))
			switch string(key) {
			case "colspan":
				if err == nil && n > 1 && n <= maxColumns {
					m.span = n
				}
			case "ss:mergeacross":
				if err == nil && n > 0 && n < maxColumns {
					m.span = n + 1
				}
			case "ss:index":
				for err == nil && len(m.row) < min(n-1, maxColumns) {
					m.row = append(m.row, nil)
				}
			}
		}
	case "br":
		m.cell = append(m.cell, ' ')
	}
	return false
}

// endCell adds the cell, and a blank one for every further column that it covers.
func (m *markup) endCell() {
	if !m.inCell {
		return
	}
	m.inCell = false
	for i := 0; i < m.span && len(m.row) < maxColumns; i++ {
		m.row = append(m.row, m.cell)
		m.cell = nil
	}
}

func (m *markup) content() bool {
	for _, c := range m.row {
		if len(clean(c)) > 0 {
			return true
		}
	}
	return false
}

func (m *markup) end() bool {
	err := m.in.Err()
	switch {
	case errors.Is(err, html.ErrBufferExceeded):
		m.failed = fault.Invalid("lines.long", lines.MaxLine).In(m.name).AtLine(m.count)
	case m.limited.N == 0:
		m.failed = fault.Invalid("lines.size", lines.MaxFile>>20).In(m.name).AtLine(m.count)
	case !errors.Is(err, io.EOF):
		m.failed = err
	default:
		m.endCell()
		return m.content()
	}
	return false
}

func (m *markup) cells(string) ([][]byte, bool) {
	for _, c := range m.row {
		if bytes.ContainsRune(c, '\uFFFD') {
			return m.row, false
		}
	}
	return m.row, true
}

func (m *markup) number() int { return m.count }

// dates: Excel 2003 writes days as text; HTML may hold numbers of a sheet.
func (m *markup) dates() sheetDates { return from1900 }
func (m *markup) encoding() string  { return m.coding }
func (m *markup) err() error        { return m.failed }
func (m *markup) close()            {}
