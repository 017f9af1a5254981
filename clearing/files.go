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
	"reflect"
	"syscall"
	"time"

	"custody/bankfiles/inspect"
	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// FileState is where a file stands.
type FileState string

// The states of a file. EXPECTED and MISSING are not stored: they follow from
// the timetable.
const (
	FileExpected  FileState = "EXPECTED"
	FileValidated FileState = "VALIDATED" // 校验通过, rows being loaded
	FileLoaded    FileState = "LOADED"    // 已入库
	FileRejected  FileState = "REJECTED"  // 已拒绝, kept as evidence
	FileNoBill    FileState = "NO_BILL"   // 渠道称无交易
	FileWaived    FileState = "WAIVED"    // 两人放行
)

// File is a file that came, or one that is expected.
type File struct {
	ID        int64        `db:"file_id" json:"id,omitempty"`
	Kind      string       `db:"kind" json:"kind"`
	Source    string       `db:"source" json:"source"`
	Date      bizdate.Date `db:"business_date" json:"date"`
	State     FileState    `db:"state" json:"state"`
	Format    string       `db:"format" json:"format"`
	Name      string       `db:"name" json:"name"`
	SHA256    string       `db:"sha256" json:"sha256"`
	Bytes     int64        `db:"bytes" json:"bytes"`
	Rows      int          `db:"row_count" json:"rows"`
	Pay       money.Amount `db:"pay_fen" json:"pay_fen"`
	Refund    money.Amount `db:"refund_fen" json:"refund_fen"`
	Fee       money.Amount `db:"fee_fen" json:"fee_fen"`
	Errors    string       `db:"errors" json:"errors,omitempty"`
	ArrivedAt int64        `db:"arrived_at" json:"arrived_at,omitempty"` // Unix milliseconds
	Due       time.Time    `db:"-" json:"due"`
}

const fileColumns = `file_id, kind, source, business_date, state, format, name, sha256, bytes, row_count,
	pay_fen, refund_fen, fee_fen, errors, arrived_at`

// usable reports whether steps may go on with what the file says.
func (f File) usable() bool {
	return f.State == FileLoaded || f.State == FileNoBill || f.State == FileWaived
}

// ImportOptions are the choices of `custody import`.
type ImportOptions struct {
	Format string // expected format; empty: whatever it is
	DryRun bool   // check only
	Actor  string
}

// ImportReport says what became of one file.
type ImportReport struct {
	File          File   `json:"file"`
	AlreadyLoaded bool   `json:"already_loaded"`
	LoadedOn      string `json:"loaded_on,omitempty"`
	DryRun        bool   `json:"dry_run"`
	// From is the first day of a statement; the file's date is the last.
	From bizdate.Date `json:"from,omitempty"`
}

// maxFileBytes bounds a file from outside: 5,000,000 rows of 600 bytes are 3 GB.
const maxFileBytes = 4 << 30

// Import takes in one file: it keeps the bytes in the vault, checks the whole
// file, and loads it. The same bytes again are a no-op that says when they were
// loaded; other bytes for the same day are a conflict. A file that does not
// hold is REJECTED, kept as evidence, and nothing of it is booked.
func (e *Engine) Import(ctx context.Context, path string, o ImportOptions) (*ImportReport, error) {
	w := e.work(0, o.Actor, nil)
	err := e.DB.Read(ctx, func(tx *store.Tx) error { return people.Require(ctx, tx, o.Actor, people.Import) })
	if err != nil {
		return nil, err
	}
	kept, err := w.keep(path)
	if err != nil {
		return nil, err
	}
	report, err := w.take(ctx, kept, inspect.Format(o.Format), o.DryRun, nil)
	if o.DryRun {
		err = errors.Join(err, kept.discard())
	}
	return report, err
}

// keep copies the file into the vault while it computes the digest, so that
// every later look is at the same bytes even if the file outside changes.
func (w *Work) keep(path string) (*arrival, error) {
	name := filepath.Base(path)
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	case !info.Mode().IsRegular():
		return nil, fault.Invalid("file.regular").In(name)
	case info.Size() > maxFileBytes:
		return nil, fault.Invalid("file.size", info.Size(), int64(maxFileBytes)).In(name)
	}
	src, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	defer src.Close()
	vault := filepath.Join(w.Home, "vault")
	if err := os.MkdirAll(vault, 0o700); err != nil {
		return nil, err
	}
	temp, err := arriving(vault) // a name of its own: two imports may bring one name at a time
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	a := &arrival{name: name}
	err = atomicfile.Write(temp, 0o600, func(out io.Writer) error {
		a.bytes, err = io.Copy(io.MultiWriter(out, digest), io.LimitReader(src, maxFileBytes+1))
		return err
	})
	if err != nil {
		return nil, errors.Join(err, os.Remove(temp))
	}
	a.sha256 = hex.EncodeToString(digest.Sum(nil))
	a.path = filepath.Join(vault, a.sha256[:16]+"-"+name)
	if _, err := os.Lstat(a.path); err == nil {
		a.evidence = true
	}
	return a, os.Rename(temp, a.path)
}

func arriving(vault string) (string, error) {
	f, err := os.CreateTemp(vault, "arriving-")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// discard removes a copy that nobody needs, unless the same bytes were kept
// under the same name before: then it is evidence.
func (a *arrival) discard() error {
	if a.evidence {
		return nil
	}
	return os.Remove(a.path)
}

// take checks and loads a file that lies in the vault. Where accept is given
// and says no, the file is of no concern now: take returns nothing.
func (w *Work) take(ctx context.Context, kept *arrival, format inspect.Format, dryRun bool, accept func(*arrival) bool) (*ImportReport, error) {
	a, err := w.read(kept.path, kept.name, format)
	if err != nil {
		if dryRun {
			return nil, err
		}
		return nil, errors.Join(err, w.reject(ctx, kept, err))
	}
	if accept != nil && !accept(a) {
		return nil, nil
	}
	unlock, err := w.loading()
	if err != nil {
		return nil, err
	}
	defer unlock()
	a.sha256, a.bytes = kept.sha256, kept.bytes
	report := &ImportReport{File: a.file(), DryRun: dryRun}
	old, err := w.inForce(ctx, a)
	if f := fault.Of(err); f != nil && f.Kind == fault.Bad && !dryRun {
		return nil, errors.Join(err, w.reject(ctx, a, err))
	}
	report.From = a.from
	switch {
	case err != nil:
		return nil, err
	case old.ID != 0 && a.kind == fileStatement:
		report.AlreadyLoaded, report.LoadedOn, report.File = true, time.UnixMilli(old.ArrivedAt).In(bizdate.Zone).Format("2006-01-02 15:04:05"), old
		return report, nil
	case old.ID != 0 && old.SHA256 == a.sha256 && old.State != FileValidated:
		report.AlreadyLoaded, report.LoadedOn, report.File = true, time.UnixMilli(old.ArrivedAt).In(bizdate.Zone).Format("2006-01-02 15:04:05"), old
		return report, nil
	case old.ID != 0 && old.SHA256 != a.sha256:
		conflict := fault.Invalid("file.conflict", old.Name, a.date).In(a.name).On("sha256", a.sha256)
		if !dryRun {
			return nil, errors.Join(conflict, w.reject(ctx, a, conflict))
		}
		return nil, conflict
	case dryRun:
		return report, nil
	}
	id, err := w.load(ctx, a, old.ID)
	report.File.ID = id
	if f := fault.Of(err); f != nil && f.Kind == fault.Bad {
		return nil, errors.Join(err, w.reject(ctx, a, err))
	}
	report.File.State = a.loadedState()
	return report, err
}

// loading keeps loads of one home apart, each until its end: whoever finds a
// file half loaded takes its rows away and begins again, which must never meet a
// load that is still at work. The lock falls with the process.
func (w *Work) loading() (unlock func(), err error) {
	path := filepath.Join(w.Home, fmt.Sprintf(".load-%d", w.Book.ID()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Invalid("lease.file", path).Because(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func (a *arrival) loadedState() FileState {
	if a.noBill {
		return FileNoBill
	}
	return FileLoaded
}

func (a *arrival) file() File {
	return File{Kind: a.kind, Source: a.source, Date: a.date, State: FileValidated, Format: string(a.format), Name: a.name,
		SHA256: a.sha256, Bytes: a.bytes, Rows: a.rows, Pay: a.pay, Refund: a.refund, Fee: a.fee, Errors: "[]"}
}

// inForce returns the file that already stands for the same kind, source and
// date; of a statement over several days one only where it stands for all of them.
func (w *Work) inForce(ctx context.Context, a *arrival) (File, error) {
	if a.kind == fileStatement {
		return w.newDays(ctx, a)
	}
	var f File
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Find(ctx, &f, "SELECT "+fileColumns+` FROM files
			WHERE custody_id = ? AND kind = ? AND source = ? AND business_date = ? AND state <> 'REJECTED'`,
			w.Book.ID(), a.kind, a.source, a.date)
		return err
	})
	return f, err
}

// errorRecord is a fault as the files table keeps it.
type errorRecord struct {
	Code  string `json:"code"`
	Line  int    `json:"line,omitempty"`
	Field string `json:"field,omitempty"`
	Value string `json:"value,omitempty"`
	Args  []any  `json:"args,omitempty"` // of the sentence, as text or whole numbers
}

// plainArgs are the arguments of a sentence in a form that JSON gives back: whole
// numbers stay numbers, all else is the text that the sentence would show.
func plainArgs(args []any) []any {
	list := make([]any, len(args))
	for i, arg := range args {
		if _, named := arg.(fmt.Stringer); !named && reflect.ValueOf(arg).CanInt() {
			list[i] = reflect.ValueOf(arg).Int()
			continue
		}
		list[i] = fmt.Sprint(arg)
	}
	return list
}

// reject records the refused file with its faults; its expectation stays open.
func (w *Work) reject(ctx context.Context, a *arrival, cause error) error {
	var records []errorRecord
	var list fault.List
	if !errors.As(cause, &list) {
		if f := fault.Of(cause); f != nil {
			list = fault.List{f}
		}
	}
	for _, f := range list {
		records = append(records, errorRecord{f.Code, f.Line, f.Field, f.Value, plainArgs(f.Args)})
	}
	raw, err := json.Marshal(records)
	if err != nil {
		return err
	}
	f := a.file()
	f.State, f.Errors = FileRejected, string(raw)
	if dates := nameDates(a.name); f.Date.IsZero() && len(dates) == 1 {
		f.Date = dates[0]
	}
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		var same int
		err := tx.Get(ctx, &same, "SELECT COUNT(*) FROM files WHERE custody_id = ? AND sha256 = ? AND name = ? AND state = 'REJECTED'",
			w.Book.ID(), f.SHA256, f.Name)
		if err != nil || same > 0 {
			return err
		}
		_, err = w.insertFile(ctx, tx, f)
		return err
	})
}

func (w *Work) insertFile(ctx context.Context, tx *store.Tx, f File) (int64, error) {
	f.ID = 0
	if _, err := tx.Find(ctx, &f.ID, "SELECT file_id FROM files WHERE custody_id = ? ORDER BY file_id DESC LIMIT 1", w.Book.ID()); err != nil {
		return 0, err
	}
	f.ID++
	_, err := tx.Exec(ctx, "INSERT INTO files (custody_id, "+fileColumns+", actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		w.Book.ID(), f.ID, f.Kind, f.Source, f.Date, f.State, f.Format, f.Name, f.SHA256, f.Bytes, f.Rows,
		f.Pay, f.Refund, f.Fee, f.Errors, w.Stamp.UnixMilli(), w.Actor)
	return f.ID, err
}

func (w *Work) setFileState(ctx context.Context, tx *store.Tx, id int64, s FileState) error {
	_, err := tx.Exec(ctx, "UPDATE files SET state = ? WHERE custody_id = ? AND file_id = ?", s, w.Book.ID(), id)
	return err
}

// file returns the file of a kind that steps of the date work on.
func (w *Work) file(ctx context.Context, tx *store.Tx, kind, source string, date bizdate.Date) (File, bool, error) {
	var f File
	found, err := tx.Find(ctx, &f, "SELECT "+fileColumns+` FROM files
		WHERE custody_id = ? AND kind = ? AND source = ? AND business_date = ? AND state <> 'REJECTED'`,
		w.Book.ID(), kind, source, date)
	return f, found && f.usable(), err
}

// Files returns what is expected for the date and what came, in the order in
// which it is due; rejected files stand after the expectation they did not meet.
func (e *Engine) Files(ctx context.Context, date bizdate.Date) ([]File, error) {
	w := e.work(date, "", nil)
	var list []File
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		expected, err := w.expected(ctx, tx)
		if err != nil {
			return err
		}
		for _, want := range expected {
			f, found, err := w.file(ctx, tx, want.Kind, want.Source, want.Date)
			if err != nil {
				return err
			}
			if !found {
				f = want
			}
			f.Due = want.Due
			list = append(list, f)
		}
		var rejected []File
		err = tx.Select(ctx, &rejected, "SELECT "+fileColumns+` FROM files
			WHERE custody_id = ? AND state = 'REJECTED' AND (business_date = ? OR business_date = 0) ORDER BY file_id`, e.Book.ID(), date)
		list = append(list, rejected...)
		return err
	})
	return list, err
}

// expected lists the files that the date needs.
func (w *Work) expected(ctx context.Context, tx *store.Tx) ([]File, error) {
	want := func(kind, source string) File {
		return File{Kind: kind, Source: source, Date: w.Date, State: FileExpected, Due: instant(kind, w.Date)}
	}
	var list []File
	intraday, err := w.needsIntraday(ctx, tx)
	if err != nil {
		return nil, err
	}
	if intraday {
		list = append(list, want(fileIntraday, w.Config.Account))
	}
	sent, err := w.sentBatches(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, b := range sent {
		f := want(fileResult, b.BatchNo)
		f.Date = b.FileDate
		list = append(list, f)
	}
	if w.Config.Files.Balances {
		list = append(list, want(fileBalances, w.Config.Account))
	}
	list = append(list, want(fileOrders, ""), want(fileStatement, w.Config.Account))
	for _, ch := range w.Config.Channels {
		list = append(list, want(fileBill, ch.Code))
	}
	return list, nil
}

// needsIntraday: an intraday report is expected on a working day on which some
// channel still owes money that was reconciled.
func (w *Work) needsIntraday(ctx context.Context, tx *store.Tx) (bool, error) {
	working, err := w.Calendar.IsWorkingDay(w.Date)
	if err != nil || !working || !w.Config.Files.Intraday {
		return false, err
	}
	var n int
	err = tx.Get(ctx, &n, `SELECT COUNT(*) FROM channel_days
		WHERE custody_id = ? AND clearing_date < ? AND (arrived_date IS NULL OR arrived_date >= ?)`, w.Book.ID(), w.Date, w.Date)
	return n > 0, err
}
