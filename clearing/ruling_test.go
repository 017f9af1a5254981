package clearing_test

import (
	"slices"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// version is the rule of the worked days with another commission, from a date on.
func version(effective string, headOfficePPM int64) clearing.RuleConfig {
	return clearing.RuleConfig{ID: "standard", Effective: effective, HeadOfficePPM: headOfficePPM, PartnerPPM: 20_000, FeeBearer: "franchisee"}
}

func (s *scene) states() []string {
	s.t.Helper()
	list, err := s.engine.RuleVersions(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, v := range list {
		out = append(out, v.ID+"@"+string(rune('0'+v.Version))+" "+string(v.State)+" "+v.Approval)
	}
	return out
}

// TestRuleRefused: what the books do not let a maker submit or a checker approve.
func TestRuleRefused(t *testing.T) {
	s := newScene(t, "pool_days: 3", "pool_days: 3, rate_cooling_days: 7")
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00")}, []bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00")})
	toNobody := clearing.RuleConfig{ID: "standard", Effective: "2026-03-01", FeeBearer: "franchisee", Levels: []clearing.LevelConfig{{To: "member:GONE", PPM: 1}}}
	for _, c := range []struct {
		name, actor string
		rule        clearing.RuleConfig
		code        string
	}{
		{"a checker", "checker1", version("2026-03-01", 60_000), "people.denied"},
		{"before the collecting day", "maker1", version("2026-02-12", 60_000), "rule.backdated"},
		{"a changed rate too soon", "maker1", version("2026-02-19", 60_000), "rule.cooling"},
		{"to nobody", "maker1", toNobody, "member.unknown"},
	} {
		if _, err := s.engine.NewRule(s.ctx, c.actor, c.rule); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := s.engine.NewRule(s.ctx, "maker1", version("2026-02-13", 50_000)); err != nil {
		t.Errorf("the same rates need no cooling-off: %v", err)
	}
	if _, err := s.engine.NewRule(s.ctx, "maker1", version("2026-03-01", 60_000)); fault.CodeOf(err) != "rule.pending" {
		t.Errorf("a second draft: %v", err)
	}
	if _, err := s.engine.Approve(s.ctx, "maker1", "RULE-standard-2"); fault.CodeOf(err) != "people.denied" {
		t.Errorf("the maker approves: %v", err)
	}
	// The checker comes too late: the draft stays one until it is rejected.
	s.night("2026-02-13", nil, nil)
	if _, err := s.engine.Approve(s.ctx, "checker1", "RULE-standard-2"); fault.CodeOf(err) != "rule.late" {
		t.Errorf("approved too late: %v", err)
	}
	if _, err := s.engine.Reject(s.ctx, "checker1", "RULE-standard-2", "too late"); err != nil {
		t.Fatal(err)
	}
	want := []string{"standard@1 IN_FORCE ", "standard@2 REJECTED RULE-standard-2"}
	if got := s.states(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := s.engine.FindRule(s.ctx, "standard@7"); fault.CodeOf(err) != "rule.unknown" {
		t.Errorf("a version that is not there: %v", err)
	}
	if v, err := s.engine.FindRule(s.ctx, "standard"); err != nil || v.Version != 1 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestRuleTakesEffect: an approved version holds from its date on, and the books
// prove who decided it.
func TestRuleTakesEffect(t *testing.T) {
	s := newScene(t)
	one := func(date, order string) {
		s.night("2026-"+date, []bankfiles.Order{payOrder(order, "A", "WX", "100.00", date+" 10:00:00")}, []bankfiles.BillRow{pay(order, "100.00", "0.60", date+" 10:00:00")})
	}
	one("02-12", "W1")
	if v, err := s.engine.NewRule(s.ctx, "maker1", version("2026-02-14", 100_000)); err != nil || v.Version != 2 || v.Effective != day("2026-02-14") {
		t.Fatal(v, err)
	}
	one("02-13", "W2") // a draft splits nothing
	s.approve("RULE-standard-2")
	one("02-14", "W3")
	s.want(map[string]string{"2302.WX.0212": "5.00", "2302.WX.0213": "5.00", "2302.WX.0214": "10.00"})
	want := []string{"standard@1 SUPERSEDED ", "standard@2 IN_FORCE RULE-standard-2"}
	if got := s.states(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for order, version := range map[string]int{"W2": 1, "W3": 2} {
		trace, err := s.engine.Trace(s.ctx, order)
		if err != nil || trace.Shares.Version != version || !trace.Shares.Agrees {
			t.Errorf("%s: got %+v, %v", order, trace.Shares, err)
		}
	}
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
}

// TestTryRule: what the trial says that the rules in force give is what the
// nights posted; the draft's side is by hand; both sides are what was paid less
// the fees, and nothing is posted.
func TestTryRule(t *testing.T) {
	s := newScene(t)
	s.withRegion()
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "D", "WX", "1000.00", "02-12 10:00:00"), payOrder("W2", "A", "WX", "9.99", "02-12 10:01:00"), payOrder("W6", "A", "WX", "100.00", "02-12 23:59:58")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00"), pay("W2", "9.99", "0.06", "02-12 10:01:00")})
	s.night("2026-02-13", nil, []bankfiles.BillRow{pay("W6", "100.00", "0.60", "02-13 00:00:01")})
	draft, err := clearing.ParseRule([]byte("id: next\neffective: 2027-01-01\nlevels: [{to: head_office, ppm: 40000, cap: \"30.00\"}, {to: region, ppm: 10000}, {to: partner, fixed: \"0.25\"}]\n"),
		"next.yaml", s.engine.Config.Limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"2026-02-13", "2026-02-12"}, {"2026-02-13", "2027-02-14"}} {
		if _, err := s.engine.TryRule(s.ctx, draft, 0, day(c[0]), day(c[1]), nil); fault.CodeOf(err) != "rule.period" {
			t.Errorf("%v: %v", c, err)
		}
	}
	before := s.vouchers()
	r, err := s.engine.TryRule(s.ctx, draft, 0, day("2026-02-12"), day("2026-02-13"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []clearing.TryLine{
		{Code: "", Old: 55_49, New: 34_39, Difference: -21_10},
		{Code: "A", Name: "加盟商甲", Old: 101_65, New: 104_44, Difference: 2_79},
		{Code: "D", Name: "加盟商己", Old: 924_00, New: 953_75, Difference: 29_75},
		{Code: "P", Name: "渠道合作方丁", Old: 22_19, New: 75, Difference: -21_44},
		{Code: "R", Name: "区域戊", New: 10_00, Difference: 10_00},
	}
	if r.Orders != 3 || r.Amount != 1109_99 || r.Fee != 6_66 || r.Refused != 0 || !slices.Equal(r.Lines, want) || r.Total.Difference != 0 {
		t.Errorf("got %+v", r)
	}
	for _, line := range r.Lines[1:4] {
		if got := -s.pending(line.Code); got != line.Old {
			t.Errorf("%s: the nights gave %s, the trial says %s", line.Code, got, line.Old)
		}
	}
	if s.vouchers() != before {
		t.Error("the trial posted something")
	}
	r, err = s.engine.TryRule(s.ctx, draft, 0, day("2026-02-13"), day("2026-02-13"), nil)
	if err != nil || r.Orders != 1 || r.Amount != 100_00 {
		t.Errorf("the clearing date 02-13 has W6 alone: %+v, %v", r, err)
	}
}

func (s *scene) pending(member string) (sum money.Amount) {
	s.t.Helper()
	s.read(func(tx *store.Tx) error {
		list, err := s.engine.Book.Balances(s.ctx, tx, subaccounts.Filter{Code: "2002", Owner: member})
		for _, b := range list {
			sum += b.Balance
		}
		return err
	})
	return sum
}

// TestExplainSplit tells level, rate, bound, rounding and the rest of one order.
func TestExplainSplit(t *testing.T) {
	s := newScene(t, twoRates, fourLevels)
	s.withRegion()
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "D", "WX", "999.99", "02-12 10:00:00"), refundOf("W1", "R1", "D", "WX", "0.01", "02-12 11:00:00")},
		[]bankfiles.BillRow{pay("W1", "999.99", "6.00", "02-12 10:00:00"), refunded("W1", "R1", "0.01", "0.00", "02-12 11:00:00")})
	trace, err := s.engine.Trace(s.ctx, "W1")
	if err != nil || trace.Shares == nil {
		t.Fatal(err)
	}
	got := *trace.Shares
	levels := got.Levels
	got.Levels = nil
	if got.Rule != "standard" || got.Version != 1 || got.Order != 999_99 || got.Returned != 1 || got.Amount != 999_98 || got.Fee != 6_00 ||
		got.RemainderTo != "D" || got.Remainder != 923_50 || !got.Agrees {
		t.Errorf("got %+v", got)
	}
	want := []clearing.SplitLevel{
		{Level: 1, To: "head_office", Base: 999_98, PPM: 50_000, ByRate: 49_99, Dropped: 900_000, Bound: "cap", Share: 40_00},
		{Level: 2, To: "region", Member: "R", Base: 999_98, PPM: 10_000, ByRate: 9_99, Dropped: 980_000, Share: 9_99},
		{Level: 3, To: "partner", Member: "P", Base: 999_98, PPM: 20_000, ByRate: 19_99, Dropped: 960_000, Share: 19_99},
		{Level: 4, To: "member:B", Member: "B", Base: 999_98, Fixed: 50, Share: 50},
	}
	if !slices.Equal(levels, want) {
		t.Errorf("got  %+v\nwant %+v", levels, want)
	}
}
