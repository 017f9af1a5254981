package matches_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"custody/clearing/matches"
	"custody/internal/fault"
	"custody/internal/store"
)

// Sizes of the long walk: a million steps in sets of 10,000, over 60,000 lines a
// side, so that most of them are taken most of the time.
const (
	steps    = 1_000_000
	groupOf  = 10_000
	universe = 60_000
)

// TestAMillionSteps: matching and taking back a million times. A model in memory
// decides each step by what is taken; the database takes what it decided in sets,
// refuses after every set a match that the model knows to be double, and counts
// the same lines in the end. One step in fifty takes a match back.
func TestAMillionSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("a million steps take half a minute")
	}
	ctx, db := context.Background(), open(t, "")
	r := rand.New(rand.NewPCG(5, 2026))
	w := &walk{ours: map[string]*matches.Match{}, theirs: map[string]*matches.Match{}}
	for n := range steps / groupOf {
		day := date.AddDays(n)
		err := db.Tx(ctx, func(tx *store.Tx) error {
			undone, made := w.group(r)
			for _, m := range undone {
				if _, err := matches.Undo(ctx, tx, custody, day, "p", m.ID, "walk"); err != nil {
					return err
				}
			}
			list := make([]matches.Match, len(made))
			for i, m := range made {
				list[i] = *m
			}
			err := matches.Save(ctx, tx, custody, matches.Book, day, "p", list)
			for i := range list {
				made[i].ID = list[i].ID
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, taken := range w.ours {
			clash := pair(taken.Lines[0].Key, fmt.Sprintf("free%d", n))
			err := db.Tx(ctx, func(tx *store.Tx) error {
				return matches.Save(ctx, tx, custody, matches.Book, day, "p", []matches.Match{clash})
			})
			if fault.CodeOf(err) != "match.twice" {
				t.Fatalf("a double match after %d steps: %v", (n+1)*groupOf, err)
			}
			break
		}
	}
	var live, distinct int
	err := db.Read(ctx, func(tx *store.Tx) error {
		if err := tx.Get(ctx, &live, "SELECT COUNT(*) FROM match_lines WHERE live = 1"); err != nil {
			return err
		}
		return tx.Get(ctx, &distinct, "SELECT COUNT(*) FROM (SELECT DISTINCT part, line FROM match_lines WHERE live = 1) AS d")
	})
	if err != nil || live != distinct || live != len(w.ours)+len(w.theirs) {
		t.Errorf("%d lines count, %d distinct, the model has %d and %d: %v", live, distinct, len(w.ours), len(w.theirs), err)
	}
	t.Logf("%d steps: %d matches made, %d refused by the model as double, %d taken back", steps, w.made, w.refused, w.undone)
}

// walk is the model: which line is in which match.
type walk struct {
	ours, theirs          map[string]*matches.Match
	live                  []*matches.Match
	made, refused, undone int
}

// group plays a set of steps. What a set takes back was made by an earlier one.
func (w *walk) group(r *rand.Rand) (undone, made []*matches.Match) {
	earlier := len(w.live)
	for range groupOf {
		if earlier > 0 && r.IntN(50) == 0 {
			i := r.IntN(earlier)
			m := w.live[i]
			earlier--
			w.live[i], w.live[earlier] = w.live[earlier], w.live[i]
			w.live = append(w.live[:earlier], w.live[earlier+1:]...)
			delete(w.ours, m.Lines[0].Key)
			delete(w.theirs, m.Lines[1].Key)
			undone = append(undone, m)
			w.undone++
			continue
		}
		m := pair(fmt.Sprintf("O%05d", r.IntN(universe)), fmt.Sprintf("T%05d", r.IntN(universe)))
		if w.ours[m.Lines[0].Key] != nil || w.theirs[m.Lines[1].Key] != nil {
			w.refused++
			continue
		}
		w.ours[m.Lines[0].Key], w.theirs[m.Lines[1].Key] = &m, &m
		w.live, made = append(w.live, &m), append(made, &m)
		w.made++
	}
	return undone, made
}
