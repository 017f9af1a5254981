package statements

import (
	"context"
	"time"

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
	s, err := r.open(form{code: "channels", frozen: 3, widths: []float64{14, 12, 16, 16, 14, 16, 12, 12, 12, 12, 26}})
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
		pay, refund, fee, net = pay+c.Pay, refund+c.Refund, fee+c.Fee, net+c.Net
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

// bankRow is a line of the bank statement of the date.
type bankRow struct {
	Row     int          `db:"statement_row_no"`
	Ref     string       `db:"bank_ref"`
	Booked  bizdate.Date `db:"booking_date"`
	Value   bizdate.Date `db:"value_date"`
	Amount  money.Amount `db:"amount_fen"`
	Party   string       `db:"counterparty_name"`
	Account string       `db:"counterparty_account"`
	Remark  string       `db:"remark"`
	Use     string       `db:"use"`
	Matched string       `db:"matched_to"`
	Date    bizdate.Date `db:"matched_date"`
}

// writeBank writes the bank statement (银行流水) of the date with what each line
// was matched to, from its opening to line (1) of the reconciliation.
func (r *report) writeBank(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "bank", frozen: 3, widths: []float64{7, 22, 12, 12, 16, 16, 17, 24, 24, 28, 14, 30}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.bank"), r.below)
	s.head("row_no", "bank_ref", "booked", "value_date", "in", "out", "balance", "counterparty", "counterparty_account", "remark", "use", "matched_to")
	opening, err := r.bankOpening(ctx, tx)
	if err != nil {
		return err
	}
	var lines []bankRow
	if err := tx.Select(ctx, &lines, `SELECT COALESCE(b.statement_row_no, 0) AS statement_row_no, b.bank_ref, b.booking_date, b.value_date, b.amount_fen,
		b.counterparty_name, b.counterparty_account, b.remark, b.use, b.matched_to, b.matched_date
		FROM bank_lines b JOIN files f ON f.custody_id = b.custody_id AND f.file_id = b.statement_file_id
		WHERE b.custody_id = ? AND f.kind = 'statement' AND f.business_date = ? AND f.state = 'LOADED'
		ORDER BY f.file_id, b.statement_row_no`, r.in.Custody, r.in.Date); err != nil {
		return err
	}
	cells := s.span(lookTotalText, r.text("opening"))
	cells[6] = s.cell(lookTotal, number(opening))
	s.add(cells...)
	first, balance := s.row+1, opening
	var in, out money.Amount
	for _, l := range lines {
		row := s.row + 1
		balance += l.Amount
		credit, debit := s.str(""), s.str("")
		if l.Amount >= 0 {
			in, credit = in+l.Amount, s.amount(l.Amount)
		} else {
			out, debit = out-l.Amount, s.amount(-l.Amount)
		}
		matched, use := l.Matched, l.Use
		if l.Date > r.in.Date {
			matched = "" // found out later
		}
		s.add(s.count(l.Row), s.str(l.Ref), s.day(l.Booked), s.day(l.Value), credit, debit,
			s.formula(lookAmount, balance, "%s+N(%s)-N(%s)", at(7, row-1), at(5, row), at(6, row)),
			s.cell(lookWrap, l.Party), s.str(masked(l.Account)), s.cell(lookWrap, l.Remark), s.cell(lookCentre, r.named("use", use)), s.cell(lookWrap, matched))
	}
	last := s.row
	if len(lines) == 0 {
		last = s.none()
	}
	s.total("total.bank", map[int]any{
		5: s.formula(lookTotal, in, "%s", sum(5, first, last)), 6: s.formula(lookTotal, out, "%s", sum(6, first, last)),
		7: s.formula(lookGrand, opening+in-out, "%s+%s-%s", at(7, first-1), at(5, last+1), at(6, last+1)),
	})
	return s.close()
}

// bankOpening is the opening balance of the date's statement.
func (r *report) bankOpening(ctx context.Context, tx *store.Tx) (money.Amount, error) {
	var opening money.Amount
	_, err := tx.Find(ctx, &opening, `SELECT b.opening_fen FROM bank_statements b JOIN files f ON f.custody_id = b.custody_id AND f.file_id = b.file_id
		WHERE b.custody_id = ? AND f.kind = 'statement' AND f.business_date = ? AND f.state = 'LOADED' ORDER BY f.file_id LIMIT 1`, r.in.Custody, r.in.Date)
	return opening, err
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

// readExceptions returns what was open on the date or was closed on it.
func readExceptions(ctx context.Context, tx *store.Tx, id int64, date bizdate.Date) ([]exceptionRow, error) {
	var out []exceptionRow
	err := tx.Select(ctx, &out, `SELECT exception_id, kind, subject, state, opened_date, closed_date, channel, clearing_date, member, amount_fen, ours, theirs, owner, due_date
		FROM exceptions WHERE custody_id = ? AND opened_date <= ? AND (closed_date IS NULL OR closed_date >= ?) ORDER BY exception_id`, id, date, date)
	return out, err
}

// writeExceptions writes the differences (差错) with owner, due date and age.
func (r *report) writeExceptions(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "exceptions", frozen: 3, widths: []float64{15, 20, 26, 12, 12, 14, 14, 16, 24, 24, 12, 12, 9}})
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
	var sumFen money.Amount
	for _, x := range list {
		sumFen += x.Amount
		s.add(s.str(x.ID), s.cell(lookWrap, r.named("kind", x.Kind)), s.cell(lookWrap, x.Subject), s.cell(lookCentre, r.named("exception_state", x.State)),
			s.str(r.channelLabel(x.Channel)), s.str(x.Member), s.day(x.Opened), s.amount(x.Amount), s.cell(lookWrap, x.Ours), s.cell(lookWrap, x.Theirs),
			s.str(x.Owner), s.day(x.Due), s.count(x.Opened.DaysUntil(r.in.Date)))
	}
	if len(list) == 0 {
		s.none()
	}
	s.total("total.sum", map[int]any{8: s.formula(lookTotal, sumFen, "%s", sum(8, first, s.row))})
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

// writePayouts writes the payouts (出款) that moved on the date or were open at
// its cut; a returned one stays until it is credited to the member.
func (r *report) writePayouts(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "payouts", frozen: 3, widths: []float64{20, 18, 10, 24, 24, 16, 11, 16, 12, 12, 8, 22, 20, 12, 12, 12}})
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
		amount, fee = amount+p.Amount, fee+p.Fee
		row := s.row + 1
		s.add(s.str(p.Serial), s.str(p.Batch), s.str(p.Member), s.cell(lookWrap, p.Name), s.str(masked(p.Account)), s.amount(p.Amount), s.amount(p.Fee),
			s.formula(lookAmount, p.Amount+p.Fee, "%s+%s", at(6, row), at(7, row)), s.cell(lookCentre, r.named("payout_state", p.State)), s.day(p.Applied),
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

// maxMatched bounds the matches that are listed: 100,000 rows are some 6 MB and
// what a person can still filter. The count below the list is always complete.
const maxMatched = 100_000

// matchedQuery finds the matches of a date through the bills that were split on
// it or are of it, and through orders that were open and cleared on it, because
// matches are kept by bill and not by date.
const matchedQuery = `
FROM trade_matches m
JOIN bill_rows b ON b.custody_id = m.custody_id AND b.file_id = m.bill_file_id AND b.row_no = m.bill_row_no
JOIN orders o ON o.custody_id = m.custody_id AND o.file_id = m.order_file_id AND o.row_no = m.order_row_no
JOIN files f ON f.custody_id = m.custody_id AND f.file_id = m.bill_file_id
WHERE m.custody_id = ? AND m.accounting_date = ? AND (
    m.bill_file_id IN (SELECT bill_file_id FROM channel_days WHERE custody_id = ? AND (split_date = ? OR clearing_date = ?))
    OR m.bill_file_id IN (SELECT bill_file_id FROM open_orders WHERE custody_id = ? AND cleared_date = ? AND bill_file_id IS NOT NULL))`

// writeMatched streams the matches of the date (已匹配).
func (r *report) writeMatched(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "matched", frozen: 3, widths: []float64{8, 28, 22, 14, 14, 16, 14, 20, 26, 9, 16}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.matched"), r.below)
	s.head("kind", "order_no", "refund_no", "member", "channel", "amount", "fee", "trade_time", "file", "file_line", "match_rule")
	id, d := r.in.Custody, r.in.Date
	args := []any{id, d, id, d, d, id, d}
	var all struct {
		N      int          `db:"n"`
		Pay    money.Amount `db:"pay"`
		Refund money.Amount `db:"refund"`
	}
	if err := tx.Get(ctx, &all, `SELECT COUNT(*) AS n, CAST(COALESCE(SUM(CASE WHEN b.kind = 'PAY' THEN b.amount_fen ELSE 0 END), 0) AS BIGINT) AS pay,
		CAST(COALESCE(SUM(CASE WHEN b.kind = 'REFUND' THEN b.amount_fen ELSE 0 END), 0) AS BIGINT) AS refund`+matchedQuery, args...); err != nil {
		return err
	}
	err = tx.Each(ctx, `SELECT b.kind, b.order_no, b.refund_no, o.member, o.channel, b.amount_fen, b.fee_fen, b.trade_time, f.name, b.row_no, m.rule`+
		matchedQuery+" ORDER BY m.bill_file_id, m.bill_row_no LIMIT ?", append(args, maxMatched), func(scan func(...any) error) error {
		var kind, order, refund, member, channel, name, rule string
		var amount, fee money.Amount
		var at int64
		var line int
		if err := scan(&kind, &order, &refund, &member, &channel, &amount, &fee, &at, &name, &line, &rule); err != nil {
			return err
		}
		s.add(s.cell(lookCentre, r.named("trade", kind)), s.str(order), s.str(refund), s.str(member), s.str(r.channelLabel(channel)), s.amount(amount), s.amount(fee),
			s.str(time.Unix(at, 0).In(bizdate.Zone).Format("2006-01-02 15:04:05")), s.str(name), s.count(line), s.str(rule))
		return nil
	})
	if err != nil {
		return err
	}
	if all.N == 0 {
		s.none()
	}
	if all.N > maxMatched {
		s.merge(s.add(s.span(lookTotalText, r.text("more", all.N-maxMatched))...), 1, s.width)
	}
	s.merge(s.add(s.span(lookTotalText, r.text("matched.count", all.N, all.Pay.Grouped(), all.Refund.Grouped()))...), 1, s.width)
	return s.close()
}
