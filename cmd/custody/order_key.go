package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/signing"
)

// newOrderKeyCmd is the keys that may sign payment orders.
func newOrderKeyCmd(a *app) *cobra.Command {
	return group("key", a.t("cli.order.key.short"), newOrderKeyNewCmd(a), newOrderKeyAddCmd(a), newOrderKeyListCmd(a), newOrderKeyRevokeCmd(a))
}

// newOrderKeyNewCmd makes a pair of key files for whoever is going to sign. It
// needs no home, and replaces nothing.
func newOrderKeyNewCmd(a *app) *cobra.Command {
	var algorithm string
	cmd := &cobra.Command{Use: "new FILE", Short: a.t("cli.order.key.new.short"), Args: cobra.ExactArgs(1),
		RunE: a.does(func(_ context.Context, args []string) error {
			base := strings.TrimSuffix(args[0], ".pem")
			kind := signing.Ed25519
			switch {
			case strings.EqualFold(algorithm, string(signing.SM2)):
				kind = signing.SM2
			case !strings.EqualFold(algorithm, string(signing.Ed25519)):
				return fault.Invalid("signedorder.key-algorithm").On("--algorithm", algorithm)
			}
			private, public := base+".pem", base+".pub.pem"
			for _, path := range []string{private, public} {
				if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
					return fault.Invalid("signedorder.key-there", path).On("FILE", args[0])
				}
			}
			key, err := signing.LoadOrCreateAs(filepath.Dir(base), filepath.Base(base), kind, clock.Rand())
			if err != nil {
				return err
			}
			pem, err := key.Public().PEM()
			if err != nil {
				return err
			}
			if err := atomicfile.Create(public, pem, 0o644); err != nil {
				return err
			}
			answer := map[string]any{"key_id": key.Public().ID(), "algorithm": kind, "private": private, "public": public}
			return a.answer(answer, func() { a.say("cli.order.key.new.done", key.Public().ID(), string(kind), private, public) })
		})}
	cmd.Flags().StringVar(&algorithm, "algorithm", "ed25519", a.t("cli.flag.algorithm"))
	return cmd
}

func newOrderKeyAddCmd(a *app) *cobra.Command {
	var owner string
	cmd := &cobra.Command{Use: "add NAME FILE", Short: a.t("cli.order.key.add.short"), Args: cobra.ExactArgs(2),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			if owner == "" {
				return fault.Invalid("cli.needed", "--owner")
			}
			raw, err := readSigned(args[1])
			if err != nil {
				return err
			}
			id, k, err := e.AddOrderKey(ctx, actor, args[0], owner, raw)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"approval": id, "key": k}, func() { a.say("cli.order.key.add.done", k.ID, k.Algorithm, k.Owner, id) })
		})}
	cmd.Flags().StringVar(&owner, "owner", "", a.t("cli.flag.key-owner"))
	return cmd
}

func newOrderKeyListCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "list", Short: a.t("cli.order.key.list.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error {
			list, err := e.OrderKeys(ctx)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"keys": list}, func() {
				g := a.grid(a.t("cli.col.name"), a.t("cli.col.member"), a.t("cli.col.key"), a.t("cli.col.algorithm"), a.t("cli.col.state"), a.t("cli.col.reason"))
				for _, k := range list {
					g.row(k.Name, k.Owner, k.ID, k.Algorithm, a.named("order_key", string(k.State)), k.Reason)
				}
				g.print()
			})
		})}
}

func newOrderKeyRevokeCmd(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: "revoke NAME", Short: a.t("cli.order.key.revoke.short"), Args: cobra.ExactArgs(1),
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, args []string) error {
			actor, err := a.maker(ctx, e)
			if err != nil {
				return err
			}
			k, err := e.RevokeOrderKey(ctx, actor, args[0], reason)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"key": k}, func() { a.say("cli.order.key.revoke.done", k.Name, k.Owner) })
		})}
	cmd.Flags().StringVar(&reason, "reason", "", a.t("cli.flag.reason"))
	return cmd
}
