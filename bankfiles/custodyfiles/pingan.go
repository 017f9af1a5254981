package custodyfiles

import (
	"io"
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Movement is a row of CZ (充值) or TX (提现). Amount includes the fee:
// 交易金额 = 实际到账金额 + 手续费.
type Movement struct {
	Line       int
	Member     string // 交易网会员代码
	SubAccount string // 子账户
	Name       string // 子账户名称; empty in the version of 12 columns
	Amount     money.Exact
	Fee        money.Exact
	Time       time.Time
	BankSerial string // 银行见证系统流水号
	Serial     string // 交易网流水号, ours; empty on what the bank began
	Remark     string
	Kind       string // 记账类型, as printed: 绑卡匹配入金, 提现 ...
	OrderNo    string
}

var movementColumns = []string{"序号", "交易网会员代码", "子账户", "子账户名称", "交易金额", "手续费", "交易日期", "交易时间", "银行见证系统流水号",
	"交易网流水号", "备注", "记账类型", "订单号"}

// without returns the columns but one.
func without(names []string, drop string) (out []string) {
	for _, n := range names {
		if n != drop {
			out = append(out, n)
		}
	}
	return out
}

func movements(format string) *layout {
	return &layout{format: format, separator: ampersand, trailing: true, numbered: true,
		versions: [][]string{movementColumns, without(movementColumns, "子账户名称")}}
}

// ReadMovements reads a file of format CZ or TX, which share a layout, and hands
// every row to each, which may be nil. Total and Fee of the summary are the sums.
//
// It returns a fault.List with line, field and value (codes custodyfile.*), or
// what each returned. Nothing counts as read before it returned nil.
func ReadMovements(name string, src io.Reader, format string, opt Options, each func(*Movement) error) (Summary, error) {
	var m Movement
	return movements(format).read(name, src, opt, nil, func(r *reader) error {
		m = Movement{Line: r.Number(), Member: r.number("交易网会员代码"), SubAccount: r.number("子账户"), Name: r.text("子账户名称"),
			Amount: r.positive("交易金额"), Fee: r.positive("手续费"), Time: r.moment("交易日期", "交易时间"), BankSerial: r.number("银行见证系统流水号"),
			Serial: r.text("交易网流水号"), Remark: r.text("备注"), Kind: r.text("记账类型"), OrderNo: r.text("订单号")}
		r.add(&r.sum.Total, m.Amount, "交易金额")
		r.add(&r.sum.Fee, m.Fee, "手续费")
		if !r.good() || each == nil {
			return nil
		}
		return each(&m)
	})
}

// Transfer is a row of JY (交易): money from one sub-account to another.
type Transfer struct {
	Line                    int
	Kind                    string // 记账标志, as printed: 确认付款 ...
	FromMember, FromAccount string
	FromName                string
	ToMember, ToAccount     string
	ToName                  string
	Amount, Fee             money.Exact
	Time                    time.Time
	BankSerial, Serial      string
	Remark, OrderNo         string
}

var transferLayout = &layout{format: JY, separator: ampersand, trailing: true, numbered: true, versions: [][]string{{"序号", "记账标志",
	"转出会员代码", "转出子账户", "转出名称", "转入会员代码", "转入子账户", "转入名称", "交易金额", "手续费", "日期", "时间", "银行见证流水号", "交易网流水号",
	"备注", "订单号"}}}

// ReadTransfers reads a JY file as [ReadMovements] reads its own.
func ReadTransfers(name string, src io.Reader, opt Options, each func(*Transfer) error) (Summary, error) {
	var t Transfer
	return transferLayout.read(name, src, opt, nil, func(r *reader) error {
		t = Transfer{Line: r.Number(), Kind: r.text("记账标志"), FromMember: r.number("转出会员代码"), FromAccount: r.number("转出子账户"),
			FromName: r.text("转出名称"), ToMember: r.number("转入会员代码"), ToAccount: r.number("转入子账户"), ToName: r.text("转入名称"),
			Amount: r.positive("交易金额"), Fee: r.positive("手续费"), Time: r.moment("日期", "时间"), BankSerial: r.number("银行见证流水号"),
			Serial: r.text("交易网流水号"), Remark: r.text("备注"), OrderNo: r.text("订单号")}
		r.add(&r.sum.Total, t.Amount, "交易金额")
		r.add(&r.sum.Fee, t.Fee, "手续费")
		if !r.good() || each == nil {
			return nil
		}
		return each(&t)
	})
}

// Balance is a row of YE (余额). The balance of a suspense account may be negative.
type Balance struct {
	Line       int
	Member     string
	SubAccount string
	Balance    money.Exact
	Remark     string // in the version of 5 columns
}

var balanceLayout = &layout{format: YE, separator: ampersand, trailing: true, numbered: true,
	versions: [][]string{{"序号", "会员代码", "子账户", "金额"}, {"序号", "会员代码", "子账户", "金额", "备注"}}}

// ReadBalances reads a YE file as [ReadMovements] reads its own.
func ReadBalances(name string, src io.Reader, opt Options, each func(*Balance) error) (Summary, error) {
	var b Balance
	return balanceLayout.read(name, src, opt, nil, func(r *reader) error {
		b = Balance{Line: r.Number(), Member: r.text("会员代码"), SubAccount: r.number("子账户"), Balance: r.yuan("金额"), Remark: r.text("备注")}
		r.add(&r.sum.Total, b.Balance, "金额")
		if !r.good() || each == nil {
			return nil
		}
		return each(&b)
	})
}

// Opening is a row of KXH (开销户): a sub-account opened or closed.
type Opening struct {
	Line        int
	FrontSerial string // 前置流水号
	Status      string // 交易状态, as printed
	SubAccount  string
	Property    string // 子账户性质, as printed
	Name        string
	Member      string
	Date        bizdate.Date
	Teller      string // 操作柜员号
}

var openingLayout = &layout{format: KXH, separator: ampersand, trailing: true, numbered: true, head: 1, versions: [][]string{{"序号", "前置流水号",
	"交易状态", "子账户账号", "子账户性质", "子账户名称", "会员代码", "交易日期", "操作柜员号"}}}

// ReadOpenings reads a KXH file, whose first line is its count.
func ReadOpenings(name string, src io.Reader, opt Options, each func(*Opening) error) (Summary, error) {
	var o Opening
	return openingLayout.read(name, src, opt, func(r *reader) { r.count("总笔数", r.head[0]) }, func(r *reader) error {
		o = Opening{Line: r.Number(), FrontSerial: r.number("前置流水号"), Status: r.text("交易状态"), SubAccount: r.number("子账户账号"),
			Property: r.text("子账户性质"), Name: r.text("子账户名称"), Member: r.number("会员代码"), Date: r.day("交易日期"), Teller: r.text("操作柜员号")}
		if !r.good() || each == nil {
			return nil
		}
		return each(&o)
	})
}

// CashKind tells money out of the bank from money into it.
type CashKind string

// The kinds of a row of CRJ (记账标志).
const (
	CashOut      CashKind = "1" // 出金
	CashIn       CashKind = "2" // 入金
	CashSuspense CashKind = "3" // 挂账: came in, owner not known
)

// Cash is a row of CRJ (出入金).
type Cash struct {
	Line         int
	Kind         CashKind
	Handling     string // 处理标志, as printed
	Payer, Payee string // accounts
	Member       string
	SubAccount   string
	Name         string
	Amount, Fee  money.Exact
	FeeAccount   string // 支付手续费子账号
	FeeName      string
	Time         time.Time
	FrontSerial  string // 银行前置流水号
}

var cashLayout = &layout{format: CRJ, separator: ampersand, trailing: true, numbered: true, head: 4, versions: [][]string{{"序号", "记账标志",
	"处理标志", "付款人账号", "收款人账号", "会员代码", "子账户", "子账户名称", "交易金额", "手续费", "支付手续费子账号", "支付子账号名称", "交易日期",
	"交易时间", "银行前置流水号"}}}

// ReadCash reads a CRJ file, whose first line is 总笔数&出金总额&入金总额&挂账总额&.
func ReadCash(name string, src io.Reader, opt Options, each func(*Cash) error) (Summary, error) {
	var c Cash
	totals := map[CashKind]*money.Exact{CashOut: new(money.Exact), CashIn: new(money.Exact), CashSuspense: new(money.Exact)}
	for _, t := range totals {
		*t = zero
	}
	first := func(r *reader) {
		r.count("总笔数", r.head[0])
		r.total("出金总额", r.head[1], *totals[CashOut])
		r.total("入金总额", r.head[2], *totals[CashIn])
		r.total("挂账总额", r.head[3], *totals[CashSuspense])
	}
	return cashLayout.read(name, src, opt, first, func(r *reader) error {
		c = Cash{Line: r.Number(), Kind: CashKind(r.text("记账标志")), Handling: r.text("处理标志"), Payer: r.text("付款人账号"),
			Payee: r.text("收款人账号"), Member: r.text("会员代码"), SubAccount: r.number("子账户"), Name: r.text("子账户名称"),
			Amount: r.positive("交易金额"), Fee: r.positive("手续费"), FeeAccount: r.text("支付手续费子账号"), FeeName: r.text("支付子账号名称"),
			Time: r.moment("交易日期", "交易时间"), FrontSerial: r.number("银行前置流水号")}
		if total := totals[c.Kind]; total != nil {
			r.add(total, c.Amount, "交易金额")
		} else {
			r.refuse("custodyfile.cash_kind", "记账标志")
		}
		r.add(&r.sum.Total, c.Amount, "交易金额")
		r.add(&r.sum.Fee, c.Fee, "手续费")
		if !r.good() || each == nil {
			return nil
		}
		return each(&c)
	})
}

// Check is a row of BatCustDz: what the bank holds for one sub-account.
type Check struct {
	Line       int
	SubAccount string
	Name       string
	Member     string
	Status     string // 1 正常 2 退出 3 待确定
	Property   string // 1 普通 2 挂账 3 手续费 4 利息 6 清收
	Virtual    string // 虚实, as printed
	Total      money.Exact
	Available  money.Exact
	Frozen     money.Exact
	Base       string // 利息基数, as printed
}

var checkLayout = &layout{format: CustDz, separator: ampersand, trailing: true, head: 1, versions: [][]string{{"子账号", "名称", "会员代码", "状态",
	"属性", "虚实", "总余额", "可用", "冻结", "利息基数"}}}

// ReadChecks reads a BatCustDz file, whose first line is its count. In every row
// 总余额 = 可用 + 冻结.
func ReadChecks(name string, src io.Reader, opt Options, each func(*Check) error) (Summary, error) {
	var c Check
	return checkLayout.read(name, src, opt, func(r *reader) { r.count("总笔数", r.head[0]) }, func(r *reader) error {
		c = Check{Line: r.Number(), SubAccount: r.number("子账号"), Name: r.text("名称"), Member: r.text("会员代码"), Status: r.text("状态"),
			Property: r.text("属性"), Virtual: r.text("虚实"), Total: r.yuan("总余额"), Available: r.yuan("可用"), Frozen: r.yuan("冻结"), Base: r.text("利息基数")}
		r.equal("总余额", c.Total, c.Available, c.Frozen)
		r.add(&r.sum.Total, c.Total, "总余额")
		if !r.good() || each == nil {
			return nil
		}
		return each(&c)
	})
}
