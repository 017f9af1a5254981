package main

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
)

// newRuleCmd keeps the split rules (分账规则): their versions, and a draft's trial.
func newRuleCmd(a *app) *cobra.Command {
	return group("rule", a.t("cli.rule.short"), newRuleListCmd(a), newRuleShowCmd(a), newRuleNewCmd(a), newRuleTryCmd(a))
}

func newRuleListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.rule.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			rules, err := e.RuleVersions(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"rules": rules}, func() {
				g := a.grid(a.t("cli.col.rule"), ">"+a.t("cli.col.version"), a.t("cli.col.effective"), a.t("cli.col.state"),
					a.t("cli.rule.shares"), a.t("cli.col.fee-bearer"), a.t("cli.rule.approval"))
				for _, r := range rules {
					shares := a.rateTexts(r.Rule)
					if r.Rule.Scope != nil {
						shares = a.t("cli.rule.for", a.scopeText(r.Rule.Scope), shares)
					}
					g.row(r.ID, r.Version, r.Effective, a.named("rule_state", string(r.State)), shares, a.named("bearer", r.Rule.FeeBearer), r.Approval)
				}
				g.print()
			})
		})}
}

// rateTexts lists who receives at what rate, in the order of the levels.
func (a *app) rateTexts(c clearing.RuleConfig) string {
	var parts []string
	for _, l := range a.levelsOf(c) {
		parts = append(parts, a.party(l.To)+" "+money.Percent(l.PPM))
	}
	return strings.Join(parts, ", ")
}

// levelsOf returns the levels of a rule; those of the short form are its two rates.
func (a *app) levelsOf(c clearing.RuleConfig) []clearing.LevelConfig {
	if len(c.Levels) > 0 {
		return c.Levels
	}
	return []clearing.LevelConfig{{To: "head_office", PPM: c.HeadOfficePPM}, {To: "partner", PPM: c.PartnerPPM}}
}

// party names a receiver as people do; a named member by its code.
func (a *app) party(word string) string {
	if code, named := strings.CutPrefix(word, "member:"); named {
		return code
	}
	return a.named("party", word)
}

func newRuleShowCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "show RULE", Short: a.t("cli.rule.show.short"), Long: a.t("cli.rule.show.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v, err := e.FindRule(ctx, args[0])
			if err != nil {
				return err
			}
			return a.answer(v, func() { a.showRule(v) })
		})}
}

func (a *app) showRule(v clearing.RuleVersion) {
	c := v.Rule
	a.say("cli.rule.title", v.ID, v.Version, v.Effective, a.named("rule_basis", orDefault(c.Basis, "clearing")), a.named("rule_state", string(v.State)))
	if c.Scope != nil {
		a.say("cli.rule.scope", a.scopeText(c.Scope), orNone(c.Until))
	}
	if c.Mode == "requests" {
		a.say("cli.rule.mode.requests", c.FreezeDays)
	}
	g := a.grid(">"+a.t("cli.rule.level"), a.t("cli.rule.to"), ">"+a.t("cli.rule.rate"), a.t("cli.rule.of"), ">"+a.t("cli.rule.fixed"),
		">"+a.t("cli.rule.min"), ">"+a.t("cli.rule.cap"), a.t("cli.rule.tiers"))
	for i, l := range a.levelsOf(c) {
		var tiers []string
		for _, t := range l.Tiers {
			tiers = append(tiers, strings.TrimSpace("≥"+t.From+": "+money.Percent(t.PPM)+" "+t.Fixed))
		}
		g.row(i+1, a.party(l.To), money.Percent(l.PPM), a.named("rule_of", orDefault(l.Of, "order")), orNone(l.Fixed), orNone(l.Min), orNone(l.Cap),
			orNone(strings.Join(tiers, "; ")))
	}
	g.print()
	a.say("cli.rule.fee", a.named("bearer", c.FeeBearer), a.party(orDefault(c.Remainder, "franchisee")))
	if k := c.Contract; k != nil {
		a.say("cli.rule.contract", money.Percent(k.SharePPM), k.Receivers, k.Requests)
	}
	switch {
	case v.Checker != "":
		a.say("cli.rule.decided", v.Approval, v.Maker, v.Checker, orNone(v.Reason))
	case v.Approval != "":
		a.say("cli.rule.waits", v.Approval, v.Maker)
	}
}

// scopeText says to which orders a rule applies.
func (a *app) scopeText(s *clearing.Scope) string {
	if s == nil {
		return a.t("cli.scope.all")
	}
	var parts []string
	for _, list := range []struct {
		code  string
		names []string
	}{{"cli.scope.members", s.Members}, {"cli.scope.regions", s.Regions}, {"cli.scope.channels", s.Channels}} {
		if len(list.names) > 0 {
			parts = append(parts, a.t(list.code, strings.Join(list.names, ", ")))
		}
	}
	return strings.Join(parts, "; ")
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func newRuleNewCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "new FILE", Short: a.t("cli.rule.new.short"), Long: a.t("cli.rule.new.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			rule, err := clearing.LoadRule(args[0], e.Config.Limits)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			v, err := e.NewRule(ctx, actor, rule)
			if err != nil {
				return err
			}
			return a.answer(v, func() { a.say("cli.rule.new.done", v.ID, v.Version, v.Effective, v.Approval) })
		})}
}

// tryFlags are the clearing dates of a trial.
type tryFlags struct{ from, to string }

func newRuleTryCmd(a *app) *cobra.Command {
	var f tryFlags
	cmd := &cobra.Command{Use: "try FILE|RULE", Short: a.t("cli.rule.try.short"), Long: a.t("cli.rule.try.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			if clearing.AreMatchRules(args[0]) {
				return a.tryMatching(ctx, e, args[0], f.from, f.to)
			}
			return a.tryRule(ctx, e, args[0], f)
		})}
	cmd.Flags().StringVar(&f.from, "from", "", a.t("cli.flag.from"))
	cmd.Flags().StringVar(&f.to, "to", "", a.t("cli.flag.to"))
	return cmd
}

func (a *app) tryRule(ctx context.Context, e *clearing.Engine, name string, f tryFlags) error {
	from, err := needDate("--from", f.from)
	if err != nil {
		return err
	}
	to, err := needDate("--to", f.to)
	if err != nil {
		return err
	}
	rule, version, err := a.draft(ctx, e, name)
	if err != nil {
		return err
	}
	p := a.progress()
	r, err := e.TryRule(ctx, rule, version, from, to, func(done int) { p.step(a.t("cli.rule.trying"), done, 0) })
	p.clear()
	if err != nil {
		return err
	}
	return a.answer(r, func() { a.showTrial(r) })
}

// draft reads a rule file, or finds a version in the books.
func (a *app) draft(ctx context.Context, e *clearing.Engine, name string) (clearing.RuleConfig, int, error) {
	if _, err := os.Stat(name); err == nil || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		rule, err := clearing.LoadRule(name, e.Config.Limits)
		return rule, 0, err
	}
	v, err := e.FindRule(ctx, name)
	if fault.CodeOf(err) == "rule.unknown" {
		return v.Rule, 0, fault.Invalid("rule.unknown-file", name).On("FILE|RULE", name)
	}
	return v.Rule, v.Version, err
}

// maxTried is how many lines a trial shows on a terminal; --json has all.
const maxTried = 200

func (a *app) showTrial(r *clearing.TryReport) {
	name := r.Rule
	if r.Version > 0 {
		name += "@" + strconv.Itoa(r.Version)
	}
	a.say("cli.rule.try.title", name, r.From, r.To, r.Orders, r.Amount, r.Fee)
	if r.Scope != nil || r.Chosen+r.Refused < r.Orders {
		a.say("cli.rule.try.scope", a.scopeText(r.Scope), r.Chosen, r.Orders-r.Refused)
	}
	if r.Refused > 0 {
		a.say("cli.rule.try.refused", r.Refused)
	}
	g := a.grid(a.t("cli.col.member"), a.t("cli.col.name"), ">"+a.t("cli.rule.old"), ">"+a.t("cli.rule.new"), ">"+a.t("cli.col.difference"))
	for i, line := range r.Lines {
		if i == maxTried {
			break
		}
		if line.Code == "" {
			line.Name = a.named("party", "head_office")
		}
		g.row(line.Code, line.Name, line.Old, line.New, line.Difference)
	}
	g.row("", a.t("cli.col.sum"), r.Total.Old, r.Total.New, r.Total.Difference)
	g.print()
	if len(r.Lines) > maxTried {
		a.note("cli.more", len(r.Lines)-maxTried)
	}
}
