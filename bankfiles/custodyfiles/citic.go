package custodyfiles

import (
	"io"
	"strconv"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// BusinessOrder is a row of file 616 (业务订单): what an order was made of. The
// names of its fields are published, their lengths and units are not: amounts
// here are yuan, the first line is count and total of 原支付金额.
type BusinessOrder struct {
	Line          int
	Platform      string      // 平台编号
	User          string      // 用户编号
	Time          time.Time   // 日期, 时间
	Channel       string      // 渠道名称
	OrderNo       string      // 业务订单号
	PaymentNo     string      // 支付订单号
	ChannelSerial string      // 渠道流水号
	SubOrderNo    string      // 子订单号
	PaymentKind   string      // 支付订单类型: 1 支付 2 退货
	BusinessKind  string      // 业务订单类型: 1 实时支付 2 退货 3 预付 4 撤销 5 完成
	Source        string      // 资金来源: 0 用户 1 平台垫资
	FeeBearer     string      // 手续费承担方
	OrderAmount   money.Exact // 原订单金额
	Paid          money.Exact // 原支付金额
	Discount      money.Exact // 平台优惠
	PlatformSplit money.Exact // 平台分账
	Advance       money.Exact // 平台垫资
	ChannelFee    money.Exact // 渠道手续费
	FundKind      string      // 资金种类
	Remark        string
	// Code and Text stand in the result alone.
	Code string
	Text string
}

// Accepted is the result code of a row that the bank took. Any other code is
// the bank's word about that row, and says nothing of money that was paid out.
const Accepted = "AAAAA"

var (
	orderHead    = []string{"笔数", "金额"}
	orderColumns = []string{"平台编号", "用户编号", "日期", "时间", "渠道名称", "业务订单号", "支付订单号", "渠道流水号", "子订单号", "支付订单类型",
		"业务订单类型", "资金来源", "手续费承担方", "原订单金额", "原支付金额", "平台优惠", "平台分账", "平台垫资", "渠道手续费", "资金种类", "备注"}
	orderLayout  = &layout{format: Order616, separator: etx, head: 2, versions: [][]string{orderColumns}}
	resultLayout = &layout{format: Result616, separator: etx, head: 2,
		versions: [][]string{append(append([]string(nil), orderColumns...), "处理结果", "结果说明")}}
)

// WriteOrders writes a 616 file. It returns a fault for a text that holds the
// separator and for a character that GBK does not have.
func WriteOrders(w io.Writer, rows []BusinessOrder) error { return writeOrders(w, orderLayout, rows) }

// WriteOrderResults writes the result of a 616 file, as a bank would.
func WriteOrderResults(w io.Writer, rows []BusinessOrder) error {
	return writeOrders(w, resultLayout, rows)
}

func writeOrders(w io.Writer, l *layout, rows []BusinessOrder) error {
	o, names := l.writer(w), l.versions[0]
	total := zero
	for i := range rows {
		sum, err := total.Add(rows[i].Paid)
		if err != nil {
			return fault.Invalid("custodyfile.overflow").AtLine(i+2).On(names[14], rows[i].Paid.String())
		}
		total = sum
	}
	o.write(orderHead, []string{strconv.Itoa(len(rows)), total.String()})
	for i := range rows {
		b := &rows[i]
		if b.Time.IsZero() {
			o.refuse(fault.Invalid("custodyfile.date").On(names[2], ""))
		}
		at := b.Time.In(bizdate.Zone)
		fields := []string{o.id(names[0], b.Platform), o.id(names[1], b.User), at.Format("20060102"), at.Format("150405"), b.Channel,
			o.id(names[5], b.OrderNo), o.id(names[6], b.PaymentNo), b.ChannelSerial, b.SubOrderNo, b.PaymentKind, b.BusinessKind, b.Source, b.FeeBearer}
		for k, x := range []money.Exact{b.OrderAmount, b.Paid, b.Discount, b.PlatformSplit, b.Advance, b.ChannelFee} {
			fields = append(fields, o.yuan(names[13+k], x))
		}
		fields = append(fields, b.FundKind, b.Remark)
		if l == resultLayout {
			fields = append(fields, b.Code, b.Text)
		}
		o.write(names, fields)
	}
	return o.end()
}

// ReadOrderResults reads the result of a 616 file: the rows as they were sent,
// each with the bank's code and text.
func ReadOrderResults(name string, src io.Reader, each func(*BusinessOrder) error) (Summary, error) {
	return readOrders(name, src, resultLayout, each)
}

// ReadOrders reads a 616 file as it was sent.
func ReadOrders(name string, src io.Reader, each func(*BusinessOrder) error) (Summary, error) {
	return readOrders(name, src, orderLayout, each)
}

func readOrders(name string, src io.Reader, l *layout, each func(*BusinessOrder) error) (Summary, error) {
	var b BusinessOrder
	first := func(r *reader) {
		r.count(orderHead[0], r.head[0])
		r.total(orderHead[1], r.head[1], r.sum.Total)
	}
	return l.read(name, src, Options{}, first, func(r *reader) error {
		b = BusinessOrder{Line: r.Number(), Platform: r.number("平台编号"), User: r.number("用户编号"), Time: r.moment("日期", "时间"), Channel: r.text("渠道名称"),
			OrderNo: r.number("业务订单号"), PaymentNo: r.number("支付订单号"), ChannelSerial: r.text("渠道流水号"), SubOrderNo: r.text("子订单号"),
			PaymentKind: r.text("支付订单类型"), BusinessKind: r.text("业务订单类型"), Source: r.text("资金来源"), FeeBearer: r.text("手续费承担方"),
			OrderAmount: r.yuan("原订单金额"), Paid: r.yuan("原支付金额"), Discount: r.yuan("平台优惠"), PlatformSplit: r.yuan("平台分账"),
			Advance: r.yuan("平台垫资"), ChannelFee: r.yuan("渠道手续费"), FundKind: r.text("资金种类"), Remark: r.text("备注"),
			Code: r.text("处理结果"), Text: r.text("结果说明")}
		r.add(&r.sum.Total, b.Paid, "原支付金额")
		r.add(&r.sum.Fee, b.ChannelFee, "渠道手续费")
		if !r.good() || each == nil {
			return nil
		}
		return each(&b)
	})
}
