package instruct

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Version is a version of pain.001 that is written.
type Version string

// The versions.
const (
	V03 Version = "pain.001.001.03"
	V09 Version = "pain.001.001.09"
)

const namespace = "urn:iso:std:iso:20022:tech:xsd:"

// The lengths of the schema, in characters.
const (
	max35  = 35
	max34  = 34
	max140 = 140
)

// Schemes of a payee's bank: CNAPS for a 联行号; a super bank number (超级网银号)
// has no ISO code and is named by our own.
const (
	schemeCNAPS = "CNAPS"
	schemeSuper = "IBPS"
)

// WritePain001 writes a batch as one payment information (PmtInf) of credit
// transfers in CNY. Serial becomes EndToEndId and InstrId, Route the local
// instrument, Purpose the remittance information; Member and Attach have no
// place in the message. NbOfTxs and CtrlSum stand at both levels.
//
// It refuses what has no place in the schema; nothing is cut.
func WritePain001(w io.Writer, version Version, b *Batch) error {
	total, err := b.check()
	if err != nil {
		return err
	}
	if version != V03 && version != V09 {
		return fault.Invalid("instruct.version", string(version))
	}
	if f := errors.Join(asError(longer("batch", b.ID, max35)), asError(longer("payer.name", b.Payer.Name, max140)),
		asError(longer("payer.account", b.Payer.Account, max34)), asError(longer("payer.cnaps", b.Payer.CNAPS, max35))); f != nil {
		return f
	}
	for i := range b.Items {
		it := &b.Items[i]
		for _, t := range []struct {
			field, value string
			most         int
		}{{"serial", it.Serial, max35}, {"name", it.Name, max140}, {"account", it.Account, max34}, {"cnaps", it.CNAPS, max35},
			{"super_bank_no", it.SuperBankNo, max35}, {"route", it.Route, max35}, {"purpose", it.Purpose, max140}} {
			if f := longer(t.field, t.value, t.most); f != nil {
				return f.AtLine(i + 1)
			}
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	writePain001(out, version, b, total)
	return out.Flush()
}

// asError keeps a nil fault from becoming an error that is not nil.
func asError(f *fault.Fault) error {
	if f == nil {
		return nil
	}
	return f
}

func writePain001(out *bufio.Writer, version Version, b *Batch, total money.Amount) {
	put := func(parts ...string) {
		for _, p := range parts {
			out.WriteString(p) // bufio keeps the error for Flush
		}
	}
	sums := element("NbOfTxs", strconv.Itoa(len(b.Items))) + element("CtrlSum", total.String())
	put(`<?xml version="1.0" encoding="UTF-8"?>`, "\n", `<Document xmlns="`, namespace, string(version), `"><CstmrCdtTrfInitn>`, "\n",
		"<GrpHdr>", element("MsgId", b.ID), element("CreDtTm", b.Created.In(bizdate.Zone).Format("2006-01-02T15:04:05-07:00")), sums,
		"<InitgPty>", element("Nm", b.Payer.Name), "</InitgPty></GrpHdr>\n")
	date := b.Date.String()
	day := element("ReqdExctnDt", date)
	if version == V09 {
		day = "<ReqdExctnDt>" + element("Dt", date) + "</ReqdExctnDt>"
	}
	put("<PmtInf>", element("PmtInfId", b.ID), element("PmtMtd", "TRF"), sums, day, "<Dbtr>", element("Nm", b.Payer.Name), "</Dbtr>",
		"<DbtrAcct>", accountID(b.Payer.Account), element("Ccy", money.CNY), "</DbtrAcct><DbtrAgt>", agent(b.Payer.CNAPS, ""), "</DbtrAgt>\n")
	for i := range b.Items {
		it := &b.Items[i]
		put("<CdtTrfTxInf><PmtId>", element("InstrId", it.Serial), element("EndToEndId", it.Serial), "</PmtId>")
		if it.Route != "" {
			put("<PmtTpInf><LclInstrm>", element("Prtry", it.Route), "</LclInstrm></PmtTpInf>")
		}
		put(`<Amt><InstdAmt Ccy="CNY">`, it.Amount.String(), "</InstdAmt></Amt>")
		if it.CNAPS+it.SuperBankNo != "" {
			put("<CdtrAgt>", agent(it.CNAPS, it.SuperBankNo), "</CdtrAgt>")
		}
		put("<Cdtr>", element("Nm", it.Name), "</Cdtr><CdtrAcct>", accountID(it.Account), "</CdtrAcct>")
		if it.Purpose != "" {
			put("<RmtInf>", element("Ustrd", it.Purpose), "</RmtInf>")
		}
		put("</CdtTrfTxInf>\n")
	}
	put("</PmtInf>\n</CstmrCdtTrfInitn></Document>\n")
}

func accountID(account string) string {
	return "<Id><Othr>" + element("Id", account) + "</Othr></Id>"
}

// agent names a bank by its CNAPS number, by its super bank number, or says
// that it is not provided, as the schema wants an agent of the payer.
func agent(cnaps, super string) string {
	switch {
	case cnaps != "":
		return "<FinInstnId><ClrSysMmbId><ClrSysId>" + element("Cd", schemeCNAPS) + "</ClrSysId>" + element("MmbId", cnaps) + "</ClrSysMmbId></FinInstnId>"
	case super != "":
		return "<FinInstnId><Othr>" + element("Id", super) + "<SchmeNm>" + element("Prtry", schemeSuper) + "</SchmeNm></Othr></FinInstnId>"
	}
	return "<FinInstnId><Othr>" + element("Id", notProvided) + "</Othr></FinInstnId>"
}

// Initiation is one payment information (PmtInf) of a message as it was read,
// in any currency.
type Initiation struct {
	ID        string // PmtInfId
	Created   time.Time
	Date      bizdate.Date
	Payer     Payer
	Transfers []Transfer
}

// Transfer is one credit transfer of a message.
type Transfer struct {
	Line        int
	Serial      string // EndToEndId, or InstrId where that is not provided
	Account     string
	Name        string
	CNAPS       string // member id of the payee's bank
	SuperBankNo string
	Amount      money.Exact
	Route       string
	Purpose     string
}

// Batch returns the payments as a batch of ours. It refuses what no writer
// would have written: other currencies than CNY, parts of a fen, a serial twice.
func (in *Initiation) Batch() (*Batch, error) {
	b := &Batch{ID: in.ID, Created: in.Created, Date: in.Date, Payer: in.Payer}
	for i, t := range in.Transfers {
		if t.Amount.Currency != money.CNY {
			return nil, fault.Invalid("instruct.currency").AtLine(t.Line).On("InstdAmt", t.Amount.Currency)
		}
		fen, err := t.Amount.Fen()
		if err != nil {
			return nil, fault.Invalid("instruct.amount").AtLine(t.Line).On("InstdAmt", t.Amount.String())
		}
		b.Items = append(b.Items, bankfiles.PayoutItem{Seq: i + 1, Serial: t.Serial, Account: t.Account, Name: t.Name, CNAPS: t.CNAPS,
			SuperBankNo: t.SuperBankNo, Amount: fen, Route: t.Route, Purpose: t.Purpose})
	}
	if _, err := b.check(); err != nil {
		return nil, err
	}
	return b, nil
}

// ReadPain001 reads a message of any version, with or without a namespace. It
// compares NbOfTxs and CtrlSum at both levels (codes instruct.*); CtrlSum adds
// up amounts whatever their currency.
func ReadPain001(name string, src io.Reader) ([]*Initiation, error) {
	r := &pain001{name: name}
	err := scan(name, src, []string{"GrpHdr", "CdtTrfTxInf", "Dbtr", "DbtrAcct", "DbtrAgt", "ReqdExctnDt"}, r.take)
	if err != nil {
		return nil, err
	}
	if r.group == nil || len(r.batches) == 0 {
		return nil, fault.Invalid("instruct.missing").In(name).On("PmtInf", "")
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	if err := r.agree(r.group, r.rows, r.total); err != nil {
		return nil, err
	}
	return r.batches, nil
}

// pain001 is what one ReadPain001 has seen so far. sums are the counts and
// totals of the payment information that is open.
type pain001 struct {
	name    string
	group   *node
	created time.Time
	batches []*Initiation
	sums    *node
	rows    int
	total   money.Exact // of all currencies
}

func (r *pain001) take(path []string, n *node) error {
	if n.name == "GrpHdr" {
		r.group = n
		r.created, _ = time.Parse(time.RFC3339, n.at("CreDtTm")) // for people; a time without zone is left out
		return nil
	}
	if len(path) == 0 || path[len(path)-1] != "PmtInf" {
		return nil
	}
	if n.name == "PmtInfId" {
		if err := r.close(); err != nil {
			return err
		}
		r.batches = append(r.batches, &Initiation{ID: n.text, Created: r.created})
		r.sums = &node{name: "PmtInf", line: n.line}
		return nil
	}
	if len(r.batches) == 0 {
		return fault.Invalid("instruct.missing").In(r.name).AtLine(n.line).On("PmtInfId", "")
	}
	b := r.batches[len(r.batches)-1]
	switch n.name {
	case "NbOfTxs", "CtrlSum":
		r.sums.kids = append(r.sums.kids, n)
	case "ReqdExctnDt":
		text := n.text + n.at("Dt")
		day, err := bizdate.Parse(text[:min(10, len(text))])
		if err != nil {
			return fault.Invalid("instruct.date").In(r.name).AtLine(n.line).On(n.name, text)
		}
		b.Date = day
	case "Dbtr":
		b.Payer.Name = n.at("Nm")
	case "DbtrAcct":
		b.Payer.Account = n.at("Id", "Othr", "Id") + n.at("Id", "IBAN")
	case "DbtrAgt":
		b.Payer.CNAPS = n.at("FinInstnId", "ClrSysMmbId", "MmbId")
	case "CdtTrfTxInf":
		return r.item(b, n)
	}
	return nil
}

// notProvided is what ISO 20022 writes for a reference that there is none of.
const notProvided = "NOTPROVIDED"

func (r *pain001) item(b *Initiation, n *node) error {
	amount := n.find("Amt", "InstdAmt")
	if amount == nil {
		amount = n.find("Amt", "EqvtAmt", "Amt")
	}
	if amount == nil || amount.attr("Ccy") == "" {
		return fault.Invalid("instruct.missing").In(r.name).AtLine(n.line).On("InstdAmt", "")
	}
	x, err := money.ParseExact(amount.text, amount.attr("Ccy"))
	if err != nil || x.Units < 0 {
		return fault.Invalid("instruct.amount").In(r.name).AtLine(amount.line).On("InstdAmt", amount.text)
	}
	t := Transfer{Line: n.line, Serial: n.at("PmtId", "EndToEndId"), Account: n.at("CdtrAcct", "Id", "Othr", "Id") + n.at("CdtrAcct", "Id", "IBAN"),
		Name: n.at("Cdtr", "Nm"), CNAPS: n.at("CdtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId"), Amount: x,
		Route: n.at("PmtTpInf", "LclInstrm", "Prtry"), Purpose: n.at("RmtInf", "Ustrd")}
	if instr := n.at("PmtId", "InstrId"); t.Serial == notProvided && instr != "" {
		t.Serial = instr
	}
	if t.Serial == "" {
		return fault.Invalid("instruct.missing").In(r.name).AtLine(n.line).On("EndToEndId", "")
	}
	if n.at("CdtrAgt", "FinInstnId", "Othr", "SchmeNm", "Prtry") == schemeSuper {
		t.SuperBankNo = n.at("CdtrAgt", "FinInstnId", "Othr", "Id")
	}
	if r.rows++; r.rows > maxItems {
		return fault.Invalid("instruct.items", maxItems).In(r.name)
	}
	if x.Currency = ""; !addTo(&r.total, x) {
		return fault.Invalid("instruct.amount").In(r.name).AtLine(n.line).On("InstdAmt", amount.text)
	}
	b.Transfers = append(b.Transfers, t)
	return nil
}

// addTo adds to a total; false is an overflow.
func addTo(total *money.Exact, x money.Exact) bool {
	sum, err := total.Add(x)
	*total = sum
	return err == nil
}

// close compares the sums of the payment information that ends.
func (r *pain001) close() error {
	if len(r.batches) == 0 {
		return nil
	}
	b := r.batches[len(r.batches)-1]
	var total money.Exact
	for _, t := range b.Transfers {
		x := t.Amount
		x.Currency = ""
		addTo(&total, x) // below r.total, which fits
	}
	return r.agree(r.sums, len(b.Transfers), total)
}

// agree compares NbOfTxs and CtrlSum, where they stand, with the payments.
func (r *pain001) agree(n *node, rows int, total money.Exact) error {
	if s := n.at("NbOfTxs"); s != "" && strings.TrimLeft(s, "0") != strings.TrimLeft(strconv.Itoa(rows), "0") {
		return fault.Invalid("instruct.count", s, rows).In(r.name).AtLine(n.line).On("NbOfTxs", s)
	}
	if s := n.at("CtrlSum"); s != "" {
		x, err := money.ParseExact(s, "")
		if err != nil || !x.Equal(total) {
			return fault.Invalid("instruct.total", s, total.String()).In(r.name).AtLine(n.line).On("CtrlSum", s)
		}
	}
	return nil
}

// painStatus maps the ISO status codes: RJCT and CANC end an instruction
// without payment, ACSC and ACCC with it. All others, ACCP, ACTC, ACSP, ACWC,
// PDNG, PART, RCVD and those that we do not know, are steps on the way.
func painStatus(code string) bankfiles.ResultStatus {
	switch code {
	case "RJCT", "CANC":
		return bankfiles.ResultFailed
	case "ACSC", "ACCC":
		return bankfiles.ResultSuccess
	}
	return bankfiles.ResultUnknown
}

// ReadPain002 reads a status report of any version. Status of the report is
// that of the original group, or of the one payment information that it names;
// an amount in another currency than CNY is left out.
func ReadPain002(name string, src io.Reader) (*Report, error) {
	r := &Report{Format: Pain002, Status: bankfiles.ResultUnknown}
	seen, parts := map[string]int{}, 0
	err := scan(name, src, []string{"OrgnlGrpInfAndSts", "TxInfAndSts"}, func(path []string, n *node) error {
		switch {
		case n.name == "OrgnlGrpInfAndSts":
			r.Batch, r.Code = n.at("OrgnlMsgId"), n.at("GrpSts")
			r.Status = painStatus(r.Code)
		case n.name == "PmtInfSts" && r.Code == "":
			if parts++; parts > 1 {
				r.Status = bankfiles.ResultUnknown // which of them speaks for an item is not known here
				return nil
			}
			r.Status = painStatus(n.text)
		case n.name == "TxInfAndSts":
			return r.painItem(name, n, seen)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if r.Batch == "" {
		return nil, fault.Invalid("instruct.missing").In(name).On("OrgnlMsgId", "")
	}
	return r, nil
}

func (r *Report) painItem(name string, n *node, seen map[string]int) error {
	code := n.at("TxSts")
	if code == "" {
		code = n.at("TxSts", "Cd")
	}
	it := bankfiles.ResultItem{Line: n.line, Seq: len(r.Items) + 1, Serial: n.at("OrgnlEndToEndId"), Status: painStatus(code), Code: code,
		BankRef: n.at("AcctSvcrRef")}
	if instr := n.at("OrgnlInstrId"); it.Serial == "" || it.Serial == notProvided && instr != "" {
		it.Serial = instr
	}
	it.Reason = strings.TrimSpace(n.at("StsRsnInf", "Rsn", "Cd") + n.at("StsRsnInf", "Rsn", "Prtry") + " " + n.at("StsRsnInf", "AddtlInf"))
	it.BankTime, _ = time.Parse(time.RFC3339, n.at("AccptncDtTm")) // decides nothing
	var err error
	if amount := n.find("OrgnlTxRef", "Amt", "InstdAmt"); amount != nil && amount.attr("Ccy") == money.CNY {
		if it.Amount, err = yuan(name, n.line, "InstdAmt", amount.text); err != nil {
			return err
		}
	}
	return r.add(name, it, seen)
}
