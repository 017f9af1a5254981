package inspect_test

import (
	"bytes"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/inspect"
	"custody/bankfiles/instruct"
)

func TestInstructionFormats(t *testing.T) {
	var pain bytes.Buffer
	err := instruct.WritePain001(&pain, instruct.V03, &instruct.Batch{ID: "P", Created: day.At(1, 0), Date: day, Payer: instruct.Payer{Name: "n", Account: "6"},
		Items: []bankfiles.PayoutItem{{Seq: 1, Serial: "s", Account: "7", Name: "m", Amount: 5}}})
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[inspect.Format]string{
		"pain.001":      pain.String(),
		"pain.002":      "<Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>P</OrgnlMsgId></OrgnlGrpInfAndSts><TxInfAndSts><OrgnlEndToEndId>s</OrgnlEndToEndId></TxInfAndSts></CstmrPmtStsRpt></Document>",
		"icbc-qpayent":  `<?xml version="1.0"encoding="GBK"?><CMS><eb><pub><TransCode>QPAYENT</TransCode></pub><out><rd><QryiSeqno>1</QryiSeqno><Result/></rd></out></eb></CMS>`,
		"cmb-ntqpayrqz": "<CMBSDKPGK><INFO><RETCOD>0</RETCOD></INFO><NTQPAYRQZ><YURREF>s</YURREF></NTQPAYRQZ></CMBSDKPGK>",
		"icbc-payent":   `<CMS><eb><pub><TransCode>PAYENT</TransCode><fSeqno>P</fSeqno></pub><in><TotalNum>1</TotalNum><TotalAmt>5</TotalAmt><rd><iSeqno>1</iSeqno><RecAccNo>7</RecAccNo><RecAccNameCN>m</RecAccNameCN><PayAmt>5</PayAmt></rd></in></eb></CMS>`,
		"cmb-bb1paybh":  `{"request":{"body":{"bb1bmdbhx1":[{"bthNbr":"P","dtlNbr":"1"}],"bb1paybhx1":[{"crtAcc":"7","crtNam":"m","trsAmt":"0.05","yurRef":"s"}]}}}`,
		"icbc-qhisd":    `<CMS><eb><pub><TransCode>QHISD</TransCode></pub><out><AccNo>6</AccNo><TotalNum>1</TotalNum><rd><CreditAmount>5</CreditAmount><Date>20260213</Date></rd></out></eb></CMS>`,
		"cmb-ntqtsinfz": "<CMBSDKPGK><INFO><FUNNAM>GetTransInfo</FUNNAM><RETCOD>0</RETCOD></INFO><NTQTSINFZ><ETYDAT>20260213</ETYDAT><TRSAMT>0.05</TRSAMT></NTQTSINFZ></CMBSDKPGK>",
		"cmb-ntdm":      `{"response":{"body":{"ntdmthlsz":[{"accnbr":"6","dmanbr":"1","trxnbr":"t","trxamt":"0.05","trxdir":"C","trxdat":"20260213"}]}}}`,
		"cmb-ntqactrsz": `{"response":{"body":{"ntqactrsz2":[{"accnbr":"6","trsdat":"20260213","trsamt":"0.05"}],"ntrbptrsz1":[{"crtnbr":"1","crtamt":"0.05"}]}}}`,
		"cmb-bb1qrybt":  `{"response":{"body":{"bb1qrybdz1":[{"yurRef":"s","reqSts":"FIN","rtnFlg":"S"}]}}}`,
	} {
		report, err := inspect.File("x", strings.NewReader(text), say)
		if err != nil || report.Refused() || report.Format != want || report.Rows != 1 {
			t.Errorf("%s: %+v, %v", want, report, err)
		}
	}
}
