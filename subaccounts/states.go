package subaccounts

import (
	"context"
	"time"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// MemberState is where a member's account stands (子账户状态). Status says what
// the posting enforces; State says why, in the words of the machine that leads
// from one to the next: a dormant account (久悬) and one under stop-payment both
// pay nothing.
type MemberState struct {
	Member string       `db:"code" json:"member"`
	State  string       `db:"state" json:"state"`
	Since  bizdate.Date `db:"since_date" json:"since"`
	Reason string       `db:"reason" json:"reason"`
}

const stateColumns = "code, state, since_date, reason"

var statesAudit = audit.Table{Name: "member_states", Key: []string{"code"}, Columns: []string{"state", "since_date", "reason"}}

// SetState records a state together with the status that enforces it. An unknown
// member is ledger.member_unknown; for CLOSED see [Book.UpdateMember].
func (b *Book) SetState(ctx context.Context, tx *store.Tx, actor string, at time.Time, s MemberState, status string) error {
	if err := b.UpdateMember(ctx, tx, actor, at, s.Member, status); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO member_states (custody_id, "+stateColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (custody_id, code) DO UPDATE SET state = excluded.state, since_date = excluded.since_date, reason = excluded.reason`,
		b.id, s.Member, s.State, s.Since, s.Reason)
	if err != nil {
		return err
	}
	return statesAudit.Record(ctx, tx, b.id, at, actor, "member.state", []any{s.Member}, s)
}

// State returns the state of a member's account; where none was recorded, its
// status. An unknown member is ledger.member_unknown.
func (b *Book) State(ctx context.Context, tx *store.Tx, code string) (MemberState, error) {
	m, found, err := b.GetMember(ctx, tx, code)
	if err == nil && !found {
		err = fault.Invalid("ledger.member_unknown", code)
	}
	if err != nil {
		return MemberState{}, err
	}
	s := MemberState{Member: code, State: m.Status}
	_, err = tx.Find(ctx, &s, "SELECT "+stateColumns+" FROM member_states WHERE custody_id = ? AND code = ?", b.id, code)
	return s, err
}

// States returns every state that was recorded, by member.
func (b *Book) States(ctx context.Context, tx *store.Tx) (map[string]MemberState, error) {
	var list []MemberState
	err := tx.Select(ctx, &list, "SELECT "+stateColumns+" FROM member_states WHERE custody_id = ?", b.id)
	byMember := make(map[string]MemberState, len(list))
	for _, s := range list {
		byMember[s.Member] = s
	}
	return byMember, err
}

// LastMovements returns for each member the latest accounting date with an entry
// on an account of its own; a member without any is not there.
func (b *Book) LastMovements(ctx context.Context, tx *store.Tx) (map[string]bizdate.Date, error) {
	last := map[string]bizdate.Date{}
	return last, tx.Each(ctx, `SELECT a.owner, MAX(d.accounting_date) FROM accounts a
		JOIN day_balances d ON d.custody_id = a.custody_id AND d.account_id = a.account_id
		WHERE a.custody_id = ? AND a.code IN ('2001', '2002', '2003', '2101', '2304') AND (d.debit_fen <> 0 OR d.credit_fen <> 0)
		GROUP BY a.owner`, []any{b.id}, func(scan func(...any) error) error {
		var owner string
		var date bizdate.Date
		err := scan(&owner, &date)
		last[owner] = date
		return err
	})
}
