// Package people says who may do what: users, their roles, and the one table
// of permissions that the command line, the console and the API all ask.
package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Action is something that needs a right.
type Action string

// The actions. A new one needs a line in [permissions].
const (
	Run     Action = "run"     // play steps of a day
	Import  Action = "import"  // bring in a file
	Make    Action = "make"    // submit a batch, propose a handling, change a binding (经办)
	Check   Action = "check"   // approve or reject what another made (复核)
	Read    Action = "read"    // look at the books and take documents out
	Members Action = "members" // add members and change their state
)

// permissions is the whole of who may do what: deny by default.
var permissions = map[string][]Action{
	"operator":  {Run, Import, Read},
	"maker":     {Run, Import, Make, Members, Read},
	"checker":   {Check, Read},
	"cashier":   {Run, Import, Make, Read}, // 出纳: submits payouts, never signs the bank reconciliation
	"auditor":   {Read},
	"scheduler": {Run, Import, Read},
}

// User is a person, or the scheduler, who may act.
type User struct {
	Name   string `db:"name"`
	OSUser string `db:"os_user"`
	Roles  string `db:"roles"` // separated by spaces
	Status string `db:"status"`
	// Limit is how much the user may write off at a time, as maker and as checker;
	// nil is without a limit of his own. Fen.
	Limit *money.Amount `db:"write_off_limit_fen" json:",omitempty"`
}

// May reports whether one of the user's roles allows the action.
func (u User) May(a Action) bool {
	for role := range strings.FieldsSeq(u.Roles) {
		if u.Status == "ACTIVE" && slices.Contains(permissions[role], a) {
			return true
		}
	}
	return false
}

// Roles returns the names of all roles in order.
func Roles() []string {
	names := make([]string, 0, len(permissions))
	for name := range permissions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Digest is what the audit log keeps of the user's row.
func (u User) Digest() []byte {
	if u.Limit != nil {
		return audit.Digest(u.Name, u.OSUser, u.Roles, u.Status, int64(*u.Limit))
	}
	return audit.Digest(u.Name, u.OSUser, u.Roles, u.Status)
}

// Valid returns people.role for a role that there is not, people.name for a name
// that is none.
func Valid(u User) error {
	for role := range strings.FieldsSeq(u.Roles) {
		if _, known := permissions[role]; !known {
			return fault.Invalid("people.role", role, strings.Join(Roles(), ", ")).On("roles", u.Roles)
		}
	}
	if u.Name == "" || strings.ContainsAny(u.Name, "| \n") {
		return fault.Invalid("people.name").On("name", u.Name)
	}
	return nil
}

// Add adds a user, or replaces his roles and his operating-system user.
func Add(ctx context.Context, tx *store.Tx, custodyID int64, actor string, at time.Time, u User) error {
	if err := Valid(u); err != nil {
		return err
	}
	u.Status = "ACTIVE"
	former, known, err := Find(ctx, tx, u.Name)
	if err != nil {
		return err
	}
	if u.Limit = nil; known {
		u.Limit = former.Limit
	}
	_, err = tx.Exec(ctx, `INSERT INTO users (name, os_user, roles, status) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET os_user = excluded.os_user, roles = excluded.roles, status = excluded.status`,
		u.Name, u.OSUser, u.Roles, u.Status)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, custodyID, at, actor, "user.set", "users", u.Name, u.Digest(), u)
}

const columns = "name, os_user, roles, status, write_off_limit_fen"

// All returns every user in order of name.
func All(ctx context.Context, tx *store.Tx) ([]User, error) {
	var users []User
	err := tx.Select(ctx, &users, "SELECT "+columns+" FROM users ORDER BY name")
	return users, err
}

// Find returns the user with the name, and whether there is one.
func Find(ctx context.Context, tx *store.Tx, name string) (u User, found bool, err error) {
	found, err = tx.Find(ctx, &u, "SELECT "+columns+" FROM users WHERE name = ?", name)
	return u, found, err
}

// SetLimit says how much a user may write off at a time; nil lifts the limit.
// An unknown user is people.unknown.
func SetLimit(ctx context.Context, tx *store.Tx, custodyID int64, actor string, at time.Time, name string, limit *money.Amount) error {
	u, found, err := Find(ctx, tx, name)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("people.unknown", name).On("NAME", name)
	}
	u.Limit = limit
	if _, err := tx.Exec(ctx, "UPDATE users SET write_off_limit_fen = ? WHERE name = ?", limit, name); err != nil {
		return err
	}
	return audit.Record(ctx, tx, custodyID, at, actor, "user.limit", "users", name, u.Digest(), u)
}

// Within returns people.limit where the user may not write off the amount.
func Within(ctx context.Context, tx *store.Tx, name string, amount money.Amount) error {
	u, found, err := Find(ctx, tx, name)
	if err == nil && found && u.Limit != nil && amount.Abs() > *u.Limit {
		err = fault.Invalid("people.limit", name, *u.Limit, amount.Abs()).On("--as", name)
	}
	return err
}

// Require returns a fault unless the user exists, is active and may do the action.
func Require(ctx context.Context, tx *store.Tx, name string, a Action) error {
	u, found, err := Find(ctx, tx, name)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.Invalid("people.unknown", name).On("--as", name)
	case !u.May(a):
		return fault.Invalid("people.denied", name, string(a), u.Roles).On("--as", name)
	}
	return nil
}
