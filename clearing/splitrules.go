package clearing

import (
	"context"
	"encoding/json"

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

// datedRule is a split rule with the day from which it holds.
type datedRule struct {
	row      SplitRule
	config   RuleConfig
	scheme   *split.Scheme
	byTrade  bool  // compared with the trade time, else with the clearing date
	fromTime int64 // Unix seconds at which the day begins
}

// dated makes a rule ready.
func (e *Engine) dated(row SplitRule, c RuleConfig) (datedRule, error) {
	scheme, err := c.scheme(row.Version, e.Config.Limits)
	return datedRule{row: row, config: c, scheme: scheme, byTrade: c.Basis == "trade", fromTime: row.Effective.At(0, 0).Unix()}, err
}

// splitRules returns the versions that are or will be in force.
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
	if len(rules) == 0 {
		return nil, fault.Invalid("rule.none")
	}
	return rules, nil
}

// inForce returns the rule of an order: the last that has taken effect on its
// clearing date, or at its trade time where the rule says so. Before the first
// of all it is the first.
func inForce(rules []datedRule, clearing bizdate.Date, tradeTime int64) *datedRule {
	for i := len(rules) - 1; i > 0; i-- {
		r := &rules[i]
		if r.byTrade && tradeTime >= r.fromTime || !r.byTrade && clearing >= r.row.Effective {
			return r
		}
	}
	return &rules[0]
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
