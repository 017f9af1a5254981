package lines

import (
	"hash/maphash"
	"math/bits"
)

// Seen knows the numbers of a file by a 64-bit hash of each, and the line of its
// first row: 12 bytes in a table at most three quarters full, 16 MB for 1,000,000
// numbers where their count is known, which would be 100 MB as strings in a map. Two different numbers of so
// large a file share a hash with a chance of 1,000,000² / 2^65, 3 in 100 million,
// and not again when the file is read anew; the harm is a file refused, never a
// duplicate let through. The zero value is ready.
type Seen struct {
	seed   maphash.Seed
	hashes []uint64 // 0: free
	lines  []int32
	count  int
}

// Len is how many numbers there are.
func (s *Seen) Len() int { return s.count }

// Reserve makes room for so many numbers, so that the table need not grow.
func (s *Seen) Reserve(count int) {
	if size := 4*count/3 + firstSize; size > len(s.hashes) {
		s.resize(size)
	}
}

// Put adds a number and returns the line where it stood before, if it did.
func (s *Seen) Put(number string, line int) (first int, again bool) {
	if 4*(s.count+1) > 3*len(s.hashes) {
		s.resize(max(firstSize, 2*len(s.hashes)))
	}
	h := maphash.String(s.seed, number) | 1 // never 0; the lowest bit is spent on it
	i := s.find(s.hashes, h)
	if s.hashes[i] == h {
		return int(s.lines[i]), true
	}
	s.hashes[i], s.lines[i] = h, int32(line) // a file has fewer than 2^31 lines
	s.count++
	return 0, false
}

// find returns the place of a hash, or the free one where it belongs.
func (s *Seen) find(hashes []uint64, h uint64) int {
	at, _ := bits.Mul64(h, uint64(len(hashes))) // h as a fraction of the table
	i := int(at)
	for hashes[i] != 0 && hashes[i] != h {
		if i++; i == len(hashes) {
			i = 0
		}
	}
	return i
}

// firstSize of the table.
const firstSize = 1 << 10

func (s *Seen) resize(size int) {
	if s.hashes == nil {
		s.seed = maphash.MakeSeed()
	}
	hashes, at := make([]uint64, size), make([]int32, size)
	for i, h := range s.hashes {
		if h != 0 {
			to := s.find(hashes, h)
			hashes[to], at[to] = h, s.lines[i]
		}
	}
	s.hashes, s.lines = hashes, at
}
