// Package flows turns business events (业务事件) into vouchers: own funds come in,
// an order is split, a payout is returned, a refund cannot go back. Each event is
// a method of its flow; it takes what people and files say (amounts, member,
// channel, clearing date, reference) and works out the legs itself.
//
//	j := flows.Journal{Book: book, Tx: tx, Date: day, Actor: "importer", At: now, Source: "orders-20260212.csv:2"}
//	err := j.Collections().Receive(ctx, flows.Receipt{Reference: "20260212.WX.W1", Channel: "WX", Clearing: day, Amount: 1000_00})
//	err = j.Collections().Split(ctx, flows.Order{Reference: "20260212.WX.W1", Channel: "WX", Clearing: day, Member: "A", Partner: "B", FeePPM: 6000}, rule)
//
// Whoever calls owns the transaction; a flow posts into it and never commits.
// An event is known by its name and reference: the same once more is a no-op,
// with other content ledger.conflict. What an event takes back, releases or pays
// must be open in the ledger to the fen, or it is refused and changes nothing.
//
// What only two people may decide takes the id of an approval whose content is
// exactly the request: else flows.approval or approval.changed.
package flows

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"custody/clearing/approval"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Journal is where a flow posts: one book, one transaction, one accounting date.
type Journal struct {
	Book   *subaccounts.Book
	Tx     *store.Tx
	Date   bizdate.Date // 会计日
	Actor  string
	At     time.Time
	Source string // file row, instruction or step run
}

// The flows. Each is a view of the same journal.
func (j Journal) OwnFunds() OwnFunds       { return OwnFunds{j} }
func (j Journal) Collections() Collections { return Collections{j} }
func (j Journal) Withdrawals() Withdrawals { return Withdrawals{j} }
func (j Journal) Refunds() Refunds         { return Refunds{j} }
func (j Journal) Suspense() Suspense       { return Suspense{j} }
func (j Journal) Recharges() Recharges     { return Recharges{j} }
func (j Journal) Holds() Holds             { return Holds{j} }
func (j Journal) Members() Members         { return Members{j} }
func (j Journal) Advances() Advances       { return Advances{j} }
func (j Journal) Corrections() Corrections { return Corrections{j} }

// Post posts one voucher whose legs follow from the arguments alone; legs of
// nothing are left out. An amount below zero is flows.amount; for the rest see
// [subaccounts.Batch.Post].
func (j Journal) Post(ctx context.Context, event, reference string, legs ...subaccounts.Leg) error {
	_, err := j.Book.Post(ctx, j.Tx, j.Actor, j.At, subaccounts.Posting{
		Date: j.Date, Event: event, Reference: reference, Source: j.Source, Legs: withoutZero(legs)})
	return err
}

// Once posts one voucher whose other legs depend on what the ledger holds. Where
// the event is there already with the legs that the arguments give, it does
// nothing; with others it is ledger.conflict. fixed are those legs; rest is asked
// for the others only where the event is new.
func (j Journal) Once(ctx context.Context, event, reference string, fixed []subaccounts.Leg, rest func() ([]subaccounts.Leg, error)) error {
	v, found, err := j.Book.VoucherByReference(ctx, j.Tx, event, reference)
	if err != nil {
		return err
	}
	if found {
		return sameLegs(v, fixed)
	}
	legs, err := rest()
	if err != nil {
		return err
	}
	return j.Post(ctx, event, reference, append(legs, fixed...)...)
}

// sameLegs reports a voucher that lacks one of the legs as a conflict.
func sameLegs(v subaccounts.Voucher, legs []subaccounts.Leg) error {
	for _, leg := range withoutZero(legs) {
		found := false
		for _, e := range v.Entries {
			found = found || e.Key == leg.Key && e.Amount == leg.Amount
		}
		if !found {
			return fault.Invalid("ledger.conflict", v.Event, v.Reference, v.Name())
		}
	}
	return nil
}

func withoutZero(legs []subaccounts.Leg) []subaccounts.Leg {
	out := make([]subaccounts.Leg, 0, len(legs))
	for _, l := range legs {
		if l.Amount != 0 {
			out = append(out, l)
		}
	}
	return out
}

// Decided reports whether two people approved exactly this request for this
// event: else flows.approval, or approval.changed where what is stored is not
// what was approved.
func (j Journal) Decided(ctx context.Context, approvalID, event string, request any) error {
	a, found, err := approval.Find(ctx, j.Tx, j.Book.ID(), approvalID)
	if err != nil {
		return err
	}
	if !found || a.State != approval.Approved || a.Checker == nil || *a.Checker == a.Maker || a.Kind != event {
		return fault.Invalid("flows.approval", event).On("approval", approvalID)
	}
	if err := a.Intact(); err != nil {
		return err
	}
	raw, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if approval.Hash(raw) != a.ContentHash {
		return fault.Broken("approval.changed", a.ID)
	}
	return nil
}

// versionsMax bounds the versions of one voucher: each is a correction of the
// one before it by two people.
const versionsMax = 100

// standing returns the voucher of an event that is in force: what was reversed in
// red does not count, the version after it (reference#2, #3 ...) does.
func (j Journal) standing(ctx context.Context, event, reference string) (subaccounts.Voucher, bool, error) {
	for version := 1; version <= versionsMax; version++ {
		name := reference
		if version > 1 {
			name += "#" + strconv.Itoa(version)
		}
		v, found, err := j.Book.VoucherByReference(ctx, j.Tx, event, name)
		if err != nil || !found {
			return v, false, err
		}
		_, reversed, err := j.Book.VoucherByReference(ctx, j.Tx, "E17", v.Reversal(j.Date, j.Source).Reference)
		if err != nil || !reversed {
			return v, err == nil, err
		}
	}
	return subaccounts.Voucher{}, false, nil
}

// original is a reference without its version.
func original(reference string) string {
	if i := strings.LastIndexByte(reference, '#'); i > 0 {
		if _, err := strconv.Atoi(reference[i+1:]); err == nil {
			return reference[:i]
		}
	}
	return reference
}

// oneOf returns the voucher in force with the reference under one of the events.
func (j Journal) oneOf(ctx context.Context, reference string, events ...string) (subaccounts.Voucher, error) {
	for _, event := range events {
		v, found, err := j.standing(ctx, event, reference)
		if err != nil || found {
			return v, err
		}
	}
	return subaccounts.Voucher{}, fault.Invalid("flows.order_unknown", reference)
}

// open returns what stands on an account or item, on the account's own side.
func (j Journal) open(ctx context.Context, k subaccounts.Key) (money.Amount, error) {
	balance, err := j.Book.Balance(ctx, j.Tx, k)
	if def, ok := subaccounts.Chart(k.Code); ok && def.Side == subaccounts.CreditSide {
		balance = -balance
	}
	return balance, err
}

// exactly refuses an event that does not take all of what is open there.
func (j Journal) exactly(ctx context.Context, k subaccounts.Key, amount money.Amount) error {
	standing, err := j.open(ctx, k)
	if err == nil && standing != amount {
		err = fault.Invalid("flows.open", k, standing, amount)
	}
	return err
}

// positive refuses amounts of nothing and less.
func positive(amounts ...money.Amount) error {
	for _, a := range amounts {
		if a <= 0 {
			return fault.Invalid("flows.amount", a)
		}
	}
	return nil
}

// notNegative refuses amounts below nothing.
func notNegative(amounts ...money.Amount) error {
	for _, a := range amounts {
		if a < 0 {
			return fault.Invalid("flows.amount", a)
		}
	}
	return nil
}

// move posts an amount from one account to another: what most events are.
func (j Journal) move(ctx context.Context, event, reference string, debit, credit subaccounts.Key, amount money.Amount) error {
	if err := positive(amount); err != nil {
		return err
	}
	return j.Post(ctx, event, reference, subaccounts.Debit(debit, amount), subaccounts.Credit(credit, amount))
}

// close posts the whole of what is open on an item, which must be the amount.
func (j Journal) close(ctx context.Context, event, reference string, item subaccounts.Key, amount money.Amount, others ...subaccounts.Leg) error {
	if err := positive(amount); err != nil {
		return err
	}
	leg := subaccounts.Debit(item, amount)
	if def, ok := subaccounts.Chart(item.Code); ok && def.Side == subaccounts.DebitSide {
		leg = subaccounts.Credit(item, amount)
	}
	return j.Once(ctx, event, reference, append(others, leg), func() ([]subaccounts.Leg, error) {
		return nil, j.exactly(ctx, item, amount)
	})
}
