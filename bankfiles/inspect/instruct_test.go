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
		"cmb-bb1qrybt":  `{"response":{"body":{"bb1qrybdz1":[{"yurRef":"s","reqSts":"FIN","rtnFlg":"S"}]}}}`,
	} {
		report, err := inspect.File("x", strings.NewReader(text), say)
		if err != nil || report.Refused() || report.Format != want || report.Rows != 1 {
			t.Errorf("%s: %+v, %v", want, report, err)
		}
	}
}
