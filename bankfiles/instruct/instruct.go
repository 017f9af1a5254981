// Package instruct writes payouts as a bank's own interface takes them and
// reads what the bank says of them:
//
//	pain.001 (.03, .09)   written and read     pain.002        read
//	ICBC PAYENT           written and read     ICBC QPAYENT    read
//	CMB BB1PAYBH          written and read     CMB BB1QRYBT, BB1QRYBD, DCPAYMNT (NTQPAYRQZ)  read
//
// The same interfaces give statements: ICBC QHISD and QPD, CMB GetTransInfo
// (NTQTSINFZ), its sub-units NTDM and the statement by breakpoint, all read.
//
// One rule governs the readers: an instruction ends only by a code that the
// bank documents as final. Whatever else stands there, a status that we do not
// know, an empty one, none at all, is unknown and asked for again. To take it
// as failed would pay twice.
//
// What the banks' documents leave open (lengths, mandatory fields) is checked
// by the bank; see the comments of each writer.
package instruct

import (
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The names of the formats.
const (
	Pain001   = "pain.001"
	Pain002   = "pain.002"
	ICBCPay   = "icbc-payent"
	ICBCQuery = "icbc-qpayent"
	CMBBatch  = "cmb-bb1paybh"
	CMBResult = "cmb-bb1qrybt"
	CMBQuery  = "cmb-ntqpayrqz"
)

// maxItems of a batch or a report: ten times the largest batch of a bank that
// we know of (10,000 rows a package).
const maxItems = 100_000

// Payer is the account that pays.
type Payer struct {
	Name    string
	Account string
	CNAPS   string // 联行号 of its bank
	Unit    string // 记账子单元 at CMB; empty: the account itself
}

// Batch is what a writer writes.
type Batch struct {
	ID      string // batch number, ours; unchanged when the batch is sent again
	Created time.Time
	Date    bizdate.Date // requested execution
	Payer   Payer
	Items   []bankfiles.PayoutItem
}

// Report is what a bank says of a batch.
type Report struct {
	Format string
	Batch  string // the batch that it speaks of, where it names it
	// Status is of the batch as a whole, Unknown where the bank says nothing
	// final. It speaks for an item only where Items does not name that item.
	Status bankfiles.ResultStatus
	Code   string // of the batch, as the bank wrote it
	Items  []bankfiles.ResultItem
}

// check refuses a batch that no bank would take.
func (b *Batch) check() (total money.Amount, err error) {
	for _, t := range []struct{ field, value string }{
		{"batch", b.ID}, {"payer.name", b.Payer.Name}, {"payer.account", b.Payer.Account}} {
		if f := checkText(t.field, t.value, true); f != nil {
			return 0, f
		}
	}
	switch {
	case b.Date.IsZero() || b.Created.IsZero():
		return 0, fault.Invalid("instruct.missing").On("date", "")
	case len(b.Items) == 0 || len(b.Items) > maxItems:
		return 0, fault.Invalid("instruct.items", maxItems).On("items", strconv.Itoa(len(b.Items)))
	}
	seen := map[string]int{}
	for i := range b.Items {
		it := &b.Items[i]
		if f := checkItem(it, i+1, seen); f != nil {
			return 0, f.AtLine(i + 1)
		}
		seen[it.Serial] = i + 1
		if total, err = total.Add(it.Amount); err != nil {
			return 0, fault.Invalid("instruct.amount").AtLine(i+1).On("amount", it.Amount.String())
		}
	}
	return total, nil
}

func checkItem(it *bankfiles.PayoutItem, seq int, seen map[string]int) *fault.Fault {
	for _, t := range []struct {
		field, value string
		required     bool
	}{{"serial", it.Serial, true}, {"account", it.Account, true}, {"name", it.Name, true}, {"cnaps", it.CNAPS, false},
		{"super_bank_no", it.SuperBankNo, false}, {"purpose", it.Purpose, false}, {"attach", it.Attach, false}, {"member", it.Member, false}} {
		if f := checkText(t.field, t.value, t.required); f != nil {
			return f
		}
	}
	switch {
	case it.Seq != seq:
		return fault.Invalid("instruct.sequence", seq).On("seq", strconv.Itoa(it.Seq))
	case seen[it.Serial] > 0:
		return fault.Invalid("instruct.twice", seen[it.Serial]).On("serial", it.Serial)
	case it.Amount <= 0:
		return fault.Invalid("instruct.amount").On("amount", it.Amount.String())
	}
	return nil
}

// maxText of a field, in bytes: 256 characters of 4.
const maxText = 1024

func checkText(field, s string, required bool) *fault.Fault {
	switch {
	case s == "" && required:
		return fault.Invalid("instruct.missing").On(field, "")
	case len(s) > maxText || !utf8.ValidString(s):
		return fault.Invalid("instruct.text").On(field, s)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7F || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return fault.Invalid("instruct.text").On(field, s)
		}
	}
	return nil
}

// longer refuses a text of more characters than the field takes. It is never
// cut: a name that is cut is another name.
func longer(field, s string, most int) *fault.Fault {
	if n := utf8.RuneCountInString(s); n > most {
		return fault.Invalid("instruct.long", n, most).On(field, s)
	}
	return nil
}

// writeGBK writes a text in GBK, whole or not at all.
func writeGBK(w io.Writer, text string) error {
	coded, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		bad := ""
		for _, r := range text {
			if _, err := simplifiedchinese.GBK.NewEncoder().String(string(r)); err != nil {
				bad = string(r)
				break
			}
		}
		return fault.Invalid("bill.gbk").On("", bad).Because(err)
	}
	_, err = io.WriteString(w, coded)
	return err
}

// add keeps an item of a report. Two words about one instruction are refused:
// which of them holds must not depend on their order.
func (r *Report) add(name string, it bankfiles.ResultItem, seen map[string]int) error {
	key := it.Serial
	if key == "" {
		return fault.Invalid("instruct.missing").In(name).AtLine(it.Line).On("serial", "")
	}
	if first, twice := seen[key]; twice {
		return fault.Invalid("instruct.twice", first).In(name).AtLine(it.Line).On("serial", key)
	}
	if len(r.Items) == maxItems {
		return fault.Invalid("instruct.items", maxItems).In(name)
	}
	seen[key] = it.Line
	r.Items = append(r.Items, it)
	return nil
}

// stamp reads a bank's time of 14 digits; anything else is the zero time, for
// a time decides nothing here.
func stamp(s string) time.Time {
	t, err := time.ParseInLocation("20060102150405", s, bizdate.Zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// yuan reads an amount in yuan that must be whole fen; empty is zero.
func yuan(name string, line int, field, s string) (money.Amount, error) {
	if s == "" {
		return 0, nil
	}
	a, err := money.ParseYuan(s)
	if err != nil || a < 0 {
		return 0, fault.Invalid("instruct.amount").In(name).AtLine(line).On(field, s)
	}
	return a, nil
}
