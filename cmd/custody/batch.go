package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// newBatchCmd shows payout batches (出款批次) and submits those that the
// scheduler drew up.
func newBatchCmd(a *app) *cobra.Command {
	return group("batch", a.t("cli.batch.short"), newBatchListCmd(a), newBatchShowCmd(a), newBatchSubmitCmd(a),
		newBatchDrawCmd(a), newBatchRefusedCmd(a), newBatchResendCmd(a))
}

func newBatchListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.batch.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Batches(ctx)
			if err != nil {
				return err
			}
			if list == nil {
				list = []payout.Batch{}
			}
			return a.answer(map[string]any{"batches": list}, func() {
				g := a.grid(a.t("cli.col.batch"), a.t("cli.col.date"), a.t("cli.col.file-date"), a.t("cli.col.state"), ">"+a.t("cli.col.rows"), ">"+a.t("cli.col.amount"), a.t("cli.col.file"))
				for _, b := range list {
					g.row(b.BatchNo, b.Date, b.FileDate, a.named("batch", b.State), b.Rows, b.Total.Grouped(), b.FileName)
				}
				g.print()
			})
		})}
}

// batchAnswer is a batch with its payouts.
type batchAnswer struct {
	payout.Batch
	Payouts []payout.Payout `json:"payouts"`
}

func newBatchShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show BATCH", Short: a.t("cli.batch.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			payouts, err := e.Payouts(ctx, args[0])
			if err != nil {
				return err
			}
			batches, err := e.Batches(ctx)
			if err != nil {
				return err
			}
			for _, b := range batches {
				if b.BatchNo == args[0] {
					for i := range payouts {
						payouts[i].AccountNo = clearing.Mask(payouts[i].AccountNo)
					}
					return a.answer(batchAnswer{b, payouts}, func() { a.showBatch(b, payouts) })
				}
			}
			return fault.Invalid("cli.batch").On("BATCH", args[0])
		})}
}

func (a *app) showBatch(b payout.Batch, payouts []payout.Payout) {
	a.say("cli.batch.title", b.BatchNo, b.Date, a.named("batch", b.State), a.count(b.Rows, countPayouts), b.Total.Grouped())
	g := a.grid(a.t("cli.col.serial"), a.t("cli.col.member"), a.t("cli.col.name"), a.t("cli.col.account"), ">"+a.t("cli.col.amount"), ">"+a.t("cli.col.fee"), a.t("cli.col.state"), a.t("cli.col.answer"))
	for _, p := range payouts {
		g.row(p.Serial, p.Member, p.AccountName, p.AccountNo, p.Amount.Grouped(), p.Fee.Grouped(), a.named("payout_state", string(p.State)), p.Answer+" "+p.Reason)
	}
	g.print()
}

func newBatchSubmitCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "submit BATCH", Short: a.t("cli.batch.submit.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := e.Submit(ctx, actor, args[0]); err != nil {
				return err
			}
			return a.answer(map[string]string{"submitted": args[0]}, func() { a.say("cli.batch.submitted", args[0], actor) })
		})}
}

// newBatchDrawCmd draws a further batch of what was asked for since the first.
func newBatchDrawCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "draw", Short: a.t("cli.batch.draw.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			n, date, err := e.DrawRound(ctx, actor)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"date": date, "payouts": n}, func() { a.say("cli.batch.drawn", date, a.count(n, countPayouts)) })
		})}
}

// newBatchRefusedCmd records that the bank refused a whole file (整批退回).
func newBatchRefusedCmd(a *app) *cobra.Command {
	var code string
	cmd := &cobra.Command{Use: "refused BATCH", Short: a.t("cli.batch.refused.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := e.RefuseFile(ctx, actor, args[0], code); err != nil {
				return err
			}
			return a.answer(map[string]string{"refused": args[0], "code": code}, func() { a.say("cli.batch.refused.done", args[0], code) })
		})}
	cmd.Flags().StringVar(&code, "code", "", a.t("cli.flag.bank-code"))
	return cmd
}

// newBatchResendCmd sends the same file again, under the same serials.
func newBatchResendCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "resend BATCH", Short: a.t("cli.batch.resend.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			b, err := e.Resend(ctx, actor, args[0])
			if err != nil {
				return err
			}
			return a.answer(b, func() { a.say("cli.batch.resent", b.BatchNo, b.FileName, b.Sends) })
		})}
}

// stamp prints a moment given as Unix milliseconds.
func stamp(ms int64) string { return time.UnixMilli(ms).In(bizdate.Zone).Format(moment) }
