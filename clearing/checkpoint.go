package clearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"custody/internal/fault"
	"custody/internal/store"
)

// stepRun is a row of runs: the checkpoint of one step and scope.
type stepRun struct {
	State      string `db:"state"`
	InputsHash string `db:"inputs_hash"`
	In         int    `db:"n_in"`
	Done       int    `db:"n_done"`
	Skipped    int    `db:"n_skipped"`
	Failed     int    `db:"n_failed"`
	Cursor     int64  `db:"cursor"`
}

func (r stepRun) counts() Counts { return Counts{r.In, r.Done, r.Skipped, r.Failed} }

// part is what one commit group of a step did.
type part struct {
	counts Counts
	cursor int64 // where the next group begins
	last   bool  // the step is done with this group
}

func hashInputs(inputs []string) string {
	sum := sha256.Sum256([]byte(strings.Join(inputs, "\n")))
	return hex.EncodeToString(sum[:])
}

// once runs fn in one transaction, together with the step's checkpoint. When
// the step has been done for the scope it returns the old counts and runs nothing.
func (w *Work) once(ctx context.Context, step, scope string, inputs []string, fn func(*store.Tx) (Counts, error)) (Counts, error) {
	return w.inGroups(ctx, step, scope, inputs, func(tx *store.Tx, _ int64) (part, error) {
		c, err := fn(tx)
		return part{counts: c, last: true}, err
	})
}

// inGroups runs fn once per commit group until it says that the group was the
// last. Work and checkpoint commit together: after a kill the next run goes on
// at the cursor of the last commit. Between groups the writer is free.
func (w *Work) inGroups(ctx context.Context, step, scope string, inputs []string, fn func(tx *store.Tx, cursor int64) (part, error)) (Counts, error) {
	for {
		var run stepRun
		err := w.DB.Tx(ctx, func(tx *store.Tx) error {
			if err := w.checkLease(ctx, tx); err != nil {
				return err
			}
			found, err := w.findRun(ctx, tx, step, scope, &run)
			if err != nil {
				return err
			}
			hash := hashInputs(inputs)
			if found && run.InputsHash != hash {
				return fault.Broken("run.inputs", step, scope, w.Date)
			}
			if run.State == "DONE" {
				return nil
			}
			p, err := fn(tx, run.Cursor)
			if err != nil {
				return err
			}
			sum := run.counts().Add(p.counts)
			run = stepRun{State: "RUNNING", InputsHash: hash, In: sum.In, Done: sum.Done, Skipped: sum.Skipped, Failed: sum.Failed, Cursor: p.cursor}
			if p.last {
				run.State = "DONE"
			}
			return w.saveRun(ctx, tx, step, scope, run)
		})
		if err != nil || run.State == "DONE" {
			return run.counts(), err
		}
		if w.Progress != nil {
			w.Progress(step, run.In, 0)
		}
	}
}

const runKey = " WHERE custody_id = ? AND accounting_date = ? AND step = ? AND scope = ? AND state <> 'SUPERSEDED'"

func (w *Work) findRun(ctx context.Context, tx *store.Tx, step, scope string, run *stepRun) (bool, error) {
	return tx.Find(ctx, run, "SELECT state, inputs_hash, n_in, n_done, n_skipped, n_failed, cursor FROM runs"+runKey,
		w.Book.ID(), w.Date, step, scope)
}

func (w *Work) saveRun(ctx context.Context, tx *store.Tx, step, scope string, run stepRun) error {
	var finished any
	if run.State == "DONE" {
		finished = w.Stamp.UnixMilli()
	}
	_, err := tx.Exec(ctx, `INSERT INTO runs (custody_id, accounting_date, phase, step, scope, round, version, state, inputs_hash,
			n_in, n_done, n_skipped, n_failed, cursor, actor, started_at, finished_at)
		VALUES (?, ?, ?, ?, ?, 1, (SELECT COALESCE(MAX(version), 0) + 1 FROM runs WHERE custody_id = ? AND accounting_date = ? AND step = ? AND scope = ?
			AND state = 'SUPERSEDED'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (custody_id, accounting_date, phase, step, scope, round, version) DO UPDATE SET
			state = excluded.state, inputs_hash = excluded.inputs_hash, n_in = excluded.n_in, n_done = excluded.n_done,
			n_skipped = excluded.n_skipped, n_failed = excluded.n_failed, cursor = excluded.cursor, finished_at = excluded.finished_at`,
		w.Book.ID(), w.Date, phaseOf(step), step, scope, w.Book.ID(), w.Date, step, scope, run.State, run.InputsHash,
		run.In, run.Done, run.Skipped, run.Failed, run.Cursor, w.Actor, w.Stamp.UnixMilli(), finished)
	return err
}

// isDone reports whether the step has been done for the scope on the date.
func (w *Work) isDone(ctx context.Context, step, scope string) (bool, error) {
	var run stepRun
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		_, err := w.findRun(ctx, tx, step, scope, &run)
		return err
	})
	return run.State == "DONE", err
}
