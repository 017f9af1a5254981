package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/subaccounts"
)

// newExceptionCmd shows differences (差错) and proposes what to do about them.
func newExceptionCmd(a *app) *cobra.Command {
	return group("exception", a.t("cli.exception.short"), withAgeing(a, newExceptionListCmd(a)), newExceptionShowCmd(a), newExceptionProposeCmd(a), newExceptionAssignCmd(a))
}

func newExceptionListCmd(a *app) *cobra.Command {
	var on string
	cmd := &cobra.Command{Use: "list", Short: a.t("cli.exception.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := dateFlag("--date", on)
			if err != nil {
				return err
			}
			list, err := e.Exceptions(ctx, date)
			if err != nil {
				return err
			}
			if list == nil {
				list = []exceptions.Exception{}
			}
			return a.answer(map[string]any{"exceptions": list}, func() {
				g := a.grid("ID", a.t("cli.col.kind"), a.t("cli.col.subject"), a.t("cli.col.state"), a.t("cli.col.channel"), ">"+a.t("cli.col.amount"), a.t("cli.col.owner"), a.t("cli.col.due"))
				for _, x := range list {
					g.row(x.ID, a.named("kind", string(x.Kind)), x.Subject, a.named("exception_state", string(x.State)), x.Channel, x.Amount.Grouped(), a.named("role", x.Owner), x.DueDate)
				}
				g.print()
			})
		})}
	cmd.Flags().StringVar(&on, "date", "", a.t("cli.flag.exception-date"))
	return cmd
}

func newExceptionShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: a.t("cli.exception.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			x, err := e.Exception(ctx, args[0])
			if err != nil {
				return err
			}
			return a.answer(x, func() { a.showException(x) })
		})}
}

func (a *app) showException(x exceptions.Exception) {
	g := a.grid(x.ID, a.named("kind", string(x.Kind)))
	g.row(a.t("cli.col.subject"), x.Subject)
	g.row(a.t("cli.col.state"), a.named("exception_state", string(x.State)))
	g.row(a.t("cli.col.amount"), x.Amount.Grouped())
	g.row(a.t("cli.col.channel"), strings.TrimSpace(x.Channel+" "+x.ClearingDate.String()))
	g.row(a.t("cli.col.member"), x.Member)
	ours, theirs := a.sides(x)
	g.row(a.t("cli.col.ours"), ours)
	g.row(a.t("cli.col.theirs"), theirs)
	g.row(a.t("cli.col.opened"), x.OpenedDate)
	if x.ClosedDate != nil {
		g.row(a.t("cli.col.closed"), *x.ClosedDate)
	}
	g.row(a.t("cli.col.owner"), a.named("role", x.Owner))
	g.row(a.t("cli.col.due"), x.DueDate)
	g.row(a.t("cli.col.template"), x.Template)
	g.print()
}

// onOurs and onTheirs are the kinds whose money only one side has.
var (
	onOurs   = []exceptions.Kind{exceptions.BankMiss, exceptions.InTransit}
	onTheirs = []exceptions.Kind{exceptions.PlatformMiss, exceptions.UnknownPayer, exceptions.OffSystem}
)

// sides says what each side has. Where the books keep no words for it, the
// kind tells who has the money and who has nothing.
func (a *app) sides(x exceptions.Exception) (ours, theirs string) {
	ours, theirs = x.Ours, x.Theirs
	if lang.Has(ours) { // why an order was not split is kept as a code
		ours = a.t(ours)
	}
	switch {
	case slices.Contains(onOurs, x.Kind):
		ours, theirs = cmp.Or(ours, x.Amount.Grouped()), cmp.Or(theirs, a.t("cli.none"))
	case slices.Contains(onTheirs, x.Kind):
		ours, theirs = cmp.Or(ours, a.t("cli.none")), cmp.Or(theirs, x.Amount.Grouped())
	}
	return ours, theirs
}

// legAnswer is a line of a posting: Amount is signed, debit positive.
type legAnswer struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Amount  int64  `json:"amount_fen"`
}

func newExceptionProposeCmd(a *app) *cobra.Command {
	var h clearing.Handling
	cmd := &cobra.Command{Use: "propose ID", Short: a.t("cli.exception.propose.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			if err := needed(h); err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			p, err := e.Propose(ctx, actor, args[0], h)
			if err != nil {
				return err
			}
			legs := make([]legAnswer, len(p.Legs))
			for i, leg := range p.Legs {
				legs[i] = legAnswer{leg.Key.String(), a.accountName(leg.Code), int64(leg.Amount)}
			}
			return a.answer(map[string]any{"approval": p.ApprovalID, "event": p.Event, "legs": legs}, func() {
				a.say("cli.exception.proposed", args[0], h.Template, p.ApprovalID)
				a.legTable(p.Legs)
			})
		})}
	flags := cmd.Flags()
	flags.StringVar(&h.Template, "template", "", a.t("cli.flag.template", strings.Join(clearing.Templates(), ", ")))
	flags.StringVar(&h.Member, "member", "", a.t("cli.flag.member"))
	flags.StringVar(&h.Note, "note", "", a.t("cli.flag.note"))
	return cmd
}

// needed says which flag a handling cannot do without.
func needed(h clearing.Handling) error {
	switch {
	case h.Template == "":
		return fault.Invalid("cli.needed", "--template")
	case h.Member == "" && (h.Template == "claim" || h.Template == "adopt"):
		return fault.Invalid("cli.template-needs", h.Template, "--member")
	case h.Note == "" && (h.Template == "note" || h.Template == "bank-corrects"):
		return fault.Invalid("cli.template-needs", h.Template, "--note")
	}
	return nil
}

// legTable prints a posting with debits and credits in columns of their own.
func (a *app) legTable(legs []subaccounts.Leg) {
	if len(legs) == 0 {
		return
	}
	g := a.grid(a.t("cli.col.account"), a.t("cli.col.name"), ">"+a.t("cli.col.debit"), ">"+a.t("cli.col.credit"))
	for _, leg := range legs {
		debit, credit := leg.Amount.Grouped(), ""
		if leg.Amount < 0 {
			debit, credit = "", (-leg.Amount).Grouped()
		}
		g.row(leg.Key.String(), a.accountName(leg.Code), debit, credit)
	}
	g.print()
}

func newExceptionAssignCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "assign ID USER", Short: a.t("cli.exception.assign.short"), Args: cobra.ExactArgs(2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := e.AssignException(ctx, actor, args[0], args[1]); err != nil {
				return err
			}
			return a.answer(map[string]string{"id": args[0], "owner": args[1]}, func() { a.say("cli.exception.assigned", args[0], args[1]) })
		})}
}
