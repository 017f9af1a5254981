package clearing_test

import (
	"path/filepath"
	"testing"

	"custody/clearing"
)

// A statement must fit between its neighbours: also one that comes late, and
// one that shares days with another.
func TestStatementsMustChain(t *testing.T) {
	load := func(b *workedBooks, date string, raw []byte) error {
		name := "statement-" + day(date).Compact() + ".xml"
		b.write(name, raw)
		_, err := b.engine.Import(b.ctx, filepath.Join(b.home, name), clearing.ImportOptions{Actor: "maker1"})
		return err
	}
	sound := func(b *workedBooks, date string) {
		b.t.Helper()
		if err := load(b, date, statementBytes(b.t, date, account, "CNY", "0.00", "0.00", 1)); err != nil {
			b.t.Fatal(err)
		}
	}
	t.Run("opens with another balance than the one before closed with", func(t *testing.T) {
		b := newWorkedBooks(t)
		sound(b, "2026-02-12")
		wantCode(t, load(b, "2026-02-14", statementBytes(t, "2026-02-14", account, "CNY", "0.01", "0.01", 1)), "statement.chain")
	})
	t.Run("late, and closes with another balance than the next opened with", func(t *testing.T) {
		b := newWorkedBooks(t)
		sound(b, "2026-02-12")
		sound(b, "2026-02-14")
		wantCode(t, load(b, "2026-02-13", statementBytes(t, "2026-02-13", account, "CNY", "0.00", "1292.20", 1, "K1301")), "chain.next")
		sound(b, "2026-02-13")
	})
	t.Run("shares a day with another, and says otherwise of it", func(t *testing.T) {
		b := newWorkedBooks(t)
		sound(b, "2026-02-12")
		raw := statementBytes(t, "2026-02-14", account, "CNY", "0.00", "1000.00", 1, "K1201")
		wantCode(t, load(b, "2026-02-14", replaced(t, raw, "<FrDtTm>2026-02-14", "<FrDtTm>2026-02-12")), "chain.overlap")
		sound(b, "2026-02-14")
	})
	t.Run("shares a day with another, and says the same of it", func(t *testing.T) {
		b := newWorkedBooks(t)
		sound(b, "2026-02-12")
		raw := replaced(t, statementBytes(t, "2026-02-14", account, "CNY", "0.00", "0.00", 1), "<FrDtTm>2026-02-14", "<FrDtTm>2026-02-12")
		if err := load(b, "2026-02-14", raw); err != nil {
			t.Fatal(err)
		}
		if days := b.statementDays(); days != "2026-02-12 2026-02-13 2026-02-14" {
			t.Errorf("statements of %s", days)
		}
	})
}
