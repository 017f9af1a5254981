package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
)

// newVerifyCmd re-derives the whole ledger and compares it with what is stored;
// given a file, it checks the file's signature and needs no home.
func newVerifyCmd(a *app) *cobra.Command {
	var key, signature string
	books := a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error { return a.verifyBooks(ctx, e) })
	file := a.does(func(_ context.Context, args []string) error { return a.verifyFile(args[0], signature, key) })
	cmd := &cobra.Command{Use: "verify [FILE]", Short: a.t("cli.verify.short"), Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return file(cmd, args)
			}
			return books(cmd, args)
		}}
	cmd.Flags().StringVar(&key, "key", "", a.t("cli.flag.public-key"))
	cmd.Flags().StringVar(&signature, "signature", "", a.t("cli.flag.signature"))
	return cmd
}

func (a *app) verifyBooks(ctx context.Context, e *clearing.Engine) error {
	p := a.progress()
	report, err := e.Verify(ctx, func(what string) { p.step(what, 0, 0) })
	p.clear()
	if err != nil {
		return err
	}
	for i, problem := range report.Problems {
		report.Problems[i].Message = a.t(problem.Code, problem.Args...)
	}
	if err := a.answer(report, func() { a.showVerify(report) }); err != nil {
		return err
	}
	if !report.OK {
		return &reported{int(fault.Books)}
	}
	return nil
}

// maxShown bounds what the terminal shows; --json has all.
const maxShown = 200

func (a *app) showVerify(r *clearing.VerifyReport) {
	if r.OK {
		a.say("cli.verify.ok", a.count(int(r.Vouchers), countVouchers), a.count(int(r.Entries), countEntries))
		return
	}
	for i, p := range r.Problems {
		if i == maxShown {
			a.say("cli.more", len(r.Problems)-maxShown)
			break
		}
		fmt.Fprintf(a.out, "%s %s: %s\n", p.Table, p.ID, p.Message)
	}
	a.say("cli.verify.bad", a.count(len(r.Problems), countProblems), a.count(int(r.Vouchers), countVouchers), a.count(int(r.Entries), countEntries))
}
