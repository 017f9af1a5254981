package subaccounts

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Day is an accounting date (会计日) that the ledger knows, with its totals.
type Day struct {
	Date     bizdate.Date `db:"accounting_date"`
	Closed   bool         `db:"closed"`
	Vouchers int          `db:"vouchers"` // last voucher number
	Debit    money.Amount `db:"debit_fen"`
	Credit   money.Amount `db:"credit_fen"` // positive
}

const dayColumns = "accounting_date, closed, vouchers, debit_fen, credit_fen"

// OpenDay makes an accounting date known, so that postings may be dated it. A
// date that is open already stays so; a closed one, or one before a closed
// one, is ledger.day_closed.
func (b *Book) OpenDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	var closed int
	err := tx.Get(ctx, &closed, "SELECT count(*) FROM ledger_days WHERE custody_id = ? AND accounting_date >= ? AND closed = 1", b.id, date)
	if err != nil {
		return err
	}
	if closed > 0 {
		return fault.Invalid("ledger.day_closed", date)
	}
	_, err = tx.Exec(ctx, `INSERT INTO ledger_days (custody_id, accounting_date, closed, vouchers, debit_fen, credit_fen)
		VALUES (?, ?, 0, 0, 0, 0) ON CONFLICT (custody_id, accounting_date) DO NOTHING`, b.id, date)
	return err
}

// CloseDay fixes opening and closing of every account that the date touched;
// afterwards no entry can be dated it. Closing a closed day does nothing. An
// unknown date is ledger.day_unknown, an earlier open one ledger.day_earlier_open.
func (b *Book) CloseDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	day, found, err := b.Day(ctx, tx, date)
	if err != nil || day.Closed {
		return err
	}
	if !found {
		return fault.Invalid("ledger.day_unknown", date)
	}
	var earlier bizdate.Date
	found, err = tx.Find(ctx, &earlier, `SELECT accounting_date FROM ledger_days
		WHERE custody_id = ? AND accounting_date < ? AND closed = 0 ORDER BY accounting_date LIMIT 1`, b.id, date)
	if err != nil {
		return err
	}
	if found {
		return fault.Invalid("ledger.day_earlier_open", date, earlier)
	}
	// The index by account gives the latest earlier row of each account at once.
	_, err = tx.Exec(ctx, `UPDATE day_balances SET opening_fen = coalesce((
			SELECT e.closing_fen FROM day_balances e
			WHERE e.custody_id = day_balances.custody_id AND e.account_id = day_balances.account_id
			  AND e.accounting_date < day_balances.accounting_date
			ORDER BY e.accounting_date DESC LIMIT 1), 0)
		WHERE custody_id = ? AND accounting_date = ?`, b.id, date)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE day_balances SET closing_fen = opening_fen + debit_fen - credit_fen
		WHERE custody_id = ? AND accounting_date = ?`, b.id, date)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE ledger_days SET closed = 1 WHERE custody_id = ? AND accounting_date = ?", b.id, date)
	return err
}

// ReopenDay takes back the close of the last closed day. A later closed day is
// ledger.day_later_closed.
func (b *Book) ReopenDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	day, found, err := b.Day(ctx, tx, date)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("ledger.day_unknown", date)
	}
	if !day.Closed {
		return nil
	}
	var later bizdate.Date
	found, err = tx.Find(ctx, &later, `SELECT accounting_date FROM ledger_days
		WHERE custody_id = ? AND accounting_date > ? AND closed = 1 ORDER BY accounting_date LIMIT 1`, b.id, date)
	if err != nil {
		return err
	}
	if found {
		return fault.Invalid("ledger.day_later_closed", date, later)
	}
	_, err = tx.Exec(ctx, "UPDATE day_balances SET opening_fen = NULL, closing_fen = NULL WHERE custody_id = ? AND accounting_date = ?", b.id, date)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE ledger_days SET closed = 0 WHERE custody_id = ? AND accounting_date = ?", b.id, date)
	return err
}

// Day returns an accounting date, and whether the ledger knows it.
func (b *Book) Day(ctx context.Context, tx *store.Tx, date bizdate.Date) (Day, bool, error) {
	var d Day
	found, err := tx.Find(ctx, &d, "SELECT "+dayColumns+" FROM ledger_days WHERE custody_id = ? AND accounting_date = ?", b.id, date)
	return d, found, err
}

// Days returns all accounting dates, earliest first.
func (b *Book) Days(ctx context.Context, tx *store.Tx) ([]Day, error) {
	var days []Day
	err := tx.Select(ctx, &days, "SELECT "+dayColumns+" FROM ledger_days WHERE custody_id = ? ORDER BY accounting_date", b.id)
	return days, err
}

// Totals returns debits, credits and vouchers of a date; a date that the
// ledger does not know has none.
func (b *Book) Totals(ctx context.Context, tx *store.Tx, date bizdate.Date) (Day, error) {
	d, _, err := b.Day(ctx, tx, date)
	d.Date = date
	return d, err
}
