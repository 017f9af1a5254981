package ofx_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"custody/bankfiles"
	"custody/bankfiles/ofx"
	"custody/internal/fault"
)

// got collects what a reader delivers.
type got struct {
	heads    []bankfiles.Statement
	entries  []bankfiles.StatementEntry
	warnings []string
	encoding string
	fail     error
}

func (g *got) Open(*bankfiles.Statement) error { return nil }
func (g *got) Entry(e *bankfiles.StatementEntry) error {
	g.entries = append(g.entries, *e)
	return g.fail
}
func (g *got) Close(st *bankfiles.Statement) error { g.heads = append(g.heads, *st); return nil }
func (g *got) Warn(f *fault.Fault)                 { g.warnings = append(g.warnings, f.Code) }
func (g *got) Encoding(name string)                { g.encoding = name }

func read(t *testing.T, file string) *got {
	t.Helper()
	g := &got{}
	if err := ofx.Read("x.ofx", strings.NewReader(file), g); err != nil {
		t.Fatal(err)
	}
	return g
}

// line is a statement in a few words.
func line(st *bankfiles.Statement) string {
	closing := "-"
	if st.Closing != nil {
		closing = st.Closing.String()
	}
	return fmt.Sprintf("%s %s %s %d %s %s", st.Account, st.ID, st.Currency, st.Entries, st.Sum, closing)
}

const header = `OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

`

// sgml is version 1: leaves without end tags.
const sgml = header + `<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260213<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS>
<CURDEF>USD
<BANKACCTFROM>
<BANKID>1000
<ACCTID>62260001
<ACCTTYPE>CHECKING
</BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>20260201
<DTEND>20260213
<STMTTRN>
<TRNTYPE>CREDIT
<DTPOSTED>20260212120000.000[-5:EST]
<TRNAMT>40.00
<FITID>F1
<NAME>AGENCY &amp; SONS
<MEMO>INVOICE 7
</STMTTRN>
<STMTTRN>
<TRNTYPE>CHECK
<DTPOSTED>20260213
<TRNAMT>-10.50
<FITID>F2
<CHECKNUM>77
</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL><BALAMT>129.50<DTASOF>20260213</LEDGERBAL>
<AVAILBAL><BALAMT>100.00<DTASOF>20260213</AVAILBAL>
</STMTRS>
</STMTTRNRS></BANKMSGSRSV1>
</OFX>
`

// xml is version 2, of a card.
const xml = `<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="203" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<!-- a comment with <STMTTRN> in it -->
<OFX><CREDITCARDMSGSRSV1><CCSTMTTRNRS><TRNUID>1</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<CCSTMTRS><CURDEF>EUR</CURDEF><CCACCTFROM><ACCTID>5500</ACCTID></CCACCTFROM>
<BANKTRANLIST><DTSTART>20260201</DTSTART><DTEND>20260213</DTEND>
<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260212</DTPOSTED><TRNAMT>-7,25</TRNAMT><FITID>G1</FITID>
<PAYEE><NAME>Shop &lt;1&gt;</NAME><ADDR1>x</ADDR1></PAYEE><MEMO><![CDATA[a & b < c &amp; d]]></MEMO><BANKACCTTO><ACCTID>DE77</ACCTID></BANKACCTTO></STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>-7,25</BALAMT><DTASOF>20260213</DTASOF></LEDGERBAL></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>`

const (
	sgmlLine = "62260001 20260201-20260213 USD 2 29.50 129.50"
	xmlLine  = "5500 20260201-20260213 EUR 1 -7.25 -7.25"
)

func TestReadSGML(t *testing.T) {
	g := read(t, sgml)
	if len(g.heads) != 1 || line(&g.heads[0]) != sgmlLine || len(g.warnings) > 0 {
		t.Fatalf("got %+v %v", g.heads, g.warnings)
	}
	st := g.heads[0]
	if st.Version != "102" || st.Format != "ofx" || st.Opening != nil || st.Balanced != nil || st.From.String() != "2026-02-01" || st.To.String() != "2026-02-13" {
		t.Errorf("got %+v", st)
	}
	e := g.entries[0]
	if e.Line != 24 || e.Code != "CREDIT" || e.BankRef != "F1" || e.CounterpartyName != "AGENCY & SONS" || e.Remark != "INVOICE 7" ||
		e.BookingDate.String() != "2026-02-12" || e.BookingTime.Format("2006-01-02T15:04Z07:00") != "2026-02-13T01:00+08:00" ||
		e.ValueDate != e.BookingDate || e.Status != bankfiles.Booked || e.Amount.Currency != "USD" {
		t.Errorf("got %+v", e)
	}
	if c := g.entries[1]; c.EntryRef != "77" || c.Amount.String() != "-10.50" || !c.BookingTime.IsZero() {
		t.Errorf("got %+v", c)
	}
}

func TestReadXML(t *testing.T) {
	g := read(t, xml)
	if len(g.heads) != 1 || line(&g.heads[0]) != xmlLine || g.heads[0].Version != "203" || g.encoding != "utf-8" {
		t.Fatalf("got %+v %s", g.heads, g.encoding)
	}
	if e := g.entries[0]; e.CounterpartyName != "Shop <1>" || e.Remark != "a & b < c &amp; d" || e.CounterpartyAccount != "DE77" {
		t.Errorf("got %+v", e)
	}
}

func TestRefused(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(sgml, old, new, 1) }
	for _, test := range []struct {
		name, file, code string
		line             int
	}{
		{"empty", "", "ofx.none", 0},
		{"another text", "hello", "ofx.none", 0},
		{"sign-on alone", header + "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS></SONRS></SIGNONMSGSRSV1></OFX>", "ofx.none", 0},
		{"the bank's refusal", header + "<OFX><STMTTRNRS><STATUS><CODE>2003<SEVERITY>ERROR<MESSAGE>Account not found</STATUS></STMTTRNRS></OFX>", "ofx.refused", 0},
		{"investments alone", header + "<OFX><INVSTMTRS><STMTTRN><TRNAMT>1</STMTTRN></INVSTMTRS></OFX>", "ofx.none", 0},
		{"cut off inside an entry", sgml[:strings.Index(sgml, "<CHECKNUM>")], "ofx.truncated", 36},
		{"cut off between entries", sgml[:strings.Index(sgml, "</BANKTRANLIST>")], "ofx.truncated", 38},
		{"no account", change("<ACCTID>62260001", "<ACCTID>"), "ofx.account", 14},
		{"no amount", change("<TRNAMT>40.00", ""), "ofx.amount", 24},
		{"amount with letters", change("40.00", "4O.00"), "ofx.amount", 24},
		{"a comma before three digits", change("40.00", "1,234"), "ofx.amount", 24},
		{"no date", change("<DTPOSTED>20260213", ""), "ofx.date", 32},
		{"a day that does not exist", change("<DTPOSTED>20260213", "<DTPOSTED>20260230"), "ofx.date", 32},
		{"document type", "<!DOCTYPE OFX [<!ENTITY a \"b\">]>" + xml, "ofx.dtd", 1},
		{"nested too deeply", "<OFX><STMTRS>" + strings.Repeat("<BAL>", 40), "ofx.depth", 1},
		{"a value over the limit", change("INVOICE 7", strings.Repeat("x", 200<<10)), "bankfile.long", 30},
		{"a tag over the limit", header + "<OFX" + strings.Repeat("x", 200<<10), "bankfile.long", 11},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := ofx.Read("x.ofx", strings.NewReader(test.file), &got{})
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestErrorsOfTheSinkComeBack(t *testing.T) {
	want := errors.New("sink")
	if err := ofx.Read("x", strings.NewReader(sgml), &got{fail: want}); err != want {
		t.Errorf("got %v", err)
	}
}

// Each case is one quirk of real banks, with a sample of its own.
func TestFileQuirks(t *testing.T) {
	body := sgml[len(header):]
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(sgml)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, want, warned string }{
		{"no header", body, sgmlLine, ""},
		{"header on one line", strings.ReplaceAll(header, "\n", " ") + body, sgmlLine, ""},
		{"single line", strings.ReplaceAll(sgml, "\n", ""), sgmlLine, ""},
		{"CR", strings.ReplaceAll(sgml, "\n", "\r"), sgmlLine, ""},
		{"CRLF", strings.ReplaceAll(sgml, "\n", "\r\n"), sgmlLine, ""},
		{"indented", strings.ReplaceAll(sgml, "\n<", "\n\t  <"), sgmlLine, ""},
		{"UTF-16 while the header says 1252", wide, sgmlLine, ""},
		{"byte order mark", "\uFEFF" + sgml, sgmlLine, ""},
		{"small letters", strings.ToLower(body), strings.Replace(sgmlLine, "usd", "USD", 1), ""},
		{"end tags of entries missing", strings.ReplaceAll(sgml, "</STMTTRN>\n", ""), sgmlLine, ""},
		{"leaves with end tags", strings.NewReplacer("\n<FITID>F1", "\n<FITID>F1</FITID>", "<CURDEF>USD", "<CURDEF>USD</CURDEF>").Replace(sgml), sgmlLine, ""},
		{"empty leaves", strings.Replace(sgml, "<MEMO>INVOICE 7", "<MEMO>\n<REFNUM>", 1), sgmlLine, ""},
		{"end of the file missing", sgml[:strings.Index(sgml, "<AVAILBAL>")], sgmlLine, "ofx.unclosed"},
		{"CURDEF XXX", strings.Replace(sgml, "USD", "XXX", 1), "62260001 20260201-20260213  2 29.50 129.50", "ofx.currency"},
		{"closing balance with letters", strings.Replace(sgml, "129.50", "n/a", 1), "62260001 20260201-20260213 USD 2 29.50 -", "ofx.amount"},
		{"period that is no day", strings.Replace(sgml, "<DTSTART>20260201", "<DTSTART>2026", 1), "62260001 20260212-20260213 USD 2 29.50 129.50", "ofx.date"},
		{"no closing balance", strings.Replace(sgml, "LEDGERBAL", "OTHERBAL", 2), "62260001 20260201-20260213 USD 2 29.50 -", ""},
		{"no period", strings.NewReplacer("<DTSTART>20260201\n", "", "<DTEND>20260213\n", "").Replace(sgml), "62260001 20260212-20260213 USD 2 29.50 129.50", ""},
		{"no entries", sgml[:strings.Index(sgml, "<STMTTRN>")] + sgml[strings.Index(sgml, "</BANKTRANLIST>"):], "62260001 20260201-20260213 USD 0 0.00 129.50", ""},
		{"prefixes", strings.NewReplacer("<OFX", "<o:OFX", "<CCSTMTRS", "<o:CCSTMTRS", "</CCSTMTRS", "</o:CCSTMTRS").Replace(xml), xmlLine, ""},
		{"attributes", strings.Replace(xml, "<STMTTRN>", `<STMTTRN id="1">`, 1), strings.Replace(xmlLine, "", "", 1), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, test.file)
			if len(g.heads) != 1 || line(&g.heads[0]) != test.want || strings.Join(g.warnings, " ") != test.warned {
				t.Errorf("got %+v %v", g.heads, g.warnings)
			}
		})
	}
}

func TestSeveralStatements(t *testing.T) {
	both := strings.Replace(sgml, "</OFX>", xml[strings.Index(xml, "<CREDITCARD"):], 1)
	g := read(t, both)
	if len(g.heads) != 2 || line(&g.heads[0]) != sgmlLine || line(&g.heads[1]) != xmlLine {
		t.Errorf("got %+v", g.heads)
	}
}

func TestAmounts(t *testing.T) {
	for amount, want := range map[string]string{
		"12.34": "12.34", "+12.34": "12.34", "-12,34": "-12.34", ".50": "0.50", "-,5": "-0.5", "1234": "1234", "1.234,56": "1234.56",
		"1,234.56": "1234.56", " 12.34 ": "12.34", "- 12.34": "-12.34", "0.12345": "0.12345", "12.340": "12.340",
	} {
		if e := read(t, strings.Replace(sgml, "40.00", amount, 1)).entries[0]; e.Amount.String() != want {
			t.Errorf("%s: got %s", amount, e.Amount)
		}
	}
}

func TestDates(t *testing.T) {
	for _, test := range []struct{ value, day, moment string }{
		{"20260212", "2026-02-12", ""},
		{"20260212000000", "2026-02-12", "2026-02-12T08:00"},
		{"20260212120000.000[-5:EST]", "2026-02-12", "2026-02-13T01:00"},
		{"20260212230000[-8:PST]", "2026-02-12", "2026-02-13T15:00"},
		{"20260212120000[+5.5:IST]", "2026-02-12", "2026-02-12T14:30"},
		{"20260212120000[0:GMT]", "2026-02-12", "2026-02-12T20:00"},
		{"20260212120000.000[-:EST]", "2026-02-12", ""},
		{"20260212[-5:EST]", "2026-02-12", ""},
		{"202602121530", "2026-02-12", "2026-02-12T23:30"},
		{"20260212240000", "2026-02-12", ""},
		{"2026-02-12", "2026-02-12", ""},
	} {
		e := read(t, strings.Replace(sgml, "20260212120000.000[-5:EST]", test.value, 1)).entries[0]
		moment := ""
		if !e.BookingTime.IsZero() {
			moment = e.BookingTime.Format("2006-01-02T15:04")
		}
		if e.BookingDate.String() != test.day || moment != test.moment {
			t.Errorf("%s: got %s %s", test.value, e.BookingDate, moment)
		}
	}
}

func TestEncodings(t *testing.T) {
	for _, test := range []struct{ name, memo, want, encoding string }{
		{"UTF-8 while the header says 1252", "Größe 门店", "Größe 门店", "utf-8"},
		{"1252", "Gr\xF6\xDFe \x80", "Größe €", "windows-1252"},
		{"GBK while the header says 1252", "\xC3\xC5\xB5\xEA", "门店", "gb18030"},
		{"entities", "a &amp; b &#233; &nbsp;x & y", "a & b é \u00A0x & y", "utf-8"},
		{"a lower-than sign", "a < b <3", "a < b <3", "utf-8"},
	} {
		g := read(t, strings.Replace(sgml, "INVOICE 7", test.memo, 1))
		if g.entries[0].Remark != test.want || g.encoding != test.encoding {
			t.Errorf("%s: got %q in %s", test.name, g.entries[0].Remark, g.encoding)
		}
	}
}

func TestFITIDs(t *testing.T) {
	for _, test := range []struct{ name, file, warned string }{
		{"missing", strings.Replace(sgml, "<FITID>F2\n", "", 1), "ofx.fitid"},
		{"used again", strings.Replace(sgml, "F2", "F1", 1), "ofx.fitid_again"},
		{"changed between downloads", strings.NewReplacer("F1", "N1", "F2", "N2").Replace(sgml), ""},
	} {
		g := read(t, test.file)
		if line(&g.heads[0]) != sgmlLine || len(g.entries) != 2 || strings.Join(g.warnings, " ") != test.warned {
			t.Errorf("%s: got %+v %v", test.name, g.heads, g.warnings)
		}
	}
}

func TestDoubts(t *testing.T) {
	g := read(t, strings.Replace(sgml, "<TRNTYPE>CREDIT", "<TRNTYPE>DEBIT", 1))
	if strings.Join(g.warnings, " ") != "ofx.direction" || g.entries[0].Amount.String() != "40.00" {
		t.Errorf("got %v", g.warnings)
	}
	g = read(t, strings.Replace(sgml, "<CHECKNUM>77", "<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>", 1))
	if g.entries[1].Amount.Currency != "EUR" || strings.Join(g.warnings, " ") != "bankfile.currency" || g.heads[0].Sum.String() != "40.00" {
		t.Errorf("got %+v %v", g.heads, g.warnings)
	}
}

func TestPendingEntriesMoveNothing(t *testing.T) {
	pending := "<BANKTRANLISTP><DTASOF>20260213<STMTTRNP><TRNTYPE>DEBIT<DTTRAN>20260213<TRNAMT>-5.00<NAME>X</STMTTRNP></BANKTRANLISTP>\n"
	g := read(t, strings.Replace(sgml, "<LEDGERBAL>", pending+"<LEDGERBAL>", 1))
	if e := g.entries[2]; e.Status != bankfiles.Pending || e.Amount.String() != "-5.00" || g.heads[0].Sum.String() != "29.50" {
		t.Errorf("got %+v", e)
	}
}

// FuzzRead: no panic, faults only, and as many entries as the heads say.
func FuzzRead(f *testing.F) {
	f.Add([]byte(sgml))
	f.Add([]byte(xml))
	f.Add([]byte(strings.ReplaceAll(sgml, "\n", "")))
	f.Add([]byte("<OFX><STMTRS><CURDEF>XXX<ACCTID><![CDATA[a]]b]]><!-- x --><LEDGERBAL><BALAMT>1,5<DTASOF>2026021312[-:E]</STMTRS>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		g := &got{}
		if err := ofx.Read("x", bytes.NewReader(file), g); err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		entries := 0
		for _, h := range g.heads {
			entries += h.Entries
		}
		if entries != len(g.entries) || len(g.heads) == 0 {
			t.Errorf("heads count %d entries, %d came", entries, len(g.entries))
		}
	})
}

// BenchmarkRead reads an account of 50,000 entries.
func BenchmarkRead(b *testing.B) {
	entry := sgml[strings.Index(sgml, "<STMTTRN>"):strings.Index(sgml, "<STMTTRN>\n<TRNTYPE>CHECK")]
	var all strings.Builder
	for i := range 50_000 {
		all.WriteString(strings.Replace(entry, "F1", fmt.Sprintf("F%09d", i), 1))
	}
	file := []byte(strings.Replace(sgml, entry, all.String(), 1))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if err := ofx.Read("x", bytes.NewReader(file), nothing{}); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (nothing) Open(*bankfiles.Statement) error       { return nil }
func (nothing) Entry(*bankfiles.StatementEntry) error { return nil }
func (nothing) Close(*bankfiles.Statement) error      { return nil }
