package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// newExplainCmd explains a voucher, where an order stands, and why two lines
// match or do not.
func newExplainCmd(a *app) *cobra.Command {
	cmd := newExplainVoucherCmd(a)
	voucher := cmd.RunE
	cmd.Use, cmd.Args = "explain ID [ID2]", cobra.RangeArgs(1, 2)
	cmd.Long += "\n" + a.t("cli.explain.lines")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 {
			return a.opened(a.explainPair)(cmd, args)
		}
		if isSerial(args[0]) {
			if err := a.opened(a.explainPayout)(cmd, args); fault.CodeOf(err) != "payout.unknown" {
				return err
			}
		}
		if strings.ContainsAny(args[0], "/:") {
			return voucher(cmd, args)
		}
		err := a.opened(a.explainOrder)(cmd, args)
		if fault.CodeOf(err) == "line.unknown" {
			return voucher(cmd, args)
		}
		return err
	}
	return cmd
}

// pairAnswer is the comparison of two lines as --json prints it. Where the
// criterion is the amount its values are yuan, as in documents.
type pairAnswer struct {
	Ours        clearing.Line `json:"ours"`
	Theirs      clearing.Line `json:"theirs"`
	Matches     bool          `json:"matches"`
	Rule        string        `json:"rule"`
	Failed      string        `json:"failed"`
	OursValue   string        `json:"ours_value"`
	TheirsValue string        `json:"theirs_value"`
}

// explainPair says why two lines match, or the first criterion that failed.
func (a *app) explainPair(ctx context.Context, e *clearing.Engine, args []string) error {
	ours, err := e.FindLine(ctx, args[0])
	if err != nil {
		return err
	}
	// Bill and bank first: the same number given twice is our order and the channel's row.
	theirs, err := e.FindLine(ctx, args[1], clearing.LineBill, clearing.LineBank)
	if fault.CodeOf(err) == "line.unknown" || err == nil && ours.Kind == clearing.LineBill && theirs.Place == ours.Place {
		theirs, err = e.FindLine(ctx, args[1])
	}
	if err != nil {
		return err
	}
	if ours.Kind == clearing.LineBill && theirs.Kind == clearing.LineOrder {
		ours, theirs = theirs, ours
	}
	why := clearing.Why(ours, theirs)
	answer := pairAnswer{Ours: ours, Theirs: theirs, Matches: why.Failed == "", Rule: why.Rule, Failed: why.Failed, OursValue: why.Ours, TheirsValue: why.Theirs}
	return a.answer(answer, func() {
		a.say("cli.explain.line", a.t("doc.line."+ours.Kind), ours.ID, ours.Place.File, ours.Place.Row)
		a.say("cli.explain.line", a.t("doc.line."+theirs.Kind), theirs.ID, theirs.Place.File, theirs.Place.Row)
		if answer.Matches {
			a.say("cli.explain.match", a.t("match."+why.Rule))
			return
		}
		a.say("cli.explain.differ", a.t("criterion."+why.Failed), orNone(why.Ours), orNone(why.Theirs))
	})
}

// orNone is a value of a criterion; an empty one is said to be none.
func orNone(value string) string {
	if value == "" {
		return "-"
	}
	return plain(value)
}

// traceAnswer is where an order stands as --json prints it.
type traceAnswer struct {
	OrderNo  string `json:"order_no"`
	RefundNo string `json:"refund_no"`
	Kind     string `json:"kind"`
	Member   string `json:"member"`
	Channel  string `json:"channel"`
	Amount   int64  `json:"amount_fen"`
	Time     string `json:"time"`
	*clearing.Trace
}

// explainOrder says where an order or refund stands, from its file to its release.
func (a *app) explainOrder(ctx context.Context, e *clearing.Engine, args []string) error {
	t, err := e.Trace(ctx, args[0])
	if err != nil {
		return err
	}
	o := t.Order
	at := time.Unix(o.Time, 0).In(bizdate.Zone).Format("2006-01-02T15:04:05-07:00")
	answer := traceAnswer{o.OrderNo, o.RefundNo, o.Kind, o.Member, o.Channel, int64(o.Amount), at, t}
	return a.answer(answer, func() { a.showTrace(answer) })
}

func (a *app) showTrace(t traceAnswer) {
	g := a.grid(a.t("doc.line.order"), t.OrderNo+" "+t.RefundNo)
	g.row(a.t("cli.col.member"), t.Member)
	g.row(a.t("cli.col.amount"), t.Order.Amount)
	g.row(a.t("cli.trace.time"), t.Time)
	g.row(a.t("cli.trace.file"), t.Ours.File+":"+strconv.FormatInt(t.Ours.Row, 10))
	if t.Bill != nil {
		g.row(a.t("doc.line.bill"), t.Bill.File+":"+strconv.FormatInt(t.Bill.Row, 10))
		g.row(a.t("cli.trace.rule"), a.t("match."+t.Rule))
	}
	if t.Open != "" {
		g.row(a.t("cli.col.state"), a.t("doc.open."+t.Open))
	}
	for _, v := range t.Vouchers {
		g.row(v.Event+" "+a.named("event", v.Event), v.Voucher+"  "+v.Amount.String())
	}
	if t.Bill != nil {
		a.traceMoney(g, t)
	}
	g.print()
	a.showShares(t.Shares, t.Back)
	if t.Requests != nil {
		a.showRequests(t.Requests)
	}
}

// traceMoney adds what has become of the money of the clearing date.
func (a *app) traceMoney(g *grid, t traceAnswer) {
	g.row(a.t("cli.trace.clearing"), t.Channel+" "+t.Clearing.String())
	for _, d := range []struct {
		title string
		date  *bizdate.Date
		more  string
	}{
		{a.t("cli.trace.split"), t.Split, ""}, {a.t("cli.trace.due"), t.Due, ""},
		{a.t("cli.trace.arrived"), t.Arrived, t.BankRef}, {a.t("cli.trace.released"), t.Released, t.Held},
	} {
		value := "-"
		if d.date != nil {
			value = d.date.String()
		}
		g.row(d.title, value+"  "+d.more)
	}
}
