package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"custody/cmd/custody/bench"
)

// newBenchCmd measures the program against what the machine allows.
func newBenchCmd(a *app) *cobra.Command {
	return group("bench", a.t("cli.bench.short"), newBenchNightCmd(a), newBenchMatchCmd(a), newBenchLedgerCmd(a), newBenchVerifyCmd(a), newBenchChildCmd(a))
}

// newBenchNightCmd plays a night beside its floor.
func newBenchNightCmd(a *app) *cobra.Command {
	var o bench.Options
	var growth bool
	cmd := &cobra.Command{Use: "night", Short: a.t("cli.bench.night.short"), Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			o.DSN = a.dsn
			if growth {
				return a.benchGrowth(ctx, o)
			}
			return a.benchNight(ctx, o)
		})}
	flags := cmd.Flags()
	flags.IntVar(&o.Orders, "orders", 100_000, a.t("cli.bench.flag.orders"))
	flags.IntVar(&o.Members, "members", 1_000, a.t("cli.bench.flag.members"))
	flags.BoolVar(&growth, "growth", false, a.t("cli.bench.flag.growth"))
	flags.IntVar(&o.History, "history", 0, a.t("cli.bench.flag.history"))
	flags.IntVar(&o.Nights, "nights", 1, a.t("cli.bench.flag.nights"))
	flags.StringVar(&o.Dir, "keep", "", a.t("cli.bench.flag.keep"))
	flags.StringVar(&o.Profile, "profile", "", "")
	_ = flags.MarkHidden("profile") // it fails for unknown names alone
	return cmd
}

// measuring gives a measurement its folder, to keep or one that goes
// afterwards, and the way to start this program again.
func (a *app) measuring(o bench.Options, work func(bench.Options) error) (err error) {
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
	return work(o)
}

func (a *app) benchNight(ctx context.Context, o bench.Options) error {
	return a.measuring(o, func(o bench.Options) error {
		report, err := bench.Night(ctx, o)
		if err != nil {
			return err
		}
		return a.answer(report, func() { a.showBenchNight(report) })
	})
}

// nightGrowth are the sizes that show whether the cost of an order grows.
var nightGrowth = []int{100_000, 300_000, 1_000_000, 3_000_000}

// benchGrowth measures the nights of the growth table, up to the size asked for.
func (a *app) benchGrowth(ctx context.Context, o bench.Options) error {
	all := []*bench.Report{}
	for _, n := range nightGrowth {
		if n > max(o.Orders, nightGrowth[0]) {
			break
		}
		one := o
		one.Orders = n
		if o.Dir != "" {
			one.Dir = filepath.Join(o.Dir, strconv.Itoa(n))
			if err := os.MkdirAll(one.Dir, 0o700); err != nil {
				return err
			}
		}
		err := a.measuring(one, func(one bench.Options) error {
			report, err := bench.Night(ctx, one)
			all = append(all, report)
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.answer(map[string]any{"growth": all}, func() { a.showBenchGrowth(all) })
}

func (a *app) showBenchGrowth(all []*bench.Report) {
	table := a.grid(">"+a.t("cli.bench.col.orders"), ">"+a.t("cli.bench.col.seconds"), ">"+a.t("cli.bench.col.floor"), ">"+a.t("cli.bench.col.ratio"),
		">"+a.t("cli.bench.col.each"), ">"+a.t("cli.bench.col.memory"), ">"+a.t("cli.bench.col.bytes"))
	for _, r := range all {
		table.row(r.Orders, fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.2f", r.FloorSeconds), fmt.Sprintf("%.2f", r.Ratio),
			fmt.Sprintf("%.1f", r.Seconds*1e6/float64(r.Orders)), fmt.Sprintf("%.0f", r.PeakRSSMiB), fmt.Sprintf("%.0f", r.DBBytesPerOrder))
	}
	table.print()
	if len(all) > 0 {
		a.showBenchConditions(all[len(all)-1])
	}
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
	per := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)*1000/float64(r.Orders)) }
	a.say("cli.bench.costs", per(r.Costs.Statements), per(r.Costs.Rows), per(r.Costs.Commits), per(int64(r.Costs.Allocs)))
	a.showBenchConditions(r)
}

func (a *app) showBenchConditions(r *bench.Report) {
	engine, floor := "cli.bench.sqlite", "cli.bench.floor"
	if r.Engine != "sqlite" {
		engine, floor = "cli.bench.server", "cli.bench.floor.server"
	}
	a.say("cli.bench.conditions", a.t(engine), bench.CommitGroup, fmt.Sprintf("%.0f", 100*r.HotShare), r.History, bench.HistoryOrders, r.Nights-1)
	a.say(floor)
}

// newBenchLedgerCmd measures the ledger alone.
func newBenchLedgerCmd(a *app) *cobra.Command {
	var entries int
	cmd := &cobra.Command{Use: "ledger", Short: a.t("cli.bench.ledger.short"), Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			return a.measuring(bench.Options{}, func(o bench.Options) error {
				r, err := bench.Ledger(ctx, o, entries)
				if err != nil {
					return err
				}
				return a.answer(r, func() {
					a.say("cli.bench.ledger", r.Entries, fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.0f", r.EntriesPerSecond),
						fmt.Sprintf("%.0f", r.FloorPerSecond), fmt.Sprintf("%.2f", r.FloorPerSecond/r.EntriesPerSecond))
					a.say("cli.bench.ledger.read", fmt.Sprintf("%.3f", r.AsOfMs), fmt.Sprintf("%.3f", r.AsOfWorstMs),
						fmt.Sprintf("%.3f", r.StatementMs), fmt.Sprintf("%.3f", r.StatementWorstMs))
				})
			})
		})}
	cmd.Flags().IntVar(&entries, "entries", 10_000_000, a.t("cli.bench.flag.entries"))
	return cmd
}

// newBenchVerifyCmd measures the derivation of the ledger from its entries.
func newBenchVerifyCmd(a *app) *cobra.Command {
	var entries int
	cmd := &cobra.Command{Use: "verify", Short: a.t("cli.bench.verify.short"), Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			return a.measuring(bench.Options{}, func(o bench.Options) error {
				r, err := bench.Verify(ctx, o, entries)
				if err != nil {
					return err
				}
				return a.answer(r, func() {
					a.say("cli.bench.verify", r.Entries, fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.2f", r.FloorSeconds),
						fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.0f", r.PeakRSSMiB))
				})
			})
		})}
	cmd.Flags().IntVar(&entries, "entries", 4_000_000, a.t("cli.bench.flag.entries"))
	return cmd
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
