package states_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/clearing/states"
	"custody/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files")

// machine is a table without its types.
type machine struct {
	name           string
	states, events []string
	next           func(state, event string) (string, error)
	final          func(state string) bool
}

func of[S, E ~string](t *states.Table[S, E]) machine {
	m := machine{
		name:  t.Name(),
		next:  func(s, e string) (string, error) { to, err := t.Next(S(s), E(e)); return string(to), err },
		final: func(s string) bool { return t.Final(S(s)) },
	}
	for _, s := range t.States() {
		m.states = append(m.states, string(s))
	}
	for _, e := range t.Events() {
		m.events = append(m.events, string(e))
	}
	return m
}

var machines = []machine{of(states.Collection), of(states.Escrow), of(states.Account), of(states.Binding), of(states.Recharge)}

// TestEveryPair tries every state with every event. What testdata lists is
// legal and leads where it says; every other pair, and every word that is in no
// table, is refused by name and leaves the state as it was.
func TestEveryPair(t *testing.T) {
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			legal := readGolden(t, m)
			pairs := 0
			for _, s := range append(slices.Clone(m.states), "NO_SUCH_STATE") {
				for _, e := range append(slices.Clone(m.events), "NO_SUCH_EVENT") {
					pairs++
					got, err := m.next(s, e)
					if want, ok := legal[[2]string{s, e}]; ok {
						if err != nil || got != want {
							t.Errorf("%s %s: got %s, %v, want %s", s, e, got, err, want)
						}
						delete(legal, [2]string{s, e})
						continue
					}
					shown := s
					if s == states.New {
						shown = "-"
					}
					f := fault.Of(err)
					if f == nil || f.Code != "state.illegal" || !slices.Equal(f.Args, []any{m.name, shown, e}) || got != s {
						t.Errorf("%s %s: got %s, %v, want state.illegal", s, e, got, err)
					}
				}
			}
			if len(legal) > 0 {
				t.Errorf("testdata lists pairs that no table has: %v", legal)
			}
			if want := (len(m.states) + 1) * (len(m.events) + 1); pairs != want {
				t.Errorf("tried %d pairs of %d", pairs, want)
			}
		})
	}
}

// readGolden returns the legal pairs that testdata lists: from, event, to.
func readGolden(t *testing.T, m machine) map[[2]string]string {
	t.Helper()
	name := filepath.Join("testdata", m.name+".txt")
	if *update {
		var b strings.Builder
		for _, s := range m.states {
			for _, e := range m.events {
				if to, err := m.next(s, e); err == nil {
					fmt.Fprintln(&b, s+"|"+e+"|"+to)
				}
			}
		}
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	legal := map[[2]string]string{}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 3 {
			t.Fatalf("%s: %q", name, line)
		}
		legal[[2]string{f[0], f[1]}] = f[2]
	}
	return legal
}

// TestEveryStateIsReached: from nothing every state can come about, and every
// state that is not an end leads to one.
func TestEveryStateIsReached(t *testing.T) {
	ends := map[string][]string{
		"collection": {"REFUNDED", "REVERSED"},
		"escrow":     {"CLOSED", "REFUNDED", "SETTLED"},
		"account":    {"CLOSED"},
		"binding":    {"UNBOUND"},
		"recharge":   {"AUTH_FAIL", "CREDITED", "FAILED", "REVERSED"},
	}
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			reached := m.reach(states.New)
			var final []string
			for _, s := range m.states {
				if !slices.Contains(reached, s) {
					t.Errorf("%s cannot come about", s)
				}
				if m.final(s) {
					final = append(final, s)
				}
				if !slices.ContainsFunc(m.reach(s), m.final) {
					t.Errorf("%s leads nowhere", s)
				}
			}
			if !slices.Equal(final, ends[m.name]) {
				t.Errorf("ends are %v, want %v", final, ends[m.name])
			}
		})
	}
}

// reach lists every state that can follow s, and s.
func (m machine) reach(s string) []string {
	found := []string{s}
	for i := 0; i < len(found); i++ {
		for _, e := range m.events {
			if to, err := m.next(found[i], e); err == nil && !slices.Contains(found, to) {
				found = append(found, to)
			}
		}
	}
	return found
}
