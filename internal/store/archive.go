package store

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"custody/internal/fault"
)

// An archive is a read-only SQLite file in archive/ beside the database, with
// the rows of sealed days. Every connection attaches the files that the table
// archives names, and reads the tables below from both holds at once, through
// views that shadow them; what is written goes into the database alone. So no
// query elsewhere knows whether a row has moved.

// archivedTables are the tables whose rows move: nearly all bytes of a night.
var archivedTables = []string{"vouchers", "entries", "orders", "bill_rows", "trade_matches", "order_marks"}

// ArchivesMax is how many files one connection of SQLite attaches. Thirty
// years in files of three years each fit.
const ArchivesMax = 10

const archiveFolder = "archive"

// ArchivePath is where the archive file of that name lies.
func (db *DB) ArchivePath(name string) string {
	return filepath.Join(filepath.Dir(db.path), archiveFolder, name)
}

// attachArchives attaches the archives and shadows their tables on a connection.
func attachArchives(c *sqlite3.SQLiteConn) error {
	names, err := texts(c, "SELECT file_name FROM main.archives ORDER BY custody_id, archive_id")
	if err != nil || len(names) == 0 {
		return nil //nolint:nilerr // a database that is only being made has no such table
	}
	for i, name := range names {
		path := filepath.Join(filepath.Dir(c.GetFilename("main")), archiveFolder, filepath.Base(name))
		if _, err := os.Stat(path); err != nil {
			return fault.Broken("store.archive", name).Because(err)
		}
		if _, err := c.Exec(fmt.Sprintf("ATTACH ? AS archive_%d", i+1), []driver.Value{fileURI(path, "mode=ro&immutable=1")}); err != nil {
			return fault.Broken("store.archive", name).Because(err)
		}
	}
	for _, table := range archivedTables {
		view, err := shadow(c, table, len(names))
		if err != nil {
			return err
		}
		if err := pragmas(c, view); err != nil {
			return err
		}
	}
	return nil
}

// shadow is the view of a table over the database and its archives. A column
// that a table has got since an archive was made has its default there; a table
// that did not move then has no rows there.
func shadow(c *sqlite3.SQLiteConn, table string, archives int) (string, error) {
	columns, err := texts(c, "SELECT name FROM pragma_table_info('"+table+"', 'main')")
	if err != nil {
		return "", err
	}
	arms := []string{"SELECT " + strings.Join(columns, ", ") + " FROM main." + table}
	for n := range archives {
		schema := fmt.Sprintf("archive_%d", n+1)
		there, err := texts(c, "SELECT name FROM "+schema+".sqlite_master WHERE type = 'table' AND name = '"+table+"'")
		if err != nil {
			return "", fault.Broken("store.archive", schema).Because(err)
		}
		if len(there) == 0 { // made before rows of this table moved
			continue
		}
		fields, err := texts(c, "SELECT CASE WHEN a.name IS NULL THEN COALESCE(m.dflt_value, 'NULL') ELSE m.name END FROM pragma_table_info('"+
			table+"', 'main') m LEFT JOIN pragma_table_info('"+table+"', '"+schema+"') a ON a.name = m.name ORDER BY m.cid")
		if err != nil {
			return "", fault.Broken("store.archive", schema).Because(err)
		}
		arms = append(arms, "SELECT "+strings.Join(fields, ", ")+" FROM "+schema+"."+table)
	}
	return "CREATE TEMP VIEW " + table + " (" + strings.Join(columns, ", ") + ") AS " + strings.Join(arms, " UNION ALL "), nil
}

// texts returns the first column of a query.
func texts(c *sqlite3.SQLiteConn, query string) ([]string, error) {
	rows, err := c.Query(query, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	values := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		switch v := values[0].(type) {
		case string:
			list = append(list, v)
		case []byte:
			list = append(list, string(v))
		}
	}
}

// staleQuery is not 0 where an archive was made since the connection was opened.
const staleQuery = `SELECT (SELECT COUNT(*) FROM main.archives) - (SELECT COUNT(*) FROM pragma_database_list WHERE name GLOB 'archive_*')`

// stale reports whether a connection does not see all archives. A program that
// was open while another one archived would otherwise miss the rows that moved.
func (db *DB) stale(ctx context.Context, tx *sqlx.Tx) (bool, error) {
	if db.path == "" {
		return false, nil
	}
	var missing int
	err := tx.GetContext(ctx, &missing, staleQuery)
	return missing != 0, err
}

// own makes a statement that writes one of the archived tables name the
// database's own, which a view may shadow.
func (tx *Tx) own(query string) string {
	if tx.db.path == "" {
		return query
	}
	for _, verb := range []string{"INSERT INTO ", "UPDATE ", "DELETE FROM "} {
		rest, found := strings.CutPrefix(query, verb)
		if !found {
			continue
		}
		for _, table := range archivedTables {
			if strings.HasPrefix(rest, table+" ") {
				return verb + "main." + rest
			}
		}
	}
	return query
}

// ArchivePart names the rows of a table that move.
type ArchivePart struct {
	Table string
	Where string
	Args  []any
}

// ArchiveFile is an archive that was written.
type ArchiveFile struct {
	SHA256 string
	Bytes  int64
	Rows   []int64 // of each part
}

// WriteArchive copies the rows into the archive file of that name, in the order
// of their keys and with the indexes of their tables. The file counts only once
// the table archives names it, so that one left behind by a crash is replaced.
// On a server it returns store.no_archive.
func (db *DB) WriteArchive(ctx context.Context, name string, parts []ArchivePart) (f ArchiveFile, err error) {
	if db.path == "" {
		return f, fault.Invalid("store.no_archive")
	}
	path := db.ArchivePath(name)
	var named int
	if err := db.read.GetContext(ctx, &named, "SELECT COUNT(*) FROM main.archives WHERE file_name = ?", name); err != nil {
		return f, err
	}
	if named > 0 { // its rows are nowhere else
		return f, fault.Broken("store.archived", name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return f, err
	}
	making := path + ".part"
	if err := os.Remove(making); err != nil && !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if f.Rows, err = db.copyOut(ctx, making, parts); err != nil {
		return f, err
	}
	if f.SHA256, f.Bytes, err = sealFile(making); err != nil {
		return f, err
	}
	if err := os.Rename(making, path); err != nil {
		return f, err
	}
	return f, syncDir(filepath.Dir(path))
}

// sealFile makes the file durable and read-only and returns its digest and size.
func sealFile(path string) (string, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	if err := errors.Join(file.Chmod(0o400), file.Sync()); err != nil {
		return "", 0, err
	}
	digest := sha256.New()
	n, err := io.Copy(digest, file)
	return hex.EncodeToString(digest.Sum(nil)), n, err
}

func (db *DB) copyOut(ctx context.Context, path string, parts []ArchivePart) (rows []int64, err error) {
	conn, err := db.write.Connx(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // gives the connection back
	if _, err := conn.ExecContext(ctx, "ATTACH ? AS making", fileURI(path, "mode=rwc")); err != nil {
		return nil, err
	}
	defer func() {
		_, back := conn.ExecContext(context.WithoutCancel(ctx), "DETACH making")
		err = errors.Join(err, back)
	}()
	// Nothing of it counts before it is whole, so it needs no journal.
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA making.page_size=%d; PRAGMA making.journal_mode=OFF; PRAGMA making.synchronous=OFF", pageSize)); err != nil {
		return nil, err
	}
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it reports ErrTxDone
	for _, p := range parts {
		n, err := copyPart(ctx, tx, p)
		if err != nil {
			return nil, fmt.Errorf("store: archive %s: %w", p.Table, err)
		}
		rows = append(rows, n)
	}
	return rows, tx.Commit()
}

var createStatement = regexp.MustCompile(`^(?i:CREATE (?:TABLE|UNIQUE INDEX|INDEX)) `)

// copyPart makes a table like ours, fills it and then its indexes.
func copyPart(ctx context.Context, tx *sqlx.Tx, p ArchivePart) (int64, error) {
	var definitions []string
	err := tx.SelectContext(ctx, &definitions, "SELECT sql FROM main.sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC, name", p.Table)
	if err != nil || len(definitions) == 0 {
		return 0, errors.Join(err, driver.ErrSkip)
	}
	var n int64
	for i, sql := range definitions {
		if _, err := tx.ExecContext(ctx, createStatement.ReplaceAllString(sql, "${0}making.")); err != nil {
			return 0, err
		}
		if i > 0 {
			continue
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO making."+p.Table+" SELECT * FROM main."+p.Table+" WHERE "+p.Where, p.Args...)
		if err != nil {
			return 0, err
		}
		if n, err = result.RowsAffected(); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Drop removes from the database the rows that an archive has taken, in the
// transaction that makes it count, and returns how many they were.
func (tx *Tx) Drop(ctx context.Context, p ArchivePart) (int64, error) {
	return tx.Exec(ctx, "DELETE FROM "+p.Table+" WHERE "+p.Where, p.Args...)
}

// ArchiveSchemas are the names by which a query reaches the archives alone.
func (tx *Tx) ArchiveSchemas(ctx context.Context) ([]string, error) {
	var names []string
	if tx.db.path == "" {
		return nil, nil
	}
	err := tx.Select(ctx, &names, "SELECT name FROM pragma_database_list WHERE name GLOB 'archive_*' ORDER BY seq")
	return names, err
}
