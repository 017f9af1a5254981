package statements

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"custody/internal/money"
)

// TestNumberKeepsEveryDigit: what excelize writes into the file is the amount's
// own decimal text, without float noise; beyond 15 digits it is a text.
func TestNumberKeepsEveryDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fen := money.Amount(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-maxCellFen-5, maxCellFen+5), rapid.Int64Range(-1000, 1000)).Draw(t, "fen"))
		switch v := number(fen).(type) {
		case float64:
			got, err := money.ParseYuan(strconv.FormatFloat(v, 'f', -1, 64))
			if err != nil || got != fen {
				t.Fatalf("%s became %v (%v)", fen, got, err)
			}
		case string:
			if fen <= maxCellFen && fen >= -maxCellFen || v != fen.Grouped() {
				t.Fatalf("%s became the text %q", fen, v)
			}
		}
	})
	if _, ok := number(math.MinInt64).(string); !ok {
		t.Error("the smallest amount is a number")
	}
}

// TestTableGuardsTexts: no text of a CSV file begins as a formula, and amounts
// stay amounts.
func TestTableGuardsTexts(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx",
		"": "", "x=1": "x=1", "甲": "甲", "'": "'",
	} {
		if got := guarded(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, fen := rapid.String().Draw(t, "text"), money.Amount(rapid.Int64().Draw(t, "fen"))
		var out bytes.Buffer
		table := newTable(&out)
		table.row(text, fen)
		if err := table.close(); err != nil {
			t.Fatal(err)
		}
		row, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), bom))).Read()
		if err != nil || len(row) != 2 || row[1] != fen.String() {
			t.Fatalf("%q, %v", row, err)
		}
		if row[0] != "" && strings.Contains("=+-@\t\r", row[0][:1]) {
			t.Fatalf("%q came out as %q", text, row[0])
		}
	})
}

func TestMasked(t *testing.T) {
	for account, want := range map[string]string{"": "", "123": "***", "1234567890": "******7890", "12345678901": "123456*8901", "6222020000001234567": "622202*********4567"} {
		if got := masked(account); got != want {
			t.Errorf("%q became %q, want %q", account, got, want)
		}
	}
}
