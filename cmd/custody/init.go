package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newInitCmd makes a home out of custody.yaml and members.csv.
func newInitCmd(a *app) *cobra.Command {
	var distributed bool
	cmd := &cobra.Command{Use: "init", Short: a.t("cli.init.short"), Args: cobra.NoArgs, RunE: a.does(func(ctx context.Context, _ []string) error {
		if distributed {
			if err := a.distribute(ctx); err != nil {
				return err
			}
		}
		return a.initialise(ctx, func(e *clearing.Engine, created bool) error {
			members, err := e.Members(ctx)
			if err != nil {
				return err
			}
			return a.answer(initAnswer{e.Config.Code, a.home, created, len(members)}, func() {
				if !created {
					a.say("cli.init.already", a.home, e.Config.Code)
					return
				}
				a.say("cli.init.done", a.home, e.Config.Code, e.Config.Name, a.count(len(members), countMembers))
			})
		})
	})}
	cmd.Flags().BoolVar(&distributed, "distributed", false, a.t("store.flag.distributed"))
	return cmd
}

type initAnswer struct {
	Custody string `json:"custody"`
	Home    string `json:"home"`
	Created bool   `json:"created"`
	Members int    `json:"members"`
}

// initialise makes the home where it is not there yet and hands on the engine.
func (a *app) initialise(ctx context.Context, then func(*clearing.Engine, bool) error) error {
	e, created, err := clearing.Init(ctx, a.options())
	if err == nil {
		e, done := a.wire(e)
		err = then(e, created)
		done()
	}
	if e != nil {
		err = errors.Join(err, e.Close())
	}
	return err
}
