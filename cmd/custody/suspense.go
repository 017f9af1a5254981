package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/flows"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/subaccounts"
)

// newSuspenseCmd is money of which nobody knows whose it is (挂账), and refunds
// that could not go back.
func newSuspenseCmd(a *app) *cobra.Command {
	return group("suspense", a.t("cli.suspense.short"), newSuspenseListCmd(a), newClaimPartCmd(a),
		suspensePayoutCmd(a, "return", a.t("cli.suspense.return.short"), "E9d", "UNK"), newFailedRefundCmd(a),
		suspensePayoutCmd(a, "refund", a.t("cli.suspense.refund.short"), "E22c", "REFUND"),
		group("payer", a.t("cli.suspense.payer.short"), newPayerListCmd(a), newPayerSetCmd(a)))
}

func newSuspenseListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.suspense.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Suspense(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"items": list}, func() {
				g := a.grid(a.t("cli.col.item"), ">"+a.t("cli.col.amount"), a.t("cli.col.kind"), a.t("cli.col.payer"), "ID")
				for _, s := range list {
					g.row(s.Item, s.Amount.Grouped(), a.named("kind", string(s.Kind)), s.Payer, s.Exception)
				}
				g.print()
			})
		})}
}

func newClaimPartCmd(a *app) *cobra.Command {
	return actionCmd(a, "claim ITEM MEMBER AMOUNT", a.t("cli.suspense.claim.short"), 3,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[2])
			return clearing.Action{Event: "E9c", Request: flows.Claim{Reference: ref, Item: args[0], Member: args[1], Amount: amount}}, err
		})
}

// suspensePayoutCmd pays out of suspense. Money goes back to the account that the
// statement names, where it names one.
func suspensePayoutCmd(a *app, use, short, event, owner string) *cobra.Command {
	var to flows.Payee
	cmd := actionCmd(a, use+" ITEM AMOUNT", short, 2,
		func(ctx context.Context, e *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			if err != nil {
				return clearing.Action{}, err
			}
			payee := to
			if event == "E9d" && payee.Account == "" {
				from, err := e.PayerOf(ctx, args[0])
				if err != nil {
					return clearing.Action{}, err
				}
				payee.Name, payee.Account = from.Name, from.Account
			}
			return clearing.Action{Event: event, Request: flows.SuspensePayout{Serial: ref, Item: args[0], Payee: owner, Amount: amount, To: payee}}, nil
		})
	payeeFlags(a, cmd, &to)
	return cmd
}

// newFailedRefundCmd takes the voucher that stands last in the way of the refund:
// its listing, where a bill has listed it, else the refund itself.
func newFailedRefundCmd(a *app) *cobra.Command {
	var listed string
	cmd := actionCmd(a, "refund-failed VOUCHER", a.t("cli.suspense.failed.short"), 1,
		func(ctx context.Context, e *clearing.Engine, args []string, _ string) (clearing.Action, error) {
			v, err := findVoucher(ctx, e, args[0])
			if err != nil {
				return clearing.Action{}, err
			}
			date, err := dateFlag("--listed", listed)
			return clearing.Action{Event: "E22b", Request: failedRefund(v, date)}, err
		})
	cmd.Flags().StringVar(&listed, "listed", "", a.t("cli.flag.listed"))
	cmd.Flags().Lookup("ref").Hidden = true
	return cmd
}

// failedRefund reads channel, number and amount off the voucher's 2202.
func failedRefund(v *subaccounts.Voucher, listed bizdate.Date) clearing.FailedRefund {
	r := clearing.FailedRefund{Refund: flows.Refund{Reference: v.Reference, Clearing: listed}, Listed: !listed.IsZero()}
	for _, e := range v.Entries {
		if e.Code == "2202" {
			r.Channel, r.RefundNo, r.Amount = e.Owner, e.Item, e.Amount.Abs()
		}
	}
	return r
}

func newPayerListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.suspense.payer.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Associations(ctx)
			if err != nil {
				return err
			}
			for i := range list {
				list[i].Account = clearing.Mask(list[i].Account)
			}
			return a.answer(map[string]any{"payers": list}, func() {
				g := a.grid(a.t("cli.col.payer"), a.t("cli.col.member"), a.t("cli.col.since"), "ID")
				for _, p := range list {
					g.row(p.Account+p.Name, p.Member, p.Effective, p.Approval)
				}
				g.print()
			})
		})}
}

func newPayerSetCmd(a *app) *cobra.Command {
	var p clearing.Association
	var effective string
	cmd := &cobra.Command{Use: "set", Short: a.t("cli.suspense.payer.set.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			if p.Account == "" && p.Name == "" {
				return fault.Invalid("cli.needed", "--payer-account")
			}
			var err error
			if p.Effective, err = dateFlag("--effective", effective); err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, err := e.Associate(ctx, actor, p)
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"approval": id}, func() { a.say("cli.action.submitted", id) })
		})}
	flags := cmd.Flags()
	flags.StringVar(&p.Account, "payer-account", "", a.t("cli.flag.payer-account"))
	flags.StringVar(&p.Name, "payer-name", "", a.t("cli.flag.payer-name"))
	flags.StringVar(&p.Member, "member", "", a.t("cli.flag.member"))
	flags.StringVar(&effective, "effective", "", a.t("cli.flag.effective"))
	return cmd
}
