package clearing

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// SplitRule is a row of split_rules: a version that two people put in force, or
// that `custody init` read from custody.yaml.
type SplitRule struct {
	ID        string       `db:"rule_id" json:"id"`
	Version   int          `db:"version" json:"version"`
	Effective bizdate.Date `db:"effective_date" json:"effective"`
	Content   string       `db:"content" json:"content"`
}

// SplitRules returns the rules in the order in which they take effect.
func SplitRules(ctx context.Context, tx *store.Tx, custodyID int64) ([]SplitRule, error) {
	var rows []SplitRule
	err := tx.Select(ctx, &rows, `SELECT rule_id, version, effective_date, content FROM split_rules
		WHERE custody_id = ? ORDER BY effective_date, version, rule_id`, custodyID)
	return rows, err
}

// datedRule is a split rule with the days on which it holds.
type datedRule struct {
	row      SplitRule
	config   RuleConfig
	scheme   *split.Scheme
	byTrade  bool         // compared with the trade time, else with the clearing date
	fromTime int64        // Unix seconds at which the day begins
	until    bizdate.Date // last day; 0: none
	endTime  int64        // Unix seconds at which that day is over
}

// dated makes a rule ready.
func (e *Engine) dated(row SplitRule, c RuleConfig) (datedRule, error) {
	scheme, err := c.scheme(row.Version, e.Config.Limits)
	r := datedRule{row: row, config: c, scheme: scheme, byTrade: c.Basis == "trade", fromTime: row.Effective.At(0, 0).Unix()}
	if c.Until != "" && err == nil {
		r.until, err = bizdate.Parse(c.Until)
		r.endTime = r.until.At(24, 0).Unix()
	}
	return r, err
}

func (r *datedRule) scope() *Scope { return r.config.Scope }

// name is ID@VERSION.
func (r *datedRule) name() string { return r.row.ID + "@" + strconv.Itoa(r.row.Version) }

// begun reports whether the rule has taken effect on an order's clearing date,
// or at its trade time where the rule goes by that.
func (r *datedRule) begun(clearing bizdate.Date, tradeTime int64) bool {
	return r.byTrade && tradeTime >= r.fromTime || !r.byTrade && clearing >= r.row.Effective
}

// over reports whether its last day has passed.
func (r *datedRule) over(clearing bizdate.Date, tradeTime int64) bool {
	return r.until != 0 && (r.byTrade && tradeTime >= r.endTime || !r.byTrade && clearing > r.until)
}

// byDate orders versions as they take effect.
func byDate(a, b datedRule) int {
	return cmp.Or(cmp.Compare(a.row.Effective, b.row.Effective), cmp.Compare(a.row.Version, b.row.Version), strings.Compare(a.row.ID, b.row.ID))
}

// splitRules returns the versions that are or will be in force, by date.
func (e *Engine) splitRules(ctx context.Context, tx *store.Tx) ([]datedRule, error) {
	rows, err := SplitRules(ctx, tx, e.Book.ID())
	if err != nil {
		return nil, err
	}
	rules := make([]datedRule, len(rows))
	for i, row := range rows {
		var c RuleConfig
		if err := json.Unmarshal([]byte(row.Content), &c); err != nil {
			return nil, fault.Broken("rule.content", row.ID, row.Version).Because(err)
		}
		if rules[i], err = e.dated(row, c); err != nil {
			return nil, fault.Broken("rule.content", row.ID, row.Version).Because(err)
		}
	}
	if !slices.ContainsFunc(rules, func(r datedRule) bool { return r.scope() == nil }) {
		return nil, fault.Invalid("rule.none")
	}
	return rules, nil
}

// ruleChoice is what may hold for the orders of one channel and one franchisee.
// It is made once for both, so that an order costs a look at the dates alone.
type ruleChoice struct {
	chain    split.Chain
	defaults []datedRule    // of every id together, by date
	scoped   [][]*datedRule // per id, by date; only ids with a version that covers them
	channel  string
}

// choose returns the rules for the orders of a channel and a franchisee.
func choose(rules []datedRule, channel string, chain split.Chain) ruleChoice {
	c := ruleChoice{chain: chain, channel: channel, defaults: rules}
	if !slices.ContainsFunc(rules, func(r datedRule) bool { return r.scope() != nil }) {
		return c
	}
	c.defaults = nil
	lines := map[string][]*datedRule{}
	for i := range rules {
		if r := &rules[i]; r.scope() == nil {
			c.defaults = append(c.defaults, *r)
		} else {
			lines[r.row.ID] = append(lines[r.row.ID], r)
		}
	}
	for _, id := range slices.Sorted(keysOf(lines)) {
		if slices.ContainsFunc(lines[id], func(r *datedRule) bool { return r.scope().covers(channel, chain) }) {
			c.scoped = append(c.scoped, lines[id])
		}
	}
	return c
}

// inForce returns the rule of an order: of those whose scope covers it the most
// specific (member over region over channel over default).
func (c *ruleChoice) inForce(clearing bizdate.Date, tradeTime int64) *datedRule {
	var best *datedRule
	for _, line := range c.scoped {
		if r := c.holding(line, clearing, tradeTime); r != nil && (best == nil || r.scope().weight() > best.scope().weight()) {
			best = r
		}
	}
	if best != nil {
		return best
	}
	return inForce(c.defaults, clearing, tradeTime)
}

// holding returns the version of one rule that holds for the order, or nil: the
// last that has taken effect, where it covers the order and is not over.
func (c *ruleChoice) holding(line []*datedRule, clearing bizdate.Date, tradeTime int64) *datedRule {
	for i := len(line) - 1; i >= 0; i-- {
		if r := line[i]; r.begun(clearing, tradeTime) {
			if r.over(clearing, tradeTime) || !r.scope().covers(c.channel, c.chain) {
				return nil
			}
			return r
		}
	}
	return nil
}

// passed returns the less specific rules that would have held for the order in
// the place of the one in force.
func (c *ruleChoice) passed(clearing bizdate.Date, tradeTime int64) []*datedRule {
	best := c.inForce(clearing, tradeTime)
	var list []*datedRule
	for _, line := range c.scoped {
		if r := c.holding(line, clearing, tradeTime); r != nil && r != best {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b *datedRule) int { return b.scope().weight() - a.scope().weight() })
	if best.scope() != nil {
		list = append(list, inForce(c.defaults, clearing, tradeTime))
	}
	return list
}

// dividing returns the most specific rule that divides by itself: the money of an
// escrow order has waited already, no requests follow.
func (c *ruleChoice) dividing(clearing bizdate.Date, tradeTime int64) *datedRule {
	r := c.inForce(clearing, tradeTime)
	for _, other := range c.passed(clearing, tradeTime) {
		if !r.config.byRequests() {
			break
		}
		r = other
	}
	return r
}

// inForce returns the default rule of an order: the last that has taken effect on
// its clearing date, or at its trade time where the rule says so, whatever its id.
// Before the first of all it is the first.
func inForce(defaults []datedRule, clearing bizdate.Date, tradeTime int64) *datedRule {
	for i := len(defaults) - 1; i > 0; i-- {
		if r := &defaults[i]; r.begun(clearing, tradeTime) {
			return r
		}
	}
	return &defaults[0]
}

// choices are the rules of a channel's orders, by franchisee.
type choices struct {
	rules   []datedRule
	chains  map[string]split.Chain
	channel string
	by      map[string]*ruleChoice
}

// newChoices reads rules and chains for the orders of a channel.
func (e *Engine) newChoices(ctx context.Context, tx *store.Tx, channel string) (*choices, error) {
	rules, err := e.splitRules(ctx, tx)
	if err != nil {
		return nil, err
	}
	chains, err := e.chains(ctx, tx)
	return &choices{rules: rules, chains: chains, channel: channel, by: make(map[string]*ruleChoice, len(chains))}, err
}

// without returns the choices that are left when a rule with a scope is taken
// out; a default only competes with the others by date, and they stay.
func (c *choices) without(rule RuleConfig) *choices {
	if rule.Scope == nil {
		return c
	}
	rest := slices.DeleteFunc(slices.Clone(c.rules), func(r datedRule) bool { return r.row.ID == rule.ID })
	if !slices.ContainsFunc(rest, func(r datedRule) bool { return r.scope() == nil }) {
		return c // the only default cannot be taken out
	}
	return &choices{rules: rest, chains: c.chains, channel: c.channel, by: map[string]*ruleChoice{}}
}

// of returns what may hold for a franchisee's orders.
func (c *choices) of(member string) *ruleChoice {
	choice := c.by[member]
	if choice == nil {
		chain := c.chains[member]
		chain.Member = member
		made := choose(c.rules, c.channel, chain)
		choice = &made
		c.by[member] = choice
	}
	return choice
}

// chains returns who stands above each member.
func (e *Engine) chains(ctx context.Context, tx *store.Tx) (map[string]split.Chain, error) {
	members, err := e.Book.Members(ctx, tx)
	if err != nil {
		return nil, err
	}
	regions, err := e.Book.Regions(ctx, tx)
	if err != nil {
		return nil, err
	}
	chains := make(map[string]split.Chain, len(members))
	for _, m := range members {
		chains[m.Code] = split.Chain{Member: m.Code, Partner: m.Partner, Region: regions[m.Code]}
	}
	return chains, nil
}
