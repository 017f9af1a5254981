package bai2

import (
	"strconv"

	"custody/internal/fault"
	"custody/internal/money"
)

// sums are what the trailer of an account, a group or a file repeats. Amounts
// are added as they stand in their fields, whatever the currency.
type sums struct {
	total    money.Amount // minor units, with the signs of the fields
	absolute money.Amount // without them, as some banks add
	overflow bool
	members  int // accounts of a group, groups of a file
	records  int
}

func (s *sums) add(x money.Exact) {
	a := money.Amount(x.Units)
	s.plus(a, a.Abs())
}

func (s *sums) plus(total, absolute money.Amount) {
	a, err := s.total.Add(total)
	b, err2 := s.absolute.Add(absolute)
	s.total, s.absolute = a, b
	s.overflow = s.overflow || err != nil || err2 != nil
}

// include adds a part to its whole.
func (s *sums) include(part sums) {
	s.plus(part.total, part.absolute)
	s.overflow = s.overflow || part.overflow
	s.members++
	s.records += part.records
}

// endAccount reads 49: total, records.
func (r *reader) endAccount(f *fields) {
	if r.Statement() == nil {
		r.warn("bai2.record", "49", r.text.String(r.record))
		return
	}
	r.compare("49", f, r.account, false)
	if r.entries == 0 && r.claimsMoney {
		r.warn("bai2.summary", "03", "")
		r.Partial()
	}
	r.End()
	r.group.include(r.account)
	r.account = sums{}
}

// endGroup reads 98: total, accounts, records.
func (r *reader) endGroup(f *fields) {
	r.lostTrailer()
	r.group.records += r.pieces
	r.compare("98", f, r.group, true)
	r.file.include(r.group)
	r.group, r.account = sums{}, sums{}
}

// endFile reads 99: total, groups, records.
func (r *reader) endFile(f *fields) {
	r.lostTrailer()
	r.ended = true
	r.file.records += r.pieces + 1 // the 01
	r.compare("99", f, r.file, true)
	r.file, r.account = sums{}, sums{}
}

// lostTrailer ends an account whose 49 is missing.
func (r *reader) lostTrailer() {
	if r.Statement() != nil {
		r.warn("bai2.trailer", "49", "")
		r.End()
		r.group.include(r.account)
		r.account = sums{}
	}
}

// compare holds a trailer to what was read. Blank and zero fields say nothing:
// many banks fill them so.
func (r *reader) compare(record string, f *fields, have sums, members bool) {
	if r.Faults() > 0 || have.overflow {
		return
	}
	claimed, agree := false, true
	value, _ := f.next()
	if x, err := money.ParseExact(string(value), ""); err == nil && x.Units != 0 {
		claimed = true
		if a := money.Amount(x.Units); a != have.total && a != have.absolute {
			agree = false
			r.warn("bai2.total", record, string(value), int64(have.total))
		}
	} else if err != nil && len(value) > 0 {
		r.warn("bai2.amount", record, r.text.String(value))
	}
	counts := []int{have.members, have.records}
	if !members {
		counts = counts[1:]
	}
	for _, n := range counts {
		value, _ := f.next()
		if claim, err := strconv.Atoi(string(value)); err == nil && claim != 0 {
			claimed = true
			if claim != n {
				agree = false
				r.Warn(fault.Invalid("bai2.count", n).AtLine(r.at).On(record, string(value)))
			}
		}
	}
	if claimed {
		r.Totals(agree)
	}
}
