package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newCalendarCmd keeps the working days (工作日历).
func newCalendarCmd(a *app) *cobra.Command {
	take := &cobra.Command{Use: "import FILE", Short: a.t("cli.calendar.import.short"), Long: a.t("cli.calendar.import.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			year, n, err := e.ImportCalendar(ctx, actor, args[0])
			if err != nil {
				return err
			}
			return a.answer(map[string]int{"year": year, "days": n}, func() {
				a.say("cli.calendar.imported", filepath.Base(args[0]), year, a.count(n, countDays))
			})
		})}
	return group("calendar", a.t("cli.calendar.short"), take)
}
