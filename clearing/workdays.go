package clearing

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"custody/clearing/calendar"
	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
)

// maxCalendarBytes bounds a calendar file: a year of days takes 12 KiB.
const maxCalendarBytes = 1 << 20

// loadCalendar returns the working days that the binary knows, overlaid by the
// files in the home's calendar/ folder in the order of their names.
func loadCalendar(home string) (*calendar.Calendar, error) {
	days, err := calendar.Load()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(home, "calendar", "*.csv"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	for _, path := range paths {
		if days, _, err = overlay(days, path); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// overlay lays the days of one file over a calendar.
func overlay(days *calendar.Calendar, path string) (*calendar.Calendar, []calendar.Day, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	if info.Size() > maxCalendarBytes {
		return nil, nil, fault.Invalid("file.size", info.Size(), maxCalendarBytes).In(name)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	list, err := calendar.Parse(name, bytes.NewReader(raw))
	if err != nil {
		return nil, nil, err
	}
	days, err = days.With(list)
	return days, list, err
}

// ImportCalendar takes in the working days of a year, or changes of single
// days, from a file of the State Council's notice. It returns the year of the
// first day and how many days the file has. An earlier file of the year is
// replaced; days that were played before stay as they were.
func (e *Engine) ImportCalendar(ctx context.Context, actor, path string) (year, days int, err error) {
	_, list, err := overlay(e.Calendar, path)
	if err != nil {
		return 0, 0, err
	}
	if len(list) == 0 {
		return 0, 0, fault.Invalid("calendar.none").In(filepath.Base(path))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	year = list[0].Date.Year()
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		return audit.Record(ctx, tx, e.Book.ID(), e.Clock.Now(), actor, "calendar.import", "calendar", strconv.Itoa(year), audit.Digest(raw), nil)
	})
	if err != nil {
		return 0, 0, err
	}
	folder := filepath.Join(e.Home, "calendar")
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, 0, fault.Invalid("home.folder", "calendar").Because(err)
	}
	return year, len(list), atomicfile.WriteFile(filepath.Join(folder, strconv.Itoa(year)+".csv"), raw, 0o600)
}
