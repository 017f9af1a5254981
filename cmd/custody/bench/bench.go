// Package bench measures a night beside what the disk and the database allow.
//
// Seconds on somebody else's machine say nothing. Every figure therefore stands
// beside a floor that is measured in the same command run on the same disk: a
// fixed set of rows, as few as a night of those orders can do with, inserted by
// the plain way of doing it into the same tables. What the night does on top
// (parsing, matching, splitting, the funds check, hashing, proving) and what it
// saves by writing in sets shows in one ratio.
//
//	report, err := bench.Night(ctx, bench.Options{Orders: 100_000, Members: 1_000, Dir: dir, Child: again})
//	// report.Ratio is night / floor
//
// Night and floor each run in a process of their own, so that neither warms the
// other's caches and the peak memory is that of the night alone.
package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// CommitGroup is how many orders one commit takes, in the night and in the floor.
const CommitGroup = 100_000

// firstNight is a Monday; the Tuesday after it is a working day too.
var firstNight = bizdate.New(2026, 1, 5)

// HistoryOrders is how many orders each day of the history has.
const HistoryOrders = 20_000

// Options say what to measure.
type Options struct {
	Orders  int
	Members int
	History int    // earlier days of [HistoryOrders] orders each, whose books came to nothing
	Nights  int    // which night of that many orders in one database is measured; 0 is the first
	DSN     string // PostgreSQL server; empty: SQLite in Dir
	Dir     string // empty folder for the home and the floor's database, on the disk that is measured
	Profile string // file for the night's CPU profile; empty: none
	// Child starts this program again with the arguments of [RunChild].
	Child func(ctx context.Context, args ...string) *exec.Cmd
	exact bool // no order that no channel knows: nothing stays open
	// Phase is told what is going on now; nil is silent.
	Phase func(code string)
}

// Limits of a measurement: four million orders are what the simulated channels
// can bill on a day; fewer than 10 show nothing.
const (
	minOrders = 10
	maxOrders = 4_000_000

	maxHistory = 3650
	maxNights  = 31
)

// Report is what was measured.
type Report struct {
	Orders          int     `json:"orders"`
	Members         int     `json:"members"`
	Seconds         float64 `json:"seconds"`
	FloorSeconds    float64 `json:"floor_seconds"`
	Ratio           float64 `json:"night_ratio"`
	PeakRSSMiB      float64 `json:"peak_rss_mib"`
	RowsPerOrder    float64 `json:"rows_per_order"`
	DBBytesPerOrder float64 `json:"db_bytes_per_order"`
	Phases          []Phase `json:"phases"`
	// HotShare is the share of entries that stand on head office's own accounts.
	HotShare float64 `json:"-"`
	// The rest are the conditions and what does not depend on the machine.
	History, Nights int    `json:"-"`
	Engine          string `json:"-"`
	Costs           Costs  `json:"-"`
}

// Costs is what the measured night asked for, by counts.
type Costs struct {
	Statements  int64  `json:"statements"`
	Rows        int64  `json:"rows"` // inserted, updated or deleted
	Commits     int64  `json:"commits"`
	Checkpoints int64  `json:"checkpoints"`
	Allocs      uint64 `json:"allocs"`
}

// Phase is a group of steps with what it took and the rows that it was about.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Rows    int     `json:"rows"`
}

// Night builds the files of a night, plays it and measures its floor. What it
// builds stays in Options.Dir. It returns bench.limits for other sizes than can
// be played, and bench.unfinished when the night did not come to its end.
func Night(ctx context.Context, o Options) (*Report, error) {
	o.Nights = max(o.Nights, 1)
	if o.Orders < minOrders || o.Orders > maxOrders || o.Members < 1 || o.Members > o.Orders ||
		o.History < 0 || o.History > maxHistory || o.Nights > maxNights {
		return nil, fault.Invalid("bench.limits", minOrders, maxOrders)
	}
	tell := func(code string) {
		if o.Phase != nil {
			o.Phase(code)
		}
	}
	job := nightJob{Home: filepath.Join(o.Dir, "night"), Profile: o.Profile, Nights: o.Nights}
	floorAt := filepath.Join(o.Dir, "floor.db")
	if o.DSN != "" {
		drop, err := serverSchemas(ctx, o.DSN, &job.DSN, &floorAt)
		if err != nil {
			return nil, err
		}
		defer drop()
	}
	tell("bench.building")
	if err := build(ctx, job, o); err != nil {
		return nil, err
	}
	tell("bench.playing")
	raw, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	var played playResult
	if err := o.child(ctx, &played, childNight, string(raw)); err != nil {
		return nil, err
	}
	tell("bench.floor")
	var floor floorResult
	err = o.child(ctx, &floor, childFloor, floorAt, strconv.Itoa(o.Orders), strconv.Itoa(o.Members))
	if err != nil {
		return nil, err
	}
	n := float64(o.Orders)
	return &Report{
		Orders: o.Orders, Members: o.Members, Seconds: rounded(played.Seconds), FloorSeconds: rounded(floor.Seconds),
		Ratio: rounded(played.Seconds / floor.Seconds), PeakRSSMiB: rounded(played.PeakMiB), RowsPerOrder: rounded(float64(played.Rows) / n),
		DBBytesPerOrder: rounded(float64(played.Bytes) / n), Phases: played.Phases, HotShare: played.HotShare,
		History: o.History, Nights: o.Nights, Engine: played.Engine, Costs: played.Costs,
	}, nil
}

// rounded keeps three decimals: the rest is noise.
func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// The children of a measurement.
const (
	childNight = "night"
	childFloor = "floor"

	childLedger = "ledger"
	childVerify = "verify"
)

// child runs one child and reads its answer.
func (o *Options) child(ctx context.Context, answer any, args ...string) error {
	cmd := o.Child(ctx, args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return fault.Broken("bench.child", args[0], strings.TrimSpace(complaint.String())).Because(err)
	}
	return json.Unmarshal(out.Bytes(), answer)
}

// RunChild is what a child does: its arguments are those that Options.Child got.
// It returns the answer for the standard output.
func RunChild(ctx context.Context, args []string) ([]byte, error) {
	answer, err := runChild(ctx, args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

var errChild = errors.New("bench: arguments of a child")

func runChild(ctx context.Context, args []string) (any, error) {
	switch {
	case len(args) == 2 && args[0] == childMatch:
		return matchLines(args[1])
	case len(args) == 2 && args[0] == childNight:
		var job nightJob
		if err := json.Unmarshal([]byte(args[1]), &job); err != nil {
			return nil, errors.Join(errChild, err)
		}
		return playProfiled(ctx, job)
	case len(args) == 3 && args[0] == childLedger:
		return measureLedger(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == childVerify:
		return measureVerify(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == childFloor:
		orders, err := strconv.Atoi(args[2])
		if err != nil || orders < 1 {
			return nil, errChild
		}
		members, err := strconv.Atoi(args[3])
		if err != nil || members < 1 {
			return nil, errChild
		}
		return insertFloor(ctx, args[1], orders, members)
	}
	return nil, errChild
}

// peakMiB is the largest resident memory that this process has had, or 0 where
// the system does not tell it in /proc.
func peakMiB() float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return float64(kib) / 1024
		}
	}
	return 0
}
