package signing_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/signing"
)

// TestSM2Vector: the example of GM/T 0003.5-2012 appendix A, key, user id
// 1234567812345678, message and signature, holds under our Verify.
func TestSM2Vector(t *testing.T) {
	private, err := sm2.NewPrivateKey(bytesOf(t, "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"))
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := signing.LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) *big.Int { return new(big.Int).SetBytes(bytesOf(t, s)) }
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{
		number("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
		number("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")})
	if err != nil {
		t.Fatal(err)
	}
	if err := signing.Verify(key.Public(), []byte("message digest"), signature); err != nil {
		t.Error(err)
	}
	if err := signing.Verify(key.Public(), []byte("message digesT"), signature); fault.CodeOf(err) != "signing.signature" {
		t.Errorf("another message: %v", err)
	}
}

// TestDetached: a signature holds for its file and key alone, and is the same
// whenever it is made.
func TestDetached(t *testing.T) {
	file := []byte("PO20260213-01\n")
	keys := map[signing.Algorithm]signing.Key{}
	for _, a := range []signing.Algorithm{signing.Ed25519, signing.SM2} {
		key, err := signing.LoadOrCreateAs(t.TempDir(), "key", a, clock.Rand())
		if err != nil || key.Public().Algorithm() != a {
			t.Fatal(key.Public().Algorithm(), err)
		}
		keys[a] = key
	}
	for a, key := range keys {
		t.Run(string(a), func(t *testing.T) {
			raw, err := key.Detach(file).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := key.Detach(file).Encode(); err != nil || !bytes.Equal(raw, again) {
				t.Errorf("signed twice: %s and %s, %v", raw, again, err)
			}
			file2, err := key.Public().PEM()
			if err != nil {
				t.Fatal(err)
			}
			pub, err := signing.ParsePublic(file2)
			if err != nil || pub.ID() != key.Public().ID() {
				t.Fatal(pub.ID(), err)
			}
			other := keys[signing.SM2].Public()
			if a == signing.SM2 {
				other = keys[signing.Ed25519].Public()
			}
			for _, c := range []struct {
				name   string
				pub    signing.Public
				file   string
				change func(*signing.Detached)
				code   string
			}{
				{"another file", pub, "PO20260213-02\n", nil, "signing.signature"},
				{"another key", other, string(file), nil, "signing.otherkey"},
				{"another key of that name", other, string(file), func(d *signing.Detached) { d.KeyID, d.Algorithm = other.ID(), other.Algorithm() }, "signing.signature"},
				{"no key", signing.Public{}, string(file), func(d *signing.Detached) {
					d.KeyID, d.Algorithm = signing.Public{}.ID(), signing.Public{}.Algorithm()
				}, "signing.signature"},
				{"a byte of the signature", pub, string(file), func(d *signing.Detached) { d.Value[len(d.Value)-1] ^= 1 }, "signing.signature"},
				{"half the signature", pub, string(file), func(d *signing.Detached) { d.Value = d.Value[:len(d.Value)/2] }, "signing.signature"},
				{"another digest", pub, string(file), func(d *signing.Detached) { d.Digest = strings.Repeat("0", 64) }, "signing.digest"},
				{"a digest of another kind", pub, string(file), func(d *signing.Detached) { d.DigestAlgorithm = "MD5" }, "signing.digest"},
				{"the whole", pub, string(file), nil, ""},
			} {
				d, err := signing.ParseDetached(raw)
				if err != nil {
					t.Fatal(err)
				}
				if c.change != nil {
					c.change(&d)
				}
				if err := d.VerifyFile(c.pub, []byte(c.file)); fault.CodeOf(err) != c.code {
					t.Errorf("%s: got %v, want %s", c.name, err, c.code)
				}
			}
		})
	}
}

func TestParseDetachedRefuses(t *testing.T) {
	key := create(t, t.TempDir())
	good, err := key.Detach([]byte("x")).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", "{}", "[]", string(good) + "x", string(good) + string(good), strings.Replace(string(good), "{", `{"more": 1, `, 1),
		strings.Replace(string(good), key.Public().ID(), "", 1), string(good) + strings.Repeat(" ", signing.DetachedMax)} {
		if _, err := signing.ParseDetached([]byte(bad)); fault.CodeOf(err) != "signing.detached" {
			t.Errorf("%.80q: got %v", bad, err)
		}
	}
	if _, err := signing.ParseDetached(append([]byte(" \n"), good...)); err != nil {
		t.Errorf("white space: %v", err)
	}
}

// FuzzParseDetached: what is taken is written again as what was read.
func FuzzParseDetached(f *testing.F) {
	f.Add([]byte(`{"digest_algorithm":"SM3","digest":"00","algorithm":"SM2","key_id":"0011223344556677","signature":"MEQCIA=="}`))
	f.Add([]byte(`{"key_id":"x","signature":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := signing.ParseDetached(raw)
		if err != nil {
			if fault.CodeOf(err) != "signing.detached" {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := signing.ParseDetached(again)
		a, _ := json.Marshal(d)
		b, _ := json.Marshal(back)
		if len(again) <= signing.DetachedMax && (err != nil || !bytes.Equal(a, b)) {
			t.Errorf("%s became %s, %v", a, b, err)
		}
	})
}
