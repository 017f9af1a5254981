package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
)

// newOpeningCmd takes the balances of the system before into empty books (期初).
func newOpeningCmd(a *app) *cobra.Command {
	return group("opening", a.t("cli.opening.short"), newOpeningImportCmd(a))
}

func newOpeningImportCmd(a *app) *cobra.Command {
	var letter, balance, first string
	cmd := &cobra.Command{Use: "import SHEET.csv", Short: a.t("cli.opening.import.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			if letter == "" {
				return fault.Invalid("cli.needed", "--letter")
			}
			amount, err := yuan("--balance", balance)
			if err != nil {
				return err
			}
			day, err := needDate("--first-day", first)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			o, err := clearing.ReadOpening(args[0], letter, amount, day)
			if err != nil {
				return err
			}
			id, err := e.TakeOn(ctx, actor, o)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"approval": id, "rows": len(o.Rows), "balance_fen": int64(amount)}, func() {
				a.say("cli.opening.ties", a.count(len(o.Rows), countRows), amount.Grouped())
				a.say("cli.action.submitted", id)
			})
		})}
	cmd.Flags().StringVar(&letter, "letter", "", a.t("cli.flag.letter"))
	cmd.Flags().StringVar(&balance, "balance", "", a.t("cli.flag.letter-balance"))
	cmd.Flags().StringVar(&first, "first-day", "", a.t("cli.flag.first-day"))
	return cmd
}
