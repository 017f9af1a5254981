// Package outbox records every effect outside the database before it happens.
//
// A file for the bank is first a row (PENDING) with the digest of its bytes,
// then a file, then WRITTEN. A run that is killed between finds the row and
// writes the same bytes again, because files out are pure functions of the data.
package outbox

import (
	"context"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Effect is one row of the outbox.
type Effect struct {
	ID       int64        `db:"outbox_id" json:"id"`
	Date     bizdate.Date `db:"accounting_date" json:"date"`
	Kind     string       `db:"kind" json:"kind"`
	Subject  string       `db:"subject" json:"subject"`
	FileName string       `db:"file_name" json:"file_name"`
	SHA256   string       `db:"sha256" json:"sha256"`
	State    string       `db:"state" json:"state"`
}

const columns = `outbox_id, accounting_date, kind, subject, file_name, sha256, state`

// Intend records the effect as PENDING. The same kind and subject with the same
// digest is a no-op; with another one it is a fault, because something outside
// may have happened already.
func Intend(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, e Effect) error {
	var old Effect
	found, err := tx.Find(ctx, &old, `SELECT `+columns+` FROM outbox WHERE custody_id = ? AND kind = ? AND subject = ?`,
		custodyID, e.Kind, e.Subject)
	if err != nil {
		return err
	}
	if found {
		if old.SHA256 != e.SHA256 {
			return fault.Broken("outbox.changed", e.Subject, old.SHA256, e.SHA256)
		}
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO outbox (custody_id, `+columns+`, created_at)
		VALUES (?, COALESCE((SELECT outbox_id FROM outbox WHERE custody_id = ? ORDER BY outbox_id DESC LIMIT 1), 0) + 1, ?, ?, ?, ?, ?, 'PENDING', ?)`,
		custodyID, custodyID, e.Date, e.Kind, e.Subject, e.FileName, e.SHA256, at.UnixMilli())
	return err
}

// Intended reports whether the effect is recorded: it may have happened.
func Intended(ctx context.Context, tx *store.Tx, custodyID int64, kind, subject string) (bool, error) {
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM outbox WHERE custody_id = ? AND kind = ? AND subject = ?", custodyID, kind, subject)
	return n > 0, err
}

// Written records that the effect has happened.
func Written(ctx context.Context, tx *store.Tx, custodyID int64, kind, subject string) error {
	_, err := tx.Exec(ctx, `UPDATE outbox SET state = 'WRITTEN' WHERE custody_id = ? AND kind = ? AND subject = ? AND state = 'PENDING'`,
		custodyID, kind, subject)
	return err
}

// All returns the effects of a date, or all for the zero date, in order.
func All(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Effect, error) {
	var list []Effect
	where, args := "custody_id = ?", []any{custodyID}
	if !date.IsZero() {
		where, args = where+" AND accounting_date = ?", append(args, date)
	}
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM outbox WHERE "+where+" ORDER BY outbox_id", args...)
	return list, err
}

// LastOfKind returns the last effect of a kind that was recorded, and whether
// there is one.
func LastOfKind(ctx context.Context, tx *store.Tx, custodyID int64, kind string) (Effect, bool, error) {
	var e Effect
	found, err := tx.Find(ctx, &e, `SELECT `+columns+` FROM outbox WHERE custody_id = ? AND kind = ? ORDER BY outbox_id DESC LIMIT 1`, custodyID, kind)
	return e, found, err
}

// Pending returns the effects of a kind that are recorded and not known to have
// happened, in order.
func Pending(ctx context.Context, tx *store.Tx, custodyID int64, kind string) ([]Effect, error) {
	var list []Effect
	err := tx.Select(ctx, &list, `SELECT `+columns+` FROM outbox WHERE custody_id = ? AND kind = ? AND state = 'PENDING'
		ORDER BY outbox_id`, custodyID, kind)
	return list, err
}
