package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/emmansun/gmsm/sm3"

	"custody/internal/fault"
)

// SignatureSuffix is what the name of a detached signature adds to its file's.
const SignatureSuffix = ".sig"

// DetachedMax bounds the file of a detached signature, in bytes: one line of
// JSON with names, a digest of 64 digits and a signature of 100 characters takes
// under 400; the rest is for other people's white space.
const DetachedMax = 4 << 10

// Digests by algorithm: the one that its users expect.
const (
	digestSHA256 = "SHA-256"
	digestSM3    = "SM3"
)

// Detached is a signature that lies beside its file (分离签名), as JSON. The
// signature is over exactly the bytes of the file, so that any tool that knows
// the algorithm can verify it; the digest is for people who compare.
type Detached struct {
	DigestAlgorithm string `json:"digest_algorithm"`
	Digest          string `json:"digest"` // hex
	Signature
}

// Detach signs the bytes of a file.
func (k Key) Detach(file []byte) Detached {
	s := k.Signature(file)
	name, digest := digestOf(s.Algorithm, file)
	return Detached{DigestAlgorithm: name, Digest: digest, Signature: s}
}

// Encode returns the file of the signature, one line of JSON.
func (d Detached) Encode() ([]byte, error) {
	raw, err := json.Marshal(d)
	return append(raw, '\n'), err
}

// ParseDetached reads what [Detached.Encode] wrote; anything else, also a known
// layout with something added, is signing.detached.
func ParseDetached(raw []byte) (d Detached, err error) {
	if len(raw) > DetachedMax {
		return d, fault.Invalid("signing.detached")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fault.Invalid("signing.detached").Because(err)
	}
	if len(bytes.TrimSpace(raw[decoder.InputOffset():])) > 0 || d.KeyID == "" || len(d.Value) == 0 {
		return d, fault.Invalid("signing.detached")
	}
	return d, nil
}

// VerifyFile checks the signature of a file's bytes, and then that the digest
// is theirs. Errors are those of [Signature.Verify], and signing.digest.
func (d Detached) VerifyFile(pub Public, file []byte) error {
	if err := d.Verify(pub, file); err != nil {
		return err
	}
	if name, digest := digestOf(d.Algorithm, file); d.DigestAlgorithm != name || d.Digest != digest {
		return fault.Broken("signing.digest", name, digest)
	}
	return nil
}

func digestOf(a Algorithm, file []byte) (name, digest string) {
	if a == SM2 {
		sum := sm3.Sum(file)
		return digestSM3, hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(file)
	return digestSHA256, hex.EncodeToString(sum[:])
}
