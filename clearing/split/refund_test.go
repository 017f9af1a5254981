package split_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

var w1 = three{Member: 924_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00}

func TestRefundRefuses(t *testing.T) {
	some := three{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}
	for _, test := range []struct {
		name             string
		original, before three
		amount, feeBack  money.Amount
		want             string
	}{
		{"nothing", w1, three{}, 0, 0, "split.refund"},
		{"more than the order", w1, three{}, 1000_01, 0, "split.refund"},
		{"more than is left", w1, some, 800_01, 0, "split.refund"},
		{"after the last", w1, w1, 1, 0, "split.refund"},
		{"negative fee back", w1, three{}, 200_00, -1, "split.fee_back"},
		{"more fee than is left", w1, some, 800_00, 4_81, "split.fee_back"},
		{"more fee than refund", w1, three{}, 1_00, 1_01, "split.fee_back"},
		{"refunded more than a share", w1, three{Partner: 20_01}, 1, 0, "split.shares"},
		{"negative share", three{Member: -1, Partner: 5}, three{}, 1, 0, "split.shares"},
		{"the bearer changed", w1, three{Member: 1, Fee: 1, HeadOfficeFee: 1}, 1, 0, "split.shares"},
		{"shares that overflow", three{Member: math.MaxInt64, Partner: 1}, three{}, 1, 0, "split.overflow"},
	} {
		_, err := split.Refund(test.original.shares(), test.before.shares(), test.amount, test.feeBack)
		if got := fault.CodeOf(err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRefund(t *testing.T) {
	l1 := three{Member: 462_00, Partner: 10_00, HeadOffice: 25_00, Fee: 3_00}
	e2b := three{Member: 930_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00, HeadOfficeFee: 6_00}
	for _, test := range []struct {
		name             string
		original, before three
		amount, feeBack  money.Amount
		want             three
	}{
		{"R2 of W1 (E7a)", w1, three{}, 200_00, 1_20,
			three{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}},
		{"R3 of L1", l1, three{}, 100_00, 60,
			three{Member: 92_40, Partner: 2_00, HeadOffice: 5_00, Fee: 60}},
		{"channel keeps its fee, the franchisee bore it", w1, three{}, 200_00, 0,
			three{Member: 186_00, Partner: 4_00, HeadOffice: 10_00}},
		{"in full, channel keeps its fee", w1, three{}, 1000_00, 0,
			three{Member: 930_00, Partner: 20_00, HeadOffice: 50_00}},
		{"in full", w1, three{}, 1000_00, 6_00, w1},
		{"head office bore the fee", e2b, three{}, 200_00, 1_20,
			three{Member: 186_00, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20, HeadOfficeFee: 1_20}},
		{"head office bore the fee, channel keeps it", e2b, three{}, 200_00, 0,
			three{Member: 186_00, Partner: 4_00, HeadOffice: 10_00}},
		{"head office in full", e2b, three{}, 1000_00, 6_00, e2b},
		{"a fen of fee on a fen of refund", three{Member: 49, Partner: 25, HeadOffice: 25, Fee: 1},
			three{}, 1, 1, three{Fee: 1}},
		{"fee first, the franchisee's part is smaller", three{Member: 1, Partner: 50, HeadOffice: 40, Fee: 9},
			three{}, 10, 9, three{Partner: 1, Fee: 9}},
		{"no commission, fee borne by head office", three{Member: 100_00, Fee: 60, HeadOfficeFee: 60},
			three{}, 50_00, 30, three{Member: 50_00, Fee: 30, HeadOfficeFee: 30}},
		{"the largest amounts", three{Member: math.MaxInt64 - 1, Partner: 1}, three{}, math.MaxInt64, 0,
			three{Member: math.MaxInt64 - 1, Partner: 1}},
	} {
		shares, err := split.Refund(test.original.shares(), test.before.shares(), test.amount, test.feeBack)
		if err != nil || of(shares) != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.name, shares, err, test.want)
		}
	}
}

// The shares 0/50/50 given back one fen at a time, where "all round down, head
// office takes the rest" gives head office +1, -1, +1, -1.
func TestRefundOneFenAtATime(t *testing.T) {
	original := three{Partner: 50, HeadOffice: 50}.shares()
	var before split.Shares
	for i := range 100 {
		part, err := split.Refund(original, before, 1, 0)
		if err != nil || lowest(part) < 0 {
			t.Fatalf("fen %d: %+v, %v", i+1, part, err)
		}
		if before, err = before.Add(part); err != nil {
			t.Fatal(err)
		}
		if apart := before.Parts[1] - before.Parts[2]; apart < 0 || apart > 1 {
			t.Fatalf("after fen %d: %+v", i+1, before)
		}
	}
	if of(before) != of(original) {
		t.Errorf("got %+v, want %+v", before, original)
	}
}

// Any chain of partial refunds of any split: each refund adds up, takes nothing
// negative and nothing above what is left; the last one empties all but a fee
// that the channel kept.
func TestRefundChains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, amount := anyRule(t), amounts().Draw(t, "amount")
		fee := money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "fee"))
		original, err := rule.Split(drawChain(t), amount, fee)
		if err != nil {
			t.Skip("the rule does not fit the order")
		}
		var before split.Shares
		left := amount
		for refunds := 0; left > 0; refunds++ {
			now := left // the tenth takes the rest
			if refunds < 9 {
				now = money.Amount(rapid.Int64Range(1, int64(left)).Draw(t, "refund"))
			}
			part, err := split.Refund(original, before, now, feeBack(t, original, before, now))
			if err != nil {
				t.Fatal(err)
			}
			check(t, original, before, part, now)
			if before, err = before.Add(part); err != nil {
				t.Fatal(err)
			}
			left -= now
		}
		kept := original.Fee - before.Fee
		want, err := original.Add(split.Shares{})
		if err != nil {
			t.Fatal(err)
		}
		want.Fee -= kept
		if !original.HeadOfficeBears {
			want.Parts[0] += kept
		}
		if !slices.Equal(before.Parts, want.Parts) || before.Fee != want.Fee {
			t.Fatalf("order %+v, refunded %+v, the channel kept %s", original, before, kept)
		}
	})
}

// feeBack draws what the channel gives back: nothing, all that it may, or some.
func feeBack(t *rapid.T, original, before split.Shares, now money.Amount) money.Amount {
	most := original.Fee - before.Fee
	if !original.HeadOfficeBears {
		left, err := split.Left(original, before)
		if err != nil {
			t.Fatal(err)
		}
		most = min(most, now, left[0])
	}
	return money.Amount(rapid.Int64Range(0, int64(most)).Draw(t, "feeBack"))
}

// check holds one refund against what was left of each share.
func check(t interface{ Fatalf(string, ...any) }, original, before, part split.Shares, now money.Amount) {
	total, err1 := part.Total()
	left, err2 := split.Left(original, before)
	if err1 != nil || err2 != nil || total != now || lowest(part) < 0 {
		t.Fatalf("refund %s became %+v: total %s, %v, %v", now, part, total, err1, err2)
	}
	borne := part.Parts[0] + part.Fee - part.HeadOfficeFee()
	for i, p := range part.Parts {
		if i > 0 && p > left[i] || borne > left[0] || part.Fee > original.Fee-before.Fee {
			t.Fatalf("refund %+v is more than is left of %+v after %+v", part, original, before)
		}
	}
}
