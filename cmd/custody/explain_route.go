package main

import (
	"context"
	"encoding/json"

	"custody/clearing"
	"custody/clearing/payout"
	"custody/clearing/routes"
)

// routeAnswer is a payout (出款) with its rail and the reason for every other.
type routeAnswer struct {
	payout.Payout
	Route routes.Choice `json:"route_choice"`
}

// isSerial reports whether a name has the form of a bank serial: 14 digits.
func isSerial(name string) bool {
	for _, r := range name {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(name) == len("20260213010001")
}

// explainPayout says by which rail a payout goes, and why by no other.
func (a *app) explainPayout(ctx context.Context, e *clearing.Engine, args []string) error {
	p, b, err := e.Payout(ctx, args[0])
	if err != nil {
		return err
	}
	p.AccountNo = clearing.Mask(p.AccountNo)
	answer := routeAnswer{Payout: p, Route: routes.Choice{Rail: routes.Code(p.Route), Verdicts: []routes.Verdict{}}}
	if p.Why != "" {
		if err := json.Unmarshal([]byte(p.Why), &answer.Route); err != nil {
			return err
		}
	}
	return a.answer(answer, func() {
		a.say("cli.explain.payout", p.Serial, a.named("payment_kind", string(p.Kind)), p.Member, p.Amount.Grouped(), a.named("payout_state", string(p.State)))
		a.say("cli.explain.batch", b.BatchNo, a.named("batch", b.State), p.Request)
		if p.Why == "" {
			a.say("cli.explain.fixed", a.named("rail", p.Route))
			return
		}
		a.say("cli.explain.route", a.named("rail", p.Route), answer.Route.At, answer.Route.Fee.Grouped())
		for _, v := range answer.Route.Verdicts {
			a.say("cli.explain.verdict", a.named("rail", string(v.Rail)), a.t(v.Reason, verdictArgs(v)...))
		}
	})
}

func verdictArgs(v routes.Verdict) []any {
	args := make([]any, len(v.Args))
	for i, s := range v.Args {
		args[i] = s
	}
	return args
}
