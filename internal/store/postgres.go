package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"custody/internal/fault"
)

// readers is how many connections read at once; one more may hold a lock.
const readers = 4

// openPostgres opens a database of a PostgreSQL server, which must be there. A
// schema that the address names (?search_path=hq01) is made where it is not.
func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fault.Invalid("store.dsn") // the cause would quote the password
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "custody"
	}
	open := func(connections int) *sqlx.DB {
		pool := sqlx.NewDb(stdlib.OpenDB(*config), "pgx")
		pool.SetMaxOpenConns(connections)
		return pool
	}
	db := &DB{engine: postgresEngine{}, write: open(1), read: open(readers + 1)}
	if err := db.write.PingContext(ctx); err != nil {
		return nil, errors.Join(fault.Invalid("store.connect", config.Database, config.Host).Because(err), db.Close())
	}
	if schema := config.RuntimeParams["search_path"]; schema != "" {
		if _, err := db.write.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize()); err != nil {
			return nil, errors.Join(fault.Invalid("store.connect", config.Database, config.Host).Because(err), db.Close())
		}
	}
	return db, nil
}

type postgresEngine struct{}

func (postgresEngine) name() string { return "postgres" }

// transient: the server gave the transaction up because of another one. A lost
// connection is not among them: whether its commit arrived is not known.
func (postgresEngine) transient(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// isolation: a handle with a guard waits for its turn at the head row and then
// sees, statement by statement, what the one before it left; that is serial for
// all who take the same guard, without the false conflicts between custody
// accounts that SERIALIZABLE finds in large transactions. Without a guard only
// SERIALIZABLE gives what SQLite gives. Readers have one snapshot.
func (postgresEngine) isolation(writing, guarded bool) *sql.TxOptions {
	switch {
	case !writing:
		return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	case guarded:
		return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	default:
		return &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
}

// analyzeRows is from how many fresh rows on the planner is told of a table.
// 2,000 rows compared each with each take a second, which is what it may do with
// rows that it takes for one.
const analyzeRows = 2_000

// loaded has the planner look at tables that grew: it takes the rows of a file
// that it has not seen for a single one, and then joins 20,000 of them by
// comparing each with each (measured: 39 s for what takes 0.2 s); autovacuum
// would look a minute later. A sample of 3,000 rows (10 ms) tells it enough.
// That this fails is no matter: the rows are committed.
func (postgresEngine) loaded(ctx context.Context, tx *Tx) {
	for table, rows := range tx.bulk {
		if tx.db.fresh == nil {
			tx.db.fresh = map[string]int{}
		}
		tx.db.fresh[table] += rows
		if tx.db.fresh[table] < analyzeRows {
			continue
		}
		tx.db.fresh[table] = 0
		_, _ = tx.conn.ExecContext(ctx, "SET default_statistics_target = 10")
		_, _ = tx.conn.ExecContext(ctx, "ANALYZE "+table)
	}
}

// bulkInsert sends the staged rows by COPY in its binary form, on the
// connection of the transaction. COPY knows no ON CONFLICT, so such rows go as
// one array per column.
func (e postgresEngine) bulkInsert(ctx context.Context, tx *Tx, b *Bulk) error {
	tx.db.counters.statements.Add(3) // the rows and the savepoint around them
	return tx.conn.Raw(func(inner any) error {
		conn := inner.(*stdlib.Conn).Conn()
		// As on SQLite, rows that are refused leave the transaction usable: the
		// caller looks which of them it was.
		if _, err := conn.Exec(ctx, "SAVEPOINT bulk"); err != nil {
			return err
		}
		if err := e.bulkWrite(ctx, conn, b); err != nil {
			_, back := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT bulk")
			return errors.Join(err, back)
		}
		_, err := conn.Exec(ctx, "RELEASE SAVEPOINT bulk")
		return err
	})
}

func (e postgresEngine) bulkWrite(ctx context.Context, conn *pgx.Conn, b *Bulk) error {
	if b.upsert != "" {
		return e.unnest(ctx, conn, b)
	}
	rows, err := newCopyRows(b)
	if err != nil {
		return err
	}
	_, err = conn.PgConn().CopyFrom(ctx, rows,
		fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", b.table, strings.Join(b.names(), ", ")))
	return err
}

// unnest writes the rows with one statement that takes an array per column.
func (postgresEngine) unnest(ctx context.Context, conn *pgx.Conn, b *Bulk) error {
	var args []any
	var fields, arrays, names []string
	for i := range b.columns {
		c := &b.columns[i]
		if c.kind == constColumn {
			v, err := constant(c.constant)
			if err != nil {
				return err
			}
			args = append(args, v)
			fields = append(fields, fmt.Sprintf("CAST($%d AS %s)", len(args), typeOf(v)))
			continue
		}
		array, kind := c.array(b.rows)
		args = append(args, array)
		arrays = append(arrays, fmt.Sprintf("CAST($%d AS %s[])", len(args), kind))
		names = append(names, c.name)
		fields = append(fields, "staged."+c.name)
	}
	query := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS staged (%s)%s", b.table, strings.Join(b.names(), ", "),
		strings.Join(fields, ", "), strings.Join(arrays, ", "), strings.Join(names, ", "), b.upsert)
	_, err := conn.Exec(ctx, query, args...)
	return err
}

// array returns the staged values of a column and their type on the server.
func (c *bulkColumn) array(rows int) (values any, kind string) {
	if c.kind == intColumn {
		return c.ints[:rows], "BIGINT"
	}
	start := 0
	if c.kind == blobColumn {
		blobs := make([][]byte, rows)
		for i, end := range c.ends[:rows] {
			blobs[i], start = c.bytes[start:end], end
		}
		return blobs, "BYTEA"
	}
	all := string(c.bytes)
	texts := make([]string, rows)
	for i, end := range c.ends[:rows] {
		texts[i], start = all[start:end], end
	}
	return texts, "TEXT"
}

// constant brings the value of a [Const] to one of our three types or nil.
func constant(v any) (any, error) {
	v, err := driver.DefaultParameterConverter.ConvertValue(v)
	if b, ok := v.(bool); ok {
		v = flag(b)
	}
	return v, err
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "TEXT"
	case []byte:
		return "BYTEA"
	default:
		return "BIGINT"
	}
}

// flag is how our tables hold a yes or no on every engine.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// copyRows gives the staged rows out in the binary form of COPY: a header, per
// row the number of fields and per field its length and bytes, big-endian.
type copyRows struct {
	bulk   *Bulk
	fields [][]byte // of constant columns: length and bytes
	row    int
	buf    []byte
	at     int
}

// copyBuffer is about how many bytes are formed before they are sent on.
const copyBuffer = 64 << 10

func newCopyRows(b *Bulk) (*copyRows, error) {
	r := &copyRows{bulk: b, fields: make([][]byte, len(b.columns))}
	r.buf = append(r.buf, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for i, c := range b.columns {
		if c.kind != constColumn {
			continue
		}
		v, err := constant(c.constant)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case nil:
			r.fields[i] = binary.BigEndian.AppendUint32(nil, ^uint32(0))
		case int64:
			r.fields[i] = appendInt(nil, v)
		case string:
			r.fields[i] = appendField(nil, []byte(v))
		case []byte:
			r.fields[i] = appendField(nil, v)
		default:
			return nil, fmt.Errorf("store: bulk %s: constant %s is a %T", b.table, c.name, v)
		}
	}
	return r, nil
}

func appendInt(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(v))
}

func appendField(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}

// Read implements io.Reader.
func (r *copyRows) Read(p []byte) (int, error) {
	if r.at == len(r.buf) {
		r.buf, r.at = r.buf[:0], 0
	}
	for r.row < r.bulk.rows && len(r.buf) < copyBuffer {
		r.appendRow()
	}
	if r.row == r.bulk.rows {
		r.row++
		r.buf = append(r.buf, 0xff, 0xff) // the end
	}
	n := copy(p, r.buf[r.at:])
	r.at += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *copyRows) appendRow() {
	r.buf = binary.BigEndian.AppendUint16(r.buf, uint16(len(r.bulk.columns)))
	for i := range r.bulk.columns {
		c := &r.bulk.columns[i]
		switch c.kind {
		case constColumn:
			r.buf = append(r.buf, r.fields[i]...)
		case intColumn:
			r.buf = appendInt(r.buf, c.ints[r.row])
		default:
			r.buf = appendField(r.buf, c.bytes[c.start(r.row):c.ends[r.row]])
		}
	}
	r.row++
}

// lock takes a session's advisory lock, which falls with the connection. Its
// number is drawn from the name and the schema, so that head offices in
// schemas of one database do not meet.
func (postgresEngine) lock(ctx context.Context, db *DB, name string) (func() error, bool, error) {
	conn, err := db.read.Connx(ctx)
	if err != nil {
		return nil, false, err
	}
	var number int64
	var ok bool
	err = conn.QueryRowContext(ctx, "SELECT hashtextextended(current_schema() || CAST($1 AS TEXT), 0)", name).Scan(&number)
	if err == nil {
		err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", number).Scan(&ok)
	}
	if err != nil || !ok {
		return nil, false, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.Background(), "SELECT pg_advisory_unlock($1)", number)
		if err != nil {
			// A connection that may still hold the lock is not used again.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		return errors.Join(err, conn.Close())
	}, true, nil
}
