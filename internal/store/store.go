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
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"

	"custody/internal/fault"
)

// DB is an open database: one writer and several readers.
type DB struct {
	engine engine
	write  *sqlx.DB // one connection: one writer at a time
	read   *sqlx.DB
	path   string // of the SQLite file; empty for a server
}

// engine is what differs between database products.
type engine interface {
	name() string
	bulkInsert(ctx context.Context, tx *Tx, b *Bulk) error
	// transient reports whether the transaction may be tried again as a whole.
	transient(err error) bool
}

// maxAttempts bounds the retries of a transaction that lost a conflict.
const maxAttempts = 8

// Open opens the database file at the path, which it creates, and brings its
// tables to the present version.
func Open(ctx context.Context, dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return nil, fault.Invalid("store.engine", "postgres")
	}
	db, err := openSQLite(ctx, dsn)
	if err != nil {
		return nil, fault.Invalid("store.open", filepath.Base(dsn)).Because(err)
	}
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
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

// Close closes all connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Tx runs fn in one writing transaction. It commits when fn returns nil and
// rolls back otherwise. A conflict with another writer makes it start again, so
// fn must not have effects outside the database.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for range maxAttempts {
		if err = db.once(ctx, db.write, fn); err == nil || !db.engine.transient(err) {
			return err
		}
	}
	return fault.Locked("store.conflict").Because(err)
}

// Read runs fn on one consistent snapshot, without writing.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return db.once(ctx, db.read, fn)
}

func (db *DB) once(ctx context.Context, pool *sqlx.DB, fn func(*Tx) error) error {
	inner, err := pool.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer inner.Rollback() //nolint:errcheck // after Commit it reports ErrTxDone
	tx := &Tx{db: db, inner: inner}
	if err := fn(tx); err != nil {
		return err
	}
	return inner.Commit()
}

// Checkpoint moves the write-ahead log into the database file. Long writing
// work calls it between commits, because the automatic one would stall a commit.
func (db *DB) Checkpoint(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
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
	inner *sqlx.Tx
}

// Get reads one row into dest; sql.ErrNoRows where there is none.
func (tx *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	return tx.inner.GetContext(ctx, dest, tx.inner.Rebind(query), args...)
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
	return tx.inner.SelectContext(ctx, dest, tx.inner.Rebind(query), args...)
}

// Exec runs a statement and returns the number of rows that it touched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.inner.ExecContext(ctx, tx.inner.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Each calls fn for every row of a query; scan reads the row's columns.
// It is the way to read many rows.
func (tx *Tx) Each(ctx context.Context, query string, args []any, fn func(scan func(...any) error) error) error {
	rows, err := tx.inner.QueryContext(ctx, tx.inner.Rebind(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
