package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/fault"
	"custody/internal/money"
)

// newWithdrawCmd applies withdrawals (提现) of members.
func newWithdrawCmd(a *app) *cobra.Command {
	var reference string
	cmd := &cobra.Command{Use: "withdraw CODE AMOUNT", Short: a.t("cli.withdraw.short"), Long: a.t("cli.withdraw.long"), Args: cobra.ExactArgs(2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			amount, err := amountArg("AMOUNT", args[1])
			if err != nil {
				return err
			}
			o, err := e.Withdraw(ctx, actor, clearing.Withdrawal{Member: args[0], Amount: amount, Reference: reference})
			if err != nil {
				return err
			}
			return a.answer(maskedOrder(o), func() {
				a.say("cli.withdraw.done", o.Reference, o.Owner, o.Amount.Grouped(), o.Fee.Grouped(), a.named("order_state", string(o.State)))
			})
		})}
	cmd.Flags().StringVar(&reference, "ref", "", a.t("cli.flag.payment-ref"))
	cmd.AddCommand(newWithdrawImportCmd(a), newWithdrawListCmd(a), newWithdrawShowCmd(a), newWithdrawCancelCmd(a))
	return cmd
}

// amountArg reads an amount in yuan as typed.
func amountArg(name, value string) (money.Amount, error) {
	amount, err := money.ParseYuan(value)
	if err != nil {
		return 0, fault.Invalid("withdraw.amount").On(name, value)
	}
	return amount, nil
}

// maskedOrder is an order as it is shown.
func maskedOrder(o payout.Order) payout.Order {
	o.AccountNo = clearing.Mask(o.AccountNo)
	return o
}

func newWithdrawImportCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "import FILE", Short: a.t("cli.withdraw.import.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			sum, err := e.ImportWithdrawals(ctx, actor, args[0])
			if sum.Rows == 0 && err != nil {
				return err
			}
			if err != nil && a.json { // one object: the faults say what was not done
				return err
			}
			said := a.answer(sum, func() {
				a.say("cli.withdraw.import.done", a.count(sum.Rows, countRows), sum.Done, sum.Skipped, sum.Failed)
			})
			if err != nil {
				return err
			}
			return said
		})}
}

func newWithdrawListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.withdraw.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			orders, err := e.PaymentOrders(ctx, "")
			if err != nil {
				return err
			}
			list := make([]payout.Order, len(orders))
			for i, o := range orders {
				list[i] = maskedOrder(o)
			}
			return a.answer(map[string]any{"orders": list}, func() {
				g := a.grid(a.t("cli.col.date"), a.t("cli.col.kind"), a.t("cli.col.reference"), a.t("cli.col.member"), a.t("cli.col.account"),
					">"+a.t("cli.col.amount"), ">"+a.t("cli.col.fee"), a.t("cli.col.state"), a.t("cli.col.serial"))
				for _, o := range list {
					g.row(o.Applied, a.named("payment_kind", string(o.Kind)), o.Reference, o.Owner, o.AccountNo, o.Amount.Grouped(), o.Fee.Grouped(),
						a.named("order_state", string(o.State)), o.Serial)
				}
				g.print()
			})
		})}
}

// orderAnswer is an order with the payout that carries it.
type orderAnswer struct {
	payout.Order
	Payout  *payout.Payout   `json:"payout,omitempty"`
	Queries []clearing.Query `json:"queries"`
}

func newWithdrawShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show REFERENCE", Short: a.t("cli.withdraw.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			orders, err := e.PaymentOrders(ctx, "")
			if err != nil {
				return err
			}
			for _, o := range orders {
				if o.Reference != args[0] {
					continue
				}
				answer, err := a.orderAnswer(ctx, e, o)
				if err != nil {
					return err
				}
				return a.answer(answer, func() { a.showOrder(answer) })
			}
			return fault.Invalid("withdraw.unknown", args[0]).On("REFERENCE", args[0])
		})}
}

func (a *app) orderAnswer(ctx context.Context, e *clearing.Engine, o payout.Order) (orderAnswer, error) {
	answer := orderAnswer{Order: maskedOrder(o), Queries: []clearing.Query{}}
	if o.Serial == "" {
		return answer, nil
	}
	p, _, err := e.Payout(ctx, o.Serial)
	if err != nil {
		return answer, err
	}
	p.AccountNo = clearing.Mask(p.AccountNo)
	answer.Payout = &p
	queries, err := e.Queries(ctx)
	for _, q := range queries {
		if q.Serial == o.Serial {
			answer.Queries = append(answer.Queries, q)
		}
	}
	return answer, err
}

func (a *app) showOrder(o orderAnswer) {
	g := a.grid(a.named("payment_kind", string(o.Kind)), o.Reference)
	g.row(a.t("cli.col.member"), o.Owner)
	g.row(a.t("cli.col.name"), o.AccountName)
	g.row(a.t("cli.col.account"), o.AccountNo)
	if o.Withheld > 0 {
		g.row(a.t("cli.tax.gross"), (o.Amount + o.Withheld).Grouped())
		g.row(a.t("cli.tax.withheld"), o.Withheld.Grouped())
	}
	g.row(a.t("cli.col.amount"), o.Amount.Grouped())
	g.row(a.t("cli.col.fee"), o.Fee.Grouped())
	g.row(a.t("cli.col.date"), o.Applied)
	g.row(a.t("cli.col.state"), a.named("order_state", string(o.State)))
	if p := o.Payout; p != nil {
		g.row(a.t("cli.col.serial"), p.Serial)
		g.row(a.t("cli.col.answer"), a.named("payout_state", string(p.State))+" "+p.Answer+" "+p.Reason)
	}
	g.print()
	a.showQueries(o.Queries)
}

// showQueries lists when the bank is asked about payouts whose end nobody knows.
func (a *app) showQueries(list []clearing.Query) {
	if len(list) == 0 {
		return
	}
	g := a.grid(a.t("cli.col.serial"), a.t("cli.col.batch"), a.t("cli.col.state"), a.t("cli.col.queries"))
	for _, q := range list {
		times := ""
		for _, at := range q.At {
			times += at.Format("01-02 15:04") + "  "
		}
		g.row(q.Serial, q.Batch, a.named("payout_state", string(q.State)), times)
	}
	g.print()
}

func newWithdrawCancelCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "cancel REFERENCE", Short: a.t("cli.withdraw.cancel.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := e.CancelWithdrawal(ctx, actor, args[0]); err != nil {
				return err
			}
			return a.answer(map[string]string{"cancelled": args[0]}, func() { a.say("cli.withdraw.cancelled", args[0]) })
		})}
}
