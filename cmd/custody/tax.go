package main

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// newTaxCmd is tax that head office withholds from members who are persons (代扣税款).
func newTaxCmd(a *app) *cobra.Command {
	return group("tax", a.t("cli.tax.short"), group("rule", a.t("cli.tax.rule.short"), newTaxRuleCmd(a), newTaxRulesCmd(a)),
		newTaxListCmd(a), newTaxRemitCmd(a))
}

// taxFileMax bounds a rule's file: the engine holds it to less.
const taxFileMax = 64 << 10

func newTaxRuleCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "new FILE", Short: a.t("cli.tax.rule.new.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Invalid("file.read", args[0]).In(args[0]).Because(err)
			}
			defer f.Close()
			raw, err := io.ReadAll(io.LimitReader(f, taxFileMax))
			if err != nil {
				return fault.Invalid("file.read", args[0]).In(args[0]).Because(err)
			}
			r, err := clearing.ParseTaxRule(raw)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			id, err := e.NewTaxRule(ctx, actor, r)
			if err != nil {
				return err
			}
			return a.answer(map[string]string{"approval": id}, func() { a.say("cli.action.submitted", id) })
		})}
}

func newTaxRulesCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.tax.rule.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.TaxRules(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"rules": list}, func() {
				g := a.grid(a.t("cli.tax.version"), a.t("cli.col.since"), a.t("cli.col.name"), ">"+a.t("cli.tax.above"), ">ppm", ">"+a.t("cli.tax.quick"), "ID")
				for _, r := range list {
					for _, b := range r.Bands {
						g.row(r.Version, r.Effective, r.Name, b.Above.Grouped(), b.PPM, b.Quick.Grouped(), r.Approval)
					}
				}
				g.print()
			})
		})}
}

// monthFlag reads a month as its first day: 2026-02.
func monthFlag(name, value string) (bizdate.Date, error) {
	if value == "" {
		return 0, fault.Invalid("cli.needed", name)
	}
	d, err := bizdate.Parse(value + "-01")
	if err != nil {
		return 0, fault.Invalid("cli.month").On(name, value)
	}
	return d, nil
}

func newTaxListCmd(a *app) *cobra.Command {
	var month string
	cmd := &cobra.Command{Use: "list", Short: a.t("cli.tax.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			m, err := monthFlag("--month", month)
			if err != nil {
				return err
			}
			list, err := e.Withholdings(ctx, m)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"withholdings": list}, func() {
				g := a.grid(a.t("cli.col.date"), a.t("cli.col.reference"), a.t("cli.col.member"), ">"+a.t("cli.tax.gross"), ">"+a.t("cli.tax.withheld"),
					">"+a.t("cli.tax.net"), a.t("cli.tax.back"), a.t("cli.tax.remitted"))
				for _, r := range list {
					g.row(r.Date, r.Reference, r.Member, r.Gross.Grouped(), r.Withheld.Grouped(), (r.Gross - r.Withheld).Grouped(), dayOrNone(r.Back), dayOrNone(r.Remitted))
				}
				g.print()
			})
		})}
	cmd.Flags().StringVar(&month, "month", "", a.t("cli.flag.month"))
	return cmd
}

// dayOrNone is a date, or nothing where it has not come.
func dayOrNone(d bizdate.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// newTaxRemitCmd moves a month's tax to head office's own funds, from which it is paid.
func newTaxRemitCmd(a *app) *cobra.Command {
	return actionCmd(a, "remit MONTH", a.t("cli.tax.remit.short"), 1,
		func(ctx context.Context, e *clearing.Engine, args []string, ref string) (clearing.Action, error) {
			m, err := monthFlag("MONTH", args[0])
			if err != nil {
				return clearing.Action{}, err
			}
			sum, err := e.Remittable(ctx, m)
			return clearing.Action{Event: "E5f", Request: clearing.TaxRemittance{Reference: ref, Month: m, Amount: sum}}, err
		})
}

// newInvoiceCmd lists what is invoiced, for the finance system (发票清单).
func newInvoiceCmd(a *app) *cobra.Command {
	var month, out string
	list := &cobra.Command{Use: "list", Short: a.t("cli.invoice.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			m, err := monthFlag("--month", month)
			if err != nil {
				return err
			}
			invoices, err := e.Invoices(ctx, m)
			if err != nil {
				return err
			}
			if out != "" {
				var raw bytes.Buffer
				if err := clearing.WriteInvoices(&raw, m, invoices); err != nil {
					return err
				}
				if err := atomicfile.WriteFile(out, raw.Bytes(), 0o600); err != nil {
					return fault.Invalid("cli.invoice.write").On("--out", out).Because(err)
				}
			}
			return a.answer(map[string]any{"month": month, "invoices": invoices}, func() {
				g := a.grid(a.t("cli.col.member"), a.t("cli.col.name"), ">"+a.t("cli.invoice.commission"), ">"+a.t("cli.invoice.fees"), ">"+a.t("cli.invoice.earned"),
					">"+a.t("cli.tax.gross"), ">"+a.t("cli.tax.withheld"), ">"+a.t("cli.tax.net"))
				for _, i := range invoices {
					g.row(i.Member, i.Name, i.Commission.Grouped(), i.Fees.Grouped(), i.Earned.Grouped(), i.Gross.Grouped(), i.Withheld.Grouped(), i.Net.Grouped())
				}
				g.print()
			})
		})}
	list.Flags().StringVar(&month, "month", "", a.t("cli.flag.month"))
	list.Flags().StringVar(&out, "out", "", a.t("cli.flag.invoice-out"))
	return group("invoice", a.t("cli.invoice.short"), list)
}
