// Package fault is the one error type of the product.
//
// A fault says three things to three readers: a code for machines, the place
// and a hint for the person who must mend it, a cause for the log. It holds no
// sentences: internal/lang turns code and arguments into English or Chinese.
//
//	return fault.Invalid("bill.total", "900.00", "899.00").
//		In("wx-20260213.csv").AtLine(7).On("手续费总金额", "4.19")
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind groups faults by what the user can do about them; it is the exit code.
type Kind int

// The kinds, in the order of their exit codes (1 to 5). Append only.
const (
	Internal Kind = 1 + iota // our defect or the machine's: look at the log
	Bad                      // usage or bad input: mend it and try again
	Books                    // the books, the day or a document do not hold
	Busy                     // another run holds the lease
	Waiting                  // a file, a cut, an answer or an approval has not come
)

// Fault is an error with a code, a place and a hint. Zero fields are unknown.
type Fault struct {
	Kind  Kind
	Code  string // dotted, append-only: "bill.total"; its sentence is in internal/lang
	Args  []any  // arguments of the sentence
	File  string // name of the file, without its folder
	Line  int    // from 1; 0 where the fault is not in a line
	Field string // the field as the file or the command line names it
	Value string // what stood there, cut to 80 characters
	Hint  string // code of the sentence that says what to do; empty: code + ".hint"
	Cause error  // for the log only
}

func build(k Kind, code string, args []any) *Fault { return &Fault{Kind: k, Code: code, Args: args} }

// Invalid is bad usage or bad input: exit code 2.
func Invalid(code string, args ...any) *Fault { return build(Bad, code, args) }

// Broken means that the books, the day or a document do not hold: exit code 3.
func Broken(code string, args ...any) *Fault { return build(Books, code, args) }

// Locked means that another run holds the lease: exit code 4.
func Locked(code string, args ...any) *Fault { return build(Busy, code, args) }

// Wait means that something has not come yet: exit code 5.
func Wait(code string, args ...any) *Fault { return build(Waiting, code, args) }

// In adds the file.
func (f *Fault) In(file string) *Fault { f.File = file; return f }

// AtLine adds the line, counted from 1.
func (f *Fault) AtLine(n int) *Fault { f.Line = n; return f }

// valueLimit keeps a hostile field from filling the terminal.
const valueLimit = 80

// On adds the field and the value that stood there.
func (f *Fault) On(field, value string) *Fault {
	f.Field = field
	if r := []rune(value); len(r) > valueLimit {
		value = string(r[:valueLimit]) + "…"
	}
	f.Value = strings.ToValidUTF8(value, "\uFFFD")
	return f
}

// WithHint names another hint than code + ".hint".
func (f *Fault) WithHint(code string) *Fault { f.Hint = code; return f }

// Because adds the cause for the log.
func (f *Fault) Because(err error) *Fault { f.Cause = err; return f }

// Error is the form for logs and tests; people read lang.Message.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
		if f.Line > 0 {
			fmt.Fprintf(&b, "%d:", f.Line)
		}
		b.WriteByte(' ')
	}
	b.WriteString(f.Code)
	for _, a := range f.Args {
		fmt.Fprintf(&b, " %v", a)
	}
	if f.Field != "" {
		fmt.Fprintf(&b, " [%s=%q]", f.Field, f.Value)
	}
	if f.Cause != nil {
		fmt.Fprintf(&b, ": %v", f.Cause)
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Is matches a target fault by code alone, so that errors.Is(err, fault.Invalid("x")) works.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// List is every fault of a file, not only the first.
type List []*Fault

// Error joins the faults, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (l List) Unwrap() []error {
	out := make([]error, len(l))
	for i, f := range l {
		out[i] = f
	}
	return out
}

// Err returns nil for an empty list.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Of returns the first fault in err's tree, or nil where there is none.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// CodeOf returns the code of the first fault, "internal" for any other error, "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	if f := Of(err); f != nil {
		return f.Code
	}
	return "internal"
}

// ExitCode maps an error to the exit code of the command line. No error ends
// in 0, not even a fault without a kind.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if f := Of(err); f != nil && f.Kind > Internal {
		return int(f.Kind)
	}
	return int(Internal)
}
