package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"custody/internal/fault"
	"custody/internal/pgtest"
	"custody/internal/store"
)

// TestWritersTakeTurns: counters that several handles read and write again
// lose no step, be the transactions lined up by a guard or tried again.
func TestWritersTakeTurns(t *testing.T) {
	const handles, steps = 3, 20
	for _, guarded := range []bool{false, true} {
		t.Run(fmt.Sprint("guarded ", guarded), func(t *testing.T) {
			pgtest.Each(t, func(t *testing.T, dsn string) {
				ctx := context.Background()
				first := open(t, dsn)
				write(t, first, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (1, 'A', 'A', 'A')")
				var group sync.WaitGroup
				for range handles {
					db := open(t, dsn)
					if guarded {
						db.Guard("UPDATE custodies SET account_count = account_count WHERE custody_id = ?", 1)
					}
					group.Go(func() {
						for range steps {
							if err := step(ctx, db); err != nil {
								t.Error(err)
							}
						}
					})
				}
				group.Wait()
				var n int
				err := first.Read(ctx, func(tx *store.Tx) error { return tx.Get(ctx, &n, "SELECT voucher_count FROM custodies") })
				if err != nil || n != handles*steps {
					t.Errorf("counted %d, %v; want %d", n, err, handles*steps)
				}
			})
		})
	}
}

// step reads the counter and writes it one higher. A conflict that outlasts
// the retries of one transaction is tried on: the test is about lost steps.
func step(ctx context.Context, db *store.DB) error {
	for {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			var n int
			if err := tx.Get(ctx, &n, "SELECT voucher_count FROM custodies WHERE custody_id = 1"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE custodies SET voucher_count = ? WHERE custody_id = 1", n+1)
			return err
		})
		if fault.CodeOf(err) != "store.conflict" {
			return err
		}
	}
}

func write(t *testing.T, db *store.DB, statements ...string) {
	t.Helper()
	ctx := context.Background()
	err := db.Tx(ctx, func(tx *store.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadIsOneSnapshot: a reader does not see what is committed meanwhile.
func TestReadIsOneSnapshot(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		ctx, reader, writer := context.Background(), open(t, dsn), open(t, dsn)
		count := func(tx *store.Tx) (n int) {
			if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM users"); err != nil {
				t.Fatal(err)
			}
			return n
		}
		err := reader.Read(ctx, func(tx *store.Tx) error {
			before := count(tx)
			write(t, writer, "INSERT INTO users (name, roles, status) VALUES ('a', '', 'ACTIVE')")
			if after := count(tx); after != before {
				t.Errorf("%d users, then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Read(ctx, func(tx *store.Tx) error {
			if n := count(tx); n != 1 {
				t.Errorf("%d users in the next transaction", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRefusedRowsLeaveTheTransaction: after a key that is there already the
// same transaction can look for it, and what it did before stands.
func TestRefusedRowsLeaveTheTransaction(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		ctx, db := context.Background(), open(t, dsn)
		write(t, db, "INSERT INTO items (custody_id, account_id, item, balance_fen) VALUES (3, 1, 'old', 1)")
		err := db.Tx(ctx, func(tx *store.Tx) error {
			b := tx.Bulk("items", store.Const("custody_id", 3), store.Int("account_id"), store.Const("item", "old"), store.Const("balance_fen", 2))
			if err := b.Int(2).Flush(ctx); err != nil {
				return err
			}
			if err := b.Int(3).Int(1).Flush(ctx); err == nil {
				t.Error("the same key was taken twice")
			}
			var n int
			err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM items WHERE custody_id = 3")
			if n != 2 {
				t.Errorf("%d rows, want the old one and the first of ours", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestLock: one holder at a time, each name by itself, free again after unlock.
func TestLock(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		ctx, one, two := context.Background(), open(t, dsn), open(t, dsn)
		take := func(db *store.DB, name string, want bool) func() error {
			t.Helper()
			unlock, ok, err := db.Lock(ctx, name)
			if err != nil || ok != want {
				t.Fatalf("lock %s: %v, %v; want %v", name, ok, err, want)
			}
			return unlock
		}
		unlock := take(one, "1", true)
		take(two, "1", false)
		other := take(two, "2", true)
		if err := errors.Join(unlock(), other()); err != nil {
			t.Fatal(err)
		}
		if err := take(two, "1", true)(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSchemasAgree: both engines have the same tables with the same columns in
// the same order, so that neither set of migrations is forgotten.
func TestSchemasAgree(t *testing.T) {
	columns := func(dsn, query string) string {
		ctx, db := context.Background(), open(t, dsn)
		var list []string
		if err := db.Read(ctx, func(tx *store.Tx) error { return tx.Select(ctx, &list, query) }); err != nil {
			t.Fatal(err)
		}
		return strings.Join(list, "\n")
	}
	lite := columns(t.TempDir()+"/books.db", `SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c."notnull" THEN ' NOT NULL' ELSE '' END
		FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'
		ORDER BY m.name, c.cid`)
	postgres := columns(pgtest.DSN(t), `SELECT table_name || '.' || column_name || ' '
			|| CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT' WHEN 'bytea' THEN 'BLOB' ELSE data_type END
			|| CASE WHEN data_type = 'text' AND COALESCE(collation_name, '') <> 'C' THEN ' without COLLATE "C"' ELSE '' END
			|| CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%'
		ORDER BY table_name COLLATE "C", ordinal_position`)
	if lite != postgres || lite == "" {
		t.Errorf("SQLite has\n%s\n\nPostgreSQL has\n%s", lite, postgres)
	}
}

// TestKeysBeginWithCustody: a distributed engine shards by custody_id, which
// every key and unique index must therefore hold, and begin with to be found.
func TestKeysBeginWithCustody(t *testing.T) {
	ctx, db := context.Background(), open(t, pgtest.DSN(t))
	var bad []string
	err := db.Read(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &bad, `SELECT i.relname FROM pg_index x
			JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
			JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
			WHERE x.indisunique AND a.attname <> 'custody_id' AND t.relname NOT LIKE 'goose%' AND t.relname <> 'users' ORDER BY 1`)
	})
	if err != nil || len(bad) > 0 {
		t.Errorf("keys that do not begin with custody_id: %v, %v", bad, err)
	}
}

// TestDistribute: without the extension the calls are named all the same, every
// table with a custody_id by it and beside the first, every other one as a copy.
func TestDistribute(t *testing.T) {
	dsn := pgtest.DSN(t)
	calls, err := store.Distribute(context.Background(), dsn)
	if err != nil && !errors.Is(err, store.ErrNotDistributed) {
		t.Fatal(err)
	}
	got := strings.Join(calls, "\n")
	for _, want := range []string{
		"SELECT create_distributed_table('accounts', 'custody_id')\n",
		"SELECT create_distributed_table('vouchers', 'custody_id', colocate_with => 'accounts')\n",
		"SELECT create_reference_table('users')",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among\n%s", want, got)
		}
	}
	if strings.Contains(got, "goose") {
		t.Errorf("goose's table is not ours:\n%s", got)
	}
	if _, err := store.Distribute(context.Background(), t.TempDir()+"/books.db"); fault.CodeOf(err) != "store.distributed" {
		t.Errorf("SQLite: %v", err)
	}
}

// TestOpenRefuses: an address that leads nowhere says so without its password.
func TestOpenRefuses(t *testing.T) {
	for dsn, code := range map[string]string{
		"postgres://user:secret@/custody?host=/nowhere&connect_timeout=1": "store.connect",
		"postgres://user:secret@host:port/custody":                        "store.dsn",
		"mysql://user:secret@host/custody":                                "store.engine",
	} {
		db, err := store.Open(context.Background(), dsn)
		if fault.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", dsn, err, code)
		}
		if err == nil {
			db.Close()
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in %q", err)
		}
	}
}

// TestEveryTableHasItsPlace: a table is either spread by its custody_id or one
// of the shared ones that are listed, on both engines and in every migration.
func TestEveryTableHasItsPlace(t *testing.T) {
	ctx := context.Background()
	var shared []string
	db := open(t, filepath.Join(t.TempDir(), "books.db"))
	err := db.Read(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &shared, `SELECT m.name FROM sqlite_schema m WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'
			AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = 'custody_id') ORDER BY 1`)
	})
	if err != nil || !slices.Equal(shared, store.SharedTables) {
		t.Errorf("tables without a custody_id: %v, listed are %v; %v", shared, store.SharedTables, err)
	}
	calls, err := store.Distribute(ctx, pgtest.DSN(t))
	if err != nil && !errors.Is(err, store.ErrNotDistributed) {
		t.Fatal(err)
	}
	tables := 0
	err = db.Read(ctx, func(tx *store.Tx) error {
		return tx.Get(ctx, &tables, "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'")
	})
	if err != nil || len(calls) != tables {
		t.Errorf("%d calls for %d tables, %v", len(calls), tables, err)
	}
	for _, table := range store.SharedTables {
		if !slices.Contains(calls, "SELECT create_reference_table('"+table+"')") {
			t.Errorf("%s is shared and not copied", table)
		}
	}
}
