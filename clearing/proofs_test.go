package clearing_test

import (
	"fmt"
	"slices"
	"testing"

	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/internal/fault"
)

// night13 plays the worked days up to the night of 02-13: its files are here.
func night13(t *testing.T) *workedBooks {
	b := newWorkedBooks(t)
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	b.run("2026-02-12", 0)
	b.intraday("2026-02-13", 1)
	b.run("2026-02-13", waiting)
	b.approve("PO20260213-01")
	b.run("2026-02-13", waiting)
	b.result("PO20260213-01", "2026-02-13")
	b.statement("2026-02-13")
	b.orders("2026-02-13")
	b.bills("2026-02-13")
	return b
}

// TestProofsHold: a night that closes has four proofs, each of them zero.
func TestProofsHold(t *testing.T) {
	b := night13(t)
	b.run("2026-02-13", 0)
	for _, date := range []string{"2026-02-12", "2026-02-13"} {
		list, err := b.engine.Proofs(b.ctx, day(date))
		names := map[string]bool{}
		for _, p := range list {
			names[p.Proof] = true
			if p.Difference != 0 {
				t.Errorf("%s: %+v", date, p)
			}
		}
		if err != nil || len(names) != 4 {
			t.Errorf("%s: %+v %v", date, list, err)
		}
	}
}

// TestABrokenProofStopsTheMoney: whatever is wrong by a fen in one of the four
// proofs, the night does not close, and the next day's money of what is affected
// does not leave; when it is put right, it does.
func TestABrokenProofStopsTheMoney(t *testing.T) {
	for _, c := range []struct {
		name, harm, heal string
		proof, scope     string
		held             string // channel whose money is held on 02-14, where one is
		paid             int    // payouts drawn up on 02-14; B's account is blocked, what is held is in nobody's hands yet
	}{
		{"roll-forward of a member",
			"UPDATE day_balances SET closing_fen = closing_fen + 1 WHERE accounting_date = 20260212 AND account_id = (SELECT account_id FROM accounts WHERE code = '2002' AND owner = 'A')",
			"UPDATE day_balances SET closing_fen = closing_fen - 1 WHERE accounting_date = 20260212 AND account_id = (SELECT account_id FROM accounts WHERE code = '2002' AND owner = 'A')",
			"ROLL_FORWARD", "member:A", "", 1},
		{"bank and book", "UPDATE bank_statements SET closing_fen = closing_fen + 1 WHERE to_date = 20260213",
			"UPDATE bank_statements SET closing_fen = closing_fen - 1 WHERE to_date = 20260213", "BANK_BOOK", "", "WX", 0},
		{"custody and sub-accounts", "UPDATE accounts SET balance_fen = balance_fen - 1 WHERE code = '2301'",
			"UPDATE accounts SET balance_fen = balance_fen + 1 WHERE code = '2301'", "CUSTODY", "", "WX", 0},
		{"what the runs took in", "UPDATE files SET pay_fen = pay_fen + 1 WHERE kind = 'bill' AND source = 'WX' AND business_date = 20260213",
			"UPDATE files SET pay_fen = pay_fen - 1 WHERE kind = 'bill' AND source = 'WX' AND business_date = 20260213", "RUN_TOTALS", "channel:WX", "WX", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := night13(t)
			b.runUntil("2026-02-13", "netting", 0)
			b.exec(c.harm)
			b.run("2026-02-13", int(fault.Books))
			list, err := b.engine.Proofs(b.ctx, day("2026-02-13"))
			found := false
			for _, p := range list {
				found = found || p.Proof == c.proof && p.Scope == c.scope && p.Difference.Abs() == 1
			}
			if err != nil || !found {
				t.Fatalf("%s %s is not among %+v %v", c.proof, c.scope, list, err)
			}
			b.intraday("2026-02-14", 4)
			b.runUntil("2026-02-14", "payout-batch", 0)
			if held := b.scalar("SELECT COUNT(*) FROM channel_days WHERE channel = 'WX' AND clearing_date = 20260213 AND held_reason = 'PROOF'"); (held == 1) != (c.held == "WX") {
				t.Errorf("WX of the 13th is held: %d", held)
			}
			if n := b.scalar("SELECT COUNT(*) FROM payouts WHERE batch_no LIKE 'PO20260214%'"); n != c.paid {
				t.Errorf("%d payouts are drawn up, want %d", n, c.paid)
			}
			if n := b.scalar("SELECT COUNT(*) FROM exceptions WHERE kind = 'BALANCE' AND closed_date IS NULL AND ours LIKE '" + c.proof + "%'"); (n == 1) != (c.scope == "member:A") {
				t.Errorf("%d exceptions say why", n)
			}
			b.exec(c.heal)
			b.run("2026-02-13", 0)
			if n := b.scalar("SELECT COUNT(*) FROM exceptions WHERE kind = 'BALANCE' AND closed_date IS NULL"); n != 0 {
				t.Errorf("%d exceptions are left of a proof that holds (%s)", n, exceptions.Balance)
			}
		})
	}
}

// TestABrokenProofRefusesABatch: a batch that two people agreed on before the
// proof broke is not sent either, and is when the proof holds again.
func TestABrokenProofRefusesABatch(t *testing.T) {
	b := night13(t)
	b.runUntil("2026-02-13", "netting", 0)
	b.intraday("2026-02-14", 4)
	b.runUntil("2026-02-14", "send", waiting)
	b.approve("PO20260214-01")
	harm := "UPDATE day_balances SET closing_fen = closing_fen + %d WHERE accounting_date = 20260212 AND account_id = (SELECT account_id FROM accounts WHERE code = '2002' AND owner = 'A')"
	b.exec(fmt.Sprintf(harm, 1))
	b.run("2026-02-13", int(fault.Books))
	_, err := b.engine.Run(b.ctx, clearing.RunRequest{Date: day("2026-02-14"), Until: "send", Actor: "maker1"})
	b.wantCode("a batch with a row of A", "batch.proof", err)
	if n := b.scalar("SELECT COUNT(*) FROM outbox WHERE subject = 'PO20260214-01'"); n != 0 {
		t.Errorf("%d files are out", n)
	}
	b.exec(fmt.Sprintf(harm, -1))
	b.run("2026-02-13", 0)
	b.runUntil("2026-02-14", "send", 0)
	if n := b.scalar("SELECT COUNT(*) FROM outbox WHERE subject = 'PO20260214-01' AND state = 'WRITTEN'"); n != 1 {
		t.Errorf("%d files are out after the proof holds", n)
	}
}

// TestRollForwardFromTheEntries: R4 takes nothing from what it proves. A fen in a
// closing of a closed day, in an entry, or in a day's movement fails it, and it
// says in which account.
func TestRollForwardFromTheEntries(t *testing.T) {
	const a2002 = "account_id = (SELECT account_id FROM accounts WHERE code = '2002' AND owner = 'A')"
	for _, c := range []struct{ name, table, column, where, account string }{
		{"closing of a closed day", "day_balances", "closing_fen", "accounting_date = 20260212 AND " + a2002, "2002.A"},
		{"closing that the date did not touch", "day_balances", "closing_fen",
			"accounting_date = 20260212 AND account_id = (SELECT account_id FROM accounts WHERE code = '2301')", "2301"},
		{"an entry of the date", "entries", "amount_fen", "accounting_date = 20260213 AND " + a2002 +
			" AND seq = (SELECT MAX(seq) FROM entries WHERE accounting_date = 20260213 AND " + a2002 + ")", "2002.A"},
		{"a movement of the date", "day_balances", "debit_fen", "accounting_date = 20260213 AND " + a2002, "2002.A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := night13(t)
			b.runUntil("2026-02-13", "netting", 0)
			b.exec("UPDATE " + c.table + " SET " + c.column + " = " + c.column + " + 1 WHERE " + c.where)
			b.run("2026-02-13", int(fault.Books))
			view, err := b.engine.Day(b.ctx, day("2026-02-13"))
			if err != nil {
				t.Fatal(err)
			}
			r4 := view.Checks[3]
			named := slices.ContainsFunc(r4.Detail, func(l clearing.CheckLine) bool { return l.Label == c.account && l.Amount > 0 })
			if r4.ID != "R4" || r4.OK || !named {
				t.Errorf("%+v", r4)
			}
			b.exec("UPDATE " + c.table + " SET " + c.column + " = " + c.column + " - 1 WHERE " + c.where)
			b.run("2026-02-13", 0)
		})
	}
}

// scalar reads one number.
func (b *workedBooks) scalar(query string) (n int) {
	b.t.Helper()
	if err := b.raw().Get(&n, query); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return n
}
