package split_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

var w1 = split.Shares{Member: 924_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00}

func TestRefundRefuses(t *testing.T) {
	some := split.Shares{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}
	for _, test := range []struct {
		name             string
		original, before split.Shares
		amount, feeBack  money.Amount
		want             string
	}{
		{"nothing", w1, split.Shares{}, 0, 0, "split.refund"},
		{"more than the order", w1, split.Shares{}, 1000_01, 0, "split.refund"},
		{"more than is left", w1, some, 800_01, 0, "split.refund"},
		{"after the last", w1, w1, 1, 0, "split.refund"},
		{"negative fee back", w1, split.Shares{}, 200_00, -1, "split.fee_back"},
		{"more fee than is left", w1, some, 800_00, 4_81, "split.fee_back"},
		{"more fee than refund", w1, split.Shares{}, 1_00, 1_01, "split.fee_back"},
		{"refunded more than a share", w1, split.Shares{Partner: 20_01}, 1, 0, "split.shares"},
		{"negative share", split.Shares{Member: -1, Partner: 5}, split.Shares{}, 1, 0, "split.shares"},
		{"fee borne in part", split.Shares{Member: 100, Fee: 4, HeadOfficeFee: 2}, split.Shares{}, 1, 0, "split.shares"},
		{"the bearer changed", w1, split.Shares{Member: 1, Fee: 1, HeadOfficeFee: 1}, 1, 0, "split.shares"},
		{"shares that overflow", split.Shares{Member: math.MaxInt64, Partner: 1}, split.Shares{}, 1, 0, "split.overflow"},
	} {
		_, err := split.Refund(test.original, test.before, test.amount, test.feeBack)
		if got := fault.CodeOf(err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRefund(t *testing.T) {
	l1 := split.Shares{Member: 462_00, Partner: 10_00, HeadOffice: 25_00, Fee: 3_00}
	e2b := split.Shares{Member: 930_00, Partner: 20_00, HeadOffice: 50_00, Fee: 6_00, HeadOfficeFee: 6_00}
	for _, test := range []struct {
		name             string
		original, before split.Shares
		amount, feeBack  money.Amount
		want             split.Shares
	}{
		{"R2 of W1 (E7a)", w1, split.Shares{}, 200_00, 1_20,
			split.Shares{Member: 184_80, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20}},
		{"R3 of L1", l1, split.Shares{}, 100_00, 60,
			split.Shares{Member: 92_40, Partner: 2_00, HeadOffice: 5_00, Fee: 60}},
		{"channel keeps its fee, the franchisee bore it", w1, split.Shares{}, 200_00, 0,
			split.Shares{Member: 186_00, Partner: 4_00, HeadOffice: 10_00}},
		{"in full, channel keeps its fee", w1, split.Shares{}, 1000_00, 0,
			split.Shares{Member: 930_00, Partner: 20_00, HeadOffice: 50_00}},
		{"in full", w1, split.Shares{}, 1000_00, 6_00, w1},
		{"head office bore the fee", e2b, split.Shares{}, 200_00, 1_20,
			split.Shares{Member: 186_00, Partner: 4_00, HeadOffice: 10_00, Fee: 1_20, HeadOfficeFee: 1_20}},
		{"head office bore the fee, channel keeps it", e2b, split.Shares{}, 200_00, 0,
			split.Shares{Member: 186_00, Partner: 4_00, HeadOffice: 10_00}},
		{"head office in full", e2b, split.Shares{}, 1000_00, 6_00, e2b},
		{"a fen of fee on a fen of refund", split.Shares{Member: 49, Partner: 25, HeadOffice: 25, Fee: 1},
			split.Shares{}, 1, 1, split.Shares{Fee: 1}},
		{"fee first, the franchisee's part is smaller", split.Shares{Member: 1, Partner: 50, HeadOffice: 40, Fee: 9},
			split.Shares{}, 10, 9, split.Shares{Partner: 1, Fee: 9}},
		{"no commission, fee borne by head office", split.Shares{Member: 100_00, Fee: 60, HeadOfficeFee: 60},
			split.Shares{}, 50_00, 30, split.Shares{Member: 50_00, Fee: 30, HeadOfficeFee: 30}},
		{"the largest amounts", split.Shares{Member: math.MaxInt64 - 1, Partner: 1}, split.Shares{}, math.MaxInt64, 0,
			split.Shares{Member: math.MaxInt64 - 1, Partner: 1}},
	} {
		got, err := split.Refund(test.original, test.before, test.amount, test.feeBack)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
}

// The shares 0/50/50 given back one fen at a time, where "all round down, head
// office takes the rest" gives head office +1, -1, +1, -1.
func TestRefundOneFenAtATime(t *testing.T) {
	original := split.Shares{Partner: 50, HeadOffice: 50}
	var before split.Shares
	for i := range 100 {
		part, err := split.Refund(original, before, 1, 0)
		if err != nil || lowest(part) < 0 {
			t.Fatalf("fen %d: %+v, %v", i+1, part, err)
		}
		if before, err = before.Add(part); err != nil {
			t.Fatal(err)
		}
		if apart := before.Partner - before.HeadOffice; apart < 0 || apart > 1 {
			t.Fatalf("after fen %d: %+v", i+1, before)
		}
	}
	if before != original {
		t.Errorf("got %+v, want %+v", before, original)
	}
}

// Any chain of partial refunds of any split: each refund adds up, takes nothing
// negative and nothing above what is left; the last one empties all but a fee
// that the channel kept.
func TestRefundChains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, amount := rules(t), amounts().Draw(t, "amount")
		fee := money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "fee"))
		original, err := rule.Split(amount, fee)
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
		want := original
		want.Fee -= kept
		if original.HeadOfficeFee > 0 {
			want.HeadOfficeFee -= kept
		} else {
			want.Member += kept
		}
		if before != want {
			t.Fatalf("order %+v, refunded %+v, the channel kept %s", original, before, kept)
		}
	})
}

// feeBack draws what the channel gives back: nothing, all that it may, or some.
func feeBack(t *rapid.T, original, before split.Shares, now money.Amount) money.Amount {
	most := original.Fee - before.Fee
	if original.HeadOfficeFee == 0 {
		bearer := original.Member + original.Fee - before.Member - before.Fee
		most = min(most, now, bearer)
	}
	return money.Amount(rapid.Int64Range(0, int64(most)).Draw(t, "feeBack"))
}

func check(t *rapid.T, original, before, part split.Shares, now money.Amount) {
	if total, err := part.Total(); err != nil || total != now || lowest(part) < 0 {
		t.Fatalf("refund %s became %+v: total %s, %v", now, part, total, err)
	}
	borne := func(s split.Shares) money.Amount { return s.Member + s.Fee - s.HeadOfficeFee }
	if part.Partner > original.Partner-before.Partner ||
		part.HeadOffice > original.HeadOffice-before.HeadOffice ||
		part.Fee > original.Fee-before.Fee ||
		borne(part) > borne(original)-borne(before) {
		t.Fatalf("refund %+v is more than is left of %+v after %+v", part, original, before)
	}
}
