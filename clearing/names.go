package clearing

// Names of the steps, as people and JSON see them.
const (
	stepArrival = "arrival"      // 在途到账 (intraday report)
	stepRelease = "release"      // 结算释放
	stepBatch   = "payout-batch" // 出款批次
	stepSend    = "send"         // 指令发送
	stepResults = "results"      // 回盘

	stepCut        = "day-cut"        // 日切
	stepFiles      = "files"          // 文件到达、校验、入库
	stepReceipts   = "receipts"       // 来账: head office's own funds, unknown payers
	stepCollection = "collection"     // 收款入账
	stepReconcile  = "reconciliation" // 渠道对账
	stepRefunds    = "refunds"        // 清分前退款
	stepTransit    = "transit"        // 在途到账 (statement)
	stepAnswers    = "answers"        // 出款回执与退汇 (statement)
	stepSplit      = "split"          // 清分
	stepReturns    = "split-refunds"  // 清分后退款
	stepNetting    = "netting"        // 轧差
	stepTieOut     = "tie-out"        // 总分核对
	stepTrial      = "trial-balance"  // 试算平衡
	stepClose      = "close"          // 关账
	stepSeal       = "seal"           // 封存

	// stepNight is the instant of the night phase in the timetable.
	stepNight = "night"
)

// Kinds of files in.
const (
	fileOrders    = "orders"
	fileBill      = "bill"
	fileStatement = "statement"
	fileIntraday  = "intraday"
	fileResult    = "result"
	fileBalances  = "balances"
)

// Events of the posting table that this package posts.
const (
	eventOwnFunds     = "E0"   // 总部入金
	eventCollect      = "E1"   // 收款
	eventCoupon       = "E11b" // 优惠券订单收款
	eventSplit        = "E2"   // 清分
	eventSplitReturn  = "E2r"  // 分账回退
	eventArrive       = "E3"   // 渠道到账
	eventArriveGross  = "E3g"  // 渠道全额到账
	eventLaterFee     = "E3h"  // 手续费后收
	eventRelease      = "E4"   // 结算释放
	eventApply        = "E5a"  // 提现申请
	eventPaid         = "E5b"  // 回盘成功
	eventRefused      = "E5c"  // 回盘失败
	eventReturned     = "E5d"  // 退票
	eventReturnCredit = "E5e"  // 退票入户
	eventRefund       = "E7a"  // 清分后退款
	eventRefundListed = "E7b"  // 账单列示
	eventTopUp        = "E9a"  // 会员转账充值
	eventUnknown      = "E9b"  // 不明来账
	eventCharge       = "E8e"  // 银行直接扣费
	eventBankFee      = "E8d"  // 银行费扣收
	eventInterest     = "E16"  // 结息
	eventClaim        = "E9c"  // 认领
	eventSurplus      = "E14a" // 长款
	eventAdopt        = "E14b" // 补单
	eventShortage     = "E14c" // 短款
	eventFound        = "E14d" // 日切差补齐
	eventWriteOff     = "E14f" // 垫付金核销
	eventFeeDiffer    = "E14g" // 手续费差
	eventVoid         = "E14h" // 订单作废
	eventEarlyRefund  = "E20b" // 清分前退款
	eventEarlyListed  = "E20c" // 账单列示
)

func phaseOf(step string) Phase {
	switch step {
	case stepArrival, stepRelease, stepBatch, stepSend, stepResults:
		return DayPhase
	}
	return NightPhase
}
