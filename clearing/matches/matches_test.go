package matches_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/matches"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
)

const custody = 1

var date = bizdate.New(2026, 2, 13)

func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	if dsn == "" {
		dsn = t.TempDir() + "/books.db"
	}
	db, err := store.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func pair(ours, theirs string) matches.Match {
	return matches.Match{Rule: "bank-ref", Version: 1, Evidence: "bank_ref+amount", Alternatives: 1, Lines: []matches.Line{
		{Part: matches.Ours, Key: ours, Amount: 5, Date: date}, {Part: matches.Theirs, Key: theirs, Amount: 5, Date: date}}}
}

// TestALineIsMatchedOnce: the key refuses a second match of either line, in one
// set or in a later one, on every engine, and nothing of the set is written.
func TestALineIsMatchedOnce(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		ctx, db := context.Background(), open(t, dsn)
		save := func(side matches.Side, list ...matches.Match) error {
			return db.Tx(ctx, func(tx *store.Tx) error { return matches.Save(ctx, tx, custody, side, date, "maker1", list) })
		}
		if err := save(matches.Book, pair("E3:a", "K1")); err != nil {
			t.Fatal(err)
		}
		for name, again := range map[string][]matches.Match{
			"our line again":   {pair("E3:a", "K2")},
			"their line again": {pair("E3:b", "K1")},
			"twice in one set": {pair("E3:c", "K3"), pair("E3:d", "K3")},
		} {
			if err := save(matches.Book, again...); fault.CodeOf(err) != "match.twice" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := save(matches.Channel, pair("WX.20260212", "K1")); err != nil {
			t.Errorf("the same credit proves a channel's money on another pair of sides: %v", err)
		}
		var n int
		err := db.Read(ctx, func(tx *store.Tx) error { return tx.Get(ctx, &n, "SELECT COUNT(*) FROM matches") })
		if err != nil || n != 2 {
			t.Errorf("%d matches, %v", n, err)
		}
	})
}

// TestUndo: a match that is taken back stays with its reason, its lines are open
// and held from that date on, and may be matched anew.
func TestUndo(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		ctx, db := context.Background(), open(t, dsn)
		err := db.Tx(ctx, func(tx *store.Tx) error {
			list := []matches.Match{pair("E3:a", "K1")}
			if err := matches.Save(ctx, tx, custody, matches.Book, date, "maker1", list); err != nil {
				return err
			}
			if _, err := matches.Undo(ctx, tx, custody, date.AddDays(1), "maker1", list[0].ID, "wrong"); err != nil {
				return err
			}
			if _, err := matches.Undo(ctx, tx, custody, date.AddDays(1), "maker1", list[0].ID, "wrong"); fault.CodeOf(err) != "match.undone" {
				t.Errorf("taken back twice: %v", err)
			}
			if _, err := matches.Undo(ctx, tx, custody, date, "maker1", "M20260101-00001", "x"); fault.CodeOf(err) != "match.unknown" {
				t.Errorf("an unknown one: %v", err)
			}
			m, err := matches.Find(ctx, tx, custody, list[0].ID)
			if err != nil || m.State != matches.Superseded || m.Reason != "wrong" || m.UndoneBy != "maker1" || len(m.Lines) != 2 {
				t.Errorf("%+v %v", m, err)
			}
			for on, want := range map[bizdate.Date]int{date: 0, date.AddDays(1): 2} {
				if list, err := matches.OpenAsOf(ctx, tx, custody, matches.Book, on); err != nil || len(list) != want || want > 0 && !list[0].Held {
					t.Errorf("at the cut of %s: %+v %v", on, list, err)
				}
			}
			again := []matches.Match{pair("E3:a", "K1")}
			if err := matches.Save(ctx, tx, custody, matches.Book, date.AddDays(2), "maker1", again); err != nil {
				return err
			}
			if list, err := matches.StillOpen(ctx, tx, custody, matches.Book); err != nil || len(list) != 0 {
				t.Errorf("still open: %+v %v", list, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// machine is the model beside the database: which lines are taken by which match.
type machine struct {
	t     *rapid.T
	ctx   context.Context
	tx    *store.Tx
	date  bizdate.Date
	taken map[string]string   // part and line -> match
	lines map[string][]string // match -> its lines
}

func (m *machine) key(l matches.Line) string { return string(l.Part) + l.Key }

// save matches one to three lines of each part, some of them taken; the
// database must refuse exactly those that hold a taken one.
func (m *machine) save(t *rapid.T) {
	var lines []matches.Line
	for _, part := range []matches.Part{matches.Ours, matches.Theirs} {
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 39), 1, 2, rapid.ID[int]).Draw(t, string(part)) {
			lines = append(lines, matches.Line{Part: part, Key: fmt.Sprintf("L%02d", n), Amount: money.Amount(n), Date: m.date})
		}
	}
	clash := slices.ContainsFunc(lines, func(l matches.Line) bool { return m.taken[m.key(l)] != "" })
	for _, l := range lines {
		found, err := matches.Taken(m.ctx, m.tx, custody, matches.Book, l.Part, l.Key)
		if err != nil || found != (m.taken[m.key(l)] != "") {
			t.Fatalf("%v is taken: %v, %v", l, found, err)
		}
	}
	if clash { // what the index refuses ends a transaction; its refusal has its own test
		return
	}
	list := []matches.Match{{Rule: "batch", Version: 1, Alternatives: 1, Lines: lines}}
	if err := matches.Save(m.ctx, m.tx, custody, matches.Book, m.date, "p", list); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		m.taken[m.key(l)] = list[0].ID
		m.lines[list[0].ID] = append(m.lines[list[0].ID], m.key(l))
	}
}

func (m *machine) undo(t *rapid.T) {
	ids := slices.Sorted(maps.Keys(m.lines))
	if len(ids) == 0 {
		return
	}
	id := rapid.SampledFrom(ids).Draw(t, "match")
	if _, err := matches.Undo(m.ctx, m.tx, custody, m.date, "p", id, "r"); err != nil {
		t.Fatal(err)
	}
	for _, k := range m.lines[id] {
		delete(m.taken, k)
	}
	delete(m.lines, id)
}

// check: no line counts twice, and what counts is what the model says.
func (m *machine) check(t *rapid.T) {
	var live, distinct int
	err := m.tx.Get(m.ctx, &live, "SELECT COUNT(*) FROM match_lines WHERE live = 1")
	if err == nil {
		err = m.tx.Get(m.ctx, &distinct, "SELECT COUNT(*) FROM (SELECT DISTINCT part, line FROM match_lines WHERE live = 1) AS d")
	}
	if err != nil || live != distinct || live != len(m.taken) {
		t.Fatalf("%d lines count, %d distinct, the model has %d: %v", live, distinct, len(m.taken), err)
	}
}

// TestNoDoubleMatchInTheDatabase plays matching and taking back, in any order,
// against the model and the real keys.
func TestNoDoubleMatchInTheDatabase(t *testing.T) {
	ctx, db := context.Background(), open(t, "")
	rapid.Check(t, func(rt *rapid.T) {
		rolled := fmt.Errorf("roll back")
		err := db.Tx(ctx, func(tx *store.Tx) error {
			m := &machine{t: rt, ctx: ctx, tx: tx, date: date, taken: map[string]string{}, lines: map[string][]string{}}
			rt.Repeat(map[string]func(*rapid.T){"save": m.save, "undo": m.undo, "": m.check})
			return rolled
		})
		if err != rolled {
			rt.Fatal(err)
		}
	})
}
