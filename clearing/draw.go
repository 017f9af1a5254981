package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/corporate"
	"custody/clearing/identity"
	"custody/clearing/payout"
	"custody/clearing/routes"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// draw lists who is paid what; skipped are members with money whose account or
// state forbids it.
func (w *Work) draw(ctx context.Context, tx *store.Tx) (list []payout.Payout, skipped int, err error) {
	balances, err := w.Book.Balances(ctx, tx, subaccounts.Filter{Code: "2001"})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(balances, func(a, b subaccounts.AccountBalance) int { return strings.Compare(a.Owner, b.Owner) })
	members, err := w.memberSet(ctx, tx)
	if err != nil {
		return nil, 0, err
	}
	fee, least := w.Config.Payout.FeeFen(), max(w.Config.Payout.MinimumFen(), 1)
	for _, b := range balances {
		amount := -b.Balance - fee
		if amount < least {
			continue
		}
		bound, found, err := w.Book.CurrentBinding(ctx, tx, b.Owner)
		if err != nil {
			return nil, 0, err
		}
		if !found || bound.Status != "VERIFIED" || members[b.Owner].Status != "NORMAL" {
			skipped++
			continue
		}
		p := payout.Payout{Kind: payout.Settlement, Member: b.Owner, AccountNo: bound.AccountNo, AccountName: bound.AccountName, CNAPS: bound.CNAPS,
			BankName: bound.BankName, Amount: amount, Fee: fee}
		if p.Withheld, p.TaxVersion, err = w.withhold(ctx, tx, b.Owner, amount); err != nil {
			return nil, 0, err
		}
		if p.Amount -= p.Withheld; p.Amount < least {
			skipped++
			continue
		}
		if ok, err := w.settles(ctx, tx, members[b.Owner], bound, &p); err != nil {
			return nil, 0, err
		} else if !ok {
			skipped++
			continue
		}
		list = append(list, p)
	}
	return list, skipped, nil
}

// settles reports whether a member's balance may be paid to his account today: it
// carries his legal name, has cooled off, is not head office's own, and a rail
// takes it.
func (w *Work) settles(ctx context.Context, tx *store.Tx, m subaccounts.Member, bound subaccounts.Binding, p *payout.Payout) (bool, error) {
	if corporate.Plain(bound.AccountNo) == corporate.Plain(w.Config.Corporate.Account) {
		return false, nil
	}
	name, known, err := w.legalName(ctx, tx, m)
	if err != nil || known && identity.SameName(name, bound.AccountName) != nil {
		return false, err
	}
	err = w.cooledOff(ctx, tx, bound)
	if fault.CodeOf(err) == "withdraw.cooling" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return w.route(p)
}

// drawOrders lists the payment orders that wait, in the order in which they came;
// waiting are those that no rail takes at this hour.
func (w *Work) drawOrders(ctx context.Context, tx *store.Tx) (list []payout.Payout, waiting int, err error) {
	asked, err := payout.Waiting(ctx, tx, w.Book.ID())
	if err != nil {
		return nil, 0, err
	}
	for _, o := range asked {
		p := payoutOf(o)
		taken, err := w.route(&p)
		switch {
		case err != nil:
			return nil, 0, err
		case !taken:
			waiting++
		default:
			list = append(list, p)
		}
	}
	return list, waiting, nil
}

// route gives a payout its rail, chosen for the instant at which the day's files
// are sent, and keeps why. Where custody.yaml has no rails all go by its one
// route. taken is false where no rail takes it.
func (w *Work) route(p *payout.Payout) (taken bool, err error) {
	table := w.Config.Payout.table()
	if len(table) == 0 {
		p.Route = w.Config.Payout.Route
		return true, nil
	}
	c, err := routes.Choose(table, p.Amount, instant(stepSend, w.Date), w.Calendar, routes.Payee{Bank: p.BankName, CNAPS: p.CNAPS, SuperBank: p.SuperBank})
	if fault.CodeOf(err) == "routes.none" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	why, err := json.Marshal(c)
	p.Route, p.CNAPS, p.SuperBank, p.Why = string(c.Rail), c.CNAPS, c.SuperBank, string(why)
	return true, err
}

// saveRounds saves a set of payouts as batches, in rounds that the day has not had.
func (w *Work) saveRounds(ctx context.Context, tx *store.Tx, list []payout.Payout) error {
	if len(list) == 0 {
		return nil
	}
	last, err := payout.LastRound(ctx, tx, w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	for round := last + 1; len(list) > 0; round++ {
		n := min(len(list), payout.MaxRows)
		if err := w.saveBatch(ctx, tx, round, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// stillPayable leaves out the settlements that no longer stand as they were
// drawn: since then the member withdrew, was stopped, or has another account.
func (w *Work) stillPayable(ctx context.Context, tx *store.Tx, list []payout.Payout) ([]payout.Payout, error) {
	members, err := w.memberSet(ctx, tx)
	if err != nil {
		return nil, err
	}
	payable := make([]payout.Payout, 0, len(list))
	for _, p := range list {
		if p.Kind == payout.Settlement {
			left, err1 := w.Book.Balance(ctx, tx, withdrawable(p.Member))
			bound, found, err2 := w.Book.CurrentBinding(ctx, tx, p.Member)
			if err := firstErr(err1, err2); err != nil {
				return nil, err
			}
			same := found && bound.Status == subaccounts.BindingVerified && bound.AccountNo == p.AccountNo && bound.AccountName == p.AccountName
			if -left < p.Whole() || members[p.Member].Status != subaccounts.StatusNormal || !same {
				continue
			}
		}
		payable = append(payable, p)
	}
	return payable, nil
}

// drawAgain drops a draft and submits what of it is still payable as a further
// round: nobody has seen the draft's serials yet. What is left out waits for the
// next drawing.
func (w *Work) drawAgain(ctx context.Context, tx *store.Tx, b payout.Batch, payable []payout.Payout) error {
	id := w.Book.ID()
	err := firstErr(payout.MoveAll(ctx, tx, id, b.BatchNo, payout.Draft, payout.Cancelled, 0), payout.Release(ctx, tx, id, b.BatchNo))
	if err != nil {
		return err
	}
	b.State = payout.BatchRejected
	if err := payout.UpdateBatch(ctx, tx, id, b); err != nil || len(payable) == 0 {
		return err
	}
	before, err := payout.Batches(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := w.saveRounds(ctx, tx, payable); err != nil {
		return err
	}
	after, err := payout.Batches(ctx, tx, id)
	for _, d := range after {
		if err == nil && !slices.ContainsFunc(before, func(old payout.Batch) bool { return old.BatchNo == d.BatchNo }) {
			err = w.submit(ctx, tx, d)
		}
	}
	return err
}
