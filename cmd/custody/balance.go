package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newBalanceCmd shows what members have, and what lies in the custody account.
func newBalanceCmd(a *app) *cobra.Command {
	var asOf string
	cmd := &cobra.Command{Use: "balance [CODE]", Short: a.t("cli.balance.short"), Args: cobra.MaximumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			date, err := dateFlag("--as-of", asOf)
			if err != nil {
				return err
			}
			code := ""
			if len(args) == 1 {
				code = args[0]
			}
			view, err := e.Balances(ctx, code, date)
			if err != nil {
				return err
			}
			return a.answer(view, func() {
				a.balanceTable(view.Accounts)
				a.say("cli.balance.custody", view.Custody.Grouped())
			})
		})}
	cmd.Flags().StringVar(&asOf, "as-of", "", a.t("cli.flag.as-of"))
	return cmd
}

func (a *app) balanceTable(list []clearing.MemberBalance) {
	g := a.grid(a.t("cli.col.code"), a.t("cli.col.name"), ">"+a.t("cli.col.balance"), ">"+a.t("cli.col.available"),
		">"+a.t("cli.col.withdrawable"), ">"+a.t("cli.col.pending"), ">"+a.t("cli.col.frozen"))
	for _, b := range list {
		g.row(b.Code, b.Name, b.Balance.Grouped(), b.Available.Grouped(), b.Withdrawable.Grouped(), b.Pending.Grouped(), b.Frozen.Grouped())
	}
	g.print()
}
