package camt_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// recorder is a sink that keeps everything.
type recorder struct {
	heads    []bankfiles.Statement
	entries  [][]bankfiles.StatementEntry
	warnings fault.List
	totals   []bool
	encoding string
}

func (r *recorder) Open(*bankfiles.Statement) error {
	r.entries = append(r.entries, nil)
	return nil
}

func (r *recorder) Entry(e *bankfiles.StatementEntry) error {
	last := len(r.entries) - 1
	r.entries[last] = append(r.entries[last], *e)
	return nil
}

func (r *recorder) Close(st *bankfiles.Statement) error {
	r.heads = append(r.heads, *st)
	return nil
}

func (r *recorder) Encoding(name string) { r.encoding = name }

func (r *recorder) Totals(agree bool) { r.totals = append(r.totals, agree) }

func (r *recorder) Warn(f *fault.Fault) { r.warnings = append(r.warnings, f) }

func read(t *testing.T, text string) *recorder {
	t.Helper()
	r := &recorder{}
	if err := camt.Read("stmt.xml", strings.NewReader(text), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func cny(s string) money.Exact {
	x, err := money.ParseExact(s, money.CNY)
	if err != nil {
		panic(err)
	}
	return x
}

func ptr[T any](v T) *T { return &v }

// sample is the bank's statement of 2026-02-13 with a pending line.
func sample(kind bankfiles.StatementKind) camt.Document {
	day := bizdate.MustParse("2026-02-13")
	return camt.Document{
		Kind:      kind,
		MessageID: "MSG-20260213",
		Created:   day.At(24, 30),
		Statements: []camt.Content{{
			Head: bankfiles.Statement{
				ID: "S20260213", Number: "44", Account: "6200000000000001", Name: "示例总部存管专户",
				Currency: "CNY", From: day, To: day, Opening: ptr(cny("1300.00")), Closing: ptr(cny("1669.20")),
			},
			Entries: []bankfiles.StatementEntry{
				{BankRef: "K1301", EntryRef: "1", BookingDate: day, BookingTime: day.At(8, 40), ValueDate: day, Amount: cny("1292.20"),
					Status: bankfiles.Booked, Code: "CR01", CounterpartyName: "财付通 <测试> & Co", CounterpartyAccount: "2430001", Remark: "财付通 20260212"},
				{BankRef: "K1302", EntryRef: "2", EndToEndID: "20260213010001", BookingDate: day, ValueDate: day.AddDays(-1), Amount: cny("-923.00"),
					Status: bankfiles.Booked, Code: "DR02", CounterpartyName: "甲", CounterpartyAccount: "6200111", Remark: "结算款\n柜面"},
				{BankRef: "K1399", Amount: cny("-5.00"), Status: bankfiles.Pending, Reversal: true, CounterpartyName: "乙"},
			},
		}},
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, kind := range []bankfiles.StatementKind{bankfiles.EndOfDay, bankfiles.Intraday} {
		doc := sample(kind)
		var file bytes.Buffer
		if err := camt.Write(&file, doc); err != nil {
			t.Fatal(err)
		}
		got := read(t, file.String())
		format := map[bankfiles.StatementKind]string{bankfiles.EndOfDay: "camt.053", bankfiles.Intraday: "camt.052"}[kind]
		want := doc.Statements[0].Head
		want.Line, want.Format, want.Version, want.Kind = 5, format, format+".001.08", kind
		want.Entries, want.Sum, want.Balanced = 3, cny("369.20"), ptr(true)
		if diff := cmp.Diff([]bankfiles.Statement{want}, got.heads); diff != "" {
			t.Errorf("%s head (-want +got):\n%s", kind, diff)
		}
		entries := doc.Statements[0].Entries
		for i := range entries {
			entries[i].Line = 11 + i
		}
		if diff := cmp.Diff([][]bankfiles.StatementEntry{entries}, got.entries, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("%s entries (-want +got):\n%s", kind, diff)
		}
		if diff := cmp.Diff([]bool{true}, got.totals); diff != "" {
			t.Errorf("%s totals (-want +got):\n%s", kind, diff)
		}
		if len(got.warnings) != 0 {
			t.Errorf("%s warnings: %v", kind, got.warnings)
		}
	}
}
