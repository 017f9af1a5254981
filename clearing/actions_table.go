package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// actionKind is how one event is started by people.
type actionKind struct {
	event     string
	alone     bool // posted at once by whoever may make
	read      func(raw []byte) (any, error)
	reference func(request any) string // of the voucher
	post      func(ctx context.Context, w *Work, j flows.Journal, request any, approvalID string) error
	note      func(request any) string // added to the voucher's source; may be nil
}

// deed makes the kind of an event whose request is an R.
func deed[R any](event string, reference func(R) string, post func(context.Context, *Work, flows.Journal, R, string) error) actionKind {
	return actionKind{event: event,
		read: func(raw []byte) (any, error) {
			var r R
			err := json.Unmarshal(raw, &r)
			return r, err
		},
		reference: func(request any) string {
			r, _ := request.(R)
			return reference(r)
		},
		post: func(ctx context.Context, w *Work, j flows.Journal, request any, approvalID string) error {
			r, ok := request.(R)
			if !ok {
				return fault.Invalid("action.unknown", event).On("event", event)
			}
			return post(ctx, w, j, r, approvalID)
		}}
}

// simply is [deed] for a request that carries its own reference and a flow that
// needs nothing but the journal.
func simply[R any](event string, reference func(R) string, post func(flows.Journal, context.Context, R, string) error) actionKind {
	return deed(event, reference, func(ctx context.Context, _ *Work, j flows.Journal, r R, id string) error { return post(j, ctx, r, id) })
}

func byOne(k actionKind) actionKind {
	k.alone = true
	return k
}

// noting adds words to the voucher's source.
func noting[R any](k actionKind, words func(R) string) actionKind {
	k.note = func(request any) string {
		r, _ := request.(R)
		return words(r)
	}
	return k
}

// Deposit is a member's deposit (保证金) that is taken or given back.
type Deposit struct {
	Reference string
	Member    string
	Amount    money.Amount
}

// Sweep collects head office's fees (收入归集): of a channel's clearing date, or
// of no date where the channel is empty.
type Sweep struct {
	Reference string
	Channel   string
	Clearing  bizdate.Date
	Amount    money.Amount
}

// ShortageTopUp clears what a bank charge left short. Charge is the bank's reference.
type ShortageTopUp struct {
	Reference string
	Charge    string
	Amount    money.Amount
}

// actionTable holds every event that a person can start.
//
// One person is enough where the money stays with its owner and nothing more can
// be paid out than before: a freeze (E12), a deposit taken (E23), own funds that
// go onto head office's own functions (E0b, E8a, E8f). The way back, a thaw or a
// deposit returned, makes money payable again and takes two.
func actionTable() map[string]actionKind {
	list := []actionKind{
		byOne(simply("E0b", func(r flows.Allocation) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Allocation, _ string) error {
				return j.OwnFunds().Allocate(ctx, r)
			})),
		byOne(simply("E8a", func(r Sweep) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r Sweep, _ string) error {
				return j.OwnFunds().Sweep(ctx, r.Reference, r.Channel, r.Clearing, r.Amount)
			})),
		byOne(deed("E8f", func(r ShortageTopUp) string { return r.Reference },
			func(ctx context.Context, w *Work, j flows.Journal, r ShortageTopUp, _ string) error {
				if err := j.OwnFunds().TopUp(ctx, r.Reference, r.Charge, r.Amount); err != nil {
					return err
				}
				return w.settled(ctx, j.Tx, shortage(r.Charge), exceptions.OffSystem)
			})),
		byOne(simply("E23", func(r Deposit) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r Deposit, _ string) error {
				return j.Members().TakeDeposit(ctx, r.Reference, r.Member, r.Amount)
			})),
		simply("E23c", func(r Deposit) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r Deposit, _ string) error {
				return j.Members().ReturnDeposit(ctx, r.Reference, r.Member, r.Amount)
			}),
		simply("E23b", func(r flows.Penalty) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Penalty, id string) error {
				return j.Members().Penalize(ctx, r, id)
			}),
		simply("E13", func(r flows.Transfer) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Transfer, _ string) error {
				return j.Members().Transfer(ctx, r)
			}),
		noting(simply("E17x", func(r flows.Adjustment) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Adjustment, id string) error {
				return j.Corrections().Adjust(ctx, r, id)
			}), originalDay),
		deed("E17", reversalReference, reverseAction),
		byOne(simply("E12", func(r flows.Hold) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Hold, _ string) error {
				return j.Holds().Freeze(ctx, r)
			})),
		simply("E12d", func(r flows.Hold) string { return r.Reference },
			func(j flows.Journal, ctx context.Context, r flows.Hold, _ string) error {
				return j.Holds().Thaw(ctx, r)
			}),
		deed("E9c", func(r flows.Claim) string { return r.Reference }, claimPart),
		deed("E9d", func(r flows.SuspensePayout) string { return r.Serial }, sendBack),
		deed("E22b", func(r FailedRefund) string { return r.Reference }, failRefund),
		deed("E22c", func(r flows.SuspensePayout) string { return r.Serial }, refundByHand),
		deed("E12b", func(r flows.Deduction) string { return r.Serial }, deduct),
	}
	list = append(list, advanceActions()...)
	list = append(list, deed(eventRemit, func(r TaxRemittance) string { return r.Reference }, remitTax))
	table := make(map[string]actionKind, len(list))
	for _, k := range list {
		table[k.event] = k
	}
	return table
}

// advanceActions are those about the risk reserve: what it pays for members, held
// to their limits, and what comes back, from those who owe it.
func advanceActions() []actionKind {
	return []actionKind{
		deed(eventAdvance, func(r flows.Refund) string { return r.Reference }, advanceRefund),
		deed("E26", func(r flows.Early) string { return r.Reference },
			func(ctx context.Context, w *Work, j flows.Journal, r flows.Early, id string) error {
				return firstErr(w.withinCredit(ctx, j.Tx, r.Member, r.Amount), j.Advances().SettleEarly(ctx, r, id))
			}),
		deed("E7e", flows.Recovery.Reference,
			func(ctx context.Context, w *Work, j flows.Journal, r flows.Recovery, id string) error {
				return firstErr(w.owes(ctx, j.Tx, r.Advance, r.Member, r.Amount), j.Advances().Recover(ctx, r, id))
			}),
		deed("E26b", flows.Recovery.Reference,
			func(ctx context.Context, w *Work, j flows.Journal, r flows.Recovery, id string) error {
				return firstErr(w.owes(ctx, j.Tx, r.Advance, r.Member, r.Amount), j.Advances().RecoverPending(ctx, r, id))
			}),
	}
}

// originalDay adds the day that an adjustment corrects (原会计日).
func originalDay(r flows.Adjustment) string {
	if r.Original.IsZero() {
		return ""
	}
	return ", original day " + r.Original.String()
}

// reversalReference is what the ledger calls the reversal of a voucher.
func reversalReference(r flows.Reversal) string { return "R:" + r.Event + ":" + r.Reference }

// reversible are the events that stand for themselves: nothing but the voucher
// says that they happened. Others have an order, a file, a payout or an exception
// behind them, which a reversal would leave saying the opposite; those are put
// right where they came from.
var reversible = []string{"E0b", "E8a", "E8f", "E12", "E12d", "E13", "E17x", "E23", "E23b", "E23c", "E26", "E7e", "E26b"}

func reverseAction(ctx context.Context, w *Work, j flows.Journal, r flows.Reversal, id string) error {
	if !slices.Contains(reversible, r.Event) {
		return fault.Invalid("action.irreversible", r.Event, strings.Join(reversible, ", ")).On("VOUCHER", r.Event+":"+r.Reference)
	}
	if err := j.Corrections().Reverse(ctx, r, id); err != nil || r.Event != "E8f" {
		return err
	}
	v, _, err := w.Book.VoucherByReference(ctx, j.Tx, r.Event, r.Reference)
	for _, e := range v.Entries { // the shortage that it had made good is somebody's work again
		if err == nil && e.Code == "1402" {
			err = w.openAgain(ctx, j.Tx, exceptions.Exception{Kind: exceptions.OffSystem, Subject: e.Item, Amount: -e.Amount})
		}
	}
	return err
}
