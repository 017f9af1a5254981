package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/width"
)

// grid is a table for the terminal. Columns whose heading begins with ">" are
// aligned to the right, as amounts and counts are; a Chinese character counts
// two columns, as terminals draw it.
type grid struct {
	a     *app
	right []bool
	rows  [][]string // the first is the heading
}

func (a *app) grid(headings ...string) *grid {
	g := &grid{a: a, right: make([]bool, len(headings))}
	head := make([]string, len(headings))
	for i, h := range headings {
		head[i], g.right[i] = strings.CutPrefix(h, ">")
	}
	g.rows = append(g.rows, head)
	return g
}

// row adds a row. Line breaks and control characters, which come from files,
// would break the table or steer the terminal: they become spaces.
func (g *grid) row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, fmt.Sprint(c)))
	}
	g.rows = append(g.rows, row)
}

// print writes the table, or that there is nothing.
func (g *grid) print() {
	if len(g.rows) == 1 {
		g.a.say("cli.none")
		return
	}
	g.write(g.a.out)
}

func (g *grid) write(out io.Writer) {
	widths := make([]int, len(g.right))
	for _, row := range g.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	for _, row := range slices.Insert(slices.Clone(g.rows), 1, rule) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-columns(cell))
			if g.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
