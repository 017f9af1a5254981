package alipay

import "custody/bankfiles/lines"

// columnNames are the 25 columns of the bill, in Alipay's order. The reader
// never relies on the order, the writer keeps it.
var columnNames = []string{
	"支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称", "操作员", "终端号",
	"对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）", "商家优惠（元）",
	"券核销金额（元）", "券名称", "商家红包消费金额（元）", "卡消费金额（元）", "退款批次号/请求号", "服务费（元）",
	"分润（元）", "备注",
}

// The columns that the reader needs, as indexes into columns.
const (
	colTradeNo = iota
	colOrderNo
	colBusiness
	colTime
	colRefundNo
	colReceived // 商家实收: what Alipay owes for a payment, after the shop's own discount
	colDiscount // 商家优惠
	colFee      // 服务费
	columnCount
)

// columns names the needed columns, with the names that other kinds of the bill use.
var columns = [columnCount]lines.Column{
	colTradeNo:  {Names: []string{"支付宝交易号"}},
	colOrderNo:  {Names: []string{"商户订单号"}},
	colBusiness: {Names: []string{"业务类型"}},
	colTime:     {Names: []string{"完成时间"}},
	colRefundNo: {Names: []string{"退款批次号/请求号", "退款批次号"}},
	colReceived: {Names: []string{"商家实收（元）"}},
	colDiscount: {Names: []string{"商家优惠（元）"}, Optional: true},
	colFee:      {Names: []string{"服务费（元）"}},
}
