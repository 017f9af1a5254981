// Package pgtest gives tests a PostgreSQL database: of a throw-away cluster that
// it starts from the installed server binaries, or of the server that
// CUSTODY_TEST_DSN names.
//
//	func TestBooks(t *testing.T) {
//		pgtest.Each(t, func(t *testing.T, dsn string) { ... }) // on both engines
//	}
//
// A suite that opens its database through [Where] runs on SQLite, and once more
// on PostgreSQL where CUSTODY_TEST_ENGINE is postgres (make test-postgres).
//
// Each database is a schema of its own. On a server of yours it is dropped when
// the test ends; the cluster of its own lies in the temporary directory, runs
// without fsync, and goes when the test process does, however that ends.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"custody/internal/store"
)

// The environment that the tests read; nothing of the product does.
const (
	envServer = "CUSTODY_TEST_DSN"
	envEngine = "CUSTODY_TEST_ENGINE"
	envCI     = "CI"
)

// Each runs a test on a fresh database of every engine.
func Each(t *testing.T, run func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, DSN(t)) })
}

// Where returns a fresh database of the engine under test.
func Where(t testing.TB) string {
	t.Helper()
	if dsn := Server(t); dsn != "" {
		return dsn
	}
	return sqlite(t)
}

// Server returns a fresh database where PostgreSQL is the engine under test and
// "" otherwise: what --db takes beside a home.
func Server(t testing.TB) string {
	t.Helper()
	if os.Getenv(envEngine) != "postgres" {
		return ""
	}
	return DSN(t)
}

func sqlite(t testing.TB) string { return filepath.Join(t.TempDir(), "books.db") }

var schemas atomic.Int64

// DSN returns a fresh PostgreSQL database. Without a server the test is
// skipped, and fails where CI is set.
func DSN(t testing.TB) string {
	t.Helper()
	base, yours := os.LookupEnv(envServer)
	if !yours || base == "" {
		c, err := cluster()
		if errors.Is(err, errMissing) && os.Getenv(envCI) == "" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		base = c
	}
	address, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is no postgres:// address", envServer)
	}
	schema := fmt.Sprintf("custody_test_%d_%d", os.Getpid(), schemas.Add(1))
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	if yours {
		distribute(t, address.String())
		t.Cleanup(func() { drop(t, address.String(), schema) })
	}
	return address.String()
}

// distribute shards the tables where the server is a distributed one.
func distribute(t testing.TB, dsn string) {
	t.Helper()
	_, err := store.Distribute(context.Background(), dsn)
	if err != nil && !errors.Is(err, store.ErrNotDistributed) {
		t.Fatal(err)
	}
}

func drop(t testing.TB, dsn, schema string) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dsn)
	if err != nil {
		t.Error(err)
		return
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE")
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Error(err)
	}
}

var errMissing = errors.New("no PostgreSQL server binaries found: apt-get install postgresql")

// cluster starts the server once per test process and returns its address.
var cluster = sync.OnceValues(func() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "custody-pg")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/sh", "-c", supervisor, "pgtest", bin, dir)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // the server refuses to run as root
		if cmd.SysProcAttr.Credential, err = postgresUser(dir); err != nil {
			return "", err
		}
	}
	// The pipe stays open for as long as this process lives: its end is the
	// supervisor's sign to stop the server.
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	return await(dir, gone)
})

// lifeline is the cluster's input: when this process ends it is closed, and the
// cluster with it. It is kept here so that no collector closes it before.
//
//lint:ignore U1000 being reachable is its use
var lifeline any

// supervisor makes and runs the cluster until its input ends.
const supervisor = `
bin=$1 dir=$2
"$bin/initdb" -D "$dir/data" -U custody -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || exit 1
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=200 \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off </dev/null >>"$dir/log" 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
cd / && rm -rf "$dir"
`

// startTries × startWait is how long a cluster may take to start: a minute.
const (
	startTries = 1200
	startWait  = 50 * time.Millisecond
)

// await waits until the server says in its pid file that it is ready.
func await(dir string, gone <-chan error) (string, error) {
	for range startTries {
		select {
		case err := <-gone:
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("the PostgreSQL cluster did not start: %w\n%s", err, log)
		case <-time.After(startWait):
		}
		raw, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
		lines := strings.Split(string(raw), "\n")
		if err == nil && len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready" {
			query := url.Values{"host": {dir}, "user": {"custody"}}
			return "postgres:///postgres?" + query.Encode(), nil
		}
	}
	return "", fmt.Errorf("the PostgreSQL cluster in %s did not start in time", dir)
}

// binaries returns the directory of initdb and postgres, the newest version
// first where the distribution keeps several.
func binaries() (string, error) {
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.Reverse(found)
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		_, noInit := exec.LookPath(filepath.Join(dir, "initdb"))
		_, noServer := exec.LookPath(filepath.Join(dir, "postgres"))
		if noInit == nil && noServer == nil {
			return dir, nil
		}
	}
	return "", errMissing
}

// postgresUser hands the directory to the user postgres, whom the package of
// the distribution brings.
func postgresUser(dir string) (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.Join(errMissing, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}
