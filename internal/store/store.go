// Package store opens the database and hides which engine it is.
//
// Other packages write portable SQL with ? placeholders for the tables they
// own. Driver names, connection settings, migrations and the fast way of
// writing many rows live here alone. The outermost use case owns the
// transaction:
//
//	err := db.Tx(ctx, func(tx *store.Tx) error {
//		return ledger.Post(ctx, tx, postings)
//	})
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"custody/internal/fault"
)

// DB is an open database: one writer and several readers.
type DB struct {
	engine engine
	write  *sqlx.DB // one connection: one writer at a time
	read   *sqlx.DB
	path   string // of the SQLite file; empty for a server
	guard  *guard

	fresh map[string]int // rows by table that a server's planner does not know of

	counters counters
	watch    func(Asked)
}

// guard is the statement with which every writing transaction begins.
type guard struct {
	query string
	args  []any
}

// engine is what differs between database products.
type engine interface {
	name() string
	bulkInsert(ctx context.Context, tx *Tx, b *Bulk) error
	// transient reports whether the transaction may be tried again as a whole.
	transient(err error) bool
	// isolation returns how a transaction is begun.
	isolation(writing, guarded bool) *sql.TxOptions
	lock(ctx context.Context, db *DB, name string) (unlock func() error, ok bool, err error)
	// loaded is told what a committed transaction wrote in bulk, on its connection.
	loaded(ctx context.Context, tx *Tx)
}

// maxAttempts bounds the retries of a transaction that lost a conflict.
const maxAttempts = 8

// Open opens the database, a file or a postgres:// address, and brings its
// tables to the present version. A file that is not there is created.
func Open(ctx context.Context, dsn string) (*DB, error) {
	db, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func connect(ctx context.Context, dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn)
	}
	if scheme, _, found := strings.Cut(dsn, "://"); found {
		return nil, fault.Invalid("store.engine", scheme)
	}
	db, err := openSQLite(ctx, dsn)
	if f := fault.Of(err); f != nil && f.Kind == fault.Books {
		return nil, err
	}
	if err != nil {
		return nil, fault.Invalid("store.open", filepath.Base(dsn)).Because(err)
	}
	return db, nil
}

// Exists reports whether a database file is there; a server always counts as there.
func Exists(dsn string) bool {
	if strings.Contains(dsn, "://") {
		return true
	}
	_, err := os.Stat(dsn)
	return err == nil
}

// Engine returns the name of the database product: sqlite or postgres.
func (db *DB) Engine() string { return db.engine.name() }

// Close closes all connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Guard makes every later writing transaction of this handle begin with the
// statement, which updates the one row that all writers of the same books share:
// on a server it lines them up, each seeing what the one before it committed. On
// SQLite, which has one writer, it is not run. Call it before the first [DB.Tx]
// that needs it; not while others use the handle.
func (db *DB) Guard(query string, args ...any) { db.guard = &guard{query, args} }

// Lock takes the lock of that name without waiting: ok is false where another
// process, or another handle, holds it. It falls when unlock is called, when the
// process ends, and on a server with the connection.
func (db *DB) Lock(ctx context.Context, name string) (unlock func() error, ok bool, err error) {
	return db.engine.lock(ctx, db, name)
}

// Tx runs fn in one writing transaction. It commits when fn returns nil and
// rolls back otherwise. A conflict with another writer makes it start again, so
// fn must not have effects outside the database.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for attempt := range maxAttempts {
		if err = db.once(ctx, db.write, fn); err == nil || !db.engine.transient(err) {
			return err
		}
		// The other one needs a moment to commit: 1, 2, 4 ... 64 ms.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond << attempt):
		}
	}
	return fault.Locked("store.conflict").Because(err)
}

// Read runs fn on one consistent snapshot, without writing.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return db.once(ctx, db.read, fn)
}

// once runs fn in a transaction on a connection of its own, which the bulk path
// of a server needs to reach.
func (db *DB) once(ctx context.Context, pool *sqlx.DB, fn func(*Tx) error) error {
	for {
		err := db.attempt(ctx, pool, fn)
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// errStale says that a connection was opened before an archive was made.
var errStale = errors.New("store: connection without an archive")

func (db *DB) attempt(ctx context.Context, pool *sqlx.DB, fn func(*Tx) error) error {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // gives the connection back
	writing := pool == db.write
	inner, err := conn.BeginTxx(ctx, db.engine.isolation(writing, db.guard != nil))
	if err != nil {
		return err
	}
	defer inner.Rollback() //nolint:errcheck // after Commit it reports ErrTxDone
	if stale, err := db.stale(ctx, inner); err != nil {
		return err
	} else if stale {
		_ = inner.Rollback()
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // never used again
		return errStale
	}
	tx := &Tx{db: db, conn: conn, inner: inner}
	if writing && db.guard != nil && db.path == "" {
		if _, err := tx.Exec(ctx, db.guard.query, db.guard.args...); err != nil {
			return err
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	if err := inner.Commit(); err != nil {
		return err
	}
	if writing {
		db.counters.commits.Add(1)
	}
	db.engine.loaded(ctx, tx)
	return nil
}

// Checkpoint moves the write-ahead log into the database file. Long writing
// work calls it between commits, because the automatic one would stall a commit.
func (db *DB) Checkpoint(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	db.counters.checkpoints.Add(1)
	_, err := db.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// Size returns the bytes that the database takes on disk, 0 for a server.
func (db *DB) Size() int64 {
	var total int64
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(db.path + suffix); db.path != "" && err == nil {
			total += info.Size()
		}
	}
	return total
}

// Tx is one transaction. Its queries use ? placeholders on every engine.
type Tx struct {
	db    *DB
	conn  *sqlx.Conn
	inner *sqlx.Tx

	mu   sync.Mutex     // rows that were sent are written beside the rest
	bulk map[string]int // rows written by Bulk, by table
}

// wrote counts the rows of a bulk statement.
func (tx *Tx) wrote(table string, rows int) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.bulk == nil {
		tx.bulk = map[string]int{}
	}
	tx.bulk[table] += rows
	tx.db.counters.rows.Add(int64(rows))
}

// numbers makes 0 and 1 of booleans, as which our tables hold them.
func numbers(args []any) []any {
	for i, v := range args {
		if b, ok := v.(bool); ok {
			args = slices.Clone(args)
			args[i] = flag(b)
		}
	}
	return args
}

// Get reads one row into dest; sql.ErrNoRows where there is none.
func (tx *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	tx.asked(query, args, 1)
	return tx.inner.GetContext(ctx, dest, tx.inner.Rebind(query), numbers(args)...)
}

// Find is Get that reports whether there was a row.
func (tx *Tx) Find(ctx context.Context, dest any, query string, args ...any) (bool, error) {
	err := tx.Get(ctx, dest, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Select reads all rows into the slice dest; for a bounded number of rows.
func (tx *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	err := tx.inner.SelectContext(ctx, dest, tx.inner.Rebind(query), numbers(args)...)
	tx.asked(query, args, length(dest))
	return err
}

// Exec runs a statement and returns the number of rows that it touched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tx.asked(query, args, 0)
	result, err := tx.inner.ExecContext(ctx, tx.inner.Rebind(tx.own(query)), numbers(args)...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	tx.db.counters.rows.Add(n)
	return n, err
}

// Each calls fn for every row of a query; scan reads the row's columns. It is
// the way to read many rows. Until it returns, fn can run no other query of the
// same transaction: a server's connection is busy sending rows.
func (tx *Tx) Each(ctx context.Context, query string, args []any, fn func(scan func(...any) error) error) error {
	rows, err := tx.inner.QueryContext(ctx, tx.inner.Rebind(query), numbers(args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	defer func() { tx.asked(query, args, n) }()
	for rows.Next() {
		n++
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
