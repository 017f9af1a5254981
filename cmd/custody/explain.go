package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/store"
	"custody/subaccounts"
)

// accountName is the name of an account of the chart.
func (a *app) accountName(code string) string {
	def, ok := subaccounts.Chart(code)
	switch {
	case !ok:
		return code
	case a.lang == lang.ZH:
		return def.ZH
	}
	return def.EN
}

// voucherAnswer is a voucher (凭证) as --json prints it.
type voucherAnswer struct {
	Voucher   string      `json:"voucher"`
	Date      string      `json:"date"`
	Event     string      `json:"event"`
	EventName string      `json:"event_name"`
	Reference string      `json:"reference"`
	Source    string      `json:"source"`
	Actor     string      `json:"actor"`
	CreatedAt string      `json:"created_at"`
	Reverses  int64       `json:"reverses,omitempty"`
	Entries   []legAnswer `json:"entries"`

	Shares   *clearing.SplitTrace       `json:"split_shares,omitempty"`
	Back     *clearing.RefundTrace      `json:"refund_shares,omitempty"`
	Requests *clearing.SplitRequestView `json:"split_requests,omitempty"`
}

// newExplainVoucherCmd shows a voucher with everything that it was made of.
func newExplainVoucherCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "explain ID", Short: a.t("cli.explain.short"), Long: a.t("cli.explain.long"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			v, err := findVoucher(ctx, e, args[0])
			if err != nil {
				return err
			}
			answer := voucherAnswer{Voucher: v.Name(), Date: v.Date.String(), Event: v.Event, EventName: a.named("event", v.Event), Reference: v.Reference,
				Source: v.Source, Actor: v.Actor, CreatedAt: v.CreatedAt.In(bizdate.Zone).Format("2006-01-02T15:04:05-07:00"), Reverses: v.Reverses}
			legs := make([]subaccounts.Leg, len(v.Entries))
			for i, entry := range v.Entries {
				legs[i] = subaccounts.Leg{Key: entry.Key, Amount: entry.Amount}
				answer.Entries = append(answer.Entries, legAnswer{entry.Key.String(), a.accountName(entry.Code), int64(entry.Amount)})
			}
			from, err := a.sourceName(ctx, e, v.Source)
			if err != nil {
				return err
			}
			t, err := traceOf(ctx, e, v)
			if err != nil {
				return err
			}
			answer.Shares, answer.Back, answer.Requests = t.Shares, t.Back, t.Requests
			return a.answer(answer, func() {
				a.say("cli.explain.title", answer.Voucher, answer.Event, answer.EventName, answer.Reference)
				a.legTable(legs)
				a.say("cli.explain.source", from, answer.Actor, answer.CreatedAt)
				a.showShares(answer.Shares, answer.Back)
				if answer.Requests != nil {
					a.showRequests(answer.Requests)
				}
			})
		})}
}

// sources are the words with which the source of a voucher begins.
var sources = []struct{ word, code string }{
	{"bank line ", "cli.source.bank-line"}, {"batch ", "cli.source.batch"}, {"result ", "cli.source.result"},
	{"approval ", "cli.source.approval"}, {"rejected ", "cli.source.rejected"}, {"statement ", "cli.source.statement"},
	{"withdrawal ", "cli.source.withdrawal"}, {"release ", "cli.source.release"}, {"nothing due", "cli.source.nothing-due"},
}

// sourceName says what a voucher was posted for. The row of a file is named by
// the file's name; what is not known stays as it is.
func (a *app) sourceName(ctx context.Context, e *clearing.Engine, source string) (string, error) {
	var id, line int64
	if n, _ := fmt.Sscanf(source, "file %d line %d", &id, &line); n == 2 {
		var name string
		err := e.DB.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.Find(ctx, &name, "SELECT name FROM files WHERE custody_id = ? AND file_id = ?", e.Book.ID(), id)
			return err
		})
		if name == "" {
			return source, err
		}
		return a.t("cli.source.file", name, line), err
	}
	for _, s := range sources {
		if rest, ok := strings.CutPrefix(source, s.word); ok {
			return a.t(s.code, rest), nil
		}
	}
	return source, nil
}

// findVoucher also takes the short number that people write on paper: 13-09 is
// the ninth voucher of the latest 13th that the books know.
func findVoucher(ctx context.Context, e *clearing.Engine, name string) (*subaccounts.Voucher, error) {
	v, err := e.Voucher(ctx, name)
	day, number, short := strings.Cut(name, "-")
	if fault.CodeOf(err) != "voucher.unknown" || !short || len(day) != 2 {
		return v, err
	}
	days, daysErr := knownDays(ctx, e, maxPeriod)
	if daysErr != nil {
		return nil, daysErr
	}
	for _, d := range days {
		if strings.HasSuffix(d.Date.Compact(), day) {
			return e.Voucher(ctx, d.Date.String()+"/"+number)
		}
	}
	return v, err
}
