package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/store"
)

// finding is one thing that the doctor looked at.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Value string `json:"value"`
}

// newDoctorCmd looks whether the home can work: versions, folders, keys.
func newDoctorCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: a.t("cli.doctor.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list := []finding{{a.t("cli.doctor.version"), true, version()}, a.database(ctx, e)}
			for _, name := range []string{"inbox", "outbox", "vault", "reports", "seals", "keys"} {
				list = append(list, finding{a.t("cli.doctor.writable", name), writable(filepath.Join(e.Home, name)), filepath.Join(e.Home, name)})
			}
			list = append(list, a.keyRights(e.Home)...)
			ok := true
			for _, f := range list {
				ok = ok && f.OK
			}
			err := a.answer(map[string]any{"ok": ok, "findings": list}, func() {
				g := a.grid(a.t("cli.col.check"), a.t("cli.col.state"), a.t("cli.col.value"))
				for _, f := range list {
					state := a.t("cli.yes")
					if !f.OK {
						state = a.t("cli.no")
					}
					g.row(f.Check, state, f.Value)
				}
				g.print()
			})
			if err == nil && !ok {
				return &reported{int(fault.Bad)}
			}
			return err
		})}
}

// database reads the engine's version.
func (a *app) database(ctx context.Context, e *clearing.Engine) finding {
	var value string
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		query := "SELECT 'SQLite ' || sqlite_version()"
		if e.DB.Engine() == "postgres" {
			query = "SELECT version()"
		}
		return tx.Get(ctx, &value, query)
	})
	if err != nil {
		value = err.Error()
	}
	return finding{a.t("cli.doctor.database"), err == nil, value}
}

// writable tries it: rights, a full disk and a read-only mount look alike.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return false
	}
	closed := f.Close()
	return os.Remove(f.Name()) == nil && closed == nil
}

// keyRights: nobody but the owner may read a key.
func (a *app) keyRights(home string) (list []finding) {
	entries, err := os.ReadDir(filepath.Join(home, "keys"))
	if err != nil {
		return []finding{{a.t("cli.doctor.keys"), false, err.Error()}}
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || filepath.Ext(entry.Name()) == ".pub" {
			continue
		}
		rights := info.Mode().Perm()
		list = append(list, finding{a.t("cli.doctor.key", entry.Name()), rights&fs.FileMode(0o077) == 0, rights.String()})
	}
	return list
}
