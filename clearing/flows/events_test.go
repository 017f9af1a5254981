package flows_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"custody/clearing/escrow"
	"custody/clearing/flows"
	"custody/internal/money"
	"custody/subaccounts"
)

// A step is the business that must come to the voucher of one row.
type step func(b *books, j flows.Journal) error

var (
	wx1 = flows.Order{Reference: "W1", Channel: "WX", Clearing: first, Member: "A", Partner: "B", FeePPM: 6000}
	wx2 = flows.Order{Reference: "W2", Channel: "WX", Clearing: second, Member: "A", Partner: "B", FeePPM: 6000}
	wx3 = flows.Order{Reference: "W3", Channel: "WX", Clearing: third, Member: "A", Partner: "B", FeePPM: 6000}

	pay1 = flows.Withdrawal{Serial: "P1", Member: "A", Amount: 500_00, Fee: 1_00}
	pay2 = flows.Withdrawal{Serial: "P2", Member: "A", Amount: 200_00, Fee: 1_00}

	early   = flows.Refund{Reference: "R0", RefundNo: "R0", Order: "W0", Channel: "WX", Clearing: third, Amount: 50_00}
	shared  = flows.Refund{Reference: "R1", RefundNo: "R1", Order: "W1", Channel: "WX", Clearing: third, Member: "A", Amount: 200_00, FeeBack: 1_20}
	advance = flows.Refund{Reference: "R2", RefundNo: "R2", Order: "W2", Channel: "WX", Clearing: third, Member: "A", Amount: 100_00}
	lost    = flows.Refund{Reference: "R3", RefundNo: "R3", Order: "W1", Channel: "WX", Clearing: third, Member: "A", Amount: 40_00, Earlier: []string{"R1"}}
	byHand  = flows.SuspensePayout{Serial: "P3", Item: "R3", Payee: "REFUND", Amount: 40_00}
	unknown = flows.SuspensePayout{Serial: "P4", Item: "K9", Payee: "UNK", Amount: 100_00}

	toHQ  = flows.HeadOfficePayout{Serial: "P5", Amount: 39_00, BankFee: 1_00}
	card  = flows.Recharge{Reference: "C1", Channel: "TEL", Clearing: first, Member: "U", Face: 100_00, MemberPPM: 850_000, OperatorPPM: 100_000}
	court = flows.Deduction{Serial: "P6", Document: "D1", Order: "示例法院执1号", Member: "C", Authority: "COURT", Amount: 60_00}
	t0    = flows.Early{Reference: "T0", Member: "A", Amount: 100_00}
	gap   = flows.Difference{Reference: "S66", Case: "S66", Channel: "ALI", Clearing: first, Amount: 66_00}
	terms = escrow.Terms{FeePPM: 6000, Rule: ruleSolo}
)

// steps are the rows of the posting table, in its words. A row that the table
// has and this has not fails.
var steps = map[string]step{
	"E0": func(_ *books, j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 1000_00) },
	"E0b": func(_ *books, j flows.Journal) error {
		return j.OwnFunds().Allocate(ctx, flows.Allocation{Reference: "K1", Reserve: 600_00, Marketing: 300_00, Verification: 100_00})
	},
	"E1":  receive("W1", "WX", 0, 1000_00),
	"E2":  func(_ *books, j flows.Journal) error { return j.Collections().Split(ctx, wx1, rule) },
	"E3":  arrive("K2", 0, 994_00, 6_00),
	"E4":  func(_ *books, j flows.Journal) error { return j.Collections().Release(ctx, "WX1", "WX", first) },
	"E1b": receive("W2", "WX", -1, 1000_00),
	"E2b": func(_ *books, j flows.Journal) error { return j.Collections().Split(ctx, wx2, ruleHQ) },
	"E3g": arrive("K3", -1, 1000_00, 0),
	"E3h": func(_ *books, j flows.Journal) error {
		return j.Collections().LaterFee(ctx, "K4", "WX", second, 6_00)
	},
	"E4b":  func(_ *books, j flows.Journal) error { return j.Collections().Release(ctx, "WX2", "WX", second) },
	"E5a":  func(_ *books, j flows.Journal) error { return j.Withdrawals().Apply(ctx, pay1) },
	"E5b":  func(_ *books, j flows.Journal) error { return j.Withdrawals().Succeed(ctx, pay1) },
	"E5a2": func(_ *books, j flows.Journal) error { return j.Withdrawals().Apply(ctx, pay2) },
	"E5c":  func(_ *books, j flows.Journal) error { return j.Withdrawals().Refuse(ctx, pay2) },
	"E5d":  func(_ *books, j flows.Journal) error { return j.Withdrawals().Return(ctx, pay1) },
	"E5e":  func(_ *books, j flows.Journal) error { return j.Withdrawals().CreditReturn(ctx, pay1, 1_00) },

	"E6a": escrowPaid("S1", 300_00),
	"E6c": func(_ *books, j flows.Journal) error {
		o := escrow.At(j)
		if err := o.Ship(ctx, "S1", "SF1", day.AddDays(10)); err != nil {
			return err
		}
		return o.Confirm(ctx, "S1", terms)
	},
	"E6a2": escrowPaid("S2", 120_00),
	"E6d":  func(_ *books, j flows.Journal) error { return escrow.At(j).AskRefund(ctx, "S2", "SR2") },
	"E6d2": func(_ *books, j flows.Journal) error { return escrow.At(j).List(ctx, "S2", first) },
	"E6a3": escrowPaid("S3", 100_00),
	"E6e": func(b *books, j flows.Journal) error {
		o := escrow.At(j)
		if err := o.Ship(ctx, "S3", "SF3", day.AddDays(10)); err != nil {
			return err
		}
		if err := o.Dispute(ctx, "S3"); err != nil {
			return err
		}
		v := escrow.Verdict{OrderNo: "S3", Refund: 30_00, RefundNo: "SR3", Reason: "部分破损"}
		return o.Decide(ctx, v, terms, b.decide(j, "escrow-verdict", v))
	},
	"E6f": func(_ *books, j flows.Journal) error { return escrow.At(j).List(ctx, "S3", first) },

	"E20":  receive("W0", "WX", 1, 50_00),
	"E20b": func(_ *books, j flows.Journal) error { return j.Refunds().BeforeSplit(ctx, early) },
	"E20c": func(_ *books, j flows.Journal) error { return j.Refunds().List(ctx, early) },
	"E1c":  receive("W3", "WX", 1, 1000_00),
	"E2c":  func(_ *books, j flows.Journal) error { return j.Collections().Split(ctx, wx3, rule) },
	"E7a":  func(_ *books, j flows.Journal) error { return j.Refunds().AfterSplit(ctx, shared) },
	"E7b":  func(_ *books, j flows.Journal) error { return j.Refunds().List(ctx, shared) },
	"E7c": func(b *books, j flows.Journal) error {
		return j.Refunds().Advance(ctx, advance, b.decide(j, "E7c", advance))
	},
	"E7d": func(_ *books, j flows.Journal) error { return j.Refunds().List(ctx, advance) },
	"E7e": func(b *books, j flows.Journal) error {
		r := flows.Recovery{Advance: "R2", Part: 1, Member: "A", Amount: 100_00}
		return j.Advances().Recover(ctx, r, b.decide(j, "E7e", r))
	},
	"E22":  func(_ *books, j flows.Journal) error { return j.Refunds().FromMember(ctx, lost) },
	"E22b": func(_ *books, j flows.Journal) error { return j.Refunds().Fail(ctx, lost, false) },
	"E22c": func(b *books, j flows.Journal) error {
		return j.Refunds().PayByHand(ctx, byHand, b.decide(j, "E22c", byHand))
	},
	"E22d": func(_ *books, j flows.Journal) error { return j.Refunds().PaidByHand(ctx, byHand) },

	"E8a": func(_ *books, j flows.Journal) error { return j.OwnFunds().Sweep(ctx, "SW1", "WX", first, 40_00) },
	"E8b": func(b *books, j flows.Journal) error {
		return j.OwnFunds().Withdraw(ctx, toHQ, b.decide(j, "E8b", toHQ))
	},
	"E8c": func(_ *books, j flows.Journal) error { return j.OwnFunds().Paid(ctx, toHQ) },
	"E8d": func(_ *books, j flows.Journal) error { return j.OwnFunds().BankFee(ctx, "K5", 1_00) },
	"E9a": func(_ *books, j flows.Journal) error { return j.Members().TopUp(ctx, "K6", "C", "门店C", 2000_00) },
	"E9b": func(_ *books, j flows.Journal) error { return j.Suspense().Receive(ctx, "K9", 300_00) },
	"E9c": func(b *books, j flows.Journal) error {
		c := flows.Claim{Reference: "K9", Item: "K9", Member: "C", Amount: 200_00}
		return j.Suspense().Claim(ctx, c, b.decide(j, "E9c", c))
	},
	"E9d": func(b *books, j flows.Journal) error {
		return j.Suspense().Return(ctx, unknown, b.decide(j, "E9d", unknown))
	},
	"E9e":  func(_ *books, j flows.Journal) error { return j.Suspense().Returned(ctx, unknown) },
	"E10a": func(_ *books, j flows.Journal) error { return j.Recharges().Credit(ctx, card) },
	"E10b": func(_ *books, j flows.Journal) error {
		return j.Recharges().Settle(ctx, flows.Arrival{BankRef: "K7", Channel: "TEL", Clearing: first, Amount: 90_00, Fee: 10_00})
	},
	"E10c": func(_ *books, j flows.Journal) error { return j.Recharges().Release(ctx, "TEL1", "TEL", first) },
	"E21": func(_ *books, j flows.Journal) error {
		o := escrow.At(j)
		if err := o.Open(ctx, escrow.Order{OrderNo: "S4", Member: "S", Amount: 60_00}); err != nil {
			return err
		}
		return o.PayFromBalance(ctx, "S4", "U")
	},
	"E21b": func(_ *books, j flows.Journal) error {
		o := escrow.At(j)
		if err := o.Ship(ctx, "S4", "SF4", day.AddDays(10)); err != nil {
			return err
		}
		return o.Confirm(ctx, "S4", escrow.Terms{Rule: ruleSolo})
	},
	"E11b": func(_ *books, j flows.Journal) error {
		return j.Collections().Receive(ctx, flows.Receipt{Reference: "W4", Channel: "WX", Clearing: third, Amount: 1000_00, Coupon: 20_00})
	},
	"E12": func(_ *books, j flows.Journal) error {
		return j.Holds().Freeze(ctx, flows.Hold{Reference: "D1", Document: "D1", Member: "C", Amount: 100_00})
	},
	"E12b": func(b *books, j flows.Journal) error { return j.Holds().Deduct(ctx, court, b.decide(j, "E12b", court)) },
	"E12c": func(_ *books, j flows.Journal) error { return j.Holds().Deducted(ctx, court) },
	"E12d": func(_ *books, j flows.Journal) error {
		return j.Holds().Thaw(ctx, flows.Hold{Reference: "D1", Document: "D1", Member: "C", Amount: 40_00})
	},
	"E13": func(_ *books, j flows.Journal) error {
		return j.Members().Transfer(ctx, flows.Transfer{Reference: "M1", From: "C", To: "A", Amount: 50_00, Fee: 50})
	},
	"E23": func(_ *books, j flows.Journal) error { return j.Members().TakeDeposit(ctx, "M2", "A", 30_00) },
	"E23b": func(b *books, j flows.Journal) error {
		p := flows.Penalty{Reference: "M3", Member: "A", Amount: 10_00, Reason: "违约"}
		return j.Members().Penalize(ctx, p, b.decide(j, "E23b", p))
	},
	"E26": func(b *books, j flows.Journal) error {
		return j.Advances().SettleEarly(ctx, t0, b.decide(j, "E26", t0))
	},
	"E26b": func(b *books, j flows.Journal) error {
		r := flows.Recovery{Advance: "T0", Part: 1, Member: "A", Amount: 100_00}
		return j.Advances().RecoverPending(ctx, r, b.decide(j, "E26b", r))
	},

	"E14a": func(_ *books, j flows.Journal) error {
		return j.Corrections().Surplus(ctx, flows.Difference{Reference: "W5", Case: "W5", Channel: "WX", Clearing: third, Amount: 88_00})
	},
	"E14b": func(b *books, j flows.Journal) error {
		a := flows.Adoption{Reference: "W5", Case: "W5", Amount: 88_00}
		return j.Corrections().Adopt(ctx, a, b.decide(j, "E14b", a))
	},
	"E1s":  receive("S66", "ALI", 0, 66_00),
	"E14c": func(_ *books, j flows.Journal) error { return j.Corrections().Shortage(ctx, gap) },
	"E14d": func(_ *books, j flows.Journal) error { return j.Corrections().Found(ctx, gap) },
	"E14e": func(_ *books, j flows.Journal) error {
		again := gap
		again.Reference = "S66#2"
		return j.Corrections().Shortage(ctx, again)
	},
	"E14f": func(b *books, j flows.Journal) error {
		w := flows.WriteOff{Reference: "S66", Case: "S66", Amount: 66_00, Delivered: true}
		return j.Corrections().WriteOff(ctx, w, b.decide(j, "E14f", w))
	},
	"E14g": func(b *books, j flows.Journal) error {
		d := flows.FeeDifference{Reference: "WX2", Channel: "WX", Clearing: second, Amount: 10}
		return j.Corrections().BearFee(ctx, d, b.decide(j, "E14g", d))
	},
	"E15": func(_ *books, j flows.Journal) error { return j.OwnFunds().MicroPayment(ctx, "K10", 37) },
	"E16": func(_ *books, j flows.Journal) error { return j.OwnFunds().Interest(ctx, "K11", 12_34) },
	"E17x": func(b *books, j flows.Journal) error {
		a := flows.Adjustment{Reference: "X1", From: "A", To: "C", Amount: 5_00, Reason: "录错"}
		return j.Corrections().Adjust(ctx, a, b.decide(j, "E17x", a))
	},
	"E17": func(b *books, j flows.Journal) error {
		r := flows.Reversal{Event: "E17x", Reference: "X1", Reason: "录错"}
		return j.Corrections().Reverse(ctx, r, b.decide(j, "E17", r))
	},
}

func receive(order, channel string, days int, amount money.Amount) step {
	return func(_ *books, j flows.Journal) error {
		return j.Collections().Receive(ctx, flows.Receipt{Reference: order, Channel: channel, Clearing: day.AddDays(days), Amount: amount})
	}
}

func arrive(bankRef string, days int, amount, fee money.Amount) step {
	return func(_ *books, j flows.Journal) error {
		return j.Collections().Arrive(ctx, flows.Arrival{BankRef: bankRef, Channel: "WX", Clearing: day.AddDays(days), Amount: amount, Fee: fee})
	}
}

func escrowPaid(order string, amount money.Amount) step {
	return func(_ *books, j flows.Journal) error {
		o := escrow.At(j)
		if err := o.Open(ctx, escrow.Order{OrderNo: order, Member: "S", Amount: amount}); err != nil {
			return err
		}
		return o.Pay(ctx, order, "ALI", first)
	}
}

// row is one row of the posting table: what the voucher must be.
type row struct {
	name           string
	debits, credit []string // account and amount
	total          string
}

func readRows(t *testing.T) (rows []row) {
	t.Helper()
	raw, err := os.ReadFile("testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSpace(line), " | ")
		rows = append(rows, row{f[0], ours(t, f[1]), ours(t, f[2]), f[3]})
	}
	return rows
}

// ours turns the table's account names into ours: an account that the chart
// gives no owner loses the table's, 2302.HQ is 2302.
func ours(t *testing.T, side string) (legs []string) {
	t.Helper()
	for _, leg := range strings.Split(side, " + ") {
		name, amount, _ := strings.Cut(leg, " ")
		code, owner, _ := strings.Cut(name, ".")
		def, ok := subaccounts.Chart(code)
		if !ok {
			t.Fatalf("%s is not in the chart", code)
		}
		if def.Owner == subaccounts.OwnerNone {
			owner = ""
		}
		legs = append(legs, subaccounts.Key{Code: code, Owner: owner}.String()+" "+amount)
	}
	slices.Sort(legs)
	return legs
}

// sides adds a voucher's entries up per side and account, whatever their items.
func sides(v subaccounts.Voucher) (debits, credits []string, total money.Amount) {
	sums := [2]map[string]money.Amount{{}, {}}
	for _, e := range v.Entries {
		side, amount := 0, e.Amount
		if amount < 0 {
			side, amount = 1, -amount
		}
		sums[side][subaccounts.Key{Code: e.Code, Owner: e.Owner}.String()] += amount
	}
	var out [2][]string
	for side, by := range sums {
		for account, amount := range by {
			out[side] = append(out[side], account+" "+amount.String())
			if side == 0 {
				total += amount
			}
		}
		slices.Sort(out[side])
	}
	return out[0], out[1], total
}

// TestEvents plays the 75 rows of the posting table in order, each by the method
// of its flow: one voucher each, to the fen; after each no account is below zero
// and what could be paid out is covered by the bank account.
func TestEvents(t *testing.T) {
	b := newBooks(t)
	rows := readRows(t)
	if len(rows) != 75 || len(steps) != 75 {
		t.Fatalf("%d rows and %d steps, want 75", len(rows), len(steps))
	}
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			b.t = t
			if err := b.do(func(j flows.Journal) error { return steps[r.name](b, j) }); err != nil {
				t.Fatal(err)
			}
			posted := b.vouchers()
			if len(posted) != i+1 {
				t.Fatalf("%d vouchers after %d rows", len(posted), i+1)
			}
			debits, credits, total := sides(posted[i])
			if !slices.Equal(debits, r.debits) || !slices.Equal(credits, r.credit) || total.String() != r.total {
				t.Errorf("got  Dr %v Cr %v, %s\nwant Dr %v Cr %v, %s", debits, credits, total, r.debits, r.credit, r.total)
			}
			checkBalances(t, b.balances())
		})
	}
	b.t = t
	var assets, liabilities money.Amount
	for account, balance := range b.balances() {
		if account[0] == '1' {
			assets += balance
		} else {
			liabilities += balance
		}
	}
	if assets.String() != "7287.97" || liabilities != assets {
		t.Errorf("assets %s, liabilities %s, want 7287.97", assets, liabilities)
	}
}

// covered are the accounts whose money could be paid out (R9).
var covered = []string{"2001", "2003", "2201", "2203", "2301", "2303", "2304", "2305", "2306", "2401", "2601"}

func checkBalances(t *testing.T, balances map[string]money.Amount) {
	t.Helper()
	var payable money.Amount
	for account, balance := range balances {
		if balance < 0 {
			t.Errorf("%s is at %s", account, balance)
		}
		if slices.Contains(covered, account[:4]) {
			payable += balance
		}
	}
	if payable > balances["1001"] {
		t.Errorf("%s could be paid out of %s", payable, balances["1001"])
	}
}
