package main

import (
	"context"
	"fmt"
	"path/filepath"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/store"
)

// distribute prints and makes the calls that spread the tables of a
// distributed PostgreSQL over its servers, before there is anything in them.
func (a *app) distribute(ctx context.Context) error {
	if _, err := clearing.LoadConfig(filepath.Join(a.home, "custody.yaml")); err != nil {
		return err
	}
	if a.dsn == "" {
		return fault.Invalid("store.distributed", "SQLite")
	}
	calls, err := store.Distribute(ctx, a.dsn)
	if !a.json {
		for _, call := range calls {
			fmt.Fprintln(a.out, call+";")
		}
	}
	return err
}
