package audit

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"custody/internal/fault"
	"custody/internal/store"
)

// Table is a table whose every change is in the audit log. Its key begins with
// custody_id, which is named neither in Key nor in Columns.
//
//	members := audit.Table{Name: "members", Key: []string{"code"}, Columns: []string{"name", "status"}}
//	err = members.Record(ctx, tx, custodyID, at, actor, "member.add", []any{"A"}, nil) // after the change
//	findings, rows, err := members.Verify(ctx, tx, custodyID)
type Table struct {
	Name    string
	Key     []string
	Columns []string // the others that are covered: all that do not change by themselves
}

// Record appends the event of a change to the row with that key, which was
// made in the same transaction. A row that is gone is recorded as [Removed].
func (t Table) Record(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, actor, action string, key []any, detail any) error {
	where := make([]string, len(t.Key))
	for i, column := range t.Key {
		where[i] = " AND " + column + " = ?"
	}
	digest := Removed
	err := t.each(ctx, tx, strings.Join(where, ""), append([]any{custodyID}, key...), func(_ string, d []byte) error {
		digest = d
		return nil
	})
	if err != nil {
		return err
	}
	return Record(ctx, tx, custodyID, at, actor, action, t.Name, keyText(key), digest, detail)
}

// keyText is the key of a row in the audit log.
func keyText(key []any) string {
	parts := make([]string, len(key))
	for i, k := range key {
		parts[i] = fmt.Sprint(k)
	}
	return strings.Join(parts, "|")
}

// each calls fn with key and digest of the rows.
func (t Table) each(ctx context.Context, tx *store.Tx, where string, args []any, fn func(key string, digest []byte) error) error {
	columns := slices.Concat(t.Key, t.Columns)
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.Name + " WHERE custody_id = ?" + where
	return tx.Each(ctx, query, args, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		return fn(keyText(values[:len(t.Key)]), Digest(values...))
	})
}

// Finding is a row, an event or a node that does not agree with the audit log.
type Finding struct {
	Table string
	Key   string
	Code  string // of the sentence; its arguments are Table and Key
}

// Verify compares every row with its last event: changed, added and removed
// rows are findings. It returns how many rows it compared.
func (t Table) Verify(ctx context.Context, tx *store.Tx, custodyID int64) ([]Finding, int64, error) {
	latest := map[string][]byte{}
	err := tx.Each(ctx, "SELECT key, digest FROM audit_events WHERE custody_id = ? AND subject = ? ORDER BY event_id",
		[]any{custodyID, t.Name}, func(scan func(...any) error) error {
			var key string
			var digest []byte
			if err := scan(&key, &digest); err != nil {
				return err
			}
			latest[key] = digest
			return nil
		})
	if err != nil {
		return nil, 0, err
	}
	var findings []Finding
	var rows int64
	err = t.each(ctx, tx, "", []any{custodyID}, func(key string, digest []byte) error {
		rows++
		want, known := latest[key]
		switch {
		case !known || len(want) == 0:
			findings = append(findings, Finding{t.Name, key, "audit.added"})
		case !bytes.Equal(want, digest):
			findings = append(findings, Finding{t.Name, key, "audit.changed"})
		}
		delete(latest, key)
		return nil
	})
	for key, digest := range latest {
		if len(digest) > 0 {
			findings = append(findings, Finding{t.Name, key, "audit.removed"})
		}
	}
	slices.SortFunc(findings, func(a, b Finding) int { return strings.Compare(a.Key, b.Key) })
	return findings, rows, err
}

// VerifyLog checks the audit log itself: no event is missing, every leaf
// follows from its row and every inner node from the leaves. It returns how
// many events there are.
func VerifyLog(ctx context.Context, tx *store.Tx, custodyID int64) ([]Finding, int64, error) {
	var findings []Finding
	nodes, err := ReadNodes(ctx, tx, "audit_log_nodes", custodyID)
	if err != nil {
		return nil, 0, err
	}
	var last int64
	err = tx.Each(ctx, "SELECT "+eventColumns+" FROM audit_events WHERE custody_id = ? ORDER BY event_id", []any{custodyID},
		func(scan func(...any) error) error {
			var e Event
			if err := scan(&e.ID, &e.At, &e.Actor, &e.Action, &e.Subject, &e.Key, &e.Digest, &e.Detail, &e.Leaf); err != nil {
				return err
			}
			if e.ID != last+1 {
				findings = append(findings, Finding{"audit_events", fmt.Sprint(last + 1), "audit.event_missing"})
			}
			last = e.ID
			if leaf := e.leaf(custodyID); !bytes.Equal(leaf[:], e.Leaf) {
				findings = append(findings, Finding{"audit_events", fmt.Sprint(e.ID), "audit.event_changed"})
			}
			nodes.Add(e.Leaf)
			return nil
		})
	if err != nil {
		return nil, 0, err
	}
	var head sql.NullInt64
	if _, err := tx.Find(ctx, &head, "SELECT events FROM audit_heads WHERE custody_id = ?", custodyID); err != nil {
		return nil, 0, err
	}
	if head.Valid && head.Int64 != last {
		findings = append(findings, Finding{"audit_events", fmt.Sprint(head.Int64), "audit.event_missing"})
	}
	for _, n := range nodes.Wrong() {
		findings = append(findings, Finding{"audit_log_nodes", n, "audit.node"})
	}
	return findings, last, nil
}

// Fault returns the finding as an error.
func (f Finding) Fault() *fault.Fault { return fault.Broken(f.Code, f.Table, f.Key) }
