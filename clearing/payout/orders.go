package payout

import (
	"context"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Kind is why money leaves the custody account.
type Kind string

// The kinds of payouts. All of them take one way: order, route, batch, maker
// and checker, file, answer and statement.
const (
	Settlement    Kind = "SETTLEMENT"      // 结算款: the whole withdrawable balance, drawn up by the day
	Withdrawal    Kind = "WITHDRAWAL"      // 提现: a member asked for it
	HeadOffice    Kind = "HEAD_OFFICE"     // 总部提现: the only one that reaches the corporate account
	ReturnToPayer Kind = "RETURN_TO_PAYER" // 原路退回: an unidentified receipt goes back
	RefundByHand  Kind = "REFUND_BY_HAND"  // 人工退款: a refund that could not go back
	Court         Kind = "COURT"           // 司法扣划
	Micro         Kind = "MICRO"           // 小额打款: verifies a bound account
)

// OfMember reports whether the money of the kind is a member's own.
func (k Kind) OfMember() bool { return k == Settlement || k == Withdrawal }

// OrderState is where a payment order stands.
type OrderState string

// The states of a payment order. What the bank made of it stands on its payout.
const (
	OrderApplied   OrderState = "APPLIED"   // 已申请: waits for a batch
	Batched        OrderState = "BATCHED"   // 已入批次
	Ended          OrderState = "ENDED"     // paid, or given back after the bank's no or a rejection
	OrderCancelled OrderState = "CANCELLED" // 已撤销, before it was in a batch
)

// Order is a payment that was asked for (出款指令). Its money, amount and fee,
// stands in 2201 under owner and reference until Ended; that of [Micro] stays in
// 2306 until it is paid. Fen.
type Order struct {
	Kind        Kind          `db:"kind" json:"kind"`
	Reference   string        `db:"reference" json:"reference"`
	Owner       string        `db:"owner" json:"owner"`
	AccountName string        `db:"payee_name" json:"payee_name"`
	AccountNo   string        `db:"payee_account" json:"payee_account"`
	BankName    string        `db:"bank_name" json:"bank_name"`
	CNAPS       string        `db:"cnaps" json:"cnaps"`
	SuperBank   string        `db:"super_bank" json:"super_bank"`
	Amount      money.Amount  `db:"amount_fen" json:"amount_fen"`
	Fee         money.Amount  `db:"fee_fen" json:"fee_fen"`
	Purpose     string        `db:"purpose" json:"purpose"`
	ApprovalID  string        `db:"approval_id" json:"approval_id"`
	Actor       string        `db:"actor" json:"actor"`
	State       OrderState    `db:"state" json:"state"`
	Applied     bizdate.Date  `db:"applied_date" json:"applied_date"`
	EndedOn     *bizdate.Date `db:"ended_date" json:"ended_date"`
	Serial      string        `db:"serial" json:"serial"`
	Withheld    money.Amount  `db:"withheld_fen" json:"withheld_fen,omitempty"` // tax, beside Amount
	TaxVersion  int           `db:"tax_version" json:"-"`
}

// Whole is what the order takes: amount and fee.
func (o Order) Whole() money.Amount { return o.Amount + o.Fee }

// content is what makes two orders of one reference the same.
func (o Order) content() Order {
	o.Actor, o.State, o.Applied, o.EndedOn, o.Serial = "", "", 0, nil, ""
	return o
}

const orderColumns = `kind, reference, owner, payee_name, payee_account, bank_name, cnaps, super_bank, amount_fen, fee_fen,
	purpose, approval_id, actor, state, applied_date, ended_date, serial, withheld_fen, tax_version`

// AuditedOrders is what of the table the audit log covers: who asked for what, and
// who is paid. What became of it follows from the vouchers.
var AuditedOrders = audit.Table{Name: "payment_orders", Key: []string{"kind", "reference"}, Columns: []string{"owner", "payee_name", "payee_account",
	"bank_name", "cnaps", "super_bank", "amount_fen", "fee_fen", "purpose", "approval_id", "actor", "applied_date"}}

// AddOrder records a payment order as APPLIED. The same reference with the same
// content is a no-op and returns false; with other content it is payment.conflict.
func AddOrder(ctx context.Context, tx *store.Tx, custodyID int64, o Order) (bool, error) {
	old, found, err := FindOrder(ctx, tx, custodyID, o.Kind, o.Reference)
	switch {
	case err != nil:
		return false, err
	case found && old.content() == o.content():
		return false, nil
	case found:
		return false, fault.Invalid("payment.conflict", o.Reference, old.Owner, old.Amount).On("reference", o.Reference)
	}
	_, err = tx.Exec(ctx, "INSERT INTO payment_orders (custody_id, "+orderColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, '', ?, ?)",
		custodyID, o.Kind, o.Reference, o.Owner, o.AccountName, o.AccountNo, o.BankName, o.CNAPS, o.SuperBank, o.Amount, o.Fee,
		o.Purpose, o.ApprovalID, o.Actor, OrderApplied, o.Applied, o.Withheld, o.TaxVersion)
	return err == nil, err
}

// FindOrder returns the order of a kind with the reference.
func FindOrder(ctx context.Context, tx *store.Tx, custodyID int64, k Kind, reference string) (Order, bool, error) {
	var o Order
	found, err := tx.Find(ctx, &o, "SELECT "+orderColumns+" FROM payment_orders WHERE custody_id = ? AND kind = ? AND reference = ?",
		custodyID, k, reference)
	return o, found, err
}

// Waiting returns the orders that no batch has taken, by day, kind and reference.
func Waiting(ctx context.Context, tx *store.Tx, custodyID int64) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+` FROM payment_orders WHERE custody_id = ? AND state = ?
		ORDER BY applied_date, kind, reference`, custodyID, OrderApplied)
	return list, err
}

// Orders returns the orders of a kind, of all kinds for "", by day, kind and reference.
func Orders(ctx context.Context, tx *store.Tx, custodyID int64, k Kind) ([]Order, error) {
	var list []Order
	where, args := "custody_id = ?", []any{custodyID}
	if k != "" {
		where, args = where+" AND kind = ?", append(args, k)
	}
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+" FROM payment_orders WHERE "+where+" ORDER BY applied_date, kind, reference", args...)
	return list, err
}

// OrdersOf returns the orders that were applied on a date, by kind and reference.
func OrdersOf(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+" FROM payment_orders WHERE custody_id = ? AND applied_date = ? ORDER BY kind, reference",
		custodyID, date)
	return list, err
}

// AppliedOn returns the orders of an owner that were applied on a date and not
// taken back, in order of reference.
func AppliedOn(ctx context.Context, tx *store.Tx, custodyID int64, k Kind, owner string, date bizdate.Date) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+` FROM payment_orders WHERE custody_id = ? AND kind = ? AND owner = ?
		AND applied_date = ? AND state <> ? ORDER BY reference`, custodyID, k, owner, date, OrderCancelled)
	return list, err
}

// CancelOrder takes back an order that no batch has taken, else payment.batched.
func CancelOrder(ctx context.Context, tx *store.Tx, custodyID int64, k Kind, reference string, date bizdate.Date) error {
	return end(ctx, tx, custodyID, k, reference, OrderCancelled, date)
}

// end records that the money of an order has left 2201. A cancelled order must
// be waiting, any other must be in a batch.
func end(ctx context.Context, tx *store.Tx, custodyID int64, k Kind, reference string, to OrderState, date bizdate.Date) error {
	from := Batched
	if to == OrderCancelled {
		from = OrderApplied
	}
	n, err := tx.Exec(ctx, `UPDATE payment_orders SET state = ?, ended_date = ? WHERE custody_id = ? AND kind = ? AND reference = ?
		AND (state = ? OR (state = ? AND ended_date = ?))`, to, date, custodyID, k, reference, from, to, date)
	if err == nil && n != 1 {
		err = fault.Invalid("payment.batched", reference).On("reference", reference)
	}
	return err
}

// bind gives a waiting order the payout that carries it.
func bind(ctx context.Context, tx *store.Tx, custodyID int64, p Payout) error {
	n, err := tx.Exec(ctx, "UPDATE payment_orders SET state = ?, serial = ? WHERE custody_id = ? AND kind = ? AND reference = ? AND state = ?",
		Batched, p.Serial, custodyID, p.Kind, p.Request, OrderApplied)
	if err == nil && n != 1 {
		err = fault.Broken("payout.state", p.Serial, string(OrderApplied), string(Batched))
	}
	return err
}

// Release lets go of the orders of a batch that nobody submitted: the next batch
// takes them, under a serial of its own. This one's was never sent.
func Release(ctx context.Context, tx *store.Tx, custodyID int64, batchNo string) error {
	_, err := tx.Exec(ctx, `UPDATE payment_orders SET state = ?, serial = '' WHERE custody_id = ? AND state = ? AND serial IN (
		SELECT serial FROM payouts WHERE custody_id = ? AND batch_no = ?)`, OrderApplied, custodyID, Batched, custodyID, batchNo)
	return err
}

// Flight is money in 2201 at a cut (提现在途). Unsent is money of which the bank
// has heard nothing.
type Flight struct {
	Owner  string       `db:"owner"`
	Item   string       `db:"item"`
	Amount money.Amount `db:"whole"`
	Unsent bool         `db:"unsent"`
}

// OnTheWay returns what 2201 must consist of at the cut of the date: payouts of
// settlement and orders, by owner and item.
func OnTheWay(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date) ([]Flight, error) {
	var list, asked []Flight
	err := tx.Select(ctx, &list, `SELECT member AS owner, serial AS item, amount_fen + fee_fen AS whole,
		CASE WHEN state = 'APPLIED' THEN 1 ELSE 0 END AS unsent FROM payouts
		WHERE custody_id = ? AND request = '' AND applied_date <= ? AND `+store.OpenAt("settled_date")+" ORDER BY serial",
		custodyID, date, date)
	if err != nil {
		return nil, err
	}
	err = tx.Select(ctx, &asked, `SELECT o.owner, o.reference AS item, o.amount_fen + o.fee_fen AS whole,
		CASE WHEN o.serial = '' OR p.state IN ('DRAFT', 'APPLIED') THEN 1 ELSE 0 END AS unsent
		FROM payment_orders o LEFT JOIN payouts p ON p.custody_id = o.custody_id AND p.serial = o.serial
		WHERE o.custody_id = ? AND o.kind <> 'MICRO' AND o.applied_date <= ? AND `+store.OpenAt("o.ended_date")+`
		ORDER BY o.owner, o.reference`, custodyID, date, date)
	return append(list, asked...), err
}

// ByRequest returns the payouts that carried an order, in order of serial: more
// than one where a batch was dropped before it was submitted.
func ByRequest(ctx context.Context, tx *store.Tx, custodyID int64, k Kind, reference string) ([]Payout, error) {
	var list []Payout
	err := tx.Select(ctx, &list, "SELECT "+columns+" FROM payouts WHERE custody_id = ? AND request = ? AND kind = ? ORDER BY serial",
		custodyID, reference, k)
	return list, err
}
