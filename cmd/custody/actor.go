package main

import (
	"context"
	"os"
	"os/user"
	"strconv"
	"syscall"

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
	me, err := a.osUser()
	if err != nil {
		return "", err
	}
	own := ownUser(users, me)
	switch {
	case own == "":
		return "", fault.Invalid("cli.unmapped", me)
	case a.as != "" && a.as != own:
		return "", fault.Invalid("cli.other-user", me, own).On("--as", a.as)
	}
	return own, nil
}

// osUser is the person at the machine.
func (a *app) osUser() (string, error) {
	me, err := user.Current()
	if err != nil {
		return "", fault.Invalid("cli.os-user").Because(err)
	}
	info, err := os.Stat(a.home)
	if err != nil {
		return "", fault.Invalid("cli.os-user").Because(err)
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	owns := known && strconv.FormatUint(uint64(stat.Uid), 10) == me.Uid
	return person(me.Username, me.Uid, a.env("SUDO_USER"), a.env("SUDO_UID"), owns), nil
}

// person is the user of the operating system who typed a command that runs as
// the given one. Only the owner of a home can work on it, because its keys are
// his alone; others become him with sudo, which says who they are. Whoever is
// the owner could say so himself: he can also write to every file of the home.
// The user who becomes somebody other than the owner is taken for that one.
func person(current, uid, sudoUser, sudoUID string, ownsHome bool) string {
	if sudoUser != "" && sudoUID != "" && sudoUID != uid && ownsHome {
		return sudoUser
	}
	return current
}

// ownUser returns the active user whose os_user is the given one, or "" where
// there is none, or more than one: nobody is two people.
func ownUser(users []people.User, osUser string) string {
	own := ""
	for _, u := range users {
		if u.OSUser == osUser && u.OSUser != "" && u.Status == "ACTIVE" {
			if own != "" {
				return ""
			}
			own = u.Name
		}
	}
	return own
}

// maker is the actor of running and making.
func (a *app) maker(ctx context.Context, e *clearing.Engine) (string, error) {
	return a.actor(ctx, e, simulatedMaker)
}

// checker is the actor of deciding: nobody is presumed.
func (a *app) checker(ctx context.Context, e *clearing.Engine) (string, error) {
	return a.actor(ctx, e, "")
}
