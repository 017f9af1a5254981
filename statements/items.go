package statements

import (
	"cmp"
	"context"
	"slices"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// openItem is an open item of an account at the cut of a date, signed.
type openItem struct {
	Owner   string       `db:"owner"`
	Item    string       `db:"item"`
	Balance money.Amount `db:"balance_fen"`
}

// itemAccount is an account that keeps open items.
type itemAccount struct {
	ID      int64  `db:"account_id"`
	Owner   string `db:"owner"`
	LastSeq int64  `db:"last_seq"`
}

// readItems returns the open items of all accounts of a code at the date's cut:
// the live items less the entries of later dates. Those are looked for from the
// first voucher of a later date on, so that the cost follows what came since
// and not the history: the accounts of channels take an entry for every order.
func readItems(ctx context.Context, tx *store.Tx, id int64, code string, date bizdate.Date) ([]openItem, error) {
	var accounts []itemAccount
	if err := tx.Select(ctx, &accounts, "SELECT account_id, owner, last_seq FROM accounts WHERE custody_id = ? AND code = ? ORDER BY owner", id, code); err != nil {
		return nil, err
	}
	var later *int64
	if err := tx.Get(ctx, &later, "SELECT MIN(voucher_id) FROM vouchers WHERE custody_id = ? AND accounting_date > ?", id, date); err != nil {
		return nil, err
	}
	var out []openItem
	for _, a := range accounts {
		balances := map[string]money.Amount{}
		if err := addItems(ctx, tx, balances, "SELECT item, balance_fen FROM items WHERE custody_id = ? AND account_id = ?", id, a.ID); err != nil {
			return nil, err
		}
		if later != nil {
			from, err := firstEntry(ctx, tx, id, a, *later)
			if err != nil {
				return nil, err
			}
			if err := addItems(ctx, tx, balances, `SELECT item, -CAST(SUM(amount_fen) AS BIGINT) FROM entries
				WHERE custody_id = ? AND account_id = ? AND seq >= ? AND accounting_date > ? AND item <> '' GROUP BY item`, id, a.ID, from, date); err != nil {
				return nil, err
			}
		}
		for item, balance := range balances {
			if balance != 0 {
				out = append(out, openItem{Owner: a.Owner, Item: item, Balance: balance})
			}
		}
	}
	slices.SortFunc(out, func(x, y openItem) int {
		return cmp.Or(cmp.Compare(x.Owner, y.Owner), cmp.Compare(x.Item, y.Item))
	})
	return out, nil
}

// addItems adds the query's balances by item.
func addItems(ctx context.Context, tx *store.Tx, balances map[string]money.Amount, query string, args ...any) error {
	return tx.Each(ctx, query, args, func(scan func(...any) error) error {
		var item string
		var balance money.Amount
		if err := scan(&item, &balance); err != nil {
			return err
		}
		sum, err := balances[item].Add(balance)
		balances[item] = sum
		return err
	})
}

// firstEntry returns the sequence of an account's first entry of the voucher or
// a later one. Entries are numbered in order of posting, so halving finds it in
// some 30 reads by key.
func firstEntry(ctx context.Context, tx *store.Tx, id int64, a itemAccount, voucher int64) (int64, error) {
	low, high := int64(1), a.LastSeq+1 // the answer lies in low..high
	for low < high {
		middle := low + (high-low)/2
		var v int64
		if err := tx.Get(ctx, &v, "SELECT voucher_id FROM entries WHERE custody_id = ? AND account_id = ? AND seq = ?", id, a.ID, middle); err != nil {
			return 0, err
		}
		if v < voucher {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
