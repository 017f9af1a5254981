package main

import (
	"context"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// knownDay is a day that the books have begun.
type knownDay struct {
	Date  bizdate.Date `db:"accounting_date"`
	State string       `db:"state"`
}

// closed reports whether nothing is left to play.
func (d knownDay) closed() bool { return d.State == string(clearing.DaySealed) }

// knownDays returns the days that the books have begun, the newest first. The
// limit bounds what is shown and scheduled: days older than that are closed,
// because no later day closes before them.
func knownDays(ctx context.Context, e *clearing.Engine, limit int) (list []knownDay, err error) {
	err = e.DB.Read(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &list, "SELECT accounting_date, state FROM days WHERE custody_id = ? ORDER BY accounting_date DESC LIMIT ?", e.Book.ID(), limit)
	})
	return list, err
}

// dateOrLatest reads a date; where none is given it is the latest day.
func (a *app) dateOrLatest(ctx context.Context, e *clearing.Engine, name, value string) (bizdate.Date, error) {
	date, err := dateFlag(name, value)
	if err != nil || !date.IsZero() {
		return date, err
	}
	days, err := knownDays(ctx, e, 1)
	if err != nil {
		return 0, err
	}
	if len(days) == 0 {
		first, err := firstDay(e)
		if err != nil {
			return 0, err
		}
		return 0, fault.Invalid("cli.no-day", first)
	}
	return days[0].Date, nil
}

// firstDay is the day that empty books can begin with: in a replayed home the
// first one whose order file has come, else today.
func firstDay(e *clearing.Engine) (bizdate.Date, error) {
	today := bizdate.Of(e.Clock.Now())
	if e.Config.Clock == clearing.Live {
		return today, nil
	}
	inbox, err := inboxNames(e.Home)
	if due := dueReplayed(nil, inbox); len(due) > 0 {
		return due[0], err
	}
	return today, err
}
