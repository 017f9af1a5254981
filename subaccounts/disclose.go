package subaccounts

import (
	"crypto/sha256"

	"custody/internal/translog"
)

// Disclosure shows some entries of a voucher and hides the others behind their
// hashes. Who holds it and a seal can check it without the database.
type Disclosure struct {
	CustodyID int64
	Voucher   Voucher // its entries are not looked at
	Lines     []DisclosedLine
}

// DisclosedLine is one entry, shown with its salt or hidden behind its hash.
type DisclosedLine struct {
	Entry *Entry // nil where it is hidden
	Salt  [saltSize]byte
	Hash  [sha256.Size]byte // of the entry; recomputed where it is shown
}

// Disclose shows the entries of a voucher that show selects.
func (b *Book) Disclose(v *Voucher, show func(*Entry) bool) Disclosure {
	d := Disclosure{CustodyID: b.id, Voucher: *v, Lines: make([]DisclosedLine, len(v.Entries))}
	d.Voucher.Entries = nil
	h := b.newHasher()
	key := h.voucherKey(v.ID, v.Reference)
	for i := range v.Entries {
		e, line := &v.Entries[i], &d.Lines[i]
		salt := h.salt(&key, int64(e.Line))
		form := e.form()
		line.Hash = h.entrySalted(salt, &form)
		if show(e) {
			line.Entry, line.Salt = e, salt
		}
	}
	return d
}

// Leaf returns the leaf of the voucher log that the disclosure stands for: it
// needs no secret. It is the voucher's where nothing was changed.
func (d *Disclosure) Leaf() translog.Hash {
	h := &hasher{custody: d.CustodyID}
	v := &d.Voucher
	h.beginLeaf(&header{
		id: v.ID, date: int64(v.Date), no: int64(v.No), reverses: v.Reverses, createdAt: v.CreatedAt.UnixMilli(),
		event: v.Event, reference: v.Reference, source: v.Source, actor: v.Actor,
		content: v.ContentHash, legs: []byte(v.Legs),
	}, len(d.Lines))
	for i := range d.Lines {
		line := &d.Lines[i]
		sum := line.Hash
		if line.Entry != nil {
			form := line.Entry.form()
			sum = h.entrySalted(line.Salt, &form)
		}
		h.addToLeaf(sum[:])
	}
	return h.leaf()
}

func (e *Entry) form() entryForm {
	return entryForm{
		code: e.Code, owner: e.Owner, account: e.AccountID, seq: e.Seq, voucher: e.VoucherID, line: int64(e.Line),
		date: int64(e.Date), amount: int64(e.Amount), after: int64(e.BalanceAfter), item: []byte(e.Item),
	}
}
