package subaccounts

import (
	"context"

	"custody/internal/store"
	"custody/internal/translog"
)

// voucherLog is the voucher log of a custody account, for roots and proofs.
type voucherLog struct {
	tx      *store.Tx
	custody int64
}

// Log returns the voucher log: its leaf i, counted from 0, is voucher i+1.
func (b *Book) Log(tx *store.Tx) translog.Source { return voucherLog{tx, b.id} }

// Leaves returns the leaves at positions from to before to, counted from 0.
func (s voucherLog) Leaves(ctx context.Context, from, to int64) ([]translog.Hash, error) {
	return s.hashes(ctx, from, to, `SELECT leaf_hash FROM vouchers
		WHERE custody_id = ? AND voucher_id > ? AND voucher_id <= ? ORDER BY voucher_id`, s.custody, from, to)
}

// Tiles returns the inner nodes of a level.
func (s voucherLog) Tiles(ctx context.Context, level int, from, to int64) ([]translog.Hash, error) {
	return s.hashes(ctx, from, to, `SELECT hash FROM voucher_log_nodes
		WHERE custody_id = ? AND level = ? AND node >= ? AND node < ? ORDER BY node`, s.custody, level, from, to)
}

func (s voucherLog) hashes(ctx context.Context, from, to int64, query string, args ...any) ([]translog.Hash, error) {
	out := make([]translog.Hash, 0, to-from)
	err := s.tx.Each(ctx, query, args, func(scan func(...any) error) error {
		var raw []byte
		if err := scan(&raw); err != nil {
			return err
		}
		var h translog.Hash
		copy(h[:], raw)
		out = append(out, h)
		return nil
	})
	return out, err
}

// VoucherRoot returns the size and the root of the voucher log.
func (b *Book) VoucherRoot(ctx context.Context, tx *store.Tx) (int64, translog.Hash, error) {
	var size int64
	if err := tx.Get(ctx, &size, "SELECT voucher_count FROM custodies WHERE custody_id = ?", b.id); err != nil {
		return 0, translog.Hash{}, err
	}
	tree, err := translog.NewTree(b.Log(tx), size)
	if err != nil {
		return 0, translog.Hash{}, err
	}
	root, err := tree.Root(ctx)
	return size, root, err
}
