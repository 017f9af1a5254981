package reconcile

import (
	"cmp"
	"slices"
	"strings"
)

// TradesVersion is the version of the rules of [Trades], stored with each match.
const TradesVersion = 1

// Trades matches both sides of one channel and clearing date.
//
// Rows are matched by their number: payments by order number, refunds by refund
// number and checked against the order number; the amount must be equal. Rows of
// one number are matched as a set, equal amounts first. Rows whose side carries
// no number are matched by kind, amount and natural day, again as a set, and
// only where both sides have equally many of them. The rest are differences.
//
// A row of the pool that finds no partner goes on waiting: that is no
// difference. Matches come in the order pool, then our rows by place;
// differences by our row's place, then by theirs. fee may be nil: fees are then
// not compared.
func Trades(in Input, fee FeeRule) ([]Match, []Difference) {
	m := &matcher{
		pool:   len(in.Pool),
		ours:   append(ordered(in.Pool), ordered(in.Ours)...),
		theirs: ordered(in.Theirs),
	}
	m.partner = unset(len(m.ours))
	m.rule = make([]Rule, len(m.ours))
	m.taken = make([]bool, len(m.theirs))
	m.done = make([]bool, len(m.ours))
	m.follows = make([]bool, len(m.ours))
	m.byNumber()
	m.leftovers()
	return m.result(fee)
}

// matcher holds one run. Rows are named by their position in the fixed order;
// -1 is none.
type matcher struct {
	pool         int // ours[:pool] come from the pool
	ours, theirs []*Trade
	partner      []int32 // by our row: its match
	rule         []Rule  // by our row: why
	done         []bool  // by our row: matched or reported
	taken        []bool  // by their row: matched or reported
	follows      []bool  // by our row: an earlier row of ours has its number
	differences  []Difference
}

// ordered returns the rows in their fixed order. Files are read in it, so that
// the sort is the exception.
func ordered(rows []Trade) []*Trade {
	out := make([]*Trade, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	if !slices.IsSortedFunc(out, compareTrades) {
		slices.SortFunc(out, compareTrades)
	}
	return out
}

func unset(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// byNumber joins both sides on kind and number, through a map: BenchmarkJoin
// says why. Rows of one number form a group, chained in the fixed order; nearly
// all groups are one row to one.
func (m *matcher) byNumber() {
	heads := m.newHeads()
	next := unset(len(m.ours))
	for i := len(m.ours) - 1; i >= 0; i-- { // backwards: a chain then begins with its first row
		t := m.ours[i]
		number := t.reference()
		if number == "" {
			continue
		}
		if former, again := heads[t.Kind][number]; again {
			next[i] = former
			m.follows[former] = true
		}
		heads[t.Kind][number] = int32(i)
	}
	theirHead, theirNext := unset(len(m.ours)), unset(len(m.theirs))
	for j := len(m.theirs) - 1; j >= 0; j-- {
		t := m.theirs[j]
		if head, ok := heads[t.Kind][t.reference()]; ok {
			theirNext[j] = theirHead[head]
			theirHead[head] = int32(j)
		}
	}
	for i := range m.ours {
		j := theirHead[i]
		switch {
		case j < 0: // not the head of a group, or a group without their rows
		case next[i] < 0 && theirNext[j] < 0:
			m.compare(int32(i), j)
		default:
			m.settle(chain(next, int32(i)), chain(theirNext, j))
		}
	}
}

func chain(next []int32, head int32) []int32 {
	var all []int32
	for i := head; i >= 0; i = next[i] {
		all = append(all, i)
	}
	return all
}

// newHeads makes the index of our numbers by kind: number to the group's first row.
func (m *matcher) newHeads() [2]map[string]int32 {
	refunds := 0
	for _, t := range m.ours {
		if t.Kind == Refund {
			refunds++
		}
	}
	return [2]map[string]int32{
		Pay:    make(map[string]int32, len(m.ours)-refunds),
		Refund: make(map[string]int32, refunds),
	}
}

// compareNumbered compares two rows of one kind and number; "" means equal. An
// order number that a side leaves out is not compared.
func compareNumbered(ours, theirs *Trade) (failed Criterion, oursValue, theirsValue string) {
	if ours.OrderNo != theirs.OrderNo && ours.OrderNo != "" && theirs.OrderNo != "" {
		return OnOrderNo, ours.OrderNo, theirs.OrderNo
	}
	if ours.Amount != theirs.Amount {
		return OnAmount, ours.Amount.String(), theirs.Amount.String()
	}
	return "", "", ""
}

func (m *matcher) match(i, j int32, rule Rule) {
	m.partner[i], m.rule[i] = j, rule
	m.done[i], m.taken[j] = true, true
}

// compare matches two rows of one kind and number, or reports why they differ.
func (m *matcher) compare(i, j int32) {
	failed, oursValue, theirsValue := compareNumbered(m.ours[i], m.theirs[j])
	d := Difference{Kind: AmountDiffers, Failed: failed, OursValue: oursValue, TheirsValue: theirsValue}
	switch {
	case failed == "" && m.ours[i].Kind == Refund:
		m.match(i, j, ByRefundNo)
		return
	case failed == "":
		m.match(i, j, ByOrderNo)
		return
	case failed == OnOrderNo:
		d.Kind = NumberDiffers
	}
	m.report(d, i, j)
}

// report adds a difference about our row i and their row j, either of them -1.
func (m *matcher) report(d Difference, i, j int32) {
	if i >= 0 {
		d.Ours, d.FromPool, m.done[i] = m.ours[i], int(i) < m.pool, true
	}
	if j >= 0 {
		d.Theirs, m.taken[j] = m.theirs[j], true
	}
	m.differences = append(m.differences, d)
}

// settle matches a group of several rows as a set: equal rows first, then what
// remains in pairs that disagree; the surplus of a side is duplicate. Sorting
// keeps a hostile file of one number from costing rows times rows.
func (m *matcher) settle(ours, theirs []int32) {
	firstOurs, firstTheirs := m.ours[ours[0]], m.theirs[theirs[0]]
	ours, theirs = m.equalFirst(ours, theirs)
	for len(ours) > 0 && len(theirs) > 0 {
		m.compare(ours[0], theirs[0])
		ours, theirs = ours[1:], theirs[1:]
	}
	for _, i := range ours {
		m.report(Difference{Kind: DuplicateOurs, Near: firstTheirs, Failed: OnPartner}, i, -1)
	}
	for _, j := range theirs {
		m.report(Difference{Kind: DuplicateTheirs, Near: firstOurs, Failed: OnPartner}, -1, j)
	}
}

// equalFirst matches the rows of a group that are equal and returns the others,
// sorted by order number and amount; by amount alone where a row has no order number.
func (m *matcher) equalFirst(ours, theirs []int32) (restOurs, restTheirs []int32) {
	unnumbered := slices.ContainsFunc(ours, func(i int32) bool { return m.ours[i].OrderNo == "" }) ||
		slices.ContainsFunc(theirs, func(j int32) bool { return m.theirs[j].OrderNo == "" })
	order := func(a, b *Trade) int {
		if c := strings.Compare(a.OrderNo, b.OrderNo); c != 0 && !unnumbered {
			return c
		}
		return cmp.Compare(a.Amount, b.Amount)
	}
	// Stable: the chains come in the fixed order, which breaks ties.
	slices.SortStableFunc(ours, func(a, b int32) int { return order(m.ours[a], m.ours[b]) })
	slices.SortStableFunc(theirs, func(a, b int32) int { return order(m.theirs[a], m.theirs[b]) })
	for len(ours) > 0 && len(theirs) > 0 {
		i, j := ours[0], theirs[0]
		switch c := order(m.ours[i], m.theirs[j]); {
		case c == 0:
			m.compare(i, j)
			ours, theirs = ours[1:], theirs[1:]
		case c < 0:
			restOurs, ours = append(restOurs, i), ours[1:]
		default:
			restTheirs, theirs = append(restTheirs, j), theirs[1:]
		}
	}
	return append(restOurs, ours...), append(restTheirs, theirs...)
}

// result reads the matches off in the fixed order and compares their fees.
func (m *matcher) result(fee FeeRule) ([]Match, []Difference) {
	n := 0
	for _, j := range m.partner {
		if j >= 0 {
			n++
		}
	}
	matches := make([]Match, 0, n)
	for i, j := range m.partner {
		if j < 0 {
			continue
		}
		ours, theirs := m.ours[i], m.theirs[j]
		matches = append(matches, Match{Ours: ours.Ref, Theirs: theirs.Ref, Rule: m.rule[i], FromPool: i < m.pool})
		if fee == nil {
			continue
		}
		if want := fee(theirs.Kind, theirs.Amount); want != theirs.Fee {
			m.report(Difference{Kind: FeeDiffers, Failed: OnFee,
				OursValue: want.String(), TheirsValue: theirs.Fee.String()}, int32(i), j)
		}
	}
	slices.SortFunc(m.differences, compareDifferences)
	return matches, m.differences
}

// compareDifferences is the fixed order of differences: those with a row of
// ours by its place, then the others by theirs.
func compareDifferences(a, b Difference) int {
	return cmp.Or(comparePlaces(a.Ours, b.Ours), comparePlaces(a.Theirs, b.Theirs),
		cmp.Compare(a.Kind, b.Kind))
}

func comparePlaces(a, b *Trade) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return compareTrades(a, b)
}
