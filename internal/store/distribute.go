package store

import (
	"context"
	"errors"
	"slices"

	"custody/internal/fault"
)

// ErrNotDistributed is the cause of store.distributed: the engine cannot spread
// tables over several servers.
var ErrNotDistributed = errors.New("store: no distributed tables here")

// SharedTables are the tables that belong to no custody account: a distributed
// engine keeps a copy of each on every server. All others are spread by their
// custody_id; a test holds that there is no third kind.
var SharedTables = []string{"users"}

// Distribute opens the database and spreads its tables over the servers of a
// Citus cluster: every table with a custody_id by that column and side by side
// with the others, so that a custody account lies on one server; every other
// one as a copy on all. Tables that are spread already stay as they are. It
// returns the calls, also where the server lacks the extension, which is
// store.distributed, as it is on SQLite.
func Distribute(ctx context.Context, dsn string) (calls []string, err error) {
	db, err := Open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if db.engine.name() != "postgres" {
		return nil, fault.Invalid("store.distributed", "SQLite").Because(ErrNotDistributed)
	}
	var tables []struct {
		Name    string `db:"name"`
		Sharded bool   `db:"sharded"`
	}
	var available, installed int
	err = db.Read(ctx, func(tx *Tx) error {
		err := tx.Select(ctx, &tables, `SELECT t.table_name AS name, EXISTS (SELECT 1 FROM information_schema.columns c
				WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.column_name = 'custody_id') AS sharded
			FROM information_schema.tables t
			WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND t.table_name NOT LIKE 'goose%'
			ORDER BY 2 DESC, 1`)
		return errors.Join(err,
			tx.Get(ctx, &available, "SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'citus'"),
			tx.Get(ctx, &installed, "SELECT COUNT(*) FROM pg_extension WHERE extname = 'citus'"))
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
		calls = append(calls, distributing(t.Name, t.Sharded, names[0]))
	}
	if available+installed == 0 {
		return calls, fault.Invalid("store.distributed", "PostgreSQL").Because(ErrNotDistributed)
	}
	return calls, db.distribute(ctx, names, calls)
}

// distributing is the call that spreads a table; all lie beside the first.
func distributing(table string, sharded bool, first string) string {
	switch {
	case !sharded:
		return "SELECT create_reference_table('" + table + "')"
	case table == first:
		return "SELECT create_distributed_table('" + table + "', 'custody_id')"
	default:
		return "SELECT create_distributed_table('" + table + "', 'custody_id', colocate_with => '" + first + "')"
	}
}

// distribute makes the calls, each by itself: a call that is cut off is made again.
func (db *DB) distribute(ctx context.Context, tables, calls []string) error {
	if _, err := db.write.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS citus"); err != nil {
		return fault.Invalid("store.distribute").Because(err)
	}
	var done []string
	err := db.write.SelectContext(ctx, &done, `SELECT c.relname FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema()`)
	if err != nil {
		return fault.Invalid("store.distribute").Because(err)
	}
	for i, table := range tables {
		if slices.Contains(done, table) {
			continue
		}
		if _, err := db.write.ExecContext(ctx, calls[i]); err != nil {
			return fault.Invalid("store.distribute").Because(err)
		}
	}
	return nil
}
