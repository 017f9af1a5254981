package reconcile

import (
	"cmp"
	"slices"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// looksMax bounds how many lines of the other side one line is held against:
// a payer with a thousand equal payments in a week has no one reading anyway.
const looksMax = 1_000

// class is open lines of one side that say the same.
type class struct {
	lines []int32
	links []int // classes of the other side that it may be
}

// classes cuts lines, sorted by content, where the content changes.
func (s *side) classes(at []int32) []class {
	s.sorted(at)
	var all []class
	for k, i := range at {
		if k == 0 || compareContent(s.row(at[k-1]), s.row(i)) != 0 {
			all = append(all, class{})
		}
		last := &all[len(all)-1]
		last.lines = append(last.lines, i)
	}
	return all
}

// near reports whether two amounts are within the tolerance, of one direction.
func (p *Plan) near(a, b money.Amount) bool {
	diff, err := a.Sub(b)
	return err == nil && diff.Abs() <= p.ToleranceFen && (a < 0) == (b < 0)
}

func daysApart(a, b bizdate.Date) int {
	n := a.DaysUntil(b)
	return max(n, -n)
}

// byWindow matches lines of one counterparty whose amounts are equal within the
// tolerance and whose days are within the window, where neither has another
// candidate. An amount alone, without a counterparty, is never enough: that is
// for FuzzyStrategy to suggest.
func (m *planner) byWindow() {
	for _, g := range grouped(m, func(r *Record) (partyKey, bool) { return partyKey{r.Account, r.Party}, r.Party != "" }) {
		ours, theirs := m.ours.classes(g.ours), m.theirs.classes(g.theirs)
		m.link(ours, theirs)
		for _, c := range ours {
			switch {
			case len(c.links) == 0:
			case len(c.links) == 1 && len(theirs[c.links[0]].links) == 1:
				m.asSet(ByWindow, &m.ours, &m.theirs, c.lines, theirs[c.links[0]].lines)
			default:
				var lines []int32
				for _, k := range c.links {
					lines = append(lines, theirs[k].lines...)
				}
				m.suggest(ByWindow, &m.ours, &m.theirs, c.lines[:1], lines[:1], len(lines))
			}
		}
	}
}

type partyKey struct{ account, party string }

// link notes for each class which classes of the other side it may be. Classes
// come by amount, so that only a stretch of them is looked at.
func (m *planner) link(ours, theirs []class) {
	amount := func(c class) money.Amount { return m.theirs.row(c.lines[0]).Amount }
	for i := range ours {
		r := m.ours.row(ours[i].lines[0])
		from, _ := slices.BinarySearchFunc(theirs, r, func(c class, r *Record) int {
			if m.plan.near(amount(c), r.Amount) {
				return 1 // go on to the first of the stretch
			}
			return cmp.Compare(amount(c), r.Amount)
		})
		for k := from; k < len(theirs) && k < from+looksMax && m.plan.near(amount(theirs[k]), r.Amount); k++ {
			o := m.theirs.row(theirs[k].lines[0])
			if daysApart(r.Booked, o.Booked) <= m.plan.WindowDays && !r.contradicts(o) {
				ours[i].links = append(ours[i].links, k)
				theirs[k].links = append(theirs[k].links, i)
			}
		}
	}
}

// byGroup matches one line with all the lines of a key whose sum it is.
func (m *planner) byGroup(text func(*Record) string) {
	type key struct{ account, text string }
	for _, g := range grouped(m, func(r *Record) (key, bool) { return key{r.Account, text(r)}, text(r) != "" }) {
		if (len(g.ours) == 1) == (len(g.theirs) == 1) {
			continue
		}
		if ours, ok := m.ours.sum(g.ours); ok {
			if theirs, ok := m.theirs.sum(g.theirs); ok && ours == theirs {
				m.matchMany(ByGroup, &m.ours, &m.theirs, g.ours, g.theirs)
			}
		}
	}
}

// sum adds the lines up; not ok where the sum is too large.
func (s *side) sum(at []int32) (total money.Amount, ok bool) {
	var err error
	for _, i := range at {
		if total, err = total.Add(s.row(i).Amount); err != nil {
			return 0, false
		}
	}
	return total, true
}

// fuzzyLooks bounds how many lines of the same amount a suggestion chooses from.
const fuzzyLooks = 30

// fuzzy suggests for each open line of ours the open line of theirs of the same
// amount that is nearest in time and that no reference contradicts.
func (m *planner) fuzzy() {
	type key struct {
		account string
		amount  money.Amount
	}
	for _, g := range grouped(m, func(r *Record) (key, bool) { return key{r.Account, r.Amount}, true }) {
		m.theirs.sorted(g.theirs) // of one account and amount: by day
		for _, i := range g.ours {
			r := m.ours.row(i)
			from, _ := slices.BinarySearchFunc(g.theirs, r.Booked.AddDays(-m.plan.SuggestedDays), func(j int32, d bizdate.Date) int {
				return cmp.Compare(m.theirs.row(j).Booked, d)
			})
			best, fit := int32(-1), 0
			for _, j := range g.theirs[from:min(len(g.theirs), from+fuzzyLooks)] {
				o := m.theirs.row(j)
				if daysApart(r.Booked, o.Booked) > m.plan.SuggestedDays || r.contradicts(o) {
					continue
				}
				fit++
				if best < 0 || daysApart(r.Booked, o.Booked) < daysApart(r.Booked, m.theirs.row(best).Booked) {
					best = j
				}
			}
			if best >= 0 {
				m.suggest(FuzzyStrategy, &m.ours, &m.theirs, []int32{i}, []int32{best}, fit)
			}
		}
	}
}
