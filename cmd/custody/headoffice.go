package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/corporate"
	"custody/internal/fault"
)

// newHeadOfficeCmd is head office's own money (自有资金).
func newHeadOfficeCmd(a *app) *cobra.Command {
	var reference, fee string
	withdraw := &cobra.Command{Use: "withdraw AMOUNT", Short: a.t("cli.headoffice.withdraw.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			amount, err := amountArg("AMOUNT", args[0])
			if err != nil {
				return err
			}
			bankFee, err := amountArg("--bank-fee", fee)
			if err != nil {
				return err
			}
			id, h, err := e.WithdrawHeadOffice(ctx, actor, reference, amount, bankFee)
			if err != nil {
				return err
			}
			h.Payee.Account = clearing.Mask(h.Payee.Account)
			return a.answer(map[string]any{"approval": id, "withdrawal": h}, func() {
				a.say("cli.headoffice.withdraw.done", h.Amount.Grouped(), h.Payee.Account, id)
				for _, s := range h.Sweeps {
					a.say("cli.headoffice.sweep", s.Channel, dateOrNone(s.Clearing), s.Amount.Grouped())
				}
			})
		})}
	withdraw.Flags().StringVar(&reference, "ref", "", a.t("cli.flag.payment-ref"))
	withdraw.Flags().StringVar(&fee, "bank-fee", "0.00", a.t("cli.flag.bank-fee"))
	return group("headoffice", a.t("cli.headoffice.short"), withdraw)
}

// dateOrNone prints a date; none is a dash.
func dateOrNone(d fmt.Stringer) string {
	if s := d.String(); s != "" {
		return s
	}
	return "-"
}

// newCorporateCmd proves that only head office's own revenue reached its account.
func newCorporateCmd(a *app) *cobra.Command {
	var from, to string
	report := &cobra.Command{Use: "report", Short: a.t("cli.corporate.report.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			first, err := needDate("--from", from)
			if err != nil {
				return err
			}
			last, err := needDate("--to", to)
			if err != nil {
				return err
			}
			r, err := e.CorporateReport(ctx, first, last)
			if err != nil {
				return err
			}
			if r.Findings == nil {
				r.Findings = []corporate.Finding{}
			}
			err = a.answer(map[string]any{"ok": r.OK(), "report": r}, func() { fmt.Fprint(a.out, r.Text(a.lang)) })
			if err == nil && !r.OK() {
				err = &reported{code: int(fault.Books)}
			}
			return err
		})}
	report.Flags().StringVar(&from, "from", "", a.t("cli.flag.from"))
	report.Flags().StringVar(&to, "to", "", a.t("cli.flag.to"))
	return group("corporate", a.t("cli.corporate.short"), report)
}
