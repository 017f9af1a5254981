package store

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// Prepared is a statement that one transaction runs row by row. It is the plain
// way of writing rows, and what [Bulk] is measured against.
type Prepared struct {
	tx    *Tx
	inner *sqlx.Stmt
}

// Prepare prepares a statement with ? placeholders. It ends with the transaction.
func (tx *Tx) Prepare(ctx context.Context, query string) (*Prepared, error) {
	inner, err := tx.inner.PreparexContext(ctx, tx.inner.Rebind(query))
	if err != nil {
		return nil, err
	}
	return &Prepared{tx, inner}, nil
}

// Exec runs the statement once.
func (p *Prepared) Exec(ctx context.Context, args ...any) error {
	p.tx.db.counters.statements.Add(1)
	p.tx.db.counters.rows.Add(1)
	_, err := p.inner.ExecContext(ctx, numbers(args)...)
	return err
}
