// Package atomicfile writes files that appear whole or not at all.
//
// A payout file that is cut off half-way, or a seal that is empty after a power
// cut, is worse than none. Write therefore fills a temporary file in the same
// directory, flushes it to disk, renames it and flushes the directory; until
// the rename whatever stood at the path before still stands there.
//
//	err := atomicfile.Write(path, 0o640, func(w io.Writer) error {
//		return payfile.Write(w, batch)
//	})
//
// A killed process may leave a file that ends in [TempSuffix]; it is litter and
// may be removed, and no reader of a directory should look at it.
package atomicfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"custody/internal/fault"
	"time"
)

// TempSuffix ends the names of unfinished files.
const TempSuffix = ".tmp-custody"

// bufferSize saves system calls when rows are written one by one.
const bufferSize = 64 << 10

// Write creates or replaces the file at path with what write writes. An error
// of write comes back as it is, one of the disk as atomicfile.write; in both
// cases the path is as it was before and no temporary file stays.
//
// After the rename only the flush of the directory is left: where that alone
// fails the new file stands at path, whole, and the error is returned because
// it may not survive a power cut.
func Write(path string, perm fs.FileMode, write func(io.Writer) error) error {
	return place(path, perm, write, os.Rename)
}

// WriteFile is [Write] of bytes that are ready.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return place(path, perm, writing(data), os.Rename)
}

// Create is [WriteFile] for a file that must not be there yet, such as a key or
// a seal: where it is, it stays and the error is [fs.ErrExist]. Of several
// processes that create the same file at once exactly one succeeds.
func Create(path string, data []byte, perm fs.FileMode) error {
	return place(path, perm, writing(data), func(temp, path string) error {
		return errors.Join(os.Link(temp, path), os.Remove(temp))
	})
}

// writing writes data.
func writing(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// place fills a temporary file and moves it to path.
func place(path string, perm fs.FileMode, write func(io.Writer) error, move func(temp, path string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*"+TempSuffix)
	if err != nil {
		return failed(path, err)
	}
	temp := f.Name()
	if err := fill(f, path, perm, write); err != nil {
		return errors.Join(err, discard(f))
	}
	if err := move(temp, path); err != nil {
		os.Remove(temp) // Create has removed it already
		return failed(path, err)
	}
	if err := syncDir(dir); err != nil {
		return failed(path, err)
	}
	return nil
}

// IsTemp reports whether a name is that of an unfinished file.
func IsTemp(name string) bool { return strings.HasSuffix(name, TempSuffix) }

// fill writes, flushes to disk and closes the temporary file.
func fill(f *os.File, path string, perm fs.FileMode, write func(io.Writer) error) error {
	buffered := bufio.NewWriterSize(f, bufferSize)
	if err := write(buffered); err != nil {
		return err
	}
	for _, step := range []func() error{
		buffered.Flush,
		func() error { return f.Chmod(perm) }, // CreateTemp gave 0600
		f.Sync,
		f.Close,
	} {
		if err := step(); err != nil {
			return failed(path, err)
		}
	}
	return nil
}

// discard removes a temporary file that may or may not be closed already.
func discard(f *os.File) error {
	if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Remove(f.Name())
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// failed is a fault of the machine, not of the input: exit code 1.
func failed(path string, err error) error {
	return &fault.Fault{Kind: fault.Internal, Code: "atomicfile.write", Args: []any{path}, Cause: err}
}

// SweepOf removes what killed processes left half-written of the one file at
// path. The caller must be its only writer, or it takes another's work away.
func SweepOf(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if IsTemp(e.Name()) && strings.HasPrefix(e.Name(), "."+filepath.Base(path)+".") {
			err = errors.Join(err, os.Remove(filepath.Join(filepath.Dir(path), e.Name())))
		}
	}
	return err
}

// Sweep removes temporary files in the folder that were last written before
// the moment: what a killed process left. Choose it so long ago that nobody can
// still be writing them. A folder that is not there holds none.
func Sweep(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		info, infoErr := e.Info()
		if !IsTemp(e.Name()) || infoErr != nil || !info.ModTime().Before(before) {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	return err
}
