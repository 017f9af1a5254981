// Package calendar knows which days are working days (工作日).
//
// Weekdays alone do not tell: the State Council's notice of each year makes
// weekdays off-days (放假) and weekend days working days (调休上班), and a due date
// (T+N) that misses one of them releases money on the wrong day. The notice of
// a year is a CSV file beside this code; a year without one is an error and
// never a guess, because the notice of a year is only known in its autumn before.
//
//	cal, err := calendar.Load()
//	due, err := cal.Due(clearingDate, 1, calendar.Working) // T+1: 2026-02-14 gives 2026-02-24
//
// Banks' own days can differ from the notice: a user's file of the same format,
// read by [Parse] and laid over by [Calendar.With], has the last word.
package calendar

import (
	"embed"
	"io/fs"
	"maps"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

//go:embed *.csv
var notices embed.FS

// Mode is how the N of a due date is counted.
type Mode string

// The modes of a due date.
const (
	Working Mode = "T" // T+N: the Nth working day after the clearing date
	Natural Mode = "D" // D+N: N natural days after it
)

// maxCount bounds every N and every walk: no contract settles later than after
// a year, and 366 working days span less than two years of days.
const maxCount = 366

// statutoryOffDays is the number of public holidays of a year since 2025: New
// Year 1, Spring Festival 4, Qingming 1, Labour Day 2, Dragon Boat 1,
// Mid-Autumn 1, National Day 3. A notice lists at least these.
const statutoryOffDays = 13

// Calendar answers for the years whose notice it holds. It is never changed
// after it was made, so it may be shared.
type Calendar struct {
	years map[int]bool
	days  map[bizdate.Date]Day // days that differ from their weekday, or repeat it
}

// Load returns the calendar of the years shipped with the program.
func Load() (*Calendar, error) {
	c := &Calendar{}
	names, err := fs.Glob(notices, "*.csv")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := notices.Open(name)
		if err != nil {
			return nil, err
		}
		days, err := Parse(name, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		if c, err = c.With(days); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// With returns a calendar in which the given days replace those of c. A year
// that c does not know becomes known when the days hold its whole notice: New
// Year's Day and at least 13 off-days. Fewer days of such a year are
// calendar.partial, since the rest of the year would be a guess.
func (c *Calendar) With(days []Day) (*Calendar, error) {
	next := &Calendar{years: map[int]bool{}, days: map[bizdate.Date]Day{}}
	maps.Copy(next.years, c.years)
	maps.Copy(next.days, c.days)
	offDays := map[int]int{}
	for _, d := range days {
		next.days[d.Date] = d
		if d.Kind == Off {
			offDays[d.Date.Year()]++
		}
	}
	for _, d := range days {
		year := d.Date.Year()
		if next.years[year] {
			continue
		}
		newYear := next.days[bizdate.New(year, time.January, 1)]
		if newYear.Kind != Off || offDays[year] < statutoryOffDays {
			return nil, fault.Invalid("calendar.partial", year, offDays[year], statutoryOffDays).
				On("date", d.Date.String())
		}
		next.years[year] = true
	}
	return next, nil
}

// IsWorkingDay reports whether d is a working day. A year without notice is calendar.year.
func (c *Calendar) IsWorkingDay(d bizdate.Date) (bool, error) {
	if !c.years[d.Year()] {
		return false, fault.Invalid("calendar.year", d.Year())
	}
	if day, listed := c.days[d]; listed {
		return day.Kind == Work, nil
	}
	w := d.Weekday()
	return w != time.Saturday && w != time.Sunday, nil
}

// NextWorkingDay returns the first working day strictly after d.
func (c *Calendar) NextWorkingDay(d bizdate.Date) (bizdate.Date, error) {
	return c.AddWorkingDays(d, 1)
}

// AddWorkingDays returns the nth working day after d, whether d is one or not;
// n = 0 is d itself. n is at most 366, else calendar.count. A walk that reaches
// a year without notice is calendar.year; the year of d itself is not asked for.
func (c *Calendar) AddWorkingDays(d bizdate.Date, n int) (bizdate.Date, error) {
	if n < 0 || n > maxCount {
		return 0, fault.Invalid("calendar.count", n, maxCount)
	}
	if d.IsZero() {
		return 0, fault.Invalid("calendar.year", 0)
	}
	for n > 0 {
		d = d.AddDays(1)
		working, err := c.IsWorkingDay(d)
		if err != nil {
			return 0, err
		}
		if working {
			n--
		}
	}
	return d, nil
}

// WorkingDaysBetween returns the age of something in working days: how many of
// them lie after from, up to and including to. A to before from is calendar.order.
func (c *Calendar) WorkingDaysBetween(from, to bizdate.Date) (int, error) {
	if from.IsZero() || to < from {
		return 0, fault.Invalid("calendar.order", from.String(), to.String())
	}
	n := 0
	for d := from; d < to; {
		d = d.AddDays(1)
		working, err := c.IsWorkingDay(d)
		if err != nil {
			return 0, err
		}
		if working {
			n++
		}
	}
	return n, nil
}

// Due returns when the money of a clearing date (清算日期) falls due: the nth
// working day after it (T+N), also where the clearing date is a holiday, or n
// natural days after it (D+N), which needs no notice.
func (c *Calendar) Due(clearingDate bizdate.Date, n int, mode Mode) (bizdate.Date, error) {
	switch mode {
	case Working:
		return c.AddWorkingDays(clearingDate, n)
	case Natural:
		if n < 0 || n > maxCount {
			return 0, fault.Invalid("calendar.count", n, maxCount)
		}
		if clearingDate.IsZero() {
			return 0, fault.Invalid("calendar.year", 0)
		}
		return clearingDate.AddDays(n), nil
	}
	return 0, fault.Invalid("calendar.mode").On("mode", string(mode))
}
