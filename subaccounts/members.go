package subaccounts

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

// Kinds of members.
const (
	Franchisee = "FRANCHISEE" // 加盟商
	Partner    = "PARTNER"    // 渠道合作方
)

// Statuses of a member.
const (
	StatusNormal  = "NORMAL"
	StatusStopped = "STOPPED" // 止付: receives, does not pay
	StatusFrozen  = "FROZEN"  // 不收不付
	StatusClosed  = "CLOSED"  // 销户
)

// Member is a franchisee (加盟商) or channel partner (渠道合作方).
type Member struct {
	Code    string `db:"code"`
	Name    string `db:"name"`
	Kind    string `db:"kind"`
	Partner string `db:"partner"` // who shares in a franchisee's orders, or ''
	Status  string `db:"status"`
}

const memberColumns = "code, name, kind, partner, status"

var membersAudit = audit.Table{Name: "members", Key: []string{"code"}, Columns: []string{"name", "kind", "partner", "status"}}

// AddMember registers a member; an empty status is NORMAL. A code that is there
// already is ledger.member_exists, a bad field ledger.text or ledger.member_kind.
func (b *Book) AddMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, m Member) error {
	if m.Status == "" {
		m.Status = StatusNormal
	}
	switch {
	case !plainText(m.Code, nameMax):
		return fault.Invalid("ledger.text").On("code", m.Code)
	case !plainText(m.Name, sourceMax):
		return fault.Invalid("ledger.text").On("name", m.Name)
	case m.Kind != Franchisee && m.Kind != Partner:
		return fault.Invalid("ledger.member_kind", m.Code).On("kind", m.Kind)
	}
	_, found, err := b.GetMember(ctx, tx, m.Code)
	if err != nil {
		return err
	}
	if found {
		return fault.Invalid("ledger.member_exists", m.Code)
	}
	_, err = tx.Exec(ctx, "INSERT INTO members (custody_id, "+memberColumns+") VALUES (?, ?, ?, ?, ?, ?)",
		b.id, m.Code, m.Name, m.Kind, m.Partner, m.Status)
	if err != nil {
		return err
	}
	return membersAudit.Record(ctx, tx, b.id, at, actor, "member.add", []any{m.Code}, m)
}

// UpdateMember changes a member's status. CLOSED needs all balances of the
// member at zero, else ledger.member_balance; it cannot be taken back.
func (b *Book) UpdateMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, code, status string) error {
	m, found, err := b.GetMember(ctx, tx, code)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.Invalid("ledger.member_unknown", code)
	case m.Status == status:
		return nil
	case m.Status == StatusClosed:
		return fault.Invalid("ledger.member_closed", code)
	}
	switch status {
	case StatusNormal, StatusStopped, StatusFrozen:
	case StatusClosed:
		if err := b.mayClose(ctx, tx, code); err != nil {
			return err
		}
	default:
		return fault.Invalid("ledger.member_status", code).On("status", status)
	}
	if _, err := tx.Exec(ctx, "UPDATE members SET status = ? WHERE custody_id = ? AND code = ?", status, b.id, code); err != nil {
		return err
	}
	return membersAudit.Record(ctx, tx, b.id, at, actor, "member.status", []any{code}, map[string]string{"from": m.Status, "to": status})
}

func (b *Book) mayClose(ctx context.Context, tx *store.Tx, code string) error {
	balances, err := b.Balances(ctx, tx, Filter{Owner: code})
	if err != nil {
		return err
	}
	for _, a := range balances {
		if a.Balance != 0 {
			return fault.Invalid("ledger.member_balance", code, Key{Code: a.Code, Owner: a.Owner}, a.Balance.Abs())
		}
	}
	return nil
}

// GetMember returns a member, and whether there is one.
func (b *Book) GetMember(ctx context.Context, tx *store.Tx, code string) (Member, bool, error) {
	var m Member
	found, err := tx.Find(ctx, &m, "SELECT "+memberColumns+" FROM members WHERE custody_id = ? AND code = ?", b.id, code)
	return m, found, err
}

// Members returns all members in the order of their codes.
func (b *Book) Members(ctx context.Context, tx *store.Tx) ([]Member, error) {
	var out []Member
	err := tx.Select(ctx, &out, "SELECT "+memberColumns+" FROM members WHERE custody_id = ? ORDER BY code", b.id)
	return out, err
}
