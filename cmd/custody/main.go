// Command custody keeps the books of head-office custody accounts (存管专户): it
// takes in orders, bills and bank files, splits the collections, pays out, and
// proves, closes and seals every day.
//
//	custody init --home DIR
//	custody run --home DIR --date 2026-02-13
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// softMemoryBytes is from where on the collector works harder: a night of a
// million orders has 200 MiB in use, and between two collections as much again
// that is not. SQLite's memory, 130 MiB, comes on top; together they stay under
// 512 MiB. GOMEMLIMIT says otherwise where there is more or less to have.
const softMemoryBytes = 340 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryBytes)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
