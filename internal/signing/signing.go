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
// The algorithm is Ed25519 (RFC 8032) unless another is asked for: SM2 with SM3
// (国密, GB/T 32918). It is named in the key file and in every [Signature]. Both
// sign without randomness: the same key and message always give the same bytes.
//
// A file for somebody else carries its signature beside it, as a [Detached].
package signing

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"custody/internal/fault"
)

// Algorithm names how a signature is made.
type Algorithm string

// The algorithms.
const (
	Ed25519 Algorithm = "Ed25519"
	SM2     Algorithm = "SM2" // with SM3 and the default user id
)

// Types of the PEM blocks, as openssl writes them.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// Key signs. The zero Key is unusable.
type Key struct {
	private ed25519.PrivateKey
	sm2     *sm2.PrivateKey // set for an SM2 key, and then alone
}

// LoadOrCreate is [LoadOrCreateAs] with Ed25519.
func LoadOrCreate(dir, name string, random io.Reader) (Key, error) {
	return LoadOrCreateAs(dir, name, Ed25519, random)
}

// LoadOrCreateAs returns the key in dir/name.pem, whatever its algorithm. Where
// there is none it makes one of the algorithm from random and, if need be, the directory; of several processes that do
// so at once all get the same key. Errors: signing.exposed where the file can
// be read by others, signing.key where it is neither an Ed25519
// nor an SM2 key, signing.random, signing.file.
func LoadOrCreateAs(dir, name string, algorithm Algorithm, random io.Reader) (Key, error) {
	path := filepath.Join(dir, name+".pem")
	raw, err := loadOrCreate(path, func() ([]byte, error) { return newKeyPEM(algorithm, random) })
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

// LoadFile is [Load] for the key file of somebody else's house, by its path.
func LoadFile(path string) (Key, error) {
	raw, err := readPrivate(path)
	if err != nil {
		return Key{}, err
	}
	return parseKey(path, raw)
}

// newKeyPEM makes a private key and its file.
func newKeyPEM(algorithm Algorithm, random io.Reader) ([]byte, error) {
	var der []byte
	var err error
	if algorithm == SM2 {
		der, err = newSM2(random)
	} else {
		var seed []byte
		if seed, err = draw(random, ed25519.SeedSize); err != nil {
			return nil, err
		}
		der, err = x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), err
}

func parseKey(path string, raw []byte) (Key, error) {
	bad := fault.Broken("signing.key").In(filepath.Base(path))
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != privateBlock {
		return Key{}, bad
	}
	parsed, err := smx509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, bad.Because(err)
	}
	switch private := parsed.(type) {
	case ed25519.PrivateKey:
		return Key{private: private}, nil
	case *sm2.PrivateKey:
		return Key{sm2: private}, nil
	}
	return Key{}, bad
}

// Sign returns the signature of the whole message: 64 bytes of Ed25519, or SM2's
// ASN.1 of about 70. The same message always gives the same signature.
func (k Key) Sign(message []byte) []byte {
	if k.sm2 != nil {
		return signSM2(k.sm2, message)
	}
	return ed25519.Sign(k.private, message)
}

// Signature returns the signature with the names of its algorithm and key.
func (k Key) Signature(message []byte) Signature {
	return Signature{Algorithm: k.Public().Algorithm(), KeyID: k.Public().ID(), Value: k.Sign(message)}
}

// Public returns the half of the key that verifies.
func (k Key) Public() Public {
	if k.sm2 != nil {
		return Public{sm2: &k.sm2.PublicKey}
	}
	return Public{key: k.private.Public().(ed25519.PublicKey)}
}

// Public verifies what its [Key] signed. The zero Public verifies nothing.
type Public struct {
	key ed25519.PublicKey
	sm2 *ecdsa.PublicKey // set for an SM2 key, and then alone
}

// ParsePublic reads what [Public.PEM] wrote. It returns signing.public for
// anything but one Ed25519 or SM2 key.
func ParsePublic(raw []byte) (Public, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != publicBlock {
		return Public{}, fault.Invalid("signing.public")
	}
	parsed, err := smx509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, fault.Invalid("signing.public").Because(err)
	}
	switch key := parsed.(type) {
	case ed25519.PublicKey:
		return Public{key: key}, nil
	case *ecdsa.PublicKey:
		if sm2.IsSM2PublicKey(key) {
			return Public{sm2: key}, nil
		}
	}
	return Public{}, fault.Invalid("signing.public")
}

// ID names the key in seals and documents: the first 16 hex digits of the
// SHA-256 of its bytes, 32 of Ed25519 or the 65 of SM2's uncompressed point. It
// tells keys apart; it does not replace the key.
func (p Public) ID() string {
	raw := []byte(p.key)
	if p.sm2 != nil {
		raw = pointOf(p.sm2)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// Algorithm returns the algorithm of the key.
func (p Public) Algorithm() Algorithm {
	if p.sm2 != nil {
		return SM2
	}
	return Ed25519
}

// PEM returns the key as a file for those who verify (PKIX, RFC 8410).
func (p Public) PEM() ([]byte, error) {
	var key any = p.key
	if p.sm2 != nil {
		key = p.sm2
	}
	der, err := smx509.MarshalPKIXPublicKey(key)
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
	var ok bool
	switch {
	case pub.sm2 != nil:
		ok = sm2.VerifyASN1WithSM2(pub.sm2, nil, message, signature)
	case len(pub.key) == ed25519.PublicKeySize:
		ok = ed25519.Verify(pub.key, message, signature)
	}
	if !ok {
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
