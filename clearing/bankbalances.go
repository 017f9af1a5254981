package clearing

import (
	"context"

	"custody/clearing/payout"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// memberDifference is by how much we and the bank's list of sub-accounts differ
// about a member: ours less the bank's, fen.
type memberDifference struct {
	Member            string
	Available, Frozen money.Amount
}

// balanceDifferences compares each member with the bank's list of sub-accounts
// (子账户余额文件): those that the bank lists in order of code, then those that it
// does not. Members who agree are left out.
func (w *Work) balanceDifferences(ctx context.Context, tx *store.Tx, file int64, movements []subaccounts.Movement) ([]memberDifference, error) {
	type view struct{ available, frozen money.Amount }
	ours := map[string]view{}
	// The bank knows nothing of payouts that were drawn up and never sent.
	flying, err := payout.OnTheWay(ctx, tx, w.Book.ID(), w.Date)
	if err != nil {
		return nil, err
	}
	for _, p := range flying {
		if p.Unsent {
			ours[p.Owner] = view{available: ours[p.Owner].available + p.Amount}
		}
	}
	later, err := w.toldLater(ctx, tx, w.Date)
	if err != nil {
		return nil, err
	}
	for member, amount := range later {
		ours[member] = view{available: ours[member].available - amount}
	}
	for _, m := range movements {
		v := ours[m.Owner]
		switch m.Code {
		case "2001", "2002":
			v.available -= m.Closing
		case "2003":
			v.frozen -= m.Closing
		default:
			continue
		}
		ours[m.Owner] = v
	}
	var list []memberDifference
	differ := func(member string, v view) {
		if v != (view{}) {
			list = append(list, memberDifference{member, v.available, v.frozen})
		}
	}
	err = tx.Each(ctx, "SELECT member, available_fen, frozen_fen FROM bank_balances WHERE custody_id = ? AND file_id = ? ORDER BY member",
		[]any{w.Book.ID(), file}, func(scan func(...any) error) error {
			var member string
			var bank view
			if err := scan(&member, &bank.available, &bank.frozen); err != nil {
				return err
			}
			differ(member, view{ours[member].available - bank.available, ours[member].frozen - bank.frozen})
			delete(ours, member)
			return nil
		})
	for _, m := range movements { // members that the bank does not list, in a fixed order
		if v, left := ours[m.Owner]; left && m.Code == "2001" {
			differ(m.Owner, v)
		}
	}
	return list, err
}
