package audit

import (
	"context"

	"custody/internal/store"
	"custody/internal/translog"
)

// Source is the audit log of a custody account, for roots and proofs.
type Source struct {
	tx      *store.Tx
	custody int64
}

var _ translog.Source = Source{}

// Log returns the audit log of a custody account.
func Log(tx *store.Tx, custodyID int64) Source { return Source{tx, custodyID} }

// Leaves returns the leaves at positions from to before to, counted from 0.
func (s Source) Leaves(ctx context.Context, from, to int64) ([]translog.Hash, error) {
	return s.hashes(ctx, from, to, `SELECT leaf_hash FROM audit_events
		WHERE custody_id = ? AND event_id > ? AND event_id <= ? ORDER BY event_id`, s.custody, from, to)
}

// Tiles returns the inner nodes of a level.
func (s Source) Tiles(ctx context.Context, level int, from, to int64) ([]translog.Hash, error) {
	return s.hashes(ctx, from, to, `SELECT hash FROM audit_log_nodes
		WHERE custody_id = ? AND level = ? AND node >= ? AND node < ? ORDER BY node`, s.custody, level, from, to)
}

func (s Source) hashes(ctx context.Context, from, to int64, query string, args ...any) ([]translog.Hash, error) {
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

func (s Source) grow(ctx context.Context, size int64, appended []translog.Hash) error {
	nodes, err := translog.Grow(ctx, s, size, appended)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		_, err := s.tx.Exec(ctx, "INSERT INTO audit_log_nodes (custody_id, level, node, hash) VALUES (?, ?, ?, ?)",
			s.custody, n.Level, n.Index, n.Hash[:])
		if err != nil {
			return err
		}
	}
	return nil
}
