package clearing

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"custody/clearing/events"
	"custody/clearing/outbox"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// eventsEffect is the outbox kind of the files that tell others what happened.
const eventsEffect = "events"

// intendEvents records the file of the night: the events since the last one, by
// their numbers, so that the same file can be made again. A night with nothing
// to tell makes none.
func (w *Work) intendEvents(ctx context.Context, tx *store.Tx) error {
	before, found, err := outbox.LastOfKind(ctx, tx, w.Book.ID(), eventsEffect)
	if err != nil {
		return err
	}
	sent, err := outbox.All(ctx, tx, w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	var from, to int64
	if found {
		if _, last, ok := eventRange(before.Subject); ok {
			from = last
		}
	}
	if to, err = events.Last(ctx, tx, w.Book.ID()); err != nil || to == from {
		return err
	}
	raw, err := w.eventFile(ctx, tx, from+1, to)
	if err != nil {
		return err
	}
	return outbox.Intend(ctx, tx, w.Book.ID(), w.Stamp, outbox.Effect{Date: w.Date, Kind: eventsEffect, Subject: fmt.Sprintf("%d-%d", from+1, to),
		FileName: eventFileName(sent, w.Date), SHA256: digestOf(raw)})
}

// eventFileName is that of the next file of a date, of which sent are the effects
// so far. A day that was reopened has more than one: what it told the first time
// must not be lost.
func eventFileName(sent []outbox.Effect, date bizdate.Date) string {
	n := 1
	for _, s := range sent {
		if s.Kind == eventsEffect {
			n++
		}
	}
	if n == 1 {
		return "events-" + date.Compact() + ".jsonl"
	}
	return fmt.Sprintf("events-%s.%d.jsonl", date.Compact(), n)
}

// eventRange reads the numbers of the first and last event of a file.
func eventRange(subject string) (first, last int64, ok bool) {
	n, err := fmt.Sscanf(subject, "%d-%d", &first, &last)
	return first, last, err == nil && n == 2
}

// eventFile is the lines of some events. A million of them take some 250 MB; a
// night has as many as it has refunds and exceptions.
func (e *Engine) eventFile(ctx context.Context, tx *store.Tx, first, last int64) ([]byte, error) {
	var out bytes.Buffer
	err := events.Write(ctx, tx, e.Book.ID(), first, last, &out)
	return out.Bytes(), err
}

// writeEvents writes the files of events that are recorded and not written yet.
func (e *Engine) writeEvents(ctx context.Context) error {
	var pending []outbox.Effect
	err := e.DB.Read(ctx, func(tx *store.Tx) (err error) {
		pending, err = outbox.Pending(ctx, tx, e.Book.ID(), eventsEffect)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range pending {
		var raw []byte
		err := e.DB.Read(ctx, func(tx *store.Tx) error {
			first, last, ok := eventRange(p.Subject)
			if !ok {
				return fault.Broken("outbox.changed", p.FileName, p.SHA256, p.Subject)
			}
			if raw, err = e.eventFile(ctx, tx, first, last); err != nil {
				return err
			}
			if got := digestOf(raw); got != p.SHA256 {
				return fault.Broken("outbox.changed", p.FileName, p.SHA256, got)
			}
			return nil
		})
		if err != nil {
			return err
		}
		path := filepath.Join(e.Home, "outbox", p.FileName)
		// The lease makes this run the only writer: what lies there half-written is a killed one's.
		if err := firstErr(atomicfile.SweepOf(path), atomicfile.WriteFile(path, raw, 0o600)); err != nil {
			return err
		}
		err = e.DB.Tx(ctx, func(tx *store.Tx) error { return outbox.Written(ctx, tx, e.Book.ID(), p.Kind, p.Subject) })
		if err != nil {
			return err
		}
	}
	return nil
}

// tellSealed is the event of a day that has ended.
func (w *Work) tellSealed(ctx context.Context, tx *store.Tx) error {
	d, _, err := w.day(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	return events.Append(ctx, tx, w.Book.ID(), events.Event{Date: w.Date, Kind: events.Day, Subject: w.Date.String(), From: string(DayClosed),
		To: string(DaySealed), Payload: map[string]any{"result_hash": d.ResultHash}})
}

// refundEvent is that of a refund of an order that the night has booked.
func (w *Work) refundEvent(r refund) events.Event {
	return events.Event{Date: w.Date, Kind: events.Collection, Subject: r.OrderNo, To: "REFUNDED",
		Payload: map[string]any{"refund_no": r.RefundNo, "amount_fen": r.Amount, "member": r.Member, "channel": r.Channel}}
}
