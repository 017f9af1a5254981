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
	logical  int // records, each with its 88 as one
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
	s.logical += part.logical
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
	r.group.logical++
	r.compare("98", f, r.group, true)
	r.file.include(r.group)
	r.group, r.account = sums{}, sums{}
}

// endFile reads 99: total, groups, records.
func (r *reader) endFile(f *fields) {
	r.lostTrailer()
	r.ended = true
	r.file.records += r.pieces + 1 // the 01
	r.file.logical += 2
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
// many banks fill them so. A wrong total is a fault; a wrong count is a warning,
// because banks count continuations and trailers each in their own way, and a
// record that is missing shows in the total.
func (r *reader) compare(record string, f *fields, have sums, members bool) {
	if r.Faults() > r.wrongTotals || have.overflow {
		return
	}
	claimed, agree := false, true
	value, _ := f.next()
	if x, err := money.ParseExact(string(value), ""); err == nil && x.Units != 0 {
		claimed = true
		if a := money.Amount(x.Units); a != have.total && a != have.absolute {
			agree = false
			r.wrongTotals++
			r.bad("bai2.total", record, string(value), int64(have.total))
		}
	} else if err != nil && len(value) > 0 {
		r.warn("bai2.amount", record, r.text.String(value))
	}
	if members {
		value, _ := f.next()
		said, ok := r.count(record, value, have.members, have.members)
		claimed, agree = claimed || said, agree && ok
	}
	value, _ = f.next()
	said, ok := r.count(record, value, have.records, have.logical)
	claimed, agree = claimed || said, agree && ok
	if claimed {
		r.Totals(agree)
	}
}

// count compares one count, where the trailer has it.
func (r *reader) count(record string, value []byte, have, or int) (said, agree bool) {
	n, err := strconv.Atoi(string(value))
	if err != nil || n == 0 {
		return false, true
	}
	if n != have && n != or {
		r.Warn(fault.Invalid("bai2.count", have).AtLine(r.at).On(record, string(value)))
	}
	return true, n == have || n == or
}
