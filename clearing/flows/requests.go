package flows

import (
	"context"
	"strconv"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// requests returns the vouchers of an order's split requests in their order:
// each has the order's reference and its number.
func (j Journal) requests(ctx context.Context, order string) ([]subaccounts.Voucher, error) {
	var list []subaccounts.Voucher
	for no := 1; no <= split.MaxRequests; no++ {
		v, found, err := j.Book.VoucherByReference(ctx, j.Tx, "E2", requestOf(order, no))
		if err != nil || !found {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

func requestOf(order string, no int) string { return order + "/" + strconv.Itoa(no) }

// Request gives parts of an order that is not split yet (分账请求), as head office
// names them, within the limits of the channel's contract; see [split.Requests]
// for what is refused. no numbers the requests of the order from 1: one that is
// not the next is flows.request.
func (f Collections) Request(ctx context.Context, o Order, no int, limits split.Limits, parts ...split.Part) error {
	legs := make([]subaccounts.Leg, 0, len(parts)+1)
	var sum money.Amount
	for _, p := range parts {
		to := commission(o.Channel, o.Clearing)
		if p.Owner != "" {
			to = subaccounts.Pending(p.Owner, o.Channel, o.Clearing)
		}
		legs = append(legs, subaccounts.Credit(to, p.Amount))
		var err error
		if sum, err = sum.Add(p.Amount); err != nil {
			return fault.Invalid("ledger.overflow").Because(err)
		}
	}
	legs = append(legs, subaccounts.Debit(unsplit, sum))
	return f.Once(ctx, "E2", requestOf(o.Reference, no), legs, func() ([]subaccounts.Leg, error) {
		requested, err := f.requested(ctx, o, limits)
		if err != nil {
			return nil, err
		}
		if no != requested.Count()+1 {
			return nil, fault.Invalid("flows.request", no, requested.Count()+1)
		}
		return nil, requested.Add(parts...)
	})
}

// requested is where the requests of an order stand.
func (f Collections) requested(ctx context.Context, o Order, limits split.Limits) (*split.Requests, error) {
	left, err := f.leftUnsplit(ctx, o.Reference, o.Refunds)
	if err != nil {
		return nil, err
	}
	vouchers, err := f.requests(ctx, o.Reference)
	if err != nil {
		return nil, err
	}
	amount := left
	for _, v := range vouchers {
		amount += sumOf(v, unsplit)
	}
	fee, err := split.Fee(amount, o.FeePPM)
	if err != nil {
		return nil, err
	}
	// What was given before a refund stands, whatever share of the order it is now.
	r := &split.Requests{Member: o.Member, Amount: amount, Fee: min(fee, left),
		Limits: split.Limits{SharePPM: money.PPM, Receivers: split.MaxReceivers, Requests: split.MaxRequests}}
	for _, v := range vouchers {
		var parts []split.Part
		for _, e := range v.Entries {
			if e.Amount < 0 {
				parts = append(parts, split.Part{Owner: e.Owner, Amount: -e.Amount})
			}
		}
		if err := r.Add(parts...); err != nil {
			return nil, err
		}
	}
	r.Limits = limits
	return r, nil
}

// ReleaseRest ends the split of an order after its last request (解冻剩余): the
// franchisee gets what no request gave, the channel its fee.
func (f Collections) ReleaseRest(ctx context.Context, o Order, limits split.Limits) error {
	if v, found, err := f.Book.VoucherByReference(ctx, f.Tx, "E2", o.Reference); err != nil || found {
		if err != nil {
			return err
		}
		return sameLegs(v, []subaccounts.Leg{subaccounts.Debit(unsplit, sumOf(v, unsplit))})
	}
	r, err := f.requested(ctx, o, limits)
	if err != nil {
		return err
	}
	return f.Post(ctx, "E2", o.Reference, subaccounts.Debit(unsplit, r.Left()+r.Fee),
		subaccounts.Credit(subaccounts.Pending(o.Member, o.Channel, o.Clearing), r.Left()),
		subaccounts.Credit(channelFee(o.Channel, o.Clearing), r.Fee))
}
