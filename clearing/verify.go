package clearing

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"custody/clearing/approval"
	"custody/clearing/escrow"
	"custody/clearing/events"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/recharge"
	"custody/clearing/signedorder"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/signing"
	"custody/internal/store"
	"custody/internal/translog"
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
		if err := e.verifyArchives(ctx, tx, report); err != nil {
			return err
		}
		problems, counts, err := e.Book.Verify(ctx, tx, progress)
		if err != nil {
			return err
		}
		report.Entries, report.Vouchers = counts.Entries, counts.Vouchers
		for _, p := range problems {
			report.add(p)
		}
		for _, table := range []audit.Table{approval.Audited, auditedRules, auditedDays, escrow.Audited, auditedArchives, auditedParameters,
			auditedVerifications, auditedWithholdings, payout.AuditedOrders, recharge.Audited, signedorder.AuditedKeys, signedorder.AuditedOrders} {
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
		if err := verifyEvents(ctx, tx, e.Book.ID(), report); err != nil {
			return err
		}
		return e.verifySeals(ctx, tx, report)
	})
	damaged := slices.ContainsFunc(report.Problems, func(p VerifyProblem) bool { return p.Kind == "archive" })
	if damaged && ctx.Err() == nil {
		err = nil // a file that is not what was sealed may not be readable to the end either
	}
	report.OK = len(report.Problems) == 0
	return report, err
}

func (r *VerifyReport) add(p subaccounts.Problem) {
	r.Problems = append(r.Problems, VerifyProblem{Kind: p.Kind, Table: p.Table, ID: p.ID, Code: p.Code, Args: p.Args})
}

func (r *VerifyReport) addFinding(f audit.Finding) {
	r.Problems = append(r.Problems, VerifyProblem{Kind: "audit", Table: f.Table, ID: f.Key, Code: f.Code, Args: []any{f.Table, f.Key}})
}

// verifyEvents checks that no row of the event log is gone.
func verifyEvents(ctx context.Context, tx *store.Tx, custodyID int64, r *VerifyReport) error {
	err := events.Verify(ctx, tx, custodyID)
	if f := fault.Of(err); f != nil && f.Kind == fault.Books {
		r.Problems = append(r.Problems, VerifyProblem{Kind: "events", Table: "event_log", Code: f.Code, Args: f.Args})
		return nil
	}
	return err
}

// verifyUsers compares users with their last event; the table is shared by all
// custody accounts, so only users whom this one's log knows are compared.
func (e *Engine) verifyUsers(ctx context.Context, tx *store.Tx, r *VerifyReport) error {
	latest := map[string][]byte{}
	err := tx.Each(ctx, "SELECT key, digest FROM audit_events WHERE custody_id = ? AND subject = 'users' ORDER BY event_id",
		[]any{e.Book.ID()}, func(scan func(...any) error) error {
			var name string
			var digest []byte
			err := scan(&name, &digest)
			latest[name] = digest
			return err
		})
	if err != nil {
		return err
	}
	users, err := people.All(ctx, tx)
	if err != nil {
		return err
	}
	for _, u := range users {
		digest, known := latest[u.Name]
		switch {
		case !known:
			r.addFinding(audit.Finding{Table: "users", Key: u.Name, Code: "audit.added"})
		case !bytes.Equal(digest, u.Digest()):
			r.addFinding(audit.Finding{Table: "users", Key: u.Name, Code: "audit.changed"})
		}
		delete(latest, u.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(latest)) {
		if len(latest[name]) > 0 {
			r.addFinding(audit.Finding{Table: "users", Key: name, Code: "audit.removed"})
		}
	}
	return nil
}

// storedSeal is a row of seals.
type storedSeal struct {
	Date      bizdate.Date `db:"accounting_date"`
	Content   string       `db:"content"`
	Algorithm string       `db:"algorithm"`
	KeyID     string       `db:"key_id"`
	Signature string       `db:"signature"`
}

// verifySeals checks that every sealed day has its seal and no other day has
// one, and each seal's signature, result and log roots: both logs must still
// begin with what was signed.
func (e *Engine) verifySeals(ctx context.Context, tx *store.Tx, r *VerifyReport) error {
	sealed := map[bizdate.Date]string{} // result hashes
	err := tx.Each(ctx, "SELECT accounting_date, result_hash FROM days WHERE custody_id = ? AND state = ?", []any{e.Book.ID(), DaySealed},
		func(scan func(...any) error) error {
			var date bizdate.Date
			var hash string
			err := scan(&date, &hash)
			sealed[date] = hash
			return err
		})
	if err := firstErr(err, e.reopenedSeals(ctx, tx, sealed)); err != nil {
		return err
	}
	var seals []storedSeal
	err = tx.Select(ctx, &seals, "SELECT accounting_date, content, algorithm, key_id, signature FROM seals WHERE custody_id = ? ORDER BY accounting_date", e.Book.ID())
	if err != nil {
		return err
	}
	bad := func(code string, date bizdate.Date) {
		r.Problems = append(r.Problems, VerifyProblem{Kind: "seal", Table: "seals", ID: date.String(), Code: code, Args: []any{date}})
	}
	for _, s := range seals {
		hash, known := sealed[s.Date]
		code, err := e.verifySeal(ctx, tx, s, hash)
		switch {
		case err != nil:
			return err
		case !known:
			bad("seal.day", s.Date)
		case code != "":
			bad(code, s.Date)
		}
		delete(sealed, s.Date)
	}
	for _, date := range slices.Sorted(maps.Keys(sealed)) {
		bad("seal.missing", date)
	}
	findings, _, err := auditedSignoffs.Verify(ctx, tx, e.Book.ID())
	for _, f := range findings {
		r.addFinding(f)
	}
	return firstErr(err, e.verifyFormerSeals(ctx, tx, bad))
}

// reopenedSeals adds the days that are open again and still show the seal of the
// version that fell.
func (e *Engine) reopenedSeals(ctx context.Context, tx *store.Tx, sealed map[bizdate.Date]string) error {
	return tx.Each(ctx, `SELECT v.accounting_date, v.result_hash FROM day_versions v
		JOIN seals s ON s.custody_id = v.custody_id AND s.accounting_date = v.accounting_date AND s.signature = v.signature
		WHERE v.custody_id = ?`, []any{e.Book.ID()}, func(scan func(...any) error) error {
		var date bizdate.Date
		var hash string
		err := scan(&date, &hash)
		sealed[date] = hash
		return err
	})
}

// verifyFormerSeals checks the seals of versions that a reopening made fall.
func (e *Engine) verifyFormerSeals(ctx context.Context, tx *store.Tx, bad func(string, bizdate.Date)) error {
	var versions []struct {
		storedSeal
		Hash string `db:"result_hash"`
	}
	err := tx.Select(ctx, &versions, `SELECT accounting_date, seal AS content, algorithm, key_id, signature, result_hash FROM day_versions
		WHERE custody_id = ? ORDER BY accounting_date, version`, e.Book.ID())
	for _, v := range versions {
		code, verifyErr := e.verifySeal(ctx, tx, v.storedSeal, v.Hash)
		if verifyErr != nil {
			return verifyErr
		}
		if code != "" {
			bad(code, v.Date)
		}
	}
	return err
}

// verifySeal returns the code of what does not hold of one seal, or "".
func (e *Engine) verifySeal(ctx context.Context, tx *store.Tx, stored storedSeal, hash string) (string, error) {
	value, err := hex.DecodeString(stored.Signature)
	sig := signing.Signature{Algorithm: signing.Algorithm(stored.Algorithm), KeyID: stored.KeyID, Value: value}
	if err != nil || sig.Verify(e.Key.Public(), []byte(stored.Content)) != nil {
		return "seal.signature", nil
	}
	var s Seal
	if err := json.Unmarshal([]byte(stored.Content), &s); err != nil || s.ResultHash != hash || s.Date != stored.Date {
		return "seal.content", nil
	}
	for _, log := range []struct {
		source translog.Source
		size   int64
		root   string
	}{{e.Book.Log(tx), s.VoucherSize, s.VoucherRoot}, {audit.Log(tx, e.Book.ID()), s.AuditSize, s.AuditRoot}} {
		tree, err := translog.NewTree(log.source, log.size)
		if err != nil {
			return "", err
		}
		root, err := tree.Root(ctx)
		if err != nil && ctx.Err() != nil {
			return "", err
		}
		if err != nil || root.String() != log.root { // a log that is shorter now cannot give the root
			return "seal.log", nil
		}
	}
	return "", nil
}
