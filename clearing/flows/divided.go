package flows

import (
	"cmp"
	"slices"

	"custody/clearing/split"
	"custody/internal/money"
	"custody/subaccounts"
)

// Divided is an order as it was split, and what was given back of it since.
// Owners are the members of the parts: the franchisee first, head office (”)
// last, the others in the order of the voucher.
type Divided struct {
	Owners   []string
	Original split.Shares
	Before   split.Shares
}

// Divide reads an order's split from its voucher: what was posted, not what
// today's rule would give. requests are the split requests before it. Whoever
// receives twice has one part.
func Divide(v subaccounts.Voucher, member string, requests ...subaccounts.Voucher) Divided {
	d := Divided{Owners: []string{member}, Original: split.Shares{Parts: []money.Amount{0}}}
	var commission money.Amount
	entries := slices.Clone(v.Entries)
	for _, r := range requests {
		entries = append(entries, r.Entries...)
	}
	for _, e := range entries {
		switch {
		case e.Code == "2501":
			d.Original.Fee -= e.Amount
		case e.Code == "2302" && e.Amount > 0:
			d.Original.HeadOfficeBears = true
		case e.Code == "2302":
			commission -= e.Amount
		case e.Code == "2002":
			i := slices.Index(d.Owners, e.Owner)
			if i < 0 {
				i = len(d.Owners)
				d.Owners, d.Original.Parts = append(d.Owners, e.Owner), append(d.Original.Parts, 0)
			}
			d.Original.Parts[i] -= e.Amount
		}
	}
	d.Owners, d.Original.Parts = append(d.Owners, ""), append(d.Original.Parts, commission)
	return d
}

// GiveBack adds earlier refunds to what was given back: E7a by the shares that
// it gave, which follow from the order of the vouchers; E7c and E22, which the
// franchisee bears alone, in whole to it. Where money came from does not matter:
// a part that 2305 advanced is still its owner's.
func (d *Divided) GiveBack(earlier ...subaccounts.Voucher) error {
	slices.SortFunc(earlier, func(a, b subaccounts.Voucher) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range slices.CompactFunc(earlier, func(a, b subaccounts.Voucher) bool { return a.ID == b.ID }) {
		amount, feeBack := Refunded(v)
		shares := split.Shares{Parts: make([]money.Amount, len(d.Owners))}
		shares.Parts[0] = amount
		var err error
		if v.Event == "E7a" {
			shares, err = split.Refund(d.Original, d.Before, amount, feeBack)
		}
		if err == nil {
			d.Before, err = d.Before.Add(shares)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Refunded reads from a refund's voucher what the shares of the order gave back,
// to the customer and of his coupon to head office (2303), and what the channel
// gives back of its fee.
func Refunded(v subaccounts.Voucher) (amount, feeBack money.Amount) {
	for _, e := range v.Entries {
		switch e.Code {
		case "2202", "2303":
			amount -= e.Amount
		case "2501":
			feeBack += e.Amount
		}
	}
	return amount, feeBack
}
