package clearing_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"custody/clearing"
	"custody/clearing/matches"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// day12 is the first worked day, closed and sealed.
func day12(t *testing.T) *workedBooks {
	b := newWorkedBooks(t)
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	b.run("2026-02-12", 0)
	return b
}

// matchOf finds the match that holds a line of the bank.
func (b *workedBooks) matchOf(date bizdate.Date, side matches.Side, line string) matches.Match {
	b.t.Helper()
	list, err := b.engine.MatchList(b.ctx, date, side)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range list.Matches {
		if m.State == matches.Confirmed && slices.ContainsFunc(m.Lines, func(l matches.Line) bool { return l.Key == line }) {
			return m
		}
	}
	b.t.Fatalf("%s is in no match of %+v", line, list)
	return matches.Match{}
}

func (b *workedBooks) wantCode(what, code string, err error) {
	b.t.Helper()
	if got := fault.CodeOf(err); got != code {
		b.t.Errorf("%s: %q, want %q (%v)", what, got, code, err)
	}
}

// TestMatchesOfANight: every line of the statement is in a match that says why.
func TestMatchesOfANight(t *testing.T) {
	b := newWorkedBooks(t)
	b.playWorkedDays()
	for _, c := range []struct{ date, line, side, rule, evidence string }{
		{"2026-02-12", "K1202", "BOOK", "bank-ref", "bank_ref+own_ref+amount+booked"},
		{"2026-02-13", "K1301", "BOOK", "bank-ref", "bank_ref+own_ref+amount+booked"},
		{"2026-02-13", "K1301", "CHANNEL", "arrival-remark-date", "batch+counterparty+amount"},
		{"2026-02-13", "20260213010002", "RESULT", "serial", "instruction+batch+amount"},
		{"2026-02-14", "K1401", "BOOK", "instruction", "instruction+own_ref+amount"},
		{"2026-02-15", "K1405", "BOOK", "reversal", "instruction+amount"},
	} {
		m := b.matchOf(day(c.date), matches.Side(c.side), c.line)
		if m.Rule != c.rule || m.Evidence != c.evidence || m.Version != 1 || m.Alternatives != 1 {
			t.Errorf("%s %s: %+v", c.side, c.line, m)
		}
	}
	var lines, matched int
	b.read(func(tx *store.Tx) error {
		if err := tx.Get(b.ctx, &lines, "SELECT COUNT(*) FROM bank_lines"); err != nil {
			return err
		}
		return tx.Get(b.ctx, &matched, "SELECT COUNT(*) FROM match_lines WHERE side = 'BOOK' AND part = 'THEIRS' AND live = 1")
	})
	if lines != 19 || matched != lines {
		t.Errorf("%d of %d lines of the bank are matched", matched, lines)
	}
	list, err := b.engine.MatchList(b.ctx, day("2026-02-13"), "")
	if err != nil || len(list.Trades) != 4 || list.Trades[0].Rule != "order-no" || list.Trades[0].Version != 1 {
		t.Errorf("%+v %v", list.Trades, err)
	}
}

// TestUndoAMatchOfBankAndBooks: what a person takes back is listed on both sides
// from the day that collects, ties all the same, and no rule matches it again;
// by hand it may be, to the fen alone.
func TestUndoAMatchOfBankAndBooks(t *testing.T) {
	b := day12(t)
	m := b.matchOf(day("2026-02-12"), matches.Book, "K1202")
	_, err := b.engine.UndoMatch(b.ctx, "maker1", m.ID, "")
	b.wantCode("without a reason", "match.reason", err)
	_, err = b.engine.UndoMatch(b.ctx, "checker1", m.ID, "x")
	b.wantCode("by a checker", "people.denied", err)
	if _, err = b.engine.UndoMatch(b.ctx, "maker1", m.ID, "not K1202's voucher"); err != nil {
		t.Fatal(err)
	}
	_, err = b.engine.UndoMatch(b.ctx, "maker1", m.ID, "again")
	b.wantCode("twice", "match.undone", err)

	b.tie("2026-02-12", 0, 0)
	b.intraday("2026-02-13", 1)
	b.run("2026-02-13", waiting)
	b.approve("PO20260213-01")
	b.run("2026-02-13", waiting)
	b.result("PO20260213-01", "2026-02-13")
	b.statement("2026-02-13")
	b.orders("2026-02-13")
	b.bills("2026-02-13")
	b.run("2026-02-13", 0)
	b.tie("2026-02-13", 1, 1) // held: the voucher of K1202, and its line

	_, err = b.engine.MatchByHand(b.ctx, "maker1", clearing.ByHand{Side: matches.Book, Ours: []string{"E9b:20260212.K1202"}, Theirs: []string{"K1201"}})
	b.wantCode("a line that is matched", "match.open", err)
	_, err = b.engine.MatchByHand(b.ctx, "maker1", clearing.ByHand{Side: matches.Book, Ours: []string{"E5b:20260213010004"}, Theirs: []string{"K1202"}})
	b.wantCode("another amount", "match.amount", err)
	if _, err = b.engine.MatchByHand(b.ctx, "maker1", clearing.ByHand{Side: matches.Book, Ours: []string{"E9b:20260212.K1202"}, Theirs: []string{"K1202"}}); err != nil {
		t.Fatal(err)
	}
	v, err := b.engine.MatchView(b.ctx, m.ID)
	if err != nil || v.State != matches.Superseded || v.UndoneBy != "maker1" {
		t.Errorf("history: %+v %v", v, err)
	}
}

// tie checks that a date's tie-out holds with so many lines on the books' side
// that the bank has not, and on the bank's that the books have not, being held.
func (b *workedBooks) tie(date string, ours, theirs int) {
	b.t.Helper()
	b.read(func(tx *store.Tx) error {
		t, err := b.engine.TieOut(b.ctx, tx, day(date))
		if err != nil {
			return err
		}
		held := [2]int{}
		for i, list := range [][]clearing.TieItem{append(t.ReceivedNotByBank, t.PaidNotByBank...), append(t.BankReceivedOnly, t.BankPaidOnly...)} {
			for _, it := range list {
				if it.Held {
					held[i]++
				}
			}
		}
		if t.Unexplained != 0 || held != [2]int{ours, theirs} {
			b.t.Errorf("%s: unexplained %s, held %v", date, t.Unexplained, held)
		}
		return nil
	})
}

// TestUndoTheMatchOfAnOrder: two people, the split in red, both sides open again
// as exceptions, and 1122 still what the bill says; then it is matched anew.
func TestUndoTheMatchOfAnOrder(t *testing.T) {
	b := day12(t)
	_, err := b.engine.UndoMatch(b.ctx, "maker1", "T:nothing", "x")
	b.wantCode("unknown", "match.unknown", err)
	_, err = b.engine.UndoMatch(b.ctx, "maker1", "T:L2", "x")
	b.wantCode("refunded", "match.refunded", err)
	u, err := b.engine.UndoMatch(b.ctx, "maker1", "T:W2", "another customer's payment")
	if err != nil || u.ApprovalID == "" {
		t.Fatal(u, err)
	}
	_, err = b.engine.Approve(b.ctx, "maker1", u.ApprovalID)
	if err == nil {
		t.Error("one person took it back alone")
	}
	b.approve(u.ApprovalID)
	b.want(map[string]string{"2402.W2": "200.00", "1402.W2": "200.00", "2102": "300.00", "1122.WX.20260212": "1300.00"})
	if n := b.scalar("SELECT COUNT(*) FROM undone_trades WHERE undone_by = 'checker1'"); n != 1 {
		t.Errorf("%d rows of history", n)
	}
	v, err := b.engine.MatchView(b.ctx, "T:W2")
	if err != nil || v.State != matches.Superseded || len(v.Undone) != 1 {
		t.Errorf("%+v %v", v, err)
	}
	list, err := b.engine.Exceptions(b.ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == "PLATFORM_MISS" && e.Subject == "W2" {
			p, err := b.engine.Propose(b.ctx, "maker1", e.ID, clearing.Handling{Template: "adopt", Member: "B"})
			if err != nil {
				t.Fatal(err)
			}
			b.approve(p.ApprovalID)
		}
	}
	b.want(map[string]string{"2402.W2": "0.00", "1402.W2": "0.00", "1122.WX.20260212": "1300.00"})
	if v, err := b.engine.MatchView(b.ctx, "T:W2"); err != nil || v.State != matches.Confirmed {
		t.Errorf("matched anew: %+v %v", v, err)
	}
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report.Problems)
	}
}

// TestWhatWasReleasedIsNotTakenBack: the members have the money already.
func TestWhatWasReleasedIsNotTakenBack(t *testing.T) {
	b := day12(t)
	b.intraday("2026-02-13", 1)
	b.runUntil("2026-02-13", "release", 0)
	u, err := b.engine.UndoMatch(b.ctx, "maker1", "T:W1", "wrong")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.engine.Approve(b.ctx, "checker1", u.ApprovalID)
	b.wantCode("released", "match.released", err)
}

// TestSignOffAndReopen: preparer and reviewer are two people and no cashier;
// then the matches stand, until two people reopen the day; its next version is
// closed and sealed anew, and the first one is kept.
func TestSignOffAndReopen(t *testing.T) {
	b := day12(t)
	date := day("2026-02-12")
	for _, u := range []people.User{{Name: "boss", Roles: "maker checker"}, {Name: "till", Roles: "maker cashier"}} {
		id, err := b.engine.AddUser(b.ctx, "maker1", u)
		if err != nil {
			t.Fatal(err)
		}
		b.approve(id)
	}
	_, err := b.engine.SignOff(b.ctx, "maker1", day("2026-02-13"))
	b.wantCode("a day that is not closed", "signoff.day", err)
	_, err = b.engine.SignOff(b.ctx, "till", date)
	b.wantCode("a cashier", "signoff.cashier", err)
	first, err := b.engine.SignOff(b.ctx, "boss", date)
	if err != nil || first.Role != clearing.Preparer || first.Version != 1 {
		t.Fatal(first, err)
	}
	_, err = b.engine.SignOff(b.ctx, "boss", date)
	b.wantCode("the same person", "signoff.same", err)
	if second, err := b.engine.SignOff(b.ctx, "checker1", date); err != nil || second.Role != clearing.Reviewer || second.Hash != first.Hash {
		t.Fatal(second, err)
	}
	_, err = b.engine.SignOff(b.ctx, "checker1", date)
	b.wantCode("a third", "signoff.done", err)

	m := b.matchOf(date, matches.Book, "K1202")
	_, err = b.engine.UndoMatch(b.ctx, "maker1", m.ID, "wrong")
	b.wantCode("signed", "match.signed", err)
	_, _, err = b.engine.Reopen(b.ctx, "maker1", date, "")
	b.wantCode("without a reason", "reopen.reason", err)
	id, r, err := b.engine.Reopen(b.ctx, "maker1", date, "K1202 is another's")
	if err != nil || !slices.Contains(r.Falls, "signoff 2026-02-12") || !slices.Contains(r.Falls, "step seal") {
		t.Fatalf("%v %v", r, err)
	}
	before, err := b.engine.Day(b.ctx, date)
	if err != nil {
		t.Fatal(err)
	}
	b.approve(id)
	if v, err := b.engine.Day(b.ctx, date); err != nil || v.State != string(clearing.DayReopened) {
		t.Fatalf("%+v %v", v, err)
	}
	if _, err := b.engine.UndoMatch(b.ctx, "maker1", m.ID, "wrong"); err != nil {
		t.Fatal(err)
	}
	after := b.run("2026-02-12", 0)
	if after.State != string(clearing.DaySealed) || after.ResultHash == before.ResultHash || after.ResultHash == "" {
		t.Errorf("%s %s", after.State, after.ResultHash)
	}
	b.tie("2026-02-12", 1, 1)
	// What was signed and told the first time is still there.
	for _, name := range []string{"seals/2026-02-12.json", "seals/2026-02-12.v1.json", "outbox/events-20260212.jsonl", "outbox/events-20260212.2.jsonl"} {
		if _, err := os.Stat(filepath.Join(b.home, name)); err != nil {
			t.Error(err)
		}
	}
	signed, err := b.engine.Signoffs(b.ctx, date)
	if err != nil || len(signed) != 2 || signed[0].Fallen != 1 {
		t.Errorf("%+v %v", signed, err)
	}
	if s, err := b.engine.SignOff(b.ctx, "maker1", date); err != nil || s.Version != 2 {
		t.Errorf("%+v %v", s, err)
	}
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report.Problems)
	}
}
