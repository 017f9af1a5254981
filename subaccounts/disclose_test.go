package subaccounts_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"custody/internal/store"
	"custody/internal/translog"
	"custody/subaccounts"
)

// TestDisclose: one entry is shown without the others and still proves its
// place in the log; with any part of it changed it does not.
func TestDisclose(t *testing.T) {
	l := newLedger(t)
	postWorkedDays(l, false)
	l.tx(func(tx *store.Tx) error {
		v, _, err1 := l.book.VoucherByNo(ctx, tx, day1, 12)
		size, root, err2 := l.book.VoucherRoot(ctx, tx)
		tree, err3 := translog.NewTree(l.book.Log(tx), size)
		if err := firstError(err1, err2, err3); err != nil {
			return err
		}
		proof, err := tree.Inclusion(ctx, v.ID-1)
		if err != nil {
			return err
		}
		shown := func() subaccounts.Disclosure {
			return l.book.Disclose(&v, func(e *subaccounts.Entry) bool { return e.Owner == "A" })
		}
		holds := func(d subaccounts.Disclosure) bool {
			return translog.VerifyInclusion(root, size, v.ID-1, d.Leaf(), proof) == nil
		}
		whole := shown()
		if !holds(whole) || whole.Lines[0].Entry != nil || whole.Lines[1].Entry.Amount != -92400 {
			t.Errorf("got %+v", whole)
		}
		if leaf := whole.Leaf(); !bytes.Equal(v.LeafHash, leaf[:]) {
			t.Errorf("leaf is not that of the voucher")
		}
		for name, change := range map[string]func(*subaccounts.Disclosure){
			"amount":    func(d *subaccounts.Disclosure) { e := *d.Lines[1].Entry; e.Amount++; d.Lines[1].Entry = &e },
			"owner":     func(d *subaccounts.Disclosure) { e := *d.Lines[1].Entry; e.Owner = "B"; d.Lines[1].Entry = &e },
			"salt":      func(d *subaccounts.Disclosure) { d.Lines[1].Salt[0]++ },
			"hidden":    func(d *subaccounts.Disclosure) { d.Lines[0].Hash[0]++ },
			"left out":  func(d *subaccounts.Disclosure) { d.Lines = d.Lines[:4] },
			"reference": func(d *subaccounts.Disclosure) { d.Voucher.Reference += "x" },
			"time":      func(d *subaccounts.Disclosure) { d.Voucher.CreatedAt = d.Voucher.CreatedAt.Add(time.Millisecond) },
		} {
			d := shown()
			if change(&d); holds(d) {
				t.Errorf("%s changed: still holds", name)
			}
		}
		return nil
	})
}

// TestFormIsFixed pins the byte forms of version 1: seals that are out in the
// world stand on them.
func TestFormIsFixed(t *testing.T) {
	l := newLedger(t)
	postWorkedDays(l, false)
	l.tx(func(tx *store.Tx) error {
		v, _, err := l.book.VoucherByNo(ctx, tx, day1, 12)
		_, root, err2 := l.book.VoucherRoot(ctx, tx)
		got := fmt.Sprintf("%s %s %s", hex.EncodeToString(v.ContentHash), hex.EncodeToString(v.LeafHash), root)
		if got != wantForm {
			t.Errorf("got %s", got)
		}
		return firstError(err, err2)
	})
}

// wantForm is content hash, leaf and root of the log.
const wantForm = "a4f4ace3e23fb7e302371eb5d6d33727f1f409b25b30999141b8bc6e65a6228d " +
	"8800d3ed785e929e9852b4815aae950340117f7e8f8f1ae76762afab5c50eb65 " +
	"03df3e934c9310b627ef211d9f3b19fcc9f52e78186c1d0ecf7cd20a74221683"
