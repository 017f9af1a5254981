package instruct

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// ReadICBCBatch reads a PAYENT request, ours or another program's, and adds its
// counts and amounts up again: TotalNum and TotalAmt must agree. RecBankNo is
// given as CNAPS; which number it is, the request does not say. A row without
// ERPSqn goes by its iSeqno.
func ReadICBCBatch(name string, src io.Reader) (*Batch, error) {
	r := &request{name: name, batch: &Batch{}, seen: map[string]int{}}
	known := false
	err := scan(name, src, []string{"rd"}, func(_ []string, n *node) error {
		switch n.name {
		case "TransCode":
			known = n.text == "PAYENT"
		case "fSeqno":
			r.batch.ID = n.text
		case "SignTime":
			r.batch.Created = stamp(n.text)
		case "TotalNum":
			r.count = n.text
		case "TotalAmt":
			r.total = n.text
		case "rd":
			return r.icbcRow(n)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, fault.Invalid("instruct.missing").In(name).On("TransCode", "PAYENT")
	}
	sum, err := strconv.ParseInt(r.total, 10, 64)
	if err != nil || money.Amount(sum) != r.sum {
		return nil, fault.Invalid("instruct.total", r.total, r.sum.String()).In(name).On("TotalAmt", r.total)
	}
	return r.finish()
}

// request is a batch being read.
type request struct {
	name         string
	batch        *Batch
	sum          money.Amount
	count, total string
	seen         map[string]int
}

func (r *request) icbcRow(n *node) error {
	b := r.batch
	fen, err := strconv.ParseInt(n.at("PayAmt"), 10, 64)
	if err != nil {
		return fault.Invalid("instruct.amount").In(r.name).AtLine(n.line).On("PayAmt", n.at("PayAmt"))
	}
	if b.Date.IsZero() {
		b.Date, _ = bizdate.Parse(n.at("StartDate"))
	}
	if b.Payer.Account == "" {
		b.Payer.Account, b.Payer.Name = n.at("PayAccNo"), n.at("PayAccNameCN")
	}
	seq, err := strconv.Atoi(n.at("iSeqno"))
	if err != nil {
		return fault.Invalid("instruct.missing").In(r.name).AtLine(n.line).On("iSeqno", n.at("iSeqno"))
	}
	it := bankfiles.PayoutItem{Seq: seq, Serial: firstOf(n.at("ERPSqn"), n.at("iSeqno")), Account: n.at("RecAccNo"), Name: n.at("RecAccNameCN"),
		CNAPS: n.at("RecBankNo"), Amount: money.Amount(fen), Purpose: n.at("PostScript")}
	if n.at("SysIOFlg") == "1" {
		it.Route = "OWN"
	}
	return r.add(it, n.line)
}

// add keeps a row and adds its amount up.
func (r *request) add(it bankfiles.PayoutItem, line int) error {
	if len(r.batch.Items) == maxItems {
		return fault.Invalid("instruct.items", maxItems).In(r.name).On("items", strconv.Itoa(maxItems+1))
	}
	if f := checkItem(&it, len(r.batch.Items)+1, r.seen); f != nil {
		return f.In(r.name).AtLine(line)
	}
	r.seen[it.Serial] = len(r.batch.Items) + 1
	sum, err := r.sum.Add(it.Amount)
	if err != nil {
		return fault.Invalid("instruct.amount").In(r.name).AtLine(line).On("amount", it.Amount.String())
	}
	r.sum = sum
	r.batch.Items = append(r.batch.Items, it)
	return nil
}

// finish compares the count, where the request has one.
func (r *request) finish() (*Batch, error) {
	n, err := strconv.Atoi(r.count)
	if err != nil || n != len(r.batch.Items) {
		return nil, fault.Invalid("instruct.count", r.count, len(r.batch.Items)).In(r.name).On("count", r.count)
	}
	return r.batch, nil
}

// cmbRoutes are the routes by way of settlement, those of [cmbChannels] back.
var cmbRoutes = map[string]string{"G": "BEP", "Q": "HVP", "R": "SIB"}

// ReadCMBRequest reads a BB1PAYBH request (批量支付), ours or another program's.
// dtlNbr must be the number of its rows; amounts have no total to compare. brdNbr
// is given as CNAPS.
func ReadCMBRequest(name string, src io.Reader) (*Batch, error) {
	all, err := decodeJSON(name, src)
	if err != nil {
		return nil, err
	}
	r := &request{name: name, batch: &Batch{}, seen: map[string]int{}}
	if err := r.walk("", all, 0); err != nil {
		return nil, err
	}
	if len(r.batch.Items) == 0 && r.batch.ID == "" {
		return nil, fault.Invalid("instruct.missing").In(name).On("bb1paybhx1", "")
	}
	return r.finish()
}

func (r *request) walk(list string, v any, depth int) error {
	if depth > maxDepth {
		return fault.Invalid("instruct.depth", maxDepth).In(r.name)
	}
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			if err := r.walk(list, one, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		f := fields(v)
		switch list {
		case "bb1bmdbhx1":
			r.batch.ID, r.count = f["bthnbr"], f["dtlnbr"]
		case "bb1paybhx1":
			return r.cmbRow(f)
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := r.walk(strings.ToLower(k), v[k], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *request) cmbRow(f map[string]string) error {
	b := r.batch
	amount, err := yuan(r.name, 0, "trsAmt", f["trsamt"])
	if err != nil {
		return err
	}
	if b.Payer.Account == "" {
		b.Payer.Account, b.Payer.Unit = f["dbtacc"], f["dmanbr"]
	}
	route := cmbRoutes[f["stlchn"]]
	if f["bnkflg"] == "Y" {
		route = "OWN"
	}
	return r.add(bankfiles.PayoutItem{Seq: len(b.Items) + 1, Serial: f["yurref"], Account: f["crtacc"], Name: f["crtnam"], CNAPS: f["brdnbr"],
		Amount: amount, Route: route, Purpose: f["nusage"], Attach: f["busnar"]}, 0)
}
