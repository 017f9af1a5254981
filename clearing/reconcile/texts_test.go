package reconcile_test

import (
	"testing"

	"custody/clearing/reconcile"
	"custody/internal/lang"
)

// What a person reads of a match, a difference or an arrival has a sentence.
func TestEveryWordHasASentence(t *testing.T) {
	var codes []string
	for _, k := range []reconcile.DifferenceKind{
		reconcile.BankMiss, reconcile.PlatformMiss, reconcile.RefundMiss, reconcile.AmountDiffers, reconcile.NumberDiffers,
		reconcile.Direction, reconcile.DuplicateOurs, reconcile.DuplicateTheirs, reconcile.FeeDiffers,
	} {
		codes = append(codes, "difference."+string(k))
	}
	for _, r := range []reconcile.Rule{reconcile.ByOrderNo, reconcile.ByRefundNo, reconcile.ByAmountDay} {
		codes = append(codes, "match."+r.String())
	}
	for _, c := range []reconcile.Criterion{
		reconcile.OnKind, reconcile.OnOrderNo, reconcile.OnRefundNo, reconcile.OnAmount, reconcile.OnFee, reconcile.OnCount, reconcile.OnPartner,
	} {
		codes = append(codes, "criterion."+string(c))
	}
	for s := reconcile.ByInstruction; s.String() != ""; s++ {
		codes = append(codes, "match."+s.String())
	}
	for _, c := range []reconcile.Criterion{
		reconcile.OnAccount, reconcile.OnInstruction, reconcile.OnBatch, reconcile.OnBankRef, reconcile.OnOwnRef, reconcile.OnParty, reconcile.OnBooked,
	} {
		codes = append(codes, "criterion."+string(c))
	}
	for _, p := range []reconcile.Proof{reconcile.ByRemarkDate, reconcile.ByAmount, reconcile.BySum, reconcile.NothingDue} {
		codes = append(codes, "arrival."+string(p))
	}
	for _, r := range []reconcile.Reason{reconcile.NotArrived, reconcile.AmountUnequal, reconcile.Ambiguous} {
		codes = append(codes, "arrival."+string(r))
	}
	for _, code := range codes {
		if !lang.Has(code) {
			t.Errorf("%s has no sentence", code)
		}
	}
}
