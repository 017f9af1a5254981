package clearing_test

import (
	"fmt"
	"strings"
	"testing"

	"custody/internal/pgtest"
)

// TestWorkedDaysOnEveryEngine: the days come to the same result hash on every
// engine, the books verify there, and a run holds its lease.
func TestWorkedDaysOnEveryEngine(t *testing.T) {
	results := map[string]string{}
	pgtest.Each(t, func(t *testing.T, dsn string) {
		b := newBooksAt(t, workedConfig, dsn)
		b.playWorkedDays()
		var hashes strings.Builder
		for d := day("2026-02-12"); d <= day("2026-02-24"); d = d.AddDays(1) {
			view, err := b.engine.Day(b.ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&hashes, d, view.State, view.ResultHash)
		}
		results[b.engine.DB.Engine()] = hashes.String()
		report, err := b.engine.Verify(b.ctx, nil)
		if err != nil || !report.OK || report.Entries == 0 {
			t.Errorf("verify: %v %+v", err, report)
		}
	})
	if want, got := results["sqlite"], results["postgres"]; got != "" && got != want {
		t.Errorf("on PostgreSQL the days came to\n%son SQLite to\n%s", got, want)
	}
}

// TestTwoHeadOffices share a database and have numbers of their own.
func TestTwoHeadOffices(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		first := newBooksAt(t, workedConfig, dsn)
		second := newBooksAt(t, strings.Replace(workedConfig, "code: HQ01", "code: HQ02", 1), dsn)
		if a, b := first.engine.Book.ID(), second.engine.Book.ID(); a == b {
			t.Fatalf("both are custody %d", a)
		}
		for _, b := range []*workedBooks{first, second} {
			b.statement("2026-02-12")
			b.orders("2026-02-12")
			b.bills("2026-02-12")
			b.run("2026-02-12", 0)
		}
		if a, b := first.vouchers(), second.vouchers(); a != b {
			t.Errorf("the same day came to\n%s\nand\n%s", a, b)
		}
	})
}
