package inspect

import (
	"errors"
	"io"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// Say renders a fault for a person: its sentence and its advice, or "".
type Say func(*fault.Fault) (message, hint string)

// Report is what a file is and whether it holds; in JSON it is the object of
// the command inspect. Amounts are decimal strings, of any currency.
type Report struct {
	File     string `json:"file"`
	Format   Format `json:"format"`
	Version  string `json:"version"`
	Encoding string `json:"encoding"`
	Rows     int    `json:"rows"`
	// TotalsAgree compares the counts and totals that the file carries with its
	// rows; nil where it carries none or the rows could not be read.
	TotalsAgree *bool       `json:"totals_agree"`
	Statements  []Statement `json:"statements"`
	Errors      []Problem   `json:"errors"`   // why the file is refused
	Warnings    []Problem   `json:"warnings"` // what is unusual in it
}

// Refused reports whether the file cannot be used.
func (r *Report) Refused() bool { return len(r.Errors) > 0 }

// Statement is one distinct statement of a file, its pages joined.
type Statement struct {
	Account  string       `json:"account"`
	Currency string       `json:"currency"`
	Number   string       `json:"number"` // the statement's id where it has no number
	From     bizdate.Date `json:"from"`
	To       bizdate.Date `json:"to"`
	Opening  *string      `json:"opening"` // nil where the file has none
	Closing  *string      `json:"closing"`
	Entries  int          `json:"entries"`
	Sum      string       `json:"sum"` // of the booked entries, signed
	Balanced *bool        `json:"balanced"`
}

// Problem is a fault as a person reads it.
type Problem struct {
	Code    string `json:"code"`
	Line    int    `json:"line"` // 0 where it is not in a line
	Field   string `json:"field"`
	Value   string `json:"value"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// maxProblems of each kind are kept: the first ones tell the story.
const maxProblems = 100

// file is a file on its way to a report.
type file struct {
	Report
	src  io.Reader
	say  Say
	tell func(head []byte) *format // detect, for the files of a container
}

// File reads the whole file and reports on it. A file that is not understood or
// does not hold is no error but a Report with Errors; the error is the source's.
func File(name string, src io.ReadSeeker, say Say) (Report, error) {
	head := make([]byte, HeadBytes)
	n, err := io.ReadFull(src, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return Report{}, err
	}
	known, err := newSteady(src)
	if err != nil {
		return Report{}, err
	}
	f := &file{src: known, say: say, tell: detect, Report: Report{File: name, Format: Unknown,
		Statements: []Statement{}, Errors: []Problem{}, Warnings: []Problem{}}}
	kind := detect(head[:n])
	switch {
	case n == 0:
		f.refuse(fault.Invalid("inspect.empty").In(name))
		return f.Report, nil
	case kind == nil:
		first, _, _ := strings.Cut(string(head[:n]), "\n")
		f.refuse(fault.Invalid("inspect.unknown").In(name).AtLine(1).On("", first))
		return f.Report, nil
	}
	f.Format = kind.name
	err = kind.report(f)
	if known.grew {
		err = fault.Invalid("inspect.grew", known.size).In(name)
	}
	err = f.take(err)
	return f.Report, err
}

// take keeps the faults of an error and returns what is not a fault.
func (f *file) take(err error) error {
	var list fault.List
	switch {
	case err == nil:
		return nil
	case errors.As(err, &list):
	case fault.Of(err) != nil:
		list = fault.List{fault.Of(err)}
	default:
		return err
	}
	for _, one := range list {
		f.refuse(one)
		if isTotal(one.Code) {
			f.agree(false)
		}
	}
	return nil
}

func (f *file) refuse(one *fault.Fault) { f.Errors = f.problem(f.Errors, one) }

// Warn keeps a warning of a reader.
func (f *file) Warn(one *fault.Fault) { f.Warnings = f.problem(f.Warnings, one) }

func (f *file) problem(to []Problem, one *fault.Fault) []Problem {
	if len(to) == maxProblems {
		return to
	}
	p := Problem{Code: one.Code, Line: one.Line, Field: one.Field, Value: one.Value}
	if f.say != nil {
		p.Message, p.Hint = f.say(one)
	}
	return append(to, p)
}

func (f *file) agree(ok bool) { f.TotalsAgree = &ok }

// isTotal reports whether the code is about a count or total that the file
// carries: every family ends them in the same words.
func isTotal(code string) bool {
	_, last, _ := strings.Cut(code, ".")
	return last == "total" || last == "count"
}
