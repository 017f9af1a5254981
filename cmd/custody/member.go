package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/states"
	"custody/subaccounts"
)

// newMemberCmd keeps franchisees (加盟商) and partners (渠道合作方).
func newMemberCmd(a *app) *cobra.Command {
	return group("member", a.t("cli.member.short"),
		newMemberImportCmd(a), newMemberAddCmd(a), newMemberListCmd(a), newMemberShowCmd(a), newMemberIdentifyCmd(a),
		accountCmd(a, "freeze", a.t("cli.member.freeze.short"), states.AccountHoldAll),
		accountCmd(a, "unfreeze", a.t("cli.member.unfreeze.short"), states.AccountRelease),
		accountCmd(a, "stop", a.t("cli.member.stop.short"), states.AccountStop),
		accountCmd(a, "wake", a.t("cli.member.wake.short"), states.AccountWake),
		accountCmd(a, "close", a.t("cli.member.close.short"), states.AccountClose),
		newUnbindCmd(a), newDormantCmd(a))
}

func newMemberImportCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "import FILE", Short: a.t("cli.member.import.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			n, err := e.ImportMembers(ctx, actor, args[0])
			if err != nil {
				return err
			}
			return a.answer(map[string]int{"added": n}, func() { a.say("cli.member.import.done", a.count(n, countMembers)) })
		})}
}

func newMemberAddCmd(a *app) *cobra.Command {
	var m subaccounts.Member
	var b subaccounts.Binding
	var region string
	var legal subaccounts.Identity
	cmd := &cobra.Command{Use: "add CODE", Short: a.t("cli.member.add.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			m.Code, m.Kind = args[0], strings.ToUpper(m.Kind)
			var binding *subaccounts.Binding
			if b.AccountNo != "" {
				binding = &b
			}
			if err := e.AddLegalMember(ctx, actor, m, region, legal, binding); err != nil {
				return err
			}
			return a.answer(map[string]string{"added": m.Code}, func() { a.say("cli.member.add.done", m.Code, m.Name) })
		})}
	flags := cmd.Flags()
	flags.StringVar(&m.Name, "name", "", a.t("cli.flag.name"))
	flags.StringVar(&m.Kind, "kind", "franchisee", a.t("cli.flag.member-kind"))
	flags.StringVar(&m.Partner, "partner", "", a.t("cli.flag.partner"))
	flags.StringVar(&region, "region", "", a.t("cli.flag.region"))
	legalFlags(a, cmd, &legal)
	flags.StringVar(&b.AccountName, "account-name", "", a.t("cli.flag.account-name"))
	bindingFlags(a, cmd, &b)
	return cmd
}

// newMemberIdentifyCmd records who a member is in law (实名).
func newMemberIdentifyCmd(a *app) *cobra.Command {
	var legal subaccounts.Identity
	cmd := &cobra.Command{Use: "identify CODE", Short: a.t("cli.member.identify.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			legal.Member = args[0]
			if err := e.SetIdentity(ctx, actor, legal); err != nil {
				return err
			}
			return a.answer(map[string]string{"identified": args[0]}, func() { a.say("cli.member.identified", args[0], legal.Name) })
		})}
	legalFlags(a, cmd, &legal)
	return cmd
}

// legalFlags are an identity as typed.
func legalFlags(a *app, cmd *cobra.Command, legal *subaccounts.Identity) {
	flags := cmd.Flags()
	flags.StringVar(&legal.Name, "legal-name", "", a.t("cli.flag.legal-name"))
	flags.StringVar(&legal.Kind, "legal-kind", "company", a.t("cli.flag.legal-kind"))
	flags.StringVar(&legal.Number, "id-number", "", a.t("cli.flag.id-number"))
}

// memberAnswer is a member as --json prints him.
type memberAnswer struct {
	Code    string         `json:"code"`
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Partner string         `json:"partner"`
	Status  string         `json:"status"`
	State   string         `json:"state,omitempty"` // why the status is what it is
	Binding *bindingAnswer `json:"binding,omitempty"`

	Identity *subaccounts.Identity `json:"identity,omitempty"` // number masked

	Balance *clearing.MemberBalance `json:"balance,omitempty"`
}

type bindingAnswer struct {
	Account string `json:"account"` // masked
	Name    string `json:"name"`
	Bank    string `json:"bank"`
	CNAPS   string `json:"cnaps"`
	Status  string `json:"status"`
	Version int    `json:"version"`
}

func answerOf(m subaccounts.Member) memberAnswer {
	return memberAnswer{Code: m.Code, Name: m.Name, Kind: m.Kind, Partner: m.Partner, Status: m.Status}
}

func newMemberListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.member.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			members, err := e.Members(ctx)
			if err != nil {
				return err
			}
			list := make([]memberAnswer, len(members))
			for i, m := range members {
				list[i] = answerOf(m)
			}
			return a.answer(map[string]any{"members": list}, func() {
				g := a.grid(a.t("cli.col.code"), a.t("cli.col.name"), a.t("cli.col.kind"), a.t("cli.col.partner"), a.t("cli.col.state"))
				for _, m := range list {
					g.row(m.Code, m.Name, a.named("member_kind", m.Kind), m.Partner, a.named("member_status", m.Status))
				}
				g.print()
			})
		})}
}

func newMemberShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show CODE", Short: a.t("cli.member.show.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v, err := e.Member(ctx, args[0])
			if err != nil {
				return err
			}
			answer := answerOf(v.Member)
			answer.Balance = &v.Balance
			account, err := e.Account(ctx, args[0])
			if err != nil {
				return err
			}
			answer.State = string(account.State)
			if b := v.Binding; b.AccountNo != "" {
				answer.Binding = &bindingAnswer{clearing.Mask(b.AccountNo), b.AccountName, b.BankName, b.CNAPS, b.Status, b.Version}
			}
			i, known, err := e.Identity(ctx, args[0])
			if err != nil {
				return err
			}
			if known {
				answer.Identity = &i
			}
			return a.answer(answer, func() { a.showMember(answer) })
		})}
}

func (a *app) showMember(m memberAnswer) {
	a.say("cli.member.title", m.Code, m.Name, a.named("member_kind", m.Kind), a.named("account_state", m.State))
	if m.Partner != "" {
		a.say("cli.member.partner", m.Partner)
	}
	if i := m.Identity; i != nil {
		a.say("cli.member.identity", i.Name, a.named("legal_kind", i.Kind), i.Number)
	}
	if b := m.Binding; b != nil {
		a.say("cli.member.binding", b.Account, b.Name, b.Bank, b.CNAPS, a.named("binding", b.Status))
	}
	a.balanceTable([]clearing.MemberBalance{*m.Balance})
}

// accountCmd changes the state of a member's account, or asks a checker for it.
func accountCmd(a *app, use, short string, event states.AccountEvent) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: use + " CODE", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			v, err := e.ChangeAccount(ctx, actor, clearing.AccountChange{Member: args[0], Event: event, Reason: reason})
			if err != nil {
				return err
			}
			return a.answer(v, func() {
				a.say("cli.member.status", v.Member, a.named("account_state", string(v.State)))
				if v.Approval != "" {
					a.say("cli.action.submitted", v.Approval)
				}
			})
		})}
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.account-reason"))
	return cmd
}

func newUnbindCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "unbind CODE", Short: a.t("cli.member.unbind.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if err := e.UnbindMember(ctx, actor, args[0]); err != nil {
				return err
			}
			return a.answer(map[string]string{"unbound": args[0]}, func() { a.say("cli.member.unbound", args[0]) })
		})}
}

func newDormantCmd(a *app) *cobra.Command {
	var mark bool
	cmd := &cobra.Command{Use: "dormant", Short: a.t("cli.member.dormant.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			list, err := e.Dormant(ctx, actor, mark)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"members": list}, func() {
				g := a.grid(a.t("cli.col.code"), a.t("cli.col.last-movement"), ">"+a.t("cli.col.days"), a.t("cli.col.state"))
				for _, d := range list {
					g.row(d.Member, d.Last, d.Days, a.named("account_state", string(d.State)))
				}
				g.print()
			})
		})}
	cmd.Flags().BoolVar(&mark, "mark", false, a.t("cli.flag.mark"))
	return cmd
}
