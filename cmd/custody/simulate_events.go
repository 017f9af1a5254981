package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"time"

	"custody/clearing"
	"custody/clearing/escrow"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/subaccounts"
)

// player plays the people of a simulated head office on the days with money
// events: maker1 asks, checker1 approves, through the calls that the command line
// makes. They work in the morning, before the day's batch is drawn.
type player struct {
	*clearing.Engine
	ctx     context.Context
	from    bizdate.Date
	date    bizdate.Date
	members []string                // franchisees, by code
	micro   map[string]money.Amount // what was paid to prove an account, by member
}

// deed is what the people do on a day, counted from the first.
type deed struct {
	day int
	do  func(*player) error
}

// The numbers under which the people act.
const (
	frozenBy  = "(2026)示例民初1号"
	strangers = "6299900000000000029"
)

// deeds is the script of the people, in the order in which they act.
var deeds = []deed{
	{1, allocate}, {1, associate}, {1, shipAndEnd}, {1, advance},
	{2, recoverPending}, {2, sweepAndTopUp}, {2, clearSuspense}, {2, failRefund}, {2, moveBetweenMembers}, {2, reverse}, {2, holdMoney}, {2, withdraw},
	{2, payFromBalance},
	{3, refundByHand}, {3, endHolds}, {3, endBalanceOrders}, {3, withdrawAgain}, {3, renewRule},
	{4, withdrawRevenue}, {4, recoverAdvance}, {4, withdrawAgain},
	{7, withdrawAgain},
	{2, topUpByCard}, {3, topUpByCard}, {8, topUpByCard},
	{8, endRenewedOrder}, {8, withdrawAgain},
}

// newPlayer begins the days.
func newPlayer(ctx context.Context, e *clearing.Engine, from bizdate.Date) (*player, error) {
	p := &player{Engine: e, ctx: ctx, from: from, micro: map[string]money.Amount{}}
	list, err := e.Members(ctx)
	for _, m := range list {
		if m.Kind == "FRANCHISEE" {
			p.members = append(p.members, m.Code)
		}
	}
	slices.Sort(p.members)
	return p, err
}

// morning plays what the people do before the day runs: first they clear what the
// night left, then the day's script.
func (p *player) morning(date bizdate.Date) error {
	p.date = date
	day := p.from.DaysUntil(date)
	if day == 0 {
		return nil // no day has begun
	}
	if err := p.clearExceptions(); err != nil {
		return err
	}
	if err := p.proveAccounts(); err != nil {
		return err
	}
	for _, d := range deeds {
		if d.day != day {
			continue
		}
		if err := d.do(p); err != nil {
			return err
		}
	}
	return nil
}

// member is the franchisee at a place; a head office with few has them again.
func (p *player) member(i int) string { return p.members[i%len(p.members)] }

// approved is the checker's yes to what a maker has just asked.
func (p *player) approved(id string, err error) error {
	if err != nil || id == "" {
		return err
	}
	_, err = p.Approve(p.ctx, simulatedChecker, id)
	return err
}

// act posts an action, by two people where it needs them.
func (p *player) act(event string, request any) error {
	v, err := p.Act(p.ctx, simulatedMaker, clearing.Action{Event: event, Request: request})
	if err != nil || v.State != clearing.ActionSubmitted {
		return err
	}
	return p.approved(v.Approval, nil)
}

// inOrder plays steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// clearings are how the people clear a kind of difference. What is not named here
// ends by itself: a date difference by a later bill, an unknown payer by the script.
var clearings = map[exceptions.Kind]clearing.Handling{
	exceptions.PlatformMiss: {Template: "adopt"},
	exceptions.DupPaid:      {Template: "send-back"},
	exceptions.Returned:     {Template: "credit-return"},
	exceptions.BankMiss:     {Template: "void"},
	exceptions.Fee:          {Template: "fee"},
}

// handling chooses what is done about a difference; done is false where nothing is.
func (p *player) handling(x exceptions.Exception) (h clearing.Handling, done bool) {
	switch {
	case x.Kind == exceptions.LatePaid && x.Ours == "UNKNOWN": // the shop did not know, and gave the goods
		return clearing.Handling{Template: "adopt", Member: x.Member}, true
	case x.Kind == exceptions.LatePaid:
		return clearing.Handling{Template: "send-back"}, true
	case x.Kind == exceptions.Coupon && x.Ours == "EVC1":
		return clearing.Handling{Template: "coupon"}, true
	case x.Kind == exceptions.Coupon:
		return clearing.Handling{Template: "write-off"}, true
	}
	h, done = clearings[x.Kind]
	if h.Template == "adopt" {
		h.Member = p.member(0)
	}
	return h, done
}

// clearExceptions proposes and approves a handling of each open difference. On the
// first morning head office has no money for it yet: what is refused waits.
func (p *player) clearExceptions() error {
	list, err := p.Exceptions(p.ctx, p.date.AddDays(-1))
	if err != nil {
		return err
	}
	for _, x := range list {
		h, known := p.handling(x)
		if !known || x.ClosedDate != nil || x.State != exceptions.Open && x.State != exceptions.Assigned {
			continue
		}
		proposal, err := p.Propose(p.ctx, simulatedMaker, x.ID, h)
		if err != nil {
			return err
		}
		_, err = p.Approve(p.ctx, simulatedChecker, proposal.ApprovalID)
		if fault.CodeOf(err) == "ledger.overdrawn" {
			_, err = p.Reject(p.ctx, simulatedChecker, proposal.ApprovalID, "余额不足")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// proveAccounts lets members whose account the bank refused prove it by a
// micro-payment, of 0.37 yuan, and tell its amount a day later.
func (p *player) proveAccounts() error {
	for _, code := range p.members {
		m, err := p.Member(p.ctx, code)
		if err != nil {
			return err
		}
		if m.Binding.Status == subaccounts.BindingVerified {
			continue
		}
		if told, sent := p.micro[code]; sent {
			err = p.VerifyMicro(p.ctx, simulatedMaker, code, told)
			switch fault.CodeOf(err) {
			case "":
				delete(p.micro, code) // the bank may refuse it once more
			case "bind.micro-unsent": // no batch since: tomorrow
				err = nil
			}
		} else {
			_, err = p.SendMicro(p.ctx, simulatedMaker, code, func(string) money.Amount { return 37 })
			p.micro[code] = 37
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// allocate puts head office's own funds to their uses. Nothing is left, so that
// the first bank charge is a shortage.
func allocate(p *player) error {
	return p.act("E0b", flows.Allocation{Reference: "ALLOC1", Reserve: 80_000_00, Marketing: 19_000_00, Verification: 1_000_00})
}

// associate says once and for all whose money a payer sends.
func associate(p *player) error {
	return p.approved(p.Associate(p.ctx, simulatedMaker, clearing.Association{Account: simbank.MemberPayer, Member: p.member(0)}))
}

// shipAndEnd moves the escrow orders of the first day on, each another way.
func shipAndEnd(p *player) error {
	ship := func(order string, days int) func() error {
		return func() error { return p.ShipEscrow(p.ctx, simulatedMaker, order, "SF"+order, days) }
	}
	return inOrder(
		ship("EVS1", 0), func() error { return p.ConfirmEscrow(p.ctx, simulatedMaker, "EVS1") },
		func() error { return p.RefundEscrow(p.ctx, simulatedMaker, "EVS2", "REVS2") },
		ship("EVS3", 2),
		ship("EVS4", 0), func() error { return p.DisputeEscrow(p.ctx, simulatedMaker, "EVS4") },
		func() error {
			return p.approved(p.ResolveEscrow(p.ctx, simulatedMaker,
				escrow.Verdict{OrderNo: "EVS4", Refund: 50_00, RefundNo: "REVS4", Reason: "少发一件"}))
		},
		func() error { return p.RefundEscrow(p.ctx, simulatedMaker, "EVS5", "REVS5") },
	)
}

// advance settles before the channels have paid (T0 垫资).
func advance(p *player) error {
	return inOrder(
		func() error { return p.act("E26", flows.Early{Reference: "T0-1", Member: p.member(0), Amount: 30_00}) },
		func() error { return p.act("E26", flows.Early{Reference: "T0-2", Member: p.member(0), Amount: 20_00}) },
	)
}

// recoverPending takes an advance back out of what is still to be released.
func recoverPending(p *player) error {
	return p.act("E26b", flows.Recovery{Advance: "T0-1", Part: 1, Member: p.member(0), Amount: 30_00})
}

// recoverAdvance takes the other one back out of what can be withdrawn.
func recoverAdvance(p *player) error {
	return p.act("E7e", flows.Recovery{Advance: "T0-2", Part: 1, Member: p.member(0), Amount: 20_00})
}

// sweepAndTopUp collects fees that have arrived, and with them makes up for the
// bank's charge, which found own funds empty.
func sweepAndTopUp(p *player) error {
	list, err := p.Exceptions(p.ctx, p.date.AddDays(-1))
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Kind != exceptions.OffSystem || x.ClosedDate != nil {
			continue
		}
		err := inOrder(
			func() error {
				return p.act("E8a", clearing.Sweep{Reference: "SWEEP1", Channel: "WX", Clearing: p.date.AddDays(-2), Amount: x.Amount})
			},
			func() error {
				return p.act("E8f", clearing.ShortageTopUp{Reference: "TOPUP1", Charge: x.Subject, Amount: x.Amount})
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// clearSuspense claims a part of what a stranger paid, and sends him the rest back.
func clearSuspense(p *player) error {
	list, err := p.Suspense(p.ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Kind != exceptions.UnknownPayer || s.Amount < 300_00 {
			continue
		}
		payer, err := p.PayerOf(p.ctx, s.Item)
		if err != nil {
			return err
		}
		payer.Bank, payer.CNAPS = "东岭示例银行", p.cnaps()
		return inOrder(
			func() error {
				return p.act("E9c", flows.Claim{Reference: "CLAIM1", Item: s.Item, Member: p.member(1), Amount: 200_00})
			},
			func() error {
				return p.act("E9d", flows.SuspensePayout{Serial: "BACK1", Item: s.Item, Payee: "UNK", Amount: s.Amount - 200_00, To: payer})
			},
		)
	}
	return nil
}

// cnaps is the number of a bank that the rails reach: the first member's.
func (p *player) cnaps() string {
	m, err := p.Member(p.ctx, p.member(0))
	if err != nil {
		return "" // the payment is refused for it
	}
	return m.Binding.CNAPS
}

// failRefund takes down that the channel could not give an escrow refund back.
func failRefund(p *player) error {
	return p.FailEscrowRefund(p.ctx, simulatedMaker, "EVS5", "原卡已销")
}

// refundByHand pays it to the customer's other account.
func refundByHand(p *player) error {
	return p.act("E22c", flows.SuspensePayout{Serial: "HAND1", Item: "REVS5", Payee: "REFUND", Amount: 80_00,
		To: flows.Payee{Name: "孙示例", Account: strangers, Bank: "东岭示例银行", CNAPS: p.cnaps()}})
}

// moveBetweenMembers transfers, takes a deposit, and adjusts.
func moveBetweenMembers(p *player) error {
	return inOrder(
		func() error {
			return p.act("E13", flows.Transfer{Reference: "MOVE1", From: p.member(0), To: p.member(1), Amount: 50_00, Fee: 50})
		},
		func() error {
			return p.act("E23", clearing.Deposit{Reference: "DEP1", Member: p.member(0), Amount: 30_00})
		},
		func() error {
			return p.act("E23b", flows.Penalty{Reference: "PEN1", Member: p.member(0), Amount: 10_00, Reason: "迟发货"})
		},
		func() error {
			return p.act("E17x", flows.Adjustment{Reference: "ADJ1", From: p.member(0), To: p.member(1), Amount: 5_00, Reason: "录错"})
		},
	)
}

// reverse takes the adjustment back in red.
func reverse(p *player) error {
	return p.act("E17", flows.Reversal{Event: "E17x", Reference: "ADJ1", Reason: "调错"})
}

// holdMoney freezes a member's money, and gives a court its part of it.
func holdMoney(p *player) error {
	return inOrder(
		func() error {
			return p.act("E12", flows.Hold{Reference: "HOLD1", Document: frozenBy, Member: p.member(0), Amount: 100_00})
		},
		func() error {
			return p.act("E12b", flows.Deduction{Serial: "COURT1", Document: frozenBy, Order: "(2026)示例执1号", Member: p.member(0),
				Authority: "COURT", Amount: 60_00, To: flows.Payee{Name: "示例人民法院", Account: strangers, Bank: "东岭示例银行", CNAPS: p.cnaps()}})
		},
	)
}

// endHolds thaws the rest and gives the rest of the deposit back.
func endHolds(p *player) error {
	return inOrder(
		func() error {
			return p.act("E12d", flows.Hold{Reference: "THAW1", Document: frozenBy, Member: p.member(0), Amount: 40_00})
		},
		func() error {
			return p.act("E23c", clearing.Deposit{Reference: "DEP2", Member: p.member(0), Amount: 20_00})
		},
	)
}

// withdraw applies for withdrawals of sizes that go by different rails, and takes
// one back.
func withdraw(p *player) error {
	for _, w := range []clearing.Withdrawal{{Member: p.member(0), Amount: 60_00, Reference: "WD1"},
		{Member: p.member(0), Amount: 1_500_00, Reference: "WD2"}, {Member: p.member(0), Amount: 20_00, Reference: "WD3"}} {
		if _, err := p.Withdraw(p.ctx, simulatedMaker, w); err != nil {
			return err
		}
	}
	return p.CancelWithdrawal(p.ctx, simulatedMaker, "WD3")
}

// withdrawAgain applies for one withdrawal more, which may meet a fault. A member
// whose account is in question cannot.
func withdrawAgain(p *player) error {
	_, err := p.Withdraw(p.ctx, simulatedMaker, clearing.Withdrawal{Member: p.member(0), Amount: 2_500_00, Reference: "WD" + p.date.Compact()})
	if fault.CodeOf(err) == "withdraw.unverified" {
		return nil
	}
	return err
}

// payFromBalance pays two escrow orders out of a member's balance.
func payFromBalance(p *player) error {
	for _, order := range []string{"EVB1", "EVB2"} {
		err := inOrder(
			func() error { return p.OpenEscrow(p.ctx, simulatedMaker, order, p.member(1), 60_00) },
			func() error { return p.PayEscrow(p.ctx, simulatedMaker, order, p.member(0)) },
		)
		if err != nil {
			return err
		}
	}
	return p.ShipEscrow(p.ctx, simulatedMaker, "EVB1", "SFEVB1", 0)
}

// endBalanceOrders confirms one of them and gives the other back.
func endBalanceOrders(p *player) error {
	return inOrder(
		func() error { return p.ConfirmEscrow(p.ctx, simulatedMaker, "EVB1") },
		func() error { return p.RefundEscrow(p.ctx, simulatedMaker, "EVB2", "") },
	)
}

// renewRule puts the second contract in force from its day on.
func renewRule(p *player) error {
	rule, err := clearing.ParseRule([]byte(simbank.RenewedRule(p.from)), "renewed.yaml", p.Config.Limits)
	if err != nil {
		return err
	}
	v, err := p.NewRule(p.ctx, simulatedMaker, rule)
	return p.approved(v.Approval, err)
}

// topUpByCard tops members up with prepaid cards, the operator's platform played
// in this process.
func topUpByCard(p *player) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &simbank.Operator{Code: "TEL", Date: p.date, SharePPM: 100_000}, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer server.Close()
	p.Config.Recharge.Operators[0].Platforms[0].URL = "http://" + listener.Addr().String()
	for _, c := range simbank.Cards {
		if c.Day != p.from.DaysUntil(p.date) {
			continue
		}
		_, err := p.Recharge(p.ctx, simulatedMaker, clearing.RechargeRequest{Card: "11888001", PIN: c.PIN,
			Face: money.Amount(c.FaceFen), Member: p.member(c.Member), Reference: c.Reference})
		if err != nil {
			return err
		}
	}
	return nil
}

// endRenewedOrder confirms an escrow order under the second contract.
func endRenewedOrder(p *player) error {
	return inOrder(
		func() error { return p.ShipEscrow(p.ctx, simulatedMaker, "EVS6", "SFEVS6", 0) },
		func() error { return p.ConfirmEscrow(p.ctx, simulatedMaker, "EVS6") },
	)
}

// withdrawRevenue pays head office's revenue to its corporate account; the bank
// takes a yuan for it a day later.
func withdrawRevenue(p *player) error {
	id, _, err := p.WithdrawHeadOffice(p.ctx, simulatedMaker, "HQ1", 39_00, 1_00)
	return p.approved(id, err)
}
