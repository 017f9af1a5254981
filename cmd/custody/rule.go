package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newRuleCmd shows the split rules (分账规则).
func newRuleCmd(a *app) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: a.t("cli.rule.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			rules, err := e.Rules(ctx)
			if err != nil {
				return err
			}
			if rules == nil {
				rules = []clearing.SplitRule{}
			}
			return a.answer(map[string]any{"rules": rules}, func() {
				g := a.grid(a.t("cli.col.rule"), ">"+a.t("cli.col.version"), a.t("cli.col.effective"), a.t("cli.col.content"))
				for _, r := range rules {
					g.row(r.ID, r.Version, r.Effective, r.Content)
				}
				g.print()
			})
		})}
	return group("rule", a.t("cli.rule.short"), list)
}
