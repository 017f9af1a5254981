package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"custody/internal/pgtest"
	"custody/internal/store"
)

// TestRetries: two transactions that a server cannot both let through, made to
// meet by a barrier, both end well: the one that it gives up is played again.
// Each case must have seen the server's own code, else it has shown nothing.
func TestRetries(t *testing.T) {
	read := func(_ string, other string) []string {
		return []string{"SELECT account_count FROM custodies WHERE code = '" + other + "'"}
	}
	for _, c := range []struct {
		code string
		// first is played before the two meet, then one statement behind it.
		first func(own, other string) []string
		then  func(own, other string) string
	}{
		// Each reads what the other one writes: in no order could both have been alone.
		{"40001", read, func(own, _ string) string { return bump(own) }},
		// Each holds the row for which the other one waits.
		{"40P01", func(own, _ string) []string { return []string{bump(own)} }, func(_, other string) string { return bump(other) }},
	} {
		t.Run(c.code, func(t *testing.T) {
			dsn, ctx := pgtest.DSN(t), context.Background()
			db := open(t, dsn)
			write(t, db, "INSERT INTO custodies (custody_id, code, name, account_no) VALUES (1, 'A', 'A', 'A'), (2, 'B', 'B', 'B')")
			var met, group sync.WaitGroup
			met.Add(2)
			seen := make([][]string, 2)
			for i, own := range []string{"A", "B"} {
				other, handle := []string{"B", "A"}[i], open(t, dsn)
				group.Go(func() {
					attempts := 0
					err := handle.Tx(ctx, func(tx *store.Tx) error {
						attempts++
						for _, s := range c.first(own, other) {
							if _, err := tx.Exec(ctx, s); err != nil {
								return note(&seen[i], err)
							}
						}
						if attempts == 1 {
							met.Done()
							met.Wait()
						}
						_, err := tx.Exec(ctx, c.then(own, other))
						return note(&seen[i], err)
					})
					if err != nil {
						t.Error(err)
					}
					if attempts > 1 && len(seen[i]) == 0 {
						seen[i] = append(seen[i], "40001") // given up at its commit
					}
				})
			}
			group.Wait()
			if all := slices.Concat(seen...); !slices.Contains(all, c.code) {
				t.Errorf("the server said %q, not %s", all, c.code)
			}
			var sum, want int
			if want = 2; c.code == "40P01" {
				want = 4
			}
			if err := db.Read(ctx, func(tx *store.Tx) error {
				return tx.Get(ctx, &sum, "SELECT CAST(SUM(account_count) AS BIGINT) FROM custodies")
			}); err != nil || sum != want {
				t.Errorf("counted %d, %v; want %d", sum, err, want)
			}
		})
	}
}

func bump(code string) string {
	return "UPDATE custodies SET account_count = account_count + 1 WHERE code = '" + code + "'"
}

// note keeps the server's code of an error.
func note(codes *[]string, err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		*codes = append(*codes, e.Code)
	}
	return err
}
