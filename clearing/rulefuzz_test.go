package clearing_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"custody/clearing"
	"custody/internal/fault"
)

// FuzzRuleFile: whatever a rule file says, it is refused with a fault that has a
// code, or it is a rule whose stored form reads back as the same.
func FuzzRuleFile(f *testing.F) {
	for _, seed := range []string{
		"id: S\neffective: 2026-03-01\nhead_office_ppm: 50000\npartner_ppm: 20000\n",
		"id: S\neffective: 2026-03-01\nbasis: trade\nfee: on_top\nfee_bearer: payer\nlevels: [{to: region, ppm: 1, of: rest, cap: \"1.00\"}]\n",
		"id: S\neffective: 2026-03-01\nremainder: \"member:P\"\nlevels: [{to: franchisee, ppm: 900000}, {to: \"member:P\", tiers: [{from: \"1\", ppm: 2}]}]\n",
		"id: S\neffective: 2026-03-01\ncontract: {share_ppm: -1}\nlevels: [{to: region, fixed: \"9223372036854775808.00\"}]\n",
		"a: &a [*a]\n", "\x00", "levels: {}",
	} {
		f.Add([]byte(seed))
	}
	limits := clearing.Limits{SharePPM: 300_000}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rule, err := clearing.ParseRule(raw, "r.yaml", limits)
		if err != nil {
			if fault.CodeOf(err) == "" {
				t.Fatalf("no code: %v", err)
			}
			return
		}
		stored, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		var back clearing.RuleConfig
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(back)
		if err != nil || !bytes.Equal(stored, again) || rule.ID == "" || len(rule.Levels) > 50 {
			t.Fatalf("%s became %s: %v", stored, again, err)
		}
	})
}
