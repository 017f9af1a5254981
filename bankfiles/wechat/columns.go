package wechat

import "custody/bankfiles/lines"

// columnNames are the 27 columns of the ALL bill, in WeChat's order. The
// reader never relies on the order, the writer keeps it.
var columnNames = []string{
	"交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识", "交易类型",
	"交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额",
	"充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
}

// leftOut are the columns that the SUCCESS bill does not have.
var leftOut = map[string]bool{"微信退款单号": true, "商户退款单号": true, "退款金额": true, "充值券退款金额": true,
	"退款类型": true, "退款状态": true, "申请退款金额": true}

// refundTimes stand in the REFUND bill behind 代金券金额.
var refundTimes = []string{"退款申请时间", "退款成功时间"}

// successSummary are the totals of the SUCCESS bill.
var successSummary = []string{"总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"}

// summaryNames are the columns of the two last lines, in WeChat's order.
var summaryNames = []string{
	"总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额",
}

// The columns that the reader needs, as indexes into columns.
const (
	colTime = iota
	colMerchant
	colChannelNo
	colOrderNo
	colStatus
	colCurrency
	colRefundChannelNo
	colRefundNo
	colRefundTime
	// The amounts stand together: amount i of a row adds to total i.
	colSettled       // 应结订单金额: what the channel owes for a payment, after its coupons
	colRefund        // 退款金额
	colCouponRefund  // 充值券退款金额
	colFee           // 手续费
	colOrderAmount   // 订单金额
	colRefundApplied // 申请退款金额
	columnCount
)

const amountCount = columnCount - colSettled

// columns names the needed columns; the second names are those of merchants
// whose bill still has the 24 columns of before 2018.
var columns = [columnCount]lines.Column{
	colTime:            {Names: []string{"交易时间"}},
	colMerchant:        {Names: []string{"商户号"}},
	colChannelNo:       {Names: []string{"微信订单号"}},
	colOrderNo:         {Names: []string{"商户订单号"}},
	colStatus:          {Names: []string{"交易状态"}},
	colCurrency:        {Names: []string{"货币种类"}},
	colRefundChannelNo: {Names: []string{"微信退款单号"}, Optional: true},
	colRefundNo:        {Names: []string{"商户退款单号"}, Optional: true},
	colRefundTime:      {Names: []string{"退款申请时间"}, Optional: true},
	colSettled:         {Names: []string{"应结订单金额", "总金额"}},
	colRefund:          {Names: []string{"退款金额"}, Optional: true},
	colCouponRefund:    {Names: []string{"充值券退款金额", "企业红包退款金额", "代金券或立减优惠退款金额"}, Optional: true},
	colFee:             {Names: []string{"手续费"}},
	colOrderAmount:     {Names: []string{"订单金额"}, Optional: true},
	colRefundApplied:   {Names: []string{"申请退款金额"}, Optional: true},
}

// summaryColumns names the totals: first the count, then the total of each
// amount in the order of the constants above.
var summaryColumns = [1 + amountCount]lines.Column{
	{Names: []string{"总交易单数"}},
	{Names: []string{"应结订单总金额", "总交易额"}},
	{Names: []string{"退款总金额", "总退款金额"}, Optional: true},
	{Names: []string{"充值券退款总金额", "总企业红包退款金额", "总代金券或立减优惠退款金额"}, Optional: true},
	{Names: []string{"手续费总金额"}},
	{Names: []string{"订单总金额"}, Optional: true},
	{Names: []string{"申请退款总金额"}, Optional: true},
}
