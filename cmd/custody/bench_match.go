package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"custody/cmd/custody/bench"
)

// newBenchMatchCmd measures the matching of two sides in memory.
func newBenchMatchCmd(a *app) *cobra.Command {
	var lines int
	cmd := &cobra.Command{Use: "match", Short: a.t("cli.bench.match.short"), Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error { return a.benchMatch(ctx, lines) })}
	cmd.Flags().IntVar(&lines, "lines", 1_000_000, a.t("cli.bench.flag.lines"))
	return cmd
}

// growth are the sizes below the one that is asked for, which show whether the
// time grows with the lines.
var growth = []int{100_000, 300_000, 1_000_000, 4_000_000}

// benchMatch measures the size that is asked for; for a person the smaller ones
// of the growth table too.
func (a *app) benchMatch(ctx context.Context, lines int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.Options{Child: func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, self, append([]string{"bench", "child", "--"}, args...)...)
	}}
	report, err := bench.Match(ctx, o, lines)
	if err != nil || a.json {
		if err == nil {
			err = a.object(report)
		}
		return err
	}
	var all []*bench.MatchReport
	for _, n := range growth {
		if n >= lines {
			break
		}
		smaller, err := bench.Match(ctx, o, n)
		if err != nil {
			return err
		}
		all = append(all, smaller)
	}
	a.showBenchMatch(append(all, report))
	return nil
}

func (a *app) showBenchMatch(all []*bench.MatchReport) {
	g := a.grid(">"+a.t("cli.bench.col.lines"), ">"+a.t("cli.bench.col.seconds"), ">"+a.t("cli.bench.col.rate"), ">"+a.t("cli.bench.col.each"), ">"+a.t("cli.bench.col.memory"))
	for _, r := range all {
		g.row(r.Lines, fmt.Sprintf("%.3f", r.Seconds), fmt.Sprintf("%.0f", r.LinesPerSecond), fmt.Sprintf("%.0f", 1e9/r.LinesPerSecond), fmt.Sprintf("%.0f", r.PeakRSSMiB))
	}
	g.print()
	a.say("cli.bench.match.conditions")
}
