package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/clearing/calendar"
	"custody/clearing/exceptions"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
)

// handlings are what two people decide in TestInstructedBank.
var handlings = map[exceptions.Kind]clearing.Handling{
	exceptions.UnknownPayer: {Template: "claim", Member: "F002"},
	exceptions.PlatformMiss: {Template: "adopt", Member: "F003"},
	exceptions.Returned:     {Template: "credit-return"},
}

// instructedHome is a simulated home played day by day.
type instructedHome struct {
	*testing.T
	dir    string
	engine *clearing.Engine
}

// TestInstructedBank plays ten days on which a stranger pays, an order is known
// to the channel alone and a payout comes back, and decides each case as soon as
// it is seen, in the morning or between the phases of a day. The bank compares
// every member with its own sub-ledger each night (R8): all days must close.
func TestInstructedBank(t *testing.T) {
	for _, when := range []string{"in the morning", "between the phases"} {
		t.Run(when, func(t *testing.T) {
			h := newInstructedHome(t, 10)
			told := 0
			for k := range 10 {
				date := bizdate.New(2026, 1, 5).AddDays(k)
				if k > 0 && when == "between the phases" {
					if _, err := h.engine.Run(context.Background(), clearing.RunRequest{Date: date, Actor: simulatedMaker}); fault.ExitCode(err) != int(fault.Waiting) {
						t.Fatalf("the day phase of %s: %v", date, err)
					}
				}
				if k > 0 {
					told += h.decideAll()
				}
				h.close(date)
			}
			if told != len(handlings) {
				t.Errorf("%d decisions, want %d", told, len(handlings))
			}
			h.wantInstructions()
			if report, err := h.engine.Verify(context.Background(), nil); err != nil || !report.OK {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

func newInstructedHome(t *testing.T, days int) *instructedHome {
	t.Helper()
	cal, err := calendar.Load()
	if err != nil {
		t.Fatal(err)
	}
	h := &instructedHome{T: t, dir: t.TempDir()}
	err = simbank.Generate(simbank.Params{Dir: h.dir, From: bizdate.New(2026, 1, 5), Days: days, Seed: 11, Orders: 120, Members: 5,
		Faults: []string{simbank.OwnFunds, simbank.UnknownReceipt + "@2026-01-06", simbank.ChannelOnly + "@2026-01-07/WX",
			simbank.Returned + "@2026-01-07"}, Working: cal.IsWorkingDay})
	if err != nil {
		t.Fatal(err)
	}
	h.engine, _, err = clearing.Init(context.Background(), clearing.OpenOptions{Home: h.dir,
		Clock: clock.Fixed(bizdate.New(2026, 1, 5).At(10, 0)), Random: clock.Rand()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// close plays the day to its end; the bank's own list must agree.
func (h *instructedHome) close(date bizdate.Date) {
	h.Helper()
	view, err := playDay(context.Background(), h.engine, date)
	if err != nil {
		h.Fatalf("%s: %v", date, err)
	}
	for _, c := range view.Checks {
		if c.ID == "R8" && c.State == "passed" {
			return
		}
	}
	h.Errorf("%s is %s, checks %+v", date, view.State, view.Checks)
}

// decideAll handles what is open, maker and checker, and returns how much it was.
func (h *instructedHome) decideAll() int {
	h.Helper()
	ctx := context.Background()
	list, err := h.engine.Exceptions(ctx, 0)
	if err != nil {
		h.Fatal(err)
	}
	n := 0
	for _, x := range list {
		handling, known := handlings[x.Kind]
		if !known || x.ClosedDate != nil || x.State == exceptions.Posted {
			continue
		}
		p, err := h.engine.Propose(ctx, simulatedMaker, x.ID, handling)
		if err != nil {
			h.Fatal(err)
		}
		if _, err := h.engine.Approve(ctx, simulatedChecker, p.ApprovalID); err != nil {
			h.Fatal(err)
		}
		n++
	}
	return n
}

// wantInstructions: one file of each kind, and nothing of it is still open.
func (h *instructedHome) wantInstructions() {
	h.Helper()
	paths, err := filepath.Glob(filepath.Join(h.dir, "outbox", "SI*.txt"))
	if err != nil {
		h.Fatal(err)
	}
	kinds := map[bankfiles.InstructionKind]int{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			h.Fatal(err)
		}
		f, err := payfile.ReadInstruct(filepath.Base(path), bytes.NewReader(raw))
		if err != nil {
			h.Fatal(err)
		}
		kinds[f.Items[0].Kind]++
	}
	if len(paths) != 3 || len(kinds) != 3 {
		h.Errorf("instructions %v in %q", kinds, paths)
	}
	list, err := h.engine.Exceptions(context.Background(), 0)
	if err != nil {
		h.Fatal(err)
	}
	for _, x := range list {
		if _, known := handlings[x.Kind]; known && x.ClosedDate == nil {
			h.Errorf("still open: %+v", x)
		}
	}
}
