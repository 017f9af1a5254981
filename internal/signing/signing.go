// Package signing keeps the keys that sign a day's seal and every document
// that a stranger may want to verify without the database.
//
// A key is a PEM file (PKCS#8) in the home's keys/ directory that only its
// owner may read; it is made at first use. Messages are signed whole: what is
// signed must itself say what it is, so that a signature on one kind of
// document never fits another.
//
//	key, err := signing.LoadOrCreate(home+"/keys", "seal", clock.Rand())
//	s := key.Signature(seal)        // goes beside the seal
//	err = s.Verify(key.Public(), seal)
//
// The one algorithm is Ed25519 (RFC 8032). The algorithm is named in the key
// file and in every [Signature], so that another (SM2) can stand beside it.
package signing

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"path/filepath"
	"strings"

	"custody/internal/fault"
)

// Algorithm names how a signature is made.
type Algorithm string

// Ed25519 is the only algorithm so far.
const Ed25519 Algorithm = "Ed25519"

// Types of the PEM blocks, as openssl writes them.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// Key signs. The zero Key is unusable.
type Key struct {
	private ed25519.PrivateKey
}

// LoadOrCreate returns the key in dir/name.pem. Where there is none it makes
// one from random and, if need be, the directory; of several processes that do
// so at once all get the same key. Errors: signing.exposed where the file can
// be read by others, signing.key where it is not an Ed25519 key,
// signing.random, signing.file.
func LoadOrCreate(dir, name string, random io.Reader) (Key, error) {
	path := filepath.Join(dir, name+".pem")
	raw, err := loadOrCreate(path, func() ([]byte, error) {
		seed, err := draw(random, ed25519.SeedSize)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
		return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), err
	})
	if err != nil {
		return Key{}, err
	}
	return parseKey(path, raw)
}

// Load is [LoadOrCreate] for a key that must exist: where it does not the
// error is signing.file and [fs.ErrNotExist].
func Load(dir, name string) (Key, error) {
	path := filepath.Join(dir, name+".pem")
	raw, err := readPrivate(path)
	if err != nil {
		return Key{}, err
	}
	return parseKey(path, raw)
}

func parseKey(path string, raw []byte) (Key, error) {
	bad := fault.Broken("signing.key").In(filepath.Base(path))
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != privateBlock {
		return Key{}, bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, bad.Because(err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, bad
	}
	return Key{private}, nil
}

// Sign returns the signature of the whole message, 64 bytes. The same message
// always gives the same signature.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// Signature returns the signature with the names of its algorithm and key.
func (k Key) Signature(message []byte) Signature {
	return Signature{Algorithm: Ed25519, KeyID: k.Public().ID(), Value: k.Sign(message)}
}

// Public returns the half of the key that verifies.
func (k Key) Public() Public {
	return Public{k.private.Public().(ed25519.PublicKey)}
}

// Public verifies what its [Key] signed. The zero Public verifies nothing.
type Public struct {
	key ed25519.PublicKey
}

// ParsePublic reads what [Public.PEM] wrote. It returns signing.public for
// anything but one Ed25519 key.
func ParsePublic(raw []byte) (Public, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != publicBlock {
		return Public{}, fault.Invalid("signing.public")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, fault.Invalid("signing.public").Because(err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return Public{}, fault.Invalid("signing.public")
	}
	return Public{key}, nil
}

// ID names the key in seals and documents: the first 16 hex digits of the
// SHA-256 of its 32 bytes. It tells keys apart; it does not replace the key.
func (p Public) ID() string {
	sum := sha256.Sum256(p.key)
	return hex.EncodeToString(sum[:8])
}

// Algorithm returns the algorithm of the key.
func (p Public) Algorithm() Algorithm { return Ed25519 }

// PEM returns the key as a file for those who verify (PKIX, RFC 8410).
func (p Public) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}), err
}

// Signature is a signature as it stands beside a seal or in a document.
type Signature struct {
	Algorithm Algorithm `json:"algorithm"`
	KeyID     string    `json:"key_id"`
	Value     []byte    `json:"signature"` // base64 in JSON
}

// Verify checks the signature over message. It returns signing.otherkey where
// another key or algorithm made it and signing.signature where message or
// signature were changed.
func (s Signature) Verify(pub Public, message []byte) error {
	if s.Algorithm != pub.Algorithm() || s.KeyID != pub.ID() {
		return fault.Broken("signing.otherkey", string(s.Algorithm), s.KeyID, string(pub.Algorithm()), pub.ID())
	}
	return Verify(pub, message, s.Value)
}

// Verify checks the bytes of [Key.Sign]. It returns signing.signature where
// they are not the signature of message under pub.
func Verify(pub Public, message, signature []byte) error {
	if len(pub.key) != ed25519.PublicKeySize || !ed25519.Verify(pub.key, message, signature) {
		return fault.Broken("signing.signature", pub.ID())
	}
	return nil
}

// LoadOrCreateSecret returns the n bytes kept as hex in the file at path, such
// as the salt of the voucher log; where there is none it draws them from
// random. Errors are those of [LoadOrCreate], and signing.secret where the
// file does not hold n bytes.
func LoadOrCreateSecret(path string, n int, random io.Reader) ([]byte, error) {
	raw, err := loadOrCreate(path, func() ([]byte, error) {
		secret, err := draw(random, n)
		return append(hex.AppendEncode(nil, secret), '\n'), err
	})
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSuffix(string(raw), "\n"))
	if err != nil || len(secret) != n {
		return nil, fault.Broken("signing.secret", n).In(filepath.Base(path))
	}
	return secret, nil
}

// draw reads n random bytes.
func draw(random io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, &fault.Fault{Kind: fault.Internal, Code: "signing.random", Cause: err}
	}
	return b, nil
}
