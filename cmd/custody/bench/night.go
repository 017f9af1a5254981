package bench

import (
	"context"
	"errors"
	"os"
	"runtime"
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
	Engine   string  `json:"engine"`
	Costs    Costs   `json:"costs"`
}

// playProfiled plays the night and writes its CPU profile to the file, if one is named.
func playProfiled(ctx context.Context, job nightJob) (playResult, error) {
	if job.Profile == "" {
		return play(ctx, job)
	}
	f, err := os.Create(job.Profile)
	if err != nil {
		return playResult{}, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return playResult{}, errors.Join(err, f.Close())
	}
	result, err := play(ctx, job)
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
// bank's answers between them, which are not timed, nor are earlier nights.
func play(ctx context.Context, job nightJob) (playResult, error) {
	e, err := clearing.Open(ctx, job.options())
	if err != nil {
		return playResult{}, err
	}
	defer e.Close()
	date := job.date()
	p := &player{engine: e, home: job.Home, rows: map[string]int{}}
	for d := firstNight; d < date; d = d.AddDays(1) {
		if err := p.whole(ctx, d); err != nil {
			return playResult{}, err
		}
	}
	if err := p.before(ctx, date); err != nil {
		return playResult{}, err
	}
	start := p.start()
	e.Progress = func(step string, _, _ int) { p.clock.enter(step) }
	if err := p.night(ctx, date); err != nil {
		return playResult{}, err
	}
	if err := p.morning(ctx, date.AddDays(1)); err != nil {
		return playResult{}, err
	}
	p.clock.enter(phaseCheckpoint)
	err = e.DB.Checkpoint(ctx)
	p.clock.stop()
	if err != nil {
		return playResult{}, err
	}
	result := playResult{Seconds: p.clock.total().Seconds(), PeakMiB: peakMiB(), Bytes: e.DB.Size(), Phases: p.phases(),
		Engine: e.DB.Engine(), Costs: p.costs(start)}
	result.Rows, result.HotShare, err = p.count(ctx)
	result.Rows -= start.rows
	result.Bytes -= start.bytes
	return result, err
}

// started is where the counts stood when the measured night began.
type started struct {
	counts store.Counts
	allocs uint64
	rows   int
	bytes  int64
}

// start forgets what was played so far.
func (p *player) start() started {
	p.clock, p.rows = stopwatch{}, map[string]int{}
	s := started{counts: p.engine.DB.Counts(), bytes: p.engine.DB.Size()}
	s.rows, _, _ = p.count(context.Background())
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.allocs = m.Mallocs
	return s
}

func (p *player) costs(s started) Costs {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c := p.engine.DB.Counts().Sub(s.counts)
	return Costs{Statements: c.Statements, Rows: c.Rows, Commits: c.Commits, Checkpoints: c.Checkpoints, Allocs: m.Mallocs - s.allocs}
}

// maxRounds bounds how often a day is run: for a checker and for the bank.
const maxRounds = 8

// whole plays a day from its morning until it is sealed.
func (p *player) whole(ctx context.Context, date bizdate.Date) error {
	if err := p.before(ctx, date); err != nil {
		return err
	}
	return p.night(ctx, date)
}

// before plays the day phase of a date and lets the bank answer. On the first
// day there is nothing to pay out.
func (p *player) before(ctx context.Context, date bizdate.Date) error {
	if date > firstNight {
		for range maxRounds {
			if _, err := p.run(ctx, date, lastMorningStep); err != nil {
				return err
			}
			if approved, err := p.approve(ctx); err != nil || approved == 0 {
				if err != nil {
					return err
				}
				break
			}
		}
	}
	_, err := simbank.Answer(p.home, date)
	return err
}

// approve is the checker: it approves what waits and says how much that was.
func (p *player) approve(ctx context.Context) (int, error) {
	pending, err := p.engine.Approvals(ctx, approval.Pending)
	for _, a := range pending {
		p.clock.enter(phaseApproval)
		_, err := p.engine.Approve(ctx, checker, a.ID)
		p.clock.stop()
		if err != nil {
			return 0, err
		}
		p.rows[phaseApproval]++
	}
	return len(pending), err
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

// night plays what is left of a day until it is sealed.
func (p *player) night(ctx context.Context, date bizdate.Date) error {
	view, err := p.run(ctx, date, "")
	if err != nil {
		return err
	}
	if view.State != "SEALED" {
		return fault.Broken("bench.unfinished", date, view.State, view.WaitsFor)
	}
	files, err := p.engine.Files(ctx, date)
	for _, f := range files {
		p.rows["files"] += f.Rows
	}
	p.take(view, "files")
	return err
}

// morning plays the day phase of the next day: arrival, release, payout batch,
// a checker, the file for the bank, and its answer.
func (p *player) morning(ctx context.Context, date bizdate.Date) error {
	if _, err := p.run(ctx, date, lastMorningStep); err != nil {
		return err
	}
	if _, err := p.approve(ctx); err != nil {
		return err
	}
	if _, err := p.run(ctx, date, lastMorningStep); err != nil {
		return err
	}
	if _, err := simbank.Answer(p.home, date); err != nil {
		return err
	}
	view, err := p.run(ctx, date, lastMorningStep)
	if err != nil {
		return err
	}
	for _, s := range view.Steps {
		if s.Name == lastMorningStep && (s.State != "DONE" || s.Done == 0) {
			return fault.Broken("bench.unfinished", date, s.State, view.WaitsFor)
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
		var own, all int64
		err := tx.Get(ctx, &own, "SELECT COALESCE(SUM(last_seq), 0) FROM accounts WHERE code IN ('1001', '1122', '2102', '2302', '2501')")
		if err != nil {
			return err
		}
		err = tx.Get(ctx, &all, "SELECT COALESCE(SUM(last_seq), 0) FROM accounts")
		hot = float64(own) / float64(max(all, 1))
		return err
	})
	return rows, hot, err
}
