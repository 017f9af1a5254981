package cardsettle_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"

	"custody/bankfiles/cardsettle"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

var update = flag.Bool("update", false, "write the golden file anew")

var day = bizdate.MustParse("2026-02-13")

func rows() []cardsettle.Row {
	return []cardsettle.Row{
		{Line: 2, Kind: cardsettle.Debit, Serial: "K20260213001", Operator: "T900001", Province: "GD", Face: 10000, Share: 1000, Net: 9000, Time: day.At(10, 15)},
		{Line: 3, Kind: cardsettle.Reversal, Serial: "K20260212007", Operator: "T900002", Province: "GD", Face: 4000, Share: 400, Net: 3600, Time: day.At(11, 30)},
	}
}

func read(text string) (got []cardsettle.Row, sum cardsettle.Summary, err error) {
	sum, err = cardsettle.Read("card.txt", strings.NewReader(text), func(r *cardsettle.Row) error {
		got = append(got, *r)
		return nil
	})
	return got, sum, err
}

func golden(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/card.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGolden(t *testing.T) {
	var out bytes.Buffer
	if err := cardsettle.Write(&out, "TEL", day, slices.Values(rows())); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/card.txt", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(golden(t), out.String()); diff != "" {
		t.Error(diff)
	}
	got, sum, err := read(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows(), got); diff != "" {
		t.Error(diff)
	}
	if want := (cardsettle.Summary{Operator: "TEL", Date: day, Rows: 2, Face: 6000, Share: 600, Net: 5400}); sum != want {
		t.Errorf("got %+v", sum)
	}
}

// sealed mends the seal, so that what is tested is the change before it.
func sealed(text string) string {
	body, _, ok := strings.Cut(text, "\nT|")
	if !ok {
		return text
	}
	sum := sm3.Sum([]byte(body + "\n"))
	at := strings.LastIndex(text, "|")
	return text[:at+1] + hex.EncodeToString(sum[:]) + "\n"
}

func TestBadFiles(t *testing.T) {
	good := golden(t)
	change := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatal("not in the file: " + old)
		}
		return sealed(strings.Replace(good, old, new, 1))
	}
	for _, test := range []struct {
		name, text, code string
		line             int
	}{
		{"nothing", "", "cardsettle.cut", 1},
		{"another file", "a,b\n", "cardsettle.head", 1},
		{"date", change("20260213|2", "20260230|2"), "cardsettle.date", 1},
		{"kind", change("1|D|", "1|X|"), "cardsettle.kind", 2},
		{"a number out of turn", change("\n2|R", "\n3|R"), "cardsettle.sequence", 3},
		{"no number of ours", change("K20260213001", ""), "cardsettle.number", 2},
		{"movement twice", change("T900002", "T900001"), "cardsettle.twice", 3},
		{"yuan", change("|10000|", "|100.00|"), "cardsettle.amount", 2},
		{"no face value", change("|10000|1000|9000", "|0|0|0"), "cardsettle.amount", 2},
		{"share above face", change("|10000|1000|9000", "|10000|10001|-1"), "cardsettle.amount", 2},
		{"net does not follow", change("|1000|9000", "|1000|9001"), "cardsettle.net", 2},
		{"time", change("20260213101500", "2026-02-13"), "cardsettle.time", 2},
		{"field lost", change("|GD|10000", "|10000"), "cardsettle.fields", 2},
		{"count", change("20260213|2|", "20260213|3|"), "cardsettle.count", 4},
		{"face total", change("|6000|600", "|6001|600"), "cardsettle.total", 4},
		{"trailer total", change("T|2|5400", "T|2|5401"), "cardsettle.total", 4},
		{"seal", strings.Replace(good, "T900001", "T900003", 1), "cardsettle.seal", 4},
		{"cut after a row", good[:strings.Index(good, "\nT|")+1], "cardsettle.cut", 3},
		{"cut in a row", good[:strings.Index(good, "|GD|4000")], "cardsettle.cut", 3},
		{"more", good + "x\n", "cardsettle.after", 5},
		{"not UTF-8", strings.Replace(good, "K20260213001", "K\xC3\xC5", 1), "orders.encoding", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(test.text)
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at %d", err, test.code, test.line)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  func(*cardsettle.Row)
		code string
	}{
		{"net", func(r *cardsettle.Row) { r.Net++ }, "cardsettle.net"},
		{"bar", func(r *cardsettle.Row) { r.Serial = "a|b" }, "cardsettle.number"},
		{"twice", func(r *cardsettle.Row) { r.Operator = "T900001" }, "cardsettle.twice"},
		{"no time", func(r *cardsettle.Row) { r.Time = time.Time{} }, "cardsettle.time"},
	} {
		in := rows()
		test.bad(&in[1])
		if f := fault.Of(cardsettle.Write(&bytes.Buffer{}, "TEL", day, slices.Values(in))); f == nil || f.Code != test.code || f.Line != 3 {
			t.Errorf("%s: got %v", test.name, f)
		}
	}
	if err := cardsettle.Write(&bytes.Buffer{}, "", day, slices.Values(rows())); fault.CodeOf(err) != "cardsettle.head" {
		t.Errorf("no operator: %v", err)
	}
}

// FuzzRead writes again what the reader takes, and gets the same rows.
func FuzzRead(f *testing.F) {
	f.Add(golden(f))
	f.Fuzz(func(t *testing.T, text string) {
		got, sum, err := read(sealed(text))
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if err := cardsettle.Write(&out, sum.Operator, sum.Date, slices.Values(got)); err != nil {
			t.Fatal(err)
		}
		again, _, err := read(out.String())
		if err != nil || len(again) != len(got) {
			t.Fatalf("%v, again %v, %v", got, again, err)
		}
		for i := range got {
			if got[i].Line = again[i].Line; got[i] != again[i] {
				t.Fatalf("%+v, again %+v", got[i], again[i])
			}
		}
	})
}

// BenchmarkRead stands beside its floor: SM3 over the same lines.
func BenchmarkRead(b *testing.B) {
	const n = 100_000
	var out bytes.Buffer
	row := rows()[0]
	err := cardsettle.Write(&out, "TEL", day, func(yield func(cardsettle.Row) bool) {
		for i := range n {
			if row.Operator = "T" + strconv.Itoa(i); !yield(row) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("card", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			if sum, err := cardsettle.Read("f", bytes.NewReader(out.Bytes()), nil); err != nil || sum.Rows != n {
				b.Fatal(sum, err)
			}
		}
	})
	b.Run("sm3", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			s, seal := bufio.NewScanner(bytes.NewReader(out.Bytes())), sm3.New()
			for s.Scan() {
				seal.Write(s.Bytes())
			}
		}
	})
}
