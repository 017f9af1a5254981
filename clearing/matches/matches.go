// Package matches keeps which lines of two sides are the same event (对账匹配),
// why, and what is still open. A line is in at most one match of its pair of
// sides: a unique index of the database says so, whatever the code above does.
//
// Sides are the bank statement and the ledger's account 1001, result files and
// payouts, the bank's list of sub-accounts and ours, a channel's net of a
// clearing date and the bank's credits. Orders and bill rows, a million a night,
// have a table of their own in package orders.
//
//	err := matches.Save(ctx, tx, id, matches.Book, date, actor, list)
//	open, err := matches.OpenAsOf(ctx, tx, id, matches.Book, date)
//
// Nothing is deleted: a match that a person takes back is SUPERSEDED, its lines
// are open again and held, so that no rule puts them together once more.
package matches

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Side is a pair of sides that are compared.
type Side string

// The pairs of sides.
const (
	Book     Side = "BOOK"     // statement lines and vouchers on 1001 (银企)
	Result   Side = "RESULT"   // rows of a result file and payouts (回盘)
	Balances Side = "BALANCES" // the bank's list of sub-accounts and ours (总分)
	Channel  Side = "CHANNEL"  // a channel's net of a clearing date and bank credits (在途)
)

// Sides are all of them.
func Sides() []Side { return []Side{Book, Result, Balances, Channel} }

// Part tells which of the two sides a line is on.
type Part string

// The two parts.
const (
	Ours   Part = "OURS"
	Theirs Part = "THEIRS"
)

// Line is a line of a side by its business key.
type Line struct {
	Part   Part         `db:"part" json:"part"`
	Key    string       `db:"line" json:"line"`
	Amount money.Amount `db:"amount_fen" json:"amount_fen"`
	Date   bizdate.Date `db:"line_date" json:"date"`
}

// States of a match.
const (
	Confirmed  = "CONFIRMED"
	Superseded = "SUPERSEDED"
)

// Match is lines that are the same event.
type Match struct {
	ID           string        `db:"match_id" json:"id"`
	Side         Side          `db:"side" json:"side"`
	Date         bizdate.Date  `db:"accounting_date" json:"date"`
	Rule         string        `db:"rule" json:"rule"`
	Version      int           `db:"version" json:"version"`
	Evidence     string        `db:"evidence" json:"evidence"`
	Alternatives int           `db:"alternatives" json:"alternatives"`
	Difference   money.Amount  `db:"difference_fen" json:"difference_fen"`
	State        string        `db:"state" json:"state"`
	Actor        string        `db:"actor" json:"actor"`
	UndoneDate   *bizdate.Date `db:"superseded_date" json:"superseded_date"`
	UndoneBy     string        `db:"superseded_by" json:"superseded_by"`
	Reason       string        `db:"reason" json:"reason"`
	Lines        []Line        `db:"-" json:"lines"`
}

const matchColumns = `match_id, side, accounting_date, rule, version, evidence, alternatives, difference_fen, state, actor,
	superseded_date, superseded_by, reason`

// number names the n-th match of a date: M20260213-00007.
func number(date bizdate.Date, n int) string { return fmt.Sprintf("M%s-%05d", date.Compact(), n) }

// Save writes matches that count from the date on, gives them their ids, and
// clears their lines where they were open. A line that is in another match of
// the side already is match.twice, and nothing is written.
func Save(ctx context.Context, tx *store.Tx, custodyID int64, side Side, date bizdate.Date, actor string, list []Match) error {
	if len(list) == 0 {
		return nil
	}
	var before int
	err := tx.Get(ctx, &before, "SELECT COUNT(*) FROM matches WHERE custody_id = ? AND accounting_date = ? AND match_id LIKE 'M%'", custodyID, date)
	if err != nil {
		return err
	}
	heads := tx.Bulk("matches", store.Const("custody_id", custodyID), store.Text("match_id"), store.Const("side", string(side)),
		store.Const("accounting_date", date), store.Text("rule"), store.Int("version"), store.Text("evidence"), store.Int("alternatives"),
		store.Int("difference_fen"), store.Const("state", Confirmed), store.Const("actor", actor))
	lines := tx.Bulk("match_lines", store.Const("custody_id", custodyID), store.Text("match_id"), store.Text("part"), store.Text("line"),
		store.Const("side", string(side)), store.Int("amount_fen"), store.Int("line_date"), store.Const("live", 1))
	for i := range list {
		m := &list[i]
		m.ID, m.Side, m.Date, m.State, m.Actor = number(date, before+i+1), side, date, Confirmed, actor
		heads.Text(m.ID).Text(m.Rule).Int(int64(m.Version)).Text(m.Evidence).Int(int64(m.Alternatives)).Int(int64(m.Difference))
		for _, l := range m.Lines {
			lines.Text(m.ID).Text(string(l.Part)).Text(l.Key).Int(int64(l.Amount)).Int(int64(l.Date))
		}
	}
	if err := heads.Flush(ctx); err != nil {
		return err
	}
	if err := lines.Flush(ctx); err != nil {
		return twice(err)
	}
	return clearOpen(ctx, tx, custodyID, side, date, list)
}

// twice turns the refusal of the unique index into a fault that a person reads.
func twice(err error) error {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "unique") || strings.Contains(text, "duplicate key") {
		return fault.Broken("match.twice").Because(err)
	}
	return err
}

// clearOpen closes the open lines that the matches hold. Few lines are open.
func clearOpen(ctx context.Context, tx *store.Tx, custodyID int64, side Side, date bizdate.Date, list []Match) error {
	still, err := StillOpen(ctx, tx, custodyID, side)
	if err != nil || len(still) == 0 {
		return err
	}
	open := make(map[lineKey]bool, len(still))
	for _, o := range still {
		open[lineKey{o.Part, o.Key}] = true
	}
	for _, m := range list {
		for _, l := range m.Lines {
			if !open[lineKey{l.Part, l.Key}] {
				continue
			}
			_, err := tx.Exec(ctx, `UPDATE open_lines SET cleared_date = ? WHERE custody_id = ? AND side = ? AND part = ? AND line = ? AND cleared_date IS NULL`,
				date, custodyID, side, l.Part, l.Key)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

type lineKey struct {
	part Part
	key  string
}

// OpenLine is a line without partner since a date. Held ones a person took out
// of a match: no rule matches them again.
type OpenLine struct {
	Line
	Since bizdate.Date `db:"since_date" json:"since"`
	Held  bool         `db:"held" json:"held"`
}

const openColumns = "part, line, amount_fen, line_date, since_date, held"

// StillOpen returns the lines of a side that have no partner now, in order.
func StillOpen(ctx context.Context, tx *store.Tx, custodyID int64, side Side) ([]OpenLine, error) {
	var list []OpenLine
	err := tx.Select(ctx, &list, "SELECT "+openColumns+` FROM open_lines WHERE custody_id = ? AND side = ? AND cleared_date IS NULL
		ORDER BY part, line_date, line`, custodyID, side)
	return list, err
}

// OpenAsOf returns the lines of a side that had no partner at the cut of the date.
func OpenAsOf(ctx context.Context, tx *store.Tx, custodyID int64, side Side, date bizdate.Date) ([]OpenLine, error) {
	var list []OpenLine
	err := tx.Select(ctx, &list, "SELECT "+openColumns+` FROM open_lines WHERE custody_id = ? AND side = ?
		AND +since_date <= ? AND `+store.OpenAt("cleared_date")+" ORDER BY part, line_date, line", custodyID, side, date, date)
	return list, err
}

// AddOpen records lines that have no partner from the date on. One that is open
// already stays as it is.
func AddOpen(ctx context.Context, tx *store.Tx, custodyID int64, side Side, date bizdate.Date, held bool, lines []Line) error {
	for _, l := range lines {
		_, err := tx.Exec(ctx, `INSERT INTO open_lines (custody_id, side, part, line, since_date, amount_fen, line_date, held)
			SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM open_lines
			WHERE custody_id = ? AND side = ? AND part = ? AND line = ? AND cleared_date IS NULL)
			ON CONFLICT (custody_id, side, part, line, since_date) DO UPDATE SET cleared_date = NULL, held = excluded.held`,
			custodyID, side, l.Part, l.Key, date, l.Amount, l.Date, held, custodyID, side, l.Part, l.Key)
		if err != nil {
			return err
		}
	}
	return nil
}

// Taken reports whether the line is in a match of the side that counts.
func Taken(ctx context.Context, tx *store.Tx, custodyID int64, side Side, part Part, key string) (bool, error) {
	var id string
	return tx.Find(ctx, &id, "SELECT match_id FROM match_lines WHERE custody_id = ? AND side = ? AND part = ? AND line = ? AND live = 1",
		custodyID, side, part, key)
}

// Begun returns the last date before the given one on which lines of the side
// were matched or left open, or zero.
func Begun(ctx context.Context, tx *store.Tx, custodyID int64, side Side, before bizdate.Date) (bizdate.Date, error) {
	var last bizdate.Date
	for _, query := range []string{
		"SELECT accounting_date FROM matches WHERE custody_id = ? AND side = ? AND accounting_date < ? ORDER BY accounting_date DESC LIMIT 1",
		"SELECT since_date FROM open_lines WHERE custody_id = ? AND side = ? AND since_date < ? ORDER BY since_date DESC LIMIT 1",
	} {
		var d bizdate.Date
		if _, err := tx.Find(ctx, &d, query, custodyID, side, before); err != nil {
			return 0, err
		}
		last = max(last, d)
	}
	return last, nil
}

// Find returns a match with its lines; match.unknown where there is none.
func Find(ctx context.Context, tx *store.Tx, custodyID int64, id string) (Match, error) {
	var m Match
	found, err := tx.Find(ctx, &m, "SELECT "+matchColumns+" FROM matches WHERE custody_id = ? AND match_id = ?", custodyID, id)
	if err != nil {
		return m, err
	}
	if !found {
		return m, fault.Invalid("match.unknown", id).On("ID", id)
	}
	err = tx.Select(ctx, &m.Lines, `SELECT part, line, amount_fen, line_date FROM match_lines
		WHERE custody_id = ? AND match_id = ? ORDER BY part, line_date, line`, custodyID, id)
	return m, err
}

// listMax bounds a list of matches: what a person can still read through.
const listMax = 100_000

// OfDate returns the matches of a date, of one side where it is not empty, with
// their lines, in order of id; those that were taken back are among them.
func OfDate(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, side Side) ([]Match, error) {
	var list []Match
	err := tx.Select(ctx, &list, "SELECT "+matchColumns+` FROM matches WHERE custody_id = ? AND accounting_date = ? AND (? = '' OR side = ?)
		ORDER BY match_id LIMIT ?`, custodyID, date, side, side, listMax)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(list))
	for i := range list {
		at[list[i].ID] = i
	}
	err = tx.Each(ctx, `SELECT l.match_id, l.part, l.line, l.amount_fen, l.line_date FROM match_lines l
		JOIN matches m ON m.custody_id = l.custody_id AND m.match_id = l.match_id
		WHERE m.custody_id = ? AND m.accounting_date = ? AND (? = '' OR m.side = ?) ORDER BY l.match_id, l.part, l.line_date, l.line`,
		[]any{custodyID, date, side, side}, func(scan func(...any) error) error {
			var id string
			var l Line
			if err := scan(&id, &l.Part, &l.Key, &l.Amount, &l.Date); err != nil {
				return err
			}
			if i, ok := at[id]; ok {
				list[i].Lines = append(list[i].Lines, l)
			}
			return nil
		})
	return list, err
}

// Undo takes a match back from the date on: it stays in the books, SUPERSEDED,
// and its lines are open and held. One that was taken back before is match.undone.
func Undo(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, actor, id, reason string) (Match, error) {
	m, err := Find(ctx, tx, custodyID, id)
	if err != nil {
		return m, err
	}
	n, err := tx.Exec(ctx, `UPDATE matches SET state = 'SUPERSEDED', superseded_date = ?, superseded_by = ?, reason = ?
		WHERE custody_id = ? AND match_id = ? AND state = 'CONFIRMED'`, date, actor, reason, custodyID, id)
	if err != nil {
		return m, err
	}
	if n == 0 {
		return m, fault.Invalid("match.undone", id).On("ID", id)
	}
	if _, err := tx.Exec(ctx, "UPDATE match_lines SET live = 0 WHERE custody_id = ? AND match_id = ?", custodyID, id); err != nil {
		return m, err
	}
	m.State, m.UndoneDate, m.UndoneBy, m.Reason = Superseded, &date, actor, reason
	return m, AddOpen(ctx, tx, custodyID, m.Side, date, true, m.Lines)
}

// Suggestion is a reading that is not the only one, or not proven.
type Suggestion struct {
	ID           string       `db:"suggestion_id" json:"id"`
	Side         Side         `db:"side" json:"side"`
	Date         bizdate.Date `db:"accounting_date" json:"date"`
	Rule         string       `db:"rule" json:"rule"`
	Version      int          `db:"version" json:"version"`
	Evidence     string       `db:"evidence" json:"evidence"`
	Alternatives int          `db:"alternatives" json:"alternatives"`
	Difference   money.Amount `db:"difference_fen" json:"difference_fen"`
	OursJSON     string       `db:"ours" json:"-"`
	TheirsJSON   string       `db:"theirs" json:"-"`
	Ours         []string     `db:"-" json:"ours"`
	Theirs       []string     `db:"-" json:"theirs"`
}

const suggestionColumns = "suggestion_id, side, accounting_date, rule, version, evidence, alternatives, difference_fen, ours, theirs"

// Suggest replaces the suggestions of a side and date.
func Suggest(ctx context.Context, tx *store.Tx, custodyID int64, side Side, date bizdate.Date, list []Suggestion) error {
	if _, err := tx.Exec(ctx, "DELETE FROM match_suggestions WHERE custody_id = ? AND accounting_date = ? AND side = ?", custodyID, date, side); err != nil {
		return err
	}
	var before int
	if err := tx.Get(ctx, &before, "SELECT COUNT(*) FROM match_suggestions WHERE custody_id = ? AND accounting_date = ?", custodyID, date); err != nil {
		return err
	}
	for i, s := range list {
		ours, err := json.Marshal(s.Ours)
		if err != nil {
			return err
		}
		theirs, err := json.Marshal(s.Theirs)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO match_suggestions (custody_id, "+suggestionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", custodyID,
			fmt.Sprintf("S%s-%03d", date.Compact(), before+i+1), side, date, s.Rule, s.Version, s.Evidence, s.Alternatives, s.Difference, string(ours), string(theirs))
		if err != nil {
			return err
		}
	}
	return nil
}

// Suggestions returns the suggestions of a date in order of id, or the one with
// an id where that is not empty.
func Suggestions(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, id string) ([]Suggestion, error) {
	var list []Suggestion
	err := tx.Select(ctx, &list, "SELECT "+suggestionColumns+` FROM match_suggestions
		WHERE custody_id = ? AND (? = 0 OR accounting_date = ?) AND (? = '' OR suggestion_id = ?) ORDER BY suggestion_id`, custodyID, date, date, id, id)
	for i := range list {
		if err == nil {
			err = json.Unmarshal([]byte(list[i].OursJSON), &list[i].Ours)
		}
		if err == nil {
			err = json.Unmarshal([]byte(list[i].TheirsJSON), &list[i].Theirs)
		}
	}
	return list, err
}

// Withdraw takes a match back that the books themselves no longer hold, a credit
// that a statement lacks: its lines are neither open nor held.
func Withdraw(ctx context.Context, tx *store.Tx, custodyID int64, date bizdate.Date, actor, id, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE matches SET state = 'SUPERSEDED', superseded_date = ?, superseded_by = ?, reason = ?
		WHERE custody_id = ? AND match_id = ? AND state = 'CONFIRMED'`, date, actor, reason, custodyID, id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE match_lines SET live = 0 WHERE custody_id = ? AND match_id = ?", custodyID, id)
	return err
}
