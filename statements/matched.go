package statements

import (
	"context"
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

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
	s, err := r.open(form{code: "matched", frozen: 3, widths: []int{8, 28, 22, 14, 14, 16, 14, 20, 26, 9, 16}})
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
			s.str(time.Unix(at, 0).In(bizdate.Zone).Format("2006-01-02 15:04:05")), s.str(name), s.count(line), s.str(r.named("match_rule", rule)))
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
