package inspect_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/alipay"
	"custody/bankfiles/inspect"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// say names the texts instead of rendering them: their sentences are not ours.
func say(f *fault.Fault) (string, string) { return "text of " + f.Code, "hint of " + f.Code }

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func noBill(t *testing.T) (weChat, aliPay []byte) {
	t.Helper()
	var w, a bytes.Buffer
	if err := errors.Join(wechat.WriteNoBill(&w), alipay.WriteNoBill(&a)); err != nil {
		t.Fatal(err)
	}
	return w.Bytes(), a.Bytes()
}

func TestDetect(t *testing.T) {
	weChatNone, aliPayNone := noBill(t)
	bill := sample(t, "../alipay/testdata/ali-20260212.utf8.csv")
	gbk, err := simplifiedchinese.GB18030.NewEncoder().Bytes(bill)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		head []byte
		want inspect.Format
	}{
		{"nothing", nil, "unknown"},
		{"text", []byte("hello"), "unknown"},
		{"zip", []byte("PK\x03\x04"), "zip"},
		{"spreadsheet", []byte("PK\x03\x04\x14\x00[Content_Types].xml"), "unknown"},
		{"other XML", []byte("<Document><CstmrDrctDbtInitn>"), "unknown"},
		{"longer element name", []byte("<Document><BkToCstmrStmtX>"), "unknown"},
		{"names of columns in a text", []byte("交易时间 and\n微信订单号,商户订单号"), "unknown"},
		{"a long file that mentions NO_BILL", []byte("{\"x\":\"NO_BILL" + strings.Repeat(" ", 5000)), "unknown"},
		{"orders", sample(t, "../orderfile/testdata/orders-20260212.csv"), "orders"},
		{"orders with two byte order marks", []byte("\xEF\xBB\xBF\xEF\xBB\xBFORDERS,1,2026-02-12,0,0.00,0.00"), "orders"},
		{"WeChat", sample(t, "../wechat/testdata/wx-20260213.csv"), "wechat-all"},
		{"Alipay in UTF-8", bill, "alipay-trade"},
		{"Alipay in GBK", gbk, "alipay-trade"},
		{"WeChat has no bill", weChatNone, "no-bill"},
		{"Alipay has no bill", aliPayNone, "no-bill"},
		{"bare words", []byte("NO_BILL\n"), "no-bill"},
		{"camt.053", []byte("\xEF\xBB\xBF\n<?xml version='1.0'?><Document><BkToCstmrStmt>"), "camt.053"},
		{"camt.052 with a prefix", []byte("<n:Document xmlns:n='x'>\n<n:BkToCstmrAcctRpt>"), "camt.052"},
		{"payout", sample(t, "../payfile/testdata/payout.txt"), "payout"},
		{"result", sample(t, "../payfile/testdata/result.txt"), "payout-result"},
		{"balance", sample(t, "../payfile/testdata/balance.txt"), "subaccount-balance"},
		{"instruct", sample(t, "../payfile/testdata/instruct.txt"), "instruct"},
	} {
		if got := inspect.Detect(test.head); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// pages is one statement on two pages, and one without balances.
const pages = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<Stmt><Id>P1</Id><ElctrncSeqNb>9</ElctrncSeqNb><Acct><Id><Othr><Id>622</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-13</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>ITBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">3.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-13</Dt></Dt></Bal>
<Ntry><Amt Ccy="CNY">2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-13</Dt></BookgDt></Ntry></Stmt>
<Stmt><Id>P2</Id><ElctrncSeqNb>9</ElctrncSeqNb><Acct><Id><Othr><Id>622</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>ITBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">3.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-13</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-13</Dt></Dt></Bal>
<Ntry><Amt Ccy="CNY">0.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts></Ntry></Stmt>
<Stmt><Id>X</Id><Acct><Id><Othr><Id>623</Id></Othr></Id></Acct></Stmt>
</BkToCstmrStmt></Document>`

// withTotals is a report of two accounts; the second one's totals do not agree.
const withTotals = `<Document><BkToCstmrAcctRpt>
<Rpt><Id>R1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct><TxsSummry><TtlNtries><NbOfNtries>0</NbOfNtries></TtlNtries></TxsSummry></Rpt>
<Rpt><Id>R2</Id><Acct><Id><IBAN>DE2</IBAN></Id></Acct><TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries></TxsSummry></Rpt>
</BkToCstmrAcctRpt></Document>`

// TestReports holds the whole object for a file of every family and for files
// that are refused.
func TestReports(t *testing.T) {
	weChatNone, _ := noBill(t)
	payout := string(sample(t, "../payfile/testdata/payout.txt"))
	for _, test := range []struct {
		golden  string
		file    []byte
		refused bool
	}{
		{"orders", sample(t, "../orderfile/testdata/orders-20260212.csv"), false},
		{"wechat", sample(t, "../wechat/testdata/wx-20260213.csv"), false},
		{"alipay", sample(t, "../alipay/testdata/ali-20260212.utf8.csv"), false},
		{"no-bill", weChatNone, false},
		{"pages", []byte(pages), false},
		{"camt-totals", []byte(withTotals), true},
		{"payout", []byte(payout), false},
		{"result", sample(t, "../payfile/testdata/result.txt"), false},
		{"balance", sample(t, "../payfile/testdata/balance.txt"), false},
		{"instruct", sample(t, "../payfile/testdata/instruct.txt"), false},
		{"payout-total", []byte(strings.Replace(payout, "|4|122320|m", "|4|122321|m", 1)), true},
		{"camt-cut", []byte(pages[:900]), true},
		{"empty", nil, true},
		{"unknown", []byte("what\nis this"), true},
	} {
		t.Run(test.golden, func(t *testing.T) {
			report, err := inspect.File(test.golden+".dat", bytes.NewReader(test.file), say)
			if err != nil {
				t.Fatal(err)
			}
			if report.Refused() != test.refused {
				t.Errorf("refused %v", report.Refused())
			}
			got, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := filepath.Join("testdata", test.golden+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(sample(t, golden)), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

var errDisk = errors.New("disk")

// broken is a file whose reading fails.
type broken struct{ *bytes.Reader }

func (broken) Read([]byte) (int, error) { return 0, errDisk }

func TestErrorsOfTheSourceComeBack(t *testing.T) {
	if _, err := inspect.File("x", broken{}, say); err != errDisk {
		t.Errorf("got %v", err)
	}
}
