// Package events keeps the log of what others should be told (事件): an escrow
// order was paid, a recharge was credited, an exception was opened, a day closed.
//
// A shop system that asks again and again what changed asks too often or too
// late. Here every change of state that is out of the ordinary is one row,
// written in the transaction of the change, numbered without gaps; after the
// night what is new goes out as a file, one JSON object a line.
//
//	err := events.Append(ctx, tx, custodyID, events.Event{Date: day, Kind: events.Escrow, Subject: "S1",
//		From: "WAIT_PAY", To: "PAID_HELD", Payload: map[string]any{"amount_fen": 30000}})
//
// An ordinary order of a night is no event: a million of them would say only
// that the night went well, which the event of its day says. A payload holds no
// account number, PIN or key.
package events

import (
	"context"
	"encoding/json"
	"io"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Kind is what an event is about.
type Kind string

// The kinds of events.
const (
	Escrow       Kind = "escrow"        // 担保订单
	Collection   Kind = "collection"    // 收款单 out of the ordinary: late, twice, refunded
	Payout       Kind = "payout"        // 出款
	Recharge     Kind = "recharge"      // 充值卡
	Exception    Kind = "exception"     // 差错
	Day          Kind = "day"           // 会计日
	PaymentOrder Kind = "payment_order" // 电子支付指令
)

// Event is one change of state. From is empty where the subject is new.
type Event struct {
	Date    bizdate.Date // 会计日 of the change; 0: the day that is collecting
	Kind    Kind
	Subject string
	From    string
	To      string
	Payload any // becomes JSON; nil is {}
}

// Append writes events in the order given.
func Append(ctx context.Context, tx *store.Tx, custodyID int64, list ...Event) error {
	if len(list) == 0 {
		return nil
	}
	// Locks the head row of the custody account where more than one could write.
	_, err := tx.Exec(ctx, `INSERT INTO event_heads (custody_id, events) VALUES (?, ?)
		ON CONFLICT (custody_id) DO UPDATE SET events = event_heads.events + excluded.events`, custodyID, len(list))
	if err != nil {
		return err
	}
	var last int64
	if err := tx.Get(ctx, &last, "SELECT events FROM event_heads WHERE custody_id = ?", custodyID); err != nil {
		return err
	}
	collecting, err := collectingDay(ctx, tx, custodyID, list)
	if err != nil {
		return err
	}
	rows := tx.Bulk("event_log", store.Const("custody_id", custodyID), store.Int("event_id"), store.Int("accounting_date"), store.Text("kind"),
		store.Text("subject"), store.Text("from_state"), store.Text("to_state"), store.Text("payload"))
	for i, e := range list {
		if e.Date.IsZero() {
			e.Date = collecting
		}
		payload := []byte("{}")
		if e.Payload != nil {
			if payload, err = json.Marshal(e.Payload); err != nil {
				return err
			}
		}
		rows.Int(last - int64(len(list)) + int64(i) + 1).Int(int64(e.Date)).Text(string(e.Kind)).Text(e.Subject).Text(e.From).Text(e.To).Text(string(payload))
	}
	return rows.Flush(ctx)
}

// collectingDay is the date of events whose writer knows none: the latest day.
func collectingDay(ctx context.Context, tx *store.Tx, custodyID int64, list []Event) (date bizdate.Date, err error) {
	for _, e := range list {
		if e.Date.IsZero() {
			_, err = tx.Find(ctx, &date, "SELECT accounting_date FROM days WHERE custody_id = ? ORDER BY accounting_date DESC LIMIT 1", custodyID)
			return date, err
		}
	}
	return 0, nil
}

// Row is an event as it is kept and delivered. The line of a file is its JSON.
type Row struct {
	ID      int64           `json:"event_id"`
	Date    bizdate.Date    `json:"date"`
	Kind    Kind            `json:"kind"`
	Subject string          `json:"subject"`
	From    string          `json:"from"`
	To      string          `json:"to"`
	Payload json.RawMessage `json:"payload"`
}

// Last returns the number of the last event, or 0.
func Last(ctx context.Context, tx *store.Tx, custodyID int64) (last int64, err error) {
	_, err = tx.Find(ctx, &last, "SELECT events FROM event_heads WHERE custody_id = ?", custodyID)
	return last, err
}

// Each calls fn with the events of those numbers in the order in which they happened.
func Each(ctx context.Context, tx *store.Tx, custodyID, first, last int64, fn func(*Row) error) error {
	return tx.Each(ctx, `SELECT event_id, accounting_date, kind, subject, from_state, to_state, payload FROM event_log
		WHERE custody_id = ? AND event_id >= ? AND event_id <= ? ORDER BY event_id`, []any{custodyID, first, last}, func(scan func(...any) error) error {
		var row Row
		var payload string
		if err := scan(&row.ID, &row.Date, &row.Kind, &row.Subject, &row.From, &row.To, &payload); err != nil {
			return err
		}
		row.Payload = json.RawMessage(payload)
		return fn(&row)
	})
}

// Write writes the events of those numbers as lines of JSON.
func Write(ctx context.Context, tx *store.Tx, custodyID, first, last int64, w io.Writer) error {
	return Each(ctx, tx, custodyID, first, last, func(row *Row) error {
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, err = w.Write(append(raw, '\n'))
		return err
	})
}

// Verify compares the log with its head: a row that is gone or added is
// events.gap.
func Verify(ctx context.Context, tx *store.Tx, custodyID int64) error {
	var head, count, last int64
	if _, err := tx.Find(ctx, &head, "SELECT events FROM event_heads WHERE custody_id = ?", custodyID); err != nil {
		return err
	}
	err := tx.Get(ctx, &count, "SELECT COUNT(*) FROM event_log WHERE custody_id = ?", custodyID)
	if err == nil {
		err = tx.Get(ctx, &last, "SELECT COALESCE(MAX(event_id), 0) FROM event_log WHERE custody_id = ?", custodyID)
	}
	if err == nil && (count != head || last != head) {
		err = fault.Broken("events.gap", head, count)
	}
	return err
}
