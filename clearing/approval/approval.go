// Package approval is maker and checker (经办/复核) for everything that needs
// two people. A row holds exactly what was approved and its hash; whoever acts
// on it recomputes the hash and refuses on a difference.
package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

// State of an approval.
type State string

// The states of an approval.
const (
	Pending  State = "PENDING"
	Approved State = "APPROVED"
	Rejected State = "REJECTED"
)

// Approval is one thing that a maker submitted.
type Approval struct {
	ID          string  `db:"approval_id" json:"id"`
	Kind        string  `db:"kind" json:"kind"`
	Subject     string  `db:"subject" json:"subject"`
	Content     string  `db:"content" json:"content"`
	ContentHash string  `db:"content_hash" json:"content_hash"`
	State       State   `db:"state" json:"state"`
	Maker       string  `db:"maker" json:"maker"`
	MadeAt      int64   `db:"made_at" json:"made_at"` // Unix milliseconds
	Checker     *string `db:"checker" json:"checker"`
	CheckedAt   *int64  `db:"checked_at" json:"checked_at"`
	Reason      string  `db:"reason" json:"reason"`
}

const columns = `approval_id, kind, subject, content, content_hash, state, maker, made_at, checker, checked_at, reason`

// Audited is the table as the audit log covers it: every column.
var Audited = audit.Table{Name: "approvals", Key: []string{"approval_id"}, Columns: []string{
	"kind", "subject", "content", "content_hash", "state", "maker", "made_at", "checker", "checked_at", "reason"}}

// Hash returns the hash of what is approved, in hex.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Submit records what the maker wants approved. The id must be new.
func Submit(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, maker, id, kind, subject string, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return err
	}
	a := Approval{ID: id, Kind: kind, Subject: subject, Content: string(raw), ContentHash: Hash(raw),
		State: Pending, Maker: maker, MadeAt: at.UnixMilli()}
	_, err = tx.Exec(ctx, `INSERT INTO approvals (custody_id, `+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, '')`,
		custodyID, a.ID, a.Kind, a.Subject, a.Content, a.ContentHash, a.State, a.Maker, a.MadeAt)
	if err != nil {
		return err
	}
	return Audited.Record(ctx, tx, custodyID, at, maker, "approval.submit", []any{id}, nil)
}

// NextID names a further approval about a subject: the subject itself the
// first time, then subject@2 and so on.
func NextID(ctx context.Context, tx *store.Tx, custodyID int64, kind, subject string) (string, error) {
	var before int
	err := tx.Get(ctx, &before, "SELECT COUNT(*) FROM approvals WHERE custody_id = ? AND kind = ? AND subject = ?", custodyID, kind, subject)
	if err != nil || before == 0 {
		return subject, err
	}
	return fmt.Sprintf("%s@%d", subject, before+1), nil
}

// Find returns the approval with the id.
func Find(ctx context.Context, tx *store.Tx, custodyID int64, id string) (Approval, bool, error) {
	var a Approval
	found, err := tx.Find(ctx, &a, `SELECT `+columns+` FROM approvals WHERE custody_id = ? AND approval_id = ?`, custodyID, id)
	return a, found, err
}

// All returns the approvals in a state, or every one for "", in order of id.
func All(ctx context.Context, tx *store.Tx, custodyID int64, state State) ([]Approval, error) {
	var list []Approval
	where, args := "custody_id = ?", []any{custodyID}
	if state != "" {
		where, args = where+" AND state = ?", append(args, state)
	}
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM approvals WHERE "+where+" ORDER BY approval_id", args...)
	return list, err
}

// Of returns what was submitted about a subject, in order of submission.
func Of(ctx context.Context, tx *store.Tx, custodyID int64, kind, subject string) ([]Approval, error) {
	var list []Approval
	err := tx.Select(ctx, &list, `SELECT `+columns+` FROM approvals WHERE custody_id = ? AND kind = ? AND subject = ?
		ORDER BY made_at, approval_id`, custodyID, kind, subject)
	return list, err
}

// Decide approves or rejects. The checker must be another person than the
// maker, and the content must still be what was submitted.
func Decide(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, checker, id string, to State, reason string) (Approval, error) {
	a, found, err := Find(ctx, tx, custodyID, id)
	switch {
	case err != nil:
		return a, err
	case !found:
		return a, fault.Invalid("approval.unknown", id).On("ID", id)
	case a.State != Pending:
		return a, fault.Invalid("approval.decided", id, string(a.State)).On("ID", id)
	case a.Maker == checker:
		return a, fault.Invalid("approval.same-person", checker).On("--as", checker)
	}
	if err := a.Intact(); err != nil {
		return a, err
	}
	ms := at.UnixMilli()
	a.State, a.Checker, a.CheckedAt, a.Reason = to, &checker, &ms, reason
	_, err = tx.Exec(ctx, `UPDATE approvals SET state = ?, checker = ?, checked_at = ?, reason = ?
		WHERE custody_id = ? AND approval_id = ?`, a.State, checker, ms, reason, custodyID, id)
	if err != nil {
		return a, err
	}
	return a, Audited.Record(ctx, tx, custodyID, at, checker, "approval.decide", []any{id}, nil)
}

// Intact returns a fault when the stored content is not what was hashed.
func (a Approval) Intact() error {
	if Hash([]byte(a.Content)) != a.ContentHash {
		return fault.Broken("approval.changed", a.ID)
	}
	return nil
}
