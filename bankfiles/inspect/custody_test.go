package inspect_test

import (
	"bytes"
	"testing"

	"custody/bankfiles/custodyfiles"
	"custody/bankfiles/inspect"
)

func TestCustodyFormats(t *testing.T) {
	var sent, answered, tie bytes.Buffer
	orders := []custodyfiles.BusinessOrder{{Platform: "P", User: "U", Time: day.At(1, 0), OrderNo: "B", PaymentNo: "W", Code: custodyfiles.Accepted}}
	if err := custodyfiles.WriteOrders(&sent, orders); err != nil {
		t.Fatal(err)
	}
	if err := custodyfiles.WriteOrderResults(&answered, orders); err != nil {
		t.Fatal(err)
	}
	if err := custodyfiles.WriteTieOut(&tie, []custodyfiles.TieOut{{Date: day, Account: "62", Bank: exact(1), SubAccounts: exact(1), Transit: exact(0)}}); err != nil {
		t.Fatal(err)
	}
	for want, test := range map[inspect.Format]struct {
		text    string
		counted bool
	}{
		"custody-cz":            {"1&3512&349201&甲店&300.00&0.00&20260213&192842&2210&0121&&绑卡匹配入金&&\n", false},
		"custody-tx":            {"1&3512&349201&甲店&300.00&0.00&20260213&192842&2210&0121&&提现&&\n", false},
		"custody-jy":            {"1&确认付款&24&3491&甲&10&3492&乙&1.00&0.01&20260213&000004&22&W3&&42&\n", false},
		"custody-ye":            {"1&3512&560901&488305.60&\n", false},
		"custody-kxh":           {"1\n1&F1&成功&349201&1&甲店&3512&20260213&E&\n", true},
		"custody-crj":           {"1&0.00&2.00&0.00&\n1&2&0&6301&6201&3512&349201&甲店&2.00&0.00&&&20260213&101501&S2&\n", true},
		"custody-batcustdz":     {"1\n349201&甲店&3512&1&1&0&120.00&100.00&20.00&0.00&\n", true},
		"custody-batcustdzfail": {"1\n349201&甲店&3512&100.00&20.00&90.00&20.00&10.00&0.00&&\n", true},
		"custody-ht-balance":    {"H|balance|20260213|1\n20260213|U1|10000|0\n", true},
		"custody-ht-settle":     {"H|settle|20260213|1\n20260213|S1|U1|9000|0|1||||\n", true},
		"custody-616":           {sent.String(), true},
		"custody-616-result":    {answered.String(), true},
		"custody-tieout":        {tie.String(), true},
	} {
		report, err := inspect.File("x", bytes.NewReader([]byte(test.text)), say)
		if err != nil || report.Refused() || report.Format != want || report.Rows != 1 || (report.TotalsAgree != nil) != test.counted {
			t.Errorf("%s: %+v, %v", want, report, err)
		}
	}
}
