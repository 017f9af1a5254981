package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/clearing/recharge"
	"custody/clearing/states"
	"custody/cmd/custody/simbank"
	"custody/internal/fault"
)

// rechargeStates are the names of a recharge's states.
var rechargeStates = map[string]string{
	string(states.RechargeReceived): "cli.recharge.received", string(states.RechargeAuth): "cli.recharge.auth", string(states.RechargeAuthFail): "cli.recharge.auth_fail",
	string(states.RechargeUnknown): "cli.recharge.unknown", string(states.RechargeDebited): "cli.recharge.debited", string(states.RechargeFailed): "cli.recharge.failed",
	string(states.RechargeCredited): "cli.recharge.credited", string(states.RechargeReversed): "cli.recharge.reversed",
}

func init() { names["recharge_state"] = rechargeStates }

// newRechargeCmd tops accounts up by prepaid telecom cards (充值卡, 11888).
func newRechargeCmd(a *app) *cobra.Command {
	var q clearing.RechargeRequest
	var face, file string
	cmd := &cobra.Command{Use: "recharge", Short: a.t("cli.recharge.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			var err error
			if q.Face, err = yuan("--face", face); err != nil {
				return err
			}
			if q.PIN, err = a.pin(file); err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			r, err := e.Recharge(ctx, actor, q)
			if err != nil {
				return err
			}
			return a.answer(r, func() {
				a.say("cli.recharge.done", r.Reference, r.Face.Grouped(), r.Member, a.named("recharge_state", string(r.State)))
			})
		})}
	flags := cmd.Flags()
	flags.StringVar(&q.Card, "card", "", a.t("cli.flag.recharge-card"))
	flags.StringVar(&face, "face", "", a.t("cli.flag.recharge-face"))
	flags.StringVar(&q.Member, "member", "", a.t("cli.flag.recharge-member"))
	flags.StringVar(&q.Reference, "ref", "", a.t("cli.flag.recharge-ref"))
	flags.StringVar(&file, "pin-file", "", a.t("cli.flag.recharge-pin"))
	cmd.AddCommand(newRechargeMendCmd(a), newRechargeListCmd(a))
	return cmd
}

// maxPINFileBytes is far above a PIN and its line end.
const maxPINFileBytes = 1 << 10

// pin reads a card's PIN from a file or from standard input, never from an
// argument: those can be read by everybody on the machine.
func (a *app) pin(file string) (string, error) {
	in := a.in
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", fault.Invalid("file.read", file).On("--pin-file", file).Because(err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPINFileBytes))
	return strings.TrimSpace(string(raw)), err
}

func newRechargeMendCmd(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{Use: "mend", Short: a.t("cli.recharge.mend.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			m, err := e.MendRecharges(ctx, actor, all)
			if err != nil {
				return err
			}
			return a.answer(m, func() { a.say("cli.recharge.mended", m.Credited, m.Failed, m.Waiting) })
		})}
	cmd.Flags().BoolVar(&all, "now", false, a.t("cli.flag.recharge-now"))
	return cmd
}

func newRechargeListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.recharge.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.Recharges(ctx)
			if err != nil {
				return err
			}
			if list == nil {
				list = []recharge.Recharge{}
			}
			return a.answer(map[string]any{"recharges": list}, func() {
				g := a.grid(a.t("cli.recharge.reference"), a.t("cli.col.member"), ">"+a.t("cli.col.amount"), a.t("cli.col.channel"), a.t("cli.col.state"))
				for _, r := range list {
					g.row(r.Reference, r.Member, r.Face.Grouped(), r.Operator+" "+r.Platform, a.named("recharge_state", string(r.State)))
				}
				g.print()
			})
		})}
}

// newSimulateOperatorCmd plays a telecom operator until it is stopped.
func newSimulateOperatorCmd(a *app) *cobra.Command {
	var listen, on, code string
	var share int64
	cmd := &cobra.Command{Use: "operator", Short: a.t("cli.simulate.operator.short"), Args: cobra.NoArgs, RunE: a.does(func(ctx context.Context, _ []string) error {
		date, err := needDate("--date", on)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			return fault.Invalid("cli.operator.listen", listen).On("--listen", listen).Because(err)
		}
		a.say("cli.simulate.operator.listens", listener.Addr())
		server := &http.Server{Handler: &simbank.Operator{Code: code, Date: date, SharePPM: share, Lost: 11 * time.Second}, ReadHeaderTimeout: 5 * time.Second}
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8088", a.t("cli.flag.operator-listen"))
	flags.StringVar(&on, "date", "", a.t("cli.flag.date"))
	flags.StringVar(&code, "operator", "TEL", a.t("cli.flag.operator-code"))
	flags.Int64Var(&share, "share-ppm", 100_000, a.t("cli.flag.operator-share"))
	return cmd
}
