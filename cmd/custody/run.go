package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// runFlags are the choices of custody run.
type runFlags struct {
	date, from, to, until, mode string
	dryRun                      bool
}

// newRunCmd plays what is possible of a day, or of each day of a period.
func newRunCmd(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{Use: "run", Short: a.t("cli.run.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			if f.from != "" || f.to != "" {
				return a.runPeriod(ctx, e, f)
			}
			date, err := needDate("--date", f.date)
			if err != nil {
				return err
			}
			return a.runDay(ctx, e, f, date)
		})}
	flags := cmd.Flags()
	flags.StringVar(&f.date, "date", "", a.t("cli.flag.date"))
	flags.StringVar(&f.until, "until", "", a.t("cli.flag.until"))
	flags.BoolVar(&f.dryRun, "dry-run", false, a.t("cli.flag.dry-run"))
	flags.StringVar(&f.from, "from", "", a.t("cli.flag.from"))
	flags.StringVar(&f.to, "to", "", a.t("cli.flag.to"))
	flags.StringVar(&f.mode, "mode", "missing", a.t("cli.flag.mode"))
	cmd.MarkFlagsMutuallyExclusive("date", "from")
	cmd.MarkFlagsMutuallyExclusive("date", "to")
	return cmd
}

// runDay plays one day and prints it; while it waits the view comes first, then
// on standard error what for and since when.
func (a *app) runDay(ctx context.Context, e *clearing.Engine, f runFlags, date bizdate.Date) error {
	if f.dryRun {
		view, err := preview(ctx, e, date)
		if err != nil {
			return err
		}
		return a.answer(view, func() { a.showDay(view); a.showWaits(view) })
	}
	actor, err := a.maker(ctx, e)
	if err != nil {
		return err
	}
	view, err := e.Run(ctx, clearing.RunRequest{Date: date, Until: f.until, Actor: actor})
	if view == nil {
		return err
	}
	e.Progress = nil
	if out := a.answer(view, func() { a.played(view) }); out != nil {
		return errors.Join(err, out)
	}
	if fault.CodeOf(err) == "day.waits" && len(view.Waits) > 0 {
		a.explainWaits(view, err)
		return &reported{fault.ExitCode(err)}
	}
	return err
}

func (a *app) played(view *clearing.DayView) {
	if view.AlreadyClosed {
		a.say("cli.run.already", view.Date)
		return
	}
	a.showDay(view)
}

// explainWaits says on standard error what a day waits for, and why files that
// lay in the inbox were not taken.
func (a *app) explainWaits(view *clearing.DayView, err error) {
	for _, w := range view.Waits {
		fmt.Fprintln(a.err, "custody: "+a.waitLine(w))
		if w.Kind == "approval" {
			a.note("cli.wait.approval.how", w.Subject)
		}
	}
	if f := fault.Of(err); f != nil && f.Cause != nil {
		for _, cause := range causes(f.Cause) {
			a.report(cause)
		}
	}
}

// causes takes joined errors apart.
func causes(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if _, list := err.(fault.List); !list {
			return many.Unwrap()
		}
	}
	return []error{err}
}

// maxPeriod bounds a period: two years of days.
const maxPeriod = 731

// runPeriod plays each day of a period in order and stops at the first that
// does not close. Mode missing plays whatever is not closed; failed only what
// was begun and is not closed.
func (a *app) runPeriod(ctx context.Context, e *clearing.Engine, f runFlags) error {
	from, err := needDate("--from", f.from)
	if err != nil {
		return err
	}
	to, err := needDate("--to", f.to)
	if err != nil {
		return err
	}
	if n := from.DaysUntil(to); n < 0 || n > maxPeriod {
		return fault.Invalid("cli.period", from, to, maxPeriod).On("--to", f.to)
	}
	if f.mode != "missing" && f.mode != "failed" {
		return fault.Invalid("cli.mode").On("--mode", f.mode)
	}
	known, err := knownDays(ctx, e, 2*maxPeriod)
	if err != nil {
		return err
	}
	states := map[bizdate.Date]knownDay{}
	for _, d := range known {
		states[d.Date] = d
	}
	for date := from; date <= to; date = date.AddDays(1) {
		d, begun := states[date]
		play := a.runDay
		switch {
		case d.closed():
			play = a.passOver
		case f.mode == "failed" && !begun:
			continue
		}
		if err := play(ctx, e, f, date); err != nil {
			return err
		}
	}
	return nil
}

// passOver prints a day of a period that is closed already.
func (a *app) passOver(ctx context.Context, e *clearing.Engine, _ runFlags, date bizdate.Date) error {
	view, err := e.Day(ctx, date)
	if err != nil {
		return err
	}
	view.AlreadyClosed = true
	return a.answer(view, func() { a.played(view) })
}
