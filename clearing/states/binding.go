package states

// BindingState is the state of a bound bank account (绑卡).
type BindingState string

// The states of a binding.
const (
	BindingApplied  BindingState = "APPLIED"    // 已申请
	BindingSent     BindingState = "MICRO_SENT" // 小额已打款
	BindingVerified BindingState = "VERIFIED"   // 已验证
	BindingExpired  BindingState = "EXPIRED"    // 48 hours without an answer
	BindingLocked   BindingState = "LOCKED"     // 6 wrong answers: until the next day
	BindingUnbound  BindingState = "UNBOUND"    // 已解绑
)

// BindingEvent is what happens to a binding.
type BindingEvent string

// The events of a binding.
const (
	BindingApply  BindingEvent = "APPLY"
	BindingSend   BindingEvent = "SEND_MICRO" // at most once in 24 hours
	BindingRight  BindingEvent = "RIGHT_AMOUNT"
	BindingWrong  BindingEvent = "WRONG_AMOUNT" // fewer than 6 times
	BindingTooOft BindingEvent = "WRONG_TOO_OFTEN"
	BindingExpire BindingEvent = "EXPIRE"
	BindingUnlock BindingEvent = "NEXT_DAY"
	BindingUnbind BindingEvent = "UNBIND" // not during a withdrawal
)

// Binding is the machine of a binding.
var Binding = table("binding", []row[BindingState, BindingEvent]{
	{New, BindingApply, BindingApplied},
	{BindingApplied, BindingSend, BindingSent},
	{BindingSent, BindingRight, BindingVerified},
	{BindingSent, BindingWrong, BindingSent},
	{BindingSent, BindingTooOft, BindingLocked},
	{BindingSent, BindingExpire, BindingExpired},
	{BindingLocked, BindingUnlock, BindingApplied},
	{BindingExpired, BindingSend, BindingSent},
	{BindingVerified, BindingUnbind, BindingUnbound},
})
