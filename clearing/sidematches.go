package clearing

import (
	"context"

	"custody/clearing/matches"
	"custody/clearing/payout"
	"custody/clearing/reconcile"
	"custody/internal/store"
)

// matchResults records which payouts the day's result files have answered, by
// serial and amount. A row that names no payout of its batch is refused with
// the file, so that every row has its payout.
func (w *Work) matchResults(ctx context.Context, tx *store.Tx) error {
	var list []matches.Match
	err := tx.Each(ctx, `SELECT p.serial, p.amount_fen, b.file_date FROM batches b
		CROSS JOIN payouts p
		WHERE p.custody_id = b.custody_id AND p.batch_no = b.batch_no AND b.custody_id = ? AND b.file_date >= ? AND b.file_date <= ? AND b.state IN (?, ?) AND p.answer <> ''
		AND NOT EXISTS (SELECT 1 FROM match_lines m WHERE m.custody_id = p.custody_id AND m.side = ? AND m.part = ? AND m.line = p.serial AND m.live = 1)
		ORDER BY b.batch_no, p.seq`,
		[]any{w.Book.ID(), w.Date.AddDays(-resultDays), w.Date, payout.BatchAnswered, payout.BatchReconciled, matches.Result, matches.Theirs},
		func(scan func(...any) error) error {
			ours := matches.Line{Part: matches.Ours}
			err := scan(&ours.Key, &ours.Amount, &ours.Date)
			theirs := ours
			theirs.Part = matches.Theirs
			list = append(list, matches.Match{Rule: ruleSerial, Version: 1, Evidence: "instruction+batch+amount", Alternatives: 1, Lines: []matches.Line{ours, theirs}})
			return err
		})
	if err != nil {
		return err
	}
	return matches.Save(ctx, tx, w.Book.ID(), matches.Result, w.Date, w.Actor, list)
}

// resultDays is how many days after its batch a result file may still come and
// be recorded: the query for a payout's state ends long before.
const resultDays = 31

// matchBalances records, member by member, that the bank's list of sub-accounts
// and ours agree. What differs is open, and R8 says by how much.
func (w *Work) matchBalances(ctx context.Context, tx *store.Tx) error {
	if !w.Config.Files.Balances {
		return nil
	}
	f, ok, err := w.file(ctx, tx, fileBalances, w.Config.Account, w.Date)
	if err != nil || !ok || f.State != FileLoaded {
		return err
	}
	movements, err := w.Book.Movements(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	differences, err := w.balanceDifferences(ctx, tx, f.ID, movements)
	if err != nil {
		return err
	}
	if err := w.openBalanceCases(ctx, tx, differences); err != nil {
		return err
	}
	differing := map[string]bool{}
	for _, d := range differences {
		differing[d.Member] = true
	}
	var list []matches.Match
	var open []matches.Line
	err = tx.Each(ctx, "SELECT member, available_fen + frozen_fen FROM bank_balances WHERE custody_id = ? AND file_id = ? ORDER BY member",
		[]any{w.Book.ID(), f.ID}, func(scan func(...any) error) error {
			line := matches.Line{Part: matches.Theirs, Date: w.Date}
			var member string
			if err := scan(&member, &line.Amount); err != nil {
				return err
			}
			line.Key = member + "@" + w.Date.Compact()
			if differing[member] {
				open = append(open, line)
				return nil
			}
			ours := line
			ours.Part = matches.Ours
			list = append(list, matches.Match{Rule: ruleMember, Version: 1, Evidence: "account+amount", Alternatives: 1, Lines: []matches.Line{ours, line}})
			return nil
		})
	if err != nil {
		return err
	}
	if len(list) > 0 {
		again, err := matches.Taken(ctx, tx, w.Book.ID(), matches.Balances, matches.Theirs, list[0].Lines[1].Key)
		if err != nil || again { // the day was reopened: its balances are matched already
			return err
		}
	}
	if err := matches.Save(ctx, tx, w.Book.ID(), matches.Balances, w.Date, w.Actor, list); err != nil {
		return err
	}
	return matches.AddOpen(ctx, tx, w.Book.ID(), matches.Balances, w.Date, false, open)
}

// matchArrival records which credits prove the money of which clearing dates.
func (w *Work) matchArrival(ctx context.Context, tx *store.Tx, v proven) error {
	if len(v.credits) == 0 {
		return nil
	}
	m := matches.Match{Rule: "arrival-" + string(v.days[0].Proof), Version: reconcile.StandardPlan().Version, Alternatives: 1,
		Evidence: string(reconcile.OnParty) + "+" + string(reconcile.OnAmount)}
	if v.days[0].Proof == reconcile.ByRemarkDate {
		m.Evidence = "batch+" + m.Evidence
	}
	for _, d := range v.days {
		m.Lines = append(m.Lines, matches.Line{Part: matches.Ours, Key: v.channel + "." + d.Date.Compact(), Amount: d.Net, Date: d.Date})
	}
	for _, c := range v.credits {
		m.Lines = append(m.Lines, matches.Line{Part: matches.Theirs, Key: c.BankRef, Amount: c.Amount, Date: c.Booked})
	}
	return matches.Save(ctx, tx, w.Book.ID(), matches.Channel, w.Date, w.Actor, []matches.Match{m})
}

// unmatchArrival takes back the match of a credit that is no more.
func (w *Work) unmatchArrival(ctx context.Context, tx *store.Tx, bankRef string) error {
	var id string
	found, err := tx.Find(ctx, &id, `SELECT match_id FROM match_lines WHERE custody_id = ? AND side = 'CHANNEL' AND part = 'THEIRS' AND line = ? AND live = 1`,
		w.Book.ID(), bankRef)
	if err != nil || !found {
		return err
	}
	return matches.Withdraw(ctx, tx, w.Book.ID(), w.Date, w.Actor, id, useVanished)
}
