package subaccounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/money"
)

func fen(n int64) money.Amount { return money.Amount(n) }

// voucherRange is a run of vouchers whose entries are held as hashes, one slot
// per entry in the order of vouchers and lines.
type voucherRange struct {
	ids   []int64
	keys  [][sha256.Size]byte // from which the salts follow
	first []int               // slot of a voucher's first entry; one more at the end
	sums  []int64
	wrong []bool // an entry stands twice, or dated otherwise
	dates []bizdate.Date

	hashes [][sha256.Size]byte
	legs   []uint64 // packed account and seq of the entry, 0 where there is none

	next int64 // first voucher_id of the next range, 0 after the last
}

// index returns the place of a voucher in the range, or -1.
func (r *voucherRange) index(id int64) int {
	if len(r.ids) == 0 {
		return -1
	}
	if i := id - r.ids[0]; i >= 0 && i < int64(len(r.ids)) && r.ids[i] == id {
		return int(i)
	}
	if i, found := slices.BinarySearch(r.ids, id); found {
		return i
	}
	return -1
}

// packLeg packs an entry's place; a collision needs 16 million accounts.
func packLeg(account, seq int64) uint64 { return uint64(account)<<40 ^ uint64(seq) }

// readRange reads into r what the entries of the vouchers from from on will be
// compared with. It takes over the memory of the range before.
func (v *verifier) readRange(ctx context.Context, r *voucherRange, from int64) error {
	r.ids, r.dates, r.keys, r.first, r.next = r.ids[:0], r.dates[:0], r.keys[:0], r.first[:0], 0
	h := v.book.newHasher()
	slots := 0
	key := func(row *voucherRef) { r.keys = append(r.keys, h.voucherKey(row.id, string(row.content))) }
	err := beside(key, func(next func() *voucherRef) error {
		var ref, legs sql.RawBytes
		return v.tx.Each(ctx, "SELECT voucher_id, accounting_date, reference, legs FROM vouchers WHERE custody_id = ? AND voucher_id >= ? ORDER BY voucher_id",
			[]any{v.book.id, from}, func(scan func(...any) error) error {
				var id int64
				var date bizdate.Date
				if err := scan(&id, &date, &ref, &legs); err != nil {
					return err
				}
				n := lines(legs)
				if slots > 0 && slots+n > v.entryMax {
					r.next = id
					return errStop
				}
				r.ids = append(r.ids, id)
				r.dates = append(r.dates, date)
				r.first = append(r.first, slots)
				slots += n
				row := next()
				row.id, row.content = id, append(row.content[:0], ref...)
				return nil
			})
	})
	r.first = append(r.first, slots)
	r.sums, r.wrong = zeroed(r.sums, len(r.ids)), zeroed(r.wrong, len(r.ids))
	r.hashes, r.legs = zeroed(r.hashes, slots), zeroed(r.legs, slots)
	return stopped(err)
}

// zeroed returns n zero values, in the memory of s where they fit.
func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// take puts an entry into its slot and reports whether its voucher is in the range.
func (r *voucherRange) take(h *hasher, e *entryForm) bool {
	i := r.index(e.voucher)
	if i < 0 {
		return false
	}
	r.sums[i] += e.amount
	slot := r.first[i] + int(e.line) - 1
	if e.line < 1 || slot >= r.first[i+1] || r.legs[slot] != 0 || int64(r.dates[i]) != e.date {
		r.wrong[i] = true
		return true
	}
	r.hashes[slot] = h.entry(&r.keys[i], e)
	r.legs[slot] = packLeg(e.account, e.seq)
	return true
}

// checkVouchers reads the vouchers of the range again, whole, and compares
// leaves, sums, legs and numbers.
func (v *verifier) checkVouchers(ctx context.Context, r *voucherRange, nodes *audit.Nodes) error {
	if len(r.ids) == 0 {
		return nil
	}
	h := v.book.newHasher()
	texts := interned{}
	check := func(row *verifiedVoucher) {
		w := &row.header
		w.event, w.actor = texts.get(row.event), texts.get(row.actor)
		w.reference, w.source = string(row.reference), string(row.source)
		v.checkPlace(w)
		v.checkVoucher(h, r, w, row.leaf)
		nodes.Add(row.leaf)
	}
	return beside(check, func(next func() *verifiedVoucher) error {
		var event, reference, source, actor, legs, leaf, content sql.RawBytes
		return v.tx.Each(ctx, `SELECT voucher_id, accounting_date, voucher_no, event, reference, content_hash, reverses_id, source, actor, created_at, legs, leaf_hash
			FROM vouchers WHERE custody_id = ? AND voucher_id >= ? AND voucher_id <= ? ORDER BY voucher_id`,
			[]any{v.book.id, r.ids[0], r.ids[len(r.ids)-1]}, func(scan func(...any) error) error {
				row := next()
				w := &row.header
				err := scan(&w.id, &w.date, &w.no, &event, &reference, &content, &w.reverses, &source, &actor, &w.createdAt, &legs, &leaf)
				row.event, row.reference, row.source = append(row.event[:0], event...), append(row.reference[:0], reference...), append(row.source[:0], source...)
				row.actor, row.leaf = append(row.actor[:0], actor...), append(row.leaf[:0], leaf...)
				w.content, w.legs = append(w.content[:0], content...), append(w.legs[:0], legs...)
				return err
			})
	})
}

// verifiedVoucher is a row of vouchers on its way from the reading to the
// checking; it owns its bytes.
type verifiedVoucher struct {
	header
	event, reference, source, actor, leaf []byte
}

// checkPlace checks that no position of the log and no number of the date is missing.
func (v *verifier) checkPlace(w *header) {
	v.counts.Vouchers++
	if w.id != v.counts.Vouchers {
		if w.id-v.counts.Vouchers < problemsMax {
			for ; v.counts.Vouchers < w.id; v.counts.Vouchers++ {
				v.report("voucher", "vouchers", fmt.Sprint("#", v.counts.Vouchers), "ledger.verify.log_gap", v.counts.Vouchers)
			}
		} else {
			v.report("voucher", "vouchers", fmt.Sprint("#", w.id), "ledger.verify.log_gap", v.counts.Vouchers)
		}
	}
	d := v.day(bizdate.Date(w.date))
	d.count++
	if w.no != d.last+1 {
		name := VoucherName(bizdate.Date(w.date), int(d.last+1))
		v.report("voucher", "vouchers", name, "ledger.verify.voucher_missing", name)
	}
	d.last = w.no
}

// checkVoucher compares one voucher with its entries.
func (v *verifier) checkVoucher(h *hasher, r *voucherRange, w *header, leaf []byte) {
	name := VoucherName(bizdate.Date(w.date), int(w.no))
	i := r.index(w.id)
	from, to := r.first[i], r.first[i+1]
	h.beginLeaf(w, to-from)
	for slot := from; slot < to; slot++ {
		h.addToLeaf(r.hashes[slot][:])
	}
	if got := h.leaf(); !bytes.Equal(got[:], leaf) || r.wrong[i] {
		v.report("voucher", "vouchers", name, "ledger.verify.voucher_changed", name)
	}
	if r.sums[i] != 0 {
		v.report("voucher", "entries", name, "ledger.verify.voucher_sum", name, fen(r.sums[i]))
	}
	if !sameLegs(string(w.legs), r.legs[from:to]) {
		v.report("voucher", "entries", name, "ledger.verify.voucher_legs", name)
	}
}

// sameLegs compares a legs column with the places of the entries found.
func sameLegs(legs string, found []uint64) bool {
	i := 0
	for leg := range strings.SplitSeq(legs, " ") {
		account, seq, ok := parseLeg(leg)
		if !ok || i >= len(found) || found[i] != packLeg(account, seq) {
			return false
		}
		i++
	}
	return i == len(found) && i >= 2
}

// interned keeps one string per value that comes again and again.
type interned map[string]string

func (t interned) get(raw []byte) string {
	if s, found := t[string(raw)]; found {
		return s
	}
	if len(t) > 1000 {
		clear(t)
	}
	s := string(raw)
	t[s] = s
	return s
}
