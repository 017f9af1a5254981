package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
)

// newUserLimitCmd says how much a user may write off at a time.
func newUserLimitCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "limit NAME [AMOUNT]", Short: a.t("cli.user.limit.short"), Args: cobra.RangeArgs(1, 2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			var limit *money.Amount
			if len(args) == 2 {
				amount, err := money.ParseYuan(args[1])
				if err != nil || amount < 0 {
					return fault.Invalid("cli.user.limit.amount").On("AMOUNT", args[1])
				}
				limit = &amount
			}
			if err := e.SetWriteOffLimit(ctx, actor, args[0], limit); err != nil {
				return err
			}
			return a.answer(map[string]any{"name": args[0], "write_off_limit_fen": limit}, func() {
				if limit == nil {
					a.say("cli.user.limit.lifted", args[0])
					return
				}
				a.say("cli.user.limit.set", args[0], limit.Grouped())
			})
		})}
}
