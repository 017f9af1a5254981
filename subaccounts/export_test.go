package subaccounts

import (
	"context"

	"custody/internal/store"
)

// VerifyInRanges is Verify with a small range, so that a small ledger has several.
func (b *Book) VerifyInRanges(ctx context.Context, tx *store.Tx, entryMax int) ([]Problem, Counts, error) {
	return b.verify(ctx, tx, nil, entryMax)
}

// PointQueries are the queries that must go by a key, with how many arguments they take.
var PointQueries = map[string]struct {
	Query string
	Args  int
}{
	"span": {spanQuery, 3}, "dates": {datesQuery, 4}, "seq": {seqQuery, 3}, "statement": {statementQuery, 3}, "as-of": {asOfQuery, 3},
}
