package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newMatchTryCmd says what another set of matching rules would have done.
func newMatchTryCmd(a *app) *cobra.Command {
	var from, to string
	cmd := &cobra.Command{Use: "try FILE", Short: a.t("cli.match.try.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.tryMatching(ctx, e, args[0], from, to)
		})}
	cmd.Flags().StringVar(&from, "from", "", a.t("cli.flag.from"))
	cmd.Flags().StringVar(&to, "to", "", a.t("cli.match.flag.to"))
	return cmd
}

// tryMatching says what the matching rules of a file would have done.
func (a *app) tryMatching(ctx context.Context, e *clearing.Engine, name, from, to string) error {
	first, err := needDate("--from", from)
	if err != nil {
		return err
	}
	last, err := needDate("--to", to)
	if err != nil {
		return err
	}
	plan, err := clearing.LoadMatchRules(name)
	if err != nil {
		return err
	}
	t, err := e.TryMatching(ctx, plan, first, last)
	if err != nil {
		return err
	}
	return a.answer(t, func() {
		a.say("cli.match.try.result", first, last, t.Same, len(t.Gained), len(t.Lost), len(t.Changed))
		g := a.grid(a.t("cli.match.col.change"), a.t("cli.col.since"), a.t("cli.col.ours"), a.t("cli.col.theirs"), a.t("cli.match.col.before"), a.t("cli.match.col.after"))
		for _, part := range []struct {
			code string
			list []clearing.TriedMatch
		}{{"cli.match.try.gained", t.Gained}, {"cli.match.try.lost", t.Lost}, {"cli.match.try.changed", t.Changed}} {
			for _, m := range part.list {
				g.row(a.t(part.code), m.Date, m.Ours, m.Theirs, m.Before, m.After)
			}
		}
		if len(t.Gained)+len(t.Lost)+len(t.Changed) > 0 {
			g.print()
		}
	})
}
