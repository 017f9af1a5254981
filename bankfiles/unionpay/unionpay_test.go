package unionpay_test

import (
	"bufio"
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/unionpay"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

func yuan(s string) money.Exact {
	x, err := money.ParseExact(s, money.CNY)
	if err != nil {
		panic(err)
	}
	return x
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, bizdate.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	zmName   = "INN26011988ZM_700000000000001"
	comnName = "IND26011901ACOMN"
)

// rows are a payment of a sub-merchant with a Chinese name and its refund.
func rows() []unionpay.Row {
	return []unionpay.Row{
		{Line: 1, Code: "S22", Kind: bankfiles.Pay, Agent: "48020000", Sender: "00010000", Trace: "000001", Time: at("2026-01-18 23:10:05"),
			Card: "621700******1234", Amount: yuan("100.00"), MCC: "5411", QueryNo: "202601182310050000018", OrderNo: "U20260118001",
			Fee: yuan("0.60"), Settle: yuan("99.40"), Net: yuan("99.40"), Merchant: "700000000000001", Terminal: "00000001", SubMerchant: "S1", SubName: "南京路门店"},
		{Line: 2, Code: "S30", Kind: bankfiles.Refund, Agent: "48020000", Sender: "00010000", Trace: "000002", Time: at("2026-01-19 09:00:00"),
			Card: "621700******1234", Amount: yuan("40.00"), MCC: "5411", QueryNo: "202601190900000000028", OrderNo: "U20260119R01",
			OrigTrace: "000001", OrigTime: at("2026-01-18 23:10:05"), Fee: yuan("-0.24"), Settle: yuan("-39.76"), Net: yuan("-39.76"),
			Merchant: "700000000000001", Terminal: "00000001", OrigQueryNo: "202601182310050000018", OrigOrderNo: "U20260118001"},
	}
}

// only keeps the fields that a format has.
func only(format string, in []unionpay.Row) []unionpay.Row {
	zero := yuan("0.00")
	out := slices.Clone(in)
	for i := range out {
		r := &out[i]
		if r.Fee.Currency == "" {
			r.Fee = zero
		}
		if format == unionpay.ZM {
			r.Reason, r.Message, r.Reference = "", "", ""
			continue
		}
		r.QueryNo, r.OrigQueryNo, r.OrigOrderNo, r.SubMerchant, r.SubName, r.Net = "", "", "", "", "", zero
		if format == unionpay.ZME {
			r.OrderNo, r.Terminal, r.Message, r.Reference = "", "", "", ""
		} else {
			r.Settle, r.Reason = zero, ""
			r.Message, r.Code = "0200", "000000"
			if r.Kind == bankfiles.Refund {
				r.Message, r.Code = "0220", "200000"
			}
		}
	}
	return out
}

func write(t testing.TB, format string, in []unionpay.Row) string {
	t.Helper()
	var out bytes.Buffer
	if err := unionpay.Write(&out, format, slices.Values(in)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read(name, text string) ([]unionpay.Row, bankfiles.TradeSummary, error) {
	var got []unionpay.Row
	sum, err := unionpay.Read(name, strings.NewReader(text), unionpay.Options{}, func(r *unionpay.Row) error {
		got = append(got, *r)
		return nil
	})
	return got, sum, err
}

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		format, name string
		length       int // in bytes, as published
		fee          string
	}{{unionpay.ZM, zmName, 607, "0.36"}, {unionpay.ZME, "INN26011988ZME_700000000000001", 339, "0.36"}, {unionpay.COMN, comnName, 500, "0.36"}} {
		t.Run(test.format, func(t *testing.T) {
			want := only(test.format, rows())
			text := write(t, test.format, want)
			if line, _, _ := strings.Cut(text, "\r\n"); len(line) != test.length {
				t.Fatalf("%d bytes", len(line))
			}
			got, sum, err := read(test.name, text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if sum.Format != test.format || sum.Date != bizdate.MustParse("2026-01-19") || sum.PayTotal.String() != "100.00" ||
				sum.RefundTotal.String() != "40.00" || sum.FeeTotal.String() != test.fee || sum.Merchant != "700000000000001" {
				t.Errorf("got %+v", sum)
			}
		})
	}
}

// The widths count bytes of GBK: the same name in UTF-8 is longer and moves
// every field behind it.
func TestWidthsAreBytesOfGBK(t *testing.T) {
	text := write(t, unionpay.ZM, rows()[:1])
	name := string(must(simplifiedchinese.GBK.NewEncoder().Bytes([]byte("南京路门店"))))
	if len(name) != 10 || !strings.Contains(text, name+strings.Repeat(" ", 22)) {
		t.Fatal("the name is not 32 bytes of GBK")
	}
	if _, _, err := read(zmName, strings.Replace(text, name, "南京路门店", 1)); fault.CodeOf(err) != "unionpay.layout" {
		t.Errorf("UTF-8: got %v", err)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// A file has no year: it follows from the settlement date, over the turn of the
// year in both directions.
func TestYearFollowsFromTheSettlementDate(t *testing.T) {
	text := write(t, unionpay.ZM, rows()[:1])
	for _, test := range []struct{ settle, stamp, want string }{
		{"2026-01-01", "1231235959", "2025-12-31 23:59:59"},
		{"2025-12-31", "0101000001", "2026-01-01 00:00:01"},
		{"2026-01-19", "0118231005", "2026-01-18 23:10:05"},
		{"2024-03-01", "0229120000", "2024-02-29 12:00:00"},
	} {
		var got time.Time
		_, err := unionpay.Read("x", strings.NewReader(strings.Replace(text, "0118231005", test.stamp, 1)),
			unionpay.Options{Settle: bizdate.MustParse(test.settle)}, func(r *unionpay.Row) error { got = r.Time; return nil })
		if err != nil || !got.Equal(at(test.want)) {
			t.Errorf("%s at %s: got %v, %v", test.stamp, test.settle, got, err)
		}
	}
	refund := strings.Replace(write(t, unionpay.ZM, rows()[1:]), "0118231005", "0320100000", 1)
	got, _, err := read(zmName, refund)
	if err != nil || !got[0].OrigTime.Equal(at("2025-03-20 10:00:00")) {
		t.Errorf("the original came after its refund: %v, %v", got, err)
	}
}

func TestSettlementDateMustBeKnown(t *testing.T) {
	text := write(t, unionpay.ZM, rows())
	if _, _, err := read("download.txt", text); fault.CodeOf(err) != "unionpay.settle_date" {
		t.Errorf("got %v", err)
	}
	if _, _, err := read("INN26133988ZM_1", text); fault.CodeOf(err) != "unionpay.settle_date" {
		t.Errorf("a month 13: got %v", err)
	}
	sum, err := unionpay.Read("download.txt", strings.NewReader(text), unionpay.Options{Undated: true}, func(r *unionpay.Row) error {
		if !r.Time.IsZero() {
			t.Error("a time without a date")
		}
		return nil
	})
	if err != nil || sum.Rows != 2 || !sum.Date.IsZero() {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// ZM came in three versions that differ in the tail; the newest is one byte
// longer by its own widths, and editors strip the spaces at the end.
func TestVersionsOfTheTail(t *testing.T) {
	line := strings.TrimSuffix(write(t, unionpay.ZM, rows()[1:]), "\r\n")
	for name, text := range map[string]string{
		"as published": line, "one byte longer": line + " ", "stripped": strings.TrimRight(line, " "), "line feed only": line + "\n",
	} {
		got, _, err := read(zmName, text)
		if err != nil || got[0].OrigOrderNo != "U20260118001" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	reserved := line[:476] + "  " + line[478:] // the oldest version keeps other things there
	if got, _, err := read(zmName, reserved); err != nil || got[0].OrderNo != "U20260119R01" {
		t.Errorf("reserved tail: %v, %v", got, err)
	}
}

// Two equal lines are two movements.
func TestEqualLinesStayTwo(t *testing.T) {
	line := write(t, unionpay.ZM, rows()[:1])
	got, sum, err := read(zmName, line+line)
	if err != nil || len(got) != 2 || sum.PayTotal.String() != "200.00" {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestUnknownCodeIsNeitherPaymentNorRefund(t *testing.T) {
	got, sum, err := read(zmName, strings.Replace(write(t, unionpay.ZM, rows()[:1]), "S22", "S56", 1))
	if err != nil || got[0].Kind != "" || sum.Rows != 1 || sum.PayRows+sum.RefundRows != 0 {
		t.Errorf("got %+v, %+v, %v", got, sum, err)
	}
}

func TestBadFiles(t *testing.T) {
	good := write(t, unionpay.ZM, rows())
	for _, test := range []struct {
		name, text, code string
		line             int
	}{
		{"nothing", "", "unionpay.empty", 1},
		{"another file", "a,b,c\n", "unionpay.layout", 1},
		{"no bill", "<xml><return_msg>No Bill Exist</return_msg></xml>", "bill.none", 0},
		{"amount", strings.Replace(good, "000000004000", "00000000400x", 1), "unionpay.amount", 2},
		{"sign", strings.Replace(good, "D000000000060", "X000000000060", 1), "unionpay.signed", 1},
		{"amount without sign", strings.Replace(good, "D000000000060", " 000000000060", 1), "unionpay.signed", 1},
		{"payment debited", strings.Replace(good, "C000000009940", "D000000009940", 1), "unionpay.direction", 1},
		{"refund credited", strings.Replace(good, "D000000003976", "C000000003976", 1), "unionpay.direction", 2},
		{"month 13", strings.Replace(good, "0119090000", "1319090000", 1), "unionpay.time", 2},
		{"31 February", strings.Replace(good, "0119090000", "0231090000", 1), "unionpay.time", 2},
		{"half a character", strings.Replace(good, "U20260119R01", "U20260119\xC3  ", 1), "unionpay.text", 2},
		{"field moved", strings.Replace(good, " U20260119R01", "U20260119R01 ", 1), "unionpay.width", 2},
		{"cut in a line", good[:900], "unionpay.cut", 2},
		{"short line", good + good[:400] + "\r\n" + good, "unionpay.width", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(zmName, test.text)
			if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != test.line {
				t.Errorf("got %v, want %s at %d", err, test.code, test.line)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  func(*unionpay.Row)
		code string
	}{
		{"too wide", func(r *unionpay.Row) { r.SubName = strings.Repeat("门", 17) }, "unionpay.long"},
		{"not in GBK", func(r *unionpay.Row) { r.SubName = "𠮷" }, "bill.gbk"},
		{"negative", func(r *unionpay.Row) { r.Amount = r.Amount.Neg() }, "unionpay.amount"},
		{"13 digits", func(r *unionpay.Row) { r.Amount = yuan("10000000000.00") }, "unionpay.amount"},
		{"a third decimal", func(r *unionpay.Row) { r.Amount = yuan("1.005") }, "unionpay.amount"},
	} {
		in := rows()
		test.bad(&in[1])
		err := unionpay.Write(&bytes.Buffer{}, unionpay.ZM, slices.Values(in))
		if f := fault.Of(err); f == nil || f.Code != test.code || f.Line != 2 {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	if err := unionpay.Write(&bytes.Buffer{}, "x", nil); fault.CodeOf(err) != "unionpay.format" {
		t.Errorf("format: got %v", err)
	}
}

func TestErrorOfEachComesBack(t *testing.T) {
	stop := errors.New("stop")
	_, err := unionpay.Read(zmName, strings.NewReader(write(t, unionpay.ZM, rows())), unionpay.Options{}, func(*unionpay.Row) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []unionpay.Row
		for i := range rapid.IntRange(1, 5).Draw(t, "rows") {
			r := rows()[rapid.IntRange(0, 1).Draw(t, "kind")]
			r.Line = i + 1
			fen := rapid.Int64Range(1, 999_999_999_999)
			sign := int64(1)
			if r.Kind == bankfiles.Refund {
				sign = -1
			}
			r.Amount.Units, r.Fee.Units = fen.Draw(t, "amount"), fen.Draw(t, "fee")
			r.Settle.Units, r.Net.Units = sign*fen.Draw(t, "settle"), sign*fen.Draw(t, "net")
			r.OrderNo = rapid.StringMatching(`[0-9A-Za-z]{1,32}`).Draw(t, "order")
			r.SubName = rapid.StringMatching(`[一二三门店a-z]{0,10}`).Draw(t, "name")
			in = append(in, r)
		}
		var out bytes.Buffer
		if err := unionpay.Write(&out, unionpay.ZM, slices.Values(in)); err != nil {
			t.Fatal(err)
		}
		got, _, err := read(zmName, out.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzRead writes and reads again what the reader takes.
func FuzzRead(f *testing.F) {
	for _, format := range []string{unionpay.ZM, unionpay.ZME, unionpay.COMN} {
		f.Add([]byte(write(f, format, only(format, rows()))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		unionpay.Detect(data)
		got, sum, err := read(zmName, string(data))
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if unionpay.Write(&out, sum.Format, slices.Values(got)) != nil {
			return // a character that GB18030 has and GBK has not
		}
		again, _, err := read(zmName, out.String())
		if err != nil || len(again) != len(got) {
			t.Fatalf("%d rows, again %d, %v", len(got), len(again), err)
		}
		for i := range got {
			got[i].Line = again[i].Line
			if got[i].Amount != again[i].Amount || got[i].Fee != again[i].Fee || got[i].OrderNo != again[i].OrderNo || !got[i].Time.Equal(again[i].Time) {
				t.Fatalf("read %+v, again %+v", got[i], again[i])
			}
		}
	})
}

const benchRows = 100_000

// BenchmarkRead stands beside its floor, a bufio.Scanner over the same bytes.
func BenchmarkRead(b *testing.B) {
	for _, format := range []string{unionpay.ZM, unionpay.COMN} {
		var out bytes.Buffer
		row := only(format, rows())[0]
		err := unionpay.Write(&out, format, func(yield func(unionpay.Row) bool) {
			for i := range benchRows {
				if row.OrderNo = "U" + strconv.Itoa(i); !yield(row) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(out.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if sum, err := unionpay.Read(zmName, bytes.NewReader(out.Bytes()), unionpay.Options{}, nil); err != nil || sum.Rows != benchRows {
					b.Fatal(sum, err)
				}
			}
		})
		b.Run(format+"-scanner", func(b *testing.B) {
			b.SetBytes(int64(out.Len()))
			for b.Loop() {
				s, n := bufio.NewScanner(bytes.NewReader(out.Bytes())), 0
				for s.Scan() {
					n++
				}
				if n != benchRows {
					b.Fatal(n)
				}
			}
		})
	}
}
