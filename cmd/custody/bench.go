package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"custody/cmd/custody/bench"
)

// newBenchCmd measures the program against what the machine allows.
func newBenchCmd(a *app) *cobra.Command {
	return group("bench", a.t("cli.bench.short"), newBenchNightCmd(a), newBenchMatchCmd(a), newBenchChildCmd(a))
}

// newBenchNightCmd plays a night beside its floor.
func newBenchNightCmd(a *app) *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{Use: "night", Short: a.t("cli.bench.night.short"), Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return a.benchNight(ctx, o) })}
	flags := cmd.Flags()
	flags.IntVar(&o.Orders, "orders", 100_000, a.t("cli.bench.flag.orders"))
	flags.IntVar(&o.Members, "members", 1_000, a.t("cli.bench.flag.members"))
	flags.StringVar(&o.Dir, "keep", "", a.t("cli.bench.flag.keep"))
	flags.StringVar(&o.Profile, "profile", "", "")
	_ = flags.MarkHidden("profile") // it fails for unknown names alone
	return cmd
}

// benchNight measures in the folder to keep, or in one that goes afterwards.
func (a *app) benchNight(ctx context.Context, o bench.Options) (err error) {
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "custody-bench-"); err != nil {
			return err
		}
		dir := o.Dir
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Child = func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, self, append([]string{"bench", "child", "--"}, args...)...)
	}
	if terminal(a.err) && !a.json {
		o.Phase = func(code string) { a.note(code) }
	}
	report, err := bench.Night(ctx, o)
	if err != nil {
		return err
	}
	return a.answer(report, func() { a.showBenchNight(report) })
}

// showBenchNight prints the phases and under which conditions they were measured.
func (a *app) showBenchNight(r *bench.Report) {
	table := a.grid(a.t("cli.bench.col.phase"), ">"+a.t("cli.bench.col.seconds"), ">"+a.t("cli.bench.col.share"), ">"+a.t("cli.bench.col.rows"))
	for _, p := range r.Phases {
		table.row(a.benchPhase(p.Name), fmt.Sprintf("%.3f", p.Seconds), fmt.Sprintf("%.1f%%", 100*p.Seconds/r.Seconds), p.Rows)
	}
	table.print()
	a.say("cli.bench.night", r.Orders, r.Members, fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.2f", r.FloorSeconds), fmt.Sprintf("%.2f", r.Ratio))
	a.say("cli.bench.size", fmt.Sprintf("%.0f", r.PeakRSSMiB), fmt.Sprintf("%.1f", r.RowsPerOrder), fmt.Sprintf("%.0f", r.DBBytesPerOrder))
	a.say("cli.bench.conditions", bench.CommitGroup, fmt.Sprintf("%.0f", 100*r.HotShare))
	a.say("cli.bench.floor")
}

// benchPhases are the phases that are no steps.
var benchPhases = map[string]string{"open": "cli.bench.phase.open", "approval": "cli.bench.phase.approval", "checkpoint": "cli.bench.phase.checkpoint"}

func (a *app) benchPhase(name string) string {
	if code := benchPhases[name]; code != "" {
		return a.t(code)
	}
	return a.stepTitle(name)
}

// newBenchChildCmd is the process of its own that a part of a measurement runs in.
func newBenchChildCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "child", Hidden: true, RunE: a.does(func(ctx context.Context, args []string) error {
		answer, err := bench.RunChild(ctx, args)
		if err != nil {
			return err
		}
		_, err = a.out.Write(answer)
		return err
	})}
}
