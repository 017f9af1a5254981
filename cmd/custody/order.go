package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/fault"
	"custody/internal/signing"
)

// newOrderCmd is everything about orders: payment orders that carry a signature
// (电子支付指令), and customers' orders that are split by requests (分账请求).
func newOrderCmd(a *app) *cobra.Command {
	return group("order", a.t("cli.order.short"), newOrderSignCmd(a), newOrderImportCmd(a), newOrderListCmd(a), newOrderShowCmd(a), newOrderKeyCmd(a),
		newOrderSplitCmd(a), newOrderReleaseCmd(a), newOrderReturnCmd(a), newOrderSharesCmd(a))
}

// signedMax bounds a file that is signed or verified here: a batch of 100,000
// payouts takes some 30 MiB.
const signedMax = 64 << 20

// readSigned reads a file that is signed or verified.
func readSigned(path string) ([]byte, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	case !info.Mode().IsRegular() || info.Size() > signedMax:
		return nil, fault.Invalid("file.size", info.Size(), int64(signedMax)).In(name)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	return raw, nil
}

// beside is the file of a signature where no flag names it.
func beside(file, signature string) string {
	if signature != "" {
		return signature
	}
	return file + signing.SignatureSuffix
}

// newOrderSignCmd signs a file as head office's finance system would. It needs no home.
func newOrderSignCmd(a *app) *cobra.Command {
	var key, out string
	cmd := &cobra.Command{Use: "sign FILE", Short: a.t("cli.order.sign.short"), Args: cobra.ExactArgs(1),
		RunE: a.does(func(_ context.Context, args []string) error {
			if key == "" {
				return fault.Invalid("cli.needed", "--key")
			}
			if _, err := readSigned(key); err != nil {
				return err
			}
			k, err := signing.LoadFile(key)
			if err != nil {
				return err
			}
			raw, err := readSigned(args[0])
			if err != nil {
				return err
			}
			d := k.Detach(raw)
			signature, err := d.Encode()
			if err != nil {
				return err
			}
			path := beside(args[0], out)
			if err := atomicfile.WriteFile(path, signature, 0o644); err != nil {
				return err
			}
			return a.answer(json.RawMessage(signature), func() { a.say("cli.order.sign.done", path, string(d.Algorithm), d.KeyID) })
		})}
	cmd.Flags().StringVar(&key, "key", "", a.t("cli.flag.private-key"))
	cmd.Flags().StringVar(&out, "out", "", a.t("cli.flag.signature"))
	return cmd
}

// verifyFile checks a detached signature with nothing but three files.
func (a *app) verifyFile(file, signature, key string) error {
	if key == "" {
		return fault.Invalid("cli.needed", "--key")
	}
	public, err := readSigned(key)
	if err != nil {
		return err
	}
	pub, err := signing.ParsePublic(public)
	if err != nil {
		return fault.Of(err).In(filepath.Base(key))
	}
	signed, err := readSigned(beside(file, signature))
	if err != nil {
		return err
	}
	d, err := signing.ParseDetached(signed)
	if err != nil {
		return fault.Of(err).In(filepath.Base(beside(file, signature)))
	}
	raw, err := readSigned(file)
	if err != nil {
		return err
	}
	if err := d.VerifyFile(pub, raw); err != nil {
		return fault.Of(err).In(filepath.Base(file))
	}
	answer := map[string]any{"ok": true, "file": filepath.Base(file), "algorithm": d.Algorithm, "key_id": d.KeyID, "digest": d.Digest}
	return a.answer(answer, func() { a.say("cli.verify.file", filepath.Base(file), string(d.Algorithm), d.KeyID) })
}

// newOutboxKeyCmd prints the public key for the bank.
func newOutboxKeyCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "key", Short: a.t("cli.outbox.key.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(_ context.Context, e *clearing.Engine, _ []string) error {
			key, err := e.InstructionKey()
			if err != nil {
				return err
			}
			pem, err := key.Public().PEM()
			if err != nil {
				return err
			}
			answer := map[string]any{"algorithm": key.Public().Algorithm(), "key_id": key.Public().ID(), "public_key": string(pem)}
			return a.answer(answer, func() { _, _ = a.out.Write(pem) })
		})}
}
