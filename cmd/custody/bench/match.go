package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"custody/clearing/reconcile"
	"custody/internal/fault"
	"custody/internal/money"
)

// Limits of a measurement of matching: four million lines a side take some
// five gigabytes; fewer than 100 have no per cent.
const (
	minLines = 100
	maxLines = 4_000_000
)

// MatchReport is what was measured of the matching.
type MatchReport struct {
	Lines          int     `json:"lines"` // of each side
	Seconds        float64 `json:"seconds"`
	LinesPerSecond float64 `json:"lines_per_second"` // 2 x lines / seconds, on one core
	PeakRSSMiB     float64 `json:"peak_rss_mib"`
}

// Match measures [reconcile.Plan.Match] on as many lines a side, in a process
// of its own and on one core, without making the lines: 97 % match by reference,
// 2 % by counterparty, amount and day, 1 % not. It returns bench.lines for other
// sizes than can be measured.
func Match(ctx context.Context, o Options, lines int) (*MatchReport, error) {
	if lines < minLines || lines > maxLines {
		return nil, fault.Invalid("bench.lines", minLines, maxLines)
	}
	var report MatchReport
	if err := o.child(ctx, &report, childMatch, strconv.Itoa(lines)); err != nil {
		return nil, err
	}
	return &report, nil
}

// childMatch is the child that matches.
const childMatch = "match"

// matchRounds are matched, and the fastest counts: what else the machine does
// only ever makes a round slower.
const matchRounds = 3

// matchLines makes the lines, matches them, and checks what was found.
func matchLines(count string) (*MatchReport, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < minLines || n > maxLines {
		return nil, errChild
	}
	// The program's soft limit is for a night, which reads in pieces; here both sides
	// are held in memory on purpose, and a collector at its limit would be measured.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	ours, theirs := bankSide(n)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	seconds := math.Inf(1)
	for range matchRounds {
		runtime.GC() // neither making the lines nor sweeping up after them is measured
		start := time.Now()
		found := reconcile.StandardPlan().Match(ours, theirs)
		seconds = min(seconds, time.Since(start).Seconds())
		if want := n - unmatched(n); len(found.Confirmed) != want || found.Confirmed[0].Agreed == 0 {
			return nil, fault.Broken("bench.matches", len(found.Confirmed), want)
		}
	}
	return &MatchReport{Lines: n, Seconds: rounded(seconds), LinesPerSecond: rounded(2 * float64(n) / seconds), PeakRSSMiB: rounded(peakMiB())}, nil
}

// unmatched is how many of n lines have no partner: number 50 of each hundred.
func unmatched(n int) int { return (n + 49) / 100 }

// bankSide makes the ledger's lines of a bank account and the statement's, which
// come in another order: of each hundred 60 carry an instruction, 27 the bank's
// reference, 10 are quoted in the remark, 2 have counterparty, amount and day
// alone, and 1 is on either side without partner.
func bankSide(n int) (ours, theirs []reconcile.Record) {
	r := rand.New(rand.NewPCG(1, 2))
	ours, theirs = make([]reconcile.Record, n), make([]reconcile.Record, n)
	for i := range n {
		o := reconcile.Record{Account: "6217000012345678", Amount: money.Amount(1_00 + i%500_000), Booked: firstNight.AddDays(i * 3 / n),
			Party: fmt.Sprintf("franchisee %d", i%10_000)}
		t := o
		switch k := i % 100; {
		case k == 50:
			o.OwnRef, t.BankRef = fmt.Sprintf("NONE%012d", i), fmt.Sprintf("BK%016d", i)
			t.Party, t.Amount = fmt.Sprintf("stranger %d", i), o.Amount+1_000_000_00
		case k == 25 || k == 75:
			o.Party = fmt.Sprintf("payer %d", i)
			t.Party, t.BankRef = fmt.Sprintf("payer %d", i), fmt.Sprintf("BK%016d", i)
		case k%10 == 3:
			o.OwnRef = fmt.Sprintf("ORDER%012d", i)
			t.BankRef, t.Remark = fmt.Sprintf("BK%016d", i), fmt.Sprintf("货款 ORDER%012d 2026", i)
		case k%10 < 3 || k >= 92:
			o.BankRef = fmt.Sprintf("BK%016d", i)
			t.BankRef = fmt.Sprintf("BK%016d", i)
		default:
			o.Instruction = fmt.Sprintf("2026010501%010d", i)
			t.Instruction, t.BankRef = fmt.Sprintf("2026010501%010d", i), fmt.Sprintf("BK%016d", i)
		}
		ours[i], theirs[i] = o, t
	}
	r.Shuffle(n, func(i, j int) { theirs[i], theirs[j] = theirs[j], theirs[i] })
	for i := range n {
		ours[i].Ref = reconcile.Ref{File: 1, Row: int32(i)}
		t := &theirs[i]
		t.Ref = reconcile.Ref{File: 2, Row: int32(i)}
		// The texts of a file that is read lie in the order of the file.
		t.Instruction, t.BankRef = strings.Clone(t.Instruction), strings.Clone(t.BankRef)
		t.Party, t.Remark = strings.Clone(t.Party), strings.Clone(t.Remark)
	}
	return ours, theirs
}
