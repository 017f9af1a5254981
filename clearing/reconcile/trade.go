// Package reconcile finds out which rows of two sides are the same event
// (对账), and says of every other row why it has no partner.
//
// [Trades] compares our payments and refunds with a channel's bill of one
// clearing date, together with what waits in the cross-day pool (日切缓冲池).
// [PairReversals] finds the bank lines that undo each other, [Arrivals] the bank
// credits that prove that a channel's money is in the bank. All of them are
// plain functions: the same rows give the same answer in whatever order they
// come, nothing is matched twice, and an amount must be equal to the fen.
package reconcile

import (
	"cmp"
	"strings"

	"custody/internal/money"
)

// Ref says where a row stands: the file's number in the books and the row in it.
type Ref struct {
	File int64
	Row  int32
}

// Compare orders rows by file, then by row.
func (r Ref) Compare(o Ref) int {
	if r.File != o.File {
		return cmp.Compare(r.File, o.File)
	}
	return cmp.Compare(r.Row, o.Row)
}

// Kind tells a payment from a refund.
type Kind uint8

// The kinds of a trade.
const (
	Pay    Kind = iota // 支付
	Refund             // 退款
)

// String returns PAY or REFUND.
func (k Kind) String() string {
	if k == Refund {
		return "REFUND"
	}
	return "PAY"
}

// Trade is a payment or a refund as one side knows it. Times are Unix seconds.
type Trade struct {
	Ref      Ref // unique on its side
	Kind     Kind
	OrderNo  string       // 商户订单号; empty where the side does not carry it
	RefundNo string       // 商户退款单号; empty on a payment
	Amount   money.Amount // positive on both kinds
	Fee      money.Amount // what the channel keeps; negative on a refund that gives it back. Not read on our side
	Time     int64
}

// reference returns the number that the row is matched by, or "".
func (t *Trade) reference() string {
	if t.Kind == Refund {
		return t.RefundNo
	}
	return t.OrderNo
}

// anonymous reports whether the row carries no number of ours at all.
func (t *Trade) anonymous() bool { return t.OrderNo == "" && t.RefundNo == "" }

// secondsEast is the offset of the zone of the books, UTC+8.
const (
	secondsEast   = 8 * 3600
	secondsPerDay = 24 * 3600
)

// day numbers the natural days in the zone of the books.
func (t *Trade) day() int64 {
	s := t.Time + secondsEast
	if s < 0 {
		s -= secondsPerDay - 1 // Go divides towards zero
	}
	return s / secondsPerDay
}

// compareTrades is the fixed order of rows: by place. Rows of one place, which
// a caller should not have, are told apart by their content.
func compareTrades(a, b *Trade) int {
	if c := a.Ref.Compare(b.Ref); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind),
		strings.Compare(a.OrderNo, b.OrderNo), strings.Compare(a.RefundNo, b.RefundNo),
		cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Fee, b.Fee), cmp.Compare(a.Time, b.Time))
}

// Input is one channel and one clearing date (清算日期), at most 2^31 - 1 rows a side.
type Input struct {
	Ours   []Trade // of our order file
	Theirs []Trade // of the channel's bill
	Pool   []Trade // ours of earlier days that no bill has listed yet
}

// FeeRule returns the fee that a bill should show for a trade: positive on a
// payment, zero or negative on a refund.
type FeeRule func(kind Kind, amount money.Amount) money.Amount

// Rule is why two rows are the same event.
type Rule uint8

// The rules, in the order in which they are tried.
const (
	ByOrderNo   Rule = 1 + iota // a payment, by order number; a refund without refund number, by order number and amount
	ByRefundNo                  // a refund, by refund number
	ByAmountDay                 // one side carries no number: by kind, amount and natural day, as a set
)

// String returns order-no, refund-no or amount-day.
func (r Rule) String() string {
	switch r {
	case ByOrderNo:
		return "order-no"
	case ByRefundNo:
		return "refund-no"
	case ByAmountDay:
		return "amount-day"
	}
	return ""
}

// Match is two rows that are the same event.
type Match struct {
	Ours, Theirs Ref
	Rule         Rule
	FromPool     bool // our row waited in the pool
}

// DifferenceKind is what is wrong with a row (差错类型). Append only.
type DifferenceKind string

// The kinds of a difference.
const (
	BankMiss        DifferenceKind = "BANK_MISS"        // 我有他无: our payment is not in the bill (短款)
	PlatformMiss    DifferenceKind = "PLATFORM_MISS"    // 他有我无: the bill's payment is not ours (长款)
	RefundMiss      DifferenceKind = "REFUND_MISS"      // 退款单边: a refund that only one side has
	AmountDiffers   DifferenceKind = "AMOUNT"           // 金额不符: the same number, another amount; not matched
	NumberDiffers   DifferenceKind = "NUMBER"           // 单号不符: the same refund number, another order; not matched
	Direction       DifferenceKind = "DIRECTION"        // 方向不符: one pays what the other refunds; not matched
	DuplicateOurs   DifferenceKind = "DUPLICATE_OURS"   // 我方重复
	DuplicateTheirs DifferenceKind = "DUPLICATE_THEIRS" // 渠道重复
	FeeDiffers      DifferenceKind = "FEE"              // 手续费不符: matched, but the bill's fee is not the contract's
)

// Criterion is what two rows were compared by.
type Criterion string

// The criteria, in the order in which they are compared.
const (
	OnKind     Criterion = "kind"      // payment or refund
	OnOrderNo  Criterion = "order_no"  // 商户订单号
	OnRefundNo Criterion = "refund_no" // 商户退款单号
	OnAmount   Criterion = "amount"    // 金额
	OnFee      Criterion = "fee"       // 手续费: ours is the contract's
	OnCount    Criterion = "count"     // 条数: so many rows of the same look on either side
	OnPartner  Criterion = "partner"   // the near row has its partner already
)

// Difference is a row without partner, or two rows that do not agree.
type Difference struct {
	Kind         DifferenceKind
	Ours, Theirs *Trade // point into the input; nil where the side has no row
	FromPool     bool   // our row waited in the pool

	// Why, for explain: the first criterion that failed with the values of both
	// sides, against the other row above or, where there is none, against Near,
	// the most similar row of the other side. Empty where nothing was near.
	Near                   *Trade
	Failed                 Criterion
	OursValue, TheirsValue string
}
