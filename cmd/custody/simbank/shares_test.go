package simbank_test

import (
	"testing"

	"pgregory.net/rapid"

	"custody/cmd/custody/simbank"
)

func TestSharesByHand(t *testing.T) {
	for _, c := range []struct{ fen, member, partner, headOffice, fee int64 }{
		{1000_00, 924_00, 20_00, 50_00, 6_00},
		{200_00, 184_80, 4_00, 10_00, 1_20},
		{1, 1, 0, 0, 0},
		{83, 78, 1, 4, 0}, // fee 0.498 fen
		{84, 78, 1, 4, 1}, // fee 0.504 fen
	} {
		want := [4]int64{c.member, c.partner, c.headOffice, c.fee}
		if got := simbank.SplitOrder(c.fen); got != want {
			t.Errorf("%d: got %v, want %v", c.fen, got, want)
		}
	}
	if got, want := simbank.SplitRefund(1000_00, 200_00), [4]int64{184_80, 4_00, 10_00, 1_20}; got != want {
		t.Errorf("200.00 of 1000.00: got %v, want %v", got, want)
	}
}

// TestRefundsTakeWhatTheyShould: parts add up to the refund, none is above its
// share, a whole refund empties every share, and no part is a fen or more away
// from its proportion.
func TestRefundsTakeWhatTheyShould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Int64Range(1, 20_000_00).Draw(t, "order")
		fen := rapid.Int64Range(1, order).Draw(t, "refund")
		if rapid.Bool().Draw(t, "whole") {
			fen = order
		}
		split, got := simbank.SplitOrder(order), simbank.SplitRefund(order, fen)
		if fen == order && got != split {
			t.Fatalf("whole refund: got %v, want %v", got, split)
		}
		if got[0]+got[1]+got[2]+got[3] != fen {
			t.Fatalf("%v does not add up to %d", got, fen)
		}
		for i := 1; i <= 2; i++ {
			if got[i] > split[i] || abs(got[i]*order-fen*split[i]) >= order {
				t.Fatalf("part %d of %v is not in proportion to %v", i, got, split)
			}
		}
	})
}

func abs(v int64) int64 { return max(v, -v) }

// TestCheckDigit: codes of the head offices of large banks, which are public.
func TestCheckDigit(t *testing.T) {
	for _, code := range []string{"102100099996", "105100000017", "308584000013", "104100000004", "103100000026"} {
		if got := simbank.CheckDigit(code[:11]); got != code[11] {
			t.Errorf("%s: got %c", code, got)
		}
	}
}
