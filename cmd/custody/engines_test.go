package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/internal/pgtest"
)

// exiting is typed for a command whose exit code is known: it returns what is printed.
func exiting(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, out, errs := typed(t, append(args, "--lang", "en")...)
	if code != want {
		t.Fatalf("custody %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out
}

// TestSimulateOnEveryEngine plays two days of the same invented head office
// through --db: they seal with the same result hashes on every engine, and the
// commands that read find the books there.
func TestSimulateOnEveryEngine(t *testing.T) {
	hashes := map[string][]string{}
	pgtest.Each(t, func(t *testing.T, dsn string) {
		home := filepath.Join(t.TempDir(), "home")
		var played struct {
			Ran []struct {
				State string `json:"state"`
				Hash  string `json:"result_hash"`
			} `json:"ran"`
		}
		text := exiting(t, 0, "simulate", "--out", home, "--days", "2", "--seed", "5", "--orders", "400", "--members", "20", "--run", "--json", "--db", dsn)
		if err := json.Unmarshal([]byte(text), &played); err != nil {
			t.Fatal(err)
		}
		engine := filepath.Base(t.Name())
		for _, d := range played.Ran {
			if d.State != "SEALED" || d.Hash == "" {
				t.Errorf("a day ended %+v", d)
			}
			hashes[engine] = append(hashes[engine], d.Hash)
		}
		var verified struct {
			OK      bool  `json:"ok"`
			Entries int64 `json:"entries"`
		}
		if err := json.Unmarshal([]byte(exiting(t, 0, "verify", "--home", home, "--db", dsn, "--json")), &verified); err != nil || !verified.OK || verified.Entries == 0 {
			t.Errorf("verify: %+v, %v", verified, err)
		}
		if text := exiting(t, 0, "balance", "--home", home, "--db", dsn); !strings.Contains(text, "custody account") {
			t.Errorf("balance printed %s", text)
		}
		_, err := os.Stat(filepath.Join(home, "custody.db"))
		if err == nil {
			t.Error("the home has a database of its own as well")
		}
	})
	if pg := hashes["postgres"]; pg != nil && (len(pg) != 2 || !slices.Equal(pg, hashes["sqlite"])) {
		t.Errorf("result hashes differ: %v", hashes)
	}
}

// TestInitDistributed: a server that cannot spread tables is told apart, after
// the calls that it would have been given.
func TestInitDistributed(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	exiting(t, 0, "simulate", "--out", home, "--days", "1", "--orders", "5")
	if text := exiting(t, 2, "init", "--home", home, "--distributed"); text != "" {
		t.Errorf("on SQLite it printed %s", text)
	}
	if os.Getenv("CUSTODY_TEST_DSN") != "" {
		t.Skip("the server under test may be a distributed one")
	}
	text := exiting(t, 2, "init", "--home", home, "--distributed", "--db", pgtest.DSN(t))
	if !strings.Contains(text, "SELECT create_distributed_table('entries', 'custody_id', colocate_with => 'accounts');\n") {
		t.Errorf("it printed %s", text)
	}
}
