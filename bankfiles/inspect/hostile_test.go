package inspect_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"custody/bankfiles/inspect"
)

// filler is a file of a head and then one unit again and again, size bytes in
// all, of which nothing is held. More of it is there than it said at first
// where it grows.
type filler struct {
	head, unit string
	size, at   int64
	grows      bool
}

func (f *filler) Read(p []byte) (int, error) {
	if f.at >= f.size && !f.grows {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && (f.at < f.size || f.grows) {
		from, at := f.head, f.at
		if at >= int64(len(f.head)) {
			from, at = f.unit, (at-int64(len(f.head)))%int64(len(f.unit))
		}
		c := copy(p[n:], from[at:])
		n += c
		f.at += int64(c)
	}
	return n, nil
}

func (f *filler) Seek(offset int64, whence int) (int64, error) {
	if f.at = offset; whence == io.SeekEnd {
		f.at = f.size + offset
	}
	return f.at, nil
}

// families are the beginnings by which a file of each family is told, and rows
// that may follow without end.
var families = []struct{ name, head, row string }{
	{"camt.053", "<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>DE1</IBAN></Id></Acct>", "<Ntry><Amt Ccy=\"CNY\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-12</Dt></BookgDt></Ntry>\n"},
	{"mt940", ":20:R\n:25:1\n:60F:C260212CNY0,00\n", ":61:260212C1,00NTRFX\n"},
	{"bai2", "01,A,B,260212,0600,1,,,2/\n02,A,B,1,260212,,USD,2/\n03,1,USD,010,0,,/\n", "16,165,100,0,A,B,TEXT/\n"},
	{"ofx", "<OFX><STMTRS><BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>", "<STMTTRN><DTPOSTED>20260212<TRNAMT>1<FITID></STMTTRN>\n"},
	{"profile:abc-corporate", "交易时间,收入金额,支出金额,账户余额,对方账号,对方户名,对方开户行,交易用途\n", "2026-08-01 15:24:03,1.00,--,,6,甲,行,货款\n"},
	{"wechat-fundflow", "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n", "`2026-02-12 10:00:00,`1,`F,`a,`b,`收入,`1.00,`1.00,`s,`r,`v\n"},
	{"orders", "ORDERS,1,20260212,1,1.00\n", "PAY,1\n"},
	{"custody-cz", "1&3512&3492&店&300.00&0.00&20221004&192842&221&012&服务费&绑卡&&\n", "2&3512&3492&店&300.00&0.00&20221004&192842&221&012&服务费&绑卡&&\n"},
	{"card-settle", "H|CARDSETTLE|TEL|20260213|2|6000|600|5400\n", "1|D|K|T|GD|1|0|1|20260213101500\n"},
	{"pain.002", "<Document><CstmrPmtStsRpt>", "<TxInfAndSts><OrgnlEndToEndId>s</OrgnlEndToEndId></TxInfAndSts>\n"},
	{"icbc-qhisd", "<CMS><eb><pub><TransCode>QHISD</TransCode></pub><out><AccNo>6</AccNo>", "<rd><CreditAmount>5</CreditAmount><Date>20260213</Date></rd>\n"},
	{"cmb-ntdm", `{"ntdmtlstz":[`, `{"accnbr":"7","dmanbr":"1","trxnbr":"T","trxamt":"1","trxdir":"C","trxdat":"20260213"},`},
}

// heapAfter is how much more memory is held after fn than before.
func heapAfter(fn func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// A line of 1 GB without end is refused after a few hundred KiB, in every family.
func TestALineOfOneGB(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			src := &filler{head: f.head, unit: strings.Repeat("x", 4096), size: 1 << 30}
			var report inspect.Report
			grown := heapAfter(func() {
				var err error
				if report, err = inspect.File("x", src, say); err != nil {
					t.Fatal(err)
				}
			})
			if !report.Refused() || string(report.Format) != f.name {
				t.Errorf("got %s %v", report.Format, report.Errors)
			}
			const limit = 32 << 20 // of JSON 8 MiB are held and read
			if grown > limit {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}

// A file to which somebody still writes is refused, and not followed to its limit.
func TestAFileThatGrowsWhileItIsRead(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			src := &filler{head: f.head, unit: f.row, size: int64(len(f.head) + 1000*len(f.row)), grows: true}
			report, err := inspect.File("x", src, say)
			if err != nil || len(report.Errors) == 0 || report.Errors[len(report.Errors)-1].Code != "inspect.grew" && report.Rows > 2000 {
				t.Errorf("got %v, %v", report.Errors, err)
			}
			if src.at > src.size+8<<20 {
				t.Errorf("%d bytes were read of %d", src.at, src.size)
			}
		})
	}
}

// Entities, foreign files, depth and a second root, in every family of XML; the
// process is healthy, because the next file is read.
func TestHostileMessages(t *testing.T) {
	const laughs = `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	const foreign = `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>`
	for _, f := range []struct{ name, head, foot string }{
		{"camt.053", "<Document><BkToCstmrStmt><Stmt><Id>", "</Id></Stmt></BkToCstmrStmt></Document>"},
		{"pain.001", "<Document><CstmrCdtTrfInitn><GrpHdr><MsgId>", "</MsgId></GrpHdr></CstmrCdtTrfInitn></Document>"},
		{"pain.002", "<Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>", "</OrgnlMsgId></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"},
		{"icbc-qpayent", "<CMS><eb><pub><TransCode>QPAYENT</TransCode><ID>", "</ID></pub></eb></CMS>"},
		{"icbc-qhisd", "<CMS><eb><pub><TransCode>QHISD</TransCode><ID>", "</ID></pub></eb></CMS>"},
		{"cmb-ntqtsinfz", "<CMBSDKPGK><INFO><FUNNAM>GetTransInfo</FUNNAM><ERRMSG>", "</ERRMSG></INFO></CMBSDKPGK>"},
		{"cmb-ntqpayrqz", "<CMBSDKPGK><INFO><RETCOD>0</RETCOD></INFO><NTQPAYRQZ><YURREF>", "</YURREF></NTQPAYRQZ></CMBSDKPGK>"},
		{"ofx", "<OFX><STMTRS><CURDEF>", "</STMTRS></OFX>"},
	} {
		for how, text := range map[string]string{
			"billion laughs": laughs + f.head + "&b;" + f.foot,
			"foreign file":   foreign + f.head + "&a;" + f.foot,
			"depth":          f.head + strings.Repeat("<BAL><a>", 200) + f.foot,
			"second root":    f.head + "x" + f.foot + f.head + "y" + f.foot,
			"cut off":        f.head + "x",
		} {
			report, err := inspect.File("x", strings.NewReader(text), say)
			if err != nil || !report.Refused() || string(report.Format) != f.name {
				t.Errorf("%s, %s: %s %v, %v", f.name, how, report.Format, report.Errors, err)
			}
			if strings.Contains(fmt.Sprint(report), "root:") {
				t.Errorf("%s, %s: the foreign file was read", f.name, how)
			}
		}
	}
	if report, err := inspect.File("x", bytes.NewReader([]byte(pages)), say); err != nil || report.Refused() {
		t.Errorf("afterwards: %v, %v", report.Errors, err)
	}
}

// FuzzFile: whatever the file, a report or a refusal with its reason, and nothing
// is said twice over: balanced statements add up.
func FuzzFile(f *testing.F) {
	for _, one := range families {
		f.Add([]byte(one.head + one.row))
	}
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xFF\xFE<\x00D\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		report, err := inspect.File("x", bytes.NewReader(file), say)
		if err != nil {
			t.Fatalf("%v is no fault", err)
		}
		if report.Format == inspect.Unknown && !report.Refused() || report.Statements == nil || report.Errors == nil || report.Warnings == nil {
			t.Fatalf("got %+v", report)
		}
		for _, s := range report.Statements {
			if s.Balanced != nil && (s.Opening == nil || s.Closing == nil) {
				t.Fatalf("balanced without balances: %+v", s)
			}
		}
	})
}
