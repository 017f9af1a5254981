package simbank

// SplitOrder and SplitRefund give the shares as franchisee, partner, head office, fee.
func SplitOrder(fen int64) [4]int64 { return standardContract.split(fen, feeOf(fen)).list() }

func SplitRefund(orderFen, fen int64) [4]int64 {
	return standardContract.splitRefund(orderFen, fen).list()
}

func (s shares) list() [4]int64 { return [4]int64{s.member, s.partner, s.headOffice, s.fee} }

// Refunds draws the days without writing them and returns, for every refunded
// order, how often it is refunded and whether a fault other than the one that
// refunds it has been put on it.
func Refunds(p Params) (times map[string]int, marked map[string]bool, err error) {
	g, err := newGenerator(p)
	if err != nil {
		return nil, nil, err
	}
	times, marked = map[string]int{}, map[string]bool{}
	for i := range p.Days {
		for _, f := range g.newDay(p.From.AddDays(i)).refunds {
			no := orderNo(f.day, &f.order)
			times[no]++
			if m, ok := g.marks[f.day][f.i]; ok && m.fault != RefundAfterPayout {
				marked[no] = true
			}
		}
	}
	return times, marked, nil
}

// BadNames are the faults that only a bad day has.
var BadNames = badNames
