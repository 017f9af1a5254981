package signing

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"custody/internal/atomicfile"
	"custody/internal/fault"
)

// fileMax bounds a key file. An Ed25519 key is 119 bytes of PEM, an encrypted
// RSA-4096 key, the longest that someone might put there, about 3.5 KiB.
const fileMax = 16 << 10

// ownerOnly is the mode of a secret file; groupAndOthers are the bits that it
// must not have.
const (
	ownerOnly      fs.FileMode = 0o600
	groupAndOthers fs.FileMode = 0o077
)

// loadOrCreate reads the secret file at path or writes what create returns.
// It always ends by reading, so that the process that lost a race for creating
// the file goes on with the winner's.
func loadOrCreate(path string, create func() ([]byte, error)) ([]byte, error) {
	raw, err := readPrivate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return raw, err
	}
	fresh, err := create()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fileFault(path, err)
	}
	if err := atomicfile.Create(path, fresh, ownerOnly); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readPrivate(path)
}

// readPrivate reads a file that only its owner can read. The mode is that of
// the open file, so that it cannot be swapped in between.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileFault(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileFault(path, err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&groupAndOthers != 0 {
		return nil, fault.Broken("signing.exposed", mode.String()).In(filepath.Base(path))
	}
	raw, err := io.ReadAll(io.LimitReader(f, fileMax))
	if err != nil {
		return nil, fileFault(path, err)
	}
	return raw, nil
}

// fileFault is a fault of the machine: exit code 1.
func fileFault(path string, err error) error {
	return &fault.Fault{Kind: fault.Internal, Code: "signing.file", Args: []any{path}, Cause: err}
}
