package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"custody/internal/fault"
	"custody/internal/lang"
)

// What goes where: results to standard output, everything that is said about
// them to standard error with the prefix "custody: ". With --json standard
// output holds exactly one object (one a line for several files).

// object writes the one JSON object of a call.
func (a *app) object(v any) error {
	a.spoke = true
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say prints a line of a result.
func (a *app) say(code string, args ...any) { fmt.Fprintln(a.out, a.t(code, args...)) }

// note prints a remark on standard error.
func (a *app) note(code string, args ...any) { fmt.Fprintln(a.err, "custody: "+a.t(code, args...)) }

// answer prints the object with --json, else what human prints.
func (a *app) answer(v any, human func()) error {
	if a.json {
		return a.object(v)
	}
	human()
	return nil
}

// errorObject is an error as --json prints it.
type errorObject struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Field   string `json:"field"`
	Value   string `json:"value"`
	Hint    string `json:"hint"`
}

// errorAnswer holds the first fault, and every one where a file has several.
type errorAnswer struct {
	Error  errorObject   `json:"error"`
	Errors []errorObject `json:"errors,omitempty"`
}

func (a *app) errorObject(err error) errorObject {
	err = a.worded(err)
	o := errorObject{Code: fault.CodeOf(err), Message: lang.Message(a.lang, err), Hint: lang.Hint(a.lang, err)}
	if f := fault.Of(err); f != nil {
		o.File, o.Line, o.Field, o.Value = f.File, f.Line, f.Field, f.Value
	}
	return o
}

func (a *app) errorAnswer(err error) errorAnswer {
	answer := errorAnswer{Error: a.errorObject(err)}
	var list fault.List
	if errors.As(err, &list) && len(list) > 1 {
		for _, f := range list {
			answer.Errors = append(answer.Errors, a.errorObject(f))
		}
	}
	return answer
}

// complain prints an error: as the one JSON object where none is written yet,
// else on standard error.
func (a *app) complain(err error) {
	if a.json && !a.spoke {
		if a.object(a.errorAnswer(err)) == nil {
			return
		}
	}
	a.report(err)
}

// maxReported bounds what a bad file says on a terminal; --json has all of it.
const maxReported = 20

// report prints an error for a person.
func (a *app) report(err error) {
	var list fault.List
	if errors.As(err, &list) && len(list) > maxReported {
		a.report(list[:maxReported])
		a.note("cli.more", len(list)-maxReported)
		return
	}
	for _, line := range strings.Split(lang.Report(a.lang, a.worded(err)), "\n") {
		if !strings.HasPrefix(line, " ") {
			line = "custody: " + line
		}
		fmt.Fprintln(a.err, line)
	}
}
