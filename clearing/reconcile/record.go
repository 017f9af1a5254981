package reconcile

import (
	"cmp"
	"strings"
	"unicode"

	"custody/internal/bizdate"
	"custody/internal/money"
)

// Record is a line of either side of a [Plan]: of a bank statement, of the
// ledger, of a payout file, of a channel's nets. A text that the side does not
// carry is empty; it then neither proves nor contradicts.
type Record struct {
	Ref         Ref // unique on its side
	Account     string
	Instruction string       // 指令号: our serial, as the bank gives it back
	Batch       string       // 批次号: file, batch, or channel and clearing date; several lines may share it
	BankRef     string       // 银行流水号
	OwnRef      string       // 本方单号: order, voucher, claim; the other side may quote it in its remark
	Remark      string       // 附言
	Party       string       // counterparty: account, else name, as the caller has normalised it
	Amount      money.Amount // signed: credit (收入) positive, debit (支出) negative
	Booked      bizdate.Date
}

// Fields is a set of what two lines agree in: the evidence of a match.
type Fields uint16

// The fields, in the order in which a person compares them.
const (
	FieldAccount Fields = 1 << iota
	FieldInstruction
	FieldBatch
	FieldBankRef
	FieldOwnRef // equal, or quoted in the other's remark
	FieldParty
	FieldAmount
	FieldBooked
)

// fieldNames are the fields as they are stored and shown, in their order.
var fieldNames = []struct {
	field Fields
	name  Criterion
	value func(*Record) string
}{
	{FieldAccount, OnAccount, func(r *Record) string { return r.Account }},
	{FieldInstruction, OnInstruction, func(r *Record) string { return r.Instruction }},
	{FieldBatch, OnBatch, func(r *Record) string { return r.Batch }},
	{FieldBankRef, OnBankRef, func(r *Record) string { return r.BankRef }},
	{FieldOwnRef, OnOwnRef, func(r *Record) string { return cmp.Or(r.OwnRef, r.Remark) }},
	{FieldParty, OnParty, func(r *Record) string { return r.Party }},
	{FieldAmount, OnAmount, func(r *Record) string { return r.Amount.String() }},
	{FieldBooked, OnBooked, func(r *Record) string { return r.Booked.String() }},
}

// The criteria that records are compared by besides [OnAmount].
const (
	OnAccount     Criterion = "account"      // 账号
	OnInstruction Criterion = "instruction"  // 指令号
	OnBatch       Criterion = "batch"        // 批次号
	OnBankRef     Criterion = "bank_ref"     // 银行流水号
	OnOwnRef      Criterion = "own_ref"      // 本方单号
	OnParty       Criterion = "counterparty" // 对方户名或账号
	OnBooked      Criterion = "booked"       // 记账日
)

// String lists the fields, such as "bank_ref+amount".
func (f Fields) String() string {
	var names []string
	for _, n := range fieldNames {
		if f&n.field != 0 {
			names = append(names, string(n.name))
		}
	}
	return strings.Join(names, "+")
}

// Evidence is what two lines say in one field. A field that a side leaves empty
// is no evidence either way.
type Evidence struct {
	Field        Criterion
	Ours, Theirs string
	Agrees       bool
}

// Compare puts two lines side by side, field by field, in the order of
// [Fields]: what agrees is why they match, the first that does not is why not.
func Compare(ours, theirs *Record) []Evidence {
	agreed := ours.agrees(theirs)
	var all []Evidence
	for _, n := range fieldNames {
		e := Evidence{Field: n.name, Ours: n.value(ours), Theirs: n.value(theirs), Agrees: agreed&n.field != 0}
		if e.Agrees || e.Ours != "" && e.Theirs != "" && (n.field != FieldOwnRef || ours.OwnRef != "" || theirs.OwnRef != "") {
			all = append(all, e)
		}
	}
	return all
}

// agrees returns the fields in which both lines say the same.
func (r *Record) agrees(o *Record) Fields {
	var f Fields
	if r.Account != "" && r.Account == o.Account {
		f |= FieldAccount
	}
	if r.Instruction != "" && r.Instruction == o.Instruction {
		f |= FieldInstruction
	}
	if r.Batch != "" && r.Batch == o.Batch {
		f |= FieldBatch
	}
	if r.BankRef != "" && r.BankRef == o.BankRef {
		f |= FieldBankRef
	}
	if r.OwnRef != "" && (r.OwnRef == o.OwnRef || o.quotes(r.OwnRef)) || o.OwnRef != "" && r.quotes(o.OwnRef) {
		f |= FieldOwnRef
	}
	if r.Party != "" && r.Party == o.Party {
		f |= FieldParty
	}
	if r.Amount == o.Amount {
		f |= FieldAmount
	}
	if r.Booked == o.Booked {
		f |= FieldBooked
	}
	return f
}

// contradicts reports whether both lines carry a reference of one kind, and not
// the same: then no amount and no day makes them the same event.
func (r *Record) contradicts(o *Record) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	return differ(r.Instruction, o.Instruction) || differ(r.Batch, o.Batch) ||
		differ(r.BankRef, o.BankRef) || differ(r.OwnRef, o.OwnRef)
}

// compareContent orders lines by what they say. Lines that say the same are
// interchangeable, and the order of the input cannot be seen in what follows.
func compareContent(a, b *Record) int {
	return cmp.Or(strings.Compare(a.Account, b.Account), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Booked, b.Booked),
		strings.Compare(a.Instruction, b.Instruction), strings.Compare(a.Batch, b.Batch), strings.Compare(a.BankRef, b.BankRef),
		strings.Compare(a.OwnRef, b.OwnRef), strings.Compare(a.Party, b.Party), strings.Compare(a.Remark, b.Remark))
}

// compareRecords is compareContent, lines that say the same by their place.
func compareRecords(a, b *Record) int {
	if c := compareContent(a, b); c != 0 {
		return c
	}
	return a.Ref.Compare(b.Ref)
}

// Bounds of the words of a remark that may be a reference: banks give at most
// 140 characters, and a word shorter than wordMin is never a reference of ours.
const (
	wordMin  = 4
	wordsMax = 32
)

// words calls visit for what may be a reference in the remark, each once, until
// visit returns false.
func (r *Record) words(visit func(string) bool) {
	seen := 0
	start := -1
	for at := 0; at <= len(r.Remark); at++ {
		if at < len(r.Remark) && inReference(r.Remark[at]) {
			if start < 0 {
				start = at
			}
			continue
		}
		if start >= 0 && at-start >= wordMin {
			if seen++; seen > wordsMax || !visit(r.Remark[start:at]) {
				return
			}
		}
		start = -1
	}
}

// inReference reports whether a byte can stand in a reference of ours: letters
// and digits of ASCII, "-", "_" and ".". Chinese text around it ends it.
func inReference(b byte) bool {
	return b == '-' || b == '_' || b == '.' || b <= unicode.MaxASCII && (b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z')
}

// quotes reports whether a word of the remark is the reference.
func (r *Record) quotes(reference string) (found bool) {
	if len(r.Remark) < len(reference) || r.Remark == "" {
		return false
	}
	r.words(func(word string) bool {
		found = word == reference
		return !found
	})
	return found
}
