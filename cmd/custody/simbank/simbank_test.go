package simbank_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
)

var monday = bizdate.New(2026, 1, 5)

func TestGenerateRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*simbank.Params)
		want string
	}{
		{"no first day", func(p *simbank.Params) { p.From = 0 }, "simbank.from"},
		{"no days", func(p *simbank.Params) { p.Days = 0 }, "simbank.days"},
		{"two years", func(p *simbank.Params) { p.Days = 700 }, "simbank.days"},
		{"negative orders", func(p *simbank.Params) { p.Orders = -1 }, "simbank.orders"},
		{"more orders than a bill holds", func(p *simbank.Params) { p.Orders = 5_000_000 }, "simbank.orders"},
		{"nobody", func(p *simbank.Params) { p.Members = 0 }, "simbank.members"},
		{"unknown fault", func(p *simbank.Params) { p.Faults = []string{"fire"} }, "simbank.fault"},
		{"empty fault", func(p *simbank.Params) { p.Faults = []string{""} }, "simbank.fault"},
		{"the same fault twice", func(p *simbank.Params) { p.Faults = []string{"fee-diff", "fee-diff"} }, "simbank.twice"},
		{"pinned to no date", func(p *simbank.Params) { p.Faults = []string{"fee-diff@monday"} }, "simbank.pin"},
		{"pinned to no channel", func(p *simbank.Params) { p.Faults = []string{"fee-diff@2026-01-05/VISA"} }, "simbank.pin"},
		{"pinned outside", func(p *simbank.Params) { p.Faults = []string{"fee-diff@2026-02-05"} }, "simbank.no_day"},
		{"payout on the first day", func(p *simbank.Params) { p.Faults = []string{"refused@2026-01-05"} }, "simbank.no_day"},
		{"payout at all on one day", func(p *simbank.Params) { p.Days, p.Faults = 1, []string{"refused"} }, "simbank.no_day"},
		{"midnight of the last day", func(p *simbank.Params) { p.Faults = []string{"cross-midnight@2026-01-07"} }, "simbank.no_day"},
		{"order fault without orders", func(p *simbank.Params) { p.Orders, p.Faults = 0, []string{"ours-only"} }, "simbank.no_day"},
		{"too few orders", func(p *simbank.Params) {
			p.Orders, p.Faults = 1, []string{"ours-only", "fee-diff", "amount-diff", "channel-only"}
			p.Days = 1
		},
			"simbank.no_order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := params(t.TempDir(), 3)
			c.with(&p)
			err := simbank.Generate(p)
			if got := fault.CodeOf(err); got != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if left, _ := os.ReadDir(p.Dir); len(left) > 0 {
				t.Errorf("%d files stay after a refusal", len(left))
			}
		})
	}
	t.Run("known faults are listed", func(t *testing.T) {
		p := params(t.TempDir(), 3)
		p.Faults = []string{"fire"}
		text := lang.Report(lang.EN, simbank.Generate(p))
		for _, name := range simbank.FaultNames() {
			if !strings.Contains(text, name) {
				t.Errorf("%s is not named in %q", name, text)
			}
		}
	})
	t.Run("into a home that is somebody's", func(t *testing.T) {
		p := params(t.TempDir(), 1)
		config := filepath.Join(p.Dir, "custody.yaml")
		if err := os.WriteFile(config, []byte("code: LIVE"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := simbank.Generate(p); fault.CodeOf(err) != "simbank.exists" {
			t.Errorf("got %v", err)
		}
		if raw, _ := os.ReadFile(config); string(raw) != "code: LIVE" {
			t.Errorf("custody.yaml is now %s", raw)
		}
	})
	t.Run("a second time", func(t *testing.T) {
		p := params(t.TempDir(), 1)
		generate(t, p)
		if err := simbank.Generate(p); fault.CodeOf(err) != "simbank.exists" {
			t.Errorf("got %v", err)
		}
	})
}

// tree is every file below dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSameSeedSameBytes(t *testing.T) {
	play := func(seed uint64) map[string]string {
		p := params(t.TempDir(), 4)
		p.Seed, p.Faults = seed, simbank.FaultNames()
		o := generate(t, p)
		o.answer(monday)
		o.pay(monday.AddDays(1), 20_00, "F001", "F002", "F003", "F004", "F005")
		o.answer(monday.AddDays(1))
		return tree(t, p.Dir)
	}
	first, again, other := play(1), play(1), play(2)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed gave other bytes: %s", diff)
	}
	for _, name := range []string{"/inbox/orders-20260105.csv", "/members.csv"} {
		if first[name] == other[name] {
			t.Errorf("%s is the same under another seed", name)
		}
	}
}

// TestFilesAgree plays ten days with every fault and reads all of them back:
// orders stand in the bill of their day, every bill's net comes once as one
// credit on the day on which the channel pays, the statements chain.
func TestFilesAgree(t *testing.T) {
	p := params(t.TempDir(), 10)
	p.Orders, p.Faults = 2000, slices.DeleteFunc(simbank.FaultNames(), func(n string) bool { return n == simbank.MissingBill })
	o := generate(t, p)
	closing := money.Amount(0)
	credits := map[string]money.Amount{}
	for i := range p.Days + 5 {
		d := monday.AddDays(i)
		o.answer(d)
		s := o.statement("statement", d)
		if got := o.fen(*s.Opening); got != closing || s.Balanced == nil || !*s.Balanced {
			t.Errorf("%s opens with %s after %s", d, got, closing)
		}
		closing = o.fen(*s.Closing)
		for _, e := range s.entries {
			credits[e.Remark+" on "+d.Compact()] += o.fen(e.Amount)
		}
		if working, _ := p.Working(d); i > 0 && i < p.Days && working {
			o.checkIntraday(d, s)
		}
	}
	late := 0
	for i := range p.Days {
		d := monday.AddDays(i)
		for channel, payer := range map[string]string{"WX": "财付通", "ALI": "支付宝"} {
			_, sum := o.bill(channel, d)
			due, then := d.AddDays(1), nextWorking(d.AddDays(1))
			if channel == "ALI" {
				due, then = nextWorking(d), nextWorking(nextWorking(d))
			}
			key := payer + " " + d.Compact() + " on "
			if credits[key+due.Compact()] == 0 {
				late++
				due = then
			}
			if got, want := credits[key+due.Compact()], o.net(sum); got != want || want <= 0 {
				t.Errorf("%s of %s: the bank received %s, the bill's net is %s", channel, d, got, want)
			}
		}
		o.checkOrders(d, p.Orders)
	}
	if late != 1 {
		t.Errorf("%d payments are late, want 1", late)
	}
}

func nextWorking(d bizdate.Date) bizdate.Date {
	for d = d.AddDays(1); d.Weekday()%6 == 0; {
		d = d.AddDays(1)
	}
	return d
}

// checkIntraday: the report holds the credits that were booked before 11:00.
func (o office) checkIntraday(d bizdate.Date, s *statement) {
	o.Helper()
	var want []bankfiles.StatementEntry
	for _, e := range s.entries {
		if e.BookingTime.Before(d.At(11, 0)) && e.Amount.Units > 0 && !e.Reversal {
			want = append(want, e)
		}
	}
	got := o.statement("intraday", d).entries
	for i := range got {
		got[i].Line = 0
	}
	for i := range want {
		want[i].Line = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.Errorf("intraday report of %s: %s", d, diff)
	}
}

// checkOrders: what our file and the bills of the day have in common but the
// few faults, and that about 1 % of the orders are refunded.
func (o office) checkOrders(d bizdate.Date, orders int) {
	o.Helper()
	ours, refunds := map[string]bool{}, 0
	for _, r := range o.orders(d) {
		ours[r.OrderNo+r.RefundNo] = true
		if r.Kind == bankfiles.Refund {
			refunds++
		}
		if !strings.HasPrefix(r.OrderNo, d.Compact()) && r.Kind == bankfiles.Pay || len(r.OrderNo) > 32 {
			o.Errorf("order number %s on %s", r.OrderNo, d)
		}
	}
	strangers := 0
	for _, channel := range []string{"WX", "ALI"} {
		rows, _ := o.bill(channel, d)
		for _, r := range rows {
			if !ours[r.OrderNo+r.RefundNo] {
				strangers++
			}
			delete(ours, r.OrderNo+r.RefundNo)
		}
	}
	if strangers > 2 || len(ours) > 2 {
		o.Errorf("%s: %d rows only in the bills, %d only with us", d, strangers, len(ours))
	}
	if refunds < orders/500 || refunds > orders/40 {
		o.Errorf("%s: %d refunds of %d orders", d, refunds, orders)
	}
}

// TestBalancesFollowFromTheFiles reckons every sub-account from the files alone
// and compares it with the bank's balance file.
func TestBalancesFollowFromTheFiles(t *testing.T) {
	p := params(t.TempDir(), 12)
	p.Orders, p.Faults = 1000, slices.DeleteFunc(simbank.FaultNames(), func(n string) bool {
		return n == simbank.MissingBill || slices.Contains(simbank.BadNames, n) // a second debit and its reversal are no member's
	})
	o := generate(t, p)
	partner := partners(t, p.Dir)
	have := map[string]money.Amount{}
	paid, owner := map[string]bankfiles.Order{}, map[string]int64{}
	for i := range p.Days {
		d := monday.AddDays(i)
		bills := map[string]bankfiles.BillRow{}
		for _, channel := range []string{"WX", "ALI"} {
			rows, _ := o.bill(channel, d)
			for _, r := range rows {
				bills[r.OrderNo+r.RefundNo] = r
			}
		}
		var refunds []bankfiles.Order
		today := map[string]int64{} // what is left of the orders to be split today
		for _, r := range o.orders(d) {
			if r.Kind == bankfiles.Refund {
				refunds = append(refunds, r)
				continue
			}
			paid[r.OrderNo] = r
		}
		for key, b := range bills {
			if r, ok := paid[key]; ok && b.Kind == bankfiles.Pay && r.Amount.Equal(b.Amount) {
				today[key] = r.Amount.Units
			}
		}
		give := func(member string, s [4]int64, sign int64) {
			have[member] += money.Amount(sign * s[0])
			have[partner[member]] += money.Amount(sign * s[1])
		}
		for _, r := range refunds {
			if _, listed := bills[r.OrderNo+r.RefundNo]; !listed {
				t.Fatalf("refund %s is in no bill", r.RefundNo)
			}
			if whole := paid[r.OrderNo].Amount.Units; r.Amount.Units != whole && r.Amount.Units%5_00 != 0 {
				t.Errorf("refund of %s of %d fen", r.Amount, whole)
			}
			if _, same := today[r.OrderNo]; same {
				today[r.OrderNo] -= r.Amount.Units
			} else {
				give(r.Member, simbank.SplitRefund(owner[r.OrderNo], r.Amount.Units), -1)
			}
		}
		for key, fen := range today {
			if owner[key] = fen; fen > 0 {
				give(paid[key].Member, simbank.SplitOrder(fen), 1)
			}
		}
		o.playPayouts(d, i, have)
		got := map[string]money.Amount{}
		for m, b := range o.balances(d) {
			got[m] = b.Available
			if b.Cash > b.Available {
				t.Errorf("%s on %s: %s of %s withdrawable", m, d, b.Cash, b.Available)
			}
		}
		if diff := cmp.Diff(have, got); diff != "" {
			t.Fatalf("%s: %s", d, diff)
		}
	}
}

// playPayouts pays three members on the second and third day and takes what
// left the bank from their sub-accounts.
func (o office) playPayouts(d bizdate.Date, i int, have map[string]money.Amount) {
	o.Helper()
	var items []bankfiles.PayoutItem
	var batch string
	if d.Weekday()%6 != 0 && i > 0 {
		batch, items = o.pay(d, 30_00, "F001", "F003", "P001")
	}
	o.answer(d)
	for k, it := range items {
		r := o.result(batch)[k]
		if r.Status == bankfiles.ResultFailed && len(o.statement("statement", d).serial(it.Serial)) == 0 {
			continue
		}
		have[it.Member] -= it.Amount + 1_00
	}
	for _, e := range o.statement("statement", d).entries {
		if e.Reversal {
			member := strings.TrimPrefix(e.CounterpartyName, "收款人")
			have[member] += o.fen(e.Amount) + 1_00
		}
	}
}

// TestWithdrawable: without payouts a member can withdraw on a working day all
// that it had the evening before, and nothing more until the next working day.
func TestWithdrawable(t *testing.T) {
	p := params(t.TempDir(), 10)
	p.Faults = []string{}
	o := generate(t, p)
	want := map[string]money.Amount{}
	had := map[string]bankfiles.BalanceItem{}
	for i := range p.Days {
		d := monday.AddDays(i)
		o.answer(d)
		got := map[string]money.Amount{}
		for member, b := range o.balances(d) {
			got[member] = b.Cash
			if working, _ := p.Working(d); working || i == 0 {
				want[member] = had[member].Available
			}
			had[member] = b
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", d, diff)
		}
	}
}

// TestWithdrawableWhenAChannelIsLate: on the day after the due day, not on it.
func TestWithdrawableWhenAChannelIsLate(t *testing.T) {
	p := params(t.TempDir(), 5)
	p.Faults = []string{"channel-late@2026-01-06/WX"}
	o := generate(t, p)
	had := map[string]bankfiles.BalanceItem{}
	for i := range p.Days {
		o.answer(monday.AddDays(i))
		for member, b := range o.balances(monday.AddDays(i)) {
			if held := had[member].Available - b.Cash; (held != 0) != (i == 2) || held < 0 {
				t.Errorf("%s, day %d: %s is held", member, i, held)
			}
			had[member] = b
		}
	}
}

// partners reads which partner shares in a franchisee's orders.
func partners(t *testing.T, dir string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "members.csv"))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for row := range strings.Lines(string(raw)) {
		if f := strings.Split(row, ","); f[2] == "FRANCHISEE" {
			of[f[0]] = f[3]
		}
	}
	return of
}

func TestMembers(t *testing.T) {
	for _, c := range []struct{ members, partners int }{{1, 1}, {2, 1}, {6, 2}, {99, 33}, {100, 10}, {2000, 200}} {
		p := params(t.TempDir(), 1)
		p.Members, p.Orders = c.members, 10
		generate(t, p)
		raw, err := os.ReadFile(filepath.Join(p.Dir, "members.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(string(raw)), "\n")[1:]
		if !slices.IsSorted(rows) {
			t.Errorf("%d members: rows are not sorted by code", c.members)
		}
		seen, kinds := map[string]bool{}, map[string]int{}
		for _, row := range rows {
			f := strings.Split(row, ",")
			kinds[f[2]]++
			for _, unique := range []string{f[0], f[1], f[4]} {
				if seen[unique] {
					t.Errorf("%d members: %s stands twice", c.members, unique)
				}
				seen[unique] = true
			}
			if simbank.CheckDigit(f[7][:11]) != f[7][11] || len(f[7]) != 12 {
				t.Errorf("bank code %s", f[7])
			}
		}
		if want := map[string]int{"FRANCHISEE": c.members, "PARTNER": c.partners}; !maps.Equal(kinds, want) {
			t.Errorf("got %v, want %v", kinds, want)
		}
	}
}

func TestClosedDays(t *testing.T) {
	p := params(t.TempDir(), 3)
	p.Closed = func(d bizdate.Date) bool { return d == monday.AddDays(1) }
	p.Faults = []string{}
	o := generate(t, p)
	closed := monday.AddDays(1)
	for _, channel := range []string{"WX", "ALI"} {
		if rows, _ := o.bill(channel, closed); len(rows) > 0 {
			t.Errorf("%s bill of a closed day has %d rows", channel, len(rows))
		}
	}
	if rows := o.orders(closed); len(rows) > 0 {
		t.Errorf("%d orders on a closed day", len(rows))
	}
	o.answer(monday)
	o.answer(closed)
	o.answer(monday.AddDays(2))
	if s := o.statement("statement", monday.AddDays(2)); len(s.entries) > 0 {
		t.Errorf("a closed day was paid: %v", s.entries)
	}
}
