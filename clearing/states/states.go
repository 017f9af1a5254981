// Package states holds the state machines of the clearing (状态机) as tables:
// what may follow what, in one place that a person can read and a test can try
// pair by pair. What is not in a table is illegal, is refused with a typed
// error, and changes nothing.
//
//	next, err := states.Escrow.Next(states.EscrowShipped, states.EscrowConfirm)
//	// CONFIRMED, nil
//	_, err = states.Escrow.Next(states.EscrowConfirmed, states.EscrowDispute)
//	// state.illegal escrow CONFIRMED DISPUTE
//
// A table says nothing about money: who moves it reads the next state first and
// writes it in the transaction that posts. The machine of payouts lives with
// them, in clearing/payout.
package states

import (
	"maps"
	"slices"

	"custody/internal/fault"
)

// New is the state of what is not there yet: every table begins with it.
const New = ""

// row is one line of a table: in the state from, the event leads to the state to.
type row[S, E ~string] struct {
	from  S
	event E
	to    S
}

// Table is a state machine: (state, event) -> state.
type Table[S, E ~string] struct {
	name string
	next map[S]map[E]S
}

// table builds a machine; a line that is there twice is a defect of the source.
func table[S, E ~string](name string, rows []row[S, E]) *Table[S, E] {
	t := &Table[S, E]{name: name, next: map[S]map[E]S{}}
	for _, r := range rows {
		if t.next[r.from] == nil {
			t.next[r.from] = map[E]S{}
		}
		if _, twice := t.next[r.from][r.event]; twice {
			panic("states: " + name + " has two lines for " + string(r.from) + " " + string(r.event))
		}
		t.next[r.from][r.event] = r.to
	}
	return t
}

// from lists the same event for several states.
func from[S, E ~string](event E, to S, states ...S) []row[S, E] {
	rows := make([]row[S, E], len(states))
	for i, s := range states {
		rows[i] = row[S, E]{s, event, to}
	}
	return rows
}

// Name is the machine's name in errors.
func (t *Table[S, E]) Name() string { return t.name }

// Next returns the state after the event. What the table does not have is
// state.illegal with the machine, the state and the event.
func (t *Table[S, E]) Next(s S, e E) (S, error) {
	if to, ok := t.next[s][e]; ok {
		return to, nil
	}
	shown := string(s)
	if shown == New {
		shown = "-"
	}
	return s, fault.Invalid("state.illegal", t.name, shown, string(e))
}

// Final reports whether nothing can follow the state.
func (t *Table[S, E]) Final(s S) bool { return len(t.next[s]) == 0 }

// States returns all states in alphabetical order, [New] first.
func (t *Table[S, E]) States() []S {
	seen := map[S]bool{}
	for s, events := range t.next {
		seen[s] = true
		for _, to := range events {
			seen[to] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Events returns all events in alphabetical order.
func (t *Table[S, E]) Events() []E {
	seen := map[E]bool{}
	for _, events := range t.next {
		for e := range events {
			seen[e] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
