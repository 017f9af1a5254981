package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// grid is a table for the terminal. Columns whose heading begins with ">" are
// aligned to the right, as amounts and counts are; a Chinese character counts
// two columns, as terminals draw it.
type grid struct {
	a *app
	w table.Writer
}

func (a *app) grid(headings ...string) *grid {
	g := &grid{a: a, w: table.NewWriter()}
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	g.w.SetStyle(style)
	g.w.SuppressTrailingSpaces()
	head := make(table.Row, len(headings))
	var right []table.ColumnConfig
	for i, h := range headings {
		name, isRight := strings.CutPrefix(h, ">")
		if head[i] = name; isRight {
			right = append(right, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	g.w.AppendHeader(head)
	g.w.SetColumnConfigs(right)
	return g
}

// row adds a row. Line breaks and control characters, which come from files,
// would break the table or steer the terminal: they become spaces.
func (g *grid) row(cells ...any) {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = strings.TrimSpace(plain(fmt.Sprint(c)))
	}
	g.w.AppendRow(row)
}

// plain replaces control characters by spaces.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}

// print writes the table, or that there is nothing.
func (g *grid) print() {
	if g.w.Length() == 0 {
		g.a.say("cli.none")
		return
	}
	fmt.Fprintln(g.a.out, g.w.Render())
}
