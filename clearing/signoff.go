package clearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/people"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Signoff is a person's signature (签字) under the bank reconciliation of a day.
type Signoff struct {
	Date    bizdate.Date `db:"accounting_date" json:"date"`
	Version int          `db:"version" json:"version"` // of the day
	Role    string       `db:"role" json:"role"`
	User    string       `db:"user_name" json:"user"`
	At      int64        `db:"signed_at" json:"signed_at"` // Unix milliseconds
	Hash    string       `db:"content_hash" json:"content_hash"`
	Fallen  int          `db:"fallen" json:"fallen"` // 1: a reopening took its ground
}

// The two roles of a sign-off, in their order.
const (
	Preparer = "PREPARER" // 编制人
	Reviewer = "REVIEWER" // 复核人
)

// cashier is the role that never signs a reconciliation: who pays does not
// also prove that the payments are right (出纳不得编制银行存款余额调节表).
const cashier = "cashier"

const signoffColumns = "accounting_date, version, role, user_name, signed_at, content_hash, fallen"

var auditedSignoffs = audit.Table{Name: "signoffs", Key: []string{"accounting_date", "version", "role"},
	Columns: []string{"user_name", "signed_at", "content_hash", "fallen"}}

// version is how often the day was closed, the close to come included.
func (e *Engine) version(ctx context.Context, tx *store.Tx, date bizdate.Date) (int, error) {
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) + 1 FROM day_versions WHERE custody_id = ? AND accounting_date = ?", e.Book.ID(), date)
	return n, err
}

// signoffs returns who signed the day in its present version, preparer first.
func (e *Engine) signoffs(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]Signoff, error) {
	var list []Signoff
	err := tx.Select(ctx, &list, "SELECT "+signoffColumns+" FROM signoffs WHERE custody_id = ? AND accounting_date = ? AND fallen = 0 ORDER BY role",
		e.Book.ID(), date)
	return list, err
}

// Signoffs returns every signature under a day, those that fell included.
func (e *Engine) Signoffs(ctx context.Context, date bizdate.Date) (list []Signoff, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &list, "SELECT "+signoffColumns+" FROM signoffs WHERE custody_id = ? AND accounting_date = ? ORDER BY version, role", e.Book.ID(), date)
	})
	return list, err
}

// signed reports whether both have signed the day: its matches stand.
func (e *Engine) signed(ctx context.Context, tx *store.Tx, date bizdate.Date) (bool, error) {
	list, err := e.signoffs(ctx, tx, date)
	return len(list) == 2, err
}

// SignOff puts a signature under the bank reconciliation of a closed day: the
// first is the preparer's, the second, another person's, the reviewer's. What
// the reviewer signs is what the preparer signed, to the byte: signoff.changed
// otherwise. A cashier signs neither.
func (e *Engine) SignOff(ctx context.Context, actor string, date bizdate.Date) (s Signoff, err error) {
	at := e.Clock.Now()
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		d, found, err := e.day(ctx, tx, date)
		if err != nil {
			return err
		}
		if !found || d.State != DayClosed && d.State != DaySealed {
			return fault.Invalid("signoff.day", date, string(d.State)).On("DATE", date.String())
		}
		before, err := e.signoffs(ctx, tx, date)
		if err != nil {
			return err
		}
		if s, err = e.nextSignoff(ctx, tx, actor, date, before); err != nil {
			return err
		}
		s.At = at.UnixMilli()
		_, err = tx.Exec(ctx, "INSERT INTO signoffs (custody_id, "+signoffColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
			e.Book.ID(), s.Date, s.Version, s.Role, s.User, s.At, s.Hash)
		if err != nil {
			return err
		}
		return auditedSignoffs.Record(ctx, tx, e.Book.ID(), at, actor, "day.signoff", []any{int64(s.Date), int64(s.Version), s.Role}, nil)
	})
	return s, err
}

// nextSignoff is the signature that comes next, if the actor may give it.
func (e *Engine) nextSignoff(ctx context.Context, tx *store.Tx, actor string, date bizdate.Date, before []Signoff) (s Signoff, err error) {
	s = Signoff{Date: date, Role: Preparer, User: actor}
	right := people.Make
	switch {
	case len(before) == 2:
		return s, fault.Invalid("signoff.done", date).On("DATE", date.String())
	case len(before) == 1:
		s.Role, right = Reviewer, people.Check
	}
	if err := people.Require(ctx, tx, actor, right); err != nil {
		return s, err
	}
	u, _, err := people.Find(ctx, tx, actor)
	if err != nil {
		return s, err
	}
	if slices.Contains(strings.Fields(u.Roles), cashier) {
		return s, fault.Invalid("signoff.cashier", actor).On("--as", actor)
	}
	if s.Version, err = e.version(ctx, tx, date); err != nil {
		return s, err
	}
	if s.Hash, err = e.reconciliationHash(ctx, tx, date); err != nil || len(before) == 0 {
		return s, err
	}
	switch {
	case before[0].User == actor:
		err = fault.Invalid("signoff.same", actor).On("--as", actor)
	case before[0].Hash != s.Hash:
		err = fault.Broken("signoff.changed", date, before[0].User)
	}
	return s, err
}

// reconciliationHash is SHA-256 over the bank reconciliation of a day with every
// item. What is left unexplained is not signed: signoff.unexplained.
func (e *Engine) reconciliationHash(ctx context.Context, tx *store.Tx, date bizdate.Date) (string, error) {
	t, err := e.TieOut(ctx, tx, date)
	if err != nil {
		return "", err
	}
	if t.Unexplained != 0 || t.Difference != 0 {
		return "", fault.Broken("signoff.unexplained", date, t.Unexplained, t.Difference)
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
