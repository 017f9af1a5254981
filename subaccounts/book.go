package subaccounts

import (
	"context"

	"custody/internal/fault"
	"custody/internal/store"
)

// Book is the books of one custody account (存管专户). It holds no state of the
// ledger and may be kept for as long as the program runs.
type Book struct {
	id   int64
	salt [32]byte
}

// Custody is one custody account.
type Custody struct {
	ID        int64  `db:"custody_id"`
	Code      string `db:"code"`
	Name      string `db:"name"`
	AccountNo string `db:"account_no"`
}

// Create registers a custody account. A code or id that is there already is ledger.custody_exists.
func Create(ctx context.Context, tx *store.Tx, id int64, code, name, accountNo string) error {
	var n int
	if err := tx.Get(ctx, &n, "SELECT count(*) FROM custodies WHERE custody_id = ? OR code = ?", id, code); err != nil {
		return err
	}
	if n > 0 {
		return fault.Invalid("ledger.custody_exists", code)
	}
	_, err := tx.Exec(ctx, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (?, ?, ?, ?)", id, code, name, accountNo)
	return err
}

// Open returns the books of a custody account. The salt keeps entries that are
// not shown from being guessed out of a voucher's leaf; it is a secret of the
// custody account and never changes. An unknown code is ledger.custody_unknown.
func Open(ctx context.Context, tx *store.Tx, code string, salt [32]byte) (*Book, error) {
	b := &Book{salt: salt}
	found, err := tx.Find(ctx, &b.id, "SELECT custody_id FROM custodies WHERE code = ?", code)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.Invalid("ledger.custody_unknown", code)
	}
	return b, nil
}

// List returns all custody accounts in the order of their ids.
func List(ctx context.Context, tx *store.Tx) ([]Custody, error) {
	var out []Custody
	err := tx.Select(ctx, &out, "SELECT custody_id, code, name, account_no FROM custodies ORDER BY custody_id")
	return out, err
}

// NextID returns the custody_id for the next [Create].
func NextID(ctx context.Context, tx *store.Tx) (int64, error) {
	var id int64
	err := tx.Get(ctx, &id, "SELECT COALESCE(MAX(custody_id), 0) + 1 FROM custodies")
	return id, err
}

// Guard makes every writing transaction of the handle lock the head of the
// custody account first, so that one writes at a time on a server too.
func (b *Book) Guard(db *store.DB) {
	db.Guard("UPDATE custodies SET voucher_count = voucher_count WHERE custody_id = ?", b.id)
}

// ID returns the custody_id.
func (b *Book) ID() int64 { return b.id }
