package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"custody/internal/audit"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/internal/translog"
)

var (
	ctx     = context.Background()
	at      = time.Date(2026, 2, 12, 10, 30, 0, 0, time.UTC)
	errUndo = errors.New("undo")
	members = audit.Table{Name: "members", Key: []string{"code"}, Columns: []string{"name", "kind", "partner", "status"}}
)

const custodyID = 7

// newDB is a database with members M0 to Mn-1, each under the audit log.
func newDB(t *testing.T, n int) *store.DB {
	t.Helper()
	db, err := store.Open(ctx, pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (?, 'HQ', 'HQ', '1')", custodyID); err != nil {
			return err
		}
		for i := range n {
			if err := addMember(tx, fmt.Sprint("M", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func addMember(tx *store.Tx, code string) error {
	_, err := tx.Exec(ctx, "INSERT INTO members (custody_id, code, name, kind, status) VALUES (?, ?, 'shop', 'FRANCHISEE', 'NORMAL')", custodyID, code)
	if err != nil {
		return err
	}
	return members.Record(ctx, tx, custodyID, at, "maker", "member.add", []any{code}, nil)
}

// findings are what is found after some statements, which are then undone.
func findings(t *testing.T, db *store.DB, statements ...string) []string {
	t.Helper()
	var got []string
	err := db.Tx(ctx, func(tx *store.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		log, _, err := audit.VerifyLog(ctx, tx, custodyID)
		if err != nil {
			return err
		}
		rows, _, err := members.Verify(ctx, tx, custodyID)
		if err != nil {
			return err
		}
		for _, f := range append(log, rows...) {
			got = append(got, f.Code+" "+f.Key)
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	return got
}

// TestVerify: what was done outside the product is found and named.
func TestVerify(t *testing.T) {
	db := newDB(t, 300)
	for _, c := range []struct {
		name, statement string
		want            []string
	}{
		{"a row changed", "UPDATE members SET name = 'other' WHERE code = 'M5'", []string{"audit.changed M5"}},
		{"a row removed", "DELETE FROM members WHERE code = 'M5'", []string{"audit.removed M5"}},
		{"a row added", "INSERT INTO members (custody_id, code, name, kind, status) VALUES (7, 'X', 'x', 'PARTNER', 'NORMAL')", []string{"audit.added X"}},
		{"a row renamed", "UPDATE members SET code = 'X' WHERE code = 'M5'", []string{"audit.removed M5", "audit.added X"}},
		{"an event changed", "UPDATE audit_events SET actor = 'other' WHERE event_id = 2", []string{"audit.event_changed 2"}},
		{"an event removed", "DELETE FROM audit_events WHERE event_id = 2", []string{"audit.event_missing 2", "audit.node 1/0", "audit.added M1"}},
		{"the last event removed", "DELETE FROM audit_events WHERE event_id = 300", []string{"audit.event_missing 300", "audit.added M299"}},
		{"a node changed", "UPDATE audit_log_nodes SET hash = (SELECT leaf_hash FROM audit_events WHERE event_id = 1)", []string{"audit.node 1/0"}},
		{"nothing", "UPDATE members SET name = name", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := findings(t, db, c.statement)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestRemoved: a row that the product removed may be missing, and may not come back.
func TestRemoved(t *testing.T) {
	db := newDB(t, 2)
	err := db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM members WHERE code = 'M1'"); err != nil {
			return err
		}
		return members.Record(ctx, tx, custodyID, at, "maker", "member.remove", []any{"M1"}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := findings(t, db); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	got := findings(t, db, "INSERT INTO members (custody_id, code, name, kind, status) VALUES (7, 'M1', 'shop', 'FRANCHISEE', 'NORMAL')")
	if !slices.Equal(got, []string{"audit.added M1"}) {
		t.Errorf("got %v", got)
	}
}

// TestLatestAndRoot: the last event of a row is found, its log proves it.
func TestLatestAndRoot(t *testing.T) {
	db := newDB(t, 260)
	err := db.Read(ctx, func(tx *store.Tx) error {
		e, found, err := audit.Latest(ctx, tx, custodyID, "members", "M258")
		if err != nil || !found || e.ID != 259 || e.Actor != "maker" {
			t.Errorf("got %+v, %v, %v", e, found, err)
		}
		if _, found, err := audit.Latest(ctx, tx, custodyID, "members", "X"); err != nil || found {
			t.Errorf("found an event about nobody, %v", err)
		}
		size, root, err := audit.Root(ctx, tx, custodyID)
		if err != nil {
			return err
		}
		tree, err := translog.NewTree(audit.Log(tx, custodyID), size)
		if err != nil {
			return err
		}
		proof, err := tree.Inclusion(ctx, e.ID-1)
		if err != nil {
			return err
		}
		return translog.VerifyInclusion(root, size, e.ID-1, translog.Hash(e.Leaf), proof)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDigest: rows that differ in any way have different digests.
func TestDigest(t *testing.T) {
	rows := [][]any{
		{}, {nil}, {""}, {[]byte{}}, {int64(0)}, {"a", "b"}, {"ab"}, {"a", "b", ""}, {"", "ab"}, {int64(1)}, {"1"}, {[]byte("1")}, {int64(-1)}, {nil, nil},
	}
	seen := map[string]int{}
	for i, row := range rows {
		d := string(audit.Digest(row...))
		if j, twice := seen[d]; twice {
			t.Errorf("rows %d and %d have one digest", i, j)
		}
		seen[d] = i
	}
	if string(audit.Digest(1, true)) != string(audit.Digest(int64(1), int64(1))) {
		t.Error("an int or bool is not digested as it comes back from the database")
	}
}
