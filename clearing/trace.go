package clearing

import (
	"context"
	"slices"
	"strconv"
	"time"

	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/clearing/requests"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Place is a line of a file.
type Place struct {
	FileID int64        `db:"file_id" json:"-"`
	Date   bizdate.Date `db:"business_date" json:"date"`
	File   string       `db:"name" json:"file"`
	Row    int64        `db:"row_no" json:"line"`
}

// text names the place: the file's name and the line.
func (p Place) text() string { return p.File + ":" + strconv.FormatInt(p.Row, 10) }

// Kinds of lines that a [Line] may be.
const (
	LineOrder = "order" // 订单文件
	LineBill  = "bill"  // 渠道账单
	LineBank  = "bank"  // 银行流水
	// A payout by its serial, and the row of a result file that answers it: the
	// serial behind R:.
	LinePayout = "payout" // 出款
	LineResult = "result" // 回盘
)

// Line is one line that the books have read, from any side: an order or refund
// of ours, a row of a channel's bill, a line of a bank statement.
type Line struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Place   Place  `json:"place"`

	trade  reconcile.Trade
	record reconcile.Record
}

// Reason is what the comparison of two lines comes to: the Rule by which they
// are the same event, or the first criterion that Failed with both values.
type Reason struct {
	Rule         string `json:"rule"`
	Failed       string `json:"failed"`
	Ours, Theirs string `json:"-"`
}

// FindLine finds a line by its number: of an order or refund of ours, of a
// channel's bill (its own or ours), of the bank, of a payout. It returns line.unknown where
// nothing has the number.
func (e *Engine) FindLine(ctx context.Context, id string, kinds ...string) (line Line, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		for _, find := range []struct {
			kind string
			find func(context.Context, *store.Tx, string) (Line, bool, error)
		}{{LineOrder, e.orderLine}, {LineBill, e.billLine}, {LineBank, e.bankLineOf}, {LinePayout, e.payoutLine}, {LineResult, e.resultLine}} {
			if len(kinds) > 0 && !slices.Contains(kinds, find.kind) {
				continue
			}
			var found bool
			line, found, err = find.find(ctx, tx, id)
			if err != nil || found {
				return err
			}
		}
		return fault.Invalid("line.unknown", id).On("ID", id)
	})
	return line, err
}

// place fills in which file a line stands in.
func (e *Engine) place(ctx context.Context, tx *store.Tx, file, row int64) (p Place, source string, err error) {
	var f struct {
		Name   string       `db:"name"`
		Date   bizdate.Date `db:"business_date"`
		Source string       `db:"source"`
	}
	_, err = tx.Find(ctx, &f, "SELECT name, business_date, source FROM files WHERE custody_id = ? AND file_id = ?", e.Book.ID(), file)
	return Place{FileID: file, Date: f.Date, File: f.Name, Row: row}, f.Source, err
}

func (e *Engine) orderLine(ctx context.Context, tx *store.Tx, id string) (Line, bool, error) {
	o, found, err := e.orderOf(ctx, tx, id)
	if err != nil || !found {
		return Line{}, false, err
	}
	l := Line{Kind: LineOrder, ID: id, Channel: o.Channel, trade: reconcile.Trade{Ref: reconcile.Ref{File: o.FileID, Row: int32(o.Row)},
		Kind: kindOf(o.Kind), OrderNo: o.OrderNo, RefundNo: o.RefundNo, Amount: o.Amount, Time: o.Time}}
	l.Place, _, err = e.place(ctx, tx, o.FileID, o.Row)
	l.record = recordOf(l.trade)
	return l, true, err
}

// orderOf finds a payment by order number, or a refund by refund number.
func (e *Engine) orderOf(ctx context.Context, tx *store.Tx, id string) (orders.Order, bool, error) {
	o, found, err := orders.Find(ctx, tx, e.Book.ID(), id, "")
	if err != nil || found {
		return o, found, err
	}
	found, err = tx.Find(ctx, &o, `SELECT file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time FROM orders
		WHERE custody_id = ? AND refund_no = ? ORDER BY order_no LIMIT 1`, e.Book.ID(), id)
	return o, found, err
}

// recordOf is a trade as a plan compares it: a refund goes the other way.
func recordOf(t reconcile.Trade) reconcile.Record {
	r := reconcile.Record{Ref: t.Ref, OwnRef: t.OrderNo, Amount: t.Amount, Booked: bizdate.Of(time.Unix(t.Time, 0))}
	if t.Kind == reconcile.Refund {
		r.OwnRef, r.Amount = t.RefundNo, -t.Amount
	}
	return r
}

func (e *Engine) billLine(ctx context.Context, tx *store.Tx, id string) (Line, bool, error) {
	var b orders.BillRow
	found, err := tx.Find(ctx, &b, `SELECT file_id, row_no, kind, order_no, refund_no, channel_no, amount_fen, fee_fen, trade_time FROM bill_rows
		WHERE custody_id = ? AND (channel_no = ? OR refund_no = ? OR (order_no = ? AND refund_no = '')) ORDER BY file_id, row_no LIMIT 1`,
		e.Book.ID(), id, id, id)
	if err != nil || !found {
		return Line{}, false, err
	}
	l := Line{Kind: LineBill, ID: id, trade: reconcile.Trade{Ref: reconcile.Ref{File: b.FileID, Row: int32(b.Row)},
		Kind: kindOf(b.Kind), OrderNo: b.OrderNo, RefundNo: b.RefundNo, Amount: b.Amount, Fee: b.Fee, Time: b.Time}}
	l.Place, l.Channel, err = e.place(ctx, tx, b.FileID, b.Row)
	l.record = recordOf(l.trade)
	l.record.BankRef = b.ChannelNo
	return l, true, err
}

func (e *Engine) bankLineOf(ctx context.Context, tx *store.Tx, id string) (Line, bool, error) {
	var b bankLine
	found, err := tx.Find(ctx, &b, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", e.Book.ID(), id)
	if err != nil || !found {
		return Line{}, false, err
	}
	l := Line{Kind: LineBank, ID: id, record: reconcile.Record{BankRef: b.Ref, Instruction: b.serial(), Remark: b.Remark, Party: b.Name,
		Amount: b.Amount, Booked: b.Booked}}
	file, row := b.Statement, b.Row
	if file == nil {
		file = b.Intraday
	}
	if file != nil {
		l.Place.FileID = *file
	}
	if row != nil {
		l.Place.Row = *row
	}
	l.Place, _, err = e.place(ctx, tx, l.Place.FileID, l.Place.Row)
	return l, true, err
}

// Why compares two lines: an order with a bill's row by the rules of the channel
// reconciliation, any others field by field.
func Why(a, b Line) Reason {
	if a.Kind == LineBill && b.Kind == LineOrder {
		a, b = b, a
	}
	if a.Kind == LineOrder && b.Kind == LineBill {
		if a.Channel != b.Channel {
			return Reason{Failed: "channel", Ours: a.Channel, Theirs: b.Channel}
		}
		rule, failed, ours, theirs := reconcile.Why(a.trade, b.trade)
		return Reason{rule.String(), string(failed), ours, theirs}
	}
	outcome := reconcile.StandardPlan().Match([]reconcile.Record{a.record}, []reconcile.Record{b.record})
	for _, p := range outcome.Confirmed {
		return Reason{Rule: p.Strategy.String()}
	}
	for _, ev := range reconcile.Compare(&a.record, &b.record) {
		if !ev.Agrees {
			return Reason{Failed: string(ev.Field), Ours: ev.Ours, Theirs: ev.Theirs}
		}
	}
	return Reason{Failed: string(reconcile.OnParty), Ours: a.record.Party, Theirs: b.record.Party} // nothing but amount and day in common
}

// Trace is where an order or refund of ours stands, from its file to its release.
type Trace struct {
	Order    orders.Order  `json:"-"`
	Ours     Place         `json:"order_file"`
	Bill     *Place        `json:"bill"` // nil while no bill has it
	Rule     string        `json:"rule"`
	Matched  *bizdate.Date `json:"matched"`
	Open     string        `json:"open"` // POOL or ADOPTED while it is open, else empty
	Vouchers []TraceEvent  `json:"vouchers"`
	// Of the channel and the bill's clearing date; empty while no bill has it.
	Clearing bizdate.Date  `json:"clearing_date"`
	Due      *bizdate.Date `json:"due"`
	Split    *bizdate.Date `json:"split"`
	Arrived  *bizdate.Date `json:"arrived"`
	Released *bizdate.Date `json:"released"`
	Held     string        `json:"held"`
	BankRef  string        `json:"bank_ref"` // the credit that proved the arrival
	// How it was split, and how a refund was divided; nil where it was not.
	Shares *SplitTrace  `json:"split_shares,omitempty"`
	Back   *RefundTrace `json:"refund_shares,omitempty"`
	// Of an order that is split by requests; nil for others.
	Requests *SplitRequestView `json:"split_requests,omitempty"`
}

// TraceEvent is a voucher about the order.
type TraceEvent struct {
	Event     string       `json:"event"`
	Voucher   string       `json:"voucher"`
	Date      bizdate.Date `json:"date"`
	Amount    money.Amount `json:"amount_fen"` // sum of its debits
	Reference string       `json:"reference"`
}

// traceEvents are the events whose vouchers are named for an order or a refund.
var traceEvents = []string{eventCollect, eventShortage, eventSurplus, eventFound, eventSplit, eventEarlyRefund, eventEarlyListed,
	eventRefund, eventRefundListed, eventVoid, eventWriteOff}

// Trace follows an order or refund of ours (line.unknown where there is none).
func (e *Engine) Trace(ctx context.Context, id string) (t *Trace, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		o, found, err := e.orderOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return fault.Invalid("line.unknown", id).On("ID", id)
		}
		t = &Trace{Order: o}
		if t.Ours, _, err = e.place(ctx, tx, o.FileID, o.Row); err != nil {
			return err
		}
		if err := e.traceMatch(ctx, tx, t); err != nil {
			return err
		}
		asked, byRequests, err := requests.Find(ctx, tx, e.Book.ID(), o.OrderNo)
		if err != nil {
			return err
		}
		if byRequests && o.RefundNo == "" {
			t.Requests = viewOfRequests(&asked)
		}
		return firstErr(e.traceVouchers(ctx, tx, t), e.traceChannelDay(ctx, tx, t))
	})
	return t, err
}

// traceMatch finds the bill's row, or why the order is still open.
func (e *Engine) traceMatch(ctx context.Context, tx *store.Tx, t *Trace) error {
	m, found, err := orders.MatchOf(ctx, tx, e.Book.ID(), t.Order)
	if err != nil {
		return err
	}
	if found {
		bill, _, err := e.place(ctx, tx, m.BillFile, m.BillRow)
		if err != nil {
			return err
		}
		t.Bill, t.Matched, t.Clearing = &bill, &m.Date, m.Clearing
		if err := tx.Get(ctx, &t.Rule, "SELECT rule FROM trade_matches WHERE custody_id = ? AND bill_file_id = ? AND bill_row_no = ?",
			e.Book.ID(), m.BillFile, m.BillRow); err != nil {
			return err
		}
	}
	open, found, err := orders.FindOpen(ctx, tx, e.Book.ID(), t.Order.OrderNo, t.Order.RefundNo)
	if found {
		t.Open = open.Reason
	}
	return err
}

// traceVouchers finds the vouchers by the dates that their references begin with.
func (e *Engine) traceVouchers(ctx context.Context, tx *store.Tx, t *Trace) error {
	t.Vouchers = []TraceEvent{}
	number := t.Order.OrderNo
	if t.Order.RefundNo != "" {
		number = t.Order.RefundNo
	}
	dates := []bizdate.Date{t.Ours.Date}
	if t.Matched != nil {
		dates = append(dates, t.Clearing, *t.Matched)
	}
	slices.Sort(dates)
	for _, event := range traceEvents {
		for _, date := range slices.Compact(slices.Clone(dates)) {
			v, found, err := e.Book.VoucherByReference(ctx, tx, event, reference(date, t.Order.Channel, number))
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			te := TraceEvent{Event: event, Voucher: v.Name(), Date: v.Date, Reference: v.Reference}
			for _, entry := range v.Entries {
				te.Amount += max(entry.Amount, 0)
			}
			t.Vouchers = append(t.Vouchers, te)
			if err := e.traceShares(ctx, tx, t, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// traceChannelDay reads what has become of the money of the clearing date.
func (e *Engine) traceChannelDay(ctx context.Context, tx *store.Tx, t *Trace) error {
	if t.Bill == nil {
		return nil
	}
	var d channelDay
	found, err := tx.Find(ctx, &d, "SELECT "+channelDayColumns+" FROM channel_days WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
		e.Book.ID(), t.Order.Channel, t.Clearing)
	if err != nil || !found {
		return err
	}
	t.Due, t.Split, t.Arrived, t.Released, t.Held = &d.Due, d.Split, d.Arrived, d.Released, d.Held
	if d.Line != nil {
		_, err = tx.Find(ctx, &t.BankRef, "SELECT bank_ref FROM bank_lines WHERE custody_id = ? AND line_id = ?", e.Book.ID(), *d.Line)
	}
	return err
}

// traceShares explains the voucher that splits an order, or that divides a
// refund of it.
func (e *Engine) traceShares(ctx context.Context, tx *store.Tx, t *Trace, v subaccounts.Voucher) (err error) {
	switch {
	case v.Event == eventSplit && t.Requests != nil:
	case v.Event == eventSplit && t.Matched != nil:
		t.Shares, err = e.traceSplit(ctx, tx, t.Order, v, t.Clearing)
	case v.Event == eventRefund:
		t.Back, err = e.traceRefund(ctx, tx, t.Order, v)
	}
	return err
}
