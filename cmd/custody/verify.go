package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
)

// newVerifyCmd re-derives the whole ledger and compares it with what is stored.
func newVerifyCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "verify", Short: a.t("cli.verify.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
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
		})}
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
