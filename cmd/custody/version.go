package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the version of the module, with the commit where it is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && v == "(devel)" {
			v = s.Value[:12]
		}
	}
	return v
}

// newVersionCmd prints the version.
func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "version", Short: a.t("cli.version.short"), Args: cobra.NoArgs, RunE: a.does(func(context.Context, []string) error {
		return a.answer(map[string]string{"version": version(), "go": runtime.Version()}, func() {
			a.say("cli.version.line", version(), runtime.Version())
		})
	})}
}
