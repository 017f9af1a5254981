package clearing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"custody/clearing"
	"custody/clearing/payout"
	"custody/internal/money"
)

const openingSheet = `account,amount,remark
2001.A,100.00,
2002.B.WX.20260211,93.00,
2002.P.WX.20260211,2.00,
2302.WX.20260211,4.40,
2501.WX.20260211,0.60,
1122.WX.20260211,100.00,
2003.C,20.00,court
2304.C,5.00,
2201.A.20260210010001,50.00,
2301,500.00,
2305,24.00,
2401.K77,1.00,王五
`

// opening reads a sheet with changes of it.
func (s *scene) opening(balance money.Amount, changes ...string) (*clearing.Opening, error) {
	s.t.Helper()
	sheet, letter := filepath.Join(s.home, "opening.csv"), filepath.Join(s.home, "letter.pdf")
	if err := os.WriteFile(sheet, []byte(strings.NewReplacer(changes...).Replace(openingSheet)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(letter, []byte("letter"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return clearing.ReadOpening(sheet, letter, balance, day("2026-02-12"))
}

// TestOpeningRefused: what does not tie, or has nothing behind it, is not taken on.
func TestOpeningRefused(t *testing.T) {
	s := newScene(t)
	for name, c := range map[string]struct {
		code    string
		changes []string
	}{
		"header":       {"opening.header", []string{"account,amount", "konto,amount"}},
		"fields":       {"opening.row", []string{"2301,500.00,", "2301,500.00"}},
		"the bank":     {"opening.account", []string{"2301,", "1001,"}},
		"unsplit":      {"opening.account", []string{"2301,", "2102,"}},
		"escrow":       {"opening.account", []string{"2301,", "2101.A,"}},
		"twice":        {"opening.account", []string{"2305,24.00", "2301,24.00"}},
		"amount":       {"cli.amount", []string{"500.00", "500.001"}},
		"nothing":      {"cli.amount", []string{"500.00", "0.00"}},
		"wrong side":   {"cli.amount", []string{"500.00", "-500.00"}},
		"letter":       {"opening.balance", []string{"500.00", "500.01"}},
		"member":       {"ledger.member_unknown", []string{"2001.A", "2001.Z"}},
		"payee":        {"opening.account", []string{"2201.A.", "2201.Z."}},
		"channel":      {"opening.account", []string{"1122.WX", "1122.QQ"}},
		"later date":   {"opening.account", []string{"1122.WX.20260211", "1122.WX.20260212"}},
		"not in cash":  {"action.coverage", []string{"2002.B.WX.20260211", "2001.B", "2002.P.WX.20260211", "2001.P"}},
		"without item": {"opening.account", []string{"2401.K77", "2401"}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := s.opening(700_00, c.changes...)
			if err == nil {
				_, err = s.engine.TakeOn(s.ctx, "maker1", o)
			}
			wantCode(t, err, c.code)
		})
	}
	if list, err := s.engine.Approvals(s.ctx, ""); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestOpening: two people take the balances on, once; the first day then finds
// what was in transit and the payout that was on its way, and closes.
func TestOpening(t *testing.T) {
	s := newScene(t)
	o, err := s.opening(700_00)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.engine.TakeOn(s.ctx, "checker1", o)
	wantCode(t, err, "people.denied")
	id, err := s.engine.TakeOn(s.ctx, "maker1", o)
	if err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"1001": "0.00"})
	s.approve(id)
	s.want(map[string]string{"1001": "700.00", "2001.A": "100.00", "1122.WX.0211": "100.00", "2003.C": "20.00", "2201": "50.00", "2305": "24.00"})
	s.wantOpen("UNKNOWN_PAYER K77 OPEN")
	_, err = s.engine.TakeOn(s.ctx, "maker1", o)
	wantCode(t, err, "opening.begun")

	s.balance = money.FromFen(700_00)
	s.report("2026-02-12", bankLine{"K1", "02-12 08:40:00", "99.40", "财付通", "", "", "财付通 20260211"})
	s.play("2026-02-12", waiting) // WeChat's money is released and drawn up
	s.want(map[string]string{"1122": "0.00", "2001.B": "0.00", "2002.B": "0.00"})
	s.approve("PO20260212-01")
	s.play("2026-02-12", waiting)
	s.answer("PO20260212-01", nil)
	s.bank("2026-02-12", append([]bankLine{{"K1", "02-12 08:40:00", "99.40", "财付通", "", "", "财付通 20260211"},
		{"K2", "02-12 09:00:00", "-50.00", "加盟商甲", "6222000000000001", "20260210010001", "结算款"}}, s.debits("PO20260212-01", "02-12 13:31:00")...)...)
	s.rest("2026-02-12")
	s.play("2026-02-12", 0)
	if got := s.payout("20260210010001").State; got != payout.Success {
		t.Errorf("the old payout is %s", got)
	}
	s.want(map[string]string{"2201": "0.00", "2003.C": "20.00", "2301": "500.00"})
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%+v %v", report, err)
	}
}
