package translog_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/internal/fault"
	"custody/internal/translog"
)

type hash = translog.Hash

// The reference: RFC 6962 section 2.1 written down as it stands there.

func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func naiveRoot(d []hash) hash {
	switch len(d) {
	case 0:
		return translog.Root(nil) // checked against the known vector
	case 1:
		return d[0]
	}
	k := split(len(d))
	return translog.NodeHash(naiveRoot(d[:k]), naiveRoot(d[k:]))
}

func naivePath(m int, d []hash) []hash {
	if len(d) == 1 {
		return nil
	}
	k := split(len(d))
	if m < k {
		return append(naivePath(m, d[:k]), naiveRoot(d[k:]))
	}
	return append(naivePath(m-k, d[k:]), naiveRoot(d[:k]))
}

func naiveSubproof(m int, d []hash, whole bool) []hash {
	if m == len(d) {
		if whole {
			return nil
		}
		return []hash{naiveRoot(d)}
	}
	k := split(len(d))
	if m <= k {
		return append(naiveSubproof(m, d[:k], whole), naiveRoot(d[k:]))
	}
	return append(naiveSubproof(m-k, d[k:], false), naiveRoot(d[:k]))
}

// memory is a Source that counts what is read from it, by level.
type memory struct {
	levels [][]hash
	read   map[int]int
}

func (m *memory) Leaves(_ context.Context, from, to int64) ([]hash, error) {
	return m.Tiles(context.Background(), 0, from, to)
}

func (m *memory) Tiles(_ context.Context, level int, from, to int64) ([]hash, error) {
	if m.read == nil {
		m.read = map[int]int{}
	}
	m.read[level] += int(to - from)
	if level >= len(m.levels) || to > int64(len(m.levels[level])) {
		return nil, nil
	}
	return slices.Clone(m.levels[level][from:to]), nil
}

// grow appends leaves as the store does: nodes from Grow, then leaves and nodes kept.
func (m *memory) grow(t fatal, leaves []hash) {
	t.Helper()
	if m.levels == nil {
		m.levels = [][]hash{nil}
	}
	nodes, err := translog.Grow(context.Background(), m, int64(len(m.levels[0])), leaves)
	if err != nil {
		t.Fatal(err)
	}
	m.levels[0] = append(m.levels[0], leaves...)
	for _, n := range nodes {
		if n.Level == len(m.levels) {
			m.levels = append(m.levels, nil)
		}
		if n.Index != int64(len(m.levels[n.Level])) {
			t.Fatalf("level %d: node %d follows %d nodes", n.Level, n.Index, len(m.levels[n.Level]))
		}
		m.levels[n.Level] = append(m.levels[n.Level], n.Hash)
	}
}

type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func numbered(from, n int) []hash {
	out := make([]hash, n)
	for i := range out {
		out[i] = translog.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(from+i)))
	}
	return out
}

func must(t fatal, s string) hash {
	t.Helper()
	h, err := translog.ParseHash(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestKnownVectors holds the eight leaves, roots and proofs that the reference
// implementation of Certificate Transparency is tested with.
func TestKnownVectors(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var leaves []hash
	for _, in := range inputs {
		raw, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, translog.LeafHash(raw))
	}
	for n, want := range roots {
		if got := translog.Root(leaves[:n]).String(); got != want {
			t.Errorf("root of %d leaves: got %s, want %s", n, got, want)
		}
	}
	var src memory
	src.grow(t, leaves)
	tree, err := translog.NewTree(&src, 8)
	if err != nil {
		t.Fatal(err)
	}
	first := []hash{
		must(t, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
		must(t, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
		must(t, "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
	}
	got, err := tree.Inclusion(t.Context(), 0)
	if diff := cmp.Diff(first, got); diff != "" || err != nil {
		t.Errorf("inclusion of leaf 0 in 8 (-want +got), error %v:\n%s", err, diff)
	}
	sixth := []hash{
		must(t, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
		must(t, "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
		must(t, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
	}
	got, err = tree.Consistency(t.Context(), 6)
	if diff := cmp.Diff(sixth, got); diff != "" || err != nil {
		t.Errorf("consistency of 6 and 8 (-want +got), error %v:\n%s", err, diff)
	}
}

// sizes prefers the edges of tiles: that is where the arithmetic can go wrong.
func sizes(most int) *rapid.Generator[int] {
	return rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, most),
		rapid.Custom(func(t *rapid.T) int {
			return min(most, 256*rapid.IntRange(1, most/256).Draw(t, "tiles")+rapid.IntRange(-1, 1).Draw(t, "edge"))
		}))
}

func TestTreeIsTheNaiveDefinition(t *testing.T) {
	const most = 1500
	var src memory
	leaves := numbered(0, most)
	src.grow(t, leaves)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		n := sizes(most).Draw(t, "size")
		tree, err := translog.NewTree(&src, int64(n))
		if err != nil {
			t.Fatal(err)
		}
		d := leaves[:n]
		root, err := tree.Root(ctx)
		if want := naiveRoot(d); root != want || translog.Root(d) != want || err != nil {
			t.Fatalf("root of %d: Tree %s, Root %s, want %s, error %v", n, root, translog.Root(d), want, err)
		}
		old := rapid.IntRange(0, n).Draw(t, "old")
		proof, err := tree.Consistency(ctx, int64(old))
		if err != nil {
			t.Fatal(err)
		}
		if old > 0 {
			if diff := cmp.Diff(naiveSubproof(old, d, true), proof); diff != "" {
				t.Fatalf("consistency (-want +got):\n%s", diff)
			}
		}
		if err := translog.VerifyConsistency(naiveRoot(leaves[:old]), int64(old), root, int64(n), proof); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		index := rapid.IntRange(0, n-1).Draw(t, "index")
		proof, err = tree.Inclusion(ctx, int64(index))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(naivePath(index, d), append([]hash(nil), proof...)); diff != "" && n > 1 {
			t.Fatalf("inclusion (-want +got):\n%s", diff)
		}
		if err := translog.VerifyInclusion(root, int64(n), int64(index), leaves[index], proof); err != nil {
			t.Fatal(err)
		}
	})
}

// TestProofsDoNotHoldForAnythingElse changes one thing of a good proof.
func TestProofsDoNotHoldForAnythingElse(t *testing.T) {
	var src memory
	leaves := numbered(0, 700)
	src.grow(t, leaves)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		n := rapid.IntRange(2, 700).Draw(t, "size")
		index := rapid.IntRange(0, n-1).Draw(t, "index")
		old := rapid.IntRange(1, n-1).Draw(t, "old")
		tree, err := translog.NewTree(&src, int64(n))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := tree.Inclusion(ctx, int64(index))
		con, _ := tree.Consistency(ctx, int64(old))
		was, is := translog.Root(leaves[:old]), translog.Root(leaves[:n])
		flip := func(h hash) hash {
			h[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return h
		}
		bent := func(p []hash) []hash {
			p = slices.Clone(p)
			switch how := rapid.SampledFrom([]string{"flip", "drop", "add"}).Draw(t, "how"); {
			case how == "flip" && len(p) > 0:
				i := rapid.IntRange(0, len(p)-1).Draw(t, "at")
				p[i] = flip(p[i])
			case how == "drop" && len(p) > 0:
				p = p[:len(p)-1]
			default:
				p = append(p, hash{})
			}
			return p
		}
		for what, err := range map[string]error{
			"leaf":  translog.VerifyInclusion(is, int64(n), int64(index), flip(leaves[index]), in),
			"index": translog.VerifyInclusion(is, int64(n), int64((index+1)%n), leaves[index], in),
			"root":  translog.VerifyInclusion(flip(is), int64(n), int64(index), leaves[index], in),
			"proof": translog.VerifyInclusion(is, int64(n), int64(index), leaves[index], bent(in)),
		} {
			if fault.CodeOf(err) != "translog.inclusion" {
				t.Errorf("inclusion with another %s: got %v", what, err)
			}
		}
		for what, err := range map[string]error{
			"old root": translog.VerifyConsistency(flip(was), int64(old), is, int64(n), con),
			"new root": translog.VerifyConsistency(was, int64(old), flip(is), int64(n), con),
			"proof":    translog.VerifyConsistency(was, int64(old), is, int64(n), bent(con)),
		} {
			if fault.CodeOf(err) != "translog.consistency" {
				t.Errorf("consistency with another %s: got %v", what, err)
			}
		}
	})
}

func TestSizesThatCannotBe(t *testing.T) {
	var src memory
	src.grow(t, numbered(0, 3))
	tree, err := translog.NewTree(&src, 3)
	if err != nil {
		t.Fatal(err)
	}
	_, negative := translog.NewTree(&src, -1)
	_, grown := translog.Grow(t.Context(), &src, -1, numbered(0, 1))
	_, before := tree.Inclusion(t.Context(), -1)
	_, behind := tree.Inclusion(t.Context(), 3)
	_, longer := tree.Consistency(t.Context(), 4)
	for what, err := range map[string]error{
		"negative size":   negative,
		"negative growth": grown,
		"negative index":  before,
		"index behind":    behind,
		"old log longer":  longer,
		"verify index":    translog.VerifyInclusion(hash{}, 3, 3, hash{}, nil),
		"verify shrunken": translog.VerifyConsistency(hash{}, 4, hash{}, 3, nil),
	} {
		if fault.CodeOf(err) != "translog.range" {
			t.Errorf("%s: got %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"not the root of an empty log": translog.VerifyConsistency(hash{1}, 0, hash{2}, 3, nil),
		"nor with no log after it":     translog.VerifyConsistency(hash{1}, 0, hash{1}, 0, nil),
		"same size, other root":        translog.VerifyConsistency(hash{1}, 3, hash{2}, 3, nil),
		"a proof where none is needed": translog.VerifyConsistency(hash{1}, 3, hash{1}, 3, []hash{{}}),
		"no proof where one is needed": translog.VerifyConsistency(hash{1}, 3, hash{2}, 4, nil),
	} {
		if fault.CodeOf(err) != "translog.consistency" {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := translog.VerifyConsistency(translog.Root(nil), 0, hash{2}, 3, nil); err != nil {
		t.Errorf("an empty log is the beginning of every log: got %v", err)
	}
	if _, err := translog.ParseHash("12zz"); fault.CodeOf(err) != "translog.hash" {
		t.Errorf("a short hash: got %v", err)
	}
}

func TestAShortSourceIsBroken(t *testing.T) {
	var src memory
	src.grow(t, numbered(0, 300))
	tree, err := translog.NewTree(&src, 600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Root(t.Context()); fault.CodeOf(err) != "translog.missing" {
		t.Errorf("root of 600 of 300 leaves: got %v", err)
	}
	if _, err := translog.Grow(t.Context(), &src, 600, numbered(600, 300)); fault.CodeOf(err) != "translog.missing" {
		t.Errorf("growing behind 600 of 300 leaves: got %v", err)
	}
}

// TestGrowInPiecesIsGrowAtOnce cuts a log into any pieces: nodes are the same,
// each is the root of its leaves, and little is read.
func TestGrowInPiecesIsGrowAtOnce(t *testing.T) {
	const most = 70_000 // a little over one node of level 2
	leaves := numbered(0, most)
	var once memory
	once.grow(t, leaves)
	if len(once.levels) != 3 || once.levels[2][0] != translog.Root(leaves[:65_536]) {
		t.Fatalf("%d levels, or level 2 is not the root of 65,536 leaves", len(once.levels))
	}
	for k, h := range once.levels[1] {
		if want := naiveRoot(leaves[256*k : 256*k+256]); h != want {
			t.Fatalf("node %d of level 1: got %s, want %s", k, h, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		done := rapid.SampledFrom([]int{0, 300, 65_535}).Draw(t, "kept") // at once, to begin with
		var pieces memory
		pieces.grow(t, leaves[:done])
		for done < most {
			n := rapid.OneOf(rapid.IntRange(1, 600), rapid.IntRange(1, most)).Draw(t, "piece")
			n = min(n, most-done)
			pieces.read = nil
			pieces.grow(t, leaves[done:done+n])
			for level, read := range pieces.read {
				if read > 255 {
					t.Fatalf("read %d hashes of level %d", read, level)
				}
			}
			done += n
		}
		if !slices.EqualFunc(once.levels, pieces.levels, slices.Equal[[]hash]) {
			t.Fatal("the nodes differ")
		}
	})
}

func TestRootReadsOneTilePerLevel(t *testing.T) {
	var src memory
	src.grow(t, numbered(0, 70_000))
	src.read = nil
	tree, err := translog.NewTree(&src, 70_000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Root(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[int]int{0: 70_000 % 256, 1: 70_000 / 256 % 256, 2: 1}
	if diff := cmp.Diff(want, src.read); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkGrow appends a million leaves; one SHA-256 per inner node is its
// floor, which BenchmarkFloor measures.
func BenchmarkGrow(b *testing.B) {
	leaves := make([]hash, 1_000_000)
	for b.Loop() {
		if _, err := translog.Grow(b.Context(), &memory{}, 0, leaves); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFloor(b *testing.B) {
	var h hash
	for b.Loop() {
		for range 1_000_000 {
			h = translog.NodeHash(h, h)
		}
	}
}
