package instruct_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/instruct"
	"custody/internal/fault"
)

const (
	S = bankfiles.ResultSuccess
	F = bankfiles.ResultFailed
	U = bankfiles.ResultUnknown
)

// report002 is a pain.002 with one transaction of the status, as text or as Cd.
func report002(group, tx string) string {
	if group != "" {
		group = "<GrpSts>" + group + "</GrpSts>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId></GrpHdr>` +
		`<OrgnlGrpInfAndSts><OrgnlMsgId>PO1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>` + group + `</OrgnlGrpInfAndSts>` +
		`<OrgnlPmtInfAndSts><OrgnlPmtInfId>PO1</OrgnlPmtInfId><TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId><OrgnlEndToEndId>E1</OrgnlEndToEndId>` + tx +
		`<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>账号有误</AddtlInf></StsRsnInf><AcctSvcrRef>B1</AcctSvcrRef>` +
		`<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">12.30</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
}

// Only RJCT and CANC, ACSC and ACCC end an instruction; an empty status, a
// missing one and any other is unknown, never failed.
func TestPain002FinalCodes(t *testing.T) {
	for status, want := range map[string]bankfiles.ResultStatus{
		"RJCT": F, "CANC": F, "ACSC": S, "ACCC": S, "ACCP": U, "ACTC": U, "ACSP": U, "ACWC": U, "ACWP": U, "ACFC": U, "PDNG": U, "PART": U,
		"RCVD": U, "": U, "FAILED": U, "rjct": U, "XXXX": U,
	} {
		for form, tx := range map[string]string{"text": "<TxSts>" + status + "</TxSts>", "Cd": "<TxSts><Cd>" + status + "</Cd></TxSts>"} {
			r, err := instruct.ReadPain002("r.xml", strings.NewReader(report002("", tx)))
			if err != nil {
				t.Fatal(err)
			}
			if it := r.Items[0]; it.Status != want || it.Code != status || it.Serial != "E1" || it.Amount != 1230 || it.BankRef != "B1" || it.Reason != "AC01 账号有误" {
				t.Errorf("%s as %s: %+v", status, form, it)
			}
		}
	}
	r, err := instruct.ReadPain002("r.xml", strings.NewReader(report002("", "")))
	if err != nil || r.Items[0].Status != U || r.Status != U {
		t.Errorf("no status at all: %+v, %v", r, err)
	}
}

func TestPain002Group(t *testing.T) {
	for group, want := range map[string]bankfiles.ResultStatus{"RJCT": F, "ACCP": U, "PART": U, "ACSC": S, "": U} {
		r, err := instruct.ReadPain002("r.xml", strings.NewReader(report002(group, "<TxSts>PDNG</TxSts>")))
		if err != nil || r.Status != want || r.Batch != "PO1" || r.Items[0].Status != U {
			t.Errorf("%s: %+v, %v", group, r, err)
		}
	}
}

// qpayent is an answer of ICBC; its declaration lacks a space, as a real one did.
func qpayent(rows string) string {
	return `<?xml version="1.0"encoding="GBK"?><CMS><eb><pub><TransCode>QPAYENT</TransCode><RetCode>0</RetCode><RetMsg>成功</RetMsg></pub><out>` +
		`<QryfSeqno>PO1</QryfSeqno>` + rows + `</out></eb></CMS>`
}

func gbk(t testing.TB, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rd(seq, result string) string {
	return "<rd><iSeqno>1</iSeqno><QryiSeqno>" + seq + "</QryiSeqno><QryOrderNo>O1</QryOrderNo><RecAccNameCN>甲</RecAccNameCN><PayAmt>1230</PayAmt><ERPSqn>E" + seq +
		"</ERPSqn><Result>" + result + "</Result><instrRetCode>B0</instrRetCode><instrRetMsg>信息</instrRetMsg><BankRetTime>20260213101500</BankRetTime></rd>"
}

// Final are 6, 7, 8, 11 and 22. An empty Result was mapped to failed elsewhere,
// and the payment was made twice.
func TestICBCFinalCodes(t *testing.T) {
	want := map[string]bankfiles.ResultStatus{"7": S, "6": F, "8": F, "11": F, "22": F}
	for _, result := range []string{"", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "20", "21", "22", "86", "95", "98", "99", "07", "成功"} {
		status := want[result]
		if status == "" {
			status = U
		}
		r, err := instruct.ReadICBC("q.xml", strings.NewReader(gbk(t, qpayent(rd("3", result)))))
		if err != nil {
			t.Fatal(err)
		}
		if it := r.Items[0]; it.Status != status || it.Seq != 3 || it.Serial != "E3" || it.Amount != 1230 || it.Reason != "B0 信息" || it.BankTime.IsZero() || r.Batch != "PO1" {
			t.Errorf("Result %q: %+v", result, it)
		}
	}
}

func TestICBCRefusesOfTheQueryAreNoResults(t *testing.T) {
	text := gbk(t, `<?xml version="1.0" encoding="GB2312"?><CMS><eb><pub><TransCode>QPAYENT</TransCode><RetCode>96113547</RetCode><RetMsg>无此指令</RetMsg></pub></eb></CMS>`)
	_, err := instruct.ReadICBC("q.xml", strings.NewReader(text))
	if f := fault.Of(err); f == nil || f.Code != "instruct.refused" || f.Args[1] != "无此指令" {
		t.Errorf("got %v", err)
	}
}

func cmbXML(rows string) string {
	return `<?xml version="1.0" encoding="GBK"?><CMBSDKPGK><INFO><FUNNAM>DCPAYMNT</FUNNAM><RETCOD>0</RETCOD><ERRMSG/></INFO>` + rows + `</CMBSDKPGK>`
}

// Final only by REQSTS FIN together with RTNFLG.
func TestCMBFinalCodes(t *testing.T) {
	for _, test := range []struct {
		req, rtn string
		want     bankfiles.ResultStatus
	}{
		{"FIN", "S", S}, {"FIN", "F", F}, {"FIN", "B", F}, {"FIN", "R", F}, {"FIN", "D", F}, {"FIN", "C", F},
		{"FIN", "", U}, {"FIN", "U", U}, {"FIN", "T", U}, {"FIN", "M", U}, {"FIN", "V", U}, {"FIN", "Z", U},
		{"BNK", "S", U}, {"NTE", "F", U}, {"WRF", "F", U}, {"AUT", "", U}, {"", "F", U}, {"", "", U}, {"fin", "F", U}, {"APD", "R", U},
	} {
		row := "<NTQPAYRQZ><ERRCOD>SUC0000</ERRCOD><REQNBR>N1</REQNBR><REQSTS>" + test.req + "</REQSTS><RTNFLG>" + test.rtn + "</RTNFLG><SQRNBR>0</SQRNBR><YURREF>E1</YURREF></NTQPAYRQZ>"
		r, err := instruct.ReadCMBQuery("c.xml", strings.NewReader(cmbXML(row)))
		if err != nil || r.Items[0].Status != test.want || r.Items[0].Serial != "E1" || r.Items[0].BankRef != "N1" {
			t.Errorf("XML %s/%s: %+v, %v", test.req, test.rtn, r, err)
		}
		j, err := instruct.ReadCMBBatch("c.json", strings.NewReader(`{"response":{"body":{"bb1qrybdz1":[{"yurRef":"E1","trsAmt":12.30,"reqSts":"`+test.req+`","rtnFlg":"`+test.rtn+`","reqNbr":"N1"}]}}}`))
		if err != nil || j.Items[0].Status != test.want || j.Items[0].Amount != 1230 {
			t.Errorf("JSON %s/%s: %+v, %v", test.req, test.rtn, j, err)
		}
	}
}

// NTE with RETCOD 0 and ERRCOD SUC0000 is accepted, not paid; RETCOD -1 without
// a row says nothing of the payments.
func TestCMBAcceptedIsNotPaid(t *testing.T) {
	row := func(ref string) string {
		return "<NTQPAYRQZ><ERRCOD>SUC0000</ERRCOD><REQSTS>NTE</REQSTS><YURREF>" + ref + "</YURREF></NTQPAYRQZ>"
	}
	r, err := instruct.ReadCMBQuery("c.xml", strings.NewReader(cmbXML(row("E1")+row("E2"))))
	if err != nil || len(r.Items) != 2 || r.Items[0].Status != U || r.Items[1].Serial != "E2" {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = instruct.ReadCMBQuery("c.xml", strings.NewReader(gbk(t, strings.Replace(cmbXML(""), "<RETCOD>0</RETCOD><ERRMSG/>", "<RETCOD>-1</RETCOD><ERRMSG>DBDC003: 重复</ERRMSG>", 1))))
	if f := fault.Of(err); f == nil || f.Code != "instruct.refused" {
		t.Errorf("got %v", err)
	}
	_, err = instruct.ReadCMBQuery("c.xml", strings.NewReader(cmbXML(row("E1")+row("E1"))))
	if fault.CodeOf(err) != "instruct.twice" {
		t.Errorf("one payment twice: %v", err)
	}
}

// The batch's word counts only as far as its counts and amounts bear it out.
func TestCMBBatch(t *testing.T) {
	for _, test := range []struct {
		name, fields string
		want         bankfiles.ResultStatus
		code         string
	}{
		{"all done", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"2","sucAmt":"30.00","reqSts":"FIN","rtnFlg":"S"`, S, ""},
		{"in lower case", `"dtlnum":2,"dtlamt":30.00,"sucnum":2,"sucamt":30.00,"reqsts":"FIN","rtnflg":"S"`, S, ""},
		{"some done", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"1","sucAmt":"10.00","reqSts":"FIN","rtnFlg":"S"`, U, ""},
		{"amounts differ", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"2","sucAmt":"29.00","reqSts":"FIN","rtnFlg":"S"`, U, ""},
		{"none done", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"0","sucAmt":"0.00","reqSts":"FIN","rtnFlg":"F"`, F, ""},
		{"failed, but some done", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"1","sucAmt":"10.00","reqSts":"FIN","rtnFlg":"F"`, U, ""},
		{"at the bank", `"dtlNum":"2","sucNum":"0","reqSts":"BNK","rtnFlg":""`, U, ""},
		{"without counts", `"reqSts":"FIN","rtnFlg":"F"`, U, ""},
		{"more done than sent", `"dtlNum":"2","dtlAmt":"30.00","sucNum":"3","sucAmt":"30.00","reqSts":"FIN","rtnFlg":"S"`, U, "instruct.count"},
	} {
		r, err := instruct.ReadCMBBatch("b.json", strings.NewReader(`{"response":{"head":{"resultcode":"SUC0000"},"body":{"bb1qrybtz1":[{"bthNbr":"PO1",`+test.fields+`}]}}}`))
		if fault.CodeOf(err) != test.code || err == nil && (r.Status != test.want || r.Batch != "PO1") {
			t.Errorf("%s: %+v, %v", test.name, r, err)
		}
	}
}

func TestCMBErrorsInJSON(t *testing.T) {
	for text, code := range map[string]string{
		`{"response":{"head":{"resultcode":"CDCSERR","resultmsg":"签名错误"}}}`: "instruct.refused",
		`{"response":{"head":{"resultcode":"SUC0000"}}}`:                    "instruct.missing",
		`{`: "instruct.json", `{} {}`: "instruct.json", "\xC3\xC5": "instruct.encoding",
		`[{"yurRef":"E1","trsAmt":"1e2"}]`:                  "instruct.amount",
		`[{"yurRef":"E1"},{"YURREF":"E1"}]`:                 "instruct.twice",
		strings.Repeat("[", 100) + strings.Repeat("]", 100): "instruct.depth",
	} {
		if _, err := instruct.ReadCMBBatch("x.json", strings.NewReader(text)); fault.CodeOf(err) != code {
			t.Errorf("%.60s: got %v, want %s", text, err, code)
		}
	}
}

var errDisk = errors.New("disk")

// endless gives a text without end.
type endless struct{ head, tail string }

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	return copy(p, strings.Repeat(e.tail, len(p)/len(e.tail))), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errDisk }

// What attacks a reader of XML is refused; nothing is expanded, nothing fetched.
func TestHostileXML(t *testing.T) {
	for _, test := range []struct{ name, text, code string }{
		{"nothing", "", "instruct.xml"},
		{"no XML", "hello", "instruct.xml"},
		{"external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "instruct.dtd"},
		{"unknown entity", `<CstmrPmtStsRpt>&lol;</CstmrPmtStsRpt>`, "instruct.xml"},
		{"second root", report002("", "")[38:] + "<a/>", "instruct.second_root"},
		{"depth", strings.Repeat("<a>", 70), "instruct.depth"},
		{"depth inside of a record", "<TxInfAndSts>" + strings.Repeat("<a>", 70), "instruct.depth"},
		{"many fields", "<TxInfAndSts>" + strings.Repeat("<a/>", 1100) + "</TxInfAndSts>", "instruct.depth"},
		{"tags crossed", "<a><b></a></b>", "instruct.xml"},
		{"cut off", report002("", "")[:300], "instruct.xml"},
		{"another encoding", `<?xml version="1.0" encoding="EBCDIC"?><a/>`, "instruct.xml"},
		{"GBK that is none", `<?xml version="1.0" encoding="GBK"?><a>` + "\xFF\xFF</a>", "instruct.encoding"},
		{"GBK without saying so", "<a>\xC3\xC5</a>", "instruct.xml"},
		{"other message", "<a/>", "instruct.missing"},
	} {
		if _, err := instruct.ReadPain002("x", strings.NewReader(test.text)); fault.CodeOf(err) != test.code {
			t.Errorf("%s: got %v, want %s", test.name, err, test.code)
		}
	}
	for name, src := range map[string]*endless{"text": {"<a>", "x"}, "tag": {"<", "a"}, "attribute": {`<a b="`, "x"}, "comment": {"<!--", "x"}} {
		if _, err := instruct.ReadPain002("x", src); fault.CodeOf(err) != "instruct.size" {
			t.Errorf("endless %s: got %v", name, err)
		}
	}
	if _, err := instruct.ReadPain002("x", broken{}); !errors.Is(err, errDisk) {
		t.Errorf("broken source: %v", err)
	}
}
