package subaccounts_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// model is the funds check done the long way round: every balance is added up
// from all legs ever accepted.
type model struct{ accepted []subaccounts.Posting }

// sum adds up the legs of an account, or of its item, dated up to a day.
func (m *model) sum(key subaccounts.Key, item bool, until bizdate.Date, more subaccounts.Posting) money.Amount {
	var total money.Amount
	for _, p := range append(slices.Clone(m.accepted), more) {
		for _, leg := range p.Legs {
			same := leg.Code == key.Code && leg.Owner == key.Owner && (!item || leg.Item == key.Item)
			if same && p.Date <= until {
				total += leg.Amount
			}
		}
	}
	return total
}

// refuses reports whether the posting would overdraw something.
func (m *model) refuses(p subaccounts.Posting) bool {
	live := bizdate.Date(99991231)
	for _, leg := range p.Legs {
		def, _ := subaccounts.Chart(leg.Code)
		side := money.Amount(def.Side)
		worse := func(item bool, until bizdate.Date) bool {
			after, before := m.sum(leg.Key, item, until, p)*side, m.sum(leg.Key, item, until, subaccounts.Posting{})*side
			return after < 0 && after < before && !def.BothSides
		}
		for _, cut := range []bizdate.Date{day1, day2, live} {
			if cut >= p.Date && worse(false, cut) {
				return true
			}
		}
		if leg.Item != "" && worse(true, live) {
			return true
		}
	}
	return false
}

var randomKeys = []subaccounts.Key{
	{Code: "1001"}, {Code: "2301"}, {Code: "2102"}, {Code: "2001", Owner: "A"}, {Code: "2001", Owner: "B"},
	{Code: "2002", Owner: "A", Item: "WX.20260212"}, {Code: "2002", Owner: "A", Item: "WX.20260213"},
	{Code: "1122", Owner: "WX", Item: "20260212"}, {Code: "2501", Owner: "WX", Item: "20260212"}, {Code: "1402", Item: "X1"},
}

// drawPosting draws a balanced posting of two or three legs.
func drawPosting(t *rapid.T, i int) subaccounts.Posting {
	p := subaccounts.Posting{
		Date: rapid.SampledFrom([]bizdate.Date{day1, day2}).Draw(t, "date"), Event: "E1",
		Reference: fmt.Sprintf("20260212.%04d", i), Source: "random",
	}
	var rest money.Amount
	for range rapid.IntRange(1, 2).Draw(t, "legs") {
		amount := money.Amount(rapid.Int64Range(1, 50).Draw(t, "amount"))
		if rapid.Bool().Draw(t, "credit") {
			amount = -amount
		}
		rest -= amount
		p.Legs = append(p.Legs, subaccounts.Leg{Key: rapid.SampledFrom(randomKeys).Draw(t, "key"), Amount: amount})
	}
	if rest != 0 {
		p.Legs = append(p.Legs, subaccounts.Leg{Key: rapid.SampledFrom(randomKeys).Draw(t, "key"), Amount: rest})
	}
	return p
}

// TestRandomPostings: of random postings exactly those are refused that the
// model refuses; what was kept beside the entries follows from them, and does
// not depend on how postings were cut into batches.
func TestRandomPostings(t *testing.T) {
	shared := newLedger(t)
	custody := int64(100)
	rapid.Check(t, func(rt *rapid.T) {
		custody++
		l := shared.another(t, custody)
		var postings []subaccounts.Posting
		for i := range rapid.IntRange(1, 40).Draw(rt, "postings") {
			postings = append(postings, drawPosting(rt, i))
		}
		m := &model{}
		for part := range slices.Chunk(postings, rapid.IntRange(1, 40).Draw(rt, "batch")) {
			l.tx(func(tx *store.Tx) error {
				batch, err := l.book.Begin(ctx, tx, "tester", at)
				if err != nil {
					return err
				}
				out, err := batch.Post(ctx, part)
				if err != nil {
					return err
				}
				for i, o := range out {
					if refused := m.refuses(part[i]); refused != (o.Err != nil) {
						rt.Fatalf("%+v: refused %v, want %v", part[i], o.Err, refused)
					} else if !refused {
						m.accepted = append(m.accepted, part[i])
					}
				}
				return batch.Finish(ctx)
			})
		}
		for _, key := range randomKeys {
			for _, date := range []bizdate.Date{day1, day2} {
				if got, want := l.balanceAsOf(subaccounts.Key{Code: key.Code, Owner: key.Owner}.String(), date), m.sum(key, false, date, subaccounts.Posting{}); got != want {
					rt.Fatalf("%s at %s is %v, want %v", key, date, got, want)
				}
			}
			if got, want := l.balance(key.String()), m.sum(key, key.Item != "", day2, subaccounts.Posting{}); got != want {
				rt.Fatalf("%s is %v, want %v", key, got, want)
			}
		}
		if found := l.problems(30); len(found) > 0 {
			rt.Fatalf("books do not hold: %+v", found)
		}
	})
}

// another is a fresh custody account in the same database.
func (l *ledger) another(t testing.TB, id int64) *ledger {
	fresh := &ledger{t: t, db: l.db}
	code := fmt.Sprint("HQ", id)
	l.tx(func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, id, code, code, "1"); err != nil {
			return err
		}
		var err error
		if fresh.book, err = subaccounts.Open(ctx, tx, code, salt); err != nil {
			return err
		}
		for _, member := range []string{"A", "B"} {
			if err := fresh.book.AddMember(ctx, tx, "maker", at, subaccounts.Member{Code: member, Name: member, Kind: subaccounts.Franchisee}); err != nil {
				return err
			}
		}
		for _, d := range []bizdate.Date{day1, day2} {
			if err := fresh.book.OpenDay(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh
}

// TestOrderDoesNotMatter: postings that only bring money in give the same
// balances and items in whatever order they come.
func TestOrderDoesNotMatter(t *testing.T) {
	shared := newLedger(t)
	custody := int64(1000)
	rapid.Check(t, func(rt *rapid.T) {
		var postings []subaccounts.Posting
		for i := range rapid.IntRange(2, 20).Draw(rt, "postings") {
			amount := money.Amount(rapid.Int64Range(1, 1000).Draw(rt, "amount"))
			key := rapid.SampledFrom(randomKeys[1:7]).Draw(rt, "key")
			postings = append(postings, subaccounts.Posting{
				Date: rapid.SampledFrom([]bizdate.Date{day1, day2}).Draw(rt, "date"), Event: "E9a", Reference: fmt.Sprint("k", i), Source: "random",
				Legs: []subaccounts.Leg{subaccounts.Debit(randomKeys[0], amount), subaccounts.Credit(key, amount)},
			})
		}
		var want string
		for i, order := range [][]subaccounts.Posting{postings, rapid.Permutation(postings).Draw(rt, "order")} {
			custody++
			l := shared.another(t, custody)
			l.must(order...)
			var got string
			l.tx(func(tx *store.Tx) error {
				for _, date := range []bizdate.Date{day1, day2} {
					moves, err1 := l.book.Movements(ctx, tx, date)
					items, err2 := l.book.ItemsAsOf(ctx, tx, subaccounts.Filter{}, date)
					if err := firstError(err1, err2); err != nil {
						return err
					}
					for _, m := range moves {
						got += fmt.Sprintln(m.Code, m.Owner, m.Opening, m.Debit, m.Credit, m.Closing)
					}
					got += fmt.Sprintln(items)
				}
				return nil
			})
			if i == 0 {
				want = got
			} else if got != want {
				rt.Fatalf("got\n%swant\n%s", got, want)
			}
		}
	})
}

// TestBatchGoesOn: a refused posting does not stop the others, and the balance
// of a batch counts what is staged.
func TestBatchGoesOn(t *testing.T) {
	l := newLedger(t)
	l.tx(func(tx *store.Tx) error {
		batch, err := l.book.Begin(ctx, tx, "tester", at)
		if err != nil {
			return err
		}
		out, err := batch.Post(ctx, []subaccounts.Posting{
			voucher(day1, "E0 k1 dr 1001 10.00 cr 2301 10.00"),
			voucher(day1, "E0b k2 dr 2301 10.01 cr 2303 10.01"),
			voucher(day1, "E0b k3 dr 2301 9.00 cr 2303 9.00"),
		})
		if err != nil {
			return err
		}
		if out[0].VoucherNo != 1 || fault.CodeOf(out[1].Err) != "ledger.overdrawn" || out[2].VoucherNo != 2 {
			t.Errorf("got %+v", out)
		}
		if got, err := batch.Balance(ctx, parseKey("2301")); err != nil || got != -100 {
			t.Errorf("2301 is %v, %v", got, err)
		}
		return batch.Finish(ctx)
	})
}
