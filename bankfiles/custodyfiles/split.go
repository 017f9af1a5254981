package custodyfiles

import (
	"io"
	"strconv"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Split is a row of a 华通-type split file (分账明细): what one party of an order
// gets, as a payout or a booking.
type Split struct {
	Line    int
	Date    bizdate.Date // 清算日期
	Serial  string       // 客户端流水号, unique in the file
	Account string       // 用户账号
	Amount  money.Amount // fen
	Booking bool         // 结算方式: false 0 代付, true 1 记账
	Days    int          // 账期 N: 0 for T+0
	Remark  string
	Orders  []string // 支付订单列表
	Ext     [2]string
}

var (
	splitHead   = []string{"H", "类型", "清算日期", "笔数"}
	splitLayout = &layout{format: HTSettle, separator: bar, head: 4, versions: [][]string{{"清算日期", "客户端流水号", "用户账号", "金额",
		"结算方式", "账期", "备注", "支付订单列表", "ext2", "ext3"}}}
	htBalanceLayout = &layout{format: HTBalance, separator: bar, head: 4, versions: [][]string{{"日期", "用户账号", "可用余额", "冻结余额"}}}
)

// Limits of a split file.
const (
	maxDays   = 366
	maxOrders = 1000 // of one row: a line of 64 KiB holds no more numbers of 64 characters
)

// htHead checks the header H|kind|yyyyMMdd|rows.
func (r *reader) htHead(kind string) {
	if r.head[0] != "H" || r.head[1] != kind {
		r.Refuse(fault.Invalid("custodyfile.head").AtLine(1).On("H", strings.Join(r.head, bar)))
		return
	}
	day, err := bizdate.Parse(r.head[2])
	if err != nil || len(r.head[2]) != 8 {
		r.Refuse(fault.Invalid("custodyfile.date").AtLine(1).On("日期", r.head[2]))
	}
	r.sum.Date = day
	r.count("笔数", r.head[3])
}

// check refuses a row that would fail the whole batch at the bank. first is the
// row at the head of the file: a batch is all T+0 or all T+N.
func (s *Split) check(head bizdate.Date, first *Split, seen map[string]int) *fault.Fault {
	switch {
	case s.Date != head:
		return fault.Invalid("custodyfile.day", head).On("清算日期", s.Date.String())
	case s.Amount <= 0:
		return fault.Invalid("custodyfile.fen").On("金额", fen(s.Amount))
	case s.Days < 0 || s.Days > maxDays:
		return fault.Invalid("custodyfile.days", maxDays).On("账期", strconv.Itoa(s.Days))
	case first != nil && (first.Days == 0) != (s.Days == 0):
		return fault.Invalid("custodyfile.mixed").On("账期", strconv.Itoa(s.Days))
	case len(s.Orders) > maxOrders:
		return fault.Invalid("custodyfile.orders", maxOrders).On("支付订单列表", "")
	case seen[s.Serial] > 0:
		return fault.Invalid("custodyfile.twice", seen[s.Serial]).On("客户端流水号", s.Serial)
	}
	return nil
}

// WriteSplits writes a split file of one clearing date: H|settle|yyyyMMdd|rows,
// then the rows. It returns a fault for what would fail the batch at the bank:
// a serial twice, T+0 beside T+N, another day.
func WriteSplits(w io.Writer, date bizdate.Date, rows []Split) error {
	o, names := splitLayout.writer(w), splitLayout.versions[0]
	if date.IsZero() {
		o.refuse(fault.Invalid("custodyfile.date").On(splitHead[2], ""))
	}
	o.write(splitHead, []string{"H", "settle", date.Compact(), strconv.Itoa(len(rows))})
	seen := map[string]int{}
	for i := range rows {
		s := &rows[i]
		if f := s.check(date, &rows[0], seen); f != nil {
			o.refuse(f)
		}
		seen[s.Serial] = o.line + 1
		mode := "0"
		if s.Booking {
			mode = "1"
		}
		for _, order := range s.Orders {
			o.id(names[7], order)
		}
		o.write(names, []string{date.Compact(), o.id(names[1], s.Serial), o.id(names[2], s.Account), fen(s.Amount), mode, strconv.Itoa(s.Days),
			strings.TrimSpace(s.Remark), strings.Join(s.Orders, ","), s.Ext[0], s.Ext[1]})
	}
	return o.end()
}

// ReadSplits reads a split file as [ReadMovements] reads its own, and holds it
// to what [WriteSplits] refuses.
func ReadSplits(name string, src io.Reader, each func(*Split) error) (Summary, error) {
	seen := map[string]int{} // 5,000,000 serials of 64 characters: some 700 MB at the very worst
	var s, head Split
	var first *Split
	return splitLayout.read(name, src, Options{}, func(r *reader) { r.htHead("settle") }, func(r *reader) error {
		amount, _ := r.fen("金额").Fen()
		s = Split{Line: r.Number(), Date: r.day("清算日期"), Serial: r.number("客户端流水号"), Account: r.number("用户账号"), Amount: amount,
			Remark: r.text("备注"), Ext: [2]string{r.text("ext2"), r.text("ext3")}}
		days, err := strconv.Atoi(r.text("账期"))
		if s.Days = days; err != nil {
			r.refuse("custodyfile.days", "账期", maxDays)
		}
		switch r.text("结算方式") {
		case "0", "1":
			s.Booking = r.text("结算方式") == "1"
		default:
			r.refuse("custodyfile.mode", "结算方式")
		}
		if list := r.text("支付订单列表"); list != "" {
			s.Orders = strings.Split(list, ",")
		}
		day, _ := bizdate.Parse(r.head[2])
		if f := s.check(day, first, seen); f != nil && !r.bad {
			r.bad = true
			r.Refuse(f)
		}
		seen[s.Serial] = s.Line
		if first == nil {
			head = s
			first = &head
		}
		r.add(&r.sum.Total, money.FromFen(amount), "金额")
		if !r.good() || each == nil {
			return nil
		}
		return each(&s)
	})
}

// HTBalanceRow is a row of a 华通-type balance file. Its header is published,
// its columns are not: these are ours.
type HTBalanceRow struct {
	Line      int
	Date      bizdate.Date
	Account   string // 用户账号
	Available money.Exact
	Frozen    money.Exact
}

// ReadHTBalances reads a file H|balance|yyyyMMdd|rows with amounts in fen.
func ReadHTBalances(name string, src io.Reader, each func(*HTBalanceRow) error) (Summary, error) {
	var b HTBalanceRow
	return htBalanceLayout.read(name, src, Options{}, func(r *reader) { r.htHead("balance") }, func(r *reader) error {
		b = HTBalanceRow{Line: r.Number(), Date: r.day("日期"), Account: r.number("用户账号"), Available: r.fen("可用余额"), Frozen: r.fen("冻结余额")}
		if day, err := bizdate.Parse(r.head[2]); err == nil && b.Date != day && !r.bad {
			r.refuse("custodyfile.day", "日期", day)
		}
		r.add(&r.sum.Total, b.Available, "可用余额")
		if !r.good() || each == nil {
			return nil
		}
		return each(&b)
	})
}
