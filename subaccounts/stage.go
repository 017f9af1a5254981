package subaccounts

import (
	"crypto/sha256"
	"strconv"
	"sync"

	"custody/internal/bizdate"
	"custody/internal/translog"
)

// blockVouchers is how many vouchers are hashed together on another goroutine.
const blockVouchers = 4096

// chunk is the vouchers that are staged and not yet written.
type chunk struct {
	blocks   []*block
	vouchers int
	entries  int
	accounts []*accountState // that have entries here
	recent   map[string]*recent
}

// block is a run of staged vouchers. Once full it is only read, apart from the
// hashes, which belong to its hashing goroutine until hashed is closed.
type block struct {
	vouchers []voucherRow
	entries  []entryRow
	legs     []byte
	hashed   chan struct{}
}

// voucherRow is a row of vouchers to be.
type voucherRow struct {
	id, no, reverses         int64
	date                     bizdate.Date
	event, reference, source string
	first, end               int // entries in the block
	legsFrom, legsTo         int // bytes in the block
	contentHash              [sha256.Size]byte
	leaf                     translog.Hash
}

// entryRow is a row of entries to be.
type entryRow struct {
	account       *accountState
	id            int64 // of the account
	seq           int64
	voucher, line int64
	date          bizdate.Date
	amount, after int64
	item          string
}

// block returns the block that takes the next voucher.
func (p *Batch) block() *block {
	c := &p.chunk
	if n := len(c.blocks); n > 0 {
		last := c.blocks[n-1]
		if len(last.vouchers) < blockVouchers {
			return last
		}
		go last.hash(p.book, p.actor, p.at)
	}
	fresh := &block{}
	if len(c.blocks) > 0 { // a small batch stays small
		fresh = usedBlocks.Get().(*block)
	}
	fresh.hashed = make(chan struct{})
	c.blocks = append(c.blocks, fresh)
	return fresh
}

// usedBlocks holds the memory of written blocks for the next ones: a chunk's
// are 60 MB, which the garbage collector would otherwise clear for each group.
var usedBlocks = sync.Pool{New: func() any { return &block{vouchers: make([]voucherRow, 0, blockVouchers)} }}

// release gives the memory of written blocks back.
func (c *chunk) release() {
	for _, b := range c.blocks {
		if cap(b.vouchers) >= blockVouchers {
			b.vouchers, b.entries, b.legs = b.vouchers[:0], b.entries[:0], b.legs[:0]
			usedBlocks.Put(b)
		}
	}
	*c = chunk{}
}

// stage gives the checked posting its numbers and takes its rows down.
func (p *Batch) stage(posting *Posting, day int, out *Outcome) {
	b, d := p.block(), &p.days[day]
	p.voucherCount++
	d.vouchers++
	d.dirty = true
	row := voucherRow{
		id: p.voucherCount, no: d.vouchers, reverses: posting.Reverses, date: posting.Date,
		event: posting.Event, reference: posting.Reference, source: posting.Source,
		first: len(b.entries), legsFrom: len(b.legs),
	}
	for i := range posting.Legs {
		leg := &posting.Legs[i]
		a := p.legs[i].account
		if a.id == 0 {
			p.accountCount++
			a.id = p.accountCount
		}
		if !a.dirty {
			a.dirty = true
			p.touched = append(p.touched, a)
		}
		if a.staged == 0 {
			p.chunk.accounts = append(p.chunk.accounts, a)
		}
		a.staged++
		a.seq++
		amount := int64(leg.Amount)
		a.balance += amount
		m := &a.moves[day]
		m.dirty = true
		if amount > 0 {
			m.debit += amount
			d.debit += amount
		} else {
			m.credit -= amount
			d.credit -= amount
		}
		if it := p.legs[i].item; it != nil {
			it.balance += amount
			it.dirty = true
		}
		if i > 0 {
			b.legs = append(b.legs, ' ')
		}
		b.legs = strconv.AppendInt(b.legs, a.id, 10)
		b.legs = append(b.legs, ':')
		b.legs = strconv.AppendInt(b.legs, a.seq, 10)
		b.entries = append(b.entries, entryRow{
			account: a, id: a.id, seq: a.seq, voucher: row.id, line: int64(i + 1),
			date: posting.Date, amount: amount, after: a.balance, item: leg.Item,
		})
	}
	row.end, row.legsTo = len(b.entries), len(b.legs)
	b.vouchers = append(b.vouchers, row)
	p.chunk.remember(row.event, row.reference, place{b, len(b.vouchers) - 1})
	p.chunk.vouchers++
	p.chunk.entries += len(posting.Legs)
	out.VoucherID, out.VoucherNo = row.id, int(row.no)
}

// content returns the content hash of a staged voucher.
func (b *block) content(v *voucherRow) [sha256.Size]byte {
	form := b.appendContent(nil, v)
	return sha256.Sum256(form)
}

func (b *block) appendContent(form []byte, v *voucherRow) []byte {
	form = appendContentHead(form, v.event, v.reference, int64(v.date), v.reverses, v.end-v.first)
	for i := v.first; i < v.end; i++ {
		e := &b.entries[i]
		form = appendContentLeg(form, e.account.code, e.account.owner, e.item, e.amount)
	}
	return form
}

// hash works out content hashes and leaves of the block's vouchers.
func (b *block) hash(book *Book, actor string, at int64) {
	defer close(b.hashed)
	h := book.newHasher()
	var form, item []byte
	for i := range b.vouchers {
		v := &b.vouchers[i]
		form = b.appendContent(form[:0], v)
		v.contentHash = sha256.Sum256(form)
		h.beginLeaf(&header{
			id: v.id, date: int64(v.date), no: v.no, reverses: v.reverses, createdAt: at,
			event: v.event, reference: v.reference, source: v.source, actor: actor,
			content: v.contentHash[:], legs: b.legs[v.legsFrom:v.legsTo],
		}, v.end-v.first)
		key := h.voucherKey(v.id, v.reference)
		for j := v.first; j < v.end; j++ {
			e := &b.entries[j]
			item = append(item[:0], e.item...)
			sum := h.entry(&key, &entryForm{
				code: e.account.code, owner: e.account.owner, account: e.id, seq: e.seq, voucher: e.voucher, line: e.line,
				date: int64(e.date), amount: e.amount, after: e.after, item: item,
			})
			h.addToLeaf(sum[:])
		}
		v.leaf = h.leaf()
	}
}
