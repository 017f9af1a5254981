package main

import "fmt"

// progress shows on a terminal which step is being played; elsewhere it is
// silent, so that logs hold results only.
type progress struct {
	a     *app
	shown bool
}

func (a *app) progress() *progress { return &progress{a: a} }

func (p *progress) step(name string, done, total int) {
	if p.a.json || !terminal(p.a.err) {
		return
	}
	p.shown = true
	count := ""
	if total > 0 {
		count = fmt.Sprintf(" %d/%d", done, total)
	}
	fmt.Fprintf(p.a.err, "\r\033[K%s%s", p.a.stepTitle(name), count)
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.a.err, "\r\033[K")
	}
}
