package subaccounts

import (
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Key names what a leg moves: an account of the chart, its owner and, where the
// account keeps open items, the item.
//
//	{"2002", "A", "WX.20260212"}  member A's money of WeChat's bill of 02-12
//	{"1122", "WX", "20260212"}    what WeChat owes for its bill of 02-12
//	{"2302", "", "WX.20260212"}   head office's fees out of that bill
//	{"1001", "", ""}              the bank account
type Key struct{ Code, Owner, Item string }

// String joins the parts that are there: 2002.A.WX.20260212, 1122.WX.20260212, 1001.
func (k Key) String() string {
	s := k.Code
	if k.Owner != "" {
		s += "." + k.Owner
	}
	if k.Item != "" {
		s += "." + k.Item
	}
	return s
}

// ParseKey reads what [Key.String] wrote; owner and item are told apart by the
// chart of accounts, an owner holds no dot. A code that is not in the chart is
// ledger.account_unknown.
func ParseKey(s string) (Key, error) {
	code, rest, _ := strings.Cut(s, ".")
	def := chartOf(code)
	if def == nil {
		return Key{}, fault.Invalid("ledger.account_unknown", code)
	}
	k := Key{Code: code}
	if def.Owner != OwnerNone {
		k.Owner, rest, _ = strings.Cut(rest, ".")
	}
	k.Item = rest
	return k, nil
}

// ChannelDay returns the key of the account for one channel and clearing date
// (清算日期): the channel owns 1122 and 2501, head office owns 2302.
func ChannelDay(code, channel string, clearing bizdate.Date) Key {
	if def, ok := Chart(code); ok && def.Owner == OwnerChannel {
		return Key{Code: code, Owner: channel, Item: clearing.Compact()}
	}
	return Key{Code: code, Item: channel + "." + clearing.Compact()}
}

// Pending returns the key of a member's money that is not yet due
// (待转可提现, 2002) by channel and clearing date.
func Pending(member, channel string, clearing bizdate.Date) Key {
	return Key{Code: "2002", Owner: member, Item: channel + "." + clearing.Compact()}
}

// Leg is one line of a posting. Amount is signed: debit positive, credit negative.
type Leg struct {
	Key
	Amount money.Amount
}

// Debit is a leg on the debit side (借); the amount is positive.
func Debit(k Key, amount money.Amount) Leg { return Leg{k, amount} }

// Credit is a leg on the credit side (贷); the amount is positive.
func Credit(k Key, amount money.Amount) Leg { return Leg{k, -amount} }

// Posting is a voucher to be: what happened, on which accounting date.
// Event and Reference identify it forever within the custody account.
type Posting struct {
	Date      bizdate.Date // 会计日
	Event     string       // E1, E2, ... of the posting table
	Reference string       // unique within the event; begins with a date where we make it
	Source    string       // file row, instruction or step run
	Legs      []Leg
	Reverses  int64 // voucher that this one reverses in red, or 0
}

// Outcome says what became of one posting.
type Outcome struct {
	VoucherID int64
	VoucherNo int
	Unchanged bool  // the same posting was there already; nothing was written
	Err       error // why this posting was refused; the others went on
}
