package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/outbox"
)

// newOutboxCmd shows what was written for others.
func newOutboxCmd(a *app) *cobra.Command {
	var on string
	list := &cobra.Command{Use: "list", Short: a.t("cli.outbox.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := dateFlag("--date", on)
			if err != nil {
				return err
			}
			effects, err := e.Outbox(ctx, date)
			if err != nil {
				return err
			}
			if effects == nil {
				effects = []outbox.Effect{}
			}
			queries, err := e.Queries(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"outbox": effects, "queries": queries}, func() {
				g := a.grid(a.t("cli.col.date"), a.t("cli.col.kind"), a.t("cli.col.subject"), a.t("cli.col.file"), a.t("cli.col.state"), "SHA-256")
				for _, x := range effects {
					g.row(x.Date, a.named("outbox_kind", x.Kind), x.Subject, x.FileName, a.named("outbox", x.State), x.SHA256)
				}
				g.print()
				a.showQueries(queries)
			})
		})}
	list.Flags().StringVar(&on, "date", "", a.t("cli.flag.date"))
	return group("outbox", a.t("cli.outbox.short"), list, newOutboxKeyCmd(a))
}
