package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/statements"
)

// app is one call of the program: its streams, its environment and the flags
// that every command shares.
type app struct {
	env      func(string) string
	in       io.Reader
	out, err io.Writer
	lang     lang.Lang

	home, custody, dsn, as, langFlag string
	json                             bool

	begun bool // a command has begun: what fails now is not usage
	spoke bool // the JSON of this call is written
}

// newApp looks for --lang and --json before the flags are parsed, because help
// texts and the errors of parsing follow them too.
func newApp(args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{env: env, in: stdin, out: stdout, err: stderr}
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end] // what follows are no flags of ours
	}
	for i, arg := range args {
		switch {
		case arg == "--json":
			a.json = true
		case arg == "--lang" && i+1 < len(args):
			a.langFlag = args[i+1]
		case strings.HasPrefix(arg, "--lang="):
			a.langFlag = strings.TrimPrefix(arg, "--lang=")
		}
	}
	a.lang = speech(a.langFlag, env)
	return a
}

// t is a sentence in the user's language.
func (a *app) t(code string, args ...any) string { return lang.Text(a.lang, code, args...) }

// paperLang is the language of documents: Chinese unless --lang says otherwise.
func (a *app) paperLang() lang.Lang {
	if a.langFlag == "" {
		return lang.ZH
	}
	return a.lang
}

// does makes a function the work of a command.
func (a *app) does(work func(context.Context, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.begun = true
		return work(cmd.Context(), args)
	}
}

func (a *app) options() clearing.OpenOptions {
	return clearing.OpenOptions{Home: a.home, DSN: a.dsn, Custody: a.custody, Clock: clock.Real(), Random: clock.Rand()}
}

// wire adds what only the command line knows: the reports and the progress.
func (a *app) wire(e *clearing.Engine) (*clearing.Engine, func()) {
	e.Reports = statements.Steps()
	p := a.progress()
	e.Progress = p.step
	return e, p.clear
}

// withEngine opens the home for the work and closes it after.
func (a *app) withEngine(ctx context.Context, work func(*clearing.Engine) error) error {
	e, err := clearing.Open(ctx, a.options())
	if err != nil {
		return err
	}
	e, done := a.wire(e)
	err = work(e)
	done()
	return errors.Join(err, e.Close())
}

// opened is the work of a command on an open home.
func (a *app) opened(work func(context.Context, *clearing.Engine, []string) error) func(*cobra.Command, []string) error {
	return a.does(func(ctx context.Context, args []string) error {
		return a.withEngine(ctx, func(e *clearing.Engine) error { return work(ctx, e, args) })
	})
}

// finish reports the error of a call and returns its exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return 0
	}
	var said *reported
	if errors.As(err, &said) {
		return said.code
	}
	if !a.begun && fault.Of(err) == nil {
		err = fault.Invalid("cli.usage", err.Error())
	}
	a.complain(err)
	return fault.ExitCode(err)
}

// reported is an error that the user has already seen.
type reported struct{ code int }

// Error is for logs only.
func (r *reported) Error() string { return "reported" }

// dateFlag reads a date as typed; an empty one is the zero date.
func dateFlag(name, value string) (bizdate.Date, error) {
	if value == "" {
		return 0, nil
	}
	d, err := bizdate.Parse(value)
	if err != nil {
		return 0, fault.Invalid("cli.date").On(name, value)
	}
	return d, nil
}

// needDate is dateFlag for a date that must be there.
func needDate(name, value string) (bizdate.Date, error) {
	if value == "" {
		return 0, fault.Invalid("cli.needed", name)
	}
	return dateFlag(name, value)
}

// terminal reports whether a stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
