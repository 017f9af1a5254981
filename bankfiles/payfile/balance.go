package payfile

import (
	"io"
	"strconv"

	"custody/bankfiles"
	"custody/internal/money"
)

// WriteBalance writes a sub-account balance file. It refuses, with the row's
// line, what [ReadBalance] would refuse (codes payfile.*).
func WriteBalance(w io.Writer, f *bankfiles.BalanceFile) error {
	total, err := checkBalance(f)
	if err != nil {
		return err
	}
	out := newWriter(w)
	out.write("H", "BALANCE", f.Account, f.Date.Compact(), strconv.Itoa(len(f.Items)), fen(total))
	for i, it := range f.Items {
		out.write(strconv.Itoa(i+1), it.Member, fen(it.Available), fen(it.Cash), fen(it.Frozen))
	}
	return out.trailer(len(f.Items), total)
}

func checkBalance(f *bankfiles.BalanceFile) (total money.Amount, err error) {
	if bad := checkTexts(1, named{"account", f.Account, true}); bad != nil {
		return 0, bad
	}
	if err := checkHead(f.Date, len(f.Items)); err != nil {
		return 0, err
	}
	members := map[string]int{}
	for i := range f.Items {
		it, line := &f.Items[i], i+2
		if bad := checkItem(line, i+1, i+1, "member", it.Member, members); bad != nil {
			return 0, bad
		}
		if total, err = checkAmount(line, "available", it.Available, 0, total); err != nil {
			return 0, err
		}
		if _, err = checkAmount(line, "cash", it.Cash, 0, 0); err != nil {
			return 0, err
		}
		if _, err = checkAmount(line, "frozen", it.Frozen, 0, 0); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// ReadBalance reads a sub-account balance file; each member stands in it once.
// Faults come back as from [ReadPayout].
func ReadBalance(name string, src io.Reader) (*bankfiles.BalanceFile, error) {
	r := newReader(name, src)
	h, ok := r.header("BALANCE", 6, "account")
	if !ok {
		return nil, r.result()
	}
	f := &bankfiles.BalanceFile{Account: h.fields[2], Date: h.date}
	var total money.Amount
	rows, sealed := r.rows(5, 1, "member", func(v []string) {
		it := bankfiles.BalanceItem{Line: r.line, Member: v[1], Available: r.amount("available", v[2], 0),
			Cash: r.amount("cash", v[3], 0), Frozen: r.amount("frozen", v[4], 0)}
		total = r.add("available", total, it.Available)
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
