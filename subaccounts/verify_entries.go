package subaccounts

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"custody/internal/bizdate"
)

// verifyAccounts is how many accounts are added up between two looks at their
// items and day rows: with 1000 dates each of 24 bytes 24 MB.
const verifyAccounts = 1000

// accountSums is what an account's entries add up to.
type accountSums struct {
	key            Key
	id             int64
	balance, count int64
	items          map[string]int64
	moves          []dateMove
}

type dateMove struct {
	date          bizdate.Date
	debit, credit int64
}

// readEntries reads every entry once, in the order of accounts, hashes those
// of the range and compares accounts, items and day rows.
func (v *verifier) readEntries(ctx context.Context, r *voucherRange) error {
	h := v.book.newHasher()
	from := int64(-1 << 62)
	for at := 0; ; at += verifyAccounts {
		to := int64(1<<62 - 1) // after the last account: entries of accounts that have no row
		last := at+verifyAccounts >= len(v.ids)
		if !last {
			to = v.ids[at+verifyAccounts] - 1
		}
		sums, err := v.addUp(ctx, r, h, from, to)
		if err != nil {
			return err
		}
		for _, id := range v.ids[at:min(at+verifyAccounts, len(v.ids))] {
			v.checkAccount(v.accounts[id], sums[id])
		}
		if err := v.checkItems(ctx, sums, from, to); err != nil {
			return err
		}
		if err := v.checkDayRows(ctx, sums, from, to); err != nil {
			return err
		}
		if last {
			return nil
		}
		from = to + 1
	}
}

const verifyColumns = "account_id, seq, voucher_id, line, accounting_date, amount_fen, item, balance_after_fen"

// addUp adds up the entries of accounts from to to.
func (v *verifier) addUp(ctx context.Context, r *voucherRange, h *hasher, from, to int64) (map[int64]*accountSums, error) {
	sums := map[int64]*accountSums{}
	var at *accountSums
	add := func(e *entryForm) {
		v.counts.Entries++
		if at == nil || at.id != e.account {
			at = &accountSums{id: e.account, key: Key{Code: fmt.Sprint("#", e.account)}}
			sums[e.account] = at
			if a := v.accounts[e.account]; a != nil {
				at.key = a.key
			} else {
				v.report("account", "accounts", at.key.Code, "ledger.verify.account_alone", at.key)
			}
		}
		e.code, e.owner = at.key.Code, at.key.Owner
		if !r.take(h, e) && (r.next == 0 || e.voucher < r.next) {
			v.report("entry", "entries", fmt.Sprint(at.key, " ", e.seq), "ledger.verify.entry_alone", at.key, e.seq)
		}
		v.addEntry(at, e)
	}
	err := beside(add, func(next func() *entryForm) error {
		return v.eachEntry(ctx, "account_id >= ? AND account_id <= ?", from, to, next)
	})
	return sums, err
}

// eachEntry reads entries in the order of accounts into what next returns.
func (v *verifier) eachEntry(ctx context.Context, where string, from, to int64, next func() *entryForm) error {
	var item sql.RawBytes
	return v.tx.Each(ctx, "SELECT "+verifyColumns+" FROM entries WHERE custody_id = ? AND "+where+" ORDER BY account_id, seq",
		[]any{v.book.id, from, to}, func(scan func(...any) error) error {
			e := next()
			err := scan(&e.account, &e.seq, &e.voucher, &e.line, &e.date, &e.amount, &item, &e.after)
			e.item = append(e.item[:0], item...)
			return err
		})
}

// addEntry adds one entry to its account and checks the chain of balances.
func (v *verifier) addEntry(at *accountSums, e *entryForm) {
	at.count++
	at.balance += e.amount
	if e.seq != at.count {
		v.report("entry", "entries", fmt.Sprint(at.key, " ", at.count), "ledger.verify.entry_seq", at.key, at.count)
		at.count = e.seq
	}
	if e.after != at.balance {
		v.report("entry", "entries", fmt.Sprint(at.key, " ", e.seq), "ledger.verify.entry_balance", at.key, e.seq, fen(at.balance), fen(e.after))
	}
	if len(e.item) > 0 {
		if at.items == nil {
			at.items = map[string]int64{}
		}
		at.items[string(e.item)] += e.amount
	}
	m := at.move(bizdate.Date(e.date))
	d := v.day(m.date)
	if e.amount > 0 {
		m.debit += e.amount
		d.debit += e.amount
	} else {
		m.credit -= e.amount
		d.credit -= e.amount
	}
}

// move returns the sums of a date: entries come nearly in the order of dates.
func (a *accountSums) move(date bizdate.Date) *dateMove {
	for i := len(a.moves) - 1; i >= 0; i-- {
		if a.moves[i].date == date {
			return &a.moves[i]
		}
	}
	a.moves = append(a.moves, dateMove{date: date})
	return &a.moves[len(a.moves)-1]
}

// readEntriesAgain hashes the entries of a later range.
func (v *verifier) readEntriesAgain(ctx context.Context, r *voucherRange) error {
	h := v.book.newHasher()
	to := int64(1<<62 - 1)
	if r.next > 0 {
		to = r.next - 1
	}
	again := func(e *entryForm) {
		e.code, e.owner = "", ""
		key := Key{Code: fmt.Sprint("#", e.account)}
		if a := v.accounts[e.account]; a != nil {
			key = a.key
			e.code, e.owner = key.Code, key.Owner
		}
		if !r.take(h, e) {
			v.report("entry", "entries", fmt.Sprint(key, " ", e.seq), "ledger.verify.entry_alone", key, e.seq)
		}
	}
	return beside(again, func(next func() *entryForm) error {
		return v.eachEntry(ctx, "voucher_id >= ? AND voucher_id <= ?", r.ids[0], to, next)
	})
}

func (v *verifier) checkAccount(a *verifiedAccount, got *accountSums) {
	if got == nil {
		got = &accountSums{}
	}
	if a.balance != got.balance || a.seq != got.count || got.count == 0 {
		v.report("account", "accounts", a.key.String(), "ledger.verify.account", a.key, fen(got.balance), got.count, fen(a.balance), a.seq)
	}
}

// name returns the key of an account that may have no row.
func (v *verifier) name(account int64) Key {
	if a := v.accounts[account]; a != nil {
		return a.key
	}
	return Key{Code: fmt.Sprint("#", account)}
}

func (v *verifier) checkItems(ctx context.Context, sums map[int64]*accountSums, from, to int64) error {
	err := v.tx.Each(ctx, "SELECT account_id, item, balance_fen FROM items WHERE custody_id = ? AND account_id >= ? AND account_id <= ?",
		[]any{v.book.id, from, to}, func(scan func(...any) error) error {
			var account, balance, want int64
			var item string
			if err := scan(&account, &item, &balance); err != nil {
				return err
			}
			if got := sums[account]; got != nil {
				want = got.items[item]
				delete(got.items, item)
			}
			if want != balance || balance == 0 {
				v.badItem(account, item, want, balance)
			}
			return nil
		})
	if err != nil {
		return err
	}
	for account, got := range sums {
		for item, want := range got.items {
			if want != 0 {
				v.badItem(account, item, want, 0)
			}
		}
	}
	return nil
}

func (v *verifier) badItem(account int64, item string, want, got int64) {
	key := v.name(account)
	key.Item = item
	v.report("item", "items", key.String(), "ledger.verify.item", key, fen(want), fen(got))
}

// dayRow is a row of day_balances.
type dayRow struct {
	account, debit, credit int64
	date                   bizdate.Date
	opening, closing       sql.NullInt64
}

// checkDayRows compares the day rows of accounts from to to with the sums of
// their entries; opening and closing are there if the date is closed.
func (v *verifier) checkDayRows(ctx context.Context, sums map[int64]*accountSums, from, to int64) error {
	for _, got := range sums {
		slices.SortFunc(got.moves, func(a, b dateMove) int { return int(a.date - b.date) })
	}
	var account, running int64
	next := map[int64]int{}
	err := v.tx.Each(ctx, `SELECT account_id, accounting_date, debit_fen, credit_fen, opening_fen, closing_fen FROM day_balances
		WHERE custody_id = ? AND account_id >= ? AND account_id <= ? ORDER BY account_id, accounting_date`, []any{v.book.id, from, to},
		func(scan func(...any) error) error {
			var row dayRow
			if err := scan(&row.account, &row.date, &row.debit, &row.credit, &row.opening, &row.closing); err != nil {
				return err
			}
			if row.account != account {
				account, running = row.account, 0
			}
			var want dateMove
			if got := sums[account]; got != nil {
				i := next[account]
				for ; i < len(got.moves) && got.moves[i].date < row.date; i++ {
					v.badDayRow(account, got.moves[i], dayRow{})
					running += got.moves[i].debit - got.moves[i].credit
				}
				if i < len(got.moves) && got.moves[i].date == row.date {
					want = got.moves[i]
					i++
				}
				next[account] = i
			}
			want.date = row.date
			if want.debit != row.debit || want.credit != row.credit || want.debit == 0 && want.credit == 0 {
				v.badDayRow(account, want, row)
			}
			v.checkFixed(&row, running, running+want.debit-want.credit)
			running += want.debit - want.credit
			return nil
		})
	if err != nil {
		return err
	}
	for id, got := range sums {
		for _, m := range got.moves[next[id]:] {
			v.badDayRow(id, m, dayRow{})
		}
	}
	return nil
}

func (v *verifier) checkFixed(row *dayRow, opening, closing int64) {
	d := v.days[row.date]
	closed := d != nil && d.closed
	want := dayRow{opening: sql.NullInt64{Int64: opening, Valid: closed}, closing: sql.NullInt64{Int64: closing, Valid: closed}}
	if !closed {
		want.opening.Int64, want.closing.Int64 = 0, 0
	}
	if row.opening != want.opening || row.closing != want.closing {
		key := v.name(row.account)
		v.report("day", "day_balances", strings.Join([]string{key.String(), row.date.String()}, " "), "ledger.verify.day_fixed", key, row.date)
	}
}

func (v *verifier) badDayRow(account int64, want dateMove, got dayRow) {
	key := v.name(account)
	v.report("day", "day_balances", key.String()+" "+want.date.String(), "ledger.verify.day_row",
		key, want.date, fen(want.debit), fen(want.credit), fen(got.debit), fen(got.credit))
}
