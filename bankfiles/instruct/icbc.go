package instruct

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// ICBC is what 工行银企互联 wants to know of its customer.
type ICBC struct {
	CIS    string // 集团 CIS 号
	UserID string // 证书 ID
}

// WriteICBC writes a batch as a PAYENT request (支付指令提交) in GBK: amounts in
// fen, TotalNum and TotalAmt ours. fSeqno is the batch number and iSeqno the
// row, so that the same batch sent again is the same instruction; our serial
// goes along as ERPSqn. PostScript carries the purpose.
//
// Lengths of fields are not published: one peer cuts UseCN to 20 characters and
// PostScript to 60. We refuse a purpose above 60 and cut nothing.
func WriteICBC(w io.Writer, c ICBC, b *Batch) error {
	total, err := b.check()
	if err != nil {
		return err
	}
	if f := checkText("cis", c.CIS, true); f != nil {
		return f
	}
	if f := checkText("user", c.UserID, true); f != nil {
		return f
	}
	at := b.Created.In(bizdate.Zone)
	var s strings.Builder
	s.WriteString(`<?xml version="1.0" encoding="GBK"?>` + "\n<CMS><eb><pub>" + element("TransCode", "PAYENT") + element("CIS", c.CIS) +
		element("BankCode", "102") + element("ID", c.UserID) + element("TranDate", at.Format("20060102")) +
		element("TranTime", strings.Replace(at.Format("150405.000"), ".", "", 1)) + element("fSeqno", b.ID) + "</pub>\n<in>" +
		element("OnlBatF", "1") + element("SettleMode", "0") + element("TotalNum", strconv.Itoa(len(b.Items))) +
		element("TotalAmt", fen(total)) + element("SignTime", at.Format("20060102150405")) + element("ReqReserved1", "") + element("ReqReserved2", "") + "\n")
	for i := range b.Items {
		it := &b.Items[i]
		const maxPostScript = 60
		if f := longer("purpose", it.Purpose, maxPostScript); f != nil {
			return f.AtLine(i + 1)
		}
		s.WriteString(icbcRow(b, it))
	}
	s.WriteString("</in></eb></CMS>\n")
	return writeGBK(w, s.String())
}

func fen(a money.Amount) string { return strconv.FormatInt(int64(a), 10) }

// icbcRow is one rd of PAYENT, with the fields in their order. SysIOFlg 1 is
// within ICBC, 2 another bank.
func icbcRow(b *Batch, it *bankfiles.PayoutItem) string {
	within := "2"
	if it.Route == "OWN" {
		within = "1"
	}
	values := map[string]string{"iSeqno": strconv.Itoa(it.Seq), "StartDate": b.Date.Compact(), "PayType": "1", "PayAccNo": b.Payer.Account,
		"PayAccNameCN": b.Payer.Name, "RecAccNo": it.Account, "RecAccNameCN": it.Name, "SysIOFlg": within, "Prop": "0",
		"RecBankNo": it.CNAPS + it.SuperBankNo, "CurrType": "001", "PayAmt": fen(it.Amount), "PostScript": it.Purpose, "ERPSqn": it.Serial}
	var s strings.Builder
	s.WriteString("<rd>")
	for _, name := range icbcFields {
		s.WriteString(element(name, values[name]))
	}
	s.WriteString("</rd>\n")
	return s.String()
}

var icbcFields = strings.Fields(`iSeqno ReimburseNo ReimburseNum StartDate StartTime PayType PayAccNo PayAccNameCN PayAccNameEN RecAccNo
	RecAccNameCN RecAccNameEN SysIOFlg IsSameCity Prop RecICBCCode RecCityName RecBankNo RecBankName CurrType PayAmt UseCode UseCN EnSummary
	PostScript Summary Ref Oref ERPSqn BusCode ERPcheckno CrvouhType CrvouhName CrvouhNo BankType FileNames Indexs PaySubNo RecSubNo MCardNo MCardName`)

// icbcStatus maps Result. 7 is done; 6 refused by the bank, 8 approval refused,
// 11 cancelled by the customer and 22 refused on inspection are final without payment. All
// others, among them 95 待核查 and 98 通讯可疑, are on their way or in doubt.
func icbcStatus(result string) bankfiles.ResultStatus {
	switch result {
	case "7":
		return bankfiles.ResultSuccess
	case "6", "8", "11", "22":
		return bankfiles.ResultFailed
	}
	return bankfiles.ResultUnknown
}

// ReadICBC reads a QPAYENT answer (支付指令查询). Serial is our ERPSqn where the
// answer carries it, else the row's number, QryiSeqno; Seq is that number.
//
// An answer that refuses the query (RetCode other than 0, without rows) is an
// error, instruct.refused: it says nothing of the payments.
func ReadICBC(name string, src io.Reader) (*Report, error) {
	r := &Report{Format: ICBCQuery, Status: bankfiles.ResultUnknown}
	seen, code, words, known := map[string]int{}, "", "", false
	err := scan(name, src, []string{"rd"}, func(path []string, n *node) error {
		switch n.name {
		case "TransCode":
			known = n.text == "QPAYENT"
		case "RetCode":
			code = n.text
		case "RetMsg":
			words = n.text
		case "QryfSeqno":
			r.Batch = n.text
		case "rd":
			return r.icbcItem(name, n, seen)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, fault.Invalid("instruct.missing").In(name).On("TransCode", "QPAYENT")
	case len(r.Items) == 0 && strings.Trim(code, "0") != "":
		return nil, fault.Invalid("instruct.refused", code, words).In(name).On("RetCode", code)
	}
	return r, nil
}

func (r *Report) icbcItem(name string, n *node, seen map[string]int) error {
	either := func(a, b string) string {
		if s := n.at(a); s != "" {
			return s
		}
		return n.at(b)
	}
	row := either("QryiSeqno", "iSeqno")
	seq, err := strconv.Atoi(row)
	if err != nil {
		return fault.Invalid("instruct.missing").In(name).AtLine(n.line).On("QryiSeqno", row)
	}
	it := bankfiles.ResultItem{Line: n.line, Seq: seq, Serial: n.at("ERPSqn"), Status: icbcStatus(n.at("Result")), Code: n.at("Result"),
		BankRef: n.at("QryOrderNo"), BankTime: stamp(n.at("BankRetTime"))}
	if it.Serial == "" {
		it.Serial = row
	}
	it.Reason = strings.TrimSpace(either("instrRetCode", "iRetCode") + " " + either("instrRetMsg", "iRetMsg"))
	if s := n.at("PayAmt"); s != "" {
		fen, err := strconv.ParseInt(s, 10, 64)
		if err != nil || fen < 0 {
			return fault.Invalid("instruct.amount").In(name).AtLine(n.line).On("PayAmt", s)
		}
		it.Amount = money.Amount(fen)
	}
	return r.add(name, it, seen)
}

// icbcTag is the element by which an answer of ICBC is told.
var icbcTag = regexp.MustCompile(`<TransCode>\s*(PAYENT|QPAYENT|QHISD|QPD)\s*</TransCode>`)

// Detect tells a file of this package by its first bytes, or returns "".
func Detect(head []byte) string {
	text := string(head)
	if !utf8.Valid(head) {
		text = strings.ToValidUTF8(text, "?") // GBK: the marks are ASCII
	}
	switch m := icbcTag.FindStringSubmatch(text); {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return detectCMB(strings.ToLower(text))
	case !strings.HasPrefix(text, "<"):
		return ""
	case strings.Contains(text, "CstmrCdtTrfInitn"):
		return Pain001
	case strings.Contains(text, "CstmrPmtStsRpt"):
		return Pain002
	case m != nil && m[1] == "PAYENT":
		return ICBCPay
	case m != nil && (m[1] == "QHISD" || m[1] == "QPD"):
		return ICBCStatement
	case m != nil:
		return ICBCQuery
	case strings.Contains(text, "<NTQTSINFZ>"), strings.Contains(text, "GetTransInfo"):
		return CMBStatement
	case strings.Contains(text, "<CMBSDKPGK>") && (strings.Contains(text, "NTQPAYRQZ") || strings.Contains(text, "DCPAYMNT")):
		return CMBQuery
	}
	return ""
}
