package bench

import (
	"context"
	"path/filepath"
	"testing"

	"custody/clearing"
	"custody/internal/store"
)

// Days is a home whose days are played one after the other.
type Days struct {
	t      *testing.T
	player *player
	engine *clearing.Engine
}

// NewDays makes the files of n days of so many orders.
func NewDays(t *testing.T, n, orders, members int) *Days {
	t.Helper()
	job := nightJob{Home: filepath.Join(t.TempDir(), "home"), Nights: n}
	if err := build(context.Background(), job, Options{Orders: orders, Members: members, Nights: n, exact: true}); err != nil {
		t.Fatal(err)
	}
	e, err := clearing.Open(context.Background(), job.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return &Days{t: t, player: &player{engine: e, home: job.Home, rows: map[string]int{}}, engine: e}
}

// Play plays a day, counted from 0, from its morning until it is sealed, and
// tells fn of every statement.
func (d *Days) Play(day int, fn func(store.Asked)) {
	d.t.Helper()
	d.engine.DB.Watch(fn)
	defer d.engine.DB.Watch(nil)
	if err := d.player.whole(context.Background(), firstNight.AddDays(day)); err != nil {
		d.t.Fatal(err)
	}
}

// Plan returns how SQLite goes about a statement, line by line.
func (d *Days) Plan(a store.Asked) (plan []string) {
	d.t.Helper()
	ctx := context.Background()
	err := d.engine.DB.Read(ctx, func(tx *store.Tx) error {
		return tx.Each(ctx, "EXPLAIN QUERY PLAN "+a.Query, a.Args, func(scan func(...any) error) error {
			var id, parent, unused int
			var line string
			err := scan(&id, &parent, &unused, &line)
			plan = append(plan, line)
			return err
		})
	})
	if err != nil {
		d.t.Fatal(a.Query, err)
	}
	return plan
}
