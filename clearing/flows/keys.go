package flows

import (
	"custody/internal/bizdate"
	"custody/subaccounts"
)

// Accounts without owner and item.
var (
	bank         = subaccounts.Key{Code: "1001"}              // 存管专户存款
	unsplit      = subaccounts.Key{Code: "2102"}              // 待清分资金
	ownFunds     = subaccounts.Key{Code: "2301"}              // 平台自有资金
	marketing    = subaccounts.Key{Code: "2303"}              // 平台营销
	reserve      = subaccounts.Key{Code: "2305"}              // 风险垫付金
	verification = subaccounts.Key{Code: "2306"}              // 打款验证户
	bankFees     = subaccounts.Key{Code: "2502"}              // 应付银行费用
	interest     = subaccounts.Key{Code: "2601"}              // 应付利息
	otherFees    = subaccounts.Key{Code: "2302", Item: "FEE"} // fees of head office that are of no clearing date
)

// headOffice is the owner of head office's own payouts in 2201.
const headOffice = "HQ"

func owed(channel string, clearing bizdate.Date) subaccounts.Key {
	return subaccounts.ChannelDay("1122", channel, clearing)
}

func channelFee(channel string, clearing bizdate.Date) subaccounts.Key {
	return subaccounts.ChannelDay("2501", channel, clearing)
}

func commission(channel string, clearing bizdate.Date) subaccounts.Key {
	return subaccounts.ChannelDay("2302", channel, clearing)
}

func withdrawable(member string) subaccounts.Key {
	return subaccounts.Key{Code: "2001", Owner: member}
}

func frozen(member, hold string) subaccounts.Key {
	return subaccounts.Key{Code: "2003", Owner: member, Item: hold}
}

func inFlight(payee, serial string) subaccounts.Key {
	return subaccounts.Key{Code: "2201", Owner: payee, Item: serial}
}

func refunding(channel, refundNo string) subaccounts.Key {
	return subaccounts.Key{Code: "2202", Owner: channel, Item: refundNo}
}

func cameBack(payee, serial string) subaccounts.Key {
	return subaccounts.Key{Code: "2203", Owner: payee, Item: serial}
}

func deposit(member string) subaccounts.Key {
	return subaccounts.Key{Code: "2304", Owner: member}
}

func suspended(item string) subaccounts.Key { return subaccounts.Key{Code: "2401", Item: item} }

func shortage(item string) subaccounts.Key { return subaccounts.Key{Code: "1402", Item: item} }

func surplus(item string) subaccounts.Key { return subaccounts.Key{Code: "2402", Item: item} }
