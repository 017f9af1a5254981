package clearing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/pgtest"
)

// TestTwoHomesOneServer: two homes with the books of one custody account on one
// server cannot clear at once. While a run of the first works, one of the second
// ends at once with the exit code for it, and has changed nothing.
func TestTwoHomesOneServer(t *testing.T) {
	dsn := pgtest.DSN(t)
	b := newBooksAt(t, workedConfig, dsn)
	home := t.TempDir()
	if err := os.CopyFS(home, os.DirFS(b.home)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"seal.pem", "salt"} { // a copy is for all to read
		if err := os.Chmod(filepath.Join(home, "keys", key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other, err := clearing.Open(b.ctx, clearing.OpenOptions{Home: home, DSN: dsn, Clock: b.engine.Clock})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	run := func() error {
		_, err := other.Run(b.ctx, clearing.RunRequest{Date: day("2026-02-12"), Actor: "maker1"})
		return err
	}
	release, ok, err := b.engine.DB.Lock(b.ctx, fmt.Sprint(b.engine.Book.ID())) // what a run takes
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := run(); fault.CodeOf(err) != "lease.held" || fault.ExitCode(err) != 4 {
		t.Errorf("while the first home works: %v, exit %d", err, fault.ExitCode(err))
	}
	if _, err := other.Day(b.ctx, day("2026-02-12")); fault.CodeOf(err) != "day.unknown" {
		t.Errorf("the refused run opened the day: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := run(); fault.CodeOf(err) == "lease.held" {
		t.Errorf("after it: %v", err)
	}
}

// TestNoArchiveOnServer: an archive is a file of SQLite; a server has none.
func TestNoArchiveOnServer(t *testing.T) {
	b := newBooksAt(t, workedConfig, pgtest.DSN(t))
	_, err := b.engine.Archive(b.ctx, day("2026-02-12"), "maker1")
	if fault.CodeOf(err) != "archive.engine" || fault.ExitCode(err) != 2 {
		t.Errorf("%v, exit %d", err, fault.ExitCode(err))
	}
}
