package reconcile

import (
	"cmp"
	"slices"

	"custody/internal/money"
)

// Strategy is one way of finding the lines that are the same event.
type Strategy uint8

// The strategies, in the order in which they are tried: what an identifier
// proves is out of the way before amounts and days are asked. Append only.
const (
	ByInstruction Strategy = 1 + iota // 指令号, and the amount
	ByBankRef                         // 银行流水号, and the amount
	ByOwnRef                          // 附言中的本方单号, and the amount
	ByBatch                           // 批次号或文件号, and the amount
	ByPartyDay                        // 对方、金额、记账日
	ByWindow                          // a reference or the party, the amount within the tolerance, the day within the window
	ByGroup                           // 一对多: one line is the sum of all lines of a batch or instruction
	BySubset                          // 组合: one line is the sum of some lines of the party, in exactly one way
	FuzzyStrategy                     // 疑似: never confirmed by itself
)

// strategyNames are the strategies as they are stored and shown.
var strategyNames = [...]string{ByInstruction: "instruction", ByBankRef: "bank-ref", ByOwnRef: "own-ref", ByBatch: "batch", ByPartyDay: "party-amount-day",
	ByWindow: "tolerance-window", ByGroup: "group-sum", BySubset: "subset-sum", FuzzyStrategy: "fuzzy"}

// String returns the name that is stored with a match.
func (s Strategy) String() string {
	if int(s) < len(strategyNames) {
		return strategyNames[s]
	}
	return ""
}

// ParseStrategy finds a strategy by the name that is stored with a match.
func ParseStrategy(name string) (Strategy, bool) {
	i := slices.Index(strategyNames[:], name)
	return Strategy(max(i, 0)), i > 0 && name != ""
}

// strong reports whether the strategy goes by an identifier.
func (s Strategy) strong() bool { return s <= ByBatch }

// Plan is the order of the strategies with their parameters. Its Version is
// stored with every match: other parameters are another version.
type Plan struct {
	Version       int
	ToleranceFen  money.Amount // how far two amounts may differ under ByWindow; 0 is equal to the fen
	WindowDays    int          // natural days between the booking days, under ByWindow and BySubset
	SuggestedDays int          // the same under FuzzyStrategy
	Without       []Strategy   // strategies that are left out; nil is all of them
}

// StandardPlan matches to the fen, within three days (the cross-day pool's
// limit), and suggests within a week.
func StandardPlan() Plan { return Plan{Version: 1, WindowDays: 3, SuggestedDays: 7} }

// Pairing is lines of both sides that are the same event, or may be.
type Pairing struct {
	Ours, Theirs []Ref // one to one, one to many or many to one; several on both sides only as a suggestion
	Strategy     Strategy
	Version      int          // of the plan
	Agreed       Fields       // what all the lines agree in
	Alternatives int          // readings that fit as well, this one included; 1 where confirmed
	Difference   money.Amount // ours less theirs: not zero only within the tolerance
}

// Outcome is what a plan finds. A line is in at most one confirmed pairing, or
// else it is open; suggestions are about open lines.
type Outcome struct {
	Confirmed, Suggested []Pairing // by our first line's place
	OpenOurs, OpenTheirs []Ref     // by place
}

// Match runs the strategies in their order over the lines of both sides.
//
// A pairing is confirmed only where it is the one reading: the amounts are equal
// to the fen (within the tolerance under [ByWindow]), no reference contradicts,
// and every other reading exchanges lines that say the same, which are
// interchangeable and matched as a set. Whatever has several readings is a
// suggestion, and where an identifier led to it its lines are kept from the
// weaker strategies. The order of the input changes nothing.
func (p Plan) Match(ours, theirs []Record) Outcome {
	m := newPlanner(p, ours, theirs)
	for _, s := range m.strategies() {
		if !slices.Contains(p.Without, s.strategy) {
			s.run()
		}
	}
	return m.outcome()
}

// planned is a strategy with what it does.
type planned struct {
	strategy Strategy
	run      func()
}

// strategies are all of them in their order.
func (m *planner) strategies() []planned {
	batch := func(r *Record) string { return r.Batch }
	instruction := func(r *Record) string { return r.Instruction }
	return []planned{
		{ByInstruction, func() { m.byReference(ByInstruction, instruction) }},
		{ByBankRef, func() { m.byReference(ByBankRef, func(r *Record) string { return r.BankRef }) }},
		{ByOwnRef, func() { m.byOwnRef(&m.ours, &m.theirs); m.byOwnRef(&m.theirs, &m.ours) }},
		{ByBatch, func() { m.byReference(ByBatch, batch) }},
		{ByPartyDay, m.byPartyDay},
		{ByWindow, m.byWindow},
		{ByGroup, func() { m.byGroup(batch); m.byGroup(instruction) }},
		{BySubset, m.bySubset},
		{FuzzyStrategy, m.fuzzy},
	}
}

// state of a line while a plan runs.
type state uint8

const (
	open    state = iota
	matched       // confirmed
	held          // an identifier led to several readings: no weaker strategy may take it
)

// side is the lines of one side by place, with what became of them.
type side struct {
	rows    []Record // by place
	state   []state
	partner []int32 // one-to-one partner on the other side, or -1
	ours    bool
}

// newSide holds the lines as they are where they come by place, as files do;
// else a copy in that order.
func newSide(records []Record, ours bool) side {
	byPlace := func(a, b Record) int { return cmp.Or(a.Ref.Compare(b.Ref), compareContent(&a, &b)) }
	if !inPlace(records) {
		records = slices.Clone(records)
		slices.SortFunc(records, byPlace)
	}
	return side{rows: records, state: make([]state, len(records)), partner: unset(len(records)), ours: ours}
}

// inPlace reports whether each line comes after the one before.
func inPlace(records []Record) bool {
	for i := 1; i < len(records); i++ {
		if records[i-1].Ref.Compare(records[i].Ref) >= 0 {
			return false
		}
	}
	return true
}

// row returns a line.
func (s *side) row(i int32) *Record { return &s.rows[i] }

// open returns the open lines in the order of place.
func (s *side) open() []int32 {
	var at []int32
	for i, st := range s.state {
		if st == open {
			at = append(at, int32(i))
		}
	}
	return at
}

// sorted orders lines by content.
func (s *side) sorted(at []int32) {
	slices.SortFunc(at, func(a, b int32) int { return compareRecords(s.row(a), s.row(b)) })
}

// uniform reports whether the lines, sorted by content, all say the same.
func (s *side) uniform(at []int32) bool {
	return len(at) < 2 || compareContent(s.row(at[0]), s.row(at[len(at)-1])) == 0
}

// bundle is lines of both sides that belong together, or may.
type bundle struct {
	ours, theirs []int32
	strategy     Strategy
	alternatives int
}

// planner is one run of a plan.
type planner struct {
	plan         Plan
	ours, theirs side
	strategy     []Strategy // by our line: of its one-to-one match
	agreed       []Fields   // by our line: its evidence
	many         []bundle   // confirmed with several lines on a side
	suggested    []bundle
	read         uint64 // of index.warm
}

func newPlanner(p Plan, ours, theirs []Record) *planner {
	m := &planner{plan: p, ours: newSide(ours, true), theirs: newSide(theirs, false)}
	m.strategy = make([]Strategy, len(m.ours.rows))
	m.agreed = make([]Fields, len(m.ours.rows))
	return m
}

// oriented returns lines of two sides as ours and theirs.
func oriented(a *side, as, bs []int32) (ours, theirs []int32) {
	if a.ours {
		return as, bs
	}
	return bs, as
}

// match confirms one line of each side, with the evidence.
func (m *planner) match(s Strategy, a, b *side, i, j int32, agreed Fields) {
	a.state[i], b.state[j] = matched, matched
	a.partner[i], b.partner[j] = j, i
	if !a.ours {
		i = j
	}
	m.strategy[i], m.agreed[i] = s, agreed
}

// matchMany confirms one line of a side with several of the other.
func (m *planner) matchMany(s Strategy, a, b *side, as, bs []int32) {
	for _, i := range as {
		a.state[i] = matched
	}
	for _, j := range bs {
		b.state[j] = matched
	}
	ours, theirs := oriented(a, as, bs)
	m.many = append(m.many, bundle{ours, theirs, s, 1})
}

// suggest keeps a reading that is not the only one. What an identifier led to is held.
func (m *planner) suggest(s Strategy, a, b *side, as, bs []int32, alternatives int) {
	if s.strong() {
		hold(a, as)
		hold(b, bs)
	}
	ours, theirs := oriented(a, slices.Clone(as), slices.Clone(bs))
	m.suggested = append(m.suggested, bundle{ours, theirs, s, alternatives})
}

// hold keeps lines from the weaker strategies.
func hold(s *side, at []int32) {
	for _, i := range at {
		if s.state[i] == open {
			s.state[i] = held
		}
	}
}

// outcome reads the result off in the order of place.
func (m *planner) outcome() Outcome {
	var o Outcome
	firsts := make(map[int32]*bundle, len(m.many))
	total := 0
	for k := range m.many {
		b := &m.many[k]
		slices.Sort(b.ours)
		slices.Sort(b.theirs)
		firsts[b.ours[0]] = b
	}
	for _, j := range m.ours.partner {
		if j >= 0 {
			total++
		}
	}
	o.Confirmed = make([]Pairing, 0, total+len(m.many))
	refs := make([]Ref, 0, 2*total) // one piece of memory for all of them
	for i, j := range m.ours.partner {
		if j >= 0 {
			refs = append(refs, m.ours.rows[i].Ref, m.theirs.rows[j].Ref)
			n := len(refs)
			p := Pairing{Ours: refs[n-2 : n-1 : n-1], Theirs: refs[n-1 : n : n], Strategy: m.strategy[i],
				Version: m.plan.Version, Agreed: m.agreed[i], Alternatives: 1}
			if p.Agreed&FieldAmount == 0 {
				p.Difference = m.ours.rows[i].Amount - m.theirs.rows[j].Amount
			}
			o.Confirmed = append(o.Confirmed, p)
		} else if b := firsts[int32(i)]; b != nil {
			o.Confirmed = append(o.Confirmed, m.pairing(b))
		}
	}
	o.Suggested = m.suggestions()
	o.OpenOurs, o.OpenTheirs = m.ours.unmatched(), m.theirs.unmatched()
	return o
}

// unmatched returns the places of the lines that nothing confirmed.
func (s *side) unmatched() []Ref {
	var refs []Ref
	for i, st := range s.state {
		if st != matched {
			refs = append(refs, s.rows[i].Ref)
		}
	}
	return refs
}

// pairing describes a bundle of several lines.
func (m *planner) pairing(b *bundle) Pairing {
	p := Pairing{Strategy: b.strategy, Version: m.plan.Version, Agreed: ^Fields(0), Alternatives: b.alternatives}
	for _, i := range b.ours {
		p.Ours = append(p.Ours, m.ours.row(i).Ref)
	}
	for _, j := range b.theirs {
		p.Theirs = append(p.Theirs, m.theirs.row(j).Ref)
	}
	// What each line says like the first of the other side, all say alike.
	for _, i := range b.ours {
		p.Agreed &= m.ours.row(i).agrees(m.theirs.row(b.theirs[0]))
	}
	for _, j := range b.theirs {
		p.Agreed &= m.ours.row(b.ours[0]).agrees(m.theirs.row(j))
	}
	if len(b.ours) == 1 && len(b.theirs) == 1 {
		p.Difference = m.ours.row(b.ours[0]).Amount - m.theirs.row(b.theirs[0]).Amount
	}
	return p
}

// suggestions are those about lines that nothing has confirmed since; of
// several about one line of ours the strongest.
func (m *planner) suggestions() []Pairing {
	taken := map[int32]bool{}
	var all []Pairing
	for k := range m.suggested {
		b := &m.suggested[k]
		gone := func(s *side) func(int32) bool { return func(i int32) bool { return s.state[i] == matched } }
		if slices.ContainsFunc(b.ours, gone(&m.ours)) || slices.ContainsFunc(b.theirs, gone(&m.theirs)) ||
			slices.ContainsFunc(b.ours, func(i int32) bool { return taken[i] }) {
			continue
		}
		for _, i := range b.ours {
			taken[i] = true
		}
		slices.Sort(b.ours)
		slices.Sort(b.theirs)
		all = append(all, m.pairing(b))
	}
	slices.SortStableFunc(all, func(a, b Pairing) int {
		return cmp.Or(slices.CompareFunc(a.Ours, b.Ours, Ref.Compare), slices.CompareFunc(a.Theirs, b.Theirs, Ref.Compare))
	})
	return all
}
