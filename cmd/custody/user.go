package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/people"
)

// newUserCmd keeps who may act.
func newUserCmd(a *app) *cobra.Command {
	return group("user", a.t("cli.user.short"), newUserListCmd(a), newUserAddCmd(a), newUserLimitCmd(a))
}

type userAnswer struct {
	Name   string   `json:"name"`
	OSUser string   `json:"os_user"`
	Roles  []string `json:"roles"`
	Status string   `json:"status"`
}

func newUserListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.user.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			users, err := e.Users(ctx)
			if err != nil {
				return err
			}
			list := make([]userAnswer, len(users))
			for i, u := range users {
				list[i] = userAnswer{u.Name, u.OSUser, strings.Fields(u.Roles), u.Status}
			}
			return a.answer(map[string]any{"users": list}, func() {
				g := a.grid(a.t("cli.col.user"), a.t("cli.col.os-user"), a.t("cli.col.roles"), a.t("cli.col.state"))
				for _, u := range list {
					g.row(u.Name, u.OSUser, a.allNamed("role", strings.Join(u.Roles, " ")), a.named("user", u.Status))
				}
				g.print()
			})
		})}
}

func newUserAddCmd(a *app) *cobra.Command {
	var roles []string
	var osUser string
	cmd := &cobra.Command{Use: "add NAME", Short: a.t("cli.user.add.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, err := e.AddUser(ctx, actor, people.User{Name: args[0], OSUser: osUser, Roles: strings.Join(roles, " ")})
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"submitted": args[0], "approval": id}, func() {
				a.say("cli.user.submitted", args[0], a.allNamed("role", strings.Join(roles, " ")), id)
			})
		})}
	cmd.Flags().StringSliceVar(&roles, "role", nil, a.t("cli.flag.role", strings.Join(people.Roles(), ", ")))
	cmd.Flags().StringVar(&osUser, "os-user", "", a.t("cli.flag.os-user"))
	return cmd
}
