package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/flows"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// newAdjustCmd is the money events that people start (调账与资金处理). Every one
// takes a reference of its own document, prints the voucher that it would post,
// and then is submitted for a checker or, where one person is enough, posted.
func newAdjustCmd(a *app) *cobra.Command {
	return group("adjust", a.t("cli.adjust.short"),
		newTransferCmd(a), newCorrectCmd(a), newReverseCmd(a), newDepositCmd(a), newPenaltyCmd(a),
		newAdvanceCmd(a), newRefundAdvanceCmd(a), newRecoverCmd(a), newOwnFundsCmd(a))
}

// asked is what every action takes from the command line.
type asked struct {
	ref    string
	dryRun bool
}

// actionCmd makes the command of an action; build turns what was typed into it.
func actionCmd(a *app, use, short string, args int, build func(ctx context.Context, e *clearing.Engine, args []string, ref string) (clearing.Action, error)) *cobra.Command {
	var q asked
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			action, err := build(ctx, e, args, q.ref)
			if err != nil {
				return err
			}
			return a.act(ctx, e, actor, action, q.dryRun)
		})}
	cmd.Flags().StringVar(&q.ref, "ref", "", a.t("cli.flag.ref"))
	cmd.Flags().BoolVar(&q.dryRun, "dry-run", false, a.t("cli.flag.dry-run"))
	return cmd
}

// actionAnswer is an action as --json prints it.
type actionAnswer struct {
	*clearing.ActionView
	EventName string      `json:"event_name"`
	Legs      []legAnswer `json:"legs"`
}

// act shows the voucher first, then submits the action or posts it.
func (a *app) act(ctx context.Context, e *clearing.Engine, actor string, action clearing.Action, dryRun bool) error {
	v, err := e.PreviewAction(ctx, actor, action)
	if err != nil {
		return err
	}
	if !a.json && v.Legs != nil {
		a.say("cli.action.title", v.Event, a.named("event", v.Event), v.Reference, v.Date)
		a.legTable(v.Legs)
	}
	if !dryRun && !v.Repeated {
		legs, date := v.Legs, v.Date
		if v, err = e.Act(ctx, actor, action); err != nil {
			return err
		}
		if v.Legs == nil { // submitted by another process since the preview
			v.Legs, v.Date = legs, date
		}
	}
	answer := actionAnswer{ActionView: v, EventName: a.named("event", v.Event), Legs: []legAnswer{}}
	for _, leg := range v.Legs {
		answer.Legs = append(answer.Legs, legAnswer{leg.Key.String(), a.accountName(leg.Code), int64(leg.Amount)})
	}
	return a.answer(answer, func() {
		switch {
		case v.Repeated && v.State == clearing.ActionPosted:
			a.say("cli.action.posted-before", v.Event+":"+v.Reference)
		case v.Repeated:
			a.say("cli.action.submitted-before", v.Approval)
		case v.State == clearing.ActionPosted:
			a.say("cli.action.posted", v.Event+":"+v.Reference)
		case v.State == clearing.ActionSubmitted:
			a.say("cli.action.submitted", v.Approval)
		default:
			a.say("cli.action.preview")
		}
	})
}

// yuan reads an amount as typed: yuan with at most two decimals, above zero.
func yuan(name, value string) (money.Amount, error) {
	amount, err := money.ParseYuan(value)
	if err != nil || amount <= 0 {
		return 0, fault.Invalid("cli.amount").On(name, value)
	}
	return amount, nil
}

// yuanFlag is [yuan] for a flag that may be missing.
func yuanFlag(name, value string) (money.Amount, error) {
	if value == "" {
		return 0, nil
	}
	return yuan(name, value)
}

func newTransferCmd(a *app) *cobra.Command {
	var fee string
	cmd := actionCmd(a, "transfer FROM TO AMOUNT", a.t("cli.adjust.transfer.short"), 3,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[2])
			if err != nil {
				return clearing.Action{}, err
			}
			inside, err := yuanFlag("--fee", fee)
			return clearing.Action{Event: "E13", Request: flows.Transfer{Reference: ref, From: args[0], To: args[1], Amount: amount, Fee: inside}}, err
		})
	cmd.Flags().StringVar(&fee, "fee", "", a.t("cli.flag.transfer-fee"))
	return cmd
}

func newCorrectCmd(a *app) *cobra.Command {
	var reason, original string
	cmd := actionCmd(a, "correct FROM TO AMOUNT", a.t("cli.adjust.correct.short"), 3,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[2])
			if err != nil {
				return clearing.Action{}, err
			}
			if reason == "" {
				return clearing.Action{}, fault.Invalid("cli.needed", "--reason")
			}
			day, err := dateFlag("--original-date", original)
			return clearing.Action{Event: "E17x", Request: flows.Adjustment{Reference: ref, From: args[0], To: args[1], Amount: amount, Reason: reason, Original: day}}, err
		})
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.why"))
	cmd.Flags().StringVar(&original, "original-date", "", a.t("cli.flag.original-date"))
	return cmd
}

// newReverseCmd needs no reference: the voucher that it takes back is one.
func newReverseCmd(a *app) *cobra.Command {
	var reason string
	cmd := actionCmd(a, "reverse VOUCHER", a.t("cli.adjust.reverse.short"), 1,
		func(ctx context.Context, e *clearing.Engine, args []string, _ string) (clearing.Action, error) {
			if reason == "" {
				return clearing.Action{}, fault.Invalid("cli.needed", "--reason")
			}
			v, err := findVoucher(ctx, e, args[0])
			if err != nil {
				return clearing.Action{}, err
			}
			return clearing.Action{Event: "E17", Request: flows.Reversal{Event: v.Event, Reference: v.Reference, Reason: reason}}, nil
		})
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.why"))
	cmd.Flags().Lookup("ref").Hidden = true
	return cmd
}

func newDepositCmd(a *app) *cobra.Command {
	one := func(use, short, event string) *cobra.Command {
		return actionCmd(a, use+" MEMBER AMOUNT", short, 2,
			func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
				amount, err := yuan("AMOUNT", args[1])
				return clearing.Action{Event: event, Request: clearing.Deposit{Reference: ref, Member: args[0], Amount: amount}}, err
			})
	}
	return group("deposit", a.t("cli.adjust.deposit.short"),
		one("take", a.t("cli.adjust.deposit.take.short"), "E23"), one("return", a.t("cli.adjust.deposit.return.short"), "E23c"))
}

func newPenaltyCmd(a *app) *cobra.Command {
	var reason string
	cmd := actionCmd(a, "penalty MEMBER AMOUNT", a.t("cli.adjust.penalty.short"), 2,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			if err == nil && reason == "" {
				err = fault.Invalid("cli.needed", "--reason")
			}
			return clearing.Action{Event: "E23b", Request: flows.Penalty{Reference: ref, Member: args[0], Amount: amount, Reason: reason}}, err
		})
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.why"))
	return cmd
}

func newAdvanceCmd(a *app) *cobra.Command {
	return actionCmd(a, "advance MEMBER AMOUNT", a.t("cli.adjust.advance.short"), 2,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			return clearing.Action{Event: "E26", Request: flows.Early{Reference: ref, Member: args[0], Amount: amount}}, err
		})
}

// newRecoverCmd names the advance with --ref and counts its parts, so that the
// same line typed twice asks for one recovery.
func newRecoverCmd(a *app) *cobra.Command {
	var part int
	var pending bool
	cmd := actionCmd(a, "recover MEMBER AMOUNT", a.t("cli.adjust.recover.short"), 2,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[1])
			event := "E7e"
			if pending {
				event = "E26b"
			}
			return clearing.Action{Event: event, Request: flows.Recovery{Advance: ref, Part: part, Member: args[0], Amount: amount}}, err
		})
	cmd.Flags().IntVar(&part, "part", 1, a.t("cli.flag.part"))
	cmd.Flags().BoolVar(&pending, "pending", false, a.t("cli.flag.pending"))
	cmd.Flags().Lookup("ref").Usage = a.t("cli.flag.advance")
	return cmd
}

func newOwnFundsCmd(a *app) *cobra.Command {
	return group("own-funds", a.t("cli.adjust.own.short"), newAllocateCmd(a), newSweepCmd(a), newTopUpCmd(a))
}

func newAllocateCmd(a *app) *cobra.Command {
	var to [3]string
	names := [3]string{"--reserve", "--marketing", "--verification"}
	cmd := actionCmd(a, "allocate", a.t("cli.adjust.own.allocate.short"), 0,
		func(_ context.Context, _ *clearing.Engine, _ []string, ref string) (clearing.Action, error) {
			var amounts [3]money.Amount
			for i := range to {
				var err error
				if amounts[i], err = yuanFlag(names[i], to[i]); err != nil {
					return clearing.Action{}, err
				}
			}
			return clearing.Action{Event: "E0b", Request: flows.Allocation{Reference: ref, Reserve: amounts[0], Marketing: amounts[1], Verification: amounts[2]}}, nil
		})
	for i, text := range []string{a.t("cli.flag.reserve"), a.t("cli.flag.marketing"), a.t("cli.flag.verification")} {
		cmd.Flags().StringVar(&to[i], names[i][2:], "", text)
	}
	return cmd
}

func newSweepCmd(a *app) *cobra.Command {
	var channel, clears string
	cmd := actionCmd(a, "sweep AMOUNT", a.t("cli.adjust.own.sweep.short"), 1,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[0])
			if err != nil {
				return clearing.Action{}, err
			}
			var day bizdate.Date
			if channel != "" {
				day, err = needDate("--clearing", clears)
			}
			return clearing.Action{Event: "E8a", Request: clearing.Sweep{Reference: ref, Channel: channel, Clearing: day, Amount: amount}}, err
		})
	cmd.Flags().StringVar(&channel, "channel", "", a.t("cli.flag.sweep-channel"))
	cmd.Flags().StringVar(&clears, "clearing", "", a.t("cli.flag.clearing"))
	return cmd
}

func newTopUpCmd(a *app) *cobra.Command {
	var charge string
	cmd := actionCmd(a, "top-up AMOUNT", a.t("cli.adjust.own.topup.short"), 1,
		func(_ context.Context, _ *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			amount, err := yuan("AMOUNT", args[0])
			if err == nil && charge == "" {
				err = fault.Invalid("cli.needed", "--charge")
			}
			return clearing.Action{Event: "E8f", Request: clearing.ShortageTopUp{Reference: ref, Charge: charge, Amount: amount}}, err
		})
	cmd.Flags().StringVar(&charge, "charge", "", a.t("cli.flag.charge"))
	return cmd
}
