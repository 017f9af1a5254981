package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/escrow"
	"custody/clearing/states"
	"custody/internal/fault"
)

// newEscrowCmd keeps escrow orders (担保交易).
func newEscrowCmd(a *app) *cobra.Command {
	return group("escrow", a.t("cli.escrow.short"),
		newEscrowOpenCmd(a), newEscrowPayCmd(a), newEscrowShipCmd(a),
		escrowStep(a, "confirm", a.t("cli.escrow.confirm.short"), (*clearing.Engine).ConfirmEscrow),
		escrowStep(a, "dispute", a.t("cli.escrow.dispute.short"), (*clearing.Engine).DisputeEscrow),
		escrowTimer(a, "drop", a.t("cli.escrow.drop.short"), (*clearing.Engine).DropEscrowDispute),
		newEscrowResolveCmd(a),
		escrowTimer(a, "extend", a.t("cli.escrow.extend.short"), (*clearing.Engine).ExtendEscrow),
		newEscrowRefundCmd(a), escrowStep(a, "close", a.t("cli.escrow.close.short"), (*clearing.Engine).CloseEscrow),
		newEscrowShowCmd(a), newEscrowListCmd(a))
}

// escrowStates are the names of an order's states.
var escrowStates = map[string]string{
	string(states.EscrowWaitPay): "cli.escrow.wait_pay", string(states.EscrowPaid): "cli.escrow.paid", string(states.EscrowShipped): "cli.escrow.shipped",
	string(states.EscrowDisputed): "cli.escrow.disputed", string(states.EscrowRefunding): "cli.escrow.refunding", string(states.EscrowRefunded): "cli.escrow.refunded",
	string(states.EscrowPartRefund): "cli.escrow.part_refund", string(states.EscrowPartBack): "cli.escrow.part_back",
	string(states.EscrowConfirmed): "cli.escrow.confirmed", string(states.EscrowAuto): "cli.escrow.auto",
	string(states.EscrowSettled): "cli.escrow.settled", string(states.EscrowClosed): "cli.escrow.closed",
}

// escrowAnswer is an order as --json prints it.
type escrowAnswer struct {
	OrderNo   string `json:"order_no"`
	Member    string `json:"member"`
	Amount    int64  `json:"amount_fen"`
	State     string `json:"state"`
	Channel   string `json:"channel,omitempty"`
	Clearing  string `json:"clearing_date,omitempty"`
	Payer     string `json:"payer,omitempty"`
	Logistics string `json:"logistics_no,omitempty"`
	AutoDate  string `json:"auto_date,omitempty"`
	RefundNo  string `json:"refund_no,omitempty"`
	Refund    int64  `json:"refund_fen,omitempty"`
}

func escrowAnswerOf(o escrow.Order) escrowAnswer {
	answer := escrowAnswer{OrderNo: o.OrderNo, Member: o.Member, Amount: int64(o.Amount), State: string(o.State), Channel: o.Channel, Payer: o.Payer,
		Logistics: o.Logistics, RefundNo: o.RefundNo, Refund: int64(o.Refund)}
	if !o.Clearing.IsZero() {
		answer.Clearing = o.Clearing.String()
	}
	if !o.AutoDate.IsZero() {
		answer.AutoDate = o.AutoDate.String()
	}
	return answer
}

// afterEscrow does a maker's step and shows the order after it.
func (a *app) afterEscrow(ctx context.Context, e *clearing.Engine, orderNo string, step func(actor string) error) error {
	actor, err := a.maker(ctx, e)
	if err != nil {
		return err
	}
	if err := step(actor); err != nil {
		return err
	}
	return a.showEscrow(ctx, e, orderNo)
}

func (a *app) showEscrow(ctx context.Context, e *clearing.Engine, orderNo string) error {
	o, err := e.Escrow(ctx, orderNo)
	if err != nil {
		return err
	}
	answer := escrowAnswerOf(o)
	return a.answer(answer, func() {
		g := a.grid(a.t("cli.escrow.order"), o.OrderNo)
		for _, line := range [][2]string{
			{"cli.col.state", a.named("escrow_state", answer.State)}, {"cli.escrow.merchant", o.Member}, {"cli.col.amount", o.Amount.Grouped()},
			{"cli.col.channel", strings.TrimSpace(o.Channel + " " + answer.Clearing)}, {"cli.escrow.payer", o.Payer},
			{"cli.escrow.logistics", o.Logistics}, {"cli.escrow.auto_date", answer.AutoDate}, {"cli.escrow.refund_no", o.RefundNo},
		} {
			if line[1] != "" {
				g.row(a.t(line[0]), line[1])
			}
		}
		if o.Refund > 0 {
			g.row(a.t("cli.escrow.back"), o.Refund.Grouped())
		}
		g.print()
	})
}

func newEscrowOpenCmd(a *app) *cobra.Command {
	var member, amount string
	cmd := &cobra.Command{Use: "open ORDER", Short: a.t("cli.escrow.open.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			fen, err := yuan("--amount", amount)
			if err != nil {
				return err
			}
			return a.afterEscrow(ctx, e, args[0], func(actor string) error { return e.OpenEscrow(ctx, actor, args[0], member, fen) })
		})}
	cmd.Flags().StringVar(&member, "member", "", a.t("cli.flag.escrow-member"))
	cmd.Flags().StringVar(&amount, "amount", "", a.t("cli.flag.escrow-amount"))
	return cmd
}

func newEscrowPayCmd(a *app) *cobra.Command {
	var payer string
	cmd := &cobra.Command{Use: "pay ORDER", Short: a.t("cli.escrow.pay.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.afterEscrow(ctx, e, args[0], func(actor string) error { return e.PayEscrow(ctx, actor, args[0], payer) })
		})}
	cmd.Flags().StringVar(&payer, "payer", "", a.t("cli.flag.escrow-payer"))
	return cmd
}

func newEscrowShipCmd(a *app) *cobra.Command {
	var logistics string
	var days int
	cmd := &cobra.Command{Use: "ship ORDER", Short: a.t("cli.escrow.ship.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			if logistics == "" {
				return fault.Invalid("cli.needed", "--logistics")
			}
			return a.afterEscrow(ctx, e, args[0], func(actor string) error { return e.ShipEscrow(ctx, actor, args[0], logistics, days) })
		})}
	cmd.Flags().StringVar(&logistics, "logistics", "", a.t("cli.flag.escrow-logistics"))
	cmd.Flags().IntVar(&days, "days", 0, a.t("cli.flag.escrow-days"))
	return cmd
}

// escrowStep is a command that takes nothing but the order.
func escrowStep(a *app, use, short string, do func(*clearing.Engine, context.Context, string, string) error) *cobra.Command {
	return &cobra.Command{Use: use + " ORDER", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.afterEscrow(ctx, e, args[0], func(actor string) error { return do(e, ctx, actor, args[0]) })
		})}
}

// escrowTimer is a command that sets the timer.
func escrowTimer(a *app, use, short string, do func(*clearing.Engine, context.Context, string, string, int) error) *cobra.Command {
	var days int
	cmd := &cobra.Command{Use: use + " ORDER", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.afterEscrow(ctx, e, args[0], func(actor string) error { return do(e, ctx, actor, args[0], days) })
		})}
	cmd.Flags().IntVar(&days, "days", 0, a.t("cli.flag.escrow-days"))
	return cmd
}

// The verdicts that end a dispute.
const (
	verdictConfirm = "CONFIRMED"
	verdictPart    = "PART_REFUND"
	verdictRefund  = "REFUND"
)

func newEscrowResolveCmd(a *app) *cobra.Command {
	var verdict, refund string
	v := escrow.Verdict{}
	cmd := &cobra.Command{Use: "resolve ORDER", Short: a.t("cli.escrow.resolve.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v.OrderNo = args[0]
			order, err := e.Escrow(ctx, v.OrderNo)
			if err != nil {
				return err
			}
			switch strings.ToUpper(verdict) {
			case verdictConfirm:
			case verdictRefund:
				v.Refund = order.Amount
			case verdictPart:
				if v.Refund, err = yuan("--refund", refund); err != nil {
					return err
				}
			default:
				return fault.Invalid("cli.escrow.verdict", verdictConfirm, verdictPart, verdictRefund).On("--verdict", verdict)
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, err := e.ResolveEscrow(ctx, actor, v)
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"approval": id}, func() { a.say("cli.escrow.resolve.done", v.OrderNo, id) })
		})}
	flags := cmd.Flags()
	flags.StringVar(&verdict, "verdict", "", a.t("cli.flag.escrow-verdict"))
	flags.StringVar(&refund, "refund", "", a.t("cli.flag.escrow-refund"))
	flags.StringVar(&v.RefundNo, "ref", "", a.t("cli.flag.escrow-ref"))
	flags.StringVar(&v.Reason, "reason", "", a.t("cli.flag.reason"))
	return cmd
}

func newEscrowRefundCmd(a *app) *cobra.Command {
	var ref, failed string
	cmd := &cobra.Command{Use: "refund ORDER", Short: a.t("cli.escrow.refund.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.afterEscrow(ctx, e, args[0], func(actor string) error {
				if failed != "" {
					return e.FailEscrowRefund(ctx, actor, args[0], failed)
				}
				return e.RefundEscrow(ctx, actor, args[0], ref)
			})
		})}
	cmd.Flags().StringVar(&ref, "ref", "", a.t("cli.flag.escrow-ref"))
	cmd.Flags().StringVar(&failed, "failed", "", a.t("cli.flag.escrow-failed"))
	return cmd
}

func newEscrowShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show ORDER", Short: a.t("cli.escrow.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			return a.showEscrow(ctx, e, args[0])
		})}
}

func newEscrowListCmd(a *app) *cobra.Command {
	var state string
	cmd := &cobra.Command{Use: "list", Short: a.t("cli.escrow.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Escrows(ctx, state)
			if err != nil {
				return err
			}
			answers := make([]escrowAnswer, len(list))
			for i, o := range list {
				answers[i] = escrowAnswerOf(o)
			}
			return a.answer(map[string]any{"escrows": answers}, func() {
				g := a.grid(a.t("cli.escrow.order"), a.t("cli.escrow.merchant"), ">"+a.t("cli.col.amount"), a.t("cli.col.state"), a.t("cli.col.channel"), a.t("cli.escrow.auto_date"))
				for i, o := range list {
					g.row(o.OrderNo, o.Member, o.Amount.Grouped(), a.named("escrow_state", string(o.State)), o.Channel, answers[i].AutoDate)
				}
				g.print()
			})
		})}
	cmd.Flags().StringVar(&state, "state", "", a.t("cli.flag.escrow-state"))
	return cmd
}
