package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/split"
	"custody/internal/fault"
)

// afterRequest does a maker's step and shows the order after it.
func (a *app) afterRequest(ctx context.Context, e *clearing.Engine, step func(actor string) (*clearing.SplitRequestView, error)) error {
	actor, err := a.maker(ctx, e)
	if err != nil {
		return err
	}
	v, err := step(actor)
	if err != nil {
		return err
	}
	return a.answer(v, func() { a.showRequests(v) })
}

// receiverCode is a receiver as people write it; head office has no code.
func receiverCode(word string) string {
	if word == "head_office" {
		return ""
	}
	return word
}

func newOrderSplitCmd(a *app) *cobra.Command {
	var receivers []string
	var ref string
	cmd := &cobra.Command{Use: "split ORDER", Short: a.t("cli.order.split.short"), Long: a.t("cli.order.split.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			var parts []split.Part
			for _, text := range receivers {
				code, amount, ok := strings.Cut(text, "=")
				fen, err := yuan("--receiver", amount)
				if err != nil || !ok || code == "" {
					return fault.Invalid("cli.receiver").On("--receiver", text)
				}
				parts = append(parts, split.Part{Owner: receiverCode(code), Amount: fen})
			}
			return a.afterRequest(ctx, e, func(actor string) (*clearing.SplitRequestView, error) {
				return e.SplitOrder(ctx, actor, args[0], ref, parts...)
			})
		})}
	cmd.Flags().StringArrayVar(&receivers, "receiver", nil, a.t("cli.flag.receiver"))
	cmd.Flags().StringVar(&ref, "ref", "", a.t("cli.flag.request-ref"))
	return cmd
}

func newOrderReleaseCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "release ORDER", Short: a.t("cli.order.release.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.afterRequest(ctx, e, func(actor string) (*clearing.SplitRequestView, error) { return e.ReleaseOrder(ctx, actor, args[0]) })
		})}
}

func newOrderReturnCmd(a *app) *cobra.Command {
	var receiver, amount, ref string
	cmd := &cobra.Command{Use: "split-return ORDER", Short: a.t("cli.order.return.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			fen, err := yuan("--amount", amount)
			if err != nil {
				return err
			}
			if receiver == "" {
				return fault.Invalid("requests.whose").On("--receiver", receiver)
			}
			part := split.Part{Owner: receiverCode(receiver), Amount: fen}
			return a.afterRequest(ctx, e, func(actor string) (*clearing.SplitRequestView, error) {
				return e.ReturnSplit(ctx, actor, args[0], ref, part)
			})
		})}
	cmd.Flags().StringVar(&receiver, "receiver", "", a.t("cli.flag.return-receiver"))
	cmd.Flags().StringVar(&amount, "amount", "", a.t("cli.flag.return-amount"))
	cmd.Flags().StringVar(&ref, "ref", "", a.t("cli.flag.request-ref"))
	return cmd
}

func newOrderSharesCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "shares ORDER", Short: a.t("cli.order.shares.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v, err := e.OrderRequests(ctx, args[0])
			if err != nil {
				return err
			}
			return a.answer(v, func() { a.showRequests(v) })
		})}
}

// showRequests says where an order that is split by requests stands.
func (a *app) showRequests(v *clearing.SplitRequestView) {
	a.say("cli.order.title", v.OrderNo, v.Member, v.Channel, v.Clearing, v.Amount, v.Rule)
	if v.Closed != nil {
		a.say("cli.order.closed", *v.Closed, v.Fee)
	} else {
		a.say("cli.order.waits", v.Rest, v.Fee, v.Thaw)
	}
	if len(v.Moves) == 0 {
		return
	}
	g := a.grid(">"+a.t("cli.rule.level"), a.t("cli.order.kind"), a.t("cli.rule.to"), ">"+a.t("cli.col.amount"), a.t("cli.col.date"), a.t("cli.order.ref"))
	for _, m := range v.Moves {
		to := orDefault(m.Receiver, a.named("party", "head_office"))
		if m.Kind == "REFUND" {
			to = a.t("cli.order.customer")
		}
		g.row(m.No, a.named("split_request", m.Kind), to, m.Amount, m.Date, orNone(m.Ref))
	}
	g.print()
}
