package signedorder

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/signing"
	"custody/internal/store"
)

// KeyState says whether a key may sign.
type KeyState string

// The states of a key. There is no way back from REVOKED.
const (
	Active  KeyState = "ACTIVE"
	Revoked KeyState = "REVOKED" // 已吊销
)

// Key is a public key that two people registered for an owner.
type Key struct {
	ID        string   `db:"key_id" json:"key_id"`
	Name      string   `db:"name" json:"name"`
	Owner     string   `db:"owner" json:"owner"` // member, or HQ
	Algorithm string   `db:"algorithm" json:"algorithm"`
	PEM       string   `db:"public_key" json:"public_key"`
	State     KeyState `db:"state" json:"state"`
	Approval  string   `db:"approval_id" json:"approval"`
	Reason    string   `db:"reason" json:"reason"`
}

const keyColumns = "key_id, name, owner, algorithm, public_key, state, approval_id, reason"

// AuditedKeys is the table of keys as the audit log covers it: every column.
var AuditedKeys = audit.Table{Name: "order_keys", Key: []string{"key_id"},
	Columns: []string{"name", "owner", "algorithm", "public_key", "state", "approval_id", "reason"}}

// AddKey registers a key. One that was registered before, for whomever, or whose
// name is taken, is signedorder.key-known.
func AddKey(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, actor string, k Key) error {
	added, err := tx.Exec(ctx, "INSERT INTO order_keys (custody_id, "+keyColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		custodyID, k.ID, k.Name, k.Owner, k.Algorithm, k.PEM, Active, k.Approval, "")
	switch {
	case err != nil:
		return err
	case added == 0:
		return fault.Invalid("signedorder.key-known").On("NAME", k.Name)
	}
	return AuditedKeys.Record(ctx, tx, custodyID, at, actor, "orderkey.add", []any{k.ID}, nil)
}

// RevokeKey ends a key for good. A revoked one stays as it is.
func RevokeKey(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, actor, id, reason string) error {
	changed, err := tx.Exec(ctx, "UPDATE order_keys SET state = ?, reason = ? WHERE custody_id = ? AND key_id = ? AND state = ?",
		Revoked, reason, custodyID, id, Active)
	if err != nil || changed == 0 {
		return err
	}
	return AuditedKeys.Record(ctx, tx, custodyID, at, actor, "orderkey.revoke", []any{id}, nil)
}

// FindKey returns the key with the id.
func FindKey(ctx context.Context, tx *store.Tx, custodyID int64, id string) (k Key, found bool, err error) {
	found, err = tx.Find(ctx, &k, "SELECT "+keyColumns+" FROM order_keys WHERE custody_id = ? AND key_id = ?", custodyID, id)
	return k, found, err
}

// KeyNamed returns the key of the name.
func KeyNamed(ctx context.Context, tx *store.Tx, custodyID int64, name string) (k Key, found bool, err error) {
	found, err = tx.Find(ctx, &k, "SELECT "+keyColumns+" FROM order_keys WHERE custody_id = ? AND name = ?", custodyID, name)
	return k, found, err
}

// Keys returns all keys in order of name.
func Keys(ctx context.Context, tx *store.Tx, custodyID int64) ([]Key, error) {
	list := []Key{}
	err := tx.Select(ctx, &list, "SELECT "+keyColumns+" FROM order_keys WHERE custody_id = ? ORDER BY name", custodyID)
	return list, err
}

// Public is the key that verifies. The stored one cannot be read where somebody
// changed it behind the program's back: signing.public.
func (k Key) Public() (signing.Public, error) { return signing.ParsePublic([]byte(k.PEM)) }

// Outcome is what became of an order when it was brought in.
type Outcome string

// The outcomes.
const (
	Applied   Outcome = "APPLIED"   // a withdrawal, its money set aside
	Submitted Outcome = "SUBMITTED" // a payment that waits for a checker
	Refused   Outcome = "REFUSED"   // for what it says; Refusal is why
)

// Seen is an order that was decided.
type Seen struct {
	Owner     string       `db:"owner" json:"owner"`
	ID        string       `db:"order_id" json:"order_id"`
	Nonce     string       `db:"nonce" json:"nonce"`
	KeyID     string       `db:"key_id" json:"key_id"`
	FileSHA   string       `db:"file_sha256" json:"file_sha256"`
	Outcome   Outcome      `db:"outcome" json:"outcome"`
	Reference string       `db:"reference" json:"reference"`
	Refusal   string       `db:"refusal" json:"refusal"`
	Decided   bizdate.Date `db:"decided_date" json:"decided_date"`
	Actor     string       `db:"actor" json:"actor"`
}

const seenColumns = "owner, order_id, nonce, key_id, file_sha256, outcome, reference, refusal, decided_date, actor"

// AuditedOrders is the table of orders as the audit log covers it: every column.
var AuditedOrders = audit.Table{Name: "signed_orders", Key: []string{"owner", "order_id"},
	Columns: []string{"nonce", "key_id", "file_sha256", "outcome", "reference", "refusal", "decided_date", "actor"}}

// Add records an order as decided. An order of the owner with the number or the
// nonce, whatever became of it, is signedorder.replay: of two that come at the same
// time the table lets one in.
func Add(ctx context.Context, tx *store.Tx, custodyID int64, at time.Time, s Seen) error {
	added, err := tx.Exec(ctx, "INSERT INTO signed_orders (custody_id, "+seenColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		custodyID, s.Owner, s.ID, s.Nonce, s.KeyID, s.FileSHA, s.Outcome, s.Reference, s.Refusal, s.Decided, s.Actor)
	switch {
	case err != nil:
		return err
	case added == 0:
		return fault.Invalid("signedorder.replay", s.ID).On("id", s.ID)
	}
	return AuditedOrders.Record(ctx, tx, custodyID, at, s.Actor, "signedorder."+string(s.Outcome), []any{s.Owner, s.ID}, nil)
}

// All returns the orders that were decided, by day, owner and number.
func All(ctx context.Context, tx *store.Tx, custodyID int64) ([]Seen, error) {
	list := []Seen{}
	err := tx.Select(ctx, &list, "SELECT "+seenColumns+" FROM signed_orders WHERE custody_id = ? ORDER BY decided_date, owner, order_id", custodyID)
	return list, err
}
