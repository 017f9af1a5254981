package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
)

// newDebtorCmd is what head office advanced for members and has not got back (追偿).
func newDebtorCmd(a *app) *cobra.Command {
	return group("debtor", a.t("cli.debtor.short"), newDebtorListCmd(a), newDebtorLimitCmd(a))
}

func newDebtorListCmd(a *app) *cobra.Command {
	var asOf string
	cmd := &cobra.Command{Use: "list", Short: a.t("cli.debtor.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			on, err := dateFlag("--as-of", asOf)
			if err != nil {
				return err
			}
			list, on, err := e.Debtors(ctx, on)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"as_of": on, "debtors": list}, func() { a.showDebtors(list) })
		})}
	cmd.Flags().StringVar(&asOf, "as-of", "", a.t("cli.flag.as-of"))
	return cmd
}

// showDebtors prints who owes what, since when, and then each open advance.
func (a *app) showDebtors(list []clearing.Debtor) {
	head := []string{a.t("cli.col.member"), a.t("cli.col.state"), ">" + a.t("cli.debtor.owed"), ">" + a.t("cli.debtor.deposit"),
		">" + a.t("cli.debtor.uncovered"), ">" + a.t("cli.debtor.limit"), ">" + a.t("cli.debtor.over")}
	if len(list) > 0 {
		for _, b := range list[0].Ageing {
			head = append(head, ">"+b.Days)
		}
	}
	g := a.grid(head...)
	for _, d := range list {
		limit := "-"
		if d.Limit != nil {
			limit = d.Limit.Grouped()
		}
		row := []any{d.Member, a.named("member_status", d.Status), d.Owed.Grouped(), d.Deposit.Grouped(), d.Uncovered.Grouped(), limit, d.OverLimit.Grouped()}
		for _, b := range d.Ageing {
			row = append(row, b.Amount.Grouped())
		}
		g.row(row...)
	}
	g.print()
	if len(list) == 0 {
		return
	}
	g = a.grid(a.t("cli.col.member"), a.t("cli.col.date"), a.t("cli.col.kind"), a.t("cli.col.reference"), ">"+a.t("cli.col.amount"),
		">"+a.t("cli.debtor.recovered"), ">"+a.t("cli.debtor.owed"))
	for _, d := range list {
		for _, o := range d.Open {
			g.row(o.Member, o.Date, a.named("event", o.Event), o.Reference, o.Amount.Grouped(), o.Recovered.Grouped(), o.Left().Grouped())
		}
	}
	g.print()
}

// newDebtorLimitCmd sets how much may be advanced for a member (垫付额度).
func newDebtorLimitCmd(a *app) *cobra.Command {
	var effective string
	var none bool
	cmd := &cobra.Command{Use: "limit CODE [AMOUNT]", Short: a.t("cli.debtor.limit.short"), Args: cobra.RangeArgs(1, 2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			var limit *money.Amount
			switch {
			case len(args) == 2 && !none:
				amount, err := money.ParseYuan(args[1])
				if err != nil || amount < 0 {
					return fault.Invalid("debtor.limit-amount").On("AMOUNT", args[1])
				}
				limit = &amount
			case len(args) == 2 || !none:
				return fault.Invalid("cli.needed", "AMOUNT | --none")
			}
			from, err := dateFlag("--effective", effective)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, err := e.SetCreditLimit(ctx, actor, args[0], limit, from)
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"approval": id}, func() { a.say("cli.action.submitted", id) })
		})}
	cmd.Flags().StringVar(&effective, "effective", "", a.t("cli.flag.effective"))
	cmd.Flags().BoolVar(&none, "none", false, a.t("cli.flag.no-limit"))
	return cmd
}

// newRefundAdvanceCmd pays a refund first (E7c); order and refund number are its
// reference, so that it cannot be advanced twice.
func newRefundAdvanceCmd(a *app) *cobra.Command {
	cmd := actionCmd(a, "refund-advance ORDER REFUND AMOUNT", a.t("cli.adjust.refund-advance.short"), 3,
		func(ctx context.Context, e *clearing.Engine, args []string, _ string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[2])
			if err != nil {
				return clearing.Action{}, err
			}
			r, err := e.AdvancedRefund(ctx, args[0], args[1], amount)
			return clearing.Action{Event: "E7c", Request: r}, err
		})
	cmd.Flags().Lookup("ref").Hidden = true
	return cmd
}
