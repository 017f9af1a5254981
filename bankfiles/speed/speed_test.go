// Package speed_test measures the readers of large files, each beside its floor:
// a file on disk, read by a process of its own, so that the peak of its memory
// is that of one reading. Times are those spent on a processor. make bench prints
// the table.
package speed_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/bai2"
	"custody/bankfiles/camt"
	"custody/bankfiles/cardsettle"
	"custody/bankfiles/mt940"
	"custody/bankfiles/ofx"
	"custody/bankfiles/profile"
	"custody/bankfiles/unionpay"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/money"
)

var day = bizdate.MustParse("2026-02-12")

// counter counts what comes and keeps nothing.
type counter struct{ rows int }

func (*counter) Open(*bankfiles.Statement) error         { return nil }
func (c *counter) Entry(*bankfiles.StatementEntry) error { c.rows++; return nil }
func (*counter) Close(st *bankfiles.Statement) error {
	if st.Balanced != nil && !*st.Balanced {
		return errors.New("the statement does not balance")
	}
	return nil
}

// subject is a reader, or a floor that does nothing with what it reads.
type subject struct {
	rows  int // of the file
	make  func(w io.Writer, rows int) error
	read  func(src io.Reader) (rows int, err error)
	same  string // the subject whose file it reads
	floor string // beside which it stands
	times float64
	mbs   float64 // megabytes a second
}

func statement(read func(string, io.Reader, bankfiles.StatementSink) error) func(io.Reader) (int, error) {
	return func(src io.Reader) (int, error) {
		c := &counter{}
		err := read("x", src, c)
		return c.rows, err
	}
}

// The figures that must hold: megabytes a second, or times the time of the floor.
var subjects = map[string]subject{
	"camt.053":     {rows: 200_000, make: makeCamt, read: statement(camt.Read), floor: "encoding/xml", times: 0.5},
	"encoding/xml": {same: "camt.053", read: tokens},
	"mt940":        {rows: 300_000, make: makeMT940, read: statement(mt940.Read), mbs: 100},
	"csv profile":  {rows: 500_000, make: makeCSV, read: statement(profiled), mbs: 100},
	"unionpay-zm":  {rows: 200_000, make: makeUnionPay, read: readUnionPay, mbs: 100},
	"card-settle":  {rows: 1_000_000, make: makeCards, read: readCards, mbs: 100},
	"ofx":          {rows: 300_000, make: makeOFX, read: statement(ofx.Read), mbs: 100},
	"bai2":         {rows: 1_000_000, make: makeBAI2, read: statement(bai2.Read), mbs: 100},
	"wechat-all":   {rows: 1_000_000, make: makeWeChat, read: readWeChat, floor: "encoding/csv", times: 3},
	"encoding/csv": {same: "wechat-all", read: records},
}

var order = []string{"camt.053", "encoding/xml", "mt940", "csv profile", "unionpay-zm", "card-settle", "ofx", "bai2", "wechat-all", "encoding/csv"}

// maxPeakMiB is the most memory that a reading may take, with the program itself.
const maxPeakMiB = 64

// result is what a child prints.
type result struct {
	seconds float64
	rows    int
	peakKiB int
}

// TestSpeed prints the table and fails where a ratio or a peak of memory does not
// hold. Megabytes a second depend on what else the machine does: where they are
// too few the table says so, and the test fails with BENCH=strict, for a machine
// at rest. It runs where BENCH is set: make bench.
func TestSpeed(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("set BENCH=1, or run make bench")
	}
	dir := t.TempDir()
	got := map[string]result{}
	for _, name := range order {
		s := subjects[name]
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if s.same != "" {
			path = filepath.Join(dir, s.same)
		} else if err := write(path, s); err != nil {
			t.Fatal(name, err)
		}
		for range 3 { // the best of three: caches that others fill are no part of it
			r := child(t, name, path)
			if best, ok := got[name]; !ok || r.seconds < best.seconds {
				r.peakKiB = max(r.peakKiB, best.peakKiB)
				got[name] = r
			}
		}
	}
	fmt.Printf("%-14s %9s %9s %8s %9s  %s\n", "format", "rows", "MB", "MB/s", "peak MiB", "must hold")
	for _, name := range order {
		s, r := subjects[name], got[name]
		path := filepath.Join(dir, name)
		if s.same != "" {
			path = filepath.Join(dir, s.same)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		mb := float64(info.Size()) / 1e6
		verdict := judge(t, name, s, r, mb/r.seconds, got)
		fmt.Printf("%-14s %9d %9.1f %8.0f %9.1f  %s\n", name, r.rows, mb, mb/r.seconds, float64(r.peakKiB)/1024, verdict)
	}
}

// judge compares a subject with its figures.
func judge(t *testing.T, name string, s subject, r result, mbs float64, got map[string]result) string {
	verdict := ""
	switch {
	case s.floor != "":
		ratio := r.seconds / got[s.floor].seconds
		verdict = fmt.Sprintf("%.2f times the time of %s, at most %.1f", ratio, s.floor, s.times)
		if ratio > s.times {
			t.Errorf("%s: %s", name, verdict)
		}
	case s.mbs > 0:
		verdict = fmt.Sprintf("at least %.0f MB/s", s.mbs)
		if mbs < s.mbs {
			verdict += ": BELOW"
			if os.Getenv("BENCH") == "strict" {
				t.Errorf("%s: %.0f MB/s, %s", name, mbs, verdict)
			}
		}
	default:
		return "floor"
	}
	if r.peakKiB > maxPeakMiB<<10 {
		t.Errorf("%s: a peak of %d KiB", name, r.peakKiB)
	}
	return verdict
}

func write(path string, s subject) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	if err := s.make(out, s.rows); err != nil {
		return err
	}
	return out.Flush()
}

// child reads the file in a process of its own.
func child(t *testing.T, name, path string) result {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), "SPEED_FORMAT="+name, "SPEED_FILE="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	_, line, found := strings.Cut(string(out), "result ")
	var r result
	if _, err := fmt.Sscan(line, &r.seconds, &r.rows, &r.peakKiB); err != nil || !found {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return r
}

// TestChild is what a child runs.
func TestChild(t *testing.T) {
	name := os.Getenv("SPEED_FORMAT")
	if name == "" {
		t.Skip("runs in the children of TestSpeed")
	}
	f, err := os.Open(os.Getenv("SPEED_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	start := busy(t)
	rows, err := subjects[name].read(f)
	took := busy(t) - start
	if err != nil {
		t.Fatal(err)
	}
	if want := subjects[name].rows; want > 0 && rows != want {
		t.Fatalf("%d rows, want %d", rows, want)
	}
	fmt.Println("result", took.Seconds(), rows, peakKiB(t))
}

// busy is the time that the process has spent on a processor so far, with the
// collector's: what else the machine does is no part of it.
func busy(t *testing.T) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// peakKiB is the most memory that the process ever had (Linux; elsewhere 0).
func peakKiB(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(line)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tokens(src io.Reader) (int, error) {
	d := xml.NewDecoder(src)
	n := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "Ntry" {
			n++
		}
	}
}

func records(src io.Reader) (int, error) {
	r := csv.NewReader(src)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	for n := 0; ; n++ {
		if _, err := r.Read(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

func profiled(name string, src io.Reader, sink bankfiles.StatementSink) error {
	return profile.Read(name, src, profile.Shipped(), sink)
}

func readUnionPay(src io.Reader) (int, error) {
	sum, err := unionpay.Read("INN26021288ZM_700000000000001", src, unionpay.Options{}, func(*unionpay.Row) error { return nil })
	return sum.Rows, err
}

func readCards(src io.Reader) (int, error) {
	sum, err := cardsettle.Read("x", src, func(*cardsettle.Row) error { return nil })
	return sum.Rows, err
}

func readWeChat(src io.Reader) (int, error) {
	sum, err := wechat.Read("x", src, func(*bankfiles.BillRow) error { return nil })
	return sum.Rows, err
}

func exact(units int64) money.Exact {
	return money.Exact{Units: units, Scale: 2, Currency: money.CNY}
}

func makeCamt(w io.Writer, rows int) error {
	opening, closing := exact(0), exact(int64(rows)*1234)
	c := camt.Content{Head: bankfiles.Statement{ID: "S1", Number: "44", Account: "6222020000001234567", Name: "示例连锁总部", Currency: money.CNY,
		From: day, To: day, Opening: &opening, Closing: &closing}}
	for i := range rows {
		c.Entries = append(c.Entries, bankfiles.StatementEntry{BankRef: fmt.Sprintf("K%09d", i), EndToEndID: fmt.Sprintf("20260212%06d", i), BookingDate: day,
			ValueDate: day, Amount: exact(1234), Status: bankfiles.Booked, Code: "PMNT-RCDT-ESCT", CounterpartyName: "甲加盟店有限公司",
			CounterpartyAccount: "6222020000007654321", Remark: "二月货款"})
	}
	return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "M1", Created: day.At(23, 0), Statements: []camt.Content{c}})
}

func makeMT940(w io.Writer, rows int) error {
	fmt.Fprint(w, ":20:BENCH\r\n:25:62260001\r\n:28C:1/1\r\n:60F:C260212CNY0,00\r\n")
	for i := range rows {
		fmt.Fprintf(w, ":61:2602130213C0,01NTRFSV2602130%07d//B%012d\r\n", i, i)
		fmt.Fprintf(w, ":86:166?00CREDIT TRANSFER?109301?20EREF+2026021300%09d?21SVWZ+\r\nInvoice 2026 02 77 of the ?22shop at the corner?30BANKDEFF?31DE7\r\n7500105175407324931?32AGENCY FOR LONG NAMES ?33LTD\r\n", i)
	}
	_, err := fmt.Fprintf(w, ":62F:C260213CNY%d,%02d\r\n-\r\n", rows/100, rows%100)
	return err
}

func makeCSV(w io.Writer, rows int) error {
	fmt.Fprint(w, "交易时间,借方发生额/元(支取),贷方发生额/元(收入),余额,币种,对方户名,对方账号,对方开户机构,记账日期,摘要,备注,账户明细编号-交易流水号\n")
	for i := 1; i <= rows; i++ {
		if _, err := fmt.Fprintf(w, "20260801 %02d:%02d:03,0.00,1.00,%d.00,人民币元,甲公司上海第一分店,6222000011112222333,某某银行上海支行,20260801,转账,货款 %d,%d-%d\n", i%24, i%60, i, i, i, i); err != nil {
			return err
		}
	}
	return nil
}

func makeUnionPay(w io.Writer, rows int) error {
	row := unionpay.Row{Code: "S22", Agent: "48020000", Trace: "1", Time: day.At(10, 0), Amount: exact(1000), Merchant: "700000000000001"}
	return unionpay.Write(w, unionpay.ZM, func(yield func(unionpay.Row) bool) {
		for i := range rows {
			if row.OrderNo = "U" + strconv.Itoa(i); !yield(row) {
				return
			}
		}
	})
}

func makeCards(w io.Writer, rows int) error {
	row := cardsettle.Row{Kind: cardsettle.Debit, Province: "GD", Face: 10000, Share: 1000, Net: 9000, Time: day.At(10, 15)}
	return cardsettle.Write(w, "TEL", day, func(yield func(cardsettle.Row) bool) {
		for i := range rows {
			n := strconv.Itoa(1_000_000 + i)
			if row.Serial, row.Operator = "K2026021300"+n, "T"+n; !yield(row) {
				return
			}
		}
	})
}

func makeOFX(w io.Writer, rows int) error {
	fmt.Fprint(w, "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>123</BANKACCTFROM><BANKTRANLIST>\n")
	for i := range rows {
		fmt.Fprintf(w, "<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>20260212%02d%02d00[-5:EST]\n<TRNAMT>0.01\n<FITID>F%09d\n<NAME>SHOP AT THE CORNER &amp; CO\n<MEMO>Invoice 2026 02 77\n</STMTTRN>\n", i%24, i%60, i)
	}
	_, err := fmt.Fprint(w, "</BANKTRANLIST><LEDGERBAL><BALAMT>1.00<DTASOF>20260213</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n")
	return err
}

func makeBAI2(w io.Writer, rows int) error {
	fmt.Fprintf(w, "01,BANK,CLIENT,260213,0600,1,80,,2/\n02,CLIENT,BANK,1,260212,2400,USD,2/\n03,1,USD,010,0,,,015,%d00,,/\n", rows)
	for i := range rows {
		fmt.Fprintf(w, "16,165,100,0,B%09d,C%09d,INVOICE %d OF THE SHOP AT THE CORNER/\n", i, i, i)
	}
	_, err := fmt.Fprint(w, "49,,/\n98,,,/\n99,,,/\n")
	return err
}

func makeWeChat(w io.Writer, rows int) error {
	return wechat.Write(w, wechat.Head{AppID: "wx0123456789abcdef", Merchant: "1900000001", Rate: "0.60%", Product: "连锁门店商品"}, func(yield func(bankfiles.BillRow) bool) {
		for i := range rows {
			fen := int64(1000 + i%90_000)
			row := bankfiles.BillRow{Kind: bankfiles.Pay, OrderNo: fmt.Sprintf("W20260212%010d", i), ChannelNo: fmt.Sprintf("42000%023d", i),
				Amount: exact(fen), Fee: money.Exact{Units: fen * 6, Scale: 5, Currency: money.CNY}, Time: day.At(0, 0).Add(time.Duration(i%86400) * time.Second)}
			if !yield(row) {
				return
			}
		}
	})
}

// TestSubjects holds that every subject reads what its maker makes, in small.
func TestSubjects(t *testing.T) {
	const rows = 100
	for _, name := range order {
		s := subjects[name]
		from := s
		if s.same != "" {
			from = subjects[s.same]
		}
		var file bytes.Buffer
		if err := from.make(&file, rows); err != nil {
			t.Fatal(name, err)
		}
		if got, err := s.read(&file); err != nil || got < rows {
			t.Errorf("%s: %d rows, %v", name, got, err)
		}
	}
}
