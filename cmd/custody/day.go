package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// newDayCmd shows where a day stands and what it waits for.
func newDayCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "day [DATE]", Short: a.t("cli.day.short"), Args: cobra.MaximumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			typed := ""
			if len(args) == 1 {
				typed = args[0]
			}
			date, err := a.dateOrLatest(ctx, e, "DATE", typed)
			if err != nil {
				return err
			}
			view, err := dayWithWaits(ctx, e, date)
			if err != nil {
				return err
			}
			return a.answer(view, func() {
				a.showDay(view)
				a.showWaits(view)
			})
		})}
	cmd.AddCommand(newDayWaiveCmd(a), newDayReopenCmd(a), newDayProofsCmd(a))
	return cmd
}

// dayWithWaits is the day as it stands, with what it waits for while it is open.
func dayWithWaits(ctx context.Context, e *clearing.Engine, date bizdate.Date) (*clearing.DayView, error) {
	view, err := e.Day(ctx, date)
	if err != nil || view.State == string(clearing.DaySealed) || view.State == string(clearing.DayClosed) {
		return view, err
	}
	waits, err := e.Waits(ctx, date)
	if err != nil {
		return nil, err
	}
	view.SetWaits(waits)
	return view, nil
}

// notBegun is the view of a day that nothing has been played of yet.
func notBegun(ctx context.Context, e *clearing.Engine, date bizdate.Date) (*clearing.DayView, error) {
	view := &clearing.DayView{Custody: e.Config.Code, Date: date, State: string(notBegunState), Steps: []clearing.StepView{}, Checks: []clearing.CheckView{}, FilesOut: []string{}}
	waits, err := e.Waits(ctx, date)
	view.SetWaits(waits)
	return view, err
}

// preview is the day as it stands or would begin; nothing is played.
func preview(ctx context.Context, e *clearing.Engine, date bizdate.Date) (*clearing.DayView, error) {
	view, err := dayWithWaits(ctx, e, date)
	if fault.CodeOf(err) == "day.unknown" {
		return notBegun(ctx, e, date)
	}
	return view, err
}

// stepTitles are what people call the steps.
var stepTitles = map[string]string{
	"arrival": "cli.step.arrival", "release": "cli.step.release", "payout-batch": "cli.step.payout-batch", "send": "cli.step.send",
	"results": "cli.step.results", "day-cut": "cli.step.day-cut", "files": "cli.step.files", "receipts": "cli.step.receipts",
	"collection": "cli.step.collection", "reconciliation": "cli.step.reconciliation", "refunds": "cli.step.refunds",
	"transit": "cli.step.transit", "answers": "cli.step.answers", "split": "cli.step.split", "split-refunds": "cli.step.split-refunds",
	"netting": "cli.step.netting", "tie-out": "cli.step.tie-out", "trial-balance": "cli.step.trial-balance", "reports": "cli.step.reports",
	"close": "cli.step.close", "seal": "cli.step.seal",
}

func (a *app) stepTitle(name string) string {
	if code := stepTitles[name]; code != "" {
		return a.t(code)
	}
	return name
}

var stepStates = map[string]string{
	"PENDING": "cli.step-state.pending", "RUNNING": "cli.step-state.running", "DONE": "cli.step-state.done",
	"SKIPPED": "cli.step-state.skipped", "WAITING": "cli.step-state.waiting", "MISSED": "cli.step-state.missed",
}

func (a *app) stepState(state string) string {
	if code := stepStates[state]; code != "" {
		return a.t(code)
	}
	return state
}

var phases = map[clearing.Phase]string{clearing.DayPhase: "cli.phase.day", clearing.NightPhase: "cli.phase.night"}

// showDay prints steps with their counts, checks and files out.
func (a *app) showDay(v *clearing.DayView) {
	a.say("cli.day.title", v.Custody, v.Date, a.named("state", v.State))
	steps := a.grid(a.t("cli.col.phase"), a.t("cli.col.step"), a.t("cli.col.state"), ">"+a.t("cli.col.in"), ">"+a.t("cli.col.done"), ">"+a.t("cli.col.skipped"), ">"+a.t("cli.col.failed"))
	for _, s := range v.Steps {
		steps.row(a.t(phases[s.Phase]), a.stepTitle(s.Name), a.stepState(s.State), s.In, s.Done, s.Skipped, s.Failed)
	}
	begun := slices.ContainsFunc(v.Steps, func(s clearing.StepView) bool { return s.State != "PENDING" })
	if begun {
		steps.print()
	}
	if len(v.Checks) > 0 {
		checks := a.grid(a.t("cli.col.check"), a.t("cli.col.what"), a.t("cli.col.state"), ">"+a.t("cli.col.difference"))
		for _, c := range v.Checks {
			checks.row(c.ID, a.named("check", c.ID), a.named("check_state", c.State), c.Difference)
		}
		checks.print()
	}
	if len(v.FilesOut) > 0 {
		a.say("cli.day.files")
		for _, f := range v.FilesOut {
			fmt.Fprintln(a.out, "  "+f)
		}
	}
	if v.ResultHash != "" {
		a.say("cli.day.hash", v.ResultHash)
	}
}

var waitKinds = map[string]string{
	"file": "cli.wait.file", "approval": "cli.wait.approval", "submission": "cli.wait.submission",
	"cut": "cli.wait.cut", "time": "cli.wait.time", "day": "cli.wait.day",
}

// waitLine says what a day waits for and since when.
func (a *app) waitLine(w clearing.Wait) string {
	code := waitKinds[w.Kind]
	if code == "" {
		return w.String()
	}
	subject := w.Subject
	if kind, rest, ok := strings.Cut(subject, " "); ok && w.Kind == "file" && fileKinds[kind] != "" {
		subject = a.t(fileKinds[kind]) + " " + strings.TrimSpace(rest)
	}
	if w.Kind == "time" {
		subject = a.stepTitle(subject)
	}
	return a.t(code, subject, w.Since.In(bizdate.Zone).Format(moment))
}

func (a *app) showWaits(v *clearing.DayView) {
	for _, w := range v.Waits {
		fmt.Fprintln(a.out, a.waitLine(w))
	}
}
