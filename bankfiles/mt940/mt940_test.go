package mt940_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/mt940"
	"custody/internal/fault"
)

// got collects what a reader delivers.
type got struct {
	heads    []bankfiles.Statement // as they were closed
	entries  []bankfiles.StatementEntry
	warnings []string // codes
	totals   []bool
	encoding string
	opened   int
	fail     error // returned by Entry
}

func (g *got) Open(*bankfiles.Statement) error { g.opened++; return nil }
func (g *got) Entry(e *bankfiles.StatementEntry) error {
	g.entries = append(g.entries, *e)
	return g.fail
}
func (g *got) Close(st *bankfiles.Statement) error { g.heads = append(g.heads, *st); return nil }
func (g *got) Warn(f *fault.Fault)                 { g.warnings = append(g.warnings, f.Code) }
func (g *got) Totals(agree bool)                   { g.totals = append(g.totals, agree) }
func (g *got) Encoding(name string)                { g.encoding = name }

// line is a statement in a few words: account number currency opening sum closing balanced.
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
	return strings.Join([]string{st.Account, st.Number, st.Currency, opening, st.Sum.String(), closing, balanced}, " ")
}

func read(t *testing.T, file string) *got {
	t.Helper()
	g := &got{}
	if err := mt940.Read("x.sta", strings.NewReader(file), g); err != nil {
		t.Fatal(err)
	}
	if g.opened != len(g.heads) {
		t.Errorf("%d statements opened, %d closed", g.opened, len(g.heads))
	}
	return g
}

// statement puts entries between the balances 100.00 and closing.
func statement(closing string, fields ...string) string {
	return ":20:R1\r\n:25:62260001\r\n:28C:7/1\r\n:60F:C260212CNY100,00\r\n" +
		strings.Join(append(fields, ""), "\r\n") + ":62F:C260213CNY" + closing + "\r\n-\r\n"
}

// one reads a statement with one entry and wants it balanced.
func one(t *testing.T, closing string, fields ...string) (bankfiles.StatementEntry, *got) {
	t.Helper()
	g := read(t, statement(closing, fields...))
	if len(g.heads) != 1 || len(g.entries) != 1 || g.heads[0].Balanced == nil || !*g.heads[0].Balanced {
		t.Fatalf("got %+v %+v", g.heads, g.entries)
	}
	return g.entries[0], g
}

func TestRead(t *testing.T) {
	e, g := one(t, "88,50", ":61:2602130213D11,50NTRFORDER-77//B0001", "SECOND LINE", ":86:lunch")
	st := g.heads[0]
	if got, want := line(&st), "62260001 7 CNY 100.00 -11.50 88.50 true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if st.Format != "mt940" || st.Kind != bankfiles.EndOfDay || st.ID != "R1" || st.From.String() != "2026-02-12" || st.To.String() != "2026-02-13" {
		t.Errorf("got %+v", st)
	}
	if e.Line != 5 || e.Amount.String() != "-11.50" || e.Amount.Currency != "CNY" || e.EndToEndID != "ORDER-77" || e.BankRef != "B0001" ||
		e.Code != "NTRF" || e.Status != bankfiles.Booked || e.Reversal || e.ValueDate.String() != "2026-02-13" || e.BookingDate.String() != "2026-02-13" ||
		e.Remark != "lunch\nSECOND LINE" {
		t.Errorf("got %+v", e)
	}
	if len(g.warnings) > 0 || g.encoding != "utf-8" {
		t.Errorf("got %v %s", g.warnings, g.encoding)
	}
}

func TestRefused(t *testing.T) {
	head := ":20:R\n:25:1\n:28C:1\n"
	for _, test := range []struct {
		name, file, code string
		line             int
	}{
		{"empty", "", "mt940.none", 0},
		{"another text", "hello\nworld\n", "mt940.none", 0},
		{"fragment without :20: and :25:", ":61:260213C1,00NTRFX\n:86:a\n:61:260213C1,00NTRFX\n", "mt940.fragment", 1},
		{"fragment that begins with a balance", ":60F:C260212CNY1,00\n:62F:C260212CNY1,00\n", "mt940.fragment", 1},
		{"no account", ":20:R\n:28C:1\n:60F:C260212CNY1,00\n:61:260213C1,00NTRFX\n:62F:C260212CNY2,00\n", "mt940.account", 1},
		{"empty account", ":20:R\n:25:\n:60F:C260212CNY1,00\n", "mt940.account", 1},
		{"balance without C or D", head + ":60F:X260212CNY1,00\n", "mt940.balance", 4},
		{"balance without amount", head + ":60F:C260212CNY\n", "mt940.balance", 4},
		{"month 13", head + ":60F:C261312CNY1,00\n", "mt940.balance", 4},
		{"separators that do not stand every three digits", head + ":60F:C260212CNY1.23,45\n", "mt940.balance", 4},
		{"two kinds of separators twice", head + ":60F:C260212CNY1,234,56\n", "mt940.balance", 4},
		{"too many digits", head + ":60F:C260212CNY12345678901234567890,00\n", "mt940.balance", 4},
		{"entry without mark", head + ":61:2602131,00NTRFX\n", "mt940.entry", 4},
		{"entry with R alone", head + ":61:260213R1,00NTRFX\n", "mt940.entry", 4},
		{"entry without amount", head + ":61:260213CNTRFX\n", "mt940.entry", 4},
		{"a blank inside the amount", head + ":61:260213C1 234,56NTRFX\n", "mt940.entry", 4},
		{"entry without date", head + ":61:C1,00NTRFX\n", "mt940.entry", 4},
		{"value date of month 0", head + ":61:260013C1,00NTRFX\n", "mt940.entry", 4},
		{"a line over the limit", head + ":86:" + strings.Repeat("x", 400<<10), "bankfile.long", 4},
		{"a field over the limit", head + ":60F:C260212CNY1,00\n:61:260213C1,00NTRFX\n:86:x\n" + strings.Repeat(strings.Repeat("y", 70)+"\n", 1000), "bankfile.long", 6},
		{"a sum over the limit", head + ":60F:C260212CNY1,00\n" + strings.Repeat(":61:260213C9000000000000000,00NTRFX\n", 20), "bankfile.sum", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := mt940.Read("x.sta", strings.NewReader(test.file), &got{})
			f := fault.Of(err)
			if f == nil || f.Code != test.code || f.Line != test.line || f.File != "x.sta" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFaultsAreCollectedUpToALimit(t *testing.T) {
	file := ":20:R\n:25:1\n" + strings.Repeat(":61:nonsense\n", 200)
	var list fault.List
	if err := mt940.Read("x", strings.NewReader(file), &got{}); !errors.As(err, &list) || len(list) != 101 || list[100].Code != "bankfile.too_many_faults" {
		t.Errorf("got %v", err)
	}
}

var errSink = errors.New("sink")

func TestErrorsOfTheSinkComeBack(t *testing.T) {
	err := mt940.Read("x", strings.NewReader(statement("101,00", ":61:260213C1,00NTRFX")), &got{fail: errSink})
	if err != errSink {
		t.Errorf("got %v", err)
	}
}
