package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/people"
	"custody/internal/fault"
	"custody/internal/store"
)

// newImportCmd takes in files of any kind.
func newImportCmd(a *app) *cobra.Command {
	var o clearing.ImportOptions
	cmd := &cobra.Command{Use: "import FILE...", Short: a.t("cli.import.short"), Args: cobra.MinimumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, paths []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := mayImport(ctx, e, actor); err != nil {
				return err
			}
			o.Actor = actor
			return a.each(paths, func(path string) error {
				report, err := e.Import(ctx, path, o)
				if err != nil {
					return err
				}
				report.File = shown(report.File)
				return a.answer(report, func() { a.imported(report) })
			})
		})}
	cmd.Flags().StringVar(&o.Format, "format", "", a.t("cli.flag.format"))
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, a.t("cli.flag.dry-run"))
	return cmd
}

// mayImport asks the table of permissions before any file is touched.
func mayImport(ctx context.Context, e *clearing.Engine, actor string) error {
	return e.DB.Read(ctx, func(tx *store.Tx) error { return people.Require(ctx, tx, actor, people.Import) })
}

func (a *app) imported(r *clearing.ImportReport) {
	f := r.File
	what := strings.TrimSpace(a.t(fileKinds[f.Kind]) + " " + f.Source)
	switch {
	case r.AlreadyLoaded:
		a.say("cli.import.already", f.Name, r.LoadedOn)
	case r.DryRun:
		a.say("cli.import.dry", f.Name, what, f.Date, a.count(f.Rows, countRows))
	case f.Kind == "statement" && r.From != 0 && r.From < f.Date:
		a.say("cli.import.days", f.Name, r.From, f.Date, a.count(f.Rows, countRows))
	case f.State == clearing.FileNoBill:
		a.say("cli.import.no-bill", f.Name, f.Source, f.Date)
	default:
		a.say("cli.import.done", f.Name, what, f.Date, a.count(f.Rows, countRows))
	}
	if f.Pay != 0 || f.Refund != 0 || f.Fee != 0 {
		a.say("cli.import.totals", f.Pay.Grouped(), f.Refund.Grouped(), f.Fee.Grouped())
	}
}

// severity orders exit codes, the worst last, for calls over several files.
var severity = map[int]int{0: 0, 5: 1, 4: 2, 2: 3, 3: 4, 1: 5}

// each does the work for every path, reports each failure beside its file, and
// ends in the worst exit code.
func (a *app) each(paths []string, work func(string) error) error {
	worst := 0
	for _, path := range paths {
		err := work(path)
		if err == nil {
			continue
		}
		if a.json {
			if err := a.object(a.errorAnswer(err)); err != nil {
				return err
			}
		} else {
			a.report(err)
		}
		if code := fault.ExitCode(err); severity[code] > severity[worst] {
			worst = code
		}
	}
	if worst != 0 {
		return &reported{worst}
	}
	return nil
}
