package payfile_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/internal/fault"
)

// sealed puts the right digest at the end of a changed file, so that a test
// meets the fault that it is about.
func sealed(text string) string {
	cut := strings.LastIndex(text, "\nT|") + 1
	digest := sm3.Sum([]byte(text[:cut]))
	trailer := text[cut:strings.LastIndex(text, "|")]
	return text[:cut] + trailer + "|" + hex.EncodeToString(digest[:]) + "\n"
}

// change replaces the first occurrence in a golden file and seals it again.
func change(t *testing.T, file, from, to string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), from) {
		t.Fatalf("%s does not hold %q", file, from)
	}
	return sealed(strings.Replace(string(b), from, to, 1))
}

func readAny(file, text string) (err error) {
	switch file {
	case "payout.txt":
		_, err = payfile.ReadPayout(file, strings.NewReader(text))
	case "result.txt":
		_, err = payfile.ReadResult(file, strings.NewReader(text))
	case "balance.txt":
		_, err = payfile.ReadBalance(file, strings.NewReader(text))
	case "instruct.txt":
		_, err = payfile.ReadInstruct(file, strings.NewReader(text))
	}
	return err
}

// TestBadFiles changes one thing in a good file: code, line and field of the fault.
func TestBadFiles(t *testing.T) {
	for _, test := range []struct {
		file, from, to string
		code           string
		line           int
		field          string
	}{
		{"payout.txt", "H|PAYOUT", "H|RESULT", "payfile.kind", 1, "H"},
		{"payout.txt", "H|PAYOUT", "\xEF\xBB\xBFH|PAYOUT", "payfile.character", 1, ""},
		{"payout.txt", "|maker1|", "|", "payfile.fields", 1, ""},
		{"payout.txt", "|maker1|", "||", "payfile.missing", 1, "maker"},
		{"payout.txt", "PO20260213-01", "", "payfile.missing", 1, "batch"},
		{"payout.txt", "|20260213|", "|2026-02-13|", "payfile.date", 1, "date"},
		{"payout.txt", "|20260213|", "|20260230|", "payfile.date", 1, "date"},
		{"payout.txt", "|4|122320|m", "|5|122320|m", "payfile.total", 1, "rows"},
		{"payout.txt", "|4|122320|m", "|4|122319|m", "payfile.total", 1, "total"},
		{"payout.txt", "|4|122320|m", "|1000001|122320|m", "payfile.too_many_rows", 1, "rows"},
		{"payout.txt", "|4|122320|m", "|-4|122320|m", "payfile.number", 1, "rows"},
		{"payout.txt", "T|4|", "T|3|", "payfile.total", 6, "rows"},
		{"payout.txt", "T|4|122320", "T|4|122321", "payfile.total", 6, "total"},
		{"payout.txt", "\n2|", "\n3|", "payfile.sequence", 3, "seq"},
		{"payout.txt", "\n2|", "\n02|", "payfile.sequence", 3, "seq"},
		{"payout.txt", "20260213010002", "20260213010001", "payfile.twice", 3, "serial"},
		{"payout.txt", "20260213010002", "", "payfile.missing", 3, "serial"},
		{"payout.txt", "|62001B|", "||", "payfile.missing", 3, "account"},
		{"payout.txt", "|92300|", "|0|", "payfile.amount", 2, "amount"},
		{"payout.txt", "|92300|", "|-92300|", "payfile.number", 2, "amount"},
		{"payout.txt", "|92300|", "|923.00|", "payfile.number", 2, "amount"},
		{"payout.txt", "|92300|", "|092300|", "payfile.number", 2, "amount"},
		{"payout.txt", "|92300|", "|9223372036854775808|", "payfile.number", 2, "amount"},
		{"payout.txt", "|18380|", "|9223372036854775807|", "payfile.overflow", 3, "amount"},
		{"payout.txt", "|BEP|", "|XXX|", "payfile.route", 2, "route"},
		{"payout.txt", "|102100000001||", "|||", "payfile.bank", 2, "cnaps"},
		{"payout.txt", "|102100000001||", "|102100000001|9|", "payfile.bank", 2, "cnaps"},
		{"payout.txt", "|102100000001|", "|10210000000x|", "payfile.cnaps", 2, "cnaps"},
		{"payout.txt", "结算款|", "结算款|a|b", "payfile.fields", 2, ""},
		{"payout.txt", "结算款", "结算\xFF", "payfile.character", 2, ""},
		{"payout.txt", "结算款|\n", "结算款|\r\n", "payfile.character", 2, ""},
		{"payout.txt", "结算款", strings.Repeat("x", 1025), "payfile.long", 2, ""},
		{"payout.txt", "结算款", strings.Repeat("x", 10_000), "payfile.long_line", 2, ""},
		{"result.txt", "|S|3|103940|", "|S|2|103940|", "payfile.total", 1, "S rows"},
		{"result.txt", "|F|1|18380|", "|F|1|18381|", "payfile.total", 1, "F total"},
		{"result.txt", "|U|0|0", "|X|0|0", "payfile.status_order", 1, "header"},
		{"result.txt", "20260213133105", "20260213253105", "payfile.time", 2, "bankTime"},
		{"result.txt", "|92300|S", "|0|S", "payfile.amount", 2, "amount"},
		{"balance.txt", "\n2|B", "\n2|A", "payfile.twice", 3, "member"},
		{"balance.txt", "|0|0|500", "|-1|0|500", "payfile.number", 3, "available"},
		{"balance.txt", "|2|101640\n", "|2|101641\n", "payfile.total", 1, "total"},
		{"instruct.txt", "H|INSTRUCT", "H|PAYOUT", "payfile.kind", 1, "H"},
		{"instruct.txt", "SI20260213-X20260212-001", "", "payfile.missing", 1, "number"},
		{"instruct.txt", "|checker1", "|", "payfile.missing", 1, "checker"},
		{"instruct.txt", "|3|69240|", "|3|69241|", "payfile.total", 1, "total"},
		{"instruct.txt", "|CLAIM|", "|claim|", "payfile.instruction", 2, "kind"},
		{"instruct.txt", "|K1202|", "||", "payfile.missing", 2, "reference"},
		{"instruct.txt", "|K1202|", "|W6|", "payfile.twice", 4, "reference"},
		{"instruct.txt", "|K1202|B|", "|K1202||", "payfile.missing", 2, "member"},
		{"instruct.txt", "|30000|||", "|0|||", "payfile.amount", 2, "amount"},
		{"instruct.txt", "|30000|||", "|30000|WX||", "payfile.adopt_only", 2, "channel"},
		{"instruct.txt", "|9240|||", "|9240||20260212|", "payfile.adopt_only", 3, "clearingDate"},
		{"instruct.txt", "|9240|||", "|9240|||W6", "payfile.adopt_only", 3, "order"},
		{"instruct.txt", "|WX|", "||", "payfile.missing", 4, "channel"},
		{"instruct.txt", "|20260212|W6", "||W6", "payfile.missing", 4, "clearingDate"},
		{"instruct.txt", "|20260212|W6", "|2026-02-12|W6", "payfile.date", 4, "clearingDate"},
		{"instruct.txt", "|20260212|W6", "|20260212|", "payfile.missing", 4, "order"},
	} {
		err := readAny(test.file, change(t, test.file, test.from, test.to))
		if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line || f.Field != test.field || f.File != test.file {
			t.Errorf("%s %q -> %q: got %v, want %s in line %d, field %s", test.file, test.from, test.to, err, test.code, test.line, test.field)
		}
	}
}

// TestDamage: any byte changed without the digest is noticed.
func TestDamage(t *testing.T) {
	for _, file := range []string{"payout.txt", "result.txt", "balance.txt", "instruct.txt"} {
		good, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 1
			if err := readAny(file, string(bad)); fault.Of(err) == nil {
				t.Errorf("%s: byte %d changed from %q to %q: %v", file, i, good[i], bad[i], err)
			}
			if err := readAny(file, string(good[:i])); fault.Of(err) == nil {
				t.Errorf("%s cut after %d bytes: %v", file, i, err)
			}
		}
		if err := readAny(file, string(good)+"1|x\n"); fault.CodeOf(err) != "payfile.trailing" {
			t.Errorf("%s with a line more: %v", file, err)
		}
	}
}

// TestUnknownStatusIsNeverFailed: money that may have left is not given back.
func TestUnknownStatusIsNeverFailed(t *testing.T) {
	for _, test := range []struct{ row, status, code string }{
		{"|X|1004|", "X", "1004"}, {"|P||", "P", "P"}, {"||1004|", "", "1004"}, {"|f|1004|", "f", "1004"}, {"|FAILED||", "FAILED", "FAILED"},
	} {
		text := change(t, "result.txt", "|F|1004|", test.row)
		text = sealed(strings.Replace(text, "|F|1|18380|U|0|0", "|F|0|0|U|1|18380", 1))
		got, err := payfile.ReadResult("r", strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", test.status, err)
			continue
		}
		if it := got.Items[1]; it.Status != bankfiles.ResultUnknown || it.Code != test.code {
			t.Errorf("%q: status %s code %s, want U %s", test.status, it.Status, it.Code, test.code)
		}
	}
}

// TestEveryFaultIsTold up to a hundred.
func TestEveryFaultIsTold(t *testing.T) {
	text := change(t, "payout.txt", "|92300|", "|0|")
	text = sealed(strings.Replace(text, "|18380|", "|x|", 1))
	var list fault.List
	if err := readAny("payout.txt", text); !errors.As(err, &list) {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range list {
		got = append(got, f.Code+" "+strconv.Itoa(f.Line))
	}
	want := []string{"payfile.amount 2", "payfile.number 3", "payfile.total 6", "payfile.total 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	many := "H|PAYOUT|B|20260213|1|1|m|c\n" + strings.Repeat("x\n", 1000) + "T|1|1|x\n"
	if err := readAny("payout.txt", many); !errors.As(err, &list) || len(list) != 100 {
		t.Errorf("%d faults", len(list))
	}
}

// TestWriteRefuses what could not be read back, and writes nothing.
func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name, code string
		line       int
		change     func(*bankfiles.PayoutFile)
	}{
		{"bar", "payfile.separator", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Name = "a|b" }},
		{"line feed", "payfile.separator", 3, func(f *bankfiles.PayoutFile) { f.Items[1].Purpose = "a\nb" }},
		{"carriage return", "payfile.separator", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Attach = "a\r" }},
		{"control character", "payfile.character", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Attach = "a\t" }},
		{"not UTF-8", "payfile.character", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Name = "\xD6" }},
		{"long", "payfile.long", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Name = strings.Repeat("x", 1025) }},
		{"no name", "payfile.missing", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Name = "" }},
		{"no batch", "payfile.missing", 1, func(f *bankfiles.PayoutFile) { f.BatchNo = "" }},
		{"no date", "payfile.date", 1, func(f *bankfiles.PayoutFile) { f.Date = 0 }},
		{"amount", "payfile.amount", 3, func(f *bankfiles.PayoutFile) { f.Items[1].Amount = 0 }},
		{"overflow", "payfile.overflow", 3, func(f *bankfiles.PayoutFile) { f.Items[1].Amount = 1<<63 - 1 }},
		{"number", "payfile.sequence", 3, func(f *bankfiles.PayoutFile) { f.Items[1].Seq = 1 }},
		{"serial twice", "payfile.twice", 5, func(f *bankfiles.PayoutFile) { f.Items[3].Serial = f.Items[0].Serial }},
		{"route", "payfile.route", 2, func(f *bankfiles.PayoutFile) { f.Items[0].Route = "bep" }},
		{"two bank numbers", "payfile.bank", 2, func(f *bankfiles.PayoutFile) { f.Items[0].SuperBankNo = "1" }},
	} {
		f := payout()
		test.change(f)
		var b bytes.Buffer
		err := payfile.WritePayout(&b, f)
		if got := fault.Of(err); got == nil || got.Code != test.code || got.Line != test.line || b.Len() > 0 {
			t.Errorf("%s: %v and %d bytes", test.name, err, b.Len())
		}
	}
	r := result()
	r.Items[0].Status = "X"
	if err := payfile.WriteResult(io.Discard, r); fault.CodeOf(err) != "payfile.status" {
		t.Errorf("status: %v", err)
	}
	b := balance()
	b.Items[0].Cash = -1
	if err := payfile.WriteBalance(io.Discard, b); fault.CodeOf(err) != "payfile.amount" {
		t.Errorf("balance: %v", err)
	}
	for code, change := range map[string]func(*bankfiles.InstructionItem){
		"payfile.instruction": func(it *bankfiles.InstructionItem) { it.Kind = "" },
		"payfile.adopt_only":  func(it *bankfiles.InstructionItem) { it.ClearingDate = day },
		"payfile.separator":   func(it *bankfiles.InstructionItem) { it.Member = "a|b" },
		"payfile.amount":      func(it *bankfiles.InstructionItem) { it.Amount = 0 },
		"payfile.twice":       func(it *bankfiles.InstructionItem) { it.Reference = "K1202" },
	} {
		f := instruct()
		change(&f.Items[1])
		var b bytes.Buffer
		if err := payfile.WriteInstruct(&b, f); fault.CodeOf(err) != code || fault.Of(err).Line != 3 || b.Len() > 0 {
			t.Errorf("%s: %v and %d bytes", code, err, b.Len())
		}
	}
}

func TestErrorsOfTheSourceComeBack(t *testing.T) {
	src := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(change(t, "payout.txt", "H", "H"))))
	if _, err := payfile.ReadPayout("x", src); err != iotest.ErrTimeout {
		t.Errorf("got %v", err)
	}
}
