package translog

import (
	"context"
	"math/bits"

	"custody/internal/fault"
)

// Source is where the leaves and nodes of one log are kept. A node of level 1
// and index k is the root of the leaves [256k, 256k+256), one of level 2 the
// root of 65,536 leaves, and so on; it exists only when all its leaves do.
// Both methods return exactly to-from hashes in order, or an error.
type Source interface {
	Leaves(ctx context.Context, from, to int64) ([]Hash, error)
	Tiles(ctx context.Context, level int, from, to int64) ([]Hash, error)
}

// Node is a full node above the leaves: Level from 1, Index from 0.
type Node struct {
	Level int
	Index int64
	Hash  Hash
}

// Grow returns the nodes that become full when the hashes in appended follow a
// log of the given size, lower levels first. The source holds the log as it
// was; at each level that gains a node at most 255 hashes are read from it.
// A source that lacks hashes gives translog.missing, a negative size translog.range.
func Grow(ctx context.Context, src Source, size int64, appended []Hash) ([]Node, error) {
	if size < 0 {
		return nil, fault.Invalid("translog.range", size, size)
	}
	var grown []Node
	fresh := appended
	for level := 0; len(fresh) > 0; level++ {
		had := size >> (tileBits * level) // nodes of this level before
		full := had >> tileBits           // of them, in nodes of the level above
		if (had+int64(len(fresh)))>>tileBits == full {
			break
		}
		open, err := read(ctx, src, level, full<<tileBits, had)
		if err != nil {
			return nil, err
		}
		first := min(TileSize-len(open), len(fresh))
		tile := append(open[:len(open):len(open)], fresh[:first]...)
		var above []Hash
		for rest := fresh[first:]; len(tile) == TileSize; {
			h := TileRoot(tile)
			grown = append(grown, Node{Level: level + 1, Index: full + int64(len(above)), Hash: h})
			above = append(above, h)
			next := min(TileSize, len(rest))
			tile, rest = rest[:next], rest[next:]
		}
		fresh = above
	}
	return grown, nil
}

// read returns the hashes [from, to) of a level; level 0 is the leaves.
func read(ctx context.Context, src Source, level int, from, to int64) ([]Hash, error) {
	if from == to {
		return nil, nil
	}
	var got []Hash
	var err error
	if level == 0 {
		got, err = src.Leaves(ctx, from, to)
	} else {
		got, err = src.Tiles(ctx, level, from, to)
	}
	if err != nil {
		return nil, err
	}
	if int64(len(got)) != to-from {
		return nil, fault.Broken("translog.missing", level, from, to, len(got))
	}
	return got, nil
}

// Tree works out the root and the proofs of the first size leaves of a log,
// which may be longer. It remembers what it has read, so one Tree is cheaper
// than several for many proofs; it is not for use by several goroutines.
type Tree struct {
	src    Source
	size   int64
	leaves map[int64][]Hash // by tile
	nodes  map[tileKey][]Hash
}

type tileKey struct {
	level int
	tile  int64
}

// leafTilesMax bounds what a Tree remembers of the leaves. One proof touches at
// most three leaf tiles (its own, the old end, the new end), and neighbours are
// proven one after the other: 8 tiles x 256 x 32 bytes = 64 KiB. All levels
// above are kept: 32 bytes per 255 leaves, 125 KiB for a million.
const leafTilesMax = 8

// NewTree returns the tree of the first size leaves of src.
// A negative size is translog.range.
func NewTree(src Source, size int64) (*Tree, error) {
	if size < 0 {
		return nil, fault.Invalid("translog.range", size, size)
	}
	return &Tree{src: src, size: size, leaves: map[int64][]Hash{}, nodes: map[tileKey][]Hash{}}, nil
}

// Root returns the root, reading at most 255 hashes of each level.
func (t *Tree) Root(ctx context.Context) (Hash, error) {
	return t.hash(ctx, 0, t.size)
}

// Inclusion returns the audit path of RFC 6962 section 2.1.1 for the leaf at
// index, counted from 0. An index outside the log is translog.range.
func (t *Tree) Inclusion(ctx context.Context, index int64) ([]Hash, error) {
	if index < 0 || index >= t.size {
		return nil, fault.Invalid("translog.range", index, t.size)
	}
	var siblings []span
	for lo, hi := int64(0), t.size; hi-lo > 1; {
		mid := lo + split(hi-lo)
		if index < mid {
			siblings = append(siblings, span{mid, hi})
			hi = mid
		} else {
			siblings = append(siblings, span{lo, mid})
			lo = mid
		}
	}
	return t.hashes(ctx, siblings)
}

// Consistency returns the proof of RFC 6962 section 2.1.2 that the log of old
// leaves is the beginning of this one. It is empty where old is 0 or the whole
// size; an old size outside the log is translog.range.
func (t *Tree) Consistency(ctx context.Context, old int64) ([]Hash, error) {
	if old < 0 || old > t.size {
		return nil, fault.Invalid("translog.range", old, t.size)
	}
	if old == 0 || old == t.size {
		return nil, nil
	}
	var siblings []span
	lo, hi := int64(0), t.size
	for hi != old {
		mid := lo + split(hi-lo)
		if old <= mid {
			siblings = append(siblings, span{mid, hi})
			hi = mid
		} else {
			siblings = append(siblings, span{lo, mid})
			lo = mid
		}
	}
	if lo > 0 { // where lo is 0 the verifier holds this hash: it is the old root
		siblings = append(siblings, span{lo, hi})
	}
	return t.hashes(ctx, siblings)
}

// span is the leaves [lo, hi) below one node of the tree.
type span struct{ lo, hi int64 }

// split returns the largest power of two below n, for n of 2 or more.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

// hashes returns the hashes of siblings collected from the root down, in the
// order of a proof, which goes from the leaf up.
func (t *Tree) hashes(ctx context.Context, siblings []span) ([]Hash, error) {
	proof := make([]Hash, len(siblings))
	for i, s := range siblings {
		h, err := t.hash(ctx, s.lo, s.hi)
		if err != nil {
			return nil, err
		}
		proof[len(proof)-1-i] = h
	}
	return proof, nil
}

// hash returns the hash of the node above the leaves [lo, hi). Within the tree
// lo is a multiple of the smallest power of two that holds hi-lo.
func (t *Tree) hash(ctx context.Context, lo, hi int64) (Hash, error) {
	n := hi - lo
	if n == 0 {
		return Root(nil), nil
	}
	if n&(n-1) == 0 {
		return t.full(ctx, lo, bits.TrailingZeros64(uint64(n)))
	}
	mid := lo + split(n)
	l, err := t.hash(ctx, lo, mid)
	if err != nil {
		return Hash{}, err
	}
	r, err := t.hash(ctx, mid, hi)
	if err != nil {
		return Hash{}, err
	}
	return NodeHash(l, r), nil
}

// full returns the hash of the full subtree of 1<<height leaves from lo. Its
// at most 128 hashes of the nearest kept level all lie in one tile.
func (t *Tree) full(ctx context.Context, lo int64, height int) (Hash, error) {
	level := height / tileBits
	first := lo >> (tileBits * level)
	nodes, err := t.tile(ctx, level, first>>tileBits)
	if err != nil {
		return Hash{}, err
	}
	at := first % TileSize
	return Root(nodes[at : at+1<<(height%tileBits)]), nil
}

// tile returns the hashes of one tile of a level, as many as the size fills.
func (t *Tree) tile(ctx context.Context, level int, tile int64) ([]Hash, error) {
	key := tileKey{level, tile}
	kept, ok := t.nodes[key]
	if level == 0 {
		kept, ok = t.leaves[tile]
	}
	if ok {
		return kept, nil
	}
	from := tile << tileBits
	to := min(from+TileSize, t.size>>(tileBits*level))
	got, err := read(ctx, t.src, level, from, to)
	if err != nil {
		return nil, err
	}
	if level > 0 {
		t.nodes[key] = got
		return got, nil
	}
	if len(t.leaves) == leafTilesMax {
		clear(t.leaves)
	}
	t.leaves[tile] = got
	return got, nil
}
