package subaccounts_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/subaccounts"
)

var (
	ctx  = context.Background()
	day0 = bizdate.MustParse("2026-02-11")
	day1 = bizdate.MustParse("2026-02-12")
	day2 = bizdate.MustParse("2026-02-13")
	at   = day1.At(10, 30)
	salt = [32]byte{1, 2, 3}
)

// ledger is an open book with members A, B, C, P and the days 02-12 and 02-13.
type ledger struct {
	t    testing.TB
	db   *store.DB
	book *subaccounts.Book
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	db, err := store.Open(ctx, pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	l := &ledger{t: t, db: db}
	l.tx(func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, 7, "HQ1", "总部存管专户", "6222000000000001"); err != nil {
			return err
		}
		l.book, err = subaccounts.Open(ctx, tx, "HQ1", salt)
		if err != nil {
			return err
		}
		for _, code := range []string{"A", "B", "C", "P"} {
			m := subaccounts.Member{Code: code, Name: "门店" + code, Kind: subaccounts.Franchisee, Status: subaccounts.StatusNormal}
			if err := l.book.AddMember(ctx, tx, "maker", at, m); err != nil {
				return err
			}
		}
		for _, d := range []bizdate.Date{day1, day2} {
			if err := l.book.OpenDay(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

// tx runs fn in a transaction that must succeed.
func (l *ledger) tx(fn func(*store.Tx) error) {
	l.t.Helper()
	if err := l.db.Tx(ctx, fn); err != nil {
		l.t.Fatal(err)
	}
}

// post posts in one transaction and returns the outcome of the last posting or the first error.
func (l *ledger) post(postings ...subaccounts.Posting) (subaccounts.Outcome, error) {
	var out []subaccounts.Outcome
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		var err error
		out, err = l.book.Post(ctx, tx, "tester", at, postings...)
		return err
	})
	if err != nil {
		return subaccounts.Outcome{}, err
	}
	return out[len(out)-1], nil
}

func (l *ledger) must(postings ...subaccounts.Posting) subaccounts.Outcome {
	l.t.Helper()
	out, err := l.post(postings...)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func (l *ledger) balance(key string) money.Amount {
	l.t.Helper()
	var a money.Amount
	l.tx(func(tx *store.Tx) (err error) {
		a, err = l.book.Balance(ctx, tx, parseKey(key))
		return err
	})
	return a
}

func (l *ledger) balanceAsOf(account string, date bizdate.Date) money.Amount {
	l.t.Helper()
	var a money.Amount
	k := parseKey(account)
	l.tx(func(tx *store.Tx) (err error) {
		a, err = l.book.BalanceAsOf(ctx, tx, k.Code, k.Owner, date)
		return err
	})
	return a
}

// parseKey is ParseKey for keys that a test made up, known code or not.
func parseKey(s string) subaccounts.Key {
	k, err := subaccounts.ParseKey(s)
	if err != nil {
		k.Code = s
	}
	return k
}

// TestParseKey: a key reads back as it was written.
func TestParseKey(t *testing.T) {
	for s, want := range map[string]subaccounts.Key{
		"1001":               {Code: "1001"},
		"2001.A":             {Code: "2001", Owner: "A"},
		"2002.A.WX.20260212": subaccounts.Pending("A", "WX", day1),
		"2302.WX.20260212":   subaccounts.ChannelDay("2302", "WX", day1),
		"1122.WX.20260212":   subaccounts.ChannelDay("1122", "WX", day1),
		"1402.W4":            {Code: "1402", Item: "W4"},
	} {
		if got, err := subaccounts.ParseKey(s); err != nil || got != want || got.String() != s {
			t.Errorf("%s: got %+v, %v", s, got, err)
		}
	}
	_, err := subaccounts.ParseKey("9999.A")
	wantCode(t, err, "ledger.account_unknown")
}

// TestChart: codes ascend and every account has both names.
func TestChart(t *testing.T) {
	last := ""
	for _, a := range subaccounts.Accounts() {
		if a.Code <= last || a.ZH == "" || a.EN == "" || (a.Code[0] == '1') != (a.Side == subaccounts.DebitSide) {
			t.Errorf("%+v after %s", a, last)
		}
		last = a.Code
	}
}

// voucher reads "event reference dr key amount ... cr key amount ..." with
// amounts in yuan, the form of the golden table.
func voucher(date bizdate.Date, line string) subaccounts.Posting {
	f := strings.Fields(line)
	p := subaccounts.Posting{Date: date, Event: f[0], Reference: f[1], Source: "test"}
	side := money.Amount(1)
	for i := 2; i < len(f); i++ {
		switch f[i] {
		case "dr":
			side = 1
		case "cr":
			side = -1
		default:
			amount, err := money.ParseYuan(f[i+1])
			if err != nil {
				panic(fmt.Sprintf("%s: %v", line, err))
			}
			p.Legs = append(p.Legs, subaccounts.Leg{Key: parseKey(f[i]), Amount: side * amount})
			i++
		}
	}
	return p
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("got %q (%v), want %q", got, err, code)
	}
	for _, l := range []lang.Lang{lang.EN, lang.ZH} {
		if s := lang.Report(l, err); err != nil && (!lang.Has(code) || strings.Contains(s, "%!")) {
			t.Errorf("%s reads %q", code, s)
		}
	}
}

// TestRefused: what may not be posted is refused by name and leaves nothing behind.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, code, voucher string }{
		{"one leg", "ledger.legs", "E1 x dr 1001 1.00"},
		{"unbalanced", "ledger.unbalanced", "E1 x dr 1001 1.00 cr 2301 0.99"},
		{"zero leg", "ledger.zero_leg", "E1 x dr 1001 0.00 cr 2301 0.00"},
		{"unknown account", "ledger.account_unknown", "E1 x dr 1009 1.00 cr 2301 1.00"},
		{"owner missing", "ledger.owner", "E1 x dr 1001 1.00 cr 2001 1.00"},
		{"item missing", "ledger.item", "E1 x dr 1001 1.00 cr 2002.A 1.00"},
		{"item where none is kept", "ledger.item", "E1 x dr 1001.X 1.00 cr 2301 1.00"},
		{"unknown member", "ledger.member_unknown", "E1 x dr 1001 1.00 cr 2001.Z 1.00"},
		{"overflow in one voucher", "ledger.overflow", "E1 x dr 1001 90000000000000000.00 dr 1122.WX.0212 90000000000000000.00 cr 2301 90000000000000000.00 cr 2302.X 90000000000000000.00"},
		{"overdrawn", "ledger.overdrawn", "E1 x dr 2301 1000.01 cr 2303 1000.01"},
		{"overdrawn on the debit side", "ledger.overdrawn", "E1 x dr 2301 1.00 cr 1001 1000.01 dr 2303 999.01"},
		{"overdrawn at an earlier cut", "ledger.overdrawn_cut", "E1 x dr 2303 50.00 cr 2301 50.00"},
		{"overdrawn item, account has enough", "ledger.item_overdrawn", "E4 x dr 2002.A.WX.20260212 30.00 cr 2001.A 30.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(t)
			l.must(
				voucher(day1, "E0 k1 dr 1001 1000.00 cr 2301 1000.00"),
				voucher(day1, "E1 o1 dr 1122.WX.20260212 50.00 cr 2002.A.WX.20260212 20.00 cr 2002.A.WX.20260213 30.00"),
				voucher(day2, "E0b k2 dr 2301 50.00 cr 2303 50.00"),
			)
			_, err := l.post(voucher(day1, c.voucher))
			wantCode(t, err, c.code)
			if got := l.balance("2301"); got != -95000 {
				t.Errorf("2301 is %v", got)
			}
		})
	}
}

// TestDays: a posting needs an open accounting date.
func TestDays(t *testing.T) {
	l := newLedger(t)
	_, err := l.post(voucher(day0, "E0 k0 dr 1001 1.00 cr 2301 1.00"))
	wantCode(t, err, "ledger.day_unknown")
	l.must(voucher(day1, "E0 k1 dr 1001 1.00 cr 2301 1.00"))
	l.tx(func(tx *store.Tx) error { return l.book.CloseDay(ctx, tx, day1) })
	_, err = l.post(voucher(day1, "E0 k2 dr 1001 1.00 cr 2301 1.00"))
	wantCode(t, err, "ledger.day_closed")
	l.must(voucher(day2, "E0 k2 dr 1001 1.00 cr 2301 1.00"))
}

// TestRepeated: the same posting again is a no-op, another one under its
// reference a conflict, in the same batch and later, looked up singly and in sets.
func TestRepeated(t *testing.T) {
	for _, n := range []int{1, 300} {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d postings, later %v", n, later), func(t *testing.T) {
				l := newLedger(t)
				var first, again []subaccounts.Posting
				for i := range n {
					p := voucher(day1, fmt.Sprintf("E0 k%03d dr 1001 1.00 cr 2301 1.00", i))
					first, again = append(first, p), append(again, p)
				}
				again[n/2].Legs = []subaccounts.Leg{subaccounts.Debit(parseKey("1001"), 2), subaccounts.Credit(parseKey("2301"), 2)}
				var out []subaccounts.Outcome
				if later {
					l.must(first...)
				}
				l.tx(func(tx *store.Tx) error {
					b, err := l.book.Begin(ctx, tx, "tester", at)
					if err != nil {
						return err
					}
					if !later {
						if _, err := b.Post(ctx, first); err != nil {
							return err
						}
					}
					if out, err = b.Post(ctx, again); err != nil {
						return err
					}
					return b.Finish(ctx)
				})
				for i, o := range out {
					if o.VoucherNo != i+1 || o.VoucherID != int64(i+1) {
						t.Fatalf("posting %d: got voucher %d, no %d", i, o.VoucherID, o.VoucherNo)
					}
					if i == n/2 {
						wantCode(t, o.Err, "ledger.conflict")
					} else if !o.Unchanged || o.Err != nil {
						t.Fatalf("posting %d: %+v", i, o)
					}
				}
				if got := l.balance("1001"); got != money.Amount(n*100) {
					t.Fatalf("1001 is %v", got)
				}
			})
		}
	}
}

// BenchmarkPost posts orders as a night does: E1 and E2 for 1000 members.
func BenchmarkPost(b *testing.B) {
	l := newLedger(b)
	entries, spent := postOrders(l, b.N)
	b.ReportMetric(float64(entries)/spent.Seconds(), "entries/s")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(2*b.N), "ns/voucher")
}

// postOrders posts E1 and E2 of n orders in groups of 100,000, and returns the
// entries and the time from the beginning of each transaction to its end.
func postOrders(l *ledger, n int) (entries int, spent time.Duration) {
	const members, group = 1000, 100_000
	owners := make([]string, members)
	l.tx(func(tx *store.Tx) error {
		for i := range owners {
			owners[i] = fmt.Sprintf("M%05d", i)
			m := subaccounts.Member{Code: owners[i], Name: owners[i], Kind: subaccounts.Franchisee}
			if err := l.book.AddMember(ctx, tx, "maker", at, m); err != nil {
				return err
			}
		}
		return nil
	})
	for done := 0; done < n; done += group {
		postings := orders(owners, done, min(done+group, n))
		began := time.Now()
		l.tx(func(tx *store.Tx) error {
			batch, err := l.book.Begin(ctx, tx, "bench", at)
			if err != nil {
				return err
			}
			out, err := batch.Post(ctx, postings)
			if err != nil {
				return err
			}
			for i, o := range out {
				if o.Err != nil {
					return o.Err
				}
				entries += len(postings[i].Legs)
			}
			return batch.Finish(ctx)
		})
		spent += time.Since(began)
	}
	return entries, spent
}

// orders are the postings of orders from to to: all E1, then all E2.
func orders(owners []string, from, to int) []subaccounts.Posting {
	channelDay, fee, pending := subaccounts.ChannelDay("1122", "WX", day1), subaccounts.ChannelDay("2501", "WX", day1), "WX.20260212"
	collected := subaccounts.Key{Code: "2102"}
	postings := make([]subaccounts.Posting, 0, 2*(to-from))
	for _, event := range []string{"E1", "E2"} {
		for i := from; i < to; i++ {
			p := subaccounts.Posting{Date: day1, Event: event, Reference: fmt.Sprintf("20260212.WX.%020d", i), Source: fmt.Sprintf("orders-20260212.csv:%d", i)}
			if event == "E1" {
				p.Legs = []subaccounts.Leg{subaccounts.Debit(channelDay, 10000), subaccounts.Credit(collected, 10000)}
			} else {
				p.Legs = []subaccounts.Leg{
					subaccounts.Debit(collected, 10000),
					subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: owners[i*7919%len(owners)], Item: pending}, 9240),
					subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: "P", Item: pending}, 200),
					subaccounts.Credit(subaccounts.Key{Code: "2302", Item: pending}, 500),
					subaccounts.Credit(fee, 60),
				}
			}
			postings = append(postings, p)
		}
	}
	return postings
}

// BenchmarkVerify re-derives a night's books; beside it the bare reading of the
// same rows.
func BenchmarkVerify(b *testing.B) {
	l := newLedger(b)
	postOrders(l, b.N)
	b.ResetTimer()
	began := time.Now()
	l.tx(func(tx *store.Tx) error {
		found, counts, err := l.book.Verify(ctx, tx, nil)
		if len(found) > 0 {
			b.Fatal(found[0])
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/float64(counts.Entries), "ns/entry")
		return err
	})
	b.StopTimer()
	began = time.Now()
	rows := 0
	l.tx(func(tx *store.Tx) error {
		var raw [12]sql.RawBytes
		into := make([]any, len(raw))
		for i := range raw {
			into[i] = &raw[i]
		}
		err1 := tx.Each(ctx, "SELECT * FROM vouchers", nil, func(scan func(...any) error) error {
			return scan(append(into, new(sql.RawBytes))...)
		})
		err2 := tx.Each(ctx, "SELECT * FROM entries", nil, func(scan func(...any) error) error {
			rows++
			return scan(into[:9]...)
		})
		return firstError(err1, err2)
	})
	b.ReportMetric(float64(time.Since(began).Nanoseconds())/float64(rows), "scan-ns/entry")
}
