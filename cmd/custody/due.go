package main

import (
	"regexp"
	"slices"

	"custody/clearing"
	"custody/internal/bizdate"
)

// dueDays returns the days that a live home has to play, oldest first: those
// that were begun and are not closed, and every day since the latest up to
// today. Empty books begin today: nobody knows when they were to begin.
func dueDays(known []knownDay, today bizdate.Date) []bizdate.Date {
	due := openDays(known)
	next := today
	if last := latest(known); !last.IsZero() {
		next = last.AddDays(1)
	}
	for ; next <= today && len(due) < maxPeriod; next = next.AddDays(1) {
		due = append(due, next)
	}
	return due
}

// dueReplayed returns the days of a replayed home that can be played: those
// that were begun, and the first further one whose order file lies in the inbox.
func dueReplayed(known []knownDay, inbox []string) []bizdate.Date {
	due := openDays(known)
	var arrived []bizdate.Date
	for _, name := range inbox {
		if m := orderName.FindStringSubmatch(name); m != nil {
			if d, err := bizdate.Parse(m[1]); err == nil && d > latest(known) {
				arrived = append(arrived, d)
			}
		}
	}
	if len(due) == 0 && len(arrived) > 0 {
		due = append(due, slices.Min(arrived))
	}
	return due
}

var orderName = regexp.MustCompile(`^orders-(\d{8})\.csv$`)

func openDays(known []knownDay) (open []bizdate.Date) {
	for _, d := range known {
		if !d.closed() {
			open = append(open, d.Date)
		}
	}
	slices.Sort(open)
	return open
}

func latest(known []knownDay) (last bizdate.Date) {
	for _, d := range known {
		last = max(last, d.Date)
	}
	return last
}

// plays reports whether the scheduler plays days of the home by itself.
func plays(mode clearing.ClockMode, replay bool) bool { return mode == clearing.Live || replay }
