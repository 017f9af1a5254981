package flows_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

// chain is an order that is received, refunded in part or not, split, and
// refunded in parts until nothing is left.
type chain struct {
	rt    *rapid.T
	b     *books
	order flows.Order
	rule  split.Rule
	left  money.Amount
	done  []string // references of refunds after the split
}

// TestRandomSplitsAndRefunds: an order of any amount under any rule, refunded in
// any chain of parts until nothing is left, gives back what everyone got of it,
// voucher by voucher through the ledger. Nobody else's money moves, no account
// crosses zero on the way, and the one who bore the channel's fee is short of
// exactly what the channel keeps of it.
func TestRandomSplitsAndRefunds(t *testing.T) {
	b := newBooks(t)
	b.must(
		func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 100_000_000_00) },
		func(j flows.Journal) error { return j.Members().TopUp(ctx, "K2", "A", "门店A", 100_000_000_00) },
	)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		c := drawChain(rt, b, n)
		before := parties(b)
		amount := c.left
		c.receive()
		c.split()
		for parts := 1; c.left > 0; parts++ {
			c.refund(parts == 6)
		}
		kept := b.balance("2501." + c.order.Channel)
		after := parties(b)
		want := before
		if c.rule.FeeBearer == split.HeadOffice {
			want.headOffice -= kept
		} else {
			want.member -= kept
		}
		if after != want || kept < 0 {
			rt.Fatalf("%s: %+v became %+v, the channel keeps %s", amount, before, after, kept)
		}
		for account, balance := range b.balances() {
			if balance < 0 {
				rt.Fatalf("%s is at %s", account, balance)
			}
		}
		if owed := b.balance("1122." + c.order.Channel); owed != 0 || b.balance("2102") != 0 || b.balance("2202."+c.order.Channel) != 0 {
			rt.Fatalf("the channel owes %s, 2102 is at %s", owed, b.balance("2102"))
		}
	})
}

// held is what each party has, wherever it stands.
type held struct{ member, partner, headOffice money.Amount }

func parties(b *books) (h held) {
	for account, balance := range b.balances() {
		switch account {
		case "2001.A", "2002.A":
			h.member += balance
		case "2001.B", "2002.B":
			h.partner += balance
		case "2301", "2302", "2305":
			h.headOffice += balance
		}
	}
	return h
}

// drawChain draws an order and a rule. The channel is of its own, so that its
// accounts tell of this order alone; small amounts are where rounding bites.
func drawChain(rt *rapid.T, b *books, n int) *chain {
	b.t.Helper()
	c := &chain{rt: rt, b: b}
	c.left = money.Amount(rapid.OneOf(rapid.Int64Range(1, 300), rapid.Int64Range(1, 1_000_000_00)).Draw(rt, "amount"))
	c.order = flows.Order{Reference: fmt.Sprintf("Q%d", n), Channel: fmt.Sprintf("N%d", n), Clearing: day.AddDays(n % 7), Member: "A",
		Partner: rapid.SampledFrom([]string{"", "B"}).Draw(rt, "partner"), FeePPM: rapid.Int64Range(0, 10_000).Draw(rt, "fee")}
	c.rule = split.Rule{ID: "Q", Version: 1, HeadOfficePPM: rapid.Int64Range(20_000, 400_000).Draw(rt, "head office's"),
		PartnerPPM: rapid.Int64Range(0, 300_000).Draw(rt, "partner's"),
		FeeBearer:  rapid.SampledFrom([]split.Party{split.Franchisee, split.HeadOffice}).Draw(rt, "bearer")}
	return c
}

// refundOf is the next refund of the chain; name tells early ones from later ones.
func (c *chain) refundOf(name string, amount, feeBack money.Amount) flows.Refund {
	no := c.order.Reference + name
	return flows.Refund{Reference: no, RefundNo: no, Order: c.order.Reference, Channel: c.order.Channel, Clearing: c.order.Clearing,
		Member: "A", Amount: amount, FeeBack: feeBack, Earlier: slices.Clone(c.done)}
}

func (c *chain) receive() {
	c.b.must(func(j flows.Journal) error {
		return j.Collections().Receive(ctx, flows.Receipt{Reference: c.order.Reference, Channel: c.order.Channel, Clearing: c.order.Clearing, Amount: c.left})
	})
	if c.left == 1 || !rapid.Bool().Draw(c.rt, "refund before the split") {
		return
	}
	r := c.refundOf("early", money.Amount(rapid.Int64Range(1, int64(c.left)-1).Draw(c.rt, "early part")), 0)
	c.b.must(func(j flows.Journal) error { return j.Refunds().BeforeSplit(ctx, r) },
		func(j flows.Journal) error { return j.Refunds().List(ctx, r) })
	c.left -= r.Amount
	c.order.Refunds = []string{r.Reference}
}

func (c *chain) split() {
	pool := c.b.balance("2102")
	c.b.must(func(j flows.Journal) error { return j.Collections().Split(ctx, c.order, c.rule) })
	if got := pool - c.b.balance("2102"); got != c.left {
		c.rt.Fatalf("the split took %s of %s", got, c.left)
	}
}

// refund gives back a part, or the rest. The channel gives back nothing of its
// fee, or what the ledger says that it has, where the share that bore it allows.
func (c *chain) refund(rest bool) {
	amount := c.left
	if !rest {
		amount = money.Amount(rapid.Int64Range(1, int64(c.left)).Draw(c.rt, "part"))
	}
	fee := c.b.balance("2501." + c.order.Channel)
	var back money.Amount
	if rapid.Bool().Draw(c.rt, "fee back") && fee > 0 {
		back = fee * amount / c.left
	}
	r := c.refundOf(fmt.Sprintf("/%d", len(c.done)), amount, back)
	err := c.b.do(func(j flows.Journal) error { return j.Refunds().AfterSplit(ctx, r) })
	if fault.CodeOf(err) == "split.fee_back" {
		r.FeeBack = 0
		err = c.b.do(func(j flows.Journal) error { return j.Refunds().AfterSplit(ctx, r) })
	}
	if err != nil {
		c.rt.Fatal(err)
	}
	c.b.must(func(j flows.Journal) error { return j.Refunds().List(ctx, r) })
	c.done = append(c.done, r.Reference)
	c.left -= amount
}
