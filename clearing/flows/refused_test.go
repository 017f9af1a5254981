package flows_test

import (
	"slices"
	"strings"
	"testing"

	"custody/clearing/escrow"
	"custody/clearing/flows"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// upTo plays the rows of the posting table up to and including one.
func (b *books) upTo(t *testing.T, last string) {
	t.Helper()
	for _, r := range readRows(t) {
		b.must(func(j flows.Journal) error { return steps[r.name](b, j) })
		if r.name == last {
			return
		}
	}
	t.Fatalf("no row %s", last)
}

// TestEventsTwice: an event that comes once more changes nothing. Escrow orders
// say so by their state; a release finds nothing left.
func TestEventsTwice(t *testing.T) {
	b := newBooks(t)
	b.upTo(t, "E17")
	before := b.balances()
	states := []string{"E6a", "E6c", "E6a2", "E6d", "E6d2", "E6a3", "E6e", "E6f", "E21", "E21b"}
	for _, r := range readRows(t) {
		again := func(j flows.Journal) error { return steps[r.name](b, j) }
		if slices.Contains(states, r.name) {
			b.wants("state.illegal", again)
			continue
		}
		b.must(again)
	}
	if n := len(b.vouchers()); n != 75 {
		t.Errorf("%d vouchers after playing all twice", n)
	}
	for account, was := range before {
		if now := b.balances()[account]; now != was {
			t.Errorf("%s went from %s to %s", account, was, now)
		}
	}
}

// TestRefused: what may not happen is refused with its code and posts nothing.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, after, code string
		do                step
	}{
		{"an amount of nothing", "E0", "flows.amount", func(_ *books, j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K99", 0) }},
		{"an amount below nothing", "E0", "flows.amount", func(_ *books, j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K99", -1) }},
		{"more than own funds allocated", "E0", "ledger.overdrawn", func(_ *books, j flows.Journal) error {
			return j.OwnFunds().Allocate(ctx, flows.Allocation{Reference: "K99", Reserve: 1000_01})
		}},
		{"an allocation below nothing", "E0", "flows.amount", func(_ *books, j flows.Journal) error {
			return j.OwnFunds().Allocate(ctx, flows.Allocation{Reference: "K99", Reserve: -1, Marketing: 1_00})
		}},
		{"a coupon above the order", "E0b", "flows.coupon", func(_ *books, j flows.Journal) error {
			return j.Collections().Receive(ctx, flows.Receipt{Reference: "W9", Channel: "WX", Clearing: first, Amount: 10_00, Coupon: 10_01})
		}},
		{"the same payment with another amount", "E1", "ledger.conflict", receive("W1", "WX", 0, 1000_01)},
		{"a split of an order that nobody paid", "E1", "flows.order_unknown", func(_ *books, j flows.Journal) error { return j.Collections().Split(ctx, wx2, rule) }},
		{"a split by another rule", "E2", "ledger.conflict", func(_ *books, j flows.Journal) error { return j.Collections().Split(ctx, wx1, ruleHQ) }},
		{"a release before the money is there", "E2", "flows.in_transit", func(_ *books, j flows.Journal) error { return j.Collections().Release(ctx, "WX9", "WX", first) }},
		{"a sweep before the money is there", "E2", "flows.in_transit", func(_ *books, j flows.Journal) error { return j.OwnFunds().Sweep(ctx, "SW9", "WX", first, 1_00) }},
		{"a channel that pays a fen less", "E2", "flows.open", arrive("K99", 0, 993_99, 6_00)},
		{"a refund before the split after it", "E2", "flows.split_already", func(_ *books, j flows.Journal) error {
			return j.Refunds().BeforeSplit(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W1", Channel: "WX", Clearing: first, Amount: 1_00})
		}},
		{"a refund above its order, 2102 holding more", "E1b", "flows.refund", func(_ *books, j flows.Journal) error {
			return j.Refunds().BeforeSplit(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W2", Channel: "WX", Clearing: second, Amount: 1000_01})
		}},
		{"more than is withdrawable", "E4", "ledger.overdrawn", func(_ *books, j flows.Journal) error {
			return j.Withdrawals().Apply(ctx, flows.Withdrawal{Serial: "P9", Member: "B", Amount: 20_00, Fee: 1})
		}},
		{"a success of another amount", "E5a", "flows.open", func(_ *books, j flows.Journal) error {
			w := pay1
			w.Amount++
			return j.Withdrawals().Succeed(ctx, w)
		}},
		{"a failure after the success", "E5b", "flows.open", func(_ *books, j flows.Journal) error { return j.Withdrawals().Refuse(ctx, pay1) }},
		{"a success after the failure", "E5c", "flows.open", func(_ *books, j flows.Journal) error { return j.Withdrawals().Succeed(ctx, pay2) }},
		{"a return of what was not paid", "E5c", "flows.not_paid", func(_ *books, j flows.Journal) error { return j.Withdrawals().Return(ctx, pay2) }},
		{"more fee back than was taken", "E5d", "flows.fee_back", func(_ *books, j flows.Journal) error { return j.Withdrawals().CreditReturn(ctx, pay1, 1_01) }},
		{"a refund above what is left of the order", "E7b", "split.refund", func(_ *books, j flows.Journal) error {
			return j.Refunds().AfterSplit(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W1", Channel: "WX", Clearing: third,
				Member: "A", Amount: 800_01, Earlier: []string{"R1"}})
		}},
		{"one borne alone above what is left", "E7b", "flows.refund", func(_ *books, j flows.Journal) error {
			return j.Refunds().FromMember(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W1", Channel: "WX", Clearing: third,
				Member: "A", Amount: 800_01, Earlier: []string{"R1"}})
		}},
		{"a refund that quotes an unknown one", "E7b", "flows.order_unknown", func(_ *books, j flows.Journal) error {
			return j.Refunds().AfterSplit(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W1", Channel: "WX", Clearing: third,
				Member: "A", Amount: 1_00, Earlier: []string{"R8"}})
		}},
		{"a listing of another amount", "E7a", "flows.open", func(_ *books, j flows.Journal) error {
			r := shared
			r.Amount--
			return j.Refunds().List(ctx, r)
		}},
		{"a recovery above the advance", "E7d", "flows.owes", func(b *books, j flows.Journal) error {
			r := flows.Recovery{Advance: "R2", Part: 1, Member: "A", Amount: 100_01}
			return j.Advances().Recover(ctx, r, b.decide(j, "E7e", r))
		}},
		{"a second recovery of it all", "E7e", "flows.owes", func(b *books, j flows.Journal) error {
			r := flows.Recovery{Advance: "R2", Part: 2, Member: "A", Amount: 1}
			return j.Advances().Recover(ctx, r, b.decide(j, "E7e", r))
		}},
		{"the same part from another account", "E7e", "flows.part", func(b *books, j flows.Journal) error {
			r := flows.Recovery{Advance: "R2", Part: 1, Member: "A", Amount: 1}
			return j.Advances().RecoverPending(ctx, r, b.decide(j, "E26b", r))
		}},
		{"a part that leaves one out", "E7d", "flows.order_unknown", func(b *books, j flows.Journal) error {
			r := flows.Recovery{Advance: "R2", Part: 2, Member: "A", Amount: 1}
			return j.Advances().Recover(ctx, r, b.decide(j, "E7e", r))
		}},
		{"head office paid from what it did not set aside", "E8a", "flows.open", func(_ *books, j flows.Journal) error { return j.OwnFunds().Paid(ctx, toHQ) }},
		{"head office withdrawing members' money", "E8a", "ledger.overdrawn", func(b *books, j flows.Journal) error {
			p := flows.HeadOfficePayout{Serial: "P9", Amount: 40_01}
			return j.OwnFunds().Withdraw(ctx, p, b.decide(j, "E8b", p))
		}},
		{"a claim above what stands there", "E9b", "ledger.overdrawn", func(b *books, j flows.Journal) error {
			c := flows.Claim{Reference: "K9", Item: "K9", Member: "C", Amount: 300_01}
			return j.Suspense().Claim(ctx, c, b.decide(j, "E9c", c))
		}},
		{"a top-up by somebody else", "E8d", "identity.name", func(_ *books, j flows.Journal) error {
			return j.Members().TopUp(ctx, "K99", "C", "门店甲", 1_00)
		}},
		{"a top-up of nobody", "E8d", "ledger.member_unknown", func(_ *books, j flows.Journal) error {
			return j.Members().TopUp(ctx, "K99", "Z", "门店甲", 1_00)
		}},
		{"rates above the whole", "E9e", "flows.rates", func(_ *books, j flows.Journal) error {
			r := card
			r.MemberPPM = 900_001
			return j.Recharges().Credit(ctx, r)
		}},
		{"a recharge paid out before the operator settled", "E10a", "flows.in_transit", func(_ *books, j flows.Journal) error {
			return j.Recharges().Release(ctx, "TEL1", "TEL", first)
		}},
		{"more deducted than was frozen", "E12", "ledger.overdrawn", func(b *books, j flows.Journal) error {
			d := court
			d.Amount = 100_01
			return j.Holds().Deduct(ctx, d, b.decide(j, "E12b", d))
		}},
		{"another hold thawed", "E12", "ledger.item_overdrawn", func(_ *books, j flows.Journal) error {
			return j.Holds().Thaw(ctx, flows.Hold{Reference: "D2", Document: "D2", Member: "C", Amount: 1})
		}},
		{"a fee of the whole transfer", "E12d", "flows.fee", func(_ *books, j flows.Journal) error {
			return j.Members().Transfer(ctx, flows.Transfer{Reference: "M9", From: "C", To: "A", Amount: 50, Fee: 50})
		}},
		{"a transfer to itself", "E12d", "flows.same_member", func(_ *books, j flows.Journal) error {
			return j.Members().Transfer(ctx, flows.Transfer{Reference: "M9", From: "C", To: "C", Amount: 50})
		}},
		{"goods that were not delivered", "E14e", "flows.not_delivered", func(b *books, j flows.Journal) error {
			w := flows.WriteOff{Reference: "S66", Case: "S66", Amount: 66_00}
			return j.Corrections().WriteOff(ctx, w, b.decide(j, "E14f", w))
		}},
		{"a shortage found twice", "E14d", "flows.open", func(_ *books, j flows.Journal) error {
			again := gap
			again.Reference = "S66#2"
			return j.Corrections().Found(ctx, again)
		}},
		{"a verification above its limit", "E14g", "flows.micro_payment", func(_ *books, j flows.Journal) error { return j.OwnFunds().MicroPayment(ctx, "K99", 51) }},
		{"a reversal of what is not there", "E17x", "flows.order_unknown", func(b *books, j flows.Journal) error {
			r := flows.Reversal{Event: "E17x", Reference: "X9"}
			return j.Corrections().Reverse(ctx, r, b.decide(j, "E17", r))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			b.upTo(t, c.after)
			b.wants(c.code, func(j flows.Journal) error { return c.do(b, j) })
		})
	}
}

// TestTwoPeople: every event that two people decide is refused without an
// approval, with one of another event, and with one of another request.
func TestTwoPeople(t *testing.T) {
	b := newBooks(t)
	v := escrow.Verdict{OrderNo: "S1"}
	for event, c := range map[string]struct {
		request any
		do      func(j flows.Journal, id string) error
	}{
		"E7c":  {advance, func(j flows.Journal, id string) error { return j.Refunds().Advance(ctx, advance, id) }},
		"E7e":  {flows.Recovery{}, func(j flows.Journal, id string) error { return j.Advances().Recover(ctx, flows.Recovery{}, id) }},
		"E8b":  {toHQ, func(j flows.Journal, id string) error { return j.OwnFunds().Withdraw(ctx, toHQ, id) }},
		"E9c":  {flows.Claim{}, func(j flows.Journal, id string) error { return j.Suspense().Claim(ctx, flows.Claim{}, id) }},
		"E9d":  {unknown, func(j flows.Journal, id string) error { return j.Suspense().Return(ctx, unknown, id) }},
		"E12b": {court, func(j flows.Journal, id string) error { return j.Holds().Deduct(ctx, court, id) }},
		"E14b": {flows.Adoption{}, func(j flows.Journal, id string) error { return j.Corrections().Adopt(ctx, flows.Adoption{}, id) }},
		"E14f": {flows.WriteOff{}, func(j flows.Journal, id string) error { return j.Corrections().WriteOff(ctx, flows.WriteOff{}, id) }},
		"E14g": {flows.FeeDifference{}, func(j flows.Journal, id string) error {
			return j.Corrections().BearFee(ctx, flows.FeeDifference{}, id)
		}},
		"E14h": {flows.Void{}, func(j flows.Journal, id string) error { return j.Corrections().Void(ctx, flows.Void{}, id) }},
		"E17x": {flows.Adjustment{}, func(j flows.Journal, id string) error { return j.Corrections().Adjust(ctx, flows.Adjustment{}, id) }},
		"E17":  {flows.Reversal{}, func(j flows.Journal, id string) error { return j.Corrections().Reverse(ctx, flows.Reversal{}, id) }},
		"E22c": {byHand, func(j flows.Journal, id string) error { return j.Refunds().PayByHand(ctx, byHand, id) }},
		"E23b": {flows.Penalty{}, func(j flows.Journal, id string) error { return j.Members().Penalize(ctx, flows.Penalty{}, id) }},
		"E26":  {t0, func(j flows.Journal, id string) error { return j.Advances().SettleEarly(ctx, t0, id) }},
		"E26b": {flows.Recovery{}, func(j flows.Journal, id string) error {
			return j.Advances().RecoverPending(ctx, flows.Recovery{}, id)
		}},
		"escrow-verdict": {v, func(j flows.Journal, id string) error { return escrow.At(j).Decide(ctx, v, terms, id) }},
	} {
		t.Run(event, func(t *testing.T) {
			b.t = t
			b.wants("flows.approval", func(j flows.Journal) error { return c.do(j, "") })
			b.wants("flows.approval", func(j flows.Journal) error { return c.do(j, b.decide(j, "another", c.request)) })
			b.wants("approval.changed", func(j flows.Journal) error { return c.do(j, b.decide(j, event, "another")) })
		})
	}
}

// TestOutsideTheTable: the events that the table's notes add.
func TestOutsideTheTable(t *testing.T) {
	t.Run("a bank charge that own funds bear", func(t *testing.T) {
		b := newBooks(t)
		b.must(func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 8_00) },
			func(j flows.Journal) error { return j.OwnFunds().BankCharge(ctx, "K2", 5_00) })
		wantBalances(b, map[string]string{"1001": "3.00", "2301": "3.00"})
	})
	t.Run("a bank charge above own funds", func(t *testing.T) {
		b := newBooks(t)
		b.must(func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 3_00) },
			func(j flows.Journal) error { return j.Members().TopUp(ctx, "K2", "A", "门店A", 10_00) },
			func(j flows.Journal) error { return j.OwnFunds().BankCharge(ctx, "K3", 5_00) })
		wantBalances(b, map[string]string{"1001": "8.00", "2301": "0.00", "1402.K3": "2.00", "2001.A": "10.00"})
		b.must(func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K4", 2_00) },
			func(j flows.Journal) error { return j.OwnFunds().TopUp(ctx, "K4", "K3", 2_00) })
		wantBalances(b, map[string]string{"1001": "10.00", "2301": "0.00", "1402": "0.00"})
	})
	t.Run("an order that was not paid", func(t *testing.T) {
		b := newBooks(t)
		void := flows.Void{Order: "S66", Case: "S66", Amount: 66_00}
		b.must(func(j flows.Journal) error { return receive("S66", "ALI", 0, 66_00)(b, j) },
			func(j flows.Journal) error { return j.Corrections().Shortage(ctx, gap) },
			func(j flows.Journal) error { return j.Corrections().Void(ctx, void, b.decide(j, "E14h", void)) })
		wantBalances(b, map[string]string{"2102": "0.00", "1402": "0.00", "1122.ALI": "0.00"})
		b.wants("split.amount", func(j flows.Journal) error { // nothing is left to split
			return j.Collections().Split(ctx, flows.Order{Reference: "S66", Channel: "ALI", Clearing: first, Member: "S"}, ruleSolo)
		})
	})
	t.Run("a refund that fails after it was listed", func(t *testing.T) {
		b := newBooks(t)
		b.upTo(t, "E7b")
		b.must(func(j flows.Journal) error { return j.Refunds().Fail(ctx, shared, true) })
		wantBalances(b, map[string]string{"2401.R1": "200.00", "2202.WX": "0.00", "1122.WX.20260213": "1000.00"})
	})
	t.Run("a top-up from the verified account", func(t *testing.T) {
		b := newBooks(t)
		topUp := func(j flows.Journal) error {
			return j.Members().TopUp(ctx, "K1", "A", "示例（南浦）商贸有限公司", 1_00)
		}
		bind := subaccounts.Binding{Member: "A", AccountNo: "6222000000000002", AccountName: "示例(南浦)商贸有限公司"}
		b.must(func(j flows.Journal) error {
			_, err := b.book.Bind(ctx, j.Tx, "maker", j.At, bind)
			return err
		})
		b.wants("identity.name", topUp)
		b.must(func(j flows.Journal) error { return b.book.VerifyBinding(ctx, j.Tx, "maker", j.At, "A") }, topUp)
		wantBalances(b, map[string]string{"2001.A": "1.00"})
	})
	t.Run("a deposit that goes back", func(t *testing.T) {
		b := newBooks(t)
		b.upTo(t, "E23b")
		b.must(func(j flows.Journal) error { return j.Members().ReturnDeposit(ctx, "M4", "A", 20_00) })
		wantBalances(b, map[string]string{"2304.A": "0.00"})
	})
	t.Run("a split that was wrong", func(t *testing.T) {
		b := newBooks(t)
		b.upTo(t, "E2")
		r := flows.Reversal{Event: "E2", Reference: "W1", Reason: "规则有误"}
		right := wx1
		right.Reference = "W1#2"
		b.must(func(j flows.Journal) error { return j.Corrections().Reverse(ctx, r, b.decide(j, "E17", r)) },
			func(j flows.Journal) error { return j.Collections().Split(ctx, right, ruleHQ) },
			func(j flows.Journal) error {
				return j.Refunds().AfterSplit(ctx, flows.Refund{Reference: "R9", RefundNo: "R9", Order: "W1", Channel: "WX", Clearing: first,
					Member: "A", Amount: 1000_00, FeeBack: 6_00})
			})
		wantBalances(b, map[string]string{"2102": "0.00", "2002.A": "0.00", "2002.B": "0.00", "2302": "0.00", "2501.WX": "0.00", "2202.WX": "1000.00"})
	})
}

// TestHeldMembersWait: who is held back keeps his part pending, a later release brings it.
func TestHeldMembersWait(t *testing.T) {
	b := newBooks(t)
	b.upTo(t, "E3")
	b.must(func(j flows.Journal) error { return j.Collections().Release(ctx, "WX1", "WX", first, "A") })
	wantBalances(b, map[string]string{"2002.A": "924.00", "2001.A": "0.00", "2001.B": "20.00"})
	b.must(func(j flows.Journal) error { return j.Collections().Release(ctx, "WX1/2", "WX", first) })
	wantBalances(b, map[string]string{"2002.A": "0.00", "2001.A": "924.00"})
}

// TestOrderOfRecovery: a refund takes what is pending of its own date, then of
// the oldest, then what is withdrawable, the deposit, and last the reserve; of a
// stopped member not what is withdrawable; never what is frozen.
func TestOrderOfRecovery(t *testing.T) {
	for _, c := range []struct {
		name, status string
		amount       money.Amount
		want         string
	}{
		{"its own date", subaccounts.StatusNormal, 100_00, "2002.A.WX.20260213"},
		{"then the oldest", subaccounts.StatusNormal, 150_00, "2002.A.WX.20260211 2002.A.WX.20260213"},
		{"then withdrawable", subaccounts.StatusNormal, 350_00, "2001.A 2002.A.WX.20260211 2002.A.WX.20260212 2002.A.WX.20260213"},
		{"then the deposit", subaccounts.StatusNormal, 450_00, "2001.A 2002.A.WX.20260211 2002.A.WX.20260212 2002.A.WX.20260213 2304.A"},
		{"then the reserve", subaccounts.StatusNormal, 550_00, "2001.A 2002.A.WX.20260211 2002.A.WX.20260212 2002.A.WX.20260213 2304.A 2305"},
		{"a stopped member", subaccounts.StatusStopped, 350_00, "2002.A.WX.20260211 2002.A.WX.20260212 2002.A.WX.20260213 2304.A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBooks(t)
			b.prepareRecovery(c.status)
			r := flows.Refund{Reference: "R9", RefundNo: "R9", Order: "BIG", Channel: "WX", Clearing: third, Member: "A", Amount: c.amount, Earlier: []string{"R8"}}
			b.must(func(j flows.Journal) error { return j.Refunds().FromMember(ctx, r) })
			v := b.vouchers()
			var got []string
			for _, e := range v[len(v)-1].Entries {
				if e.Amount > 0 {
					got = append(got, e.Key.String())
				}
			}
			slices.Sort(got)
			if want := c.want; strings.Join(got, " ") != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if b.balance("2003.A.D1") != 50_00 {
				t.Error("what is frozen was taken")
			}
		})
	}
	t.Run("nobody has it", func(t *testing.T) {
		b := newBooks(t)
		b.prepareRecovery(subaccounts.StatusNormal)
		r := flows.Refund{Reference: "R9", RefundNo: "R9", Order: "BIG", Channel: "WX", Clearing: third, Member: "A", Amount: 700_01, Earlier: []string{"R8"}}
		b.wants("flows.recovery", func(j flows.Journal) error { return j.Refunds().FromMember(ctx, r) })
	})
}

// prepareRecovery leaves member A with 100.00 pending of each of three dates,
// 100.00 withdrawable, 100.00 deposit and 50.00 frozen, and 200.00 in the reserve.
func (b *books) prepareRecovery(status string) {
	b.t.Helper()
	solo := ruleSolo
	solo.HeadOfficePPM = 0
	for i, reference := range []string{"O1", "O2", "O3"} {
		clearing := day.AddDays(i - 1)
		b.must(func(j flows.Journal) error {
			return j.Collections().Receive(ctx, flows.Receipt{Reference: reference, Channel: "WX", Clearing: clearing, Amount: 100_00})
		}, func(j flows.Journal) error {
			return j.Collections().Split(ctx, flows.Order{Reference: reference, Channel: "WX", Clearing: clearing, Member: "A"}, solo)
		})
	}
	big := flows.Order{Reference: "BIG", Channel: "ALI", Clearing: day, Member: "A"}
	b.must(
		func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 2000_00) },
		func(j flows.Journal) error {
			return j.OwnFunds().Allocate(ctx, flows.Allocation{Reference: "K1", Reserve: 200_00})
		},
		func(j flows.Journal) error { return j.Members().TopUp(ctx, "K2", "A", "门店A", 250_00) },
		func(j flows.Journal) error { return j.Members().TakeDeposit(ctx, "M1", "A", 100_00) },
		func(j flows.Journal) error {
			return j.Holds().Freeze(ctx, flows.Hold{Reference: "D1", Document: "D1", Member: "A", Amount: 50_00})
		},
		// An order of 2,000.00 whose share the member has been paid already.
		func(j flows.Journal) error {
			return j.Collections().Receive(ctx, flows.Receipt{Reference: "BIG", Channel: "ALI", Clearing: day, Amount: 2000_00})
		},
		func(j flows.Journal) error { return j.Collections().Split(ctx, big, solo) },
		func(j flows.Journal) error {
			return j.Refunds().FromMember(ctx, flows.Refund{Reference: "R8", RefundNo: "R8", Order: "BIG", Channel: "ALI", Clearing: day, Member: "A", Amount: 1000_00})
		},
		func(j flows.Journal) error {
			return j.Collections().Arrive(ctx, flows.Arrival{BankRef: "K3", Channel: "ALI", Clearing: day, Amount: 2000_00})
		},
		func(j flows.Journal) error { return j.Collections().Release(ctx, "ALI", "ALI", day) },
		func(j flows.Journal) error {
			return j.Withdrawals().Apply(ctx, flows.Withdrawal{Serial: "P1", Member: "A", Amount: 1000_00})
		},
	)
	if err := b.db.Tx(ctx, func(tx *store.Tx) error {
		return b.book.UpdateMember(ctx, tx, "maker", day.At(9, 0), "A", status)
	}); err != nil {
		b.t.Fatal(err)
	}
}

// wantBalances compares accounts and items, each on its own side.
func wantBalances(b *books, want map[string]string) {
	b.t.Helper()
	for key, amount := range want {
		if got := b.balance(key).String(); got != amount {
			b.t.Errorf("%s is at %s, want %s", key, got, amount)
		}
	}
}
