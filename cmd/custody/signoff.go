package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newSignoffCmd puts a signature (签字) under a day's bank reconciliation.
func newSignoffCmd(a *app) *cobra.Command {
	list := false
	cmd := &cobra.Command{Use: "signoff DATE", Short: a.t("cli.signoff.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			date, err := needDate("DATE", args[0])
			if err != nil {
				return err
			}
			if list {
				return a.signoffs(ctx, e, args[0])
			}
			actor, err := a.signer(ctx, e, args[0])
			if err != nil {
				return err
			}
			s, err := e.SignOff(ctx, actor, date)
			if err != nil {
				return err
			}
			return a.answer(s, func() { a.say("cli.signoff.done", s.Date, s.User, a.named("signoff_role", s.Role), s.Hash) })
		})}
	cmd.Flags().BoolVar(&list, "list", false, a.t("cli.signoff.flag.list"))
	return cmd
}

// signer is who signs: the preparer is a maker, the reviewer who follows a checker.
func (a *app) signer(ctx context.Context, e *clearing.Engine, day string) (string, error) {
	date, err := needDate("DATE", day)
	if err != nil {
		return "", err
	}
	before, err := e.Signoffs(ctx, date)
	if err != nil {
		return "", err
	}
	signed := 0
	for _, s := range before {
		if s.Fallen == 0 {
			signed++
		}
	}
	if signed == 1 {
		return a.checker(ctx, e)
	}
	return a.maker(ctx, e)
}

func (a *app) signoffs(ctx context.Context, e *clearing.Engine, day string) error {
	date, err := needDate("DATE", day)
	if err != nil {
		return err
	}
	list, err := e.Signoffs(ctx, date)
	if err != nil {
		return err
	}
	if list == nil {
		list = []clearing.Signoff{}
	}
	return a.answer(map[string]any{"signoffs": list}, func() {
		g := a.grid(a.t("cli.col.version"), a.t("cli.col.roles"), a.t("cli.col.user"), a.t("cli.col.since"), a.t("cli.col.state"))
		for _, s := range list {
			state := a.t("cli.signoff.stands")
			if s.Fallen != 0 {
				state = a.t("cli.signoff.fallen")
			}
			g.row(s.Version, a.named("signoff_role", s.Role), s.User, stamp(s.At), state)
		}
		g.print()
	})
}

// newDayReopenCmd asks for a closed day to be opened again.
func newDayReopenCmd(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: "reopen DATE", Short: a.t("cli.reopen.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			date, err := needDate("DATE", args[0])
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, r, err := e.Reopen(ctx, actor, date, reason)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"approval_id": id, "reopening": r}, func() {
				a.say("cli.reopen.asked", id)
				for _, f := range r.Falls {
					a.say("cli.reopen.falls", f)
				}
			})
		})}
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.reason"))
	return cmd
}

// newDayProofsCmd shows the four proofs of a night.
func newDayProofsCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "proofs DATE", Short: a.t("cli.proofs.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			date, err := needDate("DATE", args[0])
			if err != nil {
				return err
			}
			list, err := e.Proofs(ctx, date)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"proofs": list}, func() {
				g := a.grid(a.t("cli.proofs.col.proof"), a.t("cli.proofs.col.scope"), ">"+a.t("cli.col.difference"))
				for _, p := range list {
					g.row(a.named("proof", p.Proof), p.Scope, p.Difference)
				}
				g.print()
			})
		})}
}
