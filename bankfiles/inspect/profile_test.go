package inspect_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"custody/bankfiles/inspect"
)

const ccb = "交易时间,借方发生额/元(支取),贷方发生额/元(收入),余额,对方户名,摘要\n20260801 15:24:03,0.00,10.00,10.00,甲,x\n20260802 15:24:03,4.00,0.00,6.00,乙,y\n"

// A bank's export is known by its columns, in text and in a workbook; what fits
// several banks, or is an old workbook, is refused with the reason.
func TestProfiles(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	for i, line := range strings.Split(strings.TrimSpace(ccb), "\n") {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			t.Fatal(err)
		}
		cells := strings.Split(line, ",")
		if err := book.SetSheetRow("Sheet1", at, &cells); err != nil {
			t.Fatal(err)
		}
	}
	var xlsx bytes.Buffer
	if err := book.Write(&xlsx); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, text, format, problem string }{
		{"text", ccb, "profile:ccb-corporate", ""},
		{"workbook", xlsx.String(), "profile:ccb-corporate", ""},
		{"several banks", "交易日期,借方金额,贷方金额\n2026-08-01,1.00,\n", "unknown", "profile.ambiguous"},
		{"old workbook", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....", "unknown", "xls.damaged"},
		{"a workbook of something else", xlsx.String()[:200] + "[Content_Types].xml", "unknown", "profile.workbook"},
	} {
		r, err := inspect.File("f", strings.NewReader(test.text), say)
		if err != nil {
			t.Fatal(err)
		}
		problem := ""
		if len(r.Errors) > 0 {
			problem = r.Errors[0].Code
		}
		if string(r.Format) != test.format || problem != test.problem {
			t.Errorf("%s: got %s %v", test.name, r.Format, r.Errors)
		}
		if test.problem == "" && (r.Rows != 2 || len(r.Statements) != 1 || *r.Statements[0].Closing != "6.00" || !*r.Statements[0].Balanced) {
			t.Errorf("%s: got %+v", test.name, r)
		}
	}
}
