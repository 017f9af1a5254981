package signing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/signing"
)

// seed is the secret key of test 2 in RFC 8032 section 7.1.
const (
	seed          = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
	seedSignature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

func bytesOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func create(t *testing.T, dir string) signing.Key {
	t.Helper()
	key, err := signing.LoadOrCreate(dir, "seal", bytes.NewReader(bytesOf(t, seed)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	good := filepath.Join(t.TempDir(), "keys")
	create(t, good)
	raw, err := os.ReadFile(filepath.Join(good, "seal.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		mode fs.FileMode
		code string
	}{
		{"read by others", raw, 0o644, "signing.exposed"},
		{"read by the group", raw, 0o640, "signing.exposed"},
		{"written by others", raw, 0o602, "signing.exposed"},
		{"empty", nil, 0o600, "signing.key"},
		{"cut off", raw[:60], 0o600, "signing.key"},
		{"no PEM", []byte(seed), 0o600, "signing.key"},
		{"other block", bytes.ReplaceAll(raw, []byte("PRIVATE"), []byte("PUBLIC")), 0o600, "signing.key"},
		{"other bytes", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600, "signing.key"},
		{"other algorithm", ecdsaPEM(t), 0o600, "signing.key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "seal.pem")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			_, err := signing.LoadOrCreate(dir, "seal", clock.Rand())
			if fault.CodeOf(err) != c.code || fault.ExitCode(err) != 3 {
				t.Errorf("got %v, want %s with exit code 3", err, c.code)
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, c.data) {
				t.Error("a refused key file was changed")
			}
		})
	}
}

func ecdsaPEM(t *testing.T) []byte {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 1)
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestNoRandomnessNoKey(t *testing.T) {
	dir := t.TempDir()
	_, keyErr := signing.LoadOrCreate(dir, "seal", strings.NewReader("short"))
	_, secretErr := signing.LoadOrCreateSecret(filepath.Join(dir, "salt"), 32, strings.NewReader("short"))
	for _, err := range []error{keyErr, secretErr} {
		if fault.CodeOf(err) != "signing.random" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, error %v", left, err)
	}
}

func TestLoadDoesNotCreate(t *testing.T) {
	dir := t.TempDir()
	if _, err := signing.Load(dir, "seal"); fault.CodeOf(err) != "signing.file" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	want := create(t, dir).Public()
	got, err := signing.Load(dir, "seal")
	if err != nil || got.Public().ID() != want.ID() {
		t.Errorf("got %v, error %v", got.Public().ID(), err)
	}
}

// TestKnownVector signs the one-byte message of RFC 8032 section 7.1, test 2.
func TestKnownVector(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	key := create(t, dir)
	if got := hex.EncodeToString(key.Sign([]byte{0x72})); got != seedSignature {
		t.Errorf("got %s, want %s", got, seedSignature)
	}
	info, err := os.Stat(filepath.Join(dir, "seal.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has %v, error %v", info.Mode(), err)
	}
	again, err := signing.LoadOrCreate(dir, "seal", strings.NewReader("")) // draws nothing
	if err != nil || !bytes.Equal(again.Sign([]byte{0x72}), key.Sign([]byte{0x72})) {
		t.Errorf("the key read again signs otherwise, error %v", err)
	}
}

func TestCreatorsAtOnceGetOneKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			key, err := signing.LoadOrCreate(dir, "seal", clock.Rand())
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = key.Public().ID()
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("got keys %v", ids)
		}
	}
}

func TestSignatureHoldsForItsMessageAlone(t *testing.T) {
	key := create(t, t.TempDir())
	other, err := signing.LoadOrCreate(t.TempDir(), "seal", clock.Rand())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		s := key.Signature(message)
		if err := s.Verify(key.Public(), message); err != nil {
			t.Fatal(err)
		}
		bent := bytes.Clone(s.Value)
		bent[rapid.IntRange(0, len(bent)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for what, err := range map[string]error{
			"longer message": s.Verify(key.Public(), append(bytes.Clone(message), 0)),
			"bent signature": signing.Verify(key.Public(), message, bent),
			"cut signature":  signing.Verify(key.Public(), message, bent[:63]),
			"other key":      signing.Verify(other.Public(), message, s.Value),
			"no key":         signing.Verify(signing.Public{}, message, s.Value),
		} {
			if fault.CodeOf(err) != "signing.signature" {
				t.Errorf("%s: got %v", what, err)
			}
		}
	})
	s := key.Signature(nil)
	if err := s.Verify(other.Public(), nil); fault.CodeOf(err) != "signing.otherkey" {
		t.Errorf("other key: got %v", err)
	}
	s.Algorithm = "SM2"
	if err := s.Verify(key.Public(), nil); fault.CodeOf(err) != "signing.otherkey" {
		t.Errorf("other algorithm: got %v", err)
	}
}

func TestPublicAndSignatureSurviveTheirFiles(t *testing.T) {
	key := create(t, t.TempDir())
	file, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	pub, err := signing.ParsePublic(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = "39f713d0a644253f" // SHA-256 of 3d4017..., the public key of that test
	if got := pub.ID(); got != want {
		t.Errorf("id: got %s, want %s", got, want)
	}
	text, err := json.Marshal(key.Signature([]byte("seal")))
	if err != nil {
		t.Fatal(err)
	}
	var s signing.Signature
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(key.Signature([]byte("seal")), s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := s.Verify(pub, []byte("seal")); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, []byte("x"), bytes.ReplaceAll(file, []byte("PUBLIC"), []byte("PRIVATE")), file[:50]} {
		if _, err := signing.ParsePublic(bad); fault.CodeOf(err) != "signing.public" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "salt")
	want := bytesOf(t, seed)
	for range 2 { // drawn, then read
		got, err := signing.LoadOrCreateSecret(path, 32, bytes.NewReader(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, error %v", got, err)
		}
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != seed+"\n" {
		t.Errorf("the file holds %q, error %v", raw, err)
	}
	if _, err := signing.LoadOrCreateSecret(path, 16, clock.Rand()); fault.CodeOf(err) != "signing.secret" {
		t.Errorf("other length: got %v", err)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.LoadOrCreateSecret(path, 32, clock.Rand()); fault.CodeOf(err) != "signing.exposed" {
		t.Errorf("read by others: got %v", err)
	}
}
