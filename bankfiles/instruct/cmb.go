package instruct

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"custody/bankfiles"
	"custody/internal/fault"
	"custody/internal/money"
)

// CMB is what 招行银企直联 wants to know of its customer.
type CMB struct {
	BusMod string // 业务模式编号
}

// cmbRow is one bb1paybhx1 of BB1PAYBH.
type cmbRow struct {
	DbtAcc string `json:"dbtAcc"`
	DmaNbr string `json:"dmaNbr,omitempty"`
	CrtAcc string `json:"crtAcc"`
	CrtNam string `json:"crtNam"`
	BrdNbr string `json:"brdNbr,omitempty"`
	CcyNbr string `json:"ccyNbr"`
	TrsAmt string `json:"trsAmt"`
	BnkFlg string `json:"bnkFlg"` // Y at CMB, N at another bank
	StlChn string `json:"stlChn"` // G 普通, Q 快速, R 实时
	NusAge string `json:"nusAge"`
	YurRef string `json:"yurRef"`
	BusNar string `json:"busNar,omitempty"`
}

type cmbHead struct {
	BusMod string `json:"busMod"`
	BusCod string `json:"busCod"`
	BthNbr string `json:"bthNbr"`
	DtlNbr string `json:"dtlNbr"`
	CtnFlg string `json:"ctnFlg"`
	CtnSts string `json:"ctnSts"`
}

type cmbRequest struct {
	Request struct {
		Head struct {
			FunCode string `json:"funcode"`
		} `json:"head"`
		Body struct {
			Head []cmbHead `json:"bb1bmdbhx1"`
			Rows []cmbRow  `json:"bb1paybhx1"`
		} `json:"body"`
	} `json:"request"`
}

// cmbChannels are the ways of settlement by route.
var cmbChannels = map[string]string{"OWN": "G", "BEP": "G", "HVP": "Q", "SIB": "R"}

// WriteCMB writes a batch as the body of a BB1PAYBH request (批量支付), in one
// piece: ctnFlg N. Amounts are yuan; yurRef is our serial and stays the same
// when the batch is sent again, by which the bank knows it. Signature and the
// rest of the envelope belong to the transport.
//
// Lengths and mandatory fields are not verified. nusAge, the purpose, must not
// be empty.
func WriteCMB(w io.Writer, c CMB, b *Batch) error {
	if _, err := b.check(); err != nil {
		return err
	}
	if f := checkText("bus_mod", c.BusMod, true); f != nil {
		return f
	}
	var q cmbRequest
	q.Request.Head.FunCode = "BB1PAYBH"
	q.Request.Body.Head = []cmbHead{{BusMod: c.BusMod, BusCod: "N02030", BthNbr: b.ID, DtlNbr: strconv.Itoa(len(b.Items)), CtnFlg: "N", CtnSts: "1"}}
	for i := range b.Items {
		it := &b.Items[i]
		channel, ok := cmbChannels[it.Route]
		if !ok {
			return fault.Invalid("instruct.route").AtLine(i+1).On("route", it.Route)
		}
		if it.Purpose == "" {
			return fault.Invalid("instruct.missing").AtLine(i+1).On("purpose", "")
		}
		within := "N"
		if it.Route == "OWN" {
			within = "Y"
		}
		q.Request.Body.Rows = append(q.Request.Body.Rows, cmbRow{DbtAcc: b.Payer.Account, DmaNbr: b.Payer.Unit, CrtAcc: it.Account, CrtNam: it.Name,
			BrdNbr: it.CNAPS + it.SuperBankNo, CcyNbr: "10", TrsAmt: it.Amount.String(), BnkFlg: within, StlChn: channel, NusAge: it.Purpose,
			YurRef: it.Serial, BusNar: it.Attach})
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(q)
}

// cmbStatus maps REQSTS and RTNFLG: only FIN ends an instruction, and RTNFLG
// means something only with it. S 成功; F 失败, B 退票, R 否决, D 过期, C 撤销 are
// final without payment. U 挂账, T 退款, M, V and whatever is new are not.
func cmbStatus(reqSts, rtnFlg string) bankfiles.ResultStatus {
	if reqSts != "FIN" {
		return bankfiles.ResultUnknown
	}
	switch rtnFlg {
	case "S":
		return bankfiles.ResultSuccess
	case "F", "B", "R", "D", "C":
		return bankfiles.ResultFailed
	}
	return bankfiles.ResultUnknown
}

// joinCode is REQSTS/RTNFLG, as far as they are there.
func joinCode(reqSts, rtnFlg string) string { return strings.Trim(reqSts+"/"+rtnFlg, "/") }

// ReadCMBQuery reads the answer to DCPAYMNT or to a query in XML: one NTQPAYRQZ
// for each payment, told by its YURREF (SQRNBR counts from 0).
//
// RETCOD 0 with REQSTS NTE means accepted, not paid. An answer without rows
// whose RETCOD is not 0 is an error, instruct.refused: the request was not
// taken, or nobody knows; it says nothing of the payments.
func ReadCMBQuery(name string, src io.Reader) (*Report, error) {
	r := &Report{Format: CMBQuery, Status: bankfiles.ResultUnknown}
	seen, code, words := map[string]int{}, "", ""
	err := scan(name, src, []string{"NTQPAYRQZ"}, func(path []string, n *node) error {
		switch n.name {
		case "RETCOD":
			code = n.text
		case "ERRMSG":
			words = n.text
		case "NTQPAYRQZ":
			amount, err := yuan(name, n.line, "TRSAMT", n.at("TRSAMT"))
			if err != nil {
				return err
			}
			return r.add(name, bankfiles.ResultItem{Line: n.line, Seq: len(r.Items) + 1, Serial: n.at("YURREF"), Amount: amount,
				Status: cmbStatus(n.at("REQSTS"), n.at("RTNFLG")), Code: joinCode(n.at("REQSTS"), n.at("RTNFLG")),
				Reason: strings.TrimSpace(n.at("ERRCOD") + " " + n.at("ERRTXT")), BankRef: n.at("REQNBR")}, seen)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(r.Items) == 0 && code == "":
		return nil, fault.Invalid("instruct.missing").In(name).On("NTQPAYRQZ", "")
	case len(r.Items) == 0 && code != "0":
		return nil, fault.Invalid("instruct.refused", code, words).In(name).On("RETCOD", code)
	}
	return r, nil
}

// detectCMB tells a request or an answer in JSON, in lower case.
func detectCMB(text string) string {
	switch {
	case strings.Contains(text, `"ntqactrsz`), strings.Contains(text, `"ntrbptrsz`):
		return CMBBreakpoint
	case strings.Contains(text, `"ntdmtlst`), strings.Contains(text, `"ntdmthls`), strings.Contains(text, `"ntdmabal`), strings.Contains(text, `"ntdmtqrd`):
		return CMBUnits
	case strings.Contains(text, `"bb1paybhx1"`):
		return CMBBatch
	case strings.Contains(text, `"bb1qry`), strings.Contains(text, `"bthnbr"`) && strings.Contains(text, `"reqsts"`):
		return CMBResult
	}
	return ""
}

// maxJSON is one answer: the bank pages details by the thousand, of 600 bytes
// each; ten pages and some. It is held in memory as a whole, about ten times
// its size, while it is read.
const maxJSON = 8 << 20

// ReadCMBBatch reads the answer to BB1QRYBT (批次查询) or BB1QRYBD (批次明细查询) in
// JSON. Rows are found by their fields, bthNbr of a batch and yurRef of a
// detail, whatever the lists are called and however their names are cased.
//
// A batch that is FIN with all its payments counted as done is done; FIN with
// none of them is what its rtnFlg says; in between, ask for its details.
func ReadCMBBatch(name string, src io.Reader) (*Report, error) {
	all, err := decodeJSON(name, src)
	if err != nil {
		return nil, err
	}
	r := &cmbAnswer{name: name, seen: map[string]int{}, report: &Report{Format: CMBResult, Status: bankfiles.ResultUnknown}}
	if err := r.walk(all, 0); err != nil {
		return nil, err
	}
	if !r.found {
		if r.code != "" && !strings.HasPrefix(r.code, "SUC") {
			return nil, fault.Invalid("instruct.refused", r.code, r.words).In(name).On("resultcode", r.code)
		}
		return nil, fault.Invalid("instruct.missing").In(name).On("bthNbr", "")
	}
	return r.report, nil
}

// decodeJSON reads one value, with its numbers as they are written.
func decodeJSON(name string, src io.Reader) (all any, err error) {
	data, err := io.ReadAll(io.LimitReader(src, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxJSON {
		return nil, fault.Invalid("instruct.size", maxJSON>>10, maxJSON>>20).In(name)
	}
	if !utf8.Valid(data) {
		return nil, fault.Invalid("instruct.encoding").In(name)
	}
	decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(string(data), "\uFEFF")))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		return nil, fault.Invalid("instruct.json").In(name).Because(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Invalid("instruct.json").In(name)
	}
	return all, nil
}

// cmbAnswer is what one ReadCMBBatch has seen so far.
type cmbAnswer struct {
	name        string
	seen        map[string]int
	report      *Report
	found       bool
	code, words string
}

// fields of an object, by their names in lower case; lists and objects aside.
func fields(object map[string]any) map[string]string {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(object)) {
		switch v := object[k].(type) {
		case string:
			out[strings.ToLower(k)] = strings.TrimSpace(v)
		case json.Number:
			out[strings.ToLower(k)] = v.String()
		}
	}
	return out
}

// walk looks for rows. Lists are gone through in their order; objects have
// none, so that their fields come by name.
func (r *cmbAnswer) walk(v any, depth int) error {
	if depth > maxDepth {
		return fault.Invalid("instruct.depth", maxDepth).In(r.name)
	}
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			if err := r.walk(one, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		f := fields(v)
		if s := f["resultcode"]; s != "" {
			r.code, r.words = s, f["resultmsg"]
		}
		if err := r.row(f); err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := r.walk(v[k], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *cmbAnswer) row(f map[string]string) error {
	switch {
	case f["yurref"] != "":
		r.found = true
		amount, err := yuan(r.name, 0, "trsAmt", f["trsamt"])
		if err != nil {
			return err
		}
		return r.report.add(r.name, bankfiles.ResultItem{Seq: len(r.report.Items) + 1, Serial: f["yurref"], Amount: amount,
			Status: cmbStatus(f["reqsts"], f["rtnflg"]), Code: joinCode(f["reqsts"], f["rtnflg"]),
			Reason: strings.TrimSpace(f["errcod"] + " " + f["errtxt"]), BankRef: f["reqnbr"], BankTime: stamp(f["trsdat"] + f["trstim"])}, r.seen)
	case f["bthnbr"] != "" && f["reqsts"] != "":
		if r.found && r.report.Batch != "" {
			return fault.Invalid("instruct.twice", 1).In(r.name).On("bthNbr", f["bthnbr"])
		}
		r.found = true
		r.report.Batch, r.report.Code = f["bthnbr"], joinCode(f["reqsts"], f["rtnflg"])
		status, err := r.batchStatus(f)
		r.report.Status = status
		return err
	}
	return nil
}

// batchStatus holds the batch's word to its counts and amounts.
func (r *cmbAnswer) batchStatus(f map[string]string) (bankfiles.ResultStatus, error) {
	var amounts [2]money.Amount
	for i, name := range []string{"dtlamt", "sucamt"} {
		a, err := yuan(r.name, 0, name, f[name])
		if err != nil {
			return bankfiles.ResultUnknown, err
		}
		amounts[i] = a
	}
	all, errAll := strconv.Atoi(f["dtlnum"])
	done, errDone := strconv.Atoi(f["sucnum"])
	status := cmbStatus(f["reqsts"], f["rtnflg"])
	switch {
	case errAll != nil || errDone != nil:
		return bankfiles.ResultUnknown, nil // without counts the word is not enough
	case done > all || amounts[1] > amounts[0]:
		return bankfiles.ResultUnknown, fault.Invalid("instruct.count", f["sucnum"], all).In(r.name).On("sucNum", f["sucnum"])
	case status == bankfiles.ResultSuccess && (done != all || amounts[0] != amounts[1]),
		status == bankfiles.ResultFailed && done != 0:
		return bankfiles.ResultUnknown, nil
	}
	return status, nil
}
