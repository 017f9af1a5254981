package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// The types below put a pgx connection under database/sql. Our tables know
// three types, BIGINT, TEXT and BYTEA; a sum of BIGINT is NUMERIC and comes as
// its digits. Bulk writing reaches the connection of a running transaction
// through them.

// pgConnector opens connections of one configuration.
type pgConnector struct{ config *pgx.ConnConfig }

func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config.Copy())
	if err != nil {
		return nil, err
	}
	return &pgConn{conn}, nil
}

func (c pgConnector) Driver() driver.Driver { return pgDriver{} }

// pgDriver is there because database/sql asks for one.
type pgDriver struct{}

func (pgDriver) Open(string) (driver.Conn, error) { return nil, errors.ErrUnsupported }

type pgConn struct{ *pgx.Conn }

func (c *pgConn) Close() error { return c.Conn.Close(context.Background()) }

func (c *pgConn) Begin() (driver.Tx, error) { return nil, errors.ErrUnsupported }

func (c *pgConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// IsValid and ResetSession keep a connection that died, or that is still in a
// transaction, from being used again.
func (c *pgConn) IsValid() bool { return !c.IsClosed() && c.PgConn().TxStatus() == 'I' }

func (c *pgConn) ResetSession(context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

func (c *pgConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN"
	switch sql.IsolationLevel(o.Isolation) {
	case sql.LevelSerializable:
		begin += " ISOLATION LEVEL SERIALIZABLE"
	case sql.LevelRepeatableRead:
		begin += " ISOLATION LEVEL REPEATABLE READ"
	default:
		begin += " ISOLATION LEVEL READ COMMITTED"
	}
	if o.ReadOnly {
		begin += " READ ONLY"
	}
	if _, err := c.Exec(ctx, begin); err != nil {
		return nil, badConn(err)
	}
	return pgTx{c}, nil
}

// badConn names an error that came before anything was sent, so that
// database/sql takes another connection.
func badConn(err error) error {
	if pgconn.SafeToRetry(err) {
		return driver.ErrBadConn
	}
	return err
}

type pgTx struct{ conn *pgConn }

// Commit reports a rollback as an error: the server answers a COMMIT of a
// failed transaction with ROLLBACK and success.
func (t pgTx) Commit() error {
	tag, err := t.conn.Exec(context.Background(), "COMMIT")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

func (t pgTx) Rollback() error {
	_, err := t.conn.Exec(context.Background(), "ROLLBACK")
	return err
}

func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tag, err := c.Exec(ctx, query, plain(args)...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

// formats asks for numbers and bytes in binary and for all else as text.
var formats = pgx.QueryResultFormatsByOID{
	pgtype.Int8OID: pgx.BinaryFormatCode, pgtype.Int4OID: pgx.BinaryFormatCode, pgtype.Int2OID: pgx.BinaryFormatCode,
	pgtype.ByteaOID: pgx.BinaryFormatCode, pgtype.BoolOID: pgx.BinaryFormatCode, pgtype.Float8OID: pgx.BinaryFormatCode,
}

func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Query(ctx, query, append([]any{formats}, plain(args)...)...)
	if err != nil {
		return nil, err
	}
	r := &pgRows{rows: rows, more: rows.Next()} // the first row brings the names of the columns
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

func plain(named []driver.NamedValue) []any {
	args := make([]any, len(named))
	for i, v := range named {
		args[i] = v.Value
	}
	return args
}

type pgRows struct {
	rows  pgx.Rows
	more  bool // the row at hand is not handed on yet
	begun bool
}

func (r *pgRows) Columns() []string {
	fields := r.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

func (r *pgRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

// Next hands on the next row; its byte slices are good until the one after.
func (r *pgRows) Next(values []driver.Value) error {
	if r.begun {
		r.more = r.rows.Next()
	}
	r.begun = true
	if !r.more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	fields := r.rows.FieldDescriptions()
	for i, raw := range r.rows.RawValues() {
		value, err := pgValue(fields[i].DataTypeOID, raw)
		if err != nil {
			return err
		}
		values[i] = value
	}
	return nil
}

// pgValue reads one value in the format that [formats] asks for.
func pgValue(oid uint32, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch {
	case oid == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case oid == pgtype.Int4OID && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case oid == pgtype.Int2OID && len(raw) == 2:
		return int64(int16(binary.BigEndian.Uint16(raw))), nil
	case oid == pgtype.Float8OID && len(raw) == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
	case oid == pgtype.BoolOID && len(raw) == 1:
		return raw[0] != 0, nil
	case oid == pgtype.ByteaOID:
		return raw, nil
	case formats[oid] == pgx.BinaryFormatCode:
		return nil, fmt.Errorf("store: %d bytes for type %d", len(raw), oid)
	default:
		return string(raw), nil
	}
}

func (c *pgConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.Conn.Prepare(ctx, query, query)
	if err != nil {
		return nil, err
	}
	return &pgStmt{c, inner}, nil
}

type pgStmt struct {
	conn  *pgConn
	inner *pgconn.StatementDescription
}

func (s *pgStmt) Close() error  { return s.conn.Deallocate(context.Background(), s.inner.SQL) }
func (s *pgStmt) NumInput() int { return len(s.inner.ParamOIDs) }

func (s *pgStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (s *pgStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (s *pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.inner.SQL, args)
}

func (s *pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.inner.SQL, args)
}
