package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/statements"
)

// documentPerm: documents hold names and balances, so not for everybody.
const documentPerm = 0o640

// statementFlags are the choices of custody statement.
type statementFlags struct{ from, to, format, out string }

// newStatementCmd writes the electronic statement (电子流水单) of a member.
func newStatementCmd(a *app) *cobra.Command {
	var f statementFlags
	cmd := &cobra.Command{Use: "statement CODE", Short: a.t("cli.statement.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.statement(ctx, e, args[0], f)
		})}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", a.t("cli.flag.from"))
	flags.StringVar(&f.to, "to", "", a.t("cli.flag.to"))
	flags.StringVar(&f.format, "format", "", a.t("cli.flag.statement-format"))
	flags.StringVar(&f.out, "out", "", a.t("cli.flag.out"))
	return cmd
}

func (a *app) statement(ctx context.Context, e *clearing.Engine, code string, f statementFlags) error {
	from, err := needDate("--from", f.from)
	if err != nil {
		return err
	}
	to, err := needDate("--to", f.to)
	if err != nil {
		return err
	}
	if f.out == "" {
		return fault.Invalid("cli.needed", "--out")
	}
	if f.format == "" {
		f.format = formatOf(f.out)
	}
	in := statements.StatementInput{Custody: e.Book.ID(), Member: code, From: from, To: to, Lang: a.paperLang(), Channel: func(code string) string {
		if ch, ok := e.Config.Channel(code); ok {
			return ch.Name
		}
		return code
	}}
	err = document(ctx, e, f.out, func(tx *store.Tx, out io.Writer) error {
		return statements.Statement(ctx, tx, in, f.format, out)
	})
	if err != nil {
		return err
	}
	return a.answer(map[string]string{"file": f.out}, func() { a.say("cli.written", f.out) })
}

// formatOf tells the format of a statement by the ending of its file.
func formatOf(path string) string {
	switch ending := strings.TrimPrefix(filepath.Ext(path), "."); ending {
	case "xml":
		return "camt053"
	case "sta":
		return "mt940"
	default:
		return ending
	}
}

// document writes a file from one snapshot of the books; it appears whole or
// not at all.
func document(ctx context.Context, e *clearing.Engine, path string, write func(*store.Tx, io.Writer) error) error {
	return e.DB.Read(ctx, func(tx *store.Tx) error {
		return atomicfile.Write(path, documentPerm, func(out io.Writer) error { return write(tx, out) })
	})
}
