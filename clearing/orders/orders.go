// Package orders keeps what the shop system and the channels say was paid:
// orders and refunds, the rows of channel bills, their matches, and the orders
// that a night left open.
package orders

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// AdoptedFile is the file_id of orders adopted from a channel's bill (补单).
const AdoptedFile = 0

// Order is a payment or a refund of ours. Amount is fen and positive on both.
type Order struct {
	FileID   int64        `db:"file_id"`
	Row      int64        `db:"row_no"`
	Kind     string       `db:"kind"` // PAY or REFUND
	OrderNo  string       `db:"order_no"`
	RefundNo string       `db:"refund_no"`
	Member   string       `db:"member"`
	Channel  string       `db:"channel"`
	Amount   money.Amount `db:"amount_fen"`
	Time     int64        `db:"trade_time"` // Unix seconds
	Escrow   bool         `db:"escrow"`     // its money is not the split's: held (担保交易), or divided already (充值卡)
}

const orderColumns = "file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time, escrow"

// BillRow is a row of a channel's bill. Amount is positive on both kinds; Fee
// is what the channel keeps, negative where it gives back.
type BillRow struct {
	FileID    int64        `db:"file_id"`
	Row       int64        `db:"row_no"`
	Kind      string       `db:"kind"`
	OrderNo   string       `db:"order_no"`
	RefundNo  string       `db:"refund_no"`
	ChannelNo string       `db:"channel_no"`
	Amount    money.Amount `db:"amount_fen"`
	Fee       money.Amount `db:"fee_fen"`
	Time      int64        `db:"trade_time"`
}

const billColumns = "file_id, row_no, kind, order_no, refund_no, channel_no, amount_fen, fee_fen, trade_time"

// Kinds of trades, as the tables hold them.
const (
	Pay    = "PAY"
	Refund = "REFUND"
)

// Loader writes the rows of one order file in sets: those of escrow orders, which
// few files have, in a set of their own.
type Loader struct{ plain, escrow *store.Bulk }

// NewLoader starts loading the orders of a file.
func NewLoader(tx *store.Tx, custodyID, fileID int64) *Loader {
	set := func(more ...store.Column) *store.Bulk {
		return tx.Bulk("orders", append([]store.Column{store.Const("custody_id", custodyID), store.Const("file_id", fileID), store.Int("row_no"),
			store.Text("kind"), store.Text("order_no"), store.Text("refund_no"), store.Text("member"), store.Text("channel"),
			store.Int("amount_fen"), store.Int("trade_time")}, more...)...)
	}
	return &Loader{set(), set(store.Const("escrow", 1))}
}

// Add stages one order.
func (l *Loader) Add(o *Order) {
	set := l.plain
	if o.Escrow {
		set = l.escrow
	}
	set.Int(o.Row).Text(o.Kind).Text(o.OrderNo).Text(o.RefundNo).Text(o.Member).Text(o.Channel).Int(int64(o.Amount)).Int(o.Time)
}

// Flush writes what is staged.
func (l *Loader) Flush(ctx context.Context) error {
	if err := l.plain.Flush(ctx); err != nil {
		return err
	}
	return l.escrow.Flush(ctx)
}

// BillLoader writes the rows of one bill in sets.
type BillLoader struct{ bulk *store.Bulk }

// NewBillLoader starts loading the rows of a bill.
func NewBillLoader(tx *store.Tx, custodyID, fileID int64) *BillLoader {
	return &BillLoader{tx.Bulk("bill_rows", store.Const("custody_id", custodyID), store.Const("file_id", fileID), store.Int("row_no"),
		store.Text("kind"), store.Text("order_no"), store.Text("refund_no"), store.Text("channel_no"),
		store.Int("amount_fen"), store.Int("fee_fen"), store.Int("trade_time"))}
}

// Add stages one row.
func (l *BillLoader) Add(r *BillRow) {
	l.bulk.Int(r.Row).Text(r.Kind).Text(r.OrderNo).Text(r.RefundNo).Text(r.ChannelNo).Int(int64(r.Amount)).Int(int64(r.Fee)).Int(r.Time)
}

// Flush writes what is staged.
func (l *BillLoader) Flush(ctx context.Context) error { return l.bulk.Flush(ctx) }

// Drop removes the rows of a file whose load was interrupted.
func Drop(ctx context.Context, tx *store.Tx, custodyID, fileID int64) error {
	if _, err := tx.Exec(ctx, "DELETE FROM orders WHERE custody_id = ? AND file_id = ?", custodyID, fileID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM bill_rows WHERE custody_id = ? AND file_id = ?", custodyID, fileID)
	return err
}

// names makes one string of equal ones: a night has a million orders but only
// thousands of members.
type names map[string]string

func (n names) of(text string) string {
	if s, ok := n[text]; ok {
		return s
	}
	s := strings.Clone(text)
	n[s] = s
	return s
}

// texts keeps copies of texts that differ from row to row, thousands in one
// piece of memory: a million small ones would each cost the garbage collector.
type texts struct{ piece strings.Builder }

// textPiece is the size of a piece in bytes.
const textPiece = 64 << 10

func (t *texts) keep(text string) string {
	if t.piece.Cap()-t.piece.Len() < len(text) {
		t.piece = strings.Builder{}
		t.piece.Grow(max(textPiece, len(text)))
	}
	from := t.piece.Len()
	t.piece.WriteString(text)
	return t.piece.String()[from:]
}

// roomFor makes room for as many rows as the count says: a list of a million
// that grows as it is read would be copied several times.
func roomFor[T any](ctx context.Context, tx *store.Tx, count string, args ...any) ([]T, error) {
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM "+count, args...)
	if err != nil || n == 0 {
		return nil, err
	}
	return make([]T, 0, n), nil
}

// OfFile reads the orders of a file, of one kind and channel where those are
// not empty, in the order of the file.
func OfFile(ctx context.Context, tx *store.Tx, custodyID, fileID int64, kind, channel string) ([]Order, error) {
	q := store.PageQuery{Key: "row_no", Columns: []string{"kind", "order_no", "refund_no", "member", "channel", "amount_fen", "trade_time"},
		From: "orders WHERE custody_id = ? AND file_id = ?", Args: []any{custodyID, fileID}}
	if kind != "" {
		q.From, q.Args = q.From+" AND kind = ?", append(q.Args, kind)
	}
	if channel != "" {
		q.From, q.Args = q.From+" AND channel = ?", append(q.Args, channel)
	}
	list, err := roomFor[Order](ctx, tx, q.From, q.Args...)
	if err != nil {
		return nil, err
	}
	intern, kept := names{}, texts{}
	err = tx.Pages(ctx, q, func(r *store.Row) error {
		list = append(list, Order{FileID: fileID, Row: r.Int(0), Kind: intern.of(r.Text(1)), OrderNo: kept.keep(r.Text(2)),
			RefundNo: kept.keep(r.Text(3)), Member: intern.of(r.Text(4)), Channel: intern.of(r.Text(5)),
			Amount: money.Amount(r.Int(6)), Time: r.Int(7)})
		return nil
	})
	return list, err
}

// OfBill reads the rows of a bill, of one kind where that is not empty, in the
// order of the bill.
func OfBill(ctx context.Context, tx *store.Tx, custodyID, fileID int64, kind string) ([]BillRow, error) {
	q := store.PageQuery{Key: "row_no", Columns: []string{"kind", "order_no", "refund_no", "amount_fen", "fee_fen", "trade_time"},
		From: "bill_rows WHERE custody_id = ? AND file_id = ?", Args: []any{custodyID, fileID}}
	if kind != "" {
		q.From, q.Args = q.From+" AND kind = ?", append(q.Args, kind)
	}
	list, err := roomFor[BillRow](ctx, tx, q.From, q.Args...)
	if err != nil {
		return nil, err
	}
	intern, kept := names{}, texts{}
	err = tx.Pages(ctx, q, func(r *store.Row) error {
		list = append(list, BillRow{FileID: fileID, Row: r.Int(0), Kind: intern.of(r.Text(1)), OrderNo: kept.keep(r.Text(2)),
			RefundNo: kept.keep(r.Text(3)), Amount: money.Amount(r.Int(4)), Fee: money.Amount(r.Int(5)), Time: r.Int(6)})
		return nil
	})
	return list, err
}

// Find returns our payment with the order number, or our refund of it.
func Find(ctx context.Context, tx *store.Tx, custodyID int64, orderNo, refundNo string) (Order, bool, error) {
	var o Order
	found, err := tx.Find(ctx, &o, "SELECT "+orderColumns+" FROM orders WHERE custody_id = ? AND order_no = ? AND refund_no = ?",
		custodyID, orderNo, refundNo)
	return o, found, err
}

// EscrowsOfFile returns the payments of our order file whose money is held, in
// the order of the file.
func EscrowsOfFile(ctx context.Context, tx *store.Tx, custodyID, fileID int64) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+` FROM orders WHERE custody_id = ? AND file_id = ? AND kind = ? AND escrow = 1
		ORDER BY row_no`, custodyID, fileID, Pay)
	return list, err
}

// InArchive returns an order of the file whose number an archived order has
// already: the database refuses only numbers of its own hold.
func InArchive(ctx context.Context, tx *store.Tx, custodyID, fileID int64) (Order, bool, error) {
	var o Order
	schemas, err := tx.ArchiveSchemas(ctx)
	if err != nil {
		return o, false, err
	}
	for _, schema := range schemas {
		found, err := tx.Find(ctx, &o, `SELECT o.file_id, o.row_no, o.kind, o.order_no, o.refund_no, o.member, o.channel, o.amount_fen, o.trade_time
			FROM main.orders o CROSS JOIN `+schema+`.orders a
			WHERE o.custody_id = ? AND o.file_id = ? AND a.custody_id = o.custody_id AND a.order_no = o.order_no AND a.refund_no = o.refund_no
			ORDER BY o.row_no LIMIT 1`, custodyID, fileID)
		if err != nil || found {
			return o, found, err
		}
	}
	return o, false, nil
}

// RefundsOf returns our refunds of an order in the order in which they came.
func RefundsOf(ctx context.Context, tx *store.Tx, custodyID int64, orderNo string) ([]Order, error) {
	var list []Order
	err := tx.Select(ctx, &list, "SELECT "+orderColumns+` FROM orders WHERE custody_id = ? AND order_no = ? AND refund_no <> ''
		ORDER BY trade_time, refund_no`, custodyID, orderNo)
	return list, err
}

// BillRowAt returns one row of a bill.
func BillRowAt(ctx context.Context, tx *store.Tx, custodyID, fileID, row int64) (BillRow, bool, error) {
	var r BillRow
	found, err := tx.Find(ctx, &r, "SELECT "+billColumns+" FROM bill_rows WHERE custody_id = ? AND file_id = ? AND row_no = ?",
		custodyID, fileID, row)
	return r, found, err
}

// Adopt records an order that only the channel knew (补单), as the checker approved it.
func Adopt(ctx context.Context, tx *store.Tx, custodyID int64, o Order) (Order, error) {
	o.FileID = AdoptedFile
	if err := tx.Get(ctx, &o.Row, "SELECT COALESCE(MAX(row_no), 0) + 1 FROM orders WHERE custody_id = ? AND file_id = ?",
		custodyID, AdoptedFile); err != nil {
		return o, err
	}
	escrow := 0
	if o.Escrow {
		escrow = 1
	}
	_, err := tx.Exec(ctx, "INSERT INTO orders (custody_id, "+orderColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		custodyID, o.FileID, o.Row, o.Kind, o.OrderNo, o.RefundNo, o.Member, o.Channel, o.Amount, o.Time, escrow)
	return o, err
}

// Correct gives an order of ours the amount that two people decided is right. What
// our file said stays in the file, and in the exception that was decided.
func Correct(ctx context.Context, tx *store.Tx, custodyID int64, o Order) error {
	_, err := tx.Exec(ctx, "UPDATE orders SET amount_fen = ? WHERE custody_id = ? AND file_id = ? AND row_no = ?", o.Amount, custodyID, o.FileID, o.Row)
	return err
}

// stagedMatches is how many matches are staged before they go to the database:
// half a megabyte, where all of a night's would be 50.
const stagedMatches = 10_000

// SaveMatches writes matches of one accounting date in sets. Each row of
// either side is a key of the table, so nothing can be matched twice.
func SaveMatches(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, matches []reconcile.Match) error {
	b := tx.Bulk("trade_matches", store.Const("custody_id", custodyID), store.Int("bill_file_id"), store.Int("bill_row_no"),
		store.Int("order_file_id"), store.Int("order_row_no"), store.Const("accounting_date", date), store.Text("rule"),
		store.Const("rule_version", reconcile.TradesVersion))
	slices.SortFunc(matches, func(a, b reconcile.Match) int { return a.Theirs.Compare(b.Theirs) })
	for _, m := range matches {
		b.Int(m.Theirs.File).Int(int64(m.Theirs.Row)).Int(m.Ours.File).Int(int64(m.Ours.Row)).Text(m.Rule.String())
		if b.Rows() == stagedMatches {
			if err := b.Send(ctx); err != nil {
				return err
			}
		}
	}
	return b.Flush(ctx)
}

// Match is what a row of ours was matched with.
type Match struct {
	BillFile int64        `db:"bill_file_id"`
	BillRow  int64        `db:"bill_row_no"`
	Date     bizdate.Date `db:"accounting_date"`
	Clearing bizdate.Date `db:"business_date"` // 清算日期: the day of the bill
}

// MatchOf returns the match of an order or refund of ours.
func MatchOf(ctx context.Context, tx *store.Tx, custodyID int64, o Order) (Match, bool, error) {
	var m Match
	found, err := tx.Find(ctx, &m, `SELECT m.bill_file_id, m.bill_row_no, m.accounting_date, f.business_date
		FROM trade_matches m JOIN files f ON f.custody_id = m.custody_id AND f.file_id = m.bill_file_id
		WHERE m.custody_id = ? AND m.order_file_id = ? AND m.order_row_no = ?`, custodyID, o.FileID, o.Row)
	return m, found, err
}

// Pair is one matched payment or refund: our row with the channel's figures.
type Pair struct {
	Order
	BillRow int64
	Fee     money.Amount // of the bill's row
}

// Matched reads the matches of a bill that were made on the date, of one kind,
// with our side's fields. It is for refunds, which are few.
func Matched(ctx context.Context, tx *store.Tx, custodyID, billFile int64, date bizdate.Date, kind string) ([]Pair, error) {
	var list []Pair
	err := EachMatched(ctx, tx, custodyID, billFile, date, kind, func(p *Pair) { list = append(list, *p) })
	return list, err
}

// CountMatched is how many matches of a bill were made on the date, of both kinds.
func CountMatched(ctx context.Context, tx *store.Tx, custodyID, billFile int64, date bizdate.Date) (int, error) {
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM trade_matches WHERE custody_id = ? AND bill_file_id = ? AND accounting_date = ?",
		custodyID, billFile, date)
	return n, err
}

// EachMatched is [Matched] for a million payments: fn copies what it keeps but
// texts, so that only one list of them is ever in memory.
//
// It goes along the bill's rows: a row of the bill and ours that it was matched
// with are of one kind, so that a night's few refunds are found by one scan.
func EachMatched(ctx context.Context, tx *store.Tx, custodyID, billFile int64, date bizdate.Date, kind string, fn func(*Pair)) error {
	q := store.PageQuery{Key: "b.row_no",
		Columns: []string{"o.file_id", "o.row_no", "o.order_no", "o.refund_no", "o.member", "o.channel", "o.amount_fen", "o.trade_time", "b.fee_fen", "o.escrow"},
		From: `bill_rows b
		CROSS JOIN trade_matches m
		CROSS JOIN orders o
		WHERE m.custody_id = b.custody_id AND m.bill_file_id = b.file_id AND m.bill_row_no = b.row_no
		AND o.custody_id = m.custody_id AND o.file_id = m.order_file_id AND o.row_no = m.order_row_no
		AND b.custody_id = ? AND b.file_id = ? AND b.kind = ? AND m.accounting_date = ?`,
		Args: []any{custodyID, billFile, kind, date}}
	intern, kept := names{}, texts{}
	var p Pair
	return tx.Pages(ctx, q, func(r *store.Row) error {
		p = Pair{BillRow: r.Int(0), Order: Order{FileID: r.Int(1), Row: r.Int(2), Kind: kind, OrderNo: kept.keep(r.Text(3)),
			RefundNo: kept.keep(r.Text(4)), Member: intern.of(r.Text(5)), Channel: intern.of(r.Text(6)),
			Amount: money.Amount(r.Int(7)), Time: r.Int(8), Escrow: r.Int(10) != 0}, Fee: money.Amount(r.Int(9))}
		fn(&p)
		return nil
	})
}

// EachCleared calls fn with member, amount and trade time of every payment that
// a bill brought, whichever day matched it.
func EachCleared(ctx context.Context, tx *store.Tx, custodyID, billFile int64, fn func(*Order) error) error {
	q := store.PageQuery{Key: "b.row_no", Columns: []string{"o.member", "o.amount_fen", "o.trade_time"},
		From: `bill_rows b
		CROSS JOIN trade_matches m
		CROSS JOIN orders o
		WHERE m.custody_id = b.custody_id AND m.bill_file_id = b.file_id AND m.bill_row_no = b.row_no
		AND o.custody_id = m.custody_id AND o.file_id = m.order_file_id AND o.row_no = m.order_row_no
		AND b.custody_id = ? AND b.file_id = ? AND b.kind = ?`,
		Args: []any{custodyID, billFile, Pay}}
	intern := names{}
	var o Order
	return tx.Pages(ctx, q, func(r *store.Row) error {
		o = Order{Kind: Pay, Member: intern.of(r.Text(1)), Amount: money.Amount(r.Int(2)), Time: r.Int(3)}
		return fn(&o)
	})
}

// MatchAdopted matches an adopted order with the row of the bill that it comes from.
func MatchAdopted(ctx context.Context, tx *store.Tx, custodyID int64, o Order, billFile, billRow int64, date bizdate.Date) error {
	_, err := tx.Exec(ctx, `INSERT INTO trade_matches (custody_id, bill_file_id, bill_row_no, order_file_id, order_row_no, accounting_date, rule)
		VALUES (?, ?, ?, ?, ?, ?, 'adopted')`, custodyID, billFile, billRow, o.FileID, o.Row, date)
	return err
}
