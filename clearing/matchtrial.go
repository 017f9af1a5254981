package clearing

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"custody/clearing/matches"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// matchRules is a file of matching rules (对账规则):
//
//	kind: matching
//	version: 2
//	tolerance: "0.00"   # yuan
//	window_days: 3
//	suggested_days: 7
//	without: [subset-sum]
type matchRules struct {
	Kind          string   `yaml:"kind"`
	Version       int      `yaml:"version"`
	Tolerance     string   `yaml:"tolerance"`
	WindowDays    int      `yaml:"window_days"`
	SuggestedDays int      `yaml:"suggested_days"`
	Without       []string `yaml:"without"`
}

// Bounds of matching rules: a file of one KiB is enough; a window of more than a
// month, or a tolerance above 100 yuan, would match what has nothing in common.
const (
	maxMatchRulesBytes = 64 << 10
	maxWindowDays      = 31
	maxToleranceFen    = 100_00
)

// AreMatchRules reports whether a file says of itself that it holds matching
// rules (kind: matching); a split rule says nothing of the kind.
func AreMatchRules(path string) bool {
	raw, err := readUpTo(path, maxMatchRulesBytes)
	var head struct {
		Kind string `yaml:"kind"`
	}
	return err == nil && yaml.Unmarshal(raw, &head) == nil && head.Kind == "matching"
}

// LoadMatchRules reads a file of matching rules; match.rules names what is wrong.
func LoadMatchRules(path string) (reconcile.Plan, error) {
	raw, err := readUpTo(path, maxMatchRulesBytes)
	if err != nil {
		return reconcile.Plan{}, fault.Invalid("match.rules-read", path).Because(err)
	}
	standard := reconcile.StandardPlan()
	r := matchRules{Version: standard.Version + 1, Tolerance: standard.ToleranceFen.String(), WindowDays: standard.WindowDays, SuggestedDays: standard.SuggestedDays}
	bad := func(field, value string) (reconcile.Plan, error) {
		return reconcile.Plan{}, fault.Invalid("match.rules").In(path).On(field, value)
	}
	if len(raw) > maxMatchRulesBytes {
		return bad("size", "")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&r); err != nil {
		return reconcile.Plan{}, fault.Invalid("match.rules").In(path).Because(err)
	}
	tolerance, err := money.ParseYuan(r.Tolerance)
	switch {
	case r.Kind != "matching":
		return bad("kind", r.Kind)
	case err != nil || tolerance < 0 || tolerance > maxToleranceFen:
		return bad("tolerance", r.Tolerance)
	case r.WindowDays < 0 || r.WindowDays > maxWindowDays || r.SuggestedDays < 0 || r.SuggestedDays > maxWindowDays:
		return bad("window_days", "")
	}
	p := reconcile.Plan{Version: r.Version, ToleranceFen: tolerance, WindowDays: r.WindowDays, SuggestedDays: r.SuggestedDays}
	for _, name := range r.Without {
		s, known := reconcile.ParseStrategy(name)
		if !known {
			return bad("without", name)
		}
		p.Without = append(p.Without, s)
	}
	return p, nil
}

// Trial is what another set of matching rules would have done with the lines of
// bank and books that the nights matched or left open.
type Trial struct {
	Same    int          `json:"same"`
	Gained  []TriedMatch `json:"gained"`  // matched by the other rules alone
	Lost    []TriedMatch `json:"lost"`    // matched by the rules in force alone
	Changed []TriedMatch `json:"changed"` // by another rule, or with other lines
}

// TriedMatch is one match before and after. Lines are keys.
type TriedMatch struct {
	Date   bizdate.Date `json:"date"`
	Ours   string       `json:"ours"`
	Theirs string       `json:"theirs"`
	Before string       `json:"before"`
	After  string       `json:"after"`
}

// TryMatching matches the lines of each day of the range again by other rules
// and compares. Nothing is written.
func (e *Engine) TryMatching(ctx context.Context, p reconcile.Plan, from, to bizdate.Date) (*Trial, error) {
	if to < from || from.DaysUntil(to) > maxStatementDays {
		return nil, fault.Invalid("match.range", maxStatementDays).On("--to", to.String())
	}
	t := &Trial{Gained: []TriedMatch{}, Lost: []TriedMatch{}, Changed: []TriedMatch{}}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		for date := from; date <= to; date = date.AddDays(1) {
			if err := e.tryDay(ctx, tx, p, date, t); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// tryDay sets up the lines of a night again: those of its matches and those that
// were open at its cut.
func (e *Engine) tryDay(ctx context.Context, tx *store.Tx, p reconcile.Plan, date bizdate.Date, t *Trial) error {
	list, err := matches.OfDate(ctx, tx, e.Book.ID(), date, matches.Book)
	if err != nil {
		return err
	}
	open, err := matches.OpenAsOf(ctx, tx, e.Book.ID(), matches.Book, date)
	if err != nil {
		return err
	}
	var vouchers []bookVoucher
	var lines []bankLine
	add := func(l matches.Line) error {
		if l.Part == matches.Ours {
			v, err := e.bookVoucher(ctx, tx, l.Key)
			vouchers = append(vouchers, v)
			return err
		}
		b, found, err := e.bankLineByRef(ctx, tx, l.Key)
		if err == nil && found {
			lines = append(lines, b)
		}
		return err
	}
	before := map[string]matches.Match{}
	for _, m := range list {
		if m.State != matches.Confirmed || slices.Contains([]string{ruleReversal, ruleRedLetter, ruleByHand}, m.Rule) {
			continue // what the bank or a person says, no set of rules decides
		}
		before[first(m)] = m
		for _, l := range m.Lines {
			if err := add(l); err != nil {
				return err
			}
		}
	}
	for _, o := range open {
		if err := add(o.Line); err != nil {
			return err
		}
	}
	s := newBookSides(vouchers, lines)
	after, _ := s.match(p)
	t.compare(date, before, after[len(s.pairs):])
	return nil
}

// first names a match by its first line of ours, else of theirs.
func first(m matches.Match) string {
	for _, l := range m.Lines {
		if l.Part == matches.Ours {
			return l.Key
		}
	}
	return m.Lines[0].Key
}

func (t *Trial) compare(date bizdate.Date, before map[string]matches.Match, after []matches.Match) {
	tried := func(m matches.Match, before, after string) TriedMatch {
		return TriedMatch{date, keysOfPart(m, matches.Ours), keysOfPart(m, matches.Theirs), before, after}
	}
	for _, m := range after {
		was, known := before[first(m)]
		delete(before, first(m))
		switch {
		case !known:
			t.Gained = append(t.Gained, tried(m, "", m.Rule))
		case was.Rule != m.Rule || keysOfPart(was, matches.Theirs) != keysOfPart(m, matches.Theirs):
			t.Changed = append(t.Changed, tried(m, was.Rule, m.Rule))
		default:
			t.Same++
		}
	}
	var lost []TriedMatch
	for _, m := range before {
		lost = append(lost, tried(m, m.Rule, ""))
	}
	slices.SortFunc(lost, func(a, b TriedMatch) int { return strings.Compare(a.Ours+a.Theirs, b.Ours+b.Theirs) })
	t.Lost = append(t.Lost, lost...)
}

func keysOfPart(m matches.Match, part matches.Part) string {
	var keys []string
	for _, l := range m.Lines {
		if l.Part == part {
			keys = append(keys, l.Key)
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}
