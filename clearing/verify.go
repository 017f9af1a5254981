package clearing

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/signing"
	"custody/internal/store"
	"custody/subaccounts"
)

// VerifyReport is what `custody verify` found.
type VerifyReport struct {
	OK       bool            `json:"ok"`
	Entries  int64           `json:"entries"`
	Vouchers int64           `json:"vouchers"`
	Problems []VerifyProblem `json:"problems"`
}

// VerifyProblem is one thing that does not hold. Message is filled by whoever
// shows it, from Code and Args.
type VerifyProblem struct {
	Kind    string `json:"kind"`
	Table   string `json:"table"`
	ID      string `json:"id"`
	Message string `json:"message"`
	Code    string `json:"-"`
	Args    []any  `json:"-"`
}

// Verify re-derives the whole of the books from the entries, compares people,
// rules, approvals and days with the audit log, and the seals with both. It
// reads one snapshot and changes nothing. progress may be nil.
func (e *Engine) Verify(ctx context.Context, progress func(string)) (*VerifyReport, error) {
	report := &VerifyReport{Problems: []VerifyProblem{}}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		problems, counts, err := e.Book.Verify(ctx, tx, progress)
		if err != nil {
			return err
		}
		report.Entries, report.Vouchers = counts.Entries, counts.Vouchers
		for _, p := range problems {
			report.add(p)
		}
		for _, table := range []audit.Table{approval.Audited, auditedRules, auditedDays} {
			findings, _, err := table.Verify(ctx, tx, e.Book.ID())
			if err != nil {
				return err
			}
			for _, f := range findings {
				report.addFinding(f)
			}
		}
		if err := e.verifyUsers(ctx, tx, report); err != nil {
			return err
		}
		return e.verifySeals(ctx, tx, report)
	})
	report.OK = len(report.Problems) == 0
	return report, err
}

func (r *VerifyReport) add(p subaccounts.Problem) {
	r.Problems = append(r.Problems, VerifyProblem{Kind: p.Kind, Table: p.Table, ID: p.ID, Code: p.Code, Args: p.Args})
}

func (r *VerifyReport) addFinding(f audit.Finding) {
	r.Problems = append(r.Problems, VerifyProblem{Kind: "audit", Table: f.Table, ID: f.Key, Code: f.Code, Args: []any{f.Table, f.Key}})
}

// verifyUsers compares users with their last event; the table is shared by all
// custody accounts, so only users whom this one's log knows are compared.
func (e *Engine) verifyUsers(ctx context.Context, tx *store.Tx, r *VerifyReport) error {
	users, err := people.All(ctx, tx)
	if err != nil {
		return err
	}
	for _, u := range users {
		event, found, err := audit.Latest(ctx, tx, e.Book.ID(), "users", u.Name)
		if err != nil {
			return err
		}
		switch {
		case !found:
			r.addFinding(audit.Finding{Table: "users", Key: u.Name, Code: "audit.added"})
		case !bytes.Equal(event.Digest, u.Digest()):
			r.addFinding(audit.Finding{Table: "users", Key: u.Name, Code: "audit.changed"})
		}
	}
	return nil
}

// verifySeals checks every seal's signature and that the day still came to
// what was signed.
func (e *Engine) verifySeals(ctx context.Context, tx *store.Tx, r *VerifyReport) error {
	return tx.Each(ctx, `SELECT s.accounting_date, s.content, s.algorithm, s.key_id, s.signature, d.result_hash
		FROM seals s JOIN days d ON d.custody_id = s.custody_id AND d.accounting_date = s.accounting_date
		WHERE s.custody_id = ? ORDER BY s.accounting_date`, []any{e.Book.ID()}, func(scan func(...any) error) error {
		var date bizdate.Date
		var content, algorithm, keyID, signature, hash string
		if err := scan(&date, &content, &algorithm, &keyID, &signature, &hash); err != nil {
			return err
		}
		bad := func(code string) {
			r.Problems = append(r.Problems, VerifyProblem{Kind: "seal", Table: "seals", ID: date.String(), Code: code, Args: []any{date}})
		}
		value, err := hex.DecodeString(signature)
		sig := signing.Signature{Algorithm: signing.Algorithm(algorithm), KeyID: keyID, Value: value}
		if err != nil || sig.Verify(e.Key.Public(), []byte(content)) != nil {
			bad("seal.signature")
			return nil
		}
		var s Seal
		if err := json.Unmarshal([]byte(content), &s); err != nil || s.ResultHash != hash || s.Date != date {
			bad("seal.content")
		}
		return nil
	})
}
