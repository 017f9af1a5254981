package subaccounts

import (
	"context"
	"math"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Limits of what a voucher carries, in bytes. A reference holds a date, a
// channel and an order number of up to 64; a source a file name and a line.
const (
	eventMax     = 16
	referenceMax = 160 // room for the prefix of a reversal
	sourceMax    = 255
	actorMax     = 64
	nameMax      = 64 // owner or item
	legsMax      = 100_000
)

// plainText reports whether s can be kept and written into every file: not
// empty, not too long, no control characters, no space at the end.
func plainText(s string, limit int) bool {
	if s == "" || len(s) > limit || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// check validates a posting and nets its legs per account and item into the
// scratch of the batch. It returns the open day, or why the posting is refused.
func (p *Batch) check(ctx context.Context, posting *Posting) (day int, refused, err error) {
	if f := posting.validate(); f != nil {
		return 0, f, nil
	}
	day = p.dayIndex(posting.Date)
	if day < 0 {
		refused, err = p.noDay(ctx, posting.Date)
		return 0, refused, err
	}
	if posting.Reverses != 0 && (posting.Reverses < 0 || posting.Reverses > p.voucherCount) {
		return 0, fault.Invalid("ledger.reverses", posting.Reverses), nil
	}
	p.stamp++
	p.legs, p.netted, p.items = p.legs[:0], p.netted[:0], p.items[:0]
	var debits, credits int64
	for i := range posting.Legs {
		leg := &posting.Legs[i]
		refused, err = p.net(ctx, leg)
		if refused != nil || err != nil {
			return 0, refused, err
		}
		if leg.Amount > 0 {
			debits += int64(leg.Amount)
		} else {
			credits -= int64(leg.Amount)
		}
		// Every sum of one account or day is at most the day's debits, so this is
		// the one place where an amount could overflow.
		if debits < 0 || credits < 0 {
			return 0, fault.Invalid("ledger.overflow"), nil
		}
	}
	if debits != credits {
		return 0, fault.Invalid("ledger.unbalanced", money.Amount(debits), money.Amount(credits)), nil
	}
	if p.days[day].debit > math.MaxInt64-debits {
		return 0, fault.Invalid("ledger.overflow"), nil
	}
	return day, p.funds(day), nil
}

// validate checks what can be seen from the posting alone.
func (p *Posting) validate() error {
	switch {
	case !plainText(p.Event, eventMax):
		return fault.Invalid("ledger.text").On("event", p.Event)
	case !plainText(p.Reference, referenceMax):
		return fault.Invalid("ledger.text").On("reference", p.Reference)
	case !plainText(p.Source, sourceMax):
		return fault.Invalid("ledger.text").On("source", p.Source)
	case len(p.Legs) < 2 || len(p.Legs) > legsMax:
		return fault.Invalid("ledger.legs", len(p.Legs), legsMax)
	}
	return nil
}

// noDay says why a date is not open.
func (p *Batch) noDay(ctx context.Context, date bizdate.Date) (refused, err error) {
	var n int
	if err := p.tx.Get(ctx, &n, "SELECT count(*) FROM ledger_days WHERE custody_id = ? AND accounting_date = ?", p.book.id, date); err != nil {
		return nil, err
	}
	if n > 0 {
		return fault.Invalid("ledger.day_closed", date), nil
	}
	return fault.Invalid("ledger.day_unknown", date), nil
}

// net resolves a leg and adds it to the sums of its account and item.
func (p *Batch) net(ctx context.Context, leg *Leg) (refused, err error) {
	if leg.Amount == 0 {
		return fault.Invalid("ledger.zero_leg", leg.Key), nil
	}
	if leg.Amount == math.MinInt64 {
		return fault.Invalid("ledger.overflow"), nil
	}
	account := p.accounts[accountKey{leg.Code, leg.Owner}]
	if account == nil {
		def := chartOf(leg.Code)
		if refused = checkKey(leg.Key, def); refused != nil {
			return refused, nil
		}
		if account, err = p.account(ctx, accountKey{def.Code, leg.Owner}, def); err != nil {
			return nil, err
		}
	}
	if account.stamp != p.stamp {
		account.stamp, account.net, account.debit = p.stamp, 0, false
		p.netted = append(p.netted, account)
	}
	account.net += int64(leg.Amount)
	account.debit = account.debit || leg.Amount > 0
	state := legState{account: account}
	if leg.Item != "" {
		if account.def.Items == NoItem || (account.last == nil || account.last.name != leg.Item) && !plainText(leg.Item, nameMax) {
			return fault.Invalid("ledger.item", leg.Code).On("item", leg.Item), nil
		}
		if state.item, err = p.item(ctx, account, leg.Item); err != nil {
			return nil, err
		}
		if state.item.stamp != p.stamp {
			state.item.stamp, state.item.net = p.stamp, 0
			p.items = append(p.items, state.item)
		}
		state.item.net += int64(leg.Amount)
	} else if account.def.Items == RequiredItem {
		return fault.Invalid("ledger.item", leg.Code).On("item", leg.Item), nil
	}
	p.legs = append(p.legs, state)
	return nil, nil
}

// checkKey checks code and owner of an account that is seen for the first time.
func checkKey(key Key, def *Account) error {
	if def == nil {
		return fault.Invalid("ledger.account_unknown", key.Code)
	}
	if (def.Owner == OwnerNone) != (key.Owner == "") || key.Owner != "" && !plainText(key.Owner, nameMax) {
		return fault.Invalid("ledger.owner", key.Code).On("owner", key.Owner)
	}
	return nil
}

// funds checks that no account or item crosses zero: live, at the cut of the
// posting's date, and at the cut of every later open day. A movement away from
// zero cannot cross it and is not looked at.
func (p *Batch) funds(day int) error {
	for _, a := range p.netted {
		if a.def.Owner == OwnerMember {
			if refused := p.memberMay(a); refused != nil {
				return refused
			}
		}
		after, ok := add(a.balance, a.net)
		if !ok {
			return fault.Invalid("ledger.overflow")
		}
		if a.def.BothSides || a.net*int64(a.def.Side) >= 0 {
			continue
		}
		for i := len(p.days) - 1; ; i-- { // after is the balance at the cut of day i
			if after*int64(a.def.Side) < 0 {
				cut := bizdate.Date(0)
				if i < len(p.days)-1 {
					cut = p.days[i].date
				}
				return a.overdrawn(after, cut)
			}
			if i == day {
				break
			}
			after -= a.moves[i].debit - a.moves[i].credit
		}
	}
	for _, it := range p.items {
		after, ok := add(it.balance, it.net)
		if !ok {
			return fault.Invalid("ledger.overflow")
		}
		side := int64(it.account.def.Side)
		if after*side < 0 && it.net*side < 0 && !it.account.def.BothSides {
			key := Key{it.account.code, it.account.owner, it.name}
			return fault.Invalid("ledger.item_overdrawn", key, money.Amount(it.balance*side), money.Amount(-it.net*side))
		}
	}
	return nil
}

func (a *accountState) overdrawn(after int64, cut bizdate.Date) error {
	side := int64(a.def.Side)
	key := Key{Code: a.code, Owner: a.owner}
	had, wanted := money.Amount((after-a.net)*side), money.Amount(-a.net*side)
	if cut.IsZero() {
		return fault.Invalid("ledger.overdrawn", key, had, wanted)
	}
	return fault.Invalid("ledger.overdrawn_cut", key, had, wanted, cut)
}

// memberMay checks the member's status. A stopped (止付) or frozen member pays
// nothing out of 2001, but what leaves it may become its own frozen money (2003):
// a court can freeze an account that is stopped. A closed one takes no entry at all.
func (p *Batch) memberMay(a *accountState) error {
	switch {
	case a.status == memberUnknown:
		return fault.Invalid("ledger.member_unknown", a.owner)
	case a.status == memberClosed:
		return fault.Invalid("ledger.member_closed", a.owner)
	case a.status == memberStopped && a.code == withdrawable && a.debit && !p.staysFrozen(a):
		return fault.Invalid("ledger.member_stopped", a.owner)
	}
	return nil
}

// staysFrozen reports whether all that leaves a member's 2001 goes to its 2003.
func (p *Batch) staysFrozen(a *accountState) bool {
	for _, other := range p.netted {
		if other.code == frozen && other.owner == a.owner {
			return other.net == -a.net && a.net > 0
		}
	}
	return false
}

func add(a, b int64) (int64, bool) {
	sum, err := money.Amount(a).Add(money.Amount(b))
	return int64(sum), err == nil
}
