package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/matches"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// newMatchCmd shows matches (对账匹配), takes them back, and makes them by hand.
func newMatchCmd(a *app) *cobra.Command {
	return group("match", a.t("cli.match.short"), newMatchListCmd(a), newMatchShowCmd(a), newMatchUndoCmd(a), newMatchConfirmCmd(a), newMatchTryCmd(a))
}

// sideFlag reads --side; empty is every side.
func sideFlag(text string) (matches.Side, error) {
	side := matches.Side(strings.ToUpper(text))
	for _, s := range matches.Sides() {
		if side == "" || s == side {
			return side, nil
		}
	}
	return "", fault.Invalid("match.side", "BOOK, RESULT, BALANCES, CHANNEL").On("--side", text)
}

func newMatchListCmd(a *app) *cobra.Command {
	var on, sideName string
	cmd := &cobra.Command{Use: "list", Short: a.t("cli.match.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := a.dateOrLatest(ctx, e, "--date", on)
			if err != nil {
				return err
			}
			side, err := sideFlag(sideName)
			if err != nil {
				return err
			}
			list, err := e.MatchList(ctx, date, side)
			if err != nil {
				return err
			}
			return a.answer(list, func() { a.showMatches(date, list) })
		})}
	cmd.Flags().StringVar(&on, "date", "", a.t("cli.flag.date-latest"))
	cmd.Flags().StringVar(&sideName, "side", "", a.t("cli.match.flag.side"))
	return cmd
}

func (a *app) showMatches(date bizdate.Date, list *clearing.MatchList) {
	a.say("cli.match.title", date)
	if len(list.Trades) > 0 {
		g := a.grid(a.t("cli.col.channel"), a.t("cli.col.rule"), ">"+a.t("cli.col.version"), ">"+a.t("cli.match.col.count"))
		for _, t := range list.Trades {
			g.row(t.Channel, t.Rule, t.Version, t.Count)
		}
		g.print()
	}
	if len(list.Matches) > 0 {
		g := a.grid("ID", a.t("cli.match.col.side"), a.t("cli.col.rule"), a.t("cli.match.col.evidence"), a.t("cli.col.ours"), a.t("cli.col.theirs"), ">"+a.t("cli.col.amount"), a.t("cli.col.state"))
		for _, m := range list.Matches {
			g.row(m.ID, m.Side, m.Rule, m.Evidence, keysOf(m, matches.Ours), keysOf(m, matches.Theirs), m.Lines[0].Amount.Abs().Grouped(), a.named("match_state", m.State))
		}
		g.print()
	}
	if len(list.Suggestions) > 0 {
		a.say("cli.match.suggestions")
		g := a.grid("ID", a.t("cli.col.rule"), a.t("cli.match.col.evidence"), ">"+a.t("cli.match.col.alternatives"), a.t("cli.col.ours"), a.t("cli.col.theirs"))
		for _, s := range list.Suggestions {
			g.row(s.ID, s.Rule, s.Evidence, s.Alternatives, strings.Join(s.Ours, " "), strings.Join(s.Theirs, " "))
		}
		g.print()
	}
	if len(list.Open) > 0 {
		a.say("cli.match.open")
		g := a.grid(a.t("cli.match.col.side"), a.t("cli.match.col.part"), a.t("cli.match.col.line"), ">"+a.t("cli.col.amount"), a.t("cli.col.since"), a.t("cli.match.col.held"))
		for _, o := range list.Open {
			held := ""
			if o.Held {
				held = a.t("cli.match.held")
			}
			g.row(o.Side, a.named("match_part", string(o.Part)), o.Key, o.Amount.Grouped(), o.Since, held)
		}
		g.print()
	}
}

// keysOf names the lines of one part of a match.
func keysOf(m matches.Match, part matches.Part) string {
	var keys []string
	for _, l := range m.Lines {
		if l.Part == part {
			keys = append(keys, l.Key)
		}
	}
	return strings.Join(keys, " ")
}

func newMatchShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: a.t("cli.match.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v, err := e.MatchView(ctx, args[0])
			if err != nil {
				return err
			}
			return a.answer(v, func() { a.showMatch(v) })
		})}
}

func (a *app) showMatch(v *clearing.MatchView) {
	m := v.Match
	g := a.grid(m.ID, string(m.Side))
	g.row(a.t("cli.col.state"), a.named("match_state", m.State))
	g.row(a.t("cli.col.rule"), m.Rule)
	g.row(a.t("cli.col.version"), m.Version)
	g.row(a.t("cli.match.col.evidence"), m.Evidence)
	g.row(a.t("cli.match.col.alternatives"), m.Alternatives)
	for _, l := range m.Lines {
		g.row(a.named("match_part", string(l.Part)), l.Key+"  "+l.Amount.Grouped()+"  "+l.Date.String())
	}
	if m.UndoneDate != nil {
		g.row(a.t("cli.match.undone"), m.UndoneDate.String()+"  "+m.UndoneBy+"  "+m.Reason)
	}
	for _, u := range v.Undone {
		g.row(a.t("cli.match.undone"), u.Date.String()+"  "+u.By+"  "+u.Reason)
	}
	g.print()
}

func newMatchUndoCmd(a *app) *cobra.Command {
	var reason, on, sideName, rule string
	cmd := &cobra.Command{Use: "undo [ID]", Short: a.t("cli.match.undo.short"), Args: cobra.MaximumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			var u *clearing.Undone
			if len(args) == 1 {
				u, err = e.UndoMatch(ctx, actor, args[0], reason)
			} else {
				var date bizdate.Date
				var side matches.Side
				if date, err = needDate("--date", on); err != nil {
					return err
				}
				if side, err = sideFlag(sideName); err != nil || side == "" {
					return firstOf(err, fault.Invalid("cli.needed", "--side"))
				}
				u, err = e.UndoMatches(ctx, actor, date, side, rule, reason)
			}
			if err != nil {
				return err
			}
			return a.answer(u, func() {
				if u.ApprovalID != "" {
					a.say("cli.match.undo.asked", u.ApprovalID)
					return
				}
				a.say("cli.match.undo.done", len(u.IDs))
			})
		})}
	flags := cmd.Flags()
	flags.StringVar(&reason, "reason", "", a.t("cli.flag.reason"))
	flags.StringVar(&on, "date", "", a.t("cli.flag.date"))
	flags.StringVar(&sideName, "side", "", a.t("cli.match.flag.side"))
	flags.StringVar(&rule, "rule", "", a.t("cli.match.flag.rule"))
	return cmd
}

// firstOf returns the first of two errors that is one.
func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func newMatchConfirmCmd(a *app) *cobra.Command {
	var ours, theirs []string
	var sideName string
	cmd := &cobra.Command{Use: "confirm [ID]", Short: a.t("cli.match.confirm.short"), Args: cobra.MaximumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			var m matches.Match
			if len(args) == 1 {
				m, err = e.Confirm(ctx, actor, args[0])
			} else {
				var side matches.Side
				if side, err = sideFlag(sideName); err != nil || side == "" {
					return firstOf(err, fault.Invalid("cli.needed", "--side"))
				}
				m, err = e.MatchByHand(ctx, actor, clearing.ByHand{Side: side, Ours: ours, Theirs: theirs, Evidence: "amount"})
			}
			if err != nil {
				return err
			}
			return a.answer(m, func() { a.say("cli.match.confirm.done", m.ID) })
		})}
	flags := cmd.Flags()
	flags.StringSliceVar(&ours, "ours", nil, a.t("cli.match.flag.ours"))
	flags.StringSliceVar(&theirs, "theirs", nil, a.t("cli.match.flag.theirs"))
	flags.StringVar(&sideName, "side", "BOOK", a.t("cli.match.flag.side"))
	return cmd
}
