package main

import (
	"context"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
)

// newArchiveCmd moves sealed days into a read-only file, or lists what was moved.
func newArchiveCmd(a *app) *cobra.Command {
	var until string
	cmd := &cobra.Command{Use: "archive", Short: a.t("cli.archive.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			if until == "" {
				return fault.Invalid("cli.needed", "--until")
			}
			date, err := needDate("--until", until)
			if err != nil {
				return err
			}
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			seal, err := e.Archive(ctx, date, actor)
			if err != nil {
				return err
			}
			return a.answer(seal, func() { a.showArchives([]clearing.ArchiveSeal{*seal}) })
		})}
	cmd.Flags().StringVar(&until, "until", "", a.t("cli.archive.flag.until"))
	cmd.AddCommand(newArchiveListCmd(a))
	return cmd
}

// archiveList is the answer of `archive list`.
type archiveList struct {
	Archives  []clearing.ArchiveSeal `json:"archives"`
	Retention []clearing.Retention   `json:"retention"`
}

func newArchiveListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.archive.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			seals, err := e.Archives(ctx)
			if err != nil {
				return err
			}
			return a.answer(archiveList{seals, clearing.Retentions}, func() {
				a.showArchives(seals)
				a.showRetention()
			})
		})}
}

func (a *app) showArchives(seals []clearing.ArchiveSeal) {
	table := a.grid(a.t("cli.archive.col.file"), a.t("cli.archive.col.from"), a.t("cli.archive.col.until"),
		">"+a.t("cli.archive.col.vouchers"), ">"+a.t("cli.archive.col.bytes"), a.t("cli.archive.col.keep"))
	for _, s := range seals {
		var vouchers int64
		for _, t := range s.Tables {
			if t.Name == "vouchers" {
				vouchers = t.Rows
			}
		}
		table.row("archive/"+s.File, s.From, s.Until, vouchers, s.Bytes, s.KeepUntil)
	}
	table.print()
}

func (a *app) showRetention() {
	table := a.grid(a.t("cli.archive.col.kind"), a.t("cli.archive.col.term"), a.t("cli.archive.col.source"))
	for _, r := range clearing.Retentions {
		term := a.t("cli.archive.forever")
		switch {
		case r.Years > 0:
			term = a.t("cli.archive.years", r.Years)
		case r.Months > 0:
			term = a.t("cli.archive.months", r.Months)
		}
		table.row(a.t(r.Kind), term, r.Source)
	}
	table.print()
}
