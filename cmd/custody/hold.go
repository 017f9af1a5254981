package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/flows"
	"custody/internal/fault"
)

// newHoldCmd freezes amounts of members (部分冻结) under a document, gives them
// back, or pays them to an authority. A whole account is frozen by member freeze.
func newHoldCmd(a *app) *cobra.Command {
	return group("hold", a.t("cli.hold.short"), newHoldListCmd(a),
		holdCmd(a, "freeze", a.t("cli.hold.freeze.short"), "E12"), holdCmd(a, "thaw", a.t("cli.hold.thaw.short"), "E12d"), newDeductCmd(a))
}

func newHoldListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.hold.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Holds(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"holds": list}, func() {
				g := a.grid(a.t("cli.col.code"), a.t("cli.col.document"), ">"+a.t("cli.col.amount"))
				for _, h := range list {
					g.row(h.Member, h.Document, h.Amount.Grouped())
				}
				g.print()
			})
		})}
}

// holdCmd takes the document for the reference where none is given: most
// documents freeze once.
func holdCmd(a *app, use, short, event string) *cobra.Command {
	var document string
	cmd := actionCmd(a, use+" MEMBER AMOUNT", short, 2,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			if err == nil && document == "" {
				err = fault.Invalid("cli.needed", "--document")
			}
			if ref == "" {
				ref = document
			}
			return clearing.Action{Event: event, Request: flows.Hold{Reference: ref, Document: document, Member: args[0], Amount: amount}}, err
		})
	cmd.Flags().StringVar(&document, "document", "", a.t("cli.flag.document"))
	return cmd
}

func newDeductCmd(a *app) *cobra.Command {
	var document, order string
	var to flows.Payee
	cmd := actionCmd(a, "deduct MEMBER AMOUNT", a.t("cli.hold.deduct.short"), 2,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			if err == nil && document == "" {
				err = fault.Invalid("cli.needed", "--document")
			}
			return clearing.Action{Event: "E12b", Request: flows.Deduction{Serial: ref, Document: document, Order: order, Member: args[0],
				Authority: "COURT", Amount: amount, To: to}}, err
		})
	cmd.Flags().StringVar(&document, "document", "", a.t("cli.flag.document"))
	cmd.Flags().StringVar(&order, "order", "", a.t("cli.flag.order-document"))
	payeeFlags(a, cmd, &to)
	return cmd
}

// payeeFlags are where a decided payment goes.
func payeeFlags(a *app, cmd *cobra.Command, to *flows.Payee) {
	flags := cmd.Flags()
	flags.StringVar(&to.Name, "name", "", a.t("cli.flag.account-name"))
	flags.StringVar(&to.Account, "account", "", a.t("cli.flag.account"))
	flags.StringVar(&to.Bank, "bank", "", a.t("cli.flag.bank"))
	flags.StringVar(&to.CNAPS, "cnaps", "", a.t("cli.flag.cnaps"))
	flags.StringVar(&to.SuperBank, "super-bank", "", a.t("cli.flag.super-bank"))
}
