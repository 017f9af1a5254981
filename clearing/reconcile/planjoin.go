package reconcile

import (
	"hash/maphash"
	"math/bits"
	"slices"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// index finds the lines of one side by account, amount and a text: an open hash
// table, for a Go map of strings is half the time of a whole match. The seed
// differs from run to run and cannot be seen in a result: what is equal is
// compared, and what is found comes in the order of place.
type index struct {
	side  *side
	text  func(*Record) string
	seed  maphash.Seed
	slots []uint64 // upper half of the hash, and the line + 1; 0 is empty
	next  []int32  // further lines of the same key
}

// newIndex holds the open lines that carry the text; nil where there are none.
func newIndex(s *side, text func(*Record) string) *index {
	n := 0
	for i := range s.rows {
		if s.state[i] == open && text(&s.rows[i]) != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	x := &index{side: s, text: text, seed: maphash.MakeSeed(), next: unset(len(s.rows))}
	x.slots = make([]uint64, 1<<bits.Len(uint(n+n/2))) // at most two thirds full
	for i := len(s.rows) - 1; i >= 0; i-- {            // backwards: a chain then begins with its first line
		r := &s.rows[i]
		key := text(r)
		if s.state[i] != open || key == "" {
			continue
		}
		h := x.hash(r, key)
		at, head := x.slot(r, key, h)
		x.next[i] = head
		x.slots[at] = h&^lineMask | uint64(i+1)
	}
	return x
}

// lineMask is the part of a slot that names the line.
const lineMask = 1<<32 - 1

func (x *index) hash(r *Record, key string) uint64 {
	h := maphash.String(x.seed, key) ^ uint64(r.Amount)*0x9e3779b97f4a7c15
	return h ^ h>>32 // the slot comes from the lower bits
}

// slot returns the place of the key in the table and its first line, or -1.
func (x *index) slot(r *Record, key string, h uint64) (at uint64, head int32) {
	mask := uint64(len(x.slots) - 1)
	for at = h & mask; x.slots[at] != 0; at = (at + 1) & mask {
		if (x.slots[at]^h)&^lineMask != 0 {
			continue
		}
		line := int32(x.slots[at]&lineMask) - 1
		if o := x.side.row(line); o.Amount == r.Amount && x.text(o) == key && o.Account == r.Account {
			return at, line
		}
	}
	return at, -1
}

// find returns the first line of the key, or -1.
func (x *index) find(r *Record, key string) int32 {
	_, head := x.slot(r, key, x.hash(r, key))
	return head
}

// ahead is how many lines are looked up together by [index.warm].
const ahead = 32

// warm reads what the next lookups will read, all of them at once: each lookup by
// itself waits three times for memory (slot, line, text), and on a million lines
// that waiting is most of a match. It returns a value so that the reads stay.
func (x *index) warm(rows []Record, text func(*Record) string) (sum uint64) {
	var lines [ahead]int32
	n := 0
	for k := range rows {
		if key := text(&rows[k]); key != "" {
			h := x.hash(&rows[k], key)
			if slot := x.slots[h&uint64(len(x.slots)-1)]; slot != 0 && (slot^h)&^lineMask == 0 {
				lines[n] = int32(slot&lineMask) - 1
				n++
			}
		}
	}
	for _, line := range lines[:n] {
		sum += uint64(x.side.rows[line].Amount)
	}
	for _, line := range lines[:n] {
		sum += uint64(x.text(&x.side.rows[line])[0])
	}
	return sum
}

// byReference matches lines that carry the same identifier and amount.
func (m *planner) byReference(s Strategy, text func(*Record) string) {
	m.join(s, &m.ours, &m.theirs, text, func(r *Record, visit func(string) bool) {
		if t := text(r); t != "" {
			visit(t)
		}
	})
}

// byOwnRef matches a line of a with a line of b that quotes its own reference.
func (m *planner) byOwnRef(a, b *side) {
	m.join(ByOwnRef, a, b, func(r *Record) string { return r.OwnRef }, func(r *Record, visit func(string) bool) {
		if r.OwnRef == "" || visit(r.OwnRef) {
			r.words(visit)
		}
	})
}

// headsMax bounds the references of one remark that are found on the other side.
const headsMax = wordsMax

// join brings together the lines of a with a key and the lines of b that name
// it, and settles each group. A line of b that names several keys of its amount
// has several readings.
func (m *planner) join(s Strategy, a, b *side, key func(*Record) string, keys func(*Record, func(string) bool)) {
	x := newIndex(a, key)
	if x == nil {
		return
	}
	bHead, bNext := unset(len(a.rows)), unset(len(b.rows))
	agreed := make([]Fields, len(a.rows)) // of a's line and its one line of b, while both are at hand; 0 where references contradict
	var row *Record
	heads := make([]int32, 0, headsMax)
	visit := func(text string) bool {
		if head := x.find(row, text); head >= 0 && !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
		return len(heads) < headsMax
	}
	for j := len(b.rows) - 1; j >= 0; j-- {
		if first := j + 1 - ahead; j%ahead == ahead-1 && first >= 0 {
			m.read += x.warm(b.rows[first:j+1], key)
		}
		if b.state[j] != open {
			continue
		}
		row, heads = &b.rows[j], heads[:0]
		keys(row, visit)
		switch len(heads) {
		case 0:
		case 1:
			i := heads[0]
			bNext[j], bHead[i] = bHead[i], int32(j)
			if agreed[i] = 0; bNext[j] < 0 && !a.row(i).contradicts(row) {
				agreed[i] = a.row(i).agrees(row)
			}
		default:
			var as []int32
			for _, head := range heads {
				as = append(as, chain(x.next, head)...)
			}
			slices.Sort(as)
			m.suggest(s, a, b, as, []int32{int32(j)}, len(as))
		}
	}
	for i, j := range bHead {
		switch {
		case j < 0: // not the head of a group, or a group without their lines
		case x.next[i] < 0 && bNext[j] < 0 && a.state[i] == open && agreed[i] != 0:
			m.match(s, a, b, int32(i), j, agreed[i])
		default:
			m.settle(s, a, b, a.among(chain(x.next, int32(i))), b.among(chain(bNext, j)))
		}
	}
}

// among keeps the lines that are still open.
func (s *side) among(at []int32) []int32 {
	return slices.DeleteFunc(at, func(i int32) bool { return s.state[i] != open })
}

// finer are the texts by which a group with several readings is looked at again.
var finer = []func(*Record) finerKey{
	func(r *Record) finerKey { return finerKey{text: r.BankRef} },
	func(r *Record) finerKey { return finerKey{text: r.OwnRef} },
	func(r *Record) finerKey { return finerKey{text: r.Party, day: r.Booked} },
	func(r *Record) finerKey { return finerKey{day: r.Booked} },
}

type finerKey struct {
	text string
	day  bizdate.Date
}

// settle decides about the lines of one key and amount: as a set where that is
// the one reading, else by what else they agree in, else as a suggestion. What
// is left over on one side is a duplicate where an identifier named it, and held.
func (m *planner) settle(s Strategy, a, b *side, as, bs []int32) {
	if len(as) == 0 || len(bs) == 0 {
		return
	}
	a.sorted(as)
	b.sorted(bs)
	for k := 0; !m.asSet(s, a, b, as, bs); k++ {
		if k == len(finer) {
			m.suggest(s, a, b, as, bs, max(len(as), len(bs)))
			return
		}
		m.refine(s, a, b, as, bs, finer[k])
		as, bs = a.among(as), b.among(bs)
		if len(as) == 0 || len(bs) == 0 {
			break
		}
	}
	if s.strong() {
		hold(a, as)
		hold(b, bs)
	}
}

// refine matches the lines of a group that also agree in a finer key.
func (m *planner) refine(s Strategy, a, b *side, as, bs []int32, key func(*Record) finerKey) {
	theirs := map[finerKey][]int32{}
	for _, j := range bs {
		k := key(b.row(j))
		theirs[k] = append(theirs[k], j)
	}
	ours := map[finerKey][]int32{}
	var order []finerKey
	for _, i := range as {
		k := key(a.row(i))
		if len(theirs[k]) == 0 || k == (finerKey{}) {
			continue
		}
		if ours[k] == nil {
			order = append(order, k)
		}
		ours[k] = append(ours[k], i)
	}
	for _, k := range order {
		m.asSet(s, a, b, ours[k], theirs[k])
	}
}

// asSet matches lines, sorted by content, as a set, and reports whether it did:
// one side all the same and no smaller than the other, so that every assignment
// is the same one, and no reference against it.
func (m *planner) asSet(s Strategy, a, b *side, as, bs []int32) bool {
	one := len(as) >= len(bs) && a.uniform(as) || len(bs) >= len(as) && b.uniform(bs)
	n := min(len(as), len(bs))
	for k := 0; one && k < n; k++ {
		one = !a.row(as[k]).contradicts(b.row(bs[k]))
	}
	if !one {
		return false
	}
	for k := range n {
		m.match(s, a, b, as[k], bs[k], a.row(as[k]).agrees(b.row(bs[k])))
	}
	return true
}

// byPartyDay matches lines of one counterparty, amount and booking day whose
// references do not contradict.
func (m *planner) byPartyDay() {
	type key struct {
		account, party string
		amount         money.Amount
		day            bizdate.Date
	}
	for _, g := range grouped(m, func(r *Record) (key, bool) {
		return key{r.Account, r.Party, r.Amount, r.Booked}, r.Party != ""
	}) {
		ours, theirs := m.compatible(g.ours, g.theirs)
		m.settle(ByPartyDay, &m.ours, &m.theirs, ours, theirs)
	}
}

// grouped collects the open lines of both sides by key, in the order in which
// ours first has it; keys of one side only are left out.
func grouped[K comparable](m *planner, key func(*Record) (K, bool)) []*group {
	at := map[K]*group{}
	var all []*group
	for _, i := range m.ours.open() {
		if k, ok := key(m.ours.row(i)); ok {
			g := at[k]
			if g == nil {
				g = &group{}
				at[k] = g
				all = append(all, g)
			}
			g.ours = append(g.ours, i)
		}
	}
	for _, j := range m.theirs.open() {
		if k, ok := key(m.theirs.row(j)); ok && at[k] != nil {
			at[k].theirs = append(at[k].theirs, j)
		}
	}
	return slices.DeleteFunc(all, func(g *group) bool { return len(g.theirs) == 0 })
}

// references are the texts of which two different ones contradict.
var references = []func(*Record) string{
	func(r *Record) string { return r.Instruction },
	func(r *Record) string { return r.Batch },
	func(r *Record) string { return r.BankRef },
	func(r *Record) string { return r.OwnRef },
}

// compatible drops the lines that contradict every line of the other side: those
// with a reference of a kind that all of the other side carry too. Equal ones are
// not among them: an identifier has matched or held them before.
func (m *planner) compatible(ours, theirs []int32) ([]int32, []int32) {
	for again := true; again && len(ours) > 0 && len(theirs) > 0; {
		again = false
		for _, ref := range references {
			carries := func(s *side) func(int32) bool { return func(i int32) bool { return ref(s.row(i)) != "" } }
			ourAll := !slices.ContainsFunc(ours, func(i int32) bool { return !carries(&m.ours)(i) })
			theirAll := !slices.ContainsFunc(theirs, func(j int32) bool { return !carries(&m.theirs)(j) })
			before := len(ours) + len(theirs)
			if ourAll {
				theirs = slices.DeleteFunc(theirs, carries(&m.theirs))
			}
			if theirAll {
				ours = slices.DeleteFunc(ours, carries(&m.ours))
			}
			again = again || len(ours)+len(theirs) < before
		}
	}
	return ours, theirs
}
