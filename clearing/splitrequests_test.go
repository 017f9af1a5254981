package clearing_test

import (
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

// byRequests is custody.yaml with a rule for the orders of A: by requests to head
// office, its partner and C, released after three days.
const byRequests = "- " + twoRates + `
  - {id: asked, effective: 2026-01-01, fee_bearer: franchisee, mode: requests, freeze_days: 3, scope: {members: [A]},
     levels: [{to: head_office}, {to: partner}, {to: "member:C"}], contract: {share_ppm: 300000, receivers: 3, requests: 3}}`

func newAskedScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, "- "+twoRates, byRequests)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "A", "WX", "1000.00", "02-12 10:00:00"), payOrder("W2", "B", "WX", "100.00", "02-12 10:01:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00"), pay("W2", "100.00", "0.60", "02-12 10:01:00")})
	return s
}

func (s *scene) give(code, ref string, parts ...split.Part) {
	s.t.Helper()
	if _, err := s.engine.SplitOrder(s.ctx, "maker1", "W1", ref, parts...); fault.CodeOf(err) != code {
		s.t.Errorf("%s %v: got %v, want %q", ref, parts, err, code)
	}
}

func (s *scene) takeBack(code, ref, receiver string, amount money.Amount) {
	s.t.Helper()
	_, err := s.engine.ReturnSplit(s.ctx, "maker1", "W1", ref, split.Part{Owner: receiver, Amount: amount})
	if fault.CodeOf(err) != code {
		s.t.Errorf("%s %s %s: got %v, want %q", ref, receiver, amount, err, code)
	}
}

// TestSplitByRequests: the night leaves the order in 2102, requests give parts of it
// within the rule and its contract, and the rest is released on the day of the thaw.
func TestSplitByRequests(t *testing.T) {
	s := newAskedScene(t)
	s.want(map[string]string{"2102": "1000.00", "2002.A": "0.00", "2002.B": "92.40", "2501.WX.0212": "0.60"})
	if _, err := s.engine.SplitOrder(s.ctx, "checker1", "W1", "Q1", split.Part{Owner: "P", Amount: 1}); fault.CodeOf(err) != "people.denied" {
		t.Errorf("a checker asks: %v", err)
	}
	if _, err := s.engine.SplitOrder(s.ctx, "maker1", "W2", "Q1", split.Part{Owner: "P", Amount: 1}); fault.CodeOf(err) != "requests.unknown" {
		t.Errorf("an order that its rule splits: %v", err)
	}
	s.give("requests.ref", "", split.Part{Owner: "P", Amount: 1})
	s.give("requests.receiver", "Q1", split.Part{Owner: "B", Amount: 1})
	s.give("requests.receiver", "Q1", split.Part{Owner: "A", Amount: 1})
	s.give("split.share", "Q1", split.Part{Owner: "P", Amount: 300_01})
	s.give("split.twice", "Q1", split.Part{Owner: "P", Amount: 1}, split.Part{Owner: "P", Amount: 2})
	s.give("split.left", "Q1", split.Part{Amount: 994_01})
	s.give("split.receivers", "Q1")
	s.want(map[string]string{"2102": "1000.00"})
	q1 := []split.Part{{Owner: "P", Amount: 20_00}, {Amount: 50_00}}
	s.give("", "Q1", q1...)
	s.give("", "Q1", q1...) // once more is a no-op
	s.give("requests.conflict", "Q1", split.Part{Owner: "P", Amount: 21_00})
	s.want(map[string]string{"2102": "930.00", "2002.P": "22.00", "2302": "55.00"})
	s.night("2026-02-13", nil, nil)
	s.give("", "Q2", split.Part{Owner: "C", Amount: 100_00})
	s.takeBack("requests.return", "B1", "C", 100_01)
	s.takeBack("requests.return", "B1", "B", 1)
	s.takeBack("", "B1", "C", 40_00)
	s.takeBack("", "B1", "C", 40_00)
	s.takeBack("requests.conflict", "B1", "C", 41_00)
	s.give("", "Q3", split.Part{Owner: "C", Amount: 10_00})
	s.give("split.requests", "Q4", split.Part{Owner: "C", Amount: 1})
	s.night("2026-02-14", nil, nil)
	s.want(map[string]string{"2102": "860.00"})
	s.night("2026-02-15", nil, nil)
	s.want(map[string]string{"2102": "0.00", "2002.A": "854.00", "2501.WX.0212": "6.60", "2302.WX.0212": "55.00"})
	s.give("requests.closed", "Q5", split.Part{Owner: "C", Amount: 1})
	s.takeBack("requests.returned_late", "B2", "C", 1)
	s.wantOpen()
	v, err := s.engine.OrderRequests(s.ctx, "W1")
	if err != nil || v.Closed == nil || *v.Closed != day("2026-02-15") || len(v.Moves) != 6 || v.Moves[5].Ref != "thaw 2026-02-15" {
		t.Errorf("got %+v, %v", v, err)
	}
	trace, err := s.engine.Trace(s.ctx, "W1")
	if err != nil || trace.Requests == nil || trace.Shares != nil {
		t.Errorf("got %+v, %v", trace, err)
	}
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
}

// TestRefundBeforeTheRelease: a refund comes out of the order's rest; what is
// missing there its receivers give back by themselves, and the fee follows.
func TestRefundBeforeTheRelease(t *testing.T) {
	s := newAskedScene(t)
	s.give("", "Q1", split.Part{Owner: "C", Amount: 300_00}, split.Part{Amount: 500_00})
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "100.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "100.00", "0.60", "02-13 12:00:00")})
	s.want(map[string]string{"2102": "100.00", "2002.C": "300.00", "2302": "505.00", "2501.WX.0213": "-0.60", "1122.WX.0213": "-100.00"})
	s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "500.00", "02-14 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "500.00", "3.00", "02-14 12:00:00")})
	// 497.00 are needed beside the fee, 94.60 are there: C and head office give 402.40 as 3 to 5.
	s.want(map[string]string{"2102": "2.40", "2002.C": "149.10", "2302": "253.50", "2501.WX.0214": "-3.00"})
	s.wantOpen()
	s.night("2026-02-15", []bankfiles.Order{refundOf("W1", "R3", "A", "WX", "400.01", "02-15 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R3", "400.01", "2.40", "02-15 12:00:00")})
	s.wantOpen("REFUND_MISS R3 OPEN") // more than is left of the order: a person decides
	s.want(map[string]string{"1402.R3": "400.01"})
}

// TestLastRefundBeforeTheRelease empties an order that nothing was released of.
func TestLastRefundBeforeTheRelease(t *testing.T) {
	s := newAskedScene(t)
	s.give("", "Q1", split.Part{Owner: "C", Amount: 300_00}, split.Part{Owner: "P", Amount: 0_01})
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "1000.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "1000.00", "6.00", "02-13 12:00:00")})
	s.want(map[string]string{"2102": "0.00", "2002.A": "0.00", "2002.C": "0.00", "2002.P": "2.00", "2501.WX.0212": "6.60", "2501.WX.0213": "-6.00"})
	s.night("2026-02-14", nil, nil)
	s.night("2026-02-15", nil, nil)
	v, err := s.engine.OrderRequests(s.ctx, "W1")
	if err != nil || v.Closed == nil || v.Rest != 0 || v.Fee != 0 {
		t.Errorf("got %+v, %v", v, err)
	}
	s.wantOpen()
}

// TestTwoRefundsInOneBill: the second sees what the first has left.
func TestTwoRefundsInOneBill(t *testing.T) {
	s := newAskedScene(t)
	s.give("", "Q1", split.Part{Owner: "C", Amount: 300_00})
	s.night("2026-02-13",
		[]bankfiles.Order{refundOf("W1", "R1", "A", "WX", "500.00", "02-13 12:00:00"), refundOf("W1", "R2", "A", "WX", "400.00", "02-13 12:01:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "500.00", "3.00", "02-13 12:00:00"), refunded("W1", "R2", "400.00", "2.40", "02-13 12:01:00")})
	s.want(map[string]string{"2102": "0.60", "2002.C": "99.40", "1122.WX.0213": "-900.00"})
	s.wantOpen()
}

// TestRefundAfterTheRelease takes the shares back from all, as of any split order.
func TestRefundAfterTheRelease(t *testing.T) {
	s := newAskedScene(t)
	s.give("", "Q1", split.Part{Owner: "C", Amount: 300_00}, split.Part{Amount: 50_00})
	s.takeBack("", "B1", "C", 100_00)
	for range 2 {
		v, err := s.engine.ReleaseOrder(s.ctx, "maker1", "W1")
		if err != nil || v.Closed == nil || v.Rest != 0 {
			t.Fatal(v, err)
		}
	}
	s.want(map[string]string{"2102": "0.00", "2002.A": "744.00", "2002.C": "200.00", "2302": "55.00"})
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "400.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "400.00", "2.40", "02-13 12:00:00")})
	s.want(map[string]string{"2002.A": "446.40", "2002.C": "120.00", "2302": "35.00"})
	trace, err := s.engine.Trace(s.ctx, "R1")
	if err != nil || trace.Back == nil || len(trace.Back.Parts) != 3 || trace.Back.Parts[1].Back != 80_00 {
		t.Errorf("got %+v, %v", trace, err)
	}
	s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R2", "A", "WX", "600.00", "02-14 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "600.00", "3.60", "02-14 12:00:00")})
	s.want(map[string]string{"2002.A": "0.00", "2002.C": "0.00", "2302": "5.00", "2102": "0.00"})
	s.wantOpen()
}

// TestRequestsRuleRefused: what a rule by requests may not say.
func TestRequestsRuleRefused(t *testing.T) {
	const head = "id: S\neffective: 2026-03-01\nmode: requests\n"
	const good = "scope: {members: [A]}\nlevels: [{to: partner}]\n"
	for text, field := range map[string]string{
		"levels: [{to: partner}]\n":                                    "scope",
		"scope: {members: [A]}\n":                                      "levels",
		"scope: {members: [A]}\nlevels: [{to: partner, ppm: 1}]\n":     "levels",
		"scope: {members: [A]}\nlevels: [{to: partner, cap: \"1\"}]\n": "levels",
		"scope: {members: [A]}\nlevels: [{to: franchisee}]\n":          "levels",
		good + "fee_bearer: head_office\n":                             "fee_bearer",
		good + "freeze_days: 181\n":                                    "freeze_days",
		good + "freeze_days: -1\n":                                     "freeze_days",
	} {
		_, err := clearing.ParseRule([]byte(head+text), "r.yaml", clearing.Limits{SharePPM: 300_000})
		if f := fault.Of(err); f == nil || f.Code != "rule.requests" || f.Field != field {
			t.Errorf("%q: got %v, want rule.requests on %s", text, err, field)
		}
	}
	c, err := clearing.ParseRule([]byte(head+good), "r.yaml", clearing.Limits{SharePPM: 300_000})
	if err != nil || c.FreezeDays != 30 || c.Contract.SharePPM != 300_000 {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := clearing.ParseRule([]byte("id: S\neffective: 2026-03-01\nfreeze_days: 3\n"), "r.yaml", clearing.Limits{SharePPM: 300_000}); fault.CodeOf(err) != "rule.requests" {
		t.Errorf("days without requests: %v", err)
	}
}
