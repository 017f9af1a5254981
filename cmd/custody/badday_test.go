package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/clearing"
	"custody/clearing/calendar"
	"custody/clearing/exceptions"
	"custody/clearing/flows"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// found is one difference of the bad day as the night found it, and what two
// people do about it; where nobody does anything a later file clears it.
type found struct {
	kind     exceptions.Kind
	breaks   exceptions.BreakType
	subject  string
	amount   money.Amount
	handling clearing.Handling
}

// badDay is Tuesday 2026-01-06 of seed 7 with 600 orders and 8 members.
var badDay = []found{
	{exceptions.Payee, exceptions.ReturnedBreak, "20260106010006", 11113_21, clearing.Handling{Template: "note", Note: "account corrected"}},
	{exceptions.UnknownPayer, exceptions.UnknownPayerItem, "K202601060000003", 900_00, clearing.Handling{Template: "claim", Member: "F002"}},
	{exceptions.OffSystem, exceptions.BankPaidOnly, "K202601060000004", 88_00, clearing.Handling{Template: "own-funds"}},
	{exceptions.Direction, exceptions.ReturnedBreak, "20260106WX000000051", 217_66, clearing.Handling{Template: "void"}},
	{exceptions.Direction, exceptions.ReturnedBreak, "20260106WX000000051R1", 217_66, clearing.Handling{Template: "write-off"}},
	{exceptions.PlatformMiss, exceptions.BankReceivedOnly, "20260106WX000000183", 86_23, clearing.Handling{Template: "adopt", Member: "F003"}},
	{exceptions.Fee, exceptions.UnbookedFee, "20260106WX000000245", 50, clearing.Handling{Template: "fee"}},
	{exceptions.LatePaid, exceptions.BankReceivedOnly, "20260106WX000000294", 225_30, clearing.Handling{Template: "send-back"}},
	{exceptions.AmountDiffer, exceptions.AmountBreak, "20260106WX000000462", 52_56, clearing.Handling{Template: "correct"}},
	{exceptions.RefundMiss, exceptions.BookPaidOnly, "20260106WX000000187R1", 25_00, clearing.Handling{}},
	{exceptions.Duplicate, exceptions.DuplicateAtBank, "20260106WX000000048#20260106.1", 50_00, clearing.Handling{Template: "send-back"}},
	{exceptions.Date, exceptions.DateBreak, "20260106WX000000594", 57_00, clearing.Handling{}},
	{exceptions.BankMiss, exceptions.BookReceivedOnly, "20260106ALI000000505", 287_95, clearing.Handling{Template: "void"}},
	{exceptions.AmountDiffer, exceptions.RoundingBreak, "20260106ALI000000537", 57_90, clearing.Handling{Template: "correct"}},
	{exceptions.Duplicate, exceptions.DuplicateInBook, "20260106ALI900000538", 225_47, clearing.Handling{Template: "void"}},
	{exceptions.Fee, exceptions.RoundingBreak, "20260106ALI000000582", 1, clearing.Handling{Template: "fee"}},
	{exceptions.RefundMiss, exceptions.BankPaidOnly, "20260106ALI000000006R1", 10_00, clearing.Handling{Template: "write-off"}},
	{exceptions.DupPaid, exceptions.DuplicateAtBank, "20260106WX000000003", 59_61, clearing.Handling{Template: "send-back"}},
	{exceptions.Status, exceptions.BankPaidOnly, "20260106010003", 7670_31, clearing.Handling{}},
	{exceptions.Duplicate, exceptions.DuplicateAtBank, "K202601065000002", 9906_35, clearing.Handling{}},
	{exceptions.WrongAccount, exceptions.WrongSubAccount, "sub:F001>F002", 10_00, clearing.Handling{Template: "bank-corrects", Note: "the bank's list"}},
	{exceptions.Balance, exceptions.MasterBreak, "sub:F003", 5_00, clearing.Handling{Template: "bank-corrects", Note: "the bank's list"}},
}

// TestBadDay plays a day on which everything goes wrong once. Each difference is
// found with its kind, its type and its amount, has an owner and a due date and
// stands in the ageing table; the day closes only when what keeps it open has been
// decided by two people; and two days later nothing is left, to the fen.
func TestBadDay(t *testing.T) {
	h := newBadDay(t)
	monday, tuesday := bizdate.New(2026, 1, 5), bizdate.New(2026, 1, 6)
	h.mustPlay(monday)
	view, err := playDay(h.ctx, h.engine, tuesday)
	if fault.CodeOf(err) != "day.check" || view.State == "CLOSED" {
		t.Fatalf("a day whose list of sub-accounts differs: %+v, %v", view, err)
	}
	h.wantFound(tuesday)
	h.wantAgeing(tuesday)

	h.fund("100.00", "500.00")
	h.handleAll()
	h.mustPlay(tuesday)
	if c := h.check(tuesday, "R8"); c.State != "waived" || len(c.Detail) != 3 {
		t.Errorf("what two people decided about the list is not told as that: %+v", c)
	}
	h.mustPlay(tuesday.AddDays(1))
	if c := h.check(tuesday.AddDays(1), "R8"); c.State != "passed" {
		t.Errorf("the bank has learnt of every decision: %+v", c)
	}
	h.handle("20260106010004", clearing.Handling{Template: "credit-return"})
	h.mustPlay(tuesday.AddDays(2))
	h.mustPlay(tuesday.AddDays(3))
	h.wantNothing(tuesday.AddDays(3))
}

// TestAdjustToTheBank: where two people find the bank's list right, the money moves
// between the two members (调账), once, and the bank is not told to move it too.
func TestAdjustToTheBank(t *testing.T) {
	h := newBadDay(t)
	h.mustPlay(bizdate.New(2026, 1, 5))
	if _, err := playDay(h.ctx, h.engine, bizdate.New(2026, 1, 6)); fault.CodeOf(err) != "day.check" {
		t.Fatal(err)
	}
	balance := func(member string) money.Amount {
		view, err := h.engine.Balances(h.ctx, member, 0)
		if err != nil || len(view.Accounts) != 1 {
			t.Fatal(member, view, err)
		}
		return view.Accounts[0].Balance
	}
	told := func() []string {
		files, err := filepath.Glob(filepath.Join(h.engine.Home, "outbox", "SI*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	list := h.open()
	wrong := list[slices.IndexFunc(list, func(x exceptions.Exception) bool { return x.Subject == "sub:F001>F002" })]
	p, err := h.engine.Propose(h.ctx, simulatedMaker, wrong.ID, clearing.Handling{Template: "adjust"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.engine.Approve(h.ctx, simulatedChecker, p.ApprovalID); fault.CodeOf(err) != "ledger.overdrawn" {
		t.Fatalf("F001 has been paid out and has nothing to give: %v", err)
	}
	h.handle("K202601060000003", clearing.Handling{Template: "claim", Member: "F001"})
	from, to, files := balance("F001"), balance("F002"), told()
	if _, err := h.engine.Approve(h.ctx, simulatedChecker, p.ApprovalID); err != nil {
		t.Fatal(err)
	}
	if got := [2]money.Amount{balance("F001") - from, balance("F002") - to}; got != [2]money.Amount{-10_00, 10_00} {
		t.Errorf("the members moved by %s and %s", got[0], got[1])
	}
	if now := told(); !slices.Equal(now, files) {
		t.Errorf("the bank was told of what it has already: %v, before %v", now, files)
	}
	if _, err := h.engine.Approve(h.ctx, simulatedChecker, p.ApprovalID); fault.CodeOf(err) != "approval.decided" {
		t.Errorf("approved twice: %v", err)
	}
	report, err := h.engine.Verify(h.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("verify: %+v %v", report, err)
	}
}

type badDayHome struct {
	*testing.T
	ctx    context.Context
	engine *clearing.Engine
}

func newBadDay(t *testing.T) *badDayHome {
	t.Helper()
	cal, err := calendar.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir, ctx := t.TempDir(), context.Background()
	err = simbank.Generate(simbank.Params{Dir: dir, From: bizdate.New(2026, 1, 5), Days: 5, Seed: 7, Orders: 600, Members: 8,
		Faults: []string{simbank.BadDay}, Working: cal.IsWorkingDay})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := clearing.Init(ctx, clearing.OpenOptions{Home: dir, Clock: clock.Fixed(bizdate.New(2026, 1, 5).At(10, 0)), Random: clock.Rand()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return &badDayHome{t, ctx, e}
}

func (h *badDayHome) mustPlay(date bizdate.Date) {
	h.Helper()
	view, err := playDay(h.ctx, h.engine, date)
	if err != nil {
		h.Fatalf("%s: %v\n%+v", date, err, view.Checks)
	}
	for _, c := range view.Checks {
		if !c.OK {
			h.Errorf("%s: %+v", date, c)
		}
	}
	h.Run(date.String(), func(t *testing.T) {
		err := h.engine.DB.Read(h.ctx, func(tx *store.Tx) error {
			tie, err := h.engine.TieOut(h.ctx, tx, date)
			if err == nil && (tie.Unexplained != 0 || tie.Difference != 0) {
				t.Errorf("bank and book: %s, total and sub-accounts: %s", tie.Unexplained, tie.Difference)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func (h *badDayHome) check(date bizdate.Date, id string) clearing.CheckView {
	h.Helper()
	view, err := h.engine.Day(h.ctx, date)
	if err != nil {
		h.Fatal(err)
	}
	i := slices.IndexFunc(view.Checks, func(c clearing.CheckView) bool { return c.ID == id })
	if i < 0 {
		h.Fatalf("%s has no %s", date, id)
	}
	return view.Checks[i]
}

// open lists what nobody has closed.
func (h *badDayHome) open() []exceptions.Exception {
	h.Helper()
	list, err := h.engine.Exceptions(h.ctx, 0)
	if err != nil {
		h.Fatal(err)
	}
	return slices.DeleteFunc(list, func(x exceptions.Exception) bool { return x.ClosedDate != nil })
}

func (h *badDayHome) wantFound(date bizdate.Date) {
	h.Helper()
	type row struct {
		Kind    exceptions.Kind
		Break   exceptions.BreakType
		Subject string
		Amount  money.Amount
	}
	var got, want []row
	for _, x := range h.open() {
		got = append(got, row{x.Kind, exceptions.BreakOf(x).Type, x.Subject, x.Amount})
		if x.Owner != "maker" || x.DueDate != bizdate.New(2026, 1, 9) || x.OpenedDate != date {
			h.Errorf("%s: owner %q, due %s, opened %s", x.ID, x.Owner, x.DueDate, x.OpenedDate)
		}
	}
	for _, f := range badDay {
		want = append(want, row{f.kind, f.breaks, f.subject, f.amount})
	}
	byKind := func(a, b row) int { return strings.Compare(string(a.Kind)+a.Subject, string(b.Kind)+b.Subject) }
	slices.SortFunc(got, byKind)
	slices.SortFunc(want, byKind)
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("the differences (-want +got):\n%s", diff)
	}
}

// wantAgeing: every break type of the table has an item, a late debit among them,
// which is no exception but stands on the tie-out (企业已付、银行未付).
func (h *badDayHome) wantAgeing(date bizdate.Date) {
	h.Helper()
	breaks, err := h.engine.Breaks(h.ctx, date)
	if err != nil {
		h.Fatal(err)
	}
	if len(breaks) != len(badDay)+1 {
		h.Errorf("%d breaks, want the %d exceptions and one payout not debited", len(breaks), len(badDay))
	}
	rows, err := exceptions.Ageing(breaks, date)
	if err != nil {
		h.Fatal(err)
	}
	if len(rows) != len(exceptions.BreakTypes()) {
		h.Errorf("%d of %d break types", len(rows), len(exceptions.BreakTypes()))
	}
}

// fund puts head office's own money where it bears refunds and shortages.
func (h *badDayHome) fund(marketing, reserve string) {
	h.Helper()
	m, _ := money.ParseYuan(marketing)
	r, _ := money.ParseYuan(reserve)
	_, err := h.engine.Act(h.ctx, simulatedMaker, clearing.Action{Event: "E0b", Request: flows.Allocation{Reference: "BAD1", Reserve: r, Marketing: m}})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *badDayHome) handleAll() {
	h.Helper()
	for _, f := range badDay {
		if f.handling.Template != "" {
			h.handle(f.subject, f.handling)
		}
	}
}

func (h *badDayHome) handle(subject string, how clearing.Handling) {
	h.Helper()
	for _, x := range h.open() {
		if x.Subject != subject {
			continue
		}
		p, err := h.engine.Propose(h.ctx, simulatedMaker, x.ID, how)
		if err != nil {
			h.Fatalf("%s %s: %v", x.Kind, subject, err)
		}
		if _, err := h.engine.Approve(h.ctx, simulatedMaker, p.ApprovalID); err == nil {
			h.Errorf("%s: the maker approved it", x.ID)
		}
		if _, err := h.engine.Approve(h.ctx, simulatedChecker, p.ApprovalID); err != nil {
			h.Fatalf("%s %s: %v", x.Kind, subject, err)
		}
		return
	}
	h.Fatalf("nothing is open about %s: %+v", subject, h.open())
}

func (h *badDayHome) wantNothing(date bizdate.Date) {
	h.Helper()
	if left := h.open(); len(left) > 0 {
		h.Errorf("still open: %+v", left)
	}
	breaks, err := h.engine.Breaks(h.ctx, date)
	if err != nil || len(breaks) > 0 {
		h.Errorf("breaks: %+v %v", breaks, err)
	}
	report, err := h.engine.Verify(h.ctx, nil)
	if err != nil || !report.OK {
		h.Errorf("%+v %v", report, err)
	}
}
