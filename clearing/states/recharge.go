package states

// RechargeState is the state of a recharge by telecom card (充值卡, 11888).
type RechargeState string

// The states of a recharge.
const (
	RechargeReceived RechargeState = "RECEIVED"      // 已受理
	RechargeAuth     RechargeState = "AUTH"          // 鉴权通过
	RechargeAuthFail RechargeState = "AUTH_FAIL"     // 鉴权失败
	RechargeUnknown  RechargeState = "DEBIT_UNKNOWN" // 扣款待确认: asked again, never sent again
	RechargeDebited  RechargeState = "DEBITED"       // 已扣款, not yet credited
	RechargeFailed   RechargeState = "FAILED"        // 扣款失败
	RechargeCredited RechargeState = "CREDITED"      // 已入账
	RechargeReversed RechargeState = "REVERSED"      // 已冲正: the operator gave the card its value back
)

// RechargeEvent is what happens to a recharge.
type RechargeEvent string

// The events of a recharge.
const (
	RechargeRequest  RechargeEvent = "REQUEST"
	RechargeAccept   RechargeEvent = "CARD_ACCEPTED"
	RechargeRefuse   RechargeEvent = "CARD_REFUSED"
	RechargeTimeOut  RechargeEvent = "TIME_OUT"
	RechargeDebit    RechargeEvent = "DEBITED" // by answer, query or settlement file
	RechargeNoDebit  RechargeEvent = "NOT_DEBITED"
	RechargeCredit   RechargeEvent = "CREDIT" // 入账 or 补账
	RechargeGiveBack RechargeEvent = "REVERSE"
)

// Recharge is the machine of a recharge.
var Recharge = table("recharge", []row[RechargeState, RechargeEvent]{
	{New, RechargeRequest, RechargeReceived},
	{RechargeReceived, RechargeAccept, RechargeAuth},
	{RechargeReceived, RechargeRefuse, RechargeAuthFail},
	{RechargeAuth, RechargeDebit, RechargeDebited},
	{RechargeAuth, RechargeNoDebit, RechargeFailed},
	{RechargeAuth, RechargeTimeOut, RechargeUnknown},
	{RechargeUnknown, RechargeDebit, RechargeDebited},
	{RechargeUnknown, RechargeNoDebit, RechargeFailed},
	{RechargeDebited, RechargeCredit, RechargeCredited},
	{RechargeDebited, RechargeGiveBack, RechargeReversed},
})
