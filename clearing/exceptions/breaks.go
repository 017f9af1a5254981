package exceptions

import (
	"cmp"
	"slices"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// BreakType is what kind of item stands between two sides, as the tie-out and
// the ageing table list it (未达账项、差异类型). Append only.
type BreakType string

// The fourteen break types.
const (
	BankReceivedOnly BreakType = "BANK_RECEIVED_ONLY" // 银行已收、企业未收
	BankPaidOnly     BreakType = "BANK_PAID_ONLY"     // 银行已付、企业未付
	BookReceivedOnly BreakType = "BOOK_RECEIVED_ONLY" // 企业已收、银行未收
	BookPaidOnly     BreakType = "BOOK_PAID_ONLY"     // 企业已付、银行未付
	AmountBreak      BreakType = "AMOUNT"             // 金额不符
	DateBreak        BreakType = "DATE"               // 日期或日切差
	DuplicateAtBank  BreakType = "DUPLICATE_AT_BANK"  // 银行或渠道重复
	DuplicateInBook  BreakType = "DUPLICATE_IN_BOOK"  // 企业重复
	ReturnedBreak    BreakType = "RETURNED"           // 退汇或冲正
	UnbookedFee      BreakType = "UNBOOKED_FEE"       // 未入账手续费或利息
	UnknownPayerItem BreakType = "UNKNOWN_PAYER"      // 不明来账挂账
	WrongSubAccount  BreakType = "WRONG_SUB_ACCOUNT"  // 子账户串户
	RoundingBreak    BreakType = "ROUNDING"           // 尾差
	MasterBreak      BreakType = "MASTER"             // 总分不符: master ≠ sum of sub-accounts
)

// BreakTypes are all of them, in the order in which they are listed.
func BreakTypes() []BreakType {
	return []BreakType{BankReceivedOnly, BankPaidOnly, BookReceivedOnly, BookPaidOnly, AmountBreak, DateBreak, DuplicateAtBank,
		DuplicateInBook, ReturnedBreak, UnbookedFee, UnknownPayerItem, WrongSubAccount, RoundingBreak, MasterBreak}
}

// Break is one open item: an exception, or a line of the tie-out that no
// exception is about. Amount is fen without sign; Since is when it began.
type Break struct {
	Type    BreakType
	Subject string
	Amount  money.Amount
	Since   bizdate.Date
}

// rounding is the largest difference that is put down to rounding.
const rounding money.Amount = 1

// breakTypes are the kinds of which the break type does not depend on more.
var breakTypes = map[Kind]BreakType{
	BankMiss: BookReceivedOnly, PlatformMiss: BankReceivedOnly, Date: DateBreak, AmountDiffer: AmountBreak, Fee: UnbookedFee,
	Direction: ReturnedBreak, Status: BankPaidOnly, Payee: ReturnedBreak, Returned: ReturnedBreak, UnknownPayer: UnknownPayerItem,
	OffSystem: BankPaidOnly, InTransit: BookReceivedOnly, LatePaid: BankReceivedOnly, DupPaid: DuplicateAtBank, Coupon: BookReceivedOnly,
	Balance: MasterBreak, WrongAccount: WrongSubAccount, Debt: BookPaidOnly,
}

// BreakOf says which break an exception is. A refund that only we have names its
// member, the channel's own does not; the same tells whose duplicate of a bill it
// is, while a payout is only ever doubled by the bank. An amount or a fee that is
// one fen off is a matter of rounding.
func BreakOf(e Exception) Break {
	b := Break{Type: breakTypes[e.Kind], Subject: e.Subject, Amount: e.Amount.Abs(), Since: e.OpenedDate}
	switch e.Kind {
	case RefundMiss:
		if b.Type = BankPaidOnly; e.Member != "" {
			b.Type = BookPaidOnly
		}
	case Duplicate:
		if b.Type = DuplicateAtBank; e.Channel != "" && e.Member != "" {
			b.Type = DuplicateInBook
		}
	case AmountDiffer, Fee:
		ours, err1 := money.ParseYuan(e.Ours)
		theirs, err2 := money.ParseYuan(e.Theirs)
		if err1 == nil && err2 == nil && ours != theirs && (ours-theirs).Abs() <= rounding {
			b.Type = RoundingBreak
		}
	}
	return b
}

// Bucket is an interval of age in natural days (账龄区间), both ends included.
type Bucket struct {
	Name     string
	From, To int
}

// eternity ends the last bucket.
const eternity = 1 << 30

// Buckets are the intervals of the ageing table.
func Buckets() []Bucket {
	return []Bucket{{"0-1", 0, 1}, {"2-3", 2, 3}, {"4-7", 4, 7}, {"8-30", 8, 30}, {"31-60", 31, 60}, {"61-90", 61, 90}, {">90", 91, eternity}}
}

// Aged is how many breaks there are and what they come to.
type Aged struct {
	Count  int          `json:"count"`
	Amount money.Amount `json:"amount_fen"`
}

func (a *Aged) add(amount money.Amount) (err error) {
	a.Count++
	a.Amount, err = a.Amount.Add(amount)
	return err
}

// AgeingRow is one break type with its breaks by bucket, in the order of [Buckets].
type AgeingRow struct {
	Type    BreakType
	Buckets []Aged
	Total   Aged
}

// Ageing counts breaks by type and age at the date, in the order of
// [BreakTypes], without the types that have none. A break of a later day than
// the date counts as new. It fails where amounts are too large to be added.
func Ageing(breaks []Break, at bizdate.Date) ([]AgeingRow, error) {
	buckets, order := Buckets(), BreakTypes()
	byType := map[BreakType]*AgeingRow{}
	for _, b := range breaks {
		row := byType[b.Type]
		if row == nil {
			row = &AgeingRow{Type: b.Type, Buckets: make([]Aged, len(buckets))}
			byType[b.Type] = row
		}
		age := max(0, b.Since.DaysUntil(at))
		k := slices.IndexFunc(buckets, func(i Bucket) bool { return age <= i.To })
		if err := cmp.Or(row.Buckets[k].add(b.Amount), row.Total.add(b.Amount)); err != nil {
			return nil, err
		}
	}
	var rows []AgeingRow
	for _, t := range order {
		if row := byType[t]; row != nil {
			rows = append(rows, *row)
		}
	}
	return rows, nil
}
