package store

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"custody/internal/fault"
)

//go:embed migrations
var migrations embed.FS

// dialects of goose by our engines.
var dialects = map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}

// migrate brings the tables to the present version. Each migration is its own
// transaction, so an interrupted one is simply run again; of several processes
// on one server one migrates and the others wait.
func migrate(ctx context.Context, db *DB) error {
	folder, err := fs.Sub(migrations, "migrations/"+db.engine.name())
	if err != nil {
		return err
	}
	var options []goose.ProviderOption
	if db.path == "" {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialects[db.engine.name()], db.write.DB, folder, options...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fault.Broken("store.migrate").Because(err)
	}
	if db.path != "" {
		return db.suppose(ctx)
	}
	return nil
}
