package signing

import (
	"crypto/ecdsa"
	"io"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"custody/internal/fault"
)

// newSM2 makes an SM2 key (PKCS#8).
func newSM2(random io.Reader) ([]byte, error) {
	key, err := sm2.GenerateKey(random)
	if err != nil {
		return nil, &fault.Fault{Kind: fault.Internal, Code: "signing.random", Cause: err}
	}
	return smx509.MarshalPKCS8PrivateKey(key)
}

// signSM2 signs a message under the default user id 1234567812345678 (GB/T
// 35276), which gmsm takes where none is given. The nonce follows from key and
// message by HMAC-SM3 (as in RFC 6979), so that a file that is signed again after
// a crash gets the same bytes; anybody's SM2 verifies it.
func signSM2(key *sm2.PrivateKey, message []byte) []byte {
	signature, err := sm2.SignDeterministic(key, message, sm2.DefaultSM2SignerOpts)
	if err != nil {
		panic("signing: a key that was read cannot fail to sign: " + err.Error())
	}
	return signature
}

// pointBytes is an uncompressed point: 04, x and y of 32 bytes each.
const pointBytes = 65

// pointOf returns the uncompressed point, which ends the key's PKIX form.
func pointOf(key *ecdsa.PublicKey) []byte {
	der, err := smx509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic("signing: a key that was read has a form: " + err.Error())
	}
	return der[len(der)-pointBytes:]
}
