package clearing_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// twoRates is the rule of the worked days, as custody.yaml states it.
const twoRates = "{id: standard, effective: 2026-01-01, head_office_ppm: 50000, partner_ppm: 20000, fee_bearer: franchisee}"

// fourLevels pays head office 5 % (at most 40.00), the region 1 %, the partner
// 2 % (at least 0.30) and B a fixed 0.50.
const fourLevels = `{id: standard, effective: 2026-01-01, fee_bearer: franchisee, levels: [
    {to: head_office, ppm: 50000, cap: "40.00"}, {to: region, ppm: 10000}, {to: partner, ppm: 20000, min: "0.30"}, {to: "member:B", fixed: "0.50"}]}`

// withRegion adds a region R and a franchisee D below it.
func (s *scene) withRegion() {
	s.t.Helper()
	for _, m := range []struct {
		subaccounts.Member
		region string
	}{
		{subaccounts.Member{Code: "R", Name: "区域戊", Kind: subaccounts.Partner}, ""},
		{subaccounts.Member{Code: "D", Name: "加盟商己", Kind: subaccounts.Franchisee, Partner: "P"}, "R"},
	} {
		if err := s.engine.AddMember(s.ctx, "maker1", m.Member, m.region, nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestFourLevels splits orders with and without a region, and gives them back in
// parts until nothing is left.
func TestFourLevels(t *testing.T) {
	s := newScene(t, twoRates, fourLevels)
	s.withRegion()
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("W1", "D", "WX", "1000.00", "02-12 10:00:00"), payOrder("W2", "A", "WX", "10.00", "02-12 10:01:00")},
		[]bankfiles.BillRow{pay("W1", "1000.00", "6.00", "02-12 10:00:00"), pay("W2", "10.00", "0.06", "02-12 10:01:00")})
	s.want(map[string]string{"2002.D": "923.50", "2002.R": "10.00", "2002.A": "8.64", "2002.P": "20.30", "2002.B": "1.00", "2302": "40.50", "2501": "6.06"})
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "D", "WX", "333.33", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "333.33", "2.00", "02-13 12:00:00")})
	s.wantOpen()
	s.night("2026-02-14", []bankfiles.Order{refundOf("W1", "R2", "D", "WX", "666.67", "02-14 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R2", "666.67", "4.00", "02-14 12:00:00")})
	s.want(map[string]string{"2002.D": "0.00", "2002.R": "0.00", "2002.A": "8.64", "2002.P": "0.30", "2002.B": "0.50", "2302": "0.50", "2501": "0.06"})
	s.wantOpen()
}

// TestFeeOnTop: the payer paid the fee, so the rates are of the price, and on a
// refund the fee comes back with the franchisee's part.
func TestFeeOnTop(t *testing.T) {
	s := newScene(t, twoRates, "{id: standard, effective: 2026-01-01, head_office_ppm: 50000, partner_ppm: 20000, fee_bearer: payer, fee: on_top}")
	s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "1006.00", "02-12 10:00:00")},
		[]bankfiles.BillRow{pay("W1", "1006.00", "6.04", "02-12 10:00:00")})
	s.want(map[string]string{"2002.A": "929.98", "2002.P": "19.99", "2302": "49.99", "2501.WX.0212": "6.04"})
	s.night("2026-02-13", []bankfiles.Order{refundOf("W1", "R1", "A", "WX", "1006.00", "02-13 12:00:00")},
		[]bankfiles.BillRow{refunded("W1", "R1", "1006.00", "6.04", "02-13 12:00:00")})
	s.want(map[string]string{"2002.A": "0.00", "2002.P": "0.00", "2302": "0.00", "2501": "0.00", "1122": "0.00"})
	s.wantOpen()
}

// TestWhichVersionHolds: by clearing date a version holds for what is cleared on
// its day, by trade time for what was paid on it. W6 was paid on the 12th and is
// in the bill of the 13th.
func TestWhichVersionHolds(t *testing.T) {
	for basis, want := range map[string]map[string]string{
		"clearing": {"2302.WX.0212": "5.00", "2302.WX.0213": "20.00"},
		"trade":    {"2302.WX.0212": "5.00", "2302.WX.0213": "15.00"},
	} {
		t.Run(basis, func(t *testing.T) {
			s := newScene(t, "  - "+twoRates, "  - "+twoRates+"\n  - {id: standard, effective: 2026-02-13, basis: "+basis+
				", head_office_ppm: 100000, partner_ppm: 20000, fee_bearer: franchisee}")
			s.night("2026-02-12", []bankfiles.Order{payOrder("W1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("W6", "A", "WX", "100.00", "02-12 23:59:58")},
				[]bankfiles.BillRow{pay("W1", "100.00", "0.60", "02-12 10:00:00")})
			s.night("2026-02-13", []bankfiles.Order{payOrder("W2", "A", "WX", "100.00", "02-13 10:00:00")},
				[]bankfiles.BillRow{pay("W6", "100.00", "0.60", "02-13 00:00:01"), pay("W2", "100.00", "0.60", "02-13 10:00:00")})
			s.want(want)
			s.wantOpen()
		})
	}
}

// TestRuleFileRefused: what a rule file may not say, with the field it is told on.
func TestRuleFileRefused(t *testing.T) {
	limits := clearing.Limits{SharePPM: 300_000}
	const head = "id: S\neffective: 2026-03-01\n"
	for _, c := range []struct{ name, text, code, field string }{
		{"no id", "effective: 2026-03-01\nhead_office_ppm: 1\n", "rule.id", "id"},
		{"id with a slash", "id: a/b\neffective: 2026-03-01\n", "rule.id", "id"},
		{"no date", "id: S\nhead_office_ppm: 1\n", "rule.value", "effective"},
		{"unknown key", head + "head_ofice_ppm: 1\n", "config.syntax", ""},
		{"unknown bearer", head + "fee_bearer: bank\n", "rule.value", "fee_bearer"},
		{"unknown basis", head + "basis: value\n", "rule.value", "basis"},
		{"on top, and the franchisee bears it", head + "fee: on_top\n", "rule.fee", "fee"},
		{"inside, and the payer bears it", head + "fee: inside\nfee_bearer: payer\n", "rule.fee", "fee"},
		{"both forms", head + "partner_ppm: 1\nlevels: [{to: region, ppm: 1}]\n", "rule.forms", "levels"},
		{"unknown receiver", head + "levels: [{to: bank, ppm: 1}]\n", "split.receiver", "to"},
		{"member without a code", head + "levels: [{to: \"member:\", ppm: 1}]\n", "split.receiver", "to"},
		{"above the limit of the contract", head + "levels: [{to: region, ppm: 300001}]\n", "split.limit", "to"},
		{"above its own contract", head + "contract: {share_ppm: 200000}\nlevels: [{to: region, ppm: 200001}]\n", "split.limit", "to"},
		{"more receivers than the contract has", head + "contract: {receivers: 1}\nlevels: [{to: region, ppm: 1}, {to: partner, ppm: 1}]\n", "split.receivers", "levels"},
		{"a contract above every channel", head + "contract: {receivers: 51}\nlevels: [{to: region, ppm: 1}]\n", "rule.contract", "contract"},
		{"three decimals", head + "levels: [{to: region, fixed: \"0.005\"}]\n", "rule.value", "fixed"},
		{"rest to a stranger", head + "remainder: region\nlevels: [{to: partner, ppm: 1}]\n", "split.remainder", "remainder"},
	} {
		_, err := clearing.ParseRule([]byte(c.text), "r.yaml", limits)
		f := fault.Of(err)
		if f == nil || f.Code != c.code || f.Field != c.field || f.File != "r.yaml" {
			t.Errorf("%s: got %+v (%v), want %s on %q", c.name, f, err, c.code, c.field)
		}
	}
	rule, err := clearing.ParseRule([]byte(head+"levels: [{to: head_office, ppm: 500000}, {to: franchisee, ppm: 400000}]\n"), "r.yaml", limits)
	if err != nil || rule.Contract.SharePPM != 300_000 || rule.Contract.Requests != 50 {
		t.Errorf("head office and the franchisee have no limit: %+v, %v", rule, err)
	}
	path := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clearing.LoadRule(path, limits); fault.CodeOf(err) != "rule.size" {
		t.Errorf("a file of 1 MiB: %v", err)
	}
}

// TestRegionsFromAFile: members.csv may have a column for the region; a region
// may stand below its franchisees.
func TestRegionsFromAFile(t *testing.T) {
	s := newScene(t)
	const head = "code,name,kind,partner,account,account_name,bank,cnaps,region\n"
	for _, c := range []struct{ rows, code string }{
		{"E,加盟商,FRANCHISEE,,,,,,GONE\n", "ledger.member_unknown"},
		{"E,加盟商,FRANCHISEE,,,,,,A\n", "ledger.region"},
		{"E,合作方,PARTNER,,,,,,P\n", "ledger.region"},
	} {
		s.write("more.csv", []byte(head+c.rows))
		if _, err := s.engine.ImportMembers(s.ctx, "maker1", filepath.Join(s.home, "more.csv")); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", c.rows, err, c.code)
		}
	}
	s.write("more.csv", []byte(head+"E,加盟商,FRANCHISEE,P,,,,,R\nR,区域,PARTNER,,,,,,\n"))
	if n, err := s.engine.ImportMembers(s.ctx, "maker1", filepath.Join(s.home, "more.csv")); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	s.read(func(tx *store.Tx) error {
		regions, err := s.engine.Book.Regions(s.ctx, tx)
		if len(regions) != 1 || regions["E"] != "R" {
			t.Errorf("got %v", regions)
		}
		return err
	})
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
}

// TestInitRefusesAStranger: custody.yaml names a receiver that members.csv lacks.
func TestInitRefusesAStranger(t *testing.T) {
	if code := initWith(t, twoRates, strings.Replace(fourLevels, "member:B", "member:GONE", 1)); code != "member.unknown" {
		t.Errorf("got %q", code)
	}
}

// initWith makes a home with the worked custody.yaml changed in one place and
// returns the code of what init refuses.
func initWith(t *testing.T, old, text string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range map[string]string{"members.csv": workedMembers, "custody.yaml": strings.Replace(workedConfig, old, text, 1)} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, _, err := clearing.Init(context.Background(), clearing.OpenOptions{Home: home, Clock: clock.Fixed(day("2026-02-12").At(10, 0)), Random: clock.Rand()})
	if err == nil {
		_ = e.Close()
	}
	return fault.CodeOf(err)
}
