package main

import (
	"context"
	"fmt"
	"strings"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// traceOf follows the order that a voucher splits, whose refund it divides, or of
// which a request gave or took back a part. It is empty for any other voucher, and
// for one whose reference names no order.
func traceOf(ctx context.Context, e *clearing.Engine, v *subaccounts.Voucher) (*clearing.Trace, error) {
	none := &clearing.Trace{}
	parts := strings.SplitN(v.Reference, ".", 3)
	if len(parts) != 3 || v.Event != "E2" && v.Event != "E2r" && v.Event != "E7a" {
		return none, nil
	}
	orderNo, _, request := strings.Cut(parts[2], "/") // ORDER/1 is the first request, ORDER/r1 the first return
	t, err := e.Trace(ctx, orderNo)
	if fault.CodeOf(err) == "line.unknown" {
		return none, nil
	}
	if err != nil {
		return nil, err
	}
	if request || t.Requests != nil {
		return t, nil
	}
	for _, of := range t.Vouchers {
		if of.Voucher == v.Name() {
			return t, nil
		}
	}
	return none, nil
}

// showShares says how an order was split, or a refund of it divided.
func (a *app) showShares(s *clearing.SplitTrace, r *clearing.RefundTrace) {
	if s != nil {
		a.showSplit(s)
	}
	if r != nil {
		a.showRefund(r)
	}
}

func (a *app) showSplit(s *clearing.SplitTrace) {
	a.say("cli.shares.rule", s.Rule, s.Version, s.Effective, a.named("rule_basis", s.Basis), orNone(s.Approval))
	if s.Scope != nil {
		a.say("cli.shares.scope", a.scopeText(s.Scope), strings.Join(s.Passed, ", "))
	}
	a.say("cli.shares.amount", s.Amount, s.Order, s.Returned, s.Fee, a.named("bearer", s.FeeBearer))
	g := a.grid(">"+a.t("cli.rule.level"), a.t("cli.rule.to"), a.t("cli.col.member"), ">"+a.t("cli.shares.base"), ">"+a.t("cli.rule.rate"),
		">"+a.t("cli.shares.by-rate"), ">"+a.t("cli.shares.dropped"), ">"+a.t("cli.rule.fixed"), a.t("cli.shares.bound"), ">"+a.t("cli.shares.share"))
	for _, l := range s.Levels {
		g.row(l.Level, a.party(l.To), orNone(l.Member), l.Base, money.Percent(l.PPM), l.ByRate, fmt.Sprintf("0.%06d", l.Dropped), l.Fixed,
			orNone(a.named("rule_bound", l.Bound)), l.Share)
	}
	g.print()
	a.say("cli.shares.remainder", orDefault(s.RemainderTo, a.named("party", "head_office")), s.Remainder)
	if !s.Agrees {
		a.say("cli.shares.differs")
	}
}

func (a *app) showRefund(r *clearing.RefundTrace) {
	a.say("cli.shares.refund", r.Amount, r.FeeBack, r.Earlier)
	g := a.grid(a.t("cli.col.member"), ">"+a.t("cli.shares.share"), ">"+a.t("cli.shares.left"), ">"+a.t("cli.shares.back"))
	for _, p := range r.Parts {
		g.row(orDefault(p.Member, a.named("party", "head_office")), p.Share, p.Left, p.Back)
	}
	g.print()
	a.say("cli.shares.sources")
	g = a.grid(">"+a.t("cli.rule.level"), a.t("cli.col.account"), a.t("cli.col.name"), a.t("cli.shares.why"), ">"+a.t("cli.col.amount"))
	for _, m := range r.Sources {
		g.row(m.Rank, m.Name, a.accountName(m.Account.Code), a.named("recovery", m.Why), m.Amount)
	}
	g.print()
}
