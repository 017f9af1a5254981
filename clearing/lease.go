package clearing

import (
	"context"
	"errors"
	"fmt"

	"custody/internal/fault"
	"custody/internal/store"
)

// lease keeps the clearing of one custody account to one run at a time. A lock
// beside the database decides, the operating system's or a session's on a
// server, and falls with the process; the token in the database fences off a
// run that lost it.
type lease struct {
	unlock func() error
	token  int64
}

// acquire takes the lease, or returns a Busy fault at once when another run works.
func (e *Engine) acquire(ctx context.Context, holder string) (*lease, error) {
	name := fmt.Sprint(e.Book.ID())
	unlock, ok, err := e.DB.Lock(ctx, name)
	if err != nil {
		return nil, fault.Invalid("lease.file", name).Because(err)
	}
	if !ok {
		return nil, fault.Locked("lease.held", e.Config.Code)
	}
	l := &lease{unlock: unlock}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO leases (custody_id, token, holder) VALUES (?, 1, ?)
			ON CONFLICT (custody_id) DO UPDATE SET token = leases.token + 1, holder = excluded.holder`, e.Book.ID(), holder)
		if err != nil {
			return err
		}
		return tx.Get(ctx, &l.token, "SELECT token FROM leases WHERE custody_id = ?", e.Book.ID())
	})
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return l, nil
}

// release gives the lease back.
func (l *lease) release() { _ = l.unlock() }

// checkLease is asked in every commit of a run.
func (w *Work) checkLease(ctx context.Context, tx *store.Tx) error {
	if w.lease == nil {
		return nil
	}
	var token int64
	if err := tx.Get(ctx, &token, "SELECT token FROM leases WHERE custody_id = ?", w.Book.ID()); err != nil {
		return err
	}
	if token != w.lease.token {
		return fault.Locked("lease.lost", w.Config.Code)
	}
	return nil
}
