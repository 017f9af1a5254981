package states

import "slices"

// EscrowState is the state of an escrow order (担保交易).
type EscrowState string

// The states of an escrow order. While the money stands in 2101 exactly one of
// confirming and refunding can still happen.
const (
	EscrowWaitPay    EscrowState = "WAIT_PAY"       // 待付款
	EscrowPaid       EscrowState = "PAID_HELD"      // 已付款待发货
	EscrowShipped    EscrowState = "SHIPPED"        // 已发货
	EscrowDisputed   EscrowState = "DISPUTED"       // 争议: the timer stands still
	EscrowRefunding  EscrowState = "REFUNDING"      // 退款中
	EscrowRefunded   EscrowState = "REFUNDED"       // 已退款
	EscrowPartRefund EscrowState = "PART_REFUND"    // 部分退款中: the rest has gone to the merchant
	EscrowPartBack   EscrowState = "PART_REFUNDED"  // 部分退款
	EscrowConfirmed  EscrowState = "CONFIRMED"      // 已确认
	EscrowAuto       EscrowState = "AUTO_CONFIRMED" // 自动确认
	EscrowSettled    EscrowState = "SETTLED"        // 已结算
	EscrowClosed     EscrowState = "CLOSED"         // 已关闭
)

// EscrowEvent is what happens to an escrow order.
type EscrowEvent string

// The events of an escrow order.
const (
	EscrowOrder        EscrowEvent = "ORDER"
	EscrowPay          EscrowEvent = "PAY"
	EscrowTimeOut      EscrowEvent = "TIME_OUT"
	EscrowShip         EscrowEvent = "SHIP"
	EscrowAskRefund    EscrowEvent = "ASK_REFUND" // the buyer, before shipping
	EscrowConfirm      EscrowEvent = "CONFIRM"    // the buyer
	EscrowExtend       EscrowEvent = "EXTEND"     // the timer runs longer
	EscrowTimer        EscrowEvent = "TIMER"      // the timer ran out
	EscrowDispute      EscrowEvent = "DISPUTE"
	EscrowRuleMerchant EscrowEvent = "RULE_FOR_MERCHANT" // verdicts of two people
	EscrowRuleBuyer    EscrowEvent = "RULE_FOR_BUYER"
	EscrowRulePart     EscrowEvent = "RULE_PART"
	EscrowBalanceBack  EscrowEvent = "BALANCE_REFUNDED"  // an order paid from a balance goes back to it at once
	EscrowBalancePart  EscrowEvent = "BALANCE_PART_BACK" // the same, in part
	EscrowListed       EscrowEvent = "LISTED"            // the refund stands in the channel's bill
	EscrowCannotGoBack EscrowEvent = "REFUND_FAILED"     // it cannot go back: the money waits in 2401
	EscrowWasReleased  EscrowEvent = "RELEASE"           // the merchant's share is withdrawable
	EscrowDropDispute  EscrowEvent = "DISPUTE_WITHDRAWN" // the buyer takes the dispute back
	EscrowVoid         EscrowEvent = "VOID"              // the payment never happened: two people voided it
)

// Escrow is the machine of an escrow order.
var Escrow = table("escrow", slices.Concat(
	[]row[EscrowState, EscrowEvent]{
		{New, EscrowOrder, EscrowWaitPay},
		{EscrowWaitPay, EscrowPay, EscrowPaid},
		{EscrowWaitPay, EscrowTimeOut, EscrowClosed},
		{EscrowPaid, EscrowShip, EscrowShipped},
		{EscrowPaid, EscrowAskRefund, EscrowRefunding},
		{EscrowPaid, EscrowVoid, EscrowClosed},
		{EscrowShipped, EscrowConfirm, EscrowConfirmed},
		{EscrowShipped, EscrowExtend, EscrowShipped},
		{EscrowShipped, EscrowTimer, EscrowAuto},
		{EscrowShipped, EscrowDispute, EscrowDisputed},
		{EscrowDisputed, EscrowDropDispute, EscrowShipped},
		{EscrowDisputed, EscrowRuleMerchant, EscrowConfirmed},
		{EscrowDisputed, EscrowRulePart, EscrowPartRefund},
		{EscrowDisputed, EscrowRuleBuyer, EscrowRefunding},
	},
	from(EscrowBalanceBack, EscrowRefunded, EscrowRefunding),
	from(EscrowBalancePart, EscrowPartBack, EscrowPartRefund),
	from(EscrowListed, EscrowRefunded, EscrowRefunding),
	from(EscrowListed, EscrowPartBack, EscrowPartRefund),
	from(EscrowCannotGoBack, EscrowRefunded, EscrowRefunding),
	from(EscrowCannotGoBack, EscrowPartBack, EscrowPartRefund),
	from(EscrowWasReleased, EscrowSettled, EscrowConfirmed, EscrowAuto, EscrowPartBack),
))
