package reconcile

import (
	"math"
	"slices"

	"custody/internal/money"
)

// Limits of a subset sum. 30 lines have 2^30 subsets; halves of 15 have 2^15
// sums each, which are listed in order and met in the middle in a millisecond.
// A party with more candidates than that has many ways to add up by chance. At
// most so many targets are tried: ten seconds in the worst case.
const (
	subsetMax        = 30
	subsetTargetsMax = 10_000
)

// Subset counts ALL the ways in which some of the amounts add up to the target,
// and returns the lines of one of them, in their order. Amounts and target are
// positive, at most 30 (more count as none), and together below 2^62 fen.
func Subset(amounts []money.Amount, target money.Amount) (ways int, one []int) {
	if len(amounts) > subsetMax || target <= 0 || target > math.MaxInt64/(2*subsetMax) {
		return 0, nil
	}
	half := len(amounts) / 2
	low, high := subsetSums(amounts[:half], target), subsetSums(amounts[half:], target)
	for i, j := 0, len(high)-1; i < len(low) && j >= 0; {
		switch sum := low[i].sum + high[j].sum; {
		case sum < target:
			i++
		case sum > target:
			j--
		default:
			if ways == 0 {
				one = members(low[i].members, 0, members(high[j].members, half, nil))
			}
			a, b := i, j
			for ; i < len(low) && low[i].sum == low[a].sum; i++ {
			}
			for ; j >= 0 && high[j].sum == high[b].sum; j-- {
			}
			ways += (i - a) * (b - j)
		}
	}
	slices.Sort(one)
	return ways, one
}

// subsetSum is the sum of some amounts, which are the bits of members.
type subsetSum struct {
	sum     money.Amount
	members uint32
}

// subsetSums lists all sums that are not above the limit in rising order, by
// merging the sums without an amount and those with it.
func subsetSums(amounts []money.Amount, limit money.Amount) []subsetSum {
	sums := []subsetSum{{}}
	for bit, amount := range amounts {
		merged := make([]subsetSum, 0, 2*len(sums))
		without, with := sums, sums
		for len(without) > 0 || len(with) > 0 && with[0].sum+amount <= limit {
			if len(without) > 0 && (len(with) == 0 || without[0].sum <= with[0].sum+amount) {
				merged = append(merged, without[0])
				without = without[1:]
				continue
			}
			merged = append(merged, subsetSum{with[0].sum + amount, with[0].members | 1<<bit})
			with = with[1:]
		}
		sums = merged
	}
	return sums
}

// members appends the numbers of the set bits, counted from the first.
func members(set uint32, first int, to []int) []int {
	for bit := 0; set>>bit != 0; bit++ {
		if set>>bit&1 != 0 {
			to = append(to, first+bit)
		}
	}
	return to
}

// subsetFound is a line and the lines of the other side that add up to it.
type subsetFound struct {
	a, b  *side
	whole int32
	parts []int32
	ways  int
}

// bySubset matches one line with some lines of its counterparty that add up to
// it, where there is exactly one way, and no line is in two of them.
func (m *planner) bySubset() {
	var found []subsetFound
	tried := 0
	for _, g := range grouped(m, func(r *Record) (partyKey, bool) { return partyKey{r.Account, r.Party}, r.Party != "" }) {
		m.ours.sorted(g.ours)
		m.theirs.sorted(g.theirs)
		found = append(found, m.subsets(&m.ours, &m.theirs, g.ours, g.theirs, &tried)...)
		found = append(found, m.subsets(&m.theirs, &m.ours, g.theirs, g.ours, &tried)...)
	}
	type line struct {
		ours bool
		at   int32
	}
	uses := map[line]int{}
	for _, f := range found {
		uses[line{f.a.ours, f.whole}]++
		for _, j := range f.parts {
			uses[line{f.b.ours, j}]++
		}
	}
	for _, f := range found {
		readings := max(f.ways, uses[line{f.a.ours, f.whole}])
		for _, j := range f.parts {
			readings = max(readings, uses[line{f.b.ours, j}])
		}
		if readings == 1 && len(f.parts) > 1 {
			m.matchMany(BySubset, f.a, f.b, []int32{f.whole}, f.parts)
		} else {
			m.suggest(BySubset, f.a, f.b, []int32{f.whole}, f.parts, readings)
		}
	}
}

// subsets looks for the parts of each line of a among the lines of b.
func (m *planner) subsets(a, b *side, as, bs []int32, tried *int) (found []subsetFound) {
	for _, i := range as {
		whole := a.row(i)
		parts := m.candidates(whole, b, bs)
		if len(parts) < 2 || *tried >= subsetTargetsMax {
			continue
		}
		*tried++
		amounts := make([]money.Amount, len(parts))
		for k, j := range parts {
			amounts[k] = b.row(j).Amount.Abs()
		}
		if ways, one := Subset(amounts, whole.Amount.Abs()); ways > 0 {
			f := subsetFound{a: a, b: b, whole: i, ways: ways}
			for _, k := range one {
				f.parts = append(f.parts, parts[k])
			}
			found = append(found, f)
		}
	}
	return found
}

// candidates are the lines that may be a part of the whole: of its direction, no
// larger, within the window, not contradicted; none where they are more than 30,
// or would have to be looked for among more than looksMax.
func (m *planner) candidates(whole *Record, b *side, bs []int32) []int32 {
	var parts []int32
	for k, j := range bs {
		r := b.row(j)
		if k == looksMax {
			return nil
		}
		if (r.Amount < 0) == (whole.Amount < 0) && r.Amount != 0 && r.Amount.Abs() <= whole.Amount.Abs() &&
			daysApart(r.Booked, whole.Booked) <= m.plan.WindowDays && !r.contradicts(whole) {
			if parts = append(parts, j); len(parts) > subsetMax {
				return nil
			}
		}
	}
	return parts
}
