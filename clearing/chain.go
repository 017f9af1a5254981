package clearing

import (
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// neighbours reads the statements in the books next to a day, the one before and
// the one after it, as links of the account's chain (对账单链).
func (l *lineLoader) neighbours(account string, to bizdate.Date) ([]reconcile.Statement, error) {
	var links []reconcile.Statement
	for _, side := range []string{"to_date < ? ORDER BY to_date DESC", "to_date > ? ORDER BY to_date"} {
		var s struct {
			From    bizdate.Date `db:"from_date"`
			To      bizdate.Date `db:"to_date"`
			Opening money.Amount `db:"opening_fen"`
			Closing money.Amount `db:"closing_fen"`
		}
		found, err := l.tx.Find(l.ctx, &s, "SELECT from_date, to_date, opening_fen, closing_fen FROM bank_statements WHERE custody_id = ? AND "+
			side+" LIMIT 1", l.w.Book.ID(), to)
		if err != nil {
			return nil, err
		}
		if found {
			links = append(links, link(account, s.From, s.To, s.Opening, s.Closing))
		}
	}
	return links, nil
}

// link is a statement whose own lines are proven already. Its number stays out:
// whether a bank counts its statements without gaps is a matter of the bank.
func link(account string, from, to bizdate.Date, opening, closing money.Amount) reconcile.Statement {
	return reconcile.Statement{Account: account, From: from, To: to, Opening: opening, Closing: closing, Sum: closing - opening}
}

// chained refuses a day of a statement that does not fit between its neighbours:
// one that does not open with what the day before closed with (statement.chain),
// that an older statement covers (chain.overlap), or that does not close with
// what the next one opened with (chain.next).
func (l *lineLoader) chained(d statementDay) error {
	account := l.w.Config.Account
	links, err := l.neighbours(account, d.Date)
	if err != nil {
		return err
	}
	for _, n := range links {
		if n.To < d.Date && n.Closing != d.Opening {
			return fault.Invalid("statement.chain", d.Opening, n.To, n.Closing).In(l.a.name).AtLine(d.Line).On("OPBD", d.Opening.String())
		}
	}
	breaks := reconcile.Chain(account, money.CNY, append(links, link(account, d.Date, d.Date, d.Opening, d.Closing)))
	if len(breaks) == 0 {
		return nil
	}
	b := breaks[0]
	if b.Kind == reconcile.ChainOverlap {
		return fault.Invalid("chain.overlap", b.After.From, b.Before.To).In(l.a.name).AtLine(d.Line).On("FrDtTm", d.Date.String())
	}
	return fault.Invalid("chain.next", d.Closing, b.After.To, b.After.Opening, b.Difference).In(l.a.name).AtLine(d.Line).On("CLBD", d.Closing.String())
}
