package camt_test

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// xmlOf wraps the inside of a Stmt; it stands on line 1.
func xmlOf(inside string) string {
	return "<Document><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Id><Othr><Id>622</Id></Othr></Id><Ccy>CNY</Ccy></Acct>" +
		inside + "</Stmt></BkToCstmrStmt></Document>"
}

// bal is a Bal of the day.
func bal(kind, amount string) string {
	sign := "CRDT"
	if rest, isDebit := strings.CutPrefix(amount, "-"); isDebit {
		amount, sign = rest, "DBIT"
	}
	return "<Bal><Tp><CdOrPrtry><Cd>" + kind + "</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>" + amount + "</Amt><CdtDbtInd>" +
		sign + "</CdtDbtInd><Dt><Dt>2026-02-13</Dt></Dt></Bal>"
}

// ntry is a booked Ntry with more elements behind its date.
func ntry(amount, direction, more string) string {
	return "<Ntry><Amt Ccy='CNY'>" + amount + "</Amt><CdtDbtInd>" + direction +
		"</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-02-13</Dt></BookgDt>" + more + "</Ntry>"
}

func TestVersion02WithPrefixes(t *testing.T) {
	text, err := os.ReadFile("testdata/quirks-053-02.xml")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, string(text))
	day := bizdate.MustParse("2026-02-13")
	eur := func(units int64, scale uint8) money.Exact {
		return money.Exact{Units: units, Scale: scale, Currency: "EUR"}
	}
	wantHead := []bankfiles.Statement{{Line: 6, Format: "camt.053", Version: "camt.053.001.02", Kind: bankfiles.EndOfDay, ID: "S1", Number: "7",
		Account: "DE00123456780000000001", Name: "Muster & Söhne GmbH", Currency: "EUR", From: day, To: day,
		Opening: ptr(eur(-10000, 2)), Closing: ptr(eur(505, 1)), Entries: 3, Sum: eur(15050, 2), Balanced: ptr(true)}}
	wantEntries := [][]bankfiles.StatementEntry{{
		{Line: 30, BankRef: "BATCH1", BookingDate: day, BookingTime: time.Date(2026, 2, 13, 9, 20, 30, 5e8, time.UTC), ValueDate: day,
			Amount: eur(20050000, 5), Status: bankfiles.Booked, Code: "PMNT-RCDT-ESCT", Remark: "SAMMLER"},
		{Line: 44, BankRef: "TX2", BookingDate: day, BookingTime: day.At(0, 0), ValueDate: day.AddDays(1), Amount: eur(-5000, 2), Status: bankfiles.Booked,
			Code: "NTRF+116", CounterpartyName: "Lieferant AG", CounterpartyAccount: "FR001", Remark: "Rechnung 1 vom 1.2."},
		{Line: 62, Amount: eur(100000, 2), Status: bankfiles.Pending},
	}}
	if diff := cmp.Diff(wantHead, got.heads); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantEntries, got.entries, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// TestBalances: which balances prove a statement, and whether they do.
func TestBalances(t *testing.T) {
	five := ntry("5.00", "CRDT", "")
	yes, no := ptr(true), ptr(false)
	for _, test := range []struct {
		name, inside     string
		opening, closing string // "" for none
		balanced         *bool
	}{
		{"OPBD and CLBD", bal("OPBD", "10.00") + bal("CLBD", "15.00") + five, "10.00", "15.00", yes},
		{"balances behind the entries", five + bal("CLBD", "15.00") + bal("OPBD", "10.00"), "10.00", "15.00", yes},
		{"PRCD instead of OPBD", bal("PRCD", "10.00") + bal("CLBD", "15.00") + five, "10.00", "15.00", yes},
		{"OPBD outranks PRCD", bal("PRCD", "1.00") + bal("OPBD", "10.00") + bal("CLBD", "15.00") + five, "10.00", "15.00", yes},
		{"does not balance", bal("OPBD", "10.00") + bal("CLBD", "15.01") + five, "10.00", "15.01", no},
		{"debit balances", bal("OPBD", "-10.00") + bal("CLBD", "-5") + five, "-10.00", "-5", yes},
		{"no opening", bal("CLBD", "15.00") + bal("CLAV", "15.00") + five, "", "15.00", nil},
		{"no balances", five, "", "", nil},
		{"available balances only", bal("OPAV", "10.00") + bal("CLAV", "15.00") + five, "", "", nil},
		{"first page", bal("OPBD", "10.00") + bal("ITBD", "15.00") + five, "10.00", "15.00", yes},
		{"last page", bal("ITBD", "10.00") + bal("CLBD", "15.00") + five, "10.00", "15.00", yes},
		{"rounding noise", bal("OPBD", "10.00") + bal("CLBD", "15.00") + five + ntry("-4E-13", "CRDT", ""), "10.00", "15.00", yes},
		{"five decimals", bal("OPBD", "10.00000") + bal("CLBD", "15.00001") + five, "10.00000", "15.00001", no},
		{"no entries", bal("OPBD", "10.00") + bal("CLBD", "10.00"), "10.00", "10.00", yes},
		{"entry in another currency", bal("OPBD", "10.00") + bal("CLBD", "15.00") + strings.Replace(five, "CNY", "USD", 1), "10.00", "15.00", no},
	} {
		st := read(t, xmlOf(test.inside)).heads[0]
		if got := [2]string{text(st.Opening), text(st.Closing)}; got != [2]string{test.opening, test.closing} {
			t.Errorf("%s: balances %q, want %q %q", test.name, got, test.opening, test.closing)
		}
		if diff := cmp.Diff(test.balanced, st.Balanced); diff != "" {
			t.Errorf("%s: balanced (-want +got):\n%s", test.name, diff)
		}
	}
}

func text(x *money.Exact) string {
	if x == nil {
		return ""
	}
	return x.String()
}

// TestUnbooked: entries that are not booked are delivered and move nothing.
func TestUnbooked(t *testing.T) {
	for _, status := range []string{"PDNG", "INFO", "FUTR", "XXXX"} {
		for _, form := range []string{"<Sts>" + status + "</Sts>", "<Sts><Cd>" + status + "</Cd></Sts>", "<Sts><Prtry> " + status + "\n</Prtry></Sts>"} {
			entry := strings.Replace(ntry("5.00", "CRDT", ""), "<Sts><Cd>BOOK</Cd></Sts>", form, 1)
			got := read(t, xmlOf(bal("OPBD", "1.00")+bal("CLBD", "1.00")+entry))
			if s := got.entries[0][0].Status; string(s) != status {
				t.Errorf("%s: status %s", form, s)
			}
			if st := got.heads[0]; st.Entries != 1 || st.Sum.Units != 0 || !*st.Balanced {
				t.Errorf("%s: %d entries, sum %s, balanced %v", form, st.Entries, st.Sum, *st.Balanced)
			}
			if warned := fault.CodeOf(got.warnings.Err()) == "camt.unknown_status"; warned != (status == "XXXX") {
				t.Errorf("%s: warnings %v", form, got.warnings)
			}
		}
	}
}

// TestReversals: the standard's direction balances without a word; the other
// one is not believed, but named.
func TestReversals(t *testing.T) {
	reversal := ntry("5.00", "CRDT", "<RvslInd>true</RvslInd>")
	got := read(t, xmlOf(bal("OPBD", "0.00")+bal("CLBD", "5.00")+reversal))
	if e := got.entries[0][0]; !e.Reversal || e.Amount.Units != 500 || !*got.heads[0].Balanced {
		t.Errorf("entry %+v, balanced %v", e, *got.heads[0].Balanced)
	}
	got = read(t, xmlOf(bal("OPBD", "0.00")+bal("CLBD", "-5.00")+reversal))
	if *got.heads[0].Balanced || fault.CodeOf(got.warnings.Err()) != "camt.reversal_direction" {
		t.Errorf("balanced %v, warnings %v", *got.heads[0].Balanced, got.warnings)
	}
}

// TestReversalKeepsParties: money that comes back comes from whom we paid.
func TestReversalKeepsParties(t *testing.T) {
	parties := "<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>we</Nm></Pty></Dbtr><Cdtr><Pty><Nm>they</Nm></Pty></Cdtr></RltdPties></TxDtls></NtryDtls>"
	for _, test := range []struct{ direction, reversal, want string }{
		{"DBIT", "false", "they"}, {"CRDT", "true", "they"}, {"CRDT", "0", "we"}, {"DBIT", "1", "we"},
	} {
		got := read(t, xmlOf(ntry("1", test.direction, "<RvslInd>"+test.reversal+"</RvslInd>"+parties)))
		if name := got.entries[0][0].CounterpartyName; name != test.want {
			t.Errorf("%s reversal %s: counterparty %s, want %s", test.direction, test.reversal, name, test.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, test := range []struct{ element, day, at string }{
		{"<BookgDt><Dt>2026-02-13</Dt></BookgDt>", "2026-02-13", ""},
		{"<BookgDt><Dt>2026-02-13Z</Dt></BookgDt>", "2026-02-13", ""},
		{"<BookgDt><Dt>2026-02-13T08:00:00</Dt></BookgDt>", "2026-02-13", "2026-02-13T08:00:00+08:00"},
		{"<BookgDt><DtTm>2026-02-13</DtTm></BookgDt>", "2026-02-13", ""},
		{"<BookgDt>2026-02-13</BookgDt>", "2026-02-13", ""},
		{"<BookgDt><DtTm>2026-02-13T23:30:00-05:00</DtTm></BookgDt>", "2026-02-13", "2026-02-14T12:30:00+08:00"},
		{"<BookgDt><DtTm>2026-02-13T24:00:00</DtTm></BookgDt>", "2026-02-13", "2026-02-14T00:00:00+08:00"},
		{"<BookgDt><DtTm>2026-02-13T08:00</DtTm></BookgDt>", "2026-02-13", "2026-02-13T08:00:00+08:00"},
	} {
		got := read(t, xmlOf(strings.Replace(ntry("1", "CRDT", ""), "<BookgDt><Dt>2026-02-13</Dt></BookgDt>", test.element, 1)))
		e := got.entries[0][0]
		at := ""
		if !e.BookingTime.IsZero() {
			at = e.BookingTime.Format(time.RFC3339)
		}
		if e.BookingDate.String() != test.day || at != test.at {
			t.Errorf("%s: %s %s, want %s %s", test.element, e.BookingDate, at, test.day, test.at)
		}
	}
}

// TestMissingBookingDate: the day of a statement of one day, else the value
// date; in both cases with a warning.
func TestMissingBookingDate(t *testing.T) {
	entry := strings.Replace(ntry("1", "CRDT", "<ValDt><Dt>2026-02-11</Dt></ValDt>"), "<BookgDt><Dt>2026-02-13</Dt></BookgDt>", "", 1)
	const period = "<FrToDt><FrDtTm>2026-02-13T00:00:00</FrDtTm><ToDtTm>2026-02-13T23:59:59</ToDtTm></FrToDt>"
	for inside, want := range map[string]string{period + entry: "2026-02-13", entry: "2026-02-11"} {
		got := read(t, xmlOf(inside))
		if day := got.entries[0][0].BookingDate.String(); day != want || fault.CodeOf(got.warnings.Err()) != "camt.booking_date" {
			t.Errorf("%s, want %s; warnings %v", day, want, got.warnings)
		}
	}
}

func TestStatementPeriod(t *testing.T) {
	for _, test := range []struct{ name, inside, from, to string }{
		{"given", "<FrToDt><FrDtTm>2026-02-01T00:00:00</FrDtTm><ToDtTm>2026-02-13T23:59:59Z</ToDtTm></FrToDt>", "2026-02-01", "2026-02-13"},
		{"from the balances", bal("OPBD", "1") + bal("CLBD", "1"), "2026-02-13", "2026-02-13"},
		{"from the entries", ntry("1", "CRDT", "") + strings.Replace(ntry("1", "CRDT", ""), "02-13", "02-11", 1), "2026-02-11", "2026-02-13"},
	} {
		if st := read(t, xmlOf(test.inside)).heads[0]; st.From.String() != test.from || st.To.String() != test.to {
			t.Errorf("%s: %s to %s", test.name, st.From, st.To)
		}
	}
}

func TestSeveralStatements(t *testing.T) {
	one := xmlOf(bal("OPBD", "1") + bal("CLBD", "1"))
	inner := one[strings.Index(one, "<Stmt>") : strings.Index(one, "</Stmt>")+len("</Stmt>")]
	got := read(t, strings.Replace(one, inner, inner+strings.Replace(inner, "622", "623", 1), 1))
	if len(got.heads) != 2 || got.heads[0].Account != "622" || got.heads[1].Account != "623" {
		t.Errorf("got %+v", got.heads)
	}
}

func TestEnvelopeAndSwissNamespace(t *testing.T) {
	doc := strings.Replace(xmlOf(""), "<Document>", `<Document xmlns="http://www.six.example/de/camt.053.001.04.ch.02.xsd">`, 1)
	got := read(t, "<Envelope><Header><x/></Header><Body>"+doc+"</Body></Envelope>")
	if v := got.heads[0].Version; v != "camt.053.001.04" {
		t.Errorf("version %q", v)
	}
}

// TestTextForms: what stands where a text is looked for.
func TestTextForms(t *testing.T) {
	for _, test := range []struct{ name, details, want string }{
		{"remittance and information", "<NtryDtls><TxDtls><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>b</AddtlNtryInf>", "a\nb"},
		{"the same twice", "<NtryDtls><TxDtls><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>a</AddtlNtryInf>", "a"},
		{"information alone", "<AddtlNtryInf> b\n  c </AddtlNtryInf>", "b c"},
		{"structured reference", "<NtryDtls><TxDtls><RmtInf><Strd><CdtrRefInf><Tp/><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls>", "RF18"},
		{"CDATA", "<AddtlNtryInf><![CDATA[a < b]]></AddtlNtryInf>", "a < b"},
		{"of the transaction", "<NtryDtls><TxDtls><AddtlTxInf>x</AddtlTxInf></TxDtls></NtryDtls>", "x"},
	} {
		if got := read(t, xmlOf(ntry("1", "CRDT", test.details))).entries[0][0].Remark; got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestBadFiles: what is refused, and where the fault points.
func TestBadFiles(t *testing.T) {
	good := ntry("5.00", "CRDT", "")
	for _, test := range []struct {
		name, text, code string
		line             int
		field, value     string
	}{
		{"amount", xmlOf("\n" + strings.Replace(good, "5.00", "5,00", 1)), "camt.amount", 2, "Ntry/Amt", "5,00"},
		{"amount of 19 digits", xmlOf(strings.Replace(good, "5.00", "99999999999999999999", 1)), "camt.amount", 1, "Ntry/Amt", "99999999999999999999"},
		{"no amount", xmlOf("\n\n" + strings.Replace(good, "<Amt Ccy='CNY'>5.00</Amt>", "", 1)), "camt.amount", 3, "Ntry/Amt", ""},
		{"balance amount", xmlOf(bal("OPBD", "x")), "camt.amount", 1, "Bal/Amt", "x"},
		{"direction", xmlOf(strings.Replace(good, "CRDT", "C", 1)), "camt.direction", 1, "Ntry/CdtDbtInd", "C"},
		{"no direction", xmlOf(strings.Replace(good, "<CdtDbtInd>CRDT</CdtDbtInd>", "", 1)), "camt.direction", 1, "Ntry/CdtDbtInd", ""},
		{"balance without direction", xmlOf(strings.Replace(bal("OPBD", "1"), "<CdtDbtInd>CRDT</CdtDbtInd>", "", 1)), "camt.direction", 1, "Bal/CdtDbtInd", ""},
		{"date", xmlOf(strings.Replace(good, "02-13", "02-30", 1)), "camt.date", 1, "Ntry/BookgDt/Dt", "2026-02-30"},
		{"time", xmlOf(strings.Replace(good, "02-13", "02-13T25:00:00", 1)), "camt.date", 1, "Ntry/BookgDt/Dt", "2026-02-13T25:00:00"},
		{"flag", xmlOf(ntry("1", "CRDT", "<RvslInd>yes</RvslInd>")), "camt.flag", 1, "Ntry/RvslInd", "yes"},
		{"no account", strings.Replace(xmlOf(""), "<Othr><Id>622</Id></Othr>", "", 1), "camt.account", 1, "Acct", ""},
		{"no status in a report", strings.NewReplacer("BkToCstmrStmt", "BkToCstmrAcctRpt", "Stmt", "Rpt", "<Sts><Cd>BOOK</Cd></Sts>", "").Replace(xmlOf(good)), "camt.status", 1, "Ntry/Sts", ""},
		{"sum too large", xmlOf(strings.Repeat(ntry("999999999999999999", "CRDT", ""), 10)), "camt.sum", 1, "Ntry", ""},
		{"another message", "<Document><CstmrCdtTrfInitn/></Document>", "camt.not_statement", 0, "", ""},
		{"no statement", "<Document><BkToCstmrStmt/></Document>", "camt.no_statement", 0, "", ""},
		{"DTD", "<!DOCTYPE x>" + xmlOf(good), "xml.dtd", 1, "", ""},
		{"cut off", strings.TrimSuffix(xmlOf(good), "</Document>"), "xml.truncated", 1, "", ""},
		{"trailing garbage", xmlOf(good) + "\n$", "xml.outside", 2, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := camt.Read("stmt.xml", strings.NewReader(test.text), &nothing{})
			f := fault.Of(err)
			if f == nil {
				t.Fatalf("got %v", err)
			}
			got := fault.Fault{Code: f.Code, File: f.File, Line: f.Line, Field: f.Field, Value: f.Value}
			want := fault.Fault{Code: test.code, File: "stmt.xml", Line: test.line, Field: test.field, Value: test.value}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryFaultIsTold: a file is mended in one go, and reading ends somewhere.
func TestEveryFaultIsTold(t *testing.T) {
	for n, want := range map[int]int{3: 3, 100: 101, 1000: 101} { // the 101st says that there are more
		bad := strings.Repeat(ntry("x", "CRDT", ""), n)
		var list fault.List
		if err := camt.Read("stmt.xml", strings.NewReader(xmlOf(bad)), &nothing{}); !errors.As(err, &list) || len(list) != want {
			t.Errorf("%d bad entries: %d faults, want %d", n, len(list), want)
		}
	}
}

var errSink = errors.New("sink")

type failing struct{ at string }

func (f *failing) Open(*bankfiles.Statement) error       { return f.fail("open") }
func (f *failing) Entry(*bankfiles.StatementEntry) error { return f.fail("entry") }
func (f *failing) Close(*bankfiles.Statement) error      { return f.fail("close") }
func (f *failing) fail(at string) error {
	if f.at == at {
		return errSink
	}
	return nil
}

func TestErrorsOfSinkAndSourceComeBack(t *testing.T) {
	text := xmlOf(ntry("1", "CRDT", ""))
	for _, at := range []string{"open", "entry", "close"} {
		if err := camt.Read("x", strings.NewReader(text), &failing{at: at}); err != errSink {
			t.Errorf("%s: %v", at, err)
		}
	}
	if err := camt.Read("x", iotest.TimeoutReader(iotest.HalfReader(strings.NewReader(text))), &nothing{}); err != iotest.ErrTimeout {
		t.Errorf("source: %v", err)
	}
}

// TestStreamsByteByByte: the window may end anywhere.
func TestStreamsByteByByte(t *testing.T) {
	text := xmlOf(bal("OPBD", "1.00") + ntry("1", "CRDT", "") + bal("CLBD", "2.00"))
	r := &recorder{}
	if err := camt.Read("x", iotest.OneByteReader(strings.NewReader(text)), r); err != nil || !*r.heads[0].Balanced {
		t.Errorf("%v %+v", err, r.heads)
	}
}

// TestTotals: TxsSummry over all or over the booked entries agrees, and so does
// what banks make of it; anything else is a fault.
func TestTotals(t *testing.T) {
	batch := "<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch></NtryDtls>"
	entries := ntry("5.00", "CRDT", "<RvslInd>true</RvslInd>") + ntry("2.00", "DBIT", batch) + strings.Replace(ntry("1", "CRDT", ""), "BOOK", "PDNG", 1)
	yes, no := []bool{true}, []bool{false}
	for _, test := range []struct {
		name, summary string
		want          []bool
		fault         string
	}{
		{"none", "", nil, ""},
		{"all entries", "<TtlNtries><NbOfNtries>3</NbOfNtries><Sum>8</Sum></TtlNtries>", yes, ""},
		{"booked entries", "<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>7.00</Sum></TtlNtries>", yes, ""},
		{"transactions of a batch", "<TtlNtries><NbOfNtries>5</NbOfNtries><Sum>8</Sum></TtlNtries>", yes, ""},
		{"net for the sum", "<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>3.00</Sum></TtlNtries>", yes, ""},
		{"net below zero for the sum", "<TtlNtries><Sum>-3.00</Sum></TtlNtries>", yes, ""},
		{"net of .03", "<TtlNtries><NbOfNtries>3</NbOfNtries><TtlNetNtryAmt>4.00</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd></TtlNtries>", yes, ""},
		{"net of .08", "<TtlNtries><TtlNetNtry><Amt>4.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>", yes, ""},
		{"net without direction", "<TtlNtries><TtlNetNtry><Amt>4.00</Amt></TtlNetNtry></TtlNtries>", yes, ""},
		{"by direction", "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>5</Sum></TtlCdtNtries><TtlDbtNtries><Sum>2</Sum></TtlDbtNtries>", yes, ""},
		{"a reversal on the side of its entry", "<TtlDbtNtries><NbOfNtries>2</NbOfNtries><Sum>7</Sum></TtlDbtNtries>", yes, ""},
		{"blank", "<TtlNtries><NbOfNtries/><Sum/></TtlNtries>", yes, ""},
		{"wrong count", "<TtlNtries><NbOfNtries>6</NbOfNtries></TtlNtries>", no, "camt.total"},
		{"wrong sum", "<TtlNtries><Sum>8.01</Sum></TtlNtries>", no, "camt.total"},
		{"count of all, sum of the booked", "<TtlNtries><NbOfNtries>3</NbOfNtries><Sum>7</Sum></TtlNtries>", no, "camt.total"},
		{"wrong net", "<TtlNtries><TtlNetNtry><Amt>4.01</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>", no, "camt.total"},
		{"wrong direction of net", "<TtlNtries><TtlNetNtryAmt>4.00</TtlNetNtryAmt><CdtDbtInd>DBIT</CdtDbtInd></TtlNtries>", no, "camt.total"},
		{"wrong count of debits", "<TtlDbtNtries><NbOfNtries>5</NbOfNtries></TtlDbtNtries>", no, "camt.total"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.summary != "" {
				test.summary = "<TxsSummry>" + test.summary + "</TxsSummry>"
			}
			for _, inside := range []string{test.summary + entries, entries + test.summary} {
				got := &recorder{}
				err := camt.Read("x", strings.NewReader(xmlOf(inside)), got)
				if diff := cmp.Diff(test.want, got.totals); diff != "" || fault.CodeOf(err) != test.fault || len(got.heads) != 1 {
					t.Errorf("%v, (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

// TestTotalsOfPages: on one of several pages the summary may be that of all of them.
func TestTotalsOfPages(t *testing.T) {
	inside := "<StmtPgntn><PgNb>%</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>" + ntry("5.00", "CRDT", "") + "<TxsSummry><TtlNtries><NbOfNtries>9</NbOfNtries></TtlNtries></TxsSummry>"
	got := read(t, xmlOf(strings.Replace(inside, "%", "1", 1)))
	if got.totals != nil || fault.CodeOf(got.warnings.Err()) != "camt.page_total" {
		t.Errorf("got %v %v", got.totals, got.warnings)
	}
	header := strings.Replace(xmlOf(inside[strings.Index(inside, "<Ntry>"):]), "<Stmt>", "<GrpHdr><MsgPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></MsgPgntn></GrpHdr><Stmt>", 1)
	if got := read(t, header); got.totals != nil {
		t.Errorf("got %v", got.totals)
	}
}

// heapAtClose keeps nothing and looks at the heap while the reader still has all it holds.
type heapAtClose struct {
	nothing
	bytes uint64
}

func (h *heapAtClose) Close(*bankfiles.Statement) error {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	h.bytes = m.HeapAlloc
	return nil
}

// TestMemoryDoesNotGrow with the file: a hundred times the entries, the same heap.
func TestMemoryDoesNotGrow(t *testing.T) {
	heap := func(n int) uint64 {
		head, tail, _ := strings.Cut(xmlOf("@"), "@")
		entries := strings.NewReader("")
		src := io.MultiReader(strings.NewReader(head), &repeated{text: ntry("1.00", "CRDT", "<AcctSvcrRef>K1</AcctSvcrRef>"), left: n, rest: entries}, strings.NewReader(tail))
		h := &heapAtClose{}
		if err := camt.Read("x.xml", src, h); err != nil || h.entries != n {
			t.Fatalf("%v, %d entries", err, h.entries)
		}
		return h.bytes
	}
	small, large := heap(1000), heap(100_000)
	const allowed = 256 << 10 // of other goroutines' doing
	if large > small+allowed {
		t.Errorf("heap of %d bytes with 1,000 entries, %d with 100,000", small, large)
	}
}

// repeated is a text left times over.
type repeated struct {
	text string
	left int
	rest *strings.Reader
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.rest.Len() == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest.Reset(r.text)
	}
	return r.rest.Read(b)
}

// TestEncodings: the bytes say more than the declaration.
func TestEncodings(t *testing.T) {
	doc := func(label string) string {
		head := ""
		if label != "" {
			head = `<?xml version="1.0" encoding="` + label + `"?>` + "\n"
		}
		return head + xmlOf(bal("OPBD", "1.00")+bal("CLBD", "2.00")+ntry("1.00", "CRDT", "<AddtlNtryInf>%</AddtlNtryInf>"))
	}
	coded := func(e encoding.Encoding, label, text string) string {
		out, err := e.NewEncoder().String(strings.Replace(doc(label), "%", text, 1))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	plain := func(label, text string) string { return strings.Replace(doc(label), "%", text, 1) }
	le, be := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	for _, test := range []struct{ name, file, want, encoding string }{
		{"UTF-8 with a mark", "\uFEFF" + plain("UTF-8", "Zoë 货款"), "Zoë 货款", "utf-8"},
		{"UTF-8 with two marks", "\uFEFF\uFEFF" + plain("utf-8", "Zoë"), "Zoë", "utf-8"},
		{"line ends before the declaration", "\r\n\n" + plain("UTF-8", "Zoë"), "Zoë", "utf-8"},
		{"UTF-16 without a mark", coded(le, "UTF-16", "货款"), "货款", "utf-16"},
		{"UTF-16, the other order, with a mark", coded(be, "utf-16", "货款"), "货款", "utf-16"},
		{"UTF-16 without declaration", coded(be, "", "货款"), "货款", "utf-16"},
		{"declared UTF-16, is UTF-8", plain("utf-16", "货款"), "货款", "utf-8"},
		{"ISO-8859-1", coded(charmap.ISO8859_1, "ISO-8859-1", "Zoë"), "Zoë", "iso-8859-1"},
		{"ISO-8859-1 with the signs of Windows", coded(charmap.Windows1252, "iso-8859-1", "5 €"), "5 €", "iso-8859-1"},
		{"declared ISO-8859-1, is UTF-8", plain("ISO-8859-1", "Zoë 货款"), "Zoë 货款", "utf-8"},
		{"ISO-8859-15", coded(charmap.ISO8859_15, "ISO-8859-15", "5 €"), "5 €", "iso-8859-15"},
		{"Windows 1252", coded(charmap.Windows1252, "windows-1252", "5 €"), "5 €", "windows-1252"},
		{"GBK", coded(simplifiedchinese.GBK, "GBK", "货款"), "货款", "gb18030"},
		{"GB2312", coded(simplifiedchinese.GBK, "gb2312", "货款"), "货款", "gb18030"},
		{"GB18030", coded(simplifiedchinese.GB18030, "GB18030", "𠮷"), "𠮷", "gb18030"},
		{"US-ASCII", plain("US-ASCII", "x"), "x", "utf-8"},
		{"bytes that are no GBK", strings.Replace(coded(simplifiedchinese.GBK, "GBK", "%"), "%", "\xFF\xFF", 1), "xml.text", "gb18030"},
		{"bytes that are no UTF-8", strings.Replace(doc("UTF-8"), "%", "\xFF", 1), "xml.character", "utf-8"},
		{"an encoding that is not known", plain("EBCDIC-CP-DE", "x"), "xml.encoding", "utf-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, src := range map[string]io.Reader{"whole": strings.NewReader(test.file), "byte by byte": iotest.OneByteReader(strings.NewReader(test.file))} {
				got := &recorder{}
				text := ""
				if err := camt.Read("x", src, got); err != nil {
					text = fault.CodeOf(err)
				} else if len(got.entries[0]) == 1 && *got.heads[0].Balanced {
					text = got.entries[0][0].Remark
				}
				if text != test.want || got.encoding != test.encoding {
					t.Errorf("%s: got %q, %s", how, text, got.encoding)
				}
			}
		})
	}
}
