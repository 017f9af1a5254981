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
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
