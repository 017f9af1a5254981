package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/clock"
	"custody/internal/money"
	"custody/subaccounts"
)

// bindingFlags are a bound account as typed.
func bindingFlags(a *app, cmd *cobra.Command, b *subaccounts.Binding) {
	flags := cmd.Flags()
	flags.StringVar(&b.AccountNo, "account", "", a.t("cli.flag.account"))
	flags.StringVar(&b.BankName, "bank", "", a.t("cli.flag.bank"))
	flags.StringVar(&b.CNAPS, "cnaps", "", a.t("cli.flag.cnaps"))
}

// newBindCmd submits the account that a member is paid to (绑定账户).
func newBindCmd(a *app) *cobra.Command {
	var b subaccounts.Binding
	cmd := &cobra.Command{Use: "bind CODE", Short: a.t("cli.bind.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			b.Member = args[0]
			id, err := e.Bind(ctx, actor, b)
			if err != nil {
				return err
			}
			if e.Config.Payout.MicroPayments {
				return a.sendMicro(ctx, e, actor, b.Member)
			}
			return a.answer(map[string]string{"member": b.Member, "approval": id}, func() {
				a.say("cli.bind.done", clearing.Mask(b.AccountNo), b.Member, id)
			})
		})}
	bindingFlags(a, cmd, &b)
	cmd.Flags().StringVar(&b.AccountName, "name", "", a.t("cli.flag.account-name"))
	cmd.AddCommand(newBindVerifyCmd(a))
	return cmd
}

// newBindVerifyCmd takes the amount that a member found on his account, or sends
// another one.
func newBindVerifyCmd(a *app) *cobra.Command {
	var told string
	var again bool
	cmd := &cobra.Command{Use: "verify CODE", Short: a.t("cli.bind.verify.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if again {
				return a.sendMicro(ctx, e, actor, args[0])
			}
			amount, err := amountArg("--amount", told)
			if err != nil {
				return err
			}
			if err := e.VerifyMicro(ctx, actor, args[0], amount); err != nil {
				return err
			}
			return a.answer(map[string]string{"verified": args[0]}, func() { a.say("cli.bind.verified", args[0]) })
		})}
	cmd.Flags().StringVar(&told, "amount", "", a.t("cli.flag.micro-amount"))
	cmd.Flags().BoolVar(&again, "send", false, a.t("cli.flag.micro-send"))
	return cmd
}

// sendMicro orders a micro-payment (小额打款). Nobody is told its amount.
func (a *app) sendMicro(ctx context.Context, e *clearing.Engine, actor, member string) error {
	reference, err := e.SendMicro(ctx, actor, member, microAmount(e))
	if err != nil {
		return err
	}
	return a.answer(map[string]string{"member": member, "reference": reference}, func() { a.say("cli.bind.micro", member, reference) })
}

// microFen is how many amounts there are: 0.01 to 0.50 yuan.
const microFen = 50

// microAmount draws the amount: by chance in a live home; in a replayed one it
// follows from the reference, so that the same days give the same books.
func microAmount(e *clearing.Engine) func(string) money.Amount {
	return func(reference string) money.Amount {
		sum := sha256.Sum256([]byte(e.Config.Code + reference))
		raw := sum[:8]
		if e.Config.Clock == clearing.Live {
			_, _ = io.ReadFull(clock.Rand(), raw)
		}
		return money.Amount(binary.BigEndian.Uint64(raw)%microFen) + 1
	}
}
