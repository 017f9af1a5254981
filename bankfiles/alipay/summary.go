package alipay

import (
	"io"
	"strings"

	"custody/bankfiles/lines"
	"custody/internal/fault"
	"custody/internal/money"
)

// The names of the summary files (汇总) that come with the bills in their zip.
const (
	FormatTradeSummary   = "alipay-trade-summary"
	FormatAccountSummary = "alipay-account-summary"
)

// Overview is what a summary file says: it repeats its bill by shop or by kind
// and is read for its own arithmetic alone.
type Overview struct {
	Format   string
	Account  string
	Encoding string
	Rows     int // without the total
	// TotalsAgree is whether the row 合计 is the sum of the others; nil where there is none.
	TotalsAgree *bool
}

// maxOverviewRows: one row a shop; the largest chains have some 50,000.
const maxOverviewRows = 100_000

// overview is what one ReadOverview has seen so far.
type overview struct {
	*lines.Reader
	names  []string
	counts []bool // which columns are counts or amounts
	sums   []money.Exact
	cells  [][]byte
	framed bool
	ended  bool
	out    Overview
}

// ReadOverview reads a summary file. Columns of counts and amounts are those
// named 笔数 or 元; where there is a row 合计 it must be the sum of the rows,
// and where there are 收入, 支出 and 总金额 each row must add up.
func ReadOverview(name string, src io.Reader) (Overview, error) {
	r := &overview{Reader: lines.NewReader(name, src)}
	if body, ok := r.ErrorBody(); ok {
		return r.out, lines.Refusal(name, body)
	}
	for r.Next() {
		switch line := r.Line(); {
		case line[0] == '#':
			r.frame(string(line))
		case !r.framed:
			r.Stop(fault.Invalid("bill.header", "#支付宝").On("", string(line)))
		case r.ended:
			r.Stop(fault.Invalid("bill.after").On("", string(line)))
		case r.names == nil:
			r.header(line)
		default:
			r.readRow(line)
		}
	}
	if r.OK() && !r.ended {
		r.Refuse(fault.Invalid("bill.cut", r.out.Rows))
	}
	r.out.Encoding = r.Encoding()
	return r.out, r.Err()
}

func (r *overview) frame(text string) {
	r.framed = true
	switch {
	case strings.Contains(text, markEnd):
		r.ended = true
	case strings.Contains(text, markAccount) && r.out.Account == "":
		if m := bracketed.FindStringSubmatch(text); m != nil {
			r.out.Account = m[1]
		}
	}
}

func (r *overview) header(line []byte) {
	cells, _ := lines.Split(nil, line)
	r.out.Format = FormatTradeSummary
	for _, c := range cells {
		name := string(lines.Clean(c))
		r.names = append(r.names, name)
		r.counts = append(r.counts, strings.Contains(name, "笔数") || strings.Contains(name, "元"))
		if name == "类型" {
			r.out.Format = FormatAccountSummary
		}
	}
	r.sums = make([]money.Exact, len(cells))
}

func (r *overview) readRow(line []byte) {
	var closed bool
	if r.cells, closed = lines.Split(r.cells, line); !closed || len(r.cells) != len(r.names) {
		r.Refuse(fault.Invalid("bill.columns", len(r.cells), len(r.names)).On("", string(line)))
		return
	}
	if r.out.Rows == maxOverviewRows {
		r.Stop(fault.Invalid("lines.rows", maxOverviewRows))
		return
	}
	first := string(lines.Clean(r.cells[0]))
	isTotal := first == "合计" || first == "总计"
	var in, out, all *money.Exact
	agree := true
	for i, name := range r.names {
		if !r.counts[i] {
			continue
		}
		x, ok := lines.Total(lines.Clean(r.cells[i]))
		if !ok {
			r.Refuse(fault.Invalid("bill.amount").On(name, string(r.cells[i])))
			return
		}
		switch {
		case strings.HasPrefix(name, "收入金额"):
			in = &x
		case strings.HasPrefix(name, "支出金额"):
			if out = &x; x.Units > 0 {
				*out = x.Neg()
			}
		case strings.HasPrefix(name, "总金额"):
			all = &x
		}
		agree = r.add(i, isTotal, x) && agree
	}
	if in != nil && out != nil && all != nil {
		if sum, err := in.Add(*out); err != nil || !sum.Equal(*all) {
			r.Refuse(fault.Invalid("bill.total", all.String(), sum.String()).On("总金额", all.String()))
		}
	}
	if isTotal {
		r.out.TotalsAgree = &agree
		return
	}
	r.out.Rows++
}

// add adds a cell to its column, or compares it where it is the total's.
func (r *overview) add(i int, isTotal bool, x money.Exact) bool {
	if isTotal {
		ok := r.sums[i].Equal(x)
		if !ok {
			r.Refuse(fault.Invalid("bill.total", x.String(), r.sums[i].String()).On(r.names[i], x.String()))
		}
		return ok
	}
	sum, err := r.sums[i].Add(x)
	if err != nil {
		r.Refuse(fault.Invalid("bill.overflow").On(r.names[i], x.String()))
		return false
	}
	r.sums[i] = sum
	return true
}
