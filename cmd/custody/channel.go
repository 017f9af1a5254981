package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
)

// channelKinds are what people call what customers pay with.
var channelKinds = map[string]string{
	"net-banking": "cli.channel.kind.net-banking", "unionpay": "cli.channel.kind.unionpay", "credit-card": "cli.channel.kind.credit-card",
	"wechat": "cli.channel.kind.wechat", "alipay": "cli.channel.kind.alipay", "mobile": "cli.channel.kind.mobile",
	"fixed-line": "cli.channel.kind.fixed-line", "balance": "cli.channel.kind.balance",
}

func (a *app) channelKind(kind string) string {
	if code := channelKinds[kind]; code != "" {
		return a.t(code)
	}
	return kind
}

// newChannelCmd shows the channels as custody.yaml describes them.
func newChannelCmd(a *app) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: a.t("cli.channel.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(_ context.Context, e *clearing.Engine, _ []string) error {
			return a.answer(map[string]any{"channels": e.Config.Channels}, func() { a.channelTable(e.Config.Channels) })
		})}
	return group("channel", a.t("cli.channel.short"), list)
}

func (a *app) channelTable(list []clearing.Channel) {
	g := a.grid(a.t("cli.col.code"), a.t("cli.col.name"), a.t("cli.channel.col.kind"), a.t("cli.channel.col.bill"), a.t("cli.channel.col.fee"),
		a.t("cli.channel.col.pays"), a.t("cli.channel.col.days"), a.t("cli.channel.col.payers"))
	for _, ch := range list {
		pays, days := "cli.channel.net", "cli.channel.natural"
		if ch.Pays == "gross" {
			pays = "cli.channel.gross"
		}
		if ch.PayDays == "working" {
			days = "cli.channel.working"
		}
		g.row(ch.Code, plain(ch.Name), a.channelKind(ch.Kind), ch.Bill, a.channelFee(ch), a.t(pays), a.t(days), plain(strings.Join(ch.Payers, ", ")))
	}
	g.print()
}

// channelFee is the fee rule in a few words: 0.38% + 0.10, 0.02..25.00.
func (a *app) channelFee(ch clearing.Channel) string {
	text := ch.FeeText()
	if ch.FeeBack == "none" {
		text += a.t("cli.channel.kept")
	}
	return text
}
