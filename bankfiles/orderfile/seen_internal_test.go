package orderfile

import (
	"encoding/binary"
	"hash/fnv"
	"testing"

	"pgregory.net/rapid"
)

// Our fold of FNV-1a is the standard library's, which allocates.
func TestFNV128a(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		h := fnv.New128a()
		h.Write(b)
		sum := h.Sum(nil)
		want := [2]uint64{binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])}
		if got := fnv128a(b); got != want {
			t.Fatalf("%x: got %x, want %x", b, got, want)
		}
	})
}
