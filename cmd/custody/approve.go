package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/approval"
)

// newApproveCmd is the checker's yes; without an ID it lists what waits.
func newApproveCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "approve [ID...]", Short: a.t("cli.approve.short"),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, ids []string) error {
			if len(ids) == 0 {
				return a.pending(ctx, e)
			}
			return a.decide(ctx, e, ids, e.Approve)
		})}
}

// newRejectCmd is the checker's no.
func newRejectCmd(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: "reject ID...", Short: a.t("cli.reject.short"), Args: cobra.MinimumNArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, ids []string) error {
			return a.decide(ctx, e, ids, func(ctx context.Context, actor, id string) (*clearing.Decision, error) {
				return e.Reject(ctx, actor, id, reason)
			})
		})}
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.reason"))
	return cmd
}

func (a *app) decide(ctx context.Context, e *clearing.Engine, ids []string, one func(context.Context, string, string) (*clearing.Decision, error)) error {
	actor, err := a.checker(ctx, e)
	if err != nil {
		return err
	}
	return a.each(ids, func(id string) error {
		d, err := one(ctx, actor, id)
		if err != nil {
			return err
		}
		return a.answer(d, func() {
			code := "cli.approve.done"
			if d.State == approval.Rejected {
				code = "cli.reject.done"
			}
			a.say(code, d.ID, actor)
			for _, v := range d.Vouchers {
				fmt.Fprintln(a.out, "  "+v)
			}
		})
	})
}

func (a *app) pending(ctx context.Context, e *clearing.Engine) error {
	list, err := e.Approvals(ctx, approval.Pending)
	if err != nil {
		return err
	}
	if list == nil {
		list = []approval.Approval{}
	}
	return a.answer(map[string]any{"approvals": list}, func() {
		g := a.grid("ID", a.t("cli.col.kind"), a.t("cli.col.subject"), a.t("cli.col.maker"), a.t("cli.col.since"))
		for _, p := range list {
			g.row(p.ID, a.approvalKind(p.Kind), p.Subject, p.Maker, stamp(p.MadeAt))
		}
		g.print()
	})
}

// approvalKind names what is to be decided; an action is called by its event.
func (a *app) approvalKind(kind string) string {
	if name := a.named("approval_kind", kind); name != kind {
		return name
	}
	return a.named("event", kind)
}
