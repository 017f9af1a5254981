package subaccounts_test

import (
	"fmt"
	"testing"

	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// TestChunks posts more than one chunk in one call, and a release with as many
// legs as there are members, then re-derives everything and posts it again.
func TestChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("posts 120,000 vouchers")
	}
	const n, members = 60_000, 2_000
	l := newLedger(t)
	owners := make([]string, members)
	l.tx(func(tx *store.Tx) error {
		for i := range owners {
			owners[i] = fmt.Sprintf("M%05d", i)
			if err := l.book.AddMember(ctx, tx, "maker", at, subaccounts.Member{Code: owners[i], Name: owners[i], Kind: subaccounts.Franchisee}); err != nil {
				return err
			}
		}
		return nil
	})
	postings := orders(owners, 0, n)
	release := subaccounts.Posting{Date: day2, Event: "E4", Reference: "20260213.WX.20260212", Source: "release"}
	for _, owner := range owners {
		pending := subaccounts.Key{Code: "2002", Owner: owner, Item: "WX.20260212"}
		release.Legs = append(release.Legs, subaccounts.Debit(pending, n/members*9240), subaccounts.Credit(subaccounts.Key{Code: "2001", Owner: owner}, n/members*9240))
	}
	postings = append(postings, release)
	for _, again := range []bool{false, true} {
		l.tx(func(tx *store.Tx) error {
			batch, err := l.book.Begin(ctx, tx, "tester", at)
			if err != nil {
				return err
			}
			out, err := batch.Post(ctx, postings)
			if err != nil {
				return err
			}
			for i, o := range out {
				if o.Err != nil || o.VoucherID != int64(i+1) || o.Unchanged != again {
					t.Fatalf("posting %d, again %v: %+v", i, again, o)
				}
			}
			return batch.Finish(ctx)
		})
	}
	if got, want := l.balance("2001.M00007"), money.Amount(-n/members*9240); got != want {
		t.Errorf("2001.M00007 is %v, want %v", got, want)
	}
	l.tx(func(tx *store.Tx) error {
		items, err := l.book.Items(ctx, tx, subaccounts.Filter{Code: "2002"})
		if len(items) != 1 || items[0].Key.String() != "2002.P.WX.20260212" {
			t.Errorf("items left: %v", items)
		}
		seen := 0
		err2 := l.book.Vouchers(ctx, tx, day1, func(v *subaccounts.Voucher) error {
			if seen++; v.No != seen || !v.Content(&postings[seen-1]) {
				t.Fatalf("voucher %d is %s %s", seen, v.Name(), v.Reference)
			}
			return nil
		})
		if seen != 2*n {
			t.Errorf("streamed %d vouchers", seen)
		}
		return firstError(err, err2)
	})
	for _, entryMax := range []int{1 << 30, 100_000} {
		if found := l.problems(entryMax); len(found) > 0 {
			t.Errorf("ranges of %d: %+v", entryMax, found[0])
		}
	}
}
