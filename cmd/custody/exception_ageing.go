package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/internal/bizdate"
)

// ageingAnswer is the ageing table (账龄表) as --json prints it.
type ageingAnswer struct {
	AsOf   string            `json:"as_of"`
	Ageing []ageingRowAnswer `json:"ageing"`
	exceptions.Aged
}

type ageingRowAnswer struct {
	Type    exceptions.BreakType `json:"type"`
	Name    string               `json:"name"`
	Buckets []bucketAnswer       `json:"buckets"`
	exceptions.Aged
}

type bucketAnswer struct {
	Days string `json:"days"`
	exceptions.Aged
}

// withAgeing adds --ageing to the list of exceptions.
func withAgeing(a *app, cmd *cobra.Command) *cobra.Command {
	var ageing bool
	list := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !ageing {
			return list(cmd, args)
		}
		return a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := a.dateOrLatest(ctx, e, "--date", cmd.Flag("date").Value.String())
			if err != nil {
				return err
			}
			return a.ageing(ctx, e, date)
		})(cmd, args)
	}
	cmd.Flags().BoolVar(&ageing, "ageing", false, a.t("cli.ageing.flag"))
	return cmd
}

// ageing prints what was open at the cut of the date by type and age.
func (a *app) ageing(ctx context.Context, e *clearing.Engine, date bizdate.Date) error {
	breaks, err := e.Breaks(ctx, date)
	if err != nil {
		return err
	}
	rows, err := exceptions.Ageing(breaks, date)
	if err != nil {
		return err
	}
	answer := ageingAnswer{AsOf: date.String(), Ageing: []ageingRowAnswer{}}
	for _, r := range rows {
		row := ageingRowAnswer{Type: r.Type, Name: a.named("break", string(r.Type)), Aged: r.Total}
		for k, b := range exceptions.Buckets() {
			row.Buckets = append(row.Buckets, bucketAnswer{b.Name, r.Buckets[k]})
		}
		answer.Ageing = append(answer.Ageing, row)
		answer.Count += r.Total.Count
		if answer.Amount, err = answer.Amount.Add(r.Total.Amount); err != nil {
			return err
		}
	}
	return a.answer(answer, func() { a.showAgeing(answer) })
}

func (a *app) showAgeing(answer ageingAnswer) {
	a.say("cli.ageing.title", answer.AsOf)
	headings := []string{a.t("cli.col.kind")}
	for _, b := range exceptions.Buckets() {
		headings = append(headings, ">"+b.Name)
	}
	g := a.grid(append(headings, ">"+a.t("cli.ageing.total"))...)
	for _, r := range answer.Ageing {
		cells := []any{r.Name}
		for _, b := range r.Buckets {
			cells = append(cells, aged(b.Aged))
		}
		g.row(append(cells, aged(r.Aged))...)
	}
	g.print()
}

// aged is one cell: how many, and what they come to.
func aged(x exceptions.Aged) string {
	if x.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d  %s", x.Count, x.Amount)
}
