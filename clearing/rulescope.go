package clearing

import (
	"context"
	"slices"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Scope says to which orders a split rule applies (适用范围): those of the
// channels, of the franchisees, and of the franchisees below the regions. An
// empty list holds for all; a rule without any is a default (默认规则).
type Scope struct {
	Channels []string `yaml:"channels" json:"channels,omitempty"`
	Members  []string `yaml:"members" json:"members,omitempty"`
	Regions  []string `yaml:"regions" json:"regions,omitempty"`
}

// The weights of what a scope names: a member weighs more than a region and a
// channel together, a region more than a channel.
const (
	byChannel = 1 << iota
	byRegion
	byMember
)

// weight says how specific a scope is; 0 is a default.
func (s *Scope) weight() int {
	weight := 0
	if s != nil && len(s.Channels) > 0 {
		weight |= byChannel
	}
	if s != nil && len(s.Regions) > 0 {
		weight |= byRegion
	}
	if s != nil && len(s.Members) > 0 {
		weight |= byMember
	}
	return weight
}

// covers reports whether orders of the channel and the chain are in the scope.
func (s *Scope) covers(channel string, chain split.Chain) bool {
	within := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return s == nil || within(s.Channels, channel) && within(s.Members, chain.Member) && within(s.Regions, chain.Region)
}

// scopeList is one of a scope's lists with its name in a rule file.
type scopeList struct {
	field string
	codes []string
}

// lists returns what a scope names, the most specific first.
func (s *Scope) lists() []scopeList {
	return []scopeList{{"members", s.Members}, {"regions", s.Regions}, {"channels", s.Channels}}
}

// overlaps reports whether two scopes of one weight have orders in common: they
// name the same kinds of things, and of each at least one that both name.
func (s *Scope) overlaps(o *Scope) bool {
	common := func(a, b []string) bool {
		return len(a) == 0 || slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
	}
	return s.weight() == o.weight() && common(s.Channels, o.Channels) && common(s.Members, o.Members) && common(s.Regions, o.Regions)
}

// validateScope checks a scope without the books: it names something, and nothing
// twice or empty (rule.scope).
func (c RuleConfig) validateScope() error {
	if c.Scope.weight() == 0 && (c.Scope != nil || c.Until != "") {
		return fault.Invalid("rule.scope").On("scope", c.ID)
	}
	if c.Scope == nil {
		return nil
	}
	for _, list := range c.Scope.lists() {
		seen := map[string]bool{"": true}
		for _, code := range list.codes {
			if seen[code] {
				return fault.Invalid("rule.scope").On(list.field, code)
			}
			seen[code] = true
		}
	}
	if until, err := bizdate.Parse(c.Until); c.Until != "" && (err != nil || until.String() < c.Effective) {
		return fault.Invalid("rule.value").On("until", c.Until)
	}
	return nil
}

// checkScope holds a scope against the books: its channels, members and regions
// are there.
func (e *Engine) checkScope(ctx context.Context, tx *store.Tx, c RuleConfig) error {
	if c.Scope == nil {
		return nil
	}
	for _, list := range c.Scope.lists() {
		for _, code := range list.codes {
			if list.field == "channels" {
				if _, known := e.Config.Channel(code); !known {
					return fault.Invalid("rule.channel", code).On(list.field, code)
				}
				continue
			}
			if _, found, err := e.Book.GetMember(ctx, tx, code); err != nil || !found {
				return firstErr(err, fault.Invalid("member.unknown", code).On(list.field, code))
			}
		}
	}
	return nil
}

// span is when a version holds: from its date until the next version of its rule.
type span struct {
	rule     datedRule
	from, to bizdate.Date // to is the first day on which it no longer holds; 0: open
}

// spans returns when each version of one rule holds. Where the next version goes
// by another date (basis) no day ends this one for certain: it counts as open.
func spans(versions []datedRule) []span {
	list := make([]span, len(versions))
	for i, v := range versions {
		s := span{rule: v, from: v.row.Effective}
		if v.until != 0 {
			s.to = v.until.AddDays(1)
		}
		if i+1 < len(versions) && versions[i+1].byTrade == v.byTrade && (s.to == 0 || versions[i+1].row.Effective < s.to) {
			s.to = versions[i+1].row.Effective
		}
		list[i] = s
	}
	return list
}

// clashes reports whether an order exists for which both hold: their scopes
// overlap, and their days do. Days by clearing date and days by trade time
// cannot be compared: they count as the same.
func (s span) clashes(o span) bool {
	empty := func(x span) bool { return x.to != 0 && x.to <= x.from }
	if empty(s) || empty(o) || s.rule.scope().weight() == 0 || !s.rule.scope().overlaps(o.rule.scope()) {
		return false
	}
	return s.rule.byTrade != o.rule.byTrade || (s.to == 0 || o.from < s.to) && (o.to == 0 || s.from < o.to)
}

// checkClash refuses a version that could hold for an order for which another
// rule, as specific, holds too (rule.clash), and one that makes a default of a
// scoped rule or the other way round (rule.scope_changed): there must be a
// default on every day.
func checkClash(rules []datedRule, draft datedRule) error {
	own := []datedRule{}
	others := map[string][]datedRule{}
	for _, r := range rules {
		switch {
		case r.row.ID != draft.row.ID:
			others[r.row.ID] = append(others[r.row.ID], r)
		case (r.scope() == nil) != (draft.scope() == nil):
			return fault.Invalid("rule.scope_changed", draft.row.ID).On("scope", draft.row.ID)
		default:
			own = append(own, r)
		}
	}
	own = append(own, draft)
	slices.SortStableFunc(own, byDate)
	for _, mine := range spans(own) {
		for _, id := range slices.Sorted(keysOf(others)) {
			for _, other := range spans(others[id]) {
				if mine.clashes(other) {
					return fault.Invalid("rule.clash", mine.rule.name(), other.rule.name(), max(mine.from, other.from)).On("scope", draft.row.ID)
				}
			}
		}
	}
	return nil
}

// How long an order waits for requests at most, in natural days after its clearing
// date, as channels freeze it: 30 for an ordinary merchant, 180 on a platform.
const (
	freezeDays    = 30
	freezeDaysMax = 180
)

// byRequests reports whether head office splits the orders by requests.
func (c *RuleConfig) byRequests() bool { return c.Mode == "requests" }

// validateRequests checks what is special to a rule by requests (rule.requests): it
// has a scope, so that a default is left that divides every order; its levels name
// receivers without rates; the franchisee bears the fee and takes the rest.
func (c RuleConfig) validateRequests() error {
	if !c.byRequests() {
		if c.FreezeDays != 0 {
			return fault.Invalid("rule.requests", freezeDaysMax).On("freeze_days", c.ID)
		}
		return nil
	}
	plain := func(l LevelConfig) bool {
		return l.PPM == 0 && l.Of == "" && l.Fixed == "" && l.Min == "" && l.Cap == "" && len(l.Tiers) == 0 && l.To != "franchisee"
	}
	switch {
	case c.Scope == nil:
		return fault.Invalid("rule.requests", freezeDaysMax).On("scope", c.ID)
	case c.FreezeDays < 1 || c.FreezeDays > freezeDaysMax:
		return fault.Invalid("rule.requests", freezeDaysMax).On("freeze_days", c.ID)
	case len(c.Levels) == 0 || slices.ContainsFunc(c.Levels, func(l LevelConfig) bool { return !plain(l) }) || c.Remainder != "":
		return fault.Invalid("rule.requests", freezeDaysMax).On("levels", c.ID)
	case c.FeeBearer != "franchisee":
		return fault.Invalid("rule.requests", freezeDaysMax).On("fee_bearer", c.FeeBearer)
	}
	return nil
}
