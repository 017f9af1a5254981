package corporate_test

import (
	"context"
	"flag"
	"os"
	"slices"
	"testing"

	"custody/clearing/approval"
	"custody/clearing/corporate"
	"custody/clearing/flows"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/subaccounts"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	ctx = context.Background()
	day = bizdate.MustParse("2026-02-12")
)

const account = "6222 0000 0000 9999"

type books struct {
	t    *testing.T
	db   *store.DB
	book *subaccounts.Book
}

// newBooks has a member with a payout and head office with a withdrawal, both
// paid: what a sound custody account looks like.
func newBooks(t *testing.T) *books {
	t.Helper()
	db, err := store.Open(ctx, pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &books{t: t, db: db}
	own := flows.HeadOfficePayout{Serial: "P1", Amount: 39_00, BankFee: 1_00}
	member := flows.Withdrawal{Serial: "P2", Member: "A", Amount: 20_00}
	b.do(func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, 7, "HQ1", "总部存管专户", "6222000000000001"); err != nil {
			return err
		}
		if b.book, err = subaccounts.Open(ctx, tx, "HQ1", [32]byte{1}); err != nil {
			return err
		}
		if err := b.book.AddMember(ctx, tx, "maker", day.At(9, 0), subaccounts.Member{Code: "A", Name: "门店甲", Kind: subaccounts.Franchisee}); err != nil {
			return err
		}
		return b.book.OpenDay(ctx, tx, day)
	})
	b.bind("A", "6222000000000002")
	b.journal(
		func(j flows.Journal) error { return j.OwnFunds().Receive(ctx, "K1", 100_00) },
		func(j flows.Journal) error { return j.OwnFunds().Withdraw(ctx, own, b.approve(j, own)) },
		func(j flows.Journal) error { return j.OwnFunds().Paid(ctx, own) },
		func(j flows.Journal) error { return j.Members().TopUp(ctx, "K2", "A", "门店甲", 50_00) },
		func(j flows.Journal) error { return j.Withdrawals().Apply(ctx, member) },
		func(j flows.Journal) error { return j.Withdrawals().Succeed(ctx, member) },
	)
	b.payout("P2", "6222000000000002", 20_00)
	b.debit("D1", account, 39_00, "E8c:P1")
	b.debit("D2", "6222000000000002", 20_00, "E5b:P2")
	return b
}

func (b *books) do(fn func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.db.Tx(ctx, fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *books) journal(steps ...func(j flows.Journal) error) {
	b.t.Helper()
	for _, fn := range steps {
		b.do(func(tx *store.Tx) error {
			return fn(flows.Journal{Book: b.book, Tx: tx, Date: day, Actor: "tester", At: day.At(10, 0), Source: "test"})
		})
	}
}

func (b *books) approve(j flows.Journal, p flows.HeadOfficePayout) string {
	b.t.Helper()
	err := approval.Submit(ctx, j.Tx, b.book.ID(), j.At, "maker", p.Serial, "E8b", p.Serial, p)
	if err == nil {
		_, err = approval.Decide(ctx, j.Tx, b.book.ID(), j.At, "checker", p.Serial, approval.Approved, "")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return p.Serial
}

func (b *books) bind(member, account string) {
	b.t.Helper()
	b.do(func(tx *store.Tx) error {
		_, err := b.book.Bind(ctx, tx, "maker", day.At(9, 0), subaccounts.Binding{Member: member, AccountNo: account, AccountName: "门店甲"})
		return err
	})
}

func (b *books) payout(serial, account string, fen int64) {
	b.t.Helper()
	b.do(func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO payouts (custody_id, serial, batch_no, seq, member, account_no, account_name, cnaps, route, amount_fen, fee_fen, state)
			VALUES (?, ?, 'PO1', 1, 'A', ?, '门店甲', '', 'BEPS', ?, 0, 'SUCCESS')`, b.book.ID(), serial, account, fen)
		return err
	})
}

func (b *books) debit(ref, account string, fen int64, matched string) {
	b.t.Helper()
	b.do(func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO bank_lines (custody_id, line_id, bank_ref, booking_date, value_date, amount_fen, reversal, end_to_end_id,
			counterparty_name, counterparty_account, remark, matched_to)
			SELECT ?, COALESCE(MAX(line_id), 0) + 1, ?, ?, ?, ?, 0, '', '', ?, '', ? FROM bank_lines WHERE custody_id = ?`,
			b.book.ID(), ref, day, day, -fen, account, matched, b.book.ID())
		return err
	})
}

func (b *books) post(event, reference string, legs ...subaccounts.Leg) {
	b.t.Helper()
	b.journal(func(j flows.Journal) error { return j.Post(ctx, event, reference, legs...) })
}

func (b *books) check() *corporate.Report {
	b.t.Helper()
	var report *corporate.Report
	b.do(func(tx *store.Tx) (err error) {
		report, err = corporate.Check(ctx, tx, b.book, account, day, day)
		return err
	})
	return report
}

// TestFindings: sound books pass, and each way in which members' money could
// reach head office is found by itself.
func TestFindings(t *testing.T) {
	key := func(s string) subaccounts.Key {
		k, err := subaccounts.ParseKey(s)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for _, c := range []struct {
		name string
		do   func(b *books)
		want []string
	}{
		{"sound books", func(*books) {}, nil},
		{"a payout that names it", func(b *books) { b.payout("P3", "62220000-00009999", 1_00) }, []string{"corporate.payout P3"}},
		{"a member bound to it", func(b *books) { b.bind("A", "6222000000009999") }, []string{"corporate.binding A"}},
		{"one that was bound to it", func(b *books) { b.bind("A", "6222000000009999"); b.bind("A", "6222000000000003") }, []string{"corporate.binding A"}},
		{"a debit by hand", func(b *books) { b.debit("D3", "6222000000009999", 5_00, "") }, []string{"corporate.debit D3"}},
		{"a member's payout that the bank sent there", func(b *books) { b.debit("D3", account, 20_00, "E5b:P2") }, []string{"corporate.debit D3"}},
		{"one withdrawal paid twice", func(b *books) { b.debit("D3", account, 39_00, "E8c:P1") }, []string{"corporate.debit D3"}},
		{"more than was withdrawn", func(b *books) { b.debit("D3", account, 39_01, "E8c:P1") }, []string{"corporate.debit D3"}},
		{"a withdrawal that nobody booked", func(b *books) { b.debit("D3", account, 1_00, "E8c:P9") }, []string{"corporate.debit D3"}},
		{"a withdrawal of members' money", func(b *books) {
			b.post("E8b", "P9", subaccounts.Debit(key("2001.A"), 10_00), subaccounts.Credit(key("2201.HQ.P9"), 10_00))
		}, []string{"corporate.source 2026-02-12/7 2001.A"}},
		{"money out by another event", func(b *books) {
			b.post("E99", "X", subaccounts.Debit(key("2001.A"), 10_00), subaccounts.Credit(key("1001"), 10_00))
		}, []string{"corporate.event E99 7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBooks(t)
			c.do(b)
			report := b.check()
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Kind+" "+f.Subject)
			}
			if !slices.Equal(got, c.want) || report.OK() != (c.want == nil) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNothingToLookFor: without an account the check refuses to pass.
func TestNothingToLookFor(t *testing.T) {
	b := newBooks(t)
	b.do(func(tx *store.Tx) error {
		if _, err := corporate.Check(ctx, tx, b.book, " - ", day, day); fault.CodeOf(err) != "corporate.account" {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// TestText: the report as people read it, sound and not.
func TestText(t *testing.T) {
	sound := newBooks(t)
	unsound := newBooks(t)
	unsound.payout("P3", account, 1_234_56)
	unsound.debit("D3", account, 5_00, "")
	var got string
	for _, l := range []lang.Lang{lang.ZH, lang.EN} {
		got += sound.check().Text(l) + "\n" + unsound.check().Text(l) + "\n"
	}
	const name = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
