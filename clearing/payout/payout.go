// Package payout keeps payouts (出款) and their batches (出款批次): who is paid
// how much, under which serial, and what the bank said.
package payout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"custody/clearing/events"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// State of a payout (提现状态).
type State string

// The states of a payout. Unknown is not failed: what the bank has not denied
// by its statement is never given back.
const (
	Draft     State = "DRAFT"      // drawn up, nobody submitted it
	Applied   State = "APPLIED"    // 已申请: the money has left the withdrawable balance
	Sent      State = "SENT"       // 已发送
	Success   State = "SUCCESS"    // 成功
	AnsweredF State = "ANSWERED_F" // the bank says failed; kept until a statement proves it
	Unknown   State = "UNKNOWN"    // 待确认
	Failed    State = "FAILED"     // 失败, money given back
	Returned  State = "RETURNED"   // 退票: it left and came back
	Cancelled State = "CANCELLED"  // 已撤销: its batch was rejected
)

// transitions is the state machine; what is not here is illegal.
var transitions = map[State][]State{
	Draft:     {Applied, Cancelled},
	Applied:   {Sent, Cancelled},
	Sent:      {Success, AnsweredF, Unknown},
	AnsweredF: {Unknown, Failed},
	Unknown:   {Success, Failed},
	Success:   {Returned},
}

// Payout is one payout. Amount is what the file tells the bank to pay, Fee is
// ours on top (外扣); both fen.
type Payout struct {
	Serial      string        `db:"serial" json:"serial"`
	BatchNo     string        `db:"batch_no" json:"batch_no"`
	Seq         int           `db:"seq" json:"seq"`
	Member      string        `db:"member" json:"member"`
	AccountNo   string        `db:"account_no" json:"account_no"`
	AccountName string        `db:"account_name" json:"account_name"`
	CNAPS       string        `db:"cnaps" json:"cnaps"`
	Route       string        `db:"route" json:"route"`
	Amount      money.Amount  `db:"amount_fen" json:"amount_fen"`
	Fee         money.Amount  `db:"fee_fen" json:"fee_fen"`
	State       State         `db:"state" json:"state"`
	Applied     *bizdate.Date `db:"applied_date" json:"applied_date"`
	Answer      string        `db:"answer" json:"answer"`
	Code        string        `db:"answer_code" json:"answer_code"`
	Reason      string        `db:"answer_reason" json:"answer_reason"`
	BankRef     string        `db:"bank_ref" json:"bank_ref"`
	Settled     *bizdate.Date `db:"settled_date" json:"settled_date"`
	DebitLine   *int64        `db:"debit_line_id" json:"-"`
	ReturnedOn  *bizdate.Date `db:"returned_date" json:"returned_date"`
	CreditedOn  *bizdate.Date `db:"credited_date" json:"credited_date"`

	Kind      Kind   `db:"kind" json:"kind"`
	Request   string `db:"request" json:"request,omitempty"` // reference of its payment order; empty for a settlement
	BankName  string `db:"bank_name" json:"bank_name,omitempty"`
	SuperBank string `db:"super_bank" json:"super_bank,omitempty"` // 超级网银号
	Purpose   string `db:"purpose" json:"purpose,omitempty"`
	Why       string `db:"route_reason" json:"-"` // JSON: why this route and no other

	// What stays behind as tax of a member who is a person (代扣税款), beside Amount,
	// and the version of the rule that says so; 0 where none does.
	Withheld   money.Amount `db:"withheld_fen" json:"withheld_fen,omitempty"`
	TaxVersion int          `db:"tax_version" json:"-"`
}

// Whole is what the payout takes from the member: amount and fee.
func (p Payout) Whole() money.Amount { return p.Amount + p.Fee }

// Item is under which its money stands in 2201, and the reference of its
// vouchers: of a request its own reference, else the serial.
func (p Payout) Item() string {
	if p.Request != "" {
		return p.Request
	}
	return p.Serial
}

const columns = `serial, batch_no, seq, member, account_no, account_name, cnaps, route, amount_fen, fee_fen, state, applied_date,
	answer, answer_code, answer_reason, bank_ref, settled_date, debit_line_id, returned_date, credited_date,
	kind, request, bank_name, super_bank, purpose, route_reason, withheld_fen, tax_version`

// Batch is a batch of payouts.
type Batch struct {
	BatchNo  string       `db:"batch_no" json:"batch_no"`
	Date     bizdate.Date `db:"accounting_date" json:"date"` // the day on which it was drawn up
	FileDate bizdate.Date `db:"file_date" json:"file_date"`  // the day in the header; later after re-dating
	Round    int          `db:"round" json:"round"`
	State    string       `db:"state" json:"state"`
	Rows     int          `db:"row_count" json:"rows"`
	Total    money.Amount `db:"total_fen" json:"total_fen"`
	FileName string       `db:"file_name" json:"file_name"`
	SHA256   string       `db:"file_sha256" json:"file_sha256"`
	BankCode string       `db:"bank_code" json:"bank_code,omitempty"` // why the bank refused the whole file
	Sends    int          `db:"sends" json:"sends,omitempty"`         // how often it was sent again
}

// States of a batch.
const (
	BatchDraft      = "DRAFT"
	BatchChecked    = "CHECKED" // submitted by a maker, waits for a checker
	BatchApproved   = "APPROVED"
	BatchRejected   = "REJECTED"
	BatchSent       = "SENT"
	BatchRefused    = "FILE_REJECTED" // 整批退回: the bank took no row of it
	BatchAnswered   = "ANSWERED"
	BatchReconciled = "RECONCILED"
	BatchExpired    = "EXPIRED"
)

const batchColumns = "batch_no, accounting_date, file_date, round, state, row_count, total_fen, file_name, file_sha256, bank_code, sends"

// Serial is the key of a payout at the bank: it follows from the day on which
// the batch was drawn up, the round and the row, never from a counter.
func Serial(date bizdate.Date, round, seq int) string {
	return fmt.Sprintf("%s%02d%04d", date.Compact(), round, seq)
}

// BatchNo names a batch: PO20260213-01.
func BatchNo(date bizdate.Date, round int) string {
	return fmt.Sprintf("PO%s-%02d", date.Compact(), round)
}

// MaxRows is how many payouts one batch holds: the serial has four digits for
// the row; a larger set goes into further rounds.
const MaxRows = 9999

// Save inserts a batch with its payouts.
func Save(ctx context.Context, tx *store.Tx, custodyID int64, b Batch, list []Payout) error {
	_, err := tx.Exec(ctx, "INSERT INTO batches (custody_id, "+batchColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '', '', 0)",
		custodyID, b.BatchNo, b.Date, b.FileDate, b.Round, b.State, b.Rows, b.Total)
	if err != nil {
		return err
	}
	bulk := tx.Bulk("payouts", store.Const("custody_id", custodyID), store.Text("serial"), store.Const("batch_no", b.BatchNo), store.Int("seq"),
		store.Text("member"), store.Text("account_no"), store.Text("account_name"), store.Text("cnaps"), store.Text("route"),
		store.Int("amount_fen"), store.Int("fee_fen"), store.Const("state", string(Draft)), store.Text("kind"), store.Text("request"),
		store.Text("bank_name"), store.Text("super_bank"), store.Text("purpose"), store.Text("route_reason"),
		store.Int("withheld_fen"), store.Int("tax_version"))
	for _, p := range list {
		bulk.Text(p.Serial).Int(int64(p.Seq)).Text(p.Member).Text(p.AccountNo).Text(p.AccountName).Text(p.CNAPS).Text(p.Route).
			Int(int64(p.Amount)).Int(int64(p.Fee)).Text(string(p.Kind)).Text(p.Request).Text(p.BankName).Text(p.SuperBank).Text(p.Purpose).Text(p.Why).
			Int(int64(p.Withheld)).Int(int64(p.TaxVersion))
		if p.Request == "" {
			continue
		}
		if err := bind(ctx, tx, custodyID, p); err != nil {
			return err
		}
	}
	return bulk.Flush(ctx)
}

// OfBatch returns the payouts of a batch in order.
func OfBatch(ctx context.Context, tx *store.Tx, custodyID int64, batchNo string) ([]Payout, error) {
	var list []Payout
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM payouts WHERE custody_id = ? AND batch_no = ? ORDER BY seq", custodyID, batchNo)
	return list, err
}

// BySerial returns the payout with the serial.
func BySerial(ctx context.Context, tx *store.Tx, custodyID int64, serial string) (Payout, bool, error) {
	var p Payout
	found, err := tx.Find(ctx, &p, "SELECT "+columns+" FROM payouts WHERE custody_id = ? AND serial = ?", custodyID, serial)
	return p, found, err
}

// InState returns the payouts in a state that are not settled, in order of serial.
func InState(ctx context.Context, tx *store.Tx, custodyID int64, s State) ([]Payout, error) {
	var list []Payout
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM payouts WHERE custody_id = ? AND settled_date IS NULL AND state = ? ORDER BY serial", custodyID, s)
	return list, err
}

// Undebited returns the payouts that the books had paid at the cut of the date
// and whose debit the bank booked later or not yet (企业已付、银行未付).
func Undebited(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Payout, error) {
	var list []Payout
	err := tx.Select(ctx, &list, "SELECT "+columns+` FROM payouts p WHERE custody_id = ? AND state IN ('SUCCESS', 'RETURNED')
		AND ((debit_line_id IS NULL AND settled_date <= ?) OR (settled_date >= ? AND settled_date <= ? AND EXISTS (
			SELECT 1 FROM bank_lines l WHERE l.custody_id = p.custody_id AND l.line_id = p.debit_line_id AND l.booking_date > ?)))
		ORDER BY serial`, custodyID, date, date.AddDays(-lateDays), date, date)
	return list, err
}

// lateDays is how many days after the books a bank may book a debit for the
// tie-out of the days between to be drawn up again as it was.
const lateDays = 31

// ReturnedOpen returns the payouts that had come back by the cut of the date
// and were not yet credited to the member (退票待处理).
func ReturnedOpen(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Payout, error) {
	var list []Payout
	err := tx.Select(ctx, &list, "SELECT "+columns+` FROM payouts WHERE custody_id = ? AND state = 'RETURNED' AND returned_date <= ?
		AND `+store.OpenAt("credited_date")+" ORDER BY serial", custodyID, date, date)
	return list, err
}

// Update saves what may change of a payout; its new state must follow from the old.
func Update(ctx context.Context, tx *store.Tx, custodyID int64, from State, p Payout) error {
	if from != p.State {
		legal := false
		for _, s := range transitions[from] {
			legal = legal || s == p.State
		}
		if !legal {
			return fault.Broken("payout.state", p.Serial, string(from), string(p.State))
		}
	}
	n, err := tx.Exec(ctx, `UPDATE payouts SET state = ?, applied_date = ?, answer = ?, answer_code = ?, answer_reason = ?, bank_ref = ?,
		settled_date = ?, debit_line_id = ?, returned_date = ?, credited_date = ? WHERE custody_id = ? AND serial = ? AND state = ?`,
		p.State, p.Applied, p.Answer, p.Code, p.Reason, p.BankRef, p.Settled, p.DebitLine, p.ReturnedOn, p.CreditedOn,
		custodyID, p.Serial, from)
	if err == nil && n != 1 {
		err = fault.Broken("payout.state", p.Serial, string(from), string(p.State))
	}
	if err == nil {
		err = tell(ctx, tx, custodyID, from, p)
	}
	if err == nil && p.Request != "" && p.Settled != nil {
		err = end(ctx, tx, custodyID, p.Kind, p.Request, Ended, *p.Settled)
	}
	return err
}

// told are the states of a payout that are events: those out of the ordinary.
var told = []State{AnsweredF, Unknown, Failed, Returned, Cancelled}

// tell writes the event of a payout that did not simply succeed.
func tell(ctx context.Context, tx *store.Tx, custodyID int64, from State, p Payout) error {
	if from == p.State || !slices.Contains(told, p.State) {
		return nil
	}
	return events.Append(ctx, tx, custodyID, events.Event{Kind: events.Payout, Subject: p.Serial, From: string(from), To: string(p.State),
		Payload: map[string]any{"member": p.Member, "amount_fen": p.Amount, "code": p.Code, "reason": p.Reason, "batch": p.BatchNo}})
}

// MoveAll changes the state of all payouts of a batch.
func MoveAll(ctx context.Context, tx *store.Tx, custodyID int64, batchNo string, from, to State, applied bizdate.Date) error {
	set, args := "state = ?", []any{to}
	if !applied.IsZero() {
		set, args = set+", applied_date = ?", append(args, applied)
	}
	_, err := tx.Exec(ctx, "UPDATE payouts SET "+set+" WHERE custody_id = ? AND batch_no = ? AND state = ?", append(args, custodyID, batchNo, from)...)
	return err
}

// FindBatch returns the batch with the number.
func FindBatch(ctx context.Context, tx *store.Tx, custodyID int64, batchNo string) (Batch, bool, error) {
	var b Batch
	found, err := tx.Find(ctx, &b, "SELECT "+batchColumns+" FROM batches WHERE custody_id = ? AND batch_no = ?", custodyID, batchNo)
	return b, found, err
}

// Batches returns the batches in one of the states, all for none, in order of number.
func Batches(ctx context.Context, tx *store.Tx, custodyID int64, states ...string) ([]Batch, error) {
	var list []Batch
	where, args := "custody_id = ?", []any{custodyID}
	if len(states) > 0 {
		where += " AND state IN (?" + strings.Repeat(", ?", len(states)-1) + ")"
	}
	for _, s := range states {
		args = append(args, s)
	}
	err := tx.Select(ctx, &list, "SELECT "+batchColumns+" FROM batches WHERE "+where+" ORDER BY batch_no", args...)
	return list, err
}

// BatchesFor returns the batches whose file carries the date, in order of number.
func BatchesFor(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Batch, error) {
	var list []Batch
	err := tx.Select(ctx, &list, "SELECT "+batchColumns+" FROM batches WHERE custody_id = ? AND file_date = ? ORDER BY batch_no", custodyID, date)
	return list, err
}

// LastRound returns the last round of batches that were drawn up on a date, or 0.
func LastRound(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) (int, error) {
	var round int
	_, err := tx.Find(ctx, &round, "SELECT round FROM batches WHERE custody_id = ? AND accounting_date = ? ORDER BY round DESC LIMIT 1", custodyID, date)
	return round, err
}

// UpdateBatch saves what may change of a batch.
func UpdateBatch(ctx context.Context, tx *store.Tx, custodyID int64, b Batch) error {
	_, err := tx.Exec(ctx, "UPDATE batches SET file_date = ?, state = ?, file_name = ?, file_sha256 = ?, bank_code = ?, sends = ? WHERE custody_id = ? AND batch_no = ?",
		b.FileDate, b.State, b.FileName, b.SHA256, b.BankCode, b.Sends, custodyID, b.BatchNo)
	return err
}
