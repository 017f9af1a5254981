package payfile

import (
	"io"
	"strconv"
	"time"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// bankTime is the layout of the bank's time, in the zone of the books.
const bankTime = "20060102150405"

// statuses in the order of the header.
var statuses = [...]bankfiles.ResultStatus{bankfiles.ResultSuccess, bankfiles.ResultFailed, bankfiles.ResultUnknown}

// tally counts the rows of one status.
type tally struct {
	rows  int
	total money.Amount
}

// WriteResult writes a result file. It refuses, with the row's line, what
// [ReadResult] would refuse (codes payfile.*).
func WriteResult(w io.Writer, f *bankfiles.ResultFile) error {
	by, total, err := checkResult(f)
	if err != nil {
		return err
	}
	head := []string{"H", "RESULT", f.BatchNo, f.Date.Compact(), strconv.Itoa(len(f.Items)), fen(total)}
	for _, s := range statuses {
		head = append(head, string(s), strconv.Itoa(by[s].rows), fen(by[s].total))
	}
	out := newWriter(w)
	out.write(head...)
	for _, it := range f.Items {
		at := ""
		if !it.BankTime.IsZero() {
			at = it.BankTime.In(bizdate.Zone).Format(bankTime)
		}
		out.write(strconv.Itoa(it.Seq), it.Serial, fen(it.Amount), string(it.Status), it.Code, it.Reason, it.BankRef, at)
	}
	return out.trailer(len(f.Items), total)
}

func checkResult(f *bankfiles.ResultFile) (by map[bankfiles.ResultStatus]tally, total money.Amount, err error) {
	if bad := checkTexts(1, named{"batch", f.BatchNo, true}); bad != nil {
		return nil, 0, bad
	}
	if err := checkHead(f.Date, len(f.Items)); err != nil {
		return nil, 0, err
	}
	by = map[bankfiles.ResultStatus]tally{}
	serials := map[string]int{}
	for i := range f.Items {
		it, line := &f.Items[i], i+2
		if bad := checkItem(line, i+1, it.Seq, "serial", it.Serial, serials); bad != nil {
			return nil, 0, bad
		}
		if bad := checkTexts(line, named{"code", it.Code, false}, named{"reason", it.Reason, false}, named{"bankRef", it.BankRef, false}); bad != nil {
			return nil, 0, bad
		}
		if !known(it.Status) {
			return nil, 0, fault.Invalid("payfile.status").AtLine(line).On("status", string(it.Status))
		}
		if total, err = checkAmount(line, "amount", it.Amount, 1, total); err != nil {
			return nil, 0, err
		}
		t := by[it.Status]
		by[it.Status] = tally{t.rows + 1, t.total + it.Amount} // below total, which fits
	}
	return by, total, nil
}

func known(s bankfiles.ResultStatus) bool {
	return s == bankfiles.ResultSuccess || s == bankfiles.ResultFailed || s == bankfiles.ResultUnknown
}

// ReadResult reads a result file. A status that is not S, F or U, or none,
// becomes [bankfiles.ResultUnknown] and counts as U in the header; Code keeps
// the bank's code, or the bank's status where it gave no code. Faults come back
// as from [ReadPayout].
func ReadResult(name string, src io.Reader) (*bankfiles.ResultFile, error) {
	r := newReader(name, src)
	h, ok := r.header("RESULT", 15, "batch")
	if !ok {
		return nil, r.result()
	}
	for i, s := range statuses {
		if at := 6 + 3*i; h.fields[at] != string(s) {
			r.bad("payfile.status_order", "header", h.fields[at], string(s))
		}
	}
	f := &bankfiles.ResultFile{BatchNo: h.fields[2], Date: h.date}
	by := map[bankfiles.ResultStatus]tally{}
	var total money.Amount
	rows, sealed := r.rows(8, 1, "serial", func(v []string) {
		it := bankfiles.ResultItem{Line: r.line, Seq: len(f.Items) + 1, Serial: v[1], Amount: r.amount("amount", v[2], 1),
			Status: bankfiles.ResultStatus(v[3]), Code: v[4], Reason: v[5], BankRef: v[6], BankTime: r.time("bankTime", v[7])}
		if !known(it.Status) {
			if it.Code == "" {
				it.Code = v[3]
			}
			it.Status = bankfiles.ResultUnknown
		}
		total = r.add("amount", total, it.Amount)
		t := by[it.Status]
		by[it.Status] = tally{t.rows + 1, t.total + it.Amount}
		f.Items = append(f.Items, it)
	})
	if sealed {
		r.trailer(rows, total)
		r.headAgrees("rows", h.fields[4], int64(rows))
		r.headAgrees("total", h.fields[5], int64(total))
		for i, s := range statuses {
			r.headAgrees(string(s)+" rows", h.fields[7+3*i], int64(by[s].rows))
			r.headAgrees(string(s)+" total", h.fields[8+3*i], int64(by[s].total))
		}
	}
	if err := r.result(); err != nil {
		return nil, err
	}
	return f, nil
}

// time reads the bank's time; nothing is the zero time.
func (r *reader) time(field, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation(bankTime, s, bizdate.Zone)
	if err != nil || len(s) != len(bankTime) {
		r.bad("payfile.time", field, s)
	}
	return at
}
