package subaccounts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// workedDays is two days of one custody account with three franchisees, one
// partner and two channels. The vouchers of the second day's day phase are
// posted before the first day is closed, as on a real morning.
var workedDays = []struct {
	date bizdate.Date
	line string
}{
	{day1, "E0 20260212.K1201 dr 1001 1000.00 cr 2301 1000.00"},
	{day1, "E9b 20260212.K1202 dr 1001 300.00 cr 2401.K1202 300.00"},
	{day1, "E1 20260212.W1 dr 1122.WX.20260212 1000.00 cr 2102 1000.00"},
	{day1, "E1 20260212.W2 dr 1122.WX.20260212 200.00 cr 2102 200.00"},
	{day1, "E1 20260212.W3 dr 1122.WX.20260212 100.00 cr 2102 100.00"},
	{day1, "E1 20260212.W4 dr 1122.WX.20260212 100.00 cr 2102 100.00"},
	{day1, "E1 20260212.L1 dr 1122.ALI.20260212 500.00 cr 2102 500.00"},
	{day1, "E1 20260212.L2 dr 1122.ALI.20260212 100.00 cr 2102 100.00"},
	{day1, "E14c 20260212.W4 dr 1402.W4 100.00 cr 1122.WX.20260212 100.00"},
	{day1, "E20b 20260212.R1 dr 2102 100.00 cr 2202.ALI 100.00"},
	{day1, "E20c 20260212.R1 dr 2202.ALI 100.00 cr 1122.ALI.20260212 100.00"},
	{day1, "E2 20260212.W1 dr 2102 1000.00 cr 2002.A.WX.20260212 924.00 2002.P.WX.20260212 20.00 2302.WX.20260212 50.00 2501.WX.20260212 6.00"},
	{day1, "E2 20260212.W2 dr 2102 200.00 cr 2002.B.WX.20260212 184.80 2002.P.WX.20260212 4.00 2302.WX.20260212 10.00 2501.WX.20260212 1.20"},
	{day1, "E2 20260212.W3 dr 2102 100.00 cr 2002.C.WX.20260212 92.40 2002.P.WX.20260212 2.00 2302.WX.20260212 5.00 2501.WX.20260212 0.60"},
	{day1, "E2 20260212.L1 dr 2102 500.00 cr 2002.B.ALI.20260212 462.00 2002.P.ALI.20260212 10.00 2302.ALI.20260212 25.00 2501.ALI.20260212 3.00"},

	{day2, "E3 20260213.K1301 dr 1001 1292.20 2501.WX.20260212 7.80 cr 1122.WX.20260212 1300.00"},
	{day2, "E4 20260213.WX.20260212 dr 2002.A.WX.20260212 924.00 2002.B.WX.20260212 184.80 2002.C.WX.20260212 92.40 2002.P.WX.20260212 26.00 cr 2001.A 924.00 2001.B 184.80 2001.C 92.40 2001.P 26.00"},
	{day2, "E5a 20260213010001 dr 2001.A 924.00 cr 2201.A 924.00"},
	{day2, "E5a 20260213010002 dr 2001.B 184.80 cr 2201.B 184.80"},
	{day2, "E5a 20260213010003 dr 2001.C 92.40 cr 2201.C 92.40"},
	{day2, "E5a 20260213010004 dr 2001.P 26.00 cr 2201.P 26.00"},
	{day2, "E5b 20260213010001 dr 2201.A 924.00 cr 1001 923.00 2302.FEE 1.00"},
	{day2, "E5b 20260213010003 dr 2201.C 92.40 cr 1001 91.40 2302.FEE 1.00"},
	{day2, "E5b 20260213010004 dr 2201.P 26.00 cr 1001 25.00 2302.FEE 1.00"},
	{day2, "E1 20260213.W5 dr 1122.WX.20260213 500.00 cr 2102 500.00"},
	{day2, "E1 20260213.L3 dr 1122.ALI.20260213 200.00 cr 2102 200.00"},
	{day2, "E1 20260213.L4 dr 1122.ALI.20260213 50.00 cr 2102 50.00"},
	{day2, "E14d 20260213.W4 dr 1122.WX.20260213 100.00 cr 1402.W4 100.00"},
	{day2, "E14a 20260213.W6 dr 1122.WX.20260213 300.00 cr 2402.W6 300.00"},
	{day2, "E14c 20260213.L4 dr 1402.L4 50.00 cr 1122.ALI.20260213 50.00"},
	{day2, "E5c 20260213010002 dr 2201.B 184.80 cr 2001.B 184.80"},
	{day2, "E2 20260213.W4 dr 2102 100.00 cr 2002.A.WX.20260213 92.40 2002.P.WX.20260213 2.00 2302.WX.20260213 5.00 2501.WX.20260213 0.60"},
	{day2, "E2 20260213.W5 dr 2102 500.00 cr 2002.A.WX.20260213 462.00 2002.P.WX.20260213 10.00 2302.WX.20260213 25.00 2501.WX.20260213 3.00"},
	{day2, "E2 20260213.L3 dr 2102 200.00 cr 2002.A.ALI.20260213 184.80 2002.P.ALI.20260213 4.00 2302.ALI.20260213 10.00 2501.ALI.20260213 1.20"},
	{day2, "E7a 20260213.R2 dr 2002.A.WX.20260213 184.80 2002.P.WX.20260213 4.00 2302.WX.20260213 10.00 2501.WX.20260213 1.20 cr 2202.WX 200.00"},
	{day2, "E7b 20260213.R2 dr 2202.WX 200.00 cr 1122.WX.20260213 200.00"},
}

// postWorkedDays posts both days, day by day, or interleaved: the day phase of
// the second day before the last vouchers of the first.
func postWorkedDays(l *ledger, interleaved bool) {
	l.t.Helper()
	var postings []subaccounts.Posting
	for _, v := range workedDays {
		postings = append(postings, voucher(v.date, v.line))
	}
	if interleaved { // L1's split is late; nothing of 13-01 to 13-09 needs it
		late := postings[14]
		postings = slices.Insert(slices.Delete(postings, 14, 15), 23, late)
	}
	for part := range slices.Chunk(postings, 7) {
		l.must(part...)
	}
}

// wantBalances are those at the cuts of 02-12 and 02-13, on each account's own side.
var wantBalances = map[string][2]string{
	"1001": {"1300.00", "1552.80"}, "1122.WX": {"1300.00", "700.00"}, "1122.ALI": {"500.00", "700.00"}, "1402": {"100.00", "50.00"},
	"2001.A": {"0.00", "0.00"}, "2001.B": {"0.00", "184.80"}, "2001.C": {"0.00", "0.00"}, "2001.P": {"0.00", "0.00"},
	"2002.A": {"924.00", "554.40"}, "2002.B": {"646.80", "462.00"}, "2002.C": {"92.40", "0.00"}, "2002.P": {"36.00", "22.00"},
	"2102": {"100.00", "50.00"}, "2201.A": {"0.00", "0.00"}, "2201.B": {"0.00", "0.00"}, "2202.WX": {"0.00", "0.00"}, "2202.ALI": {"0.00", "0.00"},
	"2301": {"1000.00", "1000.00"}, "2302": {"90.00", "123.00"}, "2401": {"300.00", "300.00"}, "2402": {"0.00", "300.00"},
	"2501.WX": {"7.80", "2.40"}, "2501.ALI": {"3.00", "4.20"},
}

var wantItems = [2][]string{
	{
		"1122.ALI.20260212 500.00", "1122.WX.20260212 1300.00", "1402.W4 100.00",
		"2002.A.WX.20260212 924.00", "2002.B.ALI.20260212 462.00", "2002.B.WX.20260212 184.80", "2002.C.WX.20260212 92.40",
		"2002.P.ALI.20260212 10.00", "2002.P.WX.20260212 26.00", "2302.ALI.20260212 25.00", "2302.WX.20260212 65.00",
		"2401.K1202 300.00", "2501.ALI.20260212 3.00", "2501.WX.20260212 7.80",
	},
	{
		"1122.ALI.20260212 500.00", "1122.ALI.20260213 200.00", "1122.WX.20260213 700.00", "1402.L4 50.00",
		"2002.A.ALI.20260213 184.80", "2002.A.WX.20260213 369.60", "2002.B.ALI.20260212 462.00",
		"2002.P.ALI.20260212 10.00", "2002.P.ALI.20260213 4.00", "2002.P.WX.20260213 8.00",
		"2302.ALI.20260212 25.00", "2302.ALI.20260213 10.00", "2302.FEE 3.00", "2302.WX.20260212 65.00", "2302.WX.20260213 20.00",
		"2401.K1202 300.00", "2402.W6 300.00", "2501.ALI.20260212 3.00", "2501.ALI.20260213 1.20", "2501.WX.20260213 2.40",
	},
}

// own turns a signed balance to the side of its account.
func own(code string, a money.Amount) money.Amount {
	def, _ := subaccounts.Chart(code)
	return a * money.Amount(def.Side)
}

// TestWorkedDays: balances and items at both cuts are right while both days are
// open, whatever the order in which their vouchers came, and stay so when they close.
func TestWorkedDays(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		t.Run(fmt.Sprintf("interleaved %v", interleaved), func(t *testing.T) {
			l := newLedger(t)
			postWorkedDays(l, interleaved)
			checkCuts(l, "both open")
			l.tx(func(tx *store.Tx) error { return l.book.CloseDay(ctx, tx, day1) })
			checkCuts(l, "first closed")
			l.tx(func(tx *store.Tx) error { return l.book.CloseDay(ctx, tx, day2) })
			checkCuts(l, "both closed")
			l.tx(func(tx *store.Tx) error { return l.book.ReopenDay(ctx, tx, day2) })
			checkCuts(l, "second reopened")
		})
	}
}

func checkCuts(l *ledger, when string) {
	l.t.Helper()
	debits := [2]string{"5400.00", "7381.60"}
	for i, date := range []bizdate.Date{day1, day2} {
		for account, want := range wantBalances {
			k := parseKey(account)
			if got := own(k.Code, l.balanceAsOf(account, date)).String(); got != want[i] {
				l.t.Errorf("%s: %s at %s is %s, want %s", when, account, date, got, want[i])
			}
		}
		l.tx(func(tx *store.Tx) error {
			items, err := l.book.ItemsAsOf(ctx, tx, subaccounts.Filter{}, date)
			var got []string
			for _, it := range items {
				got = append(got, it.Key.String()+" "+own(it.Code, it.Balance).String())
			}
			if !slices.Equal(got, wantItems[i]) {
				l.t.Errorf("%s: items at %s\n got %s\nwant %s", when, date, strings.Join(got, "; "), strings.Join(wantItems[i], "; "))
			}
			total, err2 := l.book.Totals(ctx, tx, date)
			if total.Debit.String() != debits[i] || total.Credit != total.Debit {
				l.t.Errorf("%s: %s has debits %v, credits %v, want %s", when, date, total.Debit, total.Credit, debits[i])
			}
			return firstError(err, err2, checkMovements(l, tx, date, when))
		})
	}
}

// checkMovements: the roll-forward of a date agrees with the balances at both its cuts.
func checkMovements(l *ledger, tx *store.Tx, date bizdate.Date, when string) error {
	moves, err := l.book.Movements(ctx, tx, date)
	seen := map[string]bool{}
	for _, m := range moves {
		seen[subaccounts.Key{Code: m.Code, Owner: m.Owner}.String()] = true
		opening, err1 := l.book.BalanceAsOf(ctx, tx, m.Code, m.Owner, date.AddDays(-1))
		closing, err2 := l.book.BalanceAsOf(ctx, tx, m.Code, m.Owner, date)
		if m.Opening != opening || m.Closing != closing || m.Opening+m.Debit-m.Credit != m.Closing {
			l.t.Errorf("%s: %s.%s on %s: %+v, balances %v and %v", when, m.Code, m.Owner, date, m, opening, closing)
		}
		err = firstError(err, err1, err2)
	}
	for account, want := range wantBalances {
		if date == day2 && (want[0] != "0.00" || want[1] != "0.00") && !seen[account] {
			l.t.Errorf("%s: %s is missing from the movements of %s", when, account, date)
		}
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestVouchers: a voucher comes back by id, number and reference, a date's
// vouchers in order of number, an account's entries as a statement.
func TestVouchers(t *testing.T) {
	l := newLedger(t)
	postWorkedDays(l, true)
	l.tx(func(tx *store.Tx) error {
		byRef, _, err1 := l.book.VoucherByReference(ctx, tx, "E2", "20260212.L1")
		byNo, _, err2 := l.book.VoucherByNo(ctx, tx, day1, 15)
		byID, _, err3 := l.book.VoucherByID(ctx, tx, 24)
		_, found, err4 := l.book.VoucherByNo(ctx, tx, day1, 16)
		want := voucher(day1, workedDays[14].line)
		for name, v := range map[string]subaccounts.Voucher{"reference": byRef, "number": byNo, "id": byID} {
			if v.ID != 24 || v.Name() != "2026-02-12/15" || !v.Content(&want) || len(v.Entries) != 5 {
				t.Errorf("by %s: %+v", name, v)
			}
			for i, e := range v.Entries {
				if e.Key != want.Legs[i].Key || e.Amount != want.Legs[i].Amount || e.Line != i+1 {
					t.Errorf("by %s: line %d is %+v", name, i+1, e)
				}
			}
		}
		if found {
			t.Error("a voucher that is not there was found")
		}
		return firstError(err1, err2, err3, err4)
	})
	l.tx(func(tx *store.Tx) error {
		no := 0
		err := l.book.Vouchers(ctx, tx, day2, func(v *subaccounts.Voucher) error {
			no++
			if want := voucher(day2, workedDays[14+no].line); v.No != no || !v.Content(&want) {
				t.Errorf("voucher %d is %s %s", no, v.Name(), v.Reference)
			}
			return nil
		})
		if no != 21 {
			t.Errorf("got %d vouchers", no)
		}
		return err
	})
	l.tx(func(tx *store.Tx) error {
		var got []string
		opening, closing, err := l.book.Entries(ctx, tx, "2102", "", day2, day2, func(e *subaccounts.Entry) error {
			got = append(got, e.Amount.String()+"="+e.Running.String())
			return nil
		})
		want := "-500.00=-600.00 -200.00=-800.00 -50.00=-850.00 100.00=-750.00 500.00=-250.00 200.00=-50.00"
		if strings.Join(got, " ") != want || opening != -10000 || closing != -5000 {
			t.Errorf("statement from %v to %v: %s", opening, closing, strings.Join(got, " "))
		}
		return err
	})
}

// TestReverse: a reversal takes the voucher back, quotes it, and happens once.
func TestReverse(t *testing.T) {
	l := newLedger(t)
	wrong := l.must(voucher(day1, "E0 k1 dr 1001 10.00 cr 2301 10.00"))
	for i := range 2 {
		l.tx(func(tx *store.Tx) error {
			out, err := l.book.Reverse(ctx, tx, "checker", at, wrong.VoucherID, day2, "exception 5")
			if out.VoucherID != 2 || out.Unchanged != (i == 1) {
				t.Errorf("got %+v", out)
			}
			return err
		})
	}
	l.must(voucher(day2, "E0 k1#2 dr 1001 12.00 cr 2301 12.00"))
	if got := l.balanceAsOf("1001", day1).String() + " " + l.balanceAsOf("1001", day2).String(); got != "10.00 12.00" {
		t.Errorf("got %s", got)
	}
	_, err := l.post(subaccounts.Posting{Date: day1, Event: "E17", Reference: "R:E0:k9", Source: "x", Reverses: 99, Legs: voucher(day1, "E0 k dr 1001 1.00 cr 2301 1.00").Legs})
	wantCode(t, err, "ledger.reverses")
}

// TestMemberStatus: who is stopped or frozen receives and does not pay out, who is closed does neither.
func TestMemberStatus(t *testing.T) {
	for _, c := range []struct{ status, pay, receive string }{
		{subaccounts.StatusStopped, "ledger.member_stopped", ""},
		{subaccounts.StatusFrozen, "ledger.member_stopped", ""},
		{subaccounts.StatusClosed, "ledger.member_closed", "ledger.member_closed"},
	} {
		t.Run(c.status, func(t *testing.T) {
			l := newLedger(t)
			l.must(voucher(day1, "E9a k1 dr 1001 10.00 cr 2001.B 10.00"))
			if c.status != subaccounts.StatusClosed {
				l.must(voucher(day1, "E9a k4 dr 1001 10.00 cr 2001.A 10.00"))
			}
			l.tx(func(tx *store.Tx) error { return l.book.UpdateMember(ctx, tx, "maker", at, "A", c.status) })
			_, err := l.post(voucher(day1, "E5a p1 dr 2001.A 10.00 cr 2201.A 10.00"))
			wantCode(t, err, c.pay)
			_, err = l.post(voucher(day1, "E9a k2 dr 1001 1.00 cr 2001.A 1.00"))
			wantCode(t, err, c.receive)
			l.must(voucher(day1, "E9a k3 dr 1001 1.00 cr 2001.B 1.00"))
		})
	}
}
