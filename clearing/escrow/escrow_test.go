package escrow_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/approval"
	"custody/clearing/escrow"
	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/clearing/states"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/subaccounts"
)

var (
	ctx   = context.Background()
	day   = bizdate.MustParse("2026-02-12")
	terms = escrow.Terms{FeePPM: 6000, Rule: split.Rule{ID: "S", Version: 1, HeadOfficePPM: 50_000}}
)

// books is an open book with the merchant S and the buyer U, who has 1,000.00.
type books struct {
	t     testing.TB
	db    *store.DB
	book  *subaccounts.Book
	today bizdate.Date
	n     int
}

func newBooks(t testing.TB, dsn string) *books {
	t.Helper()
	db, err := store.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &books{t: t, db: db, today: day}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, 7, "HQ1", "总部存管专户", "6222000000000001"); err != nil {
			return err
		}
		if b.book, err = subaccounts.Open(ctx, tx, "HQ1", [32]byte{1}); err != nil {
			return err
		}
		for _, code := range []string{"S", "U"} {
			err := b.book.AddMember(ctx, tx, "maker", day.At(9, 0), subaccounts.Member{Code: code, Name: code, Kind: subaccounts.Franchisee})
			if err != nil {
				return err
			}
		}
		if err := b.book.OpenDay(ctx, tx, day); err != nil {
			return err
		}
		return b.book.OpenDay(ctx, tx, day.AddDays(10))
	})
	if err != nil {
		t.Fatal(err)
	}
	b.book.Guard(db)
	b.must(func(o escrow.Orders) error { return o.Members().TopUp(ctx, "K1", "U", "U", 1000_00) })
	return b
}

func (b *books) do(fn func(o escrow.Orders) error) error { return b.doOn(b.db, fn) }

func (b *books) doOn(db *store.DB, fn func(o escrow.Orders) error) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		return fn(escrow.At(flows.Journal{Book: b.book, Tx: tx, Date: b.today, Actor: "tester", At: b.today.At(10, 30), Source: "test"}))
	})
}

func (b *books) must(steps ...func(o escrow.Orders) error) {
	b.t.Helper()
	for i, fn := range steps {
		if err := b.do(fn); err != nil {
			b.t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

func (b *books) wants(code string, fn func(o escrow.Orders) error) {
	b.t.Helper()
	if err := b.do(fn); fault.CodeOf(err) != code {
		b.t.Errorf("got %v, want %s", err, code)
	}
}

// order opens an order of 100.00, pays it and ships it.
func (b *books) order(no string, fromBalance bool) {
	b.t.Helper()
	b.must(func(o escrow.Orders) error {
		return o.Open(ctx, escrow.Order{OrderNo: no, Member: "S", Amount: 100_00})
	},
		func(o escrow.Orders) error {
			if fromBalance {
				return o.PayFromBalance(ctx, no, "U")
			}
			return o.Pay(ctx, no, "ALI", day)
		},
		func(o escrow.Orders) error { return o.Ship(ctx, no, "SF1", day.AddDays(10)) })
}

func (b *books) state(no string) (s states.EscrowState) {
	b.t.Helper()
	b.must(func(o escrow.Orders) error {
		order, _, err := o.Find(ctx, no)
		s = order.State
		return err
	})
	return s
}

// at compares keys with what stands on them, each on its own side.
func (b *books) at(want map[string]string) {
	b.t.Helper()
	for name, amount := range want {
		k, err := subaccounts.ParseKey(name)
		if err != nil {
			b.t.Fatal(err)
		}
		def, _ := subaccounts.Chart(k.Code)
		b.must(func(o escrow.Orders) error {
			got, err := b.book.Balance(ctx, o.Tx, k)
			if got *= money.Amount(def.Side); got.String() != amount {
				b.t.Errorf("%s is at %s, want %s", name, got, amount)
			}
			return err
		})
	}
}

func (b *books) approve(o escrow.Orders, v escrow.Verdict) string {
	b.t.Helper()
	b.n++
	id := fmt.Sprintf("A%d", b.n)
	err := approval.Submit(ctx, o.Tx, b.book.ID(), day.At(9, 0), "maker", id, "escrow-verdict", v.OrderNo, v)
	if err == nil {
		_, err = approval.Decide(ctx, o.Tx, b.book.ID(), day.At(9, 0), "checker", id, approval.Approved, "")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *books) verdict(no string, refund money.Amount) {
	b.t.Helper()
	b.must(func(o escrow.Orders) error { return o.Dispute(ctx, no) })
	b.decide(no, refund)
}

func (b *books) decide(no string, refund money.Amount) {
	b.t.Helper()
	b.must(func(o escrow.Orders) error {
		v := escrow.Verdict{OrderNo: no, Refund: refund, RefundNo: "R" + no}
		return o.Decide(ctx, v, terms, b.approve(o, v))
	})
}

// TestEnds: where the money of an order is at each of its ends.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name        string
		fromBalance bool
		end         func(b *books)
		state       states.EscrowState
		want        map[string]string
	}{
		{"confirmed", false, func(b *books) {
			b.must(func(o escrow.Orders) error { return o.Confirm(ctx, "1", terms) })
		}, "CONFIRMED", map[string]string{"2101.S": "0.00", "2002.S": "94.40", "2302.ALI.20260212": "5.00", "2501.ALI": "0.60"}},
		{"confirmed and paid from a balance", true, func(b *books) {
			b.must(func(o escrow.Orders) error { return o.Confirm(ctx, "1", terms) })
		}, "CONFIRMED", map[string]string{"2101.S": "0.00", "2001.S": "95.00", "2302.FEE": "5.00", "2001.U": "900.00"}},
		{"confirmed by the timer", false, func(b *books) {
			b.wants("escrow.timer_runs", func(o escrow.Orders) error { return o.AutoConfirm(ctx, "1", terms) })
			b.today = day.AddDays(10)
			b.must(func(o escrow.Orders) error { return o.AutoConfirm(ctx, "1", terms) })
		}, "AUTO_CONFIRMED", map[string]string{"2101.S": "0.00", "2002.S": "94.40"}},
		{"ruled for the merchant", false, func(b *books) { b.verdict("1", 0) }, "CONFIRMED", map[string]string{"2101.S": "0.00", "2002.S": "94.40"}},
		{"ruled for the buyer and listed", false, func(b *books) {
			b.verdict("1", 100_00)
			b.at(map[string]string{"2202.ALI": "100.00"})
			b.must(func(o escrow.Orders) error { return o.List(ctx, "1", day) })
		}, "REFUNDED", map[string]string{"2101.S": "0.00", "2202.ALI": "0.00", "1122.ALI": "0.00"}},
		{"ruled for the buyer, whose card is gone", false, func(b *books) {
			b.verdict("1", 100_00)
			b.must(func(o escrow.Orders) error { return o.FailRefund(ctx, "1") })
		}, "REFUNDED", map[string]string{"2202.ALI": "0.00", "2401.R1": "100.00", "1122.ALI": "100.00"}},
		{"ruled in part and listed", false, func(b *books) {
			b.verdict("1", 30_00)
			b.must(func(o escrow.Orders) error { return o.List(ctx, "1", day) })
		}, "PART_REFUNDED", map[string]string{"2101.S": "0.00", "2002.S": "66.08", "2302.ALI.20260212": "3.50", "2501.ALI": "0.42", "1122.ALI": "70.00"}},
		{"ruled for the buyer, who paid from a balance", true, func(b *books) { b.verdict("1", 100_00) }, "REFUNDED",
			map[string]string{"2101.S": "0.00", "2001.U": "1000.00"}},
		{"ruled in part, paid from a balance", true, func(b *books) { b.verdict("1", 30_00) }, "PART_REFUNDED",
			map[string]string{"2101.S": "0.00", "2001.U": "930.00", "2001.S": "66.50", "2302.FEE": "3.50"}},
		{"settled", false, func(b *books) {
			b.must(func(o escrow.Orders) error { return o.Confirm(ctx, "1", terms) })
			b.wants("flows.in_transit", func(o escrow.Orders) error { return o.Released(ctx, "1") })
			b.must(func(o escrow.Orders) error {
				return o.Collections().Arrive(ctx, flows.Arrival{BankRef: "K2", Channel: "ALI", Clearing: day, Amount: 99_40, Fee: 60})
			}, func(o escrow.Orders) error { return o.Collections().Release(ctx, "E4", "ALI", day) },
				func(o escrow.Orders) error { return o.Released(ctx, "1") })
		}, "SETTLED", map[string]string{"2002.S": "0.00", "2001.S": "94.40"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBooks(t, pgtest.Where(t))
			b.order("1", c.fromBalance)
			c.end(b)
			if got := b.state("1"); got != c.state {
				t.Errorf("the order is %s, want %s", got, c.state)
			}
			b.at(c.want)
		})
	}
}

// TestTimerAndDispute: a dispute stops the timer, taking it back starts it again;
// 2101 is at any time what the orders say is held.
func TestTimerAndDispute(t *testing.T) {
	b := newBooks(t, pgtest.Where(t))
	b.order("1", false)
	b.order("2", true)
	b.wants("escrow.unknown", func(o escrow.Orders) error { return o.Confirm(ctx, "9", terms) })
	b.wants("state.illegal", func(o escrow.Orders) error {
		return o.Open(ctx, escrow.Order{OrderNo: "1", Member: "S", Amount: 1})
	})
	b.wants("escrow.timer", func(o escrow.Orders) error { return o.Extend(ctx, "1", day.AddDays(10)) })
	due := func(want int) {
		t.Helper()
		b.must(func(o escrow.Orders) error {
			list, err := o.DueForAutoConfirm(ctx, day.AddDays(10))
			if len(list) != want {
				t.Errorf("%d orders are due, want %d", len(list), want)
			}
			held, err2 := o.Held(ctx)
			balance, err3 := b.book.Balance(ctx, o.Tx, subaccounts.Key{Code: "2101", Owner: "S"})
			if -balance != held["S"] {
				t.Errorf("2101 is at %s, the orders hold %s", -balance, held["S"])
			}
			for _, e := range []error{err, err2, err3} {
				if e != nil {
					return e
				}
			}
			return nil
		})
	}
	due(2)
	b.must(func(o escrow.Orders) error { return o.Extend(ctx, "1", day.AddDays(11)) })
	due(1)
	b.must(func(o escrow.Orders) error { return o.Dispute(ctx, "2") })
	due(0)
	b.wants("state.illegal", func(o escrow.Orders) error { return o.AutoConfirm(ctx, "2", terms) })
	b.wants("escrow.timer", func(o escrow.Orders) error { return o.DropDispute(ctx, "2", day) })
	b.must(func(o escrow.Orders) error { return o.DropDispute(ctx, "2", day.AddDays(9)) })
	due(1)
	b.must(func(o escrow.Orders) error { return o.Confirm(ctx, "2", terms) })
	due(0)
	b.wants("flows.refund", func(o escrow.Orders) error {
		v := escrow.Verdict{OrderNo: "1", Refund: 100_01}
		return o.Decide(ctx, v, terms, b.approve(o, v))
	})
}

// TestOneWinner: whatever comes at the same time for the same order, in whatever
// order, exactly one of confirming and refunding happens: one voucher takes the
// money out of 2101, every other call is state.illegal, and nothing is left or
// created. Each call is a goroutine with its own transaction on one file, every
// second one through a handle of its own, as another process would have.
func TestOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	b := newBooks(t, path)
	other, err := store.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		no := fmt.Sprintf("Q%d", n)
		disputed := rapid.Bool().Draw(rt, "disputed")
		b.race(rt, other, no, disputed, drawCalls(rt, b, no, disputed))
	})
}

// call is one of the things that people do at the same time.
type call struct {
	name string
	do   func(o escrow.Orders) error
}

func drawCalls(rt *rapid.T, b *books, no string, disputed bool) []call {
	rule := func(refund money.Amount) call {
		v := escrow.Verdict{OrderNo: no, Refund: refund, RefundNo: "R" + no}
		var id string
		b.must(func(o escrow.Orders) error { id = b.approve(o, v); return nil })
		return call{fmt.Sprintf("rule %s", refund), func(o escrow.Orders) error { return o.Decide(ctx, v, terms, id) }}
	}
	possible := []func() call{
		func() call {
			return call{"confirm", func(o escrow.Orders) error { return o.Confirm(ctx, no, terms) }}
		},
		func() call {
			return call{"timer", func(o escrow.Orders) error { o.Date = day.AddDays(10); return o.AutoConfirm(ctx, no, terms) }}
		},
	}
	if disputed {
		possible = []func() call{func() call { return rule(0) }, func() call { return rule(100_00) }, func() call { return rule(30_00) }}
	} else {
		possible = append(possible, func() call {
			return call{"dispute", func(o escrow.Orders) error { return o.Dispute(ctx, no) }}
		})
	}
	var calls []call
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(possible)-1), 2, 6).Draw(rt, "calls") {
		calls = append(calls, possible[i]())
	}
	return calls
}

// race makes the calls at once and looks who won.
func (b *books) race(rt *rapid.T, other *store.DB, no string, disputed bool, calls []call) {
	b.order(no, true)
	if disputed {
		b.must(func(o escrow.Orders) error { return o.Dispute(ctx, no) })
	}
	errs := make([]error, len(calls))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() {
			<-start
			errs[i] = b.doOn([]*store.DB{b.db, other}[i%2], c.do)
		})
	}
	close(start)
	all.Wait()
	won := ""
	for i, err := range errs {
		switch {
		case err == nil && won == "":
			won = calls[i].name
		case err == nil:
			rt.Fatalf("%s and %s both won", won, calls[i].name)
		case fault.CodeOf(err) != "state.illegal":
			rt.Fatalf("%s: %v", calls[i].name, err)
		}
	}
	key := subaccounts.Key{Code: "2101", Owner: "S", Item: no}.String()
	want := map[string]string{key: "0.00"}
	if won == "dispute" {
		want[key] = "100.00"
		b.at(want)
		b.decide(no, 100_00) // and a dispute has an end of its own
		want[key] = "0.00"
	}
	if won == "" {
		rt.Fatal("nobody won")
	}
	b.at(want)
	b.refill()
}

// refill gives the buyer the money for the next order.
func (b *books) refill() {
	b.t.Helper()
	b.n++
	b.must(func(o escrow.Orders) error { return o.Members().TopUp(ctx, fmt.Sprintf("K0%d", b.n), "U", "U", 100_00) })
}

// TestRefundAgainstShipping: the buyer asks for the money while the merchant
// ships: one of them wins, on every engine.
func TestRefundAgainstShipping(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		b := newBooks(t, dsn)
		for i := range 20 {
			no := fmt.Sprint(i)
			b.must(func(o escrow.Orders) error {
				return o.Open(ctx, escrow.Order{OrderNo: no, Member: "S", Amount: 100_00})
			},
				func(o escrow.Orders) error { return o.Pay(ctx, no, "ALI", day) })
			var errs [2]error
			var both sync.WaitGroup
			both.Go(func() { errs[0] = b.do(func(o escrow.Orders) error { return o.AskRefund(ctx, no, "R"+no) }) })
			both.Go(func() {
				errs[1] = b.do(func(o escrow.Orders) error { return o.Ship(ctx, no, "SF", day.AddDays(10)) })
			})
			both.Wait()
			want := map[states.EscrowState]int{states.EscrowRefunding: 1, states.EscrowShipped: 0}
			loser, ok := want[b.state(no)]
			if !ok || errs[1-loser] != nil || fault.CodeOf(errs[loser]) != "state.illegal" {
				t.Fatalf("%s: refund %v, shipping %v", b.state(no), errs[0], errs[1])
			}
		}
	})
}
