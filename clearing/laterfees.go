package clearing

import (
	"context"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// paysGross reports whether the channel pays the whole and its fee is taken later.
func (w *Work) paysGross(code string) bool {
	ch, _ := w.Config.Channel(code)
	return ch.gross()
}

// feeTaker returns the channel whose fee the line takes (手续费后收), or "".
func (w *Work) feeTaker(line bankLine) string {
	for _, ch := range w.Config.Channels {
		if ch.FeeDebit.isOf(line) {
			return ch.Code
		}
	}
	return ""
}

// payFees posts the fees that the bank took for channels that pay gross (E3h): a
// line pays the clearing dates whose bills it is equal to, by the date in its
// remark, by the amount of one date, or as the sum of the oldest. A line that is
// none of these is an exception until one of a later night explains it.
func (w *Work) payFees(ctx context.Context, tx *store.Tx) (Counts, error) {
	var c Counts
	for _, ch := range w.Config.Channels {
		if !ch.gross() {
			continue
		}
		part, err := w.payFeesOf(ctx, tx, ch)
		if c = c.Add(part); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (w *Work) payFeesOf(ctx context.Context, tx *store.Tx, ch Channel) (c Counts, err error) {
	debits, err := w.openFees(ctx, tx, ch)
	if err != nil || len(debits) == 0 {
		return c, err
	}
	due, err := w.unpaidFees(ctx, tx, ch.Code)
	if err != nil {
		return c, err
	}
	byID := map[int64]bankLine{}
	taken := make([]reconcile.Credit, len(debits))
	for i, line := range debits {
		byID[line.ID] = line
		taken[i] = reconcile.Credit{Ref: reconcile.Ref{File: line.ID}, BankRef: line.Ref, Amount: -line.Amount, Booked: line.Booked,
			Payer: ch.Code, RemarkDates: nameDates(line.Remark)}
	}
	days, unexplained := reconcile.Arrivals(due, taken, reconcile.Payer{Names: []string{ch.Code}})
	paid := grouped(ch.Code, days, map[int64]int64{})
	for _, p := range paid {
		if len(p.credits) == 0 {
			continue
		}
		if err := w.postFee(ctx, tx, p, byID); err != nil {
			return c, err
		}
		c.Done += len(p.credits)
	}
	for _, t := range unexplained {
		line := byID[t.Ref.File]
		err := w.open(ctx, tx, exceptions.Exception{Kind: exceptions.OffSystem, Subject: line.Ref, Channel: ch.Code, Amount: -line.Amount,
			Theirs: strings.TrimSpace(line.Name + " " + line.Remark)})
		if err != nil {
			return c, err
		}
	}
	c.In, c.Failed = len(debits), len(unexplained)
	return c, nil
}

// openFees returns the lines that took the channel's fee and that no voucher explains.
func (w *Work) openFees(ctx context.Context, tx *store.Tx, ch Channel) ([]bankLine, error) {
	var all, open []bankLine
	err := tx.Select(ctx, &all, "SELECT "+lineColumns+` FROM bank_lines WHERE custody_id = ? AND amount_fen < 0 AND matched_to = ''
		AND use = 'FEE' AND statement_file_id IS NOT NULL AND booking_date <= ? ORDER BY booking_date, statement_row_no, line_id`, w.Book.ID(), w.Date)
	for _, line := range all {
		if w.feeTaker(line) == ch.Code {
			open = append(open, line)
		}
	}
	return open, err
}

// unpaidFees are the fees of the channel's bills that are split and not taken.
func (w *Work) unpaidFees(ctx context.Context, tx *store.Tx, channel string) ([]reconcile.Expected, error) {
	var days []channelDay
	err := tx.Select(ctx, &days, "SELECT "+channelDayColumns+` FROM channel_days
		WHERE custody_id = ? AND channel = ? AND split_date IS NOT NULL AND fee_paid_date IS NULL AND fee_fen <> 0 ORDER BY clearing_date`,
		w.Book.ID(), channel)
	list := make([]reconcile.Expected, len(days))
	for i, d := range days {
		list[i] = reconcile.Expected{Date: d.Clearing, Net: d.Fee}
	}
	return list, err
}

// postFee posts E3h: what we owed the channel for these clearing dates left the
// account.
func (w *Work) postFee(ctx context.Context, tx *store.Tx, p proven, lines map[int64]bankLine) error {
	first := lines[p.credits[0].Ref.File]
	date, err := w.postable(ctx, tx, first.Booked)
	if err != nil {
		return err
	}
	legs, total := feeLegsOf(p)
	legs = append(legs, subaccounts.Credit(bank, total))
	err = w.post(ctx, tx, subaccounts.Posting{Date: date, Event: eventLaterFee, Reference: first.reference(), Source: w.lineSource(first), Legs: legs})
	if err != nil {
		return err
	}
	for _, c := range p.credits {
		err := w.matchLine(ctx, tx, c.Ref.File, useFee, eventLaterFee+":"+first.reference(), date)
		if err := firstErr(err, w.endCase(ctx, tx, c.BankRef, exceptions.OffSystem)); err != nil {
			return err
		}
	}
	return w.markFeesPaid(ctx, tx, p, date)
}

func feeLegsOf(p proven) (legs []subaccounts.Leg, total money.Amount) {
	for _, d := range p.days {
		key := subaccounts.ChannelDay("2501", p.channel, d.Date)
		if d.Net > 0 {
			legs = append(legs, subaccounts.Debit(key, d.Net))
		} else {
			legs = append(legs, subaccounts.Credit(key, -d.Net))
		}
		total += d.Net // they add up to the bank's lines
	}
	return legs, total
}

func (w *Work) markFeesPaid(ctx context.Context, tx *store.Tx, p proven, date bizdate.Date) error {
	for _, d := range p.days {
		_, err := tx.Exec(ctx, "UPDATE channel_days SET fee_paid_date = ? WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
			date, w.Book.ID(), p.channel, d.Date)
		if err != nil {
			return err
		}
	}
	return nil
}
