package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"custody/cmd/custody/bench"
	"custody/internal/fault"
)

// childFlag makes the test's own binary the child of a measurement.
const childFlag = "bench-child"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childFlag {
		answer, err := bench.RunChild(context.Background(), os.Args[2:])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Stdout.Write(answer)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, os.Args[0], append([]string{childFlag}, args...)...)
}

// TestNight plays a small night to its end and reads the report as a program
// that was promised its keys would.
func TestNight(t *testing.T) {
	report, err := bench.Night(t.Context(), bench.Options{Orders: 300, Members: 7, Dir: t.TempDir(), Child: child})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	want := []string{"orders", "members", "seconds", "floor_seconds", "night_ratio", "peak_rss_mib", "rows_per_order",
		"db_bytes_per_order", "phases"}
	for _, key := range want {
		if n, isNumber := keys[key].(float64); key != "phases" && (!isNumber || n <= 0) {
			t.Errorf("%s is %v", key, keys[key])
		}
	}
	if len(keys) != len(want) {
		t.Errorf("keys are %s", raw)
	}
	// Every order: order, bill row, match, two vouchers with two and five or six
	// entries; less for the refunded ones.
	if report.RowsPerOrder < 10 || report.RowsPerOrder > 16 {
		t.Errorf("%v rows per order", report.RowsPerOrder)
	}
	if report.HotShare < 0.5 || report.HotShare > 0.9 {
		t.Errorf("hot accounts have %v of the entries", report.HotShare)
	}
	for _, name := range []string{"files", "collection", "reconciliation", "split", "close", "seal", "arrival", "release", "payout-batch", "send", "results"} {
		i := slices.IndexFunc(report.Phases, func(p bench.Phase) bool { return p.Name == name })
		if i < 0 {
			t.Errorf("phase %s is missing", name)
		} else if name == "collection" && report.Phases[i].Rows != 301 { // one that no bill knows
			t.Errorf("collection of %d rows", report.Phases[i].Rows)
		}
	}
}

func TestNightRefuses(t *testing.T) {
	for _, c := range []struct {
		name            string
		orders, members int
	}{
		{"too few orders", 9, 1},
		{"more orders than the channels bill", 4_000_001, 10},
		{"no members", 100, 0},
		{"more members than orders", 100, 101},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := bench.Night(t.Context(), bench.Options{Orders: c.orders, Members: c.members, Dir: t.TempDir(), Child: child})
			if fault.CodeOf(err) != "bench.limits" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestChildRefuses: a hidden command must not guess.
func TestChildRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"day"}, {"night"}, {"night", "home"}, {"ledger", "x.db", "many"}, {"floor", "x.db", "ten", "1"}, {"floor", "x.db", "10", "0"}} {
		if _, err := bench.RunChild(t.Context(), args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
