package states

import "slices"

// CollectionState is the state of a collection (收款单).
type CollectionState string

// The states of a collection.
const (
	CollectionCreated   CollectionState = "CREATED"         // 已下单
	CollectionPaying    CollectionState = "PAYING"          // 支付中
	CollectionUnknown   CollectionState = "UNKNOWN"         // 待确认: asked again, never taken for failed
	CollectionClosed    CollectionState = "CLOSED"          // 已关闭
	CollectionFailed    CollectionState = "FAILED"          // 失败
	CollectionSuccess   CollectionState = "SUCCESS"         // 支付成功
	CollectionLatePaid  CollectionState = "LATE_PAID"       // 迟到支付: paid after it was closed or had failed
	CollectionDupPaid   CollectionState = "DUP_PAID"        // 重复支付: paid again through another channel
	CollectionCleared   CollectionState = "CLEARED"         // 已清分
	CollectionSettled   CollectionState = "CHANNEL_SETTLED" // 渠道已到账
	CollectionPartBack  CollectionState = "PART_REFUNDED"   // 部分退款
	CollectionAllBack   CollectionState = "REFUNDED"        // 已退款
	CollectionReversed  CollectionState = "REVERSED"        // 已撤销
	CollectionWaitsBack CollectionState = "REFUND_PROPOSED" // a late or second payment that two people may send back
)

// CollectionEvent is what happens to a collection.
type CollectionEvent string

// The events of a collection.
const (
	CollectionOrder     CollectionEvent = "ORDER"
	CollectionAccept    CollectionEvent = "CHANNEL_ACCEPTED"
	CollectionClose     CollectionEvent = "CHANNEL_CLOSED" // the channel confirmed it: never on our own clock alone
	CollectionTimeOut   CollectionEvent = "TIME_OUT"       // of a call to the channel
	CollectionPay       CollectionEvent = "CHANNEL_PAID"   // by notification, query or bill
	CollectionPayAgain  CollectionEvent = "PAID_AGAIN"     // by another channel
	CollectionFail      CollectionEvent = "CHANNEL_FAILED"
	CollectionAdopt     CollectionEvent = "ADOPT" // 补单
	CollectionPropose   CollectionEvent = "PROPOSE_REFUND"
	CollectionKeep      CollectionEvent = "REJECT_REFUND" // the checker does not send it back
	CollectionSplit     CollectionEvent = "SPLIT"
	CollectionArrive    CollectionEvent = "ARRIVE"
	CollectionGivePart  CollectionEvent = "REFUND_PART"
	CollectionGiveAll   CollectionEvent = "REFUND_ALL"
	CollectionVoid      CollectionEvent = "VOID"         // the same day, before the channel's cut
	CollectionSendBack  CollectionEvent = "SENT_BACK"    // the late payment's refund is listed
	CollectionSecondOff CollectionEvent = "SECOND_TAKEN" // the second payment went to 2402, the first goes on
)

// Collection is the machine of a collection. A collection that is split before
// it arrived goes CLEARED, then CHANNEL_SETTLED, never the other way round.
var Collection = table("collection", slices.Concat(
	[]row[CollectionState, CollectionEvent]{
		{New, CollectionOrder, CollectionCreated},
		{CollectionCreated, CollectionAccept, CollectionPaying},
		{CollectionPaying, CollectionTimeOut, CollectionUnknown},
		{CollectionSuccess, CollectionPayAgain, CollectionDupPaid},
		{CollectionDupPaid, CollectionSecondOff, CollectionSuccess},
		{CollectionLatePaid, CollectionAdopt, CollectionSuccess},
		{CollectionLatePaid, CollectionPropose, CollectionWaitsBack},
		{CollectionWaitsBack, CollectionKeep, CollectionLatePaid},
		{CollectionWaitsBack, CollectionSendBack, CollectionAllBack},
		{CollectionSuccess, CollectionSplit, CollectionCleared},
		{CollectionCleared, CollectionArrive, CollectionSettled},
		{CollectionSuccess, CollectionVoid, CollectionReversed},
		{CollectionCleared, CollectionVoid, CollectionReversed},
	},
	from(CollectionClose, CollectionClosed, CollectionCreated, CollectionPaying),
	from(CollectionPay, CollectionSuccess, CollectionPaying, CollectionUnknown),
	from(CollectionFail, CollectionFailed, CollectionPaying, CollectionUnknown),
	from(CollectionPay, CollectionLatePaid, CollectionClosed, CollectionFailed),
	from(CollectionGivePart, CollectionPartBack, CollectionSuccess, CollectionCleared, CollectionSettled, CollectionPartBack),
	from(CollectionGiveAll, CollectionAllBack, CollectionSuccess, CollectionCleared, CollectionSettled, CollectionPartBack),
))
