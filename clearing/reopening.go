package clearing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Reopening is a maker's request to open a closed day again (重新打开): its matches
// may then be taken back and made anew, and it is closed again with its next
// version. The ledger stays closed: money is corrected on the day that collects.
type Reopening struct {
	Date    bizdate.Date `json:"date"`
	Version int          `json:"version"` // that falls
	Reason  string       `json:"reason"`
	// Falls lists what has to be done again: steps of the day, the sign-off of the
	// day and of later ones, whose reconciliation rests on its matches.
	Falls []string `json:"falls"`
}

// Reopen asks a checker to reopen a closed day, and says what falls.
func (e *Engine) Reopen(ctx context.Context, actor string, date bizdate.Date, reason string) (id string, r Reopening, err error) {
	if reason == "" {
		return "", r, fault.Invalid("reopen.reason").On("--reason", "")
	}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if r, err = e.reopening(ctx, tx, date, reason); err != nil {
			return err
		}
		subject := "REOPEN-" + date.Compact()
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), "reopen", subject); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), e.Clock.Now(), actor, id, "reopen", subject, r)
	})
	return id, r, err
}

// reopening says what falls when the day is reopened now.
func (e *Engine) reopening(ctx context.Context, tx *store.Tx, date bizdate.Date, reason string) (r Reopening, err error) {
	d, found, err := e.day(ctx, tx, date)
	if err != nil {
		return r, err
	}
	if !found || d.State != DaySealed {
		return r, fault.Invalid("reopen.state", date, string(d.State)).On("DATE", date.String())
	}
	r = Reopening{Date: date, Reason: reason, Falls: []string{}}
	if r.Version, err = e.version(ctx, tx, date); err != nil {
		return r, err
	}
	for _, s := range e.fallingSteps() {
		r.Falls = append(r.Falls, "step "+s)
	}
	var signed []bizdate.Date
	err = tx.Select(ctx, &signed, "SELECT DISTINCT accounting_date FROM signoffs WHERE custody_id = ? AND accounting_date >= ? AND fallen = 0 ORDER BY accounting_date",
		e.Book.ID(), date)
	for _, s := range signed {
		r.Falls = append(r.Falls, "signoff "+s.String())
	}
	return r, err
}

// fallingSteps are the steps from the tie-out on: what rests on the matches.
func (e *Engine) fallingSteps() []string {
	names := e.StepNames()
	return names[slices.Index(names, stepTieOut):]
}

// decideReopen keeps what the day had come to as a version of its own, and opens it.
func (w *Work) decideReopen(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var approved Reopening
	if err := json.Unmarshal([]byte(a.Content), &approved); err != nil {
		return err
	}
	now, err := w.reopening(ctx, tx, approved.Date, approved.Reason)
	if err != nil {
		return err
	}
	if fmt.Sprint(now) != fmt.Sprint(approved) {
		return fault.Broken("approval.changed", a.ID)
	}
	d, _, err := w.day(ctx, tx, now.Date)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO day_versions (custody_id, accounting_date, version, result_hash, seal, algorithm, key_id, signature, approval_id, reopened_at)
		SELECT custody_id, accounting_date, CAST(? AS BIGINT), CAST(? AS TEXT), content, algorithm, key_id, signature, CAST(? AS TEXT), CAST(? AS BIGINT)
		FROM seals WHERE custody_id = ? AND accounting_date = ?`, now.Version, d.ResultHash, a.ID, w.Stamp.UnixMilli(), w.Book.ID(), now.Date)
	if err != nil {
		return err
	}
	for _, step := range w.fallingSteps() {
		_, err := tx.Exec(ctx, "UPDATE runs SET state = 'SUPERSEDED' WHERE custody_id = ? AND accounting_date = ? AND step = ?", w.Book.ID(), now.Date, step)
		if err != nil {
			return err
		}
	}
	if err := w.fallSignoffs(ctx, tx, now.Date); err != nil {
		return err
	}
	d.ResultHash = ""
	if err := w.saveDay(ctx, tx, d, "day.reopen"); err != nil {
		return err
	}
	return w.moveDay(ctx, tx, now.Date, DayReopened)
}

// fallSignoffs takes the ground from the signatures of the day and of later ones.
func (w *Work) fallSignoffs(ctx context.Context, tx *store.Tx, from bizdate.Date) error {
	var list []Signoff
	err := tx.Select(ctx, &list, "SELECT "+signoffColumns+" FROM signoffs WHERE custody_id = ? AND accounting_date >= ? AND fallen = 0 ORDER BY accounting_date, role",
		w.Book.ID(), from)
	if err != nil {
		return err
	}
	for _, s := range list {
		_, err := tx.Exec(ctx, "UPDATE signoffs SET fallen = 1 WHERE custody_id = ? AND accounting_date = ? AND version = ? AND role = ?",
			w.Book.ID(), s.Date, s.Version, s.Role)
		if err == nil {
			err = auditedSignoffs.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "signoff.fall", []any{int64(s.Date), int64(s.Version), s.Role}, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sealSubject names the seal of the day's present version in the outbox.
func (w *Work) sealSubject(ctx context.Context, tx *store.Tx) (string, error) {
	n, err := w.version(ctx, tx, w.Date)
	if err != nil || n == 1 {
		return w.Date.String(), err
	}
	return fmt.Sprintf("%s#%d", w.Date, n), nil
}

// keepSeals writes the seals of earlier versions beside the present one, so that
// what was signed once can still be read: 2026-02-13.v1.json.
func (w *Work) keepSeals(versions []sealFile) error {
	for i, f := range versions {
		path := filepath.Join(w.Home, "seals", fmt.Sprintf("%s.v%d.json", w.Date, i+1))
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		raw, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(path, append(raw, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// formerSeals reads the seals of the day's earlier versions, the first first.
func (w *Work) formerSeals(ctx context.Context, tx *store.Tx) (list []sealFile, err error) {
	err = tx.Each(ctx, "SELECT seal, algorithm, key_id, signature FROM day_versions WHERE custody_id = ? AND accounting_date = ? ORDER BY version",
		[]any{w.Book.ID(), w.Date}, func(scan func(...any) error) error {
			var f sealFile
			var content string
			err := scan(&content, &f.Algorithm, &f.KeyID, &f.Signature)
			f.Seal = json.RawMessage(content)
			list = append(list, f)
			return err
		})
	return list, err
}
