package store

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"

	"custody/internal/fault"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the tables to the present version. Each migration is its own
// transaction, so an interrupted one is simply run again.
func migrate(ctx context.Context, db *DB) error {
	folder, err := fs.Sub(migrations, "migrations/"+db.engine.name())
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.write.DB, folder)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fault.Broken("store.migrate").Because(err)
	}
	return nil
}
