package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
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
			contents := make([]clearing.RuleConfig, len(rules))
			for i, r := range rules {
				if err := json.Unmarshal([]byte(r.Content), &contents[i]); err != nil {
					return fault.Broken("rule.content", r.ID, r.Version).Because(err)
				}
			}
			return a.answer(map[string]any{"rules": rules}, func() {
				g := a.grid(a.t("cli.col.rule"), ">"+a.t("cli.col.version"), a.t("cli.col.effective"),
					">"+a.t("cli.col.head-office"), ">"+a.t("cli.col.partner-share"), a.t("cli.col.fee-bearer"))
				for i, r := range rules {
					c := contents[i]
					g.row(r.ID, r.Version, r.Effective, money.Percent(c.HeadOfficePPM), money.Percent(c.PartnerPPM), a.named("bearer", c.FeeBearer))
				}
				g.print()
			})
		})}
	return group("rule", a.t("cli.rule.short"), list)
}
