package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"custody/bankfiles/profile"
	"custody/clearing"
	"custody/internal/fault"
)

// listedProfile is a profile as --json prints it.
type listedProfile struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Note  string `json:"note"`
	Own   bool   `json:"own"` // of this home: profiles/*.yaml
}

// newProfileCmd lists and drafts profiles of exports; it needs no home, and lists
// those of one where there is one.
func newProfileCmd(a *app) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: a.t("cli.profile.list.short"), Args: cobra.NoArgs, RunE: a.does(func(context.Context, []string) error {
		own, err := clearing.HomeProfiles(a.home)
		if err != nil {
			return err
		}
		all := []listedProfile{}
		for _, p := range own {
			all = append(all, listedProfile{p.Name, p.Title, p.Note, true})
		}
		for _, p := range profile.Shipped() {
			all = append(all, listedProfile{p.Name, p.Title, p.Note, false})
		}
		return a.answer(map[string]any{"profiles": all}, func() {
			g := a.grid(a.t("cli.col.name"), a.t("cli.profile.col.bank"))
			for _, p := range all {
				title := p.Title
				if p.Own {
					title += a.t("cli.profile.own")
				}
				g.row(p.Name, title)
			}
			g.print()
			a.say("cli.profile.title")
		})
	})}
	draft := &cobra.Command{Use: "new FILE", Short: a.t("cli.profile.new.short"), Args: cobra.ExactArgs(1), RunE: a.does(func(_ context.Context, args []string) error {
		text, err := draftOf(args[0])
		if err != nil {
			return err
		}
		return a.answer(map[string]any{"profile": string(text)}, func() { fmt.Fprint(a.out, string(text)) })
	})}
	return group("profile", a.t("cli.profile.short"), list, draft)
}

func draftOf(path string) ([]byte, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Invalid("cli.read").In(name).Because(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Invalid("cli.regular").In(name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("cli.read").In(name).Because(err)
	}
	defer f.Close()
	return profile.Draft(name, f)
}
