package bai2_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/bai2"
	"custody/internal/fault"
)

// got collects what a reader delivers.
type got struct {
	heads    []bankfiles.Statement
	entries  []bankfiles.StatementEntry
	warnings []string
	totals   []bool
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
func (g *got) Totals(agree bool)                   { g.totals = append(g.totals, agree) }
func (g *got) Encoding(name string)                { g.encoding = name }

func read(t *testing.T, file string) *got {
	t.Helper()
	g := &got{}
	if err := bai2.Read("x.bai", strings.NewReader(file), g); err != nil {
		t.Fatal(err)
	}
	return g
}

// line is a statement in a few words.
func line(st *bankfiles.Statement) string {
	opening, closing, balanced := "-", "-", "-"
	if st.Opening != nil {
		opening = st.Opening.String()
	}
	if st.Closing != nil {
		closing = st.Closing.String()
	}
	if st.Balanced != nil {
		balanced = fmt.Sprint(*st.Balanced)
	}
	return strings.Join([]string{st.Account, st.ID, st.Currency, opening, st.Sum.String(), closing, balanced}, " ")
}

// report puts records into a file of one group and one account without control totals.
func report(records ...string) string {
	return "01,BANK01,CLIENT,260213,0600,1,80,,2/\n02,CLIENT,BANK01,1,260212,2400,USD,2/\n" + strings.Join(records, "\n") + "\n49,,/\n98,,,/\n99,,,/\n"
}

// whole has control totals and counts that hold.
const whole = `01,BANK01,CLIENT,260213,0600,1,80,,2/
02,CLIENT,BANK01,1,260212,2400,USD,2/
03,0975312468,USD,010,500000,,,015,530000,,/
16,165,40000,0,BR1,CR1,INVOICE 7/
16,475,10000,,BR2,CR2,CHECK/
88,OF FEBRUARY/
49,1080000,5/
98,1080000,1,7/
99,1080000,1,9/
`

func TestRead(t *testing.T) {
	g := read(t, whole)
	if len(g.heads) != 1 || line(&g.heads[0]) != "0975312468 20260212 USD 5000.00 300.00 5300.00 true" || len(g.warnings) > 0 {
		t.Fatalf("got %+v %v", g.heads, g.warnings)
	}
	if fmt.Sprint(g.totals) != "[true true true]" || g.encoding != "utf-8" || g.heads[0].Format != "bai2" || g.heads[0].Kind != bankfiles.EndOfDay {
		t.Errorf("got %v %s %+v", g.totals, g.encoding, g.heads[0])
	}
	e := g.entries[1]
	if e.Amount.String() != "-100.00" || e.Amount.Currency != "USD" || e.BankRef != "BR2" || e.EndToEndID != "CR2" || e.Remark != "CHECK OF FEBRUARY" ||
		e.Code != "475" || e.Status != bankfiles.Booked || e.BookingDate.String() != "2026-02-12" || e.ValueDate != e.BookingDate || e.Line != 5 {
		t.Errorf("got %+v", e)
	}
}

func TestRefused(t *testing.T) {
	head := "01,B,C,260213,,1,,,2/\n02,C,B,1,260212,,USD,2/\n"
	for _, test := range []struct {
		name, file, code string
		line             int
	}{
		{"empty", "", "bai2.none", 0},
		{"another text", "hello\n", "bai2.none", 0},
		{"cut off inside an account", head + "03,1,,010,100,,/\n16,165,1,,,,/\n", "bai2.truncated", 4},
		{"transaction without account", head + "16,165,1,,,,/\n", "bai2.fragment", 3},
		{"no account number", head + "03,,USD/\n49,,/\n", "bai2.account", 3},
		{"day that does not exist", "01,B,C,260213,,1,,,2/\n02,C,B,1,260230,,USD,2/\n", "bai2.date", 2},
		{"type code of letters", report("03,1,USD", "16,ABC,1,,,,/"), "bai2.type", 4},
		{"type code that is neither credit nor debit", report("03,1,USD", "16,910,1,,,,/"), "bai2.type", 4},
		{"amount with letters", report("03,1,USD", "16,165,1O0,,,,/"), "bai2.amount", 4},
		{"no amount", report("03,1,USD", "16,165,,,,,/"), "bai2.amount", 4},
		{"balance with letters", report("03,1,USD,010,x,,/"), "bai2.amount", 3},
		{"funds type", report("03,1,USD", "16,165,1,X,,,/"), "bai2.funds", 4},
		{"pairs without number", report("03,1,USD", "16,165,1,D,many,/"), "bai2.funds", 4},
		{"too many pairs", report("03,1,USD", "16,165,1,D,367,/"), "bai2.funds", 4},
		{"a record over the limit", head + "03,1,USD\n16,165,1,,,,\n" + strings.Repeat("88,"+strings.Repeat("x", 80)+"\n", 1000), "bankfile.long", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := bai2.Read("x.bai", strings.NewReader(test.file), &got{})
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestErrorsOfTheSinkComeBack(t *testing.T) {
	want := errors.New("sink")
	if err := bai2.Read("x", strings.NewReader(whole), &got{fail: want}); err != want {
		t.Errorf("got %v", err)
	}
}

// Each case is one quirk of real banks, with a sample of its own.
func TestAccountQuirks(t *testing.T) {
	const want = "1 20260212 USD 100.00 0.00 100.00 true"
	for _, test := range []struct{ name, records, want string }{
		{"several groups in a 03", "03,1,USD,010,10000,,,015,10000,,,040,9000,,/", want},
		{"no slash", "03,1,USD,010,10000,,,015,10000,,", want},
		{"fields left out at the end", "03,1,USD,015,10000,,,010,10000/", want},
		{"88 splits a group behind its code", "03,1,USD,010,10000,,,015/\n88,10000,,/", want},
		{"88 splits the groups, one slash", "03,1,USD,010,10000/\n88,015,10000/", want},
		{"88 splits the groups, comma and slash", "03,1,USD,010,10000,/\n88,015,10000,/", want},
		{"88 splits the groups, two commas and slash", "03,1,USD,010,10000,,/\n88,015,10000,,/", want},
		{"88 with the count in it", "03,1,USD,010,10000,2,/\n88,015,10000,3,0/", want},
		{"counts of three digits", "03,1,USD,010,10000,123,,015,10000,456,/", want},
		{"code left out", "03,1,USD,,,,,010,10000,,,015,10000,,/", want},
		{"funds type S", "03,1,USD,010,10000,,S,1,2,3,015,10000,,/", want},
		{"funds type V", "03,1,USD,010,10000,,V,260212,1459,015,10000,,/", want},
		{"funds type D", "03,1,USD,010,10000,,D,2,0,500,1,600,015,10000,,/", want},
		{"funds types 0, 1 and 2", "03,1,USD,010,10000,,0,015,10000,,1,040,5,,2/", want},
		{"padded with spaces", "03,1,USD,010,10000,,,015,10000,,/          ", want},
		{"negative balances", "03,1,USD,010,-10000,,,015,-10000,,/", "1 20260212 USD -100.00 0.00 -100.00 true"},
		{"signs", "03,1,USD,010,+10000,,,015,+10000,,/", want},
		{"currency of the group", "03,1,,010,10000,,,015,10000,,/", want},
		{"amount without minor unit", "03,1,JPY,010,10000,,,015,10000,,/", "1 20260212 JPY 10000 0 10000 true"},
		{"amount in thousandths", "03,1,KWD,010,10000,,,015,10000,,/", "1 20260212 KWD 10.000 0.000 10.000 true"},
		{"amount with a point", "03,1,USD,010,100.00,,,015,100.00,,/", want},
		{"no balances", "03,1,USD/", "1 20260212 USD - 0 - -"},
		{"closing alone", "03,1,USD,015,10000,,/", "1 20260212 USD - 0.00 100.00 -"},
		{"totals without transactions", "03,1,USD,010,10000,,,015,15000,,,100,5000,1,,400,0,0,/", "1 20260212 USD 100.00 0.00 150.00 -"},
		{"does not balance", "03,1,USD,010,10000,,,015,15000,,/", "1 20260212 USD 100.00 0.00 150.00 false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, report(test.records))
			if got := line(&g.heads[0]); got != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestTransactionQuirks(t *testing.T) {
	for _, test := range []struct{ name, record, amount, value, bank, customer, text string }{
		{"credit", "16,165,500,,B,C,TEXT/", "5.00", "2026-02-12", "B", "C", "TEXT"},
		{"debit", "16,475,500,,B,C,TEXT/", "-5.00", "2026-02-12", "B", "C", "TEXT"},
		{"text without slash", "16,165,500,,B,C,TEXT", "5.00", "2026-02-12", "B", "C", "TEXT"},
		{"slash inside a text", "16,165,500,,B,C,PAID 5/16, SEE 1/2/", "5.00", "2026-02-12", "B", "C", "PAID 5/16, SEE 1/2"},
		{"commas in a text", "16,165,500,,B,C,A,B,,C/", "5.00", "2026-02-12", "B", "C", "A,B,,C"},
		{"text on 88", "16,165,500,,B,C,A\n88,B, C\n88,D/", "5.00", "2026-02-12", "B", "C", "A B, C D"},
		{"text that goes on without 88", "16,165,500,,B,C,A\nMORE/", "5.00", "2026-02-12", "B", "C", "A MORE"},
		{"88 between the fields", "16,165,500/\n88,,B\n88,C/\n88,TEXT/", "5.00", "2026-02-12", "B", "C", "TEXT"},
		{"comma and slash", "16,165,500,,,,/", "5.00", "2026-02-12", "", "", ""},
		{"fields left out", "16,165,500/", "5.00", "2026-02-12", "", "", ""},
		{"funds type S", "16,165,500,S,100,200,200,B,C,T/", "5.00", "2026-02-12", "B", "C", "T"},
		{"funds type S over 88", "16,165,500,S,100,200/\n88,200,B,C,T/", "5.00", "2026-02-12", "B", "C", "T"},
		{"funds type V", "16,165,500,V,260215,1459,B,C,T/", "5.00", "2026-02-15", "B", "C", "T"},
		{"time 2400", "16,165,500,V,260215,2400,B,C,T/", "5.00", "2026-02-15", "B", "C", "T"},
		{"time with colons", "16,165,500,V,260215,14:59:35,B,C,T/", "5.00", "2026-02-15", "B", "C", "T"},
		{"funds type V without time", "16,165,500,V,260215,,B,C,T/", "5.00", "2026-02-15", "B", "C", "T"},
		{"funds type D", "16,165,500,D,3,0,100,1,100,2,300,B,C,T/", "5.00", "2026-02-12", "B", "C", "T"},
		{"funds type Z", "16,165,500,Z,B,C,T/", "5.00", "2026-02-12", "B", "C", "T"},
		{"a sign turns the direction", "16,165,-500,,B,C,T/", "-5.00", "2026-02-12", "B", "C", "T"},
		{"loan payment", "16,721,500,,B,C,T/", "5.00", "2026-02-12", "B", "C", "T"},
		{"a bank's own debit", "16,960,500,,B,C,T/", "-5.00", "2026-02-12", "B", "C", "T"},
		{"not UTF-8", "16,165,500,,B,C,Gr\xF6\xDFe/", "5.00", "2026-02-12", "B", "C", "Größe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, report("03,1,USD/", test.record))
			if len(g.entries) != 1 {
				t.Fatalf("got %+v", g.entries)
			}
			e := g.entries[0]
			if e.Amount.String() != test.amount || e.ValueDate.String() != test.value || e.BankRef != test.bank || e.EndToEndID != test.customer || e.Remark != test.text {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestInformationMovesNothing(t *testing.T) {
	g := read(t, report("03,1,USD,010,100,,,015,100,,/", "16,890,,,,,NOTE/"))
	if len(g.entries) != 1 || g.entries[0].Status != bankfiles.Info || !*g.heads[0].Balanced {
		t.Errorf("got %+v", g.entries)
	}
}

func TestSeveralRecordsOnOneLine(t *testing.T) {
	for name, file := range map[string]string{
		"two":         strings.Replace(whole, "/\n16", "/16", 1),
		"all":         strings.ReplaceAll(whole, "/\n", "/"),
		"CRLF":        strings.ReplaceAll(whole, "\n", "\r\n"),
		"CR":          strings.ReplaceAll(whole, "\n", "\r"),
		"junk before": "$$ADD ID=X\n\n" + whole,
	} {
		if g := read(t, file); len(g.heads) != 1 || !*g.heads[0].Balanced || len(g.entries) != 2 || fmt.Sprint(g.totals) != "[true true true]" {
			t.Errorf("%s: got %+v %v %v", name, g.heads, g.totals, g.warnings)
		}
	}
}

func TestControlTotals(t *testing.T) {
	for _, test := range []struct{ name, old, new, totals, warned, fault string }{
		{"blank", "49,1080000,5/", "49,,/", "[true true]", "", ""},
		{"zero", "49,1080000,5/", "49,0,0/", "[true true]", "", ""},
		{"plus sign", "49,1080000,5/", "49,+1080000,5/", "[true true true]", "", ""},
		{"wrong total", "49,1080000,5/", "49,1080001,5/", "[false true true]", "", "bai2.total"},
		{"wrong count", "49,1080000,5/", "49,1080000,6/", "[false true true]", "bai2.count", ""},
		{"wrong accounts", "98,1080000,1,7/", "98,1080000,2,7/", "[true false true]", "bai2.count", ""},
		{"wrong total of the file", "99,1080000,", "99,1,", "[true true false]", "", "bai2.total"},
		{"no trailer of the file", "99,1080000,1,9/\n", "", "[true true]", "bai2.trailer", ""},
		{"no trailer of the account", "49,1080000,5/\n", "", "[false false]", "bai2.trailer bai2.count bai2.count", ""},
		{"continuations not counted", "49,1080000,5/", "49,1080000,4/", "[true true true]", "", ""},
		{"not a number", "49,1080000,5/", "49,many,5/", "[true true true]", "bai2.amount", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &got{}
			err := bai2.Read("x.bai", strings.NewReader(strings.Replace(whole, test.old, test.new, 1)), g)
			if fmt.Sprint(g.totals) != test.totals || strings.Join(g.warnings, " ") != test.warned || fault.CodeOf(err) != test.fault {
				t.Errorf("got %v %v, %v", g.totals, g.warnings, err)
			}
			if !*g.heads[0].Balanced {
				t.Error("the statement itself balances")
			}
		})
	}
}

func TestWhatIsReadWithAWarning(t *testing.T) {
	for _, test := range []struct{ name, file, want, warned string }{
		{"groups out of step", report("03,1,USD,010,100,,,TEXT,1/"), "1 20260212 USD 1.00 0.00 - -", "bai2.groups"},
		{"a balance of no use with letters", report("03,1,USD,010,100,,,040,x,,,015,100,,/"), "1 20260212 USD 1.00 0.00 1.00 true", "bai2.amount"},
		{"no day in the group", strings.Replace(report("03,1,USD,010,100,,,015,100,,/"), "260212,2400", ",", 1), "1 20260213 USD 1.00 0.00 1.00 true", "bai2.day"},
		{"no group", "03,1,USD,010,100,,,015,100,,/\n49,,/\n99,,,/\n", "1  USD 1.00 0.00 1.00 true", "bai2.group"},
		{"a value date that does not exist", report("03,1,USD/", "16,165,1,V,260230,,,,/"), "1 20260212 USD - 0.01 - -", "bai2.value_date"},
		{"a line that is no record", strings.Replace(report("03,1,USD/"), "49,", "??\n49,", 1), "1 20260212 USD - 0 - -", "bai2.record"},
	} {
		if g := read(t, test.file); line(&g.heads[0]) != test.want || strings.Join(g.warnings, " ") != test.warned {
			t.Errorf("%s: got %s %v", test.name, line(&g.heads[0]), g.warnings)
		}
	}
}

func TestSameDayReport(t *testing.T) {
	g := read(t, strings.Replace(whole, "USD,2/", "USD,3/", 1))
	if g.heads[0].Kind != bankfiles.Intraday {
		t.Errorf("got %+v", g.heads[0])
	}
}

func TestSeveralAccountsAndGroups(t *testing.T) {
	group := whole[strings.Index(whole, "02,"):strings.Index(whole, "99,")]
	file := whole[:strings.Index(whole, "02,")] + group + strings.NewReplacer("0975312468,USD", "0975312469,EUR", "260212", "260213").Replace(group) + "99,2160000,2,16/\n"
	g := read(t, file)
	if len(g.heads) != 2 || line(&g.heads[1]) != "0975312469 20260213 EUR 5000.00 300.00 5300.00 true" || fmt.Sprint(g.totals) != "[true true true true true]" {
		t.Errorf("got %+v %v %v", g.heads, g.totals, g.warnings)
	}
}

// FuzzRead: no panic, faults only, and balanced is what adds up.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(strings.ReplaceAll(whole, "/\n", "/")))
	f.Add([]byte(report("03,1,JPY,010,-5,,S,1,2,3,045/", "88,7,/", "16,165,500,D,1,0,5,B,C,5/16,T", "MORE", "16,890/")))
	f.Fuzz(func(t *testing.T, file []byte) {
		g := &got{}
		err := bai2.Read("x", bytes.NewReader(file), g)
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		at := 0
		for i := range g.heads {
			h := &g.heads[i]
			if h.Balanced == nil {
				at += h.Entries
				continue
			}
			x := *h.Opening
			overflow := false
			for _, e := range g.entries[at : at+h.Entries] {
				if e.Status == bankfiles.Booked {
					sum, err := x.Add(e.Amount)
					x, overflow = sum, overflow || err != nil
				}
			}
			at += h.Entries
			if !overflow && x.Equal(*h.Closing) != *h.Balanced {
				t.Errorf("balanced %v: %s", *h.Balanced, line(h))
			}
		}
	})
}

// BenchmarkRead reads an account of 50,000 transactions.
func BenchmarkRead(b *testing.B) {
	records := []string{"03,1,USD,010,0,,,015,5000000,,/"}
	for i := range 50_000 {
		records = append(records, fmt.Sprintf("16,165,100,0,B%09d,C%09d,INVOICE %d OF THE SHOP AT THE CORNER/", i, i, i))
	}
	file := []byte(report(records...))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if err := bai2.Read("x", bytes.NewReader(file), nothing{}); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (nothing) Open(*bankfiles.Statement) error       { return nil }
func (nothing) Entry(*bankfiles.StatementEntry) error { return nil }
func (nothing) Close(*bankfiles.Statement) error      { return nil }
