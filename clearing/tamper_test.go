package clearing_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"custody/clearing"
)

// raw is the database file, opened past the program.
func (b *workedBooks) raw() *sqlx.DB {
	b.t.Helper()
	if b.engine.DB.Engine() != "sqlite" {
		b.t.Skip("this test changes the file of SQLite past the program")
	}
	db, err := sqlx.Open("sqlite3", "file:"+b.home+"/custody.db?_busy_timeout=5000")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

// covered are the tables whose every column is covered, with the row that the
// test changes and what verify must call it. Columns that name the row itself
// may be reported under the new name.
var covered = []struct {
	table, where string
	keys         []string // any of these must be named
}{
	{"vouchers", "accounting_date = 20260213 AND voucher_no = 9", []string{"2026-02-13/9"}},
	{"entries", "voucher_id = (SELECT voucher_id FROM vouchers WHERE accounting_date = 20260213 AND voucher_no = 9) AND line = 1", []string{"2026-02-13/9"}},
	{"approvals", "approval_id = 'PO20260213-01'", []string{"PO20260213-01"}},
	{"split_rules", "rule_id = 'standard'", []string{"standard|1"}},
	{"members", "code = 'B'", []string{"B"}},
	{"bindings", "member = 'B' AND version = 2", []string{"B|2"}},
	{"users", "name = 'checker1'", []string{"checker1"}},
	{"escrow_orders", "order_no = 'S1'", []string{"S1"}},
	{"days", "accounting_date = 20260213", []string{"20260213", "2026-02-13"}},
	{"seals", "accounting_date = 20260213", []string{"2026-02-13"}},
	{"day_balances", "accounting_date = 20260213 AND account_id = (SELECT account_id FROM accounts WHERE code = '1001')", []string{"1001", "2026-02-13"}},
	{"items", "account_id = (SELECT account_id FROM accounts WHERE code = '1402')", []string{"1402"}},
	{"accounts", "code = '2001' AND owner = 'C'", []string{"2001.C", "2026-02-13/2"}},
}

// legal holds other values of columns that the database itself restricts.
var legal = map[string]any{
	"approvals.state": "REJECTED", "members.kind": "PARTNER", "members.status": "FROZEN", "bindings.status": "BLOCKED",
	"users.status": "DISABLED", "escrow_orders.state": "CLOSED", "days.state": "CLOSED", "days.day_phase": "SKIPPED", "day_balances.opening_fen": int64(5),
}

// TestEveryColumnIsCovered changes each column of each table behind the
// program's back: verify must find it and name the table and the row.
func TestEveryColumnIsCovered(t *testing.T) {
	b := newWorkedBooks(t)
	b.playWorkedDays()
	if err := b.engine.OpenEscrow(b.ctx, "maker1", "S1", "A", 100); err != nil {
		t.Fatal(err)
	}
	db := b.raw()
	for _, c := range covered {
		var columns []struct {
			CID     int            `db:"cid"`
			Name    string         `db:"name"`
			Type    string         `db:"type"`
			NotNull bool           `db:"notnull"`
			Default sql.NullString `db:"dflt_value"`
			PK      int            `db:"pk"`
		}
		if err := db.Select(&columns, "SELECT * FROM pragma_table_info(?)", c.table); err != nil || len(columns) == 0 {
			t.Fatal(c.table, err)
		}
		var key []string
		for _, col := range columns {
			if col.PK > 0 {
				key = append(key, col.Name)
			}
		}
		for _, col := range columns {
			t.Run(c.table+"."+col.Name, func(t *testing.T) {
				row := map[string]any{}
				if err := db.QueryRowx("SELECT * FROM " + c.table + " WHERE " + c.where).MapScan(row); err != nil {
					t.Fatal(err)
				}
				value := changed(c.table, col.Name, col.Type, row[col.Name])
				where, args := identify(key, row, col.Name, value)
				if _, err := db.Exec("UPDATE "+c.table+" SET "+col.Name+" = ? WHERE "+c.where, value); err != nil {
					t.Fatal(err)
				}
				report, err := b.engine.Verify(b.ctx, nil)
				if err != nil {
					t.Errorf("verify: %v", err)
				} else if report.OK {
					t.Errorf("%v -> %v is not found", row[col.Name], value)
				} else if col.Name != "custody_id" && !names(report, c.table, append(c.keys, fmt.Sprint(value))) {
					t.Errorf("not named: %+v", report.Problems)
				}
				if n := exec(t, db, "UPDATE "+c.table+" SET "+col.Name+" = ? WHERE "+where, append([]any{row[col.Name]}, args...)...); n != 1 {
					t.Fatalf("restored %d rows", n)
				}
			})
		}
		t.Run(c.table+" deleted", func(t *testing.T) {
			row := map[string]any{}
			if err := db.QueryRowx("SELECT * FROM " + c.table + " WHERE " + c.where).MapScan(row); err != nil {
				t.Fatal(err)
			}
			exec(t, db, "DELETE FROM "+c.table+" WHERE "+c.where)
			report, err := b.engine.Verify(b.ctx, nil)
			if err != nil || report.OK {
				t.Errorf("a row that is gone is not found: %v", err)
			}
			insert(t, db, c.table, row)
		})
		t.Run(c.table+" inserted", func(t *testing.T) {
			row := map[string]any{}
			if err := db.QueryRowx("SELECT * FROM " + c.table + " WHERE " + c.where).MapScan(row); err != nil {
				t.Fatal(err)
			}
			for name, value := range added[c.table] {
				row[name] = value
			}
			insert(t, db, c.table, row)
			report, err := b.engine.Verify(b.ctx, nil)
			if err != nil || report.OK {
				t.Errorf("a row that was added is not found: %v", err)
			}
			where, args := identify(key, row, "", nil)
			if n := exec(t, db, "DELETE FROM "+c.table+" WHERE "+where, args...); n != 1 {
				t.Fatalf("removed %d rows", n)
			}
		})
	}
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("after everything was put back: %v %+v", err, report.Problems)
	}
}

// added are the values that make a copy of the row another one.
var added = map[string]map[string]any{
	"vouchers": {"voucher_id": int64(71), "voucher_no": int64(12), "accounting_date": int64(20260224), "reference": "another"},
	"entries":  {"seq": int64(9999)}, "approvals": {"approval_id": "X"}, "split_rules": {"version": int64(2)}, "members": {"code": "Z"},
	"bindings": {"version": int64(3)}, "users": {"name": "mallory"}, "days": {"accounting_date": int64(20260301)},
	"escrow_orders": {"order_no": "S9"},
	"seals":         {"accounting_date": int64(20260225)}, "day_balances": {"accounting_date": int64(20260216)}, "items": {"item": "made up"},
	"accounts": {"account_id": int64(999), "owner": "Z"},
}

func changed(table, column, kind string, old any) any {
	if v, ok := legal[table+"."+column]; ok && v != old {
		return v
	}
	switch v := old.(type) {
	case int64:
		return v + 10_000
	case []byte:
		if kind == "BLOB" {
			other := slices.Clone(v)
			other[0] ^= 1
			return other
		}
		return string(v) + "x"
	case string:
		return v + "x"
	}
	if kind == "TEXT" {
		return "x"
	}
	return int64(1)
}

// identify finds the row again after its column was changed.
func identify(key []string, row map[string]any, column string, value any) (string, []any) {
	var where []string
	var args []any
	for _, k := range key {
		where = append(where, k+" = ?")
		if k == column {
			args = append(args, value)
		} else {
			args = append(args, row[k])
		}
	}
	return strings.Join(where, " AND "), args
}

func names(report *clearing.VerifyReport, table string, keys []string) bool {
	for _, p := range report.Problems {
		for _, k := range keys {
			if (p.Table == table || p.Table == "vouchers" && (table == "entries" || table == "accounts")) && strings.Contains(p.ID, k) {
				return true
			}
		}
	}
	return false
}

func exec(t *testing.T, db *sqlx.DB, query string, args ...any) int64 {
	t.Helper()
	result, err := db.Exec(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(t *testing.T, db *sqlx.DB, table string, row map[string]any) {
	t.Helper()
	var columns, marks []string
	var args []any
	for name, value := range row {
		columns, marks, args = append(columns, name), append(marks, "?"), append(args, value)
	}
	exec(t, db, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
}
