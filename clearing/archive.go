package clearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/signing"
	"custody/internal/store"
	"custody/internal/translog"
)

// Archiving (归档) moves the bulk of sealed days out of the database into a
// read-only file: vouchers and entries, orders and their marks, bill rows and their matches.
// Balances, day rows, days, seals, decisions and the audit log stay. Nothing is
// lost to a reader: internal/store reads both holds as one.

// ArchiveSeal is what is signed about an archive file.
type ArchiveSeal struct {
	Custody     string         `json:"custody"`
	From        bizdate.Date   `json:"from"`
	Until       bizdate.Date   `json:"until"`
	File        string         `json:"file"`
	SHA256      string         `json:"sha256"`
	Bytes       int64          `json:"bytes"`
	Tables      []ArchiveTable `json:"tables"`
	VoucherRoot string         `json:"voucher_root"` // Merkle root over the leaves of its vouchers, in the order of the log; hex
	// LogSize and LogRoot are those that the seal of the last archived day signs.
	LogSize   int64        `json:"voucher_log_size"`
	LogRoot   string       `json:"voucher_log_root"`
	KeepUntil bizdate.Date `json:"keep_until"` // by [Retention]; the file may not be thrown away before
	Actor     string       `json:"actor"`
	MadeAt    int64        `json:"made_at"` // Unix milliseconds
}

// ArchiveTable is how many rows of a table an archive holds.
type ArchiveTable struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// auditedArchives is the table of archives as the audit log covers it.
var auditedArchives = audit.Table{Name: "archives", Key: []string{"archive_id"},
	Columns: []string{"until_date", "file_name", "content", "algorithm", "key_id", "signature"}}

// storedArchive is a row of archives.
type storedArchive struct {
	ID        int64        `db:"archive_id"`
	Until     bizdate.Date `db:"until_date"`
	File      string       `db:"file_name"`
	Content   string       `db:"content"`
	Algorithm string       `db:"algorithm"`
	KeyID     string       `db:"key_id"`
	Signature string       `db:"signature"`
}

func archives(ctx context.Context, tx *store.Tx, custodyID int64) ([]storedArchive, error) {
	var list []storedArchive
	err := tx.Select(ctx, &list, `SELECT archive_id, until_date, file_name, content, algorithm, key_id, signature
		FROM archives WHERE custody_id = ? ORDER BY archive_id`, custodyID)
	return list, err
}

// Archives returns the seals of all archives, the earliest first.
func (e *Engine) Archives(ctx context.Context) ([]ArchiveSeal, error) {
	seals := []ArchiveSeal{}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		list, err := archives(ctx, tx, e.Book.ID())
		for _, a := range list {
			var s ArchiveSeal
			if err := json.Unmarshal([]byte(a.Content), &s); err != nil {
				return fault.Broken("archive.seal", a.File).Because(err)
			}
			seals = append(seals, s)
		}
		return err
	})
	return seals, err
}

// Archive moves the sealed days up to until into an archive file of their own,
// signs it and writes its seal to seals/. It takes the lease. Errors are
// archive.engine on a server, archive.unsealed where a day until then is not
// sealed, archive.nothing where no rows are left to move, archive.many where
// there are as many files as can be attached.
func (e *Engine) Archive(ctx context.Context, until bizdate.Date, actor string) (*ArchiveSeal, error) {
	if e.DB.Engine() != "sqlite" {
		return nil, fault.Invalid("archive.engine")
	}
	err := e.DB.Read(ctx, func(tx *store.Tx) error { return people.Require(ctx, tx, actor, people.Run) })
	if err != nil {
		return nil, err
	}
	l, err := e.acquire(ctx, actor)
	if err != nil {
		return nil, err
	}
	defer l.release()
	w := e.work(until, actor, l)
	seal, id, err := w.planArchive(ctx)
	if err != nil {
		return nil, err
	}
	parts := w.archiveParts()
	file, err := e.DB.WriteArchive(ctx, seal.File, parts)
	if err != nil {
		return nil, err
	}
	seal.SHA256, seal.Bytes = file.SHA256, file.Bytes
	for i, p := range parts {
		seal.Tables = append(seal.Tables, ArchiveTable{p.Table, file.Rows[i]})
	}
	if err := w.commitArchive(ctx, id, seal, parts); err != nil {
		return nil, err
	}
	return seal, errors.Join(w.writeArchiveSeal(ctx, id), e.DB.Checkpoint(ctx))
}

// planArchive checks that the days may move and fills in what is known of the
// seal before the file is written.
func (w *Work) planArchive(ctx context.Context) (*ArchiveSeal, int64, error) {
	s := &ArchiveSeal{Custody: w.Config.Code, Until: w.Date, File: w.archiveName(),
		KeepUntil: keepUntil(w.Date), Actor: w.Actor, MadeAt: w.Stamp.UnixMilli()}
	var id int64
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		list, err := archives(ctx, tx, w.Book.ID())
		if err != nil {
			return err
		}
		var all int // of every custody account: a connection attaches them all
		if err := tx.Get(ctx, &all, "SELECT COUNT(*) FROM archives"); err != nil {
			return err
		}
		if all >= store.ArchivesMax {
			return fault.Invalid("archive.many", store.ArchivesMax)
		}
		id = int64(len(list)) + 1
		if n := len(list); n > 0 && list[n-1].Until >= w.Date {
			return fault.Invalid("archive.nothing", w.Date).On("--until", w.Date.String())
		}
		var open bizdate.Date
		found, err := tx.Find(ctx, &open, `SELECT d.accounting_date FROM ledger_days d
			WHERE d.custody_id = ? AND d.accounting_date <= ? AND NOT EXISTS (SELECT 1 FROM days s
				WHERE s.custody_id = d.custody_id AND s.accounting_date = d.accounting_date AND s.state = ?)
			ORDER BY d.accounting_date LIMIT 1`, w.Book.ID(), w.Date, DaySealed)
		if err != nil {
			return err
		}
		if found {
			return fault.Invalid("archive.unsealed", open).On("--until", w.Date.String())
		}
		if err := w.quoteSeal(ctx, tx, s); err != nil {
			return err
		}
		return w.archivedLeaves(ctx, tx, s)
	})
	return s, id, err
}

// archiveName is that of the file. It tells the custody account, because several
// may share a database, and the file of one must never take the place of another's.
func (w *Work) archiveName() string {
	return fmt.Sprintf("until-%s-%d.db", w.Date.Compact(), w.Book.ID())
}

// quoteSeal takes size and root of the voucher log from the last day's seal.
func (w *Work) quoteSeal(ctx context.Context, tx *store.Tx, s *ArchiveSeal) error {
	var content string
	found, err := tx.Find(ctx, &content, "SELECT content FROM seals WHERE custody_id = ? AND accounting_date <= ? ORDER BY accounting_date DESC LIMIT 1",
		w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	var day Seal
	if !found || json.Unmarshal([]byte(content), &day) != nil {
		return fault.Invalid("archive.nothing", w.Date).On("--until", w.Date.String())
	}
	s.LogSize, s.LogRoot = day.VoucherSize, day.VoucherRoot
	return nil
}

// archivedLeaves works out the Merkle root over the vouchers that move, and
// from which date they are.
func (w *Work) archivedLeaves(ctx context.Context, tx *store.Tx, s *ArchiveSeal) error {
	var tree merkleFold
	first, _, err := archivedBefore(ctx, tx, w.Book.ID())
	if err != nil {
		return err
	}
	// The signs keep the dates from choosing an index: years would then be sorted in memory.
	err = tx.Each(ctx, `SELECT accounting_date, leaf_hash FROM vouchers WHERE custody_id = ? AND +accounting_date > ? AND +accounting_date <= ?
		ORDER BY voucher_id`, []any{w.Book.ID(), first, w.Date}, func(scan func(...any) error) error {
		var date bizdate.Date
		var leaf []byte
		if err := scan(&date, &leaf); err != nil {
			return err
		}
		if s.From.IsZero() || date < s.From {
			s.From = date
		}
		var h translog.Hash
		copy(h[:], leaf)
		tree.add(h)
		return nil
	})
	if err == nil && tree.size == 0 {
		return fault.Invalid("archive.nothing", w.Date).On("--until", w.Date.String())
	}
	s.VoucherRoot = tree.root().String()
	return err
}

// archivedBefore returns the last date that is archived already.
func archivedBefore(ctx context.Context, tx *store.Tx, custodyID int64) (until bizdate.Date, found bool, err error) {
	found, err = tx.Find(ctx, &until, "SELECT until_date FROM archives WHERE custody_id = ? ORDER BY archive_id DESC LIMIT 1", custodyID)
	return until, found, err
}

// merkleFold is the root of a log whose leaves come one by one: it holds one
// hash per bit of the size.
type merkleFold struct {
	size   int64
	forest []translog.Hash // roots of perfect trees, the largest first
}

func (m *merkleFold) add(leaf translog.Hash) {
	for n := m.size; n&1 == 1; n >>= 1 {
		last := len(m.forest) - 1
		leaf = translog.NodeHash(m.forest[last], leaf)
		m.forest = m.forest[:last]
	}
	m.forest = append(m.forest, leaf)
	m.size++
}

func (m *merkleFold) root() translog.Hash {
	if m.size == 0 {
		return translog.Root(nil)
	}
	h := m.forest[len(m.forest)-1]
	for i := len(m.forest) - 2; i >= 0; i-- {
		h = translog.NodeHash(m.forest[i], h)
	}
	return h
}

// archiveParts are the rows that move. Adopted orders belong to no file and stay.
func (w *Work) archiveParts() []store.ArchivePart {
	id := w.Book.ID()
	files := " IN (SELECT file_id FROM main.files WHERE custody_id = ? AND business_date <= ? AND kind = '"
	return []store.ArchivePart{
		{Table: "vouchers", Where: "custody_id = ? AND accounting_date <= ?", Args: []any{id, w.Date}},
		{Table: "entries", Where: "custody_id = ? AND accounting_date <= ?", Args: []any{id, w.Date}},
		{Table: "orders", Where: "custody_id = ? AND file_id" + files + fileOrders + "')", Args: []any{id, id, w.Date}},
		{Table: "order_marks", Where: "custody_id = ? AND file_id" + files + fileOrders + "')", Args: []any{id, id, w.Date}},
		{Table: "bill_rows", Where: "custody_id = ? AND file_id" + files + fileBill + "')", Args: []any{id, id, w.Date}},
		{Table: "trade_matches", Where: "custody_id = ? AND bill_file_id" + files + fileBill + "')", Args: []any{id, id, w.Date}},
	}
}

// commitArchive makes the file count and drops the rows that it has taken, in
// one transaction: there is no moment at which a row is in both holds or in none.
func (w *Work) commitArchive(ctx context.Context, id int64, s *ArchiveSeal, parts []store.ArchivePart) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sig := w.Key.Signature(raw)
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := w.checkLease(ctx, tx); err != nil {
			return err
		}
		for i, p := range parts {
			n, err := tx.Drop(ctx, p)
			if err != nil {
				return err
			}
			if n != s.Tables[i].Rows {
				return fault.Broken("archive.rows", p.Table, s.Tables[i].Rows, n)
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO archives (custody_id, archive_id, until_date, file_name, content, algorithm, key_id, signature)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, w.Book.ID(), id, s.Until, s.File, string(raw), string(sig.Algorithm), sig.KeyID, hex.EncodeToString(sig.Value))
		if err != nil {
			return err
		}
		return auditedArchives.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "archive.make", []any{id}, map[string]any{"until": s.Until, "file": s.File})
	})
}

// writeArchiveSeal writes the seal beside those of the days, so that a copy
// can live elsewhere.
func (w *Work) writeArchiveSeal(ctx context.Context, id int64) error {
	var a storedArchive
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		list, err := archives(ctx, tx, w.Book.ID())
		if err == nil {
			a = list[id-1]
		}
		return err
	})
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(sealFile{json.RawMessage(a.Content), a.Algorithm, a.KeyID, a.Signature}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(w.Home, "seals", "archive-"+w.Date.String()+".json")
	return atomicfile.WriteFile(path, append(raw, '\n'), 0o600)
}

// verifyArchives checks each archive's seal and its file byte by byte.
func (e *Engine) verifyArchives(ctx context.Context, tx *store.Tx, r *VerifyReport) error {
	list, err := archives(ctx, tx, e.Book.ID())
	if err != nil {
		return err
	}
	for _, a := range list {
		code, err := e.verifyArchive(a)
		if err != nil {
			return err
		}
		if code != "" {
			r.Problems = append(r.Problems, VerifyProblem{Kind: "archive", Table: "archives", ID: a.File, Code: code, Args: []any{a.File}})
		}
	}
	return nil
}

// verifyArchive returns the code of what does not hold of one archive, or "".
func (e *Engine) verifyArchive(a storedArchive) (string, error) {
	value, err := hex.DecodeString(a.Signature)
	sig := signing.Signature{Algorithm: signing.Algorithm(a.Algorithm), KeyID: a.KeyID, Value: value}
	if err != nil || sig.Verify(e.Key.Public(), []byte(a.Content)) != nil {
		return "archive.signature", nil
	}
	var s ArchiveSeal
	if err := json.Unmarshal([]byte(a.Content), &s); err != nil || s.File != a.File || s.Until != a.Until {
		return "archive.seal", nil
	}
	f, err := os.Open(e.DB.ArchivePath(a.File))
	if errors.Is(err, os.ErrNotExist) {
		return "archive.missing", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, f)
	if err != nil {
		return "", err
	}
	if n != s.Bytes || hex.EncodeToString(digest.Sum(nil)) != s.SHA256 {
		return "archive.changed", nil
	}
	return "", nil
}

// Retention is how long a kind of record must be kept.
type Retention struct {
	Kind   string `json:"kind"` // code of a text
	Years  int    `json:"years"`
	Months int    `json:"months"`
	Source string `json:"source"`
}

// Retentions is the table of terms (保存期限): vouchers and ledgers, statements
// and tie-outs by the rules on accounting archives (会计档案管理办法, 财政部 国家档案局
// 令 79 号); identity and transaction records by the anti-money-laundering law
// (反洗钱法 2024); logs by the cyber security law (网络安全法). Years 0 and months 0
// is forever. No command removes any of them; archiving moves.
var Retentions = []Retention{
	{Kind: "retention.trade", Years: 10, Source: "反洗钱法"},
	{Kind: "retention.ledger", Years: 30, Source: "会计档案管理办法"},
	{Kind: "retention.statement", Years: 10, Source: "会计档案管理办法"},
	{Kind: "retention.annual", Source: "会计档案管理办法"},
	{Kind: "retention.log", Months: 6, Source: "网络安全法"},
}

// ledgerYears is the longest term of what an archive file holds: it has
// vouchers beside orders and bills, and is one file.
const ledgerYears = 30

// keepUntil is the last day on which an archive must be there. The terms run
// from the end of the accounting year (会计年度终了后的第一天算起).
func keepUntil(until bizdate.Date) bizdate.Date {
	return bizdate.New(until.Year()+ledgerYears, time.December, 31)
}
