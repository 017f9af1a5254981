package subaccounts

import "slices"

// Side is the side on which an account stands: its balance never crosses zero.
type Side int

// The two sides. The signed balance of a debit account is positive.
const (
	DebitSide  Side = 1
	CreditSide Side = -1
)

// OwnerKind says who may own an account of a code.
type OwnerKind int

// The kinds of owners.
const (
	OwnerNone    OwnerKind = iota // head office or the bank: one account, no owner
	OwnerMember                   // franchisee or partner, registered as a member
	OwnerChannel                  // payment channel
	OwnerAny                      // who is to be paid: a member, a court, a payer
)

// ItemRule says whether an account keeps open items.
type ItemRule int

// The rules. Under OptionalItem an entry without an item is in the balance only.
const (
	NoItem ItemRule = iota
	OptionalItem
	RequiredItem
)

// Account is a row of the chart of accounts (科目表).
type Account struct {
	Code      string
	ZH, EN    string // names in documents
	Side      Side
	BothSides bool // may stand on the other side of zero
	Owner     OwnerKind
	Items     ItemRule
}

// withdrawable is the code of what a member may have paid out (会员可提现).
const withdrawable = "2001"

// frozen is the code of what is set aside for a dispute or a court (会员冻结).
const frozen = "2003"

// chart is the chart of accounts, in the order of codes. Custody keeps no
// profit and loss: fees earned are owed to head office until withdrawn.
// 1122 and 2501 may cross zero on a date with more refunds than payments.
var chart = []Account{
	{Code: "1001", ZH: "存管专户存款", EN: "Custody bank account", Side: DebitSide},
	{Code: "1122", ZH: "渠道在途", EN: "Due from channels", Side: DebitSide, BothSides: true, Owner: OwnerChannel, Items: RequiredItem},
	{Code: "1402", ZH: "差错短款", EN: "Shortages under inquiry", Side: DebitSide, Items: RequiredItem},
	{Code: "2001", ZH: "会员可提现", EN: "Member withdrawable", Side: CreditSide, Owner: OwnerMember},
	{Code: "2002", ZH: "会员待转可提现", EN: "Member pending settlement", Side: CreditSide, Owner: OwnerMember, Items: RequiredItem},
	{Code: "2003", ZH: "会员冻结", EN: "Member frozen", Side: CreditSide, Owner: OwnerMember, Items: OptionalItem},
	{Code: "2101", ZH: "担保资金", EN: "Escrow", Side: CreditSide, Owner: OwnerMember, Items: OptionalItem},
	{Code: "2102", ZH: "待清分资金", EN: "Collected, not yet split", Side: CreditSide},
	{Code: "2201", ZH: "提现在途", EN: "Payouts in transit", Side: CreditSide, Owner: OwnerAny, Items: OptionalItem},
	{Code: "2202", ZH: "退款在途", EN: "Refunds in transit", Side: CreditSide, Owner: OwnerChannel, Items: OptionalItem},
	{Code: "2203", ZH: "退票待处理", EN: "Returned payouts", Side: CreditSide, Owner: OwnerAny, Items: OptionalItem},
	{Code: "2301", ZH: "平台自有资金", EN: "Head office funds", Side: CreditSide},
	{Code: "2302", ZH: "平台手续费", EN: "Head office fees", Side: CreditSide, Items: RequiredItem},
	{Code: "2303", ZH: "平台营销", EN: "Head office marketing", Side: CreditSide},
	{Code: "2304", ZH: "会员保证金", EN: "Member deposits", Side: CreditSide, Owner: OwnerMember},
	{Code: "2305", ZH: "风险垫付金", EN: "Risk reserve", Side: CreditSide},
	{Code: "2306", ZH: "打款验证户", EN: "Account verification", Side: CreditSide},
	{Code: "2401", ZH: "挂账（不明来账）", EN: "Unidentified receipts", Side: CreditSide, Items: OptionalItem},
	{Code: "2402", ZH: "差错长款", EN: "Surpluses under inquiry", Side: CreditSide, Items: RequiredItem},
	{Code: "2501", ZH: "应付渠道手续费", EN: "Channel fees payable", Side: CreditSide, BothSides: true, Owner: OwnerChannel, Items: RequiredItem},
	{Code: "2502", ZH: "应付银行费用", EN: "Bank charges payable", Side: CreditSide},
	{Code: "2601", ZH: "应付利息", EN: "Interest payable", Side: CreditSide},
}

// Chart returns the account of a code.
func Chart(code string) (Account, bool) {
	if def := chartOf(code); def != nil {
		return *def, true
	}
	return Account{}, false
}

// Accounts returns the whole chart in the order of codes.
func Accounts() []Account { return slices.Clone(chart) }

func chartOf(code string) *Account {
	for i := range chart {
		if chart[i].Code == code {
			return &chart[i]
		}
	}
	return nil
}
