package subaccounts

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

// Statuses of a bound account.
const (
	BindingPending  = "PENDING"  // small payment sent, not yet confirmed
	BindingVerified = "VERIFIED" // may be paid to
	BindingBlocked  = "BLOCKED"  // after a returned payout, until it is verified again
	BindingUnbound  = "UNBOUND"  // replaced by a later one
)

// Binding is the bank account that a member is paid to (绑定账户).
type Binding struct {
	Member      string `db:"member"`
	Version     int    `db:"version"` // from 1; the highest is in force
	AccountNo   string `db:"account_no"`
	AccountName string `db:"account_name"`
	BankName    string `db:"bank_name"`
	CNAPS       string `db:"cnaps"` // 联行号
	Status      string `db:"status"`
}

const bindingColumns = "member, version, account_no, account_name, bank_name, cnaps, status"

var bindingsAudit = audit.Table{
	Name: "bindings", Key: []string{"member", "version"},
	Columns: []string{"account_no", "account_name", "bank_name", "cnaps", "status"},
}

// Bind records a bank account for a member as PENDING and in force; the one
// before it is unbound. An unknown member is ledger.member_unknown.
func (b *Book) Bind(ctx context.Context, tx *store.Tx, actor string, at time.Time, bind Binding) (version int, err error) {
	for field, value := range map[string]string{"account": bind.AccountNo, "name": bind.AccountName} {
		if !plainText(value, sourceMax) {
			return 0, fault.Invalid("ledger.text").On(field, value)
		}
	}
	if _, found, err := b.GetMember(ctx, tx, bind.Member); err != nil || !found {
		if err == nil {
			err = fault.Invalid("ledger.member_unknown", bind.Member)
		}
		return 0, err
	}
	old, found, err := b.CurrentBinding(ctx, tx, bind.Member)
	if err != nil {
		return 0, err
	}
	if found && old.Status != BindingUnbound {
		if err := b.setBinding(ctx, tx, actor, at, old, "binding.unbind", BindingUnbound); err != nil {
			return 0, err
		}
	}
	bind.Version, bind.Status = old.Version+1, BindingPending
	_, err = tx.Exec(ctx, "INSERT INTO bindings (custody_id, "+bindingColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		b.id, bind.Member, bind.Version, bind.AccountNo, bind.AccountName, bind.BankName, bind.CNAPS, bind.Status)
	if err != nil {
		return 0, err
	}
	return bind.Version, bindingsAudit.Record(ctx, tx, b.id, at, actor, "binding.add", []any{bind.Member, bind.Version}, bind)
}

// VerifyBinding makes the binding in force VERIFIED. Without one it is ledger.binding_unknown.
func (b *Book) VerifyBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return b.changeBinding(ctx, tx, actor, at, member, "binding.verify", BindingVerified)
}

// BlockBinding makes the binding in force BLOCKED: nothing is paid to it until
// it is verified again. Without one it is ledger.binding_unknown.
func (b *Book) BlockBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return b.changeBinding(ctx, tx, actor, at, member, "binding.block", BindingBlocked)
}

// Unbind ends the binding in force: nothing is paid to it any more. Without one
// it is ledger.binding_unknown.
func (b *Book) Unbind(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return b.changeBinding(ctx, tx, actor, at, member, "binding.unbind", BindingUnbound)
}

func (b *Book) changeBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member, action, status string) error {
	bind, found, err := b.CurrentBinding(ctx, tx, member)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("ledger.binding_unknown", member)
	}
	if bind.Status == status {
		return nil
	}
	return b.setBinding(ctx, tx, actor, at, bind, action, status)
}

func (b *Book) setBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, bind Binding, action, status string) error {
	_, err := tx.Exec(ctx, "UPDATE bindings SET status = ? WHERE custody_id = ? AND member = ? AND version = ?",
		status, b.id, bind.Member, bind.Version)
	if err != nil {
		return err
	}
	return bindingsAudit.Record(ctx, tx, b.id, at, actor, action, []any{bind.Member, bind.Version},
		map[string]string{"from": bind.Status, "to": status})
}

// CurrentBinding returns the binding in force of a member, whatever its status,
// and whether there is one.
func (b *Book) CurrentBinding(ctx context.Context, tx *store.Tx, member string) (Binding, bool, error) {
	var bind Binding
	found, err := tx.Find(ctx, &bind, "SELECT "+bindingColumns+` FROM bindings
		WHERE custody_id = ? AND member = ? ORDER BY version DESC LIMIT 1`, b.id, member)
	return bind, found, err
}

// Bindings returns the binding in force of every member that has one, in the
// order of members.
func (b *Book) Bindings(ctx context.Context, tx *store.Tx) ([]Binding, error) {
	var out []Binding
	err := tx.Select(ctx, &out, "SELECT "+bindingColumns+` FROM bindings AS b WHERE custody_id = ? AND version = (
		SELECT max(version) FROM bindings WHERE custody_id = b.custody_id AND member = b.member) ORDER BY member`, b.id)
	return out, err
}
