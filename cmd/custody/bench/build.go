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
)

// open opens the home of a measurement; stamps are the machine's.
func openOptions(home string) clearing.OpenOptions {
	return clearing.OpenOptions{Home: home, Clock: clock.Real(), Random: clock.Rand()}
}

// build makes a home with one night's files and the intraday report of the
// morning after, on which the shops are shut.
func build(ctx context.Context, home string, orders, members int) error {
	days, err := calendar.Load()
	if err != nil {
		return err
	}
	err = simbank.Generate(simbank.Params{
		Dir: home, From: nightDate, Days: 2, Seed: 1, Orders: orders, Members: members, Faults: []string{},
		Working: days.IsWorkingDay,
		Closed:  func(d bizdate.Date) bool { return d == morningDate },
	})
	if err != nil {
		return err
	}
	if err := differ(filepath.Join(home, "inbox", "orders-"+nightDate.Compact()+".csv")); err != nil {
		return err
	}
	e, _, err := clearing.Init(ctx, openOptions(home))
	if err != nil {
		return err
	}
	return e.Close()
}

// differEvery: one order in a thousand has no counterpart in the bill.
const differEvery = 1000

// differ adds to the order file orders that no channel knows of (短款): they
// are in no bill, so neither the channels' payments nor the bank's list of
// sub-accounts change with them.
func differ(path string) error {
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
		return errors.Join(orderfile.Write(out, nightDate, rows()), readErr)
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
