package subaccounts

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

var regionsAudit = audit.Table{Name: "member_regions", Key: []string{"member"}, Columns: []string{"region"}}

// SetRegion says which member is the region (区域) above a franchisee. Both must
// be there (ledger.member_unknown), and the region is another member that is not
// a franchisee itself (ledger.region).
func (b *Book) SetRegion(ctx context.Context, tx *store.Tx, actor string, at time.Time, member, region string) error {
	m, found, err := b.GetMember(ctx, tx, member)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("ledger.member_unknown", member)
	}
	above, found, err := b.GetMember(ctx, tx, region)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.Invalid("ledger.member_unknown", region).On("region", region)
	case m.Kind != Franchisee || above.Kind == Franchisee:
		return fault.Invalid("ledger.region", member, region).On("region", region)
	}
	_, err = tx.Exec(ctx, `INSERT INTO member_regions (custody_id, member, region) VALUES (?, ?, ?)
		ON CONFLICT (custody_id, member) DO UPDATE SET region = excluded.region`, b.id, member, region)
	if err != nil {
		return err
	}
	return regionsAudit.Record(ctx, tx, b.id, at, actor, "member.region", []any{member}, map[string]string{"region": region})
}

// Regions returns the region of every franchisee that has one.
func (b *Book) Regions(ctx context.Context, tx *store.Tx) (map[string]string, error) {
	var rows []struct {
		Member string `db:"member"`
		Region string `db:"region"`
	}
	err := tx.Select(ctx, &rows, "SELECT member, region FROM member_regions WHERE custody_id = ? ORDER BY member", b.id)
	regions := make(map[string]string, len(rows))
	for _, r := range rows {
		regions[r.Member] = r.Region
	}
	return regions, err
}
