package clearing_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestWorkedDays plays three accounting days that were worked by hand, and the
// holiday after them: 02-12, 02-13 and the make-up Saturday 02-14 before the
// Spring Festival of 2026, on to 02-24. Twelve orders, three refunds, ten
// payouts; every voucher, every balance at each cut and every line of the bank
// tie-out must be those of testdata/worked.
func TestWorkedDays(t *testing.T) {
	b := newWorkedBooks(t)
	b.playWorkedDays()

	t.Run("vouchers", func(t *testing.T) { golden(t, "vouchers.golden", b.vouchers()) })
	t.Run("balances", func(t *testing.T) { golden(t, "balances.golden", b.balances()) })
	t.Run("tie-out", func(t *testing.T) { golden(t, "tieout.golden", b.tieOuts()) })
	t.Run("exceptions", func(t *testing.T) { golden(t, "exceptions.golden", b.exceptions()) })
	t.Run("checks", func(t *testing.T) { golden(t, "checks.golden", b.checks()) })
	t.Run("payout file", func(t *testing.T) {
		raw, err := os.ReadFile(filepath.Join(b.home, "outbox", "PO20260213-01.txt"))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "PO20260213-01.txt", string(raw))
	})
	t.Run("verify", func(t *testing.T) {
		report, err := b.engine.Verify(b.ctx, nil)
		if err != nil || !report.OK {
			t.Fatalf("%v %+v", err, report)
		}
	})
	t.Run("again", func(t *testing.T) {
		before, err := b.engine.Day(b.ctx, day("2026-02-13"))
		if err != nil {
			t.Fatal(err)
		}
		view := b.run("2026-02-13", 0)
		if !view.AlreadyClosed || view.ResultHash != before.ResultHash {
			t.Fatalf("a closed day was played again: %+v", view)
		}
	})
}

// playWorkedDays follows the timetable by the clock.
func (b *workedBooks) playWorkedDays() {
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	b.run("2026-02-12", 0)

	// 02-13: WeChat's money came and is released, Alipay's is held.
	b.intraday("2026-02-13", 1)
	b.run("2026-02-13", waiting) // 13:00: a checker
	b.approve("PO20260213-01")
	b.run("2026-02-13", waiting) // 13:30: the bank's answer
	b.result("PO20260213-01", "2026-02-13")
	b.run("2026-02-13", waiting) // 17:30: the files of the night
	b.statement("2026-02-13")
	b.orders("2026-02-13")
	b.bills("2026-02-13")
	b.rebind("B")
	b.run("2026-02-13", 0)

	// 02-14, a working Saturday.
	b.intraday("2026-02-14", 4)
	b.runUntil("2026-02-14", "arrival", 0)
	b.handle("W6", clearing.Handling{Template: "adopt", Member: "B"})
	b.run("2026-02-14", waiting)
	b.approve("PO20260214-01")
	b.run("2026-02-14", waiting)
	b.handle("K1202", clearing.Handling{Template: "claim", Member: "B"})
	b.result("PO20260214-01", "2026-02-14")
	b.statement("2026-02-14")
	b.orders("2026-02-14")
	b.bills("2026-02-14")
	b.run("2026-02-14", 0)

	// The holiday: every natural day is closed, nobody is needed.
	for d := day("2026-02-15"); d < day("2026-02-24"); d = d.AddDays(1) {
		b.statement(d.String())
		b.orders(d.String())
		b.bills(d.String())
		b.run(d.String(), 0)
	}

	// 02-24: C's return is credited before the day phase; its account stays blocked.
	b.handle("20260213010003", clearing.Handling{Template: "credit-return"})
	b.intraday("2026-02-24", 1)
	b.run("2026-02-24", waiting)
	b.approve("PO20260224-01")
	b.run("2026-02-24", waiting)
	b.result("PO20260224-01", "2026-02-24")
	b.statement("2026-02-24")
	b.orders("2026-02-24")
	b.bills("2026-02-24")
	b.run("2026-02-24", 0)
}

// waiting is the exit code of a day that waits for something.
const waiting = 5

var cuts = []string{"2026-02-12", "2026-02-13", "2026-02-14", "2026-02-15", "2026-02-24"}

func day(s string) bizdate.Date { return bizdate.MustParse(s) }

// golden compares with a file that a person can read; -update rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "worked", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("%s:%d\n got %s\nwant %s", name, i+1, g, w)
		}
	}
}

// shown is an account as the worked days name it: 1122.WX.0212, 2002.A.WX.0212,
// 2001.A, 1402.W4.
func shown(k subaccounts.Key) string {
	switch k.Code {
	case "2201", "2202", "2203", "2401":
		k.Item = ""
	}
	return strings.ReplaceAll(k.String(), "2026", "")
}

func (b *workedBooks) vouchers() string {
	var out strings.Builder
	b.read(func(tx *store.Tx) error {
		for d := day("2026-02-12"); d <= day("2026-02-24"); d = d.AddDays(1) {
			err := b.engine.Book.Vouchers(b.ctx, tx, d, func(v *subaccounts.Voucher) error {
				var debits, credits []string
				for _, e := range v.Entries {
					if e.Amount > 0 {
						debits = append(debits, "Dr "+shown(e.Key)+" "+e.Amount.String())
					} else {
						credits = append(credits, "Cr "+shown(e.Key)+" "+(-e.Amount).String())
					}
				}
				slices.Sort(debits)
				slices.Sort(credits)
				fmt.Fprintf(&out, "%s/%d %s: %s\n", d.String()[5:], v.No, v.Event, strings.Join(append(debits, credits...), "; "))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out.String()
}

// balances prints the rows of the golden file with what the books hold now.
func (b *workedBooks) balances() string {
	raw, err := os.ReadFile(filepath.Join("testdata", "worked", "balances.golden"))
	if err != nil {
		b.t.Fatal(err)
	}
	var out strings.Builder
	for row := range strings.Lines(string(raw)) {
		name, _, _ := strings.Cut(row, " : ")
		values := make([]string, len(cuts))
		for i, cut := range cuts {
			values[i] = b.standing(name, day(cut)).String()
		}
		fmt.Fprintf(&out, "%s : %s\n", name, strings.Join(values, " "))
	}
	return out.String()
}

// standing is what a row of the balance table stands at: assets positive on
// the debit side, all others on the credit side.
func (b *workedBooks) standing(name string, cut bizdate.Date) money.Amount {
	key, _, _ := strings.Cut(name, " ")
	if key == "of" {
		return b.sweepable(cut)
	}
	var sum money.Amount
	b.read(func(tx *store.Tx) error {
		if parts := strings.Split(key, "."); len(parts) == 3 { // one clearing date
			items, err := b.engine.Book.ItemsAsOf(b.ctx, tx, subaccounts.Filter{Code: parts[0], Owner: parts[1], Item: "2026" + parts[2]}, cut)
			for _, it := range items {
				sum += it.Balance
			}
			return err
		}
		movements, err := b.engine.Book.Movements(b.ctx, tx, cut)
		for _, m := range movements {
			k := subaccounts.Key{Code: m.Code, Owner: m.Owner}
			switch {
			case key == "assets" && m.Code < "2":
				sum += m.Closing
			case key == "liabilities" && m.Code >= "2", m.Code == key && m.Code >= "2", k.String() == key && m.Code >= "2":
				sum -= m.Closing
			case m.Code == key, k.String() == key:
				sum += m.Closing
			}
		}
		return err
	})
	return sum
}

// sweepable is the part of 2302 whose clearing date has arrived.
func (b *workedBooks) sweepable(cut bizdate.Date) money.Amount {
	var sum money.Amount
	b.read(func(tx *store.Tx) error {
		items, err := b.engine.Book.ItemsAsOf(b.ctx, tx, subaccounts.Filter{Code: "2302"}, cut)
		if err != nil {
			return err
		}
		for _, it := range items {
			owing, err := b.engine.Book.ItemsAsOf(b.ctx, tx, subaccounts.Filter{Code: "1122", Item: it.Item[strings.Index(it.Item, ".")+1:], Owner: strings.Split(it.Item, ".")[0]}, cut)
			if err != nil {
				return err
			}
			if len(owing) == 0 {
				sum -= it.Balance
			}
		}
		return nil
	})
	return sum
}

func (b *workedBooks) tieOuts() string {
	var out strings.Builder
	for _, cut := range cuts {
		b.read(func(tx *store.Tx) error {
			t, err := b.engine.TieOut(b.ctx, tx, day(cut))
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s\n(1) %s\n", cut, t.BankClosing)
			for _, side := range []struct {
				no    int
				items []clearing.TieItem
			}{{2, t.ReceivedNotByBank}, {3, t.PaidNotByBank}} {
				writeSide(&out, side.no, side.items)
			}
			fmt.Fprintf(&out, "(4) %s\n(5) %s\n", t.AdjustedBank, t.Book)
			writeSide(&out, 6, t.BankReceivedOnly)
			writeSide(&out, 7, t.BankPaidOnly)
			fmt.Fprintf(&out, "(8) %s\nunexplained %s\n(9) %s\n(10) %s\n(11) %s\ndifference %s\n", t.AdjustedBook, t.Unexplained,
				t.SubAccounts, t.InTransit, t.Shortages, t.Difference)
			return nil
		})
	}
	return out.String()
}

func writeSide(out *strings.Builder, no int, items []clearing.TieItem) {
	var sum money.Amount
	for _, it := range items {
		sum += it.Amount
	}
	fmt.Fprintf(out, "(%d) %s\n", no, sum)
	for _, it := range items {
		fmt.Fprintf(out, "    %s %s %s\n", it.Amount, it.Date, it.Subject)
	}
}

func (b *workedBooks) exceptions() string {
	var out strings.Builder
	for _, cut := range append(slices.Clone(cuts), "2026-02-16") {
		list, err := b.engine.Exceptions(b.ctx, day(cut))
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintln(&out, cut)
		for _, e := range list {
			fmt.Fprintf(&out, "    %s %s %s %s\n", e.Kind, e.Subject, e.Member, e.Amount)
		}
	}
	return out.String()
}

func (b *workedBooks) checks() string {
	var out strings.Builder
	for _, cut := range cuts[:3] {
		view, err := b.engine.Day(b.ctx, day(cut))
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintln(&out, cut, view.State)
		for _, c := range view.Checks {
			fmt.Fprintf(&out, "    %s %s %s\n", c.ID, c.State, c.Difference)
			for _, l := range c.Detail {
				fmt.Fprintf(&out, "        %s\n", strings.TrimSpace(fmt.Sprint(l.Label, " ", l.Amount, " ", l.Note)))
			}
		}
	}
	return out.String()
}

// run plays a day and checks the exit code.
func (b *workedBooks) run(date string, code int) *clearing.DayView {
	b.t.Helper()
	if b.everyStep {
		b.again(date)
	}
	view := b.runUntil(date, "", code)
	if code == 0 && b.closed != nil {
		b.closed(date)
	}
	return view
}

func (b *workedBooks) runUntil(date, until string, code int) *clearing.DayView {
	b.t.Helper()
	view, err := b.engine.Run(b.ctx, clearing.RunRequest{Date: day(date), Until: until, Actor: "maker1"})
	if fault.ExitCode(err) != code {
		b.t.Fatalf("run %s: exit code %d, want %d: %v", date, fault.ExitCode(err), code, err)
	}
	return view
}

func (b *workedBooks) read(fn func(*store.Tx) error) {
	b.t.Helper()
	if err := b.engine.DB.Read(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}
