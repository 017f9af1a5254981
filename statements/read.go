package statements

import (
	"context"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// custodyRow is the custody account that a document is of.
type custodyRow struct {
	Code    string `db:"code"`
	Name    string `db:"name"`
	Account string `db:"account_no"`
}

func readCustody(ctx context.Context, tx *store.Tx, id int64) (custodyRow, error) {
	var c custodyRow
	found, err := tx.Find(ctx, &c, "SELECT code, name, account_no FROM custodies WHERE custody_id = ?", id)
	if err == nil && !found {
		err = fault.Invalid("document.custody", id)
	}
	return c, err
}

// masked shows the first six and last four digits of an account number
// (PCI DSS 3.4.1); a number of ten digits or fewer shows its last four only.
func masked(account string) string {
	r := []rune(account)
	switch {
	case len(r) <= 4:
		return strings.Repeat("*", len(r))
	case len(r) <= 10:
		return strings.Repeat("*", len(r)-4) + string(r[len(r)-4:])
	default:
		return string(r[:6]) + strings.Repeat("*", len(r)-10) + string(r[len(r)-4:])
	}
}

// position is an account over one accounting date, signed: debit positive.
type position struct {
	ID      int64        `db:"account_id"`
	Code    string       `db:"code"`
	Owner   string       `db:"owner"`
	Opening money.Amount `db:"opening"`
	Debit   money.Amount `db:"debit"`
	Credit  money.Amount `db:"credit"`
	// What the ledger fixed when the date was closed, where it was.
	FixedOpening *money.Amount `db:"fixed_opening"`
	FixedClosing *money.Amount `db:"fixed_closing"`
}

func (p position) closing() money.Amount { return p.Opening + p.Debit - p.Credit }

// side is the side on which the account is shown; unknown codes as debit.
func (p position) side() subaccounts.Side {
	if def, ok := subaccounts.Chart(p.Code); ok {
		return def.Side
	}
	return subaccounts.DebitSide
}

// shown turns a signed balance to the account's own side, where it is positive.
func (p position) shown(a money.Amount) money.Amount { return a * money.Amount(p.side()) }

// positionQuery rolls the live balance back over all later day totals. This is
// the way that does not use the opening and closing balances kept with a closed
// date, so that those can be compared with it.
const positionQuery = `
SELECT a.account_id, a.code, a.owner,
       a.balance_fen - COALESCE(l.later, 0) - COALESCE(d.debit_fen, 0) + COALESCE(d.credit_fen, 0) AS opening,
       COALESCE(d.debit_fen, 0) AS debit, COALESCE(d.credit_fen, 0) AS credit,
       d.opening_fen AS fixed_opening, d.closing_fen AS fixed_closing
FROM accounts a
LEFT JOIN day_balances d ON d.custody_id = a.custody_id AND d.account_id = a.account_id AND d.accounting_date = ?
LEFT JOIN (SELECT account_id, CAST(SUM(debit_fen - credit_fen) AS BIGINT) AS later FROM day_balances
           WHERE custody_id = ? AND accounting_date > ? GROUP BY account_id) l ON l.account_id = a.account_id
WHERE a.custody_id = ?
  AND EXISTS (SELECT 1 FROM day_balances e WHERE e.custody_id = a.custody_id AND e.account_id = a.account_id AND e.accounting_date <= ?)
ORDER BY a.code, a.owner`

// readPositions returns every account that had an entry up to the date. Balances
// that were fixed otherwise when the date was closed are document.balance.
func readPositions(ctx context.Context, tx *store.Tx, id int64, date bizdate.Date) ([]position, error) {
	var out []position
	if err := tx.Select(ctx, &out, positionQuery, date, id, date, id, date); err != nil {
		return nil, err
	}
	for _, p := range out {
		if p.FixedOpening != nil && *p.FixedOpening != p.Opening {
			return nil, fault.Broken("document.balance", p.key(), date, p.FixedOpening.Grouped(), p.Opening.Grouped())
		}
		if p.FixedClosing != nil && *p.FixedClosing != p.closing() {
			return nil, fault.Broken("document.balance", p.key(), date, p.FixedClosing.Grouped(), p.closing().Grouped())
		}
	}
	return out, nil
}

func (p position) key() string { return subaccounts.Key{Code: p.Code, Owner: p.Owner}.String() }

// readMembers returns the names of members by code.
func readMembers(ctx context.Context, tx *store.Tx, id int64) (map[string]string, error) {
	names := map[string]string{}
	err := tx.Each(ctx, "SELECT code, name FROM members WHERE custody_id = ?", []any{id}, func(scan func(...any) error) error {
		var code, name string
		if err := scan(&code, &name); err != nil {
			return err
		}
		names[code] = name
		return nil
	})
	return names, err
}
