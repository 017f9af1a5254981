package instruct

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/feed"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// ReadCMBStatement reads the answer to GetTransInfo in XML, one NTQTSINFZ for
// each row. TRSAMTD and TRSAMTC are positive and only one of them is there;
// TRSAMT is signed; the C_ fields are copies for display and are not read. RSVFLG
// marks 冲账 (*) and 补账 (X). The answer names no account where the bank leaves
// ACCNBR out: a warning.
func ReadCMBStatement(name string, src io.Reader, sink bankfiles.StatementSink) error {
	r := &cmbStatement{statement: statement{Feed: feed.New(name, sink)}, name: name}
	r.Begin(&bankfiles.Statement{Line: 1, Format: CMBStatement, Kind: bankfiles.EndOfDay, Currency: money.CNY})
	code, words := "", ""
	err := scan(name, src, []string{"NTQTSINFZ"}, func(_ []string, n *node) error {
		switch n.name {
		case "RETCOD":
			code = n.text
		case "ERRMSG":
			words = n.text
		case "NTQTSINFZ":
			f := map[string]string{}
			for _, k := range n.kids {
				f[strings.ToLower(k.name)] = k.text
			}
			r.entry(f, n.line)
		}
		if r.Stopped() {
			return r.Err()
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case r.rows == 0 && r.Faults() == 0 && code == "":
		r.Fault(fault.Invalid("instruct.missing").On("NTQTSINFZ", ""))
	case r.rows == 0 && code != "" && code != "0":
		r.Fault(fault.Invalid("instruct.refused", code, words).On("RETCOD", code))
	}
	r.close()
	return r.Err()
}

// cmbStatement turns rows of CMB into a statement, whether they came in XML or JSON.
type cmbStatement struct {
	statement
	name string
}

func (r *cmbStatement) close() {
	if r.Faults() > 0 || r.Statement() == nil {
		return
	}
	if r.Statement().Account == "" {
		r.Warn(fault.Invalid("direct.no_account").On("ACCNBR", ""))
	}
	r.end(r.name)
}

func (r *cmbStatement) entry(f map[string]string, line int) {
	st := r.Statement()
	if st.Account == "" {
		st.Account = firstOf(f["accnbr"], f["accno"])
	}
	amount, ok := cmbAmount(f, st.Currency)
	if !ok {
		r.Fault(fault.Invalid("direct.direction").AtLine(line).On("TRSAMT TRSAMTD TRSAMTC AMTCDR",
			strings.Join([]string{f["trsamt"], f["trsamtd"], f["trsamtc"], f["amtcdr"]}, " ")))
		return
	}
	date := firstOf(f["etydat"], f["trsdat"])
	day, err := bizdate.Parse(date)
	if err != nil {
		r.Fault(fault.Invalid("direct.day").AtLine(line).On("ETYDAT", date))
		return
	}
	value, _ := bizdate.Parse(firstOf(f["vltdat"], f["etydat"]))
	r.row(&bankfiles.StatementEntry{Line: line, BankRef: firstOf(f["refnbr"], f["trsseq"]), EntryRef: f["reqnbr"], EndToEndID: f["yurref"], BookingDate: day,
		BookingTime: clock(day, firstOf(f["etytim"], f["trstim"])), ValueDate: value, Amount: amount, Status: bankfiles.Booked, Reversal: f["rsvflg"] == "*",
		Code: f["trscod"], CounterpartyName: f["rpynam"], CounterpartyAccount: f["rpyacc"],
		Remark: joined(f["naryur"], f["narext"], f["busnam"])}, firstOf(f["trsblv"], f["onlbal"]), fenScale)
}

// cmbAmount reads the amount with its sign. What the file says twice must agree.
func cmbAmount(f map[string]string, currency string) (money.Exact, bool) {
	parse := func(s string) (money.Exact, bool) {
		x, err := money.ParseExact(s, currency)
		return x, err == nil
	}
	var said []money.Exact
	for _, side := range []struct {
		field string
		sign  int64
	}{{"trsamtd", -1}, {"trsamtc", 1}} {
		if f[side.field] == "" {
			continue
		}
		x, ok := parse(f[side.field])
		if !ok {
			return x, false
		}
		if x.Units *= side.sign; x.Units != 0 {
			said = append(said, x)
		}
	}
	if f["trsamt"] != "" {
		x, ok := parse(f["trsamt"])
		if !ok {
			return x, false
		}
		if x.Units > 0 && strings.EqualFold(f["amtcdr"], "D") { // some answers leave the sign to the code
			x = x.Neg()
		}
		said = append(said, x)
	}
	if len(said) == 0 {
		return money.Exact{}, false
	}
	for _, x := range said[1:] {
		if !x.Equal(said[0]) {
			return x, false
		}
	}
	switch x := said[0]; strings.ToUpper(f["amtcdr"]) {
	case "D":
		return x, x.Units <= 0 || f["rsvflg"] != ""
	case "C":
		return x, x.Units >= 0 || f["rsvflg"] != ""
	default:
		return x, true
	}
}

// ReadCMBUnits reads statements and balances of sub-units (记账子单元) in JSON:
// rows ntdmtlstz and ntdmthlsz, one statement for each unit, and balances
// ntdmabalz, each a statement without rows. A unit's account is that of the
// custody account and its number behind a hyphen. What the values of trxdir mean
// is not verified: C and D are taken, and a signed amount without trxdir; anything
// else is refused. It also reads the statement by breakpoint (ntqactrsz2) and
// holds it to its control totals (ntrbptrsz1).
func ReadCMBUnits(name string, src io.Reader, sink bankfiles.StatementSink) error {
	all, err := decodeJSON(name, src)
	if err != nil {
		return err
	}
	r := &cmbUnits{units: map[string][]map[string]string{}}
	if err := r.walk("", all, 0); err != nil {
		return fault.Of(err).In(name)
	}
	out := &cmbStatement{statement: statement{Feed: feed.New(name, sink)}, name: name}
	switch {
	case r.code != "" && !strings.HasPrefix(r.code, "SUC") && r.rows == 0:
		out.Fault(fault.Invalid("instruct.refused", r.code, r.words).On("resultcode", r.code))
	case r.rows == 0 && !r.found:
		out.Fault(fault.Invalid("instruct.missing").On("ntdmtlstz", ""))
	}
	for _, unit := range r.order {
		out.unit(unit, r.units[unit])
	}
	if r.breakpoint != nil || r.control != nil {
		out.byBreakpoint(r.breakpoint, r.control)
	}
	return out.Err()
}

// cmbUnits are the rows of an answer, by unit in the order of the file.
type cmbUnits struct {
	order       []string
	units       map[string][]map[string]string
	breakpoint  []map[string]string
	control     map[string]string
	rows        int
	found       bool
	code, words string
}

// isUnitList tells the lists of rows by their names.
func isUnitList(list string) bool {
	return strings.HasPrefix(list, "ntdmtlst") || strings.HasPrefix(list, "ntdmthls") || strings.HasPrefix(list, "ntdmabal") || strings.HasPrefix(list, "ntdmtqrd")
}

func (r *cmbUnits) walk(list string, v any, depth int) error {
	if depth > maxDepth {
		return fault.Invalid("instruct.depth", maxDepth)
	}
	switch v := v.(type) {
	case []any:
		r.found = r.found || isUnitList(list) || strings.HasPrefix(list, "ntqactrsz")
		for _, one := range v {
			if err := r.walk(list, one, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		f := fields(v)
		if s := f["resultcode"]; s != "" {
			r.code, r.words = s, f["resultmsg"]
		}
		r.keep(list, f)
		if r.rows > maxItems {
			return fault.Invalid("instruct.items", maxItems)
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := r.walk(strings.ToLower(k), v[k], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *cmbUnits) keep(list string, f map[string]string) {
	switch {
	case strings.HasPrefix(list, "ntqactrsz") && len(f) > 0:
		r.rows++
		r.breakpoint = append(r.breakpoint, f)
	case strings.HasPrefix(list, "ntrbptrsz") && f["crtnbr"]+f["dbtnbr"] != "":
		r.control = f
	case isUnitList(list) && f["accnbr"]+f["dmanbr"] != "":
		r.rows++
		unit := strings.Trim(f["accnbr"]+"-"+f["dmanbr"], "-")
		if _, known := r.units[unit]; !known {
			r.order = append(r.order, unit)
		}
		r.units[unit] = append(r.units[unit], f)
	}
}

// unit hands over the rows of one sub-unit.
func (r *cmbStatement) unit(account string, rows []map[string]string) {
	st := &bankfiles.Statement{Line: 1, Format: CMBUnits, Kind: bankfiles.EndOfDay, Account: account, Name: rows[0]["dmanam"], Currency: money.CNY}
	r.Begin(st)
	for _, f := range rows {
		if f["trxnbr"] == "" && f["trxamt"] == "" { // a balance
			x, err := money.ParseExact(f["actbal"], money.CNY)
			day, bad := bizdate.Parse(firstOf(f["eftdat"], f["baldat"]))
			if err != nil {
				r.Fault(fault.Invalid("instruct.amount").AtLine(1).On("actbal", f["actbal"]))
				continue
			}
			if st.Closing = &x; bad == nil {
				st.From, st.To = day, day
			}
			r.Partial()
			continue
		}
		r.movement(f)
	}
	if r.Faults() == 0 {
		r.end(r.name)
	}
}

// movement is a row of a sub-unit.
func (r *cmbStatement) movement(f map[string]string) {
	x, err := money.ParseExact(f["trxamt"], money.CNY)
	dir := strings.ToUpper(f["trxdir"])
	if err != nil || dir != "C" && dir != "D" && (dir != "" || x.Units >= 0) || x.Units < 0 && dir == "C" {
		r.Fault(fault.Invalid("direct.direction").AtLine(1).On("trxamt trxdir", f["trxamt"]+" "+f["trxdir"]))
		return
	}
	if dir == "D" && x.Units > 0 {
		x = x.Neg()
	}
	day, err := bizdate.Parse(f["trxdat"])
	if err != nil {
		r.Fault(fault.Invalid("direct.day").AtLine(1).On("trxdat", f["trxdat"]))
		return
	}
	r.row(&bankfiles.StatementEntry{Line: 1, BankRef: f["trxnbr"], BookingDate: day, BookingTime: clock(day, f["trxtim"]), ValueDate: day, Amount: x,
		Status: bankfiles.Booked, CounterpartyName: f["rpynam"], CounterpartyAccount: f["rpyacc"], Remark: joined(f["trxtxt"], f["narinn"])}, f["onlbal"], fenScale)
}

// byBreakpoint hands over the statement by breakpoint. Its control totals cover the
// rows of this answer.
func (r *cmbStatement) byBreakpoint(rows []map[string]string, control map[string]string) {
	r.debits, r.credits = totals{}, totals{}
	r.Begin(&bankfiles.Statement{Line: 1, Format: CMBBreakpoint, Kind: bankfiles.EndOfDay, Currency: money.CNY})
	for _, f := range rows {
		r.entry(f, 1)
	}
	if control != nil && r.Faults() == 0 {
		agree := r.debits.are(control["dbtnbr"], control["dbtamt"]) && r.credits.are(control["crtnbr"], control["crtamt"])
		if !agree {
			r.Fault(fault.Invalid("direct.total", r.credits.number, r.credits.sum.String(), r.debits.number, r.debits.sum.String()).AtLine(1).
				On("ntrbptrsz1", control["crtnbr"]+" "+control["crtamt"]+" "+control["dbtnbr"]+" "+control["dbtamt"]))
		}
		r.Totals(agree)
		if !agree {
			return
		}
	}
	r.close()
}

// are compares with a count and an amount; a blank one says nothing.
func (t *totals) are(number, amount string) bool {
	if number != "" && strings.TrimLeft(number, "0") != strings.TrimLeft(strconv.Itoa(t.number), "0") {
		return false
	}
	if amount == "" {
		return true
	}
	x, err := money.ParseExact(strings.TrimPrefix(amount, "-"), "")
	return err == nil && !t.bad && x.Equal(t.sum)
}
