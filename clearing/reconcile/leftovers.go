package reconcile

import (
	"cmp"
	"slices"
	"strconv"

	"custody/internal/money"
)

// leftovers deals with the rows that no number has matched: rules that need no
// number, then the kind of each difference and its most similar row.
func (m *matcher) leftovers() {
	m.refundsByOrder()
	m.byAmountDay()
	m.directions()
	m.misses()
}

// openOurs returns our rows that are neither matched nor reported, openTheirs
// theirs. Rows of the pool are among them only if asked for.
func (m *matcher) openOurs(withPool bool) []int32 {
	from := m.pool
	if withPool {
		from = 0
	}
	var open []int32
	for i := from; i < len(m.ours); i++ {
		if !m.done[i] {
			open = append(open, int32(i))
		}
	}
	return open
}

func (m *matcher) openTheirs() []int32 {
	var open []int32
	for j, taken := range m.taken {
		if !taken {
			open = append(open, int32(j))
		}
	}
	return open
}

// group is the open rows of both sides that look the same.
type group struct{ ours, theirs []int32 }

// groups collects the open rows of both sides by key. Only groups with a bare
// row, one without the number that its rule does without, are of use: on most
// days there is none, and the work is one look at each open row.
func groups[K comparable](m *matcher, withPool bool, bare func(*Trade) bool, key func(*Trade) (K, bool)) map[K]*group {
	all := map[K]*group{}
	each := func(visit func(t *Trade, k K, isOurs bool, at int32)) {
		for _, i := range m.openOurs(withPool) {
			if k, ok := key(m.ours[i]); ok {
				visit(m.ours[i], k, true, i)
			}
		}
		for _, j := range m.openTheirs() {
			if k, ok := key(m.theirs[j]); ok {
				visit(m.theirs[j], k, false, j)
			}
		}
	}
	each(func(t *Trade, k K, _ bool, _ int32) {
		if bare(t) && all[k] == nil {
			all[k] = &group{}
		}
	})
	if len(all) == 0 {
		return nil
	}
	each(func(_ *Trade, k K, isOurs bool, at int32) {
		switch g := all[k]; {
		case g == nil:
		case isOurs:
			g.ours = append(g.ours, at)
		default:
			g.theirs = append(g.theirs, at)
		}
	})
	return all
}

// pair matches a group as a set: only where both sides have equally many rows,
// and one side has no numbers that could contradict. What it does is the same
// in whatever order the groups come, since no row is in two of them.
func (m *matcher) pair(g *group, rule Rule, bare func(*Trade) bool) {
	if len(g.ours) == 0 || len(g.ours) != len(g.theirs) {
		return
	}
	allBare := func(rows []*Trade, at []int32) bool {
		return !slices.ContainsFunc(at, func(i int32) bool { return !bare(rows[i]) })
	}
	if !allBare(m.ours, g.ours) && !allBare(m.theirs, g.theirs) {
		return
	}
	byTime := func(rows []*Trade) func(a, b int32) int {
		return func(a, b int32) int { return cmp.Or(cmp.Compare(rows[a].Time, rows[b].Time), cmp.Compare(a, b)) }
	}
	slices.SortFunc(g.ours, byTime(m.ours))
	slices.SortFunc(g.theirs, byTime(m.theirs))
	for k, i := range g.ours {
		m.match(i, g.theirs[k], rule)
	}
}

// refundsByOrder matches refunds of which one side has no refund number.
func (m *matcher) refundsByOrder() {
	type key struct {
		orderNo string
		amount  money.Amount
	}
	bare := func(t *Trade) bool { return t.RefundNo == "" }
	for _, g := range groups(m, true, bare, func(t *Trade) (key, bool) {
		return key{t.OrderNo, t.Amount}, t.Kind == Refund && t.OrderNo != ""
	}) {
		m.pair(g, ByOrderNo, bare)
	}
}

// byAmountDay matches rows of which one side has no number at all. Rows of the
// pool are of other days.
func (m *matcher) byAmountDay() {
	type key struct {
		kind   Kind
		amount money.Amount
		day    int64
	}
	for _, g := range groups(m, false, (*Trade).anonymous, func(t *Trade) (key, bool) {
		return key{t.Kind, t.Amount, t.day()}, true
	}) {
		m.pair(g, ByAmountDay, (*Trade).anonymous)
	}
}

// directions reports a payment and a refund of one order and amount that stand
// on different sides.
func (m *matcher) directions() {
	type key struct {
		orderNo string
		amount  money.Amount
		ourKind Kind
	}
	theirs := map[key][]int32{}
	for _, j := range m.openTheirs() {
		if t := m.theirs[j]; t.OrderNo != "" {
			k := key{t.OrderNo, t.Amount, 1 - t.Kind}
			theirs[k] = append(theirs[k], j)
		}
	}
	if len(theirs) == 0 {
		return
	}
	for _, i := range m.openOurs(false) {
		t := m.ours[i]
		k := key{t.OrderNo, t.Amount, t.Kind}
		if open := theirs[k]; len(open) > 0 && !m.follows[i] {
			m.report(Difference{Kind: Direction, Failed: OnKind, OursValue: t.Kind.String(),
				TheirsValue: m.theirs[open[0]].Kind.String()}, i, open[0])
			theirs[k] = open[1:]
		}
	}
}

// misses reports every row that is still open.
func (m *matcher) misses() {
	ours, theirs := m.openOurs(true), m.openTheirs()
	nearTheirs, nearOurs := newNearby(m.theirs, theirs), newNearby(m.ours, ours)
	firsts := map[numberKey]*Trade{} // the first open row of a number
	for _, i := range ours {
		t := m.ours[i]
		if m.follows[i] && firsts[numberOf(t)] != nil {
			m.report(Difference{Kind: DuplicateOurs, Near: firsts[numberOf(t)], Failed: OnPartner}, i, -1)
			continue
		}
		firsts[numberOf(t)] = t
		if int(i) < m.pool {
			continue // goes on waiting
		}
		m.report(miss(t, nil, nearOurs, nearTheirs), i, -1)
	}
	clear(firsts)
	for _, j := range theirs {
		t := m.theirs[j]
		if first := firsts[numberOf(t)]; first != nil && t.reference() != "" {
			m.report(Difference{Kind: DuplicateTheirs, Near: first, Failed: OnPartner}, -1, j)
			continue
		}
		firsts[numberOf(t)] = t
		m.report(miss(nil, t, nearOurs, nearTheirs), -1, j)
	}
}

type numberKey struct {
	kind   Kind
	number string
}

func numberOf(t *Trade) numberKey { return numberKey{t.Kind, t.reference()} }

// miss describes a row, ours or theirs, without partner. Near is the other
// side's open row of the same kind and amount that is nearest in time.
func miss(ours, theirs *Trade, openOurs, openTheirs nearby) Difference {
	t, d := ours, Difference{Kind: BankMiss}
	if ours == nil {
		t, d.Kind = theirs, PlatformMiss
		ours = openOurs.to(t)
		d.Near = ours
	} else {
		theirs = openTheirs.to(t)
		d.Near = theirs
	}
	if t.Kind == Refund {
		d.Kind = RefundMiss
	}
	if d.Near == nil {
		return d
	}
	inOurs, inTheirs := openOurs.count(t), openTheirs.count(t)
	switch {
	case (ours.anonymous() || theirs.anonymous()) && inOurs != inTheirs:
		d.Failed, d.OursValue, d.TheirsValue = OnCount, strconv.Itoa(inOurs), strconv.Itoa(inTheirs)
	case ours.OrderNo != theirs.OrderNo:
		d.Failed, d.OursValue, d.TheirsValue = OnOrderNo, ours.OrderNo, theirs.OrderNo
	default:
		d.Failed, d.OursValue, d.TheirsValue = OnRefundNo, ours.RefundNo, theirs.RefundNo
	}
	return d
}

// nearby finds rows by kind, amount and time.
type nearby struct{ rows []*Trade }

func newNearby(rows []*Trade, open []int32) nearby {
	n := nearby{rows: make([]*Trade, len(open))}
	for k, i := range open {
		n.rows[k] = rows[i]
	}
	slices.SortFunc(n.rows, func(a, b *Trade) int { return cmp.Or(byAmountTime(a, b), compareTrades(a, b)) })
	return n
}

func byAmountTime(a, b *Trade) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Time, b.Time))
}

// to returns the row of t's kind and amount that is nearest in time, the
// earlier one where two are equally near; nil where there is none.
func (n nearby) to(t *Trade) *Trade {
	at, _ := slices.BinarySearchFunc(n.rows, t, byAmountTime)
	var best *Trade
	for _, k := range []int{at - 1, at} {
		if k < 0 || k >= len(n.rows) {
			continue
		}
		if r := n.rows[k]; r.Kind == t.Kind && r.Amount == t.Amount &&
			(best == nil || abs(r.Time-t.Time) < abs(best.Time-t.Time)) {
			best = r
		}
	}
	return best
}

// count returns how many rows of t's kind and amount there are on t's day.
func (n nearby) count(t *Trade) int {
	first, last := *t, *t
	first.Time = t.day()*secondsPerDay - secondsEast
	last.Time = first.Time + secondsPerDay
	from, _ := slices.BinarySearchFunc(n.rows, &first, byAmountTime)
	to, _ := slices.BinarySearchFunc(n.rows, &last, byAmountTime)
	return to - from
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
