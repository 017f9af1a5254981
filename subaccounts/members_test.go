package subaccounts_test

import (
	"testing"

	"custody/internal/audit"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// TestMembersRefused: what may not happen to members, bindings and days, by name.
func TestMembersRefused(t *testing.T) {
	l := newLedger(t)
	l.must(voucher(day1, "E9a k1 dr 1001 1.00 cr 2001.A 1.00"))
	b := l.book
	for _, c := range []struct {
		name, code string
		act        func(tx *store.Tx) error
	}{
		{"member twice", "ledger.member_exists", func(tx *store.Tx) error {
			return b.AddMember(ctx, tx, "maker", at, subaccounts.Member{Code: "A", Name: "x", Kind: subaccounts.Partner})
		}},
		{"kind", "ledger.member_kind", func(tx *store.Tx) error {
			return b.AddMember(ctx, tx, "maker", at, subaccounts.Member{Code: "N", Name: "x", Kind: "SHOP"})
		}},
		{"no name", "ledger.text", func(tx *store.Tx) error {
			return b.AddMember(ctx, tx, "maker", at, subaccounts.Member{Code: "N", Kind: subaccounts.Partner})
		}},
		{"unknown member", "ledger.member_unknown", func(tx *store.Tx) error {
			return b.UpdateMember(ctx, tx, "maker", at, "N", subaccounts.StatusStopped)
		}},
		{"unknown status", "ledger.member_status", func(tx *store.Tx) error { return b.UpdateMember(ctx, tx, "maker", at, "A", "ASLEEP") }},
		{"closing with money", "ledger.member_balance", func(tx *store.Tx) error {
			return b.UpdateMember(ctx, tx, "maker", at, "A", subaccounts.StatusClosed)
		}},
		{"region of nobody", "ledger.member_unknown", func(tx *store.Tx) error { return b.SetRegion(ctx, tx, "maker", at, "N", "A") }},
		{"below nobody", "ledger.member_unknown", func(tx *store.Tx) error { return b.SetRegion(ctx, tx, "maker", at, "A", "N") }},
		{"below a franchisee", "ledger.region", func(tx *store.Tx) error { return b.SetRegion(ctx, tx, "maker", at, "A", "B") }},
		{"below itself", "ledger.region", func(tx *store.Tx) error { return b.SetRegion(ctx, tx, "maker", at, "A", "A") }},
		{"binding of nobody", "ledger.member_unknown", func(tx *store.Tx) error {
			_, err := b.Bind(ctx, tx, "maker", at, subaccounts.Binding{Member: "N", AccountNo: "1", AccountName: "x"})
			return err
		}},
		{"nothing bound", "ledger.binding_unknown", func(tx *store.Tx) error { return b.VerifyBinding(ctx, tx, "checker", at, "A") }},
		{"custody twice", "ledger.custody_exists", func(tx *store.Tx) error { return subaccounts.Create(ctx, tx, 8, "HQ1", "x", "1") }},
		{"unknown custody", "ledger.custody_unknown", func(tx *store.Tx) error {
			_, err := subaccounts.Open(ctx, tx, "HQ2", salt)
			return err
		}},
		{"closing an unknown day", "ledger.day_unknown", func(tx *store.Tx) error { return b.CloseDay(ctx, tx, day0) }},
		{"closing over an open day", "ledger.day_earlier_open", func(tx *store.Tx) error { return b.CloseDay(ctx, tx, day2) }},
		{"reopening below a closed day", "ledger.day_later_closed", func(tx *store.Tx) error {
			return firstError(b.CloseDay(ctx, tx, day1), b.CloseDay(ctx, tx, day2), b.ReopenDay(ctx, tx, day1))
		}},
		{"opening below a closed day", "ledger.day_closed", func(tx *store.Tx) error {
			return firstError(b.CloseDay(ctx, tx, day1), b.OpenDay(ctx, tx, day0))
		}},
		{"reversing nothing", "ledger.voucher_unknown", func(tx *store.Tx) error {
			_, err := b.Reverse(ctx, tx, "checker", at, 99, day1, "x")
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantCode(t, l.db.Tx(ctx, c.act), c.code)
		})
	}
	if found := l.problems(1 << 20); len(found) > 0 {
		t.Errorf("books do not hold: %+v", found)
	}
}

// TestBinding: a binding is paid to once verified; a new one takes its place,
// and each change is in the audit log.
func TestBinding(t *testing.T) {
	l := newLedger(t)
	b := l.book
	bind := func(tx *store.Tx, account string) error {
		_, err := b.Bind(ctx, tx, "maker", at, subaccounts.Binding{Member: "A", AccountNo: account, AccountName: "门店A", BankName: "示例银行", CNAPS: "102100000001"})
		return err
	}
	for _, step := range []struct {
		name string
		act  func(tx *store.Tx) error
		want string
	}{
		{"bound", func(tx *store.Tx) error { return bind(tx, "6222000000000101") }, "6222000000000101 1 PENDING"},
		{"verified", func(tx *store.Tx) error { return b.VerifyBinding(ctx, tx, "checker", at, "A") }, "6222000000000101 1 VERIFIED"},
		{"blocked", func(tx *store.Tx) error { return b.BlockBinding(ctx, tx, "run", at, "A") }, "6222000000000101 1 BLOCKED"},
		{"bound anew", func(tx *store.Tx) error { return bind(tx, "6222000000000102") }, "6222000000000102 2 PENDING"},
	} {
		l.tx(step.act)
		l.tx(func(tx *store.Tx) error {
			now, _, err := b.CurrentBinding(ctx, tx, "A")
			if got := now.AccountNo + " " + string(rune('0'+now.Version)) + " " + now.Status; got != step.want {
				t.Errorf("%s: got %s, want %s", step.name, got, step.want)
			}
			return err
		})
	}
	l.tx(func(tx *store.Tx) error {
		e, found, err := audit.Latest(ctx, tx, b.ID(), "bindings", "A|1")
		all, err2 := b.Bindings(ctx, tx)
		if !found || e.Action != "binding.unbind" || len(all) != 1 || all[0].Version != 2 {
			t.Errorf("got %+v, %+v", e, all)
		}
		return firstError(err, err2)
	})
	if found := l.problems(1 << 20); len(found) > 0 {
		t.Errorf("books do not hold: %+v", found)
	}
}

// TestStoppedMemberIsTold: the fault of a stopped member names the member.
func TestStoppedMemberIsTold(t *testing.T) {
	l := newLedger(t)
	l.must(voucher(day1, "E9a k1 dr 1001 1.00 cr 2001.A 1.00"))
	l.tx(func(tx *store.Tx) error {
		return l.book.UpdateMember(ctx, tx, "maker", at, "A", subaccounts.StatusStopped)
	})
	_, err := l.post(voucher(day1, "E13 t1 dr 2001.A 1.00 cr 2001.B 1.00"))
	if f := fault.Of(err); f == nil || len(f.Args) != 1 || f.Args[0] != "A" {
		t.Errorf("got %v", err)
	}
}
