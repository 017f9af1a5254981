// Package bankfiles holds the typed records of every file that a bank, a
// channel or head office exchanges with the books. One package per family
// below it turns bytes into these records and back; none of them knows a
// database, a clock or the ledger.
//
//	orderfile   head office's own order file (订单文件)
//	wechat      WeChat Pay trade bill (微信交易账单) and fund flow (资金账单)
//	alipay      Alipay trade bill (支付宝业务明细) and account bill (账务明细)
//	unionpay    UnionPay settlement files ZM, ZME, COMN (银联)
//	cardsettle  settlement of prepaid telecom cards (11888)
//	container   the zip in which such files come
//	custodyfiles the custody bank's daily files and ours to it
//	instruct    payouts as banks take them, and their answers
//	camt        ISO 20022 statements: camt.053 end of day, camt.052 intraday, camt.054 notifications
//	mt940       SWIFT statements: MT940 end of day, MT942 intraday, MT950 between banks
//	bai2        reports of American banks
//	ofx         OFX and QFX, made for accounting programs
//	feed        what the readers of statements in text share
//	profile     tables that a YAML file describes: banks' exports, and yours
//	payfile     our neutral payout, result, sub-account balance and instruction files
//	inspect     what is this file? detected by content, never by name
//
// Amounts are [money.Exact], as the file wrote them; clearing turns them into
// fen. A reader streams records to a function and returns a summary after the
// last one; it checks every count and total that the file carries and returns
// a fault.List with file, line, field, value and hint for what does not hold.
// The caller must treat nothing as read before the reader returned nil.
package bankfiles

import (
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// TradeKind tells a payment from a refund.
type TradeKind string

// The kinds of a trade row.
const (
	Pay    TradeKind = "PAY"    // 支付
	Refund TradeKind = "REFUND" // 退款
)

// Order is one row of head office's order file: a payment or a refund as the
// shop system knows it.
type Order struct {
	Line     int // of the file, from 1
	Kind     TradeKind
	Escrow   bool        // 担保交易: the money is held until the goods are confirmed
	OrderNo  string      // 商户订单号, unique forever
	RefundNo string      // 商户退款单号; empty on a payment
	Member   string      // code of the member who owns the order
	Channel  string      // code of the channel as custody.yaml names it, e.g. WX
	Amount   money.Exact // positive on both kinds
	Time     time.Time   // 交易时间, of the payment or of the refund request
	// Coupon is the part of Amount that head office's coupon paid (优惠券); the
	// channel shows the rest. Zero where there is none.
	Coupon money.Exact
	Status OrderStatus
}

// OrderStatus is what the shop system knows of a payment (收款单状态).
type OrderStatus string

// The statuses of a payment. Only a paid one was collected; one that was reversed
// was paid and voided on the same day.
const (
	OrderPaid     OrderStatus = ""         // 支付成功
	OrderReversed OrderStatus = "REVERSED" // 已撤销
	OrderClosed   OrderStatus = "CLOSED"   // 已关闭, not paid as far as the shop knows
	OrderFailed   OrderStatus = "FAILED"   // 失败
	OrderUnknown  OrderStatus = "UNKNOWN"  // 待确认
)

// Collected reports whether the status says that money came.
func (s OrderStatus) Collected() bool { return s == OrderPaid || s == OrderReversed }

// BillRow is one row of a channel's bill. Amount is positive on both kinds;
// Fee is what the channel keeps of a payment (positive) or gives back on a
// refund (negative): net of the row = ±Amount − Fee.
type BillRow struct {
	Line      int
	Kind      TradeKind
	OrderNo   string // 商户订单号, ours
	RefundNo  string // 商户退款单号 / 退款批次号, ours; empty on a payment
	ChannelNo string // 微信订单号 / 支付宝交易号; on a refund the channel's refund number where there is one
	Amount    money.Exact
	Fee       money.Exact
	Time      time.Time // 交易时间 as the channel booked it
	Status    string    // as printed: SUCCESS, REFUND, 交易 ...
}

// TradeSummary is what a file of orders or bill rows adds up to, recomputed
// from the rows and equal to the totals that the file carries.
type TradeSummary struct {
	Format      string       // orders, wechat-all, alipay-trade
	Merchant    string       // 商户号 or 账号 where the bill carries one
	Date        bizdate.Date // accounting date of an order file, clearing date (清算日期) of a bill
	Encoding    string       // utf-8, gb18030
	Rows        int
	PayRows     int
	RefundRows  int
	PayTotal    money.Exact
	RefundTotal money.Exact // positive
	FeeTotal    money.Exact // net of fees given back
}

// StatementKind tells an end-of-day statement from an intraday report.
type StatementKind string

// The kinds of a statement.
const (
	EndOfDay StatementKind = "EOD" // camt.053, MT940
	Intraday StatementKind = "ITD" // camt.052, MT942 (当日明细)
)

// Statement is the head of one bank statement of one account.
type Statement struct {
	Line     int
	Format   string // camt.053
	Version  string // camt.053.001.08
	Kind     StatementKind
	ID       string // the bank's identification of the statement (Stmt/Id)
	Number   string // electronic or legal sequence number
	Account  string
	Name     string // account holder
	Currency string
	From, To bizdate.Date // days that the statement covers; equal for one day
	Opening  *money.Exact // signed, credit positive; nil where the file has none
	Closing  *money.Exact
	// Entries and Sum (signed) are filled when the statement ends.
	Entries int
	Sum     money.Exact
	// Balanced is Opening + Sum = Closing; nil where a balance is missing.
	Balanced *bool
}

// EntryStatus is whether the bank has booked an entry.
type EntryStatus string

// The statuses of an entry; only Booked moves money.
const (
	Booked  EntryStatus = "BOOK"
	Pending EntryStatus = "PDNG"
	Info    EntryStatus = "INFO"
)

// StatementEntry is one line of a bank statement.
type StatementEntry struct {
	Line                int
	BankRef             string // AcctSvcrRef: the bank's own reference, unique for the account
	EntryRef            string // NtryRef
	EndToEndID          string // our serial on a payout, as the bank gives it back
	BookingDate         bizdate.Date
	BookingTime         time.Time // zero where the file has only a date
	ValueDate           bizdate.Date
	Amount              money.Exact // signed: credit (收入) positive, debit (支出) negative
	Reversal            bool        // RvslInd: 冲正
	Status              EntryStatus
	Code                string // bank transaction code as printed
	CounterpartyName    string
	CounterpartyAccount string
	Remark              string // remittance information and additional entry information
}

// StatementSink takes a file's statements: Open with the head, Entry for each
// line, Close with the head again when count, sum and closing are known.
// An error from any of them stops the reader and comes back from it.
type StatementSink interface {
	Open(*Statement) error
	Entry(*StatementEntry) error
	Close(*Statement) error
}

// PayoutFile is a batch of payouts for the bank (出款批次文件).
type PayoutFile struct {
	BatchNo string
	Date    bizdate.Date // accounting date that the header carries
	Maker   string
	Checker string
	Items   []PayoutItem
}

// PayoutItem is one row of a payout file.
type PayoutItem struct {
	Seq         int
	Serial      string // ours; follows from custody, day, batch and row
	Member      string
	Account     string // payee account
	Name        string // payee name
	CNAPS       string // 联行号, 12 digits; exactly one of CNAPS and SuperBankNo is set
	SuperBankNo string
	Amount      money.Amount // fen, without our fee
	Route       string       // HVP, BEP, SIB, OWN
	Purpose     string
	Attach      string
}

// ResultFile is the bank's answer to a payout file (回盘文件).
type ResultFile struct {
	BatchNo string
	Date    bizdate.Date
	Items   []ResultItem
}

// ResultStatus is the bank's word about one payout.
type ResultStatus string

// The statuses of a result row. Anything else in a file is Unknown, never failed.
const (
	ResultSuccess ResultStatus = "S"
	ResultFailed  ResultStatus = "F"
	ResultUnknown ResultStatus = "U"
)

// ResultItem is one row of a result file.
type ResultItem struct {
	Line     int
	Seq      int
	Serial   string
	Amount   money.Amount
	Status   ResultStatus
	Code     string
	Reason   string
	BankRef  string
	BankTime time.Time // zero where the bank gave none
}

// BalanceFile is the bank's list of sub-account balances (子账户余额文件).
type BalanceFile struct {
	Account string // the custody account
	Date    bizdate.Date
	Items   []BalanceItem
}

// BalanceItem is the bank's view of one member at the cut of the file's date.
type BalanceItem struct {
	Line      int
	Member    string
	Available money.Amount // 可用 = 可提现 + 待转可提现
	Cash      money.Amount // 可提现
	Frozen    money.Amount // 冻结
}

// InstructionFile tells the bank what became of money that it holds in trust
// for members, beside payouts (分户指令文件): decisions of two people, which its
// sub-accounts follow.
type InstructionFile struct {
	No      string       // ours, unique forever; the bank carries out each number once
	Date    bizdate.Date // accounting date on which the sub-accounts change
	Maker   string
	Checker string
	Items   []InstructionItem
}

// InstructionKind says what an instruction does to a sub-account.
type InstructionKind string

// The kinds of instructions.
const (
	InstructClaim  InstructionKind = "CLAIM"  // 认领: credit the member with an unidentified receipt
	InstructReturn InstructionKind = "RETURN" // 退汇入户: credit the member with a returned payout and the fee given back
	InstructAdopt  InstructionKind = "ADOPT"  // 补单: the order is the member's; it is split with the date's night
	InstructCredit InstructionKind = "CREDIT" // 调增: what the member has goes up
	InstructDebit  InstructionKind = "DEBIT"  // 调减: what the member has goes down
	InstructFreeze InstructionKind = "FREEZE" // 冻结: from available to frozen
	InstructThaw   InstructionKind = "THAW"   // 解冻: from frozen to available
	InstructDeduct InstructionKind = "DEDUCT" // 扣划: frozen money leaves the member
)

// InstructionItem is one row of an instruction file.
type InstructionItem struct {
	Seq       int
	Kind      InstructionKind
	Reference string // the bank's reference of a receipt, our serial of a payout, the number of an order
	Member    string
	Amount    money.Amount // fen; of ADOPT the whole order, before its split
	// Of ADOPT alone, empty otherwise:
	Channel      string
	ClearingDate bizdate.Date // of the bill that lists the order
	OrderNo      string
}
