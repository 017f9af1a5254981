package subaccounts

import (
	"context"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// reference identifies a voucher forever within the custody account.
type reference struct{ event, ref string }

// voucherRef is a voucher that is in the database already.
type voucherRef struct {
	id      int64
	no      int
	date    bizdate.Date
	content []byte
}

// singleLookups is up to how many postings are looked up one by one.
const singleLookups = 64

// prepare reads what a slice of postings will need: all accounts if there are
// many legs, and the references that are there already.
func (p *Batch) prepare(ctx context.Context, postings []Posting, legs int) error {
	if !p.preloaded && legs >= preloadLegs && int64(legs)*4 >= p.accountCount {
		if err := p.preload(ctx); err != nil {
			return err
		}
	}
	clear(p.known)
	if len(postings) <= singleLookups {
		for i := range postings {
			if err := p.lookUp(ctx, postings[i].Event, postings[i].Reference, postings[i].Reference); err != nil {
				return err
			}
		}
		return nil
	}
	// References that begin alike, as those of one date and channel do, lie
	// together; a span over two channels would cover what the night has posted.
	type family struct{ event, prefix string }
	type span struct{ low, high string }
	spans := map[family]*span{}
	for i := range postings {
		event, ref := postings[i].Event, postings[i].Reference
		at := family{event, familyOf(ref)}
		s := spans[at]
		switch {
		case s == nil:
			spans[at] = &span{ref, ref}
		case ref < s.low:
			s.low = ref
		case ref > s.high:
			s.high = ref
		}
	}
	for at, s := range spans {
		if err := p.lookUp(ctx, at.event, s.low, s.high); err != nil {
			return err
		}
	}
	return nil
}

// lookUp reads the vouchers of an event with references from low to high. The
// references of a night share its date, so on a first run there are none.
func (p *Batch) lookUp(ctx context.Context, event, low, high string) error {
	return p.tx.Each(ctx, `SELECT reference, voucher_id, voucher_no, accounting_date, content_hash FROM vouchers
		WHERE custody_id = ? AND event = ? AND reference >= ? AND reference <= ?`, []any{p.book.id, event, low, high},
		func(scan func(...any) error) error {
			var ref string
			var v voucherRef
			if err := scan(&ref, &v.id, &v.no, &v.date, &v.content); err != nil {
				return err
			}
			p.known[reference{event, ref}] = v
			return nil
		})
}

// posted reports whether the reference of a posting is taken, and if so by
// what: the same posting (nothing to do) or another one (a conflict).
func (p *Batch) posted(posting *Posting, out *Outcome) bool {
	v, found := p.chunk.find(posting.Event, posting.Reference)
	if !found && len(p.known) > 0 {
		v, found = p.known[reference{posting.Event, posting.Reference}]
	}
	if !found {
		return false
	}
	out.VoucherID, out.VoucherNo = v.id, v.no
	if content := posting.contentHash(); string(content[:]) == string(v.content) {
		out.Unchanged = true
	} else {
		out.Err = fault.Invalid("ledger.conflict", posting.Event, posting.Reference, VoucherName(v.date, v.no))
	}
	return true
}

// recent is the references of one event in the chunk at hand. As long as they
// come in ascending order, a new one is known to be new without a map.
type recent struct {
	refs     []string
	vouchers []place
	byRef    map[string]int
}

// place is where a voucher is staged.
type place struct {
	block *block
	at    int
}

func (c *chunk) find(event, ref string) (voucherRef, bool) {
	r := c.recent[event]
	if r == nil || len(r.refs) == 0 || r.byRef == nil && ref > r.refs[len(r.refs)-1] {
		return voucherRef{}, false
	}
	if r.byRef == nil {
		r.byRef = make(map[string]int, len(r.refs))
		for i, ref := range r.refs {
			r.byRef[ref] = i
		}
	}
	i, found := r.byRef[ref]
	if !found {
		return voucherRef{}, false
	}
	at := r.vouchers[i]
	row := &at.block.vouchers[at.at]
	content := at.block.content(row)
	return voucherRef{id: row.id, no: int(row.no), date: row.date, content: content[:]}, true
}

func (c *chunk) remember(event, ref string, at place) {
	r := c.recent[event]
	if r == nil {
		r = &recent{}
		if c.recent == nil {
			c.recent = map[string]*recent{}
		}
		c.recent[event] = r
	}
	if r.byRef != nil {
		r.byRef[ref] = len(r.refs)
	}
	r.refs = append(r.refs, ref)
	r.vouchers = append(r.vouchers, at)
}

// familyOf is what a reference shares with its neighbours: the part up to its
// second point, as in 20260212.WX.1234.
func familyOf(ref string) string {
	points := 0
	for i := range len(ref) {
		if ref[i] != '.' {
			continue
		}
		if points++; points == 2 {
			return ref[:i]
		}
	}
	return ""
}
