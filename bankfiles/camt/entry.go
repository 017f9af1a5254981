package camt

import (
	"strconv"
	"strings"

	"custody/bankfiles"
)

// details is what the transaction details (TxDtls) of an entry say.
type details struct {
	count      int
	batch      int // as Btch/NbOfTxs says
	bankRef    string
	endToEndID string
	code       string
	debtor     side
	creditor   side
	remittance string
	additional string
}

// side is a party of a transaction with its account.
type side struct{ name, account string }

// entry reads a Ntry and gives it to the sink.
func (r *reader) entry() {
	e := &bankfiles.StatementEntry{Line: r.line()}
	before := len(r.faults)
	sign, haveAmount, additional := int64(0), false, ""
	var d details
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "NtryRef":
			e.EntryRef = r.str()
		case "Amt":
			e.Amount, haveAmount = r.amount("Ntry/Amt"), true
		case "CdtDbtInd":
			sign = r.direction("Ntry/CdtDbtInd")
		case "RvslInd":
			e.Reversal = r.flag("Ntry/RvslInd")
		case "Sts":
			e.Status = r.status()
		case "BookgDt":
			e.BookingDate, e.BookingTime = r.date("Ntry/BookgDt")
		case "ValDt":
			e.ValueDate, _ = r.date("Ntry/ValDt")
		case "AcctSvcrRef":
			e.BankRef = r.str()
		case "BkTxCd":
			e.Code = r.transactionCode()
		case "NtryDtls":
			r.entryDetails(&d)
		case "AddtlNtryInf":
			additional = r.free()
		default:
			r.skip()
		}
	}
	if !r.complete(e.Line, before, "Ntry", haveAmount, sign) || !r.dated(e) {
		return
	}
	e.Amount.Units *= sign
	take(e, d, additional)
	r.deliver(e, max(d.count, d.batch))
}

// dated fills what banks leave out: the status of an entry of an end-of-day
// statement, which lists what is booked, and the booking day.
func (r *reader) dated(e *bankfiles.StatementEntry) bool {
	if e.Status == "" {
		if r.st.Kind != bankfiles.EndOfDay {
			r.badAt(e.Line, "camt.status", "Ntry/Sts", "")
			return false
		}
		e.Status = bankfiles.Booked
		r.warn(e.Line, "camt.status", "Ntry/Sts", "")
	}
	if !e.BookingDate.IsZero() || e.Status != bankfiles.Booked {
		return true
	}
	e.BookingDate = firstDay(r.sum.oneDay(), e.ValueDate, r.sum.to, r.sum.closing.day)
	r.warn(e.Line, "camt.booking_date", "Ntry/BookgDt", "", e.BookingDate.String())
	return true
}

// take fills the references. They are those of the transaction where the entry
// is one transaction; a batch entry has none of its own.
func take(e *bankfiles.StatementEntry, d details, additional string) {
	if d.count != 1 {
		e.Remark = additional
		return
	}
	if e.BankRef == "" {
		e.BankRef = d.bankRef
	}
	if e.Code == "" {
		e.Code = d.code
	}
	e.EndToEndID = d.endToEndID
	// Money that comes in comes from the debtor. A reversal keeps the parties
	// of the payment that it takes back.
	from := e.Amount.Units >= 0
	other := d.creditor
	if from != e.Reversal {
		other = d.debtor
	}
	e.CounterpartyName, e.CounterpartyAccount = other.name, other.account
	if additional == "" {
		additional = d.additional
	}
	e.Remark = d.remittance
	if additional != "" && additional != d.remittance {
		e.Remark = strings.TrimPrefix(d.remittance+"\n"+additional, "\n")
	}
}

// deliver counts the entry and gives it to the sink.
func (r *reader) deliver(e *bankfiles.StatementEntry, transactions int) {
	if r.st.Currency == "" {
		r.st.Currency = e.Amount.Currency
	}
	r.open()
	if r.err != nil {
		return
	}
	r.st.Entries++
	r.sum.volumes.add(e.Amount, e.Status == bankfiles.Booked, e.Reversal, transactions)
	if e.Status == bankfiles.Booked {
		r.count(e)
	}
	if err := r.sink.Entry(e); err != nil {
		r.stop(err)
	}
}

func (r *reader) count(e *bankfiles.StatementEntry) {
	sum := &r.sum
	if e.Amount.Currency != r.st.Currency {
		sum.foreign++
		r.warn(e.Line, "camt.currency", "Ntry/Amt", e.Amount.Currency, r.st.Currency)
		return
	}
	sum.booked.add(e.Amount)
	if e.Reversal {
		sum.reversals++
		sum.turned.add(e.Amount.Neg())
	} else {
		sum.turned.add(e.Amount)
	}
	if day := e.BookingDate; !day.IsZero() {
		if sum.first.IsZero() || day < sum.first {
			sum.first = day
		}
		sum.last = max(sum.last, day)
	}
}

// status reads Sts: text up to .07, Sts/Cd or Sts/Prtry from .08 on. A status
// that is not BOOK is kept as it is and moves no money.
func (r *reader) status() bankfiles.EntryStatus {
	line := r.line()
	depth, status := r.depth(), ""
	for {
		switch r.next() {
		case tokenText:
			if len(status) < maxName {
				status += strings.TrimSpace(string(r.text))
			}
		case tokenStart:
			status = r.str()
		case tokenEnd:
			if r.depth() < depth {
				return r.knownStatus(line, status)
			}
		case tokenEOF:
			return ""
		}
	}
}

func (r *reader) knownStatus(line int, status string) bankfiles.EntryStatus {
	switch status {
	case "BOOK": // the constants cost no memory
		return bankfiles.Booked
	case "PDNG":
		return bankfiles.Pending
	case "INFO":
		return bankfiles.Info
	case "", "FUTR": // FUTR: an entry of a coming day
	default:
		r.warn(line, "camt.unknown_status", "Ntry/Sts", status)
	}
	return bankfiles.EntryStatus(status)
}

// flag reads an xs:boolean.
func (r *reader) flag(field string) bool {
	switch b := r.content(); string(b) {
	case "true", "1":
		return true
	case "false", "0":
	default:
		r.bad("camt.flag", field, b)
	}
	return false
}

// transactionCode reads BkTxCd: the bank's own code where there is one, else
// domain-family-subfamily as in PMNT-RCDT-ESCT.
func (r *reader) transactionCode() string {
	own, domain, family, sub := "", "", "", ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Prtry":
			own = r.codeIn("Cd")
		case "Domn":
			for depth := r.depth(); r.child(depth); {
				switch string(r.local) {
				case "Cd":
					domain = r.code()
				case "Fmly":
					for depth := r.depth(); r.child(depth); {
						switch string(r.local) {
						case "Cd":
							family = r.code()
						case "SubFmlyCd":
							sub = r.code()
						default:
							r.skip()
						}
					}
				default:
					r.skip()
				}
			}
		default:
			r.skip()
		}
	}
	if own != "" || domain == "" {
		return own
	}
	return r.intern([]byte(domain + "-" + family + "-" + sub))
}

// codeIn returns the code in the child element of that name.
func (r *reader) codeIn(name string) string {
	code := ""
	for depth := r.depth(); r.child(depth); {
		if string(r.local) == name {
			code = r.code()
		} else {
			r.skip()
		}
	}
	return code
}

// code is str for texts that repeat: each costs memory once.
func (r *reader) code() string { return r.intern(r.content()) }

// maxCodes bounds the memory of intern: banks have some hundred codes.
const maxCodes = 4096

func (r *reader) intern(b []byte) string {
	if s, ok := r.codes[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(r.codes) < maxCodes {
		if r.codes == nil {
			r.codes = map[string]string{}
		}
		r.codes[s] = s
	}
	return s
}

// entryDetails reads one NtryDtls; an entry may have several.
func (r *reader) entryDetails(d *details) {
	for depth := r.depth(); r.child(depth); {
		if string(r.local) == "Btch" {
			if n, err := strconv.Atoi(r.codeIn("NbOfTxs")); err == nil {
				d.batch += n
			}
			continue
		}
		if string(r.local) != "TxDtls" || d.count > 0 {
			if string(r.local) == "TxDtls" {
				d.count++
			}
			r.skip()
			continue
		}
		d.count++
		r.transaction(d)
	}
}

// transaction reads one TxDtls.
func (r *reader) transaction(d *details) {
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Refs":
			for depth := r.depth(); r.child(depth); {
				switch string(r.local) {
				case "EndToEndId":
					if d.endToEndID = r.str(); d.endToEndID == "NOTPROVIDED" {
						d.endToEndID = "" // ISO 20022's word for none
					}
				case "AcctSvcrRef":
					d.bankRef = r.str()
				default:
					r.skip()
				}
			}
		case "BkTxCd":
			d.code = r.transactionCode()
		case "RltdPties":
			r.parties(d)
		case "RmtInf":
			d.remittance = r.remittance()
		case "AddtlTxInf":
			d.additional = r.free()
		default:
			r.skip()
		}
	}
}

// parties reads RltdPties.
func (r *reader) parties(d *details) {
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Dbtr":
			d.debtor.name = r.party()
		case "DbtrAcct":
			d.debtor.account = r.accountOf()
		case "Cdtr":
			d.creditor.name = r.party()
		case "CdtrAcct":
			d.creditor.account = r.accountOf()
		default:
			r.skip()
		}
	}
}

// accountOf reads the Id of a party's account.
func (r *reader) accountOf() string {
	id := ""
	for depth := r.depth(); r.child(depth); {
		if string(r.local) == "Id" {
			id = r.accountID()
		} else {
			r.skip()
		}
	}
	return id
}

// remittance reads RmtInf: the free text, or the reference of the structured
// form where there is no text.
func (r *reader) remittance() string {
	text, reference := "", ""
	for depth := r.depth(); r.child(depth); {
		switch string(r.local) {
		case "Ustrd":
			if s := r.free(); s != "" && len(text) < maxToken {
				text = strings.TrimPrefix(text+" "+s, " ")
			}
		case "Strd":
			for depth := r.depth(); r.child(depth); {
				if string(r.local) == "CdtrRefInf" {
					reference = r.codeIn("Ref")
				} else {
					r.skip()
				}
			}
		default:
			r.skip()
		}
	}
	if text == "" {
		return reference
	}
	return text
}
