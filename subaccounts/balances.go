package subaccounts

import (
	"cmp"
	"context"
	"math"
	"slices"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// AccountBalance is what an account stands at, signed: debit positive.
type AccountBalance struct {
	AccountID int64        `db:"account_id"`
	Code      string       `db:"code"`
	Owner     string       `db:"owner"`
	Balance   money.Amount `db:"balance_fen"`
}

// ItemBalance is what an open item stands at, signed: debit positive.
type ItemBalance struct {
	Key
	Balance money.Amount
}

// Filter selects accounts or items; an empty field selects all.
type Filter struct{ Code, Owner, Item string }

// Balance returns the live balance, signed: of the item where the key names
// one, else of the account. What has no row stands at zero.
func (b *Book) Balance(ctx context.Context, tx *store.Tx, key Key) (money.Amount, error) {
	var a money.Amount
	if key.Item == "" {
		_, err := tx.Find(ctx, &a, "SELECT balance_fen FROM accounts WHERE custody_id = ? AND code = ? AND owner = ?", b.id, key.Code, key.Owner)
		return a, err
	}
	_, err := tx.Find(ctx, &a, `SELECT i.balance_fen FROM accounts a
		JOIN items i ON i.custody_id = a.custody_id AND i.account_id = a.account_id AND i.item = ?
		WHERE a.custody_id = ? AND a.code = ? AND a.owner = ?`, key.Item, b.id, key.Code, key.Owner)
	return a, err
}

// BalanceAsOf returns an account's balance at the cut of a date: all entries
// dated up to it. It reads the last fixed closing and the open days' sums.
func (b *Book) BalanceAsOf(ctx context.Context, tx *store.Tx, code, owner string, date bizdate.Date) (money.Amount, error) {
	id, found, err := b.accountID(ctx, tx, code, owner)
	if err != nil || !found {
		return 0, err
	}
	return b.accountAsOf(ctx, tx, id, date)
}

func (b *Book) accountID(ctx context.Context, tx *store.Tx, code, owner string) (int64, bool, error) {
	var id int64
	found, err := tx.Find(ctx, &id, "SELECT account_id FROM accounts WHERE custody_id = ? AND code = ? AND owner = ?", b.id, code, owner)
	return id, found, err
}

// accountAsOf walks the account's day rows back to the last fixed closing; only
// open days, of which there are two or three, come before it.
func (b *Book) accountAsOf(ctx context.Context, tx *store.Tx, account int64, date bizdate.Date) (money.Amount, error) {
	var balance money.Amount
	err := tx.Each(ctx, asOfQuery, []any{b.id, account, date},
		func(scan func(...any) error) error {
			var debit, credit money.Amount
			var closing *int64
			if err := scan(&debit, &credit, &closing); err != nil {
				return err
			}
			if closing != nil {
				balance += money.Amount(*closing)
				return errStop
			}
			balance += debit - credit
			return nil
		})
	return balance, stopped(err)
}

// Balances returns the live balances of the accounts that the filter selects,
// in the order of code and owner. The filter's item is not looked at.
func (b *Book) Balances(ctx context.Context, tx *store.Tx, f Filter) ([]AccountBalance, error) {
	var out []AccountBalance
	where, args := f.where(b.id, "")
	err := tx.Select(ctx, &out, "SELECT account_id, code, owner, balance_fen FROM accounts WHERE "+where+" ORDER BY code, owner", args...)
	slices.SortFunc(out, func(x, y AccountBalance) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Owner, y.Owner))
	})
	return out, err
}

// where is the condition on accounts that the filter makes, with its arguments.
func (f Filter) where(custodyID int64, alias string) (string, []any) {
	where, args := alias+"custody_id = ?", []any{custodyID}
	for _, c := range []struct{ column, value string }{{"code", f.Code}, {"owner", f.Owner}} {
		if c.value != "" {
			where, args = where+" AND "+alias+c.column+" = ?", append(args, c.value)
		}
	}
	return where, args
}

// Items returns the live open items that the filter selects, in the order of
// code, owner and item.
func (b *Book) Items(ctx context.Context, tx *store.Tx, f Filter) ([]ItemBalance, error) {
	var out []ItemBalance
	where, args := f.where(b.id, "a.")
	if f.Item != "" {
		where, args = where+" AND i.item = ?", append(args, f.Item)
	}
	err := tx.Each(ctx, `SELECT a.code, a.owner, i.item, i.balance_fen FROM items i
		JOIN accounts a ON a.custody_id = i.custody_id AND a.account_id = i.account_id
		WHERE `+where, args, func(scan func(...any) error) error {
		var i ItemBalance
		out = append(out, i)
		last := &out[len(out)-1]
		return scan(&last.Code, &last.Owner, &last.Item, &last.Balance)
	})
	sortItems(out)
	return out, err
}

func sortItems(items []ItemBalance) {
	slices.SortFunc(items, func(x, y ItemBalance) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Owner, y.Owner), cmp.Compare(x.Item, y.Item))
	})
}

// ItemsAsOf returns the open items at the cut of a date: the live ones without
// the entries dated later, which are few because later days are young.
func (b *Book) ItemsAsOf(ctx context.Context, tx *store.Tx, f Filter, date bizdate.Date) ([]ItemBalance, error) {
	live, err := b.Items(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	balances := make(map[Key]money.Amount, len(live))
	for _, i := range live {
		balances[i.Key] = i.Balance
	}
	later, err := b.accountsDatedAfter(ctx, tx, f, date)
	if err != nil {
		return nil, err
	}
	first, _, err := b.voucherSpan(ctx, tx, date.AddDays(1), lastDate)
	if err != nil {
		return nil, err
	}
	for _, a := range later {
		from, err := b.seqFrom(ctx, tx, a.AccountID, first)
		if err != nil {
			return nil, err
		}
		err = tx.Each(ctx, `SELECT item, amount_fen FROM entries
			WHERE custody_id = ? AND account_id = ? AND seq >= ? AND accounting_date > ? AND item <> ''`,
			[]any{b.id, a.AccountID, from, date}, func(scan func(...any) error) error {
				key := Key{Code: a.Code, Owner: a.Owner}
				var amount money.Amount
				if err := scan(&key.Item, &amount); err != nil || (f.Item != "" && f.Item != key.Item) {
					return err
				}
				balances[key] -= amount
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	out := make([]ItemBalance, 0, len(balances))
	for key, balance := range balances {
		if balance != 0 {
			out = append(out, ItemBalance{key, balance})
		}
	}
	sortItems(out)
	return out, nil
}

// accountsDatedAfter returns the accounts that keep items and have entries dated
// after the date.
func (b *Book) accountsDatedAfter(ctx context.Context, tx *store.Tx, f Filter, date bizdate.Date) ([]AccountBalance, error) {
	var all []AccountBalance
	where, args := f.where(b.id, "a.")
	err := tx.Select(ctx, &all, `SELECT DISTINCT a.account_id, a.code, a.owner, a.balance_fen FROM day_balances d
		JOIN accounts a ON a.custody_id = d.custody_id AND a.account_id = d.account_id
		WHERE `+where+" AND d.accounting_date > ?", append(args, date)...)
	return slices.DeleteFunc(all, func(a AccountBalance) bool {
		def := chartOf(a.Code)
		return def == nil || def.Items == NoItem
	}), err
}

// Movement is the roll-forward of an account over one date. Opening and closing
// are signed, debit positive; debit and credit are both positive.
type Movement struct {
	AccountID                       int64
	Code, Owner                     string
	Opening, Debit, Credit, Closing money.Amount
}

// Movements returns the roll-forward of a date for every account that had a
// balance or a movement, in the order of code and owner; the date may be open.
func (b *Book) Movements(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]Movement, error) {
	all, err := b.Balances(ctx, tx, Filter{})
	if err != nil {
		return nil, err
	}
	at := make(map[int64]*Movement, len(all))
	out := make([]Movement, len(all))
	for i, a := range all {
		out[i] = Movement{AccountID: a.AccountID, Code: a.Code, Owner: a.Owner, Closing: a.Balance}
		at[a.AccountID] = &out[i]
	}
	// From the live balance back: few days are later than the one that is asked for.
	err = tx.Each(ctx, "SELECT account_id, accounting_date, debit_fen, credit_fen FROM day_balances WHERE custody_id = ? AND accounting_date >= ?",
		[]any{b.id, date}, func(scan func(...any) error) error {
			var id int64
			var on bizdate.Date
			var debit, credit money.Amount
			if err := scan(&id, &on, &debit, &credit); err != nil {
				return err
			}
			m := at[id]
			switch {
			case m == nil:
				return fault.Broken("ledger.account_missing", id)
			case on == date:
				m.Debit, m.Credit = debit, credit
			default:
				m.Closing -= debit - credit
			}
			return nil
		})
	for i := range out {
		out[i].Opening = out[i].Closing - out[i].Debit + out[i].Credit
	}
	return slices.DeleteFunc(out, func(m Movement) bool {
		return m.Opening == 0 && m.Closing == 0 && m.Debit == 0 && m.Credit == 0
	}), err
}

// Carried is an account as its entries carry it forward over a date: from the
// closing that its last closed day fixed, by the entries of the date alone.
type Carried struct {
	Opening money.Amount // signed: debit positive
	Posted  money.Amount
}

// carriedQuery reads an account's entries back from its last one to the first
// voucher of the date, so that the cost is that of the date and not of the history.
const carriedQuery = `SELECT a.account_id,
	COALESCE((SELECT d.closing_fen FROM day_balances d WHERE d.custody_id = a.custody_id AND d.account_id = a.account_id
		AND d.accounting_date < ? AND d.closing_fen IS NOT NULL ORDER BY d.accounting_date DESC LIMIT 1), 0),
	COALESCE((SELECT CAST(SUM(e.amount_fen) AS BIGINT) FROM entries e WHERE e.custody_id = a.custody_id AND e.account_id = a.account_id
		AND e.accounting_date = ? AND e.seq > COALESCE((SELECT o.seq FROM entries o WHERE o.custody_id = a.custody_id
			AND o.account_id = a.account_id AND o.voucher_id < ? ORDER BY o.seq DESC LIMIT 1), 0)), 0)
	FROM accounts a WHERE a.custody_id = ?`

// CarriedForward returns every account by its id as the closings of earlier days
// and the entries of the date say it, without a look at what the account is said
// to stand at: the other way to reckon what [Book.Movements] returns.
func (b *Book) CarriedForward(ctx context.Context, tx *store.Tx, date bizdate.Date) (map[int64]Carried, error) {
	first, _, err := b.voucherSpan(ctx, tx, date, date)
	if err != nil {
		return nil, err
	}
	if first == 0 { // nothing is dated it: nothing to read back to
		first = math.MaxInt64
	}
	all := map[int64]Carried{}
	err = tx.Each(ctx, carriedQuery, []any{date, date, first, b.id}, func(scan func(...any) error) error {
		var id int64
		var c Carried
		if err := scan(&id, &c.Opening, &c.Posted); err != nil {
			return err
		}
		all[id] = c
		return nil
	})
	return all, err
}
