package clearing

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"custody/clearing/outbox"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// work prepares the work of an actor on a date, without a lease.
func (e *Engine) work(date bizdate.Date, actor string, l *lease) *Work {
	return &Work{Engine: e, Date: date, Actor: actor, Stamp: e.Clock.Now(), lease: l}
}

// RunRequest says what `custody run` should play.
type RunRequest struct {
	Date  bizdate.Date
	Until string // last step to play; empty: as far as possible
	Actor string
	// Now is the moment up to which a replayed home plays; zero: as late as the
	// day needs. A live home follows the clock.
	Now time.Time
}

// steps returns all steps of a day in the order of playing.
func (e *Engine) steps() []Step {
	perChannel := func(run func(*Work, context.Context, Channel) (Counts, error)) func(context.Context, *Work) (Counts, error) {
		return func(ctx context.Context, w *Work) (Counts, error) {
			var sum Counts
			for _, ch := range w.Config.Channels {
				c, err := run(w, ctx, ch)
				if sum = sum.Add(c); err != nil {
					return sum, err
				}
			}
			return sum, nil
		}
	}
	plain := func(run func(*Work, context.Context) (Counts, error)) func(context.Context, *Work) (Counts, error) {
		return func(ctx context.Context, w *Work) (Counts, error) { return run(w, ctx) }
	}
	list := []Step{
		{stepArrival, DayPhase, plain((*Work).stepArriveIntraday)},
		{stepRelease, DayPhase, plain((*Work).stepReleaseMoney)},
		{stepBatch, DayPhase, plain((*Work).stepDrawBatch)},
		{stepSend, DayPhase, plain((*Work).stepSendBatches)},
		{stepResults, DayPhase, plain((*Work).stepPostResults)},
		{stepCut, NightPhase, plain((*Work).stepCutDay)},
		{stepFiles, NightPhase, plain((*Work).stepTakeFiles)},
		{stepReceipts, NightPhase, plain((*Work).stepReceiveMoney)},
		{stepCollection, NightPhase, plain((*Work).stepCollect)},
		{stepReconcile, NightPhase, perChannel((*Work).stepReconcileChannel)},
		{stepRefunds, NightPhase, perChannel((*Work).stepEarlyRefunds)},
		{stepTransit, NightPhase, plain((*Work).stepArriveStatement)},
		{stepAnswers, NightPhase, plain((*Work).stepReadAnswers)},
		{stepSplit, NightPhase, then(then(then(perChannel((*Work).stepSplitOrders), (*Work).autoConfirm), (*Work).thawRequests), (*Work).findListings)},
		{stepReturns, NightPhase, perChannel((*Work).stepReturnShares)},
		{stepNetting, NightPhase, plain((*Work).stepNet)},
		{stepTieOut, NightPhase, plain((*Work).stepTie)},
		{stepTrial, NightPhase, plain((*Work).stepProve)},
	}
	// Reports come after the close, so that they can state the day's result.
	list = append(list, Step{stepClose, NightPhase, plain((*Work).stepCloseDay)})
	for _, s := range e.Reports {
		list = append(list, recorded(s))
	}
	return append(list, Step{stepSeal, NightPhase, plain((*Work).stepSealDay)})
}

// then plays something more within a step.
func then(first func(context.Context, *Work) (Counts, error), more func(*Work, context.Context) (Counts, error)) func(context.Context, *Work) (Counts, error) {
	return func(ctx context.Context, w *Work) (Counts, error) {
		c, err := first(ctx, w)
		if err != nil {
			return c, err
		}
		also, err := more(w, ctx)
		return c.Add(also), err
	}
}

// recorded gives a reporting step its checkpoint: what it wrote, it need not
// write again.
func recorded(s Step) Step {
	run := s.Run
	s.Run = func(ctx context.Context, w *Work) (Counts, error) {
		done, err := w.isDone(ctx, s.Name, "")
		if err != nil || done {
			return Counts{}, err
		}
		counts, err := run(ctx, w)
		if err != nil {
			return counts, err
		}
		return w.once(ctx, s.Name, "", nil, func(*store.Tx) (Counts, error) { return counts, nil })
	}
	return s
}

// StepNames returns the names of all steps in the order of playing.
func (e *Engine) StepNames() []string {
	var names []string
	for _, s := range e.steps() {
		names = append(names, s.Name)
	}
	return names
}

// needsWhole are steps that need everything of the night before them: they
// wait while any file is missing.
var needsWhole = []string{stepNetting}

// Run plays what of the day's two phases is possible, in order, and commits
// step by step. It returns the day's view, and a Waiting fault when the day
// waits for something, a Books fault when a check does not hold, a Busy fault
// when another run works. A day that is SEALED is left as it is.
func (e *Engine) Run(ctx context.Context, r RunRequest) (*DayView, error) {
	if r.Until != "" && !slices.Contains(e.StepNames(), r.Until) {
		return nil, fault.Invalid("run.step", r.Until).On("--until", r.Until)
	}
	if view, err := e.closedDay(ctx, r); view != nil || err != nil {
		return view, err
	}
	l, err := e.acquire(ctx, r.Actor)
	if err != nil {
		return nil, err
	}
	defer l.release()
	w := e.work(r.Date, r.Actor, l)
	for _, folder := range []string{"outbox", "seals", "vault"} {
		if err := atomicfile.Sweep(filepath.Join(e.Home, folder), w.Stamp.Add(-litterAge)); err != nil {
			return nil, err
		}
	}
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	if err := firstErr(e.writeInstructions(ctx), e.writeEvents(ctx)); err != nil {
		return nil, err
	}
	waits, err := w.play(ctx, r)
	view, viewErr := e.Day(ctx, r.Date)
	if view != nil {
		view.setWaits(waits)
	}
	switch {
	case err != nil:
		return view, errors.Join(err, viewErr)
	case viewErr != nil:
		return nil, viewErr
	case len(waits) > 0:
		return view, fault.Wait("day.waits", r.Date, waits[0].String()).Because(errors.Join(w.rejected...))
	}
	return view, nil
}

// litterAge is how old a temporary file must be for a run to remove it: no
// file takes an hour to write, so a killed process left it.
const litterAge = time.Hour

// closedDay returns the view of a day that is sealed, and nil for any other. It
// takes no lease and writes nothing, unless a file that the day promised is not
// there: its process died after the seal had been committed.
func (e *Engine) closedDay(ctx context.Context, r RunRequest) (*DayView, error) {
	var d day
	var owed bool
	err := e.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if err := people.Require(ctx, tx, r.Actor, people.Run); err != nil {
			return err
		}
		if d, _, err = e.day(ctx, tx, r.Date); err != nil || d.State != DaySealed {
			return err
		}
		owed, err = e.owesFiles(ctx, tx, r.Date)
		return err
	})
	if err != nil || d.State != DaySealed {
		return nil, err
	}
	if _, err := os.Stat(e.sealPath(r.Date)); err != nil || owed {
		if err := e.deliver(ctx, r); err != nil {
			return nil, err
		}
	}
	view, err := e.Day(ctx, r.Date)
	if err != nil {
		return nil, err
	}
	view.AlreadyClosed = true
	return view, nil
}

// owesFiles reports whether files that a sealed day promised are not known to be written.
func (e *Engine) owesFiles(ctx context.Context, tx *store.Tx, date bizdate.Date) (bool, error) {
	told, err1 := outbox.Pending(ctx, tx, e.Book.ID(), eventsEffect)
	sealed, err2 := outbox.Pending(ctx, tx, e.Book.ID(), sealEffect)
	ofDay := func(p outbox.Effect) bool { return p.Date == date }
	return len(told) > 0 || slices.ContainsFunc(sealed, ofDay), firstErr(err1, err2)
}

// deliver writes the files of a sealed day that are not there. It takes the
// lease, so that nobody else writes them at the same time.
func (e *Engine) deliver(ctx context.Context, r RunRequest) error {
	l, err := e.acquire(ctx, r.Actor)
	if err != nil {
		return err
	}
	defer l.release()
	if err := e.work(r.Date, r.Actor, l).writeSeal(ctx); err != nil {
		return err
	}
	return e.writeEvents(ctx)
}

// begin opens the day and cuts the days before it.
func (w *Work) begin(ctx context.Context) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		_, found, err := w.day(ctx, tx, w.Date)
		if err != nil {
			return err
		}
		last, err := w.lastDay(ctx, tx)
		if err != nil {
			return err
		}
		if !found && !last.Date.IsZero() && w.Date < last.Date {
			return fault.Invalid("day.before", w.Date, last.Date).On("--date", w.Date.String())
		}
		if w.Config.Clock == Live && w.Date > bizdate.Of(w.Stamp) {
			return fault.Wait("day.future", w.Date)
		}
		return w.openThrough(ctx, tx, w.Date)
	})
}

// play runs the steps in order. A wait in the day phase stops the run; in the
// night phase the steps that need nothing of what is missing go on.
func (w *Work) play(ctx context.Context, r RunRequest) (waitList, error) {
	dayPhase, err := w.playsDayPhase(ctx, r)
	if err != nil {
		return nil, err
	}
	var waits waitList
	for _, s := range w.steps() {
		if s.Phase == DayPhase && !dayPhase {
			continue
		}
		if s.Name == stepCut {
			if len(waits) > 0 {
				return waits, nil
			}
			if err := w.endDayPhase(ctx, dayPhase); err != nil {
				return nil, err
			}
			if wait, err := w.nightMayBegin(ctx, r); err != nil || len(wait) > 0 {
				return wait, err
			}
		}
		if len(waits) > 0 && slices.Contains(needsWhole, s.Name) {
			return waits, nil
		}
		w.At = instant(s.Name, w.Date)
		if s.Phase == DayPhase && w.Config.Clock == Live && w.Stamp.Before(w.At) {
			return append(waits, Wait{Kind: "time", Subject: s.Name, Since: w.At}), nil
		}
		if w.Progress != nil {
			w.Progress(s.Name, 0, 0)
		}
		_, err := s.Run(ctx, w)
		var more waitList
		switch {
		case errors.As(err, &more):
			waits = append(waits, more...)
			if s.Phase == DayPhase {
				return waits, nil
			}
		case err != nil:
			return waits, err
		}
		if s.Name == r.Until {
			return waits, nil
		}
	}
	return waits, nil
}

// playsDayPhase reports whether the day phase is (still) to be played: on a
// working day, before a later day has begun, and in a live home only on the day.
func (w *Work) playsDayPhase(ctx context.Context, r RunRequest) (bool, error) {
	working, err := w.Calendar.IsWorkingDay(w.Date)
	if err != nil {
		return false, err
	}
	var d, last day
	err = w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if last, err = w.lastDay(ctx, tx); err != nil {
			return err
		}
		d, _, err = w.day(ctx, tx, w.Date)
		return err
	})
	if err != nil {
		return false, err
	}
	switch {
	case d.DayPhase == phaseDone || d.DayPhase == phaseSkipped || d.DayPhase == phaseMissed:
		return false, nil
	case !working:
		return false, w.setPhase(ctx, phaseSkipped)
	case w.over(last.Date, r):
		if d.DayPhase == phasePending && w.Config.Clock == Live {
			return false, w.setPhase(ctx, phaseMissed)
		}
		return false, w.endDayPhase(ctx, true)
	}
	return true, w.setPhase(ctx, phaseRunning)
}

// over reports whether the day's own hours have passed: by the clock in a live
// home; in a replayed one when a later day has begun, or by the moment given.
func (w *Work) over(last bizdate.Date, r RunRequest) bool {
	cut := w.Date.At(24, 0)
	switch {
	case w.Config.Clock == Live:
		return !w.Stamp.Before(cut)
	case !r.Now.IsZero():
		return !r.Now.Before(cut)
	}
	return last > w.Date
}

// endDayPhase expires what no checker approved and marks the phase done.
func (w *Work) endDayPhase(ctx context.Context, played bool) error {
	if !played {
		return nil
	}
	if err := w.expire(ctx, unsent...); err != nil {
		return err
	}
	return w.setPhase(ctx, phaseDone)
}

// nightMayBegin: the night phase never starts before the day before is closed,
// nor before the cut.
func (w *Work) nightMayBegin(ctx context.Context, r RunRequest) (waitList, error) {
	cut := w.Date.At(24, 0)
	if (w.Config.Clock == Live && w.Stamp.Before(cut)) || (!r.Now.IsZero() && r.Now.Before(cut)) {
		return waitFor("cut", w.Date.String(), cut), nil
	}
	var open []bizdate.Date
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &open, `SELECT accounting_date FROM days WHERE custody_id = ? AND accounting_date < ?
			AND state NOT IN ('CLOSED', 'SEALED') ORDER BY accounting_date`, w.Book.ID(), w.Date)
	})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return waitFor("day", open[0].String(), open[0].At(24, 0)), nil
}

// stepCutDay is the day cut (日切): new postings carry the next day from now on.
func (w *Work) stepCutDay(ctx context.Context) (Counts, error) {
	return w.once(ctx, stepCut, "", nil, func(tx *store.Tx) (Counts, error) {
		d, _, err := w.day(ctx, tx, w.Date)
		if err != nil {
			return Counts{}, err
		}
		if d.State == DayOpen {
			if err := w.moveDay(ctx, tx, w.Date, DayCut); err != nil {
				return Counts{}, err
			}
		}
		return Counts{In: 1, Done: 1}, w.moveDay(ctx, tx, w.Date, DayReconciling)
	})
}

// Day returns where a day stands, from what is stored.
func (e *Engine) Day(ctx context.Context, date bizdate.Date) (*DayView, error) {
	v := &DayView{Custody: e.Config.Code, Date: date, WaitsFor: []string{}, Steps: []StepView{}, Checks: []CheckView{}, FilesOut: []string{}}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		d, found, err := e.day(ctx, tx, date)
		if err != nil {
			return err
		}
		if !found {
			return fault.Invalid("day.unknown", date).On("--date", date.String())
		}
		v.State, v.ResultHash = string(d.State), d.ResultHash
		if v.Steps, err = e.stepViews(ctx, tx, d); err != nil {
			return err
		}
		if v.Checks, err = e.CheckViews(ctx, tx, date); err != nil {
			return err
		}
		v.FilesOut, err = e.filesOut(ctx, tx, date)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Waits lists what a day that is not closed waits for, without playing anything.
func (e *Engine) Waits(ctx context.Context, date bizdate.Date) ([]Wait, error) {
	var waits waitList
	files, err := e.Files(ctx, date)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.State == FileExpected {
			waits = append(waits, fileWait(f))
		}
	}
	err = e.DB.Read(ctx, func(tx *store.Tx) error {
		batches, err := payout.Batches(ctx, tx, e.Book.ID(), payout.BatchDraft, payout.BatchChecked)
		if err != nil {
			return err
		}
		asked, err := e.work(date, "", nil).asks(ctx, tx, batches)
		for _, b := range batches {
			if b.State == payout.BatchDraft {
				waits = append(waits, Wait{Kind: "submission", Subject: b.BatchNo, Since: instant(stepBatch, b.FileDate)})
				continue
			}
			waits = append(waits, Wait{Kind: "approval", Subject: asked[b.BatchNo], Since: instant(stepBatch, b.FileDate)})
		}
		return err
	})
	return waits, err
}

// SetWaits fills in what the day waits for.
func (v *DayView) SetWaits(waits []Wait) { v.setWaits(waits) }

func (v *DayView) setWaits(waits []Wait) {
	v.Waits = waits
	v.WaitsFor = []string{}
	for _, w := range waits {
		v.WaitsFor = append(v.WaitsFor, w.String())
	}
}

// stepViews sums each step's scopes.
func (e *Engine) stepViews(ctx context.Context, tx *store.Tx, d day) ([]StepView, error) {
	type row struct {
		Step  string `db:"step"`
		State string `db:"state"`
		In    int    `db:"n_in"`
		Done  int    `db:"n_done"`
		Skip  int    `db:"n_skipped"`
		Fail  int    `db:"n_failed"`
	}
	var rows []row
	err := tx.Select(ctx, &rows, `SELECT step, state, n_in, n_done, n_skipped, n_failed FROM runs
		WHERE custody_id = ? AND accounting_date = ? AND state <> 'SUPERSEDED'`, e.Book.ID(), d.Date)
	if err != nil {
		return nil, err
	}
	views := []StepView{}
	for _, s := range e.steps() {
		v := StepView{Name: s.Name, Phase: s.Phase, State: "PENDING"}
		if s.Phase == DayPhase && (d.DayPhase == phaseSkipped || d.DayPhase == phaseMissed) {
			v.State = d.DayPhase
		}
		for _, r := range rows {
			if r.Step == s.Name {
				if v.State != "RUNNING" {
					v.State = r.State
				}
				v.Counts = v.Counts.Add(Counts{r.In, r.Done, r.Skip, r.Fail})
			}
		}
		views = append(views, v)
	}
	return views, nil
}

// filesOut lists what the day wrote for the bank and as proof.
func (e *Engine) filesOut(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]string, error) {
	list := []string{}
	err := tx.Each(ctx, "SELECT kind, file_name FROM outbox WHERE custody_id = ? AND accounting_date = ? AND state <> 'PENDING' ORDER BY outbox_id",
		[]any{e.Book.ID(), date}, func(scan func(...any) error) error {
			var kind, name string
			if err := scan(&kind, &name); err != nil {
				return err
			}
			folder := "outbox/"
			if kind == sealEffect {
				folder = "seals/"
			}
			list = append(list, folder+name)
			return nil
		})
	if err != nil {
		return nil, err
	}
	reports, err := os.ReadDir(filepath.Join(e.Home, "reports", date.String()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range reports {
		list = append(list, "reports/"+date.String()+"/"+f.Name())
	}
	return list, nil
}
