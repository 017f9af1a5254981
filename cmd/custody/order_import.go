package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// newOrderImportCmd takes in signed payment orders.
func newOrderImportCmd(a *app) *cobra.Command {
	var signature string
	cmd := &cobra.Command{Use: "import FILE", Short: a.t("cli.order.import.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			report, err := e.ImportSignedOrders(ctx, actor, args[0], beside(args[0], signature))
			if report == nil || err != nil && a.json { // one object: the faults say what was not done
				return err
			}
			said := a.answer(report, func() { a.showSignedOrders(report) })
			if err != nil {
				return err
			}
			return said
		})}
	cmd.Flags().StringVar(&signature, "signature", "", a.t("cli.flag.signature"))
	return cmd
}

func (a *app) showSignedOrders(r *clearing.SignedOrders) {
	a.say("cli.order.import.done", a.count(len(r.Orders), countOrders), r.Key, r.Owner, r.Done, r.Refused)
	g := a.grid(a.t("cli.col.order"), a.t("cli.col.state"), a.t("cli.col.reference"))
	for _, o := range r.Orders {
		g.row(o.ID, a.named("signed_order", string(o.Outcome)), o.Reference)
	}
	g.print()
}

// newOrderListCmd lists the orders that were decided.
func newOrderListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.order.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.SignedOrders(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"orders": list}, func() {
				g := a.grid(a.t("cli.col.date"), a.t("cli.col.member"), a.t("cli.col.order"), a.t("cli.col.state"), a.t("cli.col.reference"), a.t("cli.col.reason"))
				for _, o := range list {
					g.row(o.Decided, o.Owner, o.ID, a.named("signed_order", string(o.Outcome)), o.Reference, o.Refusal)
				}
				g.print()
			})
		})}
}

// newOrderShowCmd shows a checker what he is asked to approve.
func newOrderShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show REFERENCE", Short: a.t("cli.order.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			p, asked, err := e.SignedPayment(ctx, args[0])
			if err != nil {
				return err
			}
			p.Order.Payee.Account = clearing.Mask(p.Order.Payee.Account)
			if p.HeadOffice != nil {
				p.HeadOffice.Payee.Account = clearing.Mask(p.HeadOffice.Payee.Account)
			}
			return a.answer(map[string]any{"payment": p, "state": asked.State, "maker": asked.Maker}, func() {
				o := p.Order
				g := a.grid(a.named("approval_kind", asked.Kind), p.Reference)
				g.row(a.t("cli.col.payer"), o.Payer)
				g.row(a.t("cli.col.name"), o.Payee.Name)
				g.row(a.t("cli.col.account"), o.Payee.Account)
				g.row(a.t("cli.col.bank-number"), o.Payee.CNAPS+o.Payee.SuperBank)
				g.row(a.t("cli.col.amount"), p.Amount.Grouped())
				g.row(a.t("cli.col.purpose"), o.Purpose)
				g.row(a.t("cli.col.expires"), o.ExpiresAt)
				g.row(a.t("cli.col.key"), p.KeyID)
				g.row(a.t("cli.col.state"), a.named("approval", string(asked.State)))
				g.print()
			})
		})}
}
