package clearing

import (
	"context"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// DayState is where an accounting day (会计日) stands.
type DayState string

// The states of an accounting day.
const (
	DayOpen        DayState = "OPEN"        // collecting
	DayCut         DayState = "CUT"         // 已日切: takes only its own night phase
	DayReconciling DayState = "RECONCILING" // 对账中
	DayBalanced    DayState = "BALANCED"    // 已平: every check holds
	DayClosed      DayState = "CLOSED"      // 已关账
	DaySealed      DayState = "SEALED"      // 已封存
	DayReopened    DayState = "REOPENED"    // 重新打开: its matches may be redone, its ledger stays closed
)

// dayTransitions is the state machine of a day.
var dayTransitions = map[DayState][]DayState{
	DayOpen:        {DayCut},
	DayCut:         {DayReconciling},
	DayReconciling: {DayBalanced},
	DayBalanced:    {DayReconciling, DayClosed},
	DayClosed:      {DaySealed},
	DaySealed:      {DayReopened},
	DayReopened:    {DayBalanced},
}

// day is a row of days.
type day struct {
	Date       bizdate.Date `db:"accounting_date"`
	State      DayState     `db:"state"`
	DayPhase   string       `db:"day_phase"`
	ResultHash string       `db:"result_hash"`
}

// The states of a day phase.
const (
	phasePending = "PENDING"
	phaseRunning = "RUNNING"
	phaseDone    = "DONE"
	phaseSkipped = "SKIPPED" // not a working day
	phaseMissed  = "MISSED"  // a live home did not run on the day itself
)

// closed reports whether the day takes no more postings.
func (d day) closed() bool {
	return d.State == DayClosed || d.State == DaySealed || d.State == DayReopened
}

// collecting reports whether the day has not been cut.
func (d day) collecting() bool { return d.State == DayOpen }

// auditedDays is the table of days as the audit log covers it.
var auditedDays = audit.Table{Name: "days", Key: []string{"accounting_date"}, Columns: []string{"state", "day_phase", "result_hash"}}

const dayColumns = "accounting_date, state, day_phase, result_hash"

func (e *Engine) day(ctx context.Context, tx *store.Tx, date bizdate.Date) (day, bool, error) {
	var d day
	found, err := tx.Find(ctx, &d, "SELECT "+dayColumns+" FROM days WHERE custody_id = ? AND accounting_date = ?", e.Book.ID(), date)
	return d, found, err
}

// lastDay returns the latest day, or a zero one where the books are empty.
func (e *Engine) lastDay(ctx context.Context, tx *store.Tx) (day, error) {
	var d day
	_, err := tx.Find(ctx, &d, "SELECT "+dayColumns+" FROM days WHERE custody_id = ? ORDER BY accounting_date DESC LIMIT 1", e.Book.ID())
	return d, err
}

// maxGap bounds how many days one run may open: a mistyped year must not
// create thousands of them.
const maxGap = 31

// openThrough opens every day up to date and cuts the open ones before it.
func (w *Work) openThrough(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	last, err := w.lastDay(ctx, tx)
	if err != nil {
		return err
	}
	if last.Date.IsZero() {
		return w.openDay(ctx, tx, date)
	}
	if last.Date.DaysUntil(date) > maxGap {
		return fault.Invalid("day.gap", date, last.Date, maxGap).On("--date", date.String())
	}
	for d := last.Date.AddDays(1); d <= date; d = d.AddDays(1) {
		if err := w.openDay(ctx, tx, d); err != nil {
			return err
		}
	}
	return w.cutBefore(ctx, tx, date)
}

func (w *Work) openDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	if _, err := w.Calendar.IsWorkingDay(date); err != nil {
		return err
	}
	if err := w.Book.OpenDay(ctx, tx, date); err != nil {
		return err
	}
	d := day{Date: date, State: DayOpen, DayPhase: phasePending}
	_, err := tx.Exec(ctx, "INSERT INTO days (custody_id, "+dayColumns+") VALUES (?, ?, ?, ?, ?)",
		w.Book.ID(), d.Date, d.State, d.DayPhase, d.ResultHash)
	if err != nil {
		return err
	}
	return auditedDays.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "day.open", []any{int64(date)}, nil)
}

// cutBefore cuts (日切) every open day before date.
func (w *Work) cutBefore(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	var open []bizdate.Date
	err := tx.Select(ctx, &open, "SELECT accounting_date FROM days WHERE custody_id = ? AND state NOT IN ('CLOSED', 'SEALED') AND state = ? AND accounting_date < ? ORDER BY accounting_date",
		w.Book.ID(), DayOpen, date)
	if err != nil {
		return err
	}
	for _, d := range open {
		if err := w.moveDay(ctx, tx, d, DayCut); err != nil {
			return err
		}
	}
	return nil
}

// moveDay changes the day's state by the table of transitions.
func (w *Work) moveDay(ctx context.Context, tx *store.Tx, date bizdate.Date, to DayState) error {
	d, found, err := w.day(ctx, tx, date)
	if err != nil || !found || d.State == to {
		return err
	}
	legal := false
	for _, s := range dayTransitions[d.State] {
		legal = legal || s == to
	}
	if !legal {
		return fault.Broken("day.state", date, string(d.State), string(to))
	}
	d.State = to
	return w.saveDay(ctx, tx, d, "day."+string(to))
}

func (w *Work) saveDay(ctx context.Context, tx *store.Tx, d day, action string) error {
	_, err := tx.Exec(ctx, "UPDATE days SET state = ?, day_phase = ?, result_hash = ? WHERE custody_id = ? AND accounting_date = ?",
		d.State, d.DayPhase, d.ResultHash, w.Book.ID(), d.Date)
	if err != nil {
		return err
	}
	return auditedDays.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, action, []any{int64(d.Date)}, nil)
}

// setPhase records how far the day phase is.
func (w *Work) setPhase(ctx context.Context, phase string) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		d, found, err := w.day(ctx, tx, w.Date)
		if err != nil || !found || d.DayPhase == phase {
			return err
		}
		d.DayPhase = phase
		return w.saveDay(ctx, tx, d, "day.phase")
	})
}

// collectingDay returns the day that takes what a person decides now: the
// latest one while it is open, else the day after it, which it opens.
func (w *Work) collectingDay(ctx context.Context, tx *store.Tx) (bizdate.Date, error) {
	if w.Config.Clock == Live {
		today := bizdate.Of(w.Stamp)
		return today, w.openThrough(ctx, tx, today)
	}
	last, err := w.lastDay(ctx, tx)
	switch {
	case err != nil:
		return 0, err
	case last.Date.IsZero():
		return 0, fault.Wait("day.none")
	case last.collecting():
		return last.Date, nil
	}
	next := last.Date.AddDays(1)
	return next, w.openThrough(ctx, tx, next)
}

// postable returns the date that a bank event of the booking day carries: that
// day while it takes postings, else the day that is being played.
func (w *Work) postable(ctx context.Context, tx *store.Tx, booked bizdate.Date) (bizdate.Date, error) {
	if booked >= w.Date {
		return w.Date, nil
	}
	d, found, err := w.day(ctx, tx, booked)
	if err != nil {
		return 0, err
	}
	if found && !d.closed() {
		return booked, nil
	}
	return w.Date, nil
}
