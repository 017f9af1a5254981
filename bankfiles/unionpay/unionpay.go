package unionpay

import (
	"bytes"
	"io"
	"regexp"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Row is one line of a settlement file. Amounts are CNY with two decimals.
type Row struct {
	Line        int
	Code        string              // 交易代码: S22 消费, S30 退货; of COMN the 交易类型码
	Kind        bankfiles.TradeKind // empty where the code is neither a payment nor a refund that we know
	Agent       string              // 代理机构标识码
	Sender      string              // 发送机构标识码
	Trace       string              // 系统跟踪号
	Time        time.Time           // 交易传输时间; zero where the settlement date is not known
	Card        string              // 账号, as printed
	Amount      money.Exact         // positive
	MCC         string              // 商户类别
	QueryNo     string              // 查询流水号: UnionPay's number of the trade
	OrderNo     string              // 商户订单号, of a refund its own
	OrigTrace   string              // 原始交易系统跟踪号
	OrigTime    time.Time           // 原始交易日期时间; zero where there is none
	Fee         money.Exact         // kept positive (D), given back negative (C)
	Settle      money.Exact         // 结算金额, credit positive
	Net         money.Exact         // 清算净额, credit positive
	Merchant    string              // 商户代码
	Terminal    string              // 终端号
	OrigQueryNo string              // 原交易查询流水号
	OrigOrderNo string              // 原始交易订单号, in the newer versions of ZM
	SubMerchant string              // 二级商户代码
	SubName     string              // 二级商户简称
	Reason      string              // 差错原因, of ZME
	Message     string              // 报文类型, of COMN
	Reference   string              // 检索参考号, of COMN
}

// Options is what the file does not say of itself.
type Options struct {
	// Settle is the settlement date; where it is zero it is taken from the name,
	// INNyymmdd88ZM_… or INDyymmdd01ACOMN.
	Settle bizdate.Date
	// Undated takes a file without any settlement date; Time and OrigTime are
	// then zero. It is for looking at a file, never for booking it.
	Undated bool
}

// dateInName finds the settlement date in a file name.
var dateInName = regexp.MustCompile(`IN[ND](\d{6})\d{2}`)

// SettleDate returns the settlement date in a file's name, or the zero date.
func SettleDate(name string) bizdate.Date {
	m := dateInName.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	day, err := bizdate.Parse("20" + m[1])
	if err != nil {
		return 0
	}
	return day
}

// reader is what one Read has seen so far.
type reader struct {
	*lines.Reader
	layout *layout
	line   []byte
	settle time.Time
	row    Row
	sum    bankfiles.TradeSummary
}

// Read reads a settlement file and hands every row to each, which may be nil;
// the row is used again for the next call. The first line tells which of the
// formats it is; all lines are of that one. The file has no totals: one that
// was cut between two lines cannot be told from a whole one, so compare the
// summary with the money that arrives.
//
// It returns a fault.List with line, field and value (codes unionpay.*), or
// what each returned.
func Read(name string, src io.Reader, opt Options, each func(*Row) error) (bankfiles.TradeSummary, error) {
	r := &reader{Reader: lines.NewRawReader(name, src)}
	zero := money.Exact{Scale: 2, Currency: money.CNY}
	r.sum.PayTotal, r.sum.RefundTotal, r.sum.FeeTotal = zero, zero, zero
	if body, ok := r.ErrorBody(); ok {
		return r.sum, lines.Refusal(name, body)
	}
	r.sum.Date, r.sum.Encoding = opt.Settle, lines.GB18030
	if r.sum.Date.IsZero() {
		r.sum.Date = SettleDate(name)
	}
	if r.sum.Date.IsZero() && !opt.Undated {
		return r.sum, fault.Invalid("unionpay.settle_date").In(name)
	}
	if !r.sum.Date.IsZero() {
		r.settle = r.sum.Date.At(12, 0)
	}
	for r.Next() {
		if r.sum.Rows++; r.sum.Rows > lines.MaxRows {
			r.Stop(fault.Invalid("lines.rows", lines.MaxRows))
			break
		}
		if !r.parse() || !r.OK() || each == nil {
			continue
		}
		if err := each(&r.row); err != nil {
			return r.sum, err
		}
	}
	if r.sum.Rows == 0 {
		r.Refuse(fault.Invalid("unionpay.empty"))
	}
	return r.sum, r.Err()
}

func (r *reader) refuse(code string, at role, args ...any) bool {
	r.Refuse(fault.Invalid(code, args...).On(names[at], string(bytes.TrimSpace(r.layout.cut(r.line, at)))))
	return false
}

// parse turns the line into the row.
func (r *reader) parse() bool {
	r.line = r.Line()
	if r.layout == nil {
		if r.layout = detect(r.line); r.layout == nil {
			r.Stop(fault.Invalid("unionpay.layout", len(r.line)).On("", string(r.line)))
			return false
		}
		r.sum.Format = r.layout.format
	}
	if !r.layout.fits(r.line) {
		code := "unionpay.width"
		if r.Unended() && len(r.line) < r.layout.least {
			code = "unionpay.cut"
		}
		r.Refuse(fault.Invalid(code, len(r.line), r.layout.most))
		return false
	}
	r.row = Row{Line: r.Number()}
	return r.texts() && r.times() && r.amounts() && r.count()
}

// texts reads the fields that are texts.
func (r *reader) texts() bool {
	for _, t := range r.row.texts() {
		text, ok := lines.Text(r.layout.cut(r.line, t.role))
		if !ok {
			return r.refuse("unionpay.text", t.role)
		}
		*t.to = text
	}
	if !lines.ID([]byte(r.row.OrigOrderNo)) {
		r.row.OrigOrderNo = "" // an older version, with something else there
	}
	return true
}

// textField binds a role to its place in a row.
type textField struct {
	role role
	to   *string
}

func (row *Row) texts() [18]textField {
	return [...]textField{{roleCode, &row.Code}, {roleAgent, &row.Agent}, {roleSender, &row.Sender}, {roleTrace, &row.Trace}, {roleCard, &row.Card},
		{roleMCC, &row.MCC}, {roleQuery, &row.QueryNo}, {roleOrder, &row.OrderNo}, {roleOrigTrace, &row.OrigTrace}, {roleMerchant, &row.Merchant},
		{roleTerminal, &row.Terminal}, {roleOrigQuery, &row.OrigQueryNo}, {roleSubMerchant, &row.SubMerchant}, {roleSubName, &row.SubName},
		{roleReason, &row.Reason}, {roleMessage, &row.Message}, {roleReference, &row.Reference}, {roleOrigOrder, &row.OrigOrderNo}}
}

func (r *reader) times() bool {
	var ok bool
	if r.row.Time, ok = moment(r.layout.cut(r.line, roleTime), r.settle); !ok {
		return r.refuse("unionpay.time", roleTime)
	}
	text := bytes.TrimSpace(r.layout.cut(r.line, roleOrigTime))
	if len(bytes.Trim(text, "0")) == 0 {
		return true // none
	}
	if r.row.OrigTime, ok = moment(text, r.row.Time); !ok {
		return r.refuse("unionpay.time", roleOrigTime)
	}
	// The original came before: a refund of February for a payment of March is a year later.
	if r.row.OrigTime.After(r.row.Time.AddDate(0, 0, 1)) {
		r.row.OrigTime = r.row.OrigTime.AddDate(-1, 0, 0)
	}
	return true
}

// moment reads MMDDhhmmss in the year that brings it nearest to another
// moment; where that one is zero the result is too.
func moment(b []byte, near time.Time) (time.Time, bool) {
	if len(b) != 10 || !isDigits(b) {
		return time.Time{}, false
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	month, day, hour, minute, second := two(0), two(2), two(4), two(6), two(8)
	if month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	if near.IsZero() {
		return time.Time{}, bizdate.New(2000, time.Month(month), day) != 0
	}
	var best time.Time
	for year := near.Year() - 1; year <= near.Year()+1; year++ {
		if bizdate.New(year, time.Month(month), day) == 0 {
			continue // 29 February, 31 April
		}
		t := time.Date(year, time.Month(month), day, hour, minute, second, 0, bizdate.Zone)
		if best.IsZero() || t.Sub(near).Abs() < best.Sub(near).Abs() {
			best = t
		}
	}
	return best, !best.IsZero()
}

func (r *reader) amounts() bool {
	var ok bool
	if r.row.Amount, ok = fen(r.layout.cut(r.line, roleAmount)); !ok {
		return r.refuse("unionpay.amount", roleAmount)
	}
	for _, a := range [...]struct {
		role role
		to   *money.Exact
	}{{roleFee, &r.row.Fee}, {roleSettle, &r.row.Settle}, {roleNet, &r.row.Net}} {
		if *a.to, ok = signed(r.layout.cut(r.line, a.role)); !ok {
			return r.refuse("unionpay.signed", a.role)
		}
	}
	more, ok := signed(r.layout.cut(r.line, roleFeeMore))
	if !ok {
		return r.refuse("unionpay.signed", roleFeeMore)
	}
	r.row.Fee.Units = -(r.row.Fee.Units + more.Units)
	return true
}

// fen reads digits, at most 12: 5,000,000 rows of 10^12 are 5*10^18, and an
// int64 holds 9.2*10^18. The two fees of a COMN line have 11 digits each.
func fen(b []byte) (money.Exact, bool) {
	x := money.Exact{Scale: 2, Currency: money.CNY}
	if !isDigits(b) || len(b) > 12 {
		return x, false
	}
	for _, c := range b {
		x.Units = x.Units*10 + int64(c-'0')
	}
	return x, true
}

// signed reads C or D and digits. A blank sign goes with zero, a blank field
// is zero.
func signed(b []byte) (money.Exact, bool) {
	if len(bytes.TrimSpace(b)) == 0 {
		return money.Exact{Scale: 2, Currency: money.CNY}, true
	}
	x, ok := fen(b[1:])
	switch {
	case b[0] == 'C':
	case b[0] == 'D':
		x = x.Neg()
	case b[0] != ' ' && b[0] != '0' || x.Units != 0:
		return x, false
	}
	return x, ok
}

// count tells the kind and adds the row to the summary.
func (r *reader) count() bool {
	row := &r.row
	switch {
	case r.layout == comnLayout && row.Message == "0200" && row.Code == "000000", row.Code == "S22":
		row.Kind = bankfiles.Pay
	case r.layout == comnLayout && row.Message == "0220" && row.Code == "200000", row.Code == "S30":
		row.Kind = bankfiles.Refund
	}
	switch {
	case row.Kind == bankfiles.Pay && row.Settle.Units < 0, row.Kind == bankfiles.Refund && row.Settle.Units > 0:
		return r.refuse("unionpay.direction", roleSettle)
	case row.Kind == bankfiles.Pay:
		r.sum.PayRows++
		r.sum.PayTotal.Units += row.Amount.Units // see fen
	case row.Kind == bankfiles.Refund:
		r.sum.RefundRows++
		r.sum.RefundTotal.Units += row.Amount.Units
	}
	r.sum.FeeTotal.Units += row.Fee.Units
	if r.sum.Rows == 1 {
		r.sum.Merchant = row.Merchant
	} else if r.sum.Merchant != row.Merchant {
		r.sum.Merchant = "" // a group's file
	}
	return true
}
