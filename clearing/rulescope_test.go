package clearing_test

import (
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/fault"
)

// scoped is a rule that gives head office a rate of the orders in its scope.
func scoped(id, effective string, headOfficePPM int64, scope clearing.Scope) clearing.RuleConfig {
	return clearing.RuleConfig{ID: id, Effective: effective, HeadOfficePPM: headOfficePPM, FeeBearer: "franchisee", Scope: &scope}
}

// force submits a rule and approves it.
func (s *scene) force(c clearing.RuleConfig) {
	s.t.Helper()
	v, err := s.engine.NewRule(s.ctx, "maker1", c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.approve(v.Approval)
}

// TestScopeRefused: what a scope may not say, and which rules may not stand side
// by side. W is in force for A through WX from the 13th on.
func TestScopeRefused(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", nil, nil)
	w := scoped("W", "2026-02-13", 1, clearing.Scope{Members: []string{"A", "B"}, Channels: []string{"WX"}})
	w.Until = "2026-02-28"
	s.force(w)
	end := func(c clearing.RuleConfig, until string) clearing.RuleConfig { c.Until = until; return c }
	byTrade := func(c clearing.RuleConfig) clearing.RuleConfig { c.Basis = "trade"; return c }
	both := clearing.Scope{Members: []string{"B", "C"}, Channels: []string{"WX", "ALI"}}
	for _, c := range []struct {
		name string
		rule clearing.RuleConfig
		code string
	}{
		{"unknown channel", scoped("X", "2026-03-01", 1, clearing.Scope{Channels: []string{"TEL"}}), "rule.channel"},
		{"unknown member", scoped("X", "2026-03-01", 1, clearing.Scope{Members: []string{"GONE"}}), "member.unknown"},
		{"unknown region", scoped("X", "2026-03-01", 1, clearing.Scope{Regions: []string{"GONE"}}), "member.unknown"},
		{"as specific, on the same days", scoped("X", "2026-02-28", 1, both), "rule.clash"},
		{"as specific, by another date", byTrade(scoped("X", "2026-03-01", 1, both)), "rule.clash"},
		{"as specific, after its last day", scoped("X", "2026-03-01", 1, both), ""},
		{"as specific, ends before", end(scoped("W", "2026-03-02", 1, both), "2026-03-05"), "rule.clash"}, // of X, the draft above
		{"as specific, other members", end(scoped("Y", "2026-02-20", 1, clearing.Scope{Members: []string{"C"}, Channels: []string{"WX"}}), "2026-02-28"), ""},
		{"less specific", scoped("Z", "2026-02-20", 1, clearing.Scope{Members: []string{"A"}}), ""},
		{"a default with a scope", scoped("standard", "2026-03-01", 1, both), "rule.scope_changed"},
		{"a scoped rule without", clearing.RuleConfig{ID: "W", Effective: "2026-03-01", FeeBearer: "franchisee"}, "rule.scope_changed"},
	} {
		if _, err := s.engine.NewRule(s.ctx, "maker1", c.rule); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %q", c.name, err, c.code)
		}
	}
	_, err := s.engine.NewRule(s.ctx, "maker1", scoped("V", "2026-02-20", 1, both))
	if f := fault.Of(err); f == nil || !slices.Contains(f.Args, any("V@1")) || !slices.Contains(f.Args, any("W@1")) {
		t.Errorf("a clash names both rules: %+v", f)
	}
	const head = "id: S\neffective: 2026-03-01\n"
	for text, field := range map[string]string{"scope: {}\n": "scope", "until: 2026-03-02\n": "scope", "scope: {members: [A, A]}\n": "members",
		"scope: {channels: [\"\"]}\n": "channels", "scope: {regions: [R]}\nuntil: 2026-02-28\n": "until", "scope: {regions: [R]}\nuntil: soon\n": "until"} {
		_, err := clearing.ParseRule([]byte(head+text), "r.yaml", clearing.Limits{SharePPM: 300_000})
		if f := fault.Of(err); f == nil || f.Field != field {
			t.Errorf("%q: got %v, want a fault on %s", text, err, field)
		}
	}
}

// TestMostSpecificRuleHolds: member over region over channel over default, each
// version until the next of its id, a rule with a last day until that.
func TestMostSpecificRuleHolds(t *testing.T) {
	s := newScene(t)
	s.withRegion()
	s.force(scoped("wx", "2026-02-12", 100_000, clearing.Scope{Channels: []string{"WX"}}))
	s.force(scoped("south", "2026-02-12", 200_000, clearing.Scope{Regions: []string{"R"}}))
	s.force(scoped("shopA", "2026-02-12", 300_000, clearing.Scope{Members: []string{"A"}}))
	promotion := scoped("spring", "2026-02-12", 10_000, clearing.Scope{Members: []string{"A"}, Channels: []string{"WX"}})
	promotion.Until = "2026-02-12"
	s.force(promotion)
	s.force(scoped("wx", "2026-02-13", 110_000, clearing.Scope{Channels: []string{"WX"}}))
	s.force(scoped("shopA", "2026-02-13", 310_000, clearing.Scope{Members: []string{"C"}})) // no longer of A
	night := func(date string) {
		var ours []bankfiles.Order
		var theirs []bankfiles.BillRow
		for _, member := range []string{"A", "B", "D"} {
			no := "W" + date[3:] + member
			ours = append(ours, payOrder(no, member, "WX", "100.00", date+" 10:00:00"))
			theirs = append(theirs, pay(no, "100.00", "0.60", date+" 10:00:00"))
		}
		s.night("2026-"+date, ours, theirs)
	}
	night("02-12")
	s.want(map[string]string{"2002.A": "98.40", "2002.B": "89.40", "2002.D": "79.40", "2002.P": "0.00", "2302": "31.00"})
	night("02-13")
	s.want(map[string]string{"2002.A": "186.80", "2002.B": "177.80", "2002.D": "158.80", "2302": "73.00"})
	s.wantOpen()
	for order, want := range map[string][]string{"W12A": {"spring@1", "shopA@1", "wx@1", "standard@1"}, "W13A": {"wx@2", "standard@1"},
		"W12B": {"wx@1", "standard@1"}, "W13D": {"south@1", "wx@2", "standard@1"}} {
		trace, err := s.engine.Trace(s.ctx, order)
		if err != nil || !trace.Shares.Agrees {
			t.Fatalf("%s: %+v, %v", order, trace, err)
		}
		got := append([]string{trace.Shares.Rule + "@" + string(rune('0'+trace.Shares.Version))}, trace.Shares.Passed...)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", order, got, want)
		}
	}
	want := []string{"shopA@1 SUPERSEDED RULE-shopA-1", "shopA@2 IN_FORCE RULE-shopA-2", "south@1 IN_FORCE RULE-south-1", "spring@1 ENDED RULE-spring-1",
		"standard@1 IN_FORCE ", "wx@1 SUPERSEDED RULE-wx-1", "wx@2 IN_FORCE RULE-wx-2"}
	if got := s.states(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTryScoped: a draft with a scope changes its own orders alone, and not those
// that a more specific rule in force has.
func TestTryScoped(t *testing.T) {
	s := newScene(t)
	s.force(scoped("shopA", "2026-02-12", 300_000, clearing.Scope{Members: []string{"A"}}))
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("W2", "B", "WX", "100.00", "02-12 10:01:00")},
		[]bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00"), pay("W2", "100.00", "0.60", "02-12 10:01:00")})
	for _, c := range []struct {
		draft  clearing.RuleConfig
		chosen int
		head   string
	}{
		{scoped("wx", "2026-03-01", 100_000, clearing.Scope{Channels: []string{"WX"}}), 1, "40.00"},
		{scoped("ali", "2026-03-01", 100_000, clearing.Scope{Channels: []string{"ALI"}}), 0, "35.00"},
		{scoped("shopA", "2026-03-01", 100_000, clearing.Scope{Members: []string{"B"}}), 1, "15.00"}, // A falls back to the default
		{version("2026-03-01", 100_000), 1, "40.00"},
	} {
		r, err := s.engine.TryRule(s.ctx, c.draft, 0, day("2026-02-12"), day("2026-02-12"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Chosen != c.chosen || r.Lines[0].Code != "" || r.Lines[0].New.String() != c.head || r.Lines[0].Old.String() != "35.00" {
			t.Errorf("%s %+v: got %d orders, head office %s, was %s", c.draft.ID, *r, r.Chosen, r.Lines[0].New, r.Lines[0].Old)
		}
	}
}

// TestScopesOfCustodyYAML: init holds the rules of custody.yaml against each
// other too, and there must be a default.
func TestScopesOfCustodyYAML(t *testing.T) {
	const wx = ", head_office_ppm: 1, fee_bearer: franchisee, scope: {channels: [WX]}}"
	if _, err := clearing.ParseConfig([]byte(strings.Replace(workedConfig, twoRates, "{id: a, effective: 2026-01-01"+wx, 1))); err == nil {
		t.Error("no default rule, and no error")
	}
	if code := initWith(t, "- "+twoRates, "- "+twoRates+"\n  - {id: a, effective: 2026-01-01"+wx+"\n  - {id: b, effective: 2026-01-01"+wx); code != "rule.clash" {
		t.Errorf("two rules for one channel: %q", code)
	}
	if code := initWith(t, "- "+twoRates, "- "+twoRates+"\n  - {id: a, effective: 2026-01-01"+wx); code != "" {
		t.Errorf("one rule for a channel: %q", code)
	}
}
