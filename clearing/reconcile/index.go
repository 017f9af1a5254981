package reconcile

import "hash/maphash"

// index finds a row of ours by kind and number: open addressing over positions,
// a quarter to half full. It keeps no strings of its own and one word a row,
// which is why it is here in place of a map (see BenchmarkJoin). The seed is
// random, so that nobody can make a file whose numbers all collide; the answers
// do not depend on it.
type index struct {
	seed  maphash.Seed
	slots []uint64 // upper half: upper half of the hash; lower half: position + 1, 0 is free
	mask  uint64
}

func newIndex(rows int) *index {
	size := 4
	for size < 2*rows {
		size *= 2
	}
	return &index{seed: maphash.MakeSeed(), slots: make([]uint64, size), mask: uint64(size - 1)}
}

func (x *index) hash(t *Trade) uint64 {
	h := maphash.String(x.seed, t.reference())
	if t.Kind == Refund {
		h = ^h
	}
	return h
}

// slot returns where t's number stands or would stand.
func (x *index) slot(rows []*Trade, t *Trade) (at, hash uint64) {
	hash = x.hash(t)
	for at = hash & x.mask; ; at = (at + 1) & x.mask {
		s := x.slots[at]
		if s == 0 {
			return at, hash
		}
		if s>>32 == hash>>32 {
			if found := rows[uint32(s)-1]; found.Kind == t.Kind && found.reference() == t.reference() {
				return at, hash
			}
		}
	}
}

// put enters row i and returns the row that stood there for its number, or -1.
func (x *index) put(rows []*Trade, i int32) int32 {
	at, hash := x.slot(rows, rows[i])
	former := int32(uint32(x.slots[at])) - 1
	x.slots[at] = hash>>32<<32 | uint64(uint32(i)+1)
	return former
}

// get returns the row last put for t's kind and number, or -1.
func (x *index) get(rows []*Trade, t *Trade) int32 {
	at, _ := x.slot(rows, t)
	return int32(uint32(x.slots[at])) - 1
}
