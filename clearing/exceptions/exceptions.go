// Package exceptions keeps differences (差错): typed, with an owner and a due
// date, until a later file clears them or two people do.
package exceptions

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"custody/clearing/events"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Kind is what is wrong.
type Kind string

// The kinds of differences.
const (
	BankMiss     Kind = "BANK_MISS"     // 银行漏单: ours, not in the bill (短款)
	PlatformMiss Kind = "PLATFORM_MISS" // 平台漏单: in the bill, not ours (长款)
	Date         Kind = "DATE"          // 日切差: near the cut, a later bill should bring it
	AmountDiffer Kind = "AMOUNT"        // the amounts differ
	Fee          Kind = "FEE"           // the channel took another fee
	RefundMiss   Kind = "REFUND_MISS"   // a refund that one side lacks
	Duplicate    Kind = "DUPLICATE"     // the same twice
	Direction    Kind = "DIRECTION"     // a payment here, a refund there
	Status       Kind = "STATUS"        // answered failed but debited
	Payee        Kind = "PAYEE"         // payout refused for the account's sake
	Returned     Kind = "RETURNED"      // 退汇: a payout came back
	UnknownPayer Kind = "UNKNOWN_PAYER" // 不明来账
	OffSystem    Kind = "OFF_SYSTEM"    // a debit that no instruction of ours explains
	InTransit    Kind = "IN_TRANSIT"    // 在途未到 beyond its limit
	LatePaid     Kind = "LATE_PAID"     // 迟到支付: paid, though our file says that it was not
	DupPaid      Kind = "DUP_PAID"      // 重复支付: paid again through another channel
	Coupon       Kind = "COUPON"        // a coupon that head office's marketing money does not cover
	Balance      Kind = "BALANCE"       // 总分不符: a sub-account, or a proof of the night
	Debt         Kind = "DEBT"          // 垫付欠款: the reserve paid a refund for a member who has left, or beyond its limit
	WrongAccount Kind = "WRONG_ACCOUNT" // 串户: the bank has under one sub-account what we have under another
)

// State of an exception.
type State string

// The states of an exception (差错状态).
const (
	Open        State = "OPEN"         // 登记
	InPool      State = "IN_POOL"      // 缓冲: a later bill may clear it
	AutoCleared State = "AUTO_CLEARED" // 自动平
	Assigned    State = "ASSIGNED"     // 已分派
	Proposed    State = "PROPOSED"     // 处理建议
	Posted      State = "POSTED"       // 已入账, its money still to be split
	Closed      State = "CLOSED"       // 已核销
)

// transitions is the state machine; what is not here is illegal.
var transitions = map[State][]State{
	Open:     {InPool, Assigned, Proposed, AutoCleared, Closed},
	InPool:   {AutoCleared, Assigned, Proposed},
	Assigned: {AutoCleared, Proposed, Closed},
	Proposed: {Assigned, Posted, Closed},
	Posted:   {Closed},
	// What it was about is there again: a payment that was decided was taken back.
	Closed: {Open},
}

// Exception is one difference. Amounts are fen.
type Exception struct {
	ID           string        `db:"exception_id" json:"id"`
	Kind         Kind          `db:"kind" json:"kind"`
	Subject      string        `db:"subject" json:"subject"`
	State        State         `db:"state" json:"state"`
	OpenedDate   bizdate.Date  `db:"opened_date" json:"opened_date"`
	ClosedDate   *bizdate.Date `db:"closed_date" json:"closed_date"`
	Channel      string        `db:"channel" json:"channel"`
	ClearingDate bizdate.Date  `db:"clearing_date" json:"clearing_date"`
	Member       string        `db:"member" json:"member"`
	Amount       money.Amount  `db:"amount_fen" json:"amount_fen"`
	Ours         string        `db:"ours" json:"ours"`
	Theirs       string        `db:"theirs" json:"theirs"`
	Owner        string        `db:"owner" json:"owner"`
	DueDate      bizdate.Date  `db:"due_date" json:"due_date"`
	Template     string        `db:"template" json:"template"`
	Handling     string        `db:"handling" json:"handling"`
}

const columns = `exception_id, kind, subject, state, opened_date, closed_date, channel, clearing_date, member,
	amount_fen, ours, theirs, owner, due_date, template, handling`

// OpenedOn adds an exception and gives it the next id of its date. An open one
// of the same kind and subject stays as it is.
func OpenedOn(ctx context.Context, tx *store.Tx, custodyID int64, e Exception) (string, error) {
	var id string
	found, err := tx.Find(ctx, &id, `SELECT exception_id FROM exceptions
		WHERE custody_id = ? AND kind = ? AND subject = ? AND (closed_date IS NULL OR opened_date = ?)`,
		custodyID, e.Kind, e.Subject, e.OpenedDate)
	if err != nil || found {
		return id, err
	}
	var n int
	if err := tx.Get(ctx, &n, `SELECT COUNT(*) FROM exceptions WHERE custody_id = ? AND opened_date = ?`,
		custodyID, e.OpenedDate); err != nil {
		return "", err
	}
	e.ID = fmt.Sprintf("X%s-%03d", e.OpenedDate.Compact(), n+1)
	_, err = tx.Exec(ctx, `INSERT INTO exceptions (custody_id, `+columns+`)
		VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')`,
		custodyID, e.ID, e.Kind, e.Subject, e.State, e.OpenedDate, e.Channel, e.ClearingDate, e.Member,
		e.Amount, e.Ours, e.Theirs, e.Owner, e.DueDate, e.Template)
	if err != nil {
		return "", err
	}
	return e.ID, tell(ctx, tx, custodyID, e, "", e.State, e.OpenedDate)
}

// OpenAgain is [OpenedOn] for money that stands again where a case about it had
// ended: one that ended on the very day on which it was opened is opened again.
func OpenAgain(ctx context.Context, tx *store.Tx, custodyID int64, e Exception) error {
	id, err := OpenedOn(ctx, tx, custodyID, e)
	if err != nil {
		return err
	}
	was, err := Find(ctx, tx, custodyID, id)
	if err != nil || was.State != Closed {
		return err
	}
	return Move(ctx, tx, custodyID, id, Open, 0)
}

// tell writes the event of a change of state.
func tell(ctx context.Context, tx *store.Tx, custodyID int64, e Exception, from, to State, date bizdate.Date) error {
	return events.Append(ctx, tx, custodyID, events.Event{Date: date, Kind: events.Exception, Subject: e.ID, From: string(from), To: string(to),
		Payload: map[string]any{"kind": e.Kind, "subject": e.Subject, "amount_fen": e.Amount, "channel": e.Channel, "member": e.Member}})
}

// Find returns the exception with the id.
func Find(ctx context.Context, tx *store.Tx, custodyID int64, id string) (Exception, error) {
	var e Exception
	found, err := tx.Find(ctx, &e, `SELECT `+columns+` FROM exceptions WHERE custody_id = ? AND exception_id = ?`, custodyID, id)
	if err == nil && !found {
		err = fault.Invalid("exception.unknown", id).On("ID", id)
	}
	return e, err
}

// SentBack returns the oldest case of an order that two people decided to send
// back through the channel and whose refund no bill has listed.
func SentBack(ctx context.Context, tx *store.Tx, custodyID int64, channel, orderNo string, amount money.Amount) (Exception, bool, error) {
	if orderNo == "" {
		return Exception{}, false, nil
	}
	var list []Exception
	err := tx.Select(ctx, &list, `SELECT `+columns+` FROM exceptions WHERE custody_id = ? AND closed_date IS NULL AND state = 'POSTED'
		AND template = 'send-back' AND channel = ? AND amount_fen = ? ORDER BY exception_id`, custodyID, channel, amount)
	for _, e := range list {
		if number, _, _ := strings.Cut(e.Subject, "#"); e.Subject == orderNo || number == orderNo {
			return e, true, err
		}
	}
	return Exception{}, false, err
}

// LastOf returns the last exception about a subject and channel, open or closed.
func LastOf(ctx context.Context, tx *store.Tx, custodyID int64, subject, channel string, kind Kind) (Exception, bool, error) {
	var e Exception
	found, err := tx.Find(ctx, &e, "SELECT "+columns+` FROM exceptions WHERE custody_id = ? AND subject = ? AND channel = ? AND kind = ?
		ORDER BY opened_date DESC, exception_id DESC LIMIT 1`, custodyID, subject, channel, kind)
	return e, found, err
}

// OpenFor returns the open exception about a subject.
func OpenFor(ctx context.Context, tx *store.Tx, custodyID int64, subject string, kinds ...Kind) (Exception, bool, error) {
	var list []Exception
	err := tx.Select(ctx, &list, `SELECT `+columns+` FROM exceptions
		WHERE custody_id = ? AND subject = ? AND closed_date IS NULL ORDER BY exception_id`, custodyID, subject)
	for _, e := range list {
		for _, k := range kinds {
			if e.Kind == k {
				return e, true, err
			}
		}
	}
	return Exception{}, false, err
}

// AsOf returns what was open at the cut of the date, or every one for the zero
// date, in order of id.
func AsOf(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Exception, error) {
	var list []Exception
	where, args := "custody_id = ?", []any{custodyID}
	if !date.IsZero() {
		where, args = where+" AND opened_date <= ? AND "+store.OpenAt("closed_date"), append(args, date, date)
	}
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM exceptions WHERE "+where+" ORDER BY exception_id", args...)
	return list, err
}

// StillOpen returns the exceptions that nothing has closed, in order of id.
func StillOpen(ctx context.Context, tx *store.Tx, custodyID int64) ([]Exception, error) {
	var list []Exception
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM exceptions WHERE custody_id = ? AND closed_date IS NULL ORDER BY exception_id", custodyID)
	return list, err
}

// About returns the exceptions of a subject, closed ones too, in order of id.
func About(ctx context.Context, tx *store.Tx, custodyID int64, subject string) ([]Exception, error) {
	var list []Exception
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM exceptions WHERE custody_id = ? AND subject = ? ORDER BY exception_id", custodyID, subject)
	return list, err
}

// Move changes the state by the table of transitions. closed is the accounting
// date on which the exception ends, zero while it stays open.
func Move(ctx context.Context, tx *store.Tx, custodyID int64, id string, to State, closed bizdate.Date) error {
	e, err := Find(ctx, tx, custodyID, id)
	if err != nil {
		return err
	}
	legal := false
	for _, s := range transitions[e.State] {
		legal = legal || s == to
	}
	if !legal {
		return fault.Invalid("exception.state", id, string(e.State), string(to)).On("ID", id)
	}
	var end any
	if !closed.IsZero() {
		end = closed
	}
	_, err = tx.Exec(ctx, `UPDATE exceptions SET state = ?, closed_date = ? WHERE custody_id = ? AND exception_id = ?`,
		to, end, custodyID, id)
	if err != nil {
		return err
	}
	return tell(ctx, tx, custodyID, e, e.State, to, closed)
}

// Assign gives the exception to a person.
func Assign(ctx context.Context, tx *store.Tx, custodyID int64, id, owner string) error {
	_, err := tx.Exec(ctx, `UPDATE exceptions SET owner = ? WHERE custody_id = ? AND exception_id = ?`, owner, custodyID, id)
	return err
}

// Propose records the handling that waits for a checker.
func Propose(ctx context.Context, tx *store.Tx, custodyID int64, id, template string, handling any) error {
	raw, err := json.Marshal(handling)
	if err != nil {
		return err
	}
	if err := Move(ctx, tx, custodyID, id, Proposed, 0); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE exceptions SET template = ?, handling = ? WHERE custody_id = ? AND exception_id = ?`,
		template, string(raw), custodyID, id)
	return err
}

// Expire hands what has been in the cross-day pool for more than days natural
// days, counted at the close of the date, to its owner.
func Expire(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, days int) error {
	_, err := tx.Exec(ctx, `UPDATE exceptions SET state = ? WHERE custody_id = ? AND closed_date IS NULL AND state = ? AND opened_date <= ?`,
		Assigned, custodyID, InPool, date.AddDays(-days))
	return err
}
