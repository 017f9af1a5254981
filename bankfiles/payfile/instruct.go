package payfile

import (
	"io"
	"strconv"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// WriteInstruct writes a sub-account instruction file:
//
//	H|INSTRUCT|SI20260214-X20260213-002|20260214|1|30000|maker1|checker1
//	1|ADOPT|W6|B|30000|WX|20260213|W6
//	T|1|30000|<SM3 of the lines above>
//
// It refuses, with the row's line, what [ReadInstruct] would refuse (codes payfile.*).
func WriteInstruct(w io.Writer, f *bankfiles.InstructionFile) error {
	total, err := checkInstruct(f)
	if err != nil {
		return err
	}
	out := newWriter(w)
	out.write("H", "INSTRUCT", f.No, f.Date.Compact(), strconv.Itoa(len(f.Items)), fen(total), f.Maker, f.Checker)
	for _, it := range f.Items {
		clearing := ""
		if !it.ClearingDate.IsZero() {
			clearing = it.ClearingDate.Compact()
		}
		out.write(strconv.Itoa(it.Seq), string(it.Kind), it.Reference, it.Member, fen(it.Amount), it.Channel, clearing, it.OrderNo)
	}
	return out.trailer(len(f.Items), total)
}

func checkInstruct(f *bankfiles.InstructionFile) (total money.Amount, err error) {
	if bad := checkTexts(1, named{"number", f.No, true}, named{"maker", f.Maker, true}, named{"checker", f.Checker, true}); bad != nil {
		return 0, bad
	}
	if err := checkHead(f.Date, len(f.Items)); err != nil {
		return 0, err
	}
	references := map[string]int{}
	for i := range f.Items {
		it, line := &f.Items[i], i+2
		if bad := checkItem(line, i+1, it.Seq, "reference", it.Reference, references); bad != nil {
			return 0, bad
		}
		if bad := checkTexts(line, named{"member", it.Member, true}, named{"channel", it.Channel, false}, named{"order", it.OrderNo, false}); bad != nil {
			return 0, bad
		}
		if code, field, value := badInstruction(it); code != "" {
			return 0, fault.Invalid(code).AtLine(line).On(field, value)
		}
		if total, err = checkAmount(line, "amount", it.Amount, 1, total); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// badInstruction checks the kind, and that channel, clearing date and order are
// named by ADOPT and by nothing else. It returns "" where that holds.
func badInstruction(it *bankfiles.InstructionItem) (code, field, value string) {
	switch it.Kind {
	case bankfiles.InstructClaim, bankfiles.InstructReturn, bankfiles.InstructAdopt, bankfiles.InstructCredit, bankfiles.InstructDebit,
		bankfiles.InstructFreeze, bankfiles.InstructThaw, bankfiles.InstructDeduct:
	default:
		return "payfile.instruction", "kind", string(it.Kind)
	}
	clearing := ""
	if !it.ClearingDate.IsZero() {
		clearing = it.ClearingDate.Compact()
	}
	for _, t := range []named{{field: "channel", value: it.Channel}, {field: "clearingDate", value: clearing}, {field: "order", value: it.OrderNo}} {
		if it.Kind == bankfiles.InstructAdopt && t.value == "" {
			return "payfile.missing", t.field, ""
		}
		if it.Kind != bankfiles.InstructAdopt && t.value != "" {
			return "payfile.adopt_only", t.field, t.value
		}
	}
	return "", "", ""
}

// ReadInstruct reads a sub-account instruction file. Faults come back as from
// [ReadPayout].
func ReadInstruct(name string, src io.Reader) (*bankfiles.InstructionFile, error) {
	r := newReader(name, src)
	h, ok := r.header("INSTRUCT", 8, "number")
	if !ok {
		return nil, r.result()
	}
	f := &bankfiles.InstructionFile{No: h.fields[2], Date: h.date,
		Maker: r.required("maker", h.fields[6]), Checker: r.required("checker", h.fields[7])}
	var total money.Amount
	rows, sealed := r.rows(8, 2, "reference", func(v []string) {
		it := bankfiles.InstructionItem{Seq: len(f.Items) + 1, Kind: bankfiles.InstructionKind(v[1]), Reference: v[2],
			Member: r.required("member", v[3]), Amount: r.amount("amount", v[4], 1), Channel: v[5],
			ClearingDate: r.dateOrNone("clearingDate", v[6]), OrderNo: v[7]}
		if code, field, value := badInstruction(&it); code != "" {
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

// dateOrNone reads a date; nothing is the zero date.
func (r *reader) dateOrNone(field, s string) bizdate.Date {
	if s == "" {
		return 0
	}
	d, err := bizdate.Parse(s)
	if err != nil || len(s) != 8 {
		r.bad("payfile.date", field, s)
	}
	return d
}
