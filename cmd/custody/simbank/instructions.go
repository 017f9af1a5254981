package simbank

import (
	"path/filepath"
	"slices"
	"time"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// holding is money in the account that belongs to no sub-account yet: an
// unidentified receipt, or a payout that came back.
type holding struct {
	Ref    string `json:"ref"` // the bank's reference of the receipt, or the serial of the payout
	Member string `json:"member,omitempty"`
	Fen    int64  `json:"fen"` // of a returned payout with its fee, which is given back
}

// adoption is an order that only the channel knew until head office said whose
// it is. The bank splits it with the night of the instruction.
type adoption struct {
	Order      string       `json:"order"`
	Release    bizdate.Date `json:"release"`
	Member     int          `json:"member"` // places among the codes
	Partner    int          `json:"partner"`
	MemberFen  int64        `json:"member_fen"`
	PartnerFen int64        `json:"partner_fen"`
	RegionFen  int64        `json:"region_fen,omitempty"`
}

func readInstructions(dir string, date bizdate.Date) ([]*bankfiles.InstructionFile, error) {
	return readOutbox(filepath.Join(dir, outboxDir), "SI*.txt", "INSTRUCT", date, payfile.ReadInstruct)
}

// hold keeps what the day's lines brought for nobody.
func (b *bank) hold() {
	for _, l := range b.lines {
		switch {
		case l.Code == receiptCode && l.Account != corporateAccount:
			b.after.Held = append(b.after.Held, holding{Ref: l.Ref, Fen: l.Fen})
		case l.Code == returnCode:
			b.after.Held = append(b.after.Held, holding{Ref: l.Serial, Member: l.Member, Fen: l.Fen + payoutFeeFen})
		}
	}
}

// follow carries out the instructions of the day. The bank looks for itself:
// what it does not hold, or knows otherwise, it refuses.
func (b *bank) follow(files []*bankfiles.InstructionFile) error {
	for _, f := range files {
		for i := range f.Items {
			it := &f.Items[i]
			m := b.member(it.Member)
			bad := ""
			switch {
			case m < 0:
				bad = "simbank.member"
			case !b.carryOut(it, m):
				bad = "simbank.instruction"
			default:
				continue
			}
			return fault.Invalid(bad).In(f.No+".txt").AtLine(it.Seq+1).On("reference", it.Reference)
		}
	}
	return nil
}

// carryOut does what one row says; it reports whether that could be done.
func (b *bank) carryOut(it *bankfiles.InstructionItem, m int) bool {
	switch it.Kind {
	case bankfiles.InstructAdopt:
		return b.adopt(it, m)
	case bankfiles.InstructClaim, bankfiles.InstructReturn:
		return b.credit(it, m)
	}
	return b.change(it, m)
}

// change moves what a member has, as head office decided. The bank lets no
// frozen money go that it does not hold frozen.
func (b *bank) change(it *bankfiles.InstructionItem, m int) bool {
	available, frozen := int64(0), int64(0)
	switch fen := int64(it.Amount); it.Kind {
	case bankfiles.InstructCredit:
		available = fen
	case bankfiles.InstructDebit:
		available = -fen
	case bankfiles.InstructFreeze:
		available, frozen = -fen, fen
	case bankfiles.InstructThaw:
		available, frozen = fen, -fen
	case bankfiles.InstructDeduct:
		frozen = -fen
	}
	b.after.Available[m] += available
	if frozen == 0 {
		return true
	}
	if b.after.Frozen == nil {
		b.after.Frozen = map[string]int64{}
	}
	b.after.Frozen[it.Member] += frozen
	return b.after.Frozen[it.Member] >= 0
}

// credit gives a member what the bank held: a receipt that was claimed, or his
// own payout that came back. It reports whether the bank holds just that.
func (b *bank) credit(it *bankfiles.InstructionItem, m int) bool {
	owner := ""
	if it.Kind == bankfiles.InstructReturn {
		owner = it.Member
	}
	i := slices.Index(b.after.Held, holding{Ref: it.Reference, Member: owner, Fen: int64(it.Amount)})
	if i < 0 {
		return false
	}
	b.after.Held = slices.Delete(b.after.Held, i, i+1)
	b.after.Available[m] += int64(it.Amount)
	return true
}

// adopt splits an order that only the channel knew for the franchisee it now
// belongs to. It reports whether there is such an order, for the first time.
func (b *bank) adopt(it *bankfiles.InstructionItem, m int) bool {
	again := slices.ContainsFunc(b.after.Adopted, func(a adoption) bool { return a.Order == it.OrderNo })
	if again || m >= b.plan.Members || it.ClearingDate > b.date || !b.plan.channelOnly(it) && !b.plan.adoptable(it) {
		return false
	}
	of := source{renewed: b.plan.Renewed}
	s := of.contractOf(it.ClearingDate).split(int64(it.Amount), feeOf(int64(it.Amount)))
	a := adoption{Order: it.OrderNo, Release: b.plan.releaseAfter(b.date, it.Channel, it.ClearingDate), Member: m,
		Partner: b.plan.Members + m%b.plan.Partners, MemberFen: s.member, PartnerFen: s.partner, RegionFen: s.region}
	b.after.Adopted = append(b.after.Adopted, a)
	b.after.Available[a.Member] += a.MemberFen
	b.after.Available[a.Partner] += a.PartnerFen
	if a.RegionFen != 0 {
		b.after.Available[b.plan.Members+b.plan.Partners] += a.RegionFen
	}
	return true
}

// channelOnly reports whether the instruction names, to the fen, the order that
// the simulation left out of head office's files or of which the bill says something else.
func (p *plan) channelOnly(it *bankfiles.InstructionItem) bool {
	s := source{seed: p.Seed, orders: p.Orders, members: p.Members, partners: p.Partners, from: p.From, renewed: p.Renewed}
	all, err := markOrders(&s, p.Faults)
	if err != nil {
		return false // the plan was made from the same faults, so this is another plan
	}
	for i, m := range all[it.ClearingDate] {
		o := s.order(it.ClearingDate, i)
		fen, open := m.billed(o.fen)
		if open && orderNo(it.ClearingDate, &o) == it.OrderNo && channels[o.channel].code == it.Channel && fen == int64(it.Amount) {
			return true
		}
	}
	return false
}

// releaseAfter returns when what is split with the night of date can be
// withdrawn: the next working day, and not before the money of its clearing date
// has come. The plan's releases are working days; behind the last of them only
// weekends are known to be none.
func (p *plan) releaseAfter(date bizdate.Date, channel string, clearing bizdate.Date) bizdate.Date {
	var next, come bizdate.Date
	for _, s := range p.Scopes {
		if s.Release > date && (next.IsZero() || s.Release < next) {
			next = s.Release
		}
		if s.Channel == channel && s.Date == clearing {
			come = s.Release
		}
	}
	if next.IsZero() {
		next = date.AddDays(1)
		for next.Weekday() == time.Saturday || next.Weekday() == time.Sunday {
			next = next.AddDays(1)
		}
	}
	return max(next, come)
}
