package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Expected is the net of one channel's bill of a clearing date (清算日期) whose
// money has not been proven to be in the bank: payments less refunds and fee. It
// is negative where refunds outweigh payments; the channel then takes it off a
// later payment.
type Expected struct {
	Date bizdate.Date
	Net  money.Amount
}

// Credit is a bank credit that may be the channel's.
type Credit struct {
	Ref         Ref // unique
	BankRef     string
	Amount      money.Amount
	Booked      bizdate.Date
	Payer       string         // counterparty name
	Account     string         // counterparty account; may be empty
	RemarkDates []bizdate.Date // the days that its text names
}

// Payer is how the bank names a channel: any of its accounts or of its names.
type Payer struct{ Accounts, Names []string }

// pays reports whether the channel made the credit. An account decides where
// both know one; else the name, which must be the whole name.
func (p Payer) pays(c Credit) bool {
	if c.Account != "" && len(p.Accounts) > 0 {
		return slices.Contains(p.Accounts, c.Account)
	}
	return slices.Contains(p.Names, strings.TrimSpace(c.Payer))
}

// Proof is why a clearing date's money counts as arrived.
type Proof string

// The proofs, in the order in which they are tried.
const (
	ByRemarkDate Proof = "remark-date" // the credits that name the date are exactly its net
	ByAmount     Proof = "amount"      // a credit of exactly its net, and no other reading
	BySum        Proof = "sum"         // a credit is exactly the sum of the oldest dates in a row
	NothingDue   Proof = "nothing-due" // the net is zero: nothing will come
)

// Reason is why it does not.
type Reason string

// The reasons. Append only.
const (
	NotArrived    Reason = "NOT_ARRIVED"    // 在途未到
	AmountUnequal Reason = "AMOUNT_DIFFERS" // 到账金额不符: a credit came, but not of this amount
	Ambiguous     Reason = "AMBIGUOUS"      // 到账无法归属: more than one reading fits
)

// Arrival is the answer for one clearing date (在途到账核对): proven by Proof and
// Credits, or not, for a Reason, with the credit that comes nearest.
type Arrival struct {
	Expected
	Proof   Proof    // empty where not proven
	Credits []Credit // one, or several that together are the net; on BySum shared by all its dates
	Reason  Reason   // empty where proven
	Near    *Credit  // for the reason; nil where there is none
}

// Arrivals finds the bank credits that prove that one channel's money arrived,
// for all its open clearing dates at once. Only credits of the channel booked on
// the clearing date or later count, the amount must be equal to the fen, and no
// credit proves twice. A date in the remark is preferred; without one an equal
// amount proves only if nothing else fits; one credit for several dates proves
// them only if they are the oldest open ones in a row and sum to it exactly.
// Whatever is not proven stays in transit: nothing is guessed.
//
// The answers come by date, oldest first. unassigned are the channel's credits
// that prove nothing (2401 渠道待分配), in the order of booking. Dates are unique.
func Arrivals(open []Expected, credits []Credit, payer Payer) (arrivals []Arrival, unassigned []Credit) {
	a := newArrivals(open, credits, payer)
	a.byRemarkDate()
	// A date proven by sum makes another one the oldest, and takes a reading
	// away from an ambiguous credit: go on until nothing moves.
	for a.byAmount() || a.bySum() {
	}
	a.reasons()
	for i, c := range a.credits {
		if !a.used[i] {
			unassigned = append(unassigned, c)
		}
	}
	return a.dates, unassigned
}

type arriving struct {
	dates   []Arrival
	credits []Credit // of the channel, in the order of booking
	used    []bool   // by credit
}

func newArrivals(open []Expected, credits []Credit, payer Payer) *arriving {
	a := &arriving{}
	for _, e := range open {
		d := Arrival{Expected: e}
		if e.Net == 0 {
			d.Proof = NothingDue
		}
		a.dates = append(a.dates, d)
	}
	slices.SortFunc(a.dates, func(x, y Arrival) int {
		return cmp.Or(cmp.Compare(x.Date, y.Date), cmp.Compare(x.Net, y.Net))
	})
	for _, c := range credits {
		if c.Amount > 0 && payer.pays(c) {
			a.credits = append(a.credits, c)
		}
	}
	slices.SortFunc(a.credits, func(x, y Credit) int {
		return cmp.Or(cmp.Compare(x.Booked, y.Booked), x.Ref.Compare(y.Ref), strings.Compare(x.BankRef, y.BankRef))
	})
	a.used = make([]bool, len(a.credits))
	return a
}

// prove marks date d as arrived by credits.
func (a *arriving) prove(d int, by Proof, credits ...int) {
	a.dates[d].Proof = by
	for _, c := range credits {
		a.dates[d].Credits = append(a.dates[d].Credits, a.credits[c])
		a.used[c] = true
	}
}

// names reports whether the credit names this one date and no other.
func (c Credit) names(d bizdate.Date) bool {
	return len(c.RemarkDates) == 1 && c.RemarkDates[0] == d && c.Booked >= d
}

// byRemarkDate proves a date by one credit that names it and is its net, the
// earliest of several, or else by all the credits that name it together.
func (a *arriving) byRemarkDate() {
	for d := range a.dates {
		want := a.dates[d]
		if want.Proof != "" {
			continue
		}
		var naming []int
		var sum money.Amount
		var err error
		for c, credit := range a.credits {
			if a.used[c] || !credit.names(want.Date) {
				continue
			}
			if credit.Amount == want.Net {
				naming, sum = []int{c}, credit.Amount
				break
			}
			naming = append(naming, c)
			if sum, err = sum.Add(credit.Amount); err != nil {
				naming = nil
				break
			}
		}
		if len(naming) > 0 && sum == want.Net {
			a.prove(d, ByRemarkDate, naming...)
		}
	}
}

// byAmount proves dates by credits of exactly their net, the oldest by the
// earliest: of each amount there must be a free credit for every open date, and
// none of them may also be a sum of the oldest dates. It reports whether it
// proved anything.
func (a *arriving) byAmount() bool {
	for d := range a.dates {
		want := a.dates[d]
		if want.Proof != "" || want.Net <= 0 {
			continue
		}
		dates, credits := a.ofAmount(want.Net)
		if len(credits) < len(dates) {
			continue
		}
		oneReading := true
		for k, d := range dates {
			oneReading = oneReading && a.credits[credits[k]].Booked >= a.dates[d].Date &&
				len(a.oldestSum(credits[k])) == 0
		}
		if !oneReading {
			continue
		}
		for k, d := range dates {
			a.prove(d, ByAmount, credits[k])
		}
		return true
	}
	return false
}

// ofAmount returns the open dates of a net and the free credits of that amount.
func (a *arriving) ofAmount(net money.Amount) (dates, credits []int) {
	for d, date := range a.dates {
		if date.Proof == "" && date.Net == net {
			dates = append(dates, d)
		}
	}
	for c, credit := range a.credits {
		if !a.used[c] && credit.Amount == net {
			credits = append(credits, c)
		}
	}
	return dates, credits
}

// bySum proves the oldest open dates by one credit that is their sum, unless it
// is also the net of a single one. It reports whether it proved anything.
func (a *arriving) bySum() bool {
	for c := range a.credits {
		if a.used[c] {
			continue
		}
		dates := a.oldestSum(c)
		single, _ := a.ofAmount(a.credits[c].Amount)
		if len(dates) == 0 || len(single) > 0 {
			continue
		}
		for _, d := range dates {
			a.prove(d, BySum, c)
		}
		return true
	}
	return false
}

// oldestSum returns the two or more oldest open dates that sum to the credit,
// the fewest of them; nil where there are none. Its remark is not asked: channels
// print the day of payment there as often as the days that are paid.
func (a *arriving) oldestSum(c int) []int {
	credit := a.credits[c]
	var dates []int
	var sum money.Amount
	for d, date := range a.dates {
		if date.Proof != "" {
			continue
		}
		if date.Date > credit.Booked {
			return nil
		}
		var err error
		if sum, err = sum.Add(date.Net); err != nil {
			return nil
		}
		dates = append(dates, d)
		if sum == credit.Amount && len(dates) > 1 {
			return dates
		}
	}
	return nil
}

// reasons says of every date that is still open why it is not proven.
func (a *arriving) reasons() {
	oldest := true
	for d := range a.dates {
		date := &a.dates[d]
		if date.Proof != "" {
			continue
		}
		date.Reason = NotArrived
		for c := range a.credits {
			credit := &a.credits[c]
			if a.used[c] || credit.Booked < date.Date {
				continue
			}
			switch {
			case credit.Amount == date.Net:
				date.Reason, date.Near = Ambiguous, credit
			case date.Reason != NotArrived: // the first such credit stands
			case credit.names(date.Date), oldest && len(credit.RemarkDates) == 0:
				date.Reason, date.Near = AmountUnequal, credit
			}
			if slices.Contains(a.oldestSum(c), d) {
				date.Reason, date.Near = Ambiguous, credit
			}
			if date.Reason == Ambiguous {
				break
			}
		}
		oldest = false
	}
}
