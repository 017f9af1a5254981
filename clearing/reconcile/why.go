package reconcile

// Why says of one line of each side, by the rules of [Trades], by which rule
// they are the same event; or, where rule is zero, the first criterion in which
// they differ, with both values.
func Why(ours, theirs Trade) (rule Rule, failed Criterion, oursValue, theirsValue string) {
	matches, differences := Trades(Input{Ours: []Trade{ours}, Theirs: []Trade{theirs}}, nil)
	if len(matches) > 0 {
		return matches[0].Rule, "", "", ""
	}
	for _, d := range differences {
		if d.Failed != "" {
			return 0, d.Failed, d.OursValue, d.TheirsValue
		}
	}
	// Nothing was near: not even the amount is the same.
	switch {
	case ours.Kind != theirs.Kind:
		return 0, OnKind, ours.Kind.String(), theirs.Kind.String()
	case ours.OrderNo != theirs.OrderNo:
		return 0, OnOrderNo, ours.OrderNo, theirs.OrderNo
	case ours.RefundNo != theirs.RefundNo:
		return 0, OnRefundNo, ours.RefundNo, theirs.RefundNo
	}
	return 0, OnAmount, ours.Amount.String(), theirs.Amount.String()
}
