package exceptions_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/lang"
	"custody/internal/money"
)

func TestBreakOf(t *testing.T) {
	for _, test := range []struct {
		name string
		e    exceptions.Exception
		want exceptions.BreakType
	}{
		{"paid here, not in the bill", exceptions.Exception{Kind: exceptions.BankMiss, Member: "A", Channel: "WX"}, exceptions.BookReceivedOnly},
		{"in the bill, not ours", exceptions.Exception{Kind: exceptions.PlatformMiss, Channel: "WX"}, exceptions.BankReceivedOnly},
		{"our refund", exceptions.Exception{Kind: exceptions.RefundMiss, Member: "A", Channel: "WX"}, exceptions.BookPaidOnly},
		{"the channel's refund", exceptions.Exception{Kind: exceptions.RefundMiss, Channel: "WX"}, exceptions.BankPaidOnly},
		{"near the cut", exceptions.Exception{Kind: exceptions.Date, Member: "A"}, exceptions.DateBreak},
		{"another amount", exceptions.Exception{Kind: exceptions.AmountDiffer, Ours: "10.00", Theirs: "9.98"}, exceptions.AmountBreak},
		{"a fen", exceptions.Exception{Kind: exceptions.AmountDiffer, Ours: "10.00", Theirs: "9.99"}, exceptions.RoundingBreak},
		{"another fee", exceptions.Exception{Kind: exceptions.Fee, Ours: "0.60", Theirs: "0.63"}, exceptions.UnbookedFee},
		{"a fen of fee", exceptions.Exception{Kind: exceptions.Fee, Ours: "0.60", Theirs: "0.61"}, exceptions.RoundingBreak},
		{"our order twice", exceptions.Exception{Kind: exceptions.Duplicate, Channel: "WX", Member: "A"}, exceptions.DuplicateInBook},
		{"the bill's row twice", exceptions.Exception{Kind: exceptions.Duplicate, Channel: "WX"}, exceptions.DuplicateAtBank},
		{"a payout debited twice", exceptions.Exception{Kind: exceptions.Duplicate, Member: "A"}, exceptions.DuplicateAtBank},
		{"a reversal of nothing", exceptions.Exception{Kind: exceptions.Direction}, exceptions.ReturnedBreak},
		{"refused but debited", exceptions.Exception{Kind: exceptions.Status}, exceptions.BankPaidOnly},
		{"a wrong account", exceptions.Exception{Kind: exceptions.Payee}, exceptions.ReturnedBreak},
		{"a payout came back", exceptions.Exception{Kind: exceptions.Returned}, exceptions.ReturnedBreak},
		{"a stranger's money", exceptions.Exception{Kind: exceptions.UnknownPayer}, exceptions.UnknownPayerItem},
		{"a debit of nobody's", exceptions.Exception{Kind: exceptions.OffSystem}, exceptions.BankPaidOnly},
		{"in transit for too long", exceptions.Exception{Kind: exceptions.InTransit}, exceptions.BookReceivedOnly},
	} {
		if got := exceptions.BreakOf(test.e); got.Type != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.Type, test.want)
		}
	}
}

func TestAgeing(t *testing.T) {
	at := bizdate.MustParse("2026-06-30")
	var breaks []exceptions.Break
	for k, days := range []int{-1, 0, 1, 2, 3, 4, 7, 8, 30, 31, 60, 61, 90, 91, 400} { // each end of each bucket
		breaks = append(breaks, exceptions.Break{Type: exceptions.AmountBreak, Amount: money.Amount(1 << k), Since: at.AddDays(-days)})
	}
	breaks = append(breaks, exceptions.Break{Type: exceptions.BankPaidOnly, Amount: 5, Since: at})
	got, err := exceptions.Ageing(breaks, at)
	if err != nil {
		t.Fatal(err)
	}
	want := []exceptions.AgeingRow{
		{Type: exceptions.BankPaidOnly, Buckets: []exceptions.Aged{{Count: 1, Amount: 5}, {}, {}, {}, {}, {}, {}}, Total: exceptions.Aged{Count: 1, Amount: 5}},
		{Type: exceptions.AmountBreak, Total: exceptions.Aged{Count: 15, Amount: 1<<15 - 1}, Buckets: []exceptions.Aged{
			{Count: 3, Amount: 1 + 2 + 4}, {Count: 2, Amount: 8 + 16}, {Count: 2, Amount: 32 + 64}, {Count: 2, Amount: 128 + 256},
			{Count: 2, Amount: 512 + 1024}, {Count: 2, Amount: 2048 + 4096}, {Count: 2, Amount: 8192 + 16384}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAgeingRefusesWhatCannotBeAdded(t *testing.T) {
	huge := exceptions.Break{Type: exceptions.AmountBreak, Amount: 1<<63 - 1, Since: 20260630}
	if _, err := exceptions.Ageing([]exceptions.Break{huge, huge}, 20260630); err == nil {
		t.Error("two of the largest amounts were added")
	}
}

func TestEveryBreakHasAName(t *testing.T) {
	if n := len(exceptions.BreakTypes()); n != 14 {
		t.Errorf("%d break types", n)
	}
	for _, b := range exceptions.BreakTypes() {
		if !lang.Has("doc.break." + string(b)) {
			t.Errorf("%s has no name", b)
		}
	}
}
