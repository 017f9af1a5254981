package states

import "slices"

// AccountState is the state of a member's account (子账户状态).
type AccountState string

// The states of an account.
const (
	AccountWaits    AccountState = "WAITS_ACTIVATION" // 待激活
	AccountNormal   AccountState = "NORMAL"           // 正常
	AccountStopped  AccountState = "STOPPED"          // 只收不付 (止付)
	AccountNoTrade  AccountState = "NO_TRADE"         // 不收不付
	AccountPart     AccountState = "PART_FROZEN"      // 部分冻结: an amount
	AccountFrozen   AccountState = "FROZEN"           // 全额冻结
	AccountDormant  AccountState = "DORMANT"          // 久悬
	AccountToClose  AccountState = "TO_CLOSE"         // 待销户
	AccountIsClosed AccountState = "CLOSED"           // 销户
)

// AccountEvent is what happens to an account.
type AccountEvent string

// The events of an account.
const (
	AccountOpen      AccountEvent = "OPEN"
	AccountActivate  AccountEvent = "ACTIVATE"
	AccountStop      AccountEvent = "STOP_PAYMENT"
	AccountStopAll   AccountEvent = "STOP_ALL"
	AccountHoldPart  AccountEvent = "FREEZE_PART"
	AccountHoldAll   AccountEvent = "FREEZE_ALL"
	AccountRelease   AccountEvent = "RELEASE" // of any stop or freeze
	AccountSleep     AccountEvent = "NO_MOVEMENT"
	AccountWake      AccountEvent = "WAKE" // the owner showed up again
	AccountAskClose  AccountEvent = "ASK_CLOSE"
	AccountKeep      AccountEvent = "WITHDRAW_CLOSE"
	AccountClose     AccountEvent = "CLOSE" // balance, transit, orders and bound accounts are all zero
	AccountNeverUsed AccountEvent = "CLOSE_UNUSED"
)

// Account is the machine of an account. A stopped or frozen account cannot be
// closed: the stop must be lifted first.
var Account = table("account", slices.Concat(
	[]row[AccountState, AccountEvent]{
		{New, AccountOpen, AccountWaits},
		{AccountWaits, AccountActivate, AccountNormal},
		{AccountWaits, AccountNeverUsed, AccountIsClosed},
		{AccountNormal, AccountSleep, AccountDormant},
		{AccountDormant, AccountWake, AccountNormal},
		{AccountToClose, AccountKeep, AccountNormal},
		{AccountToClose, AccountClose, AccountIsClosed},
	},
	from(AccountStop, AccountStopped, AccountNormal, AccountNoTrade, AccountPart, AccountDormant),
	from(AccountStopAll, AccountNoTrade, AccountNormal, AccountStopped, AccountPart, AccountDormant),
	from(AccountHoldPart, AccountPart, AccountNormal, AccountPart),
	from(AccountHoldAll, AccountFrozen, AccountNormal, AccountStopped, AccountNoTrade, AccountPart, AccountDormant),
	from(AccountRelease, AccountNormal, AccountStopped, AccountNoTrade, AccountPart, AccountFrozen),
	from(AccountAskClose, AccountToClose, AccountNormal, AccountDormant),
))
