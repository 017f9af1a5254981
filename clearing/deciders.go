package clearing

import (
	"context"

	"custody/clearing/approval"
	"custody/internal/store"
)

// decider does what was approved, or undoes what a rejection leaves behind. It
// works in the transaction of the decision and notes what it posted in d.
type decider func(w *Work, ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error

// deciders tells for each kind of approval what its decision does.
func deciders() map[string]decider {
	all := map[string]decider{
		"batch":        (*Work).decideBatch,
		authorise:      (*Work).decideAuthorisation,
		"binding":      (*Work).decideBinding,
		"exception":    (*Work).decideException,
		kindRule:       (*Work).decideRule,
		headOfficeKind: (*Work).decideHeadOffice,
		"match-undo":   (*Work).decideUndoTrade,
		"reopen":       (*Work).decideReopen,
		"waiver":       (*Work).decideWaiver,
		accountChange:  (*Work).decideAccount,
		escrowVerdict:  (*Work).decideEscrow,
		userChange:     (*Work).decideUser,
	}
	all[parameterChange] = (*Work).decideParameter
	all[orderKeyKind] = (*Work).decideOrderKey
	all[signedOrderKind] = (*Work).decideSignedOrder
	all[openingKind] = (*Work).decideOpening
	for event, kind := range actionTable() {
		if !kind.alone {
			all[event] = (*Work).decideAction
		}
	}
	return all
}
