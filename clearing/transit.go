package clearing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// channelDay is one channel on one clearing date: the unit of arrival and release.
type channelDay struct {
	Channel  string        `db:"channel"`
	Clearing bizdate.Date  `db:"clearing_date"`
	Pay      money.Amount  `db:"pay_fen"`
	Refund   money.Amount  `db:"refund_fen"`
	Fee      money.Amount  `db:"fee_fen"`
	Net      money.Amount  `db:"net_fen"`
	Due      bizdate.Date  `db:"due_date"`
	Split    *bizdate.Date `db:"split_date"`
	Arrived  *bizdate.Date `db:"arrived_date"`
	Line     *int64        `db:"bank_line_id"`
	Released *bizdate.Date `db:"released_date"`
	Held     string        `db:"held_reason"`
}

const channelDayColumns = `channel, clearing_date, pay_fen, refund_fen, fee_fen, net_fen, due_date, split_date,
	arrived_date, bank_line_id, released_date, held_reason`

// Reasons for which money that is due is held (暂缓).
const (
	heldInTransit = "IN_TRANSIT" // 在途未到
	heldNotSplit  = "NOT_SPLIT"  // 未清分
	heldVanished  = "VANISHED"   // the statement lacks the credit that the intraday report showed
)

// stepArriveIntraday books channel money that the intraday report shows (在途到账
// 核对, E3). Nothing else of that report is posted.
func (w *Work) stepArriveIntraday(ctx context.Context) (Counts, error) {
	// A report that comes after the step has nothing to say: the statement books
	// what it shows.
	if done, err := w.isDone(ctx, stepArrival, ""); err != nil || done {
		return Counts{}, err
	}
	if err := w.takeInbox(ctx, fileIntraday); err != nil {
		return Counts{}, err
	}
	missing, err := w.missing(ctx, fileIntraday)
	if err != nil {
		return Counts{}, err
	}
	f, ok, err := w.fileNow(ctx, fileIntraday, w.Config.Account)
	if err != nil {
		return Counts{}, err
	}
	if !ok && len(missing) > 0 {
		return Counts{}, waitList{fileWait(missing[0])}
	}
	inputs := []string{f.SHA256}
	return w.once(ctx, stepArrival, "", inputs, func(tx *store.Tx) (Counts, error) {
		lines, err := w.openCredits(ctx, tx, "intraday_file_id = ?", f.ID)
		if err != nil {
			return Counts{}, err
		}
		return w.arrive(ctx, tx, lines)
	})
}

// stepArriveStatement does the same from the end-of-day statement, and takes
// back in red what the intraday report showed and the statement lacks.
func (w *Work) stepArriveStatement(ctx context.Context) (Counts, error) {
	f, ok, err := w.fileNow(ctx, fileStatement, w.Config.Account)
	if err != nil || !ok {
		return Counts{}, err
	}
	for _, step := range []string{stepReceipts} {
		if done, err := w.isDone(ctx, step, ""); err != nil || !done {
			return Counts{}, err
		}
	}
	return w.once(ctx, stepTransit, "", []string{f.SHA256}, func(tx *store.Tx) (Counts, error) {
		if err := w.takeBackVanished(ctx, tx); err != nil {
			return Counts{}, err
		}
		lines, err := w.openCredits(ctx, tx, "statement_file_id IS NOT NULL AND booking_date <= ?", w.Date)
		if err != nil {
			return Counts{}, err
		}
		counts, err := w.arrive(ctx, tx, lines)
		if err != nil {
			return counts, err
		}
		fees, err := w.payFees(ctx, tx)
		return counts.Add(fees), err
	})
}

// openCredits returns the channels' credits that no voucher explains, in the
// order of the statement.
func (w *Work) openCredits(ctx context.Context, tx *store.Tx, where string, arg any) ([]bankLine, error) {
	var all, open []bankLine
	err := tx.Select(ctx, &all, "SELECT "+lineColumns+` FROM bank_lines WHERE custody_id = ? AND amount_fen > 0 AND matched_to = ''
		AND use IN ('', 'CHANNEL') AND `+where+" ORDER BY booking_date, COALESCE(statement_row_no, 0), line_id", w.Book.ID(), arg)
	for _, line := range all {
		if w.payer(line) != "" && line.serial() == "" {
			open = append(open, line)
		}
	}
	return open, err
}

// proven is a channel day whose money is in the bank, with the credits that prove it.
type proven struct {
	channel string
	days    []reconcile.Arrival
	credits []reconcile.Credit
	first   int64 // place of the first credit in the statement
}

// arrive asks for every channel which credits prove which clearing dates, and
// posts one voucher per set of credits, in the order of the bank's lines.
func (w *Work) arrive(ctx context.Context, tx *store.Tx, lines []bankLine) (Counts, error) {
	byID := make(map[int64]bankLine, len(lines))
	place := make(map[int64]int64, len(lines))
	for i, line := range lines {
		byID[line.ID], place[line.ID] = line, int64(i)
	}
	var vouchers []proven
	for _, ch := range w.Config.Channels {
		expected, err := w.awaited(ctx, tx, ch.Code)
		if err != nil {
			return Counts{}, err
		}
		var credits []reconcile.Credit
		for _, line := range lines {
			if w.payer(line) == ch.Code {
				credits = append(credits, reconcile.Credit{Ref: reconcile.Ref{File: line.ID}, BankRef: line.Ref, Amount: line.Amount,
					Booked: line.Booked, Payer: ch.Code, RemarkDates: nameDates(line.Remark)})
			}
		}
		arrivals, _ := reconcile.Arrivals(expected, credits, reconcile.Payer{Names: []string{ch.Code}})
		vouchers = append(vouchers, grouped(ch.Code, arrivals, place)...)
	}
	slices.SortStableFunc(vouchers, func(a, b proven) int { return cmp.Compare(a.first, b.first) })
	for _, v := range vouchers {
		if err := w.postArrival(ctx, tx, v, byID); err != nil {
			return Counts{}, err
		}
	}
	return Counts{In: len(lines), Done: len(vouchers), Skipped: len(lines) - len(vouchers)}, nil
}

// grouped puts the clearing dates that the same credits prove into one voucher.
func grouped(channel string, arrivals []reconcile.Arrival, place map[int64]int64) []proven {
	var list []proven
	for _, a := range arrivals {
		if a.Proof == "" {
			continue
		}
		v := proven{channel: channel, days: []reconcile.Arrival{a}, credits: a.Credits, first: -1}
		if len(a.Credits) > 0 {
			v.first = place[a.Credits[0].Ref.File]
		}
		if n := len(list); n > 0 && len(a.Credits) > 0 && len(list[n-1].credits) > 0 && list[n-1].credits[0].Ref == a.Credits[0].Ref {
			list[n-1].days = append(list[n-1].days, a)
			continue
		}
		list = append(list, v)
	}
	return list
}

// awaited lists the clearing dates of a channel that are reconciled and split
// and whose money has not come.
func (w *Work) awaited(ctx context.Context, tx *store.Tx, channel string) ([]reconcile.Expected, error) {
	var days []channelDay
	err := tx.Select(ctx, &days, "SELECT "+channelDayColumns+` FROM channel_days
		WHERE custody_id = ? AND channel = ? AND split_date IS NOT NULL AND arrived_date IS NULL ORDER BY clearing_date`, w.Book.ID(), channel)
	list := make([]reconcile.Expected, len(days))
	for i, d := range days {
		list[i] = reconcile.Expected{Date: d.Clearing, Net: d.Net}
	}
	return list, err
}

// postArrival posts E3: the bank has the net, the fee goes off what we owe the
// channel for it, and the channel owes nothing more for these clearing dates.
func (w *Work) postArrival(ctx context.Context, tx *store.Tx, v proven, lines map[int64]bankLine) error {
	date, ref, src := w.Date, w.Date.Compact()+"."+v.channel+"."+v.days[0].Date.Compact(), "nothing due"
	var err error
	var lineID any
	if len(v.credits) > 0 {
		line := lines[v.credits[0].Ref.File]
		if date, err = w.postable(ctx, tx, line.Booked); err != nil {
			return err
		}
		ref, src, lineID = line.reference(), w.lineSource(line), line.ID
	}
	legs, err := w.arrivalLegs(ctx, tx, v)
	if err != nil {
		return err
	}
	event := w.cardEvents(v.channel, eventArrive)
	if w.paysGross(v.channel) {
		event = eventArriveGross
	}
	if len(legs) > 0 {
		if err := w.post(ctx, tx, subaccounts.Posting{Date: date, Event: event, Reference: ref, Source: src, Legs: legs}); err != nil {
			return err
		}
	}
	for _, c := range v.credits {
		err := w.matchLine(ctx, tx, c.Ref.File, useChannel, event+":"+ref, date)
		if err := firstErr(err, w.endCase(ctx, tx, c.BankRef, exceptions.InTransit)); err != nil {
			return err
		}
	}
	for _, d := range v.days {
		_, err := tx.Exec(ctx, `UPDATE channel_days SET arrived_date = ?, bank_line_id = ?, held_reason = ''
			WHERE custody_id = ? AND channel = ? AND clearing_date = ?`, date, lineID, w.Book.ID(), v.channel, d.Date)
		if err := firstErr(err, w.endCase(ctx, tx, owed(v.channel, d.Date).String(), exceptions.InTransit)); err != nil {
			return err
		}
	}
	return w.matchArrival(ctx, tx, v)
}

func (w *Work) arrivalLegs(ctx context.Context, tx *store.Tx, v proven) ([]subaccounts.Leg, error) {
	var net money.Amount
	for _, c := range v.credits {
		net += c.Amount
	}
	var legs []subaccounts.Leg
	add := func(l subaccounts.Leg) {
		if l.Amount != 0 {
			legs = append(legs, l)
		}
	}
	add(subaccounts.Debit(bank, net))
	gross := w.paysGross(v.channel)
	for _, d := range v.days {
		var day channelDay
		err := tx.Get(ctx, &day, "SELECT "+channelDayColumns+" FROM channel_days WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
			w.Book.ID(), v.channel, d.Date)
		if err != nil {
			return nil, err
		}
		if !gross {
			add(subaccounts.Debit(subaccounts.ChannelDay("2501", v.channel, d.Date), day.Fee))
		}
		add(subaccounts.Credit(owed(v.channel, d.Date), day.Pay-day.Refund))
	}
	return legs, nil
}

// takeBackVanished reverses in red what an intraday report showed for the day
// and the statement does not: that channel's money is held until a person looks.
func (w *Work) takeBackVanished(ctx context.Context, tx *store.Tx) error {
	var lines []bankLine
	err := tx.Select(ctx, &lines, "SELECT "+lineColumns+` FROM bank_lines WHERE custody_id = ? AND booking_date = ?
		AND intraday_file_id IS NOT NULL AND statement_file_id IS NULL AND use = 'CHANNEL' ORDER BY line_id`, w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := firstErr(w.takeBackRelease(ctx, tx, line), w.unmatchArrival(ctx, tx, line.Ref)); err != nil {
			return err
		}
		event, ref, _ := strings.Cut(line.MatchedTo, ":")
		v, found, err := w.Book.VoucherByReference(ctx, tx, event, ref)
		if err != nil {
			return err
		}
		if found {
			if _, err := w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, w.Date, w.lineSource(line)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE channel_days SET arrived_date = NULL, bank_line_id = NULL, held_reason = ? WHERE custody_id = ? AND bank_line_id = ?",
			heldVanished, w.Book.ID(), line.ID)
		if err != nil {
			return err
		}
		// The line itself is no more: only its trace in the exception stays.
		if _, err := tx.Exec(ctx, "UPDATE bank_lines SET use = 'VANISHED', matched_date = ? WHERE custody_id = ? AND line_id = ?",
			w.Date, w.Book.ID(), line.ID); err != nil {
			return err
		}
		if err := w.open(ctx, tx, exceptions.Exception{Kind: exceptions.InTransit, Subject: line.Ref, Channel: w.payer(line), Amount: line.Amount,
			Theirs: line.Remark}); err != nil {
			return err
		}
	}
	return nil
}

// takeBackRelease reverses the release of the day that rested on a credit that
// is no more. Where members have no longer all of it, it stays as it is: the
// exception says so, and R9 that money is missing.
func (w *Work) takeBackRelease(ctx context.Context, tx *store.Tx, line bankLine) error {
	var days []channelDay
	err := tx.Select(ctx, &days, "SELECT "+channelDayColumns+` FROM channel_days
		WHERE custody_id = ? AND bank_line_id = ? AND released_date = ? ORDER BY clearing_date`, w.Book.ID(), line.ID, w.Date)
	if err != nil {
		return err
	}
	for _, d := range days {
		v, found, err := w.Book.VoucherByReference(ctx, tx, w.cardEvents(d.Channel, eventRelease), releaseReference(w.Date, d))
		if err != nil || !found {
			return err
		}
		_, err = w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, w.Date, w.lineSource(line))
		if refused(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range v.Entries {
			if e.Code != "2002" {
				continue
			}
			_, err := tx.Exec(ctx, `UPDATE settlements SET released_fen = released_fen - ?
				WHERE custody_id = ? AND clearing_date = ? AND channel = ? AND member = ?`, e.Amount, w.Book.ID(), d.Clearing, d.Channel, e.Owner)
			if err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE channel_days SET released_date = NULL WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
			w.Book.ID(), d.Channel, d.Clearing)
		if err != nil {
			return err
		}
	}
	return nil
}

func releaseReference(date bizdate.Date, d channelDay) string {
	return fmt.Sprintf("%s.%s.%s", date.Compact(), d.Channel, d.Clearing.Compact())
}

// stepReleaseMoney moves what is due, arrived and split to the members'
// withdrawable balances (E4, 结算释放). What is not is held with its reason.
func (w *Work) stepReleaseMoney(ctx context.Context) (Counts, error) {
	return w.once(ctx, stepRelease, "", nil, func(tx *store.Tx) (Counts, error) {
		days, items, err := w.due(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		stops, err := w.stops(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		var c Counts
		for _, d := range days {
			pending := items[d.item()]
			c.In++
			held := heldReason(d)
			if stops.why("channel:"+d.Channel) != "" {
				held = heldProof
			}
			if held == "" {
				c.Done++
				err = w.releaseDay(ctx, tx, d, pending)
			} else {
				c.Skipped++
				err = w.hold(ctx, tx, d, held)
			}
			if err != nil {
				return c, err
			}
		}
		return c, nil
	})
}

// heldReason says why money that is due may not be released, or "".
func heldReason(d channelDay) string {
	switch {
	case d.Held == heldVanished || d.Held == heldUndone:
		return d.Held
	case d.Split == nil:
		return heldNotSplit
	case d.Arrived == nil:
		return heldInTransit
	}
	return ""
}

func (w *Work) hold(ctx context.Context, tx *store.Tx, d channelDay, reason string) error {
	_, err := tx.Exec(ctx, "UPDATE channel_days SET held_reason = ? WHERE custody_id = ? AND channel = ? AND clearing_date = ?",
		reason, w.Book.ID(), d.Channel, d.Clearing)
	return err
}

// item is under which members' money of the channel day stands in 2002.
func (d channelDay) item() string { return d.Channel + "." + d.Clearing.Compact() }

// due returns the channel days of which money stands in 2002 and is due, by
// channel and clearing date, and that money by item in member order. It goes out
// from what stands there, which are the few days that are not released.
func (w *Work) due(ctx context.Context, tx *store.Tx) ([]channelDay, map[string][]subaccounts.ItemBalance, error) {
	standing, err := w.Book.Items(ctx, tx, subaccounts.Filter{Code: "2002"}) // in member order
	if err != nil {
		return nil, nil, err
	}
	items := map[string][]subaccounts.ItemBalance{}
	for _, it := range standing {
		items[it.Item] = append(items[it.Item], it)
	}
	var days []channelDay
	for _, item := range slices.Sorted(maps.Keys(items)) {
		at := max(strings.LastIndexByte(item, '.'), 0)
		clearing, err := bizdate.Parse(strings.TrimPrefix(item[at:], "."))
		if err != nil {
			continue // not of a channel
		}
		var d channelDay
		found, err := tx.Find(ctx, &d, "SELECT "+channelDayColumns+` FROM channel_days
			WHERE custody_id = ? AND channel = ? AND clearing_date = ? AND due_date <= ?`, w.Book.ID(), item[:at], clearing, w.Date)
		if err != nil {
			return nil, nil, err
		}
		if found {
			days = append(days, d)
		}
	}
	rank := w.Config.channelRank()
	slices.SortStableFunc(days, func(a, b channelDay) int {
		return cmp.Or(cmp.Compare(rank[a.Channel], rank[b.Channel]), cmp.Compare(a.Clearing, b.Clearing))
	})
	return days, items, nil
}

func (w *Work) releaseDay(ctx context.Context, tx *store.Tx, d channelDay, pending []subaccounts.ItemBalance) error {
	legs := make([]subaccounts.Leg, 0, 2*len(pending))
	for _, it := range pending {
		legs = append(legs, subaccounts.Debit(it.Key, -it.Balance))
	}
	for _, it := range pending {
		legs = append(legs, subaccounts.Credit(withdrawable(it.Owner), -it.Balance))
	}
	ref := releaseReference(w.Date, d)
	err := w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: w.cardEvents(d.Channel, eventRelease), Reference: ref, Source: "release " + d.Channel + " " + d.Clearing.String(), Legs: legs})
	if err != nil {
		return err
	}
	for _, it := range pending {
		_, err := tx.Exec(ctx, `UPDATE settlements SET released_fen = released_fen + ?
			WHERE custody_id = ? AND clearing_date = ? AND channel = ? AND member = ?`, -it.Balance, w.Book.ID(), d.Clearing, d.Channel, it.Owner)
		if err != nil {
			return err
		}
	}
	if err := w.settleEscrows(ctx, tx, d.Channel, d.Clearing); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE channel_days SET released_date = COALESCE(released_date, ?), held_reason = ''
		WHERE custody_id = ? AND channel = ? AND clearing_date = ?`, w.Date, w.Book.ID(), d.Channel, d.Clearing)
	return err
}

// withdrawable is a member's money that may be paid out (可提现).
func withdrawable(member string) subaccounts.Key { return subaccounts.Key{Code: "2001", Owner: member} }
