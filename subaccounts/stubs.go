package subaccounts

import (
	"context"
	"time"

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
	Partner string `db:"partner"`
	Status  string `db:"status"`
}

// Binding is a bound bank account (绑定账户).
type Binding struct {
	Member      string `db:"member"`
	Version     int    `db:"version"`
	AccountNo   string `db:"account_no"`
	AccountName string `db:"account_name"`
	BankName    string `db:"bank_name"`
	CNAPS       string `db:"cnaps"`
	Status      string `db:"status"`
}

func (b *Book) AddMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, m Member) error {
	_, err := tx.Exec(ctx, "INSERT INTO members (custody_id, code, name, kind, partner, status) VALUES (?, ?, ?, ?, ?, ?)",
		b.id, m.Code, m.Name, m.Kind, m.Partner, m.Status)
	return err
}
func (b *Book) UpdateMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, code, status string) error {
	return nil
}
func (b *Book) GetMember(ctx context.Context, tx *store.Tx, code string) (Member, bool, error) {
	return Member{}, false, nil
}
func (b *Book) Members(ctx context.Context, tx *store.Tx) ([]Member, error) { return nil, nil }
func (b *Book) Bind(ctx context.Context, tx *store.Tx, actor string, at time.Time, bind Binding) (version int, err error) {
	return 0, nil
}
func (b *Book) VerifyBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return nil
}
func (b *Book) BlockBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return nil
}
func (b *Book) CurrentBinding(ctx context.Context, tx *store.Tx, member string) (Binding, bool, error) {
	return Binding{}, false, nil
}

// Problem is one thing that does not hold.
type Problem struct {
	Kind, Table, ID string
	Code            string // of the sentence
	Args            []any
}

// Counts says what Verify looked at.
type Counts struct{ Vouchers, Entries, Accounts, Events int64 }

func (b *Book) Verify(ctx context.Context, tx *store.Tx, progress func(string)) ([]Problem, Counts, error) {
	return nil, Counts{}, nil
}
