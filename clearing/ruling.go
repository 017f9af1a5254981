package clearing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// kindRule is the approval of a version of a split rule.
const kindRule = "rule"

// RuleDraft is a version of a split rule as the maker submits it and the checker
// approves it.
type RuleDraft struct {
	Version int        `json:"version"`
	Rule    RuleConfig `json:"rule"`
}

// RuleState is where a version of a rule stands.
type RuleState string

// The states of a version.
const (
	RuleDrafted    RuleState = "DRAFT"      // waits for a checker
	RuleRejected   RuleState = "REJECTED"   // kept as history
	RuleScheduled  RuleState = "SCHEDULED"  // approved, its date is still to come
	RuleInForce    RuleState = "IN_FORCE"   // 生效
	RuleSuperseded RuleState = "SUPERSEDED" // another version has replaced it
	RuleEnded      RuleState = "ENDED"      // its last day has passed (期满)
)

// RuleVersion is one version of a split rule with its approval. One that
// `custody init` read from custody.yaml has none.
type RuleVersion struct {
	SplitRule
	State    RuleState  `json:"state"`
	Approval string     `json:"approval_id"`
	Maker    string     `json:"maker"`
	Checker  string     `json:"checker"`
	Reason   string     `json:"reason"`
	Rule     RuleConfig `json:"rule"`
}

// ruleDay returns the earliest day on which a new rule may take effect: the one
// that is collecting now, or zero where no day has begun. It opens none.
func (e *Engine) ruleDay(ctx context.Context, tx *store.Tx) (bizdate.Date, error) {
	if e.Config.Clock == Live {
		return bizdate.Of(e.Clock.Now()), nil
	}
	last, err := e.lastDay(ctx, tx)
	switch {
	case err != nil || last.Date.IsZero():
		return 0, err
	case last.collecting():
		return last.Date, nil
	}
	return last.Date.AddDays(1), nil
}

// checkDraft holds a draft against the books: it is not dated back before the
// collecting day (rule.backdated), a changed rate leaves the cooling-off time
// (rule.cooling, 费率变更冷静期), and the members that it names are there.
func (e *Engine) checkDraft(ctx context.Context, tx *store.Tx, c RuleConfig) error {
	effective, err := bizdate.Parse(c.Effective)
	if err != nil {
		return fault.Invalid("rule.value").On("effective", c.Effective)
	}
	earliest, err := e.ruleDay(ctx, tx)
	if err != nil {
		return err
	}
	if effective < earliest {
		return fault.Invalid("rule.backdated", effective, earliest).On("effective", c.Effective)
	}
	if err := firstErr(e.checkReceivers(ctx, tx, c), e.checkScope(ctx, tx, c)); err != nil {
		return err
	}
	days := e.Config.Limits.RateCoolingDays
	if days == 0 || earliest.IsZero() || effective >= earliest.AddDays(days) {
		return nil
	}
	rules, err := e.splitRules(ctx, tx)
	if err != nil {
		return err
	}
	// A rule with a scope is held against its own version before: where it has
	// none, its orders were split by others, and it changes their rates.
	rules = slices.DeleteFunc(rules, func(r datedRule) bool {
		return (r.scope() == nil) != (c.Scope == nil) || c.Scope != nil && (r.row.ID != c.ID || r.row.Effective > effective)
	})
	if len(rules) > 0 && sameShares(inForce(rules, effective, effective.At(0, 0).Unix()).config, c) {
		return nil
	}
	return fault.Invalid("rule.cooling", effective, earliest.AddDays(days), days).On("effective", c.Effective)
}

// checkReceivers refuses a rule that names a member who is not there: every
// order would stay unsplit.
func (e *Engine) checkReceivers(ctx context.Context, tx *store.Tx, c RuleConfig) error {
	for _, l := range c.Levels {
		code, named := strings.CutPrefix(l.To, "member:")
		if !named {
			continue
		}
		if _, found, err := e.Book.GetMember(ctx, tx, code); err != nil || !found {
			return firstErr(err, fault.Invalid("member.unknown", code).On("to", l.To))
		}
	}
	return nil
}

// sameShares reports whether two rules give the same shares: their dates and
// limits may differ.
func sameShares(a, b RuleConfig) bool {
	text := func(c RuleConfig) string {
		c.ID, c.Effective, c.Until, c.Basis, c.Contract = "", "", "", "", nil
		raw, _ := json.Marshal(c) // plain fields: it cannot fail
		return string(raw)
	}
	return text(a) == text(b)
}

// NewRule submits a version of a split rule; a checker puts it in force from its
// effective date on. A rule has one draft at a time (rule.pending).
func (e *Engine) NewRule(ctx context.Context, actor string, c RuleConfig) (v RuleVersion, err error) {
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if err := e.checkDraft(ctx, tx, c); err != nil {
			return err
		}
		versions, err := e.ruleVersions(ctx, tx)
		if err != nil {
			return err
		}
		draft := RuleDraft{Version: 1, Rule: c}
		for _, other := range versions {
			if other.ID != c.ID {
				continue
			}
			if other.State == RuleDrafted {
				return fault.Invalid("rule.pending", c.ID, other.Approval).On("id", c.ID)
			}
			draft.Version = max(draft.Version, other.Version+1)
		}
		effective, err := bizdate.Parse(c.Effective)
		if err != nil {
			return err
		}
		if err := e.checkOthers(versions, draft, true); err != nil {
			return err
		}
		v = RuleVersion{SplitRule: SplitRule{ID: c.ID, Version: draft.Version, Effective: effective}, State: RuleDrafted,
			Approval: fmt.Sprintf("RULE-%s-%d", c.ID, draft.Version), Maker: actor, Rule: c}
		return approval.Submit(ctx, tx, e.Book.ID(), e.Clock.Now(), actor, v.Approval, kindRule, c.ID, draft)
	})
	return v, err
}

// decideRule puts an approved version in force; after its date has passed that is
// rule.late. What was true when it was
// submitted must be true still; else it stays a draft, to be rejected.
func (w *Work) decideRule(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var draft RuleDraft
	if err := json.Unmarshal([]byte(a.Content), &draft); err != nil {
		return fault.Broken("approval.changed", a.ID).Because(err)
	}
	switch err := w.checkDraft(ctx, tx, draft.Rule); {
	case fault.CodeOf(err) == "rule.backdated":
		earliest, dayErr := w.ruleDay(ctx, tx)
		return firstErr(dayErr, fault.Invalid("rule.late", a.ID, draft.Rule.Effective, earliest, draft.Rule.ID).On("effective", draft.Rule.Effective))
	case err != nil:
		return err
	}
	versions, err := w.ruleVersions(ctx, tx)
	if err != nil {
		return err
	}
	if err := w.checkOthers(versions, draft, false); err != nil {
		return err
	}
	return w.addRule(ctx, tx, w.Stamp, w.Actor, "rule.approve", draft)
}

// checkOthers holds a draft against the versions of all rules, those that are
// drafts too or not: see [checkClash].
func (e *Engine) checkOthers(versions []RuleVersion, draft RuleDraft, drafts bool) error {
	var others []datedRule
	for _, v := range versions {
		if v.State == RuleRejected || v.State == RuleDrafted && (!drafts || v.ID == draft.Rule.ID) {
			continue
		}
		r, err := e.dated(v.SplitRule, v.Rule)
		if err != nil {
			return err
		}
		others = append(others, r)
	}
	slices.SortStableFunc(others, byDate)
	effective, err := bizdate.Parse(draft.Rule.Effective)
	if err != nil {
		return err
	}
	mine, err := e.dated(SplitRule{ID: draft.Rule.ID, Version: draft.Version, Effective: effective}, draft.Rule)
	return firstErr(err, checkClash(others, mine))
}

// auditedRules is the table of split rules as the audit log covers it.
var auditedRules = audit.Table{Name: "split_rules", Key: []string{"rule_id", "version"}, Columns: []string{"effective_date", "content"}}

// RuleVersions returns every version of every rule, drafts and rejected ones
// too, in order of rule and version.
func (e *Engine) RuleVersions(ctx context.Context) (list []RuleVersion, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = e.ruleVersions(ctx, tx)
		return err
	})
	return list, err
}

func (e *Engine) ruleVersions(ctx context.Context, tx *store.Tx) ([]RuleVersion, error) {
	rules, err := e.splitRules(ctx, tx)
	if err != nil {
		return nil, err
	}
	today, err := e.ruleDay(ctx, tx)
	if err != nil {
		return nil, err
	}
	list := []RuleVersion{}
	for i := range rules {
		r := &rules[i]
		v := RuleVersion{SplitRule: r.row, State: RuleSuperseded, Maker: setupActor, Rule: r.config}
		switch {
		case r == lastBegun(rules, r, today):
			v.State = RuleInForce
			if r.until != 0 && r.until < today {
				v.State = RuleEnded
			}
		case r.row.Effective > today:
			v.State = RuleScheduled
		}
		list = append(list, v)
	}
	approvals, err := approval.All(ctx, tx, e.Book.ID(), "")
	if err != nil {
		return nil, err
	}
	for _, a := range approvals {
		if a.Kind != kindRule {
			continue
		}
		if list, err = withApproval(list, a); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b RuleVersion) int {
		if a.ID != b.ID {
			return strings.Compare(a.ID, b.ID)
		}
		return a.Version - b.Version
	})
	return list, nil
}

// lastBegun returns the version that has taken the place of all before it by
// today: of the defaults together, or of the rule's own id. Before the first
// default it is that one.
func lastBegun(rules []datedRule, of *datedRule, today bizdate.Date) *datedRule {
	var last *datedRule
	for i := range rules {
		r := &rules[i]
		if of.scope() == nil && r.scope() == nil && last == nil {
			last = r
		}
		same := r.scope() == nil && of.scope() == nil || r.scope() != nil && r.row.ID == of.row.ID
		if same && r.begun(today, today.At(23, 59).Unix()) {
			last = r
		}
	}
	return last
}

// withApproval adds an approval to its version, or the draft that it holds.
func withApproval(list []RuleVersion, a approval.Approval) ([]RuleVersion, error) {
	var draft RuleDraft
	if err := json.Unmarshal([]byte(a.Content), &draft); err != nil {
		return nil, fault.Broken("approval.changed", a.ID).Because(err)
	}
	i := slices.IndexFunc(list, func(v RuleVersion) bool { return v.ID == draft.Rule.ID && v.Version == draft.Version })
	if i < 0 {
		effective, err := bizdate.Parse(draft.Rule.Effective)
		if err != nil {
			return nil, fault.Broken("approval.changed", a.ID).Because(err)
		}
		state := RuleDrafted
		if a.State == approval.Rejected {
			state = RuleRejected
		}
		raw, err := json.Marshal(draft.Rule)
		if err != nil {
			return nil, err
		}
		i = len(list)
		list = append(list, RuleVersion{SplitRule: SplitRule{ID: draft.Rule.ID, Version: draft.Version, Effective: effective, Content: string(raw)},
			State: state, Rule: draft.Rule})
	}
	v := &list[i]
	v.Approval, v.Maker, v.Reason = a.ID, a.Maker, a.Reason
	if a.Checker != nil {
		v.Checker = *a.Checker
	}
	return list, nil
}

// FindRule returns a version by its name: ID@VERSION, or ID for its draft where
// it has one, else for the version in force, else for the latest.
func (e *Engine) FindRule(ctx context.Context, name string) (RuleVersion, error) {
	list, err := e.RuleVersions(ctx)
	if err != nil {
		return RuleVersion{}, err
	}
	id, version, exact := strings.Cut(name, "@")
	var best RuleVersion
	rank := map[RuleState]int{RuleDrafted: 3, RuleInForce: 2, RuleScheduled: 1, RuleSuperseded: 1, RuleRejected: 1}
	for _, v := range list {
		if v.ID == id && (exact && fmt.Sprint(v.Version) == version || !exact && rank[v.State] >= rank[best.State]) {
			best = v
		}
	}
	if best.ID == "" {
		return best, fault.Invalid("rule.unknown", name).On("RULE", name)
	}
	return best, nil
}
