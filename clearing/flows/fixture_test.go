package flows_test

import (
	"context"
	"fmt"
	"testing"

	"custody/clearing/approval"
	"custody/clearing/flows"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/subaccounts"
)

var (
	ctx = context.Background()
	day = bizdate.MustParse("2026-02-12")
	// Clearing dates: what arrived net, what arrived in full, what is on its way.
	first, second, third = day, day.AddDays(-1), day.AddDays(1)

	rule     = split.Rule{ID: "S1", Version: 1, HeadOfficePPM: 50_000, PartnerPPM: 20_000}
	ruleHQ   = split.Rule{ID: "S2", Version: 1, HeadOfficePPM: 50_000, PartnerPPM: 20_000, FeeBearer: split.HeadOffice}
	ruleSolo = split.Rule{ID: "S3", Version: 1, HeadOfficePPM: 50_000}
)

// books is an open book with members A, B, C, S and U.
type books struct {
	t         testing.TB
	db        *store.DB
	book      *subaccounts.Book
	approvals int
}

func newBooks(t testing.TB) *books {
	t.Helper()
	db, err := store.Open(ctx, pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &books{t: t, db: db}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, 7, "HQ1", "总部存管专户", "6222000000000001"); err != nil {
			return err
		}
		if b.book, err = subaccounts.Open(ctx, tx, "HQ1", [32]byte{1}); err != nil {
			return err
		}
		for _, code := range []string{"A", "B", "C", "S", "U"} {
			err := b.book.AddMember(ctx, tx, "maker", day.At(9, 0), subaccounts.Member{Code: code, Name: "门店" + code, Kind: subaccounts.Franchisee})
			if err != nil {
				return err
			}
		}
		return b.book.OpenDay(ctx, tx, day)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.book.Guard(db)
	return b
}

// do runs fn on a journal of the day in one transaction.
func (b *books) do(fn func(j flows.Journal) error) error {
	return b.db.Tx(ctx, func(tx *store.Tx) error {
		return fn(flows.Journal{Book: b.book, Tx: tx, Date: day, Actor: "tester", At: day.At(10, 30), Source: "test"})
	})
}

// must is do where nothing may go wrong.
func (b *books) must(steps ...func(j flows.Journal) error) {
	b.t.Helper()
	for i, fn := range steps {
		if err := b.do(fn); err != nil {
			b.t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

// wants runs fn and wants it refused with the code, nothing changed.
func (b *books) wants(code string, fn func(j flows.Journal) error) {
	b.t.Helper()
	before := len(b.vouchers())
	if err := b.do(fn); fault.CodeOf(err) != code {
		b.t.Errorf("got %v, want %s", err, code)
	}
	if after := len(b.vouchers()); after != before {
		b.t.Errorf("%s: %d vouchers were posted", code, after-before)
	}
}

// decide has two people approve a request.
func (b *books) decide(j flows.Journal, kind string, request any) (id string) {
	b.t.Helper()
	b.approvals++
	id = fmt.Sprintf("A%d", b.approvals)
	at := day.At(10, 0)
	err := approval.Submit(ctx, j.Tx, b.book.ID(), at, "maker", id, kind, kind, request)
	if err == nil {
		_, err = approval.Decide(ctx, j.Tx, b.book.ID(), at, "checker", id, approval.Approved, "")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// vouchers returns all vouchers of the day.
func (b *books) vouchers() (list []subaccounts.Voucher) {
	b.t.Helper()
	b.read(func(tx *store.Tx) error {
		list = nil
		return b.book.Vouchers(ctx, tx, day, func(v *subaccounts.Voucher) error {
			list = append(list, *v)
			return nil
		})
	})
	return list
}

func (b *books) read(fn func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.db.Read(ctx, fn); err != nil {
		b.t.Fatal(err)
	}
}

// balances returns every account on its own side: negative where it crossed zero.
func (b *books) balances() map[string]money.Amount {
	b.t.Helper()
	out := map[string]money.Amount{}
	b.read(func(tx *store.Tx) error {
		list, err := b.book.Balances(ctx, tx, subaccounts.Filter{})
		for _, a := range list {
			def, _ := subaccounts.Chart(a.Code)
			out[subaccounts.Key{Code: a.Code, Owner: a.Owner}.String()] = a.Balance * money.Amount(def.Side)
		}
		return err
	})
	return out
}

// balance returns what stands on one key, on its own side.
func (b *books) balance(key string) (a money.Amount) {
	b.t.Helper()
	k, err := subaccounts.ParseKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.read(func(tx *store.Tx) (err error) {
		a, err = b.book.Balance(ctx, tx, k)
		return err
	})
	def, _ := subaccounts.Chart(k.Code)
	return a * money.Amount(def.Side)
}
