package clearing

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"custody/clearing/exceptions"
	"custody/clearing/outbox"
	"custody/clearing/payout"
	"custody/internal/atomicfile"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// failedChecks returns a Books fault that names the checks that do not hold.
func failedChecks(views []CheckView, date bizdate.Date) error {
	for _, v := range views {
		if !v.OK {
			return fault.Broken("day.check", date, v.ID, v.Difference)
		}
	}
	return nil
}

// stepCloseDay closes the day (关账): the ledger takes no more entries dated on
// it, its opening and closing balances are fixed, and its result is hashed.
func (w *Work) stepCloseDay(ctx context.Context) (Counts, error) {
	return w.once(ctx, stepClose, "", nil, func(tx *store.Tx) (Counts, error) {
		if err := w.Book.CloseDay(ctx, tx, w.Date); err != nil {
			return Counts{}, err
		}
		if err := w.moveDay(ctx, tx, w.Date, DayClosed); err != nil {
			return Counts{}, err
		}
		hash, err := w.resultHash(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		d, _, err := w.day(ctx, tx, w.Date)
		if err != nil {
			return Counts{}, err
		}
		d.ResultHash = hash
		return Counts{In: 1, Done: 1}, w.saveDay(ctx, tx, d, "day.result")
	})
}

// resultHash is SHA-256 over the business facts of the day in the order of
// their business keys: the same inputs and decisions give the same hash, on
// any machine and after any interruption. It leaves out when, by which attempt
// and under which database ids.
func (w *Work) resultHash(ctx context.Context, tx *store.Tx) (string, error) {
	digest := sha256.New()
	out := bufio.NewWriterSize(digest, 64<<10)
	fmt.Fprintf(out, "day %s %s\n", w.Config.Code, w.Date)
	if n, err := w.version(ctx, tx, w.Date); err != nil {
		return "", err
	} else if n > 1 {
		fmt.Fprintf(out, "version %d\n", n)
	}
	for _, write := range []func(context.Context, *store.Tx, io.Writer) error{w.hashSteps, w.hashVouchers, w.hashMatches, w.hashExceptions, w.hashPayouts, w.hashInstructions} {
		if err := write(ctx, tx, out); err != nil {
			return "", err
		}
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

func (w *Work) hashSteps(ctx context.Context, tx *store.Tx, out io.Writer) error {
	return tx.Each(ctx, `SELECT phase, step, scope, n_in, n_done, n_skipped, n_failed FROM runs
		WHERE custody_id = ? AND accounting_date = ? AND state = 'DONE' AND step NOT IN ('close', 'reports', 'seal') ORDER BY phase, step, scope`,
		[]any{w.Book.ID(), w.Date}, func(scan func(...any) error) error {
			var phase, step, scope string
			var c Counts
			if err := scan(&phase, &step, &scope, &c.In, &c.Done, &c.Skipped, &c.Failed); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "step %s %s %s %d %d %d %d\n", phase, step, scope, c.In, c.Done, c.Skipped, c.Failed)
			return err
		})
}

// hashVouchers writes number, event, reference and content hash, which covers
// date, accounts, items and amounts.
func (w *Work) hashVouchers(ctx context.Context, tx *store.Tx, out io.Writer) error {
	q := store.PageQuery{Key: "voucher_no", Columns: []string{"event", "reference", tx.Hex("content_hash")},
		From: "vouchers WHERE custody_id = ? AND accounting_date = ?", Args: []any{w.Book.ID(), w.Date}}
	var line []byte
	return tx.Pages(ctx, q, func(r *store.Row) error {
		line = append(line[:0], "voucher"...)
		for i := range 1 + len(q.Columns) {
			line = append(append(line, ' '), r.Text(i)...)
		}
		_, err := out.Write(append(line, '\n'))
		return err
	})
}

// hashMatches writes what each bill came to and how its rows were matched. Which
// row is which order stands in the vouchers of the split and of refunds; places
// in files are no business fact, and the same rows may come in another order.
func (w *Work) hashMatches(ctx context.Context, tx *store.Tx, out io.Writer) error {
	for _, ch := range w.Config.Channels {
		f, ok, err := w.file(ctx, tx, fileBill, ch.Code, w.Date)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		fmt.Fprintf(out, "bill %s %s %d %d %d %d\n", ch.Code, f.State, f.Rows, f.Pay, f.Refund, f.Fee)
		err = tx.Each(ctx, `SELECT rule, COUNT(*) FROM trade_matches
			WHERE custody_id = ? AND bill_file_id = ? AND accounting_date = ? GROUP BY rule ORDER BY rule`, []any{w.Book.ID(), f.ID, w.Date},
			func(scan func(...any) error) error {
				var rule string
				var n int
				if err := scan(&rule, &n); err != nil {
					return err
				}
				_, err := fmt.Fprintf(out, "matched %s %d\n", rule, n)
				return err
			})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Work) hashExceptions(ctx context.Context, tx *store.Tx, out io.Writer) error {
	list, err := exceptions.AsOf(ctx, tx, w.Book.ID(), w.Date)
	for _, e := range list {
		fmt.Fprintf(out, "exception %s %s %s %d %s %d\n", e.Kind, e.Subject, e.OpenedDate, e.Amount, e.Channel, e.ClearingDate)
	}
	return err
}

func (w *Work) hashPayouts(ctx context.Context, tx *store.Tx, out io.Writer) error {
	batches, err := payout.BatchesFor(ctx, tx, w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	for _, b := range batches {
		fmt.Fprintf(out, "batch %s %d %d %s %s\n", b.BatchNo, b.Rows, b.Total, b.FileName, b.SHA256)
	}
	asked, err := payout.OrdersOf(ctx, tx, w.Book.ID(), w.Date)
	for _, o := range asked {
		fmt.Fprintf(out, "order %s %s %s %s %d %d\n", o.Kind, o.Reference, o.Owner, o.AccountNo, o.Amount, o.Fee)
	}
	return err
}

// Seal is what is signed when a day is closed (封存): the roots of both logs and
// what the day came to. Roots are hex.
type Seal struct {
	Custody     string       `json:"custody"`
	Date        bizdate.Date `json:"date"`
	ResultHash  string       `json:"result_hash"`
	Vouchers    int          `json:"vouchers"`
	DebitFen    int64        `json:"debit_fen"`
	VoucherSize int64        `json:"voucher_log_size"`
	VoucherRoot string       `json:"voucher_log_root"`
	AuditSize   int64        `json:"audit_log_size"`
	AuditRoot   string       `json:"audit_log_root"`
	Checks      []CheckView  `json:"checks"`
}

// sealFile is a seal as it lies in seals/: the signed bytes and their signature.
type sealFile struct {
	Seal      json.RawMessage `json:"seal"`
	Algorithm string          `json:"algorithm"`
	KeyID     string          `json:"key_id"`
	Signature string          `json:"signature"`
}

// stepSealDay signs the day and writes the seal to seals/, so that a copy of
// it can live elsewhere.
func (w *Work) stepSealDay(ctx context.Context) (Counts, error) {
	counts, err := w.once(ctx, stepSeal, "", nil, func(tx *store.Tx) (Counts, error) {
		raw, err := w.sealContent(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		sig := w.Key.Signature(raw)
		_, err = tx.Exec(ctx, `INSERT INTO seals (custody_id, accounting_date, content, algorithm, key_id, signature) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (custody_id, accounting_date) DO UPDATE SET content = excluded.content, algorithm = excluded.algorithm,
			key_id = excluded.key_id, signature = excluded.signature`, // the seal of a version that was reopened is in day_versions
			w.Book.ID(), w.Date, string(raw), string(sig.Algorithm), sig.KeyID, hex.EncodeToString(sig.Value))
		if err != nil {
			return Counts{}, err
		}
		sum := sha256.Sum256(raw)
		subject, err := w.sealSubject(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		err = outbox.Intend(ctx, tx, w.Book.ID(), w.Stamp, outbox.Effect{Date: w.Date, Kind: sealEffect, Subject: subject,
			FileName: w.Date.String() + ".json", SHA256: hex.EncodeToString(sum[:])})
		if err != nil {
			return Counts{}, err
		}
		if err := firstErr(w.tellSealed(ctx, tx), w.intendEvents(ctx, tx)); err != nil {
			return Counts{}, err
		}
		return Counts{In: 1, Done: 1}, w.moveDay(ctx, tx, w.Date, DaySealed)
	})
	if err != nil {
		return counts, err
	}
	return counts, firstErr(w.writeSeal(ctx), w.writeEvents(ctx))
}

func (w *Work) sealContent(ctx context.Context, tx *store.Tx) ([]byte, error) {
	d, _, err := w.day(ctx, tx, w.Date)
	if err != nil {
		return nil, err
	}
	t, err := w.Book.Totals(ctx, tx, w.Date)
	if err != nil {
		return nil, err
	}
	s := Seal{Custody: w.Config.Code, Date: w.Date, ResultHash: d.ResultHash, Vouchers: t.Vouchers, DebitFen: int64(t.Debit)}
	size, root, err := w.Book.VoucherRoot(ctx, tx)
	if err != nil {
		return nil, err
	}
	s.VoucherSize, s.VoucherRoot = size, root.String()
	if size, root, err = audit.Root(ctx, tx, w.Book.ID()); err != nil {
		return nil, err
	}
	s.AuditSize, s.AuditRoot = size, root.String()
	if s.Checks, err = w.CheckViews(ctx, tx, w.Date); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// sealEffect is the outbox kind of the files of seals.
const sealEffect = "seal"

// sealPath is where a day's seal lies.
func (e *Engine) sealPath(date bizdate.Date) string {
	return filepath.Join(e.Home, "seals", date.String()+".json")
}

// writeSeal writes the stored seal to its file; the bytes are the same whenever
// it is written.
func (w *Work) writeSeal(ctx context.Context) error {
	var f sealFile
	var former []sealFile
	var subject string
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if former, err = w.formerSeals(ctx, tx); err != nil {
			return err
		}
		if subject, err = w.sealSubject(ctx, tx); err != nil {
			return err
		}
		var row struct {
			Content   string `db:"content"`
			Algorithm string `db:"algorithm"`
			KeyID     string `db:"key_id"`
			Signature string `db:"signature"`
		}
		err = tx.Get(ctx, &row, "SELECT content, algorithm, key_id, signature FROM seals WHERE custody_id = ? AND accounting_date = ?", w.Book.ID(), w.Date)
		f = sealFile{json.RawMessage(row.Content), row.Algorithm, row.KeyID, row.Signature}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.keepSeals(former); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(w.sealPath(w.Date), append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		return outbox.Written(ctx, tx, w.Book.ID(), sealEffect, subject)
	})
}
