// Package translog is a Merkle log: it proves that what was once written down
// still stands there, unchanged and in its place.
//
// Whoever holds the root and the size of a log (they are in every day's seal)
// can be shown that a voucher is in it (inclusion) and that a later, longer log
// only added to it (consistency), without seeing any other voucher. The shape
// is that of RFC 6962 section 2 over SHA-256.
//
//	leaves := []translog.Hash{translog.LeafHash(first), translog.LeafHash(second)}
//	root := translog.Root(leaves)
//
// A long log is not hashed anew each time: whenever 256 hashes of one level are
// complete their common root, a tile, is kept as a node of the level above.
// [Grow] says which nodes appear with new leaves; [Tree] works out roots and
// proofs from what a [Source] kept. The package itself stores nothing.
package translog

import (
	"crypto/sha256"
	"encoding/hex"

	"custody/internal/fault"
)

// Hash is a SHA-256 hash of a leaf or of an inner node.
type Hash [sha256.Size]byte

// The prefixes of RFC 6962 section 2.1: they keep a leaf from passing as a node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// TileSize is how many hashes of one level make one node of the level above.
const TileSize = 1 << tileBits

const tileBits = 8

// String returns the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what [Hash.String] wrote. It returns translog.hash.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return Hash{}, fault.Invalid("translog.hash").On("hash", s)
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fault.Invalid("translog.hash").On("hash", s).Because(err)
	}
	return h, nil
}

// LeafHash returns the hash of a leaf's content.
func LeafHash(data []byte) Hash {
	d := sha256.New()
	d.Write([]byte{leafPrefix})
	d.Write(data)
	var h Hash
	d.Sum(h[:0])
	return h
}

// NodeHash returns the hash of the node above l and r.
func NodeHash(l, r Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], l[:])
	copy(b[1+sha256.Size:], r[:])
	return sha256.Sum256(b[:])
}

// Root returns the root of a log of these leaf hashes; the root of an empty
// log is SHA-256 of nothing. It hashes once per inner node.
func Root(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	if len(leaves) == 1 {
		return leaves[0]
	}
	return fold(leaves, make([]Hash, (len(leaves)+1)/2))
}

// TileRoot returns the root of one full tile, exactly [TileSize] hashes. It is
// [Root] without an allocation.
func TileRoot(nodes []Hash) Hash {
	if len(nodes) != TileSize {
		panic("translog: a tile is 256 hashes")
	}
	var scratch [TileSize / 2]Hash
	return fold(nodes, scratch[:])
}

// fold hashes neighbours level by level into scratch, which holds half of
// nodes. A last node without a neighbour moves up unchanged: that gives the tree
// of RFC 6962, whose left side is always the largest full subtree.
func fold(nodes, scratch []Hash) Hash {
	for len(nodes) > 1 {
		n := len(nodes)
		for i := range n / 2 {
			scratch[i] = NodeHash(nodes[2*i], nodes[2*i+1])
		}
		if n%2 == 1 {
			scratch[n/2] = nodes[n-1]
		}
		nodes = scratch[:(n+1)/2]
	}
	return nodes[0]
}
