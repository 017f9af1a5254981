package mt940_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"custody/bankfiles"
	"custody/bankfiles/mt940"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func cny(units int64) money.Exact { return money.Exact{Units: units, Scale: 2, Currency: "CNY"} }

func ptr[T any](v T) *T { return &v }

// sample is a statement with an entry of every kind.
func sample() mt940.Content {
	day := bizdate.MustParse("2026-02-13")
	head := bankfiles.Statement{ID: "SV26021300001", Number: "44", Account: "6226000100000012", Currency: "CNY",
		From: bizdate.MustParse("2026-02-12"), To: day, Opening: ptr(cny(-500)), Closing: ptr(cny(119_450))}
	entry := func(units int64) bankfiles.StatementEntry {
		return bankfiles.StatementEntry{BookingDate: day, ValueDate: day, Amount: cny(units), Status: bankfiles.Booked, Code: "NTRF"}
	}
	long := entry(-50)
	long.EndToEndID, long.BankRef, long.CounterpartyName, long.CounterpartyAccount = "202602130000010000077", "B/77", "杭州某某餐饮管理有限公司", "6228480000000000777"
	long.Remark = "payout of the day for the shop at the corner, first row of the second batch, see letter"
	short := entry(120_000)
	short.EndToEndID, short.ValueDate = "S-1", bizdate.MustParse("2025-12-31")
	back := entry(-10)
	back.Reversal = true
	expected := entry(7)
	expected.Status = bankfiles.Pending
	expected.Remark = "to come"
	plain := entry(10)
	return mt940.Content{Head: head, Entries: []bankfiles.StatementEntry{short, long, back, expected, plain}}
}

func TestWriteIsReadBack(t *testing.T) {
	want := sample()
	other := sample()
	other.Head.Account, other.Head.ID, other.Head.Number = "6226000100000013", "SV26021300002", ""
	var b bytes.Buffer
	if err := mt940.Write(&b, []mt940.Content{want, other}); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "written.sta")
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(file), b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	g := read(t, b.String())
	if diff := cmp.Diff(append(want.Entries, other.Entries...), g.entries, cmpopts.IgnoreFields(bankfiles.StatementEntry{}, "Line")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, c := range []mt940.Content{want, other} {
		head := c.Head
		head.Format, head.Kind, head.Entries, head.Sum, head.Balanced = "mt940", bankfiles.EndOfDay, 5, cny(119_950), ptr(true)
		if diff := cmp.Diff(head, g.heads[i], cmpopts.IgnoreFields(bankfiles.Statement{}, "Line")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if len(g.warnings) > 0 {
		t.Errorf("warned of %v", g.warnings)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name, code string
		spoil      func(*mt940.Content)
	}{
		{"no id", "mt940.write_field", func(c *mt940.Content) { c.Head.ID = "" }},
		{"long id", "mt940.write_long", func(c *mt940.Content) { c.Head.ID = strings.Repeat("x", 17) }},
		{"an account that ends in a currency", "mt940.write_field", func(c *mt940.Content) { c.Head.Account = "622CNY" }},
		{"a number with letters", "mt940.write_field", func(c *mt940.Content) { c.Head.Number = "4A" }},
		{"no currency", "mt940.write_field", func(c *mt940.Content) { c.Head.Currency = "" }},
		{"no opening", "mt940.write_field", func(c *mt940.Content) { c.Head.Opening = nil }},
		{"days turned around", "mt940.write_field", func(c *mt940.Content) { c.Head.To = c.Head.From.AddDays(-1) }},
		{"not balanced", "mt940.write_unbalanced", func(c *mt940.Content) { c.Head.Closing.Units++ }},
		{"another currency", "mt940.write_field", func(c *mt940.Content) { c.Entries[0].Amount.Currency = "USD" }},
		{"no booking date", "mt940.write_field", func(c *mt940.Content) { c.Entries[0].BookingDate = 0 }},
		{"a booking date that would be read as another year", "mt940.write_field", func(c *mt940.Content) { c.Entries[0].BookingDate = bizdate.MustParse("2024-02-13") }},
		{"a code of three", "mt940.write_field", func(c *mt940.Content) { c.Entries[0].Code = "TRF" }},
		{"information", "mt940.write_field", func(c *mt940.Content) { c.Entries[0].Status = bankfiles.Info }},
		{"a name that is too long", "mt940.write_long", func(c *mt940.Content) { c.Entries[1].CounterpartyName = strings.Repeat("门", 55) }},
		{"a remark with a mark", "mt940.write_character", func(c *mt940.Content) { c.Entries[1].Remark = "a?32b" }},
		{"a remark with a word", "mt940.write_character", func(c *mt940.Content) { c.Entries[1].Remark = "a EREF+b" }},
		{"a remark with a line end", "mt940.write_character", func(c *mt940.Content) { c.Entries[1].Remark = "a\nb" }},
		{"a remark with the end of a message", "mt940.write_character", func(c *mt940.Content) { c.Entries[1].Remark = "a-}b" }},
		{"a remark that is too long", "mt940.write_long", func(c *mt940.Content) { c.Entries[1].Remark = strings.Repeat("x", 370) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := sample()
			test.spoil(&c)
			var b bytes.Buffer
			if err := mt940.Write(&b, []mt940.Content{c}); fault.CodeOf(err) != test.code || b.Len() > 0 {
				t.Errorf("got %v, %d bytes", err, b.Len())
			}
		})
	}
	if err := mt940.Write(&bytes.Buffer{}, nil); fault.CodeOf(err) != "mt940.none" {
		t.Errorf("nothing to write: got %v", err)
	}
}
