package clearing

import (
	"context"
	"encoding/json"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// parameterPayer is the kind of parameter that says whose money a payer sends (付款人关联).
const parameterPayer = "payer"

const parameterChange = "parameter" // kind of the approval

// Parameter is a figure or rule that two people set (参数): the latest version
// whose effective date has come holds. Nothing is ever changed or deleted; an
// empty content ends what was there.
type Parameter struct {
	Kind      string          `json:"kind"`
	Subject   string          `json:"subject"`
	Effective bizdate.Date    `json:"effective"`
	Content   json.RawMessage `json:"content"`
}

// auditedParameters is the table as the audit log covers it.
var auditedParameters = audit.Table{Name: "parameters", Key: []string{"kind", "subject", "version"},
	Columns: []string{"effective_date", "content", "approval_id"}}

// parameterRow is a row of parameters.
type parameterRow struct {
	Subject   string       `db:"subject"`
	Version   int          `db:"version"`
	Effective bizdate.Date `db:"effective_date"`
	Content   string       `db:"content"`
	Approval  string       `db:"approval_id"`
}

// askParameter submits a parameter; effective from the collecting day where it
// names no date. A date that has passed is action.effective: what was done by the
// old figure stays done.
// label names the approval, which is printed where an account must not be.
func (e *Engine) askParameter(ctx context.Context, actor, label string, p Parameter, check func(context.Context, *store.Tx) error) (id string, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		today, err := w.today(ctx, tx)
		if err != nil {
			return err
		}
		if p.Effective.IsZero() {
			p.Effective = today
		}
		if p.Effective < today {
			return fault.Invalid("action.effective", today).On("--effective", p.Effective.String())
		}
		if check != nil {
			if err := check(ctx, tx); err != nil {
				return err
			}
		}
		subject := "PARAM-" + label
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), parameterChange, subject); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, id, parameterChange, subject, p)
	})
	return id, err
}

// decideParameter puts an approved parameter in force.
func (w *Work) decideParameter(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var p Parameter
	if err := json.Unmarshal([]byte(a.Content), &p); err != nil {
		return err
	}
	var last int
	err := tx.Get(ctx, &last, "SELECT COALESCE(MAX(version), 0) FROM parameters WHERE custody_id = ? AND kind = ? AND subject = ?", w.Book.ID(), p.Kind, p.Subject)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO parameters (custody_id, kind, subject, version, effective_date, content, approval_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
		w.Book.ID(), p.Kind, p.Subject, last+1, p.Effective, string(p.Content), a.ID)
	if err != nil {
		return err
	}
	return auditedParameters.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "parameter.set", []any{p.Kind, p.Subject, last + 1}, p)
}

// parameters returns what holds on a date by subject. Of versions with the same
// effective date the later one holds.
func (e *Engine) parameters(ctx context.Context, tx *store.Tx, kind string, date bizdate.Date) (map[string]parameterRow, error) {
	var rows []parameterRow
	err := tx.Select(ctx, &rows, `SELECT subject, version, effective_date, content, approval_id FROM parameters
		WHERE custody_id = ? AND kind = ? AND effective_date <= ? ORDER BY subject, effective_date, version`, e.Book.ID(), kind, date)
	held := make(map[string]parameterRow, len(rows))
	for _, r := range rows {
		held[r.Subject] = r
	}
	return held, err
}
