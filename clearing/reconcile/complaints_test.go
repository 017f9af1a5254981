package reconcile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing/reconcile"
	"custody/internal/money"
)

// What operations people complain about in other systems; each test is named
// for the complaint that it answers.

// "Refund rows are not reconciled": they are, by their own number, and one that
// only a side has is told.
func TestComplaintRefundRowsAreMatched(t *testing.T) {
	got := lines(reconcile.Trades(reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 100, 0), refund(1, 2, "A", "R1", 40, 10), refund(1, 3, "A", "R2", 40, 20), refund(1, 4, "A", "R3", 5, 30)},
		Theirs: trades{refund(2, 1, "A", "R2", 40, 21), refund(2, 2, "A", "R1", 40, 11), pay(2, 3, "A", 100, 1)},
	}, nil))
	want := []string{"1/1 = 2/3 order-no", "1/2 = 2/2 refund-no", "1/3 = 2/1 refund-no", "REFUND_MISS 1/4 -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// "A late or absent file is skipped in silence": without a bill every order of
// ours is told, and a missing statement is a gap with its amount. That the day
// cannot close is tested with the day.
func TestComplaintLateFileIsNotSkipped(t *testing.T) {
	matches, differences := reconcile.Trades(reconcile.Input{Ours: trades{pay(1, 1, "A", 100, 0), refund(1, 2, "A", "R1", 40, 0)}}, nil)
	if len(matches) != 0 || len(differences) != 2 {
		t.Errorf("%d matches, %d differences without a bill", len(matches), len(differences))
	}
	breaks := reconcile.Chain("A", money.CNY, statements{day(12, "", 0, 100), day(14, "", 130, 200)})
	if len(breaks) != 1 || breaks[0].Kind != reconcile.ChainGap || breaks[0].Difference != 30 {
		t.Errorf("a missing statement: %+v", breaks)
	}
}

// "A rerun doubles the rows": the same sides give the same result, and a
// statement that comes again is a copy.
func TestComplaintRerunIsNotDoubled(t *testing.T) {
	in := benchInput(1000, true)
	first, firstDifferences := reconcile.Trades(in, fee)
	again, againDifferences := reconcile.Trades(in, fee)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("matches (-first +again):\n%s", diff)
	}
	if diff := cmp.Diff(firstDifferences, againDifferences); diff != "" {
		t.Errorf("differences (-first +again):\n%s", diff)
	}
	breaks := reconcile.Chain("A", money.CNY, statements{day(12, "", 0, 100), day(12, "", 0, 100)})
	if len(breaks) != 1 || breaks[0].Kind != reconcile.ChainDuplicate {
		t.Errorf("a statement twice: %+v", breaks)
	}
}

// "Day-cut differences come back the next day as errors": an order of the pool
// is matched by the next bill, and goes on waiting without a difference.
func TestComplaintCrossDayDifferenceIsCleared(t *testing.T) {
	pool := trades{pay(0, 1, "A", 100, -10), pay(0, 2, "B", 50, -5)}
	got := lines(reconcile.Trades(reconcile.Input{Pool: pool, Theirs: trades{pay(2, 1, "A", 100, 3)}}, nil))
	if diff := cmp.Diff([]string{"0/1 = 2/1 order-no"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// "Five identical lines cannot be told apart": they need not be; they are
// matched as a set, and the sixth is left over, not lost.
func TestComplaintFiveIdenticalLinesAreToldApart(t *testing.T) {
	var ours, theirs records
	for k := range int32(5) {
		ours = append(ours, book(k, 1_000_00, rec{Party: "P"}))
		theirs = append(theirs, bank(k, 1_000_00, rec{Party: "P"}))
	}
	theirs = append(theirs, bank(5, 1_000_00, rec{Party: "P"}))
	o := reconcile.StandardPlan().Match(ours, theirs)
	if len(o.Confirmed) != 5 || len(o.OpenOurs) != 0 || len(o.OpenTheirs) != 1 {
		t.Errorf("%v", told(o))
	}
}

// "Legitimate duplicates are thrown away": two equal payments of one payer and
// day with numbers of their own are two, on both sides.
func TestComplaintLegitimateDuplicatesAreKept(t *testing.T) {
	got := told(reconcile.StandardPlan().Match(
		records{book(1, 100, rec{Party: "P", BankRef: "B1"}), book(2, 100, rec{Party: "P", BankRef: "B2"})},
		records{bank(1, 100, rec{Party: "P", BankRef: "B2"}), bank(2, 100, rec{Party: "P", BankRef: "B1"}), bank(3, 100, rec{Party: "P", BankRef: "B3"})}))
	want := []string{"1/1 = 2/2 bank-ref by bank_ref+counterparty+amount+booked", "1/2 = 2/1 bank-ref by bank_ref+counterparty+amount+booked", "open  | 2/3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// "Two payments were merged because amount and week were equal": that is a
// suggestion at most; another payer's or a contradicting number is not even one.
func TestComplaintNoWrongMergeOnAmountAndWeek(t *testing.T) {
	ours := records{book(1, 500_00, rec{OwnRef: "ORDER1"}), book(2, 700_00, rec{OwnRef: "ORDER2", Party: "P"}), book(3, 900_00, rec{Instruction: "I3"})}
	theirs := records{bank(1, 500_00, rec{Booked: 20260216, Remark: "rent"}), bank(2, 700_00, rec{Booked: 20260218, Party: "Q"}),
		bank(3, 900_00, rec{Booked: 20260214, Instruction: "I4"})}
	o := reconcile.StandardPlan().Match(ours, theirs)
	if len(o.Confirmed) != 0 {
		t.Errorf("merged: %v", told(o))
	}
	for _, p := range o.Suggested {
		if p.Ours[0].Row == 3 {
			t.Errorf("suggested against its number: %+v", p)
		}
	}
}
