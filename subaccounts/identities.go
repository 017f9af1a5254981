package subaccounts

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

// Kinds of members in law.
const (
	Company = "COMPANY" // 单位
	Person  = "PERSON"  // 个人
)

// Identity is who a member is in law (实名信息). Number is the unified social
// credit code or the resident identity number, masked: it is personal data, and
// its check digit was looked at before.
type Identity struct {
	Member string `db:"member" json:"member"`
	Kind   string `db:"legal_kind" json:"legal_kind"`
	Name   string `db:"legal_name" json:"legal_name"`
	Number string `db:"id_masked" json:"id_number"`
}

const identityColumns = "member, legal_kind, legal_name, id_masked"

// identitiesAudit is the table as the audit log covers it.
var identitiesAudit = audit.Table{Name: "identities", Key: []string{"member"}, Columns: []string{"legal_kind", "legal_name", "id_masked"}}

// SetIdentity records who a member is in law. An unknown member is
// ledger.member_unknown, another kind ledger.legal_kind.
func (b *Book) SetIdentity(ctx context.Context, tx *store.Tx, actor string, at time.Time, i Identity) error {
	_, found, err := b.GetMember(ctx, tx, i.Member)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.Invalid("ledger.member_unknown", i.Member)
	case i.Kind != Company && i.Kind != Person:
		return fault.Invalid("ledger.legal_kind", i.Kind).On("legal_kind", i.Kind)
	case !plainText(i.Name, sourceMax):
		return fault.Invalid("ledger.text").On("legal_name", i.Name)
	}
	_, err = tx.Exec(ctx, "INSERT INTO identities (custody_id, "+identityColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (custody_id, member) DO UPDATE SET legal_kind = excluded.legal_kind, legal_name = excluded.legal_name, id_masked = excluded.id_masked`,
		b.id, i.Member, i.Kind, i.Name, i.Number)
	if err != nil {
		return err
	}
	return identitiesAudit.Record(ctx, tx, b.id, at, actor, "identity.set", []any{i.Member}, i)
}

// GetIdentity returns who a member is in law, and whether it is known.
func (b *Book) GetIdentity(ctx context.Context, tx *store.Tx, member string) (Identity, bool, error) {
	var i Identity
	found, err := tx.Find(ctx, &i, "SELECT "+identityColumns+" FROM identities WHERE custody_id = ? AND member = ?", b.id, member)
	return i, found, err
}
