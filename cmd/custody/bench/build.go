package bench

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
	"custody/clearing"
	"custody/clearing/calendar"
	"custody/cmd/custody/simbank"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
)

// open opens the home of a measurement; stamps are the machine's.
func openOptions(home string) clearing.OpenOptions {
	return clearing.OpenOptions{Home: home, Clock: clock.Real(), Random: clock.Rand()}
}

// nightJob is what the process of the night is told.
type nightJob struct {
	Home    string `json:"home"`
	DSN     string `json:"dsn"`
	Profile string `json:"profile"`
	Nights  int    `json:"nights"`
}

// date is the accounting day whose night is measured.
func (j *nightJob) date() bizdate.Date { return firstNight.AddDays(j.Nights - 1) }

func (j *nightJob) options() clearing.OpenOptions {
	o := openOptions(j.Home)
	o.DSN = j.DSN
	return o
}

// sameDayRefunds: one order in a hundred is refunded on its own day.
const sameDayRefunds = 100

// build makes a home with the files of the nights and the intraday report of
// the morning after the last, on which the shops are shut, and its history.
func build(ctx context.Context, job nightJob, o Options) error {
	days, err := calendar.Load()
	if err != nil {
		return err
	}
	morning := job.date().AddDays(1)
	if working, err := days.IsWorkingDay(morning); err != nil || !working {
		return errors.Join(err, fault.Invalid("bench.morning", o.Nights, morning))
	}
	err = simbank.Generate(simbank.Params{
		Dir: job.Home, From: firstNight, Days: o.Nights + 1, Seed: 1, Orders: o.Orders, Members: o.Members, Faults: []string{},
		Working: days.IsWorkingDay, SameDay: sameDayRefunds,
		Closed: func(d bizdate.Date) bool { return d == morning },
	})
	if err != nil {
		return err
	}
	for d := firstNight; d < morning && !o.exact; d = d.AddDays(1) {
		if err := differ(filepath.Join(job.Home, "inbox", "orders-"+d.Compact()+".csv"), d); err != nil {
			return err
		}
	}
	e, _, err := clearing.Init(ctx, job.options())
	if err != nil {
		return err
	}
	return errors.Join(fillHistory(ctx, e.DB, e.Book, firstNight, o.History, HistoryOrders), e.Close())
}

// differEvery: one order in a thousand has no counterpart in the bill.
const differEvery = 1000

// differ adds to the order file orders that no channel knows of (短款): they
// are in no bill, so neither the channels' payments nor the bank's list of
// sub-accounts change with them.
func differ(path string, date bizdate.Date) error {
	temp := path + ".whole"
	if err := os.Rename(path, temp); err != nil {
		return err
	}
	var readErr error
	rows := func() iter.Seq[bankfiles.Order] {
		return func(yield func(bankfiles.Order) bool) {
			if err := eachOrder(temp, yield); err != nil && readErr == nil {
				readErr = err
			}
		}
	}
	err := atomicfile.Write(path, 0o640, func(out io.Writer) error {
		return errors.Join(orderfile.Write(out, date, rows()), readErr)
	})
	return errors.Join(err, os.Remove(temp))
}

var errEnough = errors.New("bench: enough rows")

// eachOrder yields the rows of the file and behind every thousandth payment one
// that nobody knows.
func eachOrder(path string, yield func(bankfiles.Order) bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	payments := 0
	_, err = orderfile.Read(filepath.Base(path), f, func(o *bankfiles.Order) error {
		if !yield(*o) {
			return errEnough
		}
		if o.Kind != bankfiles.Pay {
			return nil
		}
		if payments++; payments%differEvery != 1 {
			return nil
		}
		unknown := *o
		unknown.OrderNo = unknownNumber(o.OrderNo)
		if !yield(unknown) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// unknownNumber makes an order number that the simulation does not use: its
// own end in nine digits, of at most four million.
func unknownNumber(number string) string {
	at := len(number) - 9
	return number[:at] + "8" + number[at+1:]
}
