package inspect_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"custody/bankfiles/inspect"
)

// mt is a message of one account and day.
func mt(account, number, opening, entry, closing string) string {
	return ":20:R\r\n:25:" + account + "\r\n:28C:" + number + "\r\n:60" + opening + "\r\n:61:260213" + entry + "NTRFX\r\n:62" + closing + "\r\n-\r\n"
}

const (
	mtInterim = ":20:R\n:25:622\n:28C:3\n:34F:CNY0,\n:13D:2602131200+0800\n:61:260213C5,00NTRFX\n:90D:0CNY0,\n:90C:1CNY5,00\n-\n"
	baiFile   = "01,B,C,260213,0600,1,,,2/\n02,C,B,1,260212,,USD,2/\n03,622,,010,100,,,015,600,,/\n16,165,500,,,,PAID/\n49,1200,3/\n98,1200,1,5/\n99,1200,1,7/\n"
	ofxFile   = "OFXHEADER:100\nVERSION:102\n\n<OFX><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>622</BANKACCTFROM><BANKTRANLIST><DTSTART>20260201<DTEND>20260213" +
		"<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260212<TRNAMT>5.00<FITID>1</STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>6.00<DTASOF>20260213</LEDGERBAL></STMTRS></OFX>"
	notification = "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.08'><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id><Acct><Id><IBAN>DE1</IBAN></Id><Ccy>EUR</Ccy></Acct>" +
		"<Ntry><Amt Ccy='EUR'>5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-13</Dt></BookgDt></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
)

// summary is a report in a few words.
func summary(r *inspect.Report) string {
	yes := func(b *bool) string {
		if b == nil {
			return "-"
		}
		return fmt.Sprint(*b)
	}
	amount := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	out := []string{fmt.Sprintf("%s %d %s", r.Format, r.Rows, yes(r.TotalsAgree))}
	for _, s := range r.Statements {
		out = append(out, fmt.Sprintf("%s %s %s %s %d %s %s %s", s.Account, s.Number, s.Currency, amount(s.Opening), s.Entries, s.Sum, amount(s.Closing), yes(s.Balanced)))
	}
	for _, p := range r.Warnings {
		out = append(out, "~"+p.Code)
	}
	for _, p := range r.Errors {
		out = append(out, "!"+p.Code)
	}
	return strings.Join(out, "|")
}

func TestStatements(t *testing.T) {
	first := mt("622", "7/1", "F:C260212CNY1,00", "C1,00", "M:C260213CNY2,00")
	second := mt("622", "7/2", "M:C260213CNY2,00", "D0,50", "F:C260213CNY1,50")
	other := mt("623", "7/1", "F:C260212EUR1,00", "C1,00", "F:C260213EUR2,00")
	whole := mt("622", "7", "F:C260212CNY1,00", "C1,00", "F:C260213CNY2,00")
	next := mt("622", "7", "F:C260213CNY2,00", "C1,00", "F:C260214CNY3,00")
	later := mt("622", "7", "F:C260301CNY9,00", "C1,00", "F:C260302CNY10,00")
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for name, text := range map[string]string{"a.xml": notification} {
		w, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, want string }{
		{"pages joined", first + second, "mt940 2 -|622 7 CNY 1.00 2 0.50 1.50 true"},
		{"pages joined around another account", first + other + second, "mt940 3 -|622 7 CNY 1.00 2 0.50 1.50 true|623 7 EUR 1.00 1 1.00 2.00 true"},
		{"pages in the wrong order", second + first, "mt940 2 -|622 7 CNY 1.00 2 0.50 1.50 true"},
		{"page delivered twice", first + second + second, "mt940 3 -|622 7 CNY 1.00 2 0.50 1.50 true|~inspect.duplicate"},
		{"first page delivered twice", first + second + first, "mt940 3 -|622 7 CNY 1.00 2 0.50 1.50 true|~inspect.duplicate"},
		{"statement delivered twice", whole + other + whole, "mt940 3 -|622 7 CNY 1.00 1 1.00 2.00 true|623 7 EUR 1.00 1 1.00 2.00 true|~inspect.duplicate"},
		{"all days with one number", whole + next, "mt940 2 -|622 7 CNY 1.00 2 2.00 3.00 true"},
		{"one number again after a gap", whole + later, "mt940 2 -|622 7 CNY 1.00 2 2.00 10.00 true|~inspect.number_again"},
		{"one number in every month", whole + later + mt("622", "7", "F:C260302CNY10,00", "C1,00", "F:C260303CNY11,00"), "mt940 3 -|622 7 CNY 1.00 3 3.00 11.00 true|~inspect.number_again"},
		{"one of the pages does not balance", first + strings.Replace(second, "CNY1,50", "CNY1,60", 1), "mt940 2 -|622 7 CNY 1.00 2 0.50 1.60 false|~bankfile.unbalanced"},
		{"without number the reference tells", strings.ReplaceAll(whole, ":28C:7\r\n", ""), "mt940 1 -|622 R CNY 1.00 1 1.00 2.00 true"},
		{"does not balance", strings.Replace(whole, "CNY2,00", "CNY2,01", 1), "mt940 1 -|622 7 CNY 1.00 1 1.00 2.01 false|~bankfile.unbalanced"},
		{"interim report", mtInterim, "mt942 1 true|622 3 CNY - 1 5.00 - -"},
		{"interim report, wrong total", strings.Replace(mtInterim, "CNY5,00", "CNY6,00", 1), "mt942 1 false|622 3 CNY - 1 5.00 - -|!mt940.total"},
		{"between banks", "{1:F01BANKXX}{2:O9500000}{4:\r\n" + strings.TrimSuffix(whole, "-\r\n") + "-}", "mt950 1 -|622 7 CNY 1.00 1 1.00 2.00 true"},
		{"fragment without :20: and :25:", strings.SplitAfter(whole, ":28C:7\r\n")[1], "mt940 0 -|!mt940.fragment"},
		{"fragment of entries", ":61:260213C1,00NTRFX\r\n:86:text\r\n", "mt940 0 -|!mt940.fragment"},
		{"control characters first", "\x01\r\n" + whole, "mt940 1 -|622 7 CNY 1.00 1 1.00 2.00 true"},
		{"BAI2", baiFile, "bai2 1 true|622 20260212 USD 1.00 1 5.00 6.00 true"},
		{"BAI2, wrong total", strings.Replace(baiFile, "49,1200", "49,1300", 1), "bai2 1 false|622 20260212 USD 1.00 1 5.00 6.00 true|!bai2.total"},
		{"BAI2 without header", baiFile[strings.Index(baiFile, "02,"):], "bai2 1 true|622 20260212 USD 1.00 1 5.00 6.00 true"},
		{"OFX", ofxFile, "ofx 1 -|622 20260201-20260213 USD - 1 5.00 6.00 -"},
		{"OFX without header", ofxFile[strings.Index(ofxFile, "<OFX>"):], "ofx 1 -|622 20260201-20260213 USD - 1 5.00 6.00 -"},
		{"notification", notification, "camt.054 1 -|DE1 N EUR - 1 5.00 - -"},
		{"notification in a zip", packed.String(), "camt.054 1 -|DE1 N EUR - 1 5.00 - -"},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := inspect.File("x.dat", strings.NewReader(test.file), say)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(&report); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEncodingOfStatements(t *testing.T) {
	file := strings.Replace(mt("622", "7", "F:C260212CNY1,00", "C1,00", "F:C260213CNY2,00"), "\r\n:62", "\r\n:86:Gr\xF6\xDFe\r\n:62", 1)
	report, err := inspect.File("x", strings.NewReader(file), say)
	if err != nil || report.Encoding != "iso-8859-1" {
		t.Errorf("got %s, %v", report.Encoding, err)
	}
}

func TestDetectStatements(t *testing.T) {
	for _, test := range []struct{ head, want string }{
		{":20:A\n:25:1\n:28C:1\n", "mt940"},
		{":20:A\r:25:1\r", "mt940"},
		{"ABNANL2A\n940\nABNANL2A\n:20:A\n:25:1\n", "mt940"},
		{"{1:F01X}{2:I942X}{4:\n:20:A\n:25:1\n", "mt942"},
		{"{1:F01X}{2:O9501200}{4:\n:20:A\n:25:1\n", "mt950"},
		{"{1:F01X}{2:O9401200}{4:\n:20:A\n:25:1\n:34F:EUR1,\n", "mt940"},
		{":20:A\n:25:1\n:34F:EUR1,\n:61:260213C1,NTRFX\n", "mt942"},
		{":20:A\n:32A:260213CNY1,\n:50K:X\n", "unknown"}, // a payment, MT103
		{"text :25: inside", "mt940"},                    // the reader refuses it
		{"01,a,b\n02,c\n", "bai2"},
		{"01,a,b,c\nother", "unknown"},
		{"<?xml version=\"1.0\"?><?OFX OFXHEADER=\"200\"?>", "ofx"},
		{"<ofx>", "ofx"},
		{"<OFXTRA>", "unknown"},
		{"\xFF\xFE:\x002\x005\x00:\x001\x00\n\x00", "mt940"},
	} {
		if got := inspect.Detect([]byte(test.head)); string(got) != test.want {
			t.Errorf("%q: got %s, want %s", test.head, got, test.want)
		}
	}
}
