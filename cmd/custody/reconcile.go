package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/statements"
)

// newReconcileCmd writes the reconciliation workbook (对账工作簿) of a date.
func newReconcileCmd(a *app) *cobra.Command {
	var on, path string
	cmd := &cobra.Command{Use: "reconcile", Short: a.t("cli.reconcile.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := needDate("--date", on)
			if err != nil {
				return err
			}
			if path == "" {
				return fault.Invalid("cli.needed", "--out")
			}
			if err := a.workbook(ctx, e, date, path); err != nil {
				return err
			}
			return a.answer(map[string]string{"file": path}, func() { a.say("cli.written", path) })
		})}
	cmd.Flags().StringVar(&on, "date", "", a.t("cli.flag.date"))
	cmd.Flags().StringVar(&path, "out", "", a.t("cli.flag.out"))
	return cmd
}

func (a *app) workbook(ctx context.Context, e *clearing.Engine, date bizdate.Date, path string) error {
	view, err := e.Day(ctx, date)
	if err != nil {
		return err
	}
	return document(ctx, e, path, func(tx *store.Tx, out io.Writer) error {
		in := statements.WorkbookInput{Custody: e.Book.ID(), Config: e.Config, Date: date, Checks: view.Checks, Lang: a.paperLang(), State: view.State, ResultHash: view.ResultHash}
		var err error
		if in.TieOut, err = e.TieOut(ctx, tx, date); err != nil {
			return err
		}
		return statements.Workbook(ctx, tx, in, out)
	})
}
