package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
)

// fileKinds are what people call the kinds of files.
var fileKinds = map[string]string{
	"orders": "cli.kind.orders", "bill": "cli.kind.bill", "statement": "cli.kind.statement",
	"intraday": "cli.kind.intraday", "result": "cli.kind.result", "balances": "cli.kind.balances", "": "cli.kind.unknown",
}

var fileStates = map[clearing.FileState]string{
	clearing.FileExpected: "cli.file.expected", clearing.FileValidated: "cli.file.validated", clearing.FileLoaded: "cli.file.loaded",
	clearing.FileRejected: "cli.file.rejected", clearing.FileNoBill: "cli.file.no-bill", clearing.FileWaived: "cli.file.waived",
}

// moment is how a time is printed, in the zone of the books.
const moment = "2006-01-02 15:04"

// newFilesCmd shows what a date expects and what came.
func newFilesCmd(a *app) *cobra.Command {
	var on string
	cmd := &cobra.Command{Use: "files", Short: a.t("cli.files.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			date, err := a.dateOrLatest(ctx, e, "--date", on)
			if err != nil {
				return err
			}
			list, err := e.Files(ctx, date)
			if err != nil {
				return err
			}
			if list == nil {
				list = []clearing.File{}
			}
			for i := range list {
				list[i] = shown(list[i])
			}
			return a.answer(filesAnswer{date, list}, func() { a.fileTable(e, date, list) })
		})}
	cmd.Flags().StringVar(&on, "date", "", a.t("cli.flag.date-latest"))
	return cmd
}

type filesAnswer struct {
	Date  bizdate.Date    `json:"date"`
	Files []clearing.File `json:"files"`
}

// shown is a file as people see it: where its source is an account of the bank,
// the number is masked.
func shown(f clearing.File) clearing.File {
	if f.Kind == "statement" || f.Kind == "intraday" || f.Kind == "balances" {
		f.Source = clearing.Mask(f.Source)
	}
	return f
}

func (a *app) fileTable(e *clearing.Engine, date bizdate.Date, list []clearing.File) {
	a.say("cli.files.title", date)
	g := a.grid(a.t("cli.col.file"), a.t("cli.col.source"), a.t("cli.col.date"), a.t("cli.col.state"), a.t("cli.col.due"), ">"+a.t("cli.col.rows"), a.t("cli.col.name"))
	for _, f := range list {
		due, rows := "", any("")
		if !f.Due.IsZero() {
			due = f.Due.In(bizdate.Zone).Format(moment)
		}
		if f.State != clearing.FileExpected {
			rows = f.Rows
		}
		g.row(a.t(fileKinds[f.Kind]), a.fileSource(e, f), f.Date, a.t(fileStates[f.State]), due, rows, f.Name)
	}
	g.print()
	for _, f := range list {
		a.firstError(f)
	}
}

// fileSource is where a file comes from; a channel with what its customers pay with.
func (a *app) fileSource(e *clearing.Engine, f clearing.File) string {
	if ch, known := e.Config.Channel(f.Source); f.Kind == "bill" && known && ch.Kind != "" {
		return f.Source + " " + a.channelKind(ch.Kind)
	}
	return f.Source
}

// verb is the place of an argument in a text: files that were rejected before the
// books kept arguments show it empty.
var verb = regexp.MustCompile(`%\[\d+\][a-z]`)

// firstError says why a file was rejected, in the sentence that the import said.
func (a *app) firstError(f clearing.File) {
	var list []struct {
		Code  string `json:"code"`
		Line  int    `json:"line"`
		Field string `json:"field"`
		Value string `json:"value"`
		Args  []any  `json:"args"`
	}
	decoder := json.NewDecoder(strings.NewReader(f.Errors))
	decoder.UseNumber()
	if f.State != clearing.FileRejected || decoder.Decode(&list) != nil || len(list) == 0 {
		return
	}
	first := list[0]
	name := plain(f.Name)
	if first.Line > 0 {
		name += a.t("place.line", first.Line)
	}
	text := ""
	if len(first.Args) > 0 {
		text = a.t(first.Code, sentenceArgs(first.Args)...)
	} else {
		text = verb.ReplaceAllString(a.t(first.Code), "…")
	}
	a.say("cli.file.why", name, text)
	if first.Field != "" && first.Value != "" {
		a.say("cli.file.why.field", plain(first.Field), plain(first.Value))
	}
}

// sentenceArgs are the arguments of a kept fault as its sentence takes them.
func sentenceArgs(args []any) []any {
	list := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				list[i] = n
				continue
			}
			list[i] = v.String()
		case string:
			list[i] = plain(v)
		default:
			list[i] = v
		}
	}
	return list
}
