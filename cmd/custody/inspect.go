package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"custody/bankfiles/inspect"
	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/lang"
)

// newInspectCmd says what files are; it needs no home and books nothing.
func newInspectCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "inspect FILE...", Short: a.t("cli.inspect.short"), Args: cobra.MinimumNArgs(1), RunE: a.does(func(_ context.Context, paths []string) error {
		worst := 0
		err := a.each(paths, func(path string) error {
			report, err := a.inspectFile(path)
			if err != nil {
				return err
			}
			if report.Refused() {
				worst = int(fault.Bad)
			}
			return a.answer(report, func() { a.showReport(report) })
		})
		if err == nil && worst != 0 {
			return &reported{worst}
		}
		return err
	})}
}

func (a *app) inspectFile(path string) (*inspect.Report, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Invalid("cli.read").In(name).Because(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Invalid("cli.regular").In(name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("cli.read").In(name).Because(err)
	}
	defer f.Close()
	report, err := inspect.File(name, f, func(p *fault.Fault) (string, string) {
		return lang.Message(a.lang, p), lang.Hint(a.lang, p)
	})
	if err != nil {
		return nil, fault.Invalid("cli.read").In(name).Because(err)
	}
	return &report, nil
}

// yesNo tells what is known: agreed, not agreed, or not said by the file.
func (a *app) yesNo(v *bool) string {
	switch {
	case v == nil:
		return a.t("cli.unknown")
	case *v:
		return a.t("cli.yes")
	}
	return a.t("cli.no")
}

// formatName is the name that --format takes; the unknown format has none.
func (a *app) formatName(f inspect.Format) string {
	if f == inspect.Unknown {
		return a.t("cli.inspect.unknown")
	}
	return string(f)
}

func (a *app) showReport(r *inspect.Report) {
	facts := []string{strings.TrimSpace(a.formatName(r.Format) + " " + r.Version), r.Encoding, a.count(r.Rows, countRows)}
	facts = slices.DeleteFunc(facts, func(s string) bool { return s == "" })
	a.say("cli.inspect.title", r.File, strings.Join(facts, a.t("cli.comma")), a.yesNo(r.TotalsAgree))
	if len(r.Statements) > 0 {
		g := a.grid(a.t("cli.col.account"), a.t("cli.col.currency"), a.t("cli.col.number"), a.t("cli.col.from"), a.t("cli.col.to"),
			">"+a.t("cli.col.opening"), ">"+a.t("cli.col.closing"), ">"+a.t("cli.col.entries"), ">"+a.t("cli.col.sum"), a.t("cli.col.balanced"))
		for _, s := range r.Statements {
			g.row(clearing.Mask(s.Account), s.Currency, s.Number, s.From, s.To, orEmpty(s.Opening), orEmpty(s.Closing), s.Entries, grouped(s.Sum), a.yesNo(s.Balanced))
		}
		g.print()
	}
	for _, p := range r.Errors {
		a.showProblem("cli.inspect.error", p)
	}
	for _, p := range r.Warnings {
		a.showProblem("cli.inspect.warning", p)
	}
}

// orEmpty is an amount in groups of three digits, where there is one.
func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return grouped(*s)
}

func (a *app) showProblem(code string, p inspect.Problem) {
	where := ""
	if p.Line > 0 {
		where = a.t("place.line", p.Line)
	}
	a.say(code, where, p.Message)
	if p.Field != "" {
		fmt.Fprintln(a.out, "  "+a.t("place.field", p.Field, p.Value))
	}
	if p.Hint != "" {
		fmt.Fprintln(a.out, "  "+a.t("place.advice", p.Hint))
	}
}
