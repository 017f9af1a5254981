package bench

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"

	"custody/clearing"
	"custody/clearing/approval"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Who plays: the users of a simulated home.
const (
	maker   = "maker1"
	checker = "checker1"
)

// playResult is the answer of the night's process.
type playResult struct {
	Seconds  float64 `json:"seconds"`
	PeakMiB  float64 `json:"peak_mib"`
	Rows     int     `json:"rows"`
	Bytes    int64   `json:"bytes"`
	HotShare float64 `json:"hot_share"`
	Phases   []Phase `json:"phases"`
}

// playProfiled plays the night and writes its CPU profile to the file, if one is named.
func playProfiled(ctx context.Context, home, profile string) (playResult, error) {
	if profile == "" {
		return play(ctx, home)
	}
	f, err := os.Create(profile)
	if err != nil {
		return playResult{}, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return playResult{}, errors.Join(err, f.Close())
	}
	result, err := play(ctx, home)
	pprof.StopCPUProfile()
	return result, errors.Join(err, f.Close())
}

// player plays with the clock in hand.
type player struct {
	engine *clearing.Engine
	home   string
	clock  stopwatch
	rows   map[string]int // by phase
}

// play plays the night phase of a day and the day phase of the next, with the
// bank's answers between them, which are not timed.
func play(ctx context.Context, home string) (playResult, error) {
	e, err := clearing.Open(ctx, openOptions(home))
	if err != nil {
		return playResult{}, err
	}
	defer e.Close()
	p := &player{engine: e, home: home, rows: map[string]int{}}
	e.Progress = func(step string, _, _ int) { p.clock.enter(step) }
	if err := p.night(ctx); err != nil {
		return playResult{}, err
	}
	if err := p.morning(ctx); err != nil {
		return playResult{}, err
	}
	p.clock.enter(phaseCheckpoint)
	err = e.DB.Checkpoint(ctx)
	p.clock.stop()
	if err != nil {
		return playResult{}, err
	}
	result := playResult{Seconds: p.clock.total().Seconds(), PeakMiB: peakMiB(), Bytes: e.DB.Size(), Phases: p.phases()}
	result.Rows, result.HotShare, err = p.count(ctx)
	return result, err
}

// Phases that are no steps.
const (
	phaseOpen       = "open"
	phaseApproval   = "approval"
	phaseCheckpoint = "checkpoint"
)

// run plays a date under the clock. A wait is no error here.
func (p *player) run(ctx context.Context, date bizdate.Date, until string) (*clearing.DayView, error) {
	p.clock.enter(phaseOpen)
	view, err := p.engine.Run(ctx, clearing.RunRequest{Date: date, Until: until, Actor: maker})
	p.clock.stop()
	if f := fault.Of(err); f != nil && f.Kind == fault.Waiting {
		err = nil
	}
	return view, err
}

// night plays the night phase of the first day until it is sealed.
func (p *player) night(ctx context.Context) error {
	if _, err := simbank.Answer(p.home, nightDate); err != nil {
		return err
	}
	view, err := p.run(ctx, nightDate, "")
	if err != nil {
		return err
	}
	if view.State != "SEALED" {
		return fault.Broken("bench.unfinished", nightDate, view.State, view.WaitsFor)
	}
	files, err := p.engine.Files(ctx, nightDate)
	for _, f := range files {
		p.rows["files"] += f.Rows
	}
	p.take(view, "files")
	return err
}

// morning plays the day phase of the next day: arrival, release, payout batch,
// a checker, the file for the bank, and its answer.
func (p *player) morning(ctx context.Context) error {
	if _, err := p.run(ctx, morningDate, lastMorningStep); err != nil {
		return err
	}
	pending, err := p.engine.Approvals(ctx, approval.Pending)
	if err != nil {
		return err
	}
	for _, a := range pending {
		p.clock.enter(phaseApproval)
		_, err := p.engine.Approve(ctx, checker, a.ID)
		p.clock.stop()
		if err != nil {
			return err
		}
		p.rows[phaseApproval]++
	}
	if _, err := p.run(ctx, morningDate, lastMorningStep); err != nil {
		return err
	}
	if _, err := simbank.Answer(p.home, morningDate); err != nil {
		return err
	}
	view, err := p.run(ctx, morningDate, lastMorningStep)
	if err != nil {
		return err
	}
	for _, s := range view.Steps {
		if s.Name == lastMorningStep && (s.State != "DONE" || s.Done == 0) {
			return fault.Broken("bench.unfinished", morningDate, s.State, view.WaitsFor)
		}
	}
	p.take(view, "")
	return nil
}

const lastMorningStep = "results"

// take adds up what the steps of a day counted, but for those of one name.
func (p *player) take(view *clearing.DayView, except string) {
	for _, s := range view.Steps {
		if s.Name != except {
			p.rows[s.Name] += s.In
		}
	}
}

func (p *player) phases() []Phase {
	var list []Phase
	for _, name := range p.clock.names {
		list = append(list, Phase{Name: name, Seconds: rounded(p.clock.spent[name].Seconds()), Rows: p.rows[name]})
	}
	return list
}

// written are the tables whose rows a night and its morning write.
var written = []string{"orders", "bill_rows", "trade_matches", "open_orders", "exceptions", "bank_lines", "bank_balances",
	"settlements", "payouts", "vouchers", "entries", "voucher_log_nodes", "day_balances", "items"}

// count returns the rows that were written and the share of entries that stand
// on accounts of head office and of the channels.
func (p *player) count(ctx context.Context) (rows int, hot float64, err error) {
	err = p.engine.DB.Read(ctx, func(tx *store.Tx) error {
		for _, table := range written {
			var n int
			if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM "+table); err != nil {
				return err
			}
			rows += n
		}
		return tx.Get(ctx, &hot, `SELECT CAST(SUM(CASE WHEN code IN ('1001', '1122', '2102', '2302', '2501') THEN last_seq ELSE 0 END) AS REAL)
			/ MAX(SUM(last_seq), 1) FROM accounts`)
	})
	return rows, hot, err
}
