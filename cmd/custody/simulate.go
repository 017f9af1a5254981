package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/calendar"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// simulateFlags are the choices of custody simulate.
type simulateFlags struct {
	out, from     string
	days          int
	seed          uint64
	orders, count int
	faults        string
	statement     string
	bill          string
	run           bool
	events        bool
}

// newSimulateCmd makes a home with the files of an invented head office.
func newSimulateCmd(a *app) *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{Use: "simulate", Short: a.t("cli.simulate.short"), Args: cobra.NoArgs}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", a.t("cli.flag.out-dir"))
	flags.StringVar(&f.from, "from", "2026-01-05", a.t("cli.flag.from"))
	flags.IntVar(&f.days, "days", 3, a.t("cli.flag.days"))
	flags.Uint64Var(&f.seed, "seed", 1, a.t("cli.flag.seed"))
	flags.IntVar(&f.orders, "orders", 300, a.t("cli.flag.orders"))
	flags.IntVar(&f.count, "members", 6, a.t("cli.flag.members"))
	flags.StringVar(&f.faults, "faults", "", a.t("cli.flag.faults", strings.Join(append(simbank.FaultNames(), simbank.BadDay), ", ")))
	flags.StringVar(&f.statement, "statement", simbank.StatementCamt, a.t("cli.flag.statement-form", strings.Join(simbank.StatementForms(), ", ")))
	flags.StringVar(&f.bill, "bill", simbank.BillAlipay, a.t("cli.flag.bill-form", strings.Join(simbank.BillForms(), ", ")))
	flags.BoolVar(&f.events, "events", false, a.t("cli.flag.events"))
	flags.BoolVar(&f.run, "run", false, a.t("cli.flag.run"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.does(func(ctx context.Context, _ []string) error { return a.simulate(ctx, f, cmd.Flags().Changed("faults")) })(cmd, args)
	}
	cmd.AddCommand(newSimulateAnswerCmd(a), newSimulateOperatorCmd(a), newSimulateDemoCmd(a))
	return cmd
}

// simulateAnswer is what simulate prints with --json.
type simulateAnswer struct {
	Home string              `json:"home"`
	From bizdate.Date        `json:"from"`
	Days int                 `json:"days"`
	Seed uint64              `json:"seed"`
	Ran  []*clearing.DayView `json:"ran"`
}

func (a *app) simulate(ctx context.Context, f simulateFlags, named bool) error {
	if f.out == "" {
		return fault.Invalid("cli.needed", "--out")
	}
	from, err := needDate("--from", f.from)
	if err != nil {
		return err
	}
	cal, err := calendar.Load()
	if err != nil {
		return err
	}
	p := simbank.Params{Dir: f.out, From: from, Days: f.days, Seed: f.seed, Orders: f.orders, Members: f.count, Working: cal.IsWorkingDay,
		Statement: f.statement, Bill: f.bill, Events: f.events}
	if named {
		p.Faults = []string{}
		for name := range strings.SplitSeq(f.faults, ",") {
			if name = strings.TrimSpace(name); name != "" && name != "none" {
				p.Faults = append(p.Faults, name)
			}
		}
	}
	if err := simbank.Generate(p); err != nil {
		return err
	}
	a.home = f.out
	answer := simulateAnswer{Home: f.out, From: from, Days: f.days, Seed: f.seed, Ran: []*clearing.DayView{}}
	return a.initialise(ctx, func(e *clearing.Engine, _ bool) error {
		if !a.json {
			a.say("cli.simulate.done", f.out, from, a.count(f.days, countDays), f.seed)
		}
		var played error
		if f.run {
			answer.Ran, played = a.playDays(ctx, e, f, from)
		}
		if a.json {
			return errors.Join(played, a.object(answer))
		}
		return played
	})
}

// playDays plays the days of a simulated home one after the other, the checker
// and the bank included, and stops at the first that does not close.
func (a *app) playDays(ctx context.Context, e *clearing.Engine, f simulateFlags, from bizdate.Date) ([]*clearing.DayView, error) {
	views := []*clearing.DayView{}
	morning := func(bizdate.Date) error { return nil }
	if f.events {
		p, err := newPlayer(ctx, e, from)
		if err != nil {
			return views, err
		}
		morning = p.morning
	}
	for date := from; date < from.AddDays(f.days); date = date.AddDays(1) {
		if err := morning(date); err != nil {
			return views, err
		}
		view, err := playDay(ctx, e, date)
		if view != nil {
			views = append(views, view)
			if !a.json {
				a.played(view)
				a.showWaits(view)
			}
		}
		if err != nil {
			return views, err
		}
	}
	return views, nil
}

// maxRounds bounds how often one day is run: it waits for the checker and for
// the bank once each, some days for late batches besides.
const maxRounds = 8

// playDay runs a day until it is closed: it approves what waits for a checker
// and lets the bank answer once.
func playDay(ctx context.Context, e *clearing.Engine, date bizdate.Date) (view *clearing.DayView, err error) {
	answered := false
	for range maxRounds {
		view, err = e.Run(ctx, clearing.RunRequest{Date: date, Actor: simulatedMaker})
		if fault.ExitCode(err) != int(fault.Waiting) || view == nil {
			return view, err
		}
		approved := false
		for _, w := range view.Waits {
			if w.Kind != "approval" {
				continue
			}
			if _, err := e.Approve(ctx, simulatedChecker, w.Subject); err != nil {
				return view, err
			}
			approved = true
		}
		switch {
		case approved:
		case answered:
			return view, err
		default:
			if _, err := simbank.Answer(e.Home, date); err != nil {
				return view, err
			}
			answered = true
		}
	}
	return view, err
}

// newSimulateAnswerCmd plays the bank between the phases of a day.
func newSimulateAnswerCmd(a *app) *cobra.Command {
	var on string
	cmd := &cobra.Command{Use: "answer", Short: a.t("cli.simulate.answer.short"), Args: cobra.NoArgs, RunE: a.does(func(context.Context, []string) error {
		date, err := needDate("--date", on)
		if err != nil {
			return err
		}
		names, err := simbank.Answer(a.home, date)
		if err != nil {
			return err
		}
		return a.answer(map[string]any{"date": date, "files": names}, func() {
			for _, name := range names {
				fmt.Fprintln(a.out, name)
			}
		})
	})}
	cmd.Flags().StringVar(&on, "date", "", a.t("cli.flag.date"))
	return cmd
}

// newSimulateDemoCmd writes the three days that testdata/demo holds.
func newSimulateDemoCmd(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{Use: "demo", Short: a.t("cli.simulate.demo.short"), Hidden: true, Args: cobra.NoArgs, RunE: a.does(func(context.Context, []string) error {
		if out == "" {
			return fault.Invalid("cli.needed", "--out")
		}
		return simbank.GenerateDemo(out)
	})}
	cmd.Flags().StringVar(&out, "out", "", a.t("cli.flag.out-dir"))
	return cmd
}
