package statements

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// channelDay is one channel and clearing date as it stood at the cut.
type channelDay struct {
	Channel  string       `db:"channel"`
	Clearing bizdate.Date `db:"clearing_date"`
	Pay      money.Amount `db:"pay_fen"`
	Refund   money.Amount `db:"refund_fen"`
	Fee      money.Amount `db:"fee_fen"`
	Net      money.Amount `db:"net_fen"`
	Due      bizdate.Date `db:"due_date"`
	Split    bizdate.Date `db:"split_date"`
	Arrived  bizdate.Date `db:"arrived_date"`
	Released bizdate.Date `db:"released_date"`
	Held     string       `db:"held_reason"`
}

// until hides what happened after the cut.
func until(d, cut bizdate.Date) bizdate.Date {
	if d > cut {
		return 0
	}
	return d
}

// writeChannels writes the channel days (渠道清算) that moved on the date or were
// still open at its cut.
func (r *report) writeChannels(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "channels", frozen: 3, widths: []int{14, 12, 16, 16, 14, 16, 12, 12, 12, 12, 26}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.channels"), r.below)
	s.head("channel", "clearing_date", "pay", "refund", "fee", "net", "due", "split", "arrived", "released", "held")
	var days []channelDay
	d := r.in.Date
	if err := tx.Select(ctx, &days, `SELECT channel, clearing_date, pay_fen, refund_fen, fee_fen, net_fen, due_date, split_date, arrived_date, released_date, held_reason
		FROM channel_days WHERE custody_id = ? AND clearing_date <= ?
		AND (clearing_date = ? OR split_date IS NULL OR split_date >= ? OR arrived_date IS NULL OR arrived_date >= ? OR released_date IS NULL OR released_date >= ?)
		ORDER BY clearing_date, channel`, r.in.Custody, d, d, d, d, d); err != nil {
		return err
	}
	first := s.row + 1
	var pay, refund, fee, net money.Amount
	for _, c := range days {
		row := s.row + 1
		s.plus(&pay, c.Pay)
		s.plus(&refund, c.Refund)
		s.plus(&fee, c.Fee)
		s.plus(&net, c.Pay-c.Refund-c.Fee)
		s.add(s.str(r.channelLabel(c.Channel)), s.day(c.Clearing), s.amount(c.Pay), s.amount(c.Refund), s.amount(c.Fee),
			s.formula(lookAmount, c.Pay-c.Refund-c.Fee, "%s-%s-%s", at(3, row), at(4, row), at(5, row)),
			s.day(c.Due), s.day(until(c.Split, d)), s.day(until(c.Arrived, d)), s.day(until(c.Released, d)), s.cell(lookWrap, r.held(c)))
	}
	if len(days) == 0 {
		s.none()
	}
	s.total("total.sum", map[int]any{
		3: s.formula(lookTotal, pay, "%s", sum(3, first, s.row)), 4: s.formula(lookTotal, refund, "%s", sum(4, first, s.row)),
		5: s.formula(lookTotal, fee, "%s", sum(5, first, s.row)), 6: s.formula(lookTotal, net, "%s", sum(6, first, s.row)),
	})
	return s.close()
}

// held is why a channel day's money is not released.
func (r *report) held(c channelDay) string {
	if released := until(c.Released, r.in.Date); !released.IsZero() {
		return ""
	}
	return r.named("held", c.Held)
}

func (r *report) channelLabel(code string) string {
	if name := r.channelName(code); name != "" {
		return name
	}
	return code
}

// exceptionRow is a difference with an owner (差错).
type exceptionRow struct {
	ID       string       `db:"exception_id"`
	Kind     string       `db:"kind"`
	Subject  string       `db:"subject"`
	State    string       `db:"state"`
	Opened   bizdate.Date `db:"opened_date"`
	Closed   bizdate.Date `db:"closed_date"`
	Channel  string       `db:"channel"`
	Clearing bizdate.Date `db:"clearing_date"`
	Member   string       `db:"member"`
	Amount   money.Amount `db:"amount_fen"`
	Ours     string       `db:"ours"`
	Theirs   string       `db:"theirs"`
	Owner    string       `db:"owner"`
	Due      bizdate.Date `db:"due_date"`
}

// stateAt is the state at a date's cut: one that was closed later was open.
func (x exceptionRow) stateAt(date bizdate.Date) string {
	if x.Closed > date {
		return "OPEN"
	}
	return x.State
}

// readExceptions returns what was open on the date or was closed on it.
func readExceptions(ctx context.Context, tx *store.Tx, id int64, date bizdate.Date) ([]exceptionRow, error) {
	var out []exceptionRow
	err := tx.Select(ctx, &out, `SELECT exception_id, kind, subject, state, opened_date, closed_date, channel, clearing_date, member, amount_fen, ours, theirs, owner, due_date
		FROM exceptions WHERE custody_id = ? AND opened_date <= ? AND (closed_date IS NULL OR closed_date >= ?) ORDER BY exception_id`, id, date, date)
	return out, err
}

// writeExceptions writes the differences (差错) with owner, due date and age.
func (r *report) writeExceptions(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "exceptions", frozen: 3, widths: []int{15, 20, 22, 12, 12, 10, 12, 14, 16, 16, 12, 12, 9}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.exceptions"), r.below)
	s.head("exception", "kind", "subject", "state", "channel", "member", "opened", "amount", "ours", "theirs", "person", "due", "age")
	list, err := readExceptions(ctx, tx, r.in.Custody, r.in.Date)
	if err != nil {
		return err
	}
	first := s.row + 1
	var all money.Amount
	for _, x := range list {
		s.plus(&all, x.Amount)
		s.add(s.str(x.ID), s.cell(lookWrap, r.named("kind", x.Kind)), s.cell(lookWrap, x.Subject), s.cell(lookCentre, r.named("exception_state", x.stateAt(r.in.Date))),
			s.str(r.channelLabel(x.Channel)), s.str(x.Member), s.day(x.Opened), s.amount(x.Amount), s.cell(lookWrap, x.Ours), s.cell(lookWrap, x.Theirs),
			s.str(x.Owner), s.day(x.Due), s.count(x.Opened.DaysUntil(r.in.Date)))
	}
	if len(list) == 0 {
		s.none()
	}
	s.total("total.sum", map[int]any{8: s.formula(lookTotal, all, "%s", sum(8, first, s.row))})
	return s.close()
}

// payoutRow is a payout (出款).
type payoutRow struct {
	Serial   string       `db:"serial"`
	Batch    string       `db:"batch_no"`
	Member   string       `db:"member"`
	Account  string       `db:"account_no"`
	Name     string       `db:"account_name"`
	Amount   money.Amount `db:"amount_fen"`
	Fee      money.Amount `db:"fee_fen"`
	State    string       `db:"state"`
	Applied  bizdate.Date `db:"applied_date"`
	Answer   string       `db:"answer"`
	Reason   string       `db:"answer_reason"`
	Ref      string       `db:"bank_ref"`
	Settled  bizdate.Date `db:"settled_date"`
	Returned bizdate.Date `db:"returned_date"`
	Credited bizdate.Date `db:"credited_date"`
}

// stateAt is the state at a date's cut: what happened later has not happened.
func (p payoutRow) stateAt(date bizdate.Date) string {
	switch {
	case p.Settled > date:
		return "SENT"
	case p.Returned > date:
		return "SUCCESS"
	default:
		return p.State
	}
}

// writePayouts writes the payouts (出款) that moved on the date or were open at
// its cut; a returned one stays until it is credited to the member.
func (r *report) writePayouts(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "payouts", frozen: 3, widths: []int{18, 17, 9, 18, 22, 13, 9, 13, 13, 12, 7, 18, 14, 12, 12, 12}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.payouts"), r.below)
	s.head("serial", "batch", "member", "payee", "payee_account", "amount", "payout_fee", "payout_total", "state", "applied", "answer", "answer_reason", "bank_ref", "settled", "returned", "credited")
	first := s.row + 1
	var amount, fee money.Amount
	d := r.in.Date
	err = tx.Each(ctx, `SELECT serial, batch_no, member, account_no, account_name, amount_fen, fee_fen, state, applied_date, answer, answer_reason, bank_ref, settled_date, returned_date, credited_date
		FROM payouts WHERE custody_id = ? AND applied_date <= ? AND (applied_date = ? OR state <> 'CANCELLED')
		AND (settled_date IS NULL OR settled_date >= ? OR (returned_date IS NOT NULL AND (returned_date >= ? AND returned_date <= ? OR returned_date <= ? AND (credited_date IS NULL OR credited_date >= ?))))
		ORDER BY batch_no, seq`, []any{r.in.Custody, d, d, d, d, d, d, d}, func(scan func(...any) error) error {
		var p payoutRow
		if err := scan(&p.Serial, &p.Batch, &p.Member, &p.Account, &p.Name, &p.Amount, &p.Fee, &p.State, &p.Applied, &p.Answer, &p.Reason, &p.Ref, &p.Settled, &p.Returned, &p.Credited); err != nil {
			return err
		}
		if p.Settled > d {
			p.Answer, p.Reason, p.Ref = "", "", "" // came after the cut
		}
		s.plus(&amount, p.Amount)
		s.plus(&fee, p.Fee)
		row := s.row + 1
		s.add(s.str(p.Serial), s.str(p.Batch), s.str(p.Member), s.cell(lookWrap, p.Name), s.str(masked(p.Account)), s.amount(p.Amount), s.amount(p.Fee),
			s.formula(lookAmount, p.Amount+p.Fee, "%s+%s", at(6, row), at(7, row)), s.cell(lookCentre, r.named("payout_state", p.stateAt(d))), s.day(p.Applied),
			s.cell(lookCentre, p.Answer), s.cell(lookWrap, p.Reason), s.str(p.Ref), s.day(until(p.Settled, d)), s.day(until(p.Returned, d)), s.day(until(p.Credited, d)))
		return nil
	})
	if err != nil {
		return err
	}
	if s.row < first {
		s.none()
	}
	s.total("total.sum", map[int]any{6: s.formula(lookTotal, amount, "%s", sum(6, first, s.row)),
		7: s.formula(lookTotal, fee, "%s", sum(7, first, s.row)), 8: s.formula(lookTotal, amount+fee, "%s", sum(8, first, s.row))})
	return s.close()
}
