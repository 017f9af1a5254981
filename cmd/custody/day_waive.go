package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newDayWaiveCmd asks for a day to close without a file that will never come.
func newDayWaiveCmd(a *app) *cobra.Command {
	var date, reason string
	cmd := &cobra.Command{Use: "waive KIND [SOURCE]", Short: a.t("cli.waive.short"), Args: cobra.RangeArgs(1, 2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			day, err := a.dateOrLatest(ctx, e, "--date", date)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			source := ""
			if len(args) == 2 {
				source = args[1]
			}
			id, err := e.Waive(ctx, actor, clearing.Waiver{Date: day, Kind: args[0], Source: source, Reason: reason})
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"approval_id": id}, func() { a.say("cli.waive.asked", id) })
		})}
	cmd.Flags().StringVar(&date, "date", "", a.t("cli.flag.date-latest"))
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.reason"))
	return cmd
}
