package main

import (
	"context"
	"os/user"

	"custody/clearing"
	"custody/clearing/people"
	"custody/internal/fault"
)

// simulatedMaker makes and runs in homes of replayed days where --as names nobody.
const (
	simulatedMaker   = "maker1"
	simulatedChecker = "checker1"
)

// actor says in whose name a command acts. Replayed homes take any user of the
// books; a live one only the user that the operating system's user is mapped to.
// preferred is the user of a replayed home where --as names nobody; may be "".
func (a *app) actor(ctx context.Context, e *clearing.Engine, preferred string) (string, error) {
	if e.Config.Clock == clearing.Replay && a.as != "" {
		return a.as, nil
	}
	users, err := e.Users(ctx)
	if err != nil {
		return "", err
	}
	if e.Config.Clock == clearing.Replay && preferred != "" {
		for _, u := range users {
			if u.Name == preferred {
				return u.Name, nil
			}
		}
	}
	me, err := user.Current()
	if err != nil {
		return "", fault.Invalid("cli.os-user").Because(err)
	}
	own := ownUser(users, me.Username)
	switch {
	case own == "":
		return "", fault.Invalid("cli.unmapped", me.Username)
	case a.as != "" && a.as != own:
		return "", fault.Invalid("cli.other-user", me.Username, own).On("--as", a.as)
	}
	return own, nil
}

// ownUser returns the active user whose os_user is the given one, or "".
func ownUser(users []people.User, osUser string) string {
	for _, u := range users {
		if u.OSUser == osUser && u.OSUser != "" && u.Status == "ACTIVE" {
			return u.Name
		}
	}
	return ""
}

// maker is the actor of running and making.
func (a *app) maker(ctx context.Context, e *clearing.Engine) (string, error) {
	return a.actor(ctx, e, simulatedMaker)
}

// checker is the actor of deciding: nobody is presumed.
func (a *app) checker(ctx context.Context, e *clearing.Engine) (string, error) {
	return a.actor(ctx, e, "")
}
