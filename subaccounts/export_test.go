package subaccounts

import (
	"context"

	"custody/internal/store"
)

// VerifyInRanges is Verify with a small range, so that a small ledger has several.
func (b *Book) VerifyInRanges(ctx context.Context, tx *store.Tx, entryMax int) ([]Problem, Counts, error) {
	return b.verify(ctx, tx, nil, entryMax)
}
