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
	"auditor":   {Read},
	"scheduler": {Run, Import, Read},
}

// User is a person, or the scheduler, who may act.
type User struct {
	Name   string `db:"name"`
	OSUser string `db:"os_user"`
	Roles  string `db:"roles"` // separated by spaces
	Status string `db:"status"`
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
func (u User) Digest() []byte { return audit.Digest(u.Name, u.OSUser, u.Roles, u.Status) }

// Add adds a user, or replaces his roles.
func Add(ctx context.Context, tx *store.Tx, custodyID int64, actor string, at time.Time, u User) error {
	for role := range strings.FieldsSeq(u.Roles) {
		if _, known := permissions[role]; !known {
			return fault.Invalid("people.role", role, strings.Join(Roles(), ", ")).On("roles", u.Roles)
		}
	}
	if u.Name == "" || strings.ContainsAny(u.Name, "| \n") {
		return fault.Invalid("people.name").On("name", u.Name)
	}
	u.Status = "ACTIVE"
	_, err := tx.Exec(ctx, `INSERT INTO users (name, os_user, roles, status) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET os_user = excluded.os_user, roles = excluded.roles, status = excluded.status`,
		u.Name, u.OSUser, u.Roles, u.Status)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, custodyID, at, actor, "user.set", "users", u.Name, u.Digest(), u)
}

// All returns every user in order of name.
func All(ctx context.Context, tx *store.Tx) ([]User, error) {
	var users []User
	err := tx.Select(ctx, &users, "SELECT name, os_user, roles, status FROM users ORDER BY name")
	return users, err
}

// Require returns a fault unless the user exists, is active and may do the action.
func Require(ctx context.Context, tx *store.Tx, name string, a Action) error {
	var u User
	found, err := tx.Find(ctx, &u, "SELECT name, os_user, roles, status FROM users WHERE name = ?", name)
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
