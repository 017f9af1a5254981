package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"custody/internal/fault"
	"custody/internal/lang"
)

// defaultHome is the home where --home does not name one.
const defaultHome = "./custody-data"

// run is the program: it returns the exit code (0 done, 1 internal error, 2
// usage or bad input, 3 the books do not hold, 4 another run works, 5 waiting).
func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	results := &output{to: stdout}
	a := newApp(args, env, stdin, results, stderr)
	root := newRootCmd(a)
	root.SetArgs(args)
	code := a.finish(root.ExecuteContext(ctx))
	if code == 0 && results.err != nil {
		a.note("internal", results.err)
		return int(fault.Internal)
	}
	return code
}

// output remembers that a result could not be written, on a full disk or into
// a closed pipe: a call whose answer is lost must not end in 0.
type output struct {
	to  io.Writer
	err error
}

// Write writes to the stream beneath and keeps the first error.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "custody",
		Short:         a.t("cli.short"),
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// A suggestion is a sentence in English that no text file holds.
		DisableSuggestions: true,
	}
	// cobra adds --help and --version late, and until then takes what follows
	// them for their value: custody --help --lang en.
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetUsageTemplate(usage(a))
	root.AddCommand(newRechargeCmd(a))
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", defaultHome, a.t("cli.flag.home"))
	flags.StringVar(&a.custody, "custody", "", a.t("cli.flag.custody"))
	flags.StringVar(&a.dsn, "db", "", a.t("cli.flag.db"))
	flags.StringVar(&a.as, "as", "", a.t("cli.flag.as"))
	flags.BoolVar(&a.json, "json", a.json, a.t("cli.flag.json"))
	flags.StringVar(&a.langFlag, "lang", a.langFlag, a.t("cli.flag.lang"))
	root.AddCommand(newMatchCmd(a), newSignoffCmd(a))
	root.AddCommand(newOrderCmd(a))
	root.AddCommand(
		newInitCmd(a), newMemberCmd(a), newBindCmd(a),
		newImportCmd(a), newInspectCmd(a), newProfileCmd(a), newChannelCmd(a), newFilesCmd(a),
		newRunCmd(a), newDayCmd(a),
		newWithdrawCmd(a), newHeadOfficeCmd(a), newCorporateCmd(a),
		newBatchCmd(a), newOutboxCmd(a), newApproveCmd(a), newRejectCmd(a),
		newEscrowCmd(a),
		newAdjustCmd(a), newDebtorCmd(a), newTaxCmd(a), newInvoiceCmd(a), newHoldCmd(a), newSuspenseCmd(a), newOpeningCmd(a),
		newExceptionCmd(a), newRuleCmd(a), newCalendarCmd(a), newExplainCmd(a),
		newBalanceCmd(a), newStatementCmd(a), newReconcileCmd(a), newVerifyCmd(a),
		newServeCmd(a), newSimulateCmd(a), newBenchCmd(a), newArchiveCmd(a), newUserCmd(a), newDoctorCmd(a), newVersionCmd(a),
	)
	return root
}

// usage is how help shows a command, in the user's language.
func usage(a *app) string {
	return a.t("cli.usage.line") + `
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} ...

` + a.t("cli.usage.commands") + `{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + a.t("cli.usage.flags") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + a.t("cli.usage.global") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`
}

// group is a command that only has sub-commands: alone it prints its help.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(subs...)
	return cmd
}

// speech returns the language of the terminal: --lang, else the locale.
func speech(flag string, env func(string) string) lang.Lang {
	if flag != "" {
		return lang.Parse(flag)
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			return lang.Parse(v)
		}
	}
	return lang.EN
}
