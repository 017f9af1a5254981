package simbank_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/internal/money"
)

// TestKindsOfPayments: the bank pays every kind of a payout file, and only a
// settlement and a withdrawal touch a member's sub-account.
func TestKindsOfPayments(t *testing.T) {
	played := func(kinds ...string) office {
		o := generate(t, params(t.TempDir(), 3))
		o.answer(monday)
		batch := "PO" + tuesday.Compact() + "-01"
		f := &bankfiles.PayoutFile{BatchNo: batch, Date: tuesday, Maker: "maker1", Checker: "checker1"}
		for i, kind := range kinds {
			member := map[string]string{"HEAD_OFFICE": "HQ", "RETURN_TO_PAYER": "UNK", "REFUND_BY_HAND": "REFUND", "COURT": "COURT", "MICRO": "F001", "WITHDRAWAL": "F001"}[kind]
			f.Items = append(f.Items, bankfiles.PayoutItem{Seq: i + 1, Serial: tuesday.Compact() + "01000" + string(rune('1'+i)), Member: member,
				Account: "6299000000000000", Name: "收款人", CNAPS: "313000000024", Amount: 10, Route: "BEP", Purpose: "出款", Attach: kind})
		}
		if len(kinds) > 0 {
			o.must(os.MkdirAll(filepath.Join(o.dir, "outbox"), 0o750))
			out, err := os.Create(filepath.Join(o.dir, "outbox", batch+".txt"))
			o.must(err)
			o.must(payfile.WritePayout(out, f))
			o.must(out.Close())
		}
		o.answer(tuesday)
		for _, it := range f.Items {
			if n := len(o.statement("statement", tuesday).serial(it.Serial)); n != 1 {
				t.Errorf("%s %s: %d lines on the statement", it.Attach, it.Serial, n)
			}
		}
		return o
	}
	want := played().balances(tuesday)
	got := played("HEAD_OFFICE", "RETURN_TO_PAYER", "REFUND_BY_HAND", "COURT", "MICRO").balances(tuesday)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sub-accounts changed (-want +got):\n%s", diff)
	}
	got = played("WITHDRAWAL").balances(tuesday)
	if paid := want["F001"].Available - got["F001"].Available; paid != 10+money.Amount(100) {
		t.Errorf("a withdrawal of 0.10 with its fee took %s", paid)
	}
}
