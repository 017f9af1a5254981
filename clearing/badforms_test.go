package clearing_test

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/unionpay"
	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/lang"
)

// TestBadForms: each form of statement and bill in a wrong shape names file, line,
// field and value, has a hint, books nothing, and leaves its expectation open.
func TestBadForms(t *testing.T) {
	form := func(name string, from, to string) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			return replaced(t, statementOver(t, name, "2026-02-13", "2026-02-13"), from, to)
		}
	}
	upBill := func(t *testing.T) []byte {
		return bytesOf(t, func(w io.Writer) error {
			return unionpay.Write(w, unionpay.ZM, slices.Values(unionPayRows([]bankfiles.BillRow{pay("N1", "100.00", "0.60", "02-13 10:00:00")})))
		})
	}
	for _, c := range []struct {
		name, file string
		raw        func(*testing.T) []byte
		code       string
		line       int
		field      string
	}{
		{"MT940 that does not add up", "s-20260213.sta", form("mt940", "1292,20", "1292,21"), "statement.unbalanced", 0, ""},
		{"MT940 of another account", "s-20260213.sta", form("mt940", account, "1100200300400500601"), "file.account", 0, "account"},
		{"MT940 with a date that is none", "s-20260213.sta", form("mt940", ":61:260213", ":61:261313"), "mt940.entry", 5, ":61:"},
		{"a table that does not add up", "s-20260213.csv", form("csv", ",1292.20,", ",1292.21,"), "statement.unbalanced", 0, ""},
		{"a table with letters for an amount", "s-20260213.csv", form("csv", ",1292.20,", ",12g2.20,"), "profile.amount", 7, "收入"},
		{"a table of another account", "s-20260213.csv", form("csv", account, "1100200300400500601"), "file.account", 0, "account"},
		{"a table that names no account", "s-20260213.csv", form("csv", account, ""), "statement.account", 0, ""},
		{"a workbook with a day that is none", "s-20260213.xlsx", func(t *testing.T) []byte {
			text := tableOver(t, "2026-02-13", "2026-02-13")
			return sheetOf(t, strings.Replace(text, "2026-02-13 08:40:00", "2026-02-31 08:40:00", 1))
		}, "profile.date", 7, "交易时间"},
		{"a table that nobody knows", "s-20260213.csv", func(*testing.T) []byte { return []byte("a,b,c\n1,2,3\n") }, "file.unknown", 0, ""},
		{"OFX in dollars", "s-20260213.ofx", func(*testing.T) []byte {
			return []byte("OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>" + account +
				"</BANKACCTFROM><BANKTRANLIST><DTSTART>20260213<DTEND>20260213<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260213<TRNAMT>1.00<FITID>1</STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>1.00<DTASOF>20260213</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>")
		}, "statement.currency", 0, "Ccy"},
		{"BAI2 without an opening balance", "s-20260213.bai", func(*testing.T) []byte {
			return []byte("01,A,B,260213,0800,1,,,2/\n02,A,B,1,260213,,CNY,2/\n03," + account + ",CNY,015,100,,/\n16,195,100,,1,,/\n49,200,3/\n98,200,1,5/\n99,200,1,7/\n")
		}, "statement.no-balance", 0, ""},
		{"two bills in one zip", "bills-20260213.zip", func(t *testing.T) []byte {
			one := bytesOf(t, writeBill("WX", day("2026-02-13"), workedBills["WX 2026-02-13"]))
			return zipOf(t, "a.csv", one, "b.csv", one)
		}, "file.zip-many", 0, ""},
		{"a zip with nothing for us", "bill-20260213.zip", func(t *testing.T) []byte { return zipOf(t, "readme.txt", []byte("hello")) }, "file.unknown", 0, ""},
		{"a zip that would fill the disk", "bill-20260213.zip", func(t *testing.T) []byte {
			return zipOf(t, "bill.csv", make([]byte, 8<<20))
		}, "container.ratio", 0, "bill.csv"},
		{"a zip that leaves its folder", "bill-20260213.zip", func(t *testing.T) []byte { return zipOf(t, "../bill.csv", []byte("x")) }, "container.path", 0, "../bill.csv"},
		{"gzip that was cut off", "statement-20260213.xml.gz", func(t *testing.T) []byte {
			raw := statementOver(t, "gzip", "2026-02-13", "2026-02-13")
			return raw[:len(raw)/2]
		}, "container.damaged", 0, ""},
		{"UnionPay without a day", "up.txt", upBill, "unionpay.settle_date", 0, ""},
		{"UnionPay of a merchant that is not ours", "INN26021388ZM_7", upBill, "file.merchant", 0, "merchant"},
		{"UnionPay with a code that we do not know", "INN26021388ZM_7", func(t *testing.T) []byte { return replaced(t, upBill(t), "S22", "S99") }, "bill.kind", 1, "交易代码"},
		{"UnionPay cut off within a line", "INN26021388ZM_7", func(t *testing.T) []byte { raw := upBill(t); return append(raw, raw[:100]...) }, "unionpay.cut", 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.profile("sample.yaml", sampleProfile)
			s.first()
			before := s.posted("2026-02-13")
			raw := c.raw(t)
			s.write(c.file, raw)
			_, err := s.engine.Import(s.ctx, filepath.Join(s.home, c.file), clearing.ImportOptions{Actor: "maker1"})
			f := fault.Of(err)
			if f == nil || f.Code != c.code || fault.ExitCode(err) != 2 {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if f.File != c.file || c.line != 0 && f.Line != c.line || c.field != "" && f.Field != c.field {
				t.Errorf("%s line %d field %q, want %s line %d field %q", f.File, f.Line, f.Field, c.file, c.line, c.field)
			}
			if lang.Message(lang.EN, f) == "" || lang.Hint(lang.EN, f) == "" {
				t.Errorf("%s has no sentence or no hint", f.Code)
			}
			s.wantRejected(c.file, raw, c.code)
			if after := s.posted("2026-02-13"); !slices.Equal(after, before) || s.bankLines() != 2 {
				t.Errorf("booked: %s, %d lines", after, s.bankLines())
			}
		})
	}
}

// tableOver is the text of a table over several days.
func tableOver(t *testing.T, from, to string) string {
	return string(bytes.Clone(statementOver(t, "csv", from, to)))
}
