// Package audit keeps the log of who changed what.
//
// Rows that people change (members, bindings, rules, approvals, days) can be
// changed in the database by anybody who can open it. Each change by the
// product appends an event with the digest of the row after the change to a
// Merkle log, so that a row that was changed, added or removed otherwise is found.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"custody/internal/store"
	"custody/internal/translog"
)

// Event is one row of audit_events.
type Event struct {
	ID      int64  `db:"event_id"`
	At      int64  `db:"at"` // Unix milliseconds
	Actor   string `db:"actor"`
	Action  string `db:"action"`
	Subject string `db:"subject"` // table of the subject
	Key     string `db:"key"`     // its key within the custody account
	Digest  []byte `db:"digest"`
	Detail  string `db:"detail"` // JSON
	Leaf    []byte `db:"leaf_hash"`
}

const eventColumns = "event_id, at, actor, action, subject, key, digest, detail, leaf_hash"

// Removed is the digest of a row that was deleted.
var Removed = []byte{}

// Digest returns the canonical digest of a row: SHA-256 over every part with
// its type and length, so that no two rows have the same form. Parts are
// strings, byte slices, integers, booleans, and nil; other types are a
// programming error and panic.
func Digest(parts ...any) []byte {
	sum := sha256.Sum256(appendParts([]byte{1}, parts))
	return sum[:]
}

func appendParts(b []byte, parts []any) []byte {
	for _, part := range parts {
		switch v := part.(type) {
		case nil:
			b = append(b, 'n')
		case string:
			b = appendText(append(b, 's'), v)
		case []byte:
			b = appendText(append(b, 'b'), string(v))
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case int:
			b = binary.AppendVarint(append(b, 'i'), int64(v))
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			b = binary.AppendVarint(append(b, 'i'), n)
		default:
			panic(fmt.Sprintf("audit: no digest for %T", part))
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// leaf is the leaf of an event: every column but the leaf itself.
func (e *Event) leaf(custodyID int64) translog.Hash {
	return translog.LeafHash(appendParts([]byte{1}, []any{
		custodyID, e.ID, e.At, e.Actor, e.Action, e.Subject, e.Key, e.Digest, e.Detail,
	}))
}

// Record appends an event: actor did action to the row of the table subject
// with that key, whose digest is now digest ([Removed] where the row is gone).
// Detail is kept as JSON.
func Record(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, actor, action, subject, key string, digest []byte, detail any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	// Locks the head row of the custody account where more than one could write.
	if _, err := tx.Exec(ctx, `INSERT INTO audit_heads (custody_id, events) VALUES (?, 1)
		ON CONFLICT (custody_id) DO UPDATE SET events = audit_heads.events + 1`, custodyID); err != nil {
		return err
	}
	var size int64
	if _, err := tx.Find(ctx, &size, lastEvent, custodyID); err != nil {
		return err
	}
	if digest == nil {
		digest = Removed
	}
	e := Event{ID: size + 1, At: at.UnixMilli(), Actor: actor, Action: action, Subject: subject, Key: key, Digest: digest, Detail: string(text)}
	leaf := e.leaf(custodyID)
	_, err = tx.Exec(ctx, "INSERT INTO audit_events (custody_id, "+eventColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		custodyID, e.ID, e.At, e.Actor, e.Action, e.Subject, e.Key, e.Digest, e.Detail, leaf[:])
	if err != nil {
		return err
	}
	return Log(tx, custodyID).grow(ctx, size, []translog.Hash{leaf})
}

// Latest returns the last event about a row, which holds its present digest.
func Latest(ctx context.Context, tx *store.Tx, custodyID int64, subject, key string) (Event, bool, error) {
	var e Event
	found, err := tx.Find(ctx, &e, "SELECT "+eventColumns+` FROM audit_events
		WHERE custody_id = ? AND subject = ? AND key = ? ORDER BY event_id DESC LIMIT 1`, custodyID, subject, key)
	return e, found, err
}

// lastEvent reads one entry of the index on every engine. A MAX would not: a
// planner without statistics reads all events of the custody account for it.
const lastEvent = "SELECT event_id FROM audit_events WHERE custody_id = ? ORDER BY event_id DESC LIMIT 1"

// Root returns the size and root of the audit log.
func Root(ctx context.Context, tx *store.Tx, custodyID int64) (int64, translog.Hash, error) {
	var size int64
	if _, err := tx.Find(ctx, &size, lastEvent, custodyID); err != nil {
		return 0, translog.Hash{}, err
	}
	tree, err := translog.NewTree(Log(tx, custodyID), size)
	if err != nil {
		return 0, translog.Hash{}, err
	}
	root, err := tree.Root(ctx)
	return size, root, err
}
