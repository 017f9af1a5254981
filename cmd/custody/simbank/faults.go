package simbank

import (
	"slices"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// The faults: what goes wrong, once each.
const (
	OwnFunds          = "own-funds"           // head office pays in on the first day
	UnknownReceipt    = "unknown-receipt"     // 不明来账: money from a stranger
	CrossMidnight     = "cross-midnight"      // ours 23:59:58, in the channel's next bill (日切差)
	ChannelLate       = "channel-late"        // a channel pays a working day late
	Refused           = "refused"             // result F, payee name differs, no debit
	LateDebit         = "late-debit"          // result S, debited after midnight
	Returned          = "returned"            // 退汇: paid, comes back the next day
	DebitedF          = "debited-f"           // result F, yet debited; 冲正 the next day
	ChannelOnly       = "channel-only"        // 长款: an order in the bill alone
	OursOnly          = "ours-only"           // 短款: an order in our file alone
	RefundAfterPayout = "refund-after-payout" // of an order whose money has left
	FeeDiff           = "fee-diff"            // the bill's fee of a row is 0.01 too high
	AmountDiff        = "amount-diff"         // the bill's amount of a row is 1.00 higher than ours
	MissingBill       = "missing-bill"        // a bill does not come; it lies in simbank/
	NoAnswer          = "no-answer"           // result U, debited in time
)

// FaultNames returns every fault that [Params] may name.
func FaultNames() []string {
	return append([]string{OwnFunds, UnknownReceipt, CrossMidnight, ChannelLate, Refused, LateDebit, Returned, DebitedF,
		ChannelOnly, OursOnly, RefundAfterPayout, FeeDiff, AmountDiff, MissingBill, NoAnswer}, badNames...)
}

// payoutFaults hit rows of a payout file; the bank plays them when it answers.
var payoutFaults = []string{Refused, LateDebit, Returned, DebitedF, NoAnswer, DebitTwice}

// orderFaults hit one order each.
var orderFaults = append([]string{CrossMidnight, ChannelOnly, OursOnly, RefundAfterPayout, FeeDiff, AmountDiff}, badOrderFaults...)

// plannedFault is a fault with its day. Channel is empty where none is meant.
type plannedFault struct {
	Name    string       `json:"name"`
	Date    bizdate.Date `json:"date"`
	Channel string       `json:"channel,omitempty"`
}

// planFaults reads the names and gives each fault its day. A default fault that
// finds no day, cross-midnight in a single day, is left out.
func planFaults(p *Params) ([]plannedFault, error) {
	names, isDefault := p.Faults, p.Faults == nil
	if isDefault {
		names = p.defaultFaults()
	}
	names, err := withBadDay(p, names)
	if err != nil {
		return nil, err
	}
	var all []plannedFault
	for _, text := range names {
		f, err := parseFault(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(o plannedFault) bool { return o.Name == f.Name }) {
			return nil, fault.Invalid("simbank.twice").On("faults", text)
		}
		days, err := suitable(p, f.Name)
		if err != nil {
			return nil, err
		}
		switch {
		case f.Date != 0 && isDefault && !slices.Contains(days, f.Date):
			continue
		case f.Date != 0 && !slices.Contains(days, f.Date):
			return nil, fault.Invalid("simbank.no_day", f.Name, p.Days).On("faults", text)
		case len(days) == 0 && isDefault:
			continue
		case len(days) == 0:
			return nil, fault.Invalid("simbank.no_day", f.Name, p.Days).On("faults", text)
		}
		r := newRNG(p.Seed, faultSalt, nameHash(f.Name))
		pick, channel := days[r.below(len(days))], channels[r.below(len(channels))].code
		if f.Date == 0 {
			f.Date = pick
		}
		if f.Channel == "" && f.Name != OwnFunds && f.Name != UnknownReceipt && !slices.Contains(payoutFaults, f.Name) && !slices.Contains(badBankFaults, f.Name) {
			f.Channel = channel
		}
		all = append(all, f)
	}
	return all, nil
}

// parseFault reads name[@date[/channel]].
func parseFault(text string) (plannedFault, error) {
	name, pin, pinned := strings.Cut(strings.TrimSpace(text), "@")
	f := plannedFault{Name: name}
	if !slices.Contains(FaultNames(), name) {
		return f, fault.Invalid("simbank.fault", strings.Join(FaultNames(), ", ")).On("faults", text)
	}
	if !pinned {
		return f, nil
	}
	day, channel, _ := strings.Cut(pin, "/")
	var err error
	if f.Date, err = bizdate.Parse(day); err != nil {
		return f, fault.Invalid("simbank.pin").On("faults", text)
	}
	if f.Channel = channel; channel != "" && channelIndex(channel) < 0 {
		return f, fault.Invalid("simbank.pin").On("faults", text)
	}
	return f, nil
}

// suitable returns the days on which a fault can be played.
func suitable(p *Params, name string) ([]bizdate.Date, error) {
	var days []bizdate.Date
	for i := range p.Days {
		d := p.From.AddDays(i)
		working, err := p.Working(d)
		if err != nil {
			return nil, err
		}
		fits := true
		switch {
		case name == OwnFunds:
			fits = i == 0
		case name == BadDay || slices.Contains(badNames, name):
			fits = p.badDays(name, i, working)
		case slices.Contains(payoutFaults, name):
			fits = i > 0 && working // the first money is released on the second day
		case name == RefundAfterPayout:
			fits = i > 0 && working && !p.closed(d.AddDays(-1)) && !p.closed(d)
		case name == CrossMidnight:
			fits = i < p.Days-1 && !p.closed(d) // the next bill must be played too
		case name != UnknownReceipt:
			fits = !p.closed(d)
		}
		if fits {
			days = append(days, d)
		}
	}
	return days, nil
}

func (p *Params) closed(d bizdate.Date) bool { return p.Orders == 0 || p.Closed != nil && p.Closed(d) }

func nameHash(name string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// mark says what is special about an order. Marked orders are never refunded
// by chance.
type mark struct {
	fault string
}

// marks are the marked orders of a day by their number.
type marks map[int]mark

// markOrders chooses the order of each order fault. The order of
// refund-after-payout is one of the day before: it was due and paid on the
// working day that the fault is dated.
func markOrders(s *source, faults []plannedFault) (map[bizdate.Date]marks, error) {
	all := map[bizdate.Date]marks{}
	for _, f := range faults {
		if !slices.Contains(orderFaults, f.Name) {
			continue
		}
		day := f.Date
		if f.Name == RefundAfterPayout {
			day = day.AddDays(-1)
		}
		if all[day] == nil {
			all[day] = marks{}
		}
		i := s.pickOrder(day, f, all[day])
		if i < 0 {
			return nil, fault.Invalid("simbank.no_order", f.Name, s.orders).On("faults", f.Name)
		}
		all[day][i] = mark{f.Name}
	}
	return all, nil
}

// pickOrder returns the number of a fitting order of the day that is not marked
// yet, or -1. The order before midnight is among the last ones; it is moved there.
func (s *source) pickOrder(day bizdate.Date, f plannedFault, taken marks) int {
	r := newRNG(s.seed, faultSalt^uint64(day), nameHash(f.Name))
	start := r.below(s.orders)
	if f.Name == CrossMidnight {
		start = s.orders - 1
	}
	for k := range s.orders {
		i := (start + k) % s.orders
		if f.Name == CrossMidnight {
			i = start - k
		}
		o := s.order(day, i)
		_, marked := taken[i]
		if !marked && channels[o.channel].code == f.Channel && o.fen >= 50_00 && o.fen <= 500_00 {
			return i
		}
	}
	return -1
}
