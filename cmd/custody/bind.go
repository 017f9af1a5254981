package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/subaccounts"
)

// bindingFlags are a bound account as typed.
func bindingFlags(a *app, cmd *cobra.Command, b *subaccounts.Binding) {
	flags := cmd.Flags()
	flags.StringVar(&b.AccountNo, "account", "", a.t("cli.flag.account"))
	flags.StringVar(&b.BankName, "bank", "", a.t("cli.flag.bank"))
	flags.StringVar(&b.CNAPS, "cnaps", "", a.t("cli.flag.cnaps"))
}

// newBindCmd submits the account that a member is paid to (绑定账户).
func newBindCmd(a *app) *cobra.Command {
	var b subaccounts.Binding
	cmd := &cobra.Command{Use: "bind CODE", Short: a.t("cli.bind.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			b.Member = args[0]
			id, err := e.Bind(ctx, actor, b)
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"member": b.Member, "approval": id}, func() {
				a.say("cli.bind.done", clearing.Mask(b.AccountNo), b.Member, id)
			})
		})}
	bindingFlags(a, cmd, &b)
	cmd.Flags().StringVar(&b.AccountName, "name", "", a.t("cli.flag.account-name"))
	return cmd
}
