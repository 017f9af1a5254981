package clearing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"custody/internal/fault"
	"custody/internal/store"
)

// lease keeps the clearing of one custody account to one run at a time. The
// operating system's lock on a file in the home decides and falls with the
// process; the token in the database fences off a run that lost it.
type lease struct {
	file  *os.File
	token int64
}

// acquire takes the lease, or returns a Busy fault at once when another run works.
func (e *Engine) acquire(ctx context.Context, holder string) (*lease, error) {
	path := filepath.Join(e.Home, fmt.Sprintf(".lock-%d", e.Book.ID()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Invalid("lease.file", path).Because(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fault.Locked("lease.held", e.Config.Code).Because(err), f.Close())
	}
	l := &lease{file: f}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO leases (custody_id, token, holder) VALUES (?, 1, ?)
			ON CONFLICT (custody_id) DO UPDATE SET token = leases.token + 1, holder = excluded.holder`, e.Book.ID(), holder)
		if err != nil {
			return err
		}
		return tx.Get(ctx, &l.token, "SELECT token FROM leases WHERE custody_id = ?", e.Book.ID())
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// release gives the lease back; closing the file drops the lock.
func (l *lease) release() { _ = l.file.Close() }

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
