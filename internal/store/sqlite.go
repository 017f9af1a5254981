package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"custody/internal/fault"
)

// cacheKiB is SQLite's page cache of the writer: 96 MiB. Inserting into a
// long history is three times faster than with the default of 2 MiB.
const cacheKiB = 96 << 10

// pageSize is that of a new database file; large pages suit large commits.
const pageSize = 16384

// bulkRows is how many rows one bulk statement takes; the table numbers has as many.
const bulkRows = 10_000

var registerDrivers = sync.OnceFunc(func() {
	sql.Register("custody-sqlite-writer", &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		if err := pragmas(c,
			fmt.Sprintf("PRAGMA page_size=%d", pageSize),
			// synchronous must come before journal_mode: in the other order the unlink of
			// the first journal is not durable, and a power cut could empty a new database.
			"PRAGMA synchronous=EXTRA",
			"PRAGMA journal_mode=WAL",
			"PRAGMA wal_autocheckpoint=16384", // pages: 256 MiB
			fmt.Sprintf("PRAGMA cache_size=-%d", cacheKiB),
			"PRAGMA temp_store=MEMORY",
			"CREATE TEMP TABLE numbers (i INTEGER PRIMARY KEY)",
			fmt.Sprintf(`INSERT INTO temp.numbers
				WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)
				SELECT i FROM n`, bulkRows),
		); err != nil {
			return err
		}
		return attachArchives(c)
	}})
	sql.Register("custody-sqlite-reader", &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		// temp_store throws away the views that there are, query_only forbids new ones.
		if err := pragmas(c, "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-8192"); err != nil {
			return err
		}
		if err := attachArchives(c); err != nil {
			return err
		}
		return pragmas(c, "PRAGMA query_only=ON")
	}})
})

func pragmas(c *sqlite3.SQLiteConn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Exec(s, nil); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// openSQLite opens or creates the database file.
func openSQLite(ctx context.Context, path string) (*DB, error) {
	registerDrivers()
	if err := checkSQLiteVersion(); err != nil {
		return nil, err
	}
	_, statErr := os.Stat(path)
	fresh := errors.Is(statErr, os.ErrNotExist)
	if fresh { // the books are their owner's alone; SQLite gives the files beside it the same mode
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	write, err := sqlx.Open("custody-sqlite-writer", fileURI(path, "_busy_timeout=30000&_txlock=immediate&_stmt_cache_size=64"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	if fresh {
		if err := syncDir(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, write.Close())
		}
	}
	read, err := sqlx.Open("custody-sqlite-reader", fileURI(path, "_busy_timeout=30000&_txlock=deferred&_stmt_cache_size=64"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	return &DB{engine: sqliteEngine{}, write: write, read: read, path: path}, nil
}

// fileURI is how SQLite takes a path with options.
func fileURI(path, options string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options
}

// checkSQLiteVersion refuses versions with known damage: before 3.51.3 the WAL
// reset defect, 3.52.0 was withdrawn.
func checkSQLiteVersion() error {
	text, number, _ := sqlite3.Version()
	if number < 3051003 || number == 3052000 {
		return fault.Broken("store.sqlite", text)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type sqliteEngine struct{}

func (sqliteEngine) name() string { return "sqlite" }

func (sqliteEngine) transient(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

// isolation: writers begin at once and exclude each other (_txlock=immediate),
// readers have a snapshot; the driver knows no levels.
func (sqliteEngine) isolation(_, _ bool) *sql.TxOptions { return nil }

// loaded: SQLite takes the joins in the order of their keys without statistics.
func (sqliteEngine) loaded(context.Context, *Tx) {}

// lock takes the operating system's lock on a file beside the database.
func (sqliteEngine) lock(_ context.Context, db *DB, name string) (func() error, bool, error) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(db.path), ".lock-"+name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, f.Close()
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return f.Close, true, nil // closing drops the lock
}

// bulkInsert writes the staged rows with one statement per 10,000: each column
// is one bound BLOB of fixed-width fields that SQLite cuts up by substr over a
// table of numbers. It is three times as fast as a prepared row at a time,
// because no row crosses the cgo border by itself.
func (sqliteEngine) bulkInsert(ctx context.Context, tx *Tx, b *Bulk) error {
	for from := 0; from < b.rows; from += bulkRows {
		to := min(from+bulkRows, b.rows)
		fields := make([]string, len(b.columns))
		args := make([]any, 0, len(b.columns)+1)
		for i := range b.columns {
			c := &b.columns[i]
			if c.kind == constColumn {
				args = append(args, c.constant)
				fields[i] = fmt.Sprintf("?%d", len(args))
				continue
			}
			if expression, arg, ok := c.shorthand(from, to, len(args)+1); ok {
				args = append(args, arg)
				fields[i] = expression
				continue
			}
			blob, width, padded := c.packed(from, to)
			args = append(args, blob)
			fields[i] = c.expression(len(args), width, padded)
		}
		args = append(args, to-from)
		query := fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM temp.numbers WHERE i < ?%d ORDER BY i%s",
			b.table, strings.Join(b.names(), ", "), strings.Join(fields, ", "), len(args), b.upsert)
		tx.db.counters.statements.Add(1)
		if _, err := tx.inner.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// expression cuts field i of a column out of its BLOB, parameter n.
func (c *bulkColumn) expression(n, width int, padded bool) string {
	cut := fmt.Sprintf("substr(?%d, i*%d+1, %d)", n, width, width)
	switch {
	case c.kind == intColumn:
		return "CAST(" + cut + " AS INTEGER)"
	case c.kind == blobColumn:
		return cut
	case padded:
		return "rtrim(CAST(" + cut + " AS TEXT))"
	default:
		return "CAST(" + cut + " AS TEXT)"
	}
}
