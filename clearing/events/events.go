// Package events keeps the log of what others should be told (事件): an escrow
// order was paid, a recharge was credited, an exception was opened, a day closed.
//
// A shop system that asks again and again what changed asks too often or too
// late. Here every change of state that is out of the ordinary is one row,
// written in the transaction of the change, numbered without gaps; after the
// night the rows of a date go out as a file, one JSON object a line.
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
	Date    bizdate.Date // 会计日 of the change
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
	rows := tx.Bulk("event_log", store.Const("custody_id", custodyID), store.Int("event_id"), store.Int("accounting_date"), store.Text("kind"),
		store.Text("subject"), store.Text("from_state"), store.Text("to_state"), store.Text("payload"))
	for i, e := range list {
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

// Each calls fn with the events of a date in the order in which they happened.
func Each(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, fn func(*Row) error) error {
	return tx.Each(ctx, `SELECT event_id, kind, subject, from_state, to_state, payload FROM event_log
		WHERE custody_id = ? AND accounting_date = ? ORDER BY event_id`, []any{custodyID, date}, func(scan func(...any) error) error {
		row := Row{Date: date}
		var payload string
		if err := scan(&row.ID, &row.Kind, &row.Subject, &row.From, &row.To, &payload); err != nil {
			return err
		}
		row.Payload = json.RawMessage(payload)
		return fn(&row)
	})
}

// Write writes the events of a date as lines of JSON and returns how many.
func Write(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, w io.Writer) (int, error) {
	n := 0
	err := Each(ctx, tx, custodyID, date, func(row *Row) error {
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		n++
		_, err = w.Write(append(raw, '\n'))
		return err
	})
	return n, err
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
