package orderfile

import "math/bits"

// seen knows the numbers of a file by a 128-bit hash of each, and the line of
// its first row. 5,000,000 numbers of 64 bytes would be 320 MB as strings; as
// hashes they are 20 bytes each, about 40 in the map. Two different numbers
// share a hash with a chance of 5,000,000² / 2^129, below 10^-25; the harm would
// be a file refused, never a duplicate let through.
type seen map[[2]uint64]int32

// put adds a number and returns the line where it stood before, if it did.
func (s seen) put(number []byte, line int) (first int, again bool) {
	key := fnv128a(number)
	if before, ok := s[key]; ok {
		return int(before), true
	}
	s[key] = int32(line) // MaxRows and a few lines more: fits
	return 0, false
}

// fnv128a is the 128-bit FNV-1a hash, as hash/fnv computes it, without its
// allocations.
func fnv128a(b []byte) [2]uint64 {
	const (
		offsetHigh, offsetLow = 0x6c62272e07bb0142, 0x62b821756295c58d
		primeLow, primeShift  = 0x13b, 24 // the prime is 2^88 + 0x13b
	)
	high, low := uint64(offsetHigh), uint64(offsetLow)
	for _, c := range b {
		low ^= uint64(c)
		carry, product := bits.Mul64(primeLow, low)
		carry += low<<primeShift + primeLow*high
		high, low = carry, product
	}
	return [2]uint64{high, low}
}
