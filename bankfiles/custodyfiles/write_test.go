package custodyfiles_test

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles/custodyfiles"
	"custody/internal/fault"
)

func TestDifferences(t *testing.T) {
	want := []custodyfiles.Difference{
		{Line: 2, SubAccount: "349201", Name: "甲店", Member: "M1", BankAvailable: yuan("100.00"), BankFrozen: yuan("0.00"), OwnAvailable: yuan("90.00"), OwnFrozen: yuan("5.00"), Remark: "银行多记"},
		{Line: 3, SubAccount: "349202", Member: "M2", BankAvailable: yuan("0.00"), BankFrozen: yuan("0.00"), OwnAvailable: yuan("0.01"), OwnFrozen: yuan("0.00")},
	}
	var out bytes.Buffer
	if err := custodyfiles.WriteDifferences(&out, want); err != nil {
		t.Fatal(err)
	}
	if text := string(gbk(t, "2&\r\n349201&甲店&M1&100.00&0.00&90.00&5.00&10.00&-5.00&银行多记&\r\n349202&&M2&0.00&0.00&0.01&0.00&-0.01&0.00&&\r\n")); out.String() != text {
		t.Errorf("got %q", out.String())
	}
	var got []custodyfiles.Difference
	if _, err := custodyfiles.ReadDifferences("d", &out, custodyfiles.Options{}, func(d *custodyfiles.Difference) error { got = append(got, *d); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTieOut(t *testing.T) {
	want := []custodyfiles.TieOut{{Line: 2, Date: day, Account: "6200", Bank: yuan("1000.00"), SubAccounts: yuan("1200.00"), Transit: yuan("200.00")},
		{Line: 3, Date: day, Account: "6201", Bank: yuan("1000.00"), SubAccounts: yuan("999.00"), Transit: yuan("0.00"), Remark: "待查"}}
	var out bytes.Buffer
	if err := custodyfiles.WriteTieOut(&out, want); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if custodyfiles.Detect([]byte(text)) != custodyfiles.TieOuts || !strings.Contains(text, "&200.00&0.00&&\r\n") {
		t.Errorf("got %q", text)
	}
	var got []custodyfiles.TieOut
	sum, err := custodyfiles.ReadTieOut("t", &out, func(r *custodyfiles.TieOut) error { got = append(got, *r); return nil })
	if err != nil || sum.Total.String() != "1.00" {
		t.Fatalf("%+v, %v", sum, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := custodyfiles.ReadTieOut("t", strings.NewReader(strings.Replace(text, "&200.00&0.00&", "&200.00&1.00&", 1)), nil); fault.CodeOf(err) != "custodyfile.arithmetic" {
		t.Errorf("a difference that does not follow: %v", err)
	}
}

func TestCheckCompanion(t *testing.T) {
	var check bytes.Buffer
	if err := custodyfiles.WriteCheck(&check, "DZ.txt", strings.NewReader("1&\r\n")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, code string }{
		{"DZ.txt", "1&\r\n", ""}, {"DZ.txt", "2&\r\n", "custodyfile.check"}, {"OTHER.txt", "1&\r\n", "custodyfile.check"},
	} {
		if err := custodyfiles.VerifyCheck(strings.NewReader(check.String()), test.name, strings.NewReader(test.file)); fault.CodeOf(err) != test.code {
			t.Errorf("%s %q: %v", test.name, test.file, err)
		}
	}
}

func splits() []custodyfiles.Split {
	return []custodyfiles.Split{
		{Line: 2, Date: day, Serial: "S1", Account: "U1", Amount: 9000, Days: 1, Remark: "货款", Orders: []string{"P1", "P2"}},
		{Line: 3, Date: day, Serial: "S2", Account: "U2", Amount: 600, Booking: true, Days: 2, Ext: [2]string{"x", "y"}},
	}
}

func TestSplits(t *testing.T) {
	var out bytes.Buffer
	if err := custodyfiles.WriteSplits(&out, day, splits()); err != nil {
		t.Fatal(err)
	}
	if text := string(gbk(t, "H|settle|20260213|2\r\n20260213|S1|U1|9000|0|1|货款|P1,P2||\r\n20260213|S2|U2|600|1|2|||x|y\r\n")); out.String() != text {
		t.Errorf("got %q", out.String())
	}
	var got []custodyfiles.Split
	if _, err := custodyfiles.ReadSplits("s", &out, func(s *custodyfiles.Split) error { got = append(got, *s); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(splits(), got); diff != "" {
		t.Error(diff)
	}
}

func TestSplitsRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  func(*custodyfiles.Split)
		code string
	}{
		{"another day", func(s *custodyfiles.Split) { s.Date = day.AddDays(1) }, "custodyfile.day"},
		{"serial twice", func(s *custodyfiles.Split) { s.Serial = "S1" }, "custodyfile.twice"},
		{"T+0 beside T+N", func(s *custodyfiles.Split) { s.Days = 0 }, "custodyfile.mixed"},
		{"nothing", func(s *custodyfiles.Split) { s.Amount = 0 }, "custodyfile.fen"},
		{"bar", func(s *custodyfiles.Split) { s.Remark = "a|b" }, "custodyfile.separator"},
		{"line end", func(s *custodyfiles.Split) { s.Remark = "a\nb" }, "custodyfile.separator"},
		{"not in GBK", func(s *custodyfiles.Split) { s.Remark = "𠮷" }, "bill.gbk"},
		{"comma in an order number", func(s *custodyfiles.Split) { s.Orders = []string{"a,b"} }, "custodyfile.number"},
	} {
		rows := splits()
		test.bad(&rows[1])
		if f := fault.Of(custodyfiles.WriteSplits(io.Discard, day, rows)); f == nil || f.Code != test.code || f.Line != 3 {
			t.Errorf("%s: %v", test.name, f)
		}
	}
}

// FuzzRead reads anything as what it is detected to be, and writes and reads
// again where there is a writer.
func FuzzRead(f *testing.F) {
	for _, text := range samples {
		f.Add(gbk(f, text))
	}
	var out bytes.Buffer
	if err := custodyfiles.WriteOrderResults(&out, orders()); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		format := custodyfiles.Detect(data)
		rows, sum, err := outcome(format, data, custodyfiles.Options{})
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		if sum.Rows != len(rows) {
			t.Fatalf("%s: %d rows handed out, summary says %d", format, len(rows), sum.Rows)
		}
		if format == custodyfiles.HTSettle {
			rewriteSplits(t, data, sum)
		}
	})
}

func rewriteSplits(t *testing.T, data []byte, sum custodyfiles.Summary) {
	var rows []custodyfiles.Split
	if _, err := custodyfiles.ReadSplits("f", bytes.NewReader(data), func(s *custodyfiles.Split) error { rows = append(rows, *s); return nil }); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if custodyfiles.WriteSplits(&out, sum.Date, rows) != nil {
		return // a character that GBK lacks, a control character
	}
	again, err := custodyfiles.ReadSplits("f", &out, nil)
	if err != nil || again.Total != sum.Total || again.Rows != sum.Rows {
		t.Fatalf("read %+v, again %+v, %v", sum, again, err)
	}
}

// BenchmarkRead reads a CZ file of a tenth of a night beside a plain split of its lines.
func BenchmarkRead(b *testing.B) {
	const n = 100_000
	var out bytes.Buffer
	for i := range n {
		out.Write(gbk(b, strconv.Itoa(i+1)+"&351233741965754369&3492000000147328&甲店有限公司&300.00&0.00&20260213&192842&2210044998349942&0121222210041120538763&服务费&绑卡匹配入金&&\r\n"))
	}
	b.Run("cz", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			if sum, err := custodyfiles.ReadMovements("f", bytes.NewReader(out.Bytes()), custodyfiles.CZ, custodyfiles.Options{}, nil); err != nil || sum.Rows != n {
				b.Fatal(sum, err)
			}
		}
	})
	b.Run("split", func(b *testing.B) {
		b.SetBytes(int64(out.Len()))
		for b.Loop() {
			for line := range bytes.Lines(out.Bytes()) {
				_ = bytes.Split(line, []byte("&"))
			}
		}
	})
}
