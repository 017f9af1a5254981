package clearing

import (
	"context"
	"strings"

	"custody/clearing/matches"
	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// MatchList is what a night matched, proposes, and left open.
type MatchList struct {
	Trades      []TradeCount         `json:"trades"` // orders and bill rows, counted
	Matches     []matches.Match      `json:"matches"`
	Suggestions []matches.Suggestion `json:"suggestions"`
	Open        []SideLine           `json:"open"`
}

// TradeCount is how many orders of a channel a rule matched with its bill.
type TradeCount struct {
	Channel string `db:"source" json:"channel"`
	Rule    string `db:"rule" json:"rule"`
	Version int    `db:"rule_version" json:"version"`
	Count   int    `db:"n" json:"count"`
}

// SideLine is an open line with its pair of sides.
type SideLine struct {
	Side matches.Side `json:"side"`
	matches.OpenLine
}

// MatchList lists the matches of a date, of one side where it is not empty, and
// what was open at its cut.
func (e *Engine) MatchList(ctx context.Context, date bizdate.Date, side matches.Side) (*MatchList, error) {
	l := &MatchList{Trades: []TradeCount{}, Matches: []matches.Match{}, Suggestions: []matches.Suggestion{}, Open: []SideLine{}}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		if side == "" {
			err := tx.Select(ctx, &l.Trades, `SELECT f.source, m.rule, m.rule_version, COUNT(*) AS n FROM trade_matches m
				JOIN files f ON f.custody_id = m.custody_id AND f.file_id = m.bill_file_id
				WHERE m.custody_id = ? AND f.kind = 'bill' AND f.business_date = ? GROUP BY f.source, m.rule, m.rule_version ORDER BY f.source, m.rule`, e.Book.ID(), date)
			if err != nil {
				return err
			}
		}
		list, err := matches.OfDate(ctx, tx, e.Book.ID(), date, side)
		if err != nil {
			return err
		}
		l.Matches = append(l.Matches, list...)
		suggested, err := matches.Suggestions(ctx, tx, e.Book.ID(), date, "")
		if err != nil {
			return err
		}
		for _, s := range suggested {
			if side == "" || s.Side == side {
				l.Suggestions = append(l.Suggestions, s)
			}
		}
		for _, of := range matches.Sides() {
			if side != "" && side != of {
				continue
			}
			open, err := matches.OpenAsOf(ctx, tx, e.Book.ID(), of, date)
			if err != nil {
				return err
			}
			for _, o := range open {
				l.Open = append(l.Open, SideLine{of, o})
			}
		}
		return nil
	})
	return l, err
}

// MatchView is one match with everything that it rests on; of an order also the
// matches that were taken back before.
type MatchView struct {
	matches.Match
	Undone []orders.Undone `json:"undone"`
}

// MatchView returns a match by its id, that of an order by T:ORDER.
func (e *Engine) MatchView(ctx context.Context, id string) (*MatchView, error) {
	v := &MatchView{Undone: []orders.Undone{}}
	err := e.readOnly(ctx, func(tx *store.Tx) (err error) {
		number, trade := strings.CutPrefix(id, tradePrefix)
		if !trade {
			v.Match, err = matches.Find(ctx, tx, e.Book.ID(), id)
			return err
		}
		o, found, err := e.orderOf(ctx, tx, number)
		if err != nil || !found {
			return firstErr(err, fault.Invalid("match.unknown", id).On("ID", id))
		}
		history, err := orders.UndoneOf(ctx, tx, e.Book.ID(), o.OrderNo)
		if err != nil {
			return err
		}
		v.Undone = append(v.Undone, history...)
		return e.tradeView(ctx, tx, id, o, v)
	})
	return v, err
}

// tradeEvidence are the fields that agree under each rule of a trade.
var tradeEvidence = map[string]string{
	reconcile.ByOrderNo.String(): "order_no+amount", reconcile.ByRefundNo.String(): "refund_no+order_no+amount",
	reconcile.ByAmountDay.String(): "kind+amount+booked", "adopted": "order_no+amount",
}

func (e *Engine) tradeView(ctx context.Context, tx *store.Tx, id string, o orders.Order, v *MatchView) error {
	m, found, err := orders.MatchOf(ctx, tx, e.Book.ID(), o)
	if err != nil {
		return err
	}
	if !found {
		if len(v.Undone) == 0 {
			return fault.Invalid("match.unknown", id).On("ID", id)
		}
		last := v.Undone[len(v.Undone)-1]
		v.Match = matches.Match{ID: id, Side: "TRADE", Date: last.Matched, Rule: last.Rule, State: matches.Superseded}
		return nil
	}
	v.Match = matches.Match{ID: id, Side: "TRADE", Date: m.Date, Alternatives: 1, State: matches.Confirmed}
	err = tx.Get(ctx, &v.Match, "SELECT rule, rule_version AS version FROM trade_matches WHERE custody_id = ? AND bill_file_id = ? AND bill_row_no = ?",
		e.Book.ID(), m.BillFile, m.BillRow)
	if err != nil {
		return err
	}
	v.Evidence = tradeEvidence[v.Rule]
	ours, _, err := e.place(ctx, tx, o.FileID, o.Row)
	if err != nil {
		return err
	}
	theirs, _, err := e.place(ctx, tx, m.BillFile, m.BillRow)
	if err != nil {
		return err
	}
	v.Lines = []matches.Line{{Part: matches.Ours, Key: ours.text(), Amount: o.Amount, Date: ours.Date},
		{Part: matches.Theirs, Key: theirs.text(), Amount: o.Amount, Date: theirs.Date}}
	return nil
}
