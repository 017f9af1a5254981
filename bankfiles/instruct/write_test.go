package instruct_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/instruct"
	"custody/bankfiles/xsdtest"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var day = bizdate.MustParse("2026-02-13")

func batch() *instruct.Batch {
	return &instruct.Batch{ID: "PO20260213-01", Created: day.At(13, 30), Date: day,
		Payer: instruct.Payer{Name: "总部<存管>专户", Account: "620000000001", CNAPS: "102100000001"},
		Items: []bankfiles.PayoutItem{
			{Seq: 1, Serial: "20260213010001", Account: "6200111", Name: "甲&店", CNAPS: "102100000002", Amount: 92300, Route: "BEP", Purpose: "结算款"},
			{Seq: 2, Serial: "20260213010002", Account: "6200112", Name: "乙店", SuperBankNo: "307000000000", Amount: 1, Route: "SIB", Purpose: "货款"},
			{Seq: 3, Serial: "20260213010003", Account: "6200113", Name: "丙店", CNAPS: "102100000003", Amount: 5000000, Route: "OWN", Purpose: "结算"},
		}}
}

type rule = xsdtest.Rule

var leaf, part = xsdtest.Leaf, xsdtest.Part

// agentRule is FinInstnId as far as we use it; an agent of the payer must be there.
func agentRule(name string, min int) rule {
	return part(name, min, part("FinInstnId", 1,
		part("ClrSysMmbId", 0, part("ClrSysId", 0, leaf("Cd", 1, 5)), leaf("MmbId", 1, 35)),
		part("Othr", 0, leaf("Id", 1, 35), part("SchmeNm", 0, leaf("Prtry", 1, 35)))))
}

func accountRule(name string, min int) rule {
	return part(name, min, part("Id", 1, part("Othr", 1, leaf("Id", 1, 34))), leaf("Ccy", 0, 3))
}

// structure is pain.001 of the version, after the standard's message definition.
func structure(version instruct.Version) rule {
	date := leaf("ReqdExctnDt", 1, 10)
	if version == instruct.V09 {
		date = part("ReqdExctnDt", 1, leaf("Dt", 1, 10))
	}
	transfer := part("CdtTrfTxInf", 1,
		part("PmtId", 1, leaf("InstrId", 0, 35), leaf("EndToEndId", 1, 35)),
		part("PmtTpInf", 0, part("LclInstrm", 0, leaf("Prtry", 1, 35))),
		part("Amt", 1, leaf("InstdAmt", 1, 18)),
		agentRule("CdtrAgt", 0), part("Cdtr", 0, leaf("Nm", 0, 140)), accountRule("CdtrAcct", 0),
		part("RmtInf", 0, leaf("Ustrd", 0, 140)))
	transfer.Max = 0
	return part("Document", 1, part("CstmrCdtTrfInitn", 1,
		part("GrpHdr", 1, leaf("MsgId", 1, 35), leaf("CreDtTm", 1, 25), leaf("NbOfTxs", 1, 15), leaf("CtrlSum", 0, 18), part("InitgPty", 1, leaf("Nm", 0, 140))),
		rule{Name: "PmtInf", Min: 1, Kids: []rule{leaf("PmtInfId", 1, 35), leaf("PmtMtd", 1, 3), leaf("NbOfTxs", 0, 15), leaf("CtrlSum", 0, 18), date,
			part("Dbtr", 1, leaf("Nm", 0, 140)), accountRule("DbtrAcct", 1), agentRule("DbtrAgt", 1), transfer}}))
}

func write001(t testing.TB, version instruct.Version, b *instruct.Batch) string {
	t.Helper()
	var out bytes.Buffer
	if err := instruct.WritePain001(&out, version, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The message has the structure and cardinality of its version; who has ISO's
// schemas has it validated too.
func TestPain001Structure(t *testing.T) {
	for _, version := range []instruct.Version{instruct.V03, instruct.V09} {
		plain := batch()
		plain.Payer.CNAPS, plain.Items[0].CNAPS, plain.Items[0].Route, plain.Items[0].Purpose = "", "", "", ""
		for name, b := range map[string]*instruct.Batch{"full": batch(), "without what is optional": plain} {
			text := write001(t, version, b)
			if !strings.Contains(text, `xmlns="urn:iso:std:iso:20022:tech:xsd:`+string(version)+`"`) {
				t.Errorf("%s: no namespace", version)
			}
			for _, w := range xsdtest.Check([]byte(text), structure(version)) {
				t.Errorf("%s, %s: %s", version, name, w)
			}
			skip, err := xsdtest.Validate(os.Getenv("XSD_DIR"), string(version), []byte(text))
			if err != nil {
				t.Errorf("%s, %s: %v", version, name, err)
			}
			if skip != "" {
				t.Log(skip)
			}
		}
		other := instruct.V09
		if version == instruct.V09 {
			other = instruct.V03
		}
		if len(xsdtest.Check([]byte(write001(t, version, batch())), structure(other))) == 0 {
			t.Errorf("%s has the structure of %s", version, other)
		}
	}
}

func TestPain001RoundTrip(t *testing.T) {
	for _, version := range []instruct.Version{instruct.V03, instruct.V09} {
		got, err := instruct.ReadPain001("p.xml", strings.NewReader(write001(t, version, batch())))
		if err != nil {
			t.Fatal(err)
		}
		b, err := got[0].Batch()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(batch(), b); diff != "" {
			t.Error(diff)
		}
	}
}

// readBatch reads a message and makes a batch of it.
func readBatch(text string) error {
	got, err := instruct.ReadPain001("p", strings.NewReader(text))
	if err == nil {
		_, err = got[0].Batch()
	}
	return err
}

// Messages of others are read in any currency; a batch of ours they are not.
func TestPain001OfOthers(t *testing.T) {
	text := `<Document xmlns="http://www.six-interbank-clearing.com/de/pain.001.001.03.ch.02.xsd"><CstmrCdtTrfInitn><GrpHdr><MsgId>M</MsgId><NbOfTxs>2</NbOfTxs><CtrlSum>13.505</CtrlSum></GrpHdr>` +
		`<PmtInf><PmtInfId>P</PmtInfId><ReqdExctnDt>2026-02-13</ReqdExctnDt>` +
		`<CdtTrfTxInf><PmtId><InstrId>I1</InstrId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId><Amt><InstdAmt Ccy="CHF">3.50</InstdAmt></Amt></CdtTrfTxInf>` +
		`<CdtTrfTxInf><PmtId><EndToEndId>E2</EndToEndId></PmtId><Amt><EqvtAmt><Amt Ccy="KWD">10.005</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt></Amt></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>`
	got, err := instruct.ReadPain001("p", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if tr := got[0].Transfers; tr[0].Serial != "I1" || tr[0].Amount.String() != "3.50" || tr[1].Amount != (money.Exact{Units: 10005, Scale: 3, Currency: "KWD"}) {
		t.Errorf("got %+v", tr)
	}
	if _, err := got[0].Batch(); fault.CodeOf(err) != "instruct.currency" {
		t.Errorf("got %v", err)
	}
}

func TestPain001Reader(t *testing.T) {
	good := write001(t, instruct.V03, batch())
	for _, test := range []struct{ name, old, new, code string }{
		{"without a namespace", ` xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"`, "", ""},
		{"SIX namespace", "pain.001.001.03\"", "de/pain.001.001.03.ch.02.xsd\"", ""},
		{"count", "<NbOfTxs>3</NbOfTxs>", "<NbOfTxs>4</NbOfTxs>", "instruct.count"},
		{"total", "<CtrlSum>50923.01</CtrlSum>", "<CtrlSum>50923.02</CtrlSum>", "instruct.total"},
		{"euro", `Ccy="CNY">923`, `Ccy="EUR">923`, "instruct.currency"},
		{"amount", ">923.00<", ">9.23e2<", "instruct.amount"},
		{"three decimals", ">0.01<", ">0.010<", ""},
		{"serial twice", "<EndToEndId>20260213010002", "<EndToEndId>20260213010001", "instruct.twice"},
		{"no serial", "<EndToEndId>20260213010002", "<EndToEndId>", "instruct.missing"},
		{"date", "2026-02-13</ReqdExctnDt>", "2026-02-30</ReqdExctnDt>", "instruct.date"},
		{"no payment information", "<PmtInf>", "<Inf>", "instruct.xml"},
	} {
		if !strings.Contains(good, test.old) {
			t.Fatal(test.name)
		}
		if err := readBatch(strings.Replace(good, test.old, test.new, 1)); fault.CodeOf(err) != test.code {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	prefixed := strings.NewReplacer("</", "</p:", "<?", "<?", "<", "<p:", `xmlns=`, "xmlns:p=").Replace(good)
	prefixed = strings.Replace(prefixed, "<p:?xml", "<?xml", 1)
	if got, err := instruct.ReadPain001("p", strings.NewReader(prefixed)); err != nil || len(got[0].Transfers) != 3 {
		t.Errorf("with a prefix: %v", err)
	}
}

// wrongBatches are batches that no writer takes.
var wrongBatches = []struct {
	name string
	bad  func(*instruct.Batch)
	code string
}{
	{"no id", func(b *instruct.Batch) { b.ID = "" }, "instruct.missing"},
	{"no date", func(b *instruct.Batch) { b.Date = 0 }, "instruct.missing"},
	{"no payments", func(b *instruct.Batch) { b.Items = nil }, "instruct.items"},
	{"no payee", func(b *instruct.Batch) { b.Items[1].Name = "" }, "instruct.missing"},
	{"serial twice", func(b *instruct.Batch) { b.Items[1].Serial = b.Items[0].Serial }, "instruct.twice"},
	{"numbers", func(b *instruct.Batch) { b.Items[1].Seq = 7 }, "instruct.sequence"},
	{"nothing to pay", func(b *instruct.Batch) { b.Items[1].Amount = 0 }, "instruct.amount"},
	{"negative", func(b *instruct.Batch) { b.Items[1].Amount = -1 }, "instruct.amount"},
	{"overflow", func(b *instruct.Batch) { b.Items[0].Amount, b.Items[1].Amount = 1<<62, 1<<62 }, "instruct.amount"},
	{"line end", func(b *instruct.Batch) { b.Items[1].Purpose = "a\nb" }, "instruct.text"},
	{"not UTF-8", func(b *instruct.Batch) { b.Items[1].Name = "\xFF" }, "instruct.text"},
}

func TestWritersRefuse(t *testing.T) {
	writers := map[string]func(*instruct.Batch) error{
		"pain.001": func(b *instruct.Batch) error { return instruct.WritePain001(io.Discard, instruct.V03, b) },
		"ICBC": func(b *instruct.Batch) error {
			return instruct.WriteICBC(io.Discard, instruct.ICBC{CIS: "C", UserID: "U"}, b)
		},
		"CMB": func(b *instruct.Batch) error { return instruct.WriteCMB(io.Discard, instruct.CMB{BusMod: "00001"}, b) },
	}
	for writer, write := range writers {
		for _, test := range wrongBatches {
			b := batch()
			test.bad(b)
			if err := write(b); fault.CodeOf(err) != test.code {
				t.Errorf("%s, %s: got %v", writer, test.name, err)
			}
		}
	}
	b := batch()
	b.Items[0].Name = strings.Repeat("甲", 141)
	if f := fault.Of(writers["pain.001"](b)); f == nil || f.Code != "instruct.long" || f.Line != 1 {
		t.Errorf("a long name: %v", f)
	}
	b = batch()
	b.Items[0].Name = "𠮷野"
	if f := fault.Of(writers["ICBC"](b)); f == nil || f.Code != "bill.gbk" || f.Value != "𠮷" {
		t.Errorf("a character that GBK lacks: %v", f)
	}
	b = batch()
	b.Items[0].Purpose = strings.Repeat("长", 61)
	if f := fault.Of(writers["ICBC"](b)); f == nil || f.Code != "instruct.long" {
		t.Errorf("a long purpose: %v", f)
	}
	b = batch()
	b.Items[2].Route = "CUC"
	if f := fault.Of(writers["CMB"](b)); f == nil || f.Code != "instruct.route" || f.Line != 3 {
		t.Errorf("a route: %v", f)
	}
	if err := instruct.WritePain001(io.Discard, "pain.001.001.12", batch()); fault.CodeOf(err) != "instruct.version" {
		t.Errorf("a version: %v", err)
	}
}

// PAYENT counts in fen, its totals are ours, and its declaration has the space
// that the demo of others lacks.
func TestICBCRequest(t *testing.T) {
	var out, again bytes.Buffer
	for _, w := range []io.Writer{&out, &again} {
		if err := instruct.WriteICBC(w, instruct.ICBC{CIS: "400090001", UserID: "custody.c.4000"}, batch()); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != again.String() {
		t.Error("the same batch gives other bytes")
	}
	for _, want := range []string{`<?xml version="1.0" encoding="GBK"?>`, "<TotalNum>3</TotalNum><TotalAmt>5092301</TotalAmt>", "<fSeqno>PO20260213-01</fSeqno>",
		"<iSeqno>2</iSeqno>", "<PayAmt>92300</PayAmt>", gbk(t, "<RecAccNameCN>甲&amp;店</RecAccNameCN>"), "<SysIOFlg>1</SysIOFlg>", "<TranTime>133000000</TranTime>",
		"<ERPSqn>20260213010003</ERPSqn>"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not there: %s", want)
		}
	}
	if got := instruct.Detect(out.Bytes()); got != instruct.ICBCPay {
		t.Errorf("detected %q", got)
	}
}

func TestCMBRequest(t *testing.T) {
	b := batch()
	b.Payer.Unit = "0000000001"
	var out bytes.Buffer
	if err := instruct.WriteCMB(&out, instruct.CMB{BusMod: "00001"}, b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Request struct {
			Body struct {
				Head []map[string]string `json:"bb1bmdbhx1"`
				Rows []map[string]string `json:"bb1paybhx1"`
			} `json:"body"`
		} `json:"request"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	head := map[string]string{"busMod": "00001", "busCod": "N02030", "bthNbr": "PO20260213-01", "dtlNbr": "3", "ctnFlg": "N", "ctnSts": "1"}
	row := map[string]string{"dbtAcc": "620000000001", "dmaNbr": "0000000001", "crtAcc": "6200111", "crtNam": "甲&店", "brdNbr": "102100000002", "ccyNbr": "10",
		"trsAmt": "923.00", "bnkFlg": "N", "stlChn": "G", "nusAge": "结算款", "yurRef": "20260213010001"}
	if diff := cmp.Diff(head, got.Request.Body.Head[0]) + cmp.Diff(row, got.Request.Body.Rows[0]); diff != "" {
		t.Error(diff)
	}
	if r := got.Request.Body.Rows[2]; r["bnkFlg"] != "Y" || r["stlChn"] != "G" || instruct.Detect(out.Bytes()) != instruct.CMBBatch {
		t.Errorf("got %v, %s", r, instruct.Detect(out.Bytes()))
	}
}

func TestDetect(t *testing.T) {
	for text, want := range map[string]string{
		write001(t, instruct.V09, batch()):                            instruct.Pain001,
		report002("", ""):                                             instruct.Pain002,
		gbk(t, qpayent(rd("1", "7"))):                                 instruct.ICBCQuery,
		cmbXML("<NTQPAYRQZ/>"):                                        instruct.CMBQuery,
		`{"response":{"body":{"bb1qrybtz1":[{"bthNbr":"1"}]}}}`:       instruct.CMBResult,
		"<CMBSDKPGK><NTQTSINFZ/></CMBSDKPGK>":                         "",
		"<CMS><eb><pub><TransCode>QHISD</TransCode></pub></eb></CMS>": "icbc-qhisd",
		"hello": "", "": "", "{}": "",
	} {
		if got := instruct.Detect([]byte(text)); got != want {
			t.Errorf("%.60s: %q, want %q", text, got, want)
		}
	}
}

var words = rapid.StringOfN(rapid.RuneFrom([]rune("aZ09-.,;<>&\"'中文é/T")), 1, 30, -1)

func TestPain001AnyBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trim := func(s string) string { return "N" + strings.TrimSpace(s) }
		b := &instruct.Batch{ID: trim(words.Draw(t, "id")), Created: day.At(1, 2), Date: day, Payer: instruct.Payer{Name: trim(words.Draw(t, "payer")), Account: "62"}}
		for i := range rapid.IntRange(1, 4).Draw(t, "items") {
			b.Items = append(b.Items, bankfiles.PayoutItem{Seq: i + 1, Serial: strconv.Itoa(i) + trim(words.Draw(t, "serial")), Account: "6" + trim(words.Draw(t, "account")),
				Name: trim(words.Draw(t, "name")), CNAPS: "1", Amount: money.Amount(rapid.Int64Range(1, 1e15).Draw(t, "fen")), Purpose: trim(words.Draw(t, "purpose"))})
		}
		var out bytes.Buffer
		if err := instruct.WritePain001(&out, instruct.V09, b); err != nil {
			t.Fatal(err)
		}
		got, err := instruct.ReadPain001("p", &out)
		if err != nil {
			t.Fatal(err)
		}
		again, err := got[0].Batch()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzReadPain001 writes and reads again what the reader takes.
func FuzzReadPain001(f *testing.F) {
	f.Add(write001(f, instruct.V03, batch()))
	f.Add(write001(f, instruct.V09, batch()))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := instruct.ReadPain001("p", strings.NewReader(text))
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		got[0].Created = day.At(0, 0)
		b, err := got[0].Batch()
		if err != nil {
			return // another currency, no payer
		}
		var out bytes.Buffer
		if instruct.WritePain001(&out, instruct.V09, b) != nil {
			return // longer than the schema, or without a payer
		}
		again, err := instruct.ReadPain001("p", &out)
		if err != nil {
			t.Fatal(err)
		}
		second, err := again[0].Batch()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.Items, second.Items); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzReports holds every reader of results to its rules on anything.
func FuzzReports(f *testing.F) {
	f.Add(report002("ACCP", "<TxSts>ACSC</TxSts>"))
	f.Add(gbk(f, qpayent(rd("1", "7")+rd("2", ""))))
	f.Add(cmbXML("<NTQPAYRQZ><REQSTS>FIN</REQSTS><RTNFLG>S</RTNFLG><YURREF>E1</YURREF></NTQPAYRQZ>"))
	f.Add(`{"a":[{"bthNbr":"1","dtlNum":1,"sucNum":1,"reqSts":"FIN","rtnFlg":"S"},{"yurRef":"E","trsAmt":"1.00"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string, io.Reader) (*instruct.Report, error){instruct.ReadPain002, instruct.ReadICBC, instruct.ReadCMBQuery, instruct.ReadCMBBatch} {
			r, err := read("x", strings.NewReader(text))
			if err != nil {
				if fault.CodeOf(err) == "internal" {
					t.Fatal(err)
				}
				continue
			}
			for _, it := range r.Items {
				if it.Code == "" && it.Status != U || it.Serial == "" || it.Amount < 0 {
					t.Fatalf("%+v", it)
				}
			}
		}
	})
}
