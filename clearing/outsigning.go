package clearing

import (
	"path/filepath"
	"strings"

	"custody/internal/atomicfile"
	"custody/internal/fault"
	"custody/internal/signing"
)

// Signing is how files for the bank are signed (签名). Without it they carry no
// signature, and nothing else changes.
type Signing struct {
	Algorithm string `yaml:"algorithm"` // ed25519, the default, or sm2
}

// instructionKeyName is the file of the key in keys/. It is not the key of the
// seals: what the bank acts on and what an auditor checks are two things to lose.
const instructionKeyName = "instruction"

// algorithm is what [Config.validate] has checked; nil is the default.
func (s *Signing) algorithm() signing.Algorithm {
	if s != nil && strings.EqualFold(s.Algorithm, string(signing.SM2)) {
		return signing.SM2
	}
	return signing.Ed25519
}

func (c *Config) checkSigning(need func(ok bool, field, value string)) {
	if c.Signing == nil {
		return
	}
	known := c.Signing.Algorithm == "" || strings.EqualFold(c.Signing.Algorithm, string(c.Signing.algorithm()))
	need(known, "signing.algorithm", c.Signing.Algorithm)
}

// InstructionKey returns the key that signs files for the bank, made at first
// use. A key of another algorithm than custody.yaml asks for is signing.algorithm:
// the bank knows the old one, so it is not replaced unasked.
func (e *Engine) InstructionKey() (signing.Key, error) {
	if e.Config.Signing == nil {
		return signing.Key{}, fault.Invalid("signing.off").In("custody.yaml").On("signing", "")
	}
	want := e.Config.Signing.algorithm()
	key, err := signing.LoadOrCreateAs(filepath.Join(e.Home, "keys"), instructionKeyName, want, e.random)
	if err != nil {
		return key, err
	}
	if is := key.Public().Algorithm(); is != want {
		return key, fault.Invalid("signing.algorithm", string(is), string(want)).In(instructionKeyName + ".pem")
	}
	return key, nil
}

// writeOut writes a file for the bank, and its signature before it: whoever sees
// the file finds the signature beside it. Both algorithms sign without
// randomness, so that after a kill the same bytes are written again.
func (e *Engine) writeOut(path string, raw []byte) error {
	if e.Config.Signing == nil {
		return atomicfile.WriteFile(path, raw, 0o600)
	}
	key, err := e.InstructionKey()
	if err != nil {
		return err
	}
	signature, err := key.Detach(raw).Encode()
	if err != nil {
		return err
	}
	return firstErr(atomicfile.WriteFile(path+signing.SignatureSuffix, signature, 0o600), atomicfile.WriteFile(path, raw, 0o600))
}
