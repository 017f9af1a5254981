package clearing_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles/cardsettle"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/recharge"
	"custody/internal/money"
	"custody/internal/pgtest"
)

// operatorStub answers by the reference: what is debited, and what is answered.
type operatorStub struct {
	debits  map[string]int // how often each was debited
	queries map[string]int
}

func (o *operatorStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Reference string `json:"reference"`
		PIN       string `json:"pin"`
	}
	_ = json.NewDecoder(r.Body).Decode(&call)
	code := ""
	switch {
	case r.URL.Path == "/v1/authenticate" && call.Reference == "REFUSED":
		code = "REFUSED"
	case r.URL.Path == "/v1/authenticate":
		code = "OK"
	case r.URL.Path == "/v1/debit":
		if call.Reference != "NOTAKEN" {
			o.debits[call.Reference]++
		}
		if slices.Contains([]string{"LOST", "NOTAKEN", "SETTLED"}, call.Reference) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		code = "DEBITED"
	case r.URL.Path == "/v1/query":
		o.queries[call.Reference]++
		if call.Reference == "SETTLED" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		code = "DEBITED"
		if o.debits[call.Reference] == 0 {
			code = "NOT_DEBITED"
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "operator_no": "T" + call.Reference, "clearing_date": day("2026-02-13")})
}

func rechargeScene(t *testing.T, dsn string) (*scene, *operatorStub) {
	o := &operatorStub{map[string]int{}, map[string]int{}}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	changes := append([]string{
		"rules:\n", `  - {code: TEL, name: 电话卡, bill: card-settle, merchant: TEL, fee_ppm: 100000, pay_days: natural, payers: [示例电信]}
recharge:
  plain_http: true
  operators:
    - code: TEL
      platforms: [{name: national, url: "` + server.URL + `", prefixes: ["11888"]}, {name: gd, province: GD, url: "` + server.URL + `", prefixes: ["1188844"]}]
      ratios:
        - {effective: 2026-01-01, version: 1, member_ppm: 850000, operator_ppm: 100000}
        - {province: GD, face: "50.00", effective: 2026-02-01, version: 2, member_ppm: 800000, operator_ppm: 100000}
rules:
`}, escrowConfig...)
	s := newSceneAt(t, dsn, changes...)
	s.bank("2026-02-12", workedLine("K1201"))
	s.rest("2026-02-12")
	s.settlement("2026-02-12")
	s.play("2026-02-12", 0)
	return s, o
}

// settlement drops the operator's file of a date.
func (s *scene) settlement(date string, rows ...cardsettle.Row) {
	s.drop("card-"+day(date).Compact()+".txt", func(w io.Writer) error {
		return cardsettle.Write(w, "TEL", day(date), slices.Values(rows))
	})
}

func debited(reference, date string, face money.Amount) cardsettle.Row {
	return cardsettle.Row{Kind: cardsettle.Debit, Serial: reference, Operator: "T" + reference, Province: "GD", Face: face, Share: face / 10,
		Net: face - face/10, Time: day(date).At(10, 0)}
}

func (s *scene) recharge(reference, card, pin string, face money.Amount, code, state string) {
	s.t.Helper()
	r, err := s.engine.Recharge(s.ctx, "maker1", clearing.RechargeRequest{Card: card, PIN: pin, Face: face, Member: "A", Reference: reference})
	wantCode(s.t, err, code)
	if string(r.State) != state {
		s.t.Errorf("%s is %s, want %s", reference, r.State, state)
	}
}

// TestRecharges: cards are debited once, an unknown debit is asked for or told by
// the settlement, each is credited once (E10a), the settlement is compared row by
// row, and its money makes the rest (E10b, E10c).
func TestRecharges(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s, o := rechargeScene(t, dsn)
		s.recharge("R0", "99999", "111122223333444455", 100_00, "recharge.prefix", "")
		s.recharge("R0", "11888", "12", 100_00, "recharge.pin", "")
		s.recharge("R1", "11888001", "111122223333444455", 100_00, "", "CREDITED")
		s.want(map[string]string{"1122.TEL.20260213": "100.00", "2002.A": "85.00", "2501.TEL": "10.00", "2302.TEL.20260213": "5.00"})
		s.recharge("R1", "11888001", "111122223333444455", 100_00, "", "CREDITED") // the same once more
		s.recharge("R1", "11888001", "111122223333444456", 100_00, "recharge.reference", "CREDITED")
		s.recharge("R2", "11888001", "111122223333444455", 100_00, "recharge.pin_used", "")
		s.recharge("REFUSED", "11888001", "211122223333444455", 100_00, "", "AUTH_FAIL")
		s.recharge("GD", "11888441", "311122223333444455", 50_00, "", "CREDITED") // 80 % by the province's ratio
		s.want(map[string]string{"2002.A": "125.00"})

		s.recharge("LOST", "11888001", "411122223333444455", 100_00, "recharge.waits", "DEBIT_UNKNOWN")
		s.recharge("LOST", "11888001", "411122223333444455", 100_00, "recharge.waits", "DEBIT_UNKNOWN") // not sent again
		s.recharge("NOTAKEN", "11888001", "511122223333444455", 100_00, "recharge.waits", "DEBIT_UNKNOWN")
		s.recharge("SETTLED", "11888001", "611122223333444455", 100_00, "recharge.waits", "DEBIT_UNKNOWN")
		m, err := s.engine.MendRecharges(s.ctx, "maker1", false) // five minutes have not passed
		if err != nil || m != (clearing.Mended{Waiting: 3}) || o.queries["LOST"] != 0 {
			t.Fatalf("%+v, %v", m, err)
		}
		if m, err = s.engine.MendRecharges(s.ctx, "maker1", true); err != nil || m != (clearing.Mended{Credited: 1, Failed: 1, Waiting: 1}) {
			t.Fatalf("%+v, %v", m, err)
		}
		s.want(map[string]string{"2002.A": "210.00"})

		// The settlement lists what was unknown and one card that we do not know; it
		// lacks GD.
		s.bank("2026-02-13")
		s.rest("2026-02-13")
		s.settlement("2026-02-13", debited("R1", "2026-02-13", 100_00), debited("LOST", "2026-02-13", 100_00),
			debited("SETTLED", "2026-02-13", 100_00), debited("STRANGE", "2026-02-13", 100_00))
		s.play("2026-02-13", 0)
		s.want(map[string]string{"2002.A": "295.00", "2402.STRANGE": "100.00", "1402.GD": "50.00", "1122.TEL": "400.00"})
		open, err := s.engine.Exceptions(s.ctx, 0)
		s.must(err)
		var kinds []string
		for _, x := range open {
			kinds = append(kinds, string(x.Kind)+" "+x.Subject)
		}
		wantList(t, "differences", kinds, []string{string(exceptions.PlatformMiss) + " STRANGE", string(exceptions.BankMiss) + " GD"})
		for _, reference := range []string{"R1", "LOST", "SETTLED", "GD"} {
			if o.debits[reference] != 1 {
				t.Errorf("%s was debited %d times", reference, o.debits[reference])
			}
		}

		// The next settlement brings GD; what the operator paid is withdrawable.
		s.bank("2026-02-14", bankLine{"K9", "02-14 16:00:00", "360.00", "示例电信", "", "", "卡结算 20260213"})
		s.rest("2026-02-14")
		s.settlement("2026-02-14", debited("GD", "2026-02-14", 50_00))
		s.play("2026-02-14", 0)
		s.want(map[string]string{"1402.GD": "0.00", "2001.A": "0.00", "2002.A": "295.00", "1122.TEL": "50.00"})
		wantList(t, "E10b", s.posted("2026-02-14", "E10b"), []string{"E10b Cr 1122.TEL.0213 400.00; Dr 1001 360.00; Dr 2501.TEL.0213 40.00"})
		for d := day("2026-02-15"); d <= day("2026-02-24"); d = d.AddDays(1) {
			s.bank(d.String())
			s.rest(d.String())
			s.settlement(d.String())
			s.play(d.String(), 0)
		}
		s.want(map[string]string{"2001.A": "295.00", "2002.A": "0.00"})
		wantList(t, "E10c", s.posted("2026-02-24", "E10c"), []string{"E10c Cr 2001.A 295.00; Dr 2002.A.TEL.0213 295.00"})
	})
}

// TestPINIsNowhere: neither the database nor any file of the home holds a PIN.
func TestPINIsNowhere(t *testing.T) {
	s, _ := rechargeScene(t, "")
	const pin = "987654321098765432"
	s.recharge("R1", "11888001", pin, 100_00, "", "CREDITED")
	s.bank("2026-02-13")
	s.rest("2026-02-13")
	s.settlement("2026-02-13", debited("R1", "2026-02-13", 100_00))
	s.play("2026-02-13", 0)
	err := filepath.WalkDir(s.home, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), pin) {
			t.Errorf("%s holds the PIN", path)
		}
		return err
	})
	s.must(err)
}

// TestRatioOf: a province's ratio goes before one of all, a face value's before
// one of all, and of those the latest in force.
func TestRatioOf(t *testing.T) {
	o := recharge.Operator{Code: "TEL", Ratios: []recharge.Ratio{
		{Effective: "2026-01-01", Version: 1, MemberPPM: 1}, {Effective: "2026-02-01", Version: 2, MemberPPM: 2},
		{Face: "50.00", Effective: "2026-01-01", MemberPPM: 3}, {Province: "GD", Effective: "2026-01-01", MemberPPM: 4},
		{Province: "GD", Face: "50.00", Effective: "2026-03-01", MemberPPM: 5}, {Effective: "2026-02-01", Version: 3, MemberPPM: 6},
	}}
	for _, c := range []struct {
		province string
		face     money.Amount
		on       string
		want     int64
	}{{"", 100_00, "2026-01-31", 1}, {"", 100_00, "2026-02-01", 6}, {"", 50_00, "2026-02-01", 3}, {"GD", 100_00, "2026-02-01", 4},
		{"GD", 50_00, "2026-02-28", 4}, {"GD", 50_00, "2026-03-01", 5}} {
		if r, err := o.RatioOf(c.province, c.face, day(c.on)); err != nil || r.MemberPPM != c.want {
			t.Errorf("%+v: got %d, %v", c, r.MemberPPM, err)
		}
	}
	_, err := o.RatioOf("", 100_00, day("2025-12-31"))
	wantCode(t, err, "recharge.ratio")
}
