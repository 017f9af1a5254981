package subaccounts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"custody/internal/bizdate"
	"custody/internal/lang"
	"custody/internal/store"
	"custody/subaccounts"
)

var errUndo = errors.New("undo")

// problems verifies the books after a change, which is then undone.
func (l *ledger) problems(entryMax int, change ...string) []subaccounts.Problem {
	l.t.Helper()
	var found []subaccounts.Problem
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		for _, statement := range change {
			n, err := tx.Exec(ctx, statement)
			if err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
			if n != 1 {
				return fmt.Errorf("%s: changed %d rows", statement, n)
			}
		}
		var err error
		if found, _, err = l.book.VerifyInRanges(ctx, tx, entryMax); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		l.t.Fatal(err)
	}
	for _, p := range found {
		for _, language := range []lang.Lang{lang.EN, lang.ZH} {
			if s := lang.Text(language, p.Code, p.Args...); !lang.Has(p.Code) || strings.Contains(s, "%!") {
				l.t.Errorf("%s reads %q", p.Code, s)
			}
		}
	}
	return found
}

// sealedLedger is the worked days with bindings, the first day closed.
func sealedLedger(t *testing.T) *ledger {
	l := newLedger(t)
	postWorkedDays(l, true)
	for i := range 260 { // enough for an inner node of the log
		l.must(voucher(day2, fmt.Sprintf("E0 20260213.X%03d dr 1001 1.00 cr 2301 1.00", i)))
	}
	l.tx(func(tx *store.Tx) error {
		if err := l.book.CloseDay(ctx, tx, day1); err != nil {
			return err
		}
		region := subaccounts.Member{Code: "R", Name: "区域", Kind: subaccounts.Partner}
		if err := firstError(l.book.AddMember(ctx, tx, "maker", at, region), l.book.SetRegion(ctx, tx, "maker", at, "A", "R")); err != nil {
			return err
		}
		for i, member := range []string{"A", "B"} {
			bind := subaccounts.Binding{Member: member, AccountNo: fmt.Sprint("622200000000010", i), AccountName: "门店" + member, BankName: "示例银行", CNAPS: "102100000001"}
			if _, err := l.book.Bind(ctx, tx, "maker", at, bind); err != nil {
				return err
			}
			if err := l.book.VerifyBinding(ctx, tx, "checker", at, member); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

// rowsToChange are the rows whose columns are changed one at a time.
var rowsToChange = []struct{ table, where, voucher string }{
	{"vouchers", "voucher_id = 5", "2026-02-12/5"},
	{"vouchers", "voucher_id = 24", "2026-02-12/15"}, // the last one of its date
	{"entries", "account_id = 4 AND seq = 3", "2026-02-12/5"},
	{"entries", "account_id = 1 AND seq = 2", "2026-02-12/2"},
	{"accounts", "account_id = 4", ""},
	{"items", "account_id = 3 AND item = 'K1202'", ""},
	{"day_balances", "account_id = 1 AND accounting_date = 20260212", ""},
	{"day_balances", "account_id = 1 AND accounting_date = 20260213", ""},
	{"ledger_days", "accounting_date = 20260212", ""},
	{"ledger_days", "accounting_date = 20260213", ""},
	{"voucher_log_nodes", "node = 0", ""},
	{"members", "code = 'B'", ""},
	{"bindings", "member = 'A'", ""},
	{"member_regions", "member = 'A'", ""},
	{"audit_events", "event_id = 2", ""},
	{"audit_events", "event_id = 10", ""}, // the last one
}

// otherValue is what a column is changed to where adding to it would break a CHECK.
var otherValue = map[string]string{
	"closed": "1 - closed", "members.status": "'CLOSED'", "bindings.status": "'BLOCKED'", "kind": "'PARTNER'",
}

func changed(table, column, kind string) string {
	for _, name := range []string{column, table + "." + column} {
		if value, ok := otherValue[name]; ok {
			return value
		}
	}
	switch kind {
	case "INTEGER":
		return "coalesce(" + column + ", 0) + 1000000"
	case "TEXT":
		return column + " || 'x'"
	default:
		return "(SELECT leaf_hash FROM audit_events WHERE custody_id = 7 AND event_id = 1)"
	}
}

type columnInfo struct {
	Name string
	Type string
	PK   int
}

func (l *ledger) columns(table string) []columnInfo {
	l.t.Helper()
	var out []columnInfo
	query := "SELECT name, type, pk FROM pragma_table_info(?)"
	if l.db.Engine() == "postgres" {
		query = `SELECT c.column_name AS name, CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT' ELSE 'BLOB' END AS type,
				COALESCE(k.ordinal_position, 0) AS pk
			FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k ON k.table_schema = c.table_schema
				AND k.table_name = c.table_name AND k.column_name = c.column_name AND k.constraint_name = c.table_name || '_pkey'
			WHERE c.table_schema = current_schema() AND c.table_name = ? ORDER BY c.ordinal_position`
	}
	l.tx(func(tx *store.Tx) error { return tx.Select(ctx, &out, query, table) })
	return out
}

// TestVerifyFindsEveryChange changes every column of a row of every table,
// removes the row and adds another: each time Verify finds it, and names the
// voucher where one is concerned.
func TestVerifyFindsEveryChange(t *testing.T) {
	l := sealedLedger(t)
	for _, entryMax := range []int{1 << 20, 20} {
		if p := l.problems(entryMax); len(p) > 0 {
			t.Fatalf("untouched books: %+v", p)
		}
		for _, row := range rowsToChange {
			check := func(t *testing.T, what string, change ...string) {
				found := l.problems(entryMax, change...)
				named := slices.ContainsFunc(found, func(p subaccounts.Problem) bool { return p.ID == row.voucher })
				last := what == "accounting_date" || what == "voucher_id" || what == "custody_id" || what == "removed"
				if len(found) == 0 || row.voucher != "" && !named && !last {
					t.Errorf("%s of %s where %s: found %+v", what, row.table, row.where, found)
				}
			}
			t.Run(fmt.Sprintf("%s/%s/%d", row.table, row.where, entryMax), func(t *testing.T) {
				for _, c := range l.columns(row.table) {
					check(t, c.Name, fmt.Sprintf("UPDATE %s SET %s = %s WHERE custody_id = 7 AND %s", row.table, c.Name, changed(row.table, c.Name, c.Type), row.where))
				}
				check(t, "removed", fmt.Sprintf("DELETE FROM %s WHERE custody_id = 7 AND %s", row.table, row.where))
			})
		}
	}
}

// TestVerifyFindsAddedRows adds a copy of a row under another key.
func TestVerifyFindsAddedRows(t *testing.T) {
	l := sealedLedger(t)
	unique := map[string]bool{"vouchers.reference": true, "vouchers.voucher_no": true, "accounts.owner": true}
	for _, row := range rowsToChange {
		var names, values []string
		columns := l.columns(row.table)
		last := slices.MaxFunc(columns, func(a, b columnInfo) int { return a.PK - b.PK })
		for _, c := range columns {
			value := c.Name
			if c.Name == last.Name || unique[row.table+"."+c.Name] {
				value = changed(row.table, c.Name, c.Type)
			}
			names, values = append(names, c.Name), append(values, value)
		}
		statement := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE custody_id = 7 AND %s",
			row.table, strings.Join(names, ", "), strings.Join(values, ", "), row.table, row.where)
		if found := l.problems(1<<20, statement); len(found) == 0 {
			t.Errorf("%s: nothing found", statement)
		}
	}
}

// TestVerifyHeads: a cut tail of a log shows in the head row.
func TestVerifyHeads(t *testing.T) {
	l := sealedLedger(t)
	for _, head := range []string{"custodies SET voucher_count = voucher_count", "custodies SET account_count = account_count", "audit_heads SET events = events"} {
		if found := l.problems(1<<20, "UPDATE "+head+" - 1"); len(found) == 0 {
			t.Errorf("%s: nothing found", head)
		}
	}
}

// TestVerifyCounts: what was looked at is said.
func TestVerifyCounts(t *testing.T) {
	l := newLedger(t)
	postWorkedDays(l, false)
	l.tx(func(tx *store.Tx) error {
		var stages []string
		_, got, err := l.book.Verify(ctx, tx, func(code string) {
			if !lang.Has(code) {
				t.Errorf("no sentence for %s", code)
			}
			stages = append(stages, code)
		})
		want := subaccounts.Counts{Vouchers: 36, Entries: 106, Accounts: 25, Events: 4}
		size, root, err2 := l.book.VoucherRoot(ctx, tx)
		if got != want || len(stages) != 4 || size != 36 || root.String() == "" {
			t.Errorf("got %+v, stages %v, size %d", got, stages, size)
		}
		return firstError(err, err2)
	})
}

// TestVerifyOtherSecret: with another salt secret no leaf follows.
func TestVerifyOtherSecret(t *testing.T) {
	l := newLedger(t)
	l.must(voucher(day1, "E0 k1 dr 1001 1.00 cr 2301 1.00"))
	l.tx(func(tx *store.Tx) error {
		other, err := subaccounts.Open(ctx, tx, "HQ1", [32]byte{9})
		if err != nil {
			return err
		}
		found, _, err := other.Verify(ctx, tx, nil)
		if len(found) != 1 || found[0].ID != subaccounts.VoucherName(bizdate.Date(20260212), 1) {
			t.Errorf("got %+v", found)
		}
		return err
	})
}
