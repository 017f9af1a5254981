package flows_test

import (
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/internal/money"
)

// asked is an order of 1,000.00 that is split by requests, not by a rule.
var asked = flows.Order{Reference: "Q1", Channel: "WX", Clearing: first, Member: "A", FeePPM: 6000}

func request(no int, parts ...split.Part) func(flows.Journal) error {
	return func(j flows.Journal) error {
		return j.Collections().Request(ctx, asked, no, split.DefaultLimits, parts...)
	}
}

func release(j flows.Journal) error {
	return j.Collections().ReleaseRest(ctx, asked, split.DefaultLimits)
}

func paid(order string, amount money.Amount) func(flows.Journal) error {
	return func(j flows.Journal) error {
		return j.Collections().Receive(ctx, flows.Receipt{Reference: order, Channel: "WX", Clearing: first, Amount: amount})
	}
}

// TestRequests gives parts of an order by request, releases the rest, and gives
// the whole back in parts.
func TestRequests(t *testing.T) {
	b := newBooks(t)
	b.wants("flows.order_unknown", request(1, split.Part{Owner: "B", Amount: 1}))
	b.must(paid("Q1", 1000_00))
	b.wants("flows.request", request(2, split.Part{Owner: "B", Amount: 1}))
	b.wants("split.share", request(1, split.Part{Owner: "B", Amount: 300_01}))
	first := request(1, split.Part{Owner: "B", Amount: 20_00}, split.Part{Amount: 50_00})
	b.must(first, first) // the same once more is a no-op
	b.wants("ledger.conflict", request(1, split.Part{Owner: "B", Amount: 21_00}))
	b.wants("flows.split_already", func(j flows.Journal) error { return j.Collections().Split(ctx, asked, rule) })
	b.wants("split.left", request(2, split.Part{Owner: "A", Amount: 924_01}))
	b.must(request(2, split.Part{Owner: "C", Amount: 10_00}))
	b.must(release, release)
	b.wants("flows.split_already", request(3, split.Part{Owner: "C", Amount: 1}))
	for key, want := range map[string]money.Amount{"2102": 0, "2002.A": 914_00, "2002.B": 20_00, "2002.C": 10_00, "2302": 50_00, "2501.WX": 6_00} {
		if got := b.balances()[key]; got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	back := func(no string, amount, fee money.Amount, earlier ...string) func(flows.Journal) error {
		return func(j flows.Journal) error {
			return j.Refunds().AfterSplit(ctx, flows.Refund{Reference: no, RefundNo: no, Order: "Q1", Channel: "WX", Clearing: day,
				Member: "A", Amount: amount, FeeBack: fee, Earlier: earlier})
		}
	}
	b.must(back("R1", 333_33, 2_00), back("R2", 666_67, 4_00, "R1"))
	for _, key := range []string{"2102", "2002.A", "2002.B", "2002.C", "2302", "2501.WX"} {
		if got := b.balances()[key]; got != 0 {
			t.Errorf("after the last refund %s has %s", key, got)
		}
	}
}

// TestRandomRequests: any requests, refunds before the release, and the release
// leave nothing of the order in 2102 and lose nothing.
func TestRandomRequests(t *testing.T) {
	b := newBooks(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		o := asked
		o.Reference = "RQ" + string(rune('A'+n%26)) + rapid.StringMatching(`[0-9]{8}`).Draw(rt, "order")
		if b.do(paid(o.Reference, 100_00)) != nil {
			return // drawn before
		}
		held := b.balance("2102")
		no := 1
		for range rapid.IntRange(0, 5).Draw(rt, "steps") {
			amount := money.Amount(rapid.Int64Range(1, 60_00).Draw(rt, "amount"))
			if rapid.IntRange(0, 3).Draw(rt, "refund") == 0 {
				ref := o.Reference + "R" + string(rune('0'+len(o.Refunds)))
				err := b.do(func(j flows.Journal) error {
					return j.Refunds().BeforeSplit(ctx, flows.Refund{Reference: ref, RefundNo: ref, Order: o.Reference, Channel: "WX", Clearing: first,
						Member: "A", Amount: amount, Earlier: o.Refunds})
				})
				if err == nil {
					o.Refunds = append(o.Refunds, ref)
				}
				continue
			}
			to := rapid.SampledFrom([]string{"", "A", "B", "C"}).Draw(rt, "to")
			if b.do(func(j flows.Journal) error {
				return j.Collections().Request(ctx, o, no, split.DefaultLimits, split.Part{Owner: to, Amount: amount})
			}) == nil {
				no++
			}
		}
		err := b.do(func(j flows.Journal) error { return j.Collections().ReleaseRest(ctx, o, split.DefaultLimits) })
		// Refused only where refunds have left nothing to release.
		if left := b.balance("2102"); left != held-100_00 {
			rt.Fatalf("%v: 2102 went from %s to %s", err, held, left)
		}
	})
}
