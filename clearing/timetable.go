package clearing

import (
	"time"

	"custody/internal/bizdate"
)

// The timetable of a day D by the clock (UTC+8). Steps take their instant from
// here, so a day that is played again gives the same result. minutes is from
// midnight of D, or of D+1 for the night phase.
var timetable = map[string]struct {
	nextDay bool
	minutes int
}{
	stepArrival: {false, 11 * 60},
	stepRelease: {false, 11*60 + 30},
	stepBatch:   {false, 13 * 60},
	stepSend:    {false, 13*60 + 30},
	stepResults: {false, 17*60 + 30},

	fileOrders:    {true, 40},
	fileBalances:  {true, 30},
	fileStatement: {true, 8 * 60},
	fileBill:      {true, 10 * 60},
	fileIntraday:  {false, 11 * 60},
	fileResult:    {false, 17*60 + 30},

	stepNight: {true, 10*60 + 30},
}

// approvalDeadline is the last rail window: a batch that no checker approved
// by then is EXPIRED.
const approvalDeadline = 17 * 60

// instant returns when a step or file of D is due.
func instant(name string, date bizdate.Date) time.Time {
	entry, ok := timetable[name]
	if !ok {
		entry = timetable[stepNight]
	}
	if entry.nextDay {
		date = date.AddDays(1)
	}
	return date.At(entry.minutes/60, entry.minutes%60)
}
