package payfile

import (
	"io"
	"strconv"

	"custody/bankfiles"
	"custody/internal/fault"
	"custody/internal/money"
)

// The routes of a payout (汇路).
var routes = map[string]bool{
	"HVP": true, // 大额支付
	"BEP": true, // 小额批量支付
	"SIB": true, // 网上支付跨行清算 (超级网银)
	"OWN": true, // 本行
}

const cnapsDigits = 12

// WritePayout writes a payout file. It refuses, with the row's line, what
// [ReadPayout] would refuse (codes payfile.*).
func WritePayout(w io.Writer, f *bankfiles.PayoutFile) error {
	total, err := checkPayout(f)
	if err != nil {
		return err
	}
	out := newWriter(w)
	out.write("H", "PAYOUT", f.BatchNo, f.Date.Compact(), strconv.Itoa(len(f.Items)), fen(total), f.Maker, f.Checker)
	for _, it := range f.Items {
		out.write(strconv.Itoa(it.Seq), it.Serial, it.Member, it.Account, it.Name, it.CNAPS, it.SuperBankNo,
			fen(it.Amount), it.Route, it.Purpose, it.Attach)
	}
	return out.trailer(len(f.Items), total)
}

func checkPayout(f *bankfiles.PayoutFile) (total money.Amount, err error) {
	if bad := checkTexts(1, named{"batch", f.BatchNo, true}, named{"maker", f.Maker, true}, named{"checker", f.Checker, true}); bad != nil {
		return 0, bad
	}
	if err := checkHead(f.Date, len(f.Items)); err != nil {
		return 0, err
	}
	serials := map[string]int{}
	for i := range f.Items {
		it, line := &f.Items[i], i+2
		if bad := checkItem(line, i+1, it.Seq, "serial", it.Serial, serials); bad != nil {
			return 0, bad
		}
		if bad := checkTexts(line, named{"member", it.Member, true}, named{"account", it.Account, true}, named{"name", it.Name, true},
			named{"cnaps", it.CNAPS, false}, named{"superBankNo", it.SuperBankNo, false},
			named{"purpose", it.Purpose, false}, named{"attach", it.Attach, false}); bad != nil {
			return 0, bad
		}
		if code, field, value := badRoute(it); code != "" {
			return 0, fault.Invalid(code).AtLine(line).On(field, value)
		}
		if total, err = checkAmount(line, "amount", it.Amount, 1, total); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// badRoute checks where the money goes: a known route, and exactly one of the
// two bank numbers. It returns "" where that holds.
func badRoute(it *bankfiles.PayoutItem) (code, field, value string) {
	switch {
	case !routes[it.Route]:
		return "payfile.route", "route", it.Route
	case (it.CNAPS == "") == (it.SuperBankNo == ""):
		return "payfile.bank", "cnaps", it.CNAPS
	case it.CNAPS != "" && !isDigits(it.CNAPS, cnapsDigits):
		return "payfile.cnaps", "cnaps", it.CNAPS
	}
	return "", "", ""
}

func isDigits(s string, n int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == n
}

// ReadPayout reads a payout file. It returns nil and a [fault.List] with every
// fault found (codes payfile.*); errors of the source come back as they are.
func ReadPayout(name string, src io.Reader) (*bankfiles.PayoutFile, error) {
	r := newReader(name, src)
	h, ok := r.header("PAYOUT", 8, "batch")
	if !ok {
		return nil, r.result()
	}
	f := &bankfiles.PayoutFile{BatchNo: h.fields[2], Date: h.date,
		Maker: r.required("maker", h.fields[6]), Checker: r.required("checker", h.fields[7])}
	var total money.Amount
	rows, sealed := r.rows(11, 1, "serial", func(v []string) {
		it := bankfiles.PayoutItem{Seq: len(f.Items) + 1, Serial: v[1], Member: r.required("member", v[2]),
			Account: r.required("account", v[3]), Name: r.required("name", v[4]), CNAPS: v[5], SuperBankNo: v[6],
			Amount: r.amount("amount", v[7], 1), Route: v[8], Purpose: v[9], Attach: v[10]}
		if code, field, value := badRoute(&it); code != "" {
			r.bad(code, field, value)
		}
		total = r.add("amount", total, it.Amount)
		f.Items = append(f.Items, it)
	})
	if sealed {
		r.trailer(rows, total)
		r.headAgrees("rows", h.fields[4], int64(rows))
		r.headAgrees("total", h.fields[5], int64(total))
	}
	if err := r.result(); err != nil {
		return nil, err
	}
	return f, nil
}

// headAgrees is agrees for a field of line 1.
func (r *reader) headAgrees(field, s string, want int64) {
	line := r.line
	r.line = 1
	r.agrees(field, s, want)
	r.line = line
}
