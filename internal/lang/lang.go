// Package lang holds every sentence that a person reads, in Chinese and English.
//
// Code elsewhere names a sentence by its code and gives arguments; it never
// builds a sentence. The texts lie in texts/*.yaml, one file per area:
//
//	bill.total:
//	  en: "the bill's total is %[1]s, its rows add up to %[2]s"
//	  zh: "账单合计为 %[1]s，逐行相加为 %[2]s"
//
// A code that ends in ".hint" is the advice printed below the fault; it gets the
// fault's arguments. Verbs carry their index, because the languages differ in
// word order, and a percent sign is written %%.
package lang

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"custody/internal/fault"
)

//go:embed texts/*.yaml
var files embed.FS

// Lang is a language of the product.
type Lang string

// The two languages. Documents default to Chinese, the terminal to LANG.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Parse reads a --lang value or a LANG variable; anything not Chinese is English.
func Parse(s string) Lang {
	if strings.HasPrefix(strings.ToLower(s), "zh") {
		return ZH
	}
	return EN
}

var table = sync.OnceValues(load)

// load reads all texts and refuses a code that stands twice or lacks a language.
func load() (map[string]map[Lang]string, error) {
	all := map[string]map[Lang]string{}
	names, err := fs.Glob(files, "texts/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var part map[string]map[Lang]string
		if err := yaml.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("lang: %s: %w", name, err)
		}
		for code, texts := range part {
			if _, twice := all[code]; twice {
				return nil, fmt.Errorf("lang: %s: %s stands twice", name, code)
			}
			if texts[ZH] == "" || texts[EN] == "" {
				return nil, fmt.Errorf("lang: %s: %s needs zh and en", name, code)
			}
			all[code] = texts
		}
	}
	return all, nil
}

// Codes returns every code that has a sentence; a test compares it with the source.
func Codes() (map[string]map[Lang]string, error) { return table() }

// Has reports whether the code has a sentence.
func Has(code string) bool {
	all, err := table()
	return err == nil && all[code] != nil
}

// Text returns the sentence of a code. An unknown code comes back as itself
// with its arguments, so that nothing is lost.
func Text(l Lang, code string, args ...any) string {
	all, err := table()
	if err != nil {
		return code
	}
	format, ok := all[code][l]
	if !ok {
		return strings.TrimSpace(fmt.Sprintln(append([]any{code}, args...)...))
	}
	if len(args) == 0 || !strings.Contains(format, "%[") {
		// A hint gets its fault's arguments and often needs none of them; Sprintf
		// would print those as %!(EXTRA ...).
		return strings.ReplaceAll(format, "%%", "%")
	}
	localised := make([]any, len(args))
	for i, a := range args {
		localised[i] = localise(l, a)
	}
	return fmt.Sprintf(format, localised...)
}

// Code is an argument that is itself a code and is translated in place.
type Code string

func localise(l Lang, a any) any {
	if c, ok := a.(Code); ok {
		return Text(l, string(c))
	}
	return a
}

// Message returns the sentence of a fault without its place.
// Any other error is "internal": its text is for the log.
func Message(l Lang, err error) string {
	f := fault.Of(err)
	if f == nil {
		return Text(l, "internal", err)
	}
	return Text(l, f.Code, f.Args...)
}

// Hint returns the advice of a fault, or "".
func Hint(l Lang, err error) string {
	f := fault.Of(err)
	if f == nil {
		return ""
	}
	code := f.Hint
	if code == "" {
		code = f.Code + ".hint"
	}
	if !Has(code) {
		return ""
	}
	return Text(l, code, f.Args...)
}

// Report prints an error as a person reads it: place, sentence, field, hint;
// every fault of a list on lines of its own.
func Report(l Lang, err error) string {
	var list fault.List
	if errors.As(err, &list) {
		lines := make([]string, len(list))
		for i, f := range list {
			lines[i] = Report(l, f)
		}
		return strings.Join(lines, "\n")
	}
	var b strings.Builder
	f := fault.Of(err)
	if f != nil && f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			b.WriteString(Text(l, "place.line", f.Line))
		}
		b.WriteString(": ")
	}
	b.WriteString(Message(l, err))
	if f != nil && f.Field != "" {
		b.WriteString("\n  " + Text(l, "place.field", f.Field, f.Value))
	}
	if hint := Hint(l, err); hint != "" {
		b.WriteString("\n  " + Text(l, "place.advice", hint))
	}
	return b.String()
}
